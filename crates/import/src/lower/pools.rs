//! Pooling in one to three dimensions.

use super::images::numbers;
use super::{Kind, Lowered, Lowering, Tensor, problem};
use landscape_trace::{Unary, Windows};

/// Windows of a pooling: a number for each dimension, or one for all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pool {
    pub size: Vec<i64>,
    /// That of the windows where none is given.
    pub stride: Vec<i64>,
    /// Elements around, the same on both sides.
    pub padding: Vec<i64>,
    pub dilation: Vec<i64>,
    pub ceil: bool,
}

/// What is taken of a window.
#[derive(Clone, Copy, PartialEq)]
enum Taken {
    Greatest,
    Mean { padded: bool },
}

impl Pool {
    /// The windows along some of N dimensions, as those of an image; the others have windows of one element.
    fn along<const N: usize>(&self, dims: [Option<usize>; 2]) -> Lowered<Windows> {
        let size: [usize; N] = numbers(&self.size, 1)?;
        let stride: [usize; N] = match self.stride.is_empty() {
            true => size,
            false => numbers(&self.stride, 1)?,
        };
        let (padding, dilation): ([usize; N], [usize; N]) =
            (numbers(&self.padding, 0)?, numbers(&self.dilation, 1)?);
        let of = |all: [usize; N], other: usize| dims.map(|d| d.map_or(other, |d| all[d]));
        Ok(Windows {
            size: of(size, 1),
            stride: of(stride, 1),
            padding: of(padding, 0),
            dilation: of(dilation, 1),
            ceil: self.ceil,
        })
    }
}

impl Lowering {
    /// The greatest element of each window of `[samples, channels, ..]`, or of one sample without its axis.
    pub fn max_pool(&mut self, x: &Tensor, dims: usize, pool: &Pool) -> Lowered {
        self.pooled(x, dims, pool, Taken::Greatest)
    }

    /// As [`Self::max_pool`] of images and signals, and the places that the elements are from.
    pub fn max_pool_with_places(
        &mut self,
        x: &Tensor,
        dims: usize,
        pool: &Pool,
    ) -> Lowered<[Tensor; 2]> {
        let (image, shape) = self.image(x, dims)?;
        let windows = match dims {
            1 => pool.along::<1>([None, Some(0)])?,
            2 => pool.along::<2>([Some(0), Some(1)])?,
            _ => return problem("places of maxima in volumes are not supported"),
        };
        // Lists of what windows meet, and their mask.
        let own = self.shape(&image);
        let met = |i: usize| {
            let whole = own[2 + i].saturating_add(windows.padding[i].saturating_mul(2));
            whole.saturating_mul(windows.size[i])
        };
        self.spend(&[met(0).saturating_add(met(1)), 4])?;
        self.spend(&[met(0), met(1)])?;
        let made = self.builder.max_pool2d_with_places(image.value, windows)?;
        let kinds = [x.kind, Kind::Int];
        let [value, places] = [0, 1].map(|i| Tensor::new(made[i], kinds[i]));
        Ok([
            self.as_before(&value, dims, &shape)?,
            self.as_before(&places, dims, &shape)?,
        ])
    }

    /// The mean of each window; `padded`: elements of the padding count as zeros; `divisor`: what sums are divided by in place of the
    /// number of elements.
    pub fn avg_pool(
        &mut self,
        x: &Tensor,
        dims: usize,
        pool: &Pool,
        padded: bool,
        divisor: Option<f64>,
    ) -> Lowered {
        let padded = padded || divisor.is_some();
        let means = self.pooled(x, dims, pool, Taken::Mean { padded })?;
        let Some(divisor) = divisor else {
            return Ok(means);
        };
        if pool.ceil {
            return problem("ceil_mode with a divisor of its own is not supported");
        }
        let count = |i: usize| pool.size.get(i).or(pool.size.first()).copied().unwrap_or(1) as f64;
        let count: f64 = (0..dims).map(count).product();
        Ok(self.unary(Unary::MulScalar(count / divisor), &means))
    }

    fn pooled(&mut self, x: &Tensor, dims: usize, pool: &Pool, taken: Taken) -> Lowered {
        let (image, shape) = self.image(x, dims)?;
        let made = match dims {
            1 => self.windows_of(&image, pool.along::<1>([None, Some(0)])?, taken)?,
            2 => self.windows_of(&image, pool.along::<2>([Some(0), Some(1)])?, taken)?,
            _ => {
                // [n, c, d, h, w]: within the slices, then along them.
                let own = self.shape(&image);
                let slices = self.reshape_to(&image, &[own[0], own[1] * own[2], own[3], own[4]])?;
                let made = self.windows_of(&slices, pool.along::<3>([Some(1), Some(2)])?, taken)?;
                let new = self.shape(&made);
                let columns = self.reshape_to(&made, &[own[0], own[1], own[2], new[2] * new[3]])?;
                let made = self.windows_of(&columns, pool.along::<3>([Some(0), None])?, taken)?;
                let depth = self.shape(&made)[2];
                self.reshape_to(&made, &[own[0], own[1], depth, new[2], new[3]])?
            }
        };
        self.as_before(&made, dims, &shape)
    }

    fn windows_of(&mut self, x: &Tensor, windows: Windows, taken: Taken) -> Lowered {
        let value = match taken {
            Taken::Greatest => self.builder.max_pool2d(x.value, windows)?,
            Taken::Mean { padded } => self.builder.avg_pool2d(x.value, windows, padded)?,
        };
        Ok(Tensor::new(value, x.kind))
    }

    /// x with an axis of samples, and of height where it is a signal; and its shape.
    fn image(&mut self, x: &Tensor, dims: usize) -> Lowered<(Tensor, Vec<usize>)> {
        let shape = self.shape(x);
        if !(1..=3).contains(&dims) || shape.len() != dims + 1 && shape.len() != dims + 2 {
            return problem(format!("{shape:?} has no windows in {dims} dimensions"));
        }
        let mut own = shape.clone();
        if own.len() == dims + 1 {
            own.insert(0, 1);
        }
        if dims == 1 {
            own.insert(2, 1);
        }
        Ok((self.reshape_to(x, &own)?, shape))
    }

    fn as_before(&mut self, x: &Tensor, dims: usize, shape: &[usize]) -> Lowered {
        let mut own = self.shape(x);
        if dims == 1 {
            own.remove(2);
        }
        if shape.len() == dims + 1 {
            own.remove(0);
        }
        self.reshape_to(x, &own)
    }

    /// Means over parts of nearly equal length along the last axes; nothing keeps a length.
    pub fn adaptive_avg_pool(&mut self, x: &Tensor, sizes: &[Option<i64>]) -> Lowered {
        let (x, sizes) = self.adaptive(x, sizes)?;
        let value = self.builder.adaptive_avg_pool(x.value, &sizes)?;
        Ok(Tensor::new(value, Kind::Float))
    }

    fn adaptive(&self, x: &Tensor, sizes: &[Option<i64>]) -> Lowered<(Tensor, Vec<usize>)> {
        let shape = self.shape(x);
        let Some(first) = shape.len().checked_sub(sizes.len()) else {
            return problem(format!("{shape:?} has no {} axes", sizes.len()));
        };
        let size = |(i, &n): (usize, &Option<i64>)| n.map_or(Ok(shape[first + i]), super::size);
        let sizes: Vec<usize> = sizes.iter().enumerate().map(size).collect::<Lowered<_>>()?;
        let made = [&shape[..first], &sizes].concat();
        for (&size, &length) in sizes.iter().zip(&shape[first..]) {
            self.spend(&[size.saturating_add(length), 4])?;
        }
        self.within(&[&shape[..], &sizes].concat())?;
        self.within(&made)?;
        Ok((x.clone(), sizes))
    }

    /// The greatest elements of parts of nearly equal length along the last axes.
    pub fn adaptive_max_pool(&mut self, x: &Tensor, sizes: &[Option<i64>]) -> Lowered {
        let (mut x, sizes) = self.adaptive(x, sizes)?;
        let first = self.rank(&x) - sizes.len();
        for (i, &size) in sizes.iter().enumerate() {
            let (axis, length) = (first + i, self.shape(&x)[first + i]);
            if size == 0 || length == 0 {
                return problem("a value without elements is not supported");
            }
            self.spend_steps(size)?;
            let mut parts = Vec::new();
            for o in 0..size {
                let (start, end) = (o * length / size, ((o + 1) * length).div_ceil(size));
                let part = self.part(&x, axis, start, 1, end - start)?;
                parts.push(self.reduce(
                    landscape_trace::Reduction::Max,
                    &part,
                    &[axis as i64],
                    true,
                )?);
            }
            x = self.cat(&parts, axis as i64)?;
        }
        Ok(x)
    }
}
