//! Queries in SQL.

use crate::support::{grid, plane, points, raw, spec, store};
use landscape_storage::{Error, Store};
use serde_json::json;

#[test]
fn answers_have_columns_and_rows() {
    let (_dir, store) = store();
    store.begin(&spec(1)).unwrap();
    let table = store
        .sql("SELECT name, run_id, finished FROM runs")
        .unwrap();
    assert_eq!(table.columns, ["name", "run_id", "finished"]);
    assert_eq!(table.rows, [[json!("surface-1"), json!(1), json!(null)]]);
    assert_eq!(table.text(0, 0), "surface-1");
    assert_eq!(
        (table.text(0, 1), table.text(0, 2)),
        ("1".into(), "".into())
    );
    assert!(
        store
            .sql("SELECT 1 AS x WHERE false")
            .unwrap()
            .rows
            .is_empty()
    );
    assert_eq!(
        store.sql("SELECT 1 AS x WHERE false").unwrap().columns,
        ["x"]
    );
}

#[test]
fn settings_can_be_asked_for() {
    let (_dir, store) = store();
    store.begin(&spec(42)).unwrap();
    let table = store
        .sql("SELECT settings->>'model', (settings->'seed')::INT FROM runs")
        .unwrap();
    assert_eq!(table.rows, [[json!("mlp:2-8-4-1"), json!(42)]]);
}

#[test]
fn every_type_becomes_json() {
    let (_dir, store) = store();
    for (expression, expected) in [
        ("'NaN'::DOUBLE", json!("NaN")),
        ("'-inf'::DOUBLE", json!("-inf")),
        ("0.1::DOUBLE", json!(0.1)),
        ("0.5::FLOAT", json!(0.5)),
        ("1.50::DECIMAL(5, 2)", json!("1.50")),
        ("18446744073709551615::UBIGINT", json!(u64::MAX)),
        ("sum(3)", json!(3)),
        (
            "170141183460469231731687303715884105727::HUGEINT",
            json!(i128::MAX.to_string()),
        ),
        ("true", json!(true)),
        (
            "TIMESTAMP '2026-03-01 12:00:00'",
            json!("2026-03-01T12:00:00Z"),
        ),
        ("DATE '1969-12-31'", json!("1969-12-31")),
        ("TIME '01:02:03.5'", json!("01:02:03.500000")),
        ("INTERVAL 2 DAY", json!("0 months 2 days 0 seconds")),
        ("'abc'::BLOB", json!("<3 bytes>")),
        ("[1.5::DOUBLE, NULL]", json!([1.5, null])),
        ("{'a': 1, 'b': 'x'}", json!({"a": 1, "b": "x"})),
        ("MAP {'k': 2}", json!({"k": 2})),
        ("'x'::ENUM ('x', 'y')", json!("x")),
    ] {
        let table = store.sql(&format!("SELECT {expression} AS v")).unwrap();
        assert_eq!(table.rows, [[expected]], "{expression}");
    }
}

#[test]
fn statements_about_tables_work() {
    let (_dir, store) = store();
    for query in [
        "SHOW TABLES",
        "DESCRIBE points",
        "SUMMARIZE runs",
        "EXPLAIN SELECT * FROM runs",
        "FROM runs;",
    ] {
        let table = store.sql(query).unwrap();
        assert!(!table.columns.is_empty(), "{query}");
    }
}

/// Attempts to change the database, to reach another file or to change settings. `OWN` is the
/// database, `OTHER` another one, `NEW` a file that is not there and `TEXT` one that is.
const ATTEMPTS: &[&str] = &[
    "DELETE FROM runs",
    "DROP TABLE runs",
    "CREATE TABLE x (i INTEGER)",
    "CREATE TEMP TABLE x AS SELECT 1",
    "CREATE TEMP MACRO m() AS 1",
    "CREATE OR REPLACE VIEW landscape AS SELECT 1",
    "ALTER TABLE runs DROP COLUMN name",
    "UPDATE meta SET value = '7'",
    "INSERT INTO meta VALUES ('a', 'b')",
    "TRUNCATE points",
    "WITH x AS (SELECT 'a' AS a) INSERT INTO meta SELECT a, a FROM x",
    "COMMENT ON TABLE runs IS 'x'",
    "SELECT nextval('run_numbers')",
    "ATTACH 'OTHER' AS o",
    "ATTACH 'OTHER' AS o (READ_WRITE)",
    "ATTACH ':memory:' AS o",
    "DETACH landscape",
    "USE memory",
    "COPY (SELECT 1) TO 'OWN'",
    "COPY (SELECT 1) TO 'OWN.wal'",
    "COPY (SELECT 1) TO 'NEW'",
    "COPY meta FROM 'TEXT'",
    "COPY FROM DATABASE landscape TO o",
    "EXPORT DATABASE 'NEW'",
    "IMPORT DATABASE 'NEW'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD 'NEW'",
    "FORCE INSTALL json FROM 'NEW'",
    "UPDATE EXTENSIONS",
    "PRAGMA profiling_output = 'NEW'",
    "PRAGMA enable_profiling",
    "PRAGMA database_size",
    "PRAGMA memory_limit = '1TB'",
    "SET threads = 8",
    "SET profiling_output = 'NEW'",
    "SET enable_external_access = true",
    "SET VARIABLE x = 1",
    "RESET threads",
    "CALL pragma_database_size()",
    "CALL enable_logging('QueryLog', storage = 'file', storage_path = 'NEW')",
    "BEGIN",
    "BEGIN TRANSACTION",
    "COMMIT",
    "ROLLBACK",
    "CHECKPOINT",
    "FORCE CHECKPOINT",
    "VACUUM",
    "ANALYZE",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "DEALLOCATE p",
    "CREATE SECRET s (TYPE s3)",
    "EXPLAIN DELETE FROM runs",
    "EXPLAIN ANALYZE DELETE FROM runs",
    "EXPLAIN (ANALYZE) DELETE FROM runs",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO 'NEW'",
    "explain /* a */ analyze -- b\n copy (select 1) to 'NEW'",
    "SELECT * FROM read_text('TEXT')",
    "SELECT * FROM read_blob('OTHER')",
    "SELECT * FROM read_csv('TEXT')",
    "SELECT * FROM read_json('TEXT')",
    "SELECT * FROM read_parquet('TEXT')",
    "SELECT * FROM parquet_metadata('TEXT')",
    "SELECT * FROM sniff_csv('TEXT')",
    "SELECT * FROM glob('FOLDER/*')",
    "FROM 'TEXT'",
    "SELECT * FROM 'FOLDER/*.csv'",
    "SELECT * FROM query('COPY (SELECT 1) TO ''NEW''')",
    "SELECT * FROM duckdb_secrets()",
    "SELECT getenv('HOME')",
    "SELECT * FROM enable_profiling(save_location = 'NEW.json')",
];

/// Several statements, the last of which only reads.
const SEVERAL: &[&str] = &[
    "SELECT 1; SELECT 2",
    "DELETE FROM runs; SELECT 1",
    "COMMIT; DELETE FROM runs",
    "COMMIT; DELETE FROM runs; SELECT 1",
    "COMMIT; ATTACH 'OTHER' AS o (READ_WRITE); DELETE FROM o.kept; SELECT 1",
    "COPY (SELECT 1) TO 'OWN'; SELECT 1",
    "SET enable_external_access = true; SELECT 1",
    "EXPLAIN SELECT 1; DELETE FROM runs",
    "EXPLAIN SELECT 1; SELECT 2",
    "SELECT ';' /* ; */; -- ;\n DROP TABLE runs",
];

#[test]
fn nothing_can_be_changed_and_no_other_file_reached() {
    let (dir, store) = store();
    store.begin(&spec(1)).unwrap();
    let of = |name: &str| dir.path().join(name).display().to_string();
    let (other, text, new) = (of("other.duckdb"), of("text.csv"), of("new"));
    let conn = raw(&other);
    conn.execute_batch("CREATE TABLE kept AS SELECT 1").unwrap();
    drop(conn);
    std::fs::write(&text, "key,value\n").unwrap();
    let listing = || {
        Store::close(store.path());
        let files = std::fs::read_dir(dir.path()).unwrap();
        let content = |path: std::path::PathBuf| (path.clone(), std::fs::read(path).unwrap());
        let mut all: Vec<_> = files.map(|f| content(f.unwrap().path())).collect();
        all.sort();
        all
    };
    let before = listing();
    let reader = Store::open_read(store.path()).unwrap();
    for query in ATTEMPTS.iter().chain(SEVERAL) {
        let query = query
            .replace("OWN", &store.path().display().to_string())
            .replace("OTHER", &other)
            .replace("NEW", &new)
            .replace("TEXT", &text)
            .replace("FOLDER", &dir.path().display().to_string());
        for store in [&store, &reader] {
            match store.sql(&query) {
                Err(Error::Query { .. }) => {}
                other => panic!("{query}: {other:?}"),
            }
        }
        assert!(listing() == before, "{query}");
    }
}

/// Also where this process has the file open for writing.
#[test]
fn a_writing_connection_answers_no_queries() {
    let (_dir, store) = store();
    store.begin(&spec(2)).unwrap();
    for query in ATTEMPTS.iter().chain(SEVERAL) {
        assert!(store.sql(query).is_err(), "{query}");
    }
    assert_eq!(
        store.sql("SELECT count(*) FROM runs").unwrap().rows,
        [[json!(1)]]
    );
    store.begin(&spec(3)).unwrap();
    assert_eq!(store.runs().unwrap().len(), 2);
}

#[test]
fn a_refused_query_says_why_in_one_sentence() {
    let (_dir, store) = store();
    for (query, expected) in [
        ("COPY (SELECT 1) TO 'x'", "and this is COPY"),
        ("/* a */ -- b\n attach 'x'", "and this is ATTACH"),
        ("EXPLAIN DELETE FROM runs", "and this holds another"),
        ("SELECT 1; SELECT 2", "there are 2; run them one at a time"),
        ("SELECT 1; DROP TABLE runs", "and this holds another"),
        ("", "the query is empty"),
        (" ; ;", "the query is empty"),
        ("-- nothing", "the query is empty"),
    ] {
        let text = store.sql(query).unwrap_err().to_string();
        assert!(text.ends_with(expected), "{query}: {text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[test]
fn comments_and_semicolons_are_no_statements() {
    let (_dir, store) = store();
    for query in [
        "SELECT 1;",
        ";SELECT 1;;  ",
        "/* a; b /* c */ */ SELECT 1 -- ; d",
        "SELECT 1 -- it's",
        "EXPLAIN SELECT 1;",
        "EXPLAIN ANALYZE SELECT ';'",
        "EXPLAIN (ANALYZE, FORMAT json) SELECT 1",
        "EXPLAIN (SELECT 1)",
        "explain /* ( */ select 1",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "VALUES (1)",
        "TABLE runs",
        "(SELECT 1)",
        "SELECT * FROM (PIVOT records ON step IN (1, 2) USING sum(loss))",
        "SELECT * FROM query('SELECT 7')",
        "SELECT $$a;b$$",
        "SHOW ALL TABLES",
        "SHOW DATABASES",
        "SELECT * FROM pragma_database_size()",
    ] {
        store
            .sql(query)
            .unwrap_or_else(|error| panic!("{query}: {error}"));
    }
}

/// Every table and view, each of which the documentation names.
#[test]
fn every_table_and_view_can_be_read() {
    let (_dir, store) = store();
    let page = include_str!("../../../../docs/schema.md");
    let names = store
        .sql("SELECT table_name FROM information_schema.tables")
        .unwrap();
    assert!(names.rows.len() > 20);
    for row in 0..names.rows.len() {
        let name = names.text(row, 0);
        assert!(page.contains(&format!("`{name}`")), "{name}");
        store.sql(&format!("SELECT * FROM {name}")).unwrap();
    }
}

#[test]
fn answers_may_be_large() {
    let (_dir, store) = store();
    let table = store.sql("SELECT repeat('x', 5000000) AS x").unwrap();
    assert_eq!(table.text(0, 0).len(), 5_000_000);
    let table = store.sql("SELECT * FROM range(300000)").unwrap();
    assert_eq!(table.rows.len(), 300_000);
    assert_eq!(table.rows[299_999], [json!(299_999)]);
}

#[test]
fn a_wrong_query_says_where() {
    let (_dir, store) = store();
    let error = store.sql("SELECT nothing FROM runs").unwrap_err();
    assert!(error.to_string().contains("nothing"), "{error}");
    assert!(error.to_string().contains('^'), "{error}");
    assert!(matches!(store.sql("SELECT ?"), Err(Error::Query { .. })));
    assert!(matches!(store.sql(""), Err(Error::Query { .. })));
    let error = store.sql("SELECT TIME_NS '01:02:03' AS t").unwrap_err();
    assert!(error.to_string().contains("CAST it to VARCHAR"), "{error}");
}

/// The queries in the documentation of the tables.
#[test]
fn documented_queries_run() {
    let (_dir, store) = store();
    let (run, _) = store
        .begin_surface(&spec(1), &grid(), &[], Some(&plane()))
        .unwrap();
    store.append_points(&run, &points(&grid(), 0)).unwrap();
    let page = include_str!("../../../../docs/schema.md");
    let queries: Vec<&str> = page
        .split("```sql\n")
        .skip(1)
        .map(|part| part.split("```").next().unwrap())
        .collect();
    assert!(queries.len() >= 4);
    for query in queries {
        let table = store
            .sql(query)
            .unwrap_or_else(|error| panic!("{query}\n{error}"));
        assert!(!table.columns.is_empty());
    }
}
