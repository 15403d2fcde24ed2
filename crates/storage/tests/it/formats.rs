//! Export, and import of what was exported.

use crate::support::{assert_same, grid, params, points, spec, store, surface, terms};
use landscape_core::{Axis, Grid, Sample, Surface, Term};
use landscape_storage::{
    Error, Format, RunKind, RunSpec, Status, export_surface, import_surface, write_surface,
};
use proptest::prelude::*;
use std::fs;
use std::path::Path;

fn axis(count: usize) -> Axis {
    Axis::new(-1.0, 1.0 / 3.0, count).unwrap()
}

/// Weights are not in the text table.
fn as_imported(surface: &Surface, format: Format) -> Surface {
    if format != Format::Csv {
        return surface.clone();
    }
    let mut terms = surface.terms().to_vec();
    terms.iter_mut().for_each(|term| term.weight = 0.0);
    let mut imported = Surface::new(surface.grid().clone(), terms);
    for flat in 0..surface.grid().len() {
        match (surface.get(flat), surface.is_measured(flat)) {
            (None, _) => {}
            (Some(sample), true) => imported.set(flat, sample.clone()).unwrap(),
            (Some(sample), false) => imported.set_interpolated(flat, sample.clone()).unwrap(),
        }
    }
    imported
}

#[test]
fn every_format_gives_back_what_was_exported() {
    let dir = tempfile::tempdir().unwrap();
    let volume = Grid::new(vec![axis(3), axis(2), axis(4)]).unwrap();
    let line = Grid::new(vec![axis(9)]).unwrap();
    for (number, grid) in [line, grid(), volume].into_iter().enumerate() {
        for terms in [vec![], terms()] {
            for hole in [0, 3] {
                let surface = surface(grid.clone(), terms.clone(), hole);
                let dims = grid.dims();
                for &format in Format::ALL.iter().filter(|format| format.reads(dims)) {
                    let path = dir.path().join(format!("{number}.{format}"));
                    export_surface(&surface, format, &path, true).unwrap();
                    let read = import_surface(&path, format).unwrap();
                    assert_same(&read, &as_imported(&surface, format));
                }
            }
        }
    }
}

#[test]
fn the_text_table_is_as_documented() {
    let grid = Grid::new(vec![
        Axis::new(-1.0, 1.0, 3).unwrap(),
        Axis::new(0.0, 0.1, 2).unwrap(),
    ]);
    let weighted = |name: &str| Term {
        name: name.to_owned(),
        weight: 1.0,
    };
    let mut surface = Surface::new(grid.unwrap(), vec![weighted("l2"), weighted("a,\"b")]);
    let sample = |loss, accuracy| Sample {
        loss,
        loss_se: None,
        accuracy,
        terms: vec![0.5, 1e-300],
    };
    surface.set(0, sample(0.1 + 0.2, Some(1.0))).unwrap();
    surface.set(1, sample(f64::NAN, None)).unwrap();
    surface
        .set(3, sample(f64::NEG_INFINITY, Some(0.25)))
        .unwrap();
    surface.set(5, sample(1e22, None)).unwrap();
    let mut text = Vec::new();
    write_surface(&surface, Format::Csv, &mut text).unwrap();
    assert_eq!(
        String::from_utf8(text).unwrap(),
        "i,j,alpha,beta,loss,loss_se,accuracy,l2,\"a,\"\"b\"\n\
         0,0,-1.0,0.0,0.30000000000000004,,1.0,0.5,1e-300\n\
         0,1,-1.0,0.1,NaN,,,0.5,1e-300\n\
         1,1,0.0,0.1,-inf,,0.25,0.5,1e-300\n\
         2,1,1.0,0.1,1e22,,,0.5,1e-300\n"
    );
}

#[test]
fn headers_follow_the_dimensions() {
    for (dims, header) in [
        (1, "i,alpha,loss,loss_se,accuracy"),
        (2, "i,j,alpha,beta,loss,loss_se,accuracy"),
        (3, "i,j,k,alpha,beta,gamma,loss,loss_se,accuracy"),
    ] {
        let surface = Surface::new(Grid::square(2, 1.0, dims).unwrap(), vec![]);
        let mut text = Vec::new();
        write_surface(&surface, Format::Csv, &mut text).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), format!("{header}\n"));
    }
}

#[test]
fn json_is_as_documented() {
    let grid = Grid::new(vec![Axis::new(-1.0, 1.0, 3).unwrap()]).unwrap();
    let mut surface = Surface::new(grid, vec![terms()[0].clone()]);
    let sample = |loss| Sample {
        loss,
        loss_se: None,
        accuracy: Some(0.5),
        terms: vec![2.0],
    };
    surface.set(0, sample(f64::INFINITY)).unwrap();
    surface.set(2, sample(0.1)).unwrap();
    let mut text = Vec::new();
    write_surface(&surface, Format::Json, &mut text).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(
        value,
        serde_json::json!({
            "schema": 1,
            "axes": [{"name": "alpha", "min": -1.0, "max": 1.0, "count": 3, "values": [-1.0, 0.0, 1.0]}],
            "loss": ["inf", null, 0.1],
            "accuracy": [0.5, null, 0.5],
            "terms": [{"name": "l2", "weight": 0.1, "values": [2.0, null, 2.0]}],
        })
    );
}

#[test]
fn parquet_has_the_columns_of_the_table() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("it's.parquet");
    export_surface(&surface(grid(), terms(), 3), Format::Parquet, &path, false).unwrap();
    let conn = duckdb::Connection::open_in_memory().unwrap();
    let name = path.to_str().unwrap().replace('\'', "''");
    let mut statement = conn
        .prepare(&format!("SELECT * FROM read_parquet('{name}')"))
        .unwrap();
    let mut rows = statement.query([]).unwrap();
    let row = rows.next().unwrap().unwrap();
    let columns = row.as_ref().column_names();
    assert_eq!(
        columns,
        [
            "i", "j", "alpha", "beta", "loss", "loss_se", "accuracy", "l2", "l1"
        ]
    );
}

/// Other programs write tables without our metadata.
#[test]
fn parquet_of_other_programs_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("other.parquet");
    let conn = duckdb::Connection::open_in_memory().unwrap();
    conn.execute_batch(&format!(
        "COPY (SELECT (x % 3)::UTINYINT AS i, (x % 3) / 2.0::FLOAT AS alpha, x::DECIMAL(5, 2) AS loss
               FROM range(3) t(x)) TO '{}' (FORMAT parquet)",
        path.display()
    ))
    .unwrap();
    let surface = import_surface(&path, Format::Parquet).unwrap();
    assert_eq!(surface.grid().axes(), [Axis::new(0.0, 1.0, 3).unwrap()]);
    assert_eq!(surface.losses(), [0.0, 1.0, 2.0]);
}

#[test]
fn arrays_of_other_programs_are_read() {
    use ndarray::{Array1, Array2};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("other.npz");
    let mut out = ndarray_npy::NpzWriter::new_compressed(fs::File::create(&path).unwrap());
    let third = 1.0f32 / 3.0;
    let alpha = Array1::from(vec![0.0f32, third, 2.0 * third, 1.0]);
    out.add_array("alpha", &alpha).unwrap();
    out.add_array("beta", &Array1::from(vec![0i64, 1])).unwrap();
    out.add_array(
        "loss",
        &Array2::<f32>::from_shape_fn((4, 2), |(i, j)| (10 * i + j) as f32),
    )
    .unwrap();
    out.finish().unwrap();
    let surface = import_surface(&path, Format::Npz).unwrap();
    assert_eq!(surface.grid().shape(), [4, 2]);
    assert_eq!(
        surface.losses(),
        [0.0, 1.0, 10.0, 11.0, 20.0, 21.0, 30.0, 31.0]
    );
    assert_eq!(surface.get(0).unwrap().accuracy, None);
}

#[test]
fn terms_named_like_columns_get_another_column() {
    let dir = tempfile::tempdir().unwrap();
    let odd = vec![Term {
        name: "loss".to_owned(),
        weight: 2.0,
    }];
    let surface = surface(grid(), odd.clone(), 0);
    for &format in Format::ALL.iter().filter(|format| format.reads(2)) {
        let path = dir.path().join(format!("odd.{format}"));
        export_surface(&surface, format, &path, false).unwrap();
        let read = import_surface(&path, format).unwrap();
        let name = if format == Format::Csv {
            "term_loss"
        } else {
            "loss"
        };
        assert_eq!(read.terms()[0].name, name, "{format}");
        assert_eq!(read.get(6).unwrap().terms, surface.get(6).unwrap().terms);
    }
}

#[test]
fn a_table_may_come_from_windows_and_spreadsheets() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sheet.csv");
    let text = "\u{feff}loss, alpha ,i\r\n1,-1,0\r\n2.5e0, 0 ,1\r\ninf,1,2\r\n\r\n";
    fs::write(&path, text).unwrap();
    let surface = import_surface(&path, Format::Csv).unwrap();
    assert_eq!(surface.losses(), [1.0, 2.5, f64::INFINITY]);
    assert_eq!(surface.grid().axes(), [Axis::new(-1.0, 1.0, 3).unwrap()]);
}

#[test]
fn files_are_overwritten_only_when_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.csv");
    fs::write(&path, "mine").unwrap();
    let surface = surface(grid(), vec![], 0);
    for &format in Format::ALL {
        let error = export_surface(&surface, format, &path, false).unwrap_err();
        assert!(matches!(error, Error::OutputExists { .. }), "{error}");
        assert_eq!(error.to_string(), format!("`{}` exists", path.display()));
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    export_surface(&surface, Format::Csv, &path, true).unwrap();
    assert_ne!(fs::read_to_string(&path).unwrap(), "mine");
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        1,
        "no drafts are left"
    );
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let surface = surface(grid(), vec![], 0);
    for &format in Format::ALL {
        let path = Path::new("/no/such/directory").join(format!("a.{format}"));
        let error = export_surface(&surface, format, &path, false).unwrap_err();
        assert!(
            error.to_string().contains(path.to_str().unwrap()),
            "{error}"
        );
    }
}

#[test]
#[cfg(unix)]
fn exported_files_have_ordinary_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("plain");
    fs::write(&plain, "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    for &format in Format::ALL.iter().filter(|format| !format.is_drawn()) {
        let path = dir.path().join(format!("a.{format}"));
        export_surface(&surface(grid(), vec![], 0), format, &path, false).unwrap();
        assert_eq!(mode(&path), mode(&plain), "{format}");
    }
}

#[test]
fn formats_have_names_and_endings() {
    assert_eq!("npz".parse::<Format>().unwrap(), Format::Npz);
    assert_eq!(Format::of_path(Path::new("a/b.CSV")).unwrap(), Format::Csv);
    for path in ["a.xlsx", "a"] {
        let text = Format::of_path(Path::new(path)).unwrap_err().to_string();
        assert!(text.contains("csv, json, parquet, npz, h5, vtk"), "{text}");
    }
    let mut out = Vec::new();
    assert!(write_surface(&surface(grid(), vec![], 0), Format::Npz, &mut out).is_err());
}

#[test]
fn a_run_is_exported_and_imported_as_a_run() {
    let (dir, store) = store();
    let plane = crate::support::plane();
    let spec = spec(1).named("valley");
    let (run, _) = store
        .begin_surface(&spec, &grid(), &terms(), Some(&plane))
        .unwrap();
    assert_eq!(*plane.origin(), params(1.0));
    store.append_points(&run, &points(&grid(), 2)).unwrap();
    let path = dir.path().join("valley.parquet");
    store.export(&run, Format::Parquet, &path, false).unwrap();
    let imported = store.import(&path, Format::Parquet, None, false).unwrap();
    assert_eq!(
        (imported.name.as_str(), imported.kind),
        ("import-1", RunKind::Import)
    );
    assert_eq!(imported.status, Status::Complete);
    assert_same(
        &store.load_surface(&imported).unwrap(),
        &surface(grid(), terms(), 0),
    );
    let again = store.import(&path, Format::Parquet, None, false).unwrap();
    assert_eq!(again.id, imported.id);
    let taken = store.import(&path, Format::Parquet, Some("valley"), false);
    assert!(matches!(taken, Err(Error::Differs { .. })));
    let replaced = store
        .import(&path, Format::Parquet, Some("valley"), true)
        .unwrap();
    assert_eq!(replaced.kind, RunKind::Import);
    assert_eq!(store.runs().unwrap().len(), 2);
    let none = store
        .begin(&RunSpec::new(RunKind::Train, serde_json::json!({})))
        .unwrap();
    let lacks = store.export(&none, Format::Csv, &dir.path().join("t.csv"), false);
    assert!(lacks.unwrap_err().to_string().contains("has no landscape"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_surface_survives_every_format(
        ends in prop::collection::vec((-1e3f64..1e3, 1e-3f64..1e3, 1usize..5), 1..4),
        losses in prop::collection::vec(prop::option::of(any::<f64>()), 64),
    ) {
        let axes = ends.iter().map(|&(min, len, count)| Axis::new(min, min + len, count).unwrap());
        let mut surface = Surface::new(Grid::new(axes.collect()).unwrap(), vec![]);
        for (flat, loss) in losses.iter().enumerate().take(surface.grid().len()) {
            if let Some(loss) = *loss {
                surface.set(flat, Sample::of(loss)).unwrap();
            }
        }
        let dir = tempfile::tempdir().unwrap();
        for &format in &[Format::Json, Format::Parquet] {
            let path = dir.path().join(format.name());
            export_surface(&surface, format, &path, false).unwrap();
            assert_same(&import_surface(&path, format).unwrap(), &surface);
        }
    }
}
