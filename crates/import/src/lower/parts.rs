//! Parts of values, several values as one, and what stands around them.

use super::{LowerError, Lowered, Lowering, Tensor, axis, known, problem, size};
use landscape_trace::Padding;

/// What stands around a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Border {
    Constant(f64),
    Reflect,
    Edge,
    /// The other end of the axis.
    Wrap,
}

impl Lowering {
    /// The elements of an axis at given places, 0 where there is none.
    pub fn pick(
        &mut self,
        name: &'static str,
        x: &Tensor,
        axis: usize,
        places: impl ExactSizeIterator<Item = Option<usize>>,
    ) -> Lowered {
        self.spend(&[places.len(), 4])?;
        let places: Vec<Option<usize>> = places.collect();
        let mut shape = self.shape(x);
        let strides = known::strides(&shape);
        if x.scalar || axis >= shape.len() {
            return problem(format!("{shape:?} has no axis {axis}"));
        }
        shape[axis] = places.len();
        self.within(&shape)?;
        let known = self.moved(x, &shape, |at| {
            let place = places[at[axis]]?;
            Some(
                (0..at.len())
                    .map(|a| strides[a] * if a == axis { place } else { at[a] })
                    .sum(),
            )
        });
        let value = self.builder.pick(name, x.value, axis, places)?;
        Ok(Tensor {
            known,
            ..Tensor::new(value, x.kind)
        })
    }

    /// Whether a value of that shape is of a size that can be computed at all: fewer than 2^31 elements.
    pub fn within(&self, shape: &[usize]) -> Lowered<()> {
        match landscape_files::product(shape).is_some_and(|n| n < 1 << 31) {
            true => Ok(()),
            false => problem(format!("a value of shape {shape:?} is too large")),
        }
    }

    /// `length` elements along an axis, `step` apart.
    pub fn part(
        &mut self,
        x: &Tensor,
        axis: usize,
        start: usize,
        step: usize,
        length: usize,
    ) -> Lowered {
        let own = self.shape(x);
        if (start, step, length) == (0, 1, own.get(axis).copied().unwrap_or(0)) {
            return Ok(x.clone());
        }
        if length == 0 {
            return problem("a value without elements is not supported");
        }
        let ranges: Vec<_> = { own.iter().enumerate() }
            .map(|(a, &n)| {
                if a == axis {
                    (start, step, length)
                } else {
                    (0, 1, n)
                }
            })
            .collect();
        let value = self.builder.slice_steps(x.value, &ranges)?;
        let strides = known::strides(&own);
        let shape: Vec<usize> = ranges.iter().map(|r| r.2).collect();
        let known = self.moved(x, &shape, |at| {
            let place = |a: usize| ranges[a].0 + at[a] * ranges[a].1;
            Some((0..at.len()).map(|a| strides[a] * place(a)).sum())
        });
        Ok(Tensor {
            known,
            origin: x.origin.clone(),
            outer: x.outer,
            ..Tensor::new(value, x.kind)
        })
    }

    /// The elements from `start` to `end` of an axis, `step` apart, which both count from the end where they are negative, as in
    /// Python; steps may be negative.
    pub fn slice(
        &mut self,
        x: &Tensor,
        place: i64,
        start: Option<i64>,
        end: Option<i64>,
        step: i64,
    ) -> Lowered {
        let shape = self.shape(x);
        let place = axis(place, shape.len())?;
        let Some(&length) = shape.get(place) else {
            return problem("a single number has no parts");
        };
        let example = x.exported.as_ref().map_or(length, |e| e[place]);
        let (first, step_size, count) = range(example, start, end, step)?;
        let made = if example != length {
            // The samples, of which the example has others: all of them, or a part that does not depend on how many there are.
            let all = first == 0 && step_size == 1 && count == example;
            match all {
                true => x.clone(),
                // Open: all of them are the same.
                false if length == 1 => {
                    let mut repeated = shape.clone();
                    repeated[place] = count;
                    self.expand_to(x, &repeated)?
                }
                false => {
                    return Err(LowerError::Burnt(format!(
                        "it takes {count} of the {example} samples"
                    )));
                }
            }
        } else if step > 0 {
            self.part(x, place, first, step_size, count)?
        } else {
            let places = (0..count).map(|i| Some(first - i * step_size));
            self.pick("slice", x, place, places)?
        };
        Ok(made)
    }

    /// One element of an axis, which is gone.
    pub fn select(&mut self, x: &Tensor, place: i64, index: i64) -> Lowered {
        let shape = self.shape(x);
        let place = axis(place, shape.len())?;
        let Some(&length) = shape.get(place) else {
            return problem("a single number has no parts");
        };
        let example = x.exported.as_ref().map_or(length, |e| e[place]);
        let index = match axis(index, example)? {
            // Open: all of them are the same.
            _ if length == 1 => 0,
            index if example == length => index,
            _ => return Err(LowerError::Burnt("it takes one of the samples".into())),
        };
        let part = self.part(x, place, index, 1, 1)?;
        let mut shape = shape;
        shape.remove(place);
        let made = self.reshape_to(&part, &shape)?;
        Ok(Tensor {
            outer: x.outer,
            ..made
        })
    }

    /// Parts of given lengths, one after another along an axis.
    pub fn split(&mut self, x: &Tensor, place: i64, lengths: &[usize]) -> Lowered<Vec<Tensor>> {
        let shape = self.shape(x);
        let place = axis(place, shape.len())?;
        let whole = shape.get(place).copied().unwrap_or(0);
        if lengths
            .iter()
            .try_fold(0usize, |sum, &n| sum.checked_add(n))
            != Some(whole)
        {
            return problem(format!(
                "parts of {lengths:?} are not the {whole} elements of axis {place}"
            ));
        }
        let mut start = 0;
        let mut parts = Vec::new();
        for &length in lengths {
            parts.push(self.part(x, place, start, 1, length)?);
            start += length;
        }
        Ok(parts)
    }

    /// Parts of equal length, the last of which may be shorter.
    pub fn split_by(&mut self, x: &Tensor, place: i64, length: i64) -> Lowered<Vec<Tensor>> {
        let shape = self.shape(x);
        let place = axis(place, shape.len())?;
        let whole = shape.get(place).copied().unwrap_or(0);
        let length = size(length)?;
        if length == 0 {
            return problem("parts of 0 elements");
        }
        self.spend_steps(whole.div_ceil(length))?;
        let lengths: Vec<usize> = (0..whole.div_ceil(length))
            .map(|i| length.min(whole - i * length))
            .collect();
        self.split(x, place as i64, &lengths)
    }

    /// So many parts of nearly equal length, as `torch.chunk`.
    pub fn chunk(&mut self, x: &Tensor, place: i64, count: i64) -> Lowered<Vec<Tensor>> {
        let shape = self.shape(x);
        let whole = shape.get(axis(place, shape.len())?).copied().unwrap_or(0);
        let length = whole.div_ceil(size(count)?.max(1)).max(1);
        self.split_by(x, place, length as i64)
    }

    /// Each element of an axis, which is gone.
    pub fn unbind(&mut self, x: &Tensor, place: i64) -> Lowered<Vec<Tensor>> {
        let shape = self.shape(x);
        let length = shape.get(axis(place, shape.len())?).copied().unwrap_or(0);
        self.spend_steps(length)?;
        (0..length as i64)
            .map(|i| self.select(x, place, i))
            .collect()
    }

    /// Values one after another along an axis. Those whose samples are still open repeat.
    pub fn cat(&mut self, values: &[Tensor], place: i64) -> Lowered {
        // An empty vector is not part, as in PyTorch.
        let values: Vec<Tensor> = values
            .iter()
            .filter(|x| self.shape(x) != [0])
            .cloned()
            .collect();
        let Some(first) = values.first() else {
            return problem("there are no values");
        };
        let kind = values.iter().map(|x| x.kind).max().unwrap_or(first.kind);
        let rank = self.rank(first);
        let place = axis(place, rank)?;
        let mut longest = self.shape(first);
        for x in &values {
            let shape = self.shape(x);
            if shape.len() != rank || rank == 0 {
                return problem("the values have different numbers of axes");
            }
            longest
                .iter_mut()
                .zip(&shape)
                .for_each(|(a, &b)| *a = (*a).max(b));
        }
        let mut all = Vec::new();
        for x in &values {
            let mut shape = longest.clone();
            shape[place] = self.shape(x)[place];
            let open = self.exported.is_some() && x.exported.is_some();
            all.push(if open {
                self.expand_to(x, &shape)?
            } else {
                x.clone()
            });
        }
        let ids: Vec<_> = all.iter().map(|x| x.value).collect();
        let value = self.builder.concat(&ids, place)?;
        let known = self.joined(&all, place);
        Ok(Tensor {
            known,
            outer: first.outer,
            ..Tensor::new(value, kind)
        })
    }

    fn joined(&self, all: &[Tensor], place: usize) -> Option<std::sync::Arc<Vec<f64>>> {
        let shapes: Vec<_> = all.iter().map(|x| self.shape(x)).collect();
        let rows: usize = shapes[0][..place].iter().product();
        let widths: Vec<usize> = shapes.iter().map(|s| s[place..].iter().product()).collect();
        let known: Vec<_> = all.iter().map(|x| x.known.clone()).collect::<Option<_>>()?;
        let total = rows.checked_mul(widths.iter().sum())?;
        if total > super::constants::KEPT {
            return None;
        }
        self.spend(&[total]).ok()?;
        let row = |r: usize| {
            let parts = known.iter().zip(&widths);
            parts
                .flat_map(move |(known, &w)| known[r * w..(r + 1) * w].iter().copied())
                .collect::<Vec<f64>>()
        };
        Some(std::sync::Arc::new((0..rows).flat_map(row).collect()))
    }

    /// Values beside each other along a new axis.
    pub fn stack(&mut self, values: &[Tensor], place: i64) -> Lowered {
        let values: Vec<Tensor> = values
            .iter()
            .map(|x| self.unsqueeze(x, &[place]))
            .collect::<Lowered<_>>()?;
        self.cat(&values, place)
    }

    /// The opposite order along axes.
    pub fn flip(&mut self, x: &Tensor, places: &[i64]) -> Lowered {
        let shape = self.shape(x);
        let mut x = x.clone();
        for &place in places {
            let place = axis(place, shape.len())?;
            let length = shape.get(place).copied().unwrap_or(0);
            x = self.pick("flip", &x, place, (0..length).map(|i| Some(length - 1 - i)))?;
        }
        Ok(x)
    }

    /// Everything moved along axes, what leaves at one end coming in at the other.
    pub fn roll(&mut self, x: &Tensor, shifts: &[i64], places: &[i64]) -> Lowered {
        if places.is_empty() {
            let shape = self.shape(x);
            let row = self.reshape_to(x, &[self.count(x)])?;
            let row = self.roll(&row, shifts, &[0])?;
            return self.reshape_to(&row, &shape);
        }
        let mut x = x.clone();
        for (&shift, &place) in shifts.iter().zip(places) {
            let shape = self.shape(&x);
            let place = axis(place, shape.len())?;
            let length = shape.get(place).copied().unwrap_or(0).max(1);
            let shift = shift.rem_euclid(length as i64) as usize;
            if shift > 0 {
                // Two parts exchanged.
                let parts = self.split(&x, place as i64, &[length - shift, shift])?;
                x = self.cat(&[parts[1].clone(), parts[0].clone()], place as i64)?;
            }
        }
        Ok(x)
    }

    /// Elements before and after along every axis; negative ones are cut off.
    pub fn pad(&mut self, x: &Tensor, widths: &[(i64, i64)], border: Border) -> Lowered {
        let mut x = x.clone();
        for (place, &(before, after)) in widths.iter().enumerate() {
            if before < 0 || after < 0 {
                let length = self.shape(&x)[place] as i64;
                let (start, end) = (
                    before.saturating_neg().max(0),
                    length - after.saturating_neg().max(0).min(length),
                );
                if start >= end {
                    return problem(format!("nothing is left of {length} elements"));
                }
                x = self.part(&x, place, start as usize, 1, (end - start) as usize)?;
            }
        }
        let widths: Vec<(usize, usize)> = { widths.iter() }
            .map(|&(before, after)| (before.max(0) as usize, after.max(0) as usize))
            .collect();
        if widths.iter().all(|&w| w == (0, 0)) {
            return Ok(x);
        }
        let own = self.shape(&x);
        let shape: Vec<usize> = { own.iter().zip(&widths) }
            .map(|(&n, &(a, b))| n.saturating_add(a).saturating_add(b))
            .collect();
        self.within(&shape)?;
        shape
            .iter()
            .zip(&own)
            .filter(|(a, b)| a != b)
            .try_for_each(|(&n, _)| self.spend(&[n, 4]))?;
        if border == Border::Wrap {
            for (place, &(before, after)) in widths.iter().enumerate() {
                let length = own[place];
                if before.max(after) > length {
                    return problem(format!(
                        "padding of {before} and {after} around {length} elements"
                    ));
                }
                if (before, after) != (0, 0) {
                    let places =
                        (0..before + length + after).map(|i| Some((i + length - before) % length));
                    x = self.pick("pad", &x, place, places)?;
                }
            }
            return Ok(x);
        }
        let padding = match border {
            Border::Constant(number) => Padding::Constant(number as f32),
            Border::Reflect => Padding::Reflect,
            _ => Padding::Edge,
        };
        if matches!(border, Border::Constant(number) if number != 0.0) {
            // The mask of the border is as large as the axes that have one.
            let masked: Vec<usize> = { shape.iter().zip(&widths) }
                .map(|(&n, &w)| if w == (0, 0) { 1 } else { n })
                .collect();
            self.spend(&masked)?;
        }
        let value = self.builder.pad(x.value, &widths, padding)?;
        Ok(Tensor::new(value, x.kind))
    }

    /// Windows of `length` elements along an axis, `step` apart, along a new last axis.
    pub fn windows(&mut self, x: &Tensor, place: i64, length: i64, step: i64) -> Lowered {
        let shape = self.shape(x);
        let place = axis(place, shape.len())?;
        let (length, step) = (size(length)?, size(step)?);
        let rest = shape.get(place).and_then(|n| n.checked_sub(length));
        let (Some(rest), true) = (rest, step > 0 && length > 0) else {
            return problem(format!("no window of {length} fits"));
        };
        let count = rest / step + 1;
        let places = (0..count * length).map(|i| Some(i / length * step + i % length));
        let all = self.pick("unfold", x, place, places)?;
        let mut parts = shape.clone();
        parts[place] = count;
        parts.insert(place + 1, length);
        let split = self.reshape_to(&all, &parts)?;
        self.move_axis(&split, place as i64 + 1, -1)
    }

    /// The diagonal of two axes, as a new last axis.
    pub fn diagonal(&mut self, x: &Tensor, offset: i64, a: i64, b: i64) -> Lowered {
        let rank = self.rank(x);
        let (a, b) = (axis(a, rank)?, axis(b, rank)?);
        if rank < 2 || a == b {
            return problem("a diagonal needs two axes");
        }
        let mut order: Vec<i64> = (0..rank as i64)
            .filter(|&i| i != a as i64 && i != b as i64)
            .collect();
        order.extend([a as i64, b as i64]);
        let x = self.permute(x, &order)?;
        let mut shape = self.shape(&x);
        let columns = shape.pop().unwrap_or(1);
        let rows = shape.pop().unwrap_or(1);
        let start = if offset < 0 {
            (offset.unsigned_abs() as usize).saturating_mul(columns)
        } else {
            offset as usize
        };
        let count = match offset < 0 {
            true => rows
                .saturating_sub(offset.unsigned_abs() as usize)
                .min(columns),
            false => columns.saturating_sub(offset as usize).min(rows),
        };
        shape.push(rows * columns);
        let flat = self.reshape_to(&x, &shape)?;
        self.part(&flat, shape.len() - 1, start, columns + 1, count)
    }
}

/// The first place, the size of a step and the number of elements of a range, as Python's slices.
fn range(
    length: usize,
    start: Option<i64>,
    end: Option<i64>,
    step: i64,
) -> Lowered<(usize, usize, usize)> {
    let n = i64::try_from(length).unwrap_or(i64::MAX);
    let (low, high) = if step > 0 { (0, n) } else { (-1, n - 1) };
    let place = |i: i64| {
        let i = if i < 0 { i.saturating_add(n) } else { i };
        i.clamp(low, high)
    };
    let (first, last) = match step {
        0 => return problem("a step of 0"),
        1.. => (start.map_or(0, place), end.map_or(n, place)),
        _ => (start.map_or(n - 1, place), end.map_or(-1, place)),
    };
    let distance = if step > 0 { last - first } else { first - last };
    let size = step.unsigned_abs();
    let count = u64::try_from(distance).unwrap_or(0).div_ceil(size);
    Ok((first.max(0) as usize, size as usize, count as usize))
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn ranges_are_those_of_python() {
        let found = |n, a, b, s| range(n, a, b, s).unwrap();
        assert_eq!(found(10, None, None, 1), (0, 1, 10));
        assert_eq!(found(10, Some(-3), None, 1), (7, 1, 3));
        assert_eq!(found(10, Some(2), Some(i64::MAX), 3), (2, 3, 3));
        assert_eq!(found(10, Some(-100), Some(-1), 4), (0, 4, 3));
        assert_eq!(found(10, None, None, -1), (9, 1, 10));
        assert_eq!(found(10, Some(8), Some(2), -2), (8, 2, 3));
        assert_eq!(found(10, Some(5), Some(5), 1).2, 0);
        assert!(range(3, None, None, 0).is_err());
    }
}
