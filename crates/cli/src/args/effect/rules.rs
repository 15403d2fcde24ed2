//! When each option does something.

use super::{Rule, idle, needs};
use crate::args::connect::AlignBy;
use crate::args::{
    CompareArgs, ConnectArgs, DataArgs, DiagnoseArgs, EvalArgs, ExportArgs, HessianArgs,
    MeasureName, NetworkArgs, PlaneArgs, PlotArgs, SampleArgs, TrainArgs, TrainSettings,
    TrajectoryArgs,
};
use landscape_models::OptimizerKind;
use landscape_storage::Format;
use landscape_study::device::DeviceName;
use landscape_study::directions::DirectionKind;
use std::path::Path;

/// What plots that are pages do not look at.
const LOOK: &[&str] = &[
    "kind",
    "path",
    "clip",
    "smooth",
    "measured",
    "basins",
    "shared_scale",
    "value",
    "width",
    "colormap",
    "dpi",
];

/// Everything of the trainings that `compare` makes.
const TRAINING: &[&str] = &[
    "epochs",
    "batch_size",
    "optimizer",
    "lr",
    "momentum",
    "weight_decay",
    "schedule",
    "every",
    "per_decade",
    "no_shuffle",
    "seed",
    "weights",
    "data_dir",
    "split",
    "samples",
    "loss",
];

/// What a plane is made of.
const PLANE: &[&str] = &[
    "grid",
    "range",
    "direction",
    "to",
    "dir_type",
    "norm",
    "bias",
    "orthogonal",
    "distribution",
    "save_directions",
];

pub(super) fn train(args: &TrainArgs) -> Vec<Rule> {
    let settings = &args.settings;
    let seeded = args.weights.is_none() || !settings.no_shuffle;
    vec![
        momentum(&[settings.optimizer]),
        idle(
            &["seed"],
            !seeded,
            "with --weights and --no-shuffle nothing is drawn at random",
        ),
        data_dir(&args.data),
    ]
}

/// A checkpoint of a run, where parameters are not a run's.
fn checkpoint(args: &NetworkArgs) -> Rule {
    needs(&["step"], args.run.is_some(), "--run NAME")
}

pub(super) fn sample<const DIMS: usize>(args: &SampleArgs<DIMS>) -> Vec<Rule> {
    let initial = args.network.weights.is_none() && args.network.run.is_none();
    let mut rules = plane(&args.plane, DIMS, initial);
    rules.extend([
        checkpoint(&args.network),
        threads(&args.eval),
        data_dir(&args.data),
        idle(
            &["orthogonal"],
            DIMS == 1,
            "a line has one direction, which is orthogonal to nothing",
        ),
    ]);
    rules
}

/// Which directions are drawn, and which are scaled. `seeded`: the seed serves for something else too.
fn plane(args: &PlaneArgs, dims: usize, seeded: bool) -> Vec<Rule> {
    let left = dims.saturating_sub(args.to.len());
    let drawn = match args.direction {
        DirectionKind::Random => left,
        // There is one gradient; the other directions are random.
        DirectionKind::Gradient => left.saturating_sub(1),
        DirectionKind::Pca | DirectionKind::Hessian(_) | DirectionKind::File(_) => 0,
    };
    let solved = left > 0 && matches!(args.direction, DirectionKind::Hessian(_));
    vec![
        idle(
            &["direction"],
            left == 0,
            "every axis leads to the parameters of a --to",
        ),
        needs(&["distribution"], drawn > 0, "--direction random"),
        needs(
            &["seed"],
            drawn > 0 || seeded || solved,
            "--direction random",
        ),
        needs(&["bias"], drawn > 0 || args.norm.is_some(), "--norm NAME"),
    ]
}

pub(super) fn trajectory(args: &TrajectoryArgs) -> Vec<Rule> {
    vec![
        // What is wrong with the margin itself is told first.
        needs(
            &["margin"],
            args.grid.is_some() || args.margin < 0.0,
            "--grid N",
        ),
        threads(&args.eval),
        data_dir(&args.data),
    ]
}

pub(super) fn connect(args: &ConnectArgs) -> Vec<Rule> {
    let curve = args.curve.curve.is_some();
    let ordered = matches!(args.align, Some(AlignBy::Weights));
    let trained = &[
        "inner_points",
        "epochs",
        "batch_size",
        "optimizer",
        "lr",
        "momentum",
        "weight_decay",
        "schedule",
    ];
    vec![
        needs(trained, curve, "--curve bezier"),
        momentum(&[args.curve.optimizer]),
        needs(&["seed"], curve || ordered, "--curve or --align weights"),
        threads(&args.eval),
        data_dir(&args.data),
    ]
}

pub(super) fn hessian(args: &HessianArgs) -> Vec<Rule> {
    let (wanted, how) = (&args.wanted, &args.how);
    let pairs = wanted.top.is_some() || wanted.bottom.is_some();
    let named = pairs || wanted.trace || wanted.density || wanted.per_layer || wanted.map;
    // Eigenvalues, and at one point the trace, where nothing is asked for.
    let usual = !named && wanted.sharpness.is_empty();
    let whole = pairs || usual;
    let trace = wanted.trace || (usual && !wanted.all_steps);
    let searched = whole || wanted.per_layer || wanted.map;
    let radius = wanted.sharpness.iter().any(|measure| has_radius(*measure));
    let mut rules = vec![
        checkpoint(&args.network),
        needs(&["all_steps"], args.network.run.is_some(), "--run NAME"),
        needs(PLANE, wanted.map, "--map"),
        needs(&["probes", "lanczos_steps"], wanted.density, "--density"),
        needs(&["trace_method"], trace, "--trace"),
        needs(&["method"], whole, "--top K"),
        needs(&["tol"], searched, "--top K, --per-layer or --map"),
        needs(
            &["max_products"],
            searched || trace,
            "--top K, --trace, --per-layer or --map",
        ),
        needs(
            &["matrix"],
            searched || trace || wanted.density,
            "--top K, --trace, --density, --per-layer or --map",
        ),
        needs(
            &["rho"],
            radius,
            "a measure of --sharpness that has a radius, as sam",
        ),
        idle(
            &["seed"],
            !searched && !trace && !wanted.density && !wanted.sharpness.iter().any(draws),
            "nothing that is asked for is drawn at random",
        ),
        threads(&args.eval),
        data_dir(&args.data),
    ];
    if wanted.map {
        rules.extend(plane(&args.plane, 2, true));
    }
    if how.f64 {
        let f32 = how.precision != crate::args::hessian::Width::F64;
        rules.push(idle(&["precision"], f32, "--f64 says in which numbers"));
    }
    rules
}

/// Whether `--rho` changes a measure.
fn has_radius(measure: MeasureName) -> bool {
    match measure {
        MeasureName::Keskar
        | MeasureName::EpsilonSharpness
        | MeasureName::Sam
        | MeasureName::Asam
        | MeasureName::Adaptive
        | MeasureName::AdaptiveWorst
        | MeasureName::Gaussian
        | MeasureName::All => true,
        MeasureName::PacBayesLoss
        | MeasureName::PacBayesAccuracy
        | MeasureName::RelativeFlatness
        | MeasureName::FisherRao => false,
    }
}

/// Whether a measure is found with random vectors or starts.
fn draws(measure: &MeasureName) -> bool {
    !matches!(
        measure,
        MeasureName::Sam | MeasureName::Asam | MeasureName::FisherRao
    )
}

pub(super) fn compare(args: &CompareArgs) -> Vec<Rule> {
    if !args.runs.is_empty() {
        let why = "the runs that are named are stored already, nothing is trained";
        let made = "it belongs to trainings that are made, as in `landscape compare --seeds 0..3`";
        return vec![
            idle(TRAINING, true, why),
            idle(&["dry_run"], true, made),
            threads(&args.eval),
        ];
    }
    let mut rules = varied(args);
    rules.push(idle(
        &["tolerance"],
        true,
        "it belongs to stored runs that are named, as in `landscape compare a b`",
    ));
    rules.push(idle(
        &["device"],
        args.no_curvature && args.eval.device.is_empty(),
        "nothing is evaluated",
    ));
    rules.push(data_dir(&args.data));
    rules
}

/// What is varied is not set for all.
fn varied(args: &CompareArgs) -> Vec<Rule> {
    let TrainSettings {
        optimizer,
        no_shuffle,
        ..
    } = args.settings;
    let optimizers = args.optimizers.as_deref().unwrap_or_default();
    let kinds: Vec<OptimizerKind> = match optimizers.is_empty() {
        true => vec![optimizer],
        false => optimizers.iter().map(|rated| rated.optimizer).collect(),
    };
    let rated = !optimizers.is_empty() && optimizers.iter().all(|rated| rated.lr.is_some());
    let drawn = args.weights.is_none() || !no_shuffle;
    vec![
        idle(
            &["optimizer"],
            !optimizers.is_empty(),
            "--optimizers names that of each training",
        ),
        idle(&["lr"], rated, "each of --optimizers has a rate of its own"),
        idle(
            &["lr"],
            args.lrs.is_some(),
            "--lrs names that of each training",
        ),
        idle(
            &["seed"],
            args.seeds.is_some(),
            "--seeds names that of each training",
        ),
        idle(
            &["seed"],
            !drawn,
            "with --weights and --no-shuffle nothing is drawn at random",
        ),
        idle(
            &["batch_size"],
            // What is wrong with the sizes themselves is told first.
            args.batch_sizes
                .as_ref()
                .is_some_and(|sizes| !sizes.contains(&0)),
            "--batch-sizes names that of each training",
        ),
        momentum(&kinds),
    ]
}

pub(super) fn diagnose(args: &DiagnoseArgs) -> Vec<Rule> {
    vec![idle(
        &["threads"],
        args.no_curvature,
        "with --no-curvature nothing is computed",
    )]
}

pub(super) fn plot(args: &PlotArgs) -> Vec<Rule> {
    let ending = ending(&args.output);
    let page = matches!(ending.as_str(), "html" | "htm");
    vec![
        idle(
            LOOK,
            page,
            "it belongs to figures (.svg, .png); a page shows everything and is changed where it is read",
        ),
        needs(&["dpi"], ending == "png", "-o FILE.png"),
        idle(
            &["shared_scale"],
            args.names.len() == 1,
            "one run has one scale; it belongs to several runs",
        ),
    ]
}

pub(super) fn export(args: &ExportArgs) -> Vec<Rule> {
    let format = args
        .format
        .or_else(|| Format::of_path(args.output.as_deref()?).ok());
    vec![
        needs(
            &["height"],
            format == Some(Format::Vtk) && !args.directions && args.curvature.is_none(),
            "--format vtk",
        ),
        needs(&["path"], args.trajectory, "--trajectory"),
        needs(&["force"], args.output.is_some(), "-o FILE"),
    ]
}

fn ending(path: &Path) -> String {
    let ending = path.extension().unwrap_or_default();
    ending.to_string_lossy().to_lowercase()
}

/// Momentum, where no optimiser has it.
fn momentum(optimizers: &[OptimizerKind]) -> Rule {
    let has =
        |kind: &OptimizerKind| matches!(kind, OptimizerKind::Momentum | OptimizerKind::Nesterov);
    needs(
        &["momentum"],
        optimizers.iter().any(has),
        "--optimizer momentum or nesterov",
    )
}

/// Threads, where nothing is evaluated on the device that has them.
pub(super) fn threads(args: &EvalArgs) -> Rule {
    needs(
        &["threads"],
        args.device.contains(&DeviceName::Cpu),
        "--device cpu",
    )
}

/// The folder of files, where data have none in it. Data of a run are looked at when they are known.
fn data_dir(args: &DataArgs) -> Rule {
    let without = args.data.as_ref().filter(|data| !data.reads_folder());
    idle(
        &["data_dir"],
        without.is_some(),
        "it belongs to --data mnist and cifar10, which have files in a folder",
    )
}
