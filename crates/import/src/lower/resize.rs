//! Images of another size.

use super::{Kind, Lowered, Lowering, Tensor, problem};

/// How values between elements are found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Interpolation {
    /// The element at a place, rounded by this rule.
    Nearest(Rounding),
    Linear,
    /// Of the two elements at each side, with this coefficient (Keys 1981).
    Cubic(f64),
}

/// To which whole number a place is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    Floor,
    Ceil,
    /// Halves down.
    HalfDown,
    /// Halves up.
    HalfUp,
}

/// How the elements of an axis of another length lie among its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Resize {
    pub interpolation: Interpolation,
    /// Where the elements lie.
    pub places: Places,
    /// Whether means are taken over the elements that one of fewer covers.
    pub antialias: bool,
    /// Whether elements outside do not count, rather than those at the ends repeat.
    pub exclude_outside: bool,
}

/// Where the element `o` of the result lies among those of x, of which there are `scale` times as many in the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Places {
    /// `(o + 1/2) / scale - 1/2`
    HalfPixel,
    /// The same; 0 for a result of one element.
    PytorchHalfPixel,
    /// The first and last elements lie on each other.
    AlignCorners,
    /// `o / scale`
    Asymmetric,
    /// As [`Self::HalfPixel`], around the middle of what is really computed where the scale is rounded.
    HalfPixelSymmetric,
}

impl Resize {
    fn place(&self, o: usize, scale: f64, length: usize, new: usize) -> f64 {
        let o = o as f64;
        match self.places {
            Places::HalfPixel => (o + 0.5) / scale - 0.5,
            Places::PytorchHalfPixel if new <= 1 => 0.0,
            Places::PytorchHalfPixel => (o + 0.5) / scale - 0.5,
            Places::AlignCorners if new <= 1 => 0.0,
            Places::AlignCorners => o * (length as f64 - 1.0) / (new as f64 - 1.0),
            Places::Asymmetric => o / scale,
            Places::HalfPixelSymmetric => {
                let adjustment = new as f64 / (scale * length as f64);
                let center = length as f64 / 2.0;
                let offset = center * (1.0 - adjustment);
                offset + (o + 0.5) / scale - 0.5
            }
        }
    }

    /// The elements that an element of the result is made of.
    fn terms(&self, at: f64, scale: f64, length: usize) -> Vec<(usize, f64)> {
        let last = length as f64 - 1.0;
        let wide = if self.antialias && scale < 1.0 {
            scale
        } else {
            1.0
        };
        let (reach, kernel): (f64, Box<dyn Fn(f64) -> f64>) = match self.interpolation {
            Interpolation::Nearest(rounding) => {
                let at = match rounding {
                    Rounding::Floor => at.floor(),
                    Rounding::Ceil => at.ceil(),
                    Rounding::HalfDown => (at - 0.5).ceil(),
                    Rounding::HalfUp => (at + 0.5).floor(),
                };
                return vec![(at.clamp(0.0, last) as usize, 1.0)];
            }
            Interpolation::Linear => (1.0, Box::new(|x: f64| (1.0 - x.abs()).max(0.0))),
            Interpolation::Cubic(a) => (2.0, Box::new(move |x: f64| cubic(x, a))),
        };
        // Places beyond the ends are those of the ends, unless the kernel reaches over them.
        let linear = self.interpolation == Interpolation::Linear;
        let at = if linear && wide == 1.0 {
            at.clamp(0.0, last)
        } else {
            at
        };
        let first = (at - reach / wide).ceil() as i64;
        let end = (at + reach / wide).floor() as i64;
        let mut terms: Vec<(usize, f64)> = Vec::new();
        let mut sum = 0.0;
        for i in first..=end {
            let weight = kernel((i as f64 - at) * wide);
            let inside = i >= 0 && i as f64 <= last;
            if weight == 0.0 || !inside && (self.exclude_outside || wide < 1.0) {
                continue;
            }
            sum += weight;
            let i = (i as f64).clamp(0.0, last) as usize;
            match terms.iter_mut().find(|term| term.0 == i) {
                Some(term) => term.1 += weight,
                None => terms.push((i, weight)),
            }
        }
        if sum != 0.0 && sum != 1.0 {
            terms.iter_mut().for_each(|term| term.1 /= sum);
        }
        terms
    }
}

fn cubic(x: f64, a: f64) -> f64 {
    match x.abs() {
        x if x <= 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
        x if x < 2.0 => ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a,
        _ => 0.0,
    }
}

impl Lowering {
    /// An axis of another length; `scale`: how many elements one of x becomes, where that is not the ratio of the lengths.
    pub fn resize(
        &mut self,
        x: &Tensor,
        axis: usize,
        new: usize,
        scale: Option<f64>,
        how: &Resize,
    ) -> Lowered {
        let shape = self.shape(x);
        let length = shape.get(axis).copied().unwrap_or(0);
        if length == 0 || new == 0 {
            return problem("a value without elements is not supported");
        }
        let scale = scale.unwrap_or(new as f64 / length as f64);
        if !(scale.is_finite() && scale > 0.0) {
            return problem(format!("a scale of {scale}"));
        }
        let reach = 6.0
            + if how.antialias {
                4.0 / scale.min(1.0)
            } else {
                0.0
            };
        self.spend(&[new, 4 + reach.min(1e9) as usize])?;
        let mut made = shape;
        made[axis] = new;
        self.within(&made)?;
        let terms = |o: usize| how.terms(how.place(o, scale, length, new), scale, length);
        let terms: Vec<_> = (0..new).map(terms).collect();
        let same = new == length && terms.iter().enumerate().all(|(o, t)| t[..] == [(o, 1.0)]);
        if same {
            return Ok(x.clone());
        }
        let value = self
            .builder
            .weighted_sums("interpolate", x.value, axis, terms)?;
        Ok(Tensor::new(value, Kind::Float))
    }
}
