//! Opening devices: one that this machine does not have is an error, not a panic.

// Burn has deprecated LibTorch; it is still the fastest device on some machines.
#![cfg_attr(feature = "tch", allow(deprecated))]

use super::Precision;
use crate::error::TraceError;
use burn::tensor::Device;
use burn_backend::{Backend, DType};
#[cfg(any(feature = "tch", feature = "cuda"))]
use burn_dispatch::Dispatch;
use burn_dispatch::DispatchDevice;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
use burn_dispatch::devices::CubeDevice;
#[cfg(feature = "cuda")]
use burn_dispatch::devices::RuntimeId;
#[cfg(feature = "wgpu")]
use burn_dispatch::devices::{WgpuBackend, WgpuDevice, WgpuDeviceKind, wgpu};
#[cfg(feature = "tch")]
use burn_dispatch::{DispatchDeviceId, devices::LibTorchDevice};

/// Opens `device`, so that a missing one is known before work starts: Burn opens devices when the
/// first tensor is made on them, and panics there. One that is open already stays as it is.
///
/// # Errors
/// [`TraceError::NoDevice`] where there is no such adapter, driver or card.
pub fn open_device(device: &Device) -> Result<(), TraceError> {
    let device = inner(device);
    reach(device).map_err(|reason| TraceError::NoDevice {
        device: name(device),
        reason,
    })
}

/// A device of WebGPU on the best graphics API of this machine: its best adapter, or the one of that
/// index among discrete, integrated, virtual and other GPUs and software, in this order.
///
/// # Errors
/// [`TraceError::NoDevice`] where there is no such adapter.
#[cfg(feature = "wgpu")]
pub fn wgpu_device(index: Option<usize>) -> Result<Device, TraceError> {
    adapter(WgpuBackend::Auto, index)
}

/// As [`wgpu_device`], on Vulkan alone.
///
/// # Errors
/// As [`wgpu_device`].
#[cfg(feature = "wgpu")]
pub fn vulkan_device(index: Option<usize>) -> Result<Device, TraceError> {
    adapter(WgpuBackend::Vulkan, index)
}

#[cfg(feature = "wgpu")]
fn adapter(api: WgpuBackend, index: Option<usize>) -> Result<Device, TraceError> {
    let default = Device::from(WgpuDevice::new(WgpuDeviceKind::DefaultDevice).on(api));
    let device = match index {
        None => default,
        Some(index) => {
            let mut adapters = adapters(api);
            if index >= adapters.len() {
                return Err(TraceError::NoDevice {
                    device: format!("{}:{index}", name(inner(&default))),
                    reason: format!("adapters found: {}", adapters.len()),
                });
            }
            Device::from(adapters.swap_remove(index))
        }
    };
    open_device(&device)?;
    Ok(device)
}

/// The adapters of a graphics API, GPUs first.
#[cfg(feature = "wgpu")]
fn adapters(api: WgpuBackend) -> Vec<CubeDevice> {
    use WgpuDeviceKind::{Cpu, DiscreteGpu, IntegratedGpu, Other, VirtualGpu};
    // Listing is by kind: it gives what is there of the kind of the given device.
    let kinds = [
        DiscreteGpu(0),
        IntegratedGpu(0),
        VirtualGpu(0),
        Other(0),
        Cpu,
    ];
    let same_kind =
        |kind| CubeDevice::enumerate(CubeDevice::Wgpu(WgpuDevice::new(kind).on(api)).to_id());
    let ids = kinds.into_iter().flat_map(same_kind);
    ids.map(CubeDevice::from_id).collect()
}

/// An open device in words, with the hardware's own name where it has one.
pub(crate) fn describe(device: &Device) -> String {
    let device = inner(device);
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    if let Some(identity) = device.identity() {
        return format!("{}: {}", name(device), identity.name);
    }
    name(device)
}

/// Fails where an open device has no arithmetic for numbers of that precision.
pub(crate) fn computes_in(device: &Device, precision: Precision) -> Result<(), TraceError> {
    let device = inner(device);
    if precision == Precision::F32 || crate::replay::Replay::supports_dtype(device, DType::BF16) {
        return Ok(());
    }
    Err(TraceError::Precision {
        device: name(device),
        precision: precision.name(),
    })
}

/// Whether the device is the CPU itself.
pub(crate) fn is_cpu(device: &Device) -> bool {
    match inner(device) {
        DispatchDevice::Flex(_) => true,
        #[cfg(feature = "tch")]
        DispatchDevice::LibTorch(LibTorchDevice::Cpu) => true,
        _ => false,
    }
}

/// Whether the values of a device are in the memory of the system.
pub(crate) fn is_in_system_memory(device: &Device) -> bool {
    #[cfg(feature = "wgpu")]
    if let DispatchDevice::Cube(CubeDevice::Wgpu(wgpu)) = inner(device) {
        // An adapter that is not a card is software.
        let card = { inner(device).identity() }.and_then(|identity| identity.physical);
        return card.is_none() || matches!(wgpu.kind, WgpuDeviceKind::IntegratedGpu(_));
    }
    is_cpu(device)
}

/// Bytes that one tensor of an open device may take, and that all may, where it says so.
pub(crate) fn memory(device: &Device) -> (Option<u64>, Option<u64>) {
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    if let DispatchDevice::Cube(device) = inner(device) {
        let client = device.client();
        let memory = &client.properties().memory;
        return (Some(memory.max_page_size), memory.max_memory());
    }
    let _ = device;
    (None, None)
}

/// The device without automatic differentiation around it.
pub(crate) fn inner(device: &Device) -> &DispatchDevice {
    match device.as_dispatch() {
        DispatchDevice::Autodiff(device) => device,
        device => device,
    }
}

fn reach(device: &DispatchDevice) -> Result<(), String> {
    match device {
        #[cfg(feature = "wgpu")]
        DispatchDevice::Cube(CubeDevice::Wgpu(device)) => reach_wgpu(device),
        #[cfg(feature = "cuda")]
        DispatchDevice::Cube(CubeDevice::Cuda(device)) => {
            // Where there is no driver, looking for one panics.
            let found =
                std::panic::catch_unwind(|| Dispatch::enumerate_cube(RuntimeId::Cuda).len());
            there_is(device.index, found.unwrap_or(0), "this system")
        }
        #[cfg(feature = "tch")]
        DispatchDevice::LibTorch(LibTorchDevice::Cuda(index)) => there_is(
            *index,
            Dispatch::enumerate(DispatchDeviceId::LibTorch).len(),
            "LibTorch",
        ),
        _ => Ok(()),
    }
}

#[cfg(feature = "wgpu")]
fn reach_wgpu(device: &WgpuDevice) -> Result<(), String> {
    if matches!(device.kind, WgpuDeviceKind::Existing(_)) {
        return Ok(());
    }
    let open = wgpu::RuntimeOptions::try_default()
        .and_then(|options| wgpu::try_init_setup::<wgpu::AutoGraphicsApi>(device, options));
    match open {
        // Registered: it is open already.
        Ok(_) | Err(wgpu::WgpuInitError::Registration { .. }) => Ok(()),
        Err(wgpu::WgpuInitError::AdapterUnavailable { .. }) => Err("no such adapter".into()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(any(feature = "tch", feature = "cuda"))]
fn there_is(index: usize, found: usize, whoever: &str) -> Result<(), String> {
    match found {
        0 => Err(format!("{whoever} finds no CUDA device")),
        found if index >= found => Err(format!("{whoever} finds {found} CUDA devices, from 0")),
        _ => Ok(()),
    }
}

/// The device as the command line names it, where it does.
fn name(device: &DispatchDevice) -> String {
    match device {
        DispatchDevice::Flex(_) => "flex".into(),
        #[cfg(feature = "wgpu")]
        DispatchDevice::Cube(CubeDevice::Wgpu(device)) => {
            let api = match device.backend {
                WgpuBackend::Vulkan => "vulkan",
                _ => "wgpu",
            };
            match &device.kind {
                WgpuDeviceKind::DefaultDevice => api.into(),
                kind => format!("{api} {kind:?}"),
            }
        }
        #[cfg(feature = "cuda")]
        DispatchDevice::Cube(CubeDevice::Cuda(device)) => format!("cuda:{}", device.index),
        #[cfg(feature = "tch")]
        DispatchDevice::LibTorch(LibTorchDevice::Cpu) => "libtorch".into(),
        #[cfg(feature = "tch")]
        DispatchDevice::LibTorch(LibTorchDevice::Cuda(index)) => format!("libtorch-cuda:{index}"),
        other => format!("{other:?}"),
    }
}
