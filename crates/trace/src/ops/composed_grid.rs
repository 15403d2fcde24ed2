//! Images at places that a grid gives: `grid_sample` becomes several operations of a graph.

use super::binary::Binary;
use super::composed::Composer;
use super::gather::Gather;
use super::unary::Unary;
use crate::ir::graph::ValueId;
use burn_ir::{GridSampleOptionsIr, GridSamplePaddingModeIr, InterpolateModeIr};

/// Where a grid lies on one axis of the images.
struct Side {
    /// The pixel before, `[n, 1, h, w]`.
    low: ValueId,
    /// How far the place is beyond it, 0 to 1.
    beyond: ValueId,
}

/// Values of `x` `[n, c, h, w]` at places from -1 to 1, `grid` `[n, h', w', 2]` with the place along the width first: between
/// four pixels, or of the nearest one (halves to the even number, as PyTorch's).
pub(crate) fn grid_sample(
    c: &mut Composer,
    x: ValueId,
    grid: ValueId,
    options: &GridSampleOptionsIr,
) -> ValueId {
    let (own, places) = (c.shape(x), c.shape(grid));
    let mut place = |axis: usize| {
        let part = c.slice(grid, 3, 1 - axis, 1);
        let part = c.reshape(part, &[places[0], 1, places[1], places[2]]);
        pixel(c, part, own[2 + axis], options)
    };
    let exact = [place(0), place(1)];
    if options.mode == InterpolateModeIr::Nearest {
        let nearest = exact.map(|place| c.unary(Unary::Round, place));
        return at(c, x, nearest, &options.padding_mode);
    }
    let sides = exact.map(|place| {
        let low = c.unary(Unary::Floor, place);
        let beyond = c.binary(Binary::Sub, place, low);
        Side { low, beyond }
    });
    let mut sum = None;
    for corner in [[0, 0], [0, 1], [1, 0], [1, 1]] {
        let pixels = [0, 1].map(|k| match corner[k] {
            0 => sides[k].low,
            _ => c.unary(Unary::AddScalar(1.0), sides[k].low),
        });
        let value = at(c, x, pixels, &options.padding_mode);
        let weights = [0, 1].map(|k| weight(c, &sides[k], corner[k]));
        let weight = c.binary(Binary::Mul, weights[0], weights[1]);
        let part = c.binary(Binary::Mul, value, weight);
        sum = Some(match sum {
            Some(sum) => c.binary(Binary::Add, sum, part),
            None => part,
        });
    }
    sum.expect("four corners")
}

/// Places from -1 to 1 as places among the pixels of an axis.
fn pixel(
    c: &mut Composer,
    place: ValueId,
    length: usize,
    options: &GridSampleOptionsIr,
) -> ValueId {
    let all = length as f64;
    let one = c.unary(Unary::AddScalar(1.0), place);
    let pixel = match options.align_corners {
        true => c.unary(Unary::MulScalar((all - 1.0) / 2.0), one),
        false => {
            let pixel = c.unary(Unary::MulScalar(all / 2.0), one);
            c.unary(Unary::AddScalar(-0.5), pixel)
        }
    };
    match options.padding_mode {
        GridSamplePaddingModeIr::Zeros => pixel,
        GridSamplePaddingModeIr::Border => c.unary(Unary::Clamp(0.0, all - 1.0), pixel),
        GridSamplePaddingModeIr::Reflection => reflected(c, pixel, all, options.align_corners),
    }
}

/// Mirrored at the centres of the first and last pixel, or at their outer borders.
fn reflected(c: &mut Composer, pixel: ValueId, length: f64, corners: bool) -> ValueId {
    let (first, span) = match corners {
        true => (0.0, length - 1.0),
        false => (-0.5, length),
    };
    if span <= 0.0 {
        return c.unary(Unary::MulScalar(0.0), pixel);
    }
    let from_first = c.unary(Unary::AddScalar(-first), pixel);
    let distance = c.unary(Unary::Abs, from_first);
    let rest = c.unary(Unary::RemainderScalar(2.0 * span), distance);
    let from_turn = c.unary(Unary::AddScalar(-span), rest);
    let gap = c.unary(Unary::Abs, from_turn);
    let back = c.unary(Unary::Neg, gap);
    c.unary(Unary::AddScalar(span + first), back)
}

fn weight(c: &mut Composer, side: &Side, next: usize) -> ValueId {
    match next {
        0 => {
            let less = c.unary(Unary::Neg, side.beyond);
            c.unary(Unary::AddScalar(1.0), less)
        }
        _ => side.beyond,
    }
}

/// The values of pixels, `[n, c, h', w']`.
fn at(
    c: &mut Composer,
    x: ValueId,
    pixels: [ValueId; 2],
    padding: &GridSamplePaddingModeIr,
) -> ValueId {
    let (own, places) = (c.shape(x), c.shape(pixels[0]));
    let inside = [0, 1].map(|k| {
        let last = own[2 + k] as f64 - 1.0;
        c.unary(Unary::Clamp(0.0, last), pixels[k])
    });
    let row = c.unary(Unary::MulScalar(own[3] as f64), inside[0]);
    let index = c.binary(Binary::Add, row, inside[1]);
    let count = places[2] * places[3];
    let index = c.reshape(index, &[places[0], 1, count]);
    let index = c.expand(index, &[places[0], own[1], count]);
    let flat = c.reshape(x, &[own[0], own[1], own[2] * own[3]]);
    let found = c.push(
        Gather { axis: 2 },
        &[flat, index],
        vec![own[0], own[1], count],
    );
    let found = c.reshape(found, &[own[0], own[1], places[2], places[3]]);
    match padding {
        GridSamplePaddingModeIr::Zeros => {
            let moved = [0, 1].map(|k| c.binary(Binary::NotEqual, pixels[k], inside[k]));
            let outside = c.binary(Binary::Or, moved[0], moved[1]);
            c.filled_where(found, outside, 0.0)
        }
        _ => found,
    }
}
