use super::params::LEAST_SAMPLES;
use super::sketch::Sketch;
use super::{Ended, Estimate, Trace, TraceError, TraceParams};
use crate::operator::Operator;
use crate::progress::Observer;
use crate::vectors::{coefficients, gaussian, norm, scale};
use nalgebra::{DMatrix, DVector};

/// Every random vector is left out of the sketch once and is the sample of what the others leave.
pub(super) fn xtrace(
    trace: &Trace,
    operator: &dyn Operator,
    observer: Observer,
) -> Result<Estimate, TraceError> {
    let params = *trace.params();
    let dim = operator.dim();
    let most = params.max_products / 2;
    let mut sketch = Sketch::default();
    let mut size = match params.target {
        Some(_) => LEAST_SAMPLES.min(most),
        None => most,
    };
    loop {
        let draw = |stream| probe(&params, dim, stream);
        let grow = size - sketch.probes.len();
        sketch.grow(operator, &params, grow, draw)?;
        let estimate = match sketch.spans {
            true => exact(&sketch),
            false => left_out(&sketch, dim),
        };
        let ended = trace.ended(&estimate, size >= LEAST_SAMPLES, 2, observer);
        let ended = if sketch.spans {
            Some(Ended::Exact)
        } else {
            ended
        };
        if let Some(ended) = ended {
            return Ok(Estimate { ended, ..estimate });
        }
        size = (size + params.block).min(most);
    }
}

/// A vector that is uniform on the sphere of radius `sqrt(n)`.
fn probe(params: &TraceParams, dim: usize, stream: u64) -> Vec<f64> {
    let mut vector = gaussian(dim, params.seed, stream);
    let length = norm(&vector);
    scale(&mut vector, (dim as f64).sqrt() / length);
    vector
}

/// The sketch spans the range: nothing is left to sample.
fn exact(sketch: &Sketch) -> Estimate {
    Estimate {
        standard_error: 0.0,
        ..Estimate::of(0.0, vec![sketch.trace(); 2], sketch.products)
    }
}

/// Inner products of the few small vectors that all estimates are made of.
///
/// With `H W = Q R` and `B = Q^T H Q`, the basis without random vector `i` is `Q (I - s_i s_i^T)`,
/// where `s_i` is the unit vector along column `i` of `R^-T`, orthogonal to all columns of `R` but its
/// own. `u_i = Q^T w_i`, and `Q^T H w_i = r_i` is column `i` of `R`.
struct Small {
    dim: f64,
    size: usize,
    /// `tr B`.
    trace: f64,
    /// `s_i^T s_j`, `s_i^T B s_j`, `u_i^T s_j`, `u_i^T B s_j`.
    ss: DMatrix<f64>,
    sbs: DMatrix<f64>,
    us: DMatrix<f64>,
    ubs: DMatrix<f64>,
    /// `u_i^T u_i`, `u_i^T B u_i`, `u_i^T r_i`, `s_i^T r_i`.
    uu: DVector<f64>,
    ubu: DVector<f64>,
    ur: DVector<f64>,
    sr: DVector<f64>,
}

impl Small {
    fn new(sketch: &Sketch, dim: usize) -> Option<Self> {
        let size = sketch.basis.len();
        let b = sketch.projected();
        let r = DMatrix::from_fn(size, size, |i, j| {
            sketch.r[j].get(i).copied().unwrap_or(0.0)
        });
        let identity = DMatrix::identity(size, size);
        let mut s = r.transpose().solve_lower_triangular(&identity)?;
        s.column_iter_mut().for_each(|mut column| {
            column.normalize_mut();
        });
        let columns = sketch.probes.iter();
        let columns: Vec<DVector<f64>> = columns
            .map(|w| coefficients(&sketch.basis, w).into())
            .collect();
        let u = DMatrix::from_columns(&columns);
        let (bs, bu) = (&b * &s, &b * &u);
        let along = |x: &DMatrix<f64>, y: &DMatrix<f64>| {
            DVector::from_fn(size, |i, _| x.column(i).dot(&y.column(i)))
        };
        Some(Small {
            dim: dim as f64,
            size,
            trace: sketch.trace(),
            ss: s.tr_mul(&s),
            sbs: s.tr_mul(&bs),
            us: u.tr_mul(&s),
            ubs: u.tr_mul(&bs),
            uu: along(&u, &u),
            ubu: along(&u, &bu),
            ur: along(&u, &r),
            sr: along(&s, &r),
        })
    }

    /// The estimate of vector `i` from the sketch without `i`, unbiased. With `Q x` the part of `w_i` in
    /// that sketch,
    ///
    /// ```text
    /// tr_i = tr B - s_i^T B s_i + c (x^T B x - 2 x^T r_i + u_i^T r_i),   x = u_i - s_i (s_i^T u_i)
    /// ```
    ///
    /// and `c = (n - k + 1) / ||w_i - Q x||^2` removes the variance of the length of what is left.
    fn estimate(&self, i: usize) -> f64 {
        let p = self.us[(i, i)];
        let form = self.ubu[i] + p * p * self.sbs[(i, i)] - 2.0 * p * self.ubs[(i, i)];
        let inside = self.uu[i] - p * p;
        let sketched = self.trace - self.sbs[(i, i)];
        sketched + self.rest(i, form, p, inside, self.size - 1)
    }

    /// The same from the sketch without `i` and `j`. That basis lacks the span of `s_i` and `s_j`, and
    /// `x = u_i - p s_i - q s_j`.
    fn estimate_without(&self, i: usize, j: usize) -> f64 {
        let g = self.ss[(i, j)];
        let free = (1.0 - g * g).max(f64::EPSILON);
        let (a, b) = (self.us[(i, i)], self.us[(i, j)]);
        let q = (b - g * a) / free;
        let p = a - g * q;
        let (ii, jj, ij) = (self.sbs[(i, i)], self.sbs[(j, j)], self.sbs[(i, j)]);
        let form = self.ubu[i] + p * p * ii + q * q * jj + 2.0 * p * q * ij
            - 2.0 * (p * self.ubs[(i, i)] + q * self.ubs[(i, j)]);
        let inside = self.uu[i] - a * a - q * (b - g * a);
        let sketched = self.trace - ii - (jj - 2.0 * g * ij + g * g * ii) / free;
        sketched + self.rest(i, form, p, inside, self.size - 2)
    }

    /// The quadratic form of what the sketch leaves of vector `i`, of norm `sqrt(n - inside)`.
    fn rest(&self, i: usize, form: f64, p: f64, inside: f64, sketched: usize) -> f64 {
        let across = self.ur[i] - p * self.sr[i];
        let c = (self.dim - sketched as f64) / (self.dim - inside);
        c * (form - 2.0 * across + self.ur[i])
    }

    /// The jackknife: the spread of the means that one vector less would give.
    fn jackknife(&self) -> f64 {
        let k = self.size as f64;
        let mean = |j: usize| {
            let others = (0..self.size).filter(|&i| i != j);
            others.map(|i| self.estimate_without(i, j)).sum::<f64>() / (k - 1.0)
        };
        let means: Vec<f64> = (0..self.size).map(mean).collect();
        let center = means.iter().sum::<f64>() / k;
        let squares: f64 = means.iter().map(|mean| (mean - center).powi(2)).sum();
        squares * (k - 1.0) / k
    }
}

/// The mean of the left-out estimates.
///
/// Their spread alone, `s^2 / k`, is below the variance of the mean, because they share their
/// sketch; the jackknife is above it (Efron and Stein 1981). The geometric mean of the two is the
/// square of the standard error here: a heuristic, where the paper gives `s / sqrt(k)`.
fn left_out(sketch: &Sketch, dim: usize) -> Estimate {
    let Some(small) = Small::new(sketch, dim) else {
        return exact(sketch);
    };
    let samples = (0..small.size).map(|i| small.estimate(i)).collect();
    let estimate = Estimate::of(0.0, samples, sketch.products);
    let jackknife = small.jackknife().sqrt();
    Estimate {
        standard_error: (estimate.standard_error * jackknife).sqrt(),
        // They share their sketch.
        skewness: 0.0,
        ..estimate
    }
}
