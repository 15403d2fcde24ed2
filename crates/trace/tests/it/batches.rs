//! Gradients of batches: those of the same samples alone, with statistics of closed form.

use landscape_core::{Parameter, Params, Rng, Role};
use landscape_trace::{
    BatchGradients, BatchStatistics, Binary, Convolution, Reduction, Target, Trace, TraceBuilder,
    TraceError, Unary,
};

const SAMPLES: usize = 41;
const CLASSES: usize = 3;
const IMAGE: [usize; 3] = [2, 6, 5];

struct Data {
    images: Vec<f32>,
    labels: Vec<f32>,
    weights: Vec<f32>,
}

impl Data {
    fn drawn() -> Self {
        let mut rng = Rng::new(3, 0);
        let numel: usize = IMAGE.iter().product();
        Data {
            images: (0..SAMPLES * numel)
                .map(|_| rng.normal() as f32 + 0.3)
                .collect(),
            labels: (0..SAMPLES)
                .map(|_| rng.below(CLASSES as u64) as f32)
                .collect(),
            weights: (0..SAMPLES).map(|_| rng.uniform(0.1, 2.0) as f32).collect(),
        }
    }

    fn of(&self, places: &[usize]) -> Self {
        let rows = |data: &[f32]| {
            let width = data.len() / SAMPLES;
            let row = |&place: &usize| data[place * width..][..width].to_vec();
            places.iter().flat_map(row).collect()
        };
        Data {
            images: rows(&self.images),
            labels: rows(&self.labels),
            weights: rows(&self.weights),
        }
    }
}

fn params() -> Params {
    let mut rng = Rng::new(8, 0);
    let mut one = |name: &str, shape: &[usize], role: Role| {
        let numel = shape.iter().product();
        let data = (0..numel).map(|_| 0.5 * rng.normal() as f32);
        let data = match name.ends_with("running_var") || name.ends_with("norm.weight") {
            true => data.map(|x| 1.0 + x.abs()).collect(),
            false => data.collect(),
        };
        Parameter::new(name, shape, data, role).unwrap()
    };
    Params::new(vec![
        one("conv.weight", &[4, 2, 3, 3], Role::Weight),
        one("norm.weight", &[4], Role::NormScale),
        one("norm.bias", &[4], Role::NormShift),
        one("norm.running_mean", &[4], Role::Buffer),
        one("norm.running_var", &[4], Role::Buffer),
        one("unused", &[2], Role::Weight),
        one("last.running_mean", &[4], Role::Buffer),
        one("last.running_var", &[4], Role::Buffer),
        one("head.weight", &[CLASSES, 4], Role::Weight),
        one("head.bias", &[CLASSES], Role::Bias),
    ])
    .unwrap()
}

/// Convolution, normalisation, means, normalisation without scale, layer; a mean that is weighted by the data.
fn trace(data: &Data) -> Result<Trace, TraceError> {
    let samples = data.labels.len();
    let mut p = TraceBuilder::new(samples);
    let x = p.data(&[&[samples], &IMAGE[..]].concat(), data.images.clone())?;
    let labels = p.data(&[samples, 1], data.labels.clone())?;
    let weights = p.data(&[samples, 1], data.weights.clone())?;
    for parameter in params().into_inner() {
        p.parameter(parameter)?;
    }
    let of = |p: &TraceBuilder, name: &str| p.named(name).unwrap();
    let geometry = Convolution {
        padding: [(1, 1); 2],
        ..Convolution::default()
    };
    let w = of(&p, "conv.weight");
    let h = p.conv2d(x, w, None, geometry)?;
    let of_norm = ["weight", "bias", "running_mean", "running_var"];
    let [gamma, beta, mean, variance] = of_norm.map(|n| of(&p, &format!("norm.{n}")));
    let h = p.batch_norm([h, gamma, beta, mean, variance], 1e-5, 0.1)?;
    let h = p.unary(Unary::Relu, h);
    let h = p.reshape(h, &[samples, 4, 30])?;
    let h = p.reduce(Reduction::Mean, h, Some(2))?;
    let h = p.reshape(h, &[samples, 4])?;
    let (one, zero) = (
        p.constant(&[4], vec![1.0; 4])?,
        p.constant(&[4], vec![0.0; 4])?,
    );
    let [mean, variance] = ["running_mean", "running_var"].map(|n| of(&p, &format!("last.{n}")));
    let h = p.batch_norm([h, one, zero, mean, variance], 1e-3, 0.25)?;
    let (w, b) = (of(&p, "head.weight"), of(&p, "head.bias"));
    let logits = p.linear(h, w, Some(b))?;
    let logs = p.softmax(logits, 1, true)?;
    let picked = p.gather(logs, 1, labels)?;
    let each = p.binary(Binary::Mul, picked, weights)?;
    let sum = p.reduce(Reduction::Sum, each, None)?;
    let total = p.reduce(Reduction::Sum, weights, None)?;
    let mean = p.binary(Binary::Div, sum, total)?;
    let loss = p.unary(Unary::Neg, mean);
    p.loss(loss, None, vec![])
}

/// One after the other: nothing of the batch before is left.
#[test]
fn batches_have_the_gradients_of_their_samples_alone() {
    let (data, params) = (Data::drawn(), params());
    let whole = trace(&data).unwrap();
    for size in [41, 20, 7, 3] {
        let first: Vec<usize> = (0..size).collect();
        let sized = trace(&data.of(&first)).unwrap();
        let mut batches = BatchGradients::new(&whole, &sized, &params, 2).unwrap();
        for shift in [0, 3, 17] {
            let places: Vec<usize> = (0..size).map(|i| (5 * i + shift) % SAMPLES).collect();
            let found = batches
                .at(&params, &places, None, &mut Rng::new(0, 0))
                .unwrap();
            let alone = trace(&data.of(&places)).unwrap();
            let alone = alone.with_batch_norm(BatchStatistics::Batch).unwrap();
            let curvature = alone.curvature(&params, &Target::default()).unwrap();
            let expected = curvature.in_f64().gradient().unwrap();
            assert!(
                (found.loss - expected.loss).abs() < 1e-5 * expected.loss,
                "{size} {shift}"
            );
            let mut gradient = expected.gradient.iter();
            let largest = expected.gradient.iter().fold(0.0f64, |a, b| a.max(b.abs()));
            for (tensor, own) in params.iter().zip(&found.gradient) {
                if tensor.role == Role::Buffer {
                    assert!(own.is_empty());
                    continue;
                }
                assert_eq!(own.is_empty(), tensor.name == "unused");
                for place in 0..tensor.data.len() {
                    let (own, expected) = (
                        own.get(place).map_or(0.0, |&x| f64::from(x)),
                        gradient.next().unwrap(),
                    );
                    let error = (own - expected).abs();
                    assert!(
                        error < 2e-5 * largest,
                        "{size} {shift} {}: {own}, not {expected}",
                        tensor.name
                    );
                }
            }
        }
    }
}

/// Mean and unbiased variance of what a convolution makes, and of what a later layer meets.
#[test]
fn statistics_are_those_of_the_batch() {
    let (data, params) = (Data::drawn(), params());
    let whole = trace(&data).unwrap();
    let places = [4, 40, 11, 0, 23];
    let sized = trace(&data.of(&[0, 1, 2, 3, 4])).unwrap();
    let mut batches = BatchGradients::new(&whole, &sized, &params, 0).unwrap();
    let found = batches
        .at(&params, &places, None, &mut Rng::new(0, 0))
        .unwrap();
    let of = |name: &str| {
        params
            .iter()
            .position(|tensor| tensor.name == name)
            .unwrap()
    };
    let order: Vec<(usize, f64)> = found
        .statistics
        .iter()
        .map(|s| (s.place, s.momentum))
        .collect();
    let expected = [
        (of("norm.running_mean"), 0.1),
        (of("norm.running_var"), 0.1),
        (of("last.running_mean"), 0.25),
        (of("last.running_var"), 0.25),
    ];
    assert_eq!(order, expected);
    let batch = data.of(&places);
    let weight = &params.get("conv.weight").unwrap().data;
    let [channels, height, width] = IMAGE;
    let pixel = |n: usize, c: usize, y: isize, x: isize| {
        let inside = (0..height as isize).contains(&y) && (0..width as isize).contains(&x);
        let at = ((n * channels + c) * height + y.max(0) as usize) * width + x.max(0) as usize;
        if inside {
            f64::from(batch.images[at])
        } else {
            0.0
        }
    };
    for out in 0..4 {
        let mut values = Vec::new();
        for n in 0..places.len() {
            for (y, x) in
                (0..height).flat_map(|y| (0..width).map(move |x| (y as isize, x as isize)))
            {
                let mut sum = 0.0;
                for (c, i, j) in (0..18).map(|k| (k / 9, k % 9 / 3, k % 3)) {
                    let w = f64::from(weight[(out * 2 + c) * 9 + i * 3 + j]);
                    sum += w * pixel(n, c, y + i as isize - 1, x + j as isize - 1);
                }
                values.push(sum);
            }
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
        for (statistic, expected) in found.statistics.iter().zip([mean, variance]) {
            let own = f64::from(statistic.values[out]);
            assert!(
                (own - expected).abs() < 1e-5,
                "{out}: {own}, not {expected}"
            );
        }
    }
    let mut running = vec![2.0; 4];
    found.statistics[2].update(&mut running);
    for (running, value) in running.iter().zip(&found.statistics[2].values) {
        assert!((running - (1.5 + 0.25 * value)).abs() < 1e-6);
    }
}

#[test]
fn the_first_input_may_be_another() {
    let (data, params) = (Data::drawn(), params());
    let whole = trace(&data).unwrap();
    let sized = trace(&data.of(&[0, 1, 2])).unwrap();
    let mut batches = BatchGradients::new(&whole, &sized, &params, 1).unwrap();
    let mut other = data.of(&[7, 8, 9]);
    other.labels = data.of(&[1, 2, 3]).labels;
    other.weights = data.of(&[1, 2, 3]).weights;
    let found = batches
        .at(
            &params,
            &[1, 2, 3],
            Some(&other.images),
            &mut Rng::new(0, 0),
        )
        .unwrap();
    let alone = trace(&other).unwrap();
    let mut alone = BatchGradients::new(&alone, &alone, &params, 1).unwrap();
    assert_eq!(
        found,
        alone
            .at(&params, &[0, 1, 2], None, &mut Rng::new(0, 0))
            .unwrap()
    );
}

#[test]
fn what_does_not_fit_is_told() {
    let (data, params) = (Data::drawn(), params());
    let whole = trace(&data).unwrap();
    let sized = trace(&data.of(&[0, 1, 2])).unwrap();
    let mut batches = BatchGradients::new(&whole, &sized, &params, 1).unwrap();
    let error = batches
        .at(&params, &[1, 2], None, &mut Rng::new(0, 0))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "a batch has 3 samples here, and 2 were given"
    );
    let one = trace(&data.of(&[0])).unwrap();
    // One sample has no spread where the second normalisation meets one value a channel.
    let error = BatchGradients::new(&whole, &one, &params, 1).unwrap_err();
    assert!(matches!(error, TraceError::OneValue { .. }), "{error}");
}

/// `mean_i (w . m_i x_i)^2` with masks that are 1 with probability 0.75, drawn for each batch.
#[test]
fn masks_are_drawn_for_each_batch() {
    const MANY: usize = 200;
    let made = |samples: usize| {
        let mut p = TraceBuilder::new(samples);
        let ones = (0..MANY * 6)
            .map(|i| 1.0 + (i % 7) as f32)
            .take(samples * 6);
        let x = p.data(&[samples, 6], ones.collect()).unwrap();
        let w = Parameter::new("w", [1, 6], vec![1.0; 6], Role::Weight).unwrap();
        let w = p.parameter(w).unwrap();
        let mask = p.mask(&[samples, 6], 0.75).unwrap();
        let whole = p.mask(&[5], 0.5).unwrap();
        let kept = p.binary(Binary::Mul, x, mask).unwrap();
        let z = p.linear(kept, w, None).unwrap();
        let squares = p.unary(Unary::PowScalar(2.0), z);
        let sum = p.reduce(Reduction::Sum, whole, None).unwrap();
        let shifted = p.binary(Binary::Add, squares, sum).unwrap();
        (p.params().unwrap(), p.loss(shifted, None, vec![]).unwrap())
    };
    let ((params, whole), (_, sized)) = (made(MANY), made(MANY));
    let mut batches = BatchGradients::new(&whole, &sized, &params, 0).unwrap();
    let places: Vec<usize> = (0..MANY).collect();
    let mut at = |seed| {
        let mut rng = Rng::new(seed, 0);
        batches.at(&params, &places, None, &mut rng).unwrap()
    };
    assert_eq!(at(3), at(3));
    let losses: Vec<f64> = (0..400).map(|seed| at(seed).loss).collect();
    let mean = losses.iter().sum::<f64>() / losses.len() as f64;
    let squares = losses.iter().map(|l| (l - mean).powi(2)).sum::<f64>();
    let error = (squares / (losses.len() as f64).powi(2)).sqrt();
    let expected: f64 = (0..MANY)
        .map(|sample| {
            let x: Vec<f64> = (0..6).map(|k| (1 + (sample * 6 + k) % 7) as f64).collect();
            let sum: f64 = x.iter().sum();
            let spread: f64 = x.iter().map(|x| x * x).sum();
            (0.75 * sum).powi(2) + 0.75 * 0.25 * spread
        })
        .sum::<f64>()
        / MANY as f64
        + 2.5;
    assert!(
        error > 0.0 && (mean - expected).abs() < 4.0 * error,
        "{mean}, not {expected}"
    );
}
