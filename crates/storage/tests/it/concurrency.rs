//! Several stores, threads and processes at one file.

use crate::child::Process;
use crate::support::{assert_same, grid, place, points, spec, store, surface};
use landscape_core::{Measured, Observer, Progress};
use landscape_storage::{Error, Status, Store};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

/// Keeps the file open until it is killed.
pub fn hold_in_child(file: &Path) {
    let store = Store::open(file).unwrap();
    let _hold = store.hold();
    store.begin(&spec(99)).unwrap();
    println!("holding");
    let _ = std::io::stdin().read(&mut [0]);
    std::thread::sleep(Duration::from_secs(60));
}

/// Works on a run without keeping the file open.
pub fn own_in_child(file: &Path) {
    let store = Store::open(file).unwrap();
    store.begin(&spec(7).named("mine")).unwrap();
    println!("working");
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_file_kept_by_another_process_is_named_with_the_process() {
    let (_dir, file) = place();
    let mut other = Process::start("hold", &file);
    other.wait_for("holding");
    let error = Store::open_read(&file).unwrap_err();
    let message = error.to_string();
    assert!(message.contains(&file.display().to_string()), "{message}");
    assert!(
        message.contains(&format!("process {}", other.id())),
        "{message}"
    );
    let Error::Locked { holder, waited, .. } = error else {
        panic!("{error:?}");
    };
    assert!(waited > Duration::from_secs(3), "it waits a while");
    assert_eq!(holder.unwrap().pid, other.id());
    other.kill();
    Store::open(&file).unwrap();
}

#[test]
fn a_file_that_becomes_free_in_time_is_waited_for() {
    let (_dir, file) = place();
    Store::open(&file).unwrap();
    let mut other = Process::start("hold", &file);
    other.wait_for("holding");
    let killer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(400));
        other.kill();
    });
    let store = patiently(&file);
    store.begin(&spec(1)).unwrap();
    killer.join().unwrap();
}

#[test]
fn an_observer_goes_on_while_the_file_is_kept() {
    let (_dir, file) = place();
    let store = Store::open(&file).unwrap();
    let (run, _) = store.begin_surface(&spec(1), &grid(), &[], None).unwrap();
    let mut observer = store.observer(&run);
    let mut other = Process::start("hold", &file);
    other.wait_for("holding");
    let all = points(&grid(), 0);
    let (first, second) = all.split_at(10);
    let progress = |done| Progress {
        done,
        total: all.len(),
        resumed: 0,
        elapsed: Duration::ZERO,
    };
    observer.batch(first, progress(10)).unwrap();
    // Until it has tried to store them, and kept them beside the file.
    while !file.with_extension("duckdb.journal").exists() {
        observer.batch(&[], progress(10)).unwrap();
    }
    assert_eq!(observer.waiting(), 10);
    other.kill();
    observer.batch(second, progress(all.len())).unwrap();
    assert_eq!(observer.finish(Status::Complete).unwrap(), all.len());
    assert_eq!(observer.waiting(), 0);
    assert_same(
        &store.load_surface(&run).unwrap(),
        &surface(grid(), vec![], 0),
    );
}

#[test]
fn a_run_of_a_living_process_is_busy() {
    let (_dir, file) = place();
    let store = Store::open(&file).unwrap();
    let mut other = Process::start("own", &file);
    other.wait_for("working");
    let error = store.begin(&spec(7)).unwrap_err();
    assert!(matches!(&error, Error::Busy { owner, .. } if owner.pid == other.id()));
    let message = error.to_string();
    assert!(
        message.contains(&format!("process {}", other.id())),
        "{message}"
    );
    assert!(message.contains("`mine`"), "{message}");
    assert!(matches!(store.remove("mine"), Err(Error::Busy { .. })));
    assert!(matches!(
        store.replace(&spec(8).named("mine")),
        Err(Error::Busy { .. })
    ));
    assert_eq!(store.find("mine").unwrap().status, Status::Running);
    store.begin(&spec(8)).unwrap();
    other.kill();
    assert_eq!(store.begin(&spec(7)).unwrap().name, "mine");
}

/// Opens a file that others use all the time, on a machine that may be slow.
fn patiently(file: &Path) -> Store {
    for _ in 0..20 {
        match Store::open(file) {
            Err(Error::Locked { .. }) => {}
            other => return other.unwrap(),
        }
    }
    panic!("the file is never free");
}

/// Appends every point of a grid, one batch at a time.
pub fn append_in_child(file: &Path) {
    let store = Store::open(file)
        .unwrap()
        .with_patience(Duration::from_secs(60));
    let run = store.find("surface-1").unwrap();
    println!("ready");
    for batch in points(&grid(), 0).chunks(4) {
        store.append_points(&run, batch).unwrap();
    }
}

#[test]
fn processes_that_append_the_same_points_store_each_once() {
    let (_dir, file) = place();
    let store = Store::open(&file).unwrap();
    let (run, _) = store.begin_surface(&spec(1), &grid(), &[], None).unwrap();
    let processes: Vec<_> = (0..2).map(|_| Process::start("append", &file)).collect();
    for process in processes {
        process.output();
    }
    assert_same(
        &store.load_surface(&run).unwrap(),
        &surface(grid(), vec![], 0),
    );
    let rows = store.sql("SELECT count(*) FROM points").unwrap().rows;
    assert_eq!(rows[0][0], grid().len());
}

#[test]
fn threads_and_stores_of_one_process_take_turns() {
    let (_dir, file) = place();
    let first = Store::open(&file).unwrap();
    let (run, _) = first.begin_surface(&spec(1), &grid(), &[], None).unwrap();
    let all = points(&grid(), 0);
    std::thread::scope(|scope| {
        for part in all.chunks(7) {
            let (run, file) = (&run, &file);
            scope.spawn(move || {
                let store = Store::open(file).unwrap();
                for point in part {
                    store
                        .append_points(run, std::slice::from_ref(point))
                        .unwrap();
                    Store::open_read(file).unwrap().runs().unwrap();
                }
            });
        }
    });
    assert_same(
        &first.load_surface(&run).unwrap(),
        &surface(grid(), vec![], 0),
    );
}

#[test]
fn a_held_file_is_seen_by_every_store_of_the_process_and_let_go() {
    let (_dir, store) = store();
    {
        let hold = store.hold();
        let run = store.begin(&spec(1)).unwrap();
        let reader = Store::open_read(store.path()).unwrap();
        assert_eq!(reader.find(&run.name).unwrap().id, run.id);
        assert!(matches!(
            reader.begin(&spec(2)),
            Err(Error::ReadOnly { .. })
        ));
        let _second = store.hold();
        drop(hold);
        store.begin(&spec(3)).unwrap();
    }
    let mut other = Process::start("hold", store.path());
    other.wait_for("holding");
}

#[test]
fn a_run_removed_meanwhile_takes_no_more_points() {
    let (_dir, store) = store();
    let (run, _) = store.begin_surface(&spec(1), &grid(), &[], None).unwrap();
    store.remove(&run.name).unwrap();
    let point: &[Measured] = &points(&grid(), 0)[..1];
    let error = store.append_points(&run, point).unwrap_err();
    assert!(matches!(error, Error::Gone { .. }), "{error}");
    assert!(matches!(
        store.finish(&run, Status::Complete),
        Err(Error::Gone { .. })
    ));
}
