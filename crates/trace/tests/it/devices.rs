//! Devices that are there, and devices that are not.

use crate::mlp::devices;
use landscape_trace::open_device;

#[test]
fn devices_open_more_than_once() {
    for device in devices() {
        open_device(&device).unwrap();
        open_device(&device).unwrap();
        open_device(&device.autodiff()).unwrap();
    }
}

/// An objective on a device that is not there is an error that names it.
#[cfg(any(feature = "wgpu", feature = "tch"))]
#[track_caller]
fn is_absent(device: burn::tensor::Device, name: &str) {
    use crate::mlp::{Mlp, classification, data, plane};
    use landscape_trace::{Target, Trace, TraceError, params_of};
    let module = Mlp::new(&[6, 5, 4], 3);
    let data = data(5, 6, 4, 8);
    let trace = Trace::capture(&module, &(data.x(), data.classes()), classification).unwrap();
    let plane = plane(&params_of(&module).unwrap(), 1);
    let error = trace
        .objective(&plane, &[Target::Device { device, batch: 0 }])
        .unwrap_err();
    let TraceError::NoDevice { device, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(device, name, "{error}");
}

#[cfg(feature = "wgpu")]
#[test]
fn adapters_that_are_not_there() {
    use burn::tensor::{Device, DeviceKind};
    use landscape_trace::{vulkan_device, wgpu_device};
    is_absent(
        Device::wgpu(DeviceKind::DiscreteGpu(777)),
        "wgpu DiscreteGpu(777)",
    );
    is_absent(
        Device::wgpu(DeviceKind::VirtualGpu(1 << 20)),
        "wgpu VirtualGpu(1048576)",
    );
    let message = wgpu_device(Some(777)).unwrap_err().to_string();
    assert!(message.contains("wgpu:777"), "{message}");
    let message = vulkan_device(Some(777)).unwrap_err().to_string();
    assert!(message.contains("vulkan:777"), "{message}");
}

#[cfg(feature = "tch")]
#[test]
#[allow(deprecated)]
fn cuda_devices_that_are_not_there() {
    is_absent(
        burn::tensor::Device::libtorch_cuda(777),
        "libtorch-cuda:777",
    );
}
