//! Losses against their definitions in f64, and their derivatives.

use crate::support::{close, says};
use burn::tensor::{Bool, Device, Tensor, TensorData};
use landscape_models::{LossKind, TargetTensor, Targets};

fn tensor(values: &[f32], width: usize) -> Tensor<2> {
    let data = TensorData::new(values.to_vec(), [values.len() / width, width]);
    Tensor::from_data(data, &Device::flex())
}

fn target(targets: &Targets) -> TargetTensor {
    targets.to_tensor(&Device::flex())
}

fn rows(data: &[f32], width: usize) -> Targets {
    let data = data.to_vec();
    Targets::Values { data, width }
}

fn losses(kind: LossKind, output: Tensor<2>, targets: &Targets) -> Vec<f64> {
    let losses = kind.per_sample(output, &target(targets)).into_data();
    losses.iter::<f64>().collect()
}

fn correct(kind: LossKind, output: Tensor<2>, targets: &Targets) -> Vec<bool> {
    let hits: Tensor<1, Bool> = kind.correct(output, &target(targets)).unwrap();
    hits.into_data().iter::<bool>().collect()
}

/// The derivative of the summed losses with respect to the outputs.
fn gradient(kind: LossKind, values: &[f32], width: usize, targets: &Targets) -> Vec<f64> {
    let x = tensor(values, width).autodiff().require_grad();
    let grads = kind
        .per_sample(x.clone(), &target(targets))
        .sum()
        .backward();
    x.grad(&grads).unwrap().into_data().iter::<f64>().collect()
}

const LOGITS: [f32; 13] = [
    -300.0, -80.0, -17.5, -3.0, -0.5, -1e-4, 0.0, 1e-4, 0.5, 3.0, 17.5, 80.0, 300.0,
];

/// `log(1 + e^x)`.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[test]
fn bce_with_logits_is_exact_far_from_the_boundary_too() {
    for y in [0.0f32, 1.0, 0.25] {
        let targets = rows(&[y; 13], 1);
        let found = losses(LossKind::BceWithLogits, tensor(&LOGITS, 1), &targets);
        let slopes = gradient(LossKind::BceWithLogits, &LOGITS, 1, &targets);
        for ((&x, found), slope) in LOGITS.iter().zip(found).zip(slopes) {
            let (x, y) = (f64::from(x), f64::from(y));
            // log(1 + e^x) - x y, without its cancellation.
            let expected = y * softplus(-x) + (1.0 - y) * softplus(x);
            close(found, expected, 1e-6, 1e-37);
            close(slope, sigmoid(x) - y, 1e-5, 1e-7);
        }
    }
}

#[test]
fn bce_clamps_logarithms_as_pytorch_does() {
    let p = [0.0f32, 1e-30, 1e-4, 0.25, 0.5, 0.999, 1.0];
    for y in [0.0f32, 1.0, 0.3] {
        let targets = rows(&[y; 7], 1);
        let found = losses(LossKind::Bce, tensor(&p, 1), &targets);
        let tracked = tensor(&p, 1).autodiff();
        assert_eq!(found, losses(LossKind::Bce, tracked, &targets));
        for (&p, found) in p.iter().zip(found) {
            let (p, y) = (f64::from(p), f64::from(y));
            let (a, b) = (p.ln().max(-100.0), (-p).ln_1p().max(-100.0));
            close(found, -(y * a + (1.0 - y) * b), 1e-6, 1e-12);
        }
        let slopes = gradient(LossKind::Bce, &p, 1, &targets);
        assert!(slopes.iter().all(|slope| slope.is_finite()), "{slopes:?}");
        close(slopes[3], (0.25 - f64::from(y)) / (0.25 * 0.75), 1e-5, 0.0);
    }
    let outside = losses(
        LossKind::Bce,
        tensor(&[-0.1, 1.1], 1),
        &rows(&[0.0, 1.0], 1),
    );
    assert!(outside.iter().all(|loss| loss.is_nan()), "{outside:?}");
}

#[test]
fn cross_entropy_is_the_negative_log_softmax() {
    let logits = [1.0f32, -2.0, 0.5, 100.0, 0.0, -100.0, -3.0, -3.0, -3.0];
    let labels = Targets::Classes(vec![1, 2, 0]);
    let found = losses(LossKind::CrossEntropy, tensor(&logits, 3), &labels);
    let slopes = gradient(LossKind::CrossEntropy, &logits, 3, &labels);
    for (sample, label) in [1usize, 2, 0].into_iter().enumerate() {
        let row: Vec<f64> = logits[3 * sample..][..3]
            .iter()
            .map(|&v| f64::from(v))
            .collect();
        let top = row.iter().fold(f64::MIN, |a, &b| a.max(b));
        let sum: f64 = row.iter().map(|v| (v - top).exp()).sum();
        close(found[sample], top + sum.ln() - row[label], 1e-6, 1e-7);
        for class in 0..3 {
            let wanted = (row[class] - top).exp() / sum - f64::from(u8::from(class == label));
            close(slopes[3 * sample + class], wanted, 1e-5, 1e-7);
        }
    }
}

#[test]
fn class_probabilities_and_whole_numbers_are_targets_of_cross_entropy() {
    let logits = [1.0f32, -2.0, 0.5, 0.0, 2.0, -1.0];
    let by_class = losses(
        LossKind::CrossEntropy,
        tensor(&logits, 3),
        &Targets::Classes(vec![1, 2]),
    );
    let one_hot = rows(&[0.0, 1.0, 0.0, 0.0, 0.0, 1.0], 3);
    let whole = rows(&[1.0, 2.0], 1);
    for targets in [one_hot, whole] {
        let found = losses(LossKind::CrossEntropy, tensor(&logits, 3), &targets);
        for (found, expected) in found.iter().zip(&by_class) {
            close(*found, *expected, 1e-6, 0.0);
        }
        let suited = targets
            .suited_to(LossKind::CrossEntropy, 3, "data")
            .unwrap();
        assert_eq!(suited.len(), 2);
    }
}

#[test]
fn several_outputs_are_averaged_in_a_sample() {
    let (output, y) = ([1.0f32, 2.0, -1.0, 0.5], [0.5f32, 0.0, 1.0, 1.0]);
    let found = losses(LossKind::Mse, tensor(&output, 2), &rows(&y, 2));
    assert_eq!(found, [(0.25 + 4.0) / 2.0, (4.0 + 0.25) / 2.0]);
    let found = losses(LossKind::BceWithLogits, tensor(&output, 2), &rows(&y, 2));
    let one = |x: f64, y: f64| softplus(x) - x * y;
    close(found[0], (one(1.0, 0.5) + one(2.0, 0.0)) / 2.0, 1e-6, 0.0);
}

#[test]
fn nan_stays_nan() {
    for (kind, targets) in [
        (LossKind::CrossEntropy, Targets::Classes(vec![0])),
        (LossKind::BceWithLogits, rows(&[1.0, 0.0], 2)),
        (LossKind::Bce, rows(&[1.0, 0.0], 2)),
        (LossKind::Mse, rows(&[1.0, 0.0], 2)),
    ] {
        let found = losses(kind, tensor(&[f32::NAN, 0.5], 2), &targets);
        assert!(found[0].is_nan(), "{kind}");
    }
}

#[test]
fn predictions_are_right_where_they_are() {
    let logits = tensor(&[1.0, -2.0, 0.5, 0.0, 2.0, -1.0], 3);
    let labels = Targets::Classes(vec![0, 2]);
    assert_eq!(
        correct(LossKind::CrossEntropy, logits, &labels),
        [true, false]
    );
    let binary = tensor(&[-0.1, 0.1, 0.0, 0.0], 1);
    let y = Targets::Classes(vec![0, 1, 0, 1]);
    assert_eq!(
        correct(LossKind::BceWithLogits, binary, &y),
        [true, true, true, false]
    );
    let p = tensor(&[0.4, 0.6, 0.5, 0.5], 1);
    assert_eq!(correct(LossKind::Bce, p, &y), [true, true, true, false]);
    let both = tensor(&[1.0, -1.0, 1.0, 1.0], 2);
    let y = rows(&[1.0, 0.0, 1.0, 0.0], 2);
    assert_eq!(correct(LossKind::BceWithLogits, both, &y), [true, false]);
    assert!(
        LossKind::Mse
            .correct(tensor(&[0.0], 1), &target(&rows(&[0.0], 1)))
            .is_none()
    );
}

#[test]
fn labels_become_what_a_loss_needs() {
    let labels = Targets::Classes(vec![1, 0, 1]);
    let one = labels.suited_to(LossKind::BceWithLogits, 1, "d").unwrap();
    assert_eq!(one, rows(&[1.0, 0.0, 1.0], 1));
    let two = labels.suited_to(LossKind::Mse, 2, "d").unwrap();
    assert_eq!(two, rows(&[0.0, 1.0, 1.0, 0.0, 0.0, 1.0], 2));
    let ages = Targets::Classes(vec![33, -4]);
    let values = ages.suited_to(LossKind::Mse, 1, "d").unwrap();
    assert_eq!(values, rows(&[33.0, -4.0], 1));
}

#[test]
fn unsuitable_targets_are_named() {
    let error =
        |targets: &Targets, loss, outputs| targets.suited_to(loss, outputs, "d").unwrap_err();
    let labels = Targets::Classes(vec![0, 3, -1]);
    says(
        error(&labels, LossKind::CrossEntropy, 3),
        &[
            "data d: label 3 of sample 1 is outside the 3 classes 0 to 2",
            "more outputs",
        ],
    );
    says(
        error(&labels, LossKind::CrossEntropy, 4),
        &["label -1 of sample 2"],
    );
    says(
        error(&labels, LossKind::BceWithLogits, 1),
        &["label 3 of sample 1", "2 classes 0 to 1"],
    );
    says(
        error(&labels, LossKind::CrossEntropy, 1),
        &["one output", "bce-with-logits"],
    );
    let values = rows(&[0.5, 2.0], 1);
    says(
        error(&values, LossKind::CrossEntropy, 3),
        &["target 0.5 of sample 0 is not a class", "mse"],
    );
    says(
        error(&values, LossKind::Bce, 1),
        &["target 2 of sample 1 is outside [0, 1]"],
    );
    says(
        error(&values, LossKind::Mse, 3),
        &["1 target values each", "3 outputs"],
    );
    let soft = rows(&[0.5, 0.5, 0.9, 0.3], 2);
    says(
        error(&soft, LossKind::CrossEntropy, 2),
        &["probabilities of sample 1 do not sum to 1"],
    );
}

#[test]
fn names_are_read_and_written() {
    for kind in LossKind::ALL {
        assert_eq!(kind.name().parse::<LossKind>().unwrap(), *kind);
    }
    let error = "hinge".parse::<LossKind>().unwrap_err();
    says(
        error,
        &[
            "unknown loss `hinge`",
            "cross-entropy, bce-with-logits, bce, mse",
        ],
    );
}
