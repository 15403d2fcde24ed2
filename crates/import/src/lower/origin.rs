//! Which parameter a value is, and where the parameter's axes are in it.

use landscape_core::FilterAxes;
use std::ops::Range;
use std::sync::Arc;

/// A parameter whose elements a value has, in whatever shape.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// The number of the parameter.
    pub parameter: usize,
    /// The parameter's own shape.
    shape: Arc<[usize]>,
    /// For each axis of the value the axes of the parameter that it runs along, the outermost first; nothing where that isn't known.
    axes: Option<Vec<Vec<usize>>>,
}

impl Origin {
    /// The parameter as it is.
    pub fn new(parameter: usize, shape: &[usize]) -> Self {
        Self {
            parameter,
            shape: shape.into(),
            axes: Some((0..shape.len().max(1)).map(|axis| vec![axis]).collect()),
        }
    }

    fn with_axes(&self, axes: Option<Vec<Vec<usize>>>) -> Self {
        Self {
            axes,
            ..self.clone()
        }
    }

    /// With the axes in another order.
    pub fn permuted(&self, order: &[usize]) -> Self {
        let axes = self.axes.as_ref();
        self.with_axes(axes.and_then(|axes| order.iter().map(|&a| axes.get(a).cloned()).collect()))
    }

    /// With axes in front that the parameter does not have.
    pub fn expanded(&self, lead: usize) -> Self {
        let axes = self.axes.as_ref();
        self.with_axes(axes.map(|axes| {
            let none = std::iter::repeat_n(vec![], lead);
            none.chain(axes.iter().cloned()).collect()
        }))
    }

    /// With another shape of as many elements.
    pub fn reshaped(&self, from: &[usize], to: &[usize]) -> Self {
        let axes = self.axes.as_ref();
        self.with_axes(axes.and_then(|axes| self.axes_reshaped(axes, from, to)))
    }

    fn axes_reshaped(
        &self,
        axes: &[Vec<usize>],
        from: &[usize],
        to: &[usize],
    ) -> Option<Vec<Vec<usize>>> {
        if axes.len() != from.len() || from.contains(&0) {
            return None;
        }
        let own = axes.iter().cloned().zip(from.iter().copied());
        let (single, long): (Vec<_>, Vec<_>) = own.partition(|&(_, n)| n == 1);
        let (mut single, mut long) = (single.into_iter(), long.into_iter());
        let mut made = Vec::new();
        let mut wanted = to.iter().copied();
        while let Some(n) = wanted.next() {
            if n == 1 {
                made.push(single.next().map_or(vec![], |(axes, _)| axes));
                continue;
            }
            // Several axes that become one, or one that becomes several.
            let (mut joined, mut length) = long.next()?;
            while length < n {
                let (next, more) = long.next()?;
                joined.extend(next);
                length *= more;
            }
            let mut lengths = vec![n];
            while lengths.iter().product::<usize>() < length {
                lengths.push(wanted.next()?);
            }
            match lengths.len() {
                1 if length == n => made.push(joined),
                _ => made.extend(self.parts(&joined, &lengths)?),
            }
        }
        Some(made)
    }

    /// Axes as several groups of given lengths.
    fn parts(&self, axes: &[usize], lengths: &[usize]) -> Option<Vec<Vec<usize>>> {
        let mut axes = axes.iter().copied();
        let mut parts = Vec::new();
        for &length in lengths {
            let (mut part, mut product) = (vec![], 1);
            while product < length {
                let axis = axes.next()?;
                product *= self.shape.get(axis)?;
                part.push(axis);
            }
            if product != length {
                return None;
            }
            parts.push(part);
        }
        axes.all(|axis| self.shape[axis] == 1).then_some(parts)
    }

    /// Which axes of the parameter count filters, where an axis of the value counts the units that an operation makes, and it sums over
    /// others, in so many groups. Nothing where no axes of the parameter say it.
    pub fn filters(&self, units: usize, summed: &[usize], groups: usize) -> Option<FilterAxes> {
        let axes = self.axes.as_ref()?;
        let units = axes.get(units)?;
        let (first, last) = (*units.first()?, *units.last()?);
        let is_summed = |axis: usize| {
            let mut summed = summed.iter().filter_map(|&i| axes.get(i)).flatten();
            summed.any(|&own| own == axis)
        };
        let long = |range: Range<usize>| range.filter(|&axis| self.shape[axis] > 1);
        let in_order = units.is_sorted() && long(first..last + 1).all(|axis| units.contains(&axis));
        if !in_order || !long(last + 1..self.shape.len()).all(is_summed) {
            return None;
        }
        // What an operation does not sum over has filters of its own.
        let blocks: Vec<usize> = { long(0..first) }
            .take_while(|&axis| !is_summed(axis))
            .collect();
        let mut others = long(0..first).filter(|axis| !blocks.contains(axis));
        let blocks = blocks.iter().map(|&axis| self.shape[axis]);
        others.all(is_summed).then(|| FilterAxes {
            first,
            count: last + 1 - first,
            groups: groups * blocks.product::<usize>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Origin;
    use landscape_core::FilterAxes;

    fn axes(first: usize, count: usize, groups: usize) -> Option<FilterAxes> {
        Some(FilterAxes {
            first,
            count,
            groups,
        })
    }

    #[test]
    fn units_are_found_behind_permutations_and_shapes() {
        let linear = Origin::new(0, &[4, 6]).permuted(&[1, 0]);
        assert_eq!(linear.filters(1, &[0], 1), axes(0, 1, 1));
        let right = Origin::new(0, &[6, 4]);
        assert_eq!(right.filters(1, &[0], 1), axes(1, 1, 1));
        // Heads of an attention as one axis, and as two again.
        let heads = Origin::new(0, &[6, 2, 3]).reshaped(&[6, 2, 3], &[6, 6]);
        assert_eq!(heads.filters(1, &[0], 1), axes(1, 2, 1));
        let again = heads.reshaped(&[6, 6], &[1, 6, 2, 1, 3]);
        assert_eq!(again.filters(4, &[1, 2], 1), axes(2, 1, 1));
        // Summed over in another order, for copies.
        let copies = Origin::new(0, &[2, 4, 3]).permuted(&[1, 0, 2]).expanded(1);
        let copies = copies.reshaped(&[5, 4, 2, 3], &[5, 8, 3]);
        assert_eq!(copies.filters(2, &[1], 1), axes(2, 1, 1));
        let halves = Origin::new(0, &[6, 6]).reshaped(&[6, 6], &[6, 2, 3]);
        assert_eq!(halves.filters(2, &[0], 1), None);
    }

    #[test]
    fn matrices_of_a_batch_and_directions_have_their_own() {
        let batch = Origin::new(0, &[3, 5, 4]);
        assert_eq!(batch.filters(2, &[1], 1), axes(2, 1, 3));
        assert_eq!(
            batch.permuted(&[0, 2, 1]).filters(2, &[1], 1),
            axes(1, 1, 3)
        );
        // The weights of one direction of a recurrent layer.
        let one = Origin::new(0, &[2, 8, 5]).reshaped(&[1, 8, 5], &[8, 5]);
        assert_eq!(one.permuted(&[1, 0]).filters(1, &[0], 1), axes(1, 1, 2));
        let transposed = Origin::new(0, &[6, 4, 3, 3]);
        assert_eq!(transposed.filters(1, &[0, 2, 3], 2), axes(1, 1, 2));
    }
}
