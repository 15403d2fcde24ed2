//! Principal components of rows that are too many or too long to hold: block Lanczos on the scatter
//! matrix `S = sum_t (x_t - mean)(x_t - mean)^T`, one reading of the rows a step.
//!
//! A step costs `2 n p b` multiplications for a block of `b` vectors, in f64, and holds some rows and
//! the basis so far, never the rows. All basis vectors are kept orthogonal, and components are
//! accepted by their true residual `||S v - l v||`, which bounds the error of an eigenvalue by
//! itself (squared, over the gap) and of a component by `residual / gap`. Golub and Underwood, *The
//! Block Lanczos Method for Computing Eigenvalues*, 1977.

use super::columns::Columns;
use super::pca::Spectrum;
use super::source::{RowSource, StreamError};
use super::tall::Tall;
use super::thin::{add_combinations, products};
use super::{RowIter, TrajectoryError};
use crate::numeric::dot64;
use crate::params::Params;
use crate::rng::Rng;
use nalgebra::DMatrix;
use rayon::prelude::*;

/// Rows that are worked on together.
const GROUP: usize = 16;

/// Vectors of a block, where the rows span as many dimensions.
const WIDTH: usize = 12;

/// Bytes that the basis may take.
const MEMORY: usize = 160 << 20;

/// Blocks of a basis that is worth keeping.
const STEPS: usize = 20;

/// Residual of an accepted component, as a share of the largest eigenvalue.
const TOLERANCE: f64 = 1e-9;

/// Residual that is rounding, as a share of the largest eigenvalue.
const ROUNDING: f64 = 1e-13;

/// Scatter that is rounding of the mean, as a share of its square.
const STILL: f64 = 1e-26;

/// Times that all rows are read before giving up.
const PASSES: usize = 200;

/// What a first reading gives.
struct Moments {
    mean: Vec<f64>,
    /// Random combinations of the centred rows.
    start: Tall,
}

/// Rows of a source, read in groups.
pub(super) struct Scatter<'a, S: RowSource + ?Sized> {
    pub(super) source: &'a S,
    pub(super) layout: &'a Params,
    pub(super) columns: Columns,
}

/// The leading eigenpairs of the scatter matrix, and the mean of the rows.
pub(super) fn leading<S: RowSource + ?Sized>(
    scatter: &Scatter<'_, S>,
    wanted: usize,
) -> Result<(Spectrum, Vec<f64>), StreamError> {
    let width = WIDTH.max(2 * wanted).min(scatter.source.len());
    let moments = scatter.moments(width)?;
    let fits = MEMORY / (8 * moments.mean.len());
    let basis = fits.min(STEPS * width).max(3 * width);
    let mut krylov = Krylov::new(moments.start, basis);
    let (mut residual, mut trace) = (f64::NAN, None);
    for _ in 1..PASSES {
        let Some(last) = krylov.blocks.last() else {
            return Err(TrajectoryError::Rank { wanted, rank: 0 }.into());
        };
        let (image, total) = scatter.times(last, &moments.mean, trace)?;
        trace = Some(total);
        if total <= STILL * scatter.source.len() as f64 * dot64(&moments.mean, &moments.mean) {
            return Err(TrajectoryError::Rank { wanted, rank: 0 }.into());
        }
        let ritz = krylov.step(image, wanted);
        residual = ritz.residual;
        if ritz.complete || residual <= TOLERANCE {
            let spectrum = ritz.spectrum(&krylov, wanted, total)?;
            return Ok((spectrum, moments.mean));
        }
        krylov.extend(&ritz);
    }
    let passes = PASSES;
    Err(TrajectoryError::NotConverged { passes, residual }.into())
}

impl<S: RowSource + ?Sized> Scatter<'_, S> {
    /// Calls `visit(first, group)` with up to [`GROUP`] rows minus `offset`, one group after the
    /// other; while one is worked on, the next one is read.
    fn groups(
        &self,
        offset: &[f64],
        mut visit: impl FnMut(usize, Group<'_>) + Send,
    ) -> Result<(), StreamError> {
        let (expected, p) = (self.source.len(), offset.len());
        let mut rows = self.source.rows();
        let (mut held, mut next) = (Vec::with_capacity(GROUP * p), Vec::with_capacity(GROUP * p));
        self.read_group(&mut rows, 0, offset, &mut held)?;
        for first in (0..expected).step_by(GROUP) {
            let read = rayon::in_place_scope(|scope| {
                scope.spawn(|_| visit(first, Group { values: &held, p }));
                self.read_group(&mut rows, first + GROUP, offset, &mut next)
            });
            read?;
            std::mem::swap(&mut held, &mut next);
        }
        match rows.next() {
            None => Ok(()),
            Some(_) => Err(StreamError::Length {
                expected,
                given: expected + 1,
            }),
        }
    }

    /// The rows from `first` on, up to [`GROUP`] of them, in place of what was there.
    fn read_group(
        &self,
        rows: &mut RowIter<'_>,
        first: usize,
        offset: &[f64],
        values: &mut Vec<f64>,
    ) -> Result<(), StreamError> {
        let expected = self.source.len();
        values.clear();
        for index in first..expected.min(first + GROUP) {
            let given = index;
            let row = rows.next().ok_or(StreamError::Length { expected, given })?;
            let row = row.map_err(|source| StreamError::Read { index, source })?;
            let fits = self.layout.same_layout(&row);
            fits.map_err(|source| TrajectoryError::Layout { index, source })?;
            if !self.columns.append(&row, self.layout, Some(offset), values) {
                return Err(TrajectoryError::NotFinite { index }.into());
            }
        }
        Ok(())
    }

    /// First reading: the mean, and a block to start from.
    fn moments(&self, width: usize) -> Result<Moments, StreamError> {
        let (n, p) = (self.source.len(), self.columns.width(self.layout));
        let mut rng = Rng::new(0, 0);
        // Random signs, and ones for the sum of the rows.
        let last = width;
        let weights = DMatrix::from_fn(n, width + 1, |_, column| match column == last {
            true => 1.0,
            false => rng.rademacher(),
        });
        // Relative to the centre, so that sums hardly cancel.
        let mut reference = Vec::with_capacity(p);
        self.columns
            .append(self.layout, self.layout, None, &mut reference);
        let mut sums = Tall::zeros(p, width + 1);
        self.groups(&reference, |first, group| {
            let weights = weights.rows(first, group.rows()).into_owned();
            group.add_to(&mut sums, &weights);
        })?;
        let shift: Vec<f64> = sums.column(last).iter().map(|s| s / n as f64).collect();
        let mean = reference.iter().zip(&shift).map(|(r, s)| r + s).collect();
        let centre = weights.row_sum().columns(0, width) / -(n as f64);
        let mut small = DMatrix::identity(width + 1, width);
        small.row_mut(last).copy_from(&centre);
        let start = sums.times(&small);
        Ok(Moments { mean, start })
    }

    /// `S v` in one reading, and, where it is not known yet, the trace of `S`.
    fn times(
        &self,
        v: &Tall,
        mean: &[f64],
        trace: Option<f64>,
    ) -> Result<(Tall, f64), StreamError> {
        let mut image = Tall::zeros(mean.len(), v.columns());
        let mut squares = 0.0;
        self.groups(mean, |_, group| {
            if trace.is_none() {
                squares += group.squares();
            }
            let scores = group.times(v);
            group.add_to(&mut image, &scores);
        })?;
        Ok((image, trace.unwrap_or(squares)))
    }
}

/// Values of some rows, one after the other.
struct Group<'a> {
    values: &'a [f64],
    p: usize,
}

impl Group<'_> {
    fn rows(&self) -> usize {
        self.values.len() / self.p
    }

    /// Sum of all squares.
    fn squares(&self) -> f64 {
        let rows = self.values.par_chunks_exact(self.p);
        let squares: Vec<f64> = rows.map(|row| dot64(row, row)).collect();
        squares.iter().sum()
    }

    /// Values `at..at + len` of every row.
    fn part(&self, at: usize, len: usize) -> Vec<&[f64]> {
        let rows = self.values.chunks_exact(self.p);
        rows.map(|row| &row[at..at + len]).collect()
    }

    /// `X v` for the rows `X`.
    fn times(&self, v: &Tall) -> DMatrix<f64> {
        v.sum(|at, block| products(&self.part(at, block.nrows()), block))
    }

    /// `sum += X^T scores`.
    fn add_to(&self, sum: &mut Tall, scores: &DMatrix<f64>) {
        sum.for_each(|at, block| {
            let part = self.part(at, block.nrows());
            add_combinations(&part, scores, block);
        });
    }
}

/// An orthonormal basis in blocks, and what the matrix makes of it.
struct Krylov {
    blocks: Vec<Tall>,
    /// `V^T S V` of all blocks but a last one that was not multiplied yet.
    projected: DMatrix<f64>,
    /// Most vectors of a basis.
    most: usize,
    /// Largest eigenvalue met.
    largest: f64,
}

/// Eigenpairs of the projected matrix, descending.
struct Ritz {
    values: Vec<f64>,
    vectors: DMatrix<f64>,
    /// Of the wanted pairs, the largest, as a share of the largest eigenvalue.
    residual: f64,
    /// What is not in the basis yet.
    rest: Tall,
    /// Whether nothing is left out of the basis.
    complete: bool,
}

impl Krylov {
    fn new(start: Tall, most: usize) -> Self {
        let first = start.orthonormal(0.0);
        Krylov {
            blocks: Some(first)
                .filter(|b| b.columns() > 0)
                .into_iter()
                .collect(),
            projected: DMatrix::zeros(0, 0),
            most,
            largest: 0.0,
        }
    }

    /// Takes in the image of the last block.
    fn step(&mut self, image: Tall, wanted: usize) -> Ritz {
        let mut rest = image;
        let width = rest.columns();
        let parts: Vec<_> = self
            .blocks
            .iter()
            .map(|b| b.transposed_times(&rest))
            .collect();
        self.grow(&parts, width);
        for _ in 0..2 {
            for block in &self.blocks {
                let part = block.transposed_times(&rest);
                rest.add_product(-1.0, block, &part);
            }
        }
        self.ritz(rest, wanted)
    }

    fn grow(&mut self, parts: &[DMatrix<f64>], width: usize) {
        let before = self.projected.nrows();
        let size = before + width;
        let mut projected =
            std::mem::replace(&mut self.projected, DMatrix::zeros(0, 0)).resize(size, size, 0.0);
        let mut row = 0;
        for part in parts {
            for (i, j) in (0..part.nrows()).flat_map(|i| (0..width).map(move |j| (i, j))) {
                projected[(row + i, before + j)] = part[(i, j)];
                projected[(before + j, row + i)] = part[(i, j)];
            }
            row += part.nrows();
        }
        self.projected = projected;
    }

    fn ritz(&mut self, rest: Tall, wanted: usize) -> Ritz {
        let eigen = self.projected.clone().symmetric_eigen();
        let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        let values: Vec<f64> = order.iter().map(|&i| eigen.eigenvalues[i]).collect();
        let vectors = eigen.eigenvectors.select_columns(&order);
        self.largest = self.largest.max(values.first().copied().unwrap_or(0.0));
        let gram = rest.transposed_times(&rest);
        let width = rest.columns();
        let tails = vectors.rows(vectors.nrows() - width, width);
        let residual = |k: usize| {
            let tail = tails.column(k);
            (tail.dot(&(&gram * tail))).max(0.0).sqrt()
        };
        let largest = self.largest.max(f64::MIN_POSITIVE);
        let worst = (0..wanted.min(values.len()))
            .map(residual)
            .fold(0.0, f64::max)
            / largest;
        let complete = gram.trace().max(0.0).sqrt() <= ROUNDING * largest;
        Ritz {
            residual: if values.len() < wanted {
                f64::INFINITY
            } else {
                worst
            },
            values,
            vectors,
            rest,
            complete,
        }
    }

    /// The next block: what is not in the basis yet, or, where that is full, the leading vectors.
    fn extend(&mut self, ritz: &Ritz) {
        let width = ritz.rest.columns();
        if self.projected.nrows() + width > self.most {
            let leading = self.combine(&ritz.vectors.columns(0, width).into_owned());
            self.blocks = vec![leading.orthonormal(0.0)];
            self.projected = DMatrix::zeros(0, 0);
            return;
        }
        let rounding = ROUNDING * self.largest;
        let mut next = ritz.rest.clone().orthonormal(rounding);
        for block in &self.blocks {
            let part = block.transposed_times(&next);
            next.add_product(-1.0, block, &part);
        }
        self.blocks.push(next.orthonormal(0.5));
    }

    /// Combinations of the basis vectors.
    fn combine(&self, small: &DMatrix<f64>) -> Tall {
        let mut row = 0;
        let mut sum: Option<Tall> = None;
        for block in &self.blocks {
            let part = small.rows(row, block.columns()).into_owned();
            row += block.columns();
            match &mut sum {
                None => sum = Some(block.times(&part)),
                Some(sum) => sum.add_product(1.0, block, &part),
            }
        }
        sum.expect("a basis has a block")
    }
}

impl Ritz {
    fn spectrum(
        &self,
        krylov: &Krylov,
        wanted: usize,
        total: f64,
    ) -> Result<Spectrum, TrajectoryError> {
        let rank = super::pca::rank(&self.values);
        if wanted > rank {
            return Err(TrajectoryError::Rank { wanted, rank });
        }
        let vectors = krylov.combine(&self.vectors.columns(0, wanted).into_owned());
        Ok(Spectrum {
            sums: self.values[..wanted].to_vec(),
            vectors: (0..wanted).map(|k| vectors.column(k)).collect(),
            total,
        })
    }
}
