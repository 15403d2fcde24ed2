use super::{Smaller, StudyError, below};
use landscape_core as core;
use landscape_files::{TooLarge, io_help};

impl StudyError {
    /// What to do about it, where the message does not say it already. A program with names of its own for what is asked
    /// for, as the options of a command line, says it in those.
    pub fn help(&self) -> Option<String> {
        use StudyError as E;
        if let Some(reason) = TooLarge::below(self) {
            return Some(reason.help());
        }
        let words = match self {
            E::TooFew { .. } => "give two or more",
            E::NoShard { .. } => {
                "compute that shard, or leave the file out: what is missing is reported"
            }
            E::MergedIntoItself { .. } => {
                "leave it out of what is merged, or merge into another file"
            }
            E::NothingToMerge { .. } => "give databases with runs",
            E::OtherRequest { .. } => {
                "merge shards of one request; if it is another run, rename it first"
            }
            E::ShardedCurvature => "ask for the map alone, and for the rest without a shard",
            E::Shard(error) => return error.help(),
            E::Submit(error) => return error.help(),
            E::NoWidth { .. } => "give another network, or vary something else",
            E::InitialWidths => "start them at random",
            E::NothingToDiagnose { .. } => "give the training run, its trajectory or a landscape",
            E::NoModel => "name the network, for example mlp:2-8-4-1, or a training run",
            E::NoFamily { .. } => "name a network of a family, for example resnet20",
            E::NotALine { .. } => "name a line (landscape runs lists all), or leave the rises out",
            E::NothingToAverage { .. } => "name further networks",
            E::MoreNetworks { soup: true, .. } => "leave the alignment out, or give two networks",
            E::MoreNetworks { soup: false, .. } => {
                "give two networks, or ask for the average of all"
            }
            E::NothingToSave => "ask for an alignment or an average, or leave the file out",
            E::NoAdapters { .. } => {
                "give a folder of PEFT, or a file with lora_A and lora_B and adapter_config.json beside it, as the adapter on the weights"
            }
            E::AdaptersAlone { .. } => "give the weights that were adapted",
            E::OtherAdapters { .. } => {
                "give adapters of the same weights, ranks and scales, or take them merged into the weights"
            }
            E::AdaptedTerms => "leave them out, or take the adapters merged",
            E::AdaptersTrained { .. } => "train in PEFT, or take the adapters merged",
            E::ProgramDevice { .. } => "leave the device out",
            E::ProgramInit { .. } => "leave the initial values out, or give a file of parameters",
            E::OtherProgram { .. } => "restore that file, or name the right one",
            E::FreeSizes { .. } => "name the data",
            E::NoInput { input, .. } => {
                return Some(format!(
                    "name the array that holds it, as in FILE.npz:{input}=ARRAY,y=labels"
                ));
            }
            E::NoData => "name the data, for example moons or mnist-1k",
            E::NoFolder { .. } => "leave the folder out",
            E::NoTable { .. } => "name a table (.csv, .tsv, .parquet), or leave the column out",
            E::ColumnName { .. } => "rename the column, without commas and equals signs",
            E::NotATraining { .. } => "name a run of kind train",
            E::UnknownLoss { .. } => "say which loss is wanted",
            E::NoCheckpoint { steps, .. } => return Some(there_are(steps)),
            E::Checkpoint { .. } => "give checkpoints of one network",
            E::NoCheckpoints => "name a training run, or files",
            E::BadPattern { .. } | E::NoMatch { .. } => {
                "give a pattern such as 'run/epoch_*.safetensors'"
            }
            E::PassedOver { .. } => "rename the file, or move it elsewhere",
            E::NamedTwice { .. } => "name each run once",
            E::OutsideWindow {
                checkpoints,
                what,
                from,
                to,
                ..
            } => {
                let have = core::counted_are(*checkpoints, "checkpoint");
                return Some(format!("its {have} of {what} {from} to {to}"));
            }
            E::Margin { .. } => "give 0 or more, for example 0.25",
            E::ComponentCounts { components, .. } => {
                return Some(format!("give one for all axes, or {components}"));
            }
            E::StartsDiffer { .. } => {
                "train them with one seed, or take the last checkpoint or the mean as the centre"
            }
            E::FlatPath { files, rank, .. } => match (files, rank) {
                (..=1, _) => "give several files",
                (_, 0) => "give files of different steps",
                _ => return Some(format!("ask for {rank} components, or give more files")),
            },
            E::Stream(core::StreamError::Read { source, .. }) => {
                return source
                    .downcast_ref::<StudyError>()
                    .and_then(StudyError::help);
            }
            E::Memory { smaller, .. } => smaller.help(),
            E::TooManyNetworks { .. } => "give at most one network per direction",
            E::SameNetwork { .. } => "give another network",
            E::OnlyFixed { .. } => "let more parameters move, or give another network",
            E::Selection(error) => below::selection(error),
            E::OnlyStatistics { .. } => "move along the statistics too",
            E::StatisticsMeasured { .. } => {
                "keep the statistics as they are to move along those that the files hold"
            }
            E::Ends { .. } => "name one for each direction, `top` or `bottom`, or none",
            E::FewEigenvectors => "use random directions, or a network with more parameters",
            E::NoEigenvalues { .. } => "ask for 1 or more, or leave it out",
            E::SubspaceOfOne => "ask for all checkpoints of a training run",
            E::PowerBottom => "use Lanczos",
            E::Radius { .. } => "give for example 0.05, or leave it out",
            E::NoParameters => "name a file of parameters, or a training run",
            E::OneDevice { .. } => "name one device",
            E::NoPath => "name the training run",
            E::NoDerivatives { .. } => "use random directions, or give the directions",
            E::NoDirection { .. } => {
                "give random, pca, hessian, gradient, or a file (.safetensors, .h5)"
            }
            E::Directions { .. } => "give a file with tensors d1.fc1.weight, d2.fc1.weight, ...",
            E::FewDirections { .. } => "give a file of more directions",
            E::Axes { axes, .. } => return Some(format!("give one for all axes, or {axes}")),
            E::TooFar { .. } => "give a range within -3.4e38:3.4e38, for example -1:1",
            E::TooClose { .. } => "give a larger range, for example -1:1",
            E::NotDrawable { .. } => "give a larger grid, or draw nothing",
            E::TermWeight { .. } => "give a number, for example 0.0001",
            E::NoDevice { feature, .. } => {
                return Some(format!(
                    "build it with the feature `{feature}`, or use another device"
                ));
            }
            E::NoSimd { .. } => return Some(levels()),
            E::Stopped { .. } => {
                "train from the start (what is stored is replaced once the new training is complete), or under \
                 another name"
            }
            E::KindsDiffer { .. } => "name only trainings, or only landscapes",
            E::LossesDiffer { .. } => "compare surfaces of both on the same data",
            E::NoValue { terms, .. } => {
                let more: String = terms.iter().map(|term| format!(", {term}")).collect();
                return Some(format!("give one of: loss, accuracy, loss-se, total{more}"));
            }
            E::Exists { .. } => "give another file, or replace it",
            E::WrittenTwice { .. } => "give each file a name of its own",
            E::NoLandscape { .. } => "name only trainings, or only landscapes",
            E::SeveralGrids => "sample them on the same points, or give no tolerance",
            E::Tolerance { .. } => "give 0 or more, for example 1e-6",
            E::NoPicture { .. } => {
                "give a file with one of these extensions, or .gif, .webp or .apng for a path that moves"
            }
            E::NoPage { .. } => "give a file with this extension: the page is one of HTML",
            E::NotStored { .. } => "draw a picture, and the animation of the run once it is stored",
            E::GridsDiffer { .. } => "sample them on the same points, or draw them side by side",
            E::SeveralFigures { .. } => "draw them side by side, or one after the other",
            E::TermsDiffer { .. } => "draw each by itself, or another value",
            E::NoMotion { .. } => "draw the trajectory, or the surface of a run with a path",
            E::Plot(landscape_plot::PlotError::NoLines) => "give a .pdf or .svg file",
            E::UnknownPath { known, .. } => {
                return Some(format!("give one of: {}", known.join(", ")));
            }
            E::SeveralPaths { paths, .. } => {
                return Some(format!("choose one of: {}", paths.join(", ")));
            }
            E::NoTrajectory { .. } => "project the checkpoints of its training",
            E::NotText { .. } => "name a file",
            E::NoPlaneSampled { .. } => "sample the plane, or draw the losses along the path",
            E::NoCurvature { .. } => "compute it, with the curvature of the network",
            E::TooManyCurves { most, .. } => {
                return Some(format!("draw up to {most} of them, or a page"));
            }
            E::NotAPlane { .. } => "draw a page",
            E::Panicked { .. } => "report it together with the request and the lines above",
            E::Port { .. } => "give another port, or 0 for any that is free",
            E::NothingToView { .. } => {
                "name a folder with .csv, .json, .npz, .h5, .parquet or .duckdb files"
            }
            E::Io { source, .. } => io_help(source),
            E::Import(error) => return error.help(),
            E::Store(error) => below::store(error)?,
            E::Models(error) => below::models(error)?,
            E::Trace(error) => below::trace(error)?,
            E::Trajectory(error) => below::trajectory(error)?,
            E::Grid(error) => below::grid(error)?,
            E::Lanczos(error) => below::lanczos(error)?,
            E::Power(error) => below::power(error)?,
            E::Traces(error) => below::estimate(error)?,
            E::Threads(_) => "use fewer threads",
            E::Interrupted { again, .. } => again,
            E::FewPoints { .. } => "give for example 61 points",
            E::NoInnerPoints => "give one control point or more",
            E::NoEpochs => "train for one epoch or more",
            E::OfTheWhole { .. } => "let all parameters move, or leave it out",
            E::NoFigure { .. } => {
                "ask for the spectrum, a map, parts, the largest eigenvalue at all checkpoints, or sharpness; or for no figure"
            }
            E::EqualNetworks => "give two networks that differ, for example trained from two seeds",
            E::NoUnits { .. } => "leave the alignment out",
            E::NotFinite { .. } => "give networks whose training did not diverge",
            E::Curve(core::CurveError::Straight) => {
                "train the curve longer, with another rate or seed, or another kind of curve"
            }
            E::Direction(core::DirectionError::Parallel { .. }) => "give directions that differ",
            E::Plane(core::PlaneError::Degenerate { .. }) => {
                "give a direction that moves and is finite"
            }
            _ => return None,
        };
        Some(words.to_owned())
    }
}

impl Smaller {
    /// In words.
    fn help(self) -> &'static str {
        match self {
            Smaller::Grid => "give a smaller grid",
            Smaller::Network => "give a smaller network",
            Smaller::Samples => "give a smaller network, or fewer samples",
            Smaller::Networks => "compare fewer networks at once",
            Smaller::Eigenvectors => "ask for fewer eigenvalues",
            Smaller::Products => "allow fewer products, or use the method hutchinson",
            Smaller::LanczosSteps => "take fewer steps of Lanczos",
            Smaller::Checkpoints => "take fewer checkpoints",
            Smaller::ControlPoints => "give fewer control points",
        }
    }
}

/// The checkpoints that there are.
fn there_are(steps: &[u64]) -> String {
    match steps {
        [] => "train it again".to_owned(),
        [only] => format!("its only checkpoint is {only}"),
        [first, second, .., last] => {
            let count = steps.len();
            format!("its {count} checkpoints are {first}, {second}, ... {last}")
        }
        [first, second] => format!("its 2 checkpoints are {first} and {second}"),
    }
}

fn levels() -> String {
    let names = landscape_trace::Level::available().into_iter();
    let names: Vec<&str> = names.map(landscape_trace::Level::name).collect();
    format!("set it to one of: {}, or unset it", names.join(", "))
}
