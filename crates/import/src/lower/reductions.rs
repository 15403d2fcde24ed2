//! Sums, means, extrema and norms along axes.

use super::{Kind, Lowered, Lowering, Tensor, axes, axis, problem};
use landscape_trace::{Binary, Reduction, Unary};

impl Lowering {
    /// A reduction along axes, of which there are all where none is given; kept with length 1 or gone.
    pub fn reduce(
        &mut self,
        reduction: Reduction,
        x: &Tensor,
        given: &[i64],
        keep: bool,
    ) -> Lowered {
        if x.scalar {
            return Ok(x.clone());
        }
        let shape = self.shape(x);
        let along = axes(given, shape.len())?;
        let kind = match reduction {
            Reduction::Mean => Kind::Float,
            Reduction::ArgMax | Reduction::ArgMin => Kind::Int,
            Reduction::Sum if x.kind == Kind::Bool => Kind::Int,
            _ => x.kind,
        };
        let mut value = x.value;
        if along.len() == shape.len() && shape.len() > 1 {
            value = self.builder.reduce(reduction, value, None)?;
        } else {
            value = self.reduce_runs(reduction, value, &along)?;
        }
        let mut left: Vec<usize> = Vec::new();
        for (a, &n) in shape.iter().enumerate() {
            match along.contains(&a) {
                true if keep => left.push(1),
                true => {}
                false => left.push(n),
            }
        }
        let made = self.reshape_to(&Tensor::new(value, kind), &left)?;
        Ok(Tensor {
            outer: x.outer,
            ..made
        })
    }

    /// Axes beside each other are reduced as one; each stays with length 1.
    fn reduce_runs(
        &mut self,
        reduction: Reduction,
        value: landscape_trace::Value,
        along: &[usize],
    ) -> Lowered<landscape_trace::Value> {
        let mut value = value;
        let mut end = along.len();
        while end > 0 {
            let mut start = end - 1;
            // The first axis, of the samples, on its own.
            while start > 0 && along[start - 1] + 1 == along[start] && along[start - 1] > 0 {
                start -= 1;
            }
            let (first, last) = (along[start], along[end - 1]);
            let own = self.builder.shape(value).to_vec();
            if first < last {
                let joined: usize = own[first..=last].iter().product();
                let mut shape = own.clone();
                shape.splice(first..=last, [joined]);
                value = self.builder.reshape(value, &shape)?;
            }
            value = self.builder.reduce(reduction, value, Some(first))?;
            if first < last {
                let mut shape = own;
                shape[first..=last].fill(1);
                value = self.builder.reshape(value, &shape)?;
            }
            end = start;
        }
        Ok(value)
    }

    pub fn sum(&mut self, x: &Tensor, along: &[i64], keep: bool) -> Lowered {
        self.reduce(Reduction::Sum, x, along, keep)
    }

    pub fn mean(&mut self, x: &Tensor, along: &[i64], keep: bool) -> Lowered {
        self.reduce(Reduction::Mean, x, along, keep)
    }

    /// The number of elements that a reduction takes together.
    fn taken(&self, x: &Tensor, along: &[i64]) -> Lowered<usize> {
        let shape = self.shape(x);
        let along = axes(along, shape.len())?;
        Ok(along.iter().filter_map(|&a| shape.get(a)).product())
    }

    /// The variance, with a sum of squares divided by the number of elements less `correction`, and the mean.
    pub fn variance(
        &mut self,
        x: &Tensor,
        along: &[i64],
        correction: f64,
        keep: bool,
    ) -> Lowered<[Tensor; 2]> {
        let count = self.taken(x, along)? as f64;
        let mean = self.mean(x, along, true)?;
        let centred = self.binary(Binary::Sub, x, &mean)?;
        let squares = self.binary(Binary::Mul, &centred, &centred)?;
        let variance = match correction == 0.0 {
            true => self.mean(&squares, along, keep)?,
            false => {
                let sum = self.sum(&squares, along, keep)?;
                self.unary(Unary::DivScalar((count - correction).max(0.0)), &sum)
            }
        };
        let mean = match keep {
            true => mean,
            false => self.mean(x, along, false)?,
        };
        Ok([variance, mean])
    }

    /// `(sum |x|^p)^(1/p)`
    pub fn norm(&mut self, x: &Tensor, p: f64, along: &[i64], keep: bool) -> Lowered {
        if p == 2.0 {
            let squares = self.binary(Binary::Mul, x, x)?;
            let sum = self.sum(&squares, along, keep)?;
            return Ok(self.unary(Unary::Sqrt, &sum));
        }
        let size = self.unary(Unary::Abs, x);
        match p {
            f64::INFINITY => self.reduce(Reduction::Max, &size, along, keep),
            f64::NEG_INFINITY => self.reduce(Reduction::Min, &size, along, keep),
            0.0 => {
                let there = self.unary(Unary::NotEqualScalar(0.0), &size);
                Ok(self.sum(&there, along, keep)?.of_kind(Kind::Float))
            }
            1.0 => self.sum(&size, along, keep),
            p => {
                let powers = self.unary(Unary::PowScalar(p), &size);
                let sum = self.sum(&powers, along, keep)?;
                Ok(self.unary(Unary::PowScalar(1.0 / p), &sum))
            }
        }
    }

    /// `log sum exp(x)`
    pub fn log_sum_exp(&mut self, x: &Tensor, along: &[i64], keep: bool) -> Lowered {
        let most = self.reduce(Reduction::Max, x, along, true)?;
        let less = self.binary(Binary::Sub, x, &most)?;
        let grown = self.unary(Unary::Exp, &less);
        let sum = self.sum(&grown, along, true)?;
        let log = self.unary(Unary::Log, &sum);
        let all = self.binary(Binary::Add, &log, &most)?;
        match keep {
            true => Ok(all),
            false => self.sum(&all, along, false),
        }
    }

    /// The product along axes.
    pub fn product(&mut self, x: &Tensor, along: &[i64], keep: bool) -> Lowered {
        if x.scalar {
            return Ok(x.clone());
        }
        let shape = self.shape(x);
        let mut made = x.clone();
        for a in axes(along, shape.len())? {
            let value = self.builder.product(made.value, a)?;
            made = Tensor::new(value, x.kind);
        }
        match keep {
            true => Ok(made),
            false => self.sum(&made, along, false),
        }
    }

    /// Whether any element is not 0, or all.
    pub fn truth(&mut self, x: &Tensor, along: &[i64], keep: bool, all: bool) -> Lowered {
        let holds = self.cast(x, Kind::Bool);
        let reduction = if all { Reduction::Min } else { Reduction::Max };
        self.reduce(reduction, &holds, along, keep)
    }

    /// The place of the greatest (or least) element of an axis, or of all.
    pub fn place_of_extreme(
        &mut self,
        x: &Tensor,
        place: Option<i64>,
        keep: bool,
        greatest: bool,
    ) -> Lowered {
        let reduction = if greatest {
            Reduction::ArgMax
        } else {
            Reduction::ArgMin
        };
        match place {
            Some(place) => self.reduce(reduction, x, &[place], keep),
            None => {
                let row = self.reshape_to(x, &[self.count(x)])?;
                self.reduce(reduction, &row, &[0], false)
            }
        }
    }

    /// The greatest (or least) elements of an axis and their places.
    pub fn extreme_along(
        &mut self,
        x: &Tensor,
        place: i64,
        keep: bool,
        greatest: bool,
    ) -> Lowered<[Tensor; 2]> {
        let reduction = if greatest {
            Reduction::Max
        } else {
            Reduction::Min
        };
        let value = self.reduce(reduction, x, &[place], keep)?;
        let index = self.place_of_extreme(x, Some(place), keep, greatest)?;
        Ok([value, index])
    }

    /// The softmax along an axis, or its logarithm.
    pub fn softmax(&mut self, x: &Tensor, place: i64, log: bool) -> Lowered {
        let rank = self.rank(x);
        let place = axis(place, rank)?;
        let value = self.builder.softmax(x.value, place, log)?;
        Ok(Tensor {
            scalar: x.scalar,
            outer: x.outer,
            ..Tensor::new(value, Kind::Float)
        })
    }

    /// Running sums, products or extrema along an axis.
    pub fn running(&mut self, x: &Tensor, place: i64, what: Running) -> Lowered {
        let place = axis(place, self.rank(x))?;
        let b = &mut self.builder;
        let value = match what {
            Running::Sum => b.running_sum(x.value, place)?,
            Running::Product => b.running_product(x.value, place)?,
            Running::Greatest => b.running_extreme(x.value, place, true)?,
            Running::Least => b.running_extreme(x.value, place, false)?,
        };
        Ok(Tensor {
            scalar: x.scalar,
            ..Tensor::new(value, x.kind)
        })
    }

    /// The first elements in order along an axis, and their places.
    pub fn sorted(
        &mut self,
        x: &Tensor,
        place: i64,
        descending: bool,
        count: Option<i64>,
    ) -> Lowered<[Tensor; 2]> {
        let shape = self.shape(x);
        let place = axis(place, shape.len())?;
        let length = shape.get(place).copied().unwrap_or(1);
        let count = count.map_or(Ok(length), super::size)?;
        if count == 0 || count > length {
            return problem(format!("{count} of {length} elements"));
        }
        let [value, index] = self.builder.sorted(x.value, place, descending, count)?;
        let scalar = x.scalar;
        let of = |value, kind| Tensor {
            scalar,
            ..Tensor::new(value, kind)
        };
        Ok([of(value, x.kind), of(index, Kind::Int)])
    }
}

/// What runs along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Running {
    Sum,
    Product,
    Greatest,
    Least,
}
