//! Optimisers, step by step, against an implementation in f64 that shares nothing with Burn.

use crate::support::close;
use burn::tensor::Device;
use landscape_core::Params;
use landscape_models::{
    Dataset, LossKind, ModelSpec, Network, OptimizerKind, Record, Targets, TrainConfig, train,
};
use std::ops::ControlFlow;

const X: [f32; 8] = [0.5, -1.0, 1.5, 0.25, -0.75, 2.0, 1.0, 1.0];
const Y: [f32; 4] = [0.3, -0.8, 1.2, 0.1];
const HIDDEN: usize = 3;

/// Parameters of mlp:2-3-1:tanh in PyTorch's order, and the gradient of the mean squared error.
fn gradient(p: &[f64]) -> Vec<f64> {
    let (w1, rest) = p.split_at(2 * HIDDEN);
    let (b1, rest) = rest.split_at(HIDDEN);
    let (w2, b2) = rest.split_at(HIDDEN);
    let mut g = vec![0.0; p.len()];
    for (x, &y) in X.chunks(2).zip(&Y) {
        let x = [f64::from(x[0]), f64::from(x[1])];
        let h: Vec<f64> = (0..HIDDEN)
            .map(|j| (w1[2 * j] * x[0] + w1[2 * j + 1] * x[1] + b1[j]).tanh())
            .collect();
        let out = b2[0] + h.iter().zip(w2).map(|(h, w)| h * w).sum::<f64>();
        let d_out = 2.0 * (out - f64::from(y)) / Y.len() as f64;
        for j in 0..HIDDEN {
            let d_z = d_out * w2[j] * (1.0 - h[j] * h[j]);
            g[2 * j] += d_z * x[0];
            g[2 * j + 1] += d_z * x[1];
            g[2 * HIDDEN + j] += d_z;
            g[3 * HIDDEN + j] += d_out * h[j];
        }
        g[4 * HIDDEN] += d_out;
    }
    g
}

struct Rule {
    kind: OptimizerKind,
    lr: f64,
    momentum: f64,
    decay: f64,
}

/// PyTorch's update rules (`torch.optim.SGD`, `Adam`, `AdamW` with their default betas and eps).
fn reference(rule: &Rule, start: &[f64], steps: i32) -> Vec<Vec<f64>> {
    let (beta1, beta2, eps): (f64, f64, f64) = (0.9, 0.999, 1e-8);
    let mut p = start.to_vec();
    let (mut v, mut m, mut s) = (vec![0.0; p.len()], vec![0.0; p.len()], vec![0.0; p.len()]);
    let mut path = Vec::new();
    for t in 1..=steps {
        let g = gradient(&p);
        for i in 0..p.len() {
            let adamw = rule.kind == OptimizerKind::AdamW;
            let g = if adamw {
                g[i]
            } else {
                g[i] + rule.decay * p[i]
            };
            if adamw {
                p[i] *= 1.0 - rule.lr * rule.decay;
            }
            v[i] = if t == 1 { g } else { rule.momentum * v[i] + g };
            m[i] = beta1 * m[i] + (1.0 - beta1) * g;
            s[i] = beta2 * s[i] + (1.0 - beta2) * g * g;
            let (m_hat, s_hat) = (m[i] / (1.0 - beta1.powi(t)), s[i] / (1.0 - beta2.powi(t)));
            p[i] -= rule.lr
                * match rule.kind {
                    OptimizerKind::Sgd => g,
                    OptimizerKind::Momentum => v[i],
                    OptimizerKind::Nesterov => g + rule.momentum * v[i],
                    OptimizerKind::Adam | OptimizerKind::AdamW => m_hat / (s_hat.sqrt() + eps),
                };
        }
        path.push(p.clone());
    }
    path
}

fn flat(params: &Params) -> Vec<f64> {
    params.flatten().into_iter().map(f64::from).collect()
}

/// The path that the crate takes, one full batch a step.
fn path(rule: &Rule, steps: usize) -> Vec<Vec<f64>> {
    let spec: ModelSpec = "mlp:2-3-1:tanh".parse().unwrap();
    let y = Targets::Values {
        data: Y.to_vec(),
        width: 1,
    };
    let data = Dataset::new("tiny", vec![4, 2], X.to_vec(), y).unwrap();
    let config = TrainConfig {
        epochs: steps,
        batch: 4,
        optimizer: rule.kind,
        lr: rule.lr,
        momentum: rule.momentum,
        weight_decay: Some(rule.decay),
        every: 1,
        shuffle: false,
        ..TrainConfig::default()
    };
    let mut path = Vec::new();
    let network = Network::init(&spec, 5, &Device::flex());
    train(
        network,
        &data,
        LossKind::Mse,
        &config,
        &mut |record: Record| {
            path.push(flat(&record.params));
            ControlFlow::Continue(())
        },
    )
    .unwrap();
    path
}

#[test]
fn every_optimizer_takes_pytorchs_steps() {
    for &kind in OptimizerKind::ALL {
        for decay in [0.0, 0.1] {
            let rule = Rule {
                kind,
                lr: 0.1,
                momentum: 0.8,
                decay,
            };
            let found = path(&rule, 3);
            let expected = reference(&rule, &found[0], 3);
            assert_eq!(found.len(), 4);
            for (found, expected) in found[1..].iter().zip(expected) {
                for (&found, expected) in found.iter().zip(expected) {
                    close(found, expected, 0.0, 4e-6);
                }
            }
        }
    }
}

#[test]
fn long_runs_stay_close() {
    for &kind in OptimizerKind::ALL {
        let rule = Rule {
            kind,
            lr: 0.02,
            momentum: 0.9,
            decay: 0.01,
        };
        let found = path(&rule, 100);
        let expected = reference(&rule, &found[0], 100);
        for (&found, expected) in found[100].iter().zip(&expected[99]) {
            close(found, *expected, 1e-3, 1e-3);
        }
    }
}
