//! Damaged files never panic, never take more memory than a file of their length may, and never take
//! long. In a process of its own, whose memory is measured, and one after the other.

use landscape_core::{Axis, Grid, Parameter, Params, Role, Sample, Surface, Term};
use landscape_files::mutants::{endure, survive, survive_some};
use landscape_storage::{
    CheckpointForm, Format, TableFile, decode_checkpoint, encode_checkpoint, export_surface,
    import_directions, import_surface,
};
use std::fs;
use std::path::Path;

fn surface() -> Surface {
    let axis = |min, max, count| Axis::new(min, max, count).unwrap();
    let grid = Grid::new(vec![axis(-1.0, 1.0, 5), axis(-0.5, 0.7, 4)]).unwrap();
    let term = Term {
        name: "l2".to_owned(),
        weight: 0.1,
    };
    let mut surface = Surface::new(grid, vec![term]);
    for flat in 0..20 {
        let x = flat as f64;
        let sample = Sample {
            loss: (x * 0.7).sin() + 1.0 / 3.0,
            loss_se: (flat % 3 > 0).then_some(x / 7.0),
            accuracy: (flat % 4 > 0).then(|| 1.0 / (x + 1.0)),
            terms: vec![x / 9.0],
        };
        match flat % 7 {
            3 => {}
            5 => surface.set_interpolated(flat, sample).unwrap(),
            _ => surface.set(flat, sample).unwrap(),
        }
    }
    surface
}

/// Tables and trees of far more parts than a file may have.
fn made_to_harm(path: &Path) {
    let head = "i,alpha,loss\n";
    let axes = r#"{"schema":1,"axes":[{"min":0,"max":1,"count":2}],"loss":["#;
    let term = r#"{"name":"","weight":0,"values":[]},"#;
    for (name, format, text) in [
        ("columns", Format::Csv, ",".repeat(6_000_000)),
        ("quoted columns", Format::Csv, "\"a\",".repeat(3_000_000)),
        (
            "fields",
            Format::Csv,
            head.to_owned() + &",".repeat(6_000_000),
        ),
        (
            "quoted fields",
            Format::Csv,
            head.to_owned() + &"\"a\",".repeat(3_000_000),
        ),
        (
            "lines",
            Format::Csv,
            head.to_owned() + &"\n".repeat(6_000_000),
        ),
        (
            "numbers",
            Format::Json,
            axes.to_owned() + &"0,".repeat(4_000_000) + "0]}",
        ),
        (
            "terms",
            Format::Json,
            axes.to_owned() + "],\"terms\":[" + &term.repeat(200_000),
        ),
        (
            "words",
            Format::Json,
            axes.to_owned() + &"NaN,".repeat(2_000_000) + "0]}",
        ),
        (
            "lists in lists",
            Format::Json,
            axes.to_owned() + &"[".repeat(6_000_000),
        ),
        (
            "empty lists",
            Format::Json,
            axes.to_owned() + &"[],".repeat(2_000_000) + "0]}",
        ),
        (
            "coordinates",
            Format::Csv,
            "alpha,loss\n".to_owned()
                + &(0..400_000)
                    .map(|n| format!("{n}e9,0\n"))
                    .collect::<String>()
                + "1,1\n",
        ),
        ("lists", Format::Json, "[".repeat(6_000_000)),
        ("objects", Format::Json, "{\"a\":".repeat(2_000_000)),
    ] {
        endure(name, text.as_bytes(), |bytes| {
            fs::write(path, bytes).unwrap();
            import_surface(path, format).unwrap_err();
        });
    }
}

/// Two files of HDF5 that h5py wrote: chunks behind filters, and directions.
fn reference(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/h5");
    fs::read(folder.join(name)).unwrap()
}

/// Mutants of what DuckDB reads, which takes 20 ms each.
const BY_DUCKDB: usize = 200;

#[test]
fn damaged_files_do_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    made_to_harm(&path);
    let surface = surface();
    for &format in Format::ALL.iter().filter(|format| format.reads(2)) {
        export_surface(&surface, format, &path, true).unwrap();
        let sound = fs::read(&path).unwrap();
        let count = if format == Format::Parquet {
            BY_DUCKDB
        } else {
            1000
        };
        survive_some(count, format.name(), &sound, |bytes| {
            fs::write(&path, bytes).unwrap();
            let _ = import_surface(&path, format);
        });
    }
    for name in [
        "chunks.h5",
        "surface.h5",
        "single_chunk.h5",
        "fixed-array-gzip.h5",
        "fixed-array-pages.h5",
        "growing-array-gzip.h5",
        "growing-tree-deep.h5",
        "lzf.h5",
        "half.h5",
    ] {
        survive(name, &reference(name), |bytes| {
            fs::write(&path, bytes).unwrap();
            let _ = import_surface(&path, Format::H5);
        });
    }
    let table = dir.path().join("t.csv");
    let columns = "id,size,city\n1,2.5,a\n2,3.5,b\n3,NA,c\n".repeat(5);
    survive_some(BY_DUCKDB, "columns", columns.as_bytes(), |bytes| {
        fs::write(&table, bytes).unwrap();
        let _ = TableFile::open(&table).map(|table| {
            let names: Vec<&str> = table.columns().iter().map(|c| c.name.as_str()).collect();
            let _ = (
                table.numbers(&names),
                table.classes(names.last().unwrap_or(&"")),
            );
        });
    });
    for form in [CheckpointForm::F32, CheckpointForm::F16] {
        survive(form.name(), &encode_checkpoint(form), decode_checkpoint);
    }
    let tensor = |name: &str, shape: Vec<usize>| {
        let count = shape.iter().product();
        Parameter::new(name, shape, vec![0.0; count], Role::Weight).unwrap()
    };
    let layout = Params::new(vec![tensor("a", vec![2, 3]), tensor("b", vec![3])]).unwrap();
    survive("weights.h5", &reference("weights.h5"), |bytes| {
        fs::write(&path, bytes).unwrap();
        let _ = import_directions(&path, &layout);
    });
}
