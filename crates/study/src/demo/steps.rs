//! What the demonstration computes, draws and shows.

use super::DemoRequest;
use crate::StudyError;
use crate::directions::GridRequest;
use crate::figures::FigureKind;
use crate::hessian::{CurvatureRequest, CurvatureStudy};
use crate::problem::NetworkRequest;
use crate::recording::{StoredBefore, stored_before};
use crate::report::Reporter;
use crate::runs::{Keep, Landscape, LandscapeRequest, TrainRequest, Training};
use crate::trajectory::{ProjectedPaths, TrajectoryRequest};
use landscape_models::{OptimizerKind, TrainConfig};
use landscape_storage::{RunKind, Status, Store};

/// A run of the demonstration.
#[derive(Debug, Clone, PartialEq)]
pub enum DemoStep {
    /// A training.
    Train(TrainRequest),
    /// A line or a plane.
    Landscape(LandscapeRequest),
    /// The path of a training.
    Trajectory(TrajectoryRequest),
    /// Curvature.
    Curvature(CurvatureRequest),
}

impl DemoStep {
    /// How its run is kept.
    pub fn keep(&self) -> &Keep {
        match self {
            DemoStep::Train(request) => &request.keep,
            DemoStep::Landscape(request) => &request.keep,
            DemoStep::Trajectory(request) => &request.keep,
            DemoStep::Curvature(request) => &request.keep,
        }
    }

    /// The same by a command in these words.
    #[must_use]
    pub fn by(mut self, command: String) -> Self {
        let keep = match &mut self {
            DemoStep::Train(request) => &mut request.keep,
            DemoStep::Landscape(request) => &mut request.keep,
            DemoStep::Trajectory(request) => &mut request.keep,
            DemoStep::Curvature(request) => &mut request.keep,
        };
        keep.command = Some(command);
        self
    }

    /// Computes and stores what is not stored yet.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn run(&self, store: &Store, reporter: &dyn Reporter) -> Result<(), StudyError> {
        match self {
            DemoStep::Train(request) => train(request, store, reporter),
            DemoStep::Landscape(request) => {
                let landscape = Landscape::prepare(request, Some(store), reporter)?;
                landscape.run(store, reporter).map(drop)
            }
            DemoStep::Trajectory(request) => {
                let paths = ProjectedPaths::prepare(request, Some(store), reporter)?;
                paths.run(store, reporter).map(drop)
            }
            DemoStep::Curvature(request) => {
                let mut study = CurvatureStudy::prepare(request, Some(store), reporter)?;
                study.run(store, reporter).map(drop)
            }
        }
    }
}

/// A training that was stopped goes on; one that cannot, or that has other settings, is replaced.
fn train(request: &TrainRequest, store: &Store, reporter: &dyn Reporter) -> Result<(), StudyError> {
    let mut training = Training::prepare(request, reporter)?;
    let unfinished = |name: &String| {
        let run = store.find(name);
        run.is_ok_and(|run| run.kind == RunKind::Train && run.status != Status::Complete)
    };
    if request.keep.name.as_ref().is_some_and(unfinished) {
        let before = stored_before(store, &training.spec)?;
        training.spec.replace = !matches!(before, StoredBefore::Stopped(_));
    }
    training.run(store, reporter).map(drop)
}

/// What is computed, in order.
///
/// # Errors
/// None that can be met: the names of networks and data are known.
pub fn steps(request: &DemoRequest) -> Result<Vec<DemoStep>, StudyError> {
    Ok(vec![
        request.moons()?,
        request.line("moons"),
        request.plane("moons", "moons-trained", None),
        request.path("moons"),
        request.mnist()?,
        request.line("mnist"),
        request.plane("mnist", "mnist-initial", Some(0)),
        request.plane("mnist", "mnist-trained", None),
        request.path("mnist"),
        request.curvature(),
    ])
}

impl DemoRequest {
    fn moons(&self) -> Result<DemoStep, StudyError> {
        let mut request = TrainRequest::new("mlp:2-8-4-1".parse()?);
        request.data.data = Some("moons".parse()?);
        request.config = TrainConfig {
            epochs: 100,
            batch: 32,
            optimizer: OptimizerKind::Adam,
            lr: 0.05,
            seed: self.seed,
            ..request.config
        };
        request.keep = keep("moons");
        Ok(DemoStep::Train(request))
    }

    fn mnist(&self) -> Result<DemoStep, StudyError> {
        let mut request = TrainRequest::new("mlp:784-20-10".parse()?);
        request.data.data = Some("mnist-1k:pixels=standard".parse()?);
        request.config = TrainConfig {
            epochs: 30,
            batch: 64,
            optimizer: OptimizerKind::Sgd,
            lr: 0.01,
            seed: self.seed,
            ..request.config
        };
        request.keep = keep("mnist");
        Ok(DemoStep::Train(request))
    }

    fn line(&self, trained: &str) -> DemoStep {
        let mut request = self.around(trained, None, &format!("{trained}-line"));
        request.dims = 1;
        request.grid = GridRequest {
            counts: Some(vec![201]),
            ranges: Some(vec![(-2.0, 2.0)]),
        };
        DemoStep::Landscape(request)
    }

    fn plane(&self, trained: &str, name: &str, step: Option<u64>) -> DemoStep {
        let mut request = self.around(trained, step, name);
        request.grid.counts = Some(vec![51]);
        DemoStep::Landscape(request)
    }

    fn around(&self, trained: &str, step: Option<u64>, name: &str) -> LandscapeRequest {
        let mut request = LandscapeRequest {
            network: network(trained, step),
            evaluation: self.evaluation.clone(),
            keep: keep(name),
            ..LandscapeRequest::default()
        };
        request.plane.seed = self.seed;
        request
    }

    fn path(&self, trained: &str) -> DemoStep {
        let mut request = TrajectoryRequest {
            runs: vec![trained.to_owned()],
            evaluation: self.evaluation.clone(),
            keep: keep(&format!("{trained}-path")),
            ..TrajectoryRequest::default()
        };
        request.grid.counts = Some(vec![51]);
        DemoStep::Trajectory(request)
    }

    fn curvature(&self) -> DemoStep {
        let mut request = CurvatureRequest {
            network: network("mnist", None),
            top: Some(5),
            bottom: Some(1),
            trace: true,
            density: true,
            lanczos_steps: 40,
            probes: 4,
            evaluation: self.evaluation.clone(),
            keep: keep("mnist-curvature"),
            ..CurvatureRequest::default()
        };
        // Products are computed on one device.
        request.evaluation.devices.truncate(1);
        request.plane.seed = self.seed;
        DemoStep::Curvature(request)
    }
}

fn network(trained: &str, step: Option<u64>) -> NetworkRequest {
    NetworkRequest {
        run: Some(trained.to_owned()),
        step,
        ..NetworkRequest::default()
    }
}

fn keep(name: &str) -> Keep {
    Keep {
        name: Some(name.to_owned()),
        ..Keep::default()
    }
}

/// A figure: its file without the ending, its run, its kind, and whether its values are logarithmic.
pub(super) type Drawing = (&'static str, &'static str, FigureKind, bool);

/// What is drawn, the slow ones first.
pub(super) const FIGURES: &[Drawing] = &[
    (
        "mnist-trained-3d",
        "mnist-trained",
        FigureKind::Surface,
        false,
    ),
    ("mnist-path-3d", "mnist-path", FigureKind::Surface, true),
    (
        "moons-trained-3d",
        "moons-trained",
        FigureKind::Surface,
        false,
    ),
    ("moons-path-3d", "moons-path", FigureKind::Surface, true),
    ("moons-losses", "moons", FigureKind::Losses, false),
    ("moons-line", "moons-line", FigureKind::Line, false),
    ("moons-trained", "moons-trained", FigureKind::Contour, false),
    ("moons-path", "moons-path", FigureKind::Trajectory, true),
    (
        "moons-path-losses",
        "moons-path",
        FigureKind::PlaneLosses,
        false,
    ),
    (
        "mnist-spectrum",
        "mnist-curvature",
        FigureKind::Spectrum,
        false,
    ),
    ("mnist-losses", "mnist", FigureKind::Losses, false),
    ("mnist-line", "mnist-line", FigureKind::Line, false),
    ("mnist-initial", "mnist-initial", FigureKind::Contour, false),
    ("mnist-trained", "mnist-trained", FigureKind::Contour, false),
    ("mnist-path", "mnist-path", FigureKind::Trajectory, true),
    (
        "mnist-path-losses",
        "mnist-path",
        FigureKind::PlaneLosses,
        false,
    ),
];

/// The runs whose curvature is on the page.
pub(super) const CURVATURE: &[&str] = &["mnist-curvature"];

/// The tabs of the page: run, heading, and the training it belongs to.
pub(super) const PAGE: &[(&str, &str, &str)] = &[
    (
        "mnist-trained",
        "MNIST 784-20-10, trained: random filter-normalised plane",
        "mnist",
    ),
    (
        "mnist-path",
        "MNIST 784-20-10: the path of training on its principal plane",
        "mnist",
    ),
    (
        "mnist-initial",
        "MNIST 784-20-10, initial: random filter-normalised plane",
        "mnist",
    ),
    (
        "mnist-line",
        "MNIST 784-20-10, trained: random filter-normalised line",
        "mnist",
    ),
    (
        "moons-trained",
        "Two moons 2-8-4-1, trained: random filter-normalised plane",
        "moons",
    ),
    (
        "moons-path",
        "Two moons 2-8-4-1: the path of training on its principal plane",
        "moons",
    ),
    (
        "moons-line",
        "Two moons 2-8-4-1, trained: random filter-normalised line",
        "moons",
    ),
];
