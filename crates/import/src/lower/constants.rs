//! Numbers that are made, not given.

use super::{Kind, Lowered, Lowering, Tensor, problem, size};
use std::sync::Arc;

/// Numbers that are kept beside the trace: enough for shapes, indices and masks.
pub(super) const KEPT: usize = 1 << 17;

impl Lowering {
    /// Numbers that are known now.
    pub fn constant(&mut self, shape: &[usize], data: Vec<f64>, kind: Kind) -> Lowered {
        self.spend(shape)?;
        let numbers = data.iter().map(|&x| x as f32).collect();
        let scalar = shape.is_empty();
        let shape = if scalar { &[1][..] } else { shape };
        let value = self.builder.constant(shape, numbers)?;
        let known = (data.len() <= KEPT).then(|| Arc::new(data));
        Ok(Tensor {
            known,
            scalar,
            ..Tensor::new(value, kind)
        })
    }

    /// One number, without axes.
    pub fn number(&mut self, number: f64, kind: Kind) -> Lowered {
        self.constant(&[], vec![number], kind)
    }

    /// One number for all elements. A size that the file's example has for its samples stays open: it is 1, and repeats.
    pub fn full(&mut self, sizes: &[i64], number: f64, kind: Kind) -> Lowered {
        let shape: Vec<usize> = sizes.iter().map(|&n| size(n)).collect::<Lowered<_>>()?;
        let own = self.open_sizes(&shape);
        let count = landscape_files::product(&own);
        self.spend(&own)?;
        let full = self.constant(&own, vec![number; count.unwrap_or(0)], kind)?;
        Ok(self.with_example(full, &shape))
    }

    /// A shape of the file's example, with 1 in the place of its samples: along axis 0, and along axis 1 of three, as those of the
    /// states of recurrent layers.
    pub(super) fn open_sizes(&self, shape: &[usize]) -> Vec<usize> {
        let open = |(axis, &n): (usize, &usize)| match self.exported {
            Some(samples) if n == samples && (axis == 0 || axis == 1 && shape.len() == 3) => 1,
            _ => n,
        };
        shape.iter().enumerate().map(open).collect()
    }

    /// The shape that a value has in the file's example.
    pub(super) fn with_example(&self, x: Tensor, shape: &[usize]) -> Tensor {
        let exported = self.exported.map(|_| shape.to_vec());
        Tensor { exported, ..x }
    }

    /// `start`, `start + step`, ... below `end`.
    pub fn arange(&mut self, start: f64, end: f64, step: f64, kind: Kind) -> Lowered {
        let count = ((end - start) / step).ceil();
        if !(count.is_finite() && step != 0.0) || count < 0.0 {
            return problem(format!(
                "there are no numbers from {start} to {end} in steps of {step}"
            ));
        }
        let count = count as usize;
        self.spend(&[count])?;
        let numbers = (0..count).map(|i| start + step * i as f64).collect();
        self.constant(&[count], numbers, kind)
    }

    /// 1 on the diagonal, else 0.
    pub fn eye(&mut self, rows: i64, columns: i64) -> Lowered {
        let (rows, columns) = (size(rows)?, size(columns)?);
        self.spend(&[rows, columns])?;
        let numbers = (0..rows * columns).map(|i| f64::from(u8::from(i / columns == i % columns)));
        let numbers = numbers.collect();
        self.constant(&[rows, columns], numbers, Kind::Float)
    }

    /// x where it is on or below a diagonal (above where `upper`), else 0.
    pub fn triangle(&mut self, x: &Tensor, diagonal: i64, upper: bool) -> Lowered {
        let shape = self.shape(x);
        let Some(&[rows, columns]) = shape.last_chunk() else {
            return problem("a matrix is expected");
        };
        let kept = |i: usize| {
            let beyond = (i % columns) as i64 - (i / columns) as i64;
            if upper {
                beyond >= diagonal
            } else {
                beyond <= diagonal
            }
        };
        self.spend(&[rows, columns])?;
        let mask: Vec<f64> = (0..rows * columns)
            .map(|i| f64::from(u8::from(kept(i))))
            .collect();
        let mask = self.constant(&[rows, columns], mask, Kind::Bool)?;
        let zero = self.number(0.0, x.kind)?;
        self.choose(&mask, x, &zero)
    }
}
