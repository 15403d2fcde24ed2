//! Everything of a run that can be drawn.

use crate::StudyError;
use crate::diagnose::evidence;
use crate::hessian::training_of;
use crate::record::{Provenance, Settings};
use landscape_core::{Diagnosis, Direction, Surface, Trajectory, Value, path_text};
use landscape_plot::LossCurve;
use landscape_storage::{
    Curvature, CurvatureMap, CurvaturePoint, Error, Format, NamedTrajectory, Run, RunKind, Status,
    Store, TrainRecord, read_surface,
};
use serde_json::json;
use std::path::Path;
use std::time::SystemTime;

/// A run with everything of it that can be drawn.
#[derive(Debug)]
pub struct RunContents {
    /// The run.
    pub run: Run,
    /// Its settings.
    pub settings: Settings,
    /// Where it came from.
    pub provenance: Provenance,
    /// Its landscape.
    pub surface: Option<Surface>,
    /// The directions of that, whose tensors are not loaded.
    pub directions: Vec<Direction>,
    /// Its paths.
    pub paths: Vec<NamedTrajectory>,
    /// Its records of training.
    pub records: Vec<TrainRecord>,
    /// Its curvature, one for each set of parameters.
    pub curvature: Vec<Curvature>,
    /// Its curvature over a plane.
    pub map: Option<CurvatureMap>,
    /// The training along which its curvature was computed.
    pub training: Option<(Run, Vec<TrainRecord>)>,
    /// What is said of its trainings, by name, where that was asked for; one alone has an empty name.
    pub diagnoses: Vec<(String, Diagnosis)>,
}

/// Both ends of the spectrum in a plane from a file, which has them beside its losses.
fn map_of_terms(surface: &Surface) -> Option<CurvatureMap> {
    let term = |wanted: &str| surface.terms().iter().position(|term| term.name == wanted);
    let (largest, smallest) = (term("max_eig")?, term("min_eig")?);
    let known = |flat: usize, term: usize| {
        let value = surface.value(flat, Value::Term(term));
        value.filter(|value| value.is_finite())
    };
    let point = |index| {
        Some(CurvaturePoint {
            index,
            lambda_max: known(index, largest)?,
            lambda_min: known(index, smallest)?,
            residual_max: 0.0,
            residual_min: 0.0,
            converged: true,
        })
    };
    let grid = surface.grid();
    let mut map = CurvatureMap::new(grid.clone());
    map.points = (0..grid.len()).map(point).collect();
    (grid.dims() == 2 && map.points.iter().any(Option::is_some)).then_some(map)
}

impl RunContents {
    /// Loads a run by name or number.
    ///
    /// # Errors
    /// Those of the store, which knows no such run or cannot be read.
    pub fn load(store: &Store, name: &str) -> Result<Self, StudyError> {
        let run = store.find(name)?;
        let training = match training_of(&run, store)? {
            Some(training) => Some((training.clone(), store.records(&training)?)),
            None => None,
        };
        let directions = optional(store.directions_without_tensors(&run))?;
        let surface = optional(store.load_surface(&run))?;
        let map = optional(store.load_curvature_map(&run))?;
        let directions = directions.map_or(Vec::new(), |stored| stored.directions);
        Ok(RunContents {
            paths: store.load_trajectories(&run)?,
            records: store.records(&run)?,
            curvature: store.curvature(&run)?,
            training,
            ..Self::of(run, surface, directions, map)
        })
    }

    /// The landscape in a file, as a run of the file's name that is stored nowhere; with notes, in sentences, about what
    /// was not taken as the file has it.
    ///
    /// # Errors
    /// Another ending than those of landscapes, and what is wrong with the file.
    pub fn read(path: &Path) -> Result<(Self, Vec<String>), StudyError> {
        let format = Format::of_path(path)?;
        let (surface, notes) = read_surface(path, format)?;
        let written = path.metadata().and_then(|data| data.modified());
        let run = Run {
            id: 0,
            name: path_text(Path::new(path.file_name().unwrap_or_default())),
            kind: RunKind::Import,
            identity: String::new(),
            settings: json!({ "format": format.name(), "grid": surface.grid() }),
            provenance: json!({ "file": path_text(path) }),
            created: written.unwrap_or(SystemTime::UNIX_EPOCH),
            finished: None,
            status: Status::Complete,
        };
        Ok((Self::of(run, Some(surface), Vec::new(), None), notes))
    }

    /// A run with its landscape and nothing else yet.
    fn of(
        run: Run,
        surface: Option<Surface>,
        directions: Vec<Direction>,
        map: Option<CurvatureMap>,
    ) -> Self {
        RunContents {
            map: map.or_else(|| surface.as_ref().and_then(map_of_terms)),
            surface,
            directions,
            paths: Vec::new(),
            records: Vec::new(),
            curvature: Vec::new(),
            training: None,
            diagnoses: Vec::new(),
            settings: Settings::of(&run),
            provenance: Provenance::of(&run),
            run,
        }
    }

    /// Adds what its records, paths and landscapes say of its trainings.
    ///
    /// # Errors
    /// Those of the store.
    pub fn diagnose(&mut self, store: &Store) -> Result<(), StudyError> {
        self.diagnoses = diagnoses_of(store, &self.run)?;
        Ok(())
    }

    /// Axes of its landscape; 0 without one.
    pub fn dims(&self) -> usize {
        self.surface
            .as_ref()
            .map_or(0, |surface| surface.grid().dims())
    }

    /// Whether its landscape has a finite loss anywhere.
    pub(super) fn has_losses(&self) -> bool {
        let finite = |surface: &Surface| surface.losses().iter().any(|loss| loss.is_finite());
        self.surface.as_ref().is_some_and(finite)
    }

    /// Whether its path is a curve between two networks, not that of a training.
    pub fn is_curve(&self) -> bool {
        self.settings.is_curve()
    }

    /// Its landscape.
    ///
    /// # Errors
    /// Where it has none.
    pub fn landscape(&self) -> Result<&Surface, StudyError> {
        self.surface.as_ref().ok_or_else(|| self.lacks("landscape"))
    }

    /// The path of that name, or all.
    ///
    /// # Errors
    /// Where it has none, or none of that name.
    pub fn paths_named(&self, name: Option<&str>) -> Result<Vec<&NamedTrajectory>, StudyError> {
        let wanted = |named: &&NamedTrajectory| name.is_none_or(|name| named.label == name);
        let found: Vec<_> = self.paths.iter().filter(wanted).collect();
        match (self.paths.is_empty(), found.is_empty()) {
            (true, _) => Err(self.lacks("path")),
            (false, false) => Ok(found),
            (false, true) => Err(StudyError::UnknownPath {
                run: self.run.name.clone(),
                path: name.unwrap_or_default().to_owned(),
                known: self.paths.iter().map(|path| path.label.clone()).collect(),
            }),
        }
    }

    /// The only path, or the one of that name.
    ///
    /// # Errors
    /// Where it has none, none of that name, or several.
    pub fn path(&self, name: Option<&str>) -> Result<&Trajectory, StudyError> {
        let found = self.paths_named(name)?;
        match found[..] {
            [only] => Ok(&only.trajectory),
            _ => Err(StudyError::SeveralPaths {
                run: self.run.name.clone(),
                paths: found.iter().map(|path| path.label.clone()).collect(),
            }),
        }
    }

    /// The course of its training.
    ///
    /// # Errors
    /// Where it has no records.
    pub fn loss_curve(&self) -> Result<LossCurve, StudyError> {
        loss_curve(&self.run.name, &self.run, &self.records)
    }

    /// It has no such thing.
    fn lacks(&self, what: &'static str) -> StudyError {
        lacks(&self.run, what)
    }
}

/// What the records, paths and landscapes of a run say of its trainings, by name; one alone has an empty name.
///
/// # Errors
/// Those of the store.
pub fn diagnoses_of(store: &Store, run: &Run) -> Result<Vec<(String, Diagnosis)>, StudyError> {
    let found = evidence(store, run)?;
    let told = found.iter().filter(|evidence| !evidence.is_empty());
    let named = told.map(|evidence| (evidence.label.clone(), evidence.diagnose()));
    let mut diagnoses: Vec<(String, Diagnosis)> = named.collect();
    if let [(name, _)] = diagnoses.as_mut_slice() {
        name.clear();
    }
    Ok(diagnoses)
}

/// The course of a training under a name.
pub(super) fn loss_curve(
    name: &str,
    run: &Run,
    records: &[TrainRecord],
) -> Result<LossCurve, StudyError> {
    if records.is_empty() {
        return Err(lacks(run, "records of training"));
    }
    let accuracies: Vec<f64> = records.iter().filter_map(|r| r.accuracy).collect();
    let loss = |record: &TrainRecord| record.loss.unwrap_or(f64::NAN);
    Ok(LossCurve {
        name: name.to_owned(),
        steps: records.iter().map(|r| r.step as f64).collect(),
        losses: records.iter().map(loss).collect(),
        accuracies: match accuracies.len() == records.len() {
            true => accuracies,
            false => Vec::new(),
        },
    })
}

fn lacks(run: &Run, what: &'static str) -> StudyError {
    StudyError::Store(Error::Lacks {
        name: run.name.clone(),
        kind: run.kind.to_string(),
        what,
    })
}

fn optional<T>(found: Result<T, Error>) -> Result<Option<T>, StudyError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::Lacks { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
