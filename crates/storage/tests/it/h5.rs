//! HDF5 in the layout of tomgoldstein/loss-landscape. The files under `tests/reference/h5` are
//! written by h5py, those under `tests/reference/written` here; `check_h5_vtk.py` reads the latter
//! with h5py and with VTK.

use crate::support::{assert_same, grid, surface, terms};
use landscape_core::{
    Axis, Direction, Grid, Parameter, Params, PointSource, Projection, Role, Sample, Source,
    Surface, Term, Trajectory, TrajectoryPoint, Value,
};
use landscape_storage::{
    Error, Format, Height, RunKind, Store, export_directions, export_surface, export_trajectory,
    import_directions, import_surface, read_surface,
};
use std::fs;
use std::path::{Path, PathBuf};

/// A file of the folder `tests/reference`.
pub fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/reference")
        .join(name)
}

/// Compares what is written with the file that the other programs were given. With the variable
/// `LANDSCAPE_BLESS` it becomes that file; run `check_h5_vtk.py` then.
#[track_caller]
pub fn assert_written(name: &str, write: impl FnOnce(&Path)) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    write(&path);
    let kept = reference("written").join(name);
    if std::env::var_os("LANDSCAPE_BLESS").is_some() {
        fs::create_dir_all(kept.parent().unwrap()).unwrap();
        fs::copy(&path, &kept).unwrap();
    }
    assert!(
        fs::read(&path).unwrap() == fs::read(&kept).unwrap(),
        "{name} differs"
    );
}

/// A landscape whose numbers `check_h5_vtk.py` knows: with `n = i + 2j + 3k` the loss is
/// `10^(n mod 4)` and the accuracy `(n mod 9) / 8`. Of a plane or a volume the first point is not
/// known, the last one's loss is NaN, and the first of the last row is interpolated.
pub fn sampled(dims: usize) -> Surface {
    let axes = [(-1.0, 1.0, 4), (0.0, 0.5, 3), (2.0, 3.0, 2)];
    let axes = axes[..dims]
        .iter()
        .map(|&(min, max, count)| Axis::new(min, max, count).unwrap());
    let grid = Grid::new(axes.collect()).unwrap();
    let term = Term {
        name: "a <term>".to_owned(),
        weight: 0.5,
    };
    let mut surface = Surface::new(grid, vec![term]);
    let [nx, ny, nz] = surface.grid().shape3();
    let (last, interpolated) = (nx * ny * nz - 1, (nx - 1) * ny * nz);
    for flat in 0..=last {
        let [i, j, k] = surface.grid().unravel(flat);
        let n = i + 2 * j + 3 * k;
        let sample = Sample {
            loss: match dims > 1 && flat == last {
                true => f64::NAN,
                false => 10f64.powi((n % 4) as i32),
            },
            loss_se: Some(0.25),
            accuracy: Some((n % 9) as f64 / 8.0),
            terms: vec![-(n as f64)],
        };
        match (dims > 1, flat) {
            (true, 0) => {}
            (true, flat) if flat == interpolated => surface.set_interpolated(flat, sample).unwrap(),
            _ => surface.set(flat, sample).unwrap(),
        }
    }
    surface
}

/// A path that `check_h5_vtk.py` knows.
pub fn path() -> Trajectory {
    let point = |n: u64| TrajectoryPoint {
        step: 10 * n,
        coords: [n as f64, -0.5 * n as f64, 0.0],
        residual: 0.125 * n as f64,
        loss: Some(4.0 - n as f64),
        plane_loss: (n > 0).then_some(4.5 - n as f64),
    };
    Trajectory {
        points: (0..4).map(point).collect(),
        explained_variance: vec![0.75, 0.125],
        projection: Projection::Cos,
    }
}

/// The network of the files of directions.
fn network() -> Params {
    let tensor = |name: &str, shape: &[usize], role| {
        let values = vec![1.0; shape.iter().product()];
        Parameter::new(name, shape, values, role).unwrap()
    };
    Params::new(vec![
        tensor("conv.weight", &[2, 1, 3, 3], Role::Weight),
        tensor("bn.weight", &[2], Role::NormScale),
        tensor("bn.bias", &[2], Role::NormShift),
        tensor("bn.running_mean", &[2], Role::Buffer),
        tensor("bn.running_var", &[2], Role::Buffer),
        tensor("fc.weight", &[3, 2], Role::Weight),
    ])
    .unwrap()
}

/// Values that count up through the tensors of the network.
fn counted(factor: f32, states: bool) -> Params {
    let mut count = 0.0;
    let mut tensors = network().into_inner();
    for tensor in &mut tensors {
        let moves = states || tensor.role != Role::Buffer;
        for value in &mut tensor.data {
            count += f32::from(moves);
            *value = if moves { factor * count } else { 0.0 };
        }
    }
    Params::new(tensors).unwrap()
}

fn message(error: Error) -> String {
    error.to_string()
}

#[test]
fn a_surface_half_computed_by_plot_surface_is_read() {
    let surface = import_surface(&reference("h5/surface.h5"), Format::H5).unwrap();
    let axes = [(-1.0, 1.0, 5), (0.0, 2.0, 3)];
    let axes = axes.map(|(min, max, count)| Axis::new(min, max, count).unwrap());
    assert_eq!(surface.grid().axes(), axes);
    assert_eq!(surface.missing(), 7);
    assert_eq!(surface.terms()[0].name, "test_loss");
    for flat in 0..15 {
        let [i, j, _] = surface.grid().unravel(flat);
        let [x, y, _] = surface.grid().point(flat);
        // The program numbers points with x fastest.
        let k = 5 * j + i;
        let expected = (k % 2 == 0).then(|| Sample {
            loss: 1.0 + x + 10.0 * y,
            loss_se: None,
            accuracy: Some(0.125 * (k % 9) as f64),
            terms: vec![2.0 + x + 10.0 * y],
        });
        assert_eq!(surface.get(flat), expected.as_ref(), "{i} {j}");
    }
}

#[test]
fn chunks_are_put_together() {
    for (name, unwritten) in [("chunks.h5", 25.0), ("single_chunk.h5", 25.0)] {
        let path = reference("h5").join(name);
        let surface = import_surface(&path, Format::H5).unwrap();
        assert_eq!(surface.grid().shape(), [6, 5]);
        for flat in 0..30 {
            let [i, j, _] = surface.grid().unravel(flat);
            let [x, y, _] = surface.grid().point(flat);
            // f32 in the file.
            let loss = if j < 4 { 1.0 + x + 10.0 * y } else { unwritten };
            let sample = surface.get(flat).unwrap();
            assert!((sample.loss - loss).abs() < 1e-5, "{name} {i} {j}");
            assert_eq!(sample.accuracy, Some((6 * j + i) as f64 / 100.0));
        }
    }
}

#[test]
fn directions_take_the_names_of_the_network() {
    let weights = import_directions(&reference("h5/weights.h5"), &network()).unwrap();
    assert_eq!(weights, [counted(1.0, false), counted(-0.5, false)]);
    let states = import_directions(&reference("h5/states.h5"), &network()).unwrap();
    assert_eq!(states, [counted(1.0, true)]);
}

#[test]
fn directions_of_another_network_are_refused() {
    let read = |name: &str, layout: &Params| {
        let failed = import_directions(&reference("h5").join(name), layout);
        message(failed.unwrap_err())
    };
    let changed = |change: fn(&mut Vec<Parameter>)| {
        let mut tensors = network().into_inner();
        change(&mut tensors);
        Params::new(tensors).unwrap()
    };
    let transposed = changed(|tensors| tensors[5].shape = vec![2, 3]);
    for name in ["weights.h5", "states.h5"] {
        let text = read(name, &transposed);
        assert!(
            text.contains("`fc.weight` has [2, 3]") && text.contains("[3, 2]"),
            "{text}"
        );
    }
    assert!(read("weights.h5", &transposed).contains("`xdirection/3`"));
    let fewer = changed(|tensors| tensors.truncate(3));
    let text = read("weights.h5", &fewer);
    assert!(
        text.contains("one tensor more than the network has (3)"),
        "{text}"
    );
    let more = changed(|tensors| {
        let extra = Parameter::new("fc.bias", [3], vec![0.0; 3], Role::Bias);
        tensors.push(extra.unwrap());
    });
    let text = read("weights.h5", &more);
    assert!(
        text.contains("`xdirection/4`") && text.contains("for `fc.bias`"),
        "{text}"
    );
    let text = read("surface.h5", &network());
    assert!(
        text.contains("`xdirection`: there is no such group") && text.contains("holds a landscape"),
        "{text}"
    );
}

/// What stands at points that are not computed yet is not an eigenvalue.
#[test]
fn fills_of_eigenvalues_are_no_values() {
    let surface = import_surface(&reference("h5/eigen-losses.h5"), Format::H5).unwrap();
    let names: Vec<&str> = { surface.terms().iter() }
        .map(|t| t.name.as_str())
        .collect();
    let term = |name: &str, flat| {
        let place = names.iter().position(|known| *known == name).unwrap();
        surface.value(flat, Value::Term(place)).unwrap()
    };
    for flat in 0..9 {
        let [i, j, _] = surface.grid().unravel(flat);
        let (largest, smallest) = (term("max_eig", flat), term("min_eig", flat));
        match j < 2 {
            true => assert_eq!(largest, 4.0 + i as f64),
            false => assert!(largest.is_nan() && smallest.is_nan(), "{flat}"),
        }
        // Eigenvalues that equal one of the marks.
        assert!(j == 2 || smallest == [-1.0, -0.5, 1.0][i], "{flat}");
    }
}

/// A map of eigenvalues has values, and no losses.
#[test]
fn eigenvalues_without_losses_are_a_map() {
    let (surface, notes) = import_noted("eigen.h5");
    assert!(
        notes[0].contains("no losses, which are NaN here; its values are `max_eig`"),
        "{notes:?}"
    );
    for flat in 0..9 {
        let [i, j, _] = surface.grid().unravel(flat);
        match surface.get(flat) {
            None => assert_eq!(j, 2),
            Some(sample) => {
                assert!(j < 2 && sample.loss.is_nan());
                assert_eq!(sample.terms, [4.0 + i as f64, [-1.0, -0.5, 1.0][i]]);
            }
        }
    }
}

/// Half precision, axes that fall, and lists of chunks: with and without filters, in pages, in a dataset that may grow.
#[test]
fn other_forms_are_the_same_landscape() {
    for (name, count, tolerance) in [
        ("half.h5", 5, 1e-3),
        ("falling.h5", 5, 0.0),
        ("fixed-array.h5", 5, 0.0),
        ("fixed-array-gzip.h5", 5, 0.0),
        ("fixed-array-pages.h5", 45, 1e-3),
        ("growing-array.h5", 5, 0.0),
        ("growing-array-gzip.h5", 5, 0.0),
        ("growing-array-blocks.h5", 45, 1e-3),
        ("growing-tree.h5", 5, 0.0),
        ("growing-tree-gzip.h5", 5, 0.0),
        ("growing-tree-deep.h5", 45, 1e-3),
        ("growing.h5", 5, 0.0),
        ("lzf.h5", 9, 0.0),
        ("userblock.h5", 5, 0.0),
    ] {
        let (surface, notes) = import_noted(name);
        assert_eq!(surface.grid().shape(), [count, count], "{name}");
        let axis = &surface.grid().axes()[0];
        assert_eq!((axis.min(), axis.max()), (-1.0, 1.0));
        for flat in 0..surface.grid().len() {
            let [x, y, _] = surface.grid().point(flat);
            let loss = surface.get(flat).unwrap().loss;
            let right = 1.0 + x * x + x / 4.0 + y * y / 10.0;
            assert!(
                (loss - right).abs() <= tolerance * right + 1e-15,
                "{name} {x} {y}: {loss} {right}"
            );
        }
        let said = notes
            .iter()
            .any(|note| note == "`xcoordinates` descends, and is reversed: axes ascend");
        assert_eq!(said, name == "falling.h5", "{notes:?}");
    }
}

#[track_caller]
fn import_noted(name: &str) -> (Surface, Vec<String>) {
    read_surface(&reference(&format!("h5/{name}")), Format::H5).unwrap()
}

#[test]
fn files_of_something_else_are_named() {
    for (name, words) in [
        (
            "grouped.h5",
            "the file holds the group `run1` with `xcoordinates`, `ycoordinates`, `train_loss`; copy",
        ),
        (
            "projected.h5",
            "the file holds a projected path: `proj_xcoord`, `proj_ycoord`",
        ),
    ] {
        let text = import_surface(&reference(&format!("h5/{name}")), Format::H5);
        let text = text.unwrap_err().to_string();
        assert!(text.contains(words), "{text}");
    }
    let text = import_directions(&reference("h5/projected.h5"), &network()).unwrap_err();
    assert!(text.to_string().contains("a projected path"), "{text}");
}

#[test]
fn what_is_written_is_what_h5py_was_given() {
    for (name, dims) in [("line.h5", 1), ("plane.h5", 2)] {
        assert_written(name, |path| {
            export_surface(&sampled(dims), Format::H5, path, false).unwrap();
        });
    }
    let direction = |factor, states| {
        let tensors = counted(factor, states);
        Direction::from_tensors(tensors, &network(), Source::File).unwrap()
    };
    for (name, states) in [("weights.h5", false), ("states.h5", true)] {
        let directions = [direction(1.0, states), direction(-0.5, states)];
        assert_written(name, |path| {
            export_directions(&directions, &[0.75, 0.125], path, false).unwrap();
            let read = import_directions(path, &network()).unwrap();
            assert_eq!(read, directions.clone().map(|d| d.tensors));
        });
    }
    assert_written("trajectory.h5", |file| {
        export_trajectory(&path(), 2, Format::H5, Height::Loss, file, false).unwrap();
    });
}

#[test]
fn interpolated_points_stay_interpolated() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plane.h5");
    let given = sampled(2);
    export_surface(&given, Format::H5, &path, false).unwrap();
    let read = import_surface(&path, Format::H5).unwrap();
    assert_same(&read, &given);
    let sources = |s: &Surface| (0..12).map(|flat| s.source(flat)).collect::<Vec<_>>();
    assert_eq!(sources(&read), sources(&given));
    assert_eq!(read.source(9), Some(PointSource::Interpolated));
}

#[test]
fn groups_of_many_tensors_come_back() {
    let tensor = |n: usize| Parameter::new(format!("{n}"), [1], vec![n as f32], Role::Weight);
    let many = Params::new((0..2000).map(|n| tensor(n).unwrap()).collect()).unwrap();
    let direction = Direction::from_tensors(many.clone(), &many, Source::File).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("many.h5");
    export_directions(&[direction], &[], &path, false).unwrap();
    assert_eq!(import_directions(&path, &many).unwrap(), [many]);
}

#[test]
fn losses_of_minus_one_are_told_from_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("line.h5");
    let mut line = Surface::new(Grid::square(3, 1.0, 1).unwrap(), vec![]);
    let sample = |loss, accuracy| Sample {
        loss,
        loss_se: None,
        accuracy,
        terms: vec![],
    };
    line.set(0, sample(-1.0, Some(0.5))).unwrap();
    line.set(1, sample(-1.0, None)).unwrap();
    export_surface(&line, Format::H5, &path, false).unwrap();
    assert_same(&import_surface(&path, Format::H5).unwrap(), &line);
}

#[test]
fn volumes_and_other_things_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.h5");
    let text = message(export_surface(&sampled(3), Format::H5, &path, false).unwrap_err());
    assert!(
        text.contains("3 directions") && text.contains("npz"),
        "{text}"
    );
    assert!(!path.exists());
    let failed = export_trajectory(&path_of_one(), 2, Format::Csv, Height::Loss, &path, false);
    assert!(message(failed.unwrap_err()).contains("use h5 or vtk"));
    let text = message(import_surface(&reference("h5/weights.h5"), Format::H5).unwrap_err());
    assert!(
        text.contains("`xcoordinates`") && text.contains("these are directions"),
        "{text}"
    );
    fs::write(&path, b"not HDF5 at all").unwrap();
    let text = message(import_surface(&path, Format::H5).unwrap_err());
    assert!(text.contains("a.h5`: this is not an HDF5 file"), "{text}");
}

fn path_of_one() -> Trajectory {
    let mut one = path();
    one.points.truncate(1);
    one
}

#[test]
fn a_file_becomes_a_run() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("landscape.duckdb")).unwrap();
    let file = reference("h5/surface.h5");
    let run = store
        .import(&file, Format::H5, Some("theirs"), false)
        .unwrap();
    assert_eq!((run.kind, run.name.as_str()), (RunKind::Import, "theirs"));
    let direct = import_surface(&file, Format::H5).unwrap();
    assert_same(&store.load_surface(&run).unwrap(), &direct);
}

/// Every file that the tests know, and one with every kind of column.
fn all_files() -> Vec<Vec<u8>> {
    let names = [
        "surface.h5",
        "chunks.h5",
        "single_chunk.h5",
        "weights.h5",
        "states.h5",
    ];
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("full.h5");
    export_surface(&surface(grid(), terms(), 3), Format::H5, &path, false).unwrap();
    let read = |name: &&str| fs::read(reference("h5").join(name)).unwrap();
    let mut files: Vec<Vec<u8>> = names.iter().map(read).collect();
    files.push(fs::read(path).unwrap());
    files
}

/// Reads bytes as everything that they could be.
fn read_all(path: &Path, bytes: &[u8]) -> bool {
    fs::write(path, bytes).unwrap();
    let surface = import_surface(path, Format::H5);
    let directions = import_directions(path, &network());
    surface.is_ok() || directions.is_ok()
}

#[test]
fn a_file_cut_short_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cut.h5");
    for file in all_files() {
        assert!(read_all(&path, &file));
        for length in (0..file.len()).step_by(file.len() / 150) {
            assert!(
                !read_all(&path, &file[..length]),
                "{length} of {}",
                file.len()
            );
        }
    }
    let file = &all_files()[0];
    fs::write(&path, &file[..file.len() - 1]).unwrap();
    let text = message(import_surface(&path, Format::H5).unwrap_err());
    assert!(
        text.contains("cut short: it has 8631 bytes of 8632"),
        "{text}"
    );
}

#[test]
fn damaged_files_do_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("damaged.h5");
    // Marsaglia's xorshift.
    let mut state = 88_172_645_463_325_252u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for file in all_files() {
        for round in 0..300 {
            let mut damaged = file.clone();
            for _ in 0..=round % 3 {
                let place = random() % damaged.len();
                damaged[place] = match random() % 3 {
                    0 => 0xff,
                    1 => random() as u8,
                    _ => damaged[place] ^ 1 << (random() % 8),
                };
            }
            // Whatever comes of it, it comes without a panic and in a moment.
            read_all(&path, &damaged);
        }
    }
}

/// Where bytes stand, once and nowhere else.
fn find(file: &[u8], bytes: &[u8]) -> usize {
    let places = file.windows(bytes.len()).enumerate();
    let mut places = places
        .filter(|(_, window)| *window == bytes)
        .map(|(at, _)| at);
    let place = places.next().unwrap();
    assert_eq!(places.next(), None, "{bytes:?} stands there twice");
    place
}

#[test]
fn hostile_files_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hostile.h5");
    export_surface(&sampled(1), Format::H5, &path, false).unwrap();
    let honest = fs::read(&path).unwrap();
    let read = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = honest.clone();
        change(&mut bytes);
        fs::write(&path, bytes).unwrap();
        message(import_surface(&path, Format::H5).unwrap_err())
    };
    // The shape of the first list of coordinates: a list of one axis with 4 values.
    let shape = [&[1u8, 1, 0, 0, 0, 0, 0, 0][..], &4u64.to_le_bytes()].concat();
    let first = honest
        .windows(16)
        .position(|window| window == shape)
        .unwrap()
        + 8;
    for count in [1u64 << 20, 1 << 40, 1 << 61, u64::MAX] {
        let text = read(&|bytes| bytes[first..first + 8].copy_from_slice(&count.to_le_bytes()));
        assert!(
            text.contains("damaged") && text.contains("xcoordinates"),
            "{text}"
        );
    }
    // A leaf of names that is the tree above it.
    let tree = find(&honest, b"TREE");
    let text = read(&|bytes| {
        let address = (tree as u64).to_le_bytes();
        bytes[tree + 32..tree + 40].copy_from_slice(&address);
    });
    assert!(text.contains("a group's leaf has no signature"), "{text}");
    let text = read(&|bytes| {
        // The same with a tree that says it is above another.
        bytes[tree + 5] = 1;
        let address = (tree as u64).to_le_bytes();
        bytes[tree + 32..tree + 40].copy_from_slice(&address);
    });
    assert!(text.contains("another kind of node"), "{text}");
}

#[test]
fn values_survive_the_first_axis_being_fastest() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plane.h5");
    let plane = surface(grid(), terms(), 0);
    export_surface(&plane, Format::H5, &path, false).unwrap();
    let read = import_surface(&path, Format::H5).unwrap();
    let place = read.grid().index([5, 2, 0]).unwrap();
    assert_eq!(
        read.value(place, Value::Loss),
        plane.value(place, Value::Loss)
    );
    assert_same(&read, &plane);
}
