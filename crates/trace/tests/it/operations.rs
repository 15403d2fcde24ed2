//! Every operation of the table: all executors against Burn's own result, point by point.

use crate::curvature::check_trace;
use crate::mlp::{Data, Mlp, data, plane, targets};
use crate::reference::assert_close;
use burn::nn::loss::{BinaryCrossEntropyLossConfig, CrossEntropyLossConfig, MseLoss, Reduction};
use burn::tensor::activation::*;
use burn::tensor::ops::{GridSampleOptions, InterpolateMode};
use burn::tensor::{Bool, Int, Tensor};
use landscape_core::{Objective, Sample, Term};
use landscape_trace::{DirectObjective, Loss, Trace, TraceError, params_of};

type Inputs = (Tensor<2>, Tensor<1, Int>);

/// Compares all executors with the module itself, moved to every point; and their derivatives with differences.
#[track_caller]
fn check(name: &str, tolerance: f64, loss: fn(&Mlp, &Inputs) -> Loss) {
    let module = Mlp::new(&[6, 5, 4], 11);
    let data: Data = data(23, 6, 4, 8);
    let inputs = (data.x(), data.classes());
    let plane = plane(&params_of(&module).unwrap(), 2);
    let trace = Trace::capture(&module, &inputs, loss).unwrap_or_else(|e| panic!("{name}: {e}"));
    let terms: Vec<Term> = trace.objective(&plane, &[]).unwrap().terms().to_vec();
    let mean = |t: Tensor<1>| f64::from(t.mean().into_scalar::<f32>());
    let truth = DirectObjective::new(&module, &plane, terms, |m: &Mlp| {
        let parts = loss(m, &inputs).parts();
        let accuracy = parts.1.map(|c: Tensor<1, Bool>| mean(c.float()));
        Sample {
            loss: mean(parts.0),
            loss_se: None,
            accuracy,
            terms: parts.2.into_iter().map(mean).collect(),
        }
    })
    .unwrap();
    let points = [
        [0.0; 3],
        [0.3, -0.4, 0.0],
        [-0.9, 0.2, 0.0],
        [0.0, 0.7, 0.0],
    ];
    let expected = truth.evaluate(&points).unwrap();
    check_trace(&trace, &params_of(&module).unwrap());
    for target in targets() {
        let objective = trace
            .objective(&plane, std::slice::from_ref(&target))
            .unwrap();
        let found = objective.evaluate(&points).unwrap();
        for (e, f) in expected.iter().zip(&found) {
            assert_close(f.loss, e.loss, tolerance);
            if let (Some(a), Some(b)) = (e.accuracy, f.accuracy) {
                assert_close(a, b, 1e-6);
            }
            for (a, b) in e.terms.iter().zip(&f.terms) {
                assert_close(*a, *b, tolerance);
            }
        }
    }
}

/// One number a sample, from logits.
fn each(h: Tensor<2>) -> Loss {
    Loss::new(h.sum_dim(1).squeeze_dim::<1>(1))
}

macro_rules! activations {
    ($($name:ident: $f:expr;)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name), 2e-5, |m, (x, _)| {
                let f: fn(Tensor<2>) -> Tensor<2> = $f;
                // Squares, so that the sum does not cancel.
                each(f(m.forward(x.clone())).powi_scalar(2) + 0.1)
            });
        })*
    };
}

activations! {
    relu_of_logits: relu;
    tanh_of_logits: tanh;
    gelu_of_logits: gelu;
    sigmoid_of_logits: sigmoid;
    silu_of_logits: silu;
    softplus_of_logits: |h| softplus(h, 1.0);
    leaky_relu_of_logits: |h| leaky_relu(h, 0.1);
    mish_of_logits: mish;
    softmax_of_logits: |h| softmax(h, 1);
    log_softmax_of_logits: |h| log_softmax(h, 1);
    log_sigmoid_of_logits: log_sigmoid;
    exp_of_logits: |h| (h * 0.2).exp();
    log_of_logits: |h| (h.abs() + 0.5).log();
    log1p_of_logits: |h| h.abs().log1p();
    sqrt_of_logits: |h| (h.abs() + 0.1).sqrt();
    recip_of_logits: |h| (h.abs() + 1.0).recip();
    sin_and_cos_of_logits: |h| h.clone().sin() + h.cos();
    erf_of_logits: |h| h.erf();
    sign_of_logits: |h| h.sign();
    powers_of_logits: |h| h.abs().powf_scalar(1.5);
    power_of_two_values: |h| (h.clone().abs() + 0.5).powf(h.abs().clamp(0.0, 2.0));
    clamp_of_logits: |h| h.clamp(-0.5, 0.5);
    scalar_arithmetic: |h| ((h * 2.0 + 1.0) / 3.0 - 0.25).neg();
    comparisons_with_scalars: |h| {
        h.clone().greater_elem(0.1).float() + h.clone().lower_elem(-0.1).float() * 2.0
            + h.clone().greater_equal_elem(0.0).float() + h.lower_equal_elem(0.5).float()
    };
    comparisons_of_values: |h| {
        let g = h.clone() * 0.5 + 0.1;
        h.clone().greater(g.clone()).float() + h.clone().lower_equal(g.clone()).float() * 3.0
            + h.clone().equal(h.clone()).float() + h.not_equal(g).float()
    };
    logic: |h| {
        let (a, b) = (h.clone().greater_elem(0.0), h.lower_elem(1.0));
        a.clone().bool_and(b.clone()).float() + a.clone().bool_or(b).float() * 2.0 + a.bool_not().float()
    };
    masks: |h| {
        let mask = h.clone().greater_elem(0.0);
        h.clone().mask_fill(mask.clone(), 0.3) + h.clone().mask_where(mask, h * 0.1)
    };
    division: |h| h.clone() / (h.abs() + 1.0);
    maximum_and_minimum: |h| h.clone().max_dim(1) + h.min_dim(1) * 0.5;
    argmaximum: |h| h.clone().argmax(1).float() + h.argmin(1).float() * 0.5;
    means_and_sums: |h| h.clone().mean_dim(1) + h.sum_dim(1);
    slices_and_cat: |h| {
        let n = h.dims()[0];
        Tensor::cat(vec![h.clone().slice([0..n, 1..3]), h.clone().slice([0..n, 0..1]), h], 1)
    };
    reshapes_and_permutations: |h| {
        let n = h.dims()[0];
        h.reshape([n, 2, 2]).swap_dims(1, 2).reshape([n, 4]) * 2.0
    };
    attention_like_products: |h| {
        let n = h.dims()[0];
        let a = h.clone().reshape([n, 2, 2]);
        let scores = softmax(a.clone().matmul(a.clone().swap_dims(1, 2)), 2);
        scores.matmul(a).reshape([n, 4])
    };
    expansion: |h| {
        let n = h.dims()[0];
        h.clone().sum_dim(1).expand([n as i64, 4]) * h
    };
    constants: |h| h.clone() * Tensor::ones([1, 4], &h.device()) + Tensor::full([1, 4], 0.5, &h.device());
}

#[test]
fn burns_cross_entropy_and_its_spread() {
    check("cross-entropy", 1e-5, |m, (x, y)| {
        let logits = m.forward(x.clone());
        Loss::new(
            CrossEntropyLossConfig::new()
                .init(&x.device())
                .forward(logits, y.clone()),
        )
    });
}

#[test]
fn burns_binary_cross_entropy() {
    check("bce", 2e-5, |m, (x, y)| {
        let p = sigmoid(m.forward(x.clone()).sum_dim(1).squeeze_dim::<1>(1) * 0.1);
        let y = y.clone().greater_elem(1).int();
        Loss::new(
            BinaryCrossEntropyLossConfig::new()
                .init(&x.device())
                .forward(p, y),
        )
    });
    check("bce with logits", 2e-5, |m, (x, y)| {
        let z = m.forward(x.clone()).sum_dim(1).squeeze_dim::<1>(1);
        let y = y.clone().greater_elem(1).int();
        let config = BinaryCrossEntropyLossConfig::new().with_logits(true);
        Loss::new(config.init(&x.device()).forward(z, y))
    });
}

#[test]
fn burns_mean_squared_error() {
    check("mse", 1e-5, |m, (x, _)| {
        let z = m.forward(x.clone());
        Loss::new(MseLoss::new().forward(z.clone(), z * 0.5 + 1.0, Reduction::Mean))
    });
}

#[test]
fn regularisers_are_kept_apart() {
    check("terms", 1e-5, |m, (x, y)| {
        let params =
            |f: fn(Tensor<2>) -> Tensor<1>| f(m.weights()[0].clone()) + f(m.weights()[1].clone());
        crate::mlp::classification(m, &(x.clone(), y.clone()))
            .with_term("l2", 0.1, params(|w| w.powi_scalar(2).sum()))
            .with_term("l1", 0.2, params(|w| w.abs().sum()))
            .with_term("norm", 1.0, params(|w| w.powi_scalar(2).sum().sqrt()))
    });
}

#[test]
fn losses_that_mix_samples_are_still_right() {
    check("batch statistics", 5e-5, |m, (x, _)| {
        let h = m.forward(x.clone());
        let centred = h.clone() - h.mean_dim(0);
        Loss::new(centred.powi_scalar(2).sum_dim(1).squeeze_dim::<1>(1))
    });
    check("similarities between samples", 5e-5, |m, (x, _)| {
        let h = m.forward(x.clone());
        Loss::new(h.clone().matmul(h.transpose()).powi_scalar(2).mean())
    });
}

#[test]
fn statistics_of_the_data_are_computed_once() {
    check("centred data", 1e-5, |m, (x, y)| {
        let centred = x.clone() - x.clone().mean_dim(0);
        crate::mlp::classification(m, &(centred, y.clone()))
    });
}

#[test]
fn arithmetic_after_the_mean() {
    check("root mean square", 1e-5, |m, (x, _)| {
        let h = m.forward(x.clone());
        Loss::new(h.powi_scalar(2).mean().sqrt() + m.weights()[0].clone().abs().sum() * 0.01)
    });
}

#[test]
fn linear_outputs_stay_affine_to_the_end() {
    check("a loss that is affine in one layer", 1e-5, |m, (x, _)| {
        let h = x.clone().matmul(m.weights()[0].clone());
        Loss::new(h.mean_dim(1).squeeze_dim::<1>(1) * 3.0 + 10.0)
    });
}

#[test]
fn hooks_before_the_loss_are_drawn_once() {
    let module = Mlp::new(&[6, 5, 4], 11);
    let data = data(23, 6, 4, 8);
    let noisy = |m: &Mlp, (x, y): &Inputs| {
        let noise = x.random_like(burn::tensor::Distribution::Normal(0.0, 0.1));
        crate::mlp::classification(m, &(x.clone() + noise, y.clone()))
    };
    let plane = plane(&params_of(&module).unwrap(), 2);
    let points = [[0.1, 0.2, 0.0], [0.1, 0.2, 0.0]];
    let run = |seed| {
        let inputs = (data.x(), data.classes());
        let trace = Trace::capture_with_seed(&module, &inputs, noisy, seed).unwrap();
        trace
            .objective(&plane, &[])
            .unwrap()
            .evaluate(&points)
            .unwrap()
    };
    let (first, again, other) = (run(1), run(1), run(2));
    assert_eq!(first[0], first[1]);
    assert_eq!(first, again);
    assert_ne!(first[0].loss, other[0].loss);
    assert!(first[0].loss_se.is_some());
}

#[test]
fn an_unknown_operation_is_named_with_the_remedy() {
    let module = Mlp::new(&[6, 5, 4], 11);
    let data = data(23, 6, 4, 8);
    let error = Trace::capture(&module, &(data.x(), data.classes()), |m, (x, _)| {
        let grid = m.forward(x.clone()).reshape([23, 1, 2, 2]);
        let cubic = GridSampleOptions::new(InterpolateMode::Bicubic);
        let seen = grid.clone().grid_sample_2d(grid, cubic);
        each(seen.reshape([23, 2]))
    })
    .unwrap_err();
    assert!(
        matches!(&error, TraceError::Unsupported { operation } if operation == "Float::GridSample2d"),
        "{error}"
    );
    assert!(error.to_string().contains("DirectObjective"));
}

#[test]
fn wrong_inputs_are_refused() {
    let module = Mlp::new(&[6, 5, 4], 11);
    let (a, b) = (data(23, 6, 4, 8), data(22, 6, 4, 8));
    let error =
        Trace::capture(&module, &(a.x(), b.classes()), crate::mlp::classification).unwrap_err();
    assert!(matches!(error, TraceError::Samples { lengths } if lengths == [23, 22]));
    let error = Trace::capture(&module, &(a.x(), a.classes()), |m, (x, _)| {
        Loss::new(m.forward(x.clone()).slice([0..22, 0..4]).flatten::<1>(0, 1))
    })
    .unwrap_err();
    assert!(matches!(error, TraceError::LossShape { shape, samples: 23 } if shape == [88]));
    let trace = Trace::capture(&module, &(a.x(), a.classes()), crate::mlp::classification).unwrap();
    let other = plane(&params_of(&Mlp::new(&[6, 7, 4], 1)).unwrap(), 2);
    let error = trace.objective(&other, &[]).unwrap_err();
    assert!(error.to_string().contains("fc1.weight"), "{error}");
}
