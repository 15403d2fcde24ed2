//! What a run has beside points: grid, directions, checkpoints, curvature.

use super::exists;
use super::source::Source;
use crate::connection::Connection;
use crate::error::Error;
use crate::run::{Run, RunKind, Status};
use crate::schema::RUN_TABLES;
use duckdb::params;

/// Tables that are merged in ways of their own, or belong to work under way.
const OWN: &[&str] = &[
    "runs",
    "names",
    "contributions",
    "points",
    "curvature_points",
    "lanczos_states",
    "lanczos_vectors",
    "training_states",
];
/// What a training leaves, which is taken from the one that is farther.
const TRAINING: &[&str] = &["records", "layouts", "deltas", "tensors", "training_states"];

/// The grid and the terms of a run, in words; empty where it has none.
#[derive(Debug)]
pub(super) struct Layout {
    axes: String,
    terms: String,
}

impl Layout {
    /// That of a run by its number, from the tables of axes and of terms or what stands in for them.
    pub(super) fn read(
        conn: &duckdb::Connection,
        [axes, terms]: [&str; 2],
        run: i64,
    ) -> Result<Self, Error> {
        let list = |table: &str, columns: &str| {
            format!(
                "(SELECT coalesce(string_agg(concat_ws(' ', {columns}), ', ' ORDER BY {columns}), '')
                  FROM {table} WHERE run_id = ?1)"
            )
        };
        let (axes, terms) = (
            list(axes, "axis, min, max, count"),
            list(terms, "term, name, weight"),
        );
        let read = conn.query_row(&format!("SELECT {axes}, {terms}"), params![run], |row| {
            Ok(Layout {
                axes: row.get(0)?,
                terms: row.get(1)?,
            })
        });
        Ok(read?)
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.axes.is_empty()
    }

    /// Checks that a source has the same, where both have one.
    pub(super) fn check(&self, theirs: Layout, run: &Run) -> Result<(), Error> {
        if self.is_empty() || theirs.is_empty() {
            return Ok(());
        }
        for (stored, asked) in [(&self.axes, theirs.axes), (&self.terms, theirs.terms)] {
            if *stored != asked {
                return Err(Error::OtherGrid {
                    name: run.name.clone(),
                    stored: stored.clone(),
                    asked,
                });
            }
        }
        Ok(())
    }
}

/// Whether all that a run has beside points came in one transaction with its grid, so that nothing is to be copied any more.
pub(super) fn is_copied(run: &Run, ours: &Layout) -> bool {
    let landscape = matches!(
        run.kind,
        RunKind::Line | RunKind::Surface | RunKind::Volume | RunKind::Import
    );
    landscape && !ours.is_empty()
}

/// Copies what the run lacks; of a training all of it, where the source is farther.
pub(super) fn copy(source: &Source<'_>, run: &Run, theirs: &Run) -> Result<(), Error> {
    let conn = source.conn;
    if matches!(run.kind, RunKind::Train | RunKind::Curve) {
        return match is_farther(source, run, theirs)? {
            true => { TRAINING.iter() }.try_for_each(|table| {
                conn.execute(
                    &format!("DELETE FROM {table} WHERE run_id = ?"),
                    params![run.id],
                )?;
                copy_table(source, table, run.id, theirs.id)
            }),
            false => Ok(()),
        };
    }
    for table in RUN_TABLES.iter().filter(|table| !OWN.contains(table)) {
        if !exists(conn, table, run.id)? {
            copy_table(source, table, run.id, theirs.id)?;
        }
    }
    fill_paths(source, run, theirs)
}

/// Columns by their names: files that were brought up to date have them in another order.
fn copy_table(source: &Source<'_>, table: &str, to: i64, from: i64) -> Result<(), Error> {
    source.conn.execute(
        &format!(
            "INSERT INTO {table} BY NAME SELECT * REPLACE (?::BIGINT AS run_id) FROM {} WHERE run_id = ?",
            source.table(table)
        ),
        params![to, from],
    )?;
    Ok(())
}

/// Whether a training went farther in the source.
fn is_farther(source: &Source<'_>, run: &Run, theirs: &Run) -> Result<bool, Error> {
    let status: String = source.conn.query_row(
        "SELECT status::VARCHAR FROM runs WHERE run_id = ?",
        params![run.id],
        |row| row.get(0),
    )?;
    let steps = |table: &str, run: i64| -> Result<Option<u64>, Error> {
        let last = format!("SELECT max(step) FROM {table} WHERE run_id = ?");
        Ok(source
            .conn
            .query_row(&last, params![run], |row| row.get(0))?)
    };
    let ours = steps("records", run.id)?.max(steps("tensors", run.id)?);
    let other = |table: &str| steps(&source.table(table), theirs.id);
    let other = other("records")?.max(other("tensors")?);
    let complete = Status::Complete;
    Ok(
        match (status == complete.name(), theirs.status == complete) {
            (true, _) => false,
            (false, true) => true,
            (false, false) => other > ours,
        },
    )
}

/// Losses of checkpoints that the run's paths lack, and the source has.
fn fill_paths(source: &Source<'_>, run: &Run, theirs: &Run) -> Result<(), Error> {
    source.conn.execute(
        &format!(
            "UPDATE trajectory_points SET loss = coalesce(trajectory_points.loss, s.loss),
                    plane_loss = coalesce(trajectory_points.plane_loss, s.plane_loss)
             FROM {} s
             WHERE trajectory_points.run_id = ? AND s.run_id = ? AND s.label = trajectory_points.label
                   AND s.ordinal = trajectory_points.ordinal
                   AND (trajectory_points.loss IS NULL AND s.loss IS NOT NULL
                        OR trajectory_points.plane_loss IS NULL AND s.plane_loss IS NOT NULL)",
            source.table("trajectory_points")
        ),
        params![run.id, theirs.id],
    )?;
    Ok(())
}

/// Whether every checkpoint of the paths of a run has its losses; true where it has no path.
pub(super) fn paths_are_whole(conn: &Connection, run: &Run) -> Result<bool, Error> {
    let lacking = "trajectory_points WHERE run_id = ? AND (loss IS NULL OR plane_loss IS NULL)";
    Ok(!crate::store::runs::any(conn, lacking, params![run.id])?)
}
