//! The documentation of the tables says what is there.

use crate::support::store;
use landscape_storage::SCHEMA_VERSION;
use std::collections::BTreeMap;

/// Columns and types of every table, as the file has them.
fn actual() -> BTreeMap<String, Vec<(String, String)>> {
    let (_dir, store) = store();
    let table = store
        .sql(
            "SELECT table_name, column_name, data_type FROM duckdb_columns()
             WHERE NOT internal ORDER BY table_name, column_index",
        )
        .unwrap();
    let mut tables: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for row in 0..table.rows.len() {
        let column = (
            table.text(row, 1).into_owned(),
            table.text(row, 2).into_owned(),
        );
        tables
            .entry(table.text(row, 0).into_owned())
            .or_default()
            .push(column);
    }
    tables
}

/// The tables of the page: a heading with the name, and rows `| column | type | meaning |`.
fn documented() -> BTreeMap<String, Vec<(String, String)>> {
    let page = include_str!("../../../../docs/schema.md");
    let mut tables: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let mut current = String::new();
    for line in page.lines() {
        if let Some(name) = line.strip_prefix("### `") {
            current = name.split('`').next().unwrap().to_owned();
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if let ["", name, kind, meaning, ""] = cells[..]
            && let Some(name) = name.strip_prefix('`').and_then(|n| n.strip_suffix('`'))
        {
            assert!(!meaning.is_empty(), "{name} has a meaning");
            let column = (name.to_owned(), kind.to_owned());
            tables.entry(current.clone()).or_default().push(column);
        }
    }
    tables
}

#[test]
fn every_table_and_column_is_documented() {
    assert_eq!(documented(), actual());
}

#[test]
fn every_table_has_a_comment() {
    let (_dir, store) = store();
    let table = store
        .sql(
            "SELECT table_name FROM duckdb_tables() WHERE comment IS NULL AND NOT internal UNION ALL
             SELECT view_name FROM duckdb_views() WHERE comment IS NULL AND NOT internal",
        )
        .unwrap();
    assert!(table.rows.is_empty(), "{:?}", table.rows);
}

#[test]
fn the_file_says_its_version() {
    let (_dir, store) = store();
    let table = store
        .sql("SELECT value FROM meta WHERE key = 'schema_version'")
        .unwrap();
    assert_eq!(table.text(0, 0), SCHEMA_VERSION.to_string());
    let page = include_str!("../../../../docs/schema.md");
    assert!(page.contains(&format!("schema version {SCHEMA_VERSION}")));
}
