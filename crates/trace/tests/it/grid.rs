//! Images at the places of a grid: `tests/reference/grid.txt`, which PyTorch computed in f64, by every executor.

use crate::mlp::targets;
use crate::reference::assert_close;
use burn::module::{Module, Param};
use burn::tensor::ops::{GridSampleOptions, GridSamplePaddingMode, InterpolateMode};
use burn::tensor::{Device, Tensor, TensorData};
use landscape_trace::{Loss, Trace, params_of};
use std::collections::HashMap;

#[derive(Module, Debug)]
struct Seen {
    image: Param<Tensor<4>>,
    grid: Param<Tensor<4>>,
}

/// Multiples of 2^-6.
fn numbers(shape: [usize; 4], step: usize, modulus: usize) -> Tensor<4> {
    let n: usize = shape.iter().product();
    let number = |i: usize| ((i * step + 11) % modulus) as f32 - (modulus / 2) as f32;
    let data: Vec<f32> = (0..n).map(|i| number(i) / 64.0).collect();
    Tensor::from_data(TensorData::new(data, shape), &Device::flex())
}

impl Seen {
    fn new() -> Self {
        Self {
            image: Param::from_tensor(numbers([1, 2, 4, 5], 37, 101)),
            grid: Param::from_tensor(numbers([1, 3, 4, 2], 53, 199)),
        }
    }

    fn losses(&self, x: &Tensor<4>, padding: GridSamplePaddingMode, corners: bool) -> Tensor<1> {
        let options = GridSampleOptions::new(InterpolateMode::Bilinear)
            .with_padding_mode(padding)
            .with_align_corners(corners);
        let image = self.image.val() * (x.clone() + 1.0);
        let seen = image.grid_sample_2d(self.grid.val() + x.clone() / 4.0, options);
        seen.powi_scalar(2)
            .flatten::<2>(1, 3)
            .mean_dim(1)
            .squeeze_dim(1)
    }
}

#[test]
fn images_at_a_grid_equal_pytorch() {
    let lines = include_str!("../reference/grid.txt").lines();
    let words = lines.map(|line| line.split_once(' ').unwrap());
    let numbers_of = |words: &str| words.split(' ').map(|w| w.parse().unwrap()).collect();
    let reference: HashMap<&str, Vec<f64>> = words.map(|(n, w)| (n, numbers_of(w))).collect();
    let (module, x) = (Seen::new(), numbers([5, 1, 1, 1], 29, 61));
    let params = params_of(&module).unwrap();
    use GridSamplePaddingMode::{Border, Reflection, Zeros};
    for (name, padding) in [
        ("zeros", Zeros),
        ("border", Border),
        ("reflection", Reflection),
    ] {
        for corners in [true, false] {
            let of = |what: &str| &reference[format!("{name}.{corners}.{what}").as_str()];
            let loss = |m: &Seen, x: &Tensor<4>| Loss::new(m.losses(x, padding, corners));
            let trace = Trace::capture(&module, &x, loss).unwrap();
            assert_eq!(trace.mixes_samples(), None);
            for target in targets() {
                let found = trace
                    .curvature(&params, &target)
                    .unwrap()
                    .gradient()
                    .unwrap();
                let mean = of("losses").iter().sum::<f64>() / 5.0;
                assert_close(found.loss, mean, 1e-5);
                let gradient = of("image").iter().chain(of("grid"));
                for (&own, &other) in found.gradient.iter().zip(gradient) {
                    assert!(
                        (own - other).abs() < 1e-5,
                        "{name}, {corners}, {target:?}: {own}, not {other}"
                    );
                }
            }
        }
    }
}
