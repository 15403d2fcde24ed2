//! How much memory a query may take.

use crate::error::Error;
use duckdb::arrow::array::{Array, AsArray};
use duckdb::arrow::datatypes::DataType;
use duckdb::types::{ListType, Value, ValueRef};
use landscape_core::counted;
use landscape_files::{Size, allowed_memory};
use serde_json::Value as Json;
use std::ops::Range;

/// Bytes of memory that a query may take unless another number is allowed.
const USUAL: u64 = 1 << 30;
/// No query gets less.
const LEAST: u64 = 128 << 20;

/// Bytes of memory that a query may take: 1 GiB, or what [`landscape_files::allow_memory`] was given, but no less than
/// 128 MiB.
pub fn query_memory() -> u64 {
    allowed_memory().unwrap_or(USUAL).max(LEAST)
}

/// What DuckDB may take of it, in its words.
pub(crate) fn database_memory() -> String {
    format!("{}MiB", (query_memory() / 2) >> 20)
}

/// What the answer may take of it, in bytes.
pub(crate) fn answer() -> usize {
    usize::try_from(query_memory() / 4).unwrap_or(usize::MAX)
}

/// An error of a query; where memory is short, one that says so, since DuckDB advises settings, which are fixed.
pub(crate) fn failed(message: String) -> Error {
    const SHORT: [&str; 3] = ["Out of Memory", "bad_alloc", "bad allocation"];
    if !SHORT.iter().any(|words| message.contains(words)) {
        let message = in_words(message);
        return Error::Query { message };
    }
    let limit = query_memory() >> 20;
    short(format!(
        "the query needs more than the {limit} MiB of memory that it may use"
    ))
}

fn short(what: String) -> Error {
    Error::Memory {
        what,
        is_query: true,
        enough: Size(query_memory().saturating_mul(2)).enough(),
    }
}

/// What DuckDB says as JSON where it makes values for others, as it says it elsewhere.
fn in_words(message: String) -> String {
    let said: Option<Json> = serde_json::from_str(&message).ok();
    let said = said
        .as_ref()
        .and_then(|said| said["exception_message"].as_str());
    said.map_or(message.clone(), str::to_owned)
}

/// An answer that is too large, after so many rows.
pub(crate) fn too_large(largest: usize, rows: usize) -> Error {
    let rows = match rows {
        0 => "with its first row".to_owned(),
        rows => format!("after {}", counted(rows, "row")),
    };
    short(format!(
        "the answer takes more than {} MiB {rows}",
        largest >> 20
    ))
}

/// What an allocation takes beside its bytes.
const ALLOCATION: usize = 16;
/// What a moment, a decimal number or a name takes as text, about.
const WORD: usize = 32;

/// Bytes that a row takes without what its values point to.
pub(crate) fn row(columns: usize) -> usize {
    size_of::<Vec<Json>>() + ALLOCATION + columns * size_of::<Json>()
}

/// Bytes that making JSON of a value takes, beside the JSON itself.
pub(crate) fn value(value: &ValueRef<'_>) -> usize {
    let at = |place: &usize| *place..*place + 1;
    match value {
        ValueRef::Text(text) => ALLOCATION + text.len(),
        ValueRef::List(ListType::Regular(array), place) => items(*array, at(place)),
        ValueRef::List(ListType::Large(array), place) => items(*array, at(place)),
        ValueRef::Struct(array, place) => items(*array, at(place)),
        ValueRef::Array(array, place) => items(*array, at(place)),
        ValueRef::Map(array, place) => items(*array, at(place)),
        ValueRef::Union(array, place) => items(&***array, at(place)),
        ValueRef::Null | ValueRef::Boolean(_) | ValueRef::Float(_) | ValueRef::Double(_) => 0,
        ValueRef::TinyInt(_) | ValueRef::SmallInt(_) | ValueRef::Int(_) | ValueRef::BigInt(_) => 0,
        ValueRef::UTinyInt(_) | ValueRef::USmallInt(_) | ValueRef::UInt(_) => 0,
        ValueRef::UBigInt(_) => 0,
        _ => ALLOCATION + WORD,
    }
}

/// Bytes that some values of an array take on the way: DuckDB's value, its JSON, and texts in both.
fn items(array: &dyn Array, range: Range<usize>) -> usize {
    const EACH: usize = size_of::<Value>() + size_of::<Json>() + ALLOCATION;
    let each = range.len() * EACH;
    let within = match array.data_type() {
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            items(list.values(), between(list.value_offsets(), range))
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            items(list.values(), between(list.value_offsets(), range))
        }
        DataType::Map(..) => {
            let map = array.as_map();
            items(map.entries(), between(map.value_offsets(), range))
        }
        DataType::FixedSizeList(_, length) => {
            let length = usize::try_from(*length).unwrap_or(0);
            let list = array.as_fixed_size_list();
            items(list.values(), range.start * length..range.end * length)
        }
        DataType::Struct(fields) => {
            let names: usize = fields.iter().map(|field| 2 * field.name().len()).sum();
            let columns = array.as_struct().columns().iter();
            let within: usize = columns.map(|c| items(c, range.clone())).sum();
            within + range.len() * names
        }
        DataType::Union(fields, _) => {
            let union = array.as_union();
            let within = fields.iter().map(|(kind, _)| union.child(kind));
            let at = |child: &dyn Array| range.start.min(child.len())..range.end.min(child.len());
            within.map(|child| items(child, at(child))).sum()
        }
        DataType::Utf8 => 2 * between(array.as_string::<i32>().value_offsets(), range).len(),
        DataType::LargeUtf8 => 2 * between(array.as_string::<i64>().value_offsets(), range).len(),
        DataType::Binary => between(array.as_binary::<i32>().value_offsets(), range).len(),
        DataType::LargeBinary => between(array.as_binary::<i64>().value_offsets(), range).len(),
        _ => 0,
    };
    each.saturating_add(within)
}

/// What lies between the offsets of some values.
fn between<O: Copy + TryInto<usize>>(offsets: &[O], range: Range<usize>) -> Range<usize> {
    let at = |place: usize| offsets[place].try_into().unwrap_or(0);
    at(range.start)..at(range.end)
}

#[cfg(test)]
mod tests {
    #[test]
    fn memory_that_is_short_is_no_matter_of_settings() {
        for message in [
            "Out of Memory Error: failed to allocate 4.0 GiB\n\nPossible solutions:\n* SET threads=1",
            "Out of Memory Error: failed to offload\nThis limit was set by the 'max_temp_directory_size' setting.",
            "Invalid Error: std::bad_alloc",
            r#"{"exception_type":"Out of Memory","exception_message":"ArrowBuffer: failed to allocate 268435456 bytes"}"#,
        ] {
            let error = super::failed(message.to_owned());
            let words = "the query needs more than the 1024 MiB of memory that it may use";
            assert_eq!(error.to_string(), words);
        }
        let said = |message: &str| super::failed(message.to_owned()).to_string();
        let other = "Binder Error: x\n\nLINE 1";
        assert_eq!(said(other), other);
        let json = r#"{"exception_type":"Invalid Input","exception_message":"no such thing"}"#;
        assert_eq!(said(json), "no such thing");
    }
}
