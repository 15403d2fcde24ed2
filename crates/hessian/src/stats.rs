//! Means, standard errors, Student's t distribution and intervals of means of skewed samples.

/// Mean and standard error of independent samples, summed in their order.
///
/// The standard error is `sd / sqrt(n)` with divisor `n - 1`; infinite for fewer than two samples,
/// whose spread says nothing, and where a sample is not finite; the mean of none is NaN.
pub fn mean_and_error(samples: &[f64]) -> (f64, f64) {
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    if samples.len() < 2 {
        return (mean, f64::INFINITY);
    }
    let squares: f64 = samples.iter().map(|x| (x - mean).powi(2)).sum();
    let error = (squares / (n - 1.0) / n).sqrt();
    (mean, if error.is_nan() { f64::INFINITY } else { error })
}

/// Fewer samples than this say nothing about their own skewness.
const LEAST_SKEWED: usize = 8;

/// The adjusted Fisher-Pearson skewness of samples, `m3 / m2^1.5 sqrt(n (n - 1)) / (n - 2)` with the central moments `m2`, `m3`; 0 for fewer
/// than eight, and where they are all equal or not finite.
pub fn skewness(samples: &[f64]) -> f64 {
    let n = samples.len() as f64;
    if samples.len() < LEAST_SKEWED {
        return 0.0;
    }
    let mean = samples.iter().sum::<f64>() / n;
    // Of any size: nothing overflows.
    let largest = { samples.iter() }.fold(0.0, |most: f64, x| most.max((x - mean).abs()));
    let scaled = |x: &f64| (x - mean) / largest;
    let moment = |power| samples.iter().map(|x| scaled(x).powi(power)).sum::<f64>() / n;
    let found = moment(3) / moment(2).powf(1.5) * (n * (n - 1.0)).sqrt() / (n - 2.0);
    if found.is_finite() { found } else { 0.0 }
}

/// The interval that covers the mean of what `samples` independent samples were drawn from in this share of cases, from their mean, its
/// standard error and their skewness `g`: Student's, where that is 0, and else that of Hall (1992, "On the removal of skewness by
/// transformation", J. R. Stat. Soc. B 54), in which not `u = (mean - truth) / sd` has Student's distribution but, times `sqrt(n)`,
///
/// ```text
/// u + g u^2 / 3 + g^2 u^3 / 27 + g / (6 n)
/// ```
///
/// which rises with `u`. Of squares of normal numbers, whose skewness is 2.8, intervals of 95% cover 93 to 95% from 8 to 100 samples, where
/// Student's cover 84 to 94%.
pub fn mean_interval(
    (mean, error): (f64, f64),
    skewness: f64,
    samples: usize,
    confidence: f64,
) -> (f64, f64) {
    if error == 0.0 {
        return (mean, mean);
    }
    let n = samples as f64;
    let (t, sd) = (student_t(n - 1.0, confidence), error * n.sqrt());
    let (third, shift) = (skewness / 3.0, skewness / (6.0 * n));
    let deviation = |y: f64| match third.abs() < 1e-6 {
        true => y - shift,
        false => (libm::cbrt(1.0 + 3.0 * third * (y - shift)) - 1.0) / third,
    };
    let end = |y: f64| mean - sd * deviation(y / n.sqrt());
    (end(t), end(-t))
}

/// The `t` with `P(|T| <= t) = confidence` for Student's distribution with `degrees` of freedom;
/// infinite for 0 degrees. `confidence` is in (0, 1).
///
/// ```
/// let t = landscape_hessian::stats::student_t(9.0, 0.95);
/// assert!((t - 2.262157).abs() < 1e-6);
/// ```
pub fn student_t(degrees: f64, confidence: f64) -> f64 {
    if degrees.is_nan() || degrees <= 0.0 || confidence >= 1.0 {
        return f64::INFINITY;
    }
    let (mut low, mut high) = (0.0, 1.0);
    while within(degrees, high) < confidence && high < 1e300 {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle == low || middle == high {
            break;
        }
        match within(degrees, middle) < confidence {
            true => low = middle,
            false => high = middle,
        }
    }
    0.5 * (low + high)
}

/// `P(|T| <= t)`, by the regularised incomplete beta function `1 - I_x(v / 2, 1 / 2)` at
/// `x = v / (v + t^2)`.
fn within(degrees: f64, t: f64) -> f64 {
    let square = t * t;
    1.0 - incomplete_beta(
        0.5 * degrees,
        0.5,
        degrees / (degrees + square),
        square / (degrees + square),
    )
}

/// `P(B <= x)` for the beta distribution with parameters `a` and `b`, both positive; 1 at 1. Where both
/// are large it is normal to 1e-5 after the transformation of Paulson (1942), a cube root.
pub(crate) fn beta_below(a: f64, b: f64, x: f64) -> f64 {
    const LARGE: f64 = 300.0;
    if x >= 1.0 || b <= 0.0 {
        return if x >= 1.0 { 1.0 } else { 0.0 };
    }
    if a.min(b) < LARGE {
        return incomplete_beta(a, b, x, 1.0 - x);
    }
    let ratio = libm::cbrt(b * x / (a * (1.0 - x)));
    let (u, v) = (1.0 / (9.0 * a), 1.0 / (9.0 * b));
    let deviate = ((1.0 - v) * ratio - (1.0 - u)) / (v * ratio * ratio + u).sqrt();
    0.5 * libm::erfc(-deviate / std::f64::consts::SQRT_2)
}

/// `I_x(a, b)` for `y = 1 - x`, by its continued fraction (Lentz's method), from the side on which
/// that converges fast.
fn incomplete_beta(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 || y <= 0.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    let log_beta = libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
    let front = libm::exp(a * libm::log(x) + b * libm::log(y) - log_beta);
    match x < (a + 1.0) / (a + b + 2.0) {
        true => front * fraction(a, b, x) / a,
        false => 1.0 - front * fraction(b, a, y) / b,
    }
}

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for step in 1..10_000 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        for term in [even, odd] {
            d = 1.0 / away(1.0 + term * d);
            c = away(1.0 + term / c);
            value *= c * d;
        }
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}
