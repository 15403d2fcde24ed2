//! Recorded layers that become several operations of a graph: convolutions in 1 and 3 dimensions and transposed ones,
//! pooling in 1 and 3 dimensions, interpolation, attention.

use super::along::{Terms, copies};
use super::binary::Binary;
use super::composed::Composer;
use super::conv::Conv2d;
use super::conv_gradient::{ConvInputs, FlipWeights};
use super::matmul::Matmul;
use super::pool::{Pool2d, Pooling};
use super::reduce::Reduction;
use super::unary::Unary;
use crate::ir::graph::ValueId;
use burn_ir::{AttentionOptionsIr, InterpolateModeIr};

/// The geometry of a convolution in N dimensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry<const N: usize> {
    pub stride: [usize; N],
    /// Before the first and after the last row.
    pub padding: [(usize, usize); N],
    pub dilation: [usize; N],
    pub groups: usize,
}

impl Geometry<2> {
    fn conv(&self, bias: bool) -> Conv2d {
        Conv2d {
            stride: self.stride,
            padding: self.padding,
            dilation: self.dilation,
            groups: self.groups,
            bias,
            residual: false,
            relu: false,
            transformed: false,
        }
    }
}

/// `[.., length]` as `[.., 1, length]`.
fn flat(c: &mut Composer, x: ValueId) -> ValueId {
    let mut shape = c.shape(x);
    shape.insert(shape.len() - 1, 1);
    c.reshape(x, &shape)
}

/// A convolution along one axis, as one of images of height 1. `x`: `[n, channels, length]`, `w`: `[outputs, channels /
/// groups, kernel]`, a bias `[outputs]` where there is one.
pub(crate) fn conv1d(
    c: &mut Composer,
    inputs: &[ValueId],
    g: Geometry<1>,
    out: &[usize],
) -> ValueId {
    let mut images = vec![flat(c, inputs[0]), flat(c, inputs[1])];
    images.extend(inputs.get(2));
    let geometry = Geometry {
        stride: [1, g.stride[0]],
        padding: [(0, 0), g.padding[0]],
        dilation: [1, g.dilation[0]],
        groups: g.groups,
    };
    let shape = vec![out[0], out[1], 1, out[2]];
    let conv = geometry.conv(inputs.len() > 2);
    let image = c.push(conv, &images, shape);
    c.reshape(image, out)
}

/// A convolution of volumes, as one of images: the slices that a kernel meets are channels, and the slices of the
/// output groups. `x`: `[n, channels, depth, height, width]`, `w`: `[outputs, channels / groups, ..]`, a bias `[outputs]`.
pub(crate) fn conv3d(
    c: &mut Composer,
    inputs: &[ValueId],
    g: Geometry<3>,
    out: &[usize],
) -> ValueId {
    let (x, w) = (c.shape(inputs[0]), c.shape(inputs[1]));
    let (groups, deep, kernel) = (g.groups, out[2], w[2]);
    let own = x[1] / groups;
    let index = |i: usize| {
        let (o, k) = (i / kernel, i % kernel);
        (o * g.stride[0] + k * g.dilation[0])
            .checked_sub(g.padding[0].0)
            .filter(|&i| i < x[2])
    };
    let met = copies((0..deep * kernel).map(index));
    let met = c.along("conv3d", inputs[0], 2, met);
    let met = c.reshape(met, &[x[0], groups, own, deep, kernel, x[3], x[4]]);
    let met = c.permute(met, &[0, 3, 1, 4, 2, 5, 6]);
    let images = c.reshape(met, &[x[0], deep * groups * kernel * own, x[3], x[4]]);
    let weights = c.permute(inputs[1], &[0, 2, 1, 3, 4]);
    let weights = c.reshape(weights, &[1, w[0], kernel * own, w[3], w[4]]);
    let weights = c.expand(weights, &[deep, w[0], kernel * own, w[3], w[4]]);
    let weights = c.reshape(weights, &[deep * w[0], kernel * own, w[3], w[4]]);
    let geometry = Geometry {
        stride: [g.stride[1], g.stride[2]],
        padding: [g.padding[1], g.padding[2]],
        dilation: [g.dilation[1], g.dilation[2]],
        groups: deep * groups,
    };
    let shape = vec![out[0], deep * out[1], out[3], out[4]];
    let image = c.push(geometry.conv(false), &[images, weights], shape);
    let volume = c.reshape(image, &[out[0], deep, out[1], out[3], out[4]]);
    let volume = c.permute(volume, &[0, 2, 1, 3, 4]);
    with_bias(c, volume, inputs.get(2))
}

/// Adds a bias a channel (axis 1).
fn with_bias(c: &mut Composer, x: ValueId, bias: Option<&ValueId>) -> ValueId {
    let Some(&bias) = bias else { return x };
    let own = c.shape(x);
    let mut shape = vec![1; own.len()];
    shape[1] = own[1];
    let bias = c.reshape(bias, &shape);
    c.binary(Binary::Add, x, bias)
}

/// The adjoint of a convolution's input. `x`: `[n, channels, height, width]`, `w`: `[channels, outputs / groups, ..]`, a
/// bias `[outputs]`; the padding is that of the convolution, the same on both sides.
pub(crate) fn conv_transpose2d(
    c: &mut Composer,
    inputs: &[ValueId],
    g: Geometry<2>,
    out: &[usize],
) -> ValueId {
    let (x, w) = (c.shape(inputs[0]), c.shape(inputs[1]));
    let reach = [0, 1].map(|i| g.dilation[i] * (w[2 + i] - 1));
    let inside = (0..2).all(|i| g.padding[i].0 <= reach[i]);
    let image = if g.stride == [1, 1] && inside {
        // With stride 1 it is a convolution with the weights turned round.
        let groups = g.groups;
        let turned = vec![out[1], x[1] / groups, w[2], w[3]];
        let turned = c.push(FlipWeights { groups }, &inputs[1..2], turned);
        let before = [0, 1].map(|i| reach[i] - g.padding[i].0);
        let after = [0, 1].map(|i| out[2 + i] + reach[i] - x[2 + i] - before[i]);
        let padding = [0, 1].map(|i| (before[i], after[i]));
        let conv = Geometry { padding, ..g }.conv(false);
        c.push(conv, &[inputs[0], turned], out.to_vec())
    } else {
        let conv = g.conv(false);
        c.push(ConvInputs { conv }, &inputs[..2], out.to_vec())
    };
    with_bias(c, image, inputs.get(2))
}

/// As [`conv_transpose2d`], along one axis.
pub(crate) fn conv_transpose1d(
    c: &mut Composer,
    inputs: &[ValueId],
    g: Geometry<1>,
    out: &[usize],
) -> ValueId {
    let mut images = vec![flat(c, inputs[0]), flat(c, inputs[1])];
    images.extend(inputs.get(2));
    let geometry = Geometry {
        stride: [1, g.stride[0]],
        padding: [(0, 0), g.padding[0]],
        dilation: [1, g.dilation[0]],
        groups: g.groups,
    };
    let image = conv_transpose2d(c, &images, geometry, &[out[0], out[1], 1, out[2]]);
    c.reshape(image, out)
}

/// As [`conv_transpose2d`], of volumes: a convolution with the weights turned round, of the input with zeros between its
/// elements and around them.
pub(crate) fn conv_transpose3d(
    c: &mut Composer,
    inputs: &[ValueId],
    g: Geometry<3>,
    out: &[usize],
) -> ValueId {
    let (own, w) = (c.shape(inputs[0]), c.shape(inputs[1]));
    let (mut x, mut turned) = (inputs[0], inputs[1]);
    for i in 0..3 {
        let axis = 2 + i;
        let reach = g.dilation[i] * (w[axis] - 1);
        let place = |at: usize| {
            let from_first = (at + g.padding[i].0).checked_sub(reach)?;
            let index = from_first / g.stride[i];
            let there = from_first.is_multiple_of(g.stride[i]) && index < own[axis];
            there.then_some(index)
        };
        let spread = copies((0..out[axis] + reach).map(place));
        x = c.along("conv_transpose3d", x, axis, spread);
        let mirrored = copies((0..w[axis]).rev().map(Some));
        turned = c.along("conv_transpose3d", turned, axis, mirrored);
    }
    let (groups, inner) = (g.groups, own[1] / g.groups);
    turned = c.reshape(turned, &[groups, inner, w[1], w[2], w[3], w[4]]);
    turned = c.permute(turned, &[0, 2, 1, 3, 4, 5]);
    turned = c.reshape(turned, &[groups * w[1], inner, w[2], w[3], w[4]]);
    let geometry = Geometry {
        stride: [1; 3],
        padding: [(0, 0); 3],
        ..g
    };
    let volume = conv3d(c, &[x, turned], geometry, out);
    with_bias(c, volume, inputs.get(2))
}

/// Pooling along one axis.
pub(crate) fn pool1d(c: &mut Composer, x: ValueId, pool: Pool2d, out: &[usize]) -> ValueId {
    let image = flat(c, x);
    let pooled = c.push(pool, &[image], vec![out[0], out[1], 1, out[2]]);
    c.reshape(pooled, out)
}

/// A maximum over windows, and the places that it is from, as their numbers in an image.
pub(crate) fn max_pool_with_places(
    c: &mut Composer,
    x: ValueId,
    pool: Pool2d,
    out: &[usize],
) -> [ValueId; 2] {
    let own = c.shape(x);
    let dilation = match pool.pooling {
        Pooling::Max { dilation } => dilation,
        _ => [1, 1],
    };
    let at = |i: usize, o: usize, k: usize| {
        let at = (o * pool.stride[i] + k * dilation[i]).checked_sub(pool.padding[i])?;
        (at < own[2 + i]).then_some(at)
    };
    let along = |i: usize| {
        let windows = (0..out[2 + i]).flat_map(move |o| (0..pool.kernel[i]).map(move |k| (o, k)));
        windows.map(|(o, k)| at(i, o, k)).collect::<Vec<_>>()
    };
    let (rows, columns) = (along(0), along(1));
    let spread = c.along(
        "max_pool2d_with_indices",
        x,
        2,
        copies(rows.iter().copied()),
    );
    let spread = c.along(
        "max_pool2d_with_indices",
        spread,
        3,
        copies(columns.iter().copied()),
    );
    let spread = match rows.iter().chain(&columns).all(Option::is_some) {
        true => spread,
        false => {
            let outside = |r: &Option<usize>, c: &Option<usize>| r.is_none() || c.is_none();
            let mask = { rows.iter() }.flat_map(|r| columns.iter().map(move |c| outside(r, c)));
            let mask = mask.map(|outside| f32::from(u8::from(outside))).collect();
            let mask = c.constant(&[1, 1, rows.len(), columns.len()], mask);
            c.filled_where(spread, mask, f32::NEG_INFINITY)
        }
    };
    let [height, width] = pool.kernel;
    let windows = c.reshape(spread, &[own[0], own[1], out[2], height, out[3], width]);
    let windows = c.permute(windows, &[0, 1, 2, 4, 3, 5]);
    let windows = c.reshape(windows, &[own[0], own[1], out[2], out[3], height * width]);
    let place = c.reduce(Reduction::ArgMax, windows, 4);
    let place = c.reshape(place, out);
    // From the place in the window to that in the image.
    let quotient = c.unary(Unary::DivScalar(width as f64), place);
    let row = c.unary(Unary::Floor, quotient);
    let step = (dilation[0] * own[3]) as f64 - (width * dilation[1]) as f64;
    let down = c.unary(Unary::MulScalar(step), row);
    let right = c.unary(Unary::MulScalar(dilation[1] as f64), place);
    let inside = c.binary(Binary::Add, down, right);
    let line = own[3] as f32;
    let corner = |i: usize, o: usize| (o * pool.stride[i]) as f32 - pool.padding[i] as f32;
    let starts =
        (0..out[2]).flat_map(|y| (0..out[3]).map(move |x| corner(0, y) * line + corner(1, x)));
    let starts = starts.collect();
    let starts = c.constant(&[1, 1, out[2], out[3]], starts);
    let places = c.binary(Binary::Add, inside, starts);
    [c.push(pool, &[x], out.to_vec()), places]
}

/// A pool of images of height 1.
pub(crate) fn row_pool(
    pooling: Pooling,
    kernel: usize,
    stride: usize,
    padding: usize,
    ceil: bool,
) -> Pool2d {
    Pool2d {
        pooling,
        kernel: [1, kernel],
        stride: [1, stride],
        padding: [0, padding],
        ceil,
    }
}

/// Means over parts of nearly equal size, along the last axes.
pub(crate) fn adaptive(c: &mut Composer, x: ValueId, sizes: &[usize]) -> ValueId {
    let first = c.shape(x).len() - sizes.len();
    sizes.iter().enumerate().fold(x, |x, (i, &size)| {
        let length = c.shape(x)[first + i];
        let part = |o: usize| {
            let range = o * length / size..((o + 1) * length).div_ceil(size);
            let weight = 1.0 / range.len() as f64;
            range.map(|i| (i, weight)).collect()
        };
        c.along(
            "adaptive_avg_pool",
            x,
            first + i,
            (0..size).map(part).collect(),
        )
    })
}

/// Interpolation of images to another size.
pub(crate) fn interpolate(
    c: &mut Composer,
    x: ValueId,
    size: [usize; 2],
    mode: &InterpolateModeIr,
    corners: bool,
) -> ValueId {
    size.into_iter().enumerate().fold(x, |x, (i, size)| {
        let length = c.shape(x)[2 + i];
        let terms = (0..size).map(|o| taps(mode, corners, length, size, o));
        c.along("interpolate", x, 2 + i, terms.collect())
    })
}

/// What index `o` of an axis of `size` is made of, from one of `length`; `corners`: whether the first and last elements
/// lie on each other, rather than the borders of the image.
fn taps(mode: &InterpolateModeIr, corners: bool, length: usize, size: usize, o: usize) -> Terms {
    let ratio = match corners {
        true => (length as f64 - 1.0) / (size.max(2) - 1) as f64,
        false => length as f64 / size as f64,
    };
    let at = match corners {
        true => o as f64 * ratio,
        false => (o as f64 + 0.5) * ratio - 0.5,
    };
    let nearest = length as f64 / size as f64;
    let last = length - 1;
    match mode {
        InterpolateModeIr::Nearest => vec![(((o as f64 * nearest) as usize).min(last), 1.0)],
        InterpolateModeIr::NearestExact => {
            vec![((((o as f64 + 0.5) * nearest) as usize).min(last), 1.0)]
        }
        InterpolateModeIr::Bilinear => {
            let low = at.floor().max(0.0);
            let weight = (at - low).max(0.0);
            let low = low as usize;
            sums([(low, 1.0 - weight), ((low + 1).min(last), weight)])
        }
        InterpolateModeIr::Lanczos3 => {
            // What lies outside is left out, and the rest weighs more.
            let base = at.floor();
            let inside = |k: &i32| (0.0..=last as f64).contains(&(base + f64::from(*k)));
            let tap = |k: i32| {
                let weight = lanczos(at - base - f64::from(k));
                ((base + f64::from(k)) as usize, weight)
            };
            let mut terms: Terms = (-2..=3).filter(inside).map(tap).collect();
            let sum: f64 = terms.iter().map(|term| term.1).sum();
            terms.iter_mut().for_each(|term| term.1 /= sum);
            terms.retain(|term| term.1 != 0.0);
            terms
        }
        InterpolateModeIr::Bicubic => {
            let base = at.floor();
            let tap = |k: i32| {
                let index = (base + f64::from(k)).clamp(0.0, last as f64) as usize;
                (index, cubic(at - base - f64::from(k)))
            };
            sums([-1, 0, 1, 2].map(tap))
        }
    }
}

/// The terms with those of one index together, without zeros.
fn sums<const N: usize>(terms: [(usize, f64); N]) -> Terms {
    let mut sums = Terms::new();
    for (index, weight) in terms {
        match sums.iter_mut().find(|term| term.0 == index) {
            Some(term) => term.1 += weight,
            None => sums.push((index, weight)),
        }
    }
    sums.retain(|term| term.1 != 0.0);
    sums
}

/// The kernel of cubic convolution with a = -0.75 (Keys 1981), as PyTorch's.
fn cubic(distance: f64) -> f64 {
    const A: f64 = -0.75;
    let x = distance.abs();
    match x {
        x if x <= 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
        x if x < 2.0 => ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A,
        _ => 0.0,
    }
}

/// `sinc(x) sinc(x / 3)` within 3 (Lanczos), as Burn's.
fn lanczos(x: f64) -> f64 {
    let sinc = |x: f64| match x * std::f64::consts::PI {
        0.0 => 1.0,
        x => x.sin() / x,
    };
    match x.abs() < 3.0 {
        true => sinc(x) * sinc(x / 3.0),
        false => 0.0,
    }
}

/// Patches of an image as columns: `[n, channels kernel, places]`.
pub(crate) fn unfold4d(
    c: &mut Composer,
    x: ValueId,
    kernel: [usize; 2],
    g: Geometry<2>,
) -> ValueId {
    let own = c.shape(x);
    let mut places = [0; 2];
    let mut out = x;
    for i in 0..2 {
        let (before, after) = g.padding[i];
        let reach = g.dilation[i] * (kernel[i] - 1) + 1;
        places[i] = (own[2 + i] + before + after - reach) / g.stride[i] + 1;
        let index = |at: usize| {
            let (k, o) = (at / places[i], at % places[i]);
            (o * g.stride[i] + k * g.dilation[i])
                .checked_sub(before)
                .filter(|&at| at < own[2 + i])
        };
        let met = copies((0..kernel[i] * places[i]).map(index));
        out = c.along("unfold4d", out, 2 + i, met);
    }
    let parts = [own[0], own[1], kernel[0], places[0], kernel[1], places[1]];
    let out = c.reshape(out, &parts);
    let out = c.permute(out, &[0, 1, 2, 4, 3, 5]);
    let rows = own[1] * kernel[0] * kernel[1];
    c.reshape(out, &[own[0], rows, places[0] * places[1]])
}

/// `softmax(q k^T scale + ..) v` of `[n, heads, tokens, width]`; inputs: q, k, v, then the mask (1: left out) and what is
/// added to the scores, where there are such. Rows without any key are 0.
pub(crate) fn attention(
    c: &mut Composer,
    inputs: &[ValueId],
    (mask, bias): (bool, bool),
    options: &AttentionOptionsIr,
    numbers: [Option<f64>; 2],
) -> ValueId {
    let [scale, cap] = numbers;
    let (q, k) = (c.shape(inputs[0]), c.shape(inputs[1]));
    let scale = scale.unwrap_or(1.0 / (q[3] as f64).sqrt());
    let turned = c.permute(inputs[1], &[0, 1, 3, 2]);
    let shape = vec![q[0], q[1], q[2], k[2]];
    let mut scores = c.push(Matmul, &[inputs[0], turned], shape);
    scores = c.unary(Unary::MulScalar(scale), scores);
    if let Some(cap) = cap {
        scores = c.unary(Unary::DivScalar(cap), scores);
        scores = c.unary(Unary::Tanh, scores);
        scores = c.unary(Unary::MulScalar(cap), scores);
    }
    if mask {
        scores = c.filled_where(scores, inputs[3], f32::NEG_INFINITY);
    }
    if options.is_causal {
        let later = causal(c, q[2], k[2]);
        scores = c.filled_where(scores, later, f32::NEG_INFINITY);
    }
    if bias {
        scores = c.binary(Binary::Add, scores, inputs[3 + usize::from(mask)]);
    }
    let shares = safe_softmax(c, scores, mask);
    let value = c.shape(inputs[2]);
    let shape = vec![q[0], q[1], q[2], value[3]];
    c.push(Matmul, &[shares, inputs[2]], shape)
}

/// 1 where the key comes after the query; the last of both stand together.
fn causal(c: &mut Composer, queries: usize, keys: usize) -> ValueId {
    let later = |i: usize| i % keys + queries > i / keys + keys;
    let numbers = (0..queries * keys).map(|i| f32::from(u8::from(later(i))));
    let numbers = numbers.collect();
    c.constant(&[1, 1, queries, keys], numbers)
}

/// The softmax along axis 3; with `masked`, 0 for rows of minus infinity alone.
fn safe_softmax(c: &mut Composer, scores: ValueId, masked: bool) -> ValueId {
    let shape = c.shape(scores);
    let softmax = super::softmax::Softmax {
        axis: 3,
        log: false,
    };
    if !masked {
        return c.push(softmax, &[scores], shape);
    }
    let most = c.reduce(Reduction::Max, scores, 3);
    let empty = c.unary(Unary::EqualScalar(f64::NEG_INFINITY), most);
    let empty = c.expand(empty, &shape);
    let finite = c.filled_where(scores, empty, 0.0);
    let shares = c.push(softmax, &[finite], shape);
    c.filled_where(shares, empty, 0.0)
}
