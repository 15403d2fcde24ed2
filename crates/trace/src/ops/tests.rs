//! Operations that choose and move values, against loops over their definitions.

use super::gather::{Gather, Scatter};
use super::shape::{PutSlice, Slice};
use super::{HostCall, Operation, View};
use crate::kernels::simd::Level;
use proptest::prelude::*;

/// What an operation makes of inputs of these rows, for `lanes` samples; without samples where 0.
fn run(
    op: &dyn Operation,
    lanes: usize,
    inputs: &[(&[f32], &[usize])],
    rows: &[usize],
) -> Vec<f32> {
    let whole = |rows: &[usize]| match lanes {
        0 => rows.to_vec(),
        n => [&[n], rows].concat(),
    };
    let samples = lanes > 0;
    let shapes: Vec<Vec<usize>> = inputs.iter().map(|(_, rows)| whole(rows)).collect();
    let pairs = inputs.iter().zip(&shapes);
    let views: Vec<View> = pairs
        .map(|((data, _), shape)| View {
            data,
            shape,
            samples,
        })
        .collect();
    let mut out = vec![f32::INFINITY; rows.iter().product::<usize>() * lanes.max(1)];
    op.host(HostCall {
        level: Level::available()[0],
        lanes,
        inputs: &views,
        out: &mut out,
        shape: &whole(rows),
        samples,
    });
    out
}

/// Start, step and count within an axis of a length.
fn axis() -> impl Strategy<Value = (usize, usize, usize, usize)> {
    (1usize..7, 0usize..7, 1usize..4, 0usize..7).prop_map(|(length, start, step, fewer)| {
        let start = start % length;
        let most = (length - start).div_ceil(step);
        (length, start, step, most - fewer % most)
    })
}

proptest! {
    /// Every element that is chosen, NaN for what is not there, and the adjoint of both, from their definitions.
    #[test]
    fn gathering_and_scattering_follow_their_definitions(
        (before, from, length, after) in (1usize..4, 1usize..6, 1usize..6, 1usize..4),
        lanes in prop_oneof![Just(0usize), Just(16), Just(32)],
        beyond in 0i64..3,
        seed: u64,
    ) {
        let mut rng = landscape_core::Rng::new(seed, 0);
        let each = lanes.max(1);
        let x: Vec<f32> = (0..before * from * after * each).map(|i| i as f32 + 1.0).collect();
        let choose = |rng: &mut landscape_core::Rng| match rng.below(20) {
            0 if beyond > 0 => f32::NAN,
            1 if beyond > 0 => 3e38,
            _ => (rng.below(from as u64 + 2 * beyond as u64) as i64 - beyond) as f32,
        };
        let index: Vec<f32> =
            (0..before * length * after * each).map(|_| choose(&mut rng)).collect();
        let (whole, picked) = ([before, from, after], [before, length, after]);
        let axis = 1 + usize::from(lanes > 0);
        let found = run(&Gather { axis }, lanes, &[(&x, &whole), (&index, &picked)], &picked);
        let added = run(&Scatter { axis }, lanes, &[(&found, &picked), (&index, &picked)], &whole);
        let mut sums = vec![0.0f64; x.len()];
        for (at, (&found, &chosen)) in found.iter().zip(&index).enumerate() {
            let (s, row) = (at % each, at / each);
            let (a, b) = (row % after, row / after / length);
            if (0.0..from as f32).contains(&chosen) {
                let place = ((b * from + chosen as usize) * after + a) * each + s;
                prop_assert_eq!(found, x[place]);
                sums[place] += f64::from(found);
            } else {
                prop_assert!(found.is_nan());
            }
        }
        for (&added, sum) in added.iter().zip(sums) {
            prop_assert_eq!(f64::from(added), sum);
        }
    }
}

proptest! {
    /// Every value of a slice is the one at its place, and the adjoint puts it back and nothing elsewhere.
    #[test]
    fn slices_and_their_adjoints_follow_their_definitions(
        axes in proptest::collection::vec(axis(), 1..4),
        lanes in prop_oneof![Just(0usize), Just(16), Just(32)],
    ) {
        let each = lanes.max(1);
        let from: Vec<usize> = axes.iter().map(|a| a.0).collect();
        let to: Vec<usize> = axes.iter().map(|a| a.3).collect();
        let mut ranges: Vec<(usize, usize)> = axes.iter().map(|a| (a.1, a.2)).collect();
        if lanes > 0 {
            ranges.insert(0, (0, 1));
        }
        let x: Vec<f32> =
            (0..from.iter().product::<usize>() * each).map(|i| i as f32 + 1.0).collect();
        let slice = Slice { ranges: ranges.clone() };
        let cut = run(&slice, lanes, &[(&x, &from)], &to);
        let back = run(&PutSlice { ranges }, lanes, &[(&cut, &to)], &from);
        let mut expected = vec![0.0; x.len()];
        for (at, &value) in cut.iter().enumerate() {
            let (s, mut rest, mut place, mut stride) = (at % each, at / each, 0, 1);
            for &(length, start, step, count) in axes.iter().rev() {
                place += (start + rest % count * step) * stride;
                rest /= count;
                stride *= length;
            }
            prop_assert_eq!(value, x[place * each + s]);
            expected[place * each + s] = value;
        }
        prop_assert_eq!(back, expected);
    }
}
