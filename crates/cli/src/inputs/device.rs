use crate::args::{DeviceName, EvalArgs};
use crate::error::CliError;
use burn::tensor::Device;
use landscape_trace::{Level, Target};

/// Where an objective is evaluated; several targets share the points.
pub fn targets(args: &EvalArgs) -> Result<Vec<Target>, CliError> {
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

/// The Burn device of a name, opened; `cpu` is flex where a Burn device is needed.
pub fn device(name: DeviceName) -> Result<Device, CliError> {
    match name {
        DeviceName::Cpu | DeviceName::Flex => Ok(Device::flex()),
        DeviceName::Wgpu(_) | DeviceName::Vulkan(_) => wgpu(name),
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
