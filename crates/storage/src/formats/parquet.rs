//! Apache Parquet, which DuckDB reads and writes.

use super::cells::{Cell, Notes, Reading, infer, place};
use super::columns::Columns;
use super::{COORDINATES, INDICES, SOURCE, columns};
use crate::connection::{in_memory, literal};
use crate::error::{Error, Place};
use duckdb::arrow::array::{Array, Float64Array, Int64Array, RecordBatch, StringArray};
use duckdb::{Connection, ToSql};
use landscape_core::{Grid, PointSource, Sample, Surface, Term};
use landscape_files::Budget;
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
    let metadata = literal(&metadata);
    write_as(path, |file| {
        Ok(conn.execute_batch(&format!(
            "COPY points TO {file} (FORMAT parquet, USE_TMP_FILE false, KV_METADATA {{landscape: {metadata}}})"
        ))?)
    })
}

/// Writes the answer to a query.
pub(crate) fn copy_query(conn: &Connection, query: &str, path: &Path) -> Result<(), Error> {
    write_as(path, |file| {
        let query = format!("COPY ({query}) TO {file} (FORMAT parquet, USE_TMP_FILE false)");
        conn.execute_batch(&query)
            .map_err(|error| Error::from(error).in_file(path))
    })
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

pub(super) fn read(path: &Path, notes: &mut Notes) -> Result<Surface, Error> {
    // An error of DuckDB about a missing file is less clear.
    let (_, length) = landscape_files::open(path).map_err(Error::io("read", path))?;
    let budget = Budget::new(length);
    let source = Source::open(path, &budget)?;
    let (names, words) = source.describe()?;
    let mut found = Columns::find(&names, path, Place::default(), notes)?;
    source.check_numbers(&names, &words, &found)?;
    let other: Vec<usize> = words.iter().map(|(at, _)| *at).collect();
    found.leave_out(&other, notes);
    let metadata = source.metadata()?;
    source.check_rows(&found, &budget)?;
    let query = format!("SELECT {} FROM {}", select(&names, &found), source.table);
    let each = |take: &mut dyn FnMut(Cell) -> Result<(), Error>| {
        let mut statement = source.conn.prepare(&query).map_err(|e| source.broken(e))?;
        // Not as a stream, in which damage found on the way would end the process.
        let batches = statement.query_arrow([]).map_err(|e| source.broken(e))?;
        let mut before = 0;
        for batch in batches {
            let table = Table::new(&batch, &found, path, before)?;
            (0..batch.num_rows()).try_for_each(|row| take(table.cell(row)?))?;
            before += batch.num_rows();
        }
        Ok(())
    };
    let reading = &mut Reading {
        path,
        budget: &budget,
        notes,
    };
    match metadata {
        Some(Metadata { grid, terms, .. }) if terms.len() == found.terms.len() => {
            place(&each, grid, terms, reading)
        }
        _ => infer(&each, &found, reading),
    }
}

/// A column that holds no numbers, and what it holds.
type NoNumbers = (usize, String);

/// A file and a database in memory that reads it.
struct Source<'a> {
    path: &'a Path,
    conn: Connection,
    /// The file as a literal.
    file: String,
    /// The file as a table.
    table: String,
    name: Plain,
}

impl<'a> Source<'a> {
    fn open(path: &'a Path, budget: &Budget) -> Result<Self, Error> {
        let name = Plain::of(path)?;
        let file = literal(&name.text);
        let conn = in_memory()?;
        let limit = budget.allowed() >> 20;
        conn.execute_batch(&format!(
            "SET memory_limit = '{limit}MiB'; SET temp_directory = ''"
        ))?;
        Ok(Source {
            path,
            conn,
            table: format!("read_parquet({file}, hive_partitioning = false)"),
            file,
            name,
        })
    }

    fn broken(&self, error: duckdb::Error) -> Error {
        broken(self.path, &self.name, error)
    }

    /// Every row is a point of its own: so many have to fit.
    fn check_rows(&self, found: &Columns, budget: &Budget) -> Result<(), Error> {
        let query = format!(
            "SELECT COALESCE(sum(num_rows), 0)::BIGINT FROM parquet_file_metadata({})",
            self.file
        );
        let rows: i64 = self
            .conn
            .query_row(&query, [], |row| row.get(0))
            .map_err(|e| self.broken(e))?;
        let width = size_of::<Option<Sample>>() + 8 * found.terms.len();
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        budget
            .check(rows.saturating_mul(width as u64))
            .map_err(Error::too_large(self.path))
    }

    /// Names of the columns, and those that hold no numbers, with what they hold.
    fn describe(&self) -> Result<(Vec<String>, Vec<NoNumbers>), Error> {
        let query = format!("DESCRIBE SELECT * FROM {}", self.table);
        let broken = |error| self.broken(error);
        let mut statement = self.conn.prepare(&query).map_err(broken)?;
        let mut rows = statement.query([]).map_err(broken)?;
        let (mut names, mut words) = (Vec::new(), Vec::new());
        while let Some(row) = rows.next().map_err(broken)? {
            let (name, kind): (String, String) = (row.get(0)?, row.get(1)?);
            if !holds_numbers(&kind) {
                words.push((names.len(), kind));
            }
            names.push(name);
        }
        Ok((names, words))
    }

    /// Checks that what has to hold numbers does.
    fn check_numbers(
        &self,
        names: &[String],
        words: &[NoNumbers],
        found: &Columns,
    ) -> Result<(), Error> {
        let one = [found.loss]
            .into_iter()
            .chain(found.loss_se)
            .chain(found.accuracy);
        let needed: Vec<usize> = { found.indices.iter().chain(&found.coordinates).copied() }
            .chain(one)
            .collect();
        match words.iter().find(|(at, _)| needed.contains(at)) {
            None => Ok(()),
            Some((at, kind)) => {
                let reason = format!("the column holds {kind}, not numbers");
                Err(Error::malformed(
                    self.path,
                    Place::column(&names[*at]),
                    reason,
                ))
            }
        }
    }

    fn metadata(&self) -> Result<Option<Metadata>, Error> {
        let broken = |error| self.broken(error);
        let query = format!(
            "SELECT decode(value) FROM parquet_kv_metadata({}) WHERE decode(key) = 'landscape'",
            self.file
        );
        let mut statement = self.conn.prepare(&query).map_err(broken)?;
        let mut rows = statement.query([]).map_err(broken)?;
        let Some(row) = rows.next().map_err(broken)? else {
            return Ok(None);
        };
        let text: String = row.get(0).map_err(broken)?;
        let wrong =
            |reason: String| Error::malformed(self.path, Place::column("landscape"), reason);
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
}

/// What DuckDB says about a file, under the name that was given.
pub(crate) fn broken(path: &Path, name: &Plain, error: duckdb::Error) -> Error {
    let text = error.to_string();
    if text.contains("Out of Memory") {
        let path = path.display();
        return Error::Memory {
            what: format!("`{path}` needs more memory than a file of its length may take"),
            is_query: false,
            enough: "8GiB".to_owned(),
        };
    }
    let text = match text.contains("Could not read enough bytes") {
        // It reserves what a length says, and takes none of it before the bytes are there.
        true => "a length in it points beyond its end; get the file again".to_owned(),
        false => {
            let said = text.lines().next().unwrap_or_default();
            let said = said.trim_start_matches("Invalid Input Error: ");
            said.replace(&name.text, &path.display().to_string())
        }
    };
    Error::malformed(path, Place::default(), text)
}

/// Whether a type of DuckDB is one of numbers.
pub(crate) fn holds_numbers(kind: &str) -> bool {
    let whole = kind.contains("INT") && !kind.contains(['[', '(']);
    whole || kind.starts_with("DECIMAL") || matches!(kind, "DOUBLE" | "FLOAT")
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

/// Some rows of the file, in the columns of [`select`].
struct Table<'a> {
    numbers: Vec<&'a Float64Array>,
    indices: Vec<&'a Int64Array>,
    source: Option<&'a StringArray>,
    found: &'a Columns,
    path: &'a Path,
    /// Rows before these.
    before: usize,
}

impl<'a> Table<'a> {
    fn new(
        batch: &'a RecordBatch,
        found: &'a Columns,
        path: &'a Path,
        before: usize,
    ) -> Result<Self, Error> {
        let (mut numbers, mut indices, mut source) = (Vec::new(), Vec::new(), None);
        for column in batch.columns() {
            let column = column.as_any();
            if let Some(values) = column.downcast_ref::<Float64Array>() {
                numbers.push(values);
            } else if let Some(values) = column.downcast_ref::<Int64Array>() {
                indices.push(values);
            } else {
                source = column.downcast_ref::<StringArray>();
            }
        }
        let dims = found.coordinates.len();
        let numbered = dims + 3 + found.terms.len();
        let expected = (found.indices.len(), numbered, found.source.is_some());
        match (indices.len(), numbers.len(), source.is_some()) == expected {
            true => Ok(Table {
                numbers,
                indices,
                source,
                found,
                path,
                before,
            }),
            false => Err(Error::malformed(
                path,
                Place::default(),
                "its columns are of unexpected types",
            )),
        }
    }

    fn cell(&self, row: usize) -> Result<Cell, Error> {
        let dims = self.found.coordinates.len();
        let number = |at: usize| {
            let column = self.numbers[at];
            column.is_valid(row).then(|| column.value(row))
        };
        let value = |at: usize, name: &str| {
            number(at).ok_or_else(|| self.wrong(row, name, "there is no value"))
        };
        let mut cell = Cell {
            row: self.before + row + 1,
            indices: [0; 3],
            coordinates: [0.0; 3],
            source: self.source(row)?,
            sample: None,
        };
        for (axis, indices) in self.indices.iter().enumerate() {
            let index = indices.is_valid(row).then(|| indices.value(row));
            cell.indices[axis] = index
                .and_then(|index| usize::try_from(index).ok())
                .ok_or_else(|| {
                    self.wrong(row, INDICES[axis], "this is not an index (0, 1, 2, ...)")
                })?;
        }
        for (axis, name) in COORDINATES.iter().enumerate().take(dims) {
            cell.coordinates[axis] = value(axis, name)?;
        }
        // A point without a loss is not known: other programs write NaN as NULL.
        if let Some(loss) = number(dims) {
            let terms = self.found.terms.iter().enumerate();
            let terms = terms.map(|(at, _)| number(dims + 3 + at).unwrap_or(f64::NAN));
            cell.sample = Some(Sample {
                loss,
                loss_se: number(dims + 1),
                accuracy: number(dims + 2),
                terms: terms.collect(),
            });
        }
        Ok(cell)
    }

    fn source(&self, row: usize) -> Result<PointSource, Error> {
        let Some(column) = self.source else {
            return Ok(PointSource::Measured);
        };
        let word = match column.is_valid(row) {
            true => column.value(row),
            false => "",
        };
        word.parse().map_err(|error: landscape_core::UnknownName| {
            self.wrong(row, SOURCE, &error.to_string())
        })
    }

    fn wrong(&self, row: usize, name: &str, reason: &str) -> Error {
        Error::malformed(self.path, Place::cell(self.before + row + 1, name), reason)
    }
}

pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name of a file as DuckDB takes it: UTF-8, and nothing in it that is a pattern or an address.
pub(crate) struct Plain {
    pub(crate) text: String,
    /// Where the link is that stands for the file.
    _folder: Option<tempfile::TempDir>,
}

impl Plain {
    /// Of a file that is read; where its own name will not do, that of a link to it.
    pub(crate) fn of(path: &Path) -> Result<Plain, Error> {
        let failed = || Error::io("read", path);
        let whole = std::path::absolute(path).map_err(failed())?;
        if let Some(text) = whole.to_str()
            && !text.contains(['*', '?', '[', ']', '{', '}', '\\'])
        {
            return Ok(Plain {
                text: text.to_owned(),
                _folder: None,
            });
        }
        let folder = tempfile::tempdir().map_err(failed())?;
        let name = folder.path().join("points.parquet");
        link(&whole, &name).map_err(failed())?;
        let text = name.to_str().map(str::to_owned);
        Ok(Plain {
            text: text.ok_or_else(|| not_utf8(path))?,
            _folder: Some(folder),
        })
    }
}

#[cfg(unix)]
fn link(file: &Path, name: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(file, name)
}

#[cfg(not(unix))]
fn link(file: &Path, name: &Path) -> std::io::Result<()> {
    std::fs::copy(file, name).map(drop)
}

fn not_utf8(path: &Path) -> Error {
    Error::malformed(path, Place::default(), "the name of the file is not UTF-8")
}

/// Lets DuckDB write a file, under a name that it takes.
fn write_as(path: &Path, write: impl Fn(&str) -> Result<(), Error>) -> Result<(), Error> {
    let failed = || Error::io("write", path);
    if let Some(text) = path.to_str() {
        return write(&literal(text));
    }
    let folder = tempfile::tempdir().map_err(failed())?;
    let name = folder.path().join("points.parquet");
    write(&literal(name.to_str().ok_or_else(|| not_utf8(path))?))?;
    std::fs::copy(&name, path).map(drop).map_err(failed())
}
