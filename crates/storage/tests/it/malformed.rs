//! Files that cannot be imported: each error says where and why.

use landscape_storage::{Error, Format, import_surface, read_surface};
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
        ("alpha,loss\n", ": there are no points"),
        (
            "a,loss\n",
            ", line 1: there is no column `alpha` among `a`, `loss`; a line has the columns alpha and loss, a plane alpha, beta and \
             loss, and there may be more",
        ),
        (
            "i,j,alpha,loss\n",
            ", line 1: there is no column `beta` among `i`, `j`, `alpha`, `loss`",
        ),
        (
            "i,j,x,y,z\n",
            ", line 1: there is no column `loss` among `i`, `j`, `x`, `y`, `z`",
        ),
        (
            "i,alpha,beta,loss\n",
            ", line 1: there is no column `j`, for column `beta`",
        ),
        (
            "alpha,loss\n0,1\n0.3,1\n1,2\n",
            ", `alpha`: 0.3 is not at an even spacing from 0.0 to 1.0; give columns i and j that number the points",
        ),
        (
            "alpha,loss\n0,1\n1,1\n0,2\n",
            ", line 4: point [0] occurs twice",
        ),
        (
            "i;alpha;loss\n0;0;1,2,3\n",
            ", line 2, `loss`: `1,2,3` is not a number",
        ),
        (
            "i,loss\n0,1\n",
            ", line 1: there is no column `alpha` among `i`, `loss`",
        ),
        (
            "i,alpha\n0,1\n",
            ", line 1: there is no column `loss` among `i`, `alpha`",
        ),
        (
            "# by hand\ni,alpha\n0,1\n",
            ", line 2: there is no column `loss` among `i`, `alpha`",
        ),
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
            ", line 3: 2 fields, but 3 in the header",
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
            "i,alpha,loss,l2\n0,0,1,3\n1,1,1,x\n",
            ", line 3, `l2`: `x` is not a number",
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
            ", line 3, `alpha`: 0.3 where evenly spaced points have 0.5",
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

/// As pandas, NumPy, R and spreadsheets write them: the same plane, in which one point is not known.
#[test]
fn planes_of_other_programs_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    for (content, said) in [
        (
            "alpha,beta,loss\n-1,0,1\n-1,0.1,2\n0,0,3\n0,0.1,4\n1,0,5\n",
            "there are no indices i, j, k: the grid is derived from the coordinates",
        ),
        (
            "beta,loss,alpha\n0.1,2,-1\n0,5,1\n0.1,4,0\n0,1,-1\n0,3,0\n0.1,NA,1\n",
            "there are no indices i, j, k: the grid is derived from the coordinates",
        ),
        (
            "Alpha,Beta,Loss\n-1,0,1\n-1,0.1,2\n0,0,3\n0,0.1,4\n1,0,5\n",
            "the grid is derived from the coordinates",
        ),
        (
            "x,y,loss\n-1,0,1\n-1,0.1,2\n0,0,3\n0,0.1,4\n1,0,5\n",
            "x, y are read as alpha, beta",
        ),
        (
            "\u{feff}i;j;alpha;beta;loss\n0;0;-1,0;0,0;1,0\n0;1;-1,0;0,1;2\n1;0;0;0;3,0\n1;1;0;0,1;4\n2;0;1;0;5\n2;1;1;0,1;\n",
            "columns are separated by `;`, and a comma in a number is the decimal mark",
        ),
        (
            "i\tj\talpha\tbeta\tloss\n0\t0\t-1\t0\t1\n0\t1\t-1\t0.1\t2\n1\t0\t0\t0\t3\n1\t1\t0\t0.1\t4\n2\t0\t1\t0\t5\n",
            "columns are separated by `\\t`",
        ),
        (
            "# alpha beta loss\n-1.0e0 0.0e0 1.0\n-1 0.1 2\n0 0 3\n0 0.1 4\n1 0 5\n",
            "columns are separated by spaces",
        ),
        (
            "i,j,alpha,beta,loss\n2,0,-1,0,1\n2,1,-1,0.1,2\n1,0,0,0,3\n1,1,0,0.1,4\n0,0,1,0,5\n",
            "`alpha` descends, and is reversed: axes ascend",
        ),
        (
            "# by hand\n# and twice\nalpha,beta,train_loss\n-1,0,1\n-1,0.1,2\n0,0,3\n0,0.1,4\n1,0,5\n",
            "`train_loss` is read as the loss",
        ),
        (
            "Unnamed: 0,i,j,alpha,beta,loss,model,note\n0,0,0,-1,0,1,a net,\n1,0,1,-1,0.1,2,a net,\n2,1,0,0,0,3,,x\n3,1,1,0,0.1,4,b,\n4,2,0,1,0,5,b,\n",
            "columns `model`, `note` hold no numbers, and are left out",
        ),
    ] {
        fs::write(&path, content).unwrap();
        let (surface, notes) =
            read_surface(&path, Format::Csv).unwrap_or_else(|error| panic!("{error}: {content}"));
        assert_eq!(surface.grid().shape(), [3, 2], "{content}");
        let losses: Vec<_> = (0..6)
            .map(|flat| surface.get(flat).map(|s| s.loss))
            .collect();
        let right = [Some(1.0), Some(2.0), Some(3.0), Some(4.0), Some(5.0), None];
        assert_eq!(losses, right, "{content}");
        assert!(surface.terms().is_empty(), "{:?}", surface.terms());
        assert!(
            notes.iter().any(|note| note.contains(said)),
            "{notes:?} {said}"
        );
    }
    // A value that is not there is no number.
    fs::write(&path, "alpha,loss,l2\n0,1,2\n1,2,\n").unwrap();
    let surface = import_surface(&path, Format::Csv).unwrap();
    assert!(surface.get(1).unwrap().terms[0].is_nan());
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
        ", line 2: this is not text (UTF-8); save it in that encoding"
    );
}

#[test]
fn objects() {
    let axis = r#""axes": [{"min": 0, "max": 1, "count": 2}]"#;
    for (content, expected) in [
        ("{\n \"schema\": 1,,}".to_owned(), ", line 2, character 14: key must be a string"),
        ("".to_owned(), ": an object, `{...}`, is expected, but this is nothing (docs/export.md describes the form)"),
        (" [1, 2]".to_owned(), ": an object, `{...}`, is expected, but this is a list (docs/export.md describes the form)"),
        (r#""a""#.to_owned(), ": an object, `{...}`, is expected, but this is a text (docs/export.md describes the form)"),
        ("12".to_owned(), ": an object, `{...}`, is expected, but this is something else (docs/export.md describes the form)"),
        (r#"{"schema": 1, "axes": [{"min": 0"#.to_owned(), ", line 1, character 32: the file ends too early"),
        (
            r#"{"schema": [1]}"#.to_owned(),
            ", line 1, character 11: a list where a whole number of 0 or more is expected (docs/export.md describes the form)",
        ),
        (
            r#"{"schema": 1, "axes": {"alpha": 1}}"#.to_owned(),
            ", line 1, character 22: an object where a list is expected (docs/export.md describes the form)",
        ),
        (
            r#"{"schema": 1, "axes": [5]}"#.to_owned(),
            ", line 1, character 24: the number `5` where an object with `min`, `max` and `count`, or `values` is expected \
             (docs/export.md describes the form)",
        ),
        (
            r#"{"schema": 1, "axes": [{"min": "a"}]}"#.to_owned(),
            ", line 1, character 34: the text \"a\" where a number is expected (docs/export.md describes the form)",
        ),
        (format!(r#"{{"schema": 1, {axis}}}"#), ", line 1, character 57: missing field `loss` (docs/export.md describes the form)"),
        (
            format!(r#"{{"schema": 1, {axis}, "loss": [NaN, -Infinity, x]}}"#),
            ", line 1, character 84: expected value",
        ),
        (
            format!(r#"{{"schema": 1, {axis}, "loss": [[1, 2], [3]]}}"#),
            ", line 1, character 79: the lists in a list differ in length (docs/export.md describes the form)",
        ),
        (
            format!(r#"{{"schema": 1, {axis}, "loss": [[1], [2]]}}"#),
            ", `loss`: lists of the shape [2, 1] for a grid of [2]",
        ),
        (
            format!(r#"{{"schema": 1, {axis}, "loss": 3}}"#),
            ", line 1, character 68: a list of numbers is expected (docs/export.md describes the form)",
        ),
        (
            r#"{"schema": 1, "axes": [{"min": 0, "max": 1}], "loss": [1, 2]}"#.to_owned(),
            ", `axes`: an axis has `min`, `max` and `count`, or `values`",
        ),
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
            ", `axes`: an axis has 0 points; give at least 1",
        ),
        (
            r#"{"schema": 1, "axes": [{"min": 0, "max": 1, "count": 2, "values": [0, 2]}], "loss": [1, 1]}"#.to_owned(),
            ", `axes`: value 1: 2.0 where evenly spaced points have 1.0",
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
        words.contains("`nan` is not a number, null, ") && !words.contains("enum"),
        "{words}"
    );
}

/// As Python's `json.dump` and lists of NumPy arrays have them.
#[test]
fn objects_of_python_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let even = r#"[{"min": -1.0, "max": 1.0, "count": 3}, {"min": 0, "max": 1, "count": 2}]"#;
    let values = r#"[{"values": [-1.0, 0.0, 1.0]}, {"values": [0, 1]}]"#;
    let falling = r#"[{"values": [1.0, 0.0, -1.0]}, {"values": [0, 1]}]"#;
    for (axes, loss) in [
        (even, "[NaN, 2, 3, Infinity, 5, -Infinity]"),
        (even, "[[NaN, 2], [3, Infinity], [5, -Infinity]]"),
        (values, r#"["NaN", 2, 3, "inf", 5, "-inf"]"#),
        (falling, "[[5, -Infinity], [3, Infinity], [NaN, 2]]"),
    ] {
        let content = format!(
            r#"{{"schema": 1, "note": "NaN \" Infinity", "axes": {axes}, "loss": {loss}}}"#
        );
        // Some editors write a mark in front of UTF-8.
        let mark = if axes == even { "\u{feff}" } else { "" };
        fs::write(&path, format!("{mark}{content}")).unwrap();
        let surface =
            import_surface(&path, Format::Json).unwrap_or_else(|error| panic!("{error}: {loss}"));
        assert_eq!(surface.grid().shape(), [3, 2]);
        let losses: Vec<f64> = (0..6).map(|flat| surface.get(flat).unwrap().loss).collect();
        assert!(losses[0].is_nan(), "{losses:?}");
        assert_eq!(
            losses[1..],
            [2.0, 3.0, f64::INFINITY, 5.0, f64::NEG_INFINITY]
        );
    }
}

/// Columns of words and pandas' index are left out; coordinates alone are enough; NULL is not a value.
#[test]
fn columnar_files_of_other_programs_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.parquet");
    let conn = duckdb::Connection::open_in_memory().unwrap();
    let rows = "SELECT * FROM (VALUES (-1.0, 0.0, 1.0, 'net', 3.0, 0), (0.0, 0.0, 2.0, 'net', NULL, 1), \
                (1.0, 0.0, NULL, NULL, 1.0, 2)) AS t(alpha, beta, loss, model, l2, __index_level_0__)";
    let file = path.display();
    conn.execute_batch(&format!("COPY ({rows}) TO '{file}' (FORMAT parquet)"))
        .unwrap();
    let (surface, notes) = read_surface(&path, Format::Parquet).unwrap();
    assert_eq!(surface.grid().shape(), [3, 1]);
    let losses = [0, 1, 2].map(|flat| surface.get(flat).map(|sample| sample.loss));
    assert_eq!(losses, [Some(1.0), Some(2.0), None]);
    assert_eq!(surface.terms().len(), 1);
    assert!(surface.get(1).unwrap().terms[0].is_nan());
    assert!(
        notes
            .iter()
            .any(|note| note == "column `model` holds no numbers, and is left out"),
        "{notes:?}"
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
        (
            "SELECT 0 AS i, 0.0 AS alpha",
            ": there is no column `loss` among `i`, `alpha`",
        ),
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
        ": a length in it points beyond its end; get the file again"
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
        ", `alpha`: value 1: 0.4 where evenly spaced points have 0.5"
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
