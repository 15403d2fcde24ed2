//! Runs that the version before stored settings as structs, read with them: every kind.

use landscape_storage::{Run, RunKind, Status, identity};
use landscape_study::record::{DataSource, Origin, Provenance, Settings};
use serde_json::Value;
use std::time::SystemTime;

/// Of every command that computes, as `landscape` 0.1.0 stored them.
const STORED: &str = include_str!("../data/runs-of-0.1.0.json");

fn runs() -> Vec<Run> {
    let all: Vec<Value> = serde_json::from_str(STORED).unwrap();
    let run = |(place, value): (usize, Value)| {
        let word = |name: &str| value[name].as_str().unwrap().to_owned();
        Run {
            id: place as i64,
            name: word("name"),
            kind: word("kind").parse::<RunKind>().unwrap(),
            identity: word("identity"),
            settings: value["settings"].clone(),
            provenance: value["provenance"].clone(),
            created: SystemTime::UNIX_EPOCH,
            finished: None,
            status: Status::Complete,
        }
    };
    all.into_iter().enumerate().map(run).collect()
}

fn json(settings: &Settings) -> Value {
    let value = match settings {
        Settings::Training(settings) => serde_json::to_value(settings),
        Settings::Landscape(settings) => serde_json::to_value(settings),
        Settings::Paths(settings) => serde_json::to_value(settings),
        Settings::CurvePlane(settings) => serde_json::to_value(settings),
        Settings::Curvature(settings) => serde_json::to_value(settings),
        Settings::Curve(settings) => serde_json::to_value(settings),
        Settings::Other(_) => panic!("every run is of a known kind"),
    };
    value.unwrap()
}

#[test]
fn settings_of_every_kind_keep_their_identity() {
    let mut kinds = Vec::new();
    for run in runs() {
        let settings = Settings::of(&run);
        let written = json(&settings);
        assert_eq!(written, run.settings, "{}", run.name);
        assert_eq!(identity(&written), run.identity, "{}", run.name);
        assert_eq!(settings.problem().model.as_deref(), Some("mlp:2-8-1"));
        assert_eq!(settings.problem().algorithm, 1);
        kinds.push(std::mem::discriminant(&settings));
    }
    kinds.dedup();
    assert!(kinds.len() >= 6, "{kinds:?}");
}

#[test]
fn provenance_of_every_kind_is_understood() {
    for run in runs() {
        let known = Provenance::of(&run);
        assert!(known.more.is_empty(), "{}: {:?}", run.name, known.more);
        assert_eq!(known.to_json(), run.provenance, "{}", run.name);
        assert!(
            known.command.unwrap().starts_with("landscape "),
            "{}",
            run.name
        );
        let data = known.data.unwrap();
        assert_eq!(data.spec.to_string(), "moons:n=60,noise=0.15,seed=42");
        assert!(data.paths.is_empty());
    }
}

#[test]
fn another_algorithm_is_another_identity() {
    let run = runs().remove(0);
    let Settings::Training(mut settings) = Settings::of(&run) else {
        panic!("a training comes first");
    };
    settings.problem.algorithm = 2;
    let written = serde_json::to_value(&settings).unwrap();
    assert_ne!(identity(&written), run.identity);
    assert_eq!(written["algorithm"], 2);
}

#[test]
fn what_other_programs_store_is_known_as_far_as_it_goes() {
    let mut run = runs().remove(3);
    run.settings =
        serde_json::json!({"function": "bowl", "model": "mlp:2-1", "data": 3, "grid": "none"});
    run.provenance = serde_json::json!({"command": "mine", "weights": 7, "note": "x"});
    let settings = Settings::of(&run);
    assert_eq!(settings.problem().model.as_deref(), Some("mlp:2-1"));
    assert_eq!(settings.problem().data, None);
    let known = Provenance::of(&run);
    assert_eq!(known.command.as_deref(), Some("mine"));
    assert_eq!(known.weights, None);
    assert_eq!(known.more["weights"], 7);
    assert_eq!(known.more["note"], "x");
}

#[test]
fn paths_are_stored_from_the_root_beside_what_was_typed() {
    let here = std::env::current_dir().unwrap();
    let Origin::File { file, path } = Origin::file("weights/a.safetensors".as_ref()) else {
        panic!("a file");
    };
    assert_eq!(file, "weights/a.safetensors");
    assert_eq!(path, Some(here.join("weights/a.safetensors")));
    // Data are found again from another folder.
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().join("d.npz");
    std::fs::write(&there, "").unwrap();
    let mut source = DataSource::new("d.npz".parse().unwrap(), None, Default::default(), None);
    assert_eq!(source.paths, [here.join("d.npz")]);
    source.paths = vec![there.clone()];
    assert_eq!(source.found().spec.files(), [there.as_path()]);
}
