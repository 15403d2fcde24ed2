//! Choices by index, and what is put or added at indices.

use super::{Kind, LowerError, Lowered, Lowering, Tensor, axis, problem, size};
use landscape_trace::{Binary, Unary, Update};

impl Lowering {
    /// Indices that count from the end where they are negative, as places from the first.
    fn wrapped(&mut self, index: &Tensor, length: usize) -> Lowered {
        let n = length as f64;
        if let Some(known) = &index.known {
            if let Some(bad) = known.iter().find(|&&i| !(-n..n).contains(&i)) {
                return problem(format!("index {bad} is outside {length} elements"));
            }
            if known.iter().all(|&i| i >= 0.0) {
                return Ok(index.clone());
            }
            let shape = self.shape(index);
            let numbers = known.iter().map(|&i| if i < 0.0 { i + n } else { i });
            let numbers = numbers.collect();
            return self.constant(&shape, numbers, Kind::Int);
        }
        Ok(index.clone())
    }

    /// Elements of an axis at the indices of a tensor of any shape, which takes the place of the axis: NumPy's `take`.
    pub fn take(&mut self, x: &Tensor, place: i64, index: &Tensor) -> Lowered {
        let shape = self.shape(x);
        let place = axis(place, shape.len())?;
        let length = shape.get(place).copied().unwrap_or(1);
        let index = self.wrapped(index, length)?;
        let own = self.shape(&index);
        let row = self.reshape_to(&index, &[self.count(&index)])?;
        let picked = match (&row.known, shape.is_empty()) {
            (_, true) => return problem("a single number has no elements"),
            (Some(known), _) => {
                let places: Vec<_> = known.iter().map(|&i| Some(i as usize)).collect();
                let kept = places.iter().copied().eq((0..length).map(Some));
                match kept {
                    true => x.clone(),
                    false => self.pick("select", x, place, places.into_iter())?,
                }
            }
            (None, _) => {
                let value = match (place, own.len()) {
                    // Rows of a table, sample by sample.
                    (0, 1..) => {
                        let width: usize = shape[1..].iter().product();
                        let table = self.reshape_to(x, &[length, width])?;
                        self.builder.embedding(table.value, index.value)?
                    }
                    _ => self.builder.select(x.value, place, row.value)?,
                };
                Tensor::new(value, x.kind)
            }
        };
        let made = [&shape[..place], &own, &shape[place + 1..]].concat();
        self.reshape_to(&picked, &made)
    }

    /// Elements of an axis at an index for each element of the result, which has the index' shape.
    pub fn gather(&mut self, x: &Tensor, place: i64, index: &Tensor) -> Lowered {
        if x.scalar {
            return Ok(x.clone());
        }
        let shape = self.shape(x);
        let place = axis(place, shape.len())?;
        let index = self.wrapped(index, shape[place])?;
        let wanted = self.shape(&index);
        if wanted.len() != shape.len() {
            return problem("there is not one index for each axis");
        }
        // Only the first elements of other axes are asked for.
        let mut x = x.clone();
        for a in 0..shape.len() {
            if a != place && wanted[a] < shape[a] {
                x = self.part(&x, a, 0, 1, wanted[a])?;
            }
        }
        let value = self.builder.gather(x.value, place, index.value)?;
        Ok(Tensor {
            outer: index.outer,
            ..Tensor::new(value, x.kind)
        })
    }

    /// x updated along an axis by numbers at an index for each of them.
    pub fn scatter(
        &mut self,
        x: &Tensor,
        place: i64,
        index: &Tensor,
        numbers: &Tensor,
        update: Update,
    ) -> Lowered {
        let shape = self.shape(x);
        let place = axis(place, shape.len())?;
        let index = self.wrapped(index, shape.get(place).copied().unwrap_or(1))?;
        let wanted = self.shape(&index);
        let numbers = match numbers.scalar || self.count(numbers) == 1 {
            true => self.expand_to(numbers, &wanted)?,
            false => numbers.clone(),
        };
        if !matches!(update, Update::Put | Update::Add) {
            self.each_with_each(&wanted, shape.get(place).copied().unwrap_or(1))?;
        }
        let value = self
            .builder
            .scatter(x.value, place, index.value, numbers.value, update)?;
        Ok(Tensor::new(value, x.kind.max(numbers.kind)))
    }

    /// Bounds what looks at numbers of a shape from each of so many places.
    fn each_with_each(&self, shape: &[usize], places: usize) -> Lowered<()> {
        self.spend(&[places])?;
        self.within(&[shape, &[places]].concat())
    }

    /// `x[i, j, ..]` with tensors of indices for some of the first axes, and nothing for those that are kept, as in NumPy.
    pub fn index(&mut self, x: &Tensor, indices: &[Option<Tensor>]) -> Lowered {
        let given: Vec<usize> = (0..indices.len())
            .filter(|&a| indices[a].is_some())
            .collect();
        let rank = self.rank(x);
        if indices.len() > rank {
            return problem(format!("{} indices for {rank} axes", indices.len()));
        }
        let mut all = Vec::new();
        for &a in &given {
            let index = indices[a].clone().unwrap_or_else(|| x.clone());
            if index.kind == Kind::Bool {
                return self.by_mask(x, indices, a, &index);
            }
            all.push(index);
        }
        match &all[..] {
            [] => Ok(x.clone()),
            [one] => self.take(x, given[0] as i64, one),
            several => self.index_several(x, &given, several),
        }
    }

    /// Truth values that are known now are places.
    fn by_mask(
        &mut self,
        x: &Tensor,
        indices: &[Option<Tensor>],
        at: usize,
        mask: &Tensor,
    ) -> Lowered {
        let Some(known) = &mask.known else {
            return problem(
                "the number of elements it keeps depends on the data; multiply by the mask, or use \
                 torch.where",
            );
        };
        let shape = self.shape(mask);
        let strides = super::known::strides(&shape);
        let there: Vec<usize> = (0..known.len()).filter(|&i| known[i] != 0.0).collect();
        let mut places: Vec<Option<Tensor>> = indices[..at].to_vec();
        for (a, &n) in shape.iter().enumerate() {
            let along = there.iter().map(|&i| (i / strides[a] % n) as f64).collect();
            places.push(Some(self.constant(&[there.len()], along, Kind::Int)?));
        }
        places.extend(indices[at + 1..].iter().cloned());
        self.index(x, &places)
    }

    fn index_several(&mut self, x: &Tensor, given: &[usize], indices: &[Tensor]) -> Lowered {
        let shape = self.shape(x);
        let mut wrapped = Vec::new();
        for (&a, index) in given.iter().zip(indices) {
            wrapped.push(self.wrapped(index, shape[a])?);
        }
        // The given axes first, then the others.
        let rest: Vec<usize> = (0..shape.len()).filter(|a| !given.contains(a)).collect();
        let order: Vec<i64> = given.iter().chain(&rest).map(|&a| a as i64).collect();
        let turned = self.permute(x, &order)?;
        let first: usize = given.iter().map(|&a| shape[a]).product();
        let others: Vec<usize> = rest.iter().map(|&a| shape[a]).collect();
        let table = self.reshape_to(&turned, &[&[first], &others[..]].concat())?;
        // The number of a row of the table, for each place.
        let mut row: Option<Tensor> = None;
        let mut step = 1usize;
        for (&a, index) in given.iter().zip(&wrapped).rev() {
            let part = self.unary(Unary::MulScalar(step as f64), index);
            row = Some(match row {
                None => part,
                Some(sum) => self.binary(Binary::Add, &part, &sum)?,
            });
            step *= shape[a];
        }
        let row = row.unwrap_or_else(|| x.clone());
        let places = self.rank(&row);
        let rows = self.take(&table, 0, &row)?;
        // Indices beside each other stand where they stood, others in front.
        let together = given.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        let before = if together { given[0] } else { 0 };
        if before == 0 {
            return Ok(rows);
        }
        let rank = self.rank(&rows) as i64;
        let (places, before) = (places as i64, before as i64);
        let order: Vec<i64> = { places..places + before }
            .chain(0..places)
            .chain(places + before..rank)
            .collect();
        self.permute(&rows, &order)
    }

    /// x updated by numbers at tensors of indices for its first axes; at a mask they are put or added.
    pub fn index_put(
        &mut self,
        x: &Tensor,
        indices: &[Option<Tensor>],
        numbers: &Tensor,
        update: Update,
    ) -> Lowered {
        if let [Some(mask)] = indices
            && mask.kind == Kind::Bool
            && self.count(numbers) == 1
        {
            let mut shape = self.shape(mask);
            shape.resize(self.rank(x), 1);
            let mask = self.reshape_to(mask, &shape)?;
            let new = match update {
                Update::Add => self.binary(Binary::Add, x, numbers)?,
                _ => numbers.clone(),
            };
            return self.choose(&mask, &new, x);
        }
        let shape = self.shape(x);
        if indices.len() > shape.len() {
            return problem(format!(
                "{} indices for {} axes",
                indices.len(),
                shape.len()
            ));
        }
        let all: Option<Vec<Tensor>> = indices.iter().cloned().collect();
        let Some(all) = all.filter(|all| all.iter().all(|i| i.kind != Kind::Bool)) else {
            return problem("it is supported only for integer indices of the first axes");
        };
        let mut parts = Vec::new();
        let together: Vec<&Tensor> = all.iter().collect();
        let places = self.common(&together)?;
        for (a, index) in all.iter().enumerate() {
            let index = self.wrapped(index, shape[a])?;
            let index = self.expand_to(&index, &places)?;
            parts.push(self.unsqueeze(&index, &[-1])?);
        }
        let depth = parts.len();
        let index = self.cat(&parts, -1)?;
        let rows = [&places[..], &shape[depth..]].concat();
        let numbers = self.expand_to(numbers, &rows)?;
        self.scatter_nd(x, &index, &numbers, update)
    }

    /// x updated by rows at places, whose numbers for the first axes stand along the last axis of the index.
    pub fn scatter_nd(
        &mut self,
        x: &Tensor,
        index: &Tensor,
        rows: &Tensor,
        update: Update,
    ) -> Lowered {
        if !matches!(update, Update::Put | Update::Add) {
            let depth = self.shape(index).last().copied().unwrap_or(1);
            let shape = self.shape(x);
            let places = shape.iter().take(depth).product();
            self.each_with_each(&self.shape(rows), places)?;
        }
        let value = self
            .builder
            .scatter_nd(x.value, index.value, rows.value, update)?;
        Ok(Tensor::new(value, x.kind.max(rows.kind)))
    }

    /// Rows of x at places, see [`Self::scatter_nd`].
    pub fn gather_nd(&mut self, x: &Tensor, index: &Tensor) -> Lowered {
        let value = self.builder.gather_nd(x.value, index.value)?;
        Ok(Tensor::new(value, x.kind))
    }

    /// 1 at the index of a new last axis of so many classes, else 0.
    pub fn one_hot(&mut self, index: &Tensor, classes: i64) -> Lowered {
        if classes < 0 {
            return Err(LowerError::Problem(
                "the number of classes depends on the data; give it: one_hot(x, num_classes)"
                    .into(),
            ));
        }
        let classes = self.arange(0.0, size(classes)? as f64, 1.0, Kind::Int)?;
        let index = self.unsqueeze(index, &[-1])?;
        Ok(self
            .binary(Binary::Equal, &index, &classes)?
            .of_kind(Kind::Int))
    }

    /// x with `part` in the place of the elements from `start` on of an axis, `step` apart.
    pub fn put_part(
        &mut self,
        x: &Tensor,
        part: &Tensor,
        place: usize,
        start: usize,
        step: usize,
    ) -> Lowered {
        let mut ranges = vec![(0, 1); self.rank(x)];
        match ranges.get_mut(place) {
            Some(range) => *range = (start, step),
            None => return problem("a single number has no parts"),
        }
        let value = self.builder.assign(x.value, part.value, &ranges)?;
        Ok(Tensor {
            outer: x.outer,
            ..Tensor::new(value, x.kind)
        })
    }
}
