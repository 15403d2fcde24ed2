use crate::support::{assert_close, network, tensor, vector};
use landscape_core::{
    BiasMode, Direction, DirectionError, Distribution, FilterAxes, Normalization, Parameter,
    Params, Rng, Role, Source, orthogonalize,
};
use proptest::prelude::*;

fn norm(values: &[f32]) -> f64 {
    values
        .iter()
        .map(|&v| f64::from(v).powi(2))
        .sum::<f64>()
        .sqrt()
}

fn drawn(params: &Params, seed: u64, stream: u64) -> Direction {
    Direction::random(params, Distribution::Gaussian, seed, stream)
}

fn normalized(normalization: Normalization, bias: BiasMode) -> (Params, Direction, Direction) {
    let params = network();
    let raw = drawn(&params, 11, 0);
    let scaled = raw.clone().normalize(&params, normalization, bias).unwrap();
    assert_eq!((scaled.normalization, scaled.bias), (normalization, bias));
    (params, raw, scaled)
}

fn weights<'a>(
    params: &'a Params,
    raw: &'a Direction,
    scaled: &'a Direction,
) -> impl Iterator<Item = (&'a Parameter, &'a Parameter, &'a Parameter)> {
    params
        .iter()
        .zip(raw.tensors.iter())
        .zip(scaled.tensors.iter())
        .map(|((w, d), s)| (w, d, s))
        .filter(|(w, _, _)| w.shape.len() > 1)
}

/// `s` is `factor d`, value by value.
#[track_caller]
fn assert_scaled(s: &[f32], d: &[f32], factor: f64) {
    for (s, d) in s.iter().zip(d) {
        assert_close(f64::from(*s), f64::from(*d) * factor, 1e-7);
    }
}

#[test]
fn filter_gives_each_filter_its_weights_norm() {
    let (params, raw, scaled) = normalized(Normalization::Filter, BiasMode::Zero);
    for (w, d, s) in weights(&params, &raw, &scaled) {
        for ((w, d), s) in w.filters().zip(d.filters()).zip(s.filters()) {
            assert_scaled(&s, &d, norm(&w) / (norm(&d) + 1e-10));
            assert_close(norm(&s), norm(&w), 1e-6);
        }
    }
}

/// The columns of `[in, out]` are what the rows of `[out, in]` are, and so are their directions.
#[test]
fn a_matrix_has_the_direction_of_its_transpose() {
    let rows = tensor("w", &[3, 4], Role::Weight, |i| (i * i) as f32 - 20.0);
    let turn = |data: &[f32]| (0..12).map(|i| data[(i % 3) * 4 + i / 3]).collect();
    let columns = Parameter::new("w", [4, 3], turn(&rows.data), Role::Weight).unwrap();
    let columns = columns.with_filters(FilterAxes::axis(1)).unwrap();
    for normalization in [
        Normalization::Filter,
        Normalization::DFilter,
        Normalization::Layer,
    ] {
        let direction = |tensor: &Parameter| {
            let params = Params::new(vec![tensor.clone()]).unwrap();
            let drawn = drawn(&params, 3, 1).normalize(&params, normalization, BiasMode::Zero);
            let tensors = drawn.unwrap().tensors.into_inner();
            tensors[0].data.clone()
        };
        let expected: Vec<f32> = turn(&direction(&rows));
        assert_eq!(direction(&columns), expected, "{normalization:?}");
    }
}

#[test]
fn dfilter_gives_each_filter_norm_1() {
    let (params, raw, scaled) = normalized(Normalization::DFilter, BiasMode::Zero);
    for (_, d, s) in weights(&params, &raw, &scaled) {
        for (d, s) in d.filters().zip(s.filters()) {
            assert_scaled(&s, &d, 1.0 / (norm(&d) + 1e-10));
        }
    }
}

#[test]
fn layer_dlayer_weight_and_none() {
    let (params, raw, scaled) = normalized(Normalization::Layer, BiasMode::Zero);
    for (w, d, s) in weights(&params, &raw, &scaled) {
        assert_scaled(&s.data, &d.data, w.norm() / d.norm());
    }
    let (params, raw, scaled) = normalized(Normalization::DLayer, BiasMode::Zero);
    for (_, d, s) in weights(&params, &raw, &scaled) {
        assert_scaled(&s.data, &d.data, 1.0 / d.norm());
    }
    let (params, raw, scaled) = normalized(Normalization::Weight, BiasMode::Zero);
    for (w, d, s) in weights(&params, &raw, &scaled) {
        for i in 0..w.numel() {
            assert_eq!(s.data[i], d.data[i] * w.data[i]);
        }
    }
    let (params, raw, scaled) = normalized(Normalization::None, BiasMode::Zero);
    for (_, d, s) in weights(&params, &raw, &scaled) {
        assert_eq!(s, d);
    }
}

#[test]
fn model_gives_the_whole_direction_the_norm_of_the_parameters() {
    for &bias in BiasMode::ALL {
        let (params, _, scaled) = normalized(Normalization::Model, bias);
        assert_close(scaled.norm(), params.norm(), 1e-6);
    }
    let (params, raw, scaled) = normalized(Normalization::Model, BiasMode::Raw);
    let factor = params.norm() / raw.norm();
    for (d, s) in raw.tensors.iter().zip(scaled.tensors.iter()) {
        assert_scaled(&s.data, &d.data, factor);
    }
}

#[test]
fn tensors_of_one_dimension_follow_the_bias_mode() {
    for &bias in BiasMode::ALL {
        let (params, raw, scaled) = normalized(Normalization::Filter, bias);
        for ((w, d), s) in params.iter().zip(&raw.tensors).zip(&scaled.tensors) {
            if w.shape.len() > 1 {
                continue;
            }
            match (w.role, bias) {
                (Role::Buffer, _) | (_, BiasMode::Zero) => assert_eq!(s.norm(), 0.0),
                (_, BiasMode::Layer) => assert_scaled(&s.data, &d.data, w.norm() / d.norm()),
                (_, BiasMode::Raw) => assert_eq!(s.data, d.data),
                (_, BiasMode::Copy) => assert_eq!(s.data, w.data),
            }
        }
    }
}

#[test]
fn the_bias_mode_does_not_change_the_weights() {
    let (_, _, zero) = normalized(Normalization::Filter, BiasMode::Zero);
    let (params, _, raw) = normalized(Normalization::Filter, BiasMode::Raw);
    for (_, a, b) in weights(&params, &zero, &raw) {
        assert_eq!(a, b);
    }
}

#[test]
fn zero_filters_stay_zero_under_every_rule() {
    let params = Params::new(vec![
        tensor("a.weight", &[3, 2], Role::Weight, |i| {
            if i < 2 { 0.0 } else { 1.0 }
        }),
        tensor("a.bias", &[2], Role::Bias, |_| 0.0),
        tensor("b.weight", &[2, 2], Role::Weight, |_| 0.0),
        tensor("empty.weight", &[0, 2], Role::Weight, |_| 0.0),
    ])
    .unwrap();
    for &normalization in Normalization::ALL {
        for &bias in BiasMode::ALL {
            let zeros =
                Direction::from_tensors(params.zeros_like(), &params, Source::File).unwrap();
            let scaled = zeros.normalize(&params, normalization, bias).unwrap();
            assert_eq!(scaled.norm(), 0.0, "{normalization} {bias}");
            let random = drawn(&params, 1, 0);
            let scaled = random.normalize(&params, normalization, bias).unwrap();
            assert!(scaled.tensors.flatten().iter().all(|v| v.is_finite()));
            if normalization == Normalization::Filter {
                assert_eq!(
                    scaled.tensors.get("a.weight").unwrap().data[..2],
                    [0.0, 0.0]
                );
                assert_eq!(scaled.tensors.get("b.weight").unwrap().norm(), 0.0);
            }
        }
    }
}

#[test]
fn random_values_are_one_sequence_over_the_tensors() {
    let params = network();
    for &distribution in Distribution::ALL {
        let direction = Direction::random(&params, distribution, 5, 2);
        let mut rng = Rng::new(5, 2);
        for value in direction.tensors.flatten() {
            let want = match distribution {
                Distribution::Gaussian => rng.normal(),
                Distribution::Uniform => rng.uniform(-1.0, 1.0),
                Distribution::Rademacher => rng.rademacher(),
            };
            assert_eq!(value, want as f32);
        }
        assert_eq!(
            direction.tensors.get("bn1.running_var").unwrap().norm(),
            0.0
        );
    }
}

#[test]
fn streams_are_nearly_orthogonal_in_high_dimension() {
    let params = Params::new(vec![tensor("w", &[100, 1000], Role::Weight, |_| 1.0)]).unwrap();
    for &distribution in Distribution::ALL {
        let [a, b] = [0, 1].map(|stream| Direction::random(&params, distribution, 0, stream));
        assert!(a.cosine(&b).unwrap().abs() < 0.015, "{distribution}");
    }
}

#[test]
fn between_is_the_plain_difference() {
    let from = network();
    let mut tensors = from.clone().into_inner();
    for tensor in &mut tensors {
        tensor.data.iter_mut().for_each(|v| *v += 0.5);
    }
    let to = Params::new(tensors).unwrap();
    let direction = Direction::between(&from, &to).unwrap();
    assert_eq!(direction.tensors, to.sub(&from).unwrap());
    assert!(direction.tensors.get("bn1.running_var").unwrap().norm() > 0.0);
    let still = direction.clone().without_buffers();
    assert_eq!(still.tensors.get("bn1.running_var").unwrap().norm(), 0.0);
    assert_eq!(still.norm(), direction.norm());
    assert!(Direction::between(&from, &vector(&[1.0])).is_err());
}

#[test]
fn directions_from_files_come_in_any_order() {
    let layout = network();
    let mut tensors = layout.clone().into_inner();
    tensors.reverse();
    let direction =
        Direction::from_tensors(Params::new(tensors).unwrap(), &layout, Source::File).unwrap();
    assert_eq!(direction.tensors, layout);
    let error = Direction::from_tensors(vector(&[1.0]), &layout, Source::File).unwrap_err();
    assert!(matches!(error, DirectionError::Layout(_)));
}

#[test]
fn parallel_and_empty_directions_are_refused_and_left_alone() {
    let layout = vector(&[0.0; 3]);
    let of = |v: [f32; 3]| Direction::from_tensors(vector(&v), &layout, Source::File).unwrap();
    let refused = |mut directions: Vec<Direction>| {
        let before = directions.clone();
        let error = orthogonalize(&mut directions).unwrap_err();
        assert_eq!(directions, before);
        error
    };
    let error = refused(vec![of([1.0, 2.0, 3.0]), of([-2.0, -4.0, -6.0])]);
    assert!(matches!(error, DirectionError::Parallel { index: 1, .. }));
    assert!(error.to_string().starts_with("direction 2 is parallel"));
    let error = refused(vec![
        of([1.0, 0.0, 0.0]),
        of([1.0, 1.0, 0.0]),
        of([0.0, 1.0, 0.0]),
    ]);
    assert!(matches!(error, DirectionError::Parallel { index: 2, .. }));
    let error = refused(vec![of([1.0, 0.0, 0.0]), of([0.0; 3])]);
    assert_eq!(
        error,
        DirectionError::Degenerate {
            index: 1,
            norm: 0.0
        }
    );
    let error = orthogonalize(&mut [of([f32::NAN, 0.0, 0.0])]).unwrap_err();
    assert!(matches!(error, DirectionError::Degenerate { index: 0, .. }));
}

#[test]
fn orthogonalisation_is_the_formula() {
    let layout = vector(&[0.0; 2]);
    let of = |v: [f32; 2]| Direction::from_tensors(vector(&v), &layout, Source::File).unwrap();
    let mut directions = vec![of([2.0, 0.0]), of([3.0, 4.0])];
    orthogonalize(&mut directions).unwrap();
    assert_eq!(directions[0].tensors.flatten(), [2.0, 0.0]);
    assert_eq!(
        directions[1].tensors.flatten(),
        [0.0, 5.0],
        "the norm it had"
    );
}

fn layouts() -> impl Strategy<Value = Params> {
    let tensor = (
        prop::collection::vec(1usize..5, 0..4),
        any::<u64>(),
        -3..4i32,
    );
    prop::collection::vec(tensor, 1..5).prop_map(|tensors| {
        let mut all = vec![tensor_of(0, vec![3, 5], 1, 0)];
        for (index, (shape, seed, scale)) in tensors.into_iter().enumerate() {
            all.push(tensor_of(index + 1, shape, seed, scale));
        }
        Params::new(all).unwrap()
    })
}

fn tensor_of(index: usize, shape: Vec<usize>, seed: u64, scale: i32) -> Parameter {
    let mut rng = Rng::new(seed, 9);
    let data = (0..shape.iter().product())
        .map(|_| (rng.normal() * 10f64.powi(scale)) as f32)
        .collect();
    let role = if index % 4 == 3 {
        Role::Buffer
    } else {
        Role::Weight
    };
    Parameter::new(format!("t{index}"), shape, data, role).unwrap()
}

proptest! {
    #[test]
    fn filter_norms_are_those_of_the_weights(params in layouts(), seed: u64) {
        let raw = drawn(&params, seed, 0);
        let direction = raw
            .clone()
            .normalize(&params, Normalization::Filter, BiasMode::Zero)
            .unwrap();
        for ((w, d), raw) in params.iter().zip(&direction.tensors).zip(&raw.tensors) {
            if w.role == Role::Buffer || w.shape.len() <= 1 {
                prop_assert_eq!(d.norm(), 0.0);
                continue;
            }
            for ((w, d), raw) in w.filters().zip(d.filters()).zip(raw.filters()) {
                // Li et al. add 1e-10 to the length, which tells where one number is drawn near 0.
                let expected = norm(&w) * norm(&raw) / (norm(&raw) + 1e-10);
                prop_assert!((norm(&d) - expected).abs() <= 1e-6 * norm(&w));
            }
        }
    }

    #[test]
    fn orthogonality_holds_after_normalisation(
        params in layouts(),
        seed: u64,
        normalization in prop::sample::select(Normalization::ALL),
        bias in prop::sample::select(BiasMode::ALL),
        count in 2usize..4,
    ) {
        // One weight tensor has 15 values, so that three directions are independent.
        let mut directions: Vec<Direction> = (0..count as u64)
            .map(|stream| drawn(&params, seed, stream).normalize(&params, normalization, bias).unwrap())
            .collect();
        let norms: Vec<f64> = directions.iter().map(Direction::norm).collect();
        match orthogonalize(&mut directions) {
            Ok(()) => {}
            // `copy` moves large biases alike in all directions.
            Err(DirectionError::Parallel { .. }) if bias == BiasMode::Copy => return Ok(()),
            Err(error) => panic!("{error}"),
        }
        for (i, direction) in directions.iter().enumerate() {
            prop_assert!((direction.norm() - norms[i]).abs() <= 1e-6 * norms[i]);
            for other in &directions[..i] {
                prop_assert!(direction.cosine(other).unwrap().abs() < 1e-6);
            }
        }
    }

    #[test]
    fn a_direction_is_its_seed_and_stream(params in layouts(), seed: u64, stream: u64) {
        prop_assert_eq!(drawn(&params, seed, stream), drawn(&params, seed, stream));
        let other = drawn(&params, seed, stream.wrapping_add(1));
        prop_assert_ne!(drawn(&params, seed, stream).tensors, other.tensors);
    }
}
