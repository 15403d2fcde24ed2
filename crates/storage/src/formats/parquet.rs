//! Apache Parquet, which DuckDB reads and writes.

use super::cells::{Cell, Columns, infer, place};
use super::{COORDINATES, INDICES, SOURCE, columns};
use crate::error::{Error, Place};
use crate::store::in_memory;
use duckdb::{Connection, Row, ToSql};
use landscape_core::{Grid, PointSource, Sample, Surface, Term};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What the columns do not say, kept in the file's metadata under the key `landscape`.
#[derive(Serialize, Deserialize)]
struct Metadata {
    schema: u64,
    grid: Grid,
    terms: Vec<Term>,
}

const SCHEMA: u64 = 1;

pub(super) fn write(surface: &Surface, path: &Path) -> Result<(), Error> {
    copy(surface, path).map_err(|error| error.in_file(path))
}

fn copy(surface: &Surface, path: &Path) -> Result<(), Error> {
    let conn = in_memory()?;
    let dims = surface.grid().dims();
    let column = |(at, name): (usize, String)| {
        let kind = match name.as_str() {
            SOURCE => "VARCHAR",
            _ if at < dims => "INTEGER",
            _ => "DOUBLE",
        };
        format!("{} {kind}", identifier(&name))
    };
    let declared: Vec<String> = columns(surface)
        .into_iter()
        .enumerate()
        .map(column)
        .collect();
    conn.execute_batch(&format!("CREATE TABLE points ({})", declared.join(", ")))?;
    append(&conn, surface)?;
    let metadata = Metadata {
        schema: SCHEMA,
        grid: surface.grid().clone(),
        terms: surface.terms().to_vec(),
    };
    let metadata =
        serde_json::to_string(&metadata).map_err(|error| Error::io("write", path)(error.into()))?;
    conn.execute_batch(&format!(
        "COPY points TO {} (FORMAT parquet, USE_TMP_FILE false, KV_METADATA {{landscape: {}}})",
        file(path)?,
        literal(&metadata)
    ))?;
    Ok(())
}

/// Writes the answer to a query.
pub(crate) fn copy_query(conn: &Connection, query: &str, path: &Path) -> Result<(), Error> {
    let file = file(path)?;
    conn.execute_batch(&format!(
        "COPY ({query}) TO {file} (FORMAT parquet, USE_TMP_FILE false)"
    ))
    .map_err(|error| Error::from(error).in_file(path))
}

fn append(conn: &Connection, surface: &Surface) -> Result<(), Error> {
    let dims = surface.grid().dims();
    let mut appender = conn.appender("points")?;
    for flat in 0..surface.grid().len() {
        let (Some(sample), Some(source)) = (surface.get(flat), surface.source(flat)) else {
            continue;
        };
        let source = source.name();
        let indices = surface.grid().unravel(flat).map(|index| index as i32);
        let coordinates = surface.grid().point(flat);
        let mut row: Vec<&dyn ToSql> = Vec::with_capacity(2 * dims + 3 + sample.terms.len());
        row.extend(indices[..dims].iter().map(|value| value as &dyn ToSql));
        row.extend(coordinates[..dims].iter().map(|value| value as &dyn ToSql));
        row.extend([
            &sample.loss as &dyn ToSql,
            &sample.loss_se,
            &sample.accuracy,
        ]);
        row.extend(sample.terms.iter().map(|value| value as &dyn ToSql));
        if surface.interpolated() > 0 {
            row.push(&source);
        }
        appender.append_row(row.as_slice())?;
    }
    Ok(appender.flush()?)
}

pub(super) fn read(path: &Path) -> Result<Surface, Error> {
    // An error of DuckDB about a missing file is less clear.
    std::fs::File::open(path).map_err(Error::io("read", path))?;
    let conn = in_memory()?;
    let broken = |error: duckdb::Error| Error::malformed(path, Place::default(), error.to_string());
    let names = describe(&conn, path)?;
    let found = Columns::find(&names, path, Place::default())?;
    let metadata = metadata(&conn, path)?;
    let select = select(&names, &found);
    let mut statement = conn
        .prepare(&format!(
            "SELECT {select} FROM read_parquet({})",
            file(path)?
        ))
        .map_err(broken)?;
    let mut rows = statement.query([]).map_err(broken)?;
    let mut cells = Vec::new();
    while let Some(row) = rows.next().map_err(broken)? {
        cells.push(cell(row, cells.len() + 1, &found, path)?);
    }
    let dims = found.indices.len();
    match metadata {
        Some(Metadata { grid, terms, .. }) if terms.len() == found.terms.len() => {
            place(cells, grid, terms, path)
        }
        _ => infer(cells, dims, found.terms(), path),
    }
}

/// Names of the columns, all of which hold numbers, but for the source.
fn describe(conn: &Connection, path: &Path) -> Result<Vec<String>, Error> {
    let broken = |error: duckdb::Error| Error::malformed(path, Place::default(), error.to_string());
    let mut statement = conn
        .prepare(&format!(
            "DESCRIBE SELECT * FROM read_parquet({})",
            file(path)?
        ))
        .map_err(broken)?;
    let mut rows = statement.query([]).map_err(broken)?;
    let mut names = Vec::new();
    while let Some(row) = rows.next().map_err(broken)? {
        let (name, kind): (String, String) = (row.get(0)?, row.get(1)?);
        let numeric = kind.contains("INT") || kind.contains("DECIMAL");
        if name != SOURCE && !numeric && !matches!(kind.as_str(), "DOUBLE" | "FLOAT") {
            let reason = format!("the column holds {kind}, not numbers");
            return Err(Error::malformed(path, Place::column(name), reason));
        }
        names.push(name);
    }
    Ok(names)
}

fn metadata(conn: &Connection, path: &Path) -> Result<Option<Metadata>, Error> {
    let mut statement = conn.prepare(&format!(
        "SELECT decode(value) FROM parquet_kv_metadata({}) WHERE decode(key) = 'landscape'",
        file(path)?
    ))?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let text: String = row.get(0)?;
    let wrong = |reason: String| Error::malformed(path, Place::column("landscape"), reason);
    let metadata: Metadata = serde_json::from_str(&text)
        .map_err(|error| wrong(format!("metadata that cannot be read: {error}")))?;
    match metadata.schema == SCHEMA {
        true => Ok(Some(metadata)),
        false => Err(wrong(format!(
            "schema {} where {SCHEMA} is known",
            metadata.schema
        ))),
    }
}

/// The columns in a fixed order and type: indices, coordinates, loss, its error, accuracy, terms,
/// source.
fn select(names: &[String], found: &Columns) -> String {
    let cast = |at: usize, kind: &str| format!("CAST({} AS {kind})", identifier(&names[at]));
    let optional =
        |at: Option<usize>| at.map_or("NULL::DOUBLE".to_owned(), |at| cast(at, "DOUBLE"));
    let mut columns: Vec<String> = Vec::new();
    columns.extend(found.indices.iter().map(|&at| cast(at, "BIGINT")));
    columns.extend(found.coordinates.iter().map(|&at| cast(at, "DOUBLE")));
    columns.push(cast(found.loss, "DOUBLE"));
    columns.push(optional(found.loss_se));
    columns.push(optional(found.accuracy));
    columns.extend(found.terms.iter().map(|&(_, at)| cast(at, "DOUBLE")));
    columns.extend(found.source.map(|at| cast(at, "VARCHAR")));
    columns.join(", ")
}

fn cell(row: &Row<'_>, number: usize, found: &Columns, path: &Path) -> Result<Cell, Error> {
    let dims = found.indices.len();
    let wrong = |name: &str, reason: &str| {
        Error::malformed(path, Place::cell(number, name), reason.to_owned())
    };
    let value = |at: usize, name: &str| -> Result<f64, Error> {
        row.get::<_, Option<f64>>(at)?
            .ok_or_else(|| wrong(name, "there is no value"))
    };
    let mut cell = Cell {
        row: number,
        indices: [0; 3],
        coordinates: [0.0; 3],
        source: PointSource::Measured,
        sample: Sample::of(value(2 * dims, "loss")?),
    };
    for axis in 0..dims {
        let index: Option<i64> = row.get(axis)?;
        cell.indices[axis] = index
            .and_then(|index| usize::try_from(index).ok())
            .ok_or_else(|| wrong(INDICES[axis], "this is not an index (0, 1, 2, ...)"))?;
        cell.coordinates[axis] = value(dims + axis, COORDINATES[axis])?;
    }
    cell.sample.loss_se = row.get(2 * dims + 1)?;
    cell.sample.accuracy = row.get(2 * dims + 2)?;
    for (at, (name, _)) in found.terms.iter().enumerate() {
        cell.sample.terms.push(value(2 * dims + 3 + at, name)?);
    }
    if found.source.is_some() {
        let word: Option<String> = row.get(2 * dims + 3 + found.terms.len())?;
        let source = word.unwrap_or_default().parse();
        cell.source = source
            .map_err(|error: landscape_core::UnknownName| wrong(SOURCE, &error.to_string()))?;
    }
    Ok(cell)
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A path as DuckDB takes it: as it is, without patterns.
fn file(path: &Path) -> Result<String, Error> {
    match path.to_str() {
        Some(text) => Ok(literal(text)),
        None => Err(Error::malformed(
            path,
            Place::default(),
            "the name of the file is not UTF-8",
        )),
    }
}
