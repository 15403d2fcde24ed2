//! Losses along a line or a curve between two networks.

use crate::StudyError;
use landscape_core::json::float;
use landscape_core::{
    Barrier, Curve, CurveKind, Direction, Distribution, Objective, ObjectiveError, Params, Plane,
    Point, Rise, Sample, Surface, Value, Width, barrier, widths,
};
use landscape_trace::{PlaneObjective, Target, Trace};
use serde::Serialize;

/// Straight pieces by which the length of a curve is measured.
const PIECES: usize = 60;

/// The loss between two networks, along a path from the one (`t = 0`) to the other (`t = 1`).
#[derive(Debug, Clone, PartialEq)]
pub struct LossProfile {
    /// Loss and accuracy over `t`.
    pub surface: Surface,
    /// Length of the path in parameter space, buffers apart.
    pub length: f64,
}

/// How far a path leaves the mean loss of its ends: the mode connectivity of Yang et al., *Taxonomizing
/// local versus global structure in neural network loss landscapes*, NeurIPS 2021.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Connectivity {
    /// `(L(0) + L(1)) / 2 - L(t*)`: negative for a barrier, about 0 for connected networks, positive
    /// where the path finds lower losses than its ends.
    #[serde(with = "float")]
    pub value: f64,
    /// `t*`, the first point at which the deviation is largest.
    #[serde(with = "float")]
    pub at: f64,
}

impl LossProfile {
    /// A path whose losses are known.
    pub fn new(surface: Surface, curve: &Curve) -> Self {
        let pieces = match curve.points().len() {
            2 => 1,
            // The corners of a chain are ends of pieces.
            points => PIECES.next_multiple_of(points - 1),
        };
        LossProfile {
            surface,
            length: curve.length(pieces),
        }
    }

    /// The values of `t`.
    pub fn t(&self) -> Vec<f64> {
        self.surface.grid().axes()[0].values()
    }

    /// The losses, NaN where one is not known.
    pub fn losses(&self) -> Vec<f64> {
        self.surface.losses()
    }

    /// The highest loss, infinite where one is; NaN where one is NaN or not known.
    pub fn highest(&self) -> f64 {
        let higher = |a: f64, b: f64| if a.is_nan() || a > b { a } else { b };
        self.losses().into_iter().reduce(higher).unwrap_or(f64::NAN)
    }

    /// How far the loss rises above the chord between the ends: `max_t [L(t) - (1 - t) L(0) - t L(1)]`.
    /// `None` where a loss is not known or NaN.
    pub fn barrier(&self) -> Option<Barrier> {
        barrier(&self.surface, Value::Loss)
    }

    /// How far the basins around both ends reach along the path, at each of these rises of the loss.
    pub fn widths(&self, rises: &[Rise]) -> Vec<Width> {
        widths(&self.surface, Value::Loss, &[0.0, 1.0], rises)
    }

    /// The deviation from the mean of the ends. `None` where a loss is not known or NaN.
    pub fn connectivity(&self) -> Option<Connectivity> {
        let losses = self.losses();
        let mean = (losses.first()? + losses.last()?) / 2.0;
        let mut largest = Connectivity {
            value: 0.0,
            at: 0.0,
        };
        for (at, loss) in self.t().into_iter().zip(losses) {
            let value = mean - loss;
            if value.is_nan() {
                return None;
            }
            if value.abs() > largest.value.abs() {
                largest = Connectivity { value, at };
            }
        }
        Some(largest)
    }
}

/// The loss along a curve, as a function of `t`.
pub struct CurveObjective {
    curve: CurveKind,
    points: usize,
    losses: Losses,
}

enum Losses {
    /// The curve lies in the affine hull of its control points: those that differ from the first, and
    /// the objective on the directions that lead to them.
    Hull(Vec<usize>, PlaneObjective),
    /// There are too many of them for that: each point is an objective of its own.
    Points(Box<(Trace, Curve, Vec<Target>)>),
}

impl std::fmt::Debug for CurveObjective {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CurveObjective")
            .field("curve", &self.curve)
            .field("points", &self.points)
            .finish_non_exhaustive()
    }
}

impl CurveObjective {
    pub(super) fn new(trace: Trace, curve: &Curve, targets: &[Target]) -> Result<Self, StudyError> {
        check_finite(curve.points())?;
        let first = &curve.points()[0];
        let mut differ = Vec::new();
        let mut directions = Vec::new();
        for (index, point) in curve.points().iter().enumerate().skip(1) {
            let direction = Direction::between(first, point)?;
            if direction.moves() {
                differ.push(index);
                directions.push(direction);
            }
        }
        let losses = match directions.len() {
            0 => Losses::Hull(differ, standing(&trace, first, targets)?),
            1..=3 => {
                let plane = Plane::new(first.clone(), directions)?;
                Losses::Hull(differ, trace.objective(&plane, targets)?)
            }
            _ => Losses::Points(Box::new((trace, curve.clone(), targets.to_vec()))),
        };
        Ok(CurveObjective {
            curve: curve.kind,
            points: curve.points().len(),
            losses,
        })
    }
}

/// A curve that does not move: the direction is any.
fn standing(trace: &Trace, at: &Params, targets: &[Target]) -> Result<PlaneObjective, StudyError> {
    let any = Direction::random(at, Distribution::Gaussian, 0, 0);
    let plane = Plane::new(at.clone(), vec![any])?;
    Ok(trace.objective(&plane, targets)?)
}

pub(super) fn check_finite(networks: &[Params]) -> Result<(), StudyError> {
    for (network, params) in networks.iter().enumerate() {
        let broken = params
            .iter()
            .find(|t| t.data.iter().any(|v| !v.is_finite()));
        if let Some(tensor) = broken {
            return Err(StudyError::NotFinite {
                network: network + 1,
                tensor: tensor.name.clone(),
            });
        }
    }
    Ok(())
}

impl Objective for CurveObjective {
    fn dims(&self) -> usize {
        1
    }

    fn evaluate(&self, points: &[Point]) -> Result<Vec<Sample>, ObjectiveError> {
        match &self.losses {
            Losses::Hull(differ, objective) => {
                let at = |[t, ..]: &Point| {
                    let weights = self.curve.weights(self.points, *t);
                    let mut at = [0.0; 3];
                    for (to, &index) in at.iter_mut().zip(differ) {
                        *to = weights[index];
                    }
                    at
                };
                objective.evaluate(&points.iter().map(at).collect::<Vec<_>>())
            }
            Losses::Points(of) => {
                let (trace, curve, targets) = &**of;
                let one = |[t, ..]: &Point| -> Result<Sample, ObjectiveError> {
                    let objective = standing(trace, &curve.at(*t), targets);
                    let objective = objective.map_err(ObjectiveError::new)?;
                    Ok(objective.evaluate(&[[0.0; 3]])?.swap_remove(0))
                };
                points.iter().map(one).collect()
            }
        }
    }
}
