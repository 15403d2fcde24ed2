use crate::args::{DeviceName, EvalArgs};
use crate::error::CliError;
use crate::output::quoted;
use burn::tensor::Device;
use landscape_trace::{Level, Target};

/// Where an objective is evaluated; several targets share the points.
pub fn targets(args: &EvalArgs) -> Result<Vec<Target>, CliError> {
    check_level()?;
    let target = |name: &DeviceName| match name {
        DeviceName::Cpu => Ok(Target::Host {
            threads: args.threads,
            level: Level::detect(),
        }),
        other => Ok(Target::Device {
            device: device(*other)?,
            batch: 0,
        }),
    };
    args.device.iter().map(target).collect()
}

/// What the environment asks for is there.
fn check_level() -> Result<(), CliError> {
    let asked = std::env::var_os("LANDSCAPE_SIMD").filter(|name| !name.is_empty());
    let Some(asked) = asked else { return Ok(()) };
    if asked.to_str().and_then(Level::by_name).is_some() {
        return Ok(());
    }
    let names = Level::available().into_iter().map(Level::name);
    let names: Vec<&str> = names.collect();
    Err(CliError::Conflict {
        what: format!(
            "LANDSCAPE_SIMD is {}, which names no instruction set of this processor",
            quoted(&asked)
        ),
        remedy: format!("set it to one of: {}, or unset it", names.join(", ")),
    })
}

/// The Burn device of a name, opened; `cpu` is flex where a Burn device is needed.
pub fn device(name: DeviceName) -> Result<Device, CliError> {
    match name {
        DeviceName::Cpu | DeviceName::Flex => Ok(Device::flex()),
        DeviceName::Wgpu(_) | DeviceName::Vulkan(_) => wgpu(name),
        DeviceName::Cuda(index) => cuda(index, name),
        DeviceName::LibTorch | DeviceName::LibTorchCuda(_) => libtorch(name),
    }
}

#[cfg(feature = "wgpu")]
fn wgpu(name: DeviceName) -> Result<Device, CliError> {
    Ok(match name {
        DeviceName::Vulkan(index) => landscape_trace::vulkan_device(index)?,
        DeviceName::Wgpu(index) => landscape_trace::wgpu_device(index)?,
        _ => Device::flex(),
    })
}

#[cfg(not(feature = "wgpu"))]
fn wgpu(name: DeviceName) -> Result<Device, CliError> {
    Err(CliError::NoDevice {
        device: name.to_string(),
        feature: "wgpu",
    })
}

#[cfg(feature = "cuda")]
fn cuda(index: usize, _: DeviceName) -> Result<Device, CliError> {
    let device = Device::cuda(index);
    landscape_trace::open_device(&device)?;
    Ok(device)
}

#[cfg(not(feature = "cuda"))]
fn cuda(_: usize, name: DeviceName) -> Result<Device, CliError> {
    Err(CliError::NoDevice {
        device: name.to_string(),
        feature: "cuda",
    })
}

#[cfg(feature = "tch")]
#[allow(deprecated)] // by Burn; LibTorch stays the fastest device on some machines
fn libtorch(name: DeviceName) -> Result<Device, CliError> {
    let device = match name {
        DeviceName::LibTorchCuda(index) => Device::libtorch_cuda(index),
        _ => Device::libtorch(),
    };
    landscape_trace::open_device(&device)?;
    Ok(device)
}

#[cfg(not(feature = "tch"))]
fn libtorch(name: DeviceName) -> Result<Device, CliError> {
    Err(CliError::NoDevice {
        device: name.to_string(),
        feature: "tch",
    })
}
