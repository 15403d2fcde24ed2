//! The largest loss in a region around a point, by the method of Frank and Wolfe (1956), also called
//! conditional gradient: each step goes towards the point of the region that is furthest along the
//! gradient, all the way or to half of it and so on.

use super::{Point, SharpnessError};
use crate::progress::{Observer, Progress, Stage};
use crate::vectors::{coefficients, gaussian, norm, rademacher, scale};

/// The shape of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Norm {
    /// A ball: Euclidean length.
    #[default]
    L2,
    /// A box: the largest entry.
    LInf,
}

/// Displacements `B (s * z)` with `||z|| <= radius`; `B` is the identity where there is no basis.
pub(super) struct Region {
    pub(super) norm: Norm,
    pub(super) radius: f64,
    pub(super) scale: Vec<f64>,
    pub(super) basis: Option<Vec<Vec<f64>>>,
}

/// How long an ascent may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Effort {
    pub(super) steps: usize,
    pub(super) starts: usize,
    pub(super) seed: u64,
}

/// What an ascent found.
pub(super) struct Peak {
    pub(super) rise: f64,
    pub(super) delta: Vec<f64>,
    /// Whether the ascent that found it ended for want of a way up; at the centre, whether all did.
    pub(super) converged: bool,
}

/// A step that raises the loss by less than this share of the rise so far ends the ascent.
const PROGRESS: f64 = 1e-6;

/// Halvings of a step before it counts as leading nowhere.
const HALVINGS: u32 = 8;

impl Region {
    fn free(&self) -> usize {
        self.scale.len()
    }

    fn displacement(&self, z: &[f64]) -> Vec<f64> {
        let y: Vec<f64> = z.iter().zip(&self.scale).map(|(z, s)| z * s).collect();
        let Some(basis) = &self.basis else {
            return y;
        };
        let mut delta = vec![0.0; basis[0].len()];
        for (vector, factor) in basis.iter().zip(y) {
            crate::vectors::add_scaled(&mut delta, factor, vector);
        }
        delta
    }

    /// The gradient with respect to `z`.
    fn pull(&self, gradient: &[f64]) -> Vec<f64> {
        let mut pulled = match &self.basis {
            Some(basis) => coefficients(basis, gradient),
            None => gradient.to_vec(),
        };
        pulled
            .iter_mut()
            .zip(&self.scale)
            .for_each(|(g, s)| *g *= s);
        pulled
    }

    /// The point of the region that is furthest along `direction`; `None` for the zero vector.
    fn furthest(&self, mut direction: Vec<f64>) -> Option<Vec<f64>> {
        let length = norm(&direction);
        if length == 0.0 {
            return None;
        }
        match self.norm {
            Norm::L2 => scale(&mut direction, self.radius / length),
            Norm::LInf => {
                let corner = |d: f64| {
                    if d == 0.0 {
                        0.0
                    } else {
                        self.radius * d.signum()
                    }
                };
                direction.iter_mut().for_each(|d| *d = corner(*d));
            }
        }
        Some(direction)
    }

    fn random(&self, seed: u64, stream: u64) -> Vec<f64> {
        let direction = match self.norm {
            Norm::L2 => gaussian(self.free(), seed, stream),
            Norm::LInf => rademacher(self.free(), seed, stream),
        };
        self.furthest(direction).unwrap_or_default()
    }
}

/// A point of the ascent, in the coordinates of the region.
struct Iterate {
    z: Vec<f64>,
    delta: Vec<f64>,
    rise: f64,
    /// With respect to `z`; `None` where the loss is not finite.
    gradient: Option<Vec<f64>>,
}

impl Iterate {
    fn at(point: &Point, region: &Region, z: Vec<f64>) -> Result<Self, SharpnessError> {
        let delta = region.displacement(&z);
        let (rise, gradient) = point.gradient(&delta)?;
        let gradient = gradient.map(|gradient| region.pull(&gradient));
        Ok(Iterate {
            z,
            delta,
            rise,
            gradient,
        })
    }
}

/// The best place of all starts: the first is the gradient's (a random one where that is zero), the
/// others are random.
pub(super) fn ascend(
    point: &Point,
    region: &Region,
    effort: Effort,
    observer: Observer,
) -> Result<Peak, SharpnessError> {
    let center = Iterate::at(point, region, vec![0.0; region.free()])?;
    let mut best = Peak {
        rise: 0.0,
        delta: vec![0.0; point.dim()],
        converged: true,
    };
    let mut centered = true;
    let uphill = center.gradient.and_then(|g| region.furthest(g));
    for start in 0..effort.starts {
        let z = match (&uphill, start) {
            (Some(z), 0) => z.clone(),
            _ => region.random(effort.seed, start as u64),
        };
        let (place, ended) = climb(point, region, effort, z, observer)?;
        let settled = ended == Ended::Settled || place.rise == f64::INFINITY;
        if place.rise > best.rise {
            centered = false;
            best = Peak {
                rise: place.rise,
                delta: place.delta,
                converged: settled,
            };
        } else if centered {
            best.converged &= settled;
        }
        if ended == Ended::Cancelled || best.rise == f64::INFINITY {
            break;
        }
    }
    Ok(best)
}

#[derive(PartialEq)]
enum Ended {
    Settled,
    Steps,
    Cancelled,
}

fn climb(
    point: &Point,
    region: &Region,
    effort: Effort,
    start: Vec<f64>,
    observer: Observer,
) -> Result<(Iterate, Ended), SharpnessError> {
    let mut place = Iterate::at(point, region, start)?;
    for _ in 1..effort.steps {
        let Some(next) = step(point, region, &place)? else {
            return Ok((place, Ended::Settled));
        };
        let gain = next.rise - place.rise;
        let settled = gain <= PROGRESS * next.rise.abs();
        place = next;
        if observer(&progress(point, effort, gain / place.rise.abs())).is_break() {
            return Ok((place, Ended::Cancelled));
        }
        if settled {
            return Ok((place, Ended::Settled));
        }
    }
    Ok((place, Ended::Steps))
}

/// A higher place towards the one that is furthest along the gradient, at half the way and so on where
/// that is lower; `None` when there is none.
fn step(
    point: &Point,
    region: &Region,
    place: &Iterate,
) -> Result<Option<Iterate>, SharpnessError> {
    let Some(target) = place.gradient.clone().and_then(|g| region.furthest(g)) else {
        return Ok(None);
    };
    let mut share = 1.0;
    for halving in 0..HALVINGS {
        let way = place.z.iter().zip(&target);
        let z: Vec<f64> = way.map(|(z, t)| z + share * (t - z)).collect();
        // The whole way mostly succeeds, so its gradient is computed at once.
        let higher = match halving {
            0 => true,
            _ => point.rise(&region.displacement(&z))? > place.rise,
        };
        if higher {
            let next = Iterate::at(point, region, z)?;
            if next.rise > place.rise {
                return Ok(Some(next));
            }
        }
        share *= 0.5;
    }
    Ok(None)
}

fn progress(point: &Point, effort: Effort, error: f64) -> Progress {
    Progress {
        stage: Stage::Ascending,
        products: point.spent().total(),
        limit: 1 + effort.steps * effort.starts,
        error,
        target: PROGRESS,
    }
}
