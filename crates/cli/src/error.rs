//! What goes wrong on the command line, what to do about it, and the exit code.

use crate::interrupt::Interrupt;
use crate::words::{Typed, nearest};
use landscape_core as core;
use std::error::Error;
use std::io;
use std::path::PathBuf;

/// Everything that ends a command early.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Networks, data, checkpoints, training.
    #[error(transparent)]
    Models(#[from] landscape_models::ModelsError),
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
    Trace(#[from] landscape_trace::TraceError),
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
    Study(#[from] landscape_study::StudyError),
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
    /// Paths of training that are read.
    #[error(transparent)]
    Stream(core::StreamError),
    /// Sampling.
    #[error(transparent)]
    Sampler(#[from] core::SamplerError),
    /// Evaluation of single points.
    #[error(transparent)]
    Objective(#[from] core::ObjectiveError),
    /// Figures of a surface.
    #[error("run `{run}`: {source}")]
    Metrics {
        run: String,
        source: core::MetricsError,
    },
    /// A device that this program was built without.
    #[error("this program was built without the device `{device}`")]
    NoDevice {
        device: String,
        feature: &'static str,
    },
    /// An option that is needed is absent.
    #[error("{what} is missing")]
    Missing {
        what: &'static str,
        remedy: &'static str,
    },
    /// Options that do not go together, or with the stored run.
    #[error("{what}")]
    Conflict { what: String, remedy: String },
    /// A file of directions does not fit.
    #[error("directions `{}`: {reason}", path.display())]
    Directions { path: PathBuf, reason: String },
    /// Parameters of another model do not fit.
    #[error("checkpoint `{file}` does not fit: {source}")]
    Checkpoint {
        file: String,
        source: core::ParamsError,
    },
    /// A file would be overwritten.
    #[error("`{}` exists", path.display())]
    Exists { path: PathBuf },
    /// The operating system.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
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

impl From<core::StreamError> for CliError {
    fn from(error: core::StreamError) -> Self {
        match error {
            core::StreamError::Path(error) => CliError::Trajectory(error),
            error => CliError::Stream(error),
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
            _ if self.is_quiet() => 0,
            _ => 2,
        }
    }

    /// Whoever reads has had enough: not worth a word.
    pub fn is_quiet(&self) -> bool {
        matches!(self, CliError::Stdout(error) if error.kind() == io::ErrorKind::BrokenPipe)
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
            CliError::NoDevice { feature, .. } => {
                return Some(format!(
                    "build it with `--features {feature}`, or use --device cpu or flex"
                ));
            }
            CliError::Trace(landscape_trace::TraceError::NoDevice { device, .. }) => {
                absent_device(device)
            }
            CliError::Trace(landscape_trace::TraceError::Precision { .. }) => {
                "use --device flex, cuda, libtorch or libtorch-cuda, which have bf16, or --precision f32"
            }
            CliError::Unsound { .. } => {
                "try LANDSCAPE_SIMD=portable or --device flex, and report it with this table"
            }
            CliError::Study(landscape_study::StudyError::NoWidth { .. }) => {
                "give another --model, or compare --seeds, --optimizers or --batch-sizes"
            }
            CliError::Study(landscape_study::StudyError::InitialWidths) => "leave --weights out",
            CliError::Study(landscape_study::StudyError::TooFew { .. }) => {
                "name two or more, for example --seeds 0..10 or --optimizers sgd,adam"
            }
            CliError::Panicked { .. } => "report it with the command and the lines above",
            CliError::Missing { remedy, .. } => *remedy,
            CliError::Conflict { remedy, .. } => return Some(remedy.clone()),
            CliError::Exists { .. } => "give another file, or --force to overwrite it",
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
            CliError::Store(Store::Io { source, .. }) | CliError::Io { source, .. } => file(source),
            CliError::Store(Store::Database { .. }) => "what was stored before is safe",
            CliError::Store(Store::Damaged { .. }) => {
                "go back to a copy of the file, or leave out the run"
            }
            CliError::Store(Store::Lacks { .. }) => "`landscape show NAME` says what a run holds",
            CliError::Grid(core::GridError::TooLarge { .. }) => "give a smaller --grid",
            CliError::Grid(_) => "for example --grid 51 --range=-1:1",
            CliError::Models(landscape_models::ModelsError::Checkpoint {
                fits: Some(name),
                ..
            }) => {
                return Some(format!("give --model {name}, or another --weights file"));
            }
            CliError::Models(landscape_models::ModelsError::Checkpoint { .. }) => {
                "check --model against the file, or give another --weights file"
            }
            CliError::Models(landscape_models::ModelsError::Io { source, .. }) => file(source),
            CliError::Models(landscape_models::ModelsError::Inputs {
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
            CliError::Directions { .. } => {
                "give a file as --save-directions writes it: d1.fc1.weight, d2.fc1.weight, ..."
            }
            CliError::Checkpoint { .. } => "give checkpoints of one network",
            CliError::Study(error) => return study(error).map(str::to_owned),
            CliError::Direction(core::DirectionError::Parallel { .. }) => {
                "give directions that differ, or leave --orthogonal out"
            }
            CliError::Plane(core::PlaneError::Degenerate { .. }) => {
                "give a direction that moves and is finite"
            }
            CliError::Stream(core::StreamError::Read { source, .. }) => {
                return source.downcast_ref::<CliError>().and_then(CliError::remedy);
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

/// What to do about a file that cannot be read or written.
fn file(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "check the permissions of the file and of its folder",
        io::ErrorKind::NotFound => "check the path; folders have to be there",
        io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => "check the path",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "make space on the disk, or raise the limit (`ulimit -f`)"
        }
        io::ErrorKind::ReadOnlyFilesystem => "give a path on a file system that can be written to",
        _ => "check the path",
    }
}

/// What to do about comparisons and ways.
fn study(error: &landscape_study::StudyError) -> Option<&'static str> {
    use landscape_study::StudyError as Study;
    match error {
        Study::FewPoints { .. } => Some("give for example --points 61"),
        Study::NoUnits { .. } => Some("leave --align out"),
        Study::NotFinite { .. } => Some("give networks whose training did not diverge"),
        Study::Curve(core::CurveError::Straight) => {
            Some("train the curve longer, or with another --lr, --seed or --curve")
        }
        _ => None,
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
