//! Everything of a run that can be drawn.

use crate::error::CliError;
use landscape_core::{Direction, Surface, Trajectory};
use landscape_plot::{LossCurve, PathOnPlane};
use landscape_storage::{Curvature, CurvatureMap, Error, NamedTrajectory, Run, Store, TrainRecord};

/// A run and all of it that can be drawn.
pub struct Stored {
    pub run: Run,
    pub surface: Option<Surface>,
    pub directions: Vec<Direction>,
    pub paths: Vec<NamedTrajectory>,
    pub records: Vec<TrainRecord>,
    /// One for each set of parameters.
    pub curvature: Vec<Curvature>,
    pub map: Option<CurvatureMap>,
}

impl Stored {
    /// Reads a run.
    pub fn load(store: &Store, name: &str) -> Result<Self, CliError> {
        let run = store.find(name)?;
        let directions = optional(store.directions(&run))?;
        Ok(Stored {
            surface: optional(store.load_surface(&run))?,
            directions: directions.map_or(Vec::new(), |stored| stored.directions),
            paths: store.load_trajectories(&run)?,
            records: store.records(&run)?,
            curvature: store.curvature(&run)?,
            map: optional(store.load_curvature_map(&run))?,
            run,
        })
    }

    /// The first path.
    pub fn path(&self) -> Result<&Trajectory, CliError> {
        let first = self.paths.first().map(|named| &named.trajectory);
        first.ok_or_else(|| self.lacks("path"))
    }

    /// Whether the path is a curve between two networks, not the path of a training.
    pub fn is_curve(&self) -> bool {
        self.run.settings.get("curve").is_some()
    }

    /// All paths by their names.
    pub fn named_paths(&self) -> Vec<PathOnPlane<'_>> {
        fn one(named: &NamedTrajectory) -> PathOnPlane<'_> {
            PathOnPlane {
                name: &named.label,
                trajectory: &named.trajectory,
            }
        }
        self.paths.iter().map(one).collect()
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
