//! Several stores, threads and processes at one file.

use crate::child::{Process, allow, allow_all, wait_until_allowed};
use crate::support::{assert_same, grid, place, points, raw, spec, store, surface};
use landscape_core::{Measured, Observer, Progress};
use landscape_storage::{Error, JournalNote, Status, Store};
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Keeps the file open until it is killed.
pub fn hold_in_child(file: &Path) {
    Store::open(file).unwrap().begin(&spec(99)).unwrap();
    let _open = raw(file);
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
    let store = Store::open(&file).unwrap();
    let mut other = Process::start("hold", &file);
    other.wait_for("holding");
    let other = Mutex::new(Some(other));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    // Each time the file was found to be kept; the third time it becomes free.
    let store = store.waiting(move |error| {
        assert!(matches!(error, Error::Locked { .. }), "{error}");
        if count.fetch_add(1, Ordering::Relaxed) == 2 {
            other.lock().unwrap().take().unwrap().kill();
        }
        ControlFlow::Continue(())
    });
    store.begin(&spec(1)).unwrap();
    assert!(asked.load(Ordering::Relaxed) >= 3);
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
        .with_timeout(Duration::from_secs(60));
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
fn an_open_file_is_seen_by_every_store_of_the_process_and_closed_when_it_is_idle() {
    let (_dir, store) = store();
    let run = store.begin(&spec(1)).unwrap();
    let reader = Store::open_read(store.path()).unwrap();
    assert_eq!(reader.find(&run.name).unwrap().id, run.id);
    assert!(matches!(
        reader.begin(&spec(2)),
        Err(Error::ReadOnly { .. })
    ));
    store.begin(&spec(3)).unwrap();
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

/// Changes what a run says about its process.
fn change_owner(file: &Path, change: &str) {
    let conn = raw(file);
    let sql = format!("UPDATE runs SET owner = {change} WHERE name = 'mine'");
    assert_eq!(conn.execute(&sql, []).unwrap(), 1);
}

/// A process of another container counts as living for as long as it does: its namespace is another
/// one, and its number belongs to nobody here.
#[test]
#[cfg(target_os = "linux")]
fn a_process_of_another_namespace_is_told_by_its_lock() {
    let (dir, file) = place();
    let store = Store::open(&file).unwrap();
    let mut other = Process::start("own", &file);
    other.wait_for("working");
    change_owner(
        &file,
        "regexp_replace(regexp_replace(owner, 'pid:\\[\\d+\\]', 'pid:[7]'), '^\\d+', '4000000')",
    );
    assert!(matches!(store.begin(&spec(7)), Err(Error::Busy { .. })));
    assert!(matches!(
        store.replace(&spec(8).named("mine")),
        Err(Error::Busy { .. })
    ));
    assert_eq!(store.find("mine").unwrap().status, Status::Running);
    other.kill();
    assert_eq!(store.find("mine").unwrap().status, Status::Interrupted);
    let run = store.begin(&spec(7)).unwrap();
    assert_eq!(run.name, "mine");
    assert_eq!(locks(dir.path()).len(), 1, "the other's is swept");
    store.finish(&run, Status::Complete).unwrap();
    assert_eq!(locks(dir.path()), [""; 0]);
}

fn locks(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".lock")).collect()
}

/// Where neither lock nor namespace can tell, that is said, and nothing is replaced.
#[test]
#[cfg(target_os = "linux")]
fn a_process_that_cannot_be_told_is_an_error() {
    let (dir, file) = place();
    let store = Store::open(&file).unwrap();
    let mut other = Process::start("own", &file);
    other.wait_for("working");
    change_owner(&file, "regexp_replace(owner, 'pid:\\[\\d+\\]', 'pid:[7]')");
    for lock in locks(dir.path()) {
        std::fs::remove_file(dir.path().join(lock)).unwrap();
    }
    let error = store.begin(&spec(7)).unwrap_err();
    assert!(matches!(error, Error::UnknownOwner { .. }), "{error}");
    assert!(error.to_string().contains("another container"), "{error}");
    assert!(store.replace(&spec(8).named("mine")).is_err());
    assert!(store.remove("mine").is_err());
    assert_eq!(store.find("mine").unwrap().status, Status::Running);
    assert_eq!(store.begin(&spec(7).named("other")).unwrap().name, "other");
}

/// Its namespace, number and start are those of a living process; of another boot, none is.
#[test]
#[cfg(target_os = "linux")]
fn a_process_of_an_earlier_boot_has_ended() {
    let (dir, file) = place();
    let store = Store::open(&file).unwrap();
    let mut other = Process::start("own", &file);
    other.wait_for("working");
    change_owner(&file, "regexp_replace(owner, ' [^/]+/', ' another-boot/')");
    for lock in locks(dir.path()) {
        std::fs::remove_file(dir.path().join(lock)).unwrap();
    }
    assert_eq!(store.find("mine").unwrap().status, Status::Interrupted);
    assert_eq!(store.begin(&spec(7)).unwrap().name, "mine");
}

/// A process that lost its run to another says so instead of writing into it.
#[test]
fn a_run_taken_over_by_another_process_takes_no_more_points() {
    let (_dir, file) = place();
    let store = Store::open(&file).unwrap();
    let spec = spec(7).named("mine");
    let (run, _) = store.begin_surface(&spec, &grid(), &[], None).unwrap();
    change_owner(
        &file,
        "regexp_replace(owner, '[0-9a-f]{16}$', '0123456789abcdef')",
    );
    let error = store.append_points(&run, &points(&grid(), 0)).unwrap_err();
    assert!(matches!(error, Error::TakenOver { .. }), "{error}");
    assert!(store.finish(&run, Status::Complete).is_err());
    assert_eq!(store.summary("mine").unwrap().points, 0);
}

/// The store that began or continued a run last has it: no other changes it any more, whatever the
/// processes and locks are, and also after the last one has finished.
#[test]
fn a_run_belongs_to_the_store_that_continued_it_last() {
    let (_dir, file) = place();
    let all = points(&grid(), 0);
    let first = Store::open(&file).unwrap();
    let spec = spec(7).named("mine");
    let (run, _) = first.begin_surface(&spec, &grid(), &[], None).unwrap();
    first.append_points(&run, &all[..3]).unwrap();
    let mut observer = first.observer(&run);
    let progress = Progress {
        done: 4,
        total: all.len(),
        resumed: 3,
        elapsed: Duration::ZERO,
    };
    observer.batch(&all[3..4], progress).unwrap();
    let second = Store::open(&file).unwrap();
    let (again, surface) = second.begin_surface(&spec, &grid(), &[], None).unwrap();
    assert_eq!((again.id, surface.missing()), (run.id, all.len() - 3));
    let check = |what: &str, done: Result<(), Error>| match done {
        Err(Error::TakenOver { name, .. }) => assert_eq!(name, "mine"),
        other => panic!("{what}: {other:?}"),
    };
    let checks = |observer: &mut landscape_storage::StoreObserver| {
        check("points", first.append_points(&run, &all).map(drop));
        check("observer", observer.flush());
        check("grid", first.put_grid(&run, &grid(), &[]));
        check("records", first.put_records(&run, &[Default::default()]));
        check("finish", first.finish(&run, Status::Complete));
        check("settle", first.settle(&run));
        let mut recorder = first.recorder(&run);
        recorder.push(Default::default(), None).unwrap();
        check("recorder", recorder.finish(Status::Complete));
        let state = serde_json::json!({});
        check(
            "lanczos",
            first.put_lanczos_state(&run, "a", &state, 0, &[]),
        );
    };
    checks(&mut observer);
    second.append_points(&again, &all[4..6]).unwrap();
    second.finish(&again, Status::Interrupted).unwrap();
    checks(&mut observer);
    drop(observer);
    let found = second.summary("mine").unwrap();
    assert_eq!((found.points, found.records), (5, 0));
    assert_eq!(found.run.status, Status::Interrupted);
    // Whoever asks for it again has it again.
    let (back, _) = first.begin_surface(&spec, &grid(), &[], None).unwrap();
    first.append_points(&back, &all).unwrap();
    check("second", second.append_points(&again, &all).map(drop));
    first.finish(&back, Status::Complete).unwrap();
    assert_same(&first.load_surface(&back).unwrap(), &surface_of_all());
}

fn surface_of_all() -> landscape_core::Surface {
    surface(grid(), vec![], 0)
}

/// Appends points one at a time, as far as it is let, and says what stopped it.
pub fn append_leashed_in_child(file: &Path) {
    let store = Store::open(file).unwrap();
    let spec = spec(7).named("mine");
    let (run, _) = store.begin_surface(&spec, &grid(), &[], None).unwrap();
    for (place, point) in points(&grid(), 0).iter().enumerate() {
        wait_until_allowed(file, place);
        if let Err(error) = store.append_points(&run, std::slice::from_ref(point)) {
            println!("{error:?}");
            println!("stopped");
            return;
        }
        println!("appended");
    }
}

/// A process that is stopped looks dead to whoever does not see its lock: it wakes up after another has
/// gone on with its run, and changes nothing.
#[test]
#[cfg(target_os = "linux")]
fn a_stopped_process_that_wakes_up_after_a_take_over_changes_nothing() {
    let (dir, file) = place();
    Store::open(&file).unwrap();
    allow(&file, 0);
    let mut other = Process::start("append-leashed", &file);
    other.wait_for("appended");
    // It stands still once it has closed the file.
    drop(raw(&file));
    let signal = |name: &str| {
        let done = std::process::Command::new("kill")
            .args([name, &other.id().to_string()])
            .status();
        assert!(done.unwrap().success());
    };
    signal("-STOP");
    let store = Store::open(&file).unwrap();
    assert!(matches!(store.begin(&spec(7)), Err(Error::Busy { .. })));
    // As on a file system whose locks are not seen elsewhere, after the machine of the process was lost.
    change_owner(&file, "regexp_replace(owner, ' [^/]+/', ' another-boot/')");
    for lock in locks(dir.path()) {
        std::fs::remove_file(dir.path().join(lock)).unwrap();
    }
    let named = spec(7).named("mine");
    let (run, _) = store.begin_surface(&named, &grid(), &[], None).unwrap();
    let all = points(&grid(), 0);
    store.append_points(&run, &all[5..9]).unwrap();
    store.finish(&run, Status::Interrupted).unwrap();
    let before = store.summary("mine").unwrap();
    allow_all(&file);
    signal("-CONT");
    let output = other.output();
    assert!(output.contains("TakenOver"), "{output}");
    assert_eq!(store.summary("mine").unwrap(), before);
}

/// What a writer that lost its run left in the journal counts no more.
#[test]
fn results_in_the_journal_of_a_writer_that_lost_its_run_are_left_out() {
    let (_dir, file) = place();
    let first = Store::open(&file).unwrap();
    let named = spec(7).named("mine");
    let (run, _) = first.begin_surface(&named, &grid(), &[], None).unwrap();
    let all = points(&grid(), 0);
    let mut observer = first.observer(&run);
    let mut other = Process::start("hold", &file);
    other.wait_for("holding");
    let progress = Progress {
        done: 4,
        total: all.len(),
        resumed: 0,
        elapsed: Duration::ZERO,
    };
    observer.batch(&all[..4], progress).unwrap();
    let journal = file.with_extension("duckdb.journal");
    while !journal.exists() {
        observer.batch(&[], progress).unwrap();
    }
    other.kill();
    let conn = raw(&file);
    conn.execute(
        "UPDATE runs SET writer = 'another', owner = NULL WHERE name = 'mine'",
        [],
    )
    .unwrap();
    drop(conn);
    let second = Store::open(&file).unwrap();
    let notes = second.journal_notes();
    assert!(
        matches!(
            notes[..],
            [JournalNote::TakenIn {
                changes: 0,
                dropped: 1,
                torn: 0
            }]
        ),
        "{notes:?}"
    );
    assert_eq!(second.summary("mine").unwrap().points, 0);
    let error = observer.finish(Status::Complete).unwrap_err();
    assert!(
        matches!(error, Error::TakenOver { owner: None, .. }),
        "{error}"
    );
}

/// Makes the database and begins a run, as fast as it can.
pub fn create_and_begin_in_child(file: &Path) {
    let store = patiently(file).with_timeout(Duration::from_secs(60));
    let seed = u64::from(std::process::id());
    store.begin(&spec(seed)).unwrap();
}

/// Processes that make one file at once all find their runs in it afterwards: none removes the log
/// of another's.
#[test]
fn a_file_made_by_several_processes_at_once_holds_what_each_stored() {
    for round in 0..4 {
        let (dir, file) = place();
        if round % 2 == 1 {
            std::fs::write(
                file.with_extension("duckdb.wal"),
                b"d\0be\0\x02\xff\xffleft over",
            )
            .unwrap();
        }
        let processes: Vec<_> = (0..4)
            .map(|_| Process::start("create-and-begin", &file))
            .collect();
        for process in processes {
            process.output();
        }
        assert_eq!(Store::open_read(&file).unwrap().runs().unwrap().len(), 4);
        let left = std::fs::read_dir(dir.path()).unwrap();
        let left: Vec<_> = left.map(|file| file.unwrap().file_name()).collect();
        assert!(
            !left.iter().any(|n| n.to_string_lossy().contains(".new")),
            "{left:?}"
        );
    }
}

/// An older file that several processes open for writing is brought up to date once.
#[test]
fn a_file_is_migrated_once() {
    let (_dir, file) = place();
    let conn = raw(&file);
    conn.execute_batch(include_str!("../../src/schema/v1.sql"))
        .unwrap();
    conn.execute_batch("INSERT INTO meta VALUES ('schema_version', '1')")
        .unwrap();
    drop(conn);
    let processes: Vec<_> = (0..4)
        .map(|_| Process::start("create-and-begin", &file))
        .collect();
    for process in processes {
        process.output();
    }
    assert_eq!(Store::open_read(&file).unwrap().runs().unwrap().len(), 4);
}

/// Drafts of processes that were killed while they made the database.
#[test]
fn drafts_that_were_left_are_swept() {
    let (dir, file) = place();
    let leave = || {
        for name in [".new", ".new.wal", ".new.lock", ".17.new", ".17.new.wal"] {
            let name = format!(".landscape.duckdb{name}");
            std::fs::write(dir.path().join(name), b"left over").unwrap();
        }
    };
    let left = || {
        let files = std::fs::read_dir(dir.path()).unwrap();
        let names = files.map(|file| file.unwrap().file_name());
        names.collect::<Vec<_>>()
    };
    leave();
    Store::open(&file).unwrap();
    assert_eq!(left(), ["landscape.duckdb"]);
    leave();
    Store::open(&file).unwrap();
    assert_eq!(left(), ["landscape.duckdb"]);
}
