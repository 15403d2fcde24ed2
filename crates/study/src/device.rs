//! Devices by name, and what an operation is evaluated on.

use crate::StudyError;
use crate::report::Reporter;
use burn::tensor::Device;
use landscape_trace::{Level, Target, TraceError};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Where the loss is evaluated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum DeviceName {
    /// Own kernels on the CPU.
    #[default]
    Cpu,
    /// Burn's flex.
    Flex,
    /// Burn's wgpu: an adapter by its number, or the default one.
    Wgpu(Option<usize>),
    /// The same through Vulkan.
    Vulkan(Option<usize>),
    /// Burn's CUDA.
    Cuda(usize),
    /// LibTorch on the CPU.
    LibTorch,
    /// LibTorch on a CUDA device.
    LibTorchCuda(usize),
}

/// Words that name no device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown device `{given}`; one of: {}", DeviceName::KNOWN)]
pub struct UnknownDevice {
    given: String,
}

impl DeviceName {
    /// The names there are, for help texts and messages.
    pub const KNOWN: &'static str =
        "cpu, flex, wgpu[:i], vulkan[:i], cuda[:i], libtorch, libtorch-cuda[:i]";

    /// The Burn device, opened; `cpu` is flex where a Burn device is needed.
    ///
    /// # Errors
    /// [`StudyError::NoDevice`] where this program was built without it, and what the device says.
    pub fn open(self) -> Result<Device, StudyError> {
        match self {
            DeviceName::Cpu | DeviceName::Flex => Ok(Device::flex()),
            DeviceName::Wgpu(_) | DeviceName::Vulkan(_) => self.wgpu(),
            DeviceName::Cuda(index) => self.cuda(index),
            DeviceName::LibTorch | DeviceName::LibTorchCuda(_) => self.libtorch(),
        }
    }

    #[cfg(feature = "wgpu")]
    fn wgpu(self) -> Result<Device, StudyError> {
        Ok(match self {
            DeviceName::Vulkan(index) => landscape_trace::vulkan_device(index)?,
            DeviceName::Wgpu(index) => landscape_trace::wgpu_device(index)?,
            _ => Device::flex(),
        })
    }

    #[cfg(not(feature = "wgpu"))]
    fn wgpu(self) -> Result<Device, StudyError> {
        Err(self.absent("wgpu"))
    }

    #[cfg(feature = "cuda")]
    fn cuda(self, index: usize) -> Result<Device, StudyError> {
        let device = Device::cuda(index);
        landscape_trace::open_device(&device)?;
        Ok(device)
    }

    #[cfg(not(feature = "cuda"))]
    fn cuda(self, _: usize) -> Result<Device, StudyError> {
        Err(self.absent("cuda"))
    }

    #[cfg(feature = "tch")]
    #[allow(deprecated)] // by Burn; LibTorch stays the fastest device on some machines
    fn libtorch(self) -> Result<Device, StudyError> {
        let device = match self {
            DeviceName::LibTorchCuda(index) => Device::libtorch_cuda(index),
            _ => Device::libtorch(),
        };
        landscape_trace::open_device(&device)?;
        Ok(device)
    }

    #[cfg(not(feature = "tch"))]
    fn libtorch(self) -> Result<Device, StudyError> {
        Err(self.absent("tch"))
    }

    #[cfg(not(all(feature = "wgpu", feature = "cuda", feature = "tch")))]
    fn absent(self, feature: &'static str) -> StudyError {
        StudyError::NoDevice {
            device: self.to_string(),
            feature,
        }
    }
}

impl FromStr for DeviceName {
    type Err = UnknownDevice;

    fn from_str(given: &str) -> Result<Self, UnknownDevice> {
        let unknown = || UnknownDevice {
            given: given.to_owned(),
        };
        let (name, index) = match given.split_once(':') {
            None => (given, None),
            Some((name, index)) => (name, Some(index.parse().map_err(|_| unknown())?)),
        };
        match (name, index) {
            ("cpu", None) => Ok(DeviceName::Cpu),
            ("flex", None) => Ok(DeviceName::Flex),
            ("wgpu", index) => Ok(DeviceName::Wgpu(index)),
            ("vulkan", index) => Ok(DeviceName::Vulkan(index)),
            ("cuda", index) => Ok(DeviceName::Cuda(index.unwrap_or(0))),
            ("libtorch", None) => Ok(DeviceName::LibTorch),
            ("libtorch-cuda", index) => Ok(DeviceName::LibTorchCuda(index.unwrap_or(0))),
            _ => Err(unknown()),
        }
    }
}

impl TryFrom<String> for DeviceName {
    type Error = UnknownDevice;

    fn try_from(given: String) -> Result<Self, UnknownDevice> {
        given.parse()
    }
}

impl From<DeviceName> for String {
    fn from(name: DeviceName) -> Self {
        name.to_string()
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceName::Cpu => f.write_str("cpu"),
            DeviceName::Flex => f.write_str("flex"),
            DeviceName::Wgpu(None) => f.write_str("wgpu"),
            DeviceName::Wgpu(Some(index)) => write!(f, "wgpu:{index}"),
            DeviceName::Vulkan(None) => f.write_str("vulkan"),
            DeviceName::Vulkan(Some(index)) => write!(f, "vulkan:{index}"),
            DeviceName::Cuda(index) => write!(f, "cuda:{index}"),
            DeviceName::LibTorch => f.write_str("libtorch"),
            DeviceName::LibTorchCuda(index) => write!(f, "libtorch-cuda:{index}"),
        }
    }
}

/// Where an operation is evaluated; no number changes with it beyond rounding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evaluation {
    /// Several devices share the points.
    pub devices: Vec<DeviceName>,
    /// Threads of the device `cpu`; 0 for all cores.
    pub threads: usize,
}

impl Default for Evaluation {
    /// Own kernels on all cores.
    fn default() -> Self {
        Evaluation {
            devices: vec![DeviceName::Cpu],
            threads: 0,
        }
    }
}

impl Evaluation {
    /// What an objective is evaluated on.
    ///
    /// # Errors
    /// [`StudyError::NoSimd`] where the environment asks for instructions that this processor lacks, and those of
    /// [`DeviceName::open`].
    pub fn targets(&self) -> Result<Vec<Target>, StudyError> {
        check_level()?;
        { self.devices.iter() }
            .map(|name| self.target(*name))
            .collect()
    }

    /// The same for points that several devices share: those that cannot be opened are left out, with a warning, where others can.
    ///
    /// # Errors
    /// As [`Evaluation::targets`] where no device is there, or this program was built without one of them.
    pub fn shared_targets(&self, reporter: &dyn Reporter) -> Result<Vec<Target>, StudyError> {
        check_level()?;
        let open = |name: &DeviceName| self.target(*name);
        those_there(&self.devices, open, reporter)
    }

    fn target(&self, name: DeviceName) -> Result<Target, StudyError> {
        match name {
            DeviceName::Cpu => Ok(Target::Host {
                threads: self.threads,
                level: Level::detect(),
            }),
            other => Ok(Target::Device {
                device: other.open()?,
                batch: 0,
            }),
        }
    }

    /// The devices in words.
    pub fn names(&self) -> String {
        let names: Vec<String> = self.devices.iter().map(ToString::to_string).collect();
        names.join(", ")
    }
}

/// Opens devices, of which some may be absent.
fn those_there<T>(
    names: &[DeviceName],
    open: impl Fn(&DeviceName) -> Result<T, StudyError>,
    reporter: &dyn Reporter,
) -> Result<Vec<T>, StudyError> {
    let (mut there, mut absent) = (Vec::new(), Vec::new());
    for name in names {
        match open(name) {
            Ok(target) => there.push(target),
            Err(error @ StudyError::Trace(TraceError::NoDevice { .. })) => absent.push(error),
            Err(other) => return Err(other),
        }
    }
    if there.is_empty()
        && let Some(error) = absent.pop()
    {
        return Err(error);
    }
    for error in absent {
        reporter.warn(format_args!(
            "warning: {error}; the other devices go on without it"
        ));
    }
    Ok(there)
}

/// What the environment asks for is there.
fn check_level() -> Result<(), StudyError> {
    let asked = std::env::var_os("LANDSCAPE_SIMD").filter(|name| !name.is_empty());
    match asked {
        Some(asked) if asked.to_str().and_then(Level::by_name).is_none() => {
            Err(StudyError::NoSimd { asked })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Display;
    use std::sync::Mutex;

    /// Keeps what is said.
    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Reporter for Heard {
        fn say(&self, _: crate::report::Level, words: &dyn Display) {
            self.0.lock().unwrap().push(words.to_string());
        }
    }

    fn absent(name: &DeviceName) -> StudyError {
        StudyError::Trace(TraceError::NoDevice {
            device: name.to_string(),
            reason: "no such adapter".to_owned(),
        })
    }

    #[test]
    fn devices_that_are_not_there_are_left_out_where_others_are() {
        let names = [
            DeviceName::Cpu,
            DeviceName::Cuda(1),
            DeviceName::Vulkan(None),
        ];
        let open = |name: &DeviceName| match name {
            DeviceName::Cpu => Ok("cpu"),
            other => Err(absent(other)),
        };
        let heard = Heard::default();
        assert_eq!(those_there(&names, open, &heard).unwrap(), ["cpu"]);
        let said = heard.0.into_inner().unwrap();
        assert_eq!(said.len(), 2, "{said:?}");
        for (words, name) in said.iter().zip(["cuda:1", "vulkan"]) {
            assert!(
                words.contains(name) && words.contains("no such adapter"),
                "{words}"
            );
        }
        // None of them, or one that this program does not have, is an error.
        let error = those_there(&names[1..2], open, &()).unwrap_err();
        assert!(error.to_string().contains("cuda:1"), "{error}");
        let unknown = |name: &DeviceName| match name {
            DeviceName::Cpu => Ok("cpu"),
            other => Err(StudyError::NoDevice {
                device: other.to_string(),
                feature: "cuda",
            }),
        };
        let error = those_there(&names, unknown, &()).unwrap_err();
        assert!(matches!(error, StudyError::NoDevice { .. }), "{error}");
    }
}
