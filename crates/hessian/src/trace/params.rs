use super::TraceError;
use landscape_core::named;

/// How a trace is estimated; see the [module](crate::trace).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Mean of `z^T H z` over random vectors: unbiased, its error falls as `1 / sqrt(products)`.
    #[default]
    Hutchinson,
    /// The trace on a random sketch of the range exactly, Hutchinson on the rest: a third of the
    /// products for each of sketch, its trace, and the rest.
    HutchPlusPlus,
    /// Every random vector serves as sketch and, left out of it, as sample: two products for each. The
    /// most accurate where the spectrum decays.
    XTrace,
}

named!(Method, "method of traces", {
    Hutchinson => "hutchinson": "Mean over random vectors",
    HutchPlusPlus => "hutch++": "Exact on a sketch of the range, Hutchinson on the rest",
    XTrace => "xtrace": "Every vector serves as sketch and as sample; holds all products in memory",
});

/// The distribution of random vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Probe {
    /// Entries -1 and 1. On a diagonal matrix the variance is 0.
    #[default]
    Rademacher,
    /// Independent standard normal entries; the error does not depend on the coordinates.
    Gaussian,
}

impl Probe {
    pub(crate) fn draw(self, dim: usize, seed: u64, stream: u64) -> Vec<f64> {
        match self {
            Probe::Rademacher => crate::vectors::rademacher(dim, seed, stream),
            Probe::Gaussian => crate::vectors::gaussian(dim, seed, stream),
        }
    }
}

/// Settings of a [`Trace`] estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TraceParams {
    /// Hutchinson by default.
    pub method: Method,
    /// Ends it, after at least eight samples, as soon as the half-width of the 95% interval is at most
    /// this share of the mean;
    /// `None`, the default, spends all products.
    pub target: Option<f64>,
    /// The most products, 100 by default.
    pub max_products: usize,
    /// Random vectors that are multiplied together, 8 by default.
    pub block: usize,
    /// Their distribution, Rademacher by default; XTrace's are uniform on a sphere always.
    pub probe: Probe,
    /// Their seed, 0 by default.
    pub seed: u64,
}

impl Default for TraceParams {
    fn default() -> Self {
        TraceParams {
            method: Method::default(),
            target: None,
            max_products: 100,
            block: 8,
            probe: Probe::default(),
            seed: 0,
        }
    }
}

/// A checked trace estimate; see the [module](crate::trace).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trace {
    params: TraceParams,
}

/// Samples before a target may end an estimate: fewer can agree by chance.
pub(super) const LEAST_SAMPLES: usize = 8;

impl Trace {
    /// With settings that can work.
    ///
    /// # Errors
    /// One for each rule that they break.
    pub fn new(params: TraceParams) -> Result<Self, TraceError> {
        let least = match params.method {
            Method::Hutchinson => 2,
            Method::HutchPlusPlus => 6,
            Method::XTrace => 6,
        };
        if params.max_products < least {
            let given = params.max_products;
            return Err(TraceError::Products { given, least });
        }
        if params.block == 0 {
            return Err(TraceError::Block);
        }
        if let Some(given) = params.target.filter(|&t| !(t > 0.0 && t.is_finite())) {
            return Err(TraceError::Target { given });
        }
        Ok(Trace { params })
    }

    /// The settings.
    pub fn params(&self) -> &TraceParams {
        &self.params
    }

    pub(super) fn with_limit(&self, max_products: usize) -> Self {
        let params = TraceParams {
            max_products,
            ..self.params
        };
        Trace { params }
    }

    pub(super) fn with_probe(&self, probe: Probe) -> Self {
        let params = TraceParams {
            probe,
            ..self.params
        };
        Trace { params }
    }
}
