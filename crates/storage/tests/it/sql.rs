//! Queries in SQL.

use crate::support::{grid, plane, points, spec, store};
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
        ("1".to_owned(), String::new())
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

#[test]
fn nothing_can_be_changed() {
    let (_dir, store) = store();
    store.begin(&spec(1)).unwrap();
    let reader = Store::open_read(store.path()).unwrap();
    for query in [
        "DELETE FROM runs",
        "DROP TABLE runs",
        "CREATE TABLE x (i INTEGER)",
        "UPDATE meta SET value = '7'",
        "COMMIT; DELETE FROM runs",
    ] {
        for store in [&store, &reader] {
            let error = store.sql(query).unwrap_err();
            assert!(matches!(error, Error::Query { .. }), "{query}: {error:?}");
        }
    }
    let _hold = store.hold();
    store.begin(&spec(2)).unwrap();
    assert!(store.sql("DELETE FROM runs").is_err());
    store.begin(&spec(3)).unwrap();
    assert_eq!(store.runs().unwrap().len(), 3);
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
