//! Databases that somebody has changed: whatever they hold, reading them ends in an error that says
//! what is wrong, or in data.

use crate::curvature::everything;
use crate::support::{grid, params, place, plane, points, raw, spec, terms};
use landscape_core::{Grid, Projection, Trajectory, TrajectoryPoint};
use landscape_storage::{
    CheckpointForm, CurvaturePoint, CurvatureTable, Error, Format, Run, RunKind, RunSpec, Side,
    Status, Store, TrainRecord, export_surface,
};
use serde_json::json;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// A database with every kind of run and rows in every table.
fn everything_at(path: &Path) {
    let store = Store::open(path).unwrap();
    let (run, _) = { store.begin_surface(&spec(1), &grid(), &terms(), Some(&plane())) }.unwrap();
    store.append_points(&run, &points(&grid(), 2)).unwrap();
    let point = |n: u64| TrajectoryPoint {
        step: 10 * n,
        coords: [n as f64, -0.5, 0.0],
        residual: 0.125,
        loss: Some(4.0),
        plane_loss: None,
    };
    let path = Trajectory {
        points: (0..4).map(point).collect(),
        explained_variance: vec![0.75, 0.125],
        projection: Projection::Cos,
    };
    store.put_trajectory(&run, "path", &path).unwrap();
    for form in CheckpointForm::ALL {
        let spec = RunSpec::new(RunKind::Train, json!({"form": form.name()}));
        let run = store.begin(&spec.named(form.name())).unwrap();
        let mut recorder = store.recorder(&run).form(*form);
        for step in 0..3 {
            let record = TrainRecord {
                step,
                loss: Some(1.0),
                ..TrainRecord::default()
            };
            recorder.push(record, Some(&params(step as f32))).unwrap();
        }
        recorder.finish(Status::Interrupted).unwrap();
    }
    let spec = RunSpec::new(RunKind::Hessian, json!({"top": 3})).named("h");
    let line = Grid::square(3, 1.0, 1).unwrap();
    let (run, _) = store.begin_curvature_map(&spec, &line, None).unwrap();
    store.append_curvature(&run, &[map_point()]).unwrap();
    store.put_curvature(&run, &everything(None)).unwrap();
    store.put_curvature(&run, &everything(Some(3))).unwrap();
    store
        .put_eigenvectors(&run, Side::Top, &[params(1.0), params(2.0)])
        .unwrap();
    let vectors: [&[f64]; 2] = [&[1.0, 2.0], &[3.0, 4.0]];
    store
        .put_lanczos_state(&run, "task", &json!({"a": [1, 2]}), 0, &vectors)
        .unwrap();
}

fn map_point() -> CurvaturePoint {
    CurvaturePoint {
        index: 1,
        lambda_max: 2.0,
        lambda_min: -1.0,
        residual_max: 1e-9,
        residual_min: 1e-9,
        converged: true,
    }
}

/// The runs of the database.
const RUNS: [&str; 5] = ["surface-1", "raw", "f32", "f16", "h"];

/// How a database is opened.
#[derive(Clone, Copy)]
enum Opened {
    ToRead,
    ToWrite,
}

/// Reads all there is of some runs, and gives the errors.
fn read_everything(path: &Path, how: Opened, runs: &[&str], scratch: &Path) -> Vec<Error> {
    let opened = match how {
        Opened::ToRead => Store::open_read(path),
        Opened::ToWrite => Store::open(path),
    };
    let store = match opened {
        Ok(opened) => opened,
        Err(error) => return vec![error],
    };
    let mut errors = Vec::new();
    let mut see = |error: Option<Error>| errors.extend(error);
    match store.runs() {
        Ok(all) => {
            for run in all {
                let _ = (run.total(), serde_json::to_string(&run));
            }
        }
        Err(error) => see(Some(error)),
    }
    for name in runs {
        match store.find(name) {
            Ok(run) => read_run(&store, &run, scratch, &mut see),
            Err(error) => see(Some(error)),
        }
        see(store.summary(name).err());
    }
    errors
}

fn read_run(store: &Store, run: &Run, scratch: &Path, see: &mut dyn FnMut(Option<Error>)) {
    match run.kind {
        RunKind::Train => read_training(store, run, see),
        RunKind::Hessian => read_curvature(store, run, see),
        _ => read_surface(store, run, scratch, see),
    }
}

fn read_surface(store: &Store, run: &Run, scratch: &Path, see: &mut dyn FnMut(Option<Error>)) {
    match store.load_surface(run) {
        Ok(surface) => see(export_surface(&surface, Format::Csv, scratch, true).err()),
        Err(error) => see(Some(error)),
    }
    see(store.plane(run).err());
    see(store.load_trajectories(run).err());
}

fn read_training(store: &Store, run: &Run, see: &mut dyn FnMut(Option<Error>)) {
    see(store.records(run).err());
    see(store.checkpoint_records(run).err());
    match store.checkpoint_steps(run) {
        Ok(steps) => {
            for step in steps {
                see(store.checkpoint(run, step).err());
            }
        }
        Err(error) => see(Some(error)),
    }
    match store.checkpoints(run) {
        Ok(all) => all.for_each(|checkpoint| see(checkpoint.err())),
        Err(error) => see(Some(error)),
    }
    see(store.last_checkpoint(run).err());
}

fn read_curvature(store: &Store, run: &Run, see: &mut dyn FnMut(Option<Error>)) {
    see(store.load_curvature_map(run).err());
    see(store.curvature(run).err());
    for which in [CurvatureTable::Eigenvalues, CurvatureTable::Spectrum] {
        see(store.curvature_table(run, which).err());
    }
    for side in [Side::Top, Side::Bottom] {
        see(store.eigenvectors(run, side).err());
    }
    see(store.lanczos_state(run, "task").err());
}

/// Values of a column that nobody would write there.
fn extremes(kind: &str) -> &'static [&'static str] {
    match kind {
        "BIGINT" => &["0", "-1", "9223372036854775807", "-9223372036854775808"],
        "INTEGER" => &["0", "-1", "2147483647", "-2147483648"],
        "UBIGINT" => &["0", "1", "18446744073709551615", "9223372036854775808"],
        "DOUBLE" => &["0", "-1", "1e308", "'nan'", "'inf'", "'-inf'", "5e-324"],
        "BOOLEAN" => &["true", "false"],
        "TIMESTAMP" => &[
            "'infinity'",
            "'-infinity'",
            "'294247-01-10'",
            "'290309-12-22 (BC)'",
        ],
        "DOUBLE[]" => &["[]", "[NULL]", "['nan']", "range(10000)"],
        "JSON" => &[
            "'null'",
            "'{}'",
            "'[]'",
            "'[-1]'",
            "'[3.5]'",
            "'[18446744073709551615]'",
            "'[9223372036854775807]'",
            "'[4294967296, 4294967296]'",
            "'[4294967296, 4294967295, 0]'",
            "'[1000000, 1000000]'",
            "'[99999999999999999999999]'",
            "'\"\"'",
            "repeat('[', 900) || repeat(']', 900)",
        ],
        "BLOB" => &[
            "''::BLOB",
            "'\\x00'::BLOB",
            "COLUMN || '\\x00'::BLOB",
            "unhex(substr(hex(COLUMN), 3))",
            "unhex(left(hex(COLUMN), 2 * (octet_length(COLUMN) // 2)))",
            "unhex('FFFFFFFF' || substr(hex(COLUMN), 9))",
            "unhex('00000000' || substr(hex(COLUMN), 9))",
            "unhex(left(hex(COLUMN), 10) || 'A5' || substr(hex(COLUMN), 13))",
            "unhex(reverse(hex(COLUMN)))",
            "repeat('\\x00', 100000)::BLOB",
        ],
        _ => &[
            "''",
            "'x'",
            "'-1'",
            "'running'",
            "'f16'",
            "'0 a/b/c ../../x'",
            "chr(27) || '[31m'",
            "repeat('x', 100000)",
            "'18446744073709551615'",
        ],
    }
}

/// Changes of a column, as SQL: all rows, one row where the rows stand in a relation, another type, none.
fn changes(column: &Column) -> Vec<String> {
    let Column {
        table, name, kind, ..
    } = column;
    let free = format!("ALTER TABLE {table} ALTER {name} DROP NOT NULL;");
    let set = |value: &str, rows: &str| {
        let value = value.replace("COLUMN", name);
        format!("{free} UPDATE {table} SET {name} = {value} WHERE {rows}")
    };
    let first = format!("rowid = (SELECT min(rowid) FROM {table})");
    let mut all = vec![
        set("NULL", "true"),
        set("NULL", &first),
        format!("{free} ALTER TABLE {table} ALTER {name} TYPE VARCHAR"),
        format!("ALTER TABLE {table} DROP COLUMN {name}"),
    ];
    let related = ["BIGINT", "UBIGINT", "JSON", "BLOB"].contains(&kind.as_str());
    for value in extremes(kind) {
        all.push(set(value, "true"));
        if related {
            all.push(set(value, &first));
        }
    }
    all
}

struct Column {
    table: String,
    name: String,
    kind: String,
    /// Names of the runs with rows in the table.
    runs: Vec<String>,
}

/// All columns of all tables.
fn columns(path: &Path) -> Vec<Column> {
    let conn = raw(path);
    let strings = |sql: &str| -> Vec<[String; 3]> {
        let mut statement = conn.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]));
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    };
    let found = strings(
        "SELECT table_name, column_name, data_type FROM duckdb_columns()
         JOIN duckdb_tables() USING (table_name)
         WHERE NOT duckdb_tables.internal ORDER BY ALL",
    );
    let runs = |table: &str| -> Vec<String> {
        let sql =
            format!("SELECT name, '', '' FROM runs WHERE run_id IN (SELECT run_id FROM {table})");
        match found
            .iter()
            .any(|[t, column, _]| t == table && column == "run_id")
        {
            true => strings(&sql).into_iter().map(|[name, ..]| name).collect(),
            false => RUNS.map(str::to_owned).to_vec(),
        }
    };
    { found.iter() }
        .map(|[table, name, kind]| Column {
            table: table.clone(),
            name: name.clone(),
            kind: kind.clone(),
            runs: runs(table),
        })
        .collect()
}

/// What an error may be when a value is not what this program wrote.
fn says_what(error: &Error) -> bool {
    match error {
        Error::Io { .. } | Error::Surface(_) | Error::Grid(_) | Error::Params(_) => false,
        other => !other.to_string().trim().is_empty(),
    }
}

/// Changes a database by hand and reads it: what is wrong with the answer.
fn read_changed(path: &Path, column: &Column, change: &str, scratch: &Path) -> Vec<String> {
    let runs: Vec<&str> = column.runs.iter().map(String::as_str).collect();
    let read = || {
        let mut errors = read_everything(path, Opened::ToWrite, &runs, scratch);
        // How values are shown does not depend on the rows.
        if change.ends_with("true")
            && let Ok(store) = Store::open_read(path)
        {
            let asked = store.sql(&format!("FROM {}", column.table));
            errors.extend(asked.err());
        }
        errors
    };
    match catch_unwind(AssertUnwindSafe(read)) {
        Err(_) => vec![format!("panic: {change}")],
        Ok(errors) => { errors.iter() }
            .filter(|error| !says_what(error))
            .map(|error| format!("{change}: {error:?}"))
            .collect(),
    }
}

/// Tries every `every`th change of all columns.
fn change_columns(every: usize) {
    let (dir, path) = place();
    everything_at(&path);
    let whole = fs::read(&path).unwrap();
    let scratch = dir.path().join("scratch");
    let columns = columns(&path);
    let all = { columns.iter() }.flat_map(|column| {
        let changes = changes(column).into_iter();
        changes.map(move |change| (column, change))
    });
    let (mut tried, mut failed) = (0, Vec::new());
    for (column, change) in all.step_by(every) {
        let path = dir.path().join(format!("{tried}.duckdb"));
        fs::write(&path, &whole).unwrap();
        let conn = raw(&path);
        let changed = conn.execute_batch(&change);
        drop(conn);
        // Some changes are refused by DuckDB itself.
        if changed.is_ok() {
            tried += 1;
            failed.extend(read_changed(&path, column, &change, &scratch));
        }
        fs::remove_file(&path).unwrap();
    }
    assert!(tried > 1000 / every, "{tried} changes were tried");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn columns_may_hold_anything() {
    change_columns(97);
}

#[test]
#[ignore = "takes minutes"]
fn all_columns_may_hold_anything() {
    change_columns(1);
}

#[test]
fn a_database_that_nobody_changed_is_read() {
    let (dir, path) = place();
    everything_at(&path);
    let scratch = dir.path().join("scratch");
    for how in [Opened::ToRead, Opened::ToWrite] {
        let errors = read_everything(&path, how, &RUNS, &scratch);
        let lacks = |error: &Error| matches!(error, Error::Lacks { .. });
        assert!(errors.iter().all(lacks), "{errors:?}");
    }
}

/// Flipped bytes and files that end early.
#[test]
fn damaged_files_are_errors_or_data() {
    let (dir, path) = place();
    everything_at(&path);
    let whole = fs::read(&path).unwrap();
    let scratch = dir.path().join("scratch");
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let mut failed = Vec::new();
    for mutant in 0..landscape_files::mutants::asked(100) {
        let mut bytes = whole.clone();
        match mutant % 4 {
            0 => bytes.truncate(random(whole.len())),
            // The headers, which are small.
            1 => bytes[random(3 * 4096)] ^= 1 << random(8),
            2 => {
                let at = random(whole.len());
                bytes[at] = bytes[at].wrapping_add(1 + random(255) as u8);
            }
            _ => {
                let (from, at) = (random(whole.len() - 512), random(whole.len() - 512));
                bytes.copy_within(from..from + 512, at);
            }
        }
        let path = dir.path().join(format!("{mutant}.duckdb"));
        fs::write(&path, &bytes).unwrap();
        let how = match mutant % 8 < 4 {
            true => Opened::ToRead,
            false => Opened::ToWrite,
        };
        let read = || read_everything(&path, how, &RUNS, &scratch);
        if catch_unwind(AssertUnwindSafe(read)).is_err() {
            failed.push(mutant);
        }
        let _ = fs::remove_file(&path);
    }
    assert!(failed.is_empty(), "{failed:?}");
}
