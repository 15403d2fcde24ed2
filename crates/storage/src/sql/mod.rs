//! Queries in SQL, for people.

mod statement;

use crate::error::Error;
use crate::query_memory;
use crate::run::{civil, from_micros, timestamp};
use crate::store::Store;
use duckdb::arrow::datatypes::{DataType, TimeUnit as ArrowUnit};
use duckdb::types::{TimeUnit, Value, ValueRef};
use duckdb::{Connection, Statement};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use std::borrow::Cow;

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
    pub fn text(&self, row: usize, column: usize) -> Cow<'_, str> {
        match &self.rows[row][column] {
            Json::Null => "".into(),
            Json::String(text) => text.into(),
            value => value.to_string().into(),
        }
    }
}

impl Store {
    /// Asks a query in SQL: one statement that only reads.
    ///
    /// The query has a connection of its own that can neither write nor reach any other file, and
    /// whose settings are fixed: whatever it says, nothing is changed by it. Where this process has
    /// the file open, it closes it first.
    ///
    /// It takes [`query_memory`] at most: half of it is for DuckDB, which writes nothing to the disk instead, and
    /// a quarter for the answer. What functions of DuckDB take for single values is not in its count; only a limit of
    /// the process bounds that.
    ///
    /// # Errors
    /// [`Error::Query`], with DuckDB's words where the query is wrong: when it is not one statement
    /// that only reads, reaches for another file, has a column that cannot be shown, or takes more memory.
    pub fn sql(&self, query: &str) -> Result<SqlTable, Error> {
        self.query(|conn| {
            statement::check(conn, query)?;
            ask(conn, query, query_memory::answer())
        })
    }
}

/// The answer to a query, which may take so many bytes.
pub(crate) fn ask(conn: &Connection, query: &str, largest: usize) -> Result<SqlTable, Error> {
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
    let (mut rows, mut left) = (Vec::new(), largest);
    while let Some(row) = answer.next().map_err(wrong)? {
        let full = || query_memory::too_large(largest, rows.len());
        let mut take = |bytes| {
            left = usize::checked_sub(left, bytes)?;
            Some(())
        };
        take(query_memory::row(columns.len())).ok_or_else(full)?;
        let value = |place: usize| {
            let value = row.get_ref(place).map_err(wrong)?;
            take(query_memory::value(&value)).ok_or_else(full)?;
            json_of(value).ok_or_else(full)
        };
        let row: Vec<Json> = (0..columns.len()).map(value).collect::<Result<_, _>>()?;
        rows.push(row);
    }
    Ok(SqlTable { columns, rows })
}

/// A value as JSON; nothing where there is no memory for it.
fn json_of(value: ValueRef<'_>) -> Option<Json> {
    match value {
        ValueRef::Text(text) => {
            let text = String::from_utf8_lossy(text);
            let mut own = String::new();
            own.try_reserve_exact(text.len()).ok()?;
            own.push_str(&text);
            Some(Json::String(own))
        }
        ValueRef::Blob(bytes) | ValueRef::Geometry(bytes) => Some(length(bytes)),
        value => Some(json(value.to_owned())),
    }
}

fn wrong(error: duckdb::Error) -> Error {
    query_memory::failed(error.to_string())
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
        Value::Blob(bytes) | Value::Geometry(bytes) => length(&bytes),
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

fn length(bytes: &[u8]) -> Json {
    Json::String(format!("<{} bytes>", bytes.len()))
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
