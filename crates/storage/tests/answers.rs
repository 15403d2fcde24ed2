//! Answers to queries have no more than their part of the memory that is allowed: a setting of the whole process, which is
//! this test's own.

use landscape_files::allow_memory;
use landscape_storage::{Error, Store};

#[test]
fn answers_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("a.duckdb")).unwrap();
    allow_memory(128 << 20);
    for query in [
        "SELECT * FROM range(10000000000)",
        "SELECT repeat(repeat('x', 1000), 50000)",
        "SELECT range(3000000)",
        "SELECT [{'a': range(3000000)}]",
        "SELECT MAP {'a': [repeat(repeat('x', 1000), 50000)]}",
    ] {
        let error = store.sql(query).unwrap_err();
        let Error::Memory { enough, .. } = &error else {
            panic!("{query}: {error}");
        };
        assert_eq!(enough, "256MiB", "{query}");
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
    }
    // What is bounded is one answer.
    assert_eq!(store.sql("SELECT range(1000)").unwrap().rows.len(), 1);
}
