use super::values::{choice, count};
use super::{DataArgs, EvalArgs, Given, NetworkArgs, PlaneArgs, ShardArgs, StoreArgs};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use landscape_core::Shard;
use landscape_hessian::Method;
use landscape_study::hessian::{CurvatureRequest, EigenMethod, Floats, Measure, Per};
use landscape_trace::Matrix;
use std::path::PathBuf;

const RANGE: &str = "The part of the plane that the map shows: min:max of the coordinates, or one range per axis \
separated by commas; -1:1 by default";

/// Curvature at a point: eigenvalues, trace, spectral density, sharpness
///
/// Products with the Hessian of the mean loss are exact; every eigenvalue has its true residual, every
/// figure from random vectors its standard error. Without any of --top, --bottom, --trace, --density,
/// --per, --map, --sharpness and --all-steps: the five largest eigenvalues and the trace.
#[derive(Debug, Args)]
#[command(before_help = examples![
    "hessian --run mnist",
    "hessian --run mnist --top 10 --bottom 3 --trace --density -o spectrum.svg",
    "hessian --model resnet20 --weights w.pt --data cifar10 --samples 256 --per block,pair",
    "hessian --run mnist --sharpness sam,adaptive,pac-bayes-loss",
    "hessian --run mnist --all-steps -o edge.svg",
    "hessian --run mnist --map --grid 21 -o map.png",
])]
#[command(mut_arg("grid", |arg| arg.help("Points of the map on each axis: 21 by default, or for example 21x11")))]
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
    /// Draw the density, the map, the parts, the sharpness or the edge of stability, as `landscape plot` does, to
    /// FILE.svg, .pdf, .png, .tex or .html; may be given several times
    #[arg(long, short, help_heading = "Figure")]
    pub output: Vec<PathBuf>,
    /// Print how much there is to do, and estimates of time and memory; store nothing
    #[arg(long, help_heading = "Evaluation")]
    pub dry_run: bool,
    #[command(flatten)]
    pub shard: ShardArgs,
    /// What was typed.
    #[arg(skip)]
    pub given: Given,
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
    /// The network in parts: several of these, separated by commas
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = choice(Per::ALL))]
    pub per: Vec<Per>,
    /// abs(lambda_min / lambda_max) over the grid of a plane (--grid, 21 points per axis by default)
    #[arg(long, conflicts_with = "all_steps")]
    pub map: bool,
    /// Measures of sharpness; `all` for all of them
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = measures())]
    pub sharpness: Vec<Option<Measure>>,
    /// At every recorded checkpoint of --run, not at one; the largest eigenvalue where nothing else is
    /// asked for
    #[arg(long, conflicts_with = "step")]
    pub all_steps: bool,
    /// How much of the gradient, of each update and of the path lies in the space of the K leading eigenvectors
    #[arg(long, value_name = "K", value_parser = count::<0, 10_000>, requires = "all_steps")]
    pub subspace: Option<usize>,
}

/// How it is computed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Curvature")]
pub struct HowArgs {
    /// Whose eigenvalues, trace and density
    #[arg(long, default_value = "hessian", value_parser = choice(Matrix::ALL))]
    pub matrix: Matrix,
    /// How eigenvalues are found
    #[arg(long, default_value = "lanczos", value_parser = choice(EigenMethod::ALL))]
    pub method: EigenMethod,
    /// An eigenvalue is converged when its true residual is at most this fraction of it
    #[arg(
        long,
        value_name = "TOL",
        default_value_t = 1e-3,
        allow_hyphen_values = true
    )]
    pub tol: f64,
    /// The most products for each search of eigenvalues (1000 by default) and each trace (100)
    #[arg(long, value_parser = count::<0, 1_000_000_000>)]
    pub max_products: Option<usize>,
    /// How the trace is estimated; xtrace by default, hutchinson beyond a million parameters
    #[arg(long, value_parser = choice(Method::ALL))]
    pub trace_method: Option<Method>,
    /// Random vectors of the density
    #[arg(long, default_value_t = 8, value_parser = count::<0, 10_000>)]
    pub probes: usize,
    /// Lanczos steps from each random vector of the density; beyond 80 the Gaussian that smooths it narrows with them
    #[arg(long, default_value_t = 80, value_parser = count::<0, 10_000>)]
    pub lanczos_steps: usize,
    /// Radius for the measures of sharpness that have one; each has its own default
    #[arg(long, value_name = "RHO", allow_hyphen_values = true)]
    pub rho: Option<f64>,
    /// The number format of derivatives; f64 is slower
    #[arg(long, value_name = "NAME", default_value = "f32", value_parser = choice(Floats::ALL))]
    pub precision: Floats,
    /// The same as --precision f64
    #[arg(long, hide = true)]
    pub f64: bool,
}

impl HessianArgs {
    /// What the library is asked for, by a command in these words.
    pub fn request(&self, command: &str, shard: Option<Shard>) -> CurvatureRequest {
        let (wanted, how) = (&self.wanted, &self.how);
        CurvatureRequest {
            network: self.network.request(),
            data: self.data.request(),
            top: wanted.top,
            bottom: wanted.bottom,
            trace: wanted.trace,
            density: wanted.density,
            per_layer: wanted.per_layer,
            per: wanted.per.clone(),
            subspace: wanted.subspace,
            map: wanted.map,
            sharpness: wanted.measures(),
            every_measure: wanted.sharpness.contains(&None),
            all_steps: wanted.all_steps,
            matrix: how.matrix,
            method: how.method,
            tolerance: how.tol,
            max_products: how.max_products,
            trace_method: how.trace_method,
            probes: how.probes,
            lanczos_steps: how.lanczos_steps,
            rho: how.rho,
            double: how.f64 || how.precision == Floats::F64,
            plane: self.plane.request(),
            shard,
            grid: self.plane.grid.request(),
            evaluation: self.eval.request(),
            keep: self.store.keep(command),
        }
    }
}

impl WantedArgs {
    /// The measures of sharpness.
    fn measures(&self) -> Vec<Measure> {
        let all = || Measure::ALL.to_vec();
        let named: Option<Vec<Measure>> = self.sharpness.iter().copied().collect();
        named.unwrap_or_else(all)
    }
}

/// Reads a measure of sharpness; none stands for all of them.
fn measures() -> impl TypedValueParser<Value = Option<Measure>> {
    let value = |&measure: &Measure| {
        let value = PossibleValue::new(measure.name()).help(measure.about());
        match measure {
            Measure::EpsilonSharpness => value.alias("keskar-ball"),
            Measure::PacBayesLoss => value.alias("pac-bayes"),
            _ => value,
        }
    };
    let all = PossibleValue::new("all").help("All of these");
    let values = Measure::ALL.iter().map(value).chain([all]);
    PossibleValuesParser::new(values).map(|given| match given.as_str() {
        "keskar-ball" => Some(Measure::EpsilonSharpness),
        "pac-bayes" => Some(Measure::PacBayesLoss),
        name => name.parse().ok(),
    })
}
