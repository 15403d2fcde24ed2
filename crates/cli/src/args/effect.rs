//! Options that have no effect where they stand: each is an error that says what it belongs to. Options without a rule
//! act wherever they are taken: one that is parsed and not read is a warning of the compiler.

use super::Given;
use crate::error::{CliError, no_effect};
use landscape_models::{DataSpec, OptimizerKind};
use landscape_storage::Format;
use landscape_study::connect::Matching;
use landscape_study::device::DeviceName;
use landscape_study::directions::DirectionKind;
use landscape_study::hessian::{Floats, Measure, Per};
use landscape_study::text::Rated;
use std::path::PathBuf;

/// What a plane is made of.
const PLANE: &str =
    "grid range direction to dir_type norm bias orthogonal distribution save_directions";
/// How a curve is trained.
const CURVE: &str = "inner_points epochs batch_size optimizer lr momentum weight_decay schedule";
/// Everything of the trainings that `compare` makes.
const TRAINING: &str = "epochs batch_size optimizer lr momentum weight_decay schedule every per_decade no_shuffle seed augment \
                        init weights data_dir split samples loss shard";
/// What plots that are pages do not look at.
const LOOK: &str = "kind path clip smooth measured basins levels shared_scale panels value size width colormap dpi";

/// Where data come from is not a folder.
const NO_FOLDER: &str =
    "it belongs to --data mnist, cifar10 and cifar100, which have files in a folder";
/// What is trained in file order from given parameters.
const NOT_DRAWN: &str = "with --weights and --no-shuffle nothing is drawn at random";
const UNMERGED: &str =
    "a figure shows the whole: draw it once `landscape merge` has put the shards together";
const UNFINISHED: &str = "a shard does not complete a run, so nothing would be replaced; remove its file to compute it again";
const COPIED: &str = "every shard would write the same file; `landscape export NAME --directions` does once they are merged";
const STORED: &str = "the runs that are named are stored already, so nothing is trained";
const MADE: &str = "it belongs to trainings that are made, as in `landscape compare --seeds 0..3`";
const NAMED: &str = "it belongs to stored runs that are named, as in `landscape compare a b`";
const PAGE: &str = "it belongs to figures (.svg, .pdf, .png, ...); a page shows everything and is adjusted in the browser";

/// Options, separated by spaces, and whether they do anything beside the others that are given.
struct Rule {
    options: &'static str,
    acts: bool,
    /// Why they do nothing, after the option's name.
    why: String,
    /// What to add, where something can be added.
    add: Option<&'static str>,
}

/// Options that do something beside `company` only.
fn needs(options: &'static str, acts: bool, company: &'static str) -> Rule {
    Rule {
        options,
        acts,
        why: format!("it belongs to {company}"),
        add: Some(company),
    }
}

/// Options that do nothing, for a reason.
fn idle(options: &'static str, idle: bool, why: &str) -> Rule {
    Rule {
        options,
        acts: !idle,
        why: why.to_owned(),
        add: None,
    }
}

/// Finds the first option of a command that was given and does nothing.
///
/// # Errors
/// [`CliError::Conflict`] with the option and what it belongs to.
pub fn check(given: &Given) -> Result<(), CliError> {
    for rule in rules(given).iter().filter(|rule| !rule.acts) {
        if let Some(id) = words(rule.options).find(|id| given.has(id)) {
            return Err(no_effect(id, &rule.why, rule.add));
        }
    }
    Ok(())
}

fn words(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split_whitespace()
}

/// All rules of a command.
fn rules(given: &Given) -> Vec<Rule> {
    let mut rules = match given.command.as_str() {
        "train" => vec![momentum(given), seed_drawn(given)],
        "line" => landscape(given, 1),
        "surface" => landscape(given, 2),
        "volume" => landscape(given, 3),
        "trajectory" => vec![margin(given), idle("force", given.has("shard"), UNFINISHED)],
        "connect" => connect(given),
        "hessian" => hessian(given),
        "compare" => compare(given),
        "diagnose" => vec![idle(
            "threads",
            given.has("no_curvature"),
            "with --no-curvature nothing is computed",
        )],
        "plot" => plot(given),
        "report" => vec![needs("device threads", given.has("compute"), "--compute")],
        "export" => export(given),
        _ => Vec::new(),
    };
    let devices: Vec<DeviceName> = given.values("device");
    let on_cpu = devices.is_empty() || devices.contains(&DeviceName::Cpu);
    rules.push(needs("threads", on_cpu, "--device cpu"));
    // Data of a run are looked at when they are known.
    let data: Vec<DataSpec> = given.values("data");
    let elsewhere = data.iter().any(|data| !data.reads_folder());
    rules.push(idle("data_dir", elsewhere, NO_FOLDER));
    rules
}

fn landscape(given: &Given, dims: usize) -> Vec<Rule> {
    let mut rules = plane(given, dims);
    let why = "a line has one direction, which is orthogonal to nothing";
    let sharded = given.has("shard");
    rules.extend([
        needs("step", given.has("run"), "--run NAME"),
        renamed(given),
        idle("orthogonal", dims == 1, why),
        idle("output log", sharded, UNMERGED),
        idle("save_directions", sharded, COPIED),
        idle("force", sharded, UNFINISHED),
    ]);
    rules
}

/// Names of tensors, where a file of parameters is read.
fn renamed(given: &Given) -> Rule {
    let reads = given.has("weights") || given.has("to");
    needs("rename", reads, "--weights FILE or --to FILE")
}

/// Which directions are drawn, and which are scaled.
fn plane(given: &Given, dims: usize) -> Vec<Rule> {
    let left = dims.saturating_sub(given.values::<PathBuf>("to").len());
    let direction = given.values("direction").pop();
    let drawn = match direction {
        Some(DirectionKind::Random) => left,
        // There is one gradient; the other directions are random.
        Some(DirectionKind::Gradient) => left.saturating_sub(1),
        _ => 0,
    };
    let solved = left > 0 && matches!(direction, Some(DirectionKind::Hessian(_)));
    // Parameters are drawn too, or the vectors of a map.
    let initial = !given.has("weights") && !given.has("run");
    let seeded = drawn > 0 || solved || initial || given.has("map");
    let scaled = drawn > 0 || given.has("norm");
    let why = "every axis leads to the parameters of a --to";
    vec![
        idle("direction", left == 0, why),
        needs("distribution", drawn > 0, "--direction random"),
        needs("seed", seeded, "--direction random"),
        needs("bias", scaled, "--norm NAME"),
    ]
}

fn margin(given: &Given) -> Rule {
    // What is wrong with the margin itself is told first.
    let wrong = { given.values("margin").into_iter() }.any(|margin: f64| margin < 0.0);
    needs("margin", given.has("grid") || wrong, "--grid N")
}

fn connect(given: &Given) -> Vec<Rule> {
    let by: Vec<Matching> = given.values("align");
    let seeded = given.has("curve") || by.contains(&Matching::Weights);
    vec![
        needs(CURVE, given.has("curve"), "--curve bezier"),
        renamed(given),
        momentum(given),
        needs("seed", seeded, "--curve or --align weights"),
    ]
}

fn hessian(given: &Given) -> Vec<Rule> {
    let has = |id| given.has(id);
    let measures: Vec<Option<Measure>> = given.values("sharpness");
    // None stands for all of them.
    let any = |of: fn(Measure) -> bool| measures.iter().any(|measure| measure.is_none_or(of));
    let pairs = has("top") || has("bottom") || has("subspace");
    let named = pairs || words("trace density per_layer per map sharpness").any(has);
    // Eigenvalues, and at one point the trace, where nothing is asked for.
    let whole = pairs || !named;
    let matrices = given.values::<Per>("per").contains(&Per::Matrix);
    let trace = has("trace") || matrices || (!named && !has("all_steps"));
    let searched = whole || has("per_layer") || has("per") || has("map");
    let products = searched || trace;
    let random = products || has("density") || any(Measure::is_random);
    let single = has("f64") && given.values::<Floats>("precision") == [Floats::F32];
    let layers = "--top K, --trace, --per NAME or --map";
    let any_matrix = "--top K, --trace, --density, --per NAME or --map";
    let radii = "a measure of --sharpness that has a radius, as sam";
    let nothing = "nothing that is asked for is drawn at random";
    let mut rules = vec![
        needs("step", has("run"), "--run NAME"),
        needs("shard", has("map"), "--map"),
        idle("output", has("shard"), UNMERGED),
        idle("save_directions", has("shard"), COPIED),
        idle("force", has("shard"), UNFINISHED),
        needs("all_steps", has("run"), "--run NAME"),
        renamed(given),
        needs(PLANE, has("map"), "--map"),
        needs("probes lanczos_steps", has("density"), "--density"),
        needs("trace_method", trace, "--trace"),
        needs("method", whole || matrices, "--top K"),
        needs("tol", searched, "--top K, --per NAME or --map"),
        needs("max_products", products, layers),
        needs("matrix", products || has("density"), any_matrix),
        needs("rho", any(Measure::has_radius), radii),
        idle("seed", !random, nothing),
        idle("precision", single, "--f64 says in which numbers"),
    ];
    if has("map") {
        rules.extend(plane(given, 2));
    }
    rules
}

fn compare(given: &Given) -> Vec<Rule> {
    let stored = given.has("runs");
    let optimizers: Vec<Rated> = given.values("optimizers");
    let rated = !optimizers.is_empty() && optimizers.iter().all(|rated| rated.lr.is_some());
    // What is wrong with the sizes themselves is told first.
    let wrong = given.values::<usize>("batch_sizes").contains(&0);
    vec![
        idle(TRAINING, stored, STORED),
        idle("output log", given.has("shard"), UNMERGED),
        idle("force", given.has("shard"), UNFINISHED),
        idle("dry_run", stored, MADE),
        idle("tolerance", !stored, NAMED),
        varied("optimizer", given.has("optimizers"), "--optimizers"),
        idle("lr", rated, "each of --optimizers has a rate of its own"),
        varied("lr", given.has("lrs"), "--lrs"),
        varied("seed", given.has("seeds"), "--seeds"),
        varied(
            "batch_size",
            given.has("batch_sizes") && !wrong,
            "--batch-sizes",
        ),
        seed_drawn(given),
        momentum(given),
    ]
}

/// What another option gives each training for itself.
fn varied(option: &'static str, is_varied: bool, by: &str) -> Rule {
    idle(
        option,
        is_varied,
        &format!("{by} names that of each training"),
    )
}

fn plot(given: &Given) -> Vec<Rule> {
    let output = given.values::<PathBuf>("output").pop().unwrap_or_default();
    let ending = output.extension().unwrap_or_default().to_string_lossy();
    let is = |word: &str| ending.eq_ignore_ascii_case(word);
    let one = given.values::<String>("names").len() == 1;
    let why = "one run has one scale; it belongs to several runs";
    let alone = "one run is a figure by itself; it belongs to several runs";
    let shared = "panels share one scale as it is";
    vec![
        idle(LOOK, is("html") || is("htm"), PAGE),
        needs(
            "dpi",
            ["png", "gif", "webp", "apng"].into_iter().any(is),
            "-o FILE.png or FILE.gif",
        ),
        idle(
            "panels",
            ["gif", "webp", "apng"].into_iter().any(is),
            "an animation shows one run",
        ),
        idle("shared_scale", one, why),
        idle("panels", one, alone),
        idle("shared_scale", given.has("panels"), shared),
    ]
}

fn export(given: &Given) -> Vec<Rule> {
    let written = given.values::<PathBuf>("output").pop();
    let format =
        { given.values::<Format>("format").pop() }.or_else(|| Format::of_path(&written?).ok());
    let usual = !given.has("directions") && !given.has("curvature");
    let meshes = [Format::Vtk, Format::Obj, Format::Gltf];
    let mesh = format.is_some_and(|format| meshes.contains(&format)) && usual;
    vec![
        needs("height", mesh, "--format vtk, obj or gltf"),
        needs("path", given.has("trajectory"), "--trajectory"),
        needs("force", given.has("output"), "-o FILE"),
    ]
}

/// Momentum, where no optimiser has it.
fn momentum(given: &Given) -> Rule {
    let varied: Vec<Rated> = given.values("optimizers");
    let mut kinds: Vec<OptimizerKind> = varied.iter().map(|rated| rated.optimizer).collect();
    if kinds.is_empty() {
        kinds = given.values("optimizer");
    }
    let has = kinds.contains(&OptimizerKind::Momentum) || kinds.contains(&OptimizerKind::Nesterov);
    needs("momentum", has, "--optimizer momentum or nesterov")
}

fn seed_drawn(given: &Given) -> Rule {
    let drawn = !given.has("weights") || !given.has("no_shuffle");
    idle("seed", !drawn, NOT_DRAWN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::definition;

    /// What rules name is an option of their command.
    #[test]
    fn rules_name_options_that_exist() {
        let shared = ["threads", "data_dir"];
        for command in definition().get_subcommands() {
            let name = command.get_name();
            let given = Given::of(name, &Default::default());
            let rules = rules(&given);
            let mut named = rules.iter().flat_map(|rule| words(rule.options));
            let unknown = named.find(|id| {
                let known = command.get_arguments().any(|arg| arg.get_id() == id);
                !known && !shared.contains(id)
            });
            assert_eq!(unknown, None, "{name}");
        }
    }
}
