//! Multilayer perceptrons in plain f64, straight from their definition; nothing of the library but
//! the parameters themselves.

use landscape_core::{Params, Plane, Point};

/// Shape and values of a parameter.
pub type Tensor = (Vec<usize>, Vec<f64>);

/// `x W^T + b` through ReLUs for `fc1..fcN`; `x` is `[n][inputs]`.
pub fn forward(params: &dyn Fn(&str) -> Tensor, layers: usize, x: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut h = x.to_vec();
    for layer in 1..=layers {
        let (shape, w) = params(&format!("fc{layer}.weight"));
        let (_, b) = params(&format!("fc{layer}.bias"));
        for row in &mut h {
            let out = (0..shape[0]).map(|o| {
                let sum: f64 = (0..shape[1]).map(|i| w[o * shape[1] + i] * row[i]).sum();
                let y = sum + b[o];
                if layer < layers { y.max(0.0) } else { y }
            });
            *row = out.collect();
        }
    }
    h
}

/// The parameters at a point, in f64 all the way: `theta + sum x_k d_k`.
pub fn at(plane: &Plane, point: Point) -> impl Fn(&str) -> Tensor + '_ {
    move |name| {
        let own = |p: &Params| p.get(name).expect("a known parameter").clone();
        let origin = own(plane.origin());
        let mut data: Vec<f64> = origin.data.iter().map(|&x| f64::from(x)).collect();
        for (direction, x) in plane.directions().iter().zip(point) {
            let d = own(&direction.tensors);
            data.iter_mut()
                .zip(d.data)
                .for_each(|(v, d)| *v += x * f64::from(d));
        }
        (origin.shape, data)
    }
}

/// Mean and standard error of the mean.
pub fn mean_and_error(losses: &[f64]) -> (f64, f64) {
    let n = losses.len() as f64;
    let mean = losses.iter().sum::<f64>() / n;
    let variance = losses.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// `ln sum exp x - x_label`
pub fn cross_entropy(logits: &[f64], label: usize) -> f64 {
    let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    max + logits.iter().map(|x| (x - max).exp()).sum::<f64>().ln() - logits[label]
}

/// `ln(1 + e^x) - x y`
pub fn bce_with_logits(x: f64, y: f64) -> f64 {
    x.max(0.0) - x * y + (-x.abs()).exp().ln_1p()
}

/// Whether `a` and `b` agree to `tolerance`, relative to the larger, or both are not numbers.
#[track_caller]
pub fn assert_close(a: f64, b: f64, tolerance: f64) {
    let scale = a.abs().max(b.abs()).max(1e-12);
    let same = (a.is_nan() && b.is_nan()) || a == b || (a - b).abs() <= tolerance * scale;
    assert!(
        same,
        "{a} and {b} differ by {:e} (relative), more than {tolerance:e}",
        (a - b).abs() / scale
    );
}
