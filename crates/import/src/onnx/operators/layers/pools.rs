//! Pooling, with borders of any kind.

use super::super::one;
use super::convolutions::{Windows, windows};
use crate::lower::{Border, Kind, Lowered, Lowering, Operand, Pool, Tensor, problem, size};
use crate::onnx::run::Call;
use landscape_trace::{Binary, Reduction};

/// The windows of a node, how many there are along each axis, and whether a last one that is not whole is kept.
struct Pooled {
    windows: Windows,
    ceil: bool,
}

fn pooled(l: &Lowering, c: &Call) -> Lowered<Pooled> {
    let own = l.shape(c.tensor(0)?);
    let Some(lengths) = own.get(2..) else {
        return problem(format!("{own:?} has no axes behind its channels"));
    };
    let Some(sizes) = c.ints("kernel_shape") else {
        return problem("it has no `kernel_shape`");
    };
    let sizes: Vec<usize> = sizes.iter().map(|&n| size(n)).collect::<Lowered<_>>()?;
    if sizes.len() != lengths.len() || sizes.iter().any(|&n| n == 0 || n > 1 << 20) {
        return problem(format!("windows of {sizes:?} on {lengths:?}"));
    }
    Ok(Pooled {
        windows: windows(c, lengths, &sizes)?,
        ceil: c.int("ceil_mode", 0) != 0,
    })
}

impl Pooled {
    /// As the common lowering takes it: borders that are the same on both sides, and at most half a window.
    fn plain(&self, dilated: bool) -> Option<Pool> {
        let w = &self.windows;
        let even = w
            .pads
            .iter()
            .zip(&w.sizes)
            .all(|(&(a, b), &n)| a == b && 2 * a <= n);
        let fit = even && (dilated || w.dilations.iter().all(|&d| d == 1));
        fit.then(|| Pool {
            size: w.sizes.clone(),
            stride: w.strides.clone(),
            padding: w.pads.iter().map(|p| p.0).collect(),
            dilation: w.dilations.clone(),
            ceil: self.ceil,
        })
    }

    /// How many windows there are along an axis, and what is put after it so that all are whole.
    fn count(&self, i: usize, length: usize) -> Lowered<(i64, i64)> {
        let w = &self.windows;
        let (before, after) = w.pads[i];
        let reach = (w.sizes[i] - 1) * w.dilations[i] + 1;
        let rest = length as i64 + before + after - reach;
        if rest < 0 {
            return problem(format!("no window of {reach} fits {length} elements"));
        }
        let mut count = rest / w.strides[i] + 1;
        if self.ceil && rest % w.strides[i] != 0 && count * w.strides[i] < length as i64 + before {
            count += 1;
        }
        Ok((
            count,
            (count - 1) * w.strides[i] + reach - length as i64 - before,
        ))
    }

    /// All windows: `[n, channels, windows, elements of one, ..]`, with a number around.
    fn spread(&self, l: &mut Lowering, x: &Tensor, around: f64) -> Lowered {
        let mut widths = vec![(0, 0), (0, 0)];
        let own = l.shape(x);
        let mut counts = vec![];
        for (i, &length) in own[2..].iter().enumerate() {
            let (count, after) = self.count(i, length)?;
            widths.push((self.windows.pads[i].0, after));
            counts.push(count as usize);
        }
        let mut made = l.pad(x, &widths, Border::Constant(around))?;
        let mut shape = own[..2].to_vec();
        for (i, &count) in counts.iter().enumerate() {
            let w = &self.windows;
            let (size, stride, step) = (
                w.sizes[i] as usize,
                w.strides[i] as usize,
                w.dilations[i] as usize,
            );
            l.spend(&[count, size])?;
            let places = (0..count * size).map(|at| Some(at / size * stride + at % size * step));
            made = l.pick("unfold", &made, 2 + i, places)?;
            shape.extend([count, size]);
        }
        l.reshape_to(&made, &shape)
    }

    /// The axes of the elements of windows.
    fn inner(&self) -> Vec<i64> {
        (0..self.windows.sizes.len() as i64)
            .map(|i| 3 + 2 * i)
            .collect()
    }
}

pub(crate) fn max(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let (x, pool) = (c.tensor(0)?, pooled(l, c)?);
    let dims = pool.windows.sizes.len();
    // Its second output counts all elements of all samples, and is never a number to be followed.
    match pool.plain(true).filter(|_| (1..=3).contains(&dims)) {
        Some(plain) => one(l.max_pool(x, dims, &plain)),
        None => {
            let all = pool.spread(l, x, f64::NEG_INFINITY)?;
            one(l.reduce(Reduction::Max, &all, &pool.inner(), false))
        }
    }
}

pub(crate) fn average(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let (x, pool) = (c.tensor(0)?, pooled(l, c)?);
    let (dims, padded) = (pool.windows.sizes.len(), c.int("count_include_pad", 0) != 0);
    if let Some(plain) = pool.plain(false).filter(|_| (1..=3).contains(&dims)) {
        return one(l.avg_pool(x, dims, &plain, padded, None));
    }
    // The sums of windows, by the number of elements that count.
    let all = pool.spread(l, x, 0.0)?;
    let sums = l.sum(&all, &pool.inner(), false)?;
    let own = l.shape(x);
    let mut ones = own.clone();
    ones[..2].fill(1);
    let count = ones.iter().product();
    l.spend(&ones)?;
    let mut counted = l.constant(&ones, vec![1.0; count], Kind::Float)?;
    let counting = match padded {
        false => pool,
        true => {
            let mut widths = vec![(0, 0), (0, 0)];
            widths.extend(pool.windows.pads.iter());
            counted = l.pad(&counted, &widths, Border::Constant(1.0))?;
            let pads = vec![(0, 0); dims];
            Pooled {
                windows: Windows {
                    pads,
                    ..pool.windows
                },
                ..pool
            }
        }
    };
    let shape = l.shape(&sums);
    let counted = counting.spread(l, &counted, 0.0)?;
    let mut counted = l.sum(&counted, &counting.inner(), false)?;
    // A last window that begins in the border behind is left out.
    for (place, &wanted) in shape.iter().enumerate().skip(2) {
        counted = l.slice(&counted, place as i64, Some(0), Some(wanted as i64), 1)?;
    }
    one(l.binary(Binary::Div, &sums, &counted))
}

pub(crate) fn norm(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let (x, pool) = (c.tensor(0)?, pooled(l, c)?);
    let all = pool.spread(l, x, 0.0)?;
    one(l.norm(&all, c.int("p", 2) as f64, &pool.inner(), false))
}
