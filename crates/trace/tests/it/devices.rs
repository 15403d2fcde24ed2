//! Devices that are there, and devices that are not.

use crate::mlp::{Mlp, classification, data, devices, plane};
use landscape_core::{Objective, Params, Point, Sample};
use landscape_trace::{Bound, Group, Matrix, Target, Trace, open_device, params_of};

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
    use landscape_trace::TraceError;
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

/// Losses, standard errors and products do not depend on how many samples, points and vectors are computed together.
#[test]
fn groups_shrink_with_their_memory() {
    let module = Mlp::new(&[6, 40, 4], 3);
    let data = data(40, 6, 4, 8);
    let params = params_of(&module).unwrap();
    let trace = Trace::capture(&module, &(data.x(), data.classes()), classification).unwrap();
    let points: Vec<Point> = (0..8).map(|i| [0.02 * f64::from(i), 0.1, 0.0]).collect();
    for device in devices() {
        let target = [Target::Device { device, batch: 0 }];
        let mut first: Option<Found> = None;
        for bytes in [64 << 20, 1 << 20, 64 << 10, 1] {
            let trace = trace.clone().with_device_memory(bytes);
            let found = Found::of(&trace, &params, &points, &target);
            for group in &found.groups {
                assert_eq!((group.most, group.bound), (bytes, Bound::Given));
                let least = group.samples * group.points == 1;
                assert!(least || group.memory <= bytes, "{group}");
            }
            let first = first.get_or_insert_with(|| found.clone());
            found.assert_as(first);
        }
    }
}

#[derive(Clone)]
struct Found {
    groups: [Group; 2],
    samples: Vec<Sample>,
    products: Vec<Vec<f64>>,
}

impl Found {
    fn of(trace: &Trace, params: &Params, points: &[Point], target: &[Target]) -> Self {
        let objective = trace.objective(&plane(params, 2), target).unwrap();
        let curvature = trace.curvature(params, &target[0]).unwrap();
        let vector = |k: usize| (0..curvature.dim()).map(move |i| ((i + k) % 5) as f64 - 2.0);
        let vectors: Vec<Vec<f64>> = (0..3).map(|k| vector(k).collect()).collect();
        let of_products = curvature.group(Matrix::Hessian).unwrap().unwrap();
        Self {
            groups: [objective.groups().remove(0), of_products],
            samples: objective.evaluate(points).unwrap(),
            products: curvature.hessian(&vectors).unwrap(),
        }
    }

    #[track_caller]
    fn assert_as(&self, other: &Self) {
        for (own, other) in self.groups.iter().zip(&other.groups) {
            let pairs = (own.samples * own.points, other.samples * other.points);
            assert!(
                own.most == other.most || pairs.0 < pairs.1,
                "{own}, {other}"
            );
        }
        let near =
            |a: f64, b: f64| assert!((a - b).abs() <= 1e-5 * b.abs().max(1.0), "{a}, not {b}");
        for (own, other) in self.samples.iter().zip(&other.samples) {
            near(own.loss, other.loss);
            near(own.loss_se.unwrap(), other.loss_se.unwrap());
            assert_eq!(own.accuracy, other.accuracy);
        }
        let products = self
            .products
            .iter()
            .flatten()
            .zip(other.products.iter().flatten());
        products.for_each(|(&own, &other)| near(own, other));
    }
}
