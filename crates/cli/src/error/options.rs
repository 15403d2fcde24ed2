//! Remedies in the options of the command line.

use crate::words::{DB, Typed, nearest, variable};
use landscape_core as core;
use landscape_files::{TooLarge, io_help};
use landscape_hessian::{DensityError, LanczosError, PowerError, TraceError as EstimateError};
use landscape_import::ImportError;
use landscape_models::{GetError, ModelsError};
use landscape_storage::Error as Store;
use landscape_study::shard::ShardError;
use landscape_study::{NoCurvature, Smaller, StudyError, SubmitError};
use landscape_trace::TraceError;

/// What to do about an error of the library, in the options of the command line, where it has some for that.
pub fn remedy(error: &StudyError) -> Option<String> {
    use StudyError as E;
    if let Some(reason) = TooLarge::below(error) {
        let enough = reason.enough();
        return Some(format!(
            "if it really holds that much, allow it with --max-memory {enough}"
        ));
    }
    let words = match error {
        E::Store(Store::Memory {
            is_query, enough, ..
        }) => {
            let less = match is_query {
                true => {
                    "ask for fewer rows or columns (for example with LIMIT) or for sums, or allow more"
                }
                false => "if it really needs that much, allow it",
            };
            return Some(format!("{less} with --max-memory {enough}"));
        }
        E::Trace(TraceError::NoDevice { device, .. }) => absent_device(device),
        E::Trace(TraceError::Precision { .. }) => {
            "use --device flex, cuda, libtorch or libtorch-cuda, which have bf16, or --precision f32"
        }
        E::Shard(ShardError::NoCount { .. }) => "give --shard auto/N, or K/N itself",
        E::Submit(SubmitError::OneDatabase { .. }) => {
            "put {K}, the number of the shard, into its name: --db 'shard-{K}.duckdb'"
        }
        E::Submit(SubmitError::NoImage) => "give --image IMAGE",
        E::Submit(SubmitError::OtherCommand { .. }) => {
            "give the same command, or another --out DIR"
        }
        E::Submit(SubmitError::Redivided { .. }) => {
            "leave --shards out to go on, or divide it anew with another --out DIR"
        }
        E::Submit(SubmitError::Incomplete { .. }) => {
            "the same `landscape submit` again submits those that are not complete"
        }
        E::OtherRequest { .. } => {
            "merge shards of one request; if it is another run, give it another name with `landscape rename`"
        }
        E::ShardedCurvature => "give --map alone with --shard, and ask for the rest without it",
        E::Store(Store::NotFound { .. }) => {
            "make one with `landscape train` or `landscape surface`, or name it with --db FILE"
        }
        E::Store(Store::UnknownRun { path, name, known }) => {
            let runs = Typed::new("runs").db(path, variable(DB).is_some());
            return Some(match nearest(name, known) {
                Some(near) => format!("did you mean `{near}`? `{runs}` lists all"),
                None => format!("`{runs}` lists them"),
            });
        }
        E::Store(Store::HoldsDirections { .. }) => {
            "sample a landscape along them: `landscape surface` with --direction FILE"
        }
        E::Store(Store::Differs { .. }) => {
            "give another --name, or --force to replace the stored run"
        }
        E::Store(Store::Busy { .. } | Store::UnknownOwner { .. }) => "give another --name, or wait",
        E::Store(Store::OutputExists { .. }) | E::Exists { .. } => {
            "give another file, or --force to overwrite it"
        }
        E::Models(ModelsError::DataNotFound { set, .. }) => {
            return Some(format!("`landscape data get {set}` downloads them"));
        }
        E::Models(ModelsError::Get(GetError::Io { .. })) => return None,
        E::Models(ModelsError::Get(_)) => {
            "name another server with --url URL, or put the unpacked files where `landscape line --data SET` looks for them"
        }
        E::Store(Store::NewerDuckDb { .. }) => "use a newer version of this program",
        E::Store(Store::Io { source, .. }) => io_help(source),
        E::Store(Store::Database { .. }) => "what was stored before is safe",
        E::Store(Store::Damaged { .. }) => "go back to a copy of the file, or leave out the run",
        E::Store(Store::Lacks { .. }) => "`landscape show NAME` says what a run holds",
        E::Grid(core::GridError::TooLarge { .. }) => "give a smaller --grid",
        E::Grid(_) => "for example --grid 51 --range=-1:1",
        E::Models(ModelsError::Checkpoint {
            fits: Some(name), ..
        }) => {
            return Some(format!("give --model {name}, or another --weights file"));
        }
        E::Models(ModelsError::Checkpoint { .. }) => {
            "check --model against the file, rename its tensors with --rename REGEX=REPLACEMENT, or export a network without a name here and \
             give it as --model net.pt2"
        }
        E::Models(ModelsError::Unordered { .. }) => {
            "give --rename REGEX=REPLACEMENT, for example --rename '^first=fc1'"
        }
        E::Models(ModelsError::NoStatistics { .. }) => {
            "or have them measured on the data: --batch-norm reestimate or --batch-norm batch"
        }
        E::Import(ImportError::Inputs(_)) => {
            "`landscape model FILE` lists the inputs of the program"
        }
        E::Models(ModelsError::Io { source, .. }) => io_help(source),
        E::Models(ModelsError::BadState { .. }) => "add --force, or give another --name",
        E::Models(ModelsError::Inputs {
            expected, found, ..
        }) => match (&expected[..], &found[..]) {
            (&[channels, height, width], &[h, w, last])
                if [channels, height, width] == [last, h, w] =>
            {
                "the channels come last: permute the images, in NumPy x.transpose(0, 3, 1, 2)"
            }
            (&[_, _, _], &[channels, height, width]) => {
                return Some(format!(
                    "give another --model, with :image={channels}x{height}x{width} where it takes such images, or other --data"
                ));
            }
            _ => "give another --model or other --data",
        },
        E::Lanczos(LanczosError::Tolerance { .. }) | E::Power(PowerError::Tolerance { .. }) => {
            "give for example --tol 1e-3"
        }
        E::Lanczos(LanczosError::TooMany { .. }) | E::Power(PowerError::TooMany { .. }) => {
            "give at most as many as the network has parameters"
        }
        E::Lanczos(LanczosError::Products { .. })
        | E::Power(PowerError::Products { .. })
        | E::Traces(EstimateError::Products { .. }) => {
            "give a larger --max-products, or leave it out"
        }
        E::Density(DensityError::Probes { .. }) => "give --probes 2 or more",
        E::Density(DensityError::Steps { .. }) => "give --lanczos-steps 2 or more",
        E::Direction(core::DirectionError::Parallel { .. }) => {
            "give directions that differ, or leave --orthogonal out"
        }
        E::Plane(core::PlaneError::Degenerate { .. }) => {
            "give a direction that moves and is finite"
        }
        E::Trajectory(core::TrajectoryError::NotFinite { .. }) => {
            "the training diverged: leave its end out with --window A:B"
        }
        E::Trajectory(core::TrajectoryError::CenterNotFinite) => {
            "the training diverged: leave its end out with --window A:B, or --center first"
        }
        E::Trajectory(core::TrajectoryError::Rank { .. }) => {
            "record more checkpoints: train longer, or with a smaller --every"
        }
        E::Trajectory(core::TrajectoryError::TooFew { .. }) => {
            "record more checkpoints: train with --every K"
        }
        E::Stream(core::StreamError::Read { source, .. }) => {
            let inner = source.downcast_ref::<StudyError>()?;
            return remedy(inner).or_else(|| inner.help());
        }
        E::TooFew { .. } => "name two or more, for example --seeds 0..10 or --optimizers sgd,adam",
        E::NoWidth { .. } => {
            "give another --model, or compare --seeds, --optimizers, --lrs or --batch-sizes"
        }
        E::InitialWidths => "leave --weights out",
        E::NotATraining { .. } => "give a run of kind train; `landscape runs` lists them",
        E::NothingToDiagnose { .. } => {
            "give the training run, its trajectory or a landscape; `landscape runs` lists them"
        }
        E::UnknownLoss { .. } => "say with --loss which one is wanted",
        E::NoCheckpoint { steps, .. } if steps.is_empty() => {
            "train it again: the same `landscape train` continues"
        }
        E::Memory { smaller, .. } => match smaller {
            Smaller::Grid => "give a smaller --grid",
            Smaller::Network => "give a smaller --model",
            Smaller::Samples => "give a smaller --model, or fewer --samples",
            Smaller::Networks => return None,
            Smaller::Eigenvectors => "give a smaller --top or --bottom",
            Smaller::Products => "give a smaller --max-products, or --trace-method hutchinson",
            Smaller::LanczosSteps => "give fewer --lanczos-steps",
            Smaller::Checkpoints => "take fewer of them with --window A:B or --epoch-window A:B",
            Smaller::ControlPoints => "give fewer --inner-points",
        },
        E::TooManyNetworks { directions, .. } => {
            return Some(format!("give --to at most {}", times(*directions)));
        }
        E::SameNetwork { .. } => "give another network with --to",
        E::OnlyFixed { .. } => "select other --params, or give another network with --to",
        E::Selection(_) => {
            "`landscape model` shows the names of all parameters; give others with --params"
        }
        E::OnlyStatistics { .. } => "use --dir-type states to move along them",
        E::StatisticsMeasured { .. } => {
            "use --batch-norm frozen to move along the statistics that the files hold"
        }
        E::Ends { directions, .. } => {
            return Some(format!(
                "name {directions}, each `top` or `bottom`, or give --direction hessian"
            ));
        }
        E::NoFigure { .. } => {
            "add --density for the spectrum, --map, --per layer, --all-steps with --top 1, or --sharpness; or leave -o out"
        }
        E::OfTheWhole { .. } => "leave --params out, or --align and --curve",
        E::NoEigenvalues { end } => {
            return Some(format!("give --{end} 1 or more, or leave it out"));
        }
        E::PowerBottom => "use --method lanczos",
        E::Radius { .. } => "give for example --rho 0.05, or leave it out",
        E::OneDevice { .. } => "give one device with --device",
        E::FewEigenvectors => "use --direction random, or a network with more parameters",
        E::NoPath => {
            "--direction pca needs the checkpoints of a training run: give its name with --run"
        }
        E::BadPattern { .. } | E::NoMatch { .. } => {
            "give a pattern such as --checkpoints 'run/epoch_*.safetensors'"
        }
        E::Margin { .. } => "give --margin 0 or more, for example --margin 0.25",
        E::ComponentCounts { counts, components } => {
            let other = match counts {
                2 | 3 => format!(", or --components {counts}"),
                _ => String::new(),
            };
            return Some(format!(
                "give --grid one for all axes, or {components}{other}"
            ));
        }
        E::StartsDiffer { .. } => "train them with one --seed, or use --center last or mean",
        E::FlatPath {
            files: 2..,
            rank: rank @ 1..,
            ..
        } => {
            return Some(format!("give --components {rank}, or more files"));
        }
        E::FlatPath { files: ..=1, .. } => {
            "give a pattern of --checkpoints that matches several files"
        }
        E::Directions { .. } => {
            "give a file as --save-directions writes it: d1.fc1.weight, d2.fc1.weight, ..."
        }
        E::FewDirections { .. } => "`landscape export NAME --directions` writes those of a run",
        E::Axes { what, axes, .. } => {
            let option = match *what {
                "counts" => "--grid",
                _ => "--range",
            };
            return Some(format!("give {option} one for all axes, or {axes}"));
        }
        E::TooFar { .. } => "give a --range within -3.4e38:3.4e38, for example --range=-1:1",
        E::TooClose { .. } => "give a larger --range, for example --range=-1:1",
        E::NotDrawable { .. } => "give a larger --grid, or leave -o out",
        E::TermWeight { term, .. } => {
            return Some(format!("give a number, for example --{term} 0.0001"));
        }
        E::NoDevice { feature, .. } => {
            return Some(format!(
                "build it with `--features {feature}`, or use --device cpu or flex"
            ));
        }
        E::Stopped { .. } => {
            "add --force to train from the start (what is stored is replaced once the new training is complete), or \
             give another --name"
        }
        E::NoLandscape { .. } | E::KindsDiffer { .. } => {
            "name only trainings, or only landscapes; `landscape runs` lists them"
        }
        E::SeveralGrids => "sample them with the same --grid and --range, or leave --tolerance out",
        E::Tolerance { .. } => "give 0 or more, for example --tolerance 1e-6",
        E::NoPicture { .. } => {
            "give -o FILE.svg, FILE.pdf, FILE.png, FILE.tex or FILE.html; `landscape plot` draws paths as FILE.gif, \
             FILE.webp and FILE.apng too"
        }
        E::NoPage { .. } => "give -o FILE.html; `landscape plot` draws pictures",
        E::NotStored { .. } => {
            "give -o FILE.svg, and draw the animation with `landscape plot RUN --kind trajectory -o FILE.gif`"
        }
        E::NoMotion { .. } => "give --kind trajectory, or --kind surface for a run with a path",
        E::SeveralPaths { paths, .. } => {
            let first = paths.first()?;
            return Some(format!("choose it, for example --path {first}"));
        }
        E::NoTrajectory { .. } => "make one with `landscape trajectory`",
        E::NotText { run, format } => {
            return Some(format!("give a file, for example -o {run}.{format}"));
        }
        E::NoPlaneSampled {
            paths, is_curve, ..
        } => {
            let sampled = sampled(paths, *is_curve);
            return Some(format!("{sampled}; or draw --kind plane-losses"));
        }
        E::NoCurvature { what, trained, .. } => return Some(computed(*what, trained.as_deref())),
        E::TooManyCurves { most, .. } => {
            return Some(format!("compare up to {most} of them, or leave -o out"));
        }
        E::NotAPlane { .. } => "give -o FILE.html, or leave -o out",
        E::FewPoints { .. } => "give for example --points 61",
        E::LossesDiffer { .. } => {
            "compare surfaces of both on the same data: landscape surface --run NAME --data SPEC"
        }
        E::NoUnits { .. } => "leave --align out",
        E::Curve(core::CurveError::Straight) => {
            "train the curve longer, or with another --lr, --seed or --curve"
        }
        _ => return None,
    };
    Some(words.to_owned())
}

/// The command that samples the plane of paths.
fn sampled(paths: &[String], is_curve: bool) -> String {
    if is_curve {
        return "sample it: the same `landscape connect` with --grid 51".to_owned();
    }
    let typed = { paths.iter() }.fold(Typed::new("trajectory"), |typed, name| {
        typed.option("--run", name)
    });
    format!("sample it: {}", typed.option("--grid", "51"))
}

/// The command that computes curvature of a kind.
fn computed(what: NoCurvature, trained: Option<&str>) -> String {
    let option = match what {
        NoCurvature::Map => "--map",
        NoCurvature::Sharpness => "--sharpness all",
        NoCurvature::Parts => "--per layer",
        NoCurvature::Pairs => "--per pair",
        NoCurvature::Subspace => "--all-steps --subspace 10",
        NoCurvature::Steps => "--all-steps --top 1",
        NoCurvature::Density => "--density",
    };
    match trained {
        Some(trained) => {
            let typed = Typed::new("hessian").option("--run", trained);
            format!("compute it: {typed} {option}")
        }
        None => format!("compute it: `landscape hessian` with {option}"),
    }
}

fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}

/// What to do about a device that this machine does not have.
fn absent_device(device: &str) -> &'static str {
    if device.starts_with("cuda") {
        "check `nvidia-smi`; without NVIDIA's driver and CUDA's NVRTC use --device cpu"
    } else if device.starts_with("libtorch") {
        "check `nvidia-smi` and that PyTorch is built for CUDA, or use --device libtorch or cpu"
    } else {
        "`vulkaninfo --summary` lists the adapters; Debian's package mesa-vulkan-drivers has one in \
         software; or use --device cpu"
    }
}
