//! What cannot be stored because another process keeps the file lies beside it until it can.

use crate::child::Process;
use crate::support::{assert_same, grid, params, place, points, raw, spec, surface};
use landscape_core::{Measured, Observer, Progress};
use landscape_storage::{
    ALL_PARAMETERS, CheckpointForm, Curvature, CurvaturePoint, Eigenvalue, Error, JournalNote, Run,
    RunKind, RunSpec, Side, Status, Store, TrainRecord,
};
use serde_json::json;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn journal(file: &Path) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".journal");
    path.into()
}

fn keeper(file: &Path) -> Process {
    let mut other = Process::start("hold", file);
    other.wait_for("holding");
    other
}

/// A store that gives up soon.
fn hasty(file: &Path) -> Store {
    Store::open(file)
        .unwrap()
        .with_timeout(Duration::from_millis(50))
}

fn progress(done: usize, total: usize) -> Progress {
    Progress {
        done,
        total,
        resumed: 0,
        elapsed: Duration::ZERO,
    }
}

/// Gives an observer points one by one, until some of them were due to be stored.
fn give(observer: &mut impl Observer, all: &[Measured]) {
    for (k, point) in all.iter().enumerate() {
        observer
            .batch(std::slice::from_ref(point), progress(k, all.len() + 1))
            .unwrap();
    }
}

/// A run, and a journal with the first twenty points of its landscape: what a process leaves that is
/// killed while another one keeps the file.
fn left_behind(file: &Path) -> (Run, Vec<Measured>) {
    let store = hasty(file);
    let (run, _) = store.begin_surface(&spec(1), &grid(), &[], None).unwrap();
    let other = keeper(file);
    let all: Vec<Measured> = points(&grid(), 0)[..20].to_vec();
    for half in all.chunks(10) {
        let mut observer = store.observer(&run);
        give(&mut observer, half);
        assert!(matches!(observer.flush(), Err(Error::Journaled { .. })));
        assert_eq!(observer.waiting(), 10);
    }
    other.kill();
    (run, all)
}

fn taken_in(store: &Store) -> (usize, usize, u64) {
    match store.journal_notes()[..] {
        [
            JournalNote::TakenIn {
                changes,
                dropped,
                torn,
                ..
            },
        ] => (changes, dropped, torn),
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn points_of_a_killed_process_are_taken_in_at_the_next_opening() {
    let (_dir, file) = place();
    let (run, all) = left_behind(&file);
    assert!(journal(&file).exists());
    let store = Store::open(&file).unwrap();
    assert_eq!(taken_in(&store), (2, 0, 0));
    assert!(!journal(&file).exists());
    let stored = store.load_surface(&run).unwrap();
    assert_eq!(stored.grid().len() - stored.missing(), all.len());
    let fully = surface(grid(), vec![], 0);
    for point in &all {
        let (a, b) = (stored.get(point.index), fully.get(point.index));
        assert_eq!(format!("{a:?}"), format!("{b:?}"));
    }
    assert!(store.journal_notes().is_empty());
}

#[test]
fn whoever_reads_finds_them_too() {
    let (_dir, file) = place();
    let (run, all) = left_behind(&file);
    let store = Store::open_read(&file).unwrap();
    assert_eq!(taken_in(&store), (2, 0, 0));
    assert_eq!(store.summary(&run.name).unwrap().points, all.len() as u64);
}

#[test]
fn what_a_kill_has_torn_is_left_out_with_a_note() {
    for cut in [1, 40, 200] {
        let (_dir, file) = place();
        let (run, _) = left_behind(&file);
        let bytes = fs::read(journal(&file)).unwrap();
        fs::write(journal(&file), &bytes[..bytes.len() - cut]).unwrap();
        let store = Store::open(&file).unwrap();
        let (changes, dropped, torn) = taken_in(&store);
        assert_eq!((changes, dropped), (1, 0));
        assert!(torn > 0);
        assert_eq!(store.summary(&run.name).unwrap().points, 10);
        assert!(!journal(&file).exists());
    }
    // Bytes of the last entry that are not those that were written.
    let (_dir, file) = place();
    let (run, _) = left_behind(&file);
    let mut bytes = fs::read(journal(&file)).unwrap();
    let at = bytes.len() - 30;
    bytes[at] ^= 1;
    fs::write(journal(&file), bytes).unwrap();
    let store = Store::open(&file).unwrap();
    assert_eq!(store.summary(&run.name).unwrap().points, 10);
    let note = store.journal_notes()[0].to_string();
    assert!(note.contains("are lost"), "{note}");
}

/// Whoever is killed between storing and removing the journal leaves it: it is not taken in again.
#[test]
fn nothing_is_taken_in_twice() {
    let (_dir, file) = place();
    let store = hasty(&file);
    let spec = RunSpec::new(RunKind::Train, json!({"lr": 1})).named("t");
    let run = store.begin(&spec).unwrap();
    let other = keeper(&file);
    let mut recorder = store.recorder(&run);
    for step in 0..5 {
        let record = TrainRecord {
            step,
            ..TrainRecord::default()
        };
        recorder.push(record, Some(&params(step as f32))).unwrap();
    }
    assert!(matches!(recorder.flush(), Err(Error::Journaled { .. })));
    other.kill();
    let kept = fs::read(journal(&file)).unwrap();
    let store = Store::open(&file).unwrap();
    store.finish(&run, Status::Complete).unwrap();
    fs::write(journal(&file), kept).unwrap();
    let store = Store::open(&file).unwrap();
    assert!(!journal(&file).exists());
    assert_eq!(store.records(&run).unwrap().len(), 5);
    assert_eq!(store.checkpoints(&run).unwrap().count(), 5);
    assert_eq!(store.find("t").unwrap().status, Status::Complete);
}

#[test]
fn a_journal_belongs_to_one_database() {
    let (_dir, file) = place();
    left_behind(&file);
    fs::remove_file(&file).unwrap();
    let error = Store::open(&file).unwrap_err();
    assert!(matches!(error, Error::OtherJournal { .. }), "{error}");
    assert!(!file.exists());
    let (_other_dir, other) = place();
    Store::open(&other).unwrap();
    fs::copy(journal(&file), journal(&other)).unwrap();
    let error = Store::open(&other).unwrap_err();
    assert!(matches!(error, Error::OtherJournal { .. }), "{error}");
    assert!(error.to_string().contains("another database"), "{error}");
    assert!(journal(&other).exists());
}

#[test]
fn a_run_that_was_removed_takes_nothing_in() {
    let (_dir, file) = place();
    let (run, _) = left_behind(&file);
    let kept = fs::read(journal(&file)).unwrap();
    let store = Store::open(&file).unwrap();
    store.journal_notes();
    store.remove(&run.name).unwrap();
    store
        .sql("SELECT count(*) FROM meta WHERE key = 'journal'")
        .unwrap();
    // As another journal, which was not taken in yet.
    fs::write(journal(&file), kept).unwrap();
    let database = raw(&file);
    { database.execute("DELETE FROM meta WHERE key = 'journal'", []) }.unwrap();
    drop(database);
    let store = Store::open(&file).unwrap();
    assert_eq!(taken_in(&store), (0, 2, 0));
    assert_eq!(store.sql("SELECT * FROM points").unwrap().rows.len(), 0);
}

#[test]
fn trainings_and_curvature_are_kept_to_their_ends() {
    let (_dir, file) = place();
    let store = hasty(&file);
    let spec = |kind| RunSpec::new(kind, json!({"of": "it"}));
    let train = store.begin(&spec(RunKind::Train)).unwrap();
    let raw = store.begin(&spec(RunKind::Train).named("raw")).unwrap();
    let (map, _) = { store.begin_curvature_map(&spec(RunKind::Hessian), &grid(), None) }.unwrap();
    let other = keeper(&file);
    for (run, form) in [(&train, CheckpointForm::F32), (&raw, CheckpointForm::Raw)] {
        let mut recorder = store.recorder(run).form(form);
        for step in 0..70 {
            let record = TrainRecord {
                step,
                loss: Some(f64::NAN),
                ..TrainRecord::default()
            };
            recorder.push(record, Some(&params(step as f32))).unwrap();
        }
        let error = recorder.finish(Status::Complete).unwrap_err();
        let words = error.to_string();
        assert!(matches!(error, Error::Journaled { .. }), "{words}");
        assert!(
            words.contains(&journal(&file).display().to_string()),
            "{words}"
        );
        assert!(
            words.contains(&format!("process {}", other.id())),
            "{words}"
        );
    }
    let point = |index| CurvaturePoint {
        index,
        lambda_max: 1.0 / 3.0,
        lambda_min: -f64::INFINITY,
        residual_max: f64::NAN,
        residual_min: 0.0,
        converged: index > 1,
    };
    let mut recorder = store.curvature_recorder(&map);
    recorder.push(&[point(0), point(3)]).unwrap();
    let value = Eigenvalue {
        part: ALL_PARAMETERS.to_owned(),
        side: Side::Top,
        rank: 0,
        value: 0.1 + 0.2,
        residual: 1e-300,
        converged: true,
        method: "lanczos".to_owned(),
    };
    let curvature = Curvature {
        parameters: 9,
        eigenvalues: vec![value],
        ..Curvature::default()
    };
    assert!(store.put_curvature(&map, &curvature).is_err());
    assert!(recorder.finish(Status::Complete).is_err());
    other.kill();
    let store = Store::open(&file).unwrap();
    for run in [&train, &raw] {
        let stored: Vec<_> = store
            .checkpoints(run)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(stored.len(), 70);
        for (step, checkpoint) in stored.iter().enumerate() {
            assert_eq!(checkpoint.params, params(step as f32));
            assert!(checkpoint.record.loss.unwrap().is_nan());
        }
        assert_eq!(store.find(&run.name).unwrap().status, Status::Complete);
    }
    assert_eq!(store.curvature(&map).unwrap(), [curvature]);
    let found = store.load_curvature_map(&map).unwrap();
    assert_eq!(
        format!("{:?}", found.points[3]),
        format!("{:?}", Some(point(3)))
    );
    assert_eq!(found.missing(), grid().len() - 2);
}

/// A store that asks waits for as long as it is told to, and stores everything then.
#[test]
fn a_store_that_asks_waits_for_the_file() {
    let (_dir, file) = place();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let store = Store::open(&file).unwrap().waiting(move |error| {
        assert!(matches!(error, Error::Locked { .. }));
        count.fetch_add(1, Ordering::SeqCst);
        ControlFlow::Continue(())
    });
    let (run, _) = store.begin_surface(&spec(1), &grid(), &[], None).unwrap();
    let other = keeper(&file);
    let seen = Arc::clone(&asked);
    let keeper = std::thread::spawn(move || {
        while seen.load(Ordering::SeqCst) < 3 {
            std::thread::yield_now();
        }
        other.kill();
    });
    let mut observer = store.observer(&run);
    give(&mut observer, &points(&grid(), 0));
    assert_eq!(observer.finish(Status::Complete).unwrap(), grid().len());
    keeper.join().unwrap();
    assert!(!journal(&file).exists());
    assert_same(
        &store.load_surface(&run).unwrap(),
        &surface(grid(), vec![], 0),
    );
}

/// A run that replaces another takes its place when the journal is taken in.
#[test]
fn a_replacement_is_complete_through_the_journal() {
    let (_dir, file) = place();
    let store = hasty(&file);
    let old = store.begin(&spec(1).named("a")).unwrap();
    let new = store.replace(&spec(2).named("a")).unwrap();
    let other = keeper(&file);
    assert!(matches!(
        store.finish(&new, Status::Complete),
        Err(Error::Journaled { .. })
    ));
    other.kill();
    let found = Store::open(&file).unwrap().find("a").unwrap();
    assert_ne!(found.id, old.id);
    assert_eq!((found.id, found.status), (new.id, Status::Complete));
}

/// Bytes that are not those of a journal are an error or a note, never the end of the process.
#[test]
fn changed_journals_are_understood_or_refused() {
    let (_dir, file) = place();
    left_behind(&file);
    let (good, database) = (fs::read(journal(&file)).unwrap(), fs::read(&file).unwrap());
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..landscape_files::mutants::asked(60) {
        let mut bytes = good.clone();
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let at = random as usize % bytes.len();
        match random >> 62 {
            0 => bytes.truncate(at),
            1 => bytes[at] ^= 1 << (random >> 40 & 7),
            2 => bytes[at] = 0xff,
            _ => drop(bytes.splice(at..at, good[..at].to_vec())),
        }
        fs::write(&file, &database).unwrap();
        fs::write(journal(&file), bytes).unwrap();
        if let Ok(store) = Store::open(&file) {
            assert!(store.sql("SELECT * FROM points").unwrap().rows.len() <= 20);
        }
        let _ = fs::remove_file(journal(&file));
    }
}

/// Any other file of that name stays where it is.
#[test]
fn another_file_in_the_place_of_a_journal_is_an_error() {
    let (_dir, file) = place();
    Store::open(&file).unwrap();
    for content in ["note", "notes of mine", "LLJRNL2\n"] {
        fs::write(journal(&file), content).unwrap();
        let error = Store::open(&file).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{content}: {error}");
        let notes = Store::open_read(&file).unwrap().journal_notes();
        assert!(
            matches!(&notes[..], [JournalNote::Refused { why }] if why.contains("not a journal")),
            "{notes:?}"
        );
        assert_eq!(fs::read_to_string(journal(&file)).unwrap(), content);
    }
    // What a kill left of the first bytes.
    fs::write(journal(&file), "LLJR").unwrap();
    Store::open(&file).unwrap();
    assert!(!journal(&file).exists());
}
