//! Points of a grid: those that are new are stored, those that are known are compared.

use super::source::Source;
use crate::connection::Connection;
use crate::disagreement::Disagreement;
use crate::error::Error;
use crate::run::{Run, RunKind};
use crate::store::surface;
use duckdb::params;
use std::path::PathBuf;

/// Differences that are rounding, however small a loss is: sums in f32 cancel.
const ROUNDING: f64 = 1e-6;
/// How far eigenvalues of two machines may lie apart, as a share of the larger one, beside their residuals.
const EIGENVALUES: f64 = 1e-2;

/// The points of a kind of run: its table, and which of its values are compared.
pub(super) struct PointTable {
    name: &'static str,
    /// Values beside indices and coordinates.
    values: &'static str,
    is_map: bool,
    tolerance: f64,
}

const PLACE: &str = "i, j, k, alpha, beta, gamma";

impl PointTable {
    pub(super) fn of(run: &Run) -> Self {
        match run.kind {
            RunKind::Hessian => PointTable {
                name: "curvature_points",
                values: "lambda_max, lambda_min, residual_max, residual_min, converged",
                is_map: true,
                tolerance: EIGENVALUES,
            },
            _ => PointTable {
                name: "points",
                values: "loss, loss_se, accuracy, terms, interpolated",
                is_map: false,
                tolerance: run.tolerance(),
            },
        }
    }

    /// A table in memory for the points that are read.
    pub(super) fn prepare(&self, conn: &Connection) -> Result<(), Error> {
        Ok(conn.execute_batch(&format!(
            "CREATE OR REPLACE TEMP TABLE merging AS
             SELECT 0::INTEGER AS source, {PLACE}, {} FROM {} WHERE false",
            self.values, self.name
        ))?)
    }

    /// Reads the points of a source, or so many parts of the first axis, one at a time.
    pub(super) fn stage(
        &self,
        source: &Source<'_>,
        theirs: &Run,
        place: usize,
        (slice, slices): (u64, u64),
    ) -> Result<(), Error> {
        let part = part((slice, slices));
        source.conn.execute(
            &format!(
                "INSERT INTO temp.merging SELECT {place}, {PLACE}, {} FROM {} WHERE run_id = ?{part}",
                self.values,
                source.table(self.name)
            ),
            params![theirs.id],
        )?;
        Ok(())
    }

    /// Stores the points that are new, and gives how many were of each source.
    pub(super) fn store(
        &self,
        conn: &Connection,
        run: &Run,
        sources: usize,
        slice: (u64, u64),
    ) -> Result<Vec<usize>, Error> {
        let staged: u64 =
            conn.query_row("SELECT count(*) FROM temp.merging", [], |row| row.get(0))?;
        let mut new = vec![0; sources];
        if staged == 0 {
            return Ok(new);
        }
        self.check_places(conn, run)?;
        if !self.is_map {
            make_room(conn, run)?;
        }
        conn.execute_batch(&format!(
            "CREATE OR REPLACE TEMP TABLE fresh AS
             SELECT m.* FROM temp.merging m
             ANTI JOIN (SELECT i, j, k FROM {} WHERE run_id = {}{}) p ON m.i = p.i AND m.j = p.j AND m.k = p.k",
            self.name, run.id, part(slice)
        ))?;
        let rows = match self.has_twins(conn)? {
            false => "temp.fresh".to_owned(),
            true => format!(
                "(SELECT * FROM temp.fresh QUALIFY row_number() OVER (PARTITION BY i, j, k ORDER BY {}source) = 1)",
                if self.is_map { "" } else { "interpolated, " }
            ),
        };
        let mut added = 0;
        let counts = format!("SELECT source, count(*) FROM {rows} GROUP BY source");
        let mut statement = conn.prepare(&counts)?;
        let mut counted = statement.query([])?;
        while let Some(row) = counted.next()? {
            let (place, count): (usize, usize) = (row.get(0)?, row.get(1)?);
            new[place] = count;
            added += count as u64;
        }
        conn.execute(
            &format!(
                "INSERT INTO {} SELECT {}, {PLACE}, {} FROM {rows}",
                self.name, run.id, self.values
            ),
            [],
        )?;
        if added < staged {
            self.compare(conn, run)?;
        }
        Ok(new)
    }

    fn has_twins(&self, conn: &Connection) -> Result<bool, Error> {
        Ok(conn.query_row(
            "SELECT count(*) > count(DISTINCT (i, j, k)) FROM temp.fresh",
            [],
            |row| row.get(0),
        )?)
    }

    /// Checks that all points lie on the grid of the run.
    fn check_places(&self, conn: &Connection, run: &Run) -> Result<(), Error> {
        let (grid, _) = surface::layout(conn, run)?;
        let mut shape = grid.shape();
        shape.resize(3, 1);
        let outside: Option<i32> = conn.query_row(
            &format!(
                "SELECT min(source) FROM temp.merging
                 WHERE i < 0 OR j < 0 OR k < 0 OR i >= {} OR j >= {} OR k >= {}",
                shape[0], shape[1], shape[2]
            ),
            [],
            |row| row.get(0),
        )?;
        match outside {
            None => Ok(()),
            Some(_) => Err(Error::damaged(format!(
                "run `{}` has a point outside its grid in what is merged",
                run.name
            ))),
        }
    }

    /// Compares what was read with what is stored.
    fn compare(&self, conn: &Connection, run: &Run) -> Result<(), Error> {
        for (what, value, extra) in self.compared(conn, run)? {
            let differ = format!(
                "(p.{value} IS DISTINCT FROM m.{value}) AND NOT coalesce(isfinite(p.{value}) AND isfinite(m.{value}) AND
                 abs(p.{value} / 2 - m.{value} / 2) <= {} * greatest(abs(p.{value}), abs(m.{value})) + {ROUNDING} / 2{extra}, false)",
                self.tolerance / 2.0
            );
            let measured = if self.is_map {
                ""
            } else {
                "AND NOT m.interpolated AND NOT p.interpolated"
            };
            let mut statement = conn.prepare(&format!(
                "SELECT m.source, m.i, m.j, m.k, p.{value}, m.{value}, count(*) OVER ()
                 FROM temp.merging m JOIN {} p ON p.run_id = {} AND p.i = m.i AND p.j = m.j AND p.k = m.k
                 WHERE {differ} {measured}
                 ORDER BY m.source, m.i, m.j, m.k LIMIT 1",
                self.name, run.id
            ))?;
            let mut rows = statement.query([])?;
            if let Some(row) = rows.next()? {
                let number = |place: usize| row.get::<_, Option<f64>>(place);
                return Err(Error::PointsDisagree(Box::new(Disagreement {
                    run: run.name.clone(),
                    what,
                    source: row.get(0)?,
                    indices: [row.get(1)?, row.get(2)?, row.get(3)?],
                    stored: number(4)?.unwrap_or(f64::NAN),
                    found: number(5)?.unwrap_or(f64::NAN),
                    points: row.get(6)?,
                    path: PathBuf::new(),
                    shard: None,
                    theirs: Vec::new(),
                    ours: Vec::new(),
                })));
            }
        }
        Ok(())
    }

    /// What is compared: its name, how SQL has it, and what beside the tolerance it may differ by.
    fn compared(
        &self,
        conn: &Connection,
        run: &Run,
    ) -> Result<Vec<(String, String, &'static str)>, Error> {
        if self.is_map {
            let one = |value: &str, extra| (value.to_owned(), value.to_owned(), extra);
            return Ok(vec![
                one("lambda_max", " + p.residual_max + m.residual_max"),
                one("lambda_min", " + p.residual_min + m.residual_min"),
            ]);
        }
        let (_, terms) = surface::layout(conn, run)?;
        let term = |(place, term): (usize, &landscape_core::Term)| {
            (
                format!("term {}", term.name),
                format!("terms[{}]", place + 1),
                "",
            )
        };
        let terms = terms.iter().enumerate().map(term);
        let loss = ("loss".to_owned(), "loss".to_owned(), "");
        Ok(std::iter::once(loss).chain(terms).collect())
    }
}

/// One of so many parts of the points, by the first axis.
fn part((slice, slices): (u64, u64)) -> String {
    match slices {
        1 => String::new(),
        _ => format!(" AND i % {slices} = {slice}"),
    }
}

/// Points that are interpolated here make room for those that were measured there.
fn make_room(conn: &Connection, run: &Run) -> Result<(), Error> {
    if crate::store::runs::any(
        conn,
        "points WHERE run_id = ? AND interpolated",
        params![run.id],
    )? {
        conn.execute(
            "DELETE FROM points p USING temp.merging s
             WHERE p.run_id = ? AND p.interpolated AND NOT s.interpolated AND s.i = p.i AND s.j = p.j AND s.k = p.k",
            params![run.id],
        )?;
    }
    Ok(())
}
