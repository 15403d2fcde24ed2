//! Files that are made to do harm, hold numbers out of range, or have odd names.

use crate::support::{assert_same, grid, surface, terms};
use landscape_storage::{Error, Format, Store, export_surface, import_surface, read_surface};
use std::fs;
use std::io::Write;
use std::path::Path;

fn parquet(path: &Path, query: &str) {
    let conn = duckdb::Connection::open_in_memory().unwrap();
    let file = path.display();
    conn.execute_batch(&format!("COPY ({query}) TO '{file}' (FORMAT parquet)"))
        .unwrap();
}

#[track_caller]
fn refused(path: &Path, format: Format) -> String {
    import_surface(path, format).unwrap_err().to_string()
}

/// An archive of `alpha` with as many zeros as it says, or with none.
fn zeros(path: &Path, says: u64, holds: u64) {
    let mut out = zip::ZipWriter::new(fs::File::create(path).unwrap());
    out.start_file("alpha.npy", zip::write::SimpleFileOptions::default())
        .unwrap();
    let text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({says},), }}\n");
    out.write_all(b"\x93NUMPY\x01\x00").unwrap();
    out.write_all(&(text.len() as u16).to_le_bytes()).unwrap();
    out.write_all(text.as_bytes()).unwrap();
    for _ in 0..holds >> 17 {
        out.write_all(&vec![0; 1 << 20]).unwrap();
    }
    out.finish().unwrap();
}

#[test]
fn arrays_that_promise_what_they_do_not_hold() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npz");
    zeros(&path, 1 << 40, 0);
    let text = refused(&path, Format::Npz);
    assert!(
        text.contains("has 0 bytes of data") && text.contains("alpha"),
        "{text}"
    );
    zeros(&path, 16 << 20, 16 << 20);
    assert!(fs::metadata(&path).unwrap().len() < 200_000);
    let text = refused(&path, Format::Npz);
    assert!(text.contains("134.2 MB") && !text.contains("--"), "{text}");
}

#[test]
fn constant_tables_are_refused_by_their_rows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.parquet");
    let rows = "SELECT 0 AS i, 0.0::DOUBLE AS alpha, 1.0::DOUBLE AS loss FROM range(3000000)";
    parquet(&path, rows);
    let error = import_surface(&path, Format::Parquet).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

#[test]
fn grids_larger_than_their_file_may_take() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.csv");
    fs::write(&path, "i,alpha,loss\n0,0,1\n999999,1,2\n").unwrap();
    let error = import_surface(&path, Format::Csv).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    // So many columns took the square of their number in time.
    let names: Vec<String> = (0..200_000).map(|n| format!("t{n}")).collect();
    fs::write(&path, format!("i,alpha,loss,{}\n", names.join(","))).unwrap();
    assert!(refused(&path, Format::Csv).contains("at most 1000 are supported"));
}

#[test]
fn numbers_out_of_range() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    let head = "i,alpha,loss,loss_se,accuracy\n0,0,1,0.1,0.5\n";
    for (row, expected) in [
        (
            "1,1,1,0.1,55",
            "line 3, `accuracy`: 55.0 is not an accuracy, which is a number from 0 to 1; if it is a percentage, divide it by 100",
        ),
        (
            "1,1,1,0.1,-0.5",
            "line 3, `accuracy`: -0.5 is not an accuracy",
        ),
        (
            "1,1,1,0.1,inf",
            "line 3, `accuracy`: inf is not an accuracy",
        ),
        (
            "1,1,1,-0.1,0.5",
            "line 3, `loss_se`: -0.1 is not a standard error",
        ),
        (
            "1,1,1e400,0.1,0.5",
            "line 3, `loss`: 1e400 is outside the range of f64",
        ),
        (
            "1,1,-1e999,0.1,0.5",
            "line 3, `loss`: -1e999 is outside the range of f64",
        ),
        (
            "1,1e999,1,0.1,0.5",
            "line 3, `alpha`: 1e999 is outside the range of f64",
        ),
    ] {
        fs::write(&path, format!("{head}{row}\n")).unwrap();
        let text = refused(&path, Format::Csv);
        assert!(text.contains(expected), "{text}");
    }
    for row in ["1,1,inf,inf,1", "1,1,NaN,NaN,NaN", "1,1,-inf,,0"] {
        fs::write(&path, format!("{head}{row}\n")).unwrap();
        import_surface(&path, Format::Csv).unwrap();
    }
    let json = r#"{"schema": 1, "axes": [{"min": 0, "max": 1, "count": 2}], "loss": [1, 2], "accuracy": [0.5, 55]}"#;
    fs::write(&path, json).unwrap();
    assert!(refused(&path, Format::Json).contains("`accuracy`: point 1: 55.0 is not an accuracy"));
    fs::write(
        &path,
        json.replace("[1, 2]", "[1, 1e400]").replace("55", "1"),
    )
    .unwrap();
    assert!(refused(&path, Format::Json).contains("out of range"));
    parquet(
        &path,
        "SELECT 0 AS i, 0.0 AS alpha, 1.0 AS loss, -0.5 AS loss_se",
    );
    assert!(
        refused(&path, Format::Parquet).contains("line 1, `loss_se`: -0.5 is not a standard error")
    );
}

#[test]
fn coordinates_that_are_moved_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.csv");
    let table = |second: &str| format!("i,alpha,loss\n0,0,1\n1,{second},1\n2,2,1\n");
    fs::write(&path, table("1.00015")).unwrap();
    let (surface, notes) = read_surface(&path, Format::Csv).unwrap();
    assert_eq!(surface.grid().axes()[0].value(1), 1.0);
    assert_eq!(notes.len(), 1);
    assert!(
        notes[0].contains("1.00015 becomes 1.0, line 3, `alpha`"),
        "{notes:?}"
    );
    fs::write(&path, table("1.0000001")).unwrap();
    assert!(read_surface(&path, Format::Csv).unwrap().1.is_empty());
}

#[test]
fn a_name_with_brackets_is_a_name() {
    let dir = tempfile::tempdir().unwrap();
    let one = |loss: f64| format!("SELECT 0 AS i, 0.0 AS alpha, {loss:?} AS loss");
    parquet(&dir.path().join("plane1.parquet"), &one(1.0));
    for (number, name) in ["plane[1].parquet", "plane?.parquet", "plane*.parquet"]
        .iter()
        .enumerate()
    {
        let plain = dir.path().join("plain");
        parquet(&plain, &one(101.0 + number as f64));
        let path = dir.path().join(name);
        fs::rename(&plain, &path).unwrap();
        let surface = import_surface(&path, Format::Parquet).unwrap();
        assert_eq!(surface.losses(), [101.0 + number as f64], "{name}");
    }
}

#[test]
fn a_point_without_a_loss_is_not_known() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.parquet");
    parquet(
        &path,
        "SELECT n::INT AS i, n::DOUBLE AS alpha, CASE WHEN n <> 1 THEN n + 1.0 END AS loss FROM range(3) AS t(n)",
    );
    let surface = import_surface(&path, Format::Parquet).unwrap();
    assert_eq!((surface.missing(), surface.grid().len()), (1, 3));
    assert!(surface.get(1).is_none());
}

#[cfg(unix)]
#[test]
fn names_that_are_not_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    let surface = surface(grid(), terms(), 0);
    for &format in Format::ALL.iter().filter(|format| format.reads(2)) {
        let name = [b"a\xff.", format.name().as_bytes()].concat();
        let path = dir.path().join(std::ffi::OsStr::from_bytes(&name));
        export_surface(&surface, format, &path, false).unwrap();
        let read = import_surface(&path, format).unwrap();
        assert_eq!(read.losses().len(), surface.losses().len());
        if format != Format::Csv {
            assert_same(&read, &surface);
        }
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    for &format in Format::ALL.iter().filter(|format| format.reads(2)) {
        let source = |path: &Path| {
            let error = import_surface(path, format).unwrap_err();
            let source = std::error::Error::source(&error).map(|e| e.to_string());
            source.unwrap_or_else(|| error.to_string())
        };
        assert!(source(dir.path()).contains("folder"), "{format}");
        assert!(
            source(Path::new("/dev/zero")).contains("device"),
            "{format}"
        );
        if made.as_ref().is_ok_and(|status| status.success()) {
            assert!(source(&pipe).contains("pipe"), "{format}");
        }
        for path in [dir.path(), Path::new("/dev/zero"), &pipe] {
            if path.exists() {
                let error = Store::open(path).map(drop).unwrap_err();
                assert!(matches!(error, Error::NotADatabase { .. }), "{error:?}");
            }
        }
        let empty = dir.path().join("empty");
        fs::write(&empty, "").unwrap();
        let error = import_surface(&empty, format).unwrap_err();
        assert!(
            matches!(error, Error::Malformed { .. }),
            "{format}: {error:?}"
        );
    }
}
