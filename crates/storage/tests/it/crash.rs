//! Processes that are killed.

use crate::child::{Process, allow, allow_all, wait_until_allowed};
use crate::support::{assert_same, place, raw};
use landscape_core::{
    Grid, Objective, ObjectiveError, Point, Sample, Sampler, Surface, Term, from_fn,
};
use landscape_storage::{RunKind, RunSpec, SCHEMA_VERSION, Status, Store};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn grid() -> Grid {
    Grid::square(61, 1.0, 2).unwrap()
}

/// A function that takes its time, says which points it was asked for, and has a term.
struct Slow {
    file: PathBuf,
    log: std::fs::File,
    grid: Grid,
    terms: Vec<Term>,
}

impl Objective for Slow {
    fn dims(&self) -> usize {
        2
    }

    fn terms(&self) -> &[Term] {
        &self.terms
    }

    fn evaluate(&self, points: &[Point]) -> Result<Vec<Sample>, ObjectiveError> {
        wait_until_allowed(&self.file, evaluated(&self.file).len());
        let index = |point: &Point| (0..self.grid.len()).find(|&f| self.grid.point(f) == *point);
        let indices: Vec<String> = points
            .iter()
            .map(|point| index(point).unwrap().to_string())
            .collect();
        writeln!(&self.log, "{}", indices.join(" ")).unwrap();
        std::thread::sleep(Duration::from_micros(400) * points.len() as u32);
        Ok(points.iter().map(value).collect())
    }
}

fn value(&[x, y, _]: &Point) -> Sample {
    let loss = match x * x + y * y > 1.9 {
        true => f64::NAN,
        false => (3.0 * x).sin() + y * y / 3.0,
    };
    Sample {
        loss,
        loss_se: None,
        accuracy: Some(x * y),
        terms: vec![x / 7.0],
    }
}

fn terms() -> Vec<Term> {
    vec![Term {
        name: "l2".to_owned(),
        weight: 0.25,
    }]
}

fn spec() -> RunSpec {
    RunSpec::new(
        RunKind::Surface,
        json!({"function": "slow", "grid": grid()}),
    )
    .named("slow")
}

fn log_of(file: &Path) -> PathBuf {
    file.with_extension("log")
}

/// What a command does: begin or continue, sample, store, finish.
pub fn sample_in_child(file: &Path) {
    let store = Store::open(file).unwrap();
    let (run, mut surface) = store
        .begin_surface(&spec(), &grid(), &terms(), None)
        .unwrap();
    let log = OpenOptions::new()
        .append(true)
        .create(true)
        .open(log_of(file));
    let slow = Slow {
        file: file.to_owned(),
        log: log.unwrap(),
        grid: grid(),
        terms: terms(),
    };
    let mut observer = store.observer(&run);
    Sampler {
        batch: 16,
        ..Sampler::new()
    }
    .run(&slow, &mut surface, &mut [&mut observer])
    .unwrap();
    observer.finish(Status::Complete).unwrap();
}

fn evaluated(file: &Path) -> Vec<usize> {
    let text = std::fs::read_to_string(log_of(file)).unwrap_or_default();
    // The last line may be cut off by the kill.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole
        .split_whitespace()
        .map(|word| word.parse().unwrap())
        .collect()
}

fn stored(file: &Path) -> Option<Surface> {
    let store = Store::open_read(file).ok()?;
    store.load_surface(&store.find("slow").ok()?).ok()
}

/// Twenty kills at moments spread over the whole of a run: each restart goes on from what is
/// stored, and in the end the file holds what an undisturbed run stores.
#[test]
fn killed_runs_go_on_where_they_were() {
    let (_dir, file) = place();
    let mut seed = 0x2545_f491_4f6c_dd17_u64;
    let mut kills = 0;
    while kills < 20 {
        let before = stored(&file);
        let computed_before = evaluated(&file).len();
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        // In the midst of it: some points later.
        let some = computed_before + 20 + (seed % 130) as usize;
        allow(&file, some + 30);
        let mut process = Process::start("sample", &file);
        while evaluated(&file).len() < some && !process.ended() {
            std::thread::sleep(Duration::from_millis(2));
        }
        let ended = process.ended();
        process.kill();
        let known = before.map_or(vec![], |s| known(&s));
        let again: Vec<usize> = evaluated(&file)
            .split_off(computed_before)
            .into_iter()
            .filter(|index| known.contains(index))
            .collect();
        // The one by which it is found that they are of this function.
        assert!(
            again.len() <= 1,
            "stored points were computed again: {again:?}"
        );
        assert!(!ended, "the run ended by itself after {kills} kills");
        kills += 1;
    }
    allow_all(&file);
    let output = Process::start("sample", &file).output();
    assert!(output.contains("1 passed"), "{output}");
    check_complete(&file);
}

fn known(surface: &Surface) -> Vec<usize> {
    (0..surface.grid().len())
        .filter(|&flat| surface.get(flat).is_some())
        .collect()
}

fn check_complete(file: &Path) {
    let mut undisturbed = Surface::new(grid(), terms());
    for flat in 0..grid().len() {
        undisturbed.set(flat, value(&grid().point(flat))).unwrap();
    }
    assert_same(&stored(file).unwrap(), &undisturbed);
    let store = Store::open(file).unwrap();
    let rows = store.sql("SELECT count(*) FROM points").unwrap();
    assert_eq!(rows.rows, [[json!(grid().len())]]);
    assert_eq!(store.runs().unwrap().len(), 1);
    assert_eq!(store.find("slow").unwrap().status, Status::Complete);
}

/// A run whose process was killed counts as interrupted, and can be begun again at once.
#[test]
fn a_killed_run_is_interrupted() {
    let (_dir, file) = place();
    allow(&file, 2000);
    let process = Process::start("sample", &file);
    let start = Instant::now();
    while stored(&file).is_none_or(|s| s.missing() == grid().len()) {
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "nothing was stored"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    let store = Store::open(&file).unwrap();
    assert_eq!(store.find("slow").unwrap().status, Status::Running);
    process.kill();
    assert_eq!(store.find("slow").unwrap().status, Status::Interrupted);
    assert_eq!(store.begin(&spec()).unwrap().status, Status::Running);
}

pub fn create_in_child(file: &Path) {
    println!("ready");
    Store::open(file).unwrap();
}

/// A file is there completely or not at all, also where the process was killed while it made one beside it.
#[test]
fn a_kill_while_the_file_is_made_leaves_a_whole_file_or_none() {
    let (dir, file) = place();
    let draft = dir.path().join(".landscape.duckdb.new");
    let mut inside = 0;
    // It is made in a millisecond or two.
    for pause in [0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4] {
        let mut process = Process::start("create", &file);
        process.wait_for("ready");
        while !draft.exists() && !file.exists() && !process.ended() {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(pause));
        process.kill();
        if draft.exists() {
            inside += 1;
            std::fs::remove_file(&draft).unwrap();
        }
        if file.exists() {
            assert!(Store::open(&file).unwrap().runs().unwrap().is_empty());
            std::fs::remove_file(&file).unwrap();
        }
    }
    assert!(inside > 0, "no kill came while the file was made");
    Store::open(&file).unwrap();
}

pub fn migrate_in_child(file: &Path) {
    println!("ready");
    Store::migrate(file).unwrap();
    println!("migrated");
}

/// A file of version 1 with a run of so many points.
fn older(file: &Path, points: u64) {
    let conn = raw(file);
    conn.execute_batch(include_str!("../../src/schema/v1.sql"))
        .unwrap();
    let rows = format!(
        "INSERT INTO meta VALUES ('schema_version', '1');
         INSERT INTO runs VALUES (1, 'old', 'surface', 'x', '{{}}', '{{}}', now()::TIMESTAMP, NULL, 'complete', NULL);
         INSERT INTO points SELECT 1, i, 0, 0, i, 0, NULL, i, NULL, NULL, [i] FROM range({points}) t(i);
         INSERT INTO tensors SELECT 1, 'center', NULL, i, 't' || i, 'weight', '[1000]', repeat('ab', 2000)::BLOB
             FROM range(200) t(i)"
    );
    conn.execute_batch(&rows).unwrap();
}

/// All that the file of version 1 held.
fn content(file: &Path) -> (u64, u64, f64, u64) {
    let conn = raw(file);
    let query = "SELECT (SELECT count(*) FROM runs WHERE name = 'old' AND status = 'complete'), count(*), sum(loss),
                        (SELECT sum(octet_length(data)) FROM tensors) FROM points";
    let row = |row: &duckdb::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    conn.query_row(query, [], row).unwrap()
}

/// Kills spread over the whole of a migration, and a little beyond: the file is the old one or the new one, and holds
/// all that it held.
#[test]
fn a_kill_while_a_file_is_brought_up_to_date_loses_nothing() {
    let (dir, file) = place();
    let source = dir.path().join("older.duckdb");
    older(&source, 200_000);
    let held = content(&source);
    let copy = || {
        let _ = std::fs::remove_file(file.with_extension("duckdb.wal"));
        std::fs::copy(&source, &file).unwrap();
    };
    copy();
    let mut undisturbed = Process::start("migrate", &file);
    undisturbed.wait_for("ready");
    let start = Instant::now();
    undisturbed.wait_for("migrated");
    let all = start.elapsed();
    undisturbed.kill();
    for part in 0..24 {
        copy();
        let mut process = Process::start("migrate", &file);
        process.wait_for("ready");
        std::thread::sleep(all.mul_f64(f64::from(part) / 20.0));
        process.kill();
        let before = Store::migrate(&file).unwrap();
        assert!(before == 1 || before == SCHEMA_VERSION, "{before}");
        assert_eq!(Store::migrate(&file).unwrap(), SCHEMA_VERSION);
        assert_eq!(content(&file), held, "killed after {part} of 20 parts");
        assert_eq!(Store::open_read(&file).unwrap().runs().unwrap().len(), 1);
    }
}

/// An observer that is dropped, by an error or a cancelled run, has stored what it was given.
#[test]
fn a_dropped_observer_stores_what_waits() {
    let (_dir, file) = place();
    let store = Store::open(&file).unwrap();
    let (run, mut surface) = store.begin_surface(&spec(), &grid(), &[], None).unwrap();
    let mut observer = store.observer(&run);
    let mut seen = 0;
    let mut stop = |batch: &[landscape_core::Measured], _: landscape_core::Progress| {
        seen += batch.len();
        match seen > 100 {
            true => Err(landscape_core::ObserverError::new("enough")),
            false => Ok(()),
        }
    };
    let bowl = from_fn(|[x, y]: [f64; 2]| x * x + y * y);
    let result = Sampler::new().run(&bowl, &mut surface, &mut [&mut observer, &mut stop]);
    assert!(result.is_err());
    drop(observer);
    assert_same(&store.load_surface(&run).unwrap(), &surface);
    assert!(surface.missing() > 0);
}
