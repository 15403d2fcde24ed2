//! Tables whose columns become inputs and targets.

use landscape_storage::{ColumnKind, Error, TableFile};
use std::fs;
use std::path::{Path, PathBuf};

fn csv(dir: &Path, content: &str) -> PathBuf {
    let path = dir.join("t[1].csv");
    fs::write(&path, content).unwrap();
    path
}

fn kinds(table: &TableFile) -> Vec<(&str, ColumnKind)> {
    let columns = table.columns().iter();
    columns.map(|c| (c.name.as_str(), c.kind)).collect()
}

#[track_caller]
fn says<T>(result: Result<T, Error>, parts: &[&str]) {
    let text = result.err().unwrap().to_string();
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

/// The same table with commas, semicolons and decimal commas, tabulators, pandas' index, and as Parquet.
#[test]
fn columns_have_names_and_kinds() {
    let dir = tempfile::tempdir().unwrap();
    let parquet = dir.path().join("t[2].parquet");
    let conn = duckdb::Connection::open_in_memory().unwrap();
    conn.execute_batch(&format!(
        "COPY (SELECT * FROM (VALUES (3, 1.5, 'b', true), (4, -2.0, 'a', false), (5, 0.25, 'b', true)) AS t(n, size, city, new)) \
         TO '{}' (FORMAT parquet)",
        parquet.display()
    ))
    .unwrap();
    let tables = [csv(
        dir.path(),
        "n,size,city,new\n3,1.5,b,true\n4,-2.0,a,false\n5,0.25,b,true\n",
    )];
    let check = |path: &Path| {
        let table = TableFile::open(path).unwrap();
        use ColumnKind::{Float, Whole, Words};
        assert_eq!(
            kinds(&table),
            [
                ("n", Whole),
                ("size", Float),
                ("city", Words),
                ("new", Whole)
            ]
        );
        let numbers = table.numbers(&["size", "n", "new"]).unwrap();
        assert_eq!(numbers, [1.5, 3.0, 1.0, -2.0, 4.0, 0.0, 0.25, 5.0, 1.0]);
        assert_eq!(table.integers("n").unwrap(), [3, 4, 5]);
        let (labels, classes) = table.classes("city").unwrap();
        assert_eq!(
            (labels, classes),
            (vec![1, 0, 1], vec!["a".to_owned(), "b".to_owned()])
        );
    };
    check(&tables[0]);
    check(&parquet);
    for content in [
        "\u{feff}n;size;city;new\n3;1,5;b;true\n4;-2,0;a;false\n5;0,25;b;true\n",
        "n\tsize\tcity\tnew\r\n3\t1.5\tb\ttrue\r\n4\t-2.0\ta\tfalse\r\n5\t0.25\tb\ttrue\r\n",
        ",n,size,city,new\n0,3,1.5,b,true\n1,4,-2.0,a,false\n2,5,0.25,b,true\n",
        "n,size,city,new,Unnamed: 0\n3,1.5,b,true,0\n4,-2.0,\"a\",false,1\n5,0.25,b,true,2\n",
    ] {
        check(&csv(dir.path(), content));
    }
}

#[test]
fn what_is_missing_has_a_row() {
    let dir = tempfile::tempdir().unwrap();
    for (content, words) in [
        (
            "a,b\n1,2\n3,\n",
            ", row 2, `b`: there is no value; fill it in",
        ),
        ("a,b\n1,2\n3,NA\n", ", row 2, `b`: there is no value"),
        (
            "a,b\n1,inf\n3,4\n",
            ", row 1, `b`: inf is not a finite number",
        ),
        (
            "a,b\n1,nan\n3,4\n",
            ", row 1, `b`: NaN is not a finite number",
        ),
        (
            "a,b\n1,1e300\n3,4\n",
            ", row 1, `b`: inf is not a finite number",
        ),
    ] {
        let path = csv(dir.path(), content);
        let table = TableFile::open(&path).unwrap();
        says(table.numbers(&["a", "b"]), &[words]);
    }
    says(
        TableFile::open(Path::new("/no/such.csv")),
        &["cannot read `/no/such.csv`"],
    );
    let table = TableFile::open(&csv(dir.path(), "a,b\nx,2\n,3\ny,4\n")).unwrap();
    says(table.classes("a"), &[", row 2, `a`: there is no value"]);
    let mut words = table.some_words("a").unwrap();
    words.sort();
    assert_eq!(words, ["x", "y"]);
    for (content, words) in [
        (&b""[..], "the file is empty"),
        (b"a,b\n", "there are no rows in it"),
        (
            b"a,b\n1,2\n3,4,5\n6,7\n",
            ", line 3: 3 fields, but 2 in the header",
        ),
        (b"a,b\n1,2\n3\n", ", line 3: 1 fields, but 2 in the header"),
        (
            b"a,b\n\xe91,2\n",
            ", line 2: this is not text (UTF-8); save it in that encoding",
        ),
        // Nothing in front of a longer line is passed over.
        (
            b"a,b\n1,2\n3,4\n5,6,7\n",
            ", line 4: 3 fields, but 2 in the header",
        ),
        (
            b"# made by hand\na,b\n1,2\n3\n",
            ", line 4: 1 fields, but 2 in the header",
        ),
    ] {
        let path = dir.path().join("bad.csv");
        fs::write(&path, content).unwrap();
        says(TableFile::open(&path), &[words]);
    }
    fs::write(dir.path().join("t.parquet"), "no parquet").unwrap();
    says(
        TableFile::open(&dir.path().join("t.parquet")),
        &["t.parquet"],
    );
}

/// Lines in front of the header begin with `#`; so may the header itself.
#[test]
fn remarks_in_front_of_a_table_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    for (content, first) in [
        ("# made by hand\n# in two lines, at most\na,b\n1,2\n", "a"),
        ("# a,b\n1,2\n", "# a"),
        ("a,b\n1,2\n", "a"),
    ] {
        let table = TableFile::open(&csv(dir.path(), content)).unwrap();
        assert_eq!(table.columns()[0].name, first, "{content}");
        assert_eq!(table.numbers(&[first, "b"]).unwrap(), [1.0, 2.0]);
    }
}

/// A column of one value many times takes a few bytes of the file.
#[test]
fn tables_that_unpack_to_more_than_their_length_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.parquet");
    let conn = duckdb::Connection::open_in_memory().unwrap();
    conn.execute_batch(&format!(
        "COPY (SELECT 1.5 AS a, 2.5 AS b FROM range(20000000)) TO '{}' (FORMAT parquet)",
        path.display()
    ))
    .unwrap();
    let table = TableFile::open(&path).unwrap();
    says(
        table.numbers(&["a", "b"]),
        &["of memory once unpacked", "a file of"],
    );
}
