//! Grids and points.

use super::Store;
use super::columns::{self, PointColumns};
use crate::connection::Connection;
use crate::error::Error;
use crate::run::{Run, RunKind, RunSpec};
use crate::schema::COORDINATES;
use duckdb::params;
use landscape_core::{Axis, Grid, Measured, Plane, PointSource, Surface, Term};
use std::collections::HashSet;

impl Store {
    /// Begins or continues a run with a landscape, see [`Store::begin`], and gives all of it that is
    /// stored: grid, terms and, where given, the plane are kept in the same transaction.
    ///
    /// The digest of the plane, its origin and its directions, becomes one of the settings (unless
    /// [`RunSpec::determined`] says that they have what it stands for): another network is another run. A
    /// [`crate::StoreObserver`] measures one of the stored points again when the sampler begins, so
    /// that other data, another loss, or another network where there is no plane, are an error.
    ///
    /// # Errors
    /// As [`Store::begin`], [`Store::put_grid`] and [`Store::put_plane`].
    pub fn begin_surface(
        &self,
        spec: &RunSpec,
        grid: &Grid,
        terms: &[Term],
        plane: Option<&Plane>,
    ) -> Result<(Run, Surface), Error> {
        spec.check()?;
        self.write(|conn| {
            let run = self.begin_on(conn, spec, plane)?;
            put_grid(conn, &run, grid, terms)?;
            if let Some(plane) = plane {
                super::directions::put_plane(conn, &run, plane)?;
            }
            let surface = load(conn, &run)?;
            Ok((run, surface))
        })
    }

    /// Gives a run its grid and the extra terms of its samples. The same again changes nothing.
    ///
    /// # Errors
    /// [`Error::OtherGrid`] when the run has another grid or other terms,
    /// [`Error::DuplicateTerm`] when two terms have one name.
    pub fn put_grid(&self, run: &Run, grid: &Grid, terms: &[Term]) -> Result<(), Error> {
        self.write(|conn| {
            self.still_there(conn, run)?;
            put_grid(conn, run, grid, terms)
        })
    }

    /// Adds measured points to a run, in one transaction. Points that are stored as measured stay as
    /// they are; interpolated ones make room. Returns how many were new.
    ///
    /// # Errors
    /// When the run has no grid, a point is not on it, or a sample has another number of terms;
    /// [`Error::Gone`] when the run was removed.
    pub fn append_points(&self, run: &Run, points: &[Measured]) -> Result<usize, Error> {
        self.write(|conn| {
            self.still_there(conn, run)?;
            if let Some(session) = self.file.session(run.id) {
                super::sessions::add(conn, run, &session)?;
            }
            add(conn, run, points, PointSource::Measured)
        })
    }

    /// The landscape of a run, with the points that are stored so far.
    ///
    /// # Errors
    /// [`Error::Lacks`] when the run has no grid, or that of a map of curvature.
    pub fn load_surface(&self, run: &Run) -> Result<Surface, Error> {
        if run.kind == RunKind::Hessian {
            return Err(super::lacks(run, "landscape"));
        }
        self.read_of(run, |conn| load(conn, run))
    }
}

pub(super) fn put_grid(
    conn: &Connection,
    run: &Run,
    grid: &Grid,
    terms: &[Term],
) -> Result<(), Error> {
    let mut names = HashSet::new();
    if let Some(term) = terms.iter().find(|term| !names.insert(&term.name)) {
        return Err(Error::DuplicateTerm {
            name: term.name.clone(),
        });
    }
    if let Some((stored, stored_terms)) = stored_layout(conn, run)? {
        if &stored == grid && stored_terms == terms {
            return Ok(());
        }
        return Err(Error::OtherGrid {
            name: run.name.clone(),
            stored: describe(&stored, &stored_terms),
            asked: describe(grid, terms),
        });
    }
    let mut axes = conn.prepare("INSERT INTO axes VALUES (?, ?, ?, ?, ?, ?)")?;
    for (place, axis) in grid.axes().iter().enumerate() {
        let name = COORDINATES[place];
        axes.execute(params![
            run.id,
            place as i32 + 1,
            name,
            axis.min(),
            axis.max(),
            axis.count() as u64
        ])?;
    }
    for (place, term) in terms.iter().enumerate() {
        conn.execute(
            "INSERT INTO terms VALUES (?, ?, ?, ?)",
            params![run.id, place as i32 + 1, term.name, term.weight],
        )?;
    }
    Ok(())
}

fn describe(grid: &Grid, terms: &[Term]) -> String {
    let axis = |a: &Axis| format!("{} in {}:{}", a.count(), a.min(), a.max());
    let axes: Vec<String> = grid.axes().iter().map(axis).collect();
    let names: Vec<&str> = terms.iter().map(|term| term.name.as_str()).collect();
    let mut text = axes.join(" x ");
    if !names.is_empty() {
        text.push_str(&format!(" with the terms {}", names.join(", ")));
    }
    text
}

fn stored_layout(conn: &Connection, run: &Run) -> Result<Option<(Grid, Vec<Term>)>, Error> {
    let mut statement =
        conn.prepare("SELECT min, max, count FROM axes WHERE run_id = ? ORDER BY axis")?;
    let axes: Vec<(f64, f64, usize)> = statement
        .query_map(params![run.id], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect::<Result<_, _>>()?;
    if axes.is_empty() {
        return Ok(None);
    }
    let mut statement =
        conn.prepare("SELECT name, weight FROM terms WHERE run_id = ? ORDER BY term")?;
    let terms = statement
        .query_map(params![run.id], |row| {
            Ok(Term {
                name: row.get(0)?,
                weight: row.get(1)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    let axis = |(min, max, count)| Axis::new(min, max, count);
    let axes = axes.into_iter().map(axis).collect::<Result<_, _>>()?;
    Ok(Some((Grid::new(axes)?, terms)))
}

pub(crate) fn layout(conn: &Connection, run: &Run) -> Result<(Grid, Vec<Term>), Error> {
    stored_layout(conn, run)?.ok_or_else(|| super::lacks(run, "landscape"))
}

/// Adds points to the landscape of a run, see [`Store::append_points`].
pub(super) fn add(
    conn: &Connection,
    run: &Run,
    points: &[Measured],
    source: PointSource,
) -> Result<usize, Error> {
    if points.is_empty() {
        return Ok(0);
    }
    let (grid, terms) = layout(conn, run)?;
    append(conn, run, &grid, terms.len(), points, source)
}

/// Points go into a table in memory first: the appender is fast, but it can neither leave out
/// points that are stored nor write lists.
pub(crate) fn append(
    conn: &Connection,
    run: &Run,
    grid: &Grid,
    terms: usize,
    points: &[Measured],
    source: PointSource,
) -> Result<usize, Error> {
    if points.is_empty() {
        return Ok(0);
    }
    check(grid, terms, points)?;
    conn.execute_batch(&stage_table(terms))?;
    stage(conn, grid, points)?;
    let interpolated = source == PointSource::Interpolated;
    if !interpolated {
        conn.execute(
            "DELETE FROM points p USING staged s
             WHERE p.run_id = ? AND p.interpolated AND s.i = p.i AND s.j = p.j AND s.k = p.k",
            params![run.id],
        )?;
    }
    let values: Vec<String> = (0..terms).map(|place| format!("t{place}")).collect();
    let list = match terms {
        0 => "NULL".to_owned(),
        _ => format!("[{}]", values.join(", ")),
    };
    let added = conn.execute(
        &format!(
            "INSERT INTO points
             SELECT ?, s.i, s.j, s.k, s.alpha, s.beta, s.gamma, s.loss, s.loss_se, s.accuracy,
                    {list}, ?
             FROM staged s ANTI JOIN (SELECT i, j, k FROM points WHERE run_id = ?) p
                  ON s.i = p.i AND s.j = p.j AND s.k = p.k"
        ),
        params![run.id, interpolated, run.id],
    )?;
    conn.execute_batch("DROP TABLE staged")?;
    Ok(added)
}

fn check(grid: &Grid, terms: usize, points: &[Measured]) -> Result<(), Error> {
    let len = grid.len();
    for point in points {
        let index = point.index;
        if index >= len {
            return Err(landscape_core::SurfaceError::Index { index, len }.into());
        }
        let given = point.sample.terms.len();
        if given != terms {
            let expected = terms;
            return Err(landscape_core::SurfaceError::Terms { expected, given }.into());
        }
    }
    Ok(())
}

fn stage_table(terms: usize) -> String {
    let columns: String = (0..terms)
        .map(|place| format!(", t{place} DOUBLE"))
        .collect();
    format!(
        "CREATE OR REPLACE TEMP TABLE staged (i INTEGER, j INTEGER, k INTEGER, alpha DOUBLE, \
         beta DOUBLE, gamma DOUBLE, loss DOUBLE, loss_se DOUBLE, accuracy DOUBLE{columns})"
    )
}

fn stage(conn: &Connection, grid: &Grid, points: &[Measured]) -> Result<(), Error> {
    let mut appender = conn.appender_to_catalog_and_db("staged", "temp", "main")?;
    appender.append_record_batch(columns::of_points(grid, points)?)?;
    // Dropping the appender would swallow an error.
    appender.flush()?;
    Ok(())
}

fn load(conn: &Connection, run: &Run) -> Result<Surface, Error> {
    let (grid, terms) = layout(conn, run)?;
    let count = terms.len();
    let mut surface = Surface::new(grid, terms);
    let extra: String = (1..=count).map(|term| format!(", terms[{term}]")).collect();
    let mut statement = conn.prepare(&format!(
        "SELECT i, j, k, interpolated, loss, loss_se, accuracy{extra} FROM points WHERE run_id = ?"
    ))?;
    for batch in statement.query_arrow(params![run.id])? {
        let points = PointColumns::of(&batch)?;
        for row in 0..batch.num_rows() {
            let indices = points.indices(row);
            let flat = surface.grid().index(indices).ok_or_else(|| {
                let name = &run.name;
                Error::damaged(format!(
                    "run `{name}` has a point {indices:?} outside its grid"
                ))
            })?;
            match points.is_interpolated(row) {
                false => surface.set(flat, points.sample(row)?)?,
                true => surface.set_interpolated(flat, points.sample(row)?)?,
            }
        }
    }
    Ok(surface)
}
