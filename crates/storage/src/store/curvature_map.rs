//! Curvature over a grid: the largest and the smallest eigenvalue at every point.

use super::{Store, lacks, surface};
use crate::connection::Connection;
use crate::curvature::{CurvatureMap, CurvaturePoint};
use crate::error::Error;
use crate::run::{Run, RunKind, RunSpec};
use duckdb::{Row, params};
use landscape_core::{Grid, Plane, SurfaceError};

impl Store {
    /// Begins or continues a run with a map of curvature, see [`Store::begin`], and gives all of it
    /// that is stored. The grid and, where given, the plane are kept in the same transaction, and the
    /// plane belongs to the identity, see [`Store::begin_surface`]. No stored point is measured again: what
    /// the curvature is of, data and loss, has to be in the settings.
    ///
    /// # Errors
    /// As [`Store::begin`], [`Store::put_grid`] and [`Store::put_plane`].
    pub fn begin_curvature_map(
        &self,
        spec: &RunSpec,
        grid: &Grid,
        plane: Option<&Plane>,
    ) -> Result<(Run, CurvatureMap), Error> {
        spec.check()?;
        self.write(|conn| {
            let run = self.begin_on(conn, spec, plane)?;
            surface::put_grid(conn, &run, grid, &[])?;
            if let Some(plane) = plane {
                super::directions::put_plane(conn, &run, plane)?;
            }
            let map = load(conn, &run)?;
            Ok((run, map))
        })
    }

    /// Adds points to a map, in one transaction. Points that are stored stay as they are. Returns
    /// how many were new.
    ///
    /// # Errors
    /// When the run has no grid or a point is not on it; [`Error::Gone`] when the run was removed.
    pub fn append_curvature(&self, run: &Run, points: &[CurvaturePoint]) -> Result<usize, Error> {
        if points.is_empty() {
            return Ok(0);
        }
        self.write(|conn| {
            self.still_there(conn, run)?;
            if let Some(session) = self.file.session(run.id) {
                super::sessions::add(conn, run, &session)?;
            }
            add(conn, run, points)
        })
    }

    /// The map of a run, with the points that are stored so far.
    ///
    /// # Errors
    /// [`Error::Lacks`] when the run is not of the kind [`RunKind::Hessian`] or has no grid.
    pub fn load_curvature_map(&self, run: &Run) -> Result<CurvatureMap, Error> {
        let missing = || lacks(run, "map of curvature");
        if run.kind != RunKind::Hessian {
            return Err(missing());
        }
        let map = self.read_of(run, |conn| load(conn, run));
        map.map_err(|error| match error {
            Error::Lacks { .. } => missing(),
            other => other,
        })
    }
}

/// Adds points to a map, see [`Store::append_curvature`].
pub(super) fn add(conn: &Connection, run: &Run, points: &[CurvaturePoint]) -> Result<usize, Error> {
    if points.is_empty() {
        return Ok(0);
    }
    let mut map = load(conn, run)?;
    let len = map.grid.len();
    let mut new = Vec::with_capacity(points.len());
    for point in points {
        let index = point.index;
        let place = map.points.get_mut(index);
        let place = place.ok_or(SurfaceError::Index { index, len })?;
        if place.is_none() {
            *place = Some(*point);
            new.push(*point);
        }
    }
    append(conn, run, &map.grid, &new)?;
    Ok(new.len())
}

fn append(
    conn: &Connection,
    run: &Run,
    grid: &Grid,
    points: &[CurvaturePoint],
) -> Result<(), Error> {
    let dims = grid.dims();
    let mut appender = conn.appender("curvature_points")?;
    for p in points {
        let [i, j, k] = grid.unravel(p.index).map(|index| index as i32);
        let at = grid.point(p.index);
        let [beta, gamma] = [1, 2].map(|axis| (axis < dims).then(|| at[axis]));
        appender.append_row(params![
            run.id,
            i,
            j,
            k,
            at[0],
            beta,
            gamma,
            p.lambda_max,
            p.lambda_min,
            p.residual_max,
            p.residual_min,
            p.converged
        ])?;
    }
    Ok(appender.flush()?)
}

fn load(conn: &Connection, run: &Run) -> Result<CurvatureMap, Error> {
    let (grid, _) = surface::layout(conn, run)?;
    let mut map = CurvatureMap::new(grid);
    let mut statement = conn.prepare(
        "SELECT i, j, k, lambda_max, lambda_min, residual_max, residual_min, converged
         FROM curvature_points WHERE run_id = ?",
    )?;
    let mut rows = statement.query(params![run.id])?;
    while let Some(row) = rows.next()? {
        let point = point(row, &map.grid, run)?;
        map.points[point.index] = Some(point);
    }
    Ok(map)
}

fn point(row: &Row<'_>, grid: &Grid, run: &Run) -> Result<CurvaturePoint, Error> {
    let index = |place: usize| -> Result<usize, Error> {
        Ok(usize::try_from(row.get::<_, i32>(place)?).unwrap_or(usize::MAX))
    };
    let indices = [index(0)?, index(1)?, index(2)?];
    let index = grid.index(indices).ok_or_else(|| {
        let name = &run.name;
        Error::damaged(format!(
            "run `{name}` has a point {indices:?} outside its grid"
        ))
    })?;
    Ok(CurvaturePoint {
        index,
        lambda_max: row.get(3)?,
        lambda_min: row.get(4)?,
        residual_max: row.get(5)?,
        residual_min: row.get(6)?,
        converged: row.get(7)?,
    })
}
