//! From where a surface is seen, and along which line a plane is cut.

use crate::error::PlotError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Heights above the horizon that a figure can show, in degrees.
const ELEVATIONS: RangeInclusive<f64> = 5.0..=85.0;

/// Where a 3D surface is seen from, in degrees.
///
/// ```
/// use landscape_plot::Camera;
///
/// assert_eq!("-35,40".parse::<Camera>()?, Camera { azimuth: -35.0, elevation: 40.0 });
/// assert!("35".parse::<Camera>().is_err());
/// # Ok::<(), landscape_plot::PlotError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Camera {
    /// Turn about the vertical axis; 0 looks along the second axis, its start in front.
    pub azimuth: f64,
    /// Height above the horizon, from 5 to 85.
    pub elevation: f64,
}

impl Default for Camera {
    fn default() -> Self {
        Camera {
            azimuth: 35.0,
            elevation: 30.0,
        }
    }
}

impl Camera {
    /// Whether a figure can show it.
    pub(crate) fn is_usable(&self) -> bool {
        ELEVATIONS.contains(&self.elevation) && self.azimuth.is_finite()
    }
}

impl FromStr for Camera {
    type Err = PlotError;

    /// Reads `AZIMUTH,ELEVATION`.
    fn from_str(given: &str) -> Result<Self, PlotError> {
        let camera = numbers(given).map(|[azimuth, elevation]| Camera { azimuth, elevation });
        let usable = camera.filter(Camera::is_usable);
        usable.ok_or_else(|| PlotError::Angles(given.to_owned()))
    }
}

/// A straight line over a plane, between two points in its coordinates.
///
/// ```
/// use landscape_plot::Along;
///
/// let along: Along = "-1,0:0.5,1".parse()?;
/// assert_eq!(along, Along { from: [-1.0, 0.0], to: [0.5, 1.0] });
/// assert!("0,0:0,0".parse::<Along>().is_err());
/// # Ok::<(), landscape_plot::PlotError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Along {
    /// Where it begins.
    pub from: [f64; 2],
    /// Where it ends.
    pub to: [f64; 2],
}

impl Along {
    /// Its length in coordinates of the plane.
    pub fn length(&self) -> f64 {
        libm::hypot(self.to[0] - self.from[0], self.to[1] - self.from[1])
    }

    /// The point at a share of the way.
    pub(crate) fn at(&self, share: f64) -> [f64; 2] {
        [0, 1].map(|k| self.from[k] + share * (self.to[k] - self.from[k]))
    }
}

impl fmt::Display for Along {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([a, b], [c, d]) = (self.from, self.to);
        write!(f, "{a},{b}:{c},{d}")
    }
}

impl FromStr for Along {
    type Err = PlotError;

    /// Reads `X,Y:X,Y`.
    fn from_str(given: &str) -> Result<Self, PlotError> {
        let ends = given.split_once(':').and_then(|(from, to)| {
            let (from, to) = (numbers(from)?, numbers(to)?);
            Some(Along { from, to })
        });
        let usable = ends.filter(|along| along.length() > 0.0 && along.length().is_finite());
        usable.ok_or_else(|| PlotError::Line(given.to_owned()))
    }
}

/// Two finite numbers with a comma between them.
fn numbers(given: &str) -> Option<[f64; 2]> {
    let (first, second) = given.split_once(',')?;
    let number = |text: &str| text.trim().parse().ok().filter(|v: &f64| v.is_finite());
    Some([number(first)?, number(second)?])
}
