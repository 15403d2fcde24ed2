//! Everything of a run that can be drawn.

use crate::error::CliError;
use landscape_core::{Diagnosis, Direction, Surface, Trajectory};
use landscape_plot::LossCurve;
use landscape_storage::{Curvature, CurvatureMap, Error, NamedTrajectory, Run, Store, TrainRecord};
use landscape_study::diagnose::evidence;
use landscape_study::hessian::training_of;
use landscape_study::record::{Provenance, Settings};

/// A run and all of it that can be drawn.
pub struct Stored {
    pub run: Run,
    pub settings: Settings,
    pub provenance: Provenance,
    pub surface: Option<Surface>,
    pub directions: Vec<Direction>,
    pub paths: Vec<NamedTrajectory>,
    pub records: Vec<TrainRecord>,
    /// One for each set of parameters.
    pub curvature: Vec<Curvature>,
    pub map: Option<CurvatureMap>,
    /// The training along which curvature was computed.
    pub training: Option<(Run, Vec<TrainRecord>)>,
    /// What is said of its trainings, where that was asked for; one alone has no name.
    pub diagnoses: Vec<(String, Diagnosis)>,
}

impl Stored {
    /// Reads a run.
    pub fn load(store: &Store, name: &str) -> Result<Self, CliError> {
        let run = store.find(name)?;
        let training = match training_of(&run, store)? {
            Some(training) => Some((training.clone(), store.records(&training)?)),
            None => None,
        };
        let directions = optional(store.directions_without_tensors(&run))?;
        Ok(Stored {
            surface: optional(store.load_surface(&run))?,
            directions: directions.map_or(Vec::new(), |stored| stored.directions),
            paths: store.load_trajectories(&run)?,
            records: store.records(&run)?,
            curvature: store.curvature(&run)?,
            map: optional(store.load_curvature_map(&run))?,
            training,
            diagnoses: Vec::new(),
            settings: Settings::of(&run),
            provenance: Provenance::of(&run),
            run,
        })
    }

    /// Adds what its records, paths and landscape say.
    pub fn diagnose(&mut self, store: &Store) -> Result<(), CliError> {
        let found = evidence(store, &self.run)?;
        let told = found.iter().filter(|evidence| !evidence.is_empty());
        let named = told.map(|evidence| (evidence.label.clone(), evidence.diagnose()));
        self.diagnoses = named.collect();
        if let [(name, _)] = self.diagnoses.as_mut_slice() {
            name.clear();
        }
        Ok(())
    }

    /// The path of that name, or all.
    pub fn chosen(&self, name: Option<&str>) -> Result<Vec<&NamedTrajectory>, CliError> {
        let wanted = |named: &&NamedTrajectory| name.is_none_or(|name| named.label == name);
        let found: Vec<_> = self.paths.iter().filter(wanted).collect();
        match (self.paths.is_empty(), found.is_empty()) {
            (true, _) => Err(self.lacks("path")),
            (false, false) => Ok(found),
            (false, true) => {
                let labels: Vec<&str> = self.paths.iter().map(|p| p.label.as_str()).collect();
                Err(CliError::Conflict {
                    what: format!(
                        "run `{}` has no path `{}`",
                        self.run.name,
                        name.unwrap_or_default()
                    ),
                    remedy: format!("give one of: {}", labels.join(", ")),
                })
            }
        }
    }

    /// The only path, or the one of that name.
    pub fn path(&self, name: Option<&str>) -> Result<&Trajectory, CliError> {
        let found = self.chosen(name)?;
        match found[..] {
            [only] => Ok(&only.trajectory),
            _ => Err(CliError::Conflict {
                what: format!(
                    "run `{}` has {} paths, and this figure shows one",
                    self.run.name,
                    found.len()
                ),
                remedy: format!("choose it, for example --path {}", found[0].label),
            }),
        }
    }

    /// Whether the path is a curve between two networks, not the path of a training.
    pub fn is_curve(&self) -> bool {
        self.settings.is_curve()
    }

    /// The course of training.
    pub fn curve(&self) -> Result<LossCurve, CliError> {
        if self.records.is_empty() {
            return Err(self.lacks("records of training"));
        }
        let accuracies: Vec<f64> = self.records.iter().filter_map(|r| r.accuracy).collect();
        Ok(LossCurve {
            name: self.run.name.clone(),
            steps: self.records.iter().map(|r| r.step as f64).collect(),
            losses: self
                .records
                .iter()
                .map(|r| r.loss.unwrap_or(f64::NAN))
                .collect(),
            accuracies: match accuracies.len() == self.records.len() {
                true => accuracies,
                false => Vec::new(),
            },
        })
    }

    /// It has no such thing.
    pub fn lacks(&self, what: &'static str) -> CliError {
        Error::Lacks {
            name: self.run.name.clone(),
            kind: self.run.kind.to_string(),
            what,
        }
        .into()
    }
}

fn optional<T>(found: Result<T, Error>) -> Result<Option<T>, CliError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::Lacks { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
