//! Runs: begun, continued, named, replaced, removed.

use crate::support::{assert_same, grid, points, spec, store, surface, terms};
use landscape_storage::{
    ALL_PARAMETERS, Curvature, Eigenvalue, Error, RunFigures, RunKind, RunSpec, Side, Status,
    Store, TrainRecord, timestamp,
};
use serde_json::json;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[test]
fn the_same_request_continues_and_another_begins() {
    let (_dir, store) = store();
    let first = store.begin(&spec(1)).unwrap();
    assert_eq!(first.name, "surface-1");
    assert_eq!(first.status, Status::Running);
    let again = store.begin(&spec(1)).unwrap();
    assert_eq!((again.id, &again.name), (first.id, &first.name));
    assert_eq!(again.identity, spec(1).identity());
    assert_eq!(store.begin(&spec(2)).unwrap().name, "surface-2");
    let line = RunSpec::new(RunKind::Line, spec(1).settings);
    let line = store.begin(&line).unwrap();
    assert_eq!(line.name, "line-1");
    assert_ne!(line.id, first.id);
}

#[test]
fn provenance_is_no_part_of_the_identity() {
    let (_dir, store) = store();
    let first = store
        .begin(&spec(1).with_provenance(json!({"threads": 2})))
        .unwrap();
    let again = store
        .begin(&spec(1).with_provenance(json!({"threads": 8})))
        .unwrap();
    assert_eq!(first.id, again.id);
    assert_eq!(
        store.find("surface-1").unwrap().provenance,
        json!({"threads": 2})
    );
}

#[test]
fn a_name_of_other_settings_is_an_error_that_names_them() {
    let (_dir, store) = store();
    store.begin(&spec(1).named("mine")).unwrap();
    store.begin(&spec(1).named("mine")).unwrap();
    let error = store.begin(&spec(2).named("mine")).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("`mine`"), "{text}");
    assert!(text.contains("seed: stored 1, asked 2"), "{text}");
    // What options a program has is not known here.
    assert!(!text.contains("--"), "{text}");
    let mut other_kind = spec(1).named("mine");
    other_kind.kind = RunKind::Volume;
    let text = store.begin(&other_kind).unwrap_err().to_string();
    assert!(
        text.contains("kind: stored surface, asked volume"),
        "{text}"
    );
    assert_eq!(store.runs().unwrap().len(), 1);
}

#[test]
fn a_new_name_for_known_settings_is_one_more_name_of_the_run() {
    let (_dir, store) = store();
    let (first, _) = store
        .begin_surface(&spec(1).named("a"), &grid(), &terms(), None)
        .unwrap();
    store.append_points(&first, &points(&grid(), 2)).unwrap();
    let (second, known) = store
        .begin_surface(&spec(1).named("b"), &grid(), &terms(), None)
        .unwrap();
    assert_eq!((second.id, second.name.as_str()), (first.id, "b"));
    assert_same(&known, &surface(grid(), terms(), 0));
    let rows = |table: &str| {
        let count = store.sql(&format!("SELECT count(*) FROM {table}"));
        count.unwrap().rows[0][0].as_u64().unwrap()
    };
    assert_eq!(rows("points"), grid().len() as u64, "nothing is copied");
    assert_eq!(rows("landscape WHERE run = 'b'"), grid().len() as u64);
    let listed = store.runs().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].names, ["a", "b"]);
    assert_eq!(store.find("b").unwrap().name, "b");
    let taken = store.begin(&spec(2).named("b")).unwrap_err();
    assert!(matches!(taken, Error::Differs { .. }), "{taken}");
    assert!(!store.remove("a").unwrap(), "it has another name");
    let listed = store.runs().unwrap();
    assert_eq!(
        (listed[0].run.name.as_str(), listed[0].names.len()),
        ("b", 1)
    );
    assert_same(&store.load_surface(&second).unwrap(), &known);
    assert!(store.remove("b").unwrap());
    assert_eq!((rows("points"), rows("names"), rows("runs")), (0, 0, 0));
}

/// Of a run with two names the one that is replaced goes; where the settings are the same, both do.
#[test]
fn a_run_with_several_names_is_replaced_under_one() {
    let (_dir, store) = store();
    let both = || {
        let run = store.begin(&spec(1).named("a")).unwrap();
        assert_eq!(store.begin(&spec(1).named("b")).unwrap().id, run.id);
        run
    };
    let run = both();
    let new = store.replace(&spec(2).named("b")).unwrap();
    store.finish(&new, Status::Complete).unwrap();
    assert_eq!(store.find("b").unwrap().id, new.id);
    assert_eq!(store.find("a").unwrap().id, run.id);
    store.remove("b").unwrap();
    let run = both();
    let new = store.replace(&spec(1)).unwrap();
    store.finish(&new, Status::Complete).unwrap();
    for name in ["a", "b"] {
        assert_eq!(store.find(name).unwrap().id, new.id);
    }
    assert_ne!(new.id, run.id);
    assert_eq!(store.runs().unwrap().len(), 1);
}

#[test]
fn runs_are_renamed() {
    let (_dir, store) = store();
    let run = store.begin(&spec(1).named("a")).unwrap();
    store.begin(&spec(2).named("c")).unwrap();
    let draft = store.replace(&spec(3).named("a")).unwrap();
    let taken = store.rename("a", "c").unwrap_err();
    assert!(matches!(taken, Error::NameTaken { .. }), "{taken}");
    assert!(matches!(store.rename("a", "7"), Err(Error::BadName { .. })));
    assert!(matches!(
        store.rename("x", "y"),
        Err(Error::UnknownRun { .. })
    ));
    assert_eq!(store.rename("a", "b").unwrap().name, "b");
    assert_eq!(store.find("b").unwrap().id, run.id);
    assert!(matches!(store.find("a"), Err(Error::UnknownRun { .. })));
    // What was begun to replace it follows.
    store.finish(&draft, Status::Complete).unwrap();
    assert_eq!(store.find("b").unwrap().id, draft.id);
    assert_eq!(store.runs().unwrap().len(), 2);
    // By number, and one of two names.
    assert_eq!(
        store.rename(&draft.id.to_string(), "d").unwrap().id,
        draft.id
    );
    store.begin(&spec(3).named("e")).unwrap();
    store.rename("e", "f").unwrap();
    let names: Vec<_> = store
        .runs()
        .unwrap()
        .into_iter()
        .map(|run| run.names)
        .collect();
    assert_eq!(names, [vec!["c"], vec!["d", "f"]]);
    assert!(
        store.remove(&draft.id.to_string()).unwrap(),
        "a number is the whole run"
    );
    assert_eq!(store.runs().unwrap().len(), 1);
}

#[test]
fn a_run_takes_the_place_of_another_once_it_is_complete() {
    let (_dir, store) = store();
    let (old, _) = store
        .begin_surface(&spec(1).named("a"), &grid(), &[], None)
        .unwrap();
    store.append_points(&old, &points(&grid(), 0)).unwrap();
    let new = store.replace(&spec(2).named("a")).unwrap();
    assert_ne!(new.id, old.id);
    assert_eq!(new.name, "a");
    assert_eq!(store.find("a").unwrap().settings, spec(1).settings);
    assert_same(
        &store.load_surface(&store.find("a").unwrap()).unwrap(),
        &surface(grid(), vec![], 0),
    );
    assert!(matches!(store.load_surface(&new), Err(Error::Lacks { .. })));
    // The same request goes on with it, and nothing else finds it by its settings.
    store.put_grid(&new, &grid(), &[]).unwrap();
    let again = store.replace(&spec(2).named("a")).unwrap();
    assert_eq!((again.id, &again.name), (new.id, &new.name));
    assert_eq!(store.begin(&spec(2)).unwrap().name, "surface-1");
    store.remove("surface-1").unwrap();
    store.finish(&new, Status::Interrupted).unwrap();
    assert_eq!(store.find("a").unwrap().id, old.id);
    store.finish(&new, Status::Complete).unwrap();
    let found = store.find("a").unwrap();
    assert_eq!((found.id, found.status), (new.id, Status::Complete));
    assert_eq!(store.sql("SELECT * FROM points").unwrap().rows.len(), 0);
    assert_eq!(store.runs().unwrap().len(), 1);
}

#[test]
fn another_request_gives_up_what_was_to_replace_a_run() {
    let (_dir, store) = store();
    let old = store.begin(&spec(1).named("a")).unwrap();
    let first = store.replace(&spec(2).named("a")).unwrap();
    let second = store.replace(&spec(3).named("a")).unwrap();
    assert_ne!(first.id, second.id);
    let gone = store.finish(&first, Status::Complete).unwrap_err();
    assert!(matches!(gone, Error::Gone { .. }), "{gone}");
    assert_eq!(store.find("a").unwrap().id, old.id);
    store.finish(&second, Status::Complete).unwrap();
    assert_eq!(store.find("a").unwrap().settings, spec(3).settings);
    // Without a name: of the same settings.
    assert_eq!(store.replace(&spec(4)).unwrap().name, "surface-1");
    let again = store.replace(&spec(4)).unwrap();
    store.finish(&again, Status::Complete).unwrap();
    assert_eq!(store.runs().unwrap().len(), 2);
    let taken = store.begin(&spec(5).named("a (replacement)")).unwrap_err();
    assert!(matches!(taken, Error::BadName { .. }), "{taken}");
}

#[test]
fn several_runs_take_their_places_together() {
    let (_dir, store) = store();
    let old: Vec<_> = ["a", "b"]
        .map(|name| store.begin(&spec(1).named(name)).unwrap().id)
        .into();
    let new = ["a", "b"].map(|name| store.replace(&spec(2).named(name)).unwrap());
    store.settle(&new[0]).unwrap();
    let early = store.promote(&new).unwrap_err();
    assert!(matches!(early, Error::Unfinished { .. }), "{early}");
    assert_eq!(store.find("a").unwrap().id, old[0]);
    assert_eq!(store.find("b").unwrap().id, old[1]);
    store.settle(&new[1]).unwrap();
    store.promote(&new).unwrap();
    assert_eq!(store.find("a").unwrap().id, new[0].id);
    assert_eq!(store.find("b").unwrap().id, new[1].id);
    assert_eq!(store.runs().unwrap().len(), 2);
    store.promote(&new).unwrap();
}

#[test]
fn half_a_training_is_nothing_to_begin_another_name_with() {
    let (_dir, store) = store();
    let train = |name: &str| RunSpec::new(RunKind::Train, json!({"lr": 0.1})).named(name);
    let first = store.begin(&train("a")).unwrap();
    let records = [landscape_storage::TrainRecord::default()];
    store.put_records(&first, &records).unwrap();
    let second = store.begin(&train("b")).unwrap();
    assert_eq!(store.records(&second).unwrap().len(), 0);
    store.finish(&first, Status::Complete).unwrap();
    let third = store.begin(&train("c")).unwrap();
    assert_eq!(third.id, first.id);
    assert_eq!(store.records(&third).unwrap().len(), 1);
    assert_eq!(store.stored(&train("d")).unwrap(), None);
    assert_eq!(store.stored(&train("a")).unwrap().unwrap().id, first.id);
}

#[test]
fn runs_are_found_by_name_and_number() {
    let (_dir, store) = store();
    let run = store.begin(&spec(1).named("valley")).unwrap();
    store.begin(&spec(2)).unwrap();
    assert_eq!(
        store.find("valley").unwrap(),
        store.find(&run.id.to_string()).unwrap()
    );
    let error = store.find("nothing").unwrap_err();
    let text = error.to_string();
    assert!(text.contains("`nothing`"), "{text}");
    assert!(text.ends_with("it has: valley, surface-1"), "{text}");
    assert!(matches!(store.find("77"), Err(Error::UnknownRun { .. })));
}

#[test]
fn names_that_cannot_be_told_from_numbers_are_refused() {
    let (_dir, store) = store();
    for name in ["", "  ", "12", "a\nb"] {
        let error = store.begin(&spec(1).named(name)).unwrap_err();
        assert!(matches!(error, Error::BadName { .. }), "{name:?}: {error}");
    }
    store
        .begin(&spec(1).named("it's; DROP TABLE runs --"))
        .unwrap();
    assert_eq!(store.find("it's; DROP TABLE runs --").unwrap().id, 1);
}

#[test]
fn finishing_is_remembered() {
    let (_dir, store) = store();
    let run = store.begin(&spec(1)).unwrap();
    // Stored in microseconds.
    let before = SystemTime::now() - Duration::from_micros(1);
    store.finish(&run, Status::Complete).unwrap();
    let after = SystemTime::now();
    let found = store.find("surface-1").unwrap();
    assert_eq!(found.status, Status::Complete);
    assert!((before..=after).contains(&found.finished.unwrap()));
    assert_eq!(store.begin(&spec(1)).unwrap().status, Status::Complete);
    store.finish(&run, Status::Interrupted).unwrap();
    let found = store.find("surface-1").unwrap();
    assert_eq!((found.status, found.finished), (Status::Interrupted, None));
}

#[test]
fn summaries_count_what_is_stored() {
    let (_dir, store) = store();
    let (run, _) = store.begin_surface(&spec(1), &grid(), &[], None).unwrap();
    store.append_points(&run, &points(&grid(), 0)[..5]).unwrap();
    store.begin(&spec(2)).unwrap();
    let summaries = store.runs().unwrap();
    assert_eq!(summaries[0].shape, [7, 4]);
    assert_eq!((summaries[0].points, summaries[0].total()), (5, 28));
    assert_eq!((summaries[1].points, summaries[1].total()), (0, 0));
    assert_eq!(store.summary("surface-1").unwrap(), summaries[0]);
    let json = serde_json::to_value(&summaries[0]).unwrap();
    assert_eq!(json["name"], "surface-1");
    assert_eq!(json["status"], "running");
    assert!(json["created"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn everything_is_there_after_opening_again() {
    let (_dir, store) = store();
    let run = store
        .begin(&spec(1).with_provenance(json!({"version": "0.1.0"})))
        .unwrap();
    let path = store.path().to_owned();
    drop(store);
    let again = Store::open(path).unwrap().find(&run.name).unwrap();
    assert_eq!(again, run);
}

#[test]
fn moments_are_written_in_utc() {
    let at = |seconds| timestamp(UNIX_EPOCH + Duration::from_secs(seconds));
    assert_eq!(at(0), "1970-01-01T00:00:00Z");
    assert_eq!(at(951_782_399), "2000-02-28T23:59:59Z");
    assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
    assert_eq!(at(1_772_366_400), "2026-03-01T12:00:00Z");
    assert_eq!(
        timestamp(UNIX_EPOCH - Duration::from_secs(1)),
        "1969-12-31T23:59:59Z"
    );
}

#[test]
fn a_curve_that_was_stored_as_a_training_is_found() {
    let (_dir, store) = store();
    let of = |kind| RunSpec::new(kind, json!({"curve": "bezier"}));
    let old = store.begin(&of(RunKind::Train)).unwrap();
    assert_eq!(store.begin(&of(RunKind::Curve)).unwrap().id, old.id);
    let named = of(RunKind::Curve).named(&old.name);
    assert_eq!(store.begin(&named).unwrap().id, old.id);
    store.remove(&old.name).unwrap();
    let new = store.begin(&of(RunKind::Curve)).unwrap();
    assert_eq!((new.name.as_str(), new.kind), ("curve-1", RunKind::Curve));
    assert_eq!(store.find("curve-1").unwrap().kind, RunKind::Curve);
    assert_ne!(store.begin(&of(RunKind::Train)).unwrap().id, new.id);
}

/// Of a training the last loss, of a landscape the lowest with its accuracy, of curvature the largest eigenvalue at the
/// last step; what is not finite is left out.
#[test]
fn runs_have_their_figures() {
    let (_dir, store) = store();
    let mut training = spec(1).named("net");
    training.kind = RunKind::Train;
    let run = store.begin(&training).unwrap();
    let record = |step: u64, loss: f64| TrainRecord {
        step,
        loss: Some(loss),
        accuracy: Some(0.1 * step as f64),
        ..TrainRecord::default()
    };
    let records = [record(0, 2.0), record(2, 0.5), record(1, 0.25)];
    store.put_records(&run, &records).unwrap();
    store.finish(&run, Status::Complete).unwrap();
    let grid = grid();
    let (run, _) = store
        .begin_surface(&spec(2).named("plane"), &grid, &terms(), None)
        .unwrap();
    let mut measured = points(&grid, terms().len());
    measured[0].sample.loss = f64::NEG_INFINITY;
    measured[1].sample.loss = -1e300;
    measured[1].sample.accuracy = Some(0.75);
    store.append_points(&run, &measured).unwrap();
    let mut hessian = spec(3).named("hessian");
    hessian.kind = RunKind::Hessian;
    let run = store.begin(&hessian).unwrap();
    for (step, value) in [(1, 9.0), (2, 4.0)] {
        let eigenvalue = |rank: u64| Eigenvalue {
            part: ALL_PARAMETERS.to_owned(),
            side: Side::Top,
            rank,
            value: value - rank as f64,
            residual: 0.0,
            converged: true,
            method: "lanczos".to_owned(),
        };
        let curvature = Curvature {
            step: Some(step),
            eigenvalues: (0..2).map(eigenvalue).collect(),
            ..Curvature::default()
        };
        store.put_curvature(&run, &curvature).unwrap();
    }
    let figures = |name: &str| store.summary(name).unwrap().figures;
    let of = |loss, accuracy, eigenvalue| RunFigures {
        loss,
        accuracy,
        eigenvalue,
    };
    assert_eq!(figures("net"), of(Some(0.5), Some(0.2), None));
    assert_eq!(figures("plane"), of(Some(-1e300), Some(0.75), None));
    assert_eq!(figures("hessian"), of(None, None, Some(4.0)));
    // All at once as each alone, and those of a state.
    for summary in store.runs().unwrap() {
        assert_eq!(store.summary(&summary.run.name).unwrap(), summary);
    }
    let complete = store.runs_in(Status::Complete).unwrap();
    let names: Vec<&str> = complete.iter().map(|run| run.name.as_str()).collect();
    assert_eq!(names, ["net"]);
}
