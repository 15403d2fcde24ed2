//! Convolutions from their definition, with which the tests compare the kernels.

use super::conv::{Conv, Finish, Window};
use super::simd::{LANES, Level};
use super::wide::{self, HEAVY};
use super::winograd::{self, PRODUCTS, Winograd, transform_weights};
use proptest::prelude::*;

/// `n`, or `small` under Miri, which interprets a thousand times slower.
pub(super) fn or_under_miri<T>(n: T, small: T) -> T {
    if cfg!(miri) { small } else { n }
}

/// Lanes that are compared with the truth: each, or the first and the last under Miri.
pub(super) fn compared(lanes: usize) -> impl Iterator<Item = usize> {
    (0..lanes).step_by(or_under_miri(1, lanes - 1))
}

/// `n` cases, or a few where each takes long.
pub(super) fn cases(n: u32) -> ProptestConfig {
    ProptestConfig::with_cases(or_under_miri(n, 2))
}

/// A convolution along one axis; padding before and after.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    pub size: usize,
    pub kernel: usize,
    pub stride: usize,
    pub padding: (usize, usize),
    pub dilation: usize,
}

impl Axis {
    /// None where the kernel is larger than the padded image.
    fn out_size(&self) -> Option<usize> {
        let room = self.size + self.padding.0 + self.padding.1;
        let reach = self.dilation * (self.kernel - 1) + 1;
        Some(room.checked_sub(reach)? / self.stride + 1)
    }
}

/// From groups, channels and outputs of a group. None where the kernel is larger than the padded image.
pub(super) fn window(
    (groups, depth, own): (usize, usize, usize),
    axes: [Axis; 2],
) -> Option<Window> {
    Some(Window {
        channels: groups * depth,
        size: axes.map(|a| a.size),
        outputs: groups * own,
        out_size: [axes[0].out_size()?, axes[1].out_size()?],
        kernel: axes.map(|a| a.kernel),
        stride: axes.map(|a| a.stride),
        padding: axes.map(|a| a.padding.0),
        dilation: axes.map(|a| a.dilation),
        groups,
    })
}

/// Convolutions of all kinds that do not take long: images smaller than the kernel, padding beyond its reach.
pub(super) fn windows() -> impl Strategy<Value = Window> {
    let padding = || prop_oneof![3 => 0usize..3, 1 => 0usize..10];
    let axis = || {
        let axis = (
            1usize..14,
            1usize..6,
            1usize..5,
            (padding(), padding()),
            1usize..4,
        );
        axis.prop_map(|(size, kernel, stride, padding, dilation)| Axis {
            size,
            kernel,
            stride,
            padding,
            dilation,
        })
    };
    let channels = prop_oneof![
        2 => (1usize..3, 1usize..5, 1usize..10),
        1 => (1usize..3, 1usize..3, 10usize..36),
    ];
    let most = or_under_miri(200_000, 150);
    (channels, axis(), axis()).prop_filter_map(
        "no output, or too many products",
        move |(c, a, b)| {
            let window = window(c, [a, b])?;
            let pixels: usize = window.out_size.iter().product();
            (pixels * window.outputs * window.weights() <= most).then_some(window)
        },
    )
}

/// Convolutions that are computed by transforms, many of them with wide padding.
pub(super) fn transformed() -> impl Strategy<Value = Window> {
    let padding = || prop_oneof![2 => 0usize..4, 3 => 4usize..9];
    let axis = move || {
        (1usize..16, padding(), padding()).prop_map(|(size, before, after)| Axis {
            size: or_under_miri(size, 2),
            kernel: 3,
            stride: 1,
            // Miri has time for one patch.
            padding: or_under_miri((before, after), (before.min(4), 4 - before.min(4))),
            dilation: 1,
        })
    };
    let channels = (8..or_under_miri(20usize, 9), 8..or_under_miri(40usize, 9));
    (channels, axis(), axis()).prop_filter_map("not worth it", |((channels, outputs), a, b)| {
        window((1, channels, outputs), [a, b]).filter(winograd::wins)
    })
}

/// `n` numbers of mean 0 and variance 1.
pub(super) fn draw(rng: &mut landscape_core::Rng, n: usize) -> Vec<f32> {
    // Miri does not know the instructions that normal numbers are made with.
    let number = |rng: &mut landscape_core::Rng| match cfg!(miri) {
        true => rng.uniform(-1.73, 1.73),
        false => rng.normal(),
    };
    (0..n).map(|_| number(rng) as f32).collect()
}

/// Input index under kernel position `k` of output `o`, where it is inside.
fn under(window: &Window, axis: usize, o: usize, k: usize) -> Option<usize> {
    let at = o * window.stride[axis] + k * window.dilation[axis];
    at.checked_sub(window.padding[axis])
        .filter(|&at| at < window.size[axis])
}

/// Calls `f(o, c, tap, out pixel, pixel)` for all products of a convolution; `c` counts in the group.
pub(super) fn products(window: &Window, mut f: impl FnMut(usize, usize, usize, usize, usize)) {
    let [height, width] = window.out_size;
    let [rows, columns] = window.kernel;
    for at in 0..window.outputs * height * width {
        let (o, y, x) = (at / width / height, at / width % height, at % width);
        for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
            let (Some(row), Some(column)) = (under(window, 0, y, i), under(window, 1, x, j)) else {
                continue;
            };
            for c in 0..window.depth() {
                let pixel = row * window.size[1] + column;
                f(o, c, i * columns + j, y * width + x, pixel);
            }
        }
    }
}

/// The convolution in f64, and for each result the root of the sum of its squared products.
fn truth(window: &Window, x: &[f32], w: &[f32], lanes: usize) -> Vec<[f64; 2]> {
    let pixels = |size: [usize; 2]| size[0] * size[1];
    let taps = pixels(window.kernel);
    let mut out = vec![[0.0; 2]; window.outputs * pixels(window.out_size) * lanes];
    products(window, |o, c, tap, to, pixel| {
        let channel = o / (window.outputs / window.groups) * window.depth() + c;
        let weight = f64::from(w[(o * window.depth() + c) * taps + tap]);
        let x = &x[(channel * pixels(window.size) + pixel) * lanes..][..lanes];
        let out = &mut out[(o * pixels(window.out_size) + to) * lanes..];
        for s in compared(lanes) {
            let product = weight * f64::from(x[s]);
            out[s][0] += product;
            out[s][1] += product * product;
        }
    });
    out.iter()
        .map(|[sum, squares]| [*sum, squares.sqrt()])
        .collect()
}

/// The largest error of a result, relative to the root of the sum of its squared products; where they are
/// `transformed`, to the largest of all roots: errors of a patch are spread over its pixels.
fn error(window: Window, vectors: usize, transformed: bool, seed: u64) -> f64 {
    let mut rng = landscape_core::Rng::new(seed, 0);
    let lanes = vectors * LANES;
    let x = draw(
        &mut rng,
        window.channels * window.size[0] * window.size[1] * lanes,
    );
    let w = draw(&mut rng, window.outputs * window.weights());
    let bias = draw(&mut rng, window.outputs);
    let truth = truth(&window, &x, &w, lanes);
    let residual = draw(&mut rng, truth.len());
    let finish = Finish {
        bias: Some(&bias),
        residual: Some(&residual),
        relu: false,
    };
    let mut turned = vec![0.0; PRODUCTS * window.channels * window.outputs];
    if transformed {
        transform_weights(&w, window.channels, window.outputs, &mut turned);
    }
    let mut worst = 0.0f64;
    for level in Level::available() {
        let mut out = vec![f32::NAN; truth.len()];
        let (x, out_slice) = (&x[..], &mut out[..]);
        match transformed {
            true => Winograd {
                window,
                x,
                w: &turned,
                finish,
                out: out_slice,
                lanes,
            }
            .run(level),
            false => Conv {
                window,
                x,
                w: &w,
                finish,
                out: out_slice,
                lanes,
            }
            .run(level),
        }
        let size = truth.len() / window.outputs;
        let largest = truth.iter().map(|[_, scale]| *scale).fold(1.0, f64::max);
        let rows = 0..truth.len() / lanes;
        for i in rows.flat_map(|row| compared(lanes).map(move |s| row * lanes + s)) {
            let (out, [sum, scale]) = (&out[i], &truth[i]);
            let error = f64::from(*out) - sum - f64::from(bias[i / size]) - f64::from(residual[i]);
            // Not `max`, which would drop what is not a number.
            let error = error.abs() / if transformed { largest } else { scale.max(1.0) };
            worst = if error <= worst { worst } else { error };
        }
    }
    worst
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn direct_convolutions_equal_f64(window in windows(), vectors in 1..or_under_miri(3usize, 2), seed: u64) {
        prop_assert!(error(window, vectors, false, seed) < 5e-6);
    }

    #[test]
    fn transformed_convolutions_equal_f64(
        window in transformed(),
        vectors in 1..or_under_miri(3usize, 2),
        seed: u64,
    ) {
        prop_assert!(error(window, vectors, true, seed) < 4e-5);
    }

    /// Layers of few pixels and many weights, with samples side by side.
    #[test]
    fn convolutions_of_few_pixels_equal_f64(
        (size, stride, padding) in (1usize..5, 1usize..3, 0usize..3),
        (groups, own) in prop_oneof![Just((1, 61)), Just((2, 37))],
        vectors in 2..or_under_miri(8usize, 3),
        seed: u64,
    ) {
        let axis = Axis { size, kernel: 3, stride, padding: (padding, padding), dilation: 1 };
        let depth = or_under_miri(HEAVY.div_ceil(9 * groups * own), 1);
        let found = window((groups, depth, own), [axis, axis]);
        prop_assume!(found.is_some());
        let window = found.unwrap();
        prop_assert!(cfg!(miri) || wide::suits(&window, vectors * LANES));
        prop_assert!(error(window, vectors, false, seed) < 5e-6);
    }

    /// The kernels' own arithmetic of positions against the definition.
    #[test]
    fn positions_are_those_of_the_definition(window in windows()) {
        for axis in 0..2 {
            let whole = 0..window.kernel[axis];
            let inside = |o: usize, k: usize| under(&window, axis, o, k);
            for o in 0..window.out_size[axis] {
                let valid = window.valid(axis, o);
                for k in whole.clone() {
                    prop_assert_eq!(valid.contains(&k), inside(o, k).is_some());
                    if let Some(at) = inside(o, k) {
                        prop_assert_eq!(window.input(axis, o, k), at);
                    }
                }
                let all = whole.clone().all(|k| inside(o, k).is_some());
                prop_assert!(all || !window.interior(axis).contains(&o));
            }
        }
    }

    #[test]
    fn patches_are_cut_where_the_image_ends(
        size in 1usize..20,
        before in 0usize..12,
        o in 0usize..40,
        n in 1usize..8,
    ) {
        let axis = Axis { size, kernel: 1, stride: 1, padding: (before, 40), dilation: 1 };
        let window = window((1, 1, 1), [axis, axis]).unwrap();
        let found = window.existing(1, o, n);
        for i in 0..n {
            let exists = (before..before + size).contains(&(o + i));
            prop_assert_eq!(found.contains(&i), exists);
        }
        prop_assert!(found.end <= n);
    }
}

/// Padding of 4 and more on the side where the image ends, where patches lie beyond it.
#[test]
fn wide_padding_around_an_image() {
    let size = or_under_miri(15, 2);
    for padding in 4..or_under_miri(9, 5) {
        let sides = [(padding, padding), (0, padding), (padding, 0)];
        // Miri has time for images of one patch.
        for padding in sides.into_iter().skip(or_under_miri(0, 1)) {
            let axis = Axis {
                size,
                kernel: 3,
                stride: 1,
                padding,
                dilation: 1,
            };
            let window = window((1, 8, 8), [axis, axis]).unwrap();
            if winograd::wins(&window) {
                assert!(error(window, 1, true, 7) < 2e-5, "{window:?}");
            }
            let direct = or_under_miri(true, false);
            assert!(!direct || error(window, 1, false, 7) < 5e-6, "{window:?}");
        }
    }
}

/// More channels than a cache holds are summed in blocks; what follows the sums comes once.
#[test]
fn many_channels_of_few_pixels() {
    let axis = Axis {
        size: 2,
        kernel: 3,
        stride: 1,
        padding: (1, 1),
        dilation: 1,
    };
    let window = window((1, or_under_miri(700, 2), 7), [axis, axis]).unwrap();
    // 2,800 products: rounding adds up with the root of their number.
    assert!(error(window, or_under_miri(7, 2), false, 5) < 2e-5);
}

/// Images of one patch share the registers with those of other samples.
#[test]
fn transformed_convolutions_of_one_patch() {
    let axis = Axis {
        size: 4,
        kernel: 3,
        stride: 1,
        padding: (1, 1),
        dilation: 1,
    };
    let window = window((1, or_under_miri(40, 8), or_under_miri(33, 8)), [axis; 2]).unwrap();
    assert!(!winograd::wins(&window) && (cfg!(miri) || winograd::pays_for(&window, 64)));
    for vectors in [1, 3, or_under_miri(5, 1)] {
        assert!(error(window, vectors, true, 3) < 2e-5);
    }
}
