//! The documentation of the tables says what is there.

use crate::support::{place, raw, store};
use landscape_storage::{SCHEMA_VERSION, SqlTable, Store};
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

/// A file of version 1 without runs, brought up to date.
fn migrated() -> (tempfile::TempDir, Store) {
    let (dir, path) = place();
    let conn = raw(&path);
    conn.execute_batch(include_str!("../../src/schema/v1.sql"))
        .unwrap();
    conn.execute_batch("INSERT INTO meta VALUES ('schema_version', '1')")
        .unwrap();
    drop(conn);
    (dir, Store::open(path).unwrap())
}

fn rows(store: &Store, query: &str) -> SqlTable {
    store.sql(query).unwrap()
}

/// New files are copies of one that the SQL made: `LANDSCAPE_UPDATE_SCHEMA=1` makes that one anew.
#[test]
fn a_new_file_has_the_tables_of_the_sql() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("made.duckdb");
    let conn = duckdb::Connection::open_in_memory().unwrap();
    let attach = format!(
        "ATTACH '{}' AS made (BLOCK_SIZE 65536); USE made",
        path.display()
    );
    conn.execute_batch(&attach).unwrap();
    let sql = [
        include_str!("../../src/schema/newest.sql"),
        include_str!("../../src/schema/views.sql"),
    ];
    let version = format!("INSERT INTO meta VALUES ('schema_version', '{SCHEMA_VERSION}')");
    let all = format!(
        "BEGIN; {}; {}; {version}; COMMIT; CHECKPOINT",
        sql[0], sql[1]
    );
    conn.execute_batch(&all).unwrap();
    conn.execute_batch("USE memory; DETACH made").unwrap();
    if std::env::var_os("LANDSCAPE_UPDATE_SCHEMA").is_some() {
        let to = concat!(env!("CARGO_MANIFEST_DIR"), "/src/schema/newest.duckdb.gz");
        let level = flate2::Compression::best();
        let mut file = flate2::write::GzEncoder::new(std::fs::File::create(to).unwrap(), level);
        std::io::Write::write_all(&mut file, &std::fs::read(&path).unwrap()).unwrap();
        file.finish().unwrap();
    }
    let (made, (_dir, new)) = (Store::open(&path).unwrap(), store());
    for query in [
        "SELECT table_name, sql, comment FROM duckdb_tables() WHERE NOT internal ORDER BY ALL",
        "SELECT view_name, sql, comment FROM duckdb_views() WHERE NOT internal ORDER BY ALL",
        "SELECT table_name, constraint_text FROM duckdb_constraints() ORDER BY ALL",
        "SELECT type_name, labels FROM duckdb_types() WHERE NOT internal ORDER BY ALL",
        "SELECT sequence_name, start_value FROM duckdb_sequences() ORDER BY ALL",
        "SELECT key FROM meta ORDER BY ALL",
    ] {
        let (made, new) = (rows(&made, query), rows(&new, query));
        assert!(!made.rows.is_empty(), "{query}");
        assert_eq!(made.rows, new.rows, "{query}");
    }
}

/// New files are made at once, older ones step by step.
#[test]
fn a_new_file_has_the_tables_of_one_that_was_migrated() {
    let ((_new_dir, new), (_old_dir, old)) = (store(), migrated());
    for query in [
        "SELECT table_name, column_name, column_index, data_type, is_nullable, column_default
         FROM duckdb_columns() WHERE NOT internal ORDER BY ALL",
        "SELECT table_name, comment FROM duckdb_tables() WHERE NOT internal ORDER BY ALL",
        "SELECT view_name, comment, sql FROM duckdb_views() WHERE NOT internal ORDER BY ALL",
        "SELECT type_name, labels FROM duckdb_types() WHERE NOT internal ORDER BY ALL",
        "SELECT sequence_name, start_value FROM duckdb_sequences() ORDER BY ALL",
    ] {
        let (new, old) = (rows(&new, query), rows(&old, query));
        assert!(!new.rows.is_empty(), "{query}");
        assert_eq!(new.rows, old.rows, "{query}");
    }
}

/// Those of the tables that do not grow with every step and point.
#[test]
fn keys_are_where_the_documentation_says() {
    let keys = |store: &Store| {
        let table = rows(
            store,
            "SELECT DISTINCT table_name FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY'
             ORDER BY ALL",
        );
        let names = (0..table.rows.len()).map(|row| table.text(row, 0).into_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    let ((_new_dir, new), (_old_dir, old)) = (store(), migrated());
    assert_eq!(
        keys(&new),
        "axes contributions directions eigenvalues eigenvectors lanczos_states layouts meta names runs sharpness \
         spectra terms traces trajectories"
    );
    assert_eq!(
        keys(&old),
        "contributions eigenvalues eigenvectors names runs sharpness spectra traces"
    );
}
