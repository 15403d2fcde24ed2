//! A finer plane for drawing, so that lines and colours of a coarse one are smooth and agree.
//!
//! Along each axis a cubic runs through the points, with slopes that are central differences, at most three
//! times the smaller of the differences to both sides: it passes every point, gives a rising parabola back as it is
//! and stays monotone where the points are (Fritsch and Carlson, SIAM Journal on Numerical Analysis 17, 1980).
//! As with [`Field::sample`], nothing is interpolated into a hole: up to halfway to one the last value holds.

use super::{Cell, Field, finite_places};
use landscape_core::Axis;

/// About this many points along an axis are enough for any page.
const FINE: usize = 240;

impl Field {
    /// The field on a finer grid of which every point of this one is a point. The values stay within the
    /// range of this one's.
    pub fn refined(&self) -> Field {
        let (kx, ky) = (factor(self.nx()), factor(self.ny()));
        let (nx, ny) = (self.nx(), self.ny());
        let (fx, fy) = (fine(nx, kx), fine(ny, ky));
        let columns: Vec<Vec<f64>> = (0..ny)
            .map(|j| between(&(0..nx).map(|i| self.place(i, j)).collect::<Vec<_>>(), kx))
            .collect();
        let (low, high) = finite_places(&self.places);
        let mut places = Vec::with_capacity(fx * fy);
        for i in 0..fx {
            let row: Vec<f64> = columns.iter().map(|column| column[i]).collect();
            places.extend(between(&row, ky).iter().map(|v| v.clamp(low, high)));
        }
        let cell = |v: &f64| match v.is_finite() {
            true => Cell::Finite,
            false => Cell::Missing,
        };
        Field {
            x: axis(&self.x, fx),
            y: axis(&self.y, fy),
            cells: places.iter().map(cell).collect(),
            places,
        }
    }

    /// How many steps of the finer grid are one of this one, along both axes.
    pub fn steps(&self, fine: &Field) -> [usize; 2] {
        let ratio = |coarse: usize, fine: usize| (fine - 1) / (coarse - 1).max(1);
        [
            ratio(self.nx(), fine.nx()).max(1),
            ratio(self.ny(), fine.ny()).max(1),
        ]
    }
}

fn factor(n: usize) -> usize {
    match n {
        0 | 1 => 1,
        n => FINE.div_ceil(n - 1),
    }
}

fn fine(n: usize, k: usize) -> usize {
    (n.max(1) - 1) * k + 1
}

/// An axis of the same ends.
fn axis(of: &Axis, n: usize) -> Axis {
    Axis::new(of.min(), of.max(), n).unwrap_or(*of)
}

/// The values of a line and `k - 1` between each two.
fn between(values: &[f64], k: usize) -> Vec<f64> {
    let n = values.len();
    let mut out = Vec::with_capacity(fine(n, k));
    for i in 0..n.saturating_sub(1) {
        out.push(values[i]);
        let (from, to) = (values[i], values[i + 1]);
        let slopes = (slope(values, i), slope(values, i + 1));
        out.extend((1..k).map(|m| part(from, to, slopes, m as f64 / k as f64)));
    }
    out.extend(values.last());
    out
}

/// The value at a share of the way between two points; without one of them the other's holds halfway.
fn part(from: f64, to: f64, slopes: (f64, f64), t: f64) -> f64 {
    match (from.is_finite(), to.is_finite()) {
        (true, true) => {
            let (s, t2) = (1.0 - t, t * t);
            let bend = slopes.0 * t * s * s - slopes.1 * t2 * s;
            from + (to - from) * t2 * (3.0 - 2.0 * t) + bend
        }
        (true, false) if t < 0.5 => from,
        (false, true) if t >= 0.5 => to,
        _ => f64::NAN,
    }
}

/// The slope at a point, in values a step.
fn slope(values: &[f64], i: usize) -> f64 {
    let rise = |a: Option<usize>, b: usize| -> Option<f64> {
        let rise = values.get(b)? - values.get(a?)?;
        rise.is_finite().then_some(rise)
    };
    let back = |by: usize| i.checked_sub(by);
    match (rise(back(1), i), rise(Some(i), i + 1)) {
        (Some(a), Some(b)) => limited((a + b) / 2.0, a, b),
        // At an end, that of the parabola through the last three points.
        (Some(a), None) => limited(1.5 * a - 0.5 * rise(back(2), i - 1).unwrap_or(a), a, a),
        (None, Some(b)) => limited(1.5 * b - 0.5 * rise(Some(i + 1), i + 2).unwrap_or(b), b, b),
        (None, None) => 0.0,
    }
}

fn limited(slope: f64, a: f64, b: f64) -> f64 {
    let most = 3.0 * a.abs().min(b.abs());
    slope.clamp(-most, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rising_parabolas_come_back() {
        let f = |x: f64| (x + 1.0) * (x + 1.0);
        let values: Vec<f64> = (0..9).map(|i| f(f64::from(i) / 2.0)).collect();
        for (k, v) in between(&values, 8).iter().enumerate() {
            let truth = f(k as f64 / 16.0);
            assert!((v - truth).abs() < 1e-12, "{k}: {v} {truth}");
        }
    }

    #[test]
    fn steps_are_not_overshot() {
        let values = [0.0, 0.0, 0.0, 5.0, 5.0, 5.2, 9.0];
        let fine = between(&values, 10);
        assert!(fine.windows(2).all(|w| w[1] >= w[0] - 1e-12));
        assert!(values.iter().enumerate().all(|(i, v)| fine[10 * i] == *v));
    }

    #[test]
    fn values_reach_halfway_into_a_hole() {
        let fine = between(&[1.0, 2.0, f64::NAN, 4.0], 4);
        assert!(fine[5] == 2.0 && fine[6].is_nan() && fine[8].is_nan() && fine[9].is_nan());
        assert!(fine[10] == 4.0 && fine[1] > 1.0 && fine[1] < 2.0);
    }
}
