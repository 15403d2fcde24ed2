//! Bilinear interpolation over all the pixels that become one, in the fixed-point numbers of Pillow, so that the bytes are
//! its own.
//!
//! Source: Pillow, `src/libImaging/Resample.c`.

use super::decode::Image;

/// Bits of a weight behind the point: 32, less 8 of a byte and 2 for sums.
const BITS: u32 = 22;

/// Brings the shorter side to a length, as torchvision's `Resize`: the longer one is rounded down.
pub(super) fn shorter_side(image: Image, side: usize) -> Image {
    let (rows, columns) = (image.rows, image.columns);
    let (short, long) = (rows.min(columns), rows.max(columns));
    if short == side || short == 0 {
        return image;
    }
    let longer = (side * long / short).max(1);
    let (rows, columns) = match rows <= columns {
        true => (side, longer),
        false => (longer, side),
    };
    resized(image, rows, columns)
}

fn resized(image: Image, rows: usize, columns: usize) -> Image {
    let across = Weights::of(image.columns, columns);
    let down = Weights::of(image.rows, rows);
    let mut pixels = Vec::with_capacity(image.channels * rows * columns);
    for channel in image.pixels.chunks_exact(image.rows * image.columns) {
        let mut wide = Vec::with_capacity(image.rows * columns);
        for row in channel.chunks_exact(image.columns) {
            wide.extend((0..columns).map(|at| across.sum(at, |from| row[from])));
        }
        for at in 0..rows {
            pixels.extend((0..columns).map(|c| down.sum(at, |from| wide[from * columns + c])));
        }
    }
    Image {
        rows,
        columns,
        pixels,
        ..image
    }
}

/// For each place along an axis the first place that it is made of, and the weights from there on.
struct Weights(Vec<(usize, Vec<i32>)>);

impl Weights {
    fn of(before: usize, after: usize) -> Self {
        let scale = before as f64 / after as f64;
        let reach = scale.max(1.0);
        let triangle = |x: f64| (1.0 - x.abs()).max(0.0);
        let place = |at: usize| {
            let centre = (at as f64 + 0.5) * scale;
            let first = (centre - reach + 0.5).max(0.0) as usize;
            let last = ((centre + reach + 0.5) as usize).min(before);
            let weight = |from: usize| triangle((from as f64 - centre + 0.5) / reach);
            let all: Vec<f64> = (first..last).map(weight).collect();
            let sum: f64 = all.iter().sum();
            let fixed = |weight: &f64| (weight / sum * f64::from(1 << BITS) + 0.5) as i32;
            (first, all.iter().map(fixed).collect())
        };
        Weights((0..after).map(place).collect())
    }

    fn sum(&self, at: usize, byte: impl Fn(usize) -> u8) -> u8 {
        let (first, weights) = &self.0[at];
        let terms = weights.iter().enumerate();
        let sum: i64 = terms
            .map(|(n, &weight)| i64::from(weight) * i64::from(byte(first + n)))
            .sum();
        ((sum + (1 << (BITS - 1))) >> BITS).clamp(0, 255) as u8
    }
}
