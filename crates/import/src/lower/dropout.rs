//! Dropout, which does something in training alone.

use super::{Kind, Lowered, Lowering, Tensor};
use landscape_trace::{Binary, Unary};

/// What is dropped together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// Each element on its own.
    Elements,
    /// All places of a channel, axis 1.
    Channels,
}

/// Minus the value that `SELU` goes to: what `alpha_dropout` puts in the place of what it drops, before it scales.
const ALPHA: f64 = 1.758_099_340_847_376_6;

impl Lowering {
    /// PyTorch's `dropout`, `feature_dropout`: a share `rate` is 0, and the rest larger, so that the mean stays.
    pub fn dropout(&mut self, x: &Tensor, rate: f64, what: Dropped) -> Lowered {
        let Some(kept) = self.kept(x, rate, what)? else {
            return Ok(x.clone());
        };
        let scale = if rate < 1.0 { 1.0 / (1.0 - rate) } else { 0.0 };
        let kept = self.unary(Unary::MulScalar(scale), &kept);
        self.masked(x, Binary::Mul, &kept)
    }

    /// PyTorch's `alpha_dropout`, which keeps mean and variance of what is standardised.
    pub fn alpha_dropout(&mut self, x: &Tensor, rate: f64, what: Dropped) -> Lowered {
        let Some(kept) = self.kept(x, rate, what)? else {
            return Ok(x.clone());
        };
        let scale = match rate < 1.0 {
            true => 1.0 / ((ALPHA * ALPHA * rate + 1.0) * (1.0 - rate)).sqrt(),
            false => 0.0,
        };
        let lowered = self.unary(Unary::AddScalar(rate - 1.0), &kept);
        let lowered = self.unary(Unary::MulScalar(ALPHA * scale), &lowered);
        let kept = self.unary(Unary::MulScalar(scale), &kept);
        let scaled = self.masked(x, Binary::Mul, &kept)?;
        self.masked(&scaled, Binary::Add, &lowered)
    }

    fn masked(&mut self, x: &Tensor, f: Binary, mask: &Tensor) -> Lowered {
        let made = self.binary(f, x, mask)?;
        Ok(Tensor {
            scalar: x.scalar,
            ..made
        })
    }

    /// Where x is kept; nothing where all of it is.
    fn kept(&mut self, x: &Tensor, rate: f64, what: Dropped) -> Lowered<Option<Tensor>> {
        if !self.training || rate <= 0.0 {
            return Ok(None);
        }
        let mut shape = self.builder.shape(x.value).to_vec();
        if what == Dropped::Channels {
            shape.iter_mut().skip(2).for_each(|n| *n = 1);
        }
        self.spend(&shape)?;
        let mask = self.builder.mask(&shape, 1.0 - rate)?;
        Ok(Some(Tensor::new(mask, Kind::Float)))
    }
}
