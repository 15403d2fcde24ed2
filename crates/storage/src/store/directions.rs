//! Planes: the origin and the directions, with where they come from.

use super::tensors::{self, Part};
use super::{Store, lacks, runs};
use crate::connection::Connection;
use crate::error::Error;
use crate::run::{Run, RunSpec};
use duckdb::params;
use landscape_core::{Direction, Params, Plane, Source};

/// The directions of a run, and what is known about them.
#[derive(Debug, Clone)]
pub struct StoredDirections {
    /// The parameters at the point 0, where they were stored.
    pub origin: Option<Params>,
    /// The directions, in the order of the grid's axes.
    pub directions: Vec<Direction>,
    /// Their norms.
    pub norms: Vec<f64>,
    /// Cosines between all pairs.
    pub cosines: Vec<Vec<f64>>,
}

impl Store {
    /// Keeps the origin and the directions of a run, with norms and cosines. A run that has
    /// directions keeps those: they belong to its identity.
    ///
    /// # Errors
    /// [`Error::Gone`] when the run was removed.
    pub fn put_plane(&self, run: &Run, plane: &Plane) -> Result<(), Error> {
        self.write(|conn| {
            self.still_there(conn, run)?;
            put_plane(conn, run, plane)
        })
    }

    /// As [`Store::put_plane`], without an origin.
    ///
    /// # Errors
    /// As [`Store::put_plane`], and when the directions have different layouts.
    pub fn put_directions(&self, run: &Run, directions: &[Direction]) -> Result<(), Error> {
        let cosines = cosines(directions)?;
        self.write(|conn| {
            self.still_there(conn, run)?;
            put(conn, run, None, directions, &cosines)
        })
    }

    /// The directions of a run.
    ///
    /// # Errors
    /// [`Error::Lacks`] when it has none.
    pub fn directions(&self, run: &Run) -> Result<StoredDirections, Error> {
        self.read_of(run, |conn| load(conn, run))
    }

    /// As [`Store::directions`], with neither origin nor tensors: where the directions come from, how they
    /// are normalised, norms and cosines. Quick also where networks are large.
    ///
    /// # Errors
    /// As [`Store::directions`].
    pub fn directions_without_tensors(&self, run: &Run) -> Result<StoredDirections, Error> {
        self.read(|conn| facts(conn, run))
    }

    /// The plane of a run.
    ///
    /// # Errors
    /// [`Error::Lacks`] when it has no directions, or no origin was stored with them.
    pub fn plane(&self, run: &Run) -> Result<Plane, Error> {
        let stored = self.directions(run)?;
        let origin = stored.origin.ok_or_else(|| lacks(run, "origin"))?;
        Plane::new(origin, stored.directions)
            .map_err(|error| Error::damaged(format!("the plane of `{}`: {error}", run.name)))
            .map_err(|error| error.in_file(self.path()))
    }
}

impl Store {
    /// Begins or continues a run of a plane: its digest is one of the settings.
    pub(super) fn begin_on(
        &self,
        conn: &Connection,
        spec: &RunSpec,
        plane: Option<&Plane>,
    ) -> Result<Run, Error> {
        let Some(plane) = plane.filter(|_| !spec.determined) else {
            return self.begin_in(conn, spec);
        };
        match self.stored_without_digest(conn, spec, plane)? {
            Some(earlier) => self.begin_in(conn, &spec.clone().named(earlier)),
            None => self.begin_in(conn, &spec.of(plane)),
        }
    }

    /// The name of a run of these settings and this plane that was stored when digests were not yet
    /// added to settings.
    fn stored_without_digest(
        &self,
        conn: &Connection,
        spec: &RunSpec,
        plane: &Plane,
    ) -> Result<Option<String>, Error> {
        let found = match &spec.name {
            Some(name) => super::names::by_name(conn, name)?,
            None => runs::by_identity(conn, spec)?,
        };
        let same = |stored: &runs::Stored| stored.run.identity == spec.identity();
        let Some(found) = found.filter(same) else {
            return Ok(None);
        };
        let stored = match load(conn, &found.run) {
            Err(Error::Lacks { .. }) => None,
            other => Some(other?),
        };
        let is_of = |stored: StoredDirections| {
            let origin = stored.origin?;
            Plane::new(origin, stored.directions).ok()
        };
        let same = stored.and_then(is_of).map(|one| one.digest()) == Some(plane.digest());
        Ok(same.then_some(found.run.name))
    }
}

fn cosines(directions: &[Direction]) -> Result<Vec<Vec<f64>>, Error> {
    let cosine = |i: usize, j: usize| -> Result<f64, Error> {
        let (a, b) = (&directions[i].tensors, &directions[j].tensors);
        match i == j {
            true => Ok(1.0),
            false => Ok(match a.norm() * b.norm() {
                // One that moves buffers alone is at right angles to all others.
                0.0 => 0.0,
                norms => a.dot(b)? / norms,
            }),
        }
    };
    let row = |i: usize| (0..directions.len()).map(|j| cosine(i, j)).collect();
    (0..directions.len()).map(row).collect()
}

pub(super) fn put_plane(conn: &Connection, run: &Run, plane: &Plane) -> Result<(), Error> {
    put(
        conn,
        run,
        Some(plane.origin()),
        plane.directions(),
        &plane.cosines(),
    )
}

fn put(
    conn: &Connection,
    run: &Run,
    origin: Option<&Params>,
    directions: &[Direction],
    cosines: &[Vec<f64>],
) -> Result<(), Error> {
    if runs::any(conn, "directions WHERE run_id = ?", params![run.id])? {
        return Ok(());
    }
    tensors::without_merging(conn)?;
    for (place, direction) in directions.iter().enumerate() {
        put_row(conn, run, place + 1, direction, &cosines[place])?;
    }
    let mut appender = tensors::appender(conn)?;
    if let Some(origin) = origin {
        tensors::append(&mut appender, run, Part::Origin, origin)?;
    }
    for (place, direction) in directions.iter().enumerate() {
        let part = Part::Direction(place + 1);
        tensors::append(&mut appender, run, part, &direction.tensors)?;
    }
    Ok(appender.flush()?)
}

fn put_row(
    conn: &Connection,
    run: &Run,
    number: usize,
    direction: &Direction,
    cosines: &[f64],
) -> Result<(), Error> {
    let source = serde_json::to_string(&direction.source)
        .map_err(|error| Error::damaged(format!("the source of direction {number}: {error}")))?;
    let seed = match direction.source {
        Source::Random { seed, .. } => Some(seed),
        _ => None,
    };
    conn.execute(
        "INSERT INTO directions VALUES (?, ?, ?, ?, ?, ?, ?, CAST(?::VARCHAR AS DOUBLE[]))",
        params![
            run.id,
            number as i32,
            source,
            seed,
            direction.normalization.name(),
            direction.bias.name(),
            direction.norm(),
            list(cosines),
        ],
    )?;
    Ok(())
}

/// Numbers as DuckDB reads a list of them, every bit kept.
pub(super) fn list(values: &[f64]) -> String {
    let words: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
    format!("[{}]", words.join(", "))
}

/// A list of numbers as DuckDB gives it.
pub(super) fn parse_list(value: duckdb::types::Value) -> Result<Vec<f64>, Error> {
    use duckdb::types::Value;
    let broken = || Error::damaged("a list of numbers holds something else");
    match value {
        Value::List(items) => items
            .into_iter()
            .map(|item| match item {
                Value::Double(number) => Ok(number),
                _ => Err(broken()),
            })
            .collect(),
        _ => Err(broken()),
    }
}

fn load(conn: &Connection, run: &Run) -> Result<StoredDirections, Error> {
    let mut stored = facts(conn, run)?;
    stored.origin = tensors::load(conn, run, Part::Origin)?;
    for (place, direction) in stored.directions.iter_mut().enumerate() {
        let number = place + 1;
        direction.tensors = tensors::load(conn, run, Part::Direction(number))?
            .ok_or_else(|| Error::damaged(format!("direction {number} has no tensors")))?;
    }
    Ok(stored)
}

fn facts(conn: &Connection, run: &Run) -> Result<StoredDirections, Error> {
    let mut statement = conn.prepare(
        "SELECT source::VARCHAR, normalization, bias, norm, cosines
         FROM directions WHERE run_id = ? ORDER BY direction",
    )?;
    let mut rows = statement.query(params![run.id])?;
    let mut stored = StoredDirections {
        origin: None,
        directions: Vec::new(),
        norms: Vec::new(),
        cosines: Vec::new(),
    };
    while let Some(row) = rows.next()? {
        let source: String = row.get(0)?;
        let (normalization, bias): (String, String) = (row.get(1)?, row.get(2)?);
        stored.directions.push(Direction {
            tensors: Params::default(),
            source: serde_json::from_str(&source)
                .map_err(|error| Error::damaged(format!("a source of a direction: {error}")))?,
            normalization: normalization.parse()?,
            bias: bias.parse()?,
        });
        stored.norms.push(row.get(3)?);
        stored.cosines.push(parse_list(row.get(4)?)?);
    }
    match stored.directions.is_empty() {
        true => Err(lacks(run, "directions")),
        false => Ok(stored),
    }
}
