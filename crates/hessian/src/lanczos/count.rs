use super::{Pair, Spectrum};

/// How many eigenvalues stand beyond a cut, counted from measured pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outliers {
    /// Converged pairs that are beyond the cut by more than their residual.
    pub count: usize,
    /// Pairs that may be on either side: not converged, or nearer to the cut than their residual.
    pub undecided: usize,
    /// Whether the count is the whole count: a converged pair on the near side of the cut is known and no
    /// pair is undecided. Otherwise there may be more; ask for more pairs.
    pub complete: bool,
}

/// The ratio of the largest to the smallest eigenvalue of a positive definite matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Condition {
    /// The condition number.
    pub value: f64,
    /// Its smallest value within the residuals of both ends.
    pub low: f64,
    /// Its largest.
    pub high: f64,
}

/// Why there is no condition number.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConditionError {
    /// One of the ends was not asked for.
    #[error("a condition number needs both ends of the spectrum; set `top` and `bottom`")]
    Ends,
    /// One of the ends is not converged.
    #[error("an end of the spectrum is not converged; its residual is {residual} of its value")]
    NotConverged {
        /// The relative residual.
        residual: f64,
    },
    /// The smallest eigenvalue is not positive, as far as it is known.
    #[error(
        "the matrix is not positive definite: its smallest eigenvalue is {smallest} +- {residual}"
    )]
    NotPositive {
        /// The smallest eigenvalue.
        smallest: f64,
        /// Its residual.
        residual: f64,
    },
}

/// `|smallest / largest|`, by which Li et al. map how far a point is from convex.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EigenvalueRatio {
    /// The ratio; 0 for a matrix of zeros, infinite where only the largest eigenvalue is 0. Near 0 the surface is locally close to convex.
    pub value: f64,
    /// What the residuals of both ends may change it by.
    pub error: f64,
    /// Whether both ends are converged.
    pub converged: bool,
}

impl Spectrum {
    /// Eigenvalues above a cut, from the pairs at the top.
    pub fn outliers_above(&self, cut: f64) -> Outliers {
        outliers(&self.top, |value| value - cut)
    }

    /// Eigenvalues below a cut, from the pairs at the bottom.
    pub fn outliers_below(&self, cut: f64) -> Outliers {
        outliers(&self.bottom, |value| cut - value)
    }

    /// The condition number, from converged ends.
    ///
    /// # Errors
    /// When an end is missing or not converged, or the smallest eigenvalue is not positive by more than
    /// its residual.
    pub fn condition(&self) -> Result<Condition, ConditionError> {
        let (Some(top), Some(bottom)) = (self.top.first(), self.bottom.first()) else {
            return Err(ConditionError::Ends);
        };
        if let Some(pair) = [top, bottom].into_iter().find(|pair| !pair.converged) {
            let residual = pair.relative();
            return Err(ConditionError::NotConverged { residual });
        }
        if bottom.value <= bottom.residual {
            let (smallest, residual) = (bottom.value, bottom.residual);
            return Err(ConditionError::NotPositive { smallest, residual });
        }
        Ok(Condition {
            value: top.value / bottom.value,
            low: (top.value - top.residual) / (bottom.value + bottom.residual),
            high: (top.value + top.residual) / (bottom.value - bottom.residual),
        })
    }

    /// `|lambda_min / lambda_max|` with its error, `None` when an end is missing (Li, Xu, Taylor,
    /// Studer and Goldstein 2018, section 6).
    pub fn ratio(&self) -> Option<EigenvalueRatio> {
        let (top, bottom) = (self.top.first()?, self.bottom.first()?);
        let converged = top.converged && bottom.converged;
        if bottom.value == 0.0 && top.value == 0.0 {
            return Some(EigenvalueRatio {
                value: 0.0,
                error: 0.0,
                converged,
            });
        }
        let value = (bottom.value / top.value).abs();
        if value.is_infinite() {
            let error = f64::INFINITY;
            return Some(EigenvalueRatio {
                value,
                error,
                converged,
            });
        }
        Some(EigenvalueRatio {
            value,
            error: (bottom.residual + value * top.residual) / top.value.abs(),
            converged,
        })
    }
}

/// `beyond` is positive beyond the cut.
fn outliers(pairs: &[Pair], beyond: impl Fn(f64) -> f64) -> Outliers {
    let sure = |pair: &&Pair| pair.converged && beyond(pair.value).abs() > pair.residual;
    let count = |far: bool| {
        let decided = pairs.iter().filter(sure);
        decided
            .filter(|pair| (beyond(pair.value) > 0.0) == far)
            .count()
    };
    let (far, near) = (count(true), count(false));
    let undecided = pairs.len() - far - near;
    Outliers {
        count: far,
        undecided,
        complete: near > 0 && undecided == 0,
    }
}
