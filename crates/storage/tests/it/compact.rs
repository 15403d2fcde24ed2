//! Databases without the space that removed runs took.

use crate::child::Process;
use crate::support::{assert_same, grid, place, points, spec, store, surface};
use landscape_storage::{Error, RunKind, RunSpec, Status, Store, StoredCheckpoint, TrainRecord};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// A surface, and a training that takes some megabytes.
fn fill(store: &Store) {
    let (run, _) = store
        .begin_surface(&spec(1).named("kept"), &grid(), &[], None)
        .unwrap();
    store.append_points(&run, &points(&grid(), 0)).unwrap();
    store.finish(&run, Status::Complete).unwrap();
    let training = RunSpec::new(RunKind::Train, json!({"lr": 0.1})).named("large");
    let run = store.begin(&training).unwrap();
    let tensor = |step: u64| {
        let data = (0..200_000u32)
            .map(|i| f32::from_bits(0x3f00_0000 | ((i * 7919 + step as u32 * 31) % (1 << 23))));
        let tensor = landscape_core::Parameter::new(
            "w",
            [200_000],
            data.collect(),
            landscape_core::Role::Weight,
        );
        landscape_core::Params::new(vec![tensor.unwrap()]).unwrap()
    };
    let checkpoint = |step| StoredCheckpoint {
        record: TrainRecord {
            step,
            ..TrainRecord::default()
        },
        params: tensor(step),
    };
    let all: Vec<_> = (0..20).map(checkpoint).collect();
    store.put_checkpoints(&run, &all).unwrap();
    store.finish(&run, Status::Complete).unwrap();
}

fn size(path: &Path) -> u64 {
    Store::close(path);
    fs::metadata(path).unwrap().len()
}

fn left(path: &Path) -> Vec<String> {
    let files = fs::read_dir(path.parent().unwrap()).unwrap();
    let mut names: Vec<_> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn check(store: &Store, runs: usize) {
    assert_eq!(store.runs().unwrap().len(), runs);
    let kept = store.find("kept").unwrap();
    assert_same(
        &store.load_surface(&kept).unwrap(),
        &surface(grid(), vec![], 0),
    );
}

#[test]
fn a_file_shrinks_after_a_run_is_removed() {
    let (_dir, store) = store();
    fill(&store);
    let full = size(store.path());
    assert!(full > 12 << 20, "{full}");
    store.remove("large").unwrap();
    let done = store.compact().unwrap();
    assert_eq!(done.after, size(store.path()));
    assert!(done.before > 12 << 20 && done.after < 6 << 20, "{done:?}");
    assert_eq!(left(store.path()), ["landscape.duckdb"]);
    check(&store, 1);
    // Numbers go on, keys hold, and the database is the same one.
    assert_eq!(store.begin(&spec(2)).unwrap().id, 3);
    let run = store.find("kept").unwrap();
    let steps = [TrainRecord::default()];
    store.put_records(&run, &steps).unwrap();
    let comments = store
        .sql("SELECT count(*) FROM duckdb_tables() WHERE comment IS NULL AND NOT internal")
        .unwrap();
    assert_eq!(comments.rows, [[json!(0)]]);
    let again = store.compact().unwrap();
    assert!(again.after <= again.before, "{again:?}");
    check(&store, 2);
}

#[test]
fn a_file_in_use_is_not_replaced() {
    let (_dir, path) = place();
    let store = Store::open(&path)
        .unwrap()
        .with_timeout(Duration::from_millis(50));
    let mut other = Process::start("hold", &path);
    other.wait_for("holding");
    assert!(matches!(store.compact(), Err(Error::Locked { .. })));
    other.kill();
    store.compact().unwrap();
    let read = Store::open_read(&path).unwrap();
    assert!(matches!(read.compact(), Err(Error::ReadOnly { .. })));
}

/// A run that goes on while another process compacts stores into the new file.
#[test]
#[cfg(unix)]
fn what_a_link_leads_to_is_compacted_and_runs_go_on() {
    let (dir, path) = place();
    let store = Store::open(&path).unwrap();
    let (run, _) = store.begin_surface(&spec(1), &grid(), &[], None).unwrap();
    let link = dir.path().join("link.duckdb");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let all = points(&grid(), 0);
    store.append_points(&run, &all[..9]).unwrap();
    Process::start("compact", &link).output();
    assert!(
        fs::symlink_metadata(&link)
            .unwrap()
            .file_type()
            .is_symlink()
    );
    store.append_points(&run, &all).unwrap();
    store.finish(&run, Status::Complete).unwrap();
    assert_same(
        &store.load_surface(&run).unwrap(),
        &surface(grid(), vec![], 0),
    );
}

pub fn compact_in_child(file: &Path) {
    let store = Store::open(file).unwrap();
    println!("ready");
    store.compact().unwrap();
    println!("compacted");
}

/// Kills spread over the whole of it: the file is the old one or the new one, and whole.
#[test]
fn a_kill_while_a_file_is_compacted_loses_nothing() {
    let (dir, path) = place();
    let source = dir.path().join("source").join("landscape.duckdb");
    fs::create_dir(source.parent().unwrap()).unwrap();
    let store = Store::open(&source).unwrap();
    fill(&store);
    drop(store);
    let copy = || {
        let _ = fs::remove_file(path.with_extension("duckdb.wal"));
        fs::copy(&source, &path).unwrap();
    };
    copy();
    let mut undisturbed = Process::start("compact", &path);
    undisturbed.wait_for("ready");
    let start = Instant::now();
    undisturbed.wait_for("compacted");
    let mut all = start.elapsed();
    undisturbed.kill();
    let (mut inside, mut kills) = (0, 0);
    while inside < 15 {
        assert!(kills < 100, "{inside} kills came while it was compacted");
        copy();
        let mut process = Process::start("compact", &path);
        process.wait_for("ready");
        std::thread::sleep(all.mul_f64(f64::from(kills % 20) / 20.0));
        // What is faster than before is killed earlier.
        match process.ended() {
            true => all = all.mul_f64(0.9),
            false => inside += 1,
        }
        process.kill();
        let store = Store::open(&path).unwrap();
        check(&store, 2);
        let run = store.find("large").unwrap();
        assert_eq!(store.checkpoint_steps(&run).unwrap().len(), 20);
        assert_eq!(store.begin(&spec(2)).unwrap().id, 3);
        assert!(
            !left(&path).iter().any(|name| name.contains(".new")),
            "{:?}",
            left(&path)
        );
        kills += 1;
    }
}

pub fn compact_in_vain_in_child(file: &Path) {
    let error = Store::open(file).unwrap().compact().unwrap_err();
    println!("{error:?}");
}

/// A limit on the size of files acts as a full disk does.
#[test]
#[cfg(unix)]
fn a_disk_without_space_for_the_new_file_leaves_the_old_one() {
    let (_dir, path) = place();
    let store = Store::open(&path).unwrap();
    fill(&store);
    drop(store);
    let mut shell = std::process::Command::new("sh");
    let limited = "trap '' XFSZ; ulimit -f 2000; exec \"$0\" \"$@\"";
    shell
        .args(["-c", limited])
        .arg(std::env::current_exe().unwrap());
    let output = Process::from(shell, "compact-in-vain", &path).output();
    assert!(
        output.contains("action: \"write\"") && output.contains("FileTooLarge"),
        "{output}"
    );
    assert_eq!(left(&path), ["landscape.duckdb"]);
    check(&Store::open(&path).unwrap(), 2);
}
