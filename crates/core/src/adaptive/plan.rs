//! What to measure next, as a function of what was measured.

use super::cells::{Known, wanted};
use super::check::{Errors, draw};
use super::hierarchy::{Hierarchy, extremes};
use super::report::AdaptiveReport;
use crate::surface::{Surface, Value};

/// Points an axis of the levels that are measured throughout: in lines and planes, and in volumes.
const BASE: usize = 9;
const BASE_VOLUME: usize = 5;
/// Share of the tolerance by which interpolation may leave the range measured.
const SLACK: f64 = 0.1;
/// At most so many times the lowest interpolated point is measured by itself.
const PROBES: usize = 8;
/// When more than one in so many points of a draw miss, the estimate is trusted half as much.
const DISTRUST: usize = 20;
/// Share of the magnitude of the losses below which a surplus is rounding: losses are f32 results.
const RESOLUTION: f64 = 1e-6;

/// A run as a list of waves of points. It looks at the points it asked for alone.
pub(super) struct Plan<'a> {
    hierarchy: &'a Hierarchy,
    tolerance: f64,
    base: usize,
    /// Share of the tolerance that the error estimated may have.
    trust: f64,
    stage: Stage,
    /// Points of earlier waves.
    asked: Vec<bool>,
    /// Losses of those; all others interpolated.
    values: Vec<f64>,
    draws: usize,
    probes: usize,
    errors: Option<Errors>,
}

/// What the last wave was for.
#[derive(Debug, Clone, PartialEq)]
enum Stage {
    /// To resolve the function.
    Refine,
    /// To verify the tolerance: the points, and the values predicted.
    Check(Vec<(usize, f64)>),
    /// To resolve what a draw without misses brought to light.
    Polish,
}

impl<'a> Plan<'a> {
    pub(super) fn new(hierarchy: &'a Hierarchy, tolerance: f64) -> Self {
        Plan {
            hierarchy,
            tolerance,
            base: base(hierarchy),
            trust: 1.0,
            stage: Stage::Refine,
            asked: vec![false; hierarchy.len()],
            values: vec![f64::NAN; hierarchy.len()],
            draws: 0,
            probes: 0,
            errors: None,
        }
    }

    /// The next points to measure, none of which was asked for before; `None` at the end. Those of
    /// the last wave must be measured.
    pub(super) fn next(&mut self, surface: &Surface) -> Option<Vec<usize>> {
        self.look(surface);
        if let Stage::Check(drawn) = &self.stage {
            let drawn = drawn.clone();
            self.judge(&drawn);
        }
        let wave = self.refine();
        if !wave.is_empty() {
            return Some(self.ask(wave));
        }
        if self.stage == Stage::Polish {
            return None;
        }
        let drawn = draw(self.hierarchy, &self.asked, self.draws);
        if drawn.is_empty() {
            self.errors = None;
            return None;
        }
        self.draws += 1;
        let predicted = drawn.iter().map(|&flat| (flat, self.values[flat]));
        self.stage = Stage::Check(predicted.collect());
        Some(self.ask(drawn))
    }

    pub(super) fn report(&self, surface: &Surface) -> AdaptiveReport {
        let range = self.range();
        let resolved = (self.resolution() / range).min(self.tolerance);
        // No error is a share of no range: all that is known is what was asked for.
        let share = |error: f64| match range > 0.0 {
            true => (error / range).max(resolved),
            false => self.tolerance,
        };
        let errors = self.errors.as_ref();
        AdaptiveReport {
            tolerance: self.tolerance,
            points: self.asked.len(),
            measured: surface.measured(),
            range,
            checks: errors.map_or(0, Errors::len),
            draws: self.draws,
            max_error: errors.and_then(Errors::max).map(share),
            p95_error: errors.and_then(Errors::p95).map(share),
            missed_share: errors.and_then(Errors::missed_share),
        }
    }

    fn ask(&mut self, wave: Vec<usize>) -> Vec<usize> {
        for &flat in &wave {
            self.asked[flat] = true;
        }
        wave
    }

    /// Takes over what was asked for, and interpolates the rest.
    fn look(&mut self, surface: &Surface) {
        for (flat, value) in self.values.iter_mut().enumerate() {
            if self.asked[flat] {
                *value = surface.value(flat, Value::Loss).unwrap_or(f64::NAN);
            }
        }
        self.hierarchy.fill(&mut self.values, &self.asked);
    }

    fn judge(&mut self, drawn: &[(usize, f64)]) {
        let error = |&(flat, predicted): &(usize, f64)| (self.values[flat] - predicted).abs();
        let errors = Errors::of(drawn.iter().map(error));
        let misses = errors.above(self.allowed());
        self.stage = match misses {
            0 => Stage::Polish,
            _ => Stage::Refine,
        };
        if misses * DISTRUST > errors.len() {
            self.trust /= 2.0;
        }
        self.errors = Some(errors);
    }

    /// Points that are needed to resolve the function, and then its lowest point.
    fn refine(&mut self) -> Vec<usize> {
        let known = Known {
            values: &self.values,
            measured: &self.asked,
        };
        let allowed = self.trust * self.allowed();
        let wave = wanted(self.hierarchy, &known, self.base, allowed);
        if !wave.is_empty() {
            return wave;
        }
        if let Some(flat) = self.probe() {
            self.probes += 1;
            return vec![flat];
        }
        let measured = (0..self.values.len()).filter(|&flat| self.asked[flat]);
        let lowest = self
            .lowest(measured)
            .map(|flat| self.hierarchy.unravel(flat));
        let blocks = [self.hierarchy.origin(), lowest];
        let around = blocks.into_iter().flatten();
        let around = around.flat_map(|center| self.hierarchy.block(center));
        let mut wave: Vec<usize> = around
            .chain(self.beyond())
            .filter(|&flat| !self.asked[flat])
            .collect();
        wave.sort_unstable();
        wave.dedup();
        wave
    }

    /// Points interpolated to less than the lowest, or more than the highest, measured loss, or to
    /// nothing finite.
    fn beyond(&self) -> impl Iterator<Item = usize> + '_ {
        let (low, high) = extremes(&self.values, &self.asked).unwrap_or((0.0, 0.0));
        let slack = SLACK * self.allowed();
        let within = low - slack..=high + slack;
        (0..self.values.len()).filter(move |&flat| !within.contains(&self.values[flat]))
    }

    /// The lowest point of all, where it is interpolated: interpolation leads to the minimum in one
    /// leap or two, where measuring the neighbours of the lowest point so far walks there.
    fn probe(&self) -> Option<usize> {
        let lowest = self.lowest(0..self.values.len())?;
        (!self.asked[lowest] && self.probes < PROBES).then_some(lowest)
    }

    /// The lowest of these points; of equal ones the measured ones come first.
    fn lowest(&self, among: impl Iterator<Item = usize>) -> Option<usize> {
        let finite = among.filter(|&flat| self.values[flat].is_finite());
        finite.min_by(|&a, &b| {
            let measured = self.asked[b].cmp(&self.asked[a]);
            self.values[a].total_cmp(&self.values[b]).then(measured)
        })
    }

    fn range(&self) -> f64 {
        extremes(&self.values, &self.asked).map_or(0.0, |(low, high)| high - low)
    }

    /// The largest error of an interpolated loss, in units of the loss.
    fn allowed(&self) -> f64 {
        (self.tolerance * self.range()).max(self.resolution())
    }

    /// What losses of this magnitude resolve.
    fn resolution(&self) -> f64 {
        let magnitude = extremes(&self.values, &self.asked);
        RESOLUTION * magnitude.map_or(0.0, |(low, high)| low.abs().max(high.abs()))
    }
}

/// The first level with enough points on every axis.
fn base(hierarchy: &Hierarchy) -> usize {
    let enough = match hierarchy.dims() {
        3 => BASE_VOLUME,
        _ => BASE,
    };
    let full = |level: usize| {
        let mut axes = hierarchy.axes().iter();
        axes.all(|axis| axis.nodes(level).len() >= enough.min(axis.count()))
    };
    (0..=hierarchy.depth())
        .find(|&level| full(level))
        .unwrap_or(hierarchy.depth())
}
