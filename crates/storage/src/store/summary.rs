//! How much runs hold, and their figures.

use super::names;
use crate::error::Error;
use crate::run::{Run, RunFigures, RunSummary};
use duckdb::{Connection, Row};
use std::collections::HashMap;

/// Which runs of a file are asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// All of them: no query has to name them.
    All,
    /// These; of others nothing is read.
    These,
}

/// What is known of the points of a run.
#[derive(Debug, Clone, Copy, Default)]
struct Points {
    count: u64,
    interpolated: u64,
    lowest: Option<f64>,
    accuracy: Option<f64>,
}

/// What is known of the records of a training.
#[derive(Debug, Clone, Copy, Default)]
struct Records {
    count: u64,
    loss: Option<f64>,
    accuracy: Option<f64>,
}

const POINTS: &str = "count(*), count(*) FILTER (interpolated), min(loss) FILTER (isfinite(loss)), \
     arg_min(accuracy, loss) FILTER (isfinite(loss)) FROM points THEIRS";
const RECORDS: &str = "count(*), arg_max(loss, step), arg_max(accuracy, step) FROM records THEIRS";
/// The first of the largest eigenvalues of the whole operator, at the last step.
const EIGENVALUES: &str = "arg_max(value, coalesce(step, 0)) FROM eigenvalues \
     THEIRS AND part = 'all' AND side = 'top' AND rank = 0";
const CHECKPOINTS: &str = "count(DISTINCT step) \
     FROM (SELECT run_id, step FROM tensors THEIRS AND part IN ('checkpoint', 'control-point') UNION ALL \
           SELECT run_id, step FROM deltas THEIRS)";
/// From the shapes: lengths of blobs are known only once they are read.
const BYTES: &str = "coalesce(TRY_CAST(sum(bytes) AS UBIGINT), 0) \
     FROM (SELECT run_id, 4 * list_product(TRY_CAST(shape AS BIGINT[])) AS bytes FROM tensors \
           THEIRS AND part IN ('checkpoint', 'control-point') UNION ALL \
           SELECT run_id, bytes FROM deltas THEIRS)";

/// How much runs hold, and their figures.
pub(super) fn summaries(
    conn: &Connection,
    runs: Vec<Run>,
    of: Of,
) -> Result<Vec<RunSummary>, Error> {
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let theirs = theirs(&runs, of);
    let count = |what: &str| grouped(conn, what, &theirs, |row| row.get(1));
    let points = grouped(conn, POINTS, &theirs, points)?;
    let records = grouped(conn, RECORDS, &theirs, records)?;
    let curved = count("count(*) FROM curvature_points THEIRS")?;
    let curvature = count("count(*) FROM curvature THEIRS")?;
    let trajectories = count("count(*) FROM trajectories THEIRS")?;
    let checkpoints = count(CHECKPOINTS)?;
    let bytes = count(BYTES)?;
    let eigenvalues: HashMap<i64, Option<f64>> =
        grouped(conn, EIGENVALUES, &theirs, |row| row.get(1))?;
    let mut shapes = shapes(conn, &theirs)?;
    let mut all_names = names::of(conn, ["names", "runs"], &theirs)?;
    let summary = |run: Run| {
        let number = |counts: &HashMap<i64, u64>| counts.get(&run.id).copied().unwrap_or(0);
        let points = points.get(&run.id).copied().unwrap_or_default();
        let records = records.get(&run.id).copied().unwrap_or_default();
        let eigenvalue = eigenvalues.get(&run.id).copied().flatten();
        RunSummary {
            names: all_names.remove(&run.id).unwrap_or_default(),
            shape: shapes.remove(&run.id).unwrap_or_default(),
            points: points.count + number(&curved),
            interpolated: points.interpolated,
            records: records.count,
            checkpoints: number(&checkpoints),
            checkpoint_bytes: number(&bytes),
            trajectories: number(&trajectories),
            curvature: number(&curvature),
            figures: figures(points, records, eigenvalue),
            run,
        }
    };
    Ok(runs.into_iter().map(summary).collect())
}

/// The condition that leaves these runs.
fn theirs(runs: &[Run], of: Of) -> String {
    match of {
        Of::All => "WHERE true".to_owned(),
        Of::These => {
            let ids: Vec<String> = runs.iter().map(|run| run.id.to_string()).collect();
            format!("WHERE run_id IN ({})", ids.join(", "))
        }
    }
}

/// One value for each run that has any.
fn grouped<T>(
    conn: &Connection,
    what: &str,
    theirs: &str,
    read: impl Fn(&Row<'_>) -> duckdb::Result<T>,
) -> Result<HashMap<i64, T>, Error> {
    let what = what.replace("THEIRS", theirs);
    let mut statement = conn.prepare(&format!("SELECT run_id, {what} GROUP BY run_id"))?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, read(row)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn points(row: &Row<'_>) -> duckdb::Result<Points> {
    Ok(Points {
        count: row.get(1)?,
        interpolated: row.get(2)?,
        lowest: row.get(3)?,
        accuracy: row.get(4)?,
    })
}

fn records(row: &Row<'_>) -> duckdb::Result<Records> {
    Ok(Records {
        count: row.get(1)?,
        loss: row.get(2)?,
        accuracy: row.get(3)?,
    })
}

/// Those of its training where it has records, else those of its landscape.
fn figures(points: Points, records: Records, eigenvalue: Option<f64>) -> RunFigures {
    let (loss, accuracy) = match records.count {
        0 => (points.lowest, points.accuracy),
        _ => (records.loss, records.accuracy),
    };
    let finite = |figure: Option<f64>| figure.filter(|figure| figure.is_finite());
    RunFigures {
        loss: finite(loss),
        accuracy: finite(accuracy),
        eigenvalue: finite(eigenvalue),
    }
}

/// Numbers of points on the axes of runs.
fn shapes(conn: &Connection, theirs: &str) -> Result<HashMap<i64, Vec<u64>>, Error> {
    let sql = format!("SELECT run_id, count FROM axes {theirs} ORDER BY run_id, axis");
    let mut statement = conn.prepare(&sql)?;
    let mut rows = statement.query([])?;
    let mut shapes: HashMap<i64, Vec<u64>> = HashMap::new();
    while let Some(row) = rows.next()? {
        shapes.entry(row.get(0)?).or_default().push(row.get(1)?);
    }
    Ok(shapes)
}
