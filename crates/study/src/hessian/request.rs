//! What is asked for, checked before work starts.

use super::CurvatureRequest;
use crate::StudyError;
use crate::directions::{basis, floor};
use crate::error::Smaller;
use crate::memory::plan_memory;
use crate::record::{
    CurvatureSettings, DensitySettings, EigenvalueSettings, ProblemSettings, SharpnessSettings,
    TraceSettings,
};
use crate::report::Reporter;
use landscape_core::named;
use landscape_hessian::{
    Density, DensityParams, Lanczos, LanczosParams, Method, Power, PowerParams, Trace, TraceParams,
};
use std::path::Path;

/// Largest eigenvalues where nothing is asked for.
const USUAL: usize = 5;

/// Random vectors in each part, for the norms between parts.
const PAIR_PROBES: usize = 16;

/// Beyond so many parameters, traces are estimated without holding products.
const LARGE: usize = 1_000_000;

/// How eigenvalues are found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EigenMethod {
    /// Lanczos with full re-orthogonalisation and thick restart.
    #[default]
    Lanczos,
    /// Power iteration with deflation: the largest magnitudes, of both signs.
    Power,
}

named!(EigenMethod, "method of eigenvalues", {
    Lanczos => "lanczos": "Lanczos with full re-orthogonalisation and thick restart",
    Power => "power": "Power iteration with deflation: the largest magnitudes, of both signs; slower, for comparison",
});

/// The numbers that derivatives are computed in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Floats {
    /// 32 bits, in sums over samples 64.
    #[default]
    F32,
    /// 64 bits.
    F64,
}

named!(Floats, "number format", {
    F32 => "f32": "32-bit floats, sums over samples in 64 bits",
    F64 => "f64": "64-bit floats throughout",
});

/// A measure of sharpness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Largest rise in a box, in percent of 1 + loss (Keskar et al. 2017).
    Keskar,
    /// Largest rise in a ball, as a fraction of 1 + loss (Dinh et al. 2017).
    EpsilonSharpness,
    /// Rise after one step up the gradient (Foret et al. 2021).
    Sam,
    /// The same in units of the weights (Kwon et al. 2021).
    Asam,
    /// Mean rise under noise in units of the parameters (Andriushchenko et al. 2023).
    Adaptive,
    /// Largest rise in a ball in units of the parameters.
    AdaptiveWorst,
    /// Mean rise under Gaussian noise.
    Gaussian,
    /// 1/sigma^2 for the noise that raises the mean loss by 0.1.
    PacBayesLoss,
    /// 1/sigma^2 for the noise that lowers the accuracy by 0.1 (Jiang et al. 2020).
    PacBayesAccuracy,
    /// Traces of layers weighted by their weights (Petzka et al. 2021; of convolutions an extension).
    RelativeFlatness,
    /// sqrt(theta^T F theta) (Liang et al. 2019).
    FisherRao,
}

named!(Measure, "measure of sharpness", {
    Keskar => "keskar": "Largest rise in a box, in percent of 1 + loss (Keskar et al. 2017)",
    EpsilonSharpness => "epsilon-sharpness": "Largest rise in a ball, as a fraction of 1 + loss (Dinh et al. 2017)",
    Sam => "sam": "Rise after one step up the gradient (Foret et al. 2021)",
    Asam => "asam": "The same in units of the weights (Kwon et al. 2021)",
    Adaptive => "adaptive": "Mean rise under noise in units of the parameters (Andriushchenko et al. 2023)",
    AdaptiveWorst => "adaptive-worst": "Largest rise in a ball in units of the parameters",
    Gaussian => "gaussian": "Mean rise under Gaussian noise",
    PacBayesLoss => "pac-bayes-loss": "1/sigma^2 for the noise that raises the mean loss by 0.1",
    PacBayesAccuracy => "pac-bayes-accuracy":
        "1/sigma^2 for the noise that lowers the accuracy by 0.1 (Jiang et al. 2020)",
    RelativeFlatness => "relative-flatness":
        "Traces of layers weighted by their weights (Petzka et al. 2021; of convolutions an extension)",
    FisherRao => "fisher-rao": "sqrt(theta^T F theta) (Liang et al. 2019)",
});

impl Measure {
    /// Whether a radius ([`CurvatureRequest::rho`]) changes it.
    pub fn has_radius(self) -> bool {
        use Measure as M;
        !matches!(
            self,
            M::PacBayesLoss | M::PacBayesAccuracy | M::RelativeFlatness | M::FisherRao
        )
    }

    /// Whether it is found with random vectors or from random starts.
    pub fn is_random(self) -> bool {
        !matches!(self, Measure::Sam | Measure::Asam | Measure::FisherRao)
    }
}

/// What a network is looked at in parts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// Each layer.
    Layer,
    /// Each block of layers.
    Block,
    /// Each pair of layers, or of blocks where these are asked for too.
    Pair,
    /// Each matrix of second derivatives.
    Matrix,
}

named!(Per, "division", {
    Layer => "layer": "Trace and largest eigenvalue of each layer's diagonal block",
    Block => "block": "The same of each block, a module of a list with all that is in it, as blocks.0 or layer1.2",
    Pair => "pair": "Frobenius norms of the blocks between all pairs of layers, or of blocks where these are given too",
    Matrix => "matrix": "Trace and largest eigenvalue of Hessian, Gauss-Newton matrix, residual and empirical Fisher matrix",
});

/// What is computed, with all that is usual filled in, for a number of parameters.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What was asked for.
    pub asked: CurvatureRequest,
    /// Largest eigenvalues.
    pub top: usize,
    /// Smallest eigenvalues.
    pub bottom: usize,
    /// The trace.
    pub trace: bool,
    /// Measures of sharpness, each once and in their order.
    pub sharpness: Vec<Measure>,
    dim: usize,
}

impl Wanted {
    /// What a request means for a network of so many parameters.
    ///
    /// # Errors
    /// For every setting that cannot work.
    pub(super) fn new(request: &CurvatureRequest, dim: usize) -> Result<Self, StudyError> {
        let others = request.density || request.map || !request.sharpness.is_empty();
        let others = others || !request.divisions().is_empty();
        let pairs = request.top.or(request.bottom).or(request.subspace);
        let given = pairs.is_some() || request.trace || others;
        let usual = match (given, request.all_steps) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => USUAL.min(dim),
        };
        let asked = |measure: &Measure| request.sharpness.contains(measure);
        // Of all matrices the one that is asked for is looked at as it is alone.
        let matrices = request.per.contains(&Per::Matrix);
        let wanted = Wanted {
            top: { request.top.unwrap_or(usual.max(usize::from(matrices))) }
                .max(request.subspace.unwrap_or(0)),
            bottom: request.bottom.unwrap_or(0),
            trace: request.trace || matrices || (!given && !request.all_steps),
            sharpness: Measure::ALL.iter().copied().filter(asked).collect(),
            asked: request.clone(),
            dim,
        };
        wanted.check()?;
        Ok(wanted)
    }

    /// What can be found out without reading a file.
    ///
    /// # Errors
    /// For settings that cannot work with any network.
    pub(super) fn precheck(request: &CurvatureRequest) -> Result<Self, StudyError> {
        Wanted::new(request, usize::MAX >> 8)
    }

    /// Whether a division of the network is asked for.
    pub(super) fn has(&self, per: Per) -> bool {
        self.asked.divisions().contains(&per)
    }

    /// Whether there is something to draw.
    pub fn is_drawable(&self) -> bool {
        let stability = self.asked.all_steps && (self.top > 0 || self.asked.subspace.is_some());
        let divided = !self.asked.divisions().is_empty() && !self.asked.all_steps;
        let sharpness = !self.sharpness.is_empty();
        self.asked.map || self.asked.density || stability || divided || sharpness
    }

    /// Checks that there is something to draw, where a picture is asked for.
    ///
    /// # Errors
    /// [`StudyError::NoFigure`]
    pub fn check_picture(&self, picture: Option<&Path>) -> Result<(), StudyError> {
        match picture {
            Some(path) if !self.is_drawable() => Err(StudyError::NoFigure {
                path: path.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    fn check(&self) -> Result<(), StudyError> {
        let asked = &self.asked;
        let ends = [
            ("top", asked.top),
            ("bottom", asked.bottom),
            ("subspace", asked.subspace),
        ];
        for (end, given) in ends {
            if given == Some(0) {
                return Err(StudyError::NoEigenvalues { end });
            }
        }
        if asked.subspace.is_some() && !asked.all_steps {
            return Err(StudyError::SubspaceOfOne);
        }
        self.check_power()?;
        // The tolerance is that of layers and maps too.
        let mut lanczos = self.lanczos();
        if lanczos.wanted() == 0 {
            lanczos.top = 1;
        }
        Lanczos::new(lanczos)?;
        let most = self.top.max(self.bottom);
        if most > self.dim {
            let given = most;
            let dim = self.dim;
            return Err(landscape_hessian::LanczosError::TooMany { given, dim })?;
        }
        if self.trace {
            Trace::new(self.trace_params())?;
        }
        if !self.asked.divisions().is_empty() {
            Trace::new(self.layer_params())?;
        }
        if self.asked.density {
            Density::new(self.density_params())?;
        }
        match self.asked.rho {
            Some(rho) if !(rho > 0.0 && rho.is_finite()) => Err(StudyError::Radius { rho }),
            _ => Ok(()),
        }
    }

    /// Plans the vectors that the algorithms hold, before they do.
    ///
    /// # Errors
    /// Where they do not fit.
    pub(super) fn plan_memory(&self, reporter: &dyn Reporter) -> Result<(), StudyError> {
        let vector = 8 * self.dim as u64;
        let pairs = (self.top + self.bottom) as u64;
        if pairs > 0 {
            let held = self.lanczos().basis_limit() as u64 + pairs;
            let what = format!("the search for {pairs} eigenvectors");
            plan_memory(&what, held * vector, Smaller::Eigenvectors, reporter)?;
        }
        if self.trace && self.trace_method() == Method::XTrace {
            let held = self.trace_params().max_products as u64;
            let what = "the trace by xtrace";
            plan_memory(what, held * vector, Smaller::Products, reporter)?;
        }
        if self.asked.density {
            let held = self.asked.lanczos_steps as u64 * self.density_params().block as u64;
            let what = "the spectral density";
            plan_memory(what, held * vector, Smaller::LanczosSteps, reporter)?;
        }
        Ok(())
    }

    fn check_power(&self) -> Result<(), StudyError> {
        if self.asked.method != EigenMethod::Power {
            return Ok(());
        }
        if self.bottom > 0 {
            return Err(StudyError::PowerBottom);
        }
        if self.top > 0 {
            Power::new(self.power())?;
        }
        Ok(())
    }

    /// Settings of the search for both ends.
    pub fn lanczos(&self) -> LanczosParams {
        LanczosParams {
            top: self.top,
            bottom: self.bottom,
            ..self.single()
        }
    }

    /// Settings of the search for so many of the largest eigenvalues.
    pub fn lanczos_for(&self, top: usize) -> LanczosParams {
        LanczosParams {
            top,
            ..self.single()
        }
    }

    /// Settings of the search for the largest eigenvalue alone, without a look for missed ones.
    pub fn single(&self) -> LanczosParams {
        let usual = LanczosParams::default();
        LanczosParams {
            top: 1,
            tolerance: self.asked.tolerance,
            floor: floor(self.asked.double),
            max_products: self.asked.max_products.unwrap_or(usual.max_products),
            basis: basis((self.top + self.bottom).max(2), self.dim),
            seed: self.asked.plane.seed,
            ..usual
        }
    }

    /// Settings of the power iteration.
    pub fn power(&self) -> PowerParams {
        let usual = PowerParams::default();
        PowerParams {
            pairs: self.top,
            tolerance: self.asked.tolerance,
            floor: floor(self.asked.double),
            max_products: self.asked.max_products.unwrap_or(usual.max_products),
            seed: self.asked.plane.seed,
        }
    }

    /// How the trace is estimated.
    pub fn trace_method(&self) -> Method {
        let usual = match self.dim > LARGE {
            true => Method::Hutchinson,
            false => Method::XTrace,
        };
        self.asked.trace_method.unwrap_or(usual)
    }

    /// Settings of the trace.
    pub fn trace_params(&self) -> TraceParams {
        let usual = TraceParams::default();
        TraceParams {
            method: self.trace_method(),
            max_products: self.asked.max_products.unwrap_or(usual.max_products),
            seed: self.asked.plane.seed,
            ..usual
        }
    }

    /// Settings of the traces of layers.
    pub fn layer_params(&self) -> TraceParams {
        TraceParams {
            method: Method::Hutchinson,
            ..self.trace_params()
        }
    }

    /// Settings of the norms between so many parts: 16 products for each part unless a bound is given.
    ///
    /// # Errors
    /// Where the bound is too small for a mean and its error.
    pub fn pair_trace(&self, parts: usize) -> Result<Trace, StudyError> {
        let usual = PAIR_PROBES * parts;
        let trace = Trace::new(TraceParams {
            max_products: self.asked.max_products.unwrap_or(usual),
            ..self.layer_params()
        })?;
        trace.samples_each(parts)?;
        Ok(trace)
    }

    /// Settings of the density.
    pub fn density_params(&self) -> DensityParams {
        DensityParams {
            probes: self.asked.probes,
            seed: self.asked.plane.seed,
            ..DensityParams::of_steps(self.asked.lanczos_steps)
        }
    }

    /// The width of the Gaussian, where it is narrower than usual.
    fn narrow(&self) -> Option<f64> {
        let width = self.density_params().width;
        (width < DensityParams::default().width).then_some(width)
    }

    /// Products that the density takes.
    pub(super) fn density_products(&self) -> usize {
        self.asked.probes * self.asked.lanczos_steps
    }

    /// Everything that determines the numbers, apart from the plane.
    pub fn settings(&self, mut problem: ProblemSettings) -> CurvatureSettings {
        problem.precision = Some(if self.asked.double { "f64" } else { "f32" }.to_owned());
        CurvatureSettings {
            problem,
            matrix: Some(self.asked.matrix.name().to_owned()),
            seed: self.asked.plane.seed,
            tolerance: self.asked.tolerance,
            max_products: self.asked.max_products,
            eigenvalues: (self.top + self.bottom > 0).then(|| EigenvalueSettings {
                top: self.top,
                bottom: self.bottom,
                method: self.asked.method.name().to_owned(),
            }),
            trace: self.trace.then(|| TraceSettings {
                method: self.trace_method().name().to_owned(),
            }),
            density: self.asked.density.then_some(DensitySettings {
                lanczos_steps: self.asked.lanczos_steps,
                probes: self.asked.probes,
                width: self.narrow(),
            }),
            per_layer: self.has(Per::Layer),
            per: { self.asked.divisions().into_iter() }
                .filter(|&per| per != Per::Layer)
                .map(|per| per.name().to_owned())
                .collect(),
            subspace: self.asked.subspace,
            all_steps: self.asked.all_steps,
            sharpness: (!self.sharpness.is_empty()).then(|| SharpnessSettings {
                measures: { self.sharpness.iter() }
                    .map(|m| m.name().to_owned())
                    .collect(),
                rho: self.asked.rho,
            }),
            directions: None,
            grid: None,
            training: None,
        }
    }
}
