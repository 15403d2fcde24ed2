//! Curvature: eigenvalues, traces, densities, sharpness, eigenvectors, maps, iterations under way.

use crate::child::{Process, allow, allow_all, wait_until_allowed};
use crate::support::{grid, params, place, plane, raw, spec, store};
use landscape_core::Grid;
use landscape_storage::{
    ALL_PARAMETERS, Curvature, CurvatureMap, CurvaturePoint, CurvatureTable, Eigenvalue, Error,
    Format, Run, RunKind, RunSpec, SCHEMA_VERSION, Sharpness, Side, SpectralDensity, Status, Store,
    TraceEstimate, write_curvature,
};
use serde_json::json;
use std::path::Path;

fn hessian() -> RunSpec {
    RunSpec::new(RunKind::Hessian, json!({"model": "mlp:2-8-4-1", "top": 3})).named("h")
}

fn begun() -> (tempfile::TempDir, Store, Run) {
    let (dir, store) = store();
    let run = store.begin(&hessian()).unwrap();
    (dir, store, run)
}

fn eigenvalue(part: &str, side: Side, rank: u64, value: f64) -> Eigenvalue {
    Eigenvalue {
        part: part.to_owned(),
        side,
        rank,
        value,
        residual: value.abs() / 3e7,
        converged: rank != 2,
        method: "lanczos".to_owned(),
    }
}

fn trace(part: &str, mean: f64) -> TraceEstimate {
    TraceEstimate {
        part: part.to_owned(),
        method: "xtrace".to_owned(),
        mean,
        se: (mean > 1.0).then_some(mean / 17.0),
        probes: 12,
        products: 24,
    }
}

fn density(points: usize) -> SpectralDensity {
    let at = |k: usize| k as f64 / 7.0 - 1.0;
    SpectralDensity {
        part: ALL_PARAMETERS.to_owned(),
        lanczos_steps: 80,
        probes: 10,
        width: 0.01,
        grid: (0..points).map(at).collect(),
        density: (0..points).map(|k| (-at(k) * at(k)).exp() / 3.0).collect(),
        se: (0..points).map(|k| 1e-300 * k as f64).collect(),
        lower: (0..points).map(|k| 1e-3 * k as f64).collect(),
        upper: (0..points).map(|k| 1e3 * k as f64).collect(),
        confidence: Some(0.95),
        atoms: Some(3),
    }
}

fn sharpness(measure: &str, value: f64) -> Sharpness {
    Sharpness {
        measure: measure.to_owned(),
        value,
        se: None,
        settings: json!({"rho": 0.05, "draws": 100}),
    }
}

/// Everything at once; numbers depend on the step.
pub fn everything(step: Option<u64>) -> Curvature {
    let size = 1.0 + step.unwrap_or(1000) as f64 / 3.0;
    Curvature {
        step,
        parameters: 65,
        loss: Some(0.1 / size),
        gradient_norm: None,
        stability_limit: Some(20.0),
        products: 123,
        seconds: 1.5,
        eigenvalues: vec![
            eigenvalue("all", Side::Top, 0, size),
            eigenvalue("all", Side::Top, 1, size / 7.0),
            eigenvalue("all", Side::Top, 2, size / 70.0),
            eigenvalue("all", Side::Bottom, 0, -size / 9.0),
            eigenvalue("fc2", Side::Top, 0, size / 2.0),
        ],
        traces: vec![
            trace("all", 2.0 * size),
            trace("fc2", 0.3),
            trace("fc1", 0.1),
        ],
        densities: vec![density(40)],
        sharpness: vec![
            sharpness("sam", size / 11.0),
            sharpness("keskar", f64::INFINITY),
        ],
    }
}

#[test]
fn curvature_comes_back_bit_for_bit() {
    let (_dir, store, run) = begun();
    assert!(store.curvature(&run).unwrap().is_empty());
    store.put_curvature(&run, &everything(None)).unwrap();
    assert_eq!(store.curvature(&run).unwrap(), [everything(None)]);
    let found = &store.curvature(&run).unwrap()[0];
    let top = found.eigenvalues_of(ALL_PARAMETERS, Side::Top);
    assert_eq!(top.iter().map(|v| v.rank).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(
        found.eigenvalues_of("fc2", Side::Bottom),
        Vec::<&Eigenvalue>::new()
    );
    let not_known = SpectralDensity {
        se: vec![f64::NAN; 5],
        lower: vec![f64::NAN; 5],
        upper: vec![f64::NAN; 5],
        confidence: None,
        atoms: None,
        ..density(5)
    };
    let again = Curvature {
        densities: vec![not_known],
        ..everything(None)
    };
    store.put_curvature(&run, &again).unwrap();
    let found = store.curvature(&run).unwrap().remove(0);
    assert_eq!(found.densities[0].grid, density(5).grid);
    let unknown = [
        &found.densities[0].se,
        &found.densities[0].lower,
        &found.densities[0].upper,
    ];
    assert!(unknown.iter().all(|list| list.iter().all(|v| v.is_nan())));
    assert_eq!(found.densities[0].confidence, None);
}

#[test]
fn epochs_of_a_run_stand_beside_each_other() {
    let (_dir, store, run) = begun();
    for step in [Some(20), None, Some(0), Some(10)] {
        store.put_curvature(&run, &everything(step)).unwrap();
    }
    store.put_curvature(&run, &everything(Some(10))).unwrap();
    let wanted = [None, Some(0), Some(10), Some(20)].map(everything);
    assert_eq!(store.curvature(&run).unwrap(), wanted);
    assert_eq!(store.summary("h").unwrap().curvature, 4);
}

#[test]
fn each_result_can_be_kept_when_it_is_there() {
    let (_dir, store, run) = begun();
    let all = everything(None);
    let empty = Curvature {
        eigenvalues: vec![],
        traces: vec![],
        densities: vec![],
        sharpness: vec![],
        ..all.clone()
    };
    let parts = [
        Curvature {
            eigenvalues: all.eigenvalues.clone(),
            ..empty.clone()
        },
        Curvature {
            traces: all.traces.clone(),
            ..empty.clone()
        },
        Curvature {
            densities: all.densities.clone(),
            ..empty.clone()
        },
        Curvature {
            sharpness: all.sharpness.clone(),
            ..empty.clone()
        },
    ];
    for part in &parts {
        store.put_curvature(&run, part).unwrap();
    }
    assert_eq!(store.curvature(&run).unwrap()[0], all);
    let better = Curvature {
        eigenvalues: vec![eigenvalue("fc2", Side::Top, 0, 9.0)],
        traces: vec![trace("fc2", 8.0)],
        sharpness: vec![sharpness("sam", 7.0)],
        products: 200,
        ..empty
    };
    store.put_curvature(&run, &better).unwrap();
    let found = store.curvature(&run).unwrap().remove(0);
    assert_eq!((found.products, found.eigenvalues.len()), (200, 5));
    assert_eq!(
        found.eigenvalues_of("fc2", Side::Top),
        [&better.eigenvalues[0]]
    );
    assert_eq!(
        found.eigenvalues_of("all", Side::Top),
        all.eigenvalues_of("all", Side::Top)
    );
    assert!(found.traces.contains(&better.traces[0]) && found.traces.len() == 3);
    assert!(found.sharpness.contains(&better.sharpness[0]) && found.sharpness.len() == 2);
    assert_eq!(found.densities, all.densities);
}

#[test]
fn a_density_with_unequal_lists_is_refused() {
    let (_dir, store, run) = begun();
    let mut wrong = everything(None);
    wrong.densities[0].se.pop();
    let error = store.put_curvature(&run, &wrong).unwrap_err();
    assert!(matches!(
        error,
        Error::DensityLength {
            lengths: [40, 40, 39, 40, 40],
            ..
        }
    ));
    assert!(store.curvature(&run).unwrap().is_empty());
}

#[test]
fn eigenvectors_come_back_by_rank() {
    let (_dir, store, run) = begun();
    let top: Vec<_> = [1.0, 2.0, 3.0].into_iter().map(params).collect();
    store.put_eigenvectors(&run, Side::Top, &top).unwrap();
    store
        .put_eigenvectors(&run, Side::Bottom, &top[2..])
        .unwrap();
    assert_eq!(store.eigenvectors(&run, Side::Top).unwrap(), top);
    assert_eq!(store.eigenvectors(&run, Side::Bottom).unwrap(), top[2..]);
    store.put_eigenvectors(&run, Side::Top, &top[..2]).unwrap();
    assert_eq!(store.eigenvectors(&run, Side::Top).unwrap(), top[..2]);
    assert_eq!(store.eigenvectors(&run, Side::Bottom).unwrap().len(), 1);
    let other = store.begin(&spec(1)).unwrap();
    assert!(store.eigenvectors(&other, Side::Top).unwrap().is_empty());
    assert!(store.checkpoint_steps(&run).unwrap().is_empty());
}

#[test]
fn copies_and_removals_hold_all_of_it() {
    let (_dir, store, run) = begun();
    store.put_curvature(&run, &everything(None)).unwrap();
    store
        .put_eigenvectors(&run, Side::Top, &[params(1.0)])
        .unwrap();
    store
        .put_lanczos_state(&run, "top", &json!(1), 0, &[&[1.0]])
        .unwrap();
    let twin = store.begin(&hessian().named("twin")).unwrap();
    assert_eq!(store.curvature(&twin).unwrap(), [everything(None)]);
    assert_eq!(store.eigenvectors(&twin, Side::Top).unwrap(), [params(1.0)]);
    store.finish(&run, Status::Interrupted).unwrap();
    store.remove("h").unwrap();
    store.remove("twin").unwrap();
    for table in [
        "curvature",
        "eigenvalues",
        "traces",
        "spectra",
        "spectrum_points",
        "sharpness",
        "curvature_points",
        "lanczos_states",
        "lanczos_vectors",
        "tensors",
    ] {
        let rows = store.sql(&format!("SELECT count(*) FROM {table}")).unwrap();
        assert_eq!(rows.rows, [[0]], "{table}");
    }
    assert!(matches!(
        store.put_curvature(&run, &everything(None)),
        Err(Error::Gone { .. })
    ));
}

fn map_spec() -> RunSpec {
    RunSpec::new(RunKind::Hessian, json!({"map": true})).named("map")
}

fn point(index: usize) -> CurvaturePoint {
    let x = index as f64;
    CurvaturePoint {
        index,
        lambda_max: if index == 4 { f64::NAN } else { 3.0 + x.sin() },
        lambda_min: -0.3 * x.cos(),
        residual_max: 1e-4 / (1.0 + x),
        residual_min: 1e-5,
        converged: index % 5 != 4,
    }
}

/// Maps are equal, NaN being equal to NaN.
#[track_caller]
fn assert_same(a: &CurvatureMap, b: &CurvatureMap) {
    assert_eq!(a.grid, b.grid);
    assert_eq!(format!("{:?}", a.points), format!("{:?}", b.points));
}

#[test]
fn a_map_goes_on_point_by_point() {
    let (_dir, store) = store();
    let (run, mut wanted) = store
        .begin_curvature_map(&map_spec(), &grid(), Some(&plane()))
        .unwrap();
    assert_same(&wanted, &CurvatureMap::new(grid()));
    let first: Vec<_> = [0, 5, 4, 27].map(point).to_vec();
    assert_eq!(store.append_curvature(&run, &first).unwrap(), 4);
    let other = CurvaturePoint {
        lambda_max: 99.0,
        ..point(5)
    };
    assert_eq!(
        store
            .append_curvature(&run, &[other, point(6), point(6)])
            .unwrap(),
        1
    );
    for index in [0, 5, 4, 27, 6] {
        wanted.points[index] = Some(point(index));
    }
    let (run, found) = store
        .begin_curvature_map(&map_spec(), &grid(), None)
        .unwrap();
    assert_same(&found, &wanted);
    assert_eq!((found.missing(), found.not_converged()), (23, 1));
    assert_eq!(store.summary("map").unwrap().points, 5);
    assert_eq!(store.directions(&run).unwrap().directions.len(), 2);
    assert!(matches!(store.load_surface(&run), Err(Error::Lacks { .. })));
    let rows = store
        .sql("SELECT ratio FROM curvature_map WHERE run = 'map' AND i = 1 AND j = 1")
        .unwrap();
    assert_eq!(rows.rows, [[json!(point(5).ratio())]]);
}

#[test]
fn a_point_outside_the_grid_stores_nothing() {
    let (_dir, store) = store();
    let line = Grid::square(5, 1.0, 1).unwrap();
    let (run, _) = store.begin_curvature_map(&map_spec(), &line, None).unwrap();
    let batch = [point(1), point(5)];
    assert!(matches!(
        store.append_curvature(&run, &batch),
        Err(Error::Surface(_))
    ));
    assert_eq!(store.load_curvature_map(&run).unwrap().missing(), 5);
    store.append_curvature(&run, &[point(1)]).unwrap();
    let rows = store
        .sql("SELECT alpha, beta FROM curvature_points")
        .unwrap();
    assert_eq!(rows.rows, [[json!(-0.5), json!(null)]]);
    let surface = store.begin(&spec(1)).unwrap();
    assert!(matches!(
        store.load_curvature_map(&surface),
        Err(Error::Lacks { .. })
    ));
}

fn basis(len: usize) -> Vec<Vec<f64>> {
    let vector = |k: usize| (0..9).map(|i| ((i + k) as f64).sin()).collect();
    (0..len).map(vector).collect()
}

fn slices(vectors: &[Vec<f64>]) -> Vec<&[f64]> {
    vectors.iter().map(Vec::as_slice).collect()
}

#[test]
fn a_basis_grows_and_restarts() {
    let (_dir, store, run) = begun();
    assert_eq!(store.lanczos_state(&run, "top").unwrap(), None);
    let (all, put) = (basis(6), |state: f64, from: usize, to: usize| {
        let state = json!({"alpha": [state, 0.1 + 0.2], "step": to});
        store.put_lanczos_state(&run, "top", &state, from, &slices(&basis(6)[from..to]))
    });
    put(1.0 / 3.0, 0, 2).unwrap();
    put(2.0 / 3.0, 2, 5).unwrap();
    let found = store.lanczos_state(&run, "top").unwrap().unwrap();
    assert_eq!(found.basis, all[..5]);
    assert_eq!(
        found.state,
        json!({"alpha": [2.0 / 3.0, 0.1 + 0.2], "step": 5})
    );
    assert!(matches!(
        put(0.0, 6, 6),
        Err(Error::BasisGap {
            stored: 5,
            from: 6,
            ..
        })
    ));
    assert_eq!(store.lanczos_state(&run, "top").unwrap().unwrap(), found);
    put(0.0, 1, 3).unwrap();
    assert_eq!(
        store.lanczos_state(&run, "top").unwrap().unwrap().basis,
        all[..3]
    );
    store
        .put_lanczos_state(&run, "bottom", &json!(null), 0, &[])
        .unwrap();
    store.remove_lanczos_state(&run, Some("top")).unwrap();
    assert_eq!(store.lanczos_state(&run, "top").unwrap(), None);
    assert!(store.lanczos_state(&run, "bottom").unwrap().is_some());
}

#[test]
fn a_recorder_writes_what_is_new_and_restarts() {
    let (_dir, store, run) = begun();
    let mut recorder = store.lanczos_recorder(&run, "top");
    let (all, state) = (basis(6), |step: usize| json!({ "step": step }));
    recorder.push(0, &state(1), &slices(&all[..1])).unwrap();
    assert!(!recorder.is_due() && store.lanczos_state(&run, "top").unwrap().is_none());
    let found = || store.lanczos_state(&run, "top").unwrap().unwrap();
    recorder.flush(0, &state(2), &slices(&all[..2])).unwrap();
    let mut changed = all.clone();
    changed[0][0] = 99.0;
    // Vectors of the same generation are not written again.
    recorder
        .flush(0, &state(5), &slices(&changed[..5]))
        .unwrap();
    assert_eq!(
        (found().basis, found().state),
        (all[..5].to_vec(), state(5))
    );
    recorder
        .flush(1, &state(6), &slices(&changed[..3]))
        .unwrap();
    assert_eq!(found().basis, changed[..3]);
    let mut after_restart = store.lanczos_recorder(&run, "top");
    after_restart
        .flush(1, &state(7), &slices(&all[..4]))
        .unwrap();
    assert_eq!(found().basis, all[..4]);
}

#[test]
fn a_complete_run_keeps_no_iteration() {
    let (_dir, store, run) = begun();
    let keep = || store.put_lanczos_state(&run, "top", &json!({}), 0, &slices(&basis(3)));
    keep().unwrap();
    store.finish(&run, Status::Interrupted).unwrap();
    assert!(store.lanczos_state(&run, "top").unwrap().is_some());
    store.finish(&run, Status::Complete).unwrap();
    assert!(store.lanczos_state(&run, "top").unwrap().is_none());
}

#[test]
fn a_recorder_stores_what_it_was_given() {
    let (_dir, store) = store();
    let (run, _) = store
        .begin_curvature_map(&map_spec(), &grid(), None)
        .unwrap();
    let known = || {
        let map = store.load_curvature_map(&run).unwrap();
        map.grid.len() - map.missing()
    };
    let mut recorder = store.curvature_recorder(&run);
    recorder.push(&[point(0), point(1), point(2)]).unwrap();
    // It waits for more, but not for ever.
    while known() == 0 {
        recorder.push(&[]).unwrap();
    }
    assert_eq!(known(), 3);
    recorder.push(&[point(3)]).unwrap();
    drop(recorder);
    assert_eq!(known(), 4);
    let mut recorder = store.curvature_recorder(&run);
    recorder.push(&[point(3), point(4)]).unwrap();
    recorder.finish(Status::Interrupted).unwrap();
    assert_eq!(known(), 5);
    assert_eq!(store.find("map").unwrap().status, Status::Interrupted);
    let mut recorder = store.curvature_recorder(&run);
    recorder.push(&[point(28)]).unwrap();
    assert!(recorder.finish(Status::Complete).is_err());
    assert_eq!(store.find("map").unwrap().status, Status::Interrupted);
}

/// What a command with a map does: begin or continue, compute what is missing, store each batch.
pub fn map_in_child(file: &Path) {
    let store = Store::open(file).unwrap();
    let grid = Grid::square(11, 1.0, 2).unwrap();
    let (run, map) = store.begin_curvature_map(&map_spec(), &grid, None).unwrap();
    let missing = map.grid.coarse_to_fine().into_iter();
    let missing: Vec<usize> = missing.filter(|&i| map.points[i].is_none()).collect();
    let mut computed = map.grid.len() - missing.len();
    for batch in missing.chunks(7) {
        wait_until_allowed(file, computed);
        let points: Vec<_> = batch.iter().copied().map(point).collect();
        assert_eq!(store.append_curvature(&run, &points).unwrap(), points.len());
        computed += points.len();
        println!("stored {computed}");
        let state = json!({"computed": computed});
        let from = store
            .lanczos_state(&run, "map")
            .unwrap()
            .map_or(0, |s| s.basis.len());
        store
            .put_lanczos_state(&run, "map", &state, from, &slices(&basis(1)))
            .unwrap();
    }
    store.finish(&run, Status::Complete).unwrap();
}

/// What points cost is stored with them, whether the recorder ends well or is dropped.
#[test]
fn a_recorder_stores_what_its_points_cost() {
    let (_dir, store) = store();
    let (run, _) = store
        .begin_curvature_map(&map_spec(), &grid(), None)
        .unwrap();
    let cost = |products| Curvature {
        parameters: 7,
        products,
        seconds: 0.5,
        ..Curvature::default()
    };
    let mut recorder = store.curvature_recorder(&run);
    recorder.count(cost(10));
    recorder.push(&[point(0)]).unwrap();
    recorder.count(cost(25));
    recorder.push(&[point(1)]).unwrap();
    drop(recorder);
    assert_eq!(store.curvature(&run).unwrap(), [cost(25)]);
    let mut recorder = store.curvature_recorder(&run);
    recorder.count(cost(31));
    recorder.push(&[point(2)]).unwrap();
    recorder.finish(Status::Complete).unwrap();
    assert_eq!(store.curvature(&run).unwrap(), [cost(31)]);
}

/// Kills at several moments: whole batches are there, and the end is that of an undisturbed run.
#[test]
fn killed_maps_go_on_where_they_were() {
    let (_dir, file) = place();
    let mut known = 0;
    for batches in [1, 2, 1, 3, 2, 1] {
        allow(&file, known + 7 * batches);
        let mut process = Process::start("map", &file);
        process.wait_for(&format!("stored {}", known + 7 * batches));
        process.kill();
        let store = Store::open_read(&file).unwrap();
        let run = store.find("map").unwrap();
        let map = store.load_curvature_map(&run).unwrap();
        let now = map.grid.len() - map.missing();
        // What it had said, and the batch under way at most.
        let more = now - (known + 7 * batches);
        assert!(more == 0 || more == 7, "{now} after {known}");
        known = now;
    }
    allow_all(&file);
    let output = Process::start("map", &file).output();
    assert!(output.contains("1 passed"), "{output}");
    let store = Store::open(&file).unwrap();
    let run = store.find("map").unwrap();
    let mut wanted = CurvatureMap::new(Grid::square(11, 1.0, 2).unwrap());
    for index in 0..121 {
        wanted.points[index] = Some(point(index));
    }
    assert_same(&store.load_curvature_map(&run).unwrap(), &wanted);
    assert_eq!(run.status, Status::Complete);
    assert!(store.lanczos_state(&run, "map").unwrap().is_none());
}

#[test]
fn files_of_version_2_get_the_tables() {
    let (_dir, path) = place();
    let conn = raw(&path);
    for version in [
        include_str!("../../src/schema/v1.sql"),
        include_str!("../../src/schema/v2.sql"),
    ] {
        conn.execute_batch(version).unwrap();
    }
    conn.execute_batch(
        "INSERT INTO meta VALUES ('schema_version', '2');
         INSERT INTO runs VALUES (nextval('run_numbers'), 'old', 'surface', 'x', '{}', '{}',
                                  now()::TIMESTAMP, NULL, 'complete', NULL);
         INSERT INTO axes VALUES (1, 1, 'alpha', -1, 1, 2);
         INSERT INTO points VALUES (1, 0, 0, 0, -1, NULL, NULL, 0.5, NULL, NULL, NULL, true)",
    )
    .unwrap();
    drop(conn);
    let read = Store::open_read(&path).unwrap();
    let old = read.find("old").unwrap();
    assert_eq!(read.load_surface(&old).unwrap().interpolated(), 1);
    assert!(read.curvature(&old).unwrap().is_empty());
    let store = Store::open(&path).unwrap();
    let old = store.find("old").unwrap();
    assert_eq!(store.load_surface(&old).unwrap().interpolated(), 1);
    assert!(store.curvature(&old).unwrap().is_empty());
    let run = store.begin(&hessian()).unwrap();
    store.put_curvature(&run, &everything(Some(3))).unwrap();
    assert_eq!(store.curvature(&run).unwrap(), [everything(Some(3))]);
    let (map, _) = store
        .begin_curvature_map(&map_spec(), &grid(), None)
        .unwrap();
    assert_eq!(store.append_curvature(&map, &[point(1)]).unwrap(), 1);
}

/// A density that was stored without intervals is read as one, in a file that is only read and in one that
/// was brought up to date.
#[test]
fn densities_of_version_4_are_read() {
    let (_dir, path) = place();
    let conn = raw(&path);
    for version in [
        include_str!("../../src/schema/v1.sql"),
        include_str!("../../src/schema/v2.sql"),
        include_str!("../../src/schema/v3.sql"),
        include_str!("../../src/schema/v4.sql"),
    ] {
        conn.execute_batch(version).unwrap();
    }
    conn.execute_batch(
        "INSERT INTO meta VALUES ('schema_version', '4');
         INSERT INTO runs VALUES (nextval('run_numbers'), 'old', 'hessian', 'x', '{}', '{}',
                                  now()::TIMESTAMP, NULL, 'complete', NULL);
         INSERT INTO curvature VALUES (1, NULL, 10, 0.5, 0.1, NULL, 80, 1.0);
         INSERT INTO spectra VALUES (1, NULL, 'all', 10, 8, 0.1);
         INSERT INTO spectrum_points VALUES (1, NULL, 'all', 0, -1.0, 0.25, 0.01),
                                            (1, NULL, 'all', 1, 1.0, 0.75, NULL)",
    )
    .unwrap();
    drop(conn);
    let before = std::fs::read(&path).unwrap();
    is_without_intervals(&Store::open_read(&path).unwrap());
    assert!(before == std::fs::read(&path).unwrap());
    is_without_intervals(&Store::open(&path).unwrap());
    assert_eq!(schema_version(&path), SCHEMA_VERSION.to_string());
    is_without_intervals(&Store::open_read(&path).unwrap());
}

fn schema_version(path: &Path) -> String {
    let conn = raw(path);
    let query = "SELECT value FROM meta WHERE key = 'schema_version'";
    conn.query_row(query, [], |row| row.get(0)).unwrap()
}

fn is_without_intervals(store: &Store) {
    let run = store.find("old").unwrap();
    let found = store.curvature(&run).unwrap();
    let density = &found[0].densities[0];
    assert_eq!(density.grid, [-1.0, 1.0]);
    assert_eq!(density.se[0], 0.01);
    assert!(
        density
            .lower
            .iter()
            .chain(&density.upper)
            .all(|v| v.is_nan())
    );
    assert_eq!((density.confidence, density.atoms), (None, None));
    let lines = exported(store, &run, CurvatureTable::Spectrum, Format::Csv);
    assert!(
        lines.ends_with(",all,-1.0,0.25,0.01,,\n,all,1.0,0.75,,,\n"),
        "{lines}"
    );
}

fn exported(store: &Store, run: &Run, which: CurvatureTable, format: Format) -> String {
    let mut text = Vec::new();
    let table = store.curvature_table(run, which).unwrap();
    write_curvature(&table, format, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn tables_are_exported_with_every_bit() {
    let (_dir, store, run) = begun();
    store.put_curvature(&run, &everything(None)).unwrap();
    store.put_curvature(&run, &everything(Some(10))).unwrap();
    let csv = exported(&store, &run, CurvatureTable::Eigenvalues, Format::Csv);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 11);
    assert_eq!(
        lines[0],
        "step,part,side,rank,value,residual,converged,method"
    );
    let first = everything(None).eigenvalues[0].clone();
    let fields: Vec<&str> = lines[1].split(',').collect();
    assert_eq!((fields[0], fields[1], fields[6]), ("", "all", "true"));
    assert_eq!(fields[4].parse::<f64>().unwrap(), first.value);
    assert_eq!(fields[5].parse::<f64>().unwrap(), first.residual);
    assert!(lines[8].starts_with("10,all,top,2,") && lines[8].contains(",false,"));
    let csv = exported(&store, &run, CurvatureTable::Sharpness, Format::Csv);
    assert!(
        csv.contains("keskar,inf,,\"{\"\"draws\"\":100,\"\"rho\"\":0.05}\""),
        "{csv}"
    );
    let csv = exported(&store, &run, CurvatureTable::Traces, Format::Csv);
    assert!(
        csv.lines()
            .nth(2)
            .unwrap()
            .starts_with(",fc2,xtrace,0.3,,12,24")
    );
    let text = exported(&store, &run, CurvatureTable::Spectrum, Format::Json);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        json["columns"],
        json!([
            "step",
            "part",
            "eigenvalue",
            "density",
            "se",
            "lower",
            "upper"
        ])
    );
    let (rows, wanted) = (json["rows"].as_array().unwrap(), density(40));
    assert_eq!(rows.len(), 80);
    for (k, row) in rows[..40].iter().enumerate() {
        let (at, density, se) = (wanted.grid[k], wanted.density[k], wanted.se[k]);
        let (lower, upper) = (wanted.lower[k], wanted.upper[k]);
        assert_eq!(*row, json!([null, "all", at, density, se, lower, upper]));
    }
}

#[test]
fn maps_are_exported_in_grid_order() {
    let (_dir, store) = store();
    let (run, _) = store
        .begin_curvature_map(&map_spec(), &grid(), None)
        .unwrap();
    assert!(matches!(
        store.curvature_table(&run, CurvatureTable::Map),
        Err(Error::Lacks { what: "map", .. })
    ));
    let points = [point(9), point(4), point(0)];
    store.append_curvature(&run, &points).unwrap();
    let csv = exported(&store, &run, CurvatureTable::Map, Format::Csv);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(
        lines[0],
        "i,j,alpha,beta,lambda_max,lambda_min,ratio,residual_max,residual_min,converged"
    );
    assert!(
        lines[1].starts_with("0,0,-1.0,-0.5,3.0,-0.3,0.0999"),
        "{csv}"
    );
    assert!(
        lines[2].starts_with("1,0,") && lines[2].contains(",NaN,"),
        "{csv}"
    );
    assert!(
        lines[3].starts_with("2,1,") && lines[3].ends_with("false"),
        "{csv}"
    );
}

#[test]
fn files_of_curvature_are_whole() {
    let (dir, store, run) = begun();
    store.put_curvature(&run, &everything(None)).unwrap();
    let export = |name: &str, format, overwrite| {
        let path = dir.path().join(name);
        let which = CurvatureTable::Eigenvalues;
        let reader = Store::open_read(store.path()).unwrap();
        reader.export_curvature(&run, which, format, &path, overwrite)
    };
    assert_eq!(export("e.csv", Format::Csv, false).unwrap(), 5);
    assert!(matches!(
        export("e.csv", Format::Csv, false),
        Err(Error::OutputExists { .. })
    ));
    assert_eq!(export("e.csv", Format::Json, true).unwrap(), 5);
    assert_eq!(export("e.parquet", Format::Parquet, false).unwrap(), 5);
    assert!(matches!(
        export("e.h5", Format::H5, false),
        Err(Error::NotHeld { .. })
    ));
    assert!(!dir.path().join("e.h5").exists());
    let conn = duckdb::Connection::open_in_memory().unwrap();
    let file = dir.path().join("e.parquet");
    let query = format!("SELECT sum(value), count(step) FROM '{}'", file.display());
    let found: (f64, u64) = conn
        .query_row(&query, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    let sum: f64 = everything(None).eigenvalues.iter().map(|v| v.value).sum();
    assert!((found.0 - sum).abs() < 1e-9 && found.1 == 0);
    for table in CurvatureTable::ALL {
        assert_eq!(table.name().parse::<CurvatureTable>().unwrap(), *table);
    }
    assert!("eigen".parse::<CurvatureTable>().is_err());
}
