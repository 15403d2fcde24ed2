//! Files that cannot be imported: each error says where and why.

use landscape_storage::{Error, Format, import_surface};
use ndarray::{Array1, Array2};
use std::fs;
use std::path::Path;

/// The message without the name of the file.
#[track_caller]
fn message(path: &Path, format: Format) -> String {
    let error = import_surface(path, format).unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    let name = format!("`{}`", path.display());
    let text = error.to_string();
    text.strip_prefix(&name)
        .unwrap_or_else(|| panic!("{text}"))
        .to_owned()
}

#[track_caller]
fn text(content: &str, format: Format) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, content).unwrap();
    message(&path, format)
}

#[test]
fn tables() {
    for (content, expected) in [
        ("", ": the file is empty"),
        ("i,alpha,loss\n", ": there are no points"),
        (
            "alpha,loss\n",
            ", line 1: there is no column `i` among `alpha`, `loss`; the columns are i, alpha, loss, of a plane i, j, alpha, beta, loss",
        ),
        (
            "i;alpha;loss\n0;0;1\n",
            ", line 1: its columns are separated by `;`; write it with commas, and numbers with points",
        ),
        ("i,loss\n0,1\n", ", line 1: there is no column `alpha`"),
        ("i,alpha\n0,1\n", ", line 1: there is no column `loss`"),
        (
            "i,alpha,loss,loss\n",
            ", line 1: two columns are named `loss`",
        ),
        (
            "i,k,alpha,loss\n",
            ", line 1: column `k` needs the columns before it (1 axes found)",
        ),
        (
            "i,alpha,loss\n0,0,1\n1,1\n",
            ", line 3: 2 fields where the header has 3",
        ),
        (
            "i,alpha,loss\n0,0,1\n1,1,x\n",
            ", line 3, `loss`: `x` is not a number",
        ),
        ("i,alpha,loss\n0,0,\n", ": there are no points"),
        (
            "i,alpha,loss\n0.5,0,1\n",
            ", line 2, `i`: `0.5` is not an index (0, 1, 2, ...)",
        ),
        (
            "i,alpha,loss\n-1,0,1\n",
            ", line 2, `i`: `-1` is not an index (0, 1, 2, ...)",
        ),
        (
            "i,alpha,loss,l2\n0,0,1,\n",
            ", line 2, `l2`: `` is not a number",
        ),
        (
            "i,alpha,loss\n0,0,1\n0,0,2\n",
            ", line 3: point [0] occurs twice",
        ),
        (
            "i,alpha,loss\n0,NaN,1\n",
            ", line 2, `alpha`: NaN is not a coordinate",
        ),
        (
            "i,alpha,loss\n0,0,1\n1,\"1,2\n",
            ", line 3: a quote is not closed",
        ),
        (
            "i,alpha,loss\n0,0,1\n1,0.3,1\n2,1,1\n",
            ", line 3, `alpha`: 0.3 where even spacing has 0.5",
        ),
        (
            "i,alpha,loss\n0,1,1\n1,0,1\n",
            ", line 3, `alpha`: the range 1:0 does not run upwards; its first number has to be the smaller one",
        ),
        (
            "i,alpha,loss\n0,0,1\n90000000,1,1\n",
            ": 2 points do not fill a grid of [90000001]; is an index wrong?",
        ),
        (
            "i,j,alpha,beta,loss\n0,0,0,0,1\n99999,99999,1,1,1\n",
            ": a grid of 100000 x 100000 points is larger than 100000000",
        ),
    ] {
        assert_eq!(text(content, Format::Csv), expected, "{content:?}");
    }
}

/// As pandas, NumPy and spreadsheets write them.
#[test]
fn tables_of_other_programs_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    for content in [
        ",i,alpha,loss\n0,0.0,-1.0,3.0\n1,1.0,0.0,\n2,2.0,1.0,2.5\n",
        "# i,alpha,loss\n0.000e+00,-1.0,3.0\n2.0e0,1.0,2.5\n",
    ] {
        fs::write(&path, content).unwrap();
        let surface = import_surface(&path, Format::Csv).unwrap();
        assert_eq!(surface.grid().shape(), [3]);
        let losses = [0, 1, 2].map(|flat| surface.get(flat).map(|sample| sample.loss));
        assert_eq!(losses, [Some(3.0), None, Some(2.5)]);
        assert!(surface.terms().is_empty(), "{:?}", surface.terms());
    }
}

#[test]
fn tables_that_are_no_text() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, b"i,alpha,loss\n0,0,\xff\n").unwrap();
    assert_eq!(
        message(&path, Format::Csv),
        ", line 2: this is not text (UTF-8)"
    );
}

#[test]
fn objects() {
    let axis = r#""axes": [{"min": 0, "max": 1, "count": 2}]"#;
    for (content, expected) in [
        ("{\n \"schema\": 1,,}".to_owned(), ", line 2, character 14: key must be a string"),
        ("".to_owned(), ": an object, `{...}`, is expected, and this is nothing (docs/export.md has the form)"),
        (" [1, 2]".to_owned(), ": an object, `{...}`, is expected, and this is a list (docs/export.md has the form)"),
        (r#""a""#.to_owned(), ": an object, `{...}`, is expected, and this is a text (docs/export.md has the form)"),
        ("12".to_owned(), ": an object, `{...}`, is expected, and this is something else (docs/export.md has the form)"),
        (r#"{"schema": 1, "axes": [{"min": 0"#.to_owned(), ", line 1, character 32: the file ends too early"),
        (
            r#"{"schema": [1]}"#.to_owned(),
            ", line 1, character 11: a list where a whole number of 0 or more is expected (docs/export.md has the form)",
        ),
        (
            r#"{"schema": 1, "axes": {"alpha": 1}}"#.to_owned(),
            ", line 1, character 22: an object where a list is expected (docs/export.md has the form)",
        ),
        (
            r#"{"schema": 1, "axes": [5]}"#.to_owned(),
            ", line 1, character 24: the number `5` where an object with `min`, `max` and `count` is expected \
             (docs/export.md has the form)",
        ),
        (
            r#"{"schema": 1, "axes": [{"min": "a"}]}"#.to_owned(),
            ", line 1, character 34: the text \"a\" where a number is expected (docs/export.md has the form)",
        ),
        (format!(r#"{{"schema": 1, {axis}}}"#), ", line 1, character 57: missing field `loss` (docs/export.md has the form)"),
        (format!(r#"{{"schema": 1, {axis}, "loss": [1, NaN]}}"#), ", line 1, character 71: NaN is no JSON; write \"NaN\", \"inf\" or \"-inf\", in quotes"),
        (
            format!(r#"{{"schema": 2, {axis}, "loss": [1, 2]}}"#),
            ", `schema`: 2 where 1 is known",
        ),
        (
            format!(r#"{{"schema": 1, {axis}, "loss": [1, 2, 3]}}"#),
            ", `loss`: 3 values for a grid of 2 points",
        ),
        (
            format!(r#"{{"schema": 1, {axis}, "loss": [1, 2], "accuracy": [1]}}"#),
            ", `accuracy`: 1 value for a grid of 2 points",
        ),
        (
            format!(r#"{{"schema": 1, {axis}, "loss": [1, 2], "terms": [{{"name": "l2", "weight": 1, "values": [1, null]}}]}}"#),
            ", `l2`: no value for point 1, which has a loss",
        ),
        (
            r#"{"schema": 1, "axes": [], "loss": []}"#.to_owned(),
            ", `axes`: a grid has 1 to 3 axes, not 0",
        ),
        (
            r#"{"schema": 1, "axes": [{"min": 0, "max": 1, "count": 0}], "loss": []}"#.to_owned(),
            ", `axes`: an axis of 0 points; give at least 1",
        ),
        (
            r#"{"schema": 1, "axes": [{"min": 0, "max": 1, "count": 2, "values": [0, 2]}], "loss": [1, 1]}"#.to_owned(),
            ", `axes`: value 1: 2.0 where even spacing has 1.0",
        ),
    ] {
        assert_eq!(text(&content, Format::Json), expected, "{content}");
    }
    let words = text(
        &format!(r#"{{"schema": 1, {axis}, "loss": ["nan", 2]}}"#),
        Format::Json,
    );
    assert!(words.starts_with(", line 1, character "), "{words}");
    assert!(
        words.contains("which lists hold") && !words.contains("enum"),
        "{words}"
    );
}

#[test]
fn columnar_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.parquet");
    let conn = duckdb::Connection::open_in_memory().unwrap();
    let write = |query: &str| {
        let file = path.display();
        conn.execute_batch(&format!("COPY ({query}) TO '{file}' (FORMAT parquet)"))
            .unwrap();
        message(&path, Format::Parquet)
    };
    for (query, expected) in [
        ("SELECT 0 AS i, 0.0 AS alpha", ": there is no column `loss`"),
        (
            "SELECT 0 AS i, 0.0 AS alpha, 'x' AS loss",
            ", `loss`: the column holds VARCHAR, not numbers",
        ),
        (
            "SELECT 0 AS i, 0.0 AS alpha, NULL::DOUBLE AS loss",
            ": there are no points",
        ),
        (
            "SELECT -1 AS i, 0.0 AS alpha, 1.0 AS loss",
            ", line 1, `i`: this is not an index (0, 1, 2, ...)",
        ),
        (
            "SELECT 0 AS i, 0.0 AS alpha, 1.0 AS loss FROM range(2)",
            ", line 2: point [0] occurs twice",
        ),
    ] {
        assert_eq!(write(query), expected, "{query}");
    }
    fs::write(&path, "PAR1 and nothing else").unwrap();
    let words = message(&path, Format::Parquet);
    assert!(words.to_lowercase().contains("parquet"), "{words}");
    // A name of 1.4 GB, says its length.
    let long = include_bytes!("../../../../fuzz/seeds/parquet/long-name");
    fs::write(&path, long).unwrap();
    let words = message(&path, Format::Parquet);
    assert_eq!(
        words,
        ": a length in it leads beyond its end; get the file again"
    );
}

#[test]
fn archives() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npz");
    let write = |alpha: Vec<f64>, loss: Option<(usize, usize)>| {
        let mut out = ndarray_npy::NpzWriter::new(fs::File::create(&path).unwrap());
        if !alpha.is_empty() {
            out.add_array("alpha", &Array1::from(alpha)).unwrap();
            out.add_array("beta", &Array1::from(vec![0.0, 1.0]))
                .unwrap();
        }
        if let Some(shape) = loss {
            out.add_array("loss", &Array2::<f64>::zeros(shape)).unwrap();
        }
        out.finish().unwrap();
        message(&path, Format::Npz)
    };
    assert_eq!(write(vec![], None), ", `alpha`: there is no such array");
    assert_eq!(
        write(vec![0.0, 1.0], None),
        ", `loss`: there is no such array"
    );
    assert_eq!(
        write(vec![0.0, 0.4, 1.0], None),
        ", `alpha`: value 1: 0.4 where even spacing has 0.5"
    );
    assert_eq!(
        write(vec![0.0, 0.5, 1.0], Some((2, 3))),
        ", `loss`: the shape is [2, 3], the axes have [3, 2]"
    );
    fs::write(&path, "PK nothing").unwrap();
    assert!(message(&path, Format::Npz).starts_with(": "));
}

#[test]
fn missing_files_are_named() {
    for &format in Format::ALL.iter().filter(|format| format.reads(2)) {
        let error = import_surface(Path::new("/no/such/file"), format).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error:?}");
        assert_eq!(error.to_string(), "cannot read `/no/such/file`");
    }
}
