//! Curves between networks: Bézier curves and polygonal chains through control points, whose inner
//! points are found by training (Garipov et al., *Loss Surfaces, Mode Connectivity, and Fast
//! Ensembling of DNNs*, NeurIPS 2018).
//!
//! A curve is `theta(t) = sum_k w_k(t) p_k` for `t` in [0, 1], with `theta(0)` and `theta(1)` the
//! first and the last control point. All that depends on the kind of curve are the weights `w_k(t)`:
//! a loss `l(t)` has the gradient `w_k(t) grad l` at control point `k`.

use crate::direction::{Direction, DirectionError};
use crate::names::named;
use crate::params::{Params, ParamsError};
use crate::plane::{Plane, PlaneError};
use serde::{Deserialize, Serialize};

/// Shape of a curve between its control points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CurveKind {
    /// `w_k(t) = C(n, k) (1 - t)^(n-k) t^k` with `n + 1` control points: smooth, drawn towards the
    /// inner ones without passing them.
    #[default]
    Bezier,
    /// Straight pieces from each control point to the next, each as long in `t`.
    Chain,
}

named!(CurveKind, "kind of curve", {
    Bezier => "bezier",
    Chain => "chain",
});

/// What keeps points from being a curve.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CurveError {
    /// A curve has two control points or more.
    #[error("{given} control points; a curve has at least 2")]
    TooFew {
        /// How many there are.
        given: usize,
    },
    /// A control point does not have the layout of the first.
    #[error("control point {index} does not fit the first")]
    Layout {
        /// Which one, from 0.
        index: usize,
        /// What does not fit.
        #[source]
        source: ParamsError,
    },
    /// There is no such inner control point.
    #[error("control point {index} of {given} is not an inner one")]
    NoBend {
        /// Which one, from 0.
        index: usize,
        /// How many there are.
        given: usize,
    },
    /// The control points lie on a line.
    #[error("the control points lie on a line")]
    Straight,
    /// The points do not make a plane.
    #[error("the control points do not span a plane")]
    Plane(#[from] PlaneError),
    /// The points do not have one layout.
    #[error("the control points do not have one layout")]
    Direction(#[from] DirectionError),
}

impl CurveKind {
    /// The weights of `points` control points at `t`; they sum to 1. Outside of [0, 1] a curve goes
    /// on as its first and last pieces do.
    pub fn weights(self, points: usize, t: f64) -> Vec<f64> {
        match (self, points) {
            (_, 0 | 1) => vec![1.0; points],
            (CurveKind::Bezier, _) => bernstein(points - 1, t),
            (CurveKind::Chain, _) => {
                let (piece, share) = piece(points, t);
                let mut weights = vec![0.0; points];
                weights[piece] = 1.0 - share;
                weights[piece + 1] = share;
                weights
            }
        }
    }

    /// Derivatives of the weights by `t`; they sum to 0. At the corners of a chain, those of the piece
    /// that follows.
    pub fn derivatives(self, points: usize, t: f64) -> Vec<f64> {
        let mut derivatives = vec![0.0; points];
        match (self, points) {
            (_, 0 | 1) => {}
            (CurveKind::Bezier, _) => {
                let degree = (points - 1) as f64;
                for (k, weight) in bernstein(points - 2, t).into_iter().enumerate() {
                    derivatives[k] -= degree * weight;
                    derivatives[k + 1] += degree * weight;
                }
            }
            (CurveKind::Chain, _) => {
                let (piece, _) = piece(points, t);
                derivatives[piece] = -((points - 1) as f64);
                derivatives[piece + 1] = (points - 1) as f64;
            }
        }
        derivatives
    }
}

/// Bernstein polynomials of a degree, by de Casteljau's scheme.
fn bernstein(degree: usize, t: f64) -> Vec<f64> {
    let mut weights = vec![1.0];
    for _ in 0..degree {
        let mut next = vec![0.0; weights.len() + 1];
        for (k, weight) in weights.iter().enumerate() {
            next[k] += (1.0 - t) * weight;
            next[k + 1] += t * weight;
        }
        weights = next;
    }
    weights
}

/// The piece of a chain that holds `t`, and the share of it that is passed.
fn piece(points: usize, t: f64) -> (usize, f64) {
    let pieces = (points - 1) as f64;
    let piece = (t * pieces).floor().clamp(0.0, pieces - 1.0);
    (piece as usize, t * pieces - piece)
}

/// A curve through parameter space.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Its shape.
    pub kind: CurveKind,
    points: Vec<Params>,
}

impl Curve {
    /// A curve with these control points, of one layout; the first and the last are its ends.
    ///
    /// # Errors
    /// When there are fewer than two, or one has another layout than the first.
    pub fn new(kind: CurveKind, points: Vec<Params>) -> Result<Self, CurveError> {
        let given = points.len();
        if given < 2 {
            return Err(CurveError::TooFew { given });
        }
        for (index, point) in points.iter().enumerate() {
            let fits = points[0].same_layout(point);
            fits.map_err(|source| CurveError::Layout { index, source })?;
        }
        Ok(Curve { kind, points })
    }

    /// The straight curve between two networks with `bends` inner control points evenly spaced on it:
    /// where training of a curve starts. `bends` is 1 as a rule.
    ///
    /// # Errors
    /// When the layouts differ.
    pub fn straight(
        kind: CurveKind,
        from: &Params,
        to: &Params,
        bends: usize,
    ) -> Result<Self, CurveError> {
        let line = Curve::new(kind, vec![from.clone(), to.clone()])?;
        let inner = (1..=bends).map(|k| line.at(k as f64 / (bends + 1) as f64));
        let mut points = vec![from.clone()];
        points.extend(inner);
        points.push(to.clone());
        Curve::new(kind, points)
    }

    /// The control points.
    pub fn points(&self) -> &[Params] {
        &self.points
    }

    /// Moves an inner control point, as training does.
    ///
    /// # Errors
    /// When the layout differs, or the point is an end or not there.
    pub fn set_bend(&mut self, index: usize, point: Params) -> Result<(), CurveError> {
        let fits = self.points[0].same_layout(&point);
        fits.map_err(|source| CurveError::Layout { index, source })?;
        if index == 0 || index + 1 >= self.points.len() {
            let given = self.points.len();
            return Err(CurveError::NoBend { index, given });
        }
        self.points[index] = point;
        Ok(())
    }

    /// Weights of the control points at `t`, see [`CurveKind::weights`].
    pub fn weights(&self, t: f64) -> Vec<f64> {
        self.kind.weights(self.points.len(), t)
    }

    /// The parameters at `t`, buffers included: f64 arithmetic, rounded once; exactly the ends at 0
    /// and 1. Statistics of BatchNorm between the ends are no network's: estimate them anew.
    pub fn at(&self, t: f64) -> Params {
        self.combine(&self.weights(t))
    }

    /// The derivative `d theta / d t` at `t`.
    pub fn derivative(&self, t: f64) -> Params {
        self.combine(&self.kind.derivatives(self.points.len(), t))
    }

    fn combine(&self, weights: &[f64]) -> Params {
        let mut sum = self.points[0].clone();
        for (index, tensor) in sum.tensors_mut().iter_mut().enumerate() {
            for (place, value) in tensor.data.iter_mut().enumerate() {
                let used = self.points.iter().zip(weights).filter(|(_, w)| **w != 0.0);
                let values = used.map(|(p, w)| w * f64::from(p.tensor(index).data[place]));
                *value = values.sum::<f64>() as f32;
            }
        }
        sum
    }

    /// Length of the curve over all tensors but buffers, from `pieces` straight pieces (a lower
    /// bound), exact for a chain whose corners are among their ends.
    pub fn length(&self, pieces: usize) -> f64 {
        let pieces = pieces.max(1);
        let mut last = self.at(0.0);
        let mut length = 0.0;
        for k in 1..=pieces {
            let next = self.at(k as f64 / pieces as f64);
            length += next.sub(&last).map_or(0.0, |step| step.norm());
            last = next;
        }
        length
    }

    /// The plane through both ends and an inner control point, the first of the middle: its
    /// directions are orthonormal, the first one runs from end to end, and the second one to the
    /// side of the bend. Figures of curves are drawn on it. Buffers do not move.
    ///
    /// # Errors
    /// When there is no inner point, or it lies on the line through the ends.
    pub fn plane(&self) -> Result<CurvePlane, CurveError> {
        let given = self.points.len();
        if given < 3 {
            return Err(CurveError::NoBend { index: 1, given });
        }
        let (from, to) = (&self.points[0], &self.points[given - 1]);
        CurvePlane::through(from, &self.points[(given - 1) / 2], to)
    }
}

/// The plane through three networks, with an orthonormal basis.
#[derive(Debug, Clone)]
pub struct CurvePlane {
    /// The plane; its origin is the first network.
    pub plane: Plane,
    /// Where the three networks lie: `[0, 0]`, the bend, `[distance, 0]`.
    pub marks: [[f64; 2]; 3],
}

/// Smallest share of its distance by which a bend must leave the line.
const BENT: f64 = 1e-6;

impl CurvePlane {
    /// The plane through two networks and a third, `bend`, that is not on the line through them.
    ///
    /// # Errors
    /// When the layouts differ, or the three lie on a line.
    pub fn through(from: &Params, bend: &Params, to: &Params) -> Result<Self, CurveError> {
        let along = Direction::between(from, to)?.without_buffers();
        let side = Direction::between(from, bend)?.without_buffers();
        let distance = along.norm();
        let shadow = along.dot(&side)? / distance;
        if !distance.is_finite() || distance == 0.0 {
            return Err(CurveError::Straight);
        }
        let along = combination(&along, 1.0 / distance, &side, 0.0);
        let up = combination(&along, -shadow, &side, 1.0);
        let height = up.norm();
        let least = BENT * side.norm().max(distance);
        if !height.is_finite() || height <= least {
            return Err(CurveError::Straight);
        }
        let up = combination(&along, 0.0, &up, 1.0 / height);
        let plane = Plane::new(from.clone(), vec![along, up])?;
        Ok(CurvePlane {
            plane,
            marks: [[0.0, 0.0], [shadow, height], [distance, 0.0]],
        })
    }
}

/// `a x + b y` in f64, rounded once.
fn combination(x: &Direction, a: f64, y: &Direction, b: f64) -> Direction {
    let mut sum = x.clone();
    let pairs = sum.tensors.tensors_mut().iter_mut().zip(&y.tensors);
    for (to, other) in pairs {
        for (value, o) in to.data.iter_mut().zip(&other.data) {
            *value = (a * f64::from(*value) + b * f64::from(*o)) as f32;
        }
    }
    sum
}
