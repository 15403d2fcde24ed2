//! What a head keeps of outputs that are not ordinary, as PyTorch's `cross_entropy` and `argmax` have it.

use super::head::{Head, KEPT, LOGARITHM, PICKED, PLACE};
use super::simd::{LANES, Level};

const INFINITE: f32 = f32::INFINITY;

/// The outputs are the bias; one label.
fn classify(level: Level, outputs: &[f32], label: usize) -> [f32; KEPT] {
    let head = Head {
        x: &[0.0; LANES],
        w: &vec![1.0; outputs.len()],
        bias: Some(outputs),
        labels: &[label as f32; LANES],
        tokens: 1,
        inputs: 1,
        outputs: outputs.len(),
        lanes: LANES,
    };
    let mut kept = [0.0; KEPT * LANES];
    head.classify(level, &mut kept);
    std::array::from_fn(|row| kept[row * LANES + 5])
}

fn truth(outputs: &[f32], label: usize) -> f64 {
    let all = outputs.iter().map(|&x| f64::from(x));
    let max = all.clone().fold(f64::NEG_INFINITY, f64::max);
    let sum = all.clone().map(|x| (x - max).exp()).sum::<f64>();
    f64::from(outputs[label]) - max - sum.ln()
}

/// More outputs than one chunk has.
fn ramp(n: usize) -> Vec<f32> {
    let mut rng = landscape_core::Rng::new(1, 0);
    (0..n).map(|_| (3.0 * rng.normal()) as f32).collect()
}

#[test]
fn ordinary_outputs_and_huge_ones_equal_f64() {
    let count = if cfg!(miri) { 40 } else { 9001 };
    for scale in [1.0, 1e-3, 1e4] {
        let outputs: Vec<f32> = ramp(count).iter().map(|x| x * scale).collect();
        let largest = outputs.iter().copied().fold(-INFINITE, f32::max);
        let place = outputs.iter().position(|&x| x == largest).unwrap();
        for level in Level::available() {
            for label in [0, count / 2, count - 1, place] {
                let kept = classify(level, &outputs, label);
                let expected = truth(&outputs, label);
                let error = (f64::from(kept[PICKED]) - expected).abs();
                assert!(
                    error <= 2e-6 * expected.abs().max(1e-3),
                    "{level} {label}: {error}"
                );
                assert_eq!(kept[PLACE], place as f32, "{level}");
            }
        }
    }
}

/// A confident right answer keeps its small loss, though the largest comes in the last chunk or in the first.
#[test]
fn small_losses_keep_their_accuracy() {
    let count = if cfg!(miri) { 40 } else { 9001 };
    for place in [0, count - 1] {
        let mut outputs = vec![0.0; count];
        outputs[place] = 24.0;
        let expected = truth(&outputs, place);
        for level in Level::available() {
            let found = f64::from(classify(level, &outputs, place)[PICKED]);
            assert!(
                (found / expected - 1.0).abs() < 1e-5,
                "{found:e} {expected:e}"
            );
        }
    }
}

/// `torch.nn.functional.cross_entropy`, negated: what is not finite stays so.
#[test]
fn what_is_not_finite_is_as_in_pytorch() {
    let count = if cfg!(miri) { 40 } else { 9001 };
    let last = count - 1;
    let with = |changes: &[(usize, f32)]| {
        let mut outputs = vec![0.0; count];
        changes.iter().for_each(|&(i, x)| outputs[i] = x);
        outputs
    };
    let rest = -((count - 1) as f64).ln() as f32;
    let cases: [(Vec<f32>, usize, f32); 7] = [
        (with(&[(3, -INFINITE)]), 1, rest),
        (with(&[(3, -INFINITE)]), 3, -INFINITE),
        (with(&[(last, INFINITE)]), 1, f32::NAN),
        (with(&[(0, INFINITE)]), 0, f32::NAN),
        (with(&[(0, f32::NAN)]), 1, f32::NAN),
        (with(&[(last, f32::NAN)]), 1, f32::NAN),
        (vec![-INFINITE; count], 2, f32::NAN),
    ];
    for (outputs, label, expected) in cases {
        for level in Level::available() {
            let kept = classify(level, &outputs, label);
            let same = kept[PICKED] == expected
                || kept[PICKED].is_nan() && expected.is_nan()
                || (kept[PICKED] - expected).abs() < 1e-5;
            assert!(same, "{level}: {} and {expected}", kept[PICKED]);
            assert_eq!(kept[LOGARITHM].is_nan(), expected.is_nan(), "{level}");
        }
    }
    // A chunk of the lowest alone, before the others.
    let mut outputs = vec![-INFINITE; count];
    outputs[last] = 2.0;
    for level in Level::available() {
        let kept = classify(level, &outputs, last);
        assert!(kept[PICKED].abs() < 1e-30, "{level}: {:e}", kept[PICKED]);
        assert_eq!(kept[PLACE], last as f32, "{level}");
    }
}

/// A label that is none of the outputs has no loss.
#[test]
fn a_label_outside_has_no_loss() {
    for level in Level::available() {
        assert!(classify(level, &[1.0, 2.0], 2)[PICKED].is_nan(), "{level}");
    }
}
