//! What can go wrong, with what, where and the remedy in each message.

mod below;
mod failure;
mod help;
mod submit;
mod words;

pub use submit::SubmitError;
pub use words::{NoCurvature, Smaller};

use crate::shard::ShardError;
use landscape_core as core;
use landscape_core::{counted, counted_are};
use landscape_files::Size;
use landscape_hessian as hessian;
use landscape_models::Init;
use landscape_storage::{Difference, RunKind};
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use words::{checkpoint_words, ends_are, flat_words, nothing_said, other_request, word};

/// Every failure of this crate.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// There are not two things to compare.
    #[error("a comparison of {what} needs at least two of them, but {given} given")]
    TooFew {
        /// What is compared, in the plural.
        what: &'static str,
        /// How many there are.
        given: usize,
    },
    /// Two variants are the same.
    #[error("`{label}` is given twice; every variant must differ from the others")]
    Repeated {
        /// The label of both.
        label: String,
    },
    /// The network has no width that could be varied.
    #[error(
        "network {model} cannot be made wider or narrower: perceptrons with hidden layers \
         (mlp:2-8-1) and wide residual networks (wrn56-2) can"
    )]
    NoWidth {
        /// The network.
        model: String,
    },
    /// There is no network of that width.
    #[error("network {model} cannot have the width {width}: {reason}")]
    Width {
        /// The network.
        model: String,
        /// The width.
        width: usize,
        /// Why not.
        reason: String,
    },
    /// Initial parameters of one network do not start others.
    #[error(
        "networks of several widths cannot start from the same parameters; start them at random"
    )]
    InitialWidths,
    /// Networks of different layouts share no plane.
    #[error(
        "`{first}` ({first_model}) and `{other}` ({other_model}) have different parameters and \
         share no plane; give each a plane of its own"
    )]
    Layouts {
        /// The first network.
        first: String,
        /// What it is.
        first_model: String,
        /// Another one.
        other: String,
        /// What that is.
        other_model: String,
    },
    /// There is no such file to merge.
    #[error("there is no database `{}` to merge", core::path_words(path))]
    NoShard {
        /// The file.
        path: PathBuf,
    },
    /// A database is to be merged into itself.
    #[error("`{}` is what the others are merged into", core::path_words(path))]
    MergedIntoItself {
        /// The file.
        path: PathBuf,
    },
    /// The databases hold no run.
    #[error("{} hold no run that could be merged", counted(*files, "database"))]
    NothingToMerge {
        /// How many there are.
        files: usize,
    },
    /// Runs of one name are of two requests.
    #[error(
        "run `{name}` in `{}` is of another request than in `{}`: {}",
        core::path_words(other), core::path_words(first), other_request(*kinds, differences)
    )]
    OtherRequest {
        /// The name.
        name: String,
        /// One of the files.
        first: PathBuf,
        /// The other one.
        other: PathBuf,
        /// The kinds of the runs.
        kinds: (RunKind, RunKind),
        /// What differs between their settings.
        differences: Vec<Difference>,
    },
    /// A shard of what is not divided.
    #[error("shards are points of a map, and what else is asked for belongs to the whole")]
    ShardedCurvature,
    /// There is no such shard.
    #[error(transparent)]
    Shard(#[from] ShardError),
    /// Shards are not handed to an engine, or not found.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// A path is measured at its ends at least.
    #[error("a path between networks is measured at 2 points or more, but {given} given")]
    FewPoints {
        /// How many there are.
        given: usize,
    },
    /// A curve without inner control points is a line, which is not trained.
    #[error(
        "a curve without control points between its ends is the straight line, which leaves nothing to train"
    )]
    NoInnerPoints,
    /// A curve that is trained for no epoch.
    #[error("0 epochs leave nothing to train")]
    NoEpochs,
    /// A part of a network has not what is asked for.
    #[error("{what} is one of whole networks, not of some of their parameters")]
    OfTheWhole {
        /// An alignment, or a curve.
        what: &'static str,
    },
    /// Nothing that is asked for has a figure.
    #[error(
        "{}: nothing that is asked for makes a figure; eigenvalues and traces are numbers",
        landscape_core::path_words(path)
    )]
    NoFigure {
        /// The file that was to be drawn.
        path: PathBuf,
    },
    /// Two networks that are one.
    #[error("both networks have the same parameters")]
    EqualNetworks,
    /// A network has parameters that are not finite.
    #[error("`{tensor}` of network {network} of the two is not finite")]
    NotFinite {
        /// 1 where the path begins, 2 where it ends.
        network: usize,
        /// The first such tensor.
        tensor: String,
    },
    /// Nothing that is known of a run says how a network trains.
    #[error("{}", nothing_said(run, *is_curvature))]
    NothingToDiagnose {
        /// Its name.
        run: String,
        /// Whether it is curvature.
        is_curvature: bool,
    },
    /// The network is not named, and no training says it.
    #[error("no network is named")]
    NoModel,
    /// A program from a file has no settings that a family has.
    #[error(
        "`{}` is a program from a file; this is for networks of the built-in families",
        core::path_words(path)
    )]
    NoFamily {
        /// The file.
        path: PathBuf,
    },
    /// Widths are of basins on lines.
    #[error("`{run}` is not a line, and widths of basins are measured along lines")]
    NotALine {
        /// The run.
        run: String,
    },
    /// An average is of several networks.
    #[error("{given} networks are given, and an average is of two or more")]
    NothingToAverage {
        /// How many.
        given: usize,
    },
    /// More networks than paths have ends.
    #[error(
        "{given} networks are given, and {}",
        if *soup { "an alignment is of two" } else { "a path leads from one to another" }
    )]
    MoreNetworks {
        /// How many.
        given: usize,
        /// Whether their average is asked for.
        soup: bool,
    },
    /// A file is named, and nothing makes a network for it.
    #[error("there is no new network to be saved: none is permuted, and none averaged")]
    NothingToSave,
    /// Adapters are asked for, and there are none.
    #[error(
        "there are no low-rank adapters (lora_A, lora_B){}",
        path.as_deref().map_or(String::new(), |path| format!(" in `{}`", core::path_words(path)))
    )]
    NoAdapters {
        /// The file in which they were looked for.
        path: Option<PathBuf>,
    },
    /// Adapters are on parameters that were trained.
    #[error(
        "the adapters in `{}` change weights that are not given: those here are initial ones",
        core::path_words(path)
    )]
    AdaptersAlone {
        /// Their file.
        path: PathBuf,
    },
    /// A file has other adapters than the network whose parameters their factors are.
    #[error(
        "`{}` has {found}, and the network here {expected}",
        core::path_words(path)
    )]
    OtherAdapters {
        /// The file.
        path: PathBuf,
        /// What the network has.
        expected: String,
        /// What the file has.
        found: String,
    },
    /// A weight decay is not told of factors and the weights that they change.
    #[error(
        "weight decay is of a network's weights, which follow from several parameters where adapters are parameters of their own"
    )]
    AdaptedTerms,
    /// Adapters are not trained here.
    #[error("{model} is not trained here with adapters that are parameters of their own")]
    AdaptersTrained {
        /// The network without them.
        model: String,
    },
    /// Programs are trained on the CPU.
    #[error("a program from a file is trained on the CPU's own kernels, and not on {device}")]
    ProgramDevice {
        /// The device that was asked for.
        device: String,
    },
    /// Initial values are drawn for families.
    #[error(
        "initial values `{init}` are drawn for the built-in families; `{}` starts from the parameters in its file",
        core::path_words(path)
    )]
    ProgramInit {
        /// The values.
        init: Init,
        /// The file.
        path: PathBuf,
    },
    /// The file of a run's program holds another one by now.
    #[error(
        "run `{run}` was made with a different program from the one that `{}` holds now",
        core::path_words(path)
    )]
    OtherProgram {
        /// The run.
        run: String,
        /// The file.
        path: PathBuf,
    },
    /// Sizes of a program that the data decide, where there are no data.
    #[error(
        "how `{}` runs depends on its size `{size}`, which the data determine",
        core::path_words(path)
    )]
    FreeSizes {
        /// The file.
        path: PathBuf,
        /// Its name in the file.
        size: String,
    },
    /// An input of a program that the data do not have.
    #[error("`{}` takes an input `{input}`, but the data have {}", core::path_words(path), given.join(", "))]
    NoInput {
        /// The file.
        path: PathBuf,
        /// Its name.
        input: String,
        /// The names of those that the data have.
        given: Vec<String>,
    },
    /// A program could not be read from its file, or has no loss on the data.
    #[error(transparent)]
    Import(landscape_import::ImportError),
    /// The data are not named, and no training says them.
    #[error("no data are named")]
    NoData,
    /// The data of a training do not lie in a folder.
    #[error("the data of the run, {data}, are not files in a folder")]
    NoFolder {
        /// The data.
        data: String,
    },
    /// A column of targets is named, and the data are not a table.
    #[error("the data {data} are not a table, so they have no column of targets")]
    NoTable {
        /// The data.
        data: String,
    },
    /// The name of a column cannot be written in the name of data.
    #[error("the column `{column}` cannot be named, because of the characters in its name")]
    ColumnName {
        /// The column.
        column: String,
    },
    /// Parameters are asked for of a run that has none.
    #[error("run `{run}` is a {kind}, not a training run")]
    NotATraining {
        /// Its name.
        run: String,
        /// What it is.
        kind: RunKind,
    },
    /// A stored run has a loss that this version does not know.
    #[error("run `{run}`: {source}")]
    UnknownLoss {
        /// Its name.
        run: String,
        /// The word.
        source: core::UnknownName,
    },
    /// A training has no checkpoint, or none of that step.
    #[error("run `{run}` has no {}", checkpoint_words(*step))]
    NoCheckpoint {
        /// Its name.
        run: String,
        /// The step that was asked for.
        step: Option<u64>,
        /// The steps that it has.
        steps: Vec<u64>,
    },
    /// Parameters of another network.
    #[error("checkpoint `{file}` does not fit: {source}")]
    Checkpoint {
        /// Where they are from.
        file: String,
        /// What does not fit.
        source: core::ParamsError,
    },
    /// Neither runs nor files of checkpoints are named.
    #[error("neither training runs nor files of checkpoints are named")]
    NoCheckpoints,
    /// No pattern of files.
    #[error("`{pattern}` is not a pattern: {source}")]
    BadPattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        source: glob::PatternError,
    },
    /// A pattern matches nothing.
    #[error("no file matches `{pattern}`")]
    NoMatch {
        /// The pattern.
        pattern: String,
    },
    /// A file that a pattern cannot find.
    #[error("{} matches `{pattern}`, but patterns find only names that are UTF-8", word(path.as_os_str()))]
    PassedOver {
        /// The pattern.
        pattern: String,
        /// The file.
        path: PathBuf,
    },
    /// A run is named twice.
    #[error("run `{run}` is named twice")]
    NamedTwice {
        /// Its name.
        run: String,
    },
    /// No checkpoint of a path is in the window.
    #[error("`{path}` has no checkpoint in the window of {what}")]
    OutsideWindow {
        /// The run, or the pattern of the files.
        path: String,
        /// What the window is of: `steps` or `epochs`.
        what: &'static str,
        /// Checkpoints that there are.
        checkpoints: usize,
        /// The first of them.
        from: f64,
        /// The last.
        to: f64,
    },
    /// The margin around a path is not a share.
    #[error("the margin {margin} is not a fraction of the path's extent")]
    Margin {
        /// The margin.
        margin: f64,
    },
    /// Counts of a grid for another number of components.
    #[error("{} are given for {}", counted(*counts, "count"), counted(*components, "component"))]
    ComponentCounts {
        /// Counts.
        counts: usize,
        /// Components.
        components: usize,
    },
    /// Paths that were to begin at one point.
    #[error("run `{run}` does not start where run `{first}` does")]
    StartsDiffer {
        /// One of them.
        run: String,
        /// The first one.
        first: String,
    },
    /// Files that span no plane.
    #[error("{}", flat_words(*files, *wanted, *rank))]
    FlatPath {
        /// Files of checkpoints.
        files: usize,
        /// Dimensions that are asked for.
        wanted: usize,
        /// Dimensions that they span.
        rank: usize,
        /// The first and the last of them.
        ends: (PathBuf, PathBuf),
    },
    /// Paths of training that are read.
    #[error(transparent)]
    Stream(core::StreamError),
    /// Something needs more memory than there is.
    #[error("{what} needs about {} of memory, and {} are free", Size(*needed), Size(*free))]
    Memory {
        /// What it is.
        what: String,
        /// Bytes that it needs.
        needed: u64,
        /// Bytes that are free.
        free: u64,
        /// What would need less.
        smaller: Smaller,
    },
    /// More networks to move towards than there are directions.
    #[error("{networks} networks to move towards, but {}", counted(*directions, "direction"))]
    TooManyNetworks {
        /// Networks.
        networks: usize,
        /// Directions.
        directions: usize,
    },
    /// The other network is the one at the origin.
    #[error("`{}` has the same parameters as the network that the line starts from", path.display())]
    SameNetwork {
        /// Its file.
        path: PathBuf,
    },
    /// What leads to the other network are parameters that are fixed.
    #[error(
        "the parameters of `{}` that may move are those of the network that the line starts from; only others differ",
        path.display()
    )]
    OnlyFixed {
        /// Its file.
        path: PathBuf,
    },
    /// Nothing but statistics leads to the other network, and they are to stay.
    #[error(
        "the weights of `{}` are those of the network that the line starts from; only running statistics differ, and \
         they are held fixed",
        path.display()
    )]
    OnlyStatistics {
        /// Its file.
        path: PathBuf,
    },
    /// Nothing but statistics leads to the other network, and they are measured anew.
    #[error(
        "the weights are equal and only running statistics differ, which are estimated anew (`{mode}`): both ends are \
         the same network"
    )]
    StatisticsMeasured {
        /// How BatchNorm normalises.
        mode: &'static str,
    },
    /// Ends of the spectrum do not count as many as directions.
    #[error("{} named for {}", ends_are(*ends), counted(*directions, "direction"))]
    Ends {
        /// Ends that are named.
        ends: usize,
        /// Directions.
        directions: usize,
    },
    /// Fewer eigenvectors than directions.
    #[error("fewer eigenvectors of the Hessian were found than there are directions")]
    FewEigenvectors,
    /// No eigenvalue is asked for at an end of the spectrum.
    #[error("{end} 0 asks for no eigenvalue")]
    NoEigenvalues {
        /// `top` or `bottom`.
        end: &'static str,
    },
    /// A leading eigenspace is followed along a training.
    #[error("shares in a leading eigenspace are those of a training, not of one checkpoint")]
    SubspaceOfOne,
    /// Power iteration does not find the smallest eigenvalues.
    #[error("power iteration finds the largest magnitudes, not the lower end of a spectrum")]
    PowerBottom,
    /// A radius that is none.
    #[error("the radius {rho:?} is not a positive, finite number")]
    Radius {
        /// The radius.
        rho: f64,
    },
    /// Curvature of parameters that are not named.
    #[error("curvature is measured at given parameters, but none are named")]
    NoParameters,
    /// Curvature on several devices.
    #[error("products are computed on one device, but {devices} devices are named")]
    OneDevice {
        /// How many there are.
        devices: usize,
    },
    /// Principal components need a path.
    #[error(
        "principal components are those of the path of a training, but no training run is named"
    )]
    NoPath,
    /// Directions that need more than the values of a function.
    #[error(
        "`{name}` is known by its values alone, and has no directions of the kind `{direction}`"
    )]
    NoDerivatives {
        /// What the function is called.
        name: String,
        /// What was asked for.
        direction: String,
    },
    /// A word that is not a kind of direction and no file.
    #[error("`{}` is neither a kind of direction nor a file", word.display())]
    NoDirection {
        /// The word.
        word: PathBuf,
    },
    /// A file of directions does not fit.
    #[error("directions `{}`: {reason}", path.display())]
    Directions {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file holds fewer directions than are needed.
    #[error("directions `{}`: it has {}, but {needed} are needed", path.display(), counted(*given, "direction"))]
    FewDirections {
        /// The file.
        path: PathBuf,
        /// Directions that it holds.
        given: usize,
        /// Directions that are needed.
        needed: usize,
    },
    /// Counts or ranges for another number of axes.
    #[error("{given} {what} are given for {axes} axes")]
    Axes {
        /// What they are, in the plural: `counts` or `ranges`.
        what: &'static str,
        /// How many there are.
        given: usize,
        /// How many axes.
        axes: usize,
    },
    /// A coordinate beyond the numbers that parameters are.
    #[error(
        "the coordinate {at:e} is outside the range of 32-bit floats, in which parameters are computed"
    )]
    TooFar {
        /// The coordinate.
        at: f64,
    },
    /// Points that are one point in the numbers that parameters are.
    #[error(
        "points are {step:.1e} apart, too close for the 32-bit floats in which parameters are computed"
    )]
    TooClose {
        /// Their distance.
        step: f64,
    },
    /// A grid that cannot be drawn.
    #[error(
        "figures and pages need 2 points or more on each axis, but the grid has 1 on axis {axis}"
    )]
    NotDrawable {
        /// The axis, from 1.
        axis: usize,
    },
    /// The weight of a term is not a number.
    #[error("the weight {weight} of the term {term} is not finite")]
    TermWeight {
        /// The term.
        term: &'static str,
        /// Its weight.
        weight: f64,
    },
    /// A device that this program was built without.
    #[error("this program was built without the device `{device}`")]
    NoDevice {
        /// The device.
        device: String,
        /// The feature that has it.
        feature: &'static str,
    },
    /// The environment asks for instructions that this processor lacks.
    #[error(
        "LANDSCAPE_SIMD is {}, which names no instruction set of this processor",
        word(asked)
    )]
    NoSimd {
        /// What it asks for.
        asked: OsString,
    },
    /// A training was stopped, and left no state to go on from: those of earlier versions.
    #[error(
        "the training `{run}` was stopped at step {step}: {} kept, but no state from which training could continue",
        counted_are(*checkpoints, "checkpoint")
    )]
    Stopped {
        /// Its name.
        run: String,
        /// Steps done.
        step: u64,
        /// Checkpoints that are stored.
        checkpoints: usize,
    },
    /// A file would be overwritten.
    #[error("`{}` exists", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Two files of one name are asked for.
    #[error("`{}` would be written twice", path.display())]
    WrittenTwice {
        /// The file.
        path: PathBuf,
    },
    /// Runs of kinds that have nothing to compare.
    #[error(
        "`{}` is a {} and `{}` is a {}: nothing in them can be compared",
        first.0, first.1, other.0, other.1
    )]
    KindsDiffer {
        /// The first run, by name and kind.
        first: (String, RunKind),
        /// One of another kind.
        other: (String, RunKind),
    },
    /// Trainings whose losses are of different things.
    #[error("`{first}` and `{other}` were trained {what}: their losses cannot be compared")]
    LossesDiffer {
        /// The first training.
        first: String,
        /// Another one.
        other: String,
        /// What differs.
        what: &'static str,
    },
    /// A landscape has no finite value.
    #[error("run `{run}`: {source}")]
    Metrics {
        /// Its run.
        run: String,
        /// Why it has no figures.
        source: core::MetricsError,
    },
    /// A landscape lacks a value.
    #[error("run `{run}` has no value `{name}`")]
    NoValue {
        /// Its run.
        run: String,
        /// The value that was asked for.
        name: String,
        /// The terms that it has.
        terms: Vec<String>,
    },
    /// A run without a landscape among landscapes.
    #[error("`{run}` is a {kind} without a landscape")]
    NoLandscape {
        /// Its name.
        run: String,
        /// What it is.
        kind: RunKind,
    },
    /// Landscapes on other points cannot agree within a tolerance.
    #[error("a tolerance applies point by point, but these landscapes have different grids")]
    SeveralGrids,
    /// A tolerance that is not a share.
    #[error("the tolerance {tolerance:?} is not a fraction of a range")]
    Tolerance {
        /// What was given.
        tolerance: f64,
    },
    /// Neither a picture nor a page.
    #[error("`{}` is not an .svg, .pdf, .png, .tex or .html file", path.display())]
    NoPicture {
        /// The file.
        path: PathBuf,
    },
    /// The name of a file that no page is written to.
    #[error("`{}` is not an .html file", core::path_words(path))]
    NoPage {
        /// The file.
        path: PathBuf,
    },
    /// An animation of what is not stored yet.
    #[error("`{}` is an animation, which is drawn of a stored path", path.display())]
    NotStored {
        /// The file.
        path: PathBuf,
    },
    /// Terms of several runs do not stand at one place.
    #[error(
        "runs `{first}` and `{other}` have different extra terms, so that one figure cannot show a term of both"
    )]
    TermsDiffer {
        /// A run.
        first: String,
        /// A run with other terms.
        other: String,
    },
    /// Landscapes whose points are not the same.
    #[error(
        "runs `{first}` and `{other}` have different points, so that they cannot be subtracted"
    )]
    GridsDiffer {
        /// A run.
        first: String,
        /// A run on other points.
        other: String,
    },
    /// One figure is wanted, and each run has one of its own.
    #[error("these runs have {count} figures, not one")]
    SeveralFigures {
        /// How many.
        count: usize,
    },
    /// A kind of figure in which nothing moves.
    #[error("an animation shows a path that grows, and a figure of kind {kind} has none")]
    NoMotion {
        /// The kind, by its name.
        kind: &'static str,
    },
    /// A run has no such path.
    #[error("run `{run}` has no path `{path}`")]
    UnknownPath {
        /// Its name.
        run: String,
        /// The name of the path.
        path: String,
        /// Those that it has.
        known: Vec<String>,
    },
    /// A figure or a file holds one path, and a run has several.
    #[error("run `{run}` has {} paths, and only one can be taken", paths.len())]
    SeveralPaths {
        /// Its name.
        run: String,
        /// The paths.
        paths: Vec<String>,
    },
    /// A run has no path.
    #[error("run `{run}` has no trajectory")]
    NoTrajectory {
        /// Its name.
        run: String,
    },
    /// A format that is not text needs a file.
    #[error("{format} is not text, and no file is given")]
    NotText {
        /// The run that is exported.
        run: String,
        /// The format.
        format: landscape_storage::Format,
    },
    /// The plane of a path is not sampled.
    #[error("run `{run}` has a path, but no landscape around it")]
    NoPlaneSampled {
        /// Its name.
        run: String,
        /// Its paths.
        paths: Vec<String>,
        /// Whether they are curves between networks.
        is_curve: bool,
    },
    /// A run has no such curvature.
    #[error("run `{run}` has no {what}")]
    NoCurvature {
        /// Its name.
        run: String,
        /// What it lacks.
        what: NoCurvature,
        /// The training that its parameters are from, where they are from one.
        trained: Option<String>,
    },
    /// More trainings than a figure can show.
    #[error("a figure cannot tell {trainings} trainings apart")]
    TooManyCurves {
        /// How many there are.
        trainings: usize,
        /// How many there can be.
        most: usize,
    },
    /// A landscape that is not drawn beside others.
    #[error("`{run}` has {}: only planes are drawn side by side", counted(*dims, "dimension"))]
    NotAPlane {
        /// The run.
        run: String,
        /// Its axes.
        dims: usize,
    },
    /// Figures.
    #[error(transparent)]
    Plot(#[from] landscape_plot::PlotError),
    /// Pages.
    #[error(transparent)]
    Page(#[from] landscape_plot::page::PageError),
    /// A folder without anything to show.
    #[error("`{}` holds neither landscapes nor databases", core::path_words(path))]
    NothingToView {
        /// The folder.
        path: PathBuf,
    },
    /// The port of a server cannot be had.
    #[error("cannot listen on port {port} of this machine: {source}")]
    Port {
        /// The port.
        port: u16,
        /// What the system says.
        source: io::Error,
    },
    /// The operating system.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A thread of this program panicked; it said where.
    #[error("{what} could not be made: its thread panicked, for the reason above")]
    Panicked {
        /// What it made.
        what: &'static str,
    },
    /// The reporter asked to stop; what was done is stored.
    #[error("{saved}")]
    Interrupted {
        /// What is stored.
        saved: String,
        /// What the same request does then.
        again: &'static str,
    },
    /// The database, and files of landscapes.
    #[error(transparent)]
    Store(#[from] landscape_storage::Error),
    /// There is nothing to align.
    #[error("network {model} has no units that could be permuted")]
    NoUnits {
        /// The network.
        model: String,
    },
    /// Alignment.
    #[error(transparent)]
    Alignment(#[from] core::alignment::AlignmentError),
    /// Curves.
    #[error(transparent)]
    Curve(#[from] core::CurveError),
    /// Parameters of different layouts.
    #[error(transparent)]
    Params(#[from] core::ParamsError),
    /// Of parameters that are selected.
    #[error(transparent)]
    Selection(#[from] core::SelectionError),
    /// The threads could not be started.
    #[error("the threads could not be started")]
    Threads(#[source] rayon::ThreadPoolBuildError),
    /// Networks, data and training.
    #[error(transparent)]
    Models(#[from] landscape_models::ModelsError),
    /// Losses and their derivatives.
    #[error(transparent)]
    Trace(#[from] landscape_trace::TraceError),
    /// Paths and their planes.
    #[error(transparent)]
    Trajectory(#[from] core::TrajectoryError),
    /// Directions.
    #[error(transparent)]
    Direction(#[from] core::DirectionError),
    /// Planes.
    #[error(transparent)]
    Plane(#[from] core::PlaneError),
    /// Grids.
    #[error("the grid: {0}")]
    Grid(#[from] core::GridError),
    /// Sampling.
    #[error(transparent)]
    Sampler(#[from] core::SamplerError),
    /// Evaluation of single points.
    #[error(transparent)]
    Objective(#[from] core::ObjectiveError),
    /// Eigenvalues.
    #[error(transparent)]
    Lanczos(#[from] hessian::LanczosError),
    /// Eigenvalues by power iteration.
    #[error(transparent)]
    Power(#[from] hessian::PowerError),
    /// Traces.
    #[error(transparent)]
    Traces(#[from] hessian::TraceError),
    /// Spectral densities.
    #[error(transparent)]
    Density(#[from] hessian::DensityError),
    /// Sharpness.
    #[error(transparent)]
    Sharpness(#[from] hessian::sharpness::SharpnessError),
}

impl StudyError {
    /// The message with the reasons below it, as far as it does not hold them already.
    pub fn in_full(&self) -> String {
        core::in_full(self)
    }
}

impl From<landscape_import::ImportError> for StudyError {
    fn from(error: landscape_import::ImportError) -> Self {
        match error {
            landscape_import::ImportError::Trace(error) => StudyError::Trace(error),
            error => StudyError::Import(error),
        }
    }
}

impl From<core::StreamError> for StudyError {
    fn from(error: core::StreamError) -> Self {
        match error {
            core::StreamError::Path(error) => error.into(),
            error => StudyError::Stream(error),
        }
    }
}
