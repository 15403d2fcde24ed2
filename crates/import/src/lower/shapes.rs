//! Shapes: the same numbers in other places.

use super::{LowerError, Lowered, Lowering, Tensor, axis, known, problem, size};

impl Lowering {
    /// The same numbers with another shape of so many.
    pub fn reshape_to(&mut self, x: &Tensor, shape: &[usize]) -> Lowered {
        let scalar = shape.is_empty();
        let own = if scalar { &[1][..] } else { shape };
        let value = self.builder.reshape(x.value, own)?;
        let origin = x.origin.as_ref();
        let origin = origin.map(|o| o.reshaped(self.builder.shape(x.value), own));
        Ok(Tensor {
            value,
            scalar,
            origin,
            exported: None,
            outer: 1,
            ..x.clone()
        })
    }

    /// The same numbers with another shape, in which one length may be -1. Sizes are those of the file's example: the samples in
    /// them become as many as there are.
    pub fn reshape(&mut self, x: &Tensor, sizes: &[i64]) -> Lowered {
        let (Some(samples), Some(example)) = (self.exported, x.exported.clone()) else {
            let shape = resolved(sizes, self.count(x))?;
            return self.reshape_to(x, &shape);
        };
        let x = self.materialised(x)?;
        let shape = resolved(sizes, example.iter().product())?;
        let own = self.shape(&x);
        let mut differ = (0..own.len()).filter(|&a| own[a] != example[a]);
        let Some(axis) = differ.next() else {
            let made = self.reshape_to(&x, &shape)?;
            return Ok(self.with_example(made, &shape));
        };
        let burnt =
            || LowerError::Burnt(format!("its shape {shape:?} holds the number of samples"));
        if differ.next().is_some() {
            return Err(burnt());
        }
        let outside = example[..axis].iter().product::<usize>() * x.outer;
        let ways = batch_axes(&shape, outside, samples);
        let way = match ways.len() {
            0 => return Err(burnt()),
            1 => 0,
            n => self
                .readings
                .way((example.clone(), shape.clone(), outside), n),
        };
        let (place, outer) = ways[way];
        let mut all = shape.clone();
        all[place] = all[place] / samples * self.samples;
        if all.iter().product::<usize>() != self.count(&x) {
            return Err(burnt());
        }
        let made = self.reshape_to(&x, &all)?;
        Ok(Tensor {
            outer,
            ..self.with_example(made, &shape)
        })
    }

    /// x with the axes repeated that the file's example has for its samples, and that are still 1.
    pub fn materialised(&mut self, x: &Tensor) -> Lowered {
        let (Some(samples), Some(example)) = (self.exported, &x.exported) else {
            return Ok(x.clone());
        };
        let own = self.shape(x);
        let is_open = |&axis: &usize| own[axis] == 1 && example[axis] == samples && samples > 1;
        let open: Vec<usize> = (0..own.len()).filter(is_open).collect();
        let mut shape = own.clone();
        for (i, &axis) in open.iter().enumerate() {
            shape[axis] = if i == 0 { self.samples } else { samples };
        }
        match shape == own {
            true => Ok(x.clone()),
            false => {
                let made = self.expand_to(x, &shape)?;
                Ok(Tensor {
                    exported: x.exported.clone(),
                    ..made
                })
            }
        }
    }

    /// The axes in another order.
    pub fn permute(&mut self, x: &Tensor, order: &[i64]) -> Lowered {
        let shape = self.shape(x);
        let order: Vec<usize> = order
            .iter()
            .map(|&a| axis(a, shape.len()))
            .collect::<Lowered<_>>()?;
        if x.scalar || order.iter().copied().eq(0..shape.len()) {
            return Ok(x.clone());
        }
        let value = self.builder.permute(x.value, &order)?;
        let made = self.shape(&Tensor::new(value, x.kind));
        let strides = known::strides(&shape);
        let known = self.moved(x, &made, |at| {
            Some(
                order
                    .iter()
                    .zip(at)
                    .map(|(&axis, &i)| strides[axis] * i)
                    .sum(),
            )
        });
        let exported = x
            .exported
            .as_ref()
            .map(|e| order.iter().map(|&a| e[a]).collect());
        Ok(Tensor {
            known,
            origin: x.origin.as_ref().map(|origin| origin.permuted(&order)),
            exported,
            outer: x.outer,
            ..Tensor::new(value, x.kind)
        })
    }

    /// Two axes exchanged.
    pub fn transpose(&mut self, x: &Tensor, a: i64, b: i64) -> Lowered {
        let rank = self.rank(x);
        let (a, b) = (axis(a, rank)?, axis(b, rank)?);
        let mut order: Vec<i64> = (0..rank as i64).collect();
        if rank > 0 {
            order.swap(a, b);
        }
        self.permute(x, &order)
    }

    /// One axis moved to another place.
    pub fn move_axis(&mut self, x: &Tensor, from: i64, to: i64) -> Lowered {
        let rank = self.rank(x);
        let (from, to) = (axis(from, rank)?, axis(to, rank)?);
        let mut order: Vec<i64> = (0..rank as i64).filter(|&a| a != from as i64).collect();
        order.insert(to, from as i64);
        self.permute(x, &order)
    }

    /// New axes of length 1, by their places in the result.
    pub fn unsqueeze(&mut self, x: &Tensor, places: &[i64]) -> Lowered {
        let rank = self.rank(x) + places.len();
        let places = super::axes(places, rank)?;
        self.with_axes(x, |shape| {
            places
                .iter()
                .for_each(|&place| shape.insert(place.min(shape.len()), 1))
        })
    }

    /// Axes of length 1 removed: the given ones that have it, or all.
    pub fn squeeze(&mut self, x: &Tensor, places: Option<&[i64]>) -> Lowered {
        let example = x.exported.clone();
        let shape = example.unwrap_or_else(|| self.shape(x));
        let own = self.shape(x);
        let places = match places {
            None => (0..shape.len()).collect(),
            Some(places) => super::axes(places, shape.len())?,
        };
        let gone: Vec<usize> = places
            .into_iter()
            .filter(|&a| shape.get(a) == Some(&1))
            .collect();
        if gone.iter().any(|&a| own[a] != 1) {
            return Err(LowerError::Burnt(
                "it removes the axis of the samples, because the export was made with one sample"
                    .into(),
            ));
        }
        self.with_axes(x, |shape| {
            for &a in gone.iter().rev() {
                shape.remove(a);
            }
        })
    }

    /// The same numbers with axes of length 1 put in or taken out.
    fn with_axes(&mut self, x: &Tensor, change: impl Fn(&mut Vec<usize>)) -> Lowered {
        let mut shape = self.shape(x);
        change(&mut shape);
        let exported = x.exported.clone().map(|mut e| {
            change(&mut e);
            e
        });
        let made = self.reshape_to(x, &shape)?;
        Ok(Tensor {
            exported,
            outer: x.outer,
            ..made
        })
    }

    /// The axes from one to another as one.
    pub fn flatten(&mut self, x: &Tensor, from: i64, to: i64) -> Lowered {
        let rank = self.rank(x);
        let (from, to) = (axis(from, rank)?, axis(to, rank)?);
        if rank == 0 {
            return self.reshape_to(x, &[1]);
        }
        if from > to {
            return problem(format!("there are no axes from {from} to {to}"));
        }
        let example = x.exported.clone().unwrap_or_else(|| self.shape(x));
        let mut sizes = example.clone();
        let joined: usize = example[from..=to].iter().product();
        sizes.splice(from..=to, [joined]);
        let sizes: Vec<i64> = sizes.iter().map(|&n| n as i64).collect();
        self.reshape(x, &sizes)
    }

    /// One axis as several.
    pub fn unflatten(&mut self, x: &Tensor, place: i64, parts: &[i64]) -> Lowered {
        let example = x.exported.clone().unwrap_or_else(|| self.shape(x));
        let place = axis(place, example.len())?;
        let Some(&length) = example.get(place) else {
            return problem("a single number has no axis");
        };
        let parts = resolved(parts, length)?;
        let mut sizes: Vec<i64> = example.iter().map(|&n| n as i64).collect();
        sizes.splice(place..=place, parts.iter().map(|&n| n as i64));
        self.reshape(x, &sizes)
    }

    /// Axes of length 1 repeated, and new ones in front; -1 keeps a length.
    pub fn expand(&mut self, x: &Tensor, sizes: &[i64]) -> Lowered {
        let own = self.shape(x);
        let Some(lead) = sizes.len().checked_sub(own.len()) else {
            return problem(format!("{own:?} does not repeat to {sizes:?}"));
        };
        let example = x.exported.clone().unwrap_or_else(|| own.clone());
        let (mut shape, mut wanted) = (Vec::new(), Vec::new());
        for (i, &n) in sizes.iter().enumerate() {
            let (own, example) = match i.checked_sub(lead) {
                Some(axis) => (own[axis], example[axis]),
                None => (1, 1),
            };
            let n = if n == -1 { example } else { size(n)? };
            wanted.push(n);
            shape.push(match self.exported {
                // Open: it repeats to whatever it meets.
                Some(samples) if n == samples && i == 0 => own,
                Some(_) if n == example => own,
                _ => n,
            });
        }
        let made = self.expand_to(x, &shape)?;
        Ok(self.with_example(made, &wanted))
    }

    /// Axes of length 1 repeated, and new ones in front.
    pub fn expand_to(&mut self, x: &Tensor, shape: &[usize]) -> Lowered {
        if self.shape(x) == shape {
            return Ok(x.clone());
        }
        self.within(shape)?;
        let known = match x.known.is_some() {
            true => {
                self.common(&[x])?;
                let own = self.shape(x);
                let fit = own.len() <= shape.len();
                let from = fit.then(|| self.repeated(x, shape));
                from.and_then(|from| self.moved(x, shape, |at| Some(from(at))))
            }
            false => None,
        };
        let value = self.builder.expand(x.value, shape)?;
        let lead = shape
            .len()
            .saturating_sub(self.builder.shape(x.value).len());
        Ok(Tensor {
            known,
            origin: x.origin.as_ref().map(|origin| origin.expanded(lead)),
            outer: x.outer,
            ..Tensor::new(value, x.kind)
        })
    }

    /// The parts of a value one after another as often as `times` says, as `torch.Tensor.repeat` and ONNX's `Tile`.
    pub fn tile(&mut self, x: &Tensor, times: &[i64]) -> Lowered {
        let mut shape = self.shape(x);
        if times.len() < shape.len() {
            return problem(format!(
                "there are {} numbers for {} axes",
                times.len(),
                shape.len()
            ));
        }
        shape.splice(0..0, std::iter::repeat_n(1, times.len() - shape.len()));
        let mut made = self.reshape_to(x, &shape)?;
        let mut wanted = shape.clone();
        for (axis, &times) in times.iter().enumerate() {
            let times = size(times)?;
            wanted[axis] = wanted[axis].saturating_mul(times.max(1));
            made = match (times, shape[axis], self.exported) {
                (1, ..) => made,
                (0, ..) => return problem("a value without elements is not supported"),
                (times, 1, Some(samples)) if times == samples => made,
                (times, 1, _) => {
                    let mut repeated = self.shape(&made);
                    repeated[axis] = times;
                    self.expand_to(&made, &repeated)?
                }
                (times, length, _) => {
                    let all = length.saturating_mul(times);
                    self.pick(
                        "repeat_dim",
                        &made,
                        axis,
                        (0..all).map(|i| Some(i % length)),
                    )?
                }
            };
        }
        Ok(match x.exported.is_none() && self.exported.is_some() {
            true => self.with_example(made, &wanted),
            false => made,
        })
    }
}

/// Sizes with -1 for what is left of so many elements.
pub(super) fn resolved(sizes: &[i64], count: usize) -> Lowered<Vec<usize>> {
    let given = sizes.iter().filter(|&&n| n != -1).map(|&n| size(n));
    let product = given.collect::<Lowered<Vec<_>>>()?;
    let product = landscape_files::product(&product).unwrap_or(usize::MAX);
    let open = sizes.iter().filter(|&&n| n == -1).count();
    let rest = match open {
        0 if product == count => 0,
        1 if product > 0 && count.is_multiple_of(product) => count / product,
        _ => return problem(format!("{count} elements do not have the shape {sizes:?}")),
    };
    Ok(sizes
        .iter()
        .map(|&n| if n == -1 { rest } else { n as usize })
        .collect())
}

/// The axis of a shape that counts the samples, of which there are so many and outside of which `outside` rows stand, and how many of
/// those it counts too. Of one sample nothing tells which of several axes it is: all of them, the most likely one first.
fn batch_axes(shape: &[usize], outside: usize, samples: usize) -> Vec<(usize, usize)> {
    let mut before = 1;
    // How likely it is: an axis of its own, the last part of one, a part of one.
    let mut found: Vec<(u8, usize, usize)> = Vec::new();
    for (axis, &n) in shape.iter().enumerate() {
        if before > 0 && outside.is_multiple_of(before) {
            let outer = outside / before;
            if n > 0 && n.is_multiple_of(outer * samples) {
                let likely = match outer {
                    1 if n == samples => 0,
                    outer if n == outer * samples => 1,
                    _ => 2,
                };
                found.push((likely, outer, axis));
            }
        }
        before *= n;
    }
    found.sort_unstable();
    if samples > 1 {
        found.truncate(1);
    }
    found
        .into_iter()
        .map(|(_, outer, axis)| (axis, outer))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_found_in_other_shapes() {
        // [4, 16, 8] to [64, 8], and back.
        assert_eq!(batch_axes(&[64, 8], 1, 4), [(0, 1)]);
        assert_eq!(batch_axes(&[4, 16, 8], 1, 4), [(0, 1)]);
        // [16, 4, 8] to [64, 8], and back: 16 rows stand outside of the samples.
        assert_eq!(batch_axes(&[64, 8], 16, 4), [(0, 16)]);
        assert_eq!(batch_axes(&[16, 4, 8], 16, 4), [(1, 1)]);
        // One sample.
        assert_eq!(batch_axes(&[1, 192], 1, 1), [(0, 1), (1, 1)]);
        assert_eq!(batch_axes(&[16, 1, 8], 16, 1), [(1, 1), (0, 16), (2, 1)]);
        assert_eq!(batch_axes(&[1, 1, 8], 1, 1)[..2], [(0, 1), (1, 1)]);
        assert_eq!(batch_axes(&[17, 16], 17, 1), [(0, 17), (1, 1)]);
        assert_eq!(batch_axes(&[192], 1, 1), [(0, 1)]);
        assert_eq!(batch_axes(&[3, 5], 1, 4), []);
    }
}
