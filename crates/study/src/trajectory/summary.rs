//! Measured paths, as programs read them: as JSON, what `landscape trajectory --json` prints, the loss apart.

use super::MeasuredPaths;
use crate::words::{Align, Table, or_dash, percents_in_all};
use landscape_core::json::{float, float_list, float_option};
use landscape_core::{Fidelity, TrajectoryPoint, path_text};
use landscape_storage::NamedTrajectory;
use serde::Serialize;
use std::fmt;

/// Checkpoints of one path that its words show.
const ROWS: usize = 12;

/// Paths on the plane of their principal components.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PathsSummary {
    /// The run.
    pub run: String,
    /// Shares of the variance of all paths together.
    #[serde(with = "float_list")]
    pub explained_variance: Vec<f64>,
    /// The paths.
    pub paths: Vec<PathSummary>,
    /// Their checkpoints, path after path.
    pub points: Vec<PointSummary>,
}

/// A path.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PathSummary {
    /// The training run, or the pattern of the files.
    pub run: String,
    /// Its checkpoints.
    pub checkpoints: usize,
    /// How well the plane stands for it.
    pub fidelity: FidelitySummary,
    /// Where it misleads, in words.
    pub warnings: Vec<String>,
}

/// How well a plane stands for a path.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FidelitySummary {
    /// The share of the variance that it explains.
    #[serde(with = "float_option")]
    pub explained: Option<f64>,
    /// How far its losses are from the true ones.
    #[serde(with = "float_option")]
    pub disagreement: Option<f64>,
    /// Where they are farthest.
    pub worst_step: Option<u64>,
    /// How far the path is from it.
    #[serde(with = "float_option")]
    pub off_plane: Option<f64>,
}

/// A checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PointSummary {
    /// Its path.
    pub run: String,
    /// Its step.
    pub step: u64,
    /// Its first coordinate.
    #[serde(with = "float")]
    pub x: f64,
    /// Its second coordinate.
    #[serde(with = "float")]
    pub y: f64,
    /// Its third coordinate, of three components.
    #[serde(with = "float_option", skip_serializing_if = "Option::is_none")]
    pub z: Option<f64>,
    /// Its distance from the plane.
    #[serde(with = "float")]
    pub residual: f64,
    /// Its true loss.
    #[serde(with = "float_option")]
    pub loss: Option<f64>,
    /// The loss at its projection.
    #[serde(with = "float_option")]
    pub plane_loss: Option<f64>,
    /// Its file, as text, where it was read from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

impl MeasuredPaths {
    /// Shares of the variance that the components explain.
    pub fn explained(&self) -> &[f64] {
        let first = self.paths.first();
        first.map_or(&[], |named| &named.trajectory.explained_variance)
    }

    /// Everything that was measured.
    pub fn summary(&self) -> PathsSummary {
        let points = self.paths.iter().flat_map(|named| self.points(named));
        PathsSummary {
            run: self.run.name.clone(),
            explained_variance: self.explained().to_vec(),
            paths: self.paths.iter().map(PathSummary::of).collect(),
            points: points.collect(),
        }
    }

    fn points(&self, named: &NamedTrajectory) -> Vec<PointSummary> {
        let volume = self.explained().len() == 3;
        let point = |(place, point): (usize, &TrajectoryPoint)| PointSummary {
            run: named.label.clone(),
            step: point.step,
            x: point.coords[0],
            y: point.coords[1],
            z: volume.then_some(point.coords[2]),
            residual: point.residual,
            loss: point.loss,
            plane_loss: point.plane_loss,
            file: self.files.get(place).map(|file| path_text(file)),
        };
        let points = named.trajectory.points.iter().enumerate();
        points.map(point).collect()
    }
}

impl PathSummary {
    fn of(named: &NamedTrajectory) -> Self {
        let fidelity = Fidelity::of(&named.trajectory);
        PathSummary {
            run: named.label.clone(),
            checkpoints: named.trajectory.points.len(),
            warnings: fidelity.warnings(),
            fidelity: FidelitySummary {
                explained: fidelity.explained,
                disagreement: fidelity.disagreement,
                worst_step: fidelity.worst_step,
                off_plane: fidelity.off_plane,
            },
        }
    }
}

impl fmt::Display for PathsSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shares = percents_in_all(&self.explained_variance);
        writeln!(f, "{}: variance explained {shares}", self.run)?;
        let mut points = &self.points[..];
        for path in &self.paths {
            let (own, others) = points.split_at(path.checkpoints.min(points.len()));
            points = others;
            write!(f, "\n{}\n{}", path.run, self.table(own))?;
            if path.is_shown_in_part() {
                writeln!(f, "({ROWS} of {} checkpoints shown)", path.checkpoints)?;
            }
        }
        Ok(())
    }
}

impl PathSummary {
    /// Whether its words leave checkpoints out.
    pub fn is_shown_in_part(&self) -> bool {
        self.checkpoints > ROWS
    }
}

impl PathsSummary {
    /// Evenly chosen checkpoints of a path, the first and the last among them.
    fn table(&self, points: &[PointSummary]) -> Table {
        let axes = ["X", "Y", "Z"]
            .into_iter()
            .take(self.explained_variance.len());
        let rest = ["OFF PLANE", "LOSS", "LOSS AT THE PROJECTION"];
        let names = std::iter::once("STEP").chain(axes.clone()).chain(rest);
        let columns = names.map(|name| (name, Align::Right));
        let has_files = points.iter().any(|point| point.file.is_some());
        let file = has_files.then_some(("FILE", Align::Left));
        let shown = points.len().min(ROWS);
        let row = |row: usize| {
            let point = &points[row * (points.len() - 1) / (shown - 1).max(1)];
            let at = [Some(point.x), Some(point.y), point.z];
            let at = at.into_iter().take(axes.len()).map(or_dash);
            let rest = [Some(point.residual), point.loss, point.plane_loss].map(or_dash);
            let cells = std::iter::once(point.step.to_string())
                .chain(at)
                .chain(rest);
            cells.chain(point.file.clone()).collect::<Vec<String>>()
        };
        Table::new(columns.chain(file)).with((0..shown).map(row))
    }
}
