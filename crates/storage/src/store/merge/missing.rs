//! Which points of a run are missing, and who computed the others.

use crate::error::Error;
use crate::run::{Run, RunKind};
use crate::store::{Store, sessions, surface};
use duckdb::params;
use landscape_core::Grid;
use std::time::SystemTime;

/// The points of a grid that are not stored.
#[derive(Debug, Clone, PartialEq)]
pub struct MissingPoints {
    /// The grid.
    pub grid: Grid,
    /// Whether each of its points is missing, by its number in the grid.
    pub is_missing: Vec<bool>,
}

impl MissingPoints {
    /// How many are missing.
    pub fn count(&self) -> usize {
        self.is_missing.iter().filter(|missing| **missing).count()
    }
}

/// What a session computed of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    /// The machine, where it is known.
    pub host: Option<String>,
    /// What it computed on.
    pub device: Option<String>,
    /// The version of the program.
    pub version: Option<String>,
    /// When it began, where that is known.
    pub begun: Option<SystemTime>,
    /// Points of the grid that it stored; nothing without a grid.
    pub points: Option<u64>,
    /// The shards that it computed, where it computed shards.
    pub shard: Option<String>,
}

impl Contribution {
    /// Host and device, in words.
    pub fn place(&self) -> String {
        let known = [self.host.as_deref(), self.device.as_deref()];
        let known: Vec<&str> = known.into_iter().flatten().collect();
        match known.is_empty() {
            true => "unknown".to_owned(),
            false => known.join(", "),
        }
    }
}

impl Store {
    /// Which points of a run's landscape, or of its map of curvature, are not stored, neither measured nor interpolated.
    ///
    /// # Errors
    /// [`Error::Lacks`] where the run has no grid.
    pub fn missing_points(&self, run: &Run) -> Result<MissingPoints, Error> {
        self.read_of(run, |conn| {
            let (grid, _) = surface::layout(conn, run)?;
            let mut is_missing = vec![true; grid.len()];
            let table = match run.kind {
                RunKind::Hessian => "curvature_points",
                _ => "points",
            };
            let mut shape = grid.shape();
            shape.resize(3, 1);
            let mut statement = conn.prepare(&format!(
                "SELECT (i::BIGINT * {} + j) * {} + k FROM {table} WHERE run_id = ?",
                shape[1], shape[2]
            ))?;
            let mut rows = statement.query(params![run.id])?;
            while let Some(row) = rows.next()? {
                let flat = usize::try_from(row.get::<_, i64>(0)?).unwrap_or(usize::MAX);
                if let Some(missing) = is_missing.get_mut(flat) {
                    *missing = false;
                }
            }
            Ok(MissingPoints { grid, is_missing })
        })
    }

    /// The sessions that contributed to a run, in the order in which they began or were merged.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn contributions(&self, run: &Run) -> Result<Vec<Contribution>, Error> {
        self.read(|conn| sessions::contributions(conn, run.id))
    }

    /// Whether every checkpoint of a run's paths has its losses; true where it has no path.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn paths_are_whole(&self, run: &Run) -> Result<bool, Error> {
        self.read(|conn| super::rest::paths_are_whole(conn, run))
    }
}
