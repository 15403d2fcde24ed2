use super::values::count;
use super::{DataArgs, EvalArgs, NetworkArgs, PlaneArgs, StoreArgs};
use clap::{Args, ValueEnum};
use landscape_hessian::Method;
use landscape_study::hessian::{CurvatureRequest, EigenMethod, Measure};
use landscape_trace::Matrix;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  landscape hessian --run mnist
  landscape hessian --run mnist --top 10 --bottom 3 --trace --density -o spectrum.svg
  landscape hessian --model resnet20 --weights w.pt --data cifar10 --samples 256 --top 5 --per-layer
  landscape hessian --run mnist --sharpness sam,adaptive,pac-bayes-loss
  landscape hessian --run mnist --all-steps -o edge.svg
  landscape hessian --run mnist --map --grid 21 -o map.png";

const RANGE: &str = "The part of the plane that the map shows: min:max of the coordinates, or one range an axis \
separated by commas; -1:1 where absent";

/// Curvature at a point: eigenvalues, trace, spectral density, sharpness
///
/// Products with the Hessian of the mean loss are exact; every eigenvalue has its true residual, every
/// figure from random vectors its standard error. Without any of --top, --bottom, --trace, --density,
/// --per-layer, --map, --sharpness and --all-steps: the five largest eigenvalues and the trace.
#[derive(Debug, Args)]
#[command(before_help = EXAMPLES)]
#[command(mut_arg("grid", |arg| arg.help("Points of the map on each axis: 21 where absent, or for example 21x11")))]
#[command(mut_arg("range", |arg| arg.help(RANGE)))]
pub struct HessianArgs {
    #[command(flatten)]
    pub network: NetworkArgs,
    #[command(flatten)]
    pub data: DataArgs,
    #[command(flatten)]
    pub wanted: WantedArgs,
    #[command(flatten)]
    pub how: HowArgs,
    #[command(flatten)]
    pub plane: PlaneArgs,
    #[command(flatten)]
    pub eval: EvalArgs,
    #[command(flatten)]
    pub store: StoreArgs,
    /// Draw the density, the map, the sharpness or the edge of stability, as `landscape plot` does, to
    /// FILE.svg, FILE.png or FILE.html; may be given several times
    #[arg(long, short, value_name = "FILE", help_heading = "Figure")]
    pub output: Vec<PathBuf>,
    /// Print how much is to be done, and estimates of time and memory; store nothing
    #[arg(long, help_heading = "Evaluation")]
    pub dry_run: bool,
}

/// What is computed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Curvature")]
pub struct WantedArgs {
    /// The K largest eigenvalues
    #[arg(long, value_name = "K", value_parser = count::<0, 100_000>)]
    pub top: Option<usize>,
    /// The K smallest (most negative) eigenvalues
    #[arg(long, value_name = "K", value_parser = count::<0, 100_000>)]
    pub bottom: Option<usize>,
    /// The trace, with its standard error
    #[arg(long)]
    pub trace: bool,
    /// The density of all eigenvalues, with its error band
    #[arg(long)]
    pub density: bool,
    /// Trace and largest eigenvalue of each layer's diagonal block
    #[arg(long)]
    pub per_layer: bool,
    /// abs(lambda_min / lambda_max) over the grid of a plane (--grid, 21 points an axis where absent)
    #[arg(long, conflicts_with = "all_steps")]
    pub map: bool,
    /// Measures of sharpness; `all` for all of them
    #[arg(long, value_name = "NAME", value_enum, value_delimiter = ',')]
    pub sharpness: Vec<MeasureName>,
    /// At every recorded checkpoint of --run, not at one; the largest eigenvalue where nothing else is
    /// asked for
    #[arg(long, conflicts_with = "step")]
    pub all_steps: bool,
}

/// How it is computed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Curvature")]
pub struct HowArgs {
    /// Whose eigenvalues, trace and density
    #[arg(long, value_enum, value_name = "NAME", default_value = "hessian")]
    pub matrix: MatrixName,
    /// How eigenvalues are found
    #[arg(long, value_enum, value_name = "NAME", default_value = "lanczos")]
    pub method: MethodName,
    /// An eigenvalue is converged when its true residual is at most this share of it
    #[arg(
        long,
        value_name = "TOL",
        default_value_t = 1e-3,
        allow_hyphen_values = true
    )]
    pub tol: f64,
    /// The most products for each search of eigenvalues (1000 where absent) and each trace (100)
    #[arg(long, value_name = "N", value_parser = count::<0, 1_000_000_000>)]
    pub max_products: Option<usize>,
    /// How the trace is estimated; xtrace where absent, hutchinson beyond a million parameters
    #[arg(long, value_enum, value_name = "NAME")]
    pub trace_method: Option<TraceName>,
    /// Random vectors of the density
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = count::<0, 10_000>)]
    pub probes: usize,
    /// Lanczos steps from each random vector of the density
    #[arg(long, value_name = "N", default_value_t = 80, value_parser = count::<0, 10_000>)]
    pub lanczos_steps: usize,
    /// Radius for the measures of sharpness that have one; each has its usual where absent
    #[arg(long, value_name = "RHO", allow_hyphen_values = true)]
    pub rho: Option<f64>,
    /// In which numbers derivatives are computed; f64 is slower
    #[arg(long, value_enum, value_name = "NAME", default_value = "f32")]
    pub precision: Width,
    /// The same as --precision f64
    #[arg(long, hide = true)]
    pub f64: bool,
}

impl HessianArgs {
    /// What the library is asked for, by a command in these words.
    pub fn request(&self, command: &str) -> CurvatureRequest {
        let (wanted, how) = (&self.wanted, &self.how);
        CurvatureRequest {
            network: self.network.request(),
            data: self.data.request(),
            top: wanted.top,
            bottom: wanted.bottom,
            trace: wanted.trace,
            density: wanted.density,
            per_layer: wanted.per_layer,
            map: wanted.map,
            sharpness: MeasureName::measures(&wanted.sharpness),
            every_measure: wanted.sharpness.contains(&MeasureName::All),
            all_steps: wanted.all_steps,
            matrix: how.matrix.matrix(),
            method: how.method.method(),
            tolerance: how.tol,
            max_products: how.max_products,
            trace_method: how.trace_method.map(TraceName::method),
            probes: how.probes,
            lanczos_steps: how.lanczos_steps,
            rho: how.rho,
            double: how.f64 || how.precision == Width::F64,
            plane: self.plane.request(),
            grid: self.plane.grid_request(),
            evaluation: self.eval.request(),
            keep: self.store.keep(command),
        }
    }
}

/// How eigenvalues are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MethodName {
    /// Lanczos with full re-orthogonalisation and thick restart
    Lanczos,
    /// Power iteration with deflation: the largest magnitudes, of both signs; slower, for comparison
    Power,
}

impl MethodName {
    /// What the library calls it.
    pub fn method(self) -> EigenMethod {
        match self {
            MethodName::Lanczos => EigenMethod::Lanczos,
            MethodName::Power => EigenMethod::Power,
        }
    }
}

/// Which matrix of second derivatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MatrixName {
    /// Second derivatives of the mean loss
    Hessian,
    /// Generalised Gauss-Newton matrix: the Fisher information for cross-entropy and squared error
    GaussNewton,
    /// Empirical Fisher matrix: the mean of g g^T over the gradients g of single samples
    Fisher,
}

impl MatrixName {
    /// What the trace calls it.
    pub fn matrix(self) -> Matrix {
        match self {
            MatrixName::Hessian => Matrix::Hessian,
            MatrixName::GaussNewton => Matrix::GaussNewton,
            MatrixName::Fisher => Matrix::EmpiricalFisher,
        }
    }
}

/// How a trace is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TraceName {
    /// Mean over random vectors
    Hutchinson,
    /// Exact on a sketch of the range, Hutchinson on the rest
    #[value(name = "hutch++")]
    HutchPlusPlus,
    /// Every vector serves as sketch and as sample; holds all products in memory
    Xtrace,
}

impl TraceName {
    /// What the algorithms call it.
    pub fn method(self) -> Method {
        match self {
            TraceName::Hutchinson => Method::Hutchinson,
            TraceName::HutchPlusPlus => Method::HutchPlusPlus,
            TraceName::Xtrace => Method::XTrace,
        }
    }
}

/// The numbers of derivatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Width {
    /// 32-bit floats, sums over samples in 64 bits
    F32,
    /// 64-bit floats throughout
    F64,
}

/// A measure of sharpness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MeasureName {
    /// Largest rise in a box, in percent of 1 + loss (Keskar et al. 2017)
    Keskar,
    /// Largest rise in a ball, as a share of 1 + loss (Dinh et al. 2017)
    #[value(alias = "keskar-ball")]
    EpsilonSharpness,
    /// Rise after one step up the gradient (Foret et al. 2021)
    Sam,
    /// The same in units of the weights (Kwon et al. 2021)
    Asam,
    /// Mean rise under noise in units of the parameters (Andriushchenko et al. 2023)
    Adaptive,
    /// Largest rise in a ball in units of the parameters
    AdaptiveWorst,
    /// Mean rise under Gaussian noise
    Gaussian,
    /// 1/sigma^2 for the noise that raises the mean loss by 0.1
    #[value(alias = "pac-bayes")]
    PacBayesLoss,
    /// 1/sigma^2 for the noise that lowers the accuracy by 0.1 (Jiang et al. 2020)
    PacBayesAccuracy,
    /// Traces of layers weighed by their weights (Petzka et al. 2021; of convolutions an extension)
    RelativeFlatness,
    /// sqrt(theta^T F theta) (Liang et al. 2019)
    FisherRao,
    /// All of these
    All,
}

impl MeasureName {
    /// What the library calls them.
    fn measures(names: &[MeasureName]) -> Vec<Measure> {
        if names.contains(&MeasureName::All) {
            return Measure::ALL.to_vec();
        }
        let one = |name: &MeasureName| {
            let word = name.to_possible_value()?;
            word.get_name().parse().ok()
        };
        names.iter().filter_map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every measure of the library has its word here, and the other way round.
    #[test]
    fn measures_are_those_of_the_library() {
        let single = MeasureName::value_variants().iter();
        let single: Vec<MeasureName> = { single.copied() }
            .filter(|name| *name != MeasureName::All)
            .collect();
        assert_eq!(MeasureName::measures(&single), Measure::ALL);
        assert_eq!(MeasureName::measures(&[MeasureName::All]), Measure::ALL);
    }
}
