//! Two interleaving half circles.

use super::Dataset;
use crate::names::settings;
use crate::{ModelsError, Targets, streams};
use landscape_core::Rng;
use landscape_core::named;
use std::f64::consts::PI;
use std::fmt;

/// Where on its half circle a point stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Angles {
    /// Evenly spaced from 0 to pi, ends included: scikit-learn's geometry.
    #[default]
    Even,
    /// Drawn uniformly from `[0, pi)`.
    Random,
}

named!(Angles, "angles", {
    Even => "even",
    Random => "random",
});

/// Settings of the two-moons set; its text form is `n=200,noise=0.15,seed=42`, with
/// `,angles=random` where the angles are not evenly spaced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MoonsSpec {
    /// Number of points, at least 2; the outer moon (class 0) has `n / 2` of them, rounded down.
    pub n: usize,
    /// Standard deviation of the Gaussian noise on each coordinate, at least 0.
    pub noise: f64,
    /// Seed of the order, the noise and the random angles.
    pub seed: u64,
    /// Where the points stand.
    pub angles: Angles,
}

impl Default for MoonsSpec {
    /// 200 points with noise 0.15 and seed 42, evenly spaced.
    fn default() -> Self {
        MoonsSpec {
            n: 200,
            noise: 0.15,
            seed: 42,
            angles: Angles::Even,
        }
    }
}

/// More points than this are refused as a typing mistake.
const MAX_POINTS: usize = 10_000_000;

impl MoonsSpec {
    /// What follows `moons:`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut spec = MoonsSpec::default();
        for (key, value) in settings(text)? {
            let bad = |what: &str| format!("`{key}={value}`: {key} must be {what}");
            match key {
                "n" => spec.n = value.parse().map_err(|_| bad("a whole number"))?,
                "noise" => spec.noise = value.parse().map_err(|_| bad("a number"))?,
                "seed" => spec.seed = value.parse().map_err(|_| bad("a whole number"))?,
                "angles" => spec.angles = value.parse().map_err(|e| format!("{e}"))?,
                _ => return Err(format!("unknown setting `{key}`; n, noise, seed, angles")),
            }
        }
        spec.check()?;
        Ok(spec)
    }

    fn check(&self) -> Result<(), String> {
        if !(2..=MAX_POINTS).contains(&self.n) {
            return Err(format!(
                "n is {}; it must be from 2 to {MAX_POINTS}",
                self.n
            ));
        }
        if !(self.noise.is_finite() && self.noise >= 0.0) {
            return Err(format!("noise is {}; it must be at least 0", self.noise));
        }
        Ok(())
    }

    /// The points in random order, with noise, inputs `[n, 2]` and classes 0 and 1.
    ///
    /// # Errors
    /// [`ModelsError::BadData`] when `n` or `noise` is out of range.
    pub fn generate(&self) -> Result<Dataset, ModelsError> {
        self.check().map_err(|reason| ModelsError::BadData {
            spec: format!("moons:{self}"),
            reason,
        })?;
        let mut rng = Rng::new(self.seed, streams::MOONS);
        let mut points = match self.angles {
            Angles::Even => make_moons(self.n),
            Angles::Random => moons_at(self.n, |_, _| rng.uniform(0.0, PI)),
        };
        rng.shuffle(&mut points);
        let mut x = Vec::with_capacity(2 * self.n);
        for ([a, b], _) in &points {
            x.push((a + self.noise * rng.normal()) as f32);
            x.push((b + self.noise * rng.normal()) as f32);
        }
        let labels = points.iter().map(|&(_, label)| label).collect();
        let shape = vec![self.n, 2];
        Dataset::new(format!("moons:{self}"), shape, x, Targets::Classes(labels))
    }
}

impl fmt::Display for MoonsSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n={},noise={},seed={}", self.n, self.noise, self.seed)?;
        match self.angles {
            Angles::Even => Ok(()),
            other => write!(f, ",angles={other}"),
        }
    }
}

/// The points and classes of scikit-learn's `make_moons(n, shuffle=False, noise=None)`: an outer
/// half circle `(cos t, sin t)` of class 0 and then an inner one `(1 - cos t, 1/2 - sin t)` of
/// class 1, each with `t` evenly spaced from 0 to pi, ends included.
///
/// The outer one has `n / 2` points, rounded down.
pub fn make_moons(n: usize) -> Vec<([f64; 2], i64)> {
    moons_at(n, |index, count| match index + 1 == count && index > 0 {
        true => PI,
        false => index as f64 * (PI / (count.max(2) - 1) as f64),
    })
}

/// The moons with the angle of point `index` of `count` given by `angle`.
fn moons_at(n: usize, mut angle: impl FnMut(usize, usize) -> f64) -> Vec<([f64; 2], i64)> {
    let outer = n / 2;
    let inner = n - outer;
    let mut points = Vec::with_capacity(n);
    for index in 0..outer {
        let (sin, cos) = libm::sincos(angle(index, outer));
        points.push(([cos, sin], 0));
    }
    for index in 0..inner {
        let (sin, cos) = libm::sincos(angle(index, inner));
        points.push(([1.0 - cos, 1.0 - sin - 0.5], 1));
    }
    points
}
