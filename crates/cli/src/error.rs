//! What goes wrong on the command line, what to do about it, and the exit code.

use crate::interrupt::Interrupt;
use crate::words::{Typed, nearest};
use landscape_core as core;
use landscape_models::{GetError, ModelsError};
use landscape_study::{NoCurvature, Smaller, StudyError, file_help};
use landscape_trace::TraceError;
use std::error::Error;
use std::io;

/// Everything that ends a command early.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Networks, data, checkpoints, training.
    #[error(transparent)]
    Models(#[from] ModelsError),
    /// The database, and files of landscapes.
    #[error(transparent)]
    Store(#[from] landscape_storage::Error),
    /// Figures.
    #[error(transparent)]
    Plot(#[from] landscape_plot::PlotError),
    /// The interactive page.
    #[error(transparent)]
    Page(#[from] landscape_plot::page::PageError),
    /// Evaluation.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// Eigenvalues.
    #[error(transparent)]
    Lanczos(#[from] landscape_hessian::LanczosError),
    /// Eigenvalues by power iteration.
    #[error(transparent)]
    Power(#[from] landscape_hessian::PowerError),
    /// Traces.
    #[error(transparent)]
    Traces(#[from] landscape_hessian::TraceError),
    /// Spectral densities.
    #[error(transparent)]
    Density(#[from] landscape_hessian::DensityError),
    /// Sharpness.
    #[error(transparent)]
    Sharpness(#[from] landscape_hessian::sharpness::SharpnessError),
    /// Studies of several trainings, and ways between networks.
    #[error(transparent)]
    Study(StudyError),
    /// The grid.
    #[error("the grid: {0}")]
    Grid(#[from] core::GridError),
    /// Directions.
    #[error(transparent)]
    Direction(#[from] core::DirectionError),
    /// The plane.
    #[error(transparent)]
    Plane(#[from] core::PlaneError),
    /// Tensors.
    #[error(transparent)]
    Params(#[from] core::ParamsError),
    /// Paths of training.
    #[error(transparent)]
    Trajectory(#[from] core::TrajectoryError),
    /// Sampling.
    #[error(transparent)]
    Sampler(#[from] core::SamplerError),
    /// Evaluation of single points.
    #[error(transparent)]
    Objective(#[from] core::ObjectiveError),
    /// An option that is needed is absent.
    #[error("{what} is missing")]
    Missing {
        what: &'static str,
        remedy: &'static str,
    },
    /// Options that do not go together, or with the stored run.
    #[error("{what}")]
    Conflict { what: String, remedy: String },
    /// Results could not be printed.
    #[error("cannot write to stdout: {0}")]
    Stdout(#[source] io::Error),
    /// What the program computes is wrong on this machine.
    #[error("these checks do not hold: {what}")]
    Unsound { what: String },
    /// A thread of this program panicked; it said where.
    #[error("{what} could not be made: its thread panicked, for the reason above")]
    Panicked { what: &'static str },
    /// What was compared differs by more than is allowed.
    #[error("{what}")]
    Differs { what: String },
    /// Ctrl-C, or another signal that asks to end.
    #[error("{saved}")]
    Interrupted { saved: String, again: &'static str },
}

impl From<StudyError> for CliError {
    fn from(error: StudyError) -> Self {
        match error {
            StudyError::Store(error) => error.into(),
            StudyError::Models(error) => error.into(),
            StudyError::Trace(error) => error.into(),
            StudyError::Lanczos(error) => error.into(),
            StudyError::Power(error) => error.into(),
            StudyError::Traces(error) => error.into(),
            StudyError::Density(error) => error.into(),
            StudyError::Sharpness(error) => error.into(),
            StudyError::Plot(error) => error.into(),
            StudyError::Page(error) => error.into(),
            StudyError::Panicked { what } => CliError::Panicked { what },
            StudyError::NoParameters => CliError::Missing {
                what: "--weights",
                remedy: "curvature belongs to given parameters: give --weights FILE, or --run NAME of a \
                         training run (--step 0 is its initial state)",
            },
            StudyError::NoCheckpoints => CliError::Missing {
                what: "--run",
                remedy: "give a training run, or files with --checkpoints",
            },
            StudyError::Grid(error) => error.into(),
            StudyError::Direction(error) => error.into(),
            StudyError::Plane(error) => error.into(),
            StudyError::Params(error) => error.into(),
            StudyError::Trajectory(error) => error.into(),
            StudyError::Sampler(error) => error.into(),
            StudyError::Objective(error) => error.into(),
            StudyError::Interrupted { saved, again } => CliError::Interrupted { saved, again },
            StudyError::NoModel => CliError::Missing {
                what: "--model",
                remedy: "give the network, for example --model mlp:2-8-4-1, or a training run with --run",
            },
            StudyError::NoData => CliError::Missing {
                what: "--data",
                remedy: "give the data, for example --data moons or --data mnist-1k",
            },
            StudyError::NoInnerPoints => nothing_to_train("--inner-points"),
            StudyError::NoEpochs => nothing_to_train("--epochs"),
            StudyError::NoFolder { .. } => CliError::Conflict {
                what: format!("--data-dir has no effect here: {error}"),
                remedy: "leave --data-dir out".to_owned(),
            },
            error => CliError::Study(error),
        }
    }
}

impl CliError {
    /// The exit code of the process.
    pub fn code(&self) -> u8 {
        match self {
            // A command waits for its database until it is told to stop.
            CliError::Interrupted { .. }
            | CliError::Store(landscape_storage::Error::Journaled { .. }) => Interrupt::code(),
            CliError::Unsound { .. } | CliError::Differs { .. } | CliError::Panicked { .. } => 1,
            // What others did to the database while it was in use.
            CliError::Store(
                landscape_storage::Error::Vanished { .. }
                | landscape_storage::Error::Gone { .. }
                | landscape_storage::Error::TakenOver { .. },
            ) => 1,
            // A server, or a device that was there when the work began.
            CliError::Models(ModelsError::Get(GetError::Connection { .. })) => 1,
            CliError::Trace(TraceError::Device { .. }) => 1,
            _ if self.is_quiet() => 0,
            _ => 2,
        }
    }

    /// Whoever reads has had enough: not worth a word.
    pub fn is_quiet(&self) -> bool {
        matches!(self, CliError::Stdout(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// What it is about, where the message does not name that in backticks or as an option.
    pub fn place(&self) -> Option<String> {
        match self {
            CliError::Models(error) => error.place(),
            CliError::Store(landscape_storage::Error::UnknownRun { name, .. }) => {
                Some(name.clone())
            }
            _ => None,
        }
    }

    /// What happened and where, with the reasons below it.
    pub fn what(&self) -> String {
        let mut text = self.to_string();
        let mut reason = self.source();
        while let Some(error) = reason {
            let words = error.to_string();
            // Some messages hold their reason already.
            if !text.contains(words.trim()) {
                text = format!("{text}: {words}");
            }
            reason = error.source();
        }
        text
    }

    /// What to do, where the message does not say it already.
    pub fn remedy(&self) -> Option<String> {
        use landscape_storage::Error as Store;
        let words = match self {
            CliError::Trace(TraceError::NoDevice { device, .. }) => absent_device(device),
            CliError::Trace(TraceError::Precision { .. }) => {
                "use --device flex, cuda, libtorch or libtorch-cuda, which have bf16, or --precision f32"
            }
            CliError::Unsound { .. } => {
                "try LANDSCAPE_SIMD=portable or --device flex, and report it with this table"
            }
            CliError::Panicked { .. } => "report it with the command and the lines above",
            CliError::Missing { remedy, .. } => *remedy,
            CliError::Conflict { remedy, .. } => return Some(remedy.clone()),
            CliError::Interrupted { again, .. } => *again,
            CliError::Store(Store::NotFound { .. }) => {
                "make one with `landscape train` or `landscape surface`, or name it with --db FILE"
            }
            CliError::Store(Store::UnknownRun { path, name, known }) => {
                let runs = Typed::new("runs").db(path);
                return Some(match nearest(name, known) {
                    Some(near) => format!("did you mean `{near}`? `{runs}` lists all"),
                    None => format!("`{runs}` lists them"),
                });
            }
            CliError::Store(Store::NewerDuckDb { .. }) => "use a newer version of this program",
            CliError::Store(Store::Io { source, .. }) => file_help(source),
            CliError::Store(Store::Database { .. }) => "what was stored before is safe",
            CliError::Store(Store::Damaged { .. }) => {
                "go back to a copy of the file, or leave out the run"
            }
            CliError::Store(Store::Lacks { .. }) => "`landscape show NAME` says what a run holds",
            CliError::Grid(core::GridError::TooLarge { .. }) => "give a smaller --grid",
            CliError::Grid(_) => "for example --grid 51 --range=-1:1",
            CliError::Models(ModelsError::Checkpoint {
                fits: Some(name), ..
            }) => {
                return Some(format!("give --model {name}, or another --weights file"));
            }
            CliError::Models(ModelsError::Checkpoint { .. }) => {
                "check --model against the file, or give another --weights file"
            }
            CliError::Models(ModelsError::Io { source, .. }) => file_help(source),
            CliError::Models(ModelsError::BadState { .. }) => "add --force, or give another --name",
            CliError::Models(ModelsError::Inputs {
                expected, found, ..
            }) => match (&expected[..], &found[..]) {
                (&[channels, height, width], &[h, w, last])
                    if [channels, height, width] == [last, h, w] =>
                {
                    "the channels come last: turn the images, in NumPy x.transpose(0, 3, 1, 2)"
                }
                _ => "give another --model or other --data",
            },
            CliError::Lanczos(landscape_hessian::LanczosError::Tolerance { .. })
            | CliError::Power(landscape_hessian::PowerError::Tolerance { .. }) => {
                "give for example --tol 1e-3"
            }
            CliError::Lanczos(landscape_hessian::LanczosError::TooMany { .. })
            | CliError::Power(landscape_hessian::PowerError::TooMany { .. }) => {
                "give at most as many as the network has parameters"
            }
            CliError::Lanczos(landscape_hessian::LanczosError::Products { .. })
            | CliError::Power(landscape_hessian::PowerError::Products { .. })
            | CliError::Traces(landscape_hessian::TraceError::Products { .. }) => {
                "give a larger --max-products, or leave it out"
            }
            CliError::Density(landscape_hessian::DensityError::Probes { .. }) => {
                "give --probes 2 or more"
            }
            CliError::Density(landscape_hessian::DensityError::Steps { .. }) => {
                "give --lanczos-steps 2 or more"
            }
            CliError::Study(error) => return with_options(error).or_else(|| error.help()),
            CliError::Direction(core::DirectionError::Parallel { .. }) => {
                "give directions that differ, or leave --orthogonal out"
            }
            CliError::Plane(core::PlaneError::Degenerate { .. }) => {
                "give a direction that moves and is finite"
            }
            CliError::Trajectory(core::TrajectoryError::NotFinite { .. }) => {
                "the training diverged: leave its end out with --window A:B"
            }
            CliError::Trajectory(core::TrajectoryError::CenterNotFinite) => {
                "the training diverged: leave its end out with --window A:B, or --center first"
            }
            CliError::Trajectory(core::TrajectoryError::Rank { .. }) => {
                "record more checkpoints: train longer, or with a smaller --every"
            }
            CliError::Trajectory(core::TrajectoryError::TooFew { .. }) => {
                "record more checkpoints: train with --every K"
            }
            _ => return None,
        };
        Some(words.to_owned())
    }
}

fn nothing_to_train(option: &str) -> CliError {
    CliError::Conflict {
        what: format!("{option} 0 leaves nothing to train"),
        remedy: format!("give {option} 1 or more"),
    }
}

/// What to do about an error of the library, in the options of the command line, where it has some for that.
fn with_options(error: &StudyError) -> Option<String> {
    use StudyError as E;
    let words = match error {
        E::Stream(core::StreamError::Read { source, .. }) => {
            let inner = source.downcast_ref::<StudyError>()?;
            return with_options(inner).or_else(|| inner.help());
        }
        E::TooFew { .. } => "name two or more, for example --seeds 0..10 or --optimizers sgd,adam",
        E::NoWidth { .. } => {
            "give another --model, or compare --seeds, --optimizers, --lrs or --batch-sizes"
        }
        E::InitialWidths => "leave --weights out",
        E::NotATraining { .. } => "give a run of kind train; `landscape runs` lists them",
        E::UnknownLoss { .. } => "say with --loss which one is meant",
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
        E::OnlyStatistics { .. } => "use --dir-type states to move along them",
        E::StatisticsMeasured { .. } => {
            "use --batch-norm frozen to move along the statistics that the files hold"
        }
        E::Ends { directions, .. } => {
            return Some(format!(
                "name {directions}, each `top` or `bottom`, or give --direction hessian"
            ));
        }
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
            let option = if *what == "counts" {
                "--grid"
            } else {
                "--range"
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
        E::Exists { .. } => "give another file, or --force to overwrite it",
        E::NoPicture { .. } => "give -o FILE.svg, FILE.png or FILE.html",
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
        E::KindsDiffer { .. } => {
            "name trainings alone, or landscapes alone; `landscape runs` lists them"
        }
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
