//! How far numbers of fewer bits are from f32.

use crate::StudyError;
use crate::directions::corners;
use crate::record::Rounding;
use landscape_core::{Grid, Objective, Point};

impl Rounding {
    /// Measures it at the centre and the corners of a grid.
    ///
    /// # Errors
    /// When an objective cannot be evaluated.
    pub fn measure(
        exact: &dyn Objective,
        rounded: &dyn Objective,
        grid: &Grid,
    ) -> Result<Self, StudyError> {
        let points = points(grid);
        let (exact, rounded) = (exact.evaluate(&points)?, rounded.evaluate(&points)?);
        let mut found = Rounding {
            points: 0,
            loss: 0.0,
            relative: 0.0,
            accuracy: None,
        };
        let both = exact.iter().zip(&rounded);
        for (a, b) in both.filter(|(a, _)| a.loss.is_finite()) {
            let difference = match b.loss.is_finite() {
                true => (a.loss - b.loss).abs(),
                false => f64::INFINITY,
            };
            found.points += 1;
            found.loss = found.loss.max(difference);
            if difference > 0.0 {
                found.relative = found.relative.max(difference / a.loss.abs());
            }
            if let Some((a, b)) = a.accuracy.zip(b.accuracy) {
                let before = found.accuracy.unwrap_or(0.0);
                found.accuracy = Some(before.max((a - b).abs()));
            }
        }
        Ok(found)
    }
}

/// The centre, which is the point of the grid nearest to 0, and the corners.
fn points(grid: &Grid) -> Vec<Point> {
    let middle = |axis: &landscape_core::Axis| {
        let (low, high) = (axis.value(0), axis.value(axis.count() - 1));
        0f64.clamp(low, high)
    };
    let center: Vec<f64> = grid.axes().iter().map(middle).collect();
    let mut all = vec![center];
    all.extend(corners(grid));
    all.dedup();
    let padded = |coordinates: Vec<f64>| {
        let mut point = [0.0; 3];
        point[..coordinates.len()].copy_from_slice(&coordinates);
        point
    };
    all.into_iter().map(padded).collect()
}
