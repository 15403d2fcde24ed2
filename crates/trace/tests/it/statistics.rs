//! BatchNorm with the statistics of all samples, at points where layers move and where they do not.

use crate::mlp::{plane, targets};
use crate::reference::*;
use burn::module::Module;
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use landscape_core::{Direction, Objective, Params, Plane, Rng, Source};
use landscape_trace::{BatchStatistics, Loss, Trace, params_of, with_params};

const EPSILON: f64 = 1e-5;

/// Normalisation of the data, a layer, a normalisation, a layer.
#[derive(Module, Debug)]
struct Normed {
    bn0: BatchNorm,
    fc1: Linear,
    bn1: BatchNorm,
    fc2: Linear,
}

fn normed() -> Normed {
    let device = Device::flex();
    let module = Normed {
        bn0: BatchNormConfig::new(5).init(&device),
        fc1: LinearConfig::new(5, 4).init(&device),
        bn1: BatchNormConfig::new(4).init(&device),
        fc2: LinearConfig::new(4, 1).init(&device),
    };
    let mut rng = Rng::new(3, 0);
    let mut params = params_of(&module).unwrap().into_inner();
    for p in &mut params {
        let variance = p.name.ends_with("running_var");
        p.data.iter_mut().for_each(|x| {
            *x = match variance {
                true => 1.0 + rng.uniform(0.0, 1.0) as f32,
                false => 0.8 * rng.normal() as f32,
            }
        });
    }
    with_params(module, &Params::new(params).unwrap()).unwrap()
}

impl Normed {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let x = self.bn0.forward::<2>(x);
        let h = relu(self.bn1.forward::<2>(self.fc1.forward(x)));
        self.fc2.forward(h)
    }
}

type Rows = Vec<Vec<f64>>;

/// Mean and variance (divided by n) of every column.
fn moments(x: &Rows) -> (Vec<f64>, Vec<f64>) {
    let n = x.len() as f64;
    let mean: Vec<f64> = (0..x[0].len())
        .map(|c| x.iter().map(|row| row[c]).sum::<f64>() / n)
        .collect();
    let variance = (0..x[0].len())
        .map(|c| x.iter().map(|row| (row[c] - mean[c]).powi(2)).sum::<f64>() / n)
        .collect();
    (mean, variance)
}

fn normalise(x: &Rows, of: &dyn Fn(&str) -> Vec<f64>, (mean, variance): (&[f64], &[f64])) -> Rows {
    let (gamma, beta) = (of("weight"), of("bias"));
    let one =
        |(c, x): (usize, &f64)| gamma[c] * (x - mean[c]) / (variance[c] + EPSILON).sqrt() + beta[c];
    x.iter()
        .map(|row| row.iter().enumerate().map(one).collect())
        .collect()
}

fn layer(x: &Rows, w: &[f64], b: &[f64]) -> Rows {
    let out = |row: &Vec<f64>| {
        let one = |o: usize| {
            let sum: f64 = row
                .iter()
                .enumerate()
                .map(|(i, x)| w[o * row.len() + i] * x)
                .sum();
            sum + b[o]
        };
        (0..b.len()).map(one).collect()
    };
    x.iter().map(out).collect()
}

/// Outputs of the network: a pass as in training, where layers normalise with the biased variance; with
/// `reestimated` a second one with the means and unbiased variances that the first one met.
fn outputs(params: &dyn Fn(&str) -> Vec<f64>, x: &Rows, reestimated: bool) -> Vec<f64> {
    let n = x.len() as f64;
    let mut kept = Vec::new();
    let pass = |kept: &mut Vec<(Vec<f64>, Vec<f64>)>, train: bool| {
        let mut norm = |x: &Rows, name: &str, index: usize| {
            let of = |leaf: &str| params(&format!("{name}.{leaf}"));
            if !train {
                let (mean, variance) = &kept[index];
                return normalise(x, &of, (mean, variance));
            }
            let (mean, variance) = moments(x);
            let unbiased = variance.iter().map(|v| v * n / (n - 1.0)).collect();
            kept.push((mean.clone(), unbiased));
            normalise(x, &of, (&mean, &variance))
        };
        let h = norm(x, "bn0", 0);
        let h = layer(&h, &params("fc1.weight"), &params("fc1.bias"));
        let mut h = norm(&h, "bn1", 1);
        h.iter_mut().flatten().for_each(|x| *x = x.max(0.0));
        let out = layer(&h, &params("fc2.weight"), &params("fc2.bias"));
        out.iter().map(|row| row[0]).collect::<Vec<f64>>()
    };
    let trained = pass(&mut kept, true);
    match reestimated {
        true => pass(&mut kept, false),
        false => trained,
    }
}

fn samples(n: usize) -> (Tensor<2>, Rows) {
    let mut rng = Rng::new(9, n as u64);
    let x: Vec<f32> = (0..n * 5)
        .map(|i| 1.5 * rng.normal() as f32 + (i % 5) as f32)
        .collect();
    let rows = x
        .chunks(5)
        .map(|row| row.iter().map(|&x| f64::from(x)).collect());
    let rows = rows.collect();
    (
        Tensor::from_data(TensorData::new(x, [n, 5]), &Device::flex()),
        rows,
    )
}

/// A plane on which only tensors whose names begin with one of `moving` move.
fn moving(params: &Params, moving: &[&str]) -> Plane {
    let all = plane(params, 2);
    let directions = all.directions().iter().map(|direction| {
        let mut tensors = direction.tensors.clone().into_inner();
        for tensor in &mut tensors {
            if !moving.iter().any(|name| tensor.name.starts_with(name)) {
                tensor.data.fill(0.0);
            }
        }
        let tensors = Params::new(tensors).unwrap();
        Direction::from_tensors(tensors, params, Source::File).unwrap()
    });
    Plane::new(params.clone(), directions.collect()).unwrap()
}

#[test]
fn statistics_of_all_samples_equal_the_reference_whatever_moves() {
    let module = normed();
    let params = params_of(&module).unwrap();
    let points = [[0.0; 3], [0.4, -0.3, 0.0], [-1.0, 0.7, 0.0]];
    for n in [2, 37, 600] {
        let (x, rows) = samples(n);
        let trace = Trace::capture(&module, &x, |module: &Normed, x: &Tensor<2>| {
            let out = module.forward(x.clone()).squeeze_dim::<1>(1);
            let term = module.bn0.forward::<2>(x.clone()).abs().mean().reshape([1]);
            Loss::new(out.powi_scalar(2)).with_term("spread", 0.5, term)
        })
        .unwrap();
        for (statistics, reestimated) in [
            (BatchStatistics::Batch, false),
            (BatchStatistics::Reestimated, true),
        ] {
            let trace = trace.with_batch_norm(statistics).unwrap();
            for names in [
                &["fc2"][..],
                &["fc1.weight"],
                &["bn1"],
                &["bn0", "fc2"],
                &["bn", "fc"],
            ] {
                let plane = moving(&params, names);
                for target in targets() {
                    let objective = trace.objective(&plane, &[target]).unwrap();
                    let found = objective.evaluate(&points).unwrap();
                    for (point, found) in points.iter().zip(found) {
                        let own = at(&plane, *point);
                        let of = |name: &str| own(name).1;
                        let losses: Vec<f64> = outputs(&of, &rows, reestimated)
                            .iter()
                            .map(|y| y * y)
                            .collect();
                        let (mean, error) = mean_and_error(&losses);
                        assert_close(found.loss, mean, 2e-5);
                        assert_close(found.loss_se.unwrap(), error, 2e-4);
                        let term = term(&of, &rows, reestimated);
                        assert_close(found.terms[0], term, 1e-5);
                    }
                }
            }
        }
    }
}

/// The mean of the absolute normalised data.
fn term(params: &dyn Fn(&str) -> Vec<f64>, x: &Rows, reestimated: bool) -> f64 {
    let n = x.len() as f64;
    let (mean, mut variance) = moments(x);
    if reestimated {
        variance.iter_mut().for_each(|v| *v *= n / (n - 1.0));
    }
    let of = |leaf: &str| params(&format!("bn0.{leaf}"));
    let out = normalise(x, &of, (&mean, &variance));
    out.iter().flatten().map(|x| x.abs()).sum::<f64>() / (n * 5.0)
}

/// Normalisation of images, and a layer.
#[derive(Module, Debug)]
struct Images {
    bn: BatchNorm,
    fc: Linear,
}

/// On images a channel's statistics are those of all its pixels.
#[test]
fn statistics_of_images_equal_the_reference_whatever_moves() {
    const PIXELS: usize = 4;
    let device = Device::flex();
    let module = Images {
        bn: BatchNormConfig::new(3).init(&device),
        fc: LinearConfig::new(3 * PIXELS, 1).init(&device),
    };
    let module = crate::conv::filled(module, 5);
    let params = params_of(&module).unwrap();
    let points = [[0.0; 3], [0.4, -0.3, 0.0]];
    for n in [37, 600] {
        let mut rng = Rng::new(4, n as u64);
        let x: Vec<f32> = (0..n * 3 * PIXELS)
            .map(|i| rng.normal() as f32 + (i / PIXELS % 3) as f32)
            .collect();
        // A row a pixel.
        let pixel = |i: usize| (0..3).map(move |c| (i / PIXELS * 3 + c) * PIXELS + i % PIXELS);
        let rows: Rows = (0..n * PIXELS)
            .map(|i| pixel(i).map(|at| f64::from(x[at])).collect())
            .collect();
        let x = Tensor::<4>::from_data(TensorData::new(x, [n, 3, 2, 2]), &device);
        let trace = Trace::capture(&module, &x, |module: &Images, x: &Tensor<4>| {
            let out = module.bn.forward::<4>(x.clone()).flatten::<2>(1, 3);
            Loss::new(module.fc.forward(out).squeeze_dim::<1>(1).powi_scalar(2))
        })
        .unwrap();
        for (statistics, unbiased) in [
            (BatchStatistics::Batch, false),
            (BatchStatistics::Reestimated, true),
        ] {
            let trace = trace.with_batch_norm(statistics).unwrap();
            for names in [&["fc"][..], &["bn"], &["bn", "fc"]] {
                let plane = moving(&params, names);
                for target in targets() {
                    let objective = trace.objective(&plane, &[target]).unwrap();
                    let found = objective.evaluate(&points).unwrap();
                    for (point, found) in points.iter().zip(found) {
                        let own = at(&plane, *point);
                        let (mean, mut variance) = moments(&rows);
                        let m = rows.len() as f64;
                        let factor = if unbiased { m / (m - 1.0) } else { 1.0 };
                        variance.iter_mut().for_each(|v| *v *= factor);
                        let of = |leaf: &str| own(&format!("bn.{leaf}")).1;
                        let normal = normalise(&rows, &of, (&mean, &variance));
                        let flat = |image: &[Vec<f64>]| -> Vec<f64> {
                            (0..3)
                                .flat_map(|c| image.iter().map(move |p| p[c]))
                                .collect()
                        };
                        let images: Rows = normal.chunks(PIXELS).map(flat).collect();
                        let out = layer(&images, &own("fc.weight").1, &own("fc.bias").1);
                        let losses: Vec<f64> = out.iter().map(|y| y[0] * y[0]).collect();
                        let (mean, error) = mean_and_error(&losses);
                        assert_close(found.loss, mean, 2e-5);
                        assert_close(found.loss_se.unwrap(), error, 2e-4);
                    }
                }
            }
        }
    }
}

#[test]
fn one_value_a_channel_has_no_statistics() {
    let module = normed();
    let (x, _) = samples(1);
    let trace = Trace::capture(&module, &x, |module: &Normed, x: &Tensor<2>| {
        Loss::new(module.forward(x.clone()).squeeze_dim::<1>(1))
    })
    .unwrap();
    assert!(trace.with_batch_norm(BatchStatistics::Frozen).is_ok());
    for statistics in [BatchStatistics::Batch, BatchStatistics::Reestimated] {
        let error = trace.with_batch_norm(statistics).unwrap_err().to_string();
        assert!(
            error.contains("`bn0`") && error.contains("one value"),
            "{error}"
        );
    }
}
