//! Paths projected on the plane of a run.

use super::directions::{list, parse_list};
use super::{Store, lacks};
use crate::change::Change;
use crate::connection::Connection;
use crate::error::Error;
use crate::run::Run;
use duckdb::params;
use landscape_core::{Trajectory, TrajectoryPoint};

/// A projected path and whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTrajectory {
    /// What the path is called, usually the name of the run that was trained.
    pub label: String,
    /// The path.
    pub trajectory: Trajectory,
}

impl Store {
    /// Keeps a path under a label; one of that label in the run is replaced.
    ///
    /// # Errors
    /// [`Error::Gone`] when the run was removed.
    pub fn put_trajectory(
        &self,
        run: &Run,
        label: &str,
        trajectory: &Trajectory,
    ) -> Result<(), Error> {
        let trajectory = Box::new(trajectory.clone());
        self.keep_now(run, vec![Change::Trajectory(label.to_owned(), trajectory)])?;
        Ok(())
    }

    /// All paths of a run, in the order of their labels. Empty where there are none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn load_trajectories(&self, run: &Run) -> Result<Vec<NamedTrajectory>, Error> {
        self.read_of(run, |conn| {
            let mut statement = conn.prepare(
                "SELECT label, projection, explained_variance FROM trajectories
                 WHERE run_id = ? ORDER BY label",
            )?;
            let mut rows = statement.query(params![run.id])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let label: String = row.get(0)?;
                let projection: String = row.get(1)?;
                let trajectory = Trajectory {
                    points: points(conn, run, &label)?,
                    explained_variance: parse_list(row.get(2)?)?,
                    projection: projection.parse()?,
                };
                found.push(NamedTrajectory { label, trajectory });
            }
            Ok(found)
        })
    }

    /// The path of a run that has one, the first by label where it has several.
    ///
    /// # Errors
    /// [`Error::Lacks`] when it has none.
    pub fn load_trajectory(&self, run: &Run) -> Result<Trajectory, Error> {
        let mut paths = self.load_trajectories(run)?.into_iter();
        let first = paths.next().ok_or_else(|| lacks(run, "trajectory"))?;
        Ok(first.trajectory)
    }
}

pub(super) fn put(
    conn: &Connection,
    run: &Run,
    label: &str,
    trajectory: &Trajectory,
) -> Result<(), Error> {
    for table in ["trajectories", "trajectory_points"] {
        conn.execute(
            &format!("DELETE FROM {table} WHERE run_id = ? AND label = ?"),
            params![run.id, label],
        )?;
    }
    conn.execute(
        "INSERT INTO trajectories VALUES (?, ?, ?, CAST(?::VARCHAR AS DOUBLE[]))",
        params![
            run.id,
            label,
            trajectory.projection.name(),
            list(&trajectory.explained_variance)
        ],
    )?;
    let mut appender = conn.appender("trajectory_points")?;
    for (ordinal, point) in trajectory.points.iter().enumerate() {
        let [x, y, z] = point.coords;
        appender.append_row(params![
            run.id,
            label,
            ordinal as i32,
            point.step,
            x,
            y,
            z,
            point.residual,
            point.loss,
            point.plane_loss
        ])?;
    }
    Ok(appender.flush()?)
}

fn points(conn: &Connection, run: &Run, label: &str) -> Result<Vec<TrajectoryPoint>, Error> {
    let mut statement = conn.prepare(
        "SELECT step, x, y, z, residual, loss, plane_loss FROM trajectory_points
         WHERE run_id = ? AND label = ? ORDER BY ordinal",
    )?;
    let points = statement.query_map(params![run.id, label], |row| {
        Ok(TrajectoryPoint {
            step: row.get(0)?,
            coords: [row.get(1)?, row.get(2)?, row.get(3)?],
            residual: row.get(4)?,
            loss: row.get(5)?,
            plane_loss: row.get(6)?,
        })
    })?;
    Ok(points.collect::<Result<_, _>>()?)
}
