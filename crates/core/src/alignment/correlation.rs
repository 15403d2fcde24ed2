//! Correlations between the units of two networks, over any number of samples.

use crate::numeric::transposed_product;
use nalgebra::DMatrix;

/// Share of a sum of squares below which a variance is rounding.
const ROUNDING: f64 = 1e-14;

/// Pearson correlations of every unit of one network with every unit of another, from activations
/// that come in parts: memory does not grow with the number of samples. For
/// [`super::match_activations`].
///
/// ```
/// use landscape_core::alignment::Correlator;
///
/// let mut correlator = Correlator::new(2);
/// // Two samples, then one; the second network has the units the other way round.
/// correlator.add(&[1.0, 0.0, 2.0, 5.0], &[0.0, 1.0, 5.0, 2.0]).unwrap();
/// correlator.add(&[3.0, 1.0], &[1.0, 3.0]).unwrap();
/// let found = correlator.correlations();
/// assert!((found[1] - 1.0).abs() < 1e-12 && (found[2] - 1.0).abs() < 1e-12);
/// ```
#[derive(Debug, Clone)]
pub struct Correlator {
    units: usize,
    samples: usize,
    /// The first sample of both networks: sums are of what is above it, so that large means do not
    /// cancel.
    pivots: [Vec<f64>; 2],
    sums: [Vec<f64>; 2],
    squares: [Vec<f64>; 2],
    /// `sum a_i b_j`, column-major.
    products: DMatrix<f64>,
}

impl Correlator {
    /// A correlator of layers with `units` units.
    pub fn new(units: usize) -> Self {
        let zeros = || [vec![0.0; units], vec![0.0; units]];
        Correlator {
            units,
            samples: 0,
            pivots: zeros(),
            sums: zeros(),
            squares: zeros(),
            products: DMatrix::zeros(units, units),
        }
    }

    /// Adds the activations of some samples: one sample after the other, `units` values each, the same
    /// samples of both networks.
    ///
    /// `None`, and nothing is added, when the lengths differ or are not a whole number of samples.
    pub fn add(&mut self, a: &[f32], b: &[f32]) -> Option<()> {
        if self.units == 0 || a.len() != b.len() || !a.len().is_multiple_of(self.units) {
            return None;
        }
        let [a, b] = [self.centred(0, a), self.centred(1, b)];
        self.samples += a.nrows();
        self.products += transposed_product(&a, &b);
        Some(())
    }

    /// One network's values above its pivot, a column a unit, counted in its sums.
    fn centred(&mut self, network: usize, values: &[f32]) -> DMatrix<f64> {
        let rows = values.len() / self.units;
        if self.samples == 0 && rows > 0 {
            let first = values[..self.units].iter().map(|&v| f64::from(v));
            self.pivots[network] = first.collect();
        }
        let wide = values.iter().map(|&v| f64::from(v));
        let mut matrix = DMatrix::from_row_iterator(rows, self.units, wide);
        for (unit, mut column) in matrix.column_iter_mut().enumerate() {
            column.add_scalar_mut(-self.pivots[network][unit]);
            self.sums[network][unit] += column.sum();
            self.squares[network][unit] += column.norm_squared();
        }
        matrix
    }

    /// The correlations so far, row-major: entry `(i, j)` is that of unit `i` of the first network with
    /// unit `j` of the second. A unit without variance is correlated with none: 0.
    pub fn correlations(&self) -> Vec<f64> {
        let n = self.samples.max(1) as f64;
        let scale = |network: usize, unit: usize| {
            let (sum, squares) = (self.sums[network][unit], self.squares[network][unit]);
            let spread = squares - sum * sum / n;
            match spread > ROUNDING * squares {
                true => spread.sqrt().recip(),
                false if spread.is_nan() => f64::NAN,
                false => 0.0,
            }
        };
        let entry = |i: usize, j: usize| {
            let product = self.products[(i, j)] - self.sums[0][i] * self.sums[1][j] / n;
            product * scale(0, i) * scale(1, j)
        };
        let row = |i| (0..self.units).map(move |j| entry(i, j));
        (0..self.units).flat_map(row).collect()
    }
}

/// [`Correlator`] for activations that are there at once.
///
/// `None` when the lengths differ, or are not a whole number of samples.
pub fn correlations(a: &[f32], b: &[f32], units: usize) -> Option<Vec<f64>> {
    let mut correlator = Correlator::new(units);
    correlator.add(a, b)?;
    Some(correlator.correlations())
}
