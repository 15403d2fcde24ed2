//! Queries in SQL, for people.

mod statement;

use crate::error::Error;
use crate::run::{civil, from_micros, timestamp};
use crate::store::Store;
use duckdb::arrow::datatypes::{DataType, TimeUnit as ArrowUnit};
use duckdb::types::{TimeUnit, Value};
use duckdb::{Connection, Statement};
use serde::Serialize;
use serde_json::{Map, Value as Json};

/// The answer to a query.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SqlTable {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Rows of values. Numbers that JSON lacks are the words `NaN`, `inf` and `-inf`, moments are
    /// `2026-03-01T12:00:00Z`, and bytes are given by their number, as `<400 bytes>`.
    pub rows: Vec<Vec<Json>>,
}

impl SqlTable {
    /// A value as a word: as [`SqlTable::rows`] without quotes, and empty for NULL.
    pub fn text(&self, row: usize, column: usize) -> String {
        match &self.rows[row][column] {
            Json::Null => String::new(),
            Json::String(text) => text.clone(),
            value => value.to_string(),
        }
    }
}

/// Bytes that an answer may take in memory.
const LARGEST: usize = 512 << 20;

impl Store {
    /// Asks a query in SQL: one statement that only reads.
    ///
    /// The query has a connection of its own that can neither write nor reach any other file, and
    /// whose settings are fixed: whatever it says, nothing is changed by it. Where this process holds
    /// the file open for writing (see [`Store::hold`]), it lets go of it for as long as the query
    /// takes.
    ///
    /// # Errors
    /// [`Error::Query`], with DuckDB's words where the query is wrong: when it is not one statement
    /// that only reads, reaches for another file, has a column that cannot be shown, or an answer of
    /// more than 512 MiB.
    pub fn sql(&self, query: &str) -> Result<SqlTable, Error> {
        self.query(|conn| {
            statement::check(conn, query)?;
            ask(conn, query)
        })
    }
}

/// The answer to a query.
pub(crate) fn ask(conn: &Connection, query: &str) -> Result<SqlTable, Error> {
    let mut statement = conn.prepare(query).map_err(wrong)?;
    if statement.parameter_count() > 0 {
        return Err(Error::Query {
            message: "the query has parameters (`?`), which have no values here".to_owned(),
        });
    }
    // Otherwise DuckDB collects all rows first, beyond every limit of memory.
    drop(statement.stream_arrow([]).map_err(wrong)?);
    let columns = columns(&statement)?;
    let mut answer = statement.raw_query();
    let (mut rows, mut size) = (Vec::new(), 0);
    while let Some(row) = answer.next().map_err(wrong)? {
        let value = |place: usize| row.get::<_, Value>(place).map(json).map_err(wrong);
        let row: Vec<Json> = (0..columns.len()).map(value).collect::<Result<_, _>>()?;
        size += size_of::<Vec<Json>>() + row.iter().map(bytes).sum::<usize>();
        if size > LARGEST {
            return Err(too_large(rows.len()));
        }
        rows.push(row);
    }
    Ok(SqlTable { columns, rows })
}

fn wrong(error: duckdb::Error) -> Error {
    Error::Query {
        message: advised(error.to_string()),
    }
}

/// The message of an error; where memory is short, with what to do here, since DuckDB advises settings, which
/// are fixed.
fn advised(message: String) -> String {
    if !message.starts_with("Out of Memory Error") {
        return message;
    }
    let said = message.split("\n\n").next().unwrap_or_default();
    format!("{said}; {FEWER}")
}

/// What to do about an answer that is too large.
const FEWER: &str = "ask for fewer rows or columns, for example with LIMIT, or for sums";

fn too_large(rows: usize) -> Error {
    Error::Query {
        message: format!(
            "the answer takes more than {} MiB after {rows} rows; {FEWER}",
            LARGEST >> 20
        ),
    }
}

/// Bytes that a value takes in memory, about.
fn bytes(value: &Json) -> usize {
    size_of::<Json>()
        + match value {
            Json::String(text) => text.len(),
            Json::Array(items) => items.iter().map(bytes).sum(),
            Json::Object(fields) => fields
                .iter()
                .map(|(name, value)| 2 * size_of::<String>() + name.len() + bytes(value))
                .sum(),
            _ => 0,
        }
}

/// Names of the columns, once all of them are of types that can be read.
fn columns(statement: &Statement<'_>) -> Result<Vec<String>, Error> {
    let names = statement.column_names();
    for (place, name) in names.iter().enumerate() {
        let kind = statement.column_type(place);
        if !readable(&kind) {
            return Err(Error::Query {
                message: format!(
                    "column `{name}` has the type {kind}, which cannot be shown; CAST it to VARCHAR"
                ),
            });
        }
    }
    Ok(names)
}

fn readable(kind: &DataType) -> bool {
    use DataType as D;
    match kind {
        D::Null | D::Float16 | D::Date64 | D::Time32(_) | D::Duration(_) => false,
        D::Time64(unit) => *unit == ArrowUnit::Microsecond,
        D::Utf8View | D::BinaryView | D::RunEndEncoded(..) => false,
        D::List(item) | D::LargeList(item) | D::FixedSizeList(item, _) => {
            readable(item.data_type())
        }
        D::Struct(fields) => fields.iter().all(|field| readable(field.data_type())),
        D::Map(entries, _) => readable(entries.data_type()),
        D::Union(fields, _) => fields.iter().all(|(_, field)| readable(field.data_type())),
        _ => true,
    }
}

fn json(value: Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(value) => value.into(),
        Value::TinyInt(value) => value.into(),
        Value::SmallInt(value) => value.into(),
        Value::Int(value) => value.into(),
        Value::BigInt(value) => value.into(),
        Value::UTinyInt(value) => value.into(),
        Value::USmallInt(value) => value.into(),
        Value::UInt(value) => value.into(),
        Value::UBigInt(value) => value.into(),
        Value::HugeInt(value) => whole(value, value.to_string()),
        Value::UHugeInt(value) => match i128::try_from(value) {
            Ok(small) => whole(small, value.to_string()),
            Err(_) => Json::String(value.to_string()),
        },
        Value::Float(value) => float(f64::from(value), || value.to_string()),
        Value::Double(value) => float(value, || value.to_string()),
        Value::Decimal(value) => Json::String(value.to_string()),
        Value::Text(text) | Value::Enum(text) => Json::String(text),
        Value::Blob(bytes) | Value::Geometry(bytes) => {
            Json::String(format!("<{} bytes>", bytes.len()))
        }
        Value::List(items) | Value::Array(items) => items.into_iter().map(json).collect(),
        Value::Struct(fields) => {
            let field = |(name, value): &(String, Value)| (name.clone(), json(value.clone()));
            Json::Object(fields.iter().map(field).collect())
        }
        Value::Map(entries) => Json::Object(map(entries.iter())),
        Value::Union(value) => json(*value),
        moment => Json::String(moment_text(&moment)),
    }
}

/// Sums of whole numbers are 128 bits wide in DuckDB and nearly always small.
fn whole(value: i128, text: String) -> Json {
    match i64::try_from(value) {
        Ok(small) => small.into(),
        Err(_) => Json::String(text),
    }
}

fn float(value: f64, word: impl FnOnce() -> String) -> Json {
    match value.is_finite() {
        true => value.into(),
        false => Json::String(word()),
    }
}

fn map<'a>(entries: impl Iterator<Item = &'a (Value, Value)>) -> Map<String, Json> {
    entries
        .map(|(key, value)| {
            let key = match json(key.clone()) {
                Json::String(text) => text,
                other => other.to_string(),
            };
            (key, json(value.clone()))
        })
        .collect()
}

fn moment_text(value: &Value) -> String {
    match value {
        Value::Timestamp(unit, count) => timestamp(from_micros(unit.to_micros(*count))),
        Value::Date32(days) => {
            let (year, month, day) = civil(i64::from(*days));
            format!("{year:04}-{month:02}-{day:02}")
        }
        Value::Time64(unit, count) => time_text(*unit, *count),
        Value::Interval {
            months,
            days,
            nanos,
        } => {
            let seconds = *nanos as f64 / 1e9;
            format!("{months} months {days} days {seconds} seconds")
        }
        other => format!("{other:?}"),
    }
}

fn time_text(unit: TimeUnit, count: i64) -> String {
    let micros = unit.to_micros(count);
    let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match rest {
        0 => format!("{hour:02}:{minute:02}:{second:02}"),
        _ => format!("{hour:02}:{minute:02}:{second:02}.{rest:06}"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn memory_that_is_short_is_no_matter_of_settings() {
        let message = "Out of Memory Error: failed to allocate 4.0 GiB\n\nPossible solutions:\n* SET threads=1";
        let words = super::advised(message.to_owned());
        let all = format!(
            "Out of Memory Error: failed to allocate 4.0 GiB; {}",
            super::FEWER
        );
        assert_eq!(words, all);
        assert_eq!(
            super::advised("Binder Error: x\n\nLINE 1".to_owned()),
            "Binder Error: x\n\nLINE 1"
        );
    }
}
