//! Second differences: convexity, smoothness and the curvature at the centre.

use super::field::{Field, add, unit};
use nalgebra::{Matrix3, Vector3};

/// Share of the loss below which a second difference is rounding: losses are f32 results.
const RESOLUTION: f64 = 1e-6;

/// A symmetric matrix of up to three dimensions; entries beyond are zero.
type Hessian = Matrix3<f64>;

/// What second differences say about a surface.
pub(super) struct Curvature {
    pub(super) hessians: usize,
    pub(super) convexity: Option<f64>,
    pub(super) smoothness: Option<f64>,
}

pub(super) fn curvature(field: &Field, range: f64) -> Curvature {
    let (mut hessians, mut convex, mut bending) = (0usize, 0usize, 0.0);
    for flat in (0..field.values.len()).filter(|&flat| field.is_interior(flat)) {
        let Some(hessian) = second_differences(field, flat) else {
            continue;
        };
        hessians += 1;
        bending += normalised_laplacian(field, &hessian).abs();
        let rounding = RESOLUTION * magnitude(field, flat);
        let smallest = eigenvalues(&hessian, field.dims()).pop();
        convex += usize::from(smallest.is_some_and(|l| l >= -rounding));
    }
    let count = hessians as f64;
    let bend = if range > 0.0 { bending / range } else { 0.0 };
    Curvature {
        hessians,
        convexity: (hessians > 0).then(|| convex as f64 / count),
        smoothness: (hessians > 0).then(|| 1.0 / (1.0 + bend / count)),
    }
}

/// Hessian at a point in units of grid steps, by central differences:
/// `f(+a) - 2 f + f(-a)` and `(f(+a+b) - f(+a-b) - f(-a+b) + f(-a-b)) / 4`.
/// `None` where a value is missing or not finite.
fn second_differences(field: &Field, flat: usize) -> Option<Hessian> {
    let center = field.finite(flat, [0; 3])?;
    let mut hessian = Hessian::zeros();
    for a in 0..field.dims() {
        let pair = field.finite(flat, unit(a, 1))? + field.finite(flat, unit(a, -1))?;
        hessian[(a, a)] = pair - 2.0 * center;
        for b in 0..a {
            let corner = |s: isize, t: isize| field.finite(flat, add(unit(a, s), unit(b, t)));
            let mixed = corner(1, 1)? - corner(1, -1)? - corner(-1, 1)? + corner(-1, -1)?;
            hessian[(a, b)] = mixed / 4.0;
            hessian[(b, a)] = mixed / 4.0;
        }
    }
    Some(hessian)
}

/// Gradient in units of grid steps, by central differences.
fn first_differences(field: &Field, flat: usize) -> Option<Vector3<f64>> {
    let mut gradient = Vector3::zeros();
    for axis in 0..field.dims() {
        let [up, down] = [1, -1].map(|by| field.finite(flat, unit(axis, by)));
        gradient[axis] = (up? - down?) / 2.0;
    }
    Some(gradient)
}

/// Distance, in grid steps along the farthest axis, from a point to the stationary point of its
/// local quadratic; `None` unless that is a saddle beyond rounding.
pub(super) fn saddle_distance(field: &Field, flat: usize) -> Option<f64> {
    let mut hessian = second_differences(field, flat)?;
    let gradient = first_differences(field, flat)?;
    let rounding = RESOLUTION * magnitude(field, flat);
    let eigenvalues = eigenvalues(&hessian, field.dims());
    let (largest, smallest) = (eigenvalues.first()?, eigenvalues.last()?);
    if *smallest >= -rounding || *largest <= rounding {
        return None;
    }
    for axis in field.dims()..3 {
        hessian[(axis, axis)] = 1.0;
    }
    Some(hessian.lu().solve(&gradient)?.amax())
}

/// Trace of the Hessian in coordinates in which every axis has length 1.
fn normalised_laplacian(field: &Field, hessian: &Hessian) -> f64 {
    let axes = field.grid.axes().iter().enumerate();
    axes.map(|(a, axis)| hessian[(a, a)] * ((axis.count() - 1) as f64).powi(2))
        .sum()
}

/// Largest magnitude in the neighbourhood.
fn magnitude(field: &Field, flat: usize) -> f64 {
    let values = field.around.iter().filter_map(|&o| field.finite(flat, o));
    values.fold(field.values[flat].abs(), |m, v| m.max(v.abs()))
}

/// The Hessian in coordinates at the point nearest to the origin; `None` when that point is not
/// interior or its neighbourhood is not known.
pub(super) fn at_center(field: &Field) -> Option<Center> {
    let mut indices = [0; 3];
    for (index, axis) in indices.iter_mut().zip(field.grid.axes()) {
        *index = axis.nearest(0.0)?;
    }
    let mut hessian = second_differences(field, field.grid.index(indices)?)?;
    let steps: Vec<f64> = field.grid.axes().iter().map(|axis| axis.step()).collect();
    for (a, step_a) in steps.iter().enumerate() {
        for (b, step_b) in steps.iter().enumerate() {
            hessian[(a, b)] /= step_a * step_b;
        }
    }
    Some(Center {
        eigenvalues: eigenvalues(&hessian, steps.len()),
        diagonal: (0..steps.len()).map(|a| hessian[(a, a)]).collect(),
    })
}

pub(super) struct Center {
    /// Descending.
    pub(super) eigenvalues: Vec<f64>,
    pub(super) diagonal: Vec<f64>,
}

/// Eigenvalues in descending order.
fn eigenvalues(hessian: &Hessian, dims: usize) -> Vec<f64> {
    let mut values: Vec<f64> = match dims {
        1 => vec![hessian[(0, 0)]],
        2 => {
            let mean = (hessian[(0, 0)] + hessian[(1, 1)]) / 2.0;
            let half_gap = (hessian[(0, 0)] - hessian[(1, 1)]) / 2.0;
            let spread = half_gap.hypot(hessian[(0, 1)]);
            vec![mean + spread, mean - spread]
        }
        _ => hessian.symmetric_eigenvalues().iter().copied().collect(),
    };
    values.sort_by(|a, b| b.total_cmp(a));
    values
}
