//! What is asked for, checked before work starts.

use crate::args::{HessianArgs, HowArgs, Measure, MethodName, TraceName};
use crate::error::CliError;
use crate::output::Console;
use landscape_hessian::{
    Density, DensityParams, Lanczos, LanczosParams, Power, PowerParams, Trace, TraceParams,
};
use landscape_study::Smaller;
use landscape_study::directions::{basis, floor};
use landscape_study::memory::plan_memory;
use landscape_study::record::{
    CurvatureSettings, DensitySettings, EigenvalueSettings, ProblemSettings, SharpnessSettings,
    TraceSettings,
};

/// Largest eigenvalues where nothing is asked for.
const USUAL: usize = 5;

/// Beyond so many parameters, traces are estimated without holding products.
const LARGE: usize = 1_000_000;

/// What is computed, and how.
#[derive(Debug, Clone)]
pub struct Request {
    pub top: usize,
    pub bottom: usize,
    pub trace: bool,
    pub density: bool,
    pub per_layer: bool,
    pub map: bool,
    pub sharpness: Vec<Measure>,
    /// Whether every measure is asked for by one word: those that a problem does not have are left out.
    pub every_measure: bool,
    pub all_steps: bool,
    pub how: HowArgs,
    pub seed: u64,
    dim: usize,
}

impl Request {
    /// The request for a number of parameters.
    ///
    /// # Errors
    /// For every setting that cannot work.
    pub fn new(args: &HessianArgs, dim: usize) -> Result<Self, CliError> {
        let wanted = &args.wanted;
        let others =
            wanted.density || wanted.per_layer || wanted.map || !wanted.sharpness.is_empty();
        let given = wanted.top.is_some() || wanted.bottom.is_some() || wanted.trace || others;
        let usual = match (given, wanted.all_steps) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => USUAL.min(dim),
        };
        let request = Request {
            top: wanted.top.unwrap_or(usual),
            bottom: wanted.bottom.unwrap_or(0),
            trace: wanted.trace || (!given && !wanted.all_steps),
            density: wanted.density,
            per_layer: wanted.per_layer,
            map: wanted.map,
            sharpness: measures(&wanted.sharpness),
            every_measure: wanted.sharpness.contains(&Measure::All),
            all_steps: wanted.all_steps,
            how: args.how.clone(),
            seed: args.plane.seed,
            dim,
        };
        request.check(args)?;
        Ok(request)
    }

    /// What can be found out without reading a file.
    ///
    /// # Errors
    /// For settings that cannot work with any network.
    pub fn precheck(args: &HessianArgs) -> Result<Self, CliError> {
        Request::new(args, usize::MAX >> 8)
    }

    /// Whether there is something to draw.
    pub fn is_drawable(&self) -> bool {
        let stability = self.all_steps && self.top > 0;
        self.map || self.density || stability || !self.sharpness.is_empty()
    }

    fn check(&self, args: &HessianArgs) -> Result<(), CliError> {
        for (option, given) in [("--top", args.wanted.top), ("--bottom", args.wanted.bottom)] {
            if given == Some(0) {
                return Err(CliError::Conflict {
                    what: format!("{option} 0 asks for no eigenvalue"),
                    remedy: format!("give {option} 1 or more, or leave it out"),
                });
            }
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
        if self.per_layer {
            Trace::new(self.layer_params())?;
        }
        if self.density {
            Density::new(self.density_params())?;
        }
        match self.how.rho {
            Some(given) if !(given > 0.0 && given.is_finite()) => Err(CliError::Conflict {
                what: format!("--rho {given:?} is not a positive, finite number"),
                remedy: "give for example --rho 0.05, or leave it out".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Plans the vectors that the algorithms hold, before they do.
    ///
    /// # Errors
    /// Where they do not fit.
    pub fn plan_memory(&self, console: &Console) -> Result<(), CliError> {
        let vector = 8 * self.dim as u64;
        let pairs = (self.top + self.bottom) as u64;
        if pairs > 0 {
            let held = self.lanczos().basis_limit() as u64 + pairs;
            let what = format!("the search for {pairs} eigenvectors");
            plan_memory(&what, held * vector, Smaller::Eigenvectors, console)?;
        }
        if self.trace && self.trace_name() == TraceName::Xtrace {
            let held = self.trace_params().max_products as u64;
            let what = "the trace by xtrace";
            plan_memory(what, held * vector, Smaller::Products, console)?;
        }
        if self.density {
            let held = self.how.lanczos_steps as u64 * self.density_params().block as u64;
            let what = "the spectral density";
            plan_memory(what, held * vector, Smaller::LanczosSteps, console)?;
        }
        Ok(())
    }

    fn check_power(&self) -> Result<(), CliError> {
        if self.how.method != MethodName::Power {
            return Ok(());
        }
        if self.bottom > 0 {
            return Err(CliError::Conflict {
                what: "--method power finds the largest magnitudes, not the --bottom of a spectrum"
                    .to_owned(),
                remedy: "use --method lanczos".to_owned(),
            });
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

    /// Settings of the search for the largest eigenvalue alone, without a look for missed ones.
    pub fn single(&self) -> LanczosParams {
        let usual = LanczosParams::default();
        LanczosParams {
            top: 1,
            tolerance: self.how.tol,
            floor: floor(self.how.double()),
            max_products: self.how.max_products.unwrap_or(usual.max_products),
            basis: basis((self.top + self.bottom).max(2), self.dim),
            seed: self.seed,
            ..usual
        }
    }

    /// Settings of the power iteration.
    pub fn power(&self) -> PowerParams {
        let usual = PowerParams::default();
        PowerParams {
            pairs: self.top,
            tolerance: self.how.tol,
            floor: floor(self.how.double()),
            max_products: self.how.max_products.unwrap_or(usual.max_products),
            seed: self.seed,
        }
    }

    /// How the trace is estimated.
    pub fn trace_name(&self) -> TraceName {
        let usual = match self.dim > LARGE {
            true => TraceName::Hutchinson,
            false => TraceName::Xtrace,
        };
        self.how.trace_method.unwrap_or(usual)
    }

    /// Settings of the trace.
    pub fn trace_params(&self) -> TraceParams {
        let usual = TraceParams::default();
        TraceParams {
            method: self.trace_name().method(),
            max_products: self.how.max_products.unwrap_or(usual.max_products),
            seed: self.seed,
            ..usual
        }
    }

    /// Settings of the traces of layers.
    pub fn layer_params(&self) -> TraceParams {
        TraceParams {
            method: landscape_hessian::Method::Hutchinson,
            ..self.trace_params()
        }
    }

    /// Settings of the density.
    pub fn density_params(&self) -> DensityParams {
        DensityParams {
            steps: self.how.lanczos_steps,
            probes: self.how.probes,
            seed: self.seed,
            ..DensityParams::default()
        }
    }

    /// Everything that determines the numbers, apart from the plane.
    pub fn settings(&self, mut problem: ProblemSettings) -> CurvatureSettings {
        let how = &self.how;
        problem.precision = Some(if how.double() { "f64" } else { "f32" }.to_owned());
        CurvatureSettings {
            problem,
            matrix: Some(how.matrix.name().to_owned()),
            seed: self.seed,
            tolerance: how.tol,
            max_products: how.max_products,
            eigenvalues: (self.top + self.bottom > 0).then(|| EigenvalueSettings {
                top: self.top,
                bottom: self.bottom,
                method: how.method.name().to_owned(),
            }),
            trace: self.trace.then(|| TraceSettings {
                method: self.trace_name().name().to_owned(),
            }),
            density: self.density.then_some(DensitySettings {
                lanczos_steps: how.lanczos_steps,
                probes: how.probes,
            }),
            per_layer: self.per_layer,
            all_steps: self.all_steps,
            sharpness: (!self.sharpness.is_empty()).then(|| SharpnessSettings {
                measures: { self.sharpness.iter() }
                    .map(|m| m.name().to_owned())
                    .collect(),
                rho: how.rho,
            }),
            directions: None,
            grid: None,
            training: None,
        }
    }
}

/// Each measure once, in their order.
fn measures(given: &[Measure]) -> Vec<Measure> {
    let all = given.contains(&Measure::All);
    let wanted = |measure: &Measure| all || given.contains(measure);
    Measure::EACH.into_iter().filter(wanted).collect()
}
