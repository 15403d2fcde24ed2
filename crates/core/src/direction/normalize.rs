//! The formulas of [`Normalization`] and [`BiasMode`].

use super::{BiasMode, Normalization};
use crate::numeric::{norm, scale};
use crate::params::{Parameter, Params};

/// Keeps a filter without length from dividing by zero, as in Li et al.
const EPSILON: f64 = 1e-10;

pub(super) fn apply(
    direction: &mut Params,
    params: &Params,
    normalization: Normalization,
    bias: BiasMode,
) {
    for (d, w) in direction.tensors_mut().iter_mut().zip(params) {
        if !w.is_free() {
            d.data.fill(0.0);
        } else if w.is_one_dimensional() {
            one_dimensional(d, w, bias);
        } else {
            tensor(d, w, normalization);
        }
    }
    if normalization == Normalization::Model {
        to_model_norm(direction, params);
    }
}

fn one_dimensional(d: &mut Parameter, w: &Parameter, bias: BiasMode) {
    match bias {
        BiasMode::Zero => d.data.fill(0.0),
        BiasMode::Layer => to_norm(&mut d.data, w.norm()),
        BiasMode::Raw => {}
        BiasMode::Copy => d.data.copy_from_slice(&w.data),
    }
}

fn tensor(d: &mut Parameter, w: &Parameter, normalization: Normalization) {
    match normalization {
        Normalization::Filter => {
            scale_filters(d, w, |d_i, w_i| norm(w_i) / (norm(d_i) + EPSILON));
        }
        Normalization::DFilter => {
            scale_filters(d, w, |d_i, _| 1.0 / (norm(d_i) + EPSILON));
        }
        Normalization::Layer => to_norm(&mut d.data, w.norm()),
        Normalization::DLayer => to_norm(&mut d.data, 1.0),
        Normalization::Weight => {
            for (value, weight) in d.data.iter_mut().zip(&w.data) {
                *value *= weight;
            }
        }
        Normalization::Model | Normalization::None => {}
    }
}

/// Multiplies each filter by a number that it and the filter of the weights give.
fn scale_filters(d: &mut Parameter, w: &Parameter, factor: impl Fn(&[f32], &[f32]) -> f64) {
    d.filter_axes = w.filter_axes;
    let factors: Vec<f64> = { d.filters().zip(w.filters()) }
        .map(|(d_i, w_i)| factor(&d_i, &w_i))
        .collect();
    for (filter, factor) in factors.into_iter().enumerate() {
        d.scale_filter(filter, factor);
    }
}

/// Scales to a norm; what has no length stays zero.
fn to_norm(values: &mut [f32], target: f64) {
    let length = norm(values);
    if length > 0.0 {
        scale(values, target / length);
    }
}

fn to_model_norm(direction: &mut Params, params: &Params) {
    let length = direction.norm();
    if length > 0.0 {
        let factor = params.norm() / length;
        for tensor in direction.tensors_mut() {
            scale(&mut tensor.data, factor);
        }
    }
}
