//! Which part of a spectrum is shown, and on which scales.

use crate::curvature::{Density, Spectrum};
use crate::options::Options;
use crate::scale::Scale;
use crate::scale::{Transform, finite_range};
use crate::text::number::{exponent, pow10};

/// Room at both ends of the horizontal axis, as a share of it.
const MARGIN: f64 = 0.025;
/// A limit of stability further than this times the largest eigenvalue is not drawn.
const FAR: f64 = 30.0;
/// Bins of a histogram.
const BINS: usize = 72;

/// The scales of a figure of spectra.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Window {
    pub transform: Transform,
    pub x: (f64, f64),
    /// Ends of the density's logarithmic scale.
    pub y: (f64, f64),
}

impl Window {
    /// The window that holds all spectra.
    pub fn of(spectra: &[Spectrum], options: &Options) -> Self {
        let floor = spectra.iter().map(floor).fold(f64::INFINITY, f64::min);
        let floor = if floor.is_finite() { floor } else { 1e-6 };
        let (mut lo, mut hi) = extent(spectra, floor);
        let threshold = threshold(spectra, options, lo.abs().max(hi.abs()));
        let transform = Transform::Arsinh { threshold };
        let limits = spectra.iter().filter_map(|s| s.stability_limit.as_ref());
        let far = FAR * hi.max(threshold);
        for limit in limits.filter(|l| l.value.is_finite() && l.value <= far) {
            (lo, hi) = (lo.min(limit.value), hi.max(limit.value));
        }
        let (a, b) = (transform.forward(lo), transform.forward(hi));
        let margin = MARGIN * (b - a).max(0.1);
        let mut window = Window {
            transform,
            x: (transform.inverse(a - margin), transform.inverse(b + margin)),
            y: (floor, 10.0 * floor),
        };
        let tops = spectra.iter().map(|s| window.peak(s));
        let top = tops.fold(10.0 * floor, f64::max);
        window.y.1 = 1.6 * top;
        window
    }

    /// The highest value that is drawn of a spectrum.
    fn peak(&self, spectrum: &Spectrum) -> f64 {
        match &spectrum.density {
            Some(density) => {
                let high = |(at, d): (usize, &f64)| {
                    let above = density.upper.get(at).map_or(0.0, |upper| upper - d);
                    // A wide band is cut rather than flatten the curve.
                    d + above.max(0.0).min(2.0 * d.abs())
                };
                let curve = density.density.iter().enumerate().map(high);
                let exact = smoothed(spectrum, density).into_iter().map(|(_, d)| d);
                curve.chain(exact).fold(0.0, f64::max)
            }
            None => self
                .histogram(&spectrum.exact)
                .iter()
                .map(|b| b.2)
                .fold(0.0, f64::max),
        }
    }

    /// The density of given eigenvalues in bins of even width on the axis: from, to, density.
    pub fn histogram(&self, values: &[f64]) -> Vec<(f64, f64, f64)> {
        let (a, b) = (
            self.transform.forward(self.x.0),
            self.transform.forward(self.x.1),
        );
        let step = (b - a) / BINS as f64;
        let mut counts = [0usize; BINS];
        for value in values.iter().filter(|v| v.is_finite()) {
            let bin = libm::floor((self.transform.forward(*value) - a) / step);
            counts[(bin.max(0.0) as usize).min(BINS - 1)] += 1;
        }
        let edge = |k: usize| self.transform.inverse(a + k as f64 * step);
        let density = |k: usize| counts[k] as f64 / values.len() as f64 / (edge(k + 1) - edge(k));
        (0..BINS)
            .map(|k| (edge(k), edge(k + 1), density(k)))
            .collect()
    }
}

/// The density of the exact eigenvalues under the same Gaussian as the estimate, on its grid.
pub(super) fn smoothed(spectrum: &Spectrum, density: &Density) -> Vec<(f64, f64)> {
    let (values, sigma) = (&spectrum.exact, density.width);
    if values.is_empty() || sigma.is_nan() || sigma <= 0.0 {
        return Vec::new();
    }
    let scale = 1.0 / (values.len() as f64 * sigma * libm::sqrt(2.0 * std::f64::consts::PI));
    // Beyond 9 widths the Gaussian is below every floor.
    let bell = |z: f64| {
        if z.abs() < 9.0 {
            libm::exp(-0.5 * z * z)
        } else {
            0.0
        }
    };
    let at = |x: &f64| {
        (
            *x,
            scale * values.iter().map(|v| bell((x - v) / sigma)).sum::<f64>(),
        )
    };
    density.grid.iter().map(at).collect()
}

/// The lowest density that is drawn: a tenth of what one single eigenvalue amounts to, where that
/// is known, within 3 to 12 decades below the largest.
fn floor(spectrum: &Spectrum) -> f64 {
    let Some(density) = &spectrum.density else {
        let n = spectrum.exact.len().max(1) as f64;
        let (a, b) = finite_range(&spectrum.exact).unwrap_or((0.0, 1.0));
        return decade(0.5 / n / (b - a).max(f64::MIN_POSITIVE));
    };
    let peak = finite_range(&density.density).map_or(1.0, |r| r.1);
    let peak = if peak > 0.0 { peak } else { 1.0 };
    let one = spectrum
        .parameters
        .filter(|n| *n > 0 && density.width > 0.0);
    let one = one.map(|n| 0.04 / (n as f64 * density.width));
    decade(one.unwrap_or(1e-6 * peak).clamp(1e-12 * peak, 1e-3 * peak))
}

/// The power of ten at or below a value.
fn decade(v: f64) -> f64 {
    pow10(exponent(v))
}

/// From the smallest to the largest eigenvalue, and where the density is above the floor.
fn extent(spectra: &[Spectrum], floor: f64) -> (f64, f64) {
    let mut values = Vec::new();
    for spectrum in spectra {
        values.extend(spectrum.eigenvalues.iter().map(|v| v.value));
        values.extend(&spectrum.exact);
        if let Some(density) = &spectrum.density {
            let (low, high) = within(spectrum);
            let drawn = density.grid.iter().zip(&density.density);
            let drawn = drawn.filter(|(at, d)| **d >= floor && **at >= low && **at <= high);
            values.extend(drawn.map(|(at, _)| at));
        }
    }
    match finite_range(&values).unwrap_or((-1.0, 1.0)) {
        (a, b) if b > a => (a, b),
        (a, _) => (a - 0.5 * a.abs().max(1.0), a + 0.5 * a.abs().max(1.0)),
    }
}

/// From the smallest to the largest eigenvalue, as far as they are known: the Gaussian has no meaning beyond. Of the
/// single ones, those furthest from 0 are given, so that the last on each side of it is the extreme one.
pub(super) fn within(spectrum: &Spectrum) -> (f64, f64) {
    let single = spectrum.eigenvalues.iter().filter(|v| v.converged);
    let single: Vec<f64> = single.map(|v| v.value).collect();
    match (finite_range(&spectrum.exact), finite_range(&single)) {
        (Some(ends), _) => ends,
        (None, Some((a, b))) => (
            if a < 0.0 { a } else { f64::NEG_INFINITY },
            if b > 0.0 { b } else { f64::INFINITY },
        ),
        (None, None) => (f64::NEG_INFINITY, f64::INFINITY),
    }
}

/// Where the axis turns linear: about the Gaussian's width, below which nothing is resolved, at a
/// power of ten; without one, three decades below the largest eigenvalue.
fn threshold(spectra: &[Spectrum], options: &Options, largest: f64) -> f64 {
    if let Scale::SymLog { threshold } = options.scale {
        return threshold;
    }
    let widths = spectra
        .iter()
        .filter_map(|s| Some(s.density.as_ref()?.width));
    let width = widths
        .filter(|w| *w > 0.0 && w.is_finite())
        .fold(f64::INFINITY, f64::min);
    let wanted = if width.is_finite() {
        5.0 * width
    } else {
        1e-3 * largest
    };
    decade(wanted.clamp(1e-9 * largest, largest))
}
