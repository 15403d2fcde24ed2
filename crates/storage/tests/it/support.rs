//! What the tests share.

use landscape_core::{
    BiasMode, Direction, Distribution, Grid, Measured, Normalization, Parameter, Params, Plane,
    Role, Sample, Surface, Term,
};
use landscape_storage::{RunKind, RunSpec, Store};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A directory that vanishes, and a database file in it that does not exist yet.
pub fn place() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("landscape.duckdb");
    (dir, path)
}

/// A database as other programs open it, as soon as no process has it open.
pub fn raw(path: impl AsRef<Path>) -> duckdb::Connection {
    let start = Instant::now();
    Store::close(&path);
    loop {
        match duckdb::Connection::open(&path) {
            Err(error) if error.to_string().contains("lock") && start.elapsed() < WAIT => {
                std::thread::sleep(Duration::from_millis(5));
            }
            opened => return opened.unwrap(),
        }
    }
}

/// How long other processes may have a file open.
const WAIT: Duration = Duration::from_secs(20);

/// A new store.
pub fn store() -> (TempDir, Store) {
    let (dir, path) = place();
    (dir, Store::open(path).unwrap())
}

/// A request that differs from others by its seed alone.
pub fn spec(seed: u64) -> RunSpec {
    RunSpec::new(
        RunKind::Surface,
        json!({"model": "mlp:2-8-4-1", "seed": seed}),
    )
}

/// A grid of unequal sides.
pub fn grid() -> Grid {
    let axis = |min, max, count| landscape_core::Axis::new(min, max, count).unwrap();
    Grid::new(vec![axis(-1.0, 1.0, 7), axis(-0.5, 0.7, 4)]).unwrap()
}

pub fn terms() -> Vec<Term> {
    let term = |name: &str, weight| Term {
        name: name.to_owned(),
        weight,
    };
    vec![term("l2", 0.1), term("l1", 1e-3)]
}

/// A sample whose numbers need every bit, some of them not finite.
pub fn sample(index: usize, terms: usize) -> Sample {
    let x = index as f64;
    let loss = match index % 11 {
        3 => f64::NAN,
        5 => f64::INFINITY,
        8 => f64::NEG_INFINITY,
        _ => (x * 0.7).sin() * 1e3 + 1.0 / 3.0,
    };
    Sample {
        loss,
        loss_se: (!index.is_multiple_of(3)).then(|| x.sqrt() / 7.0),
        accuracy: (!index.is_multiple_of(4)).then(|| 1.0 / (x + 1.0)),
        terms: (0..terms).map(|t| (x + t as f64) / 9.0).collect(),
    }
}

/// All points of a grid.
pub fn points(grid: &Grid, terms: usize) -> Vec<Measured> {
    let point = |index| Measured {
        index,
        sample: sample(index, terms),
    };
    (0..grid.len()).map(point).collect()
}

/// A surface with every `hole`-th point missing; 0 for none.
pub fn surface(grid: Grid, terms: Vec<Term>, hole: usize) -> Surface {
    let points = points(&grid, terms.len());
    let mut surface = Surface::new(grid, terms);
    for point in points {
        if hole == 0 || point.index % hole != 1 {
            surface.set(point.index, point.sample).unwrap();
        }
    }
    surface
}

/// Whether two surfaces are the same, NaN equal to NaN, bit for bit but for the sign of zero,
/// which DuckDB does not always keep.
#[track_caller]
pub fn assert_same(a: &Surface, b: &Surface) {
    assert_eq!(a.grid(), b.grid());
    assert_eq!(a.terms(), b.terms());
    for flat in 0..a.grid().len() {
        let number = |x: f64| (x + 0.0).to_bits();
        let bits = |s: &Surface| {
            s.get(flat).map(|s| {
                let terms: Vec<u64> = s.terms.iter().copied().map(number).collect();
                let option = |o: Option<f64>| o.map(number);
                (number(s.loss), option(s.loss_se), option(s.accuracy), terms)
            })
        };
        assert_eq!(bits(a), bits(b), "point {flat}");
    }
}

/// A small network's parameters, with a buffer.
pub fn params(seed: f32) -> Params {
    let tensor = |name: &str, shape: &[usize], role| {
        let len = shape.iter().product::<usize>();
        let data = (0..len).map(|i| (i as f32 + seed).sin()).collect();
        Parameter::new(name, shape, data, role).unwrap()
    };
    Params::new(vec![
        tensor("fc1.weight", &[4, 3], Role::Weight),
        tensor("fc1.bias", &[4], Role::Bias),
        tensor("bn.running_mean", &[4], Role::Buffer),
        tensor("scale", &[], Role::NormScale),
    ])
    .unwrap()
}

pub fn plane() -> Plane {
    let origin = params(1.0);
    let direction = |stream| {
        Direction::random(&origin, Distribution::Gaussian, 42, stream)
            .normalize(&origin, Normalization::Filter, BiasMode::Layer)
            .unwrap()
    };
    let directions = vec![direction(0), direction(1)];
    Plane::new(origin, directions).unwrap()
}
