//! Meshes for ParaView. The files under `tests/reference/written` are what `check_h5_vtk.py` reads
//! with VTK's own readers.

use crate::h5::{assert_written, path, sampled};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landscape_core::{Grid, Sample, Surface, Term};
use landscape_storage::{
    Error, Format, Height, export_mesh, export_surface, export_trajectory, import_surface,
};
use std::fs;
use std::path::Path;

#[test]
fn what_is_written_is_what_vtk_was_given() {
    for (dims, names) in [
        (1, ["line.vtp", "line.vtk"]),
        (2, ["plane.vtp", "plane.vtk"]),
        (3, ["volume.vti", "volume.vtk"]),
    ] {
        for name in names {
            assert_written(name, |path| {
                export_surface(&sampled(dims), Format::Vtk, path, false).unwrap();
            });
        }
    }
    for name in ["path.vtp", "path.vtk"] {
        assert_written(name, |file| {
            export_trajectory(&path(), 2, Format::Vtk, Height::Loss, file, false).unwrap();
        });
    }
}

/// The bytes of an array of an XML file.
#[track_caller]
fn array(text: &str, name: &str) -> Vec<u8> {
    let (_, from) = text.split_once(&format!("Name=\"{name}\"")).unwrap();
    let (_, from) = from.split_once(">\n").unwrap();
    let (code, _) = from.split_once('\n').unwrap();
    let bytes = STANDARD.decode(code).unwrap();
    let (length, bytes) = bytes.split_at(8);
    assert_eq!(
        u64::from_le_bytes(length.try_into().unwrap()),
        bytes.len() as u64
    );
    bytes.to_vec()
}

fn floats(text: &str, name: &str) -> Vec<f64> {
    let bytes = array(text, name);
    let chunks = bytes.chunks_exact(8);
    chunks
        .map(|b| f64::from_le_bytes(b.try_into().unwrap()))
        .collect()
}

fn whole(text: &str, name: &str) -> Vec<usize> {
    let bytes = array(text, name);
    let chunks = bytes.chunks_exact(8);
    chunks
        .map(|b| i64::from_le_bytes(b.try_into().unwrap()) as usize)
        .collect()
}

fn rows<T: Copy, const N: usize>(values: &[T]) -> Vec<[T; N]> {
    let (rows, rest) = values.as_chunks();
    assert!(rest.is_empty());
    rows.to_vec()
}

fn written(surface: &Surface, height: Height) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.vtp");
    export_mesh(surface, height, &path, false).unwrap();
    fs::read_to_string(path).unwrap()
}

#[test]
fn quads_join_what_is_known_counterclockwise() {
    let text = written(&sampled(2), Height::Loss);
    let points = rows::<f64, 3>(&floats(&text, "Points"));
    assert_eq!(points.len(), 12);
    // The first axis is fastest, and the height is the loss.
    assert_eq!(points[1], [-1.0 + 2.0 / 3.0, 0.0, 10.0]);
    assert_eq!(points[4], [-1.0, 0.25, 100.0]);
    let (_, polys) = text.split_once("<Polys>").unwrap();
    let quads = rows::<usize, 4>(&whole(polys, "connectivity"));
    assert_eq!(whole(polys, "offsets"), [4, 8, 12, 16]);
    // Six cells but for those at the point that is not known and at the one that is NaN.
    assert_eq!(quads.len(), 4);
    for quad in quads {
        assert!(
            quad.iter().all(|&point| ![0, 11].contains(&point)),
            "{quad:?}"
        );
        let [a, b, _, d] = quad.map(|point| points[point]);
        let area = (b[0] - a[0]) * (d[1] - a[1]) - (b[1] - a[1]) * (d[0] - a[0]);
        assert!(area > 0.0, "{quad:?}");
    }
    // What is known nowhere does not widen the picture.
    assert_eq!((points[0][2], points[11][2]), (1.0, 1.0));
    assert!(floats(&text, "loss")[11].is_nan() && floats(&text, "loss")[0].is_nan());
    let measured = array(&text, "measured");
    assert_eq!(measured, [0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
}

#[test]
fn heights_are_of_choice() {
    let heights = |height| -> Vec<f64> {
        let text = written(&sampled(2), height);
        floats(&text, "Points")
            .chunks_exact(3)
            .map(|p| p[2])
            .collect()
    };
    assert_eq!(heights(Height::Flat), [0.0; 12]);
    let log = heights(Height::Log);
    assert_eq!(log[1..5], [1.0, 2.0, 3.0, 2.0]);
    let text = written(&sampled(2), Height::Flat);
    assert_eq!(floats(&text, "log10_loss")[1..5], [1.0, 2.0, 3.0, 2.0]);
    // The NaN is not a hole where heights are all the same: flat cells are coloured by it.
    assert!("high".parse::<Height>().is_err());
    assert_eq!("log".parse::<Height>().unwrap(), Height::Log);
}

#[test]
fn losses_that_have_no_logarithm_are_holes() {
    let mut line = Surface::new(Grid::square(5, 1.0, 1).unwrap(), vec![]);
    for (flat, loss) in [1.0, 10.0, -1.0, 100.0, f64::INFINITY]
        .into_iter()
        .enumerate()
    {
        let sample = Sample {
            loss,
            loss_se: None,
            accuracy: None,
            terms: vec![],
        };
        line.set(flat, sample).unwrap();
    }
    let text = written(&line, Height::Log);
    let (_, lines) = text.split_once("<Lines>").unwrap();
    assert_eq!(whole(lines, "connectivity"), [0, 1]);
    let text = written(&line, Height::Loss);
    let (_, lines) = text.split_once("<Lines>").unwrap();
    assert_eq!(whole(lines, "connectivity"), [0, 1, 2, 3]);
    assert_eq!(floats(&text, "loss")[4], f64::INFINITY);
}

#[test]
fn the_ending_says_what_a_file_holds() {
    let dir = tempfile::tempdir().unwrap();
    let write = |dims: usize, name: &str| {
        let path = dir.path().join(name);
        let result = export_surface(&sampled(dims), Format::Vtk, &path, false);
        assert_eq!(path.exists(), result.is_ok());
        result.map_err(|error| error.to_string())
    };
    let text = write(2, "plane.vti").unwrap_err();
    assert!(
        text.contains("plane.vti`") && text.contains(".vtp or .vtk"),
        "{text}"
    );
    let text = write(3, "volume.vtp").unwrap_err();
    assert!(text.contains(".vti or .vtk"), "{text}");
    assert!(write(2, "plane").is_err());
    assert!(write(2, "PLANE.VTP").is_ok());
    for name in ["a.vtk", "a.vtp", "a.vti"] {
        assert_eq!(Format::of_path(Path::new(name)).unwrap(), Format::Vtk);
    }
    let failed = import_surface(&dir.path().join("PLANE.VTP"), Format::Vtk).unwrap_err();
    assert!(matches!(failed, Error::NotRead { .. }), "{failed}");
}

#[test]
fn names_are_written_as_xml_has_them() {
    let term = |name: &str| Term {
        name: name.to_owned(),
        weight: 0.0,
    };
    let terms = vec![term("a<b&\"c\""), term("loss")];
    let line = Surface::new(Grid::square(2, 1.0, 1).unwrap(), terms);
    let text = written(&line, Height::Loss);
    assert!(text.contains("Name=\"a&lt;b&amp;&quot;c&quot;\""), "{text}");
    assert!(text.contains("Name=\"term_loss\""), "{text}");
}
