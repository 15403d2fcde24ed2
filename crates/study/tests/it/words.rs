//! What results say: in words that name no options, and as JSON.

use landscape_storage::{RunFilter, Store};
use landscape_study::StudyError;
use landscape_study::compare::{Compared, ComparisonRequest, TrainingComparison};
use landscape_study::details::RunDetails;
use landscape_study::diagnose::{Diagnosed, DiagnosisRequest};
use landscape_study::list::{Removal, RunList};
use landscape_study::metrics::{LandscapeMetrics, ValueName};
use landscape_study::runs::{Landscape, LandscapeRequest, TrainRequest, Training};
use landscape_study::trajectory::{ProjectedPaths, TrajectoryRequest};
use serde::Serialize;
use serde_json::Value;
use std::fmt::Display;

/// The words of a result, none of which is an option, and its JSON.
fn told(found: &(impl Serialize + Display)) -> (String, Value) {
    let words = found.to_string();
    assert!(!words.contains("--"), "{words}");
    (words, serde_json::to_value(found).expect("JSON"))
}

fn keys(json: &Value) -> Vec<&str> {
    json.as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}

fn train(store: &Store, name: &str, seed: u64) -> Result<(String, Value), StudyError> {
    let mut request = TrainRequest::new("mlp:2-4-1".parse()?);
    request.data.data = Some("moons:n=40".parse()?);
    (request.config.epochs, request.config.batch) = (20, 40);
    request.config.seed = seed;
    request.keep.name = Some(name.to_owned());
    let training = Training::prepare(&request, &())?;
    Ok(told(&training.run(store, &())?.summary()))
}

#[test]
fn a_training_and_what_is_computed_of_it() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path().join("landscape.duckdb"))?;
    assert_eq!(
        RunList::of(&RunFilter::default(), &store)?.to_string(),
        "no runs yet\n"
    );
    let (words, json) = train(&store, "moons", 1)?;
    assert!(words.starts_with("moons: 20 steps, loss "), "{words}");
    assert!(words.contains(", 21 checkpoints of "), "{words}");
    assert_eq!(
        (&json["steps"], &json["checkpoints"]),
        (&20.into(), &21.into())
    );

    let mut plane = LandscapeRequest::default();
    plane.network.run = Some("moons".to_owned());
    plane.grid.counts = Some(vec![5]);
    plane.keep.name = Some("plane".to_owned());
    let plane = Landscape::prepare(&plane, Some(&store), &())?;
    let (words, json) = told(&plane.estimate(Some(&store))?);
    assert!(words.starts_with("25 points, "), "{words}");
    assert_eq!(
        (&json["points"], &json["parts"][0]["count"]),
        (&25.into(), &25.into())
    );
    let (words, json) = told(&plane.run(&store, &())?.summary(&plane));
    assert!(words.starts_with("plane: 5x5 points, loss "), "{words}");
    assert!(words.contains("; cosine of 1 and 2: "), "{words}");
    assert_eq!(json["shape"], serde_json::json!([5, 5]));

    let (words, json) = told(&LandscapeMetrics::of("plane", &ValueName::Loss, &store)?);
    assert!(
        words
            .lines()
            .all(|line| line.is_empty() || line.contains("  ")),
        "{words}"
    );
    assert_eq!(json["metrics"]["points"], 25);
    let (words, _) = told(&RunDetails::load(&store, "moons")?);
    assert!(
        words.contains("\n  holds     21 checkpoints of "),
        "{words}"
    );
    assert!(
        words.contains("\ndiagnosis of moons\n  Is it hard to train?  "),
        "{words}"
    );
    let request = DiagnosisRequest {
        run: "moons".to_owned(),
        curvature: false,
        threads: 1,
    };
    let (words, json) = told(&Diagnosed::of(&request, &store, &())?);
    assert!(words.contains("\n  losses: 21 recorded steps\n"), "{words}");
    let expected = ["course", "difficulty", "evidence", "outlook", "path"];
    assert_eq!(keys(&json["diagnoses"][0]), expected);
    Ok(())
}

#[test]
fn long_paths_are_shown_in_part() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path().join("landscape.duckdb"))?;
    for (name, seed) in [("a", 1), ("b", 2)] {
        train(&store, name, seed)?;
    }
    let request = TrajectoryRequest {
        runs: vec!["a".to_owned(), "b".to_owned()],
        ..TrajectoryRequest::default()
    };
    let paths = ProjectedPaths::prepare(&request, Some(&store), &())?.run(&store, &())?;
    let summary = paths.summary();
    let (words, json) = told(&summary);
    assert!(summary.paths.iter().all(|path| path.is_shown_in_part()));
    assert_eq!(
        words.matches("\n(12 of 21 checkpoints shown)\n").count(),
        2,
        "{words}"
    );
    let steps = words
        .lines()
        .filter_map(|line| line.split_whitespace().next()?.parse().ok());
    let steps: Vec<u64> = steps.collect();
    assert_eq!(steps.len(), 24, "{words}");
    assert_eq!((steps[0], steps[11], steps[12], steps[23]), (0, 20, 0, 20));
    assert_eq!(json["points"].as_array().map(Vec::len), Some(42));
    Ok(())
}

#[test]
fn what_is_compared_and_removed() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path().join("landscape.duckdb"))?;
    let mut compared = Vec::new();
    for (name, seed) in [("a", 1), ("b", 2), ("c", 3)] {
        train(&store, name, seed)?;
        compared.push(Compared::stored(store.find(name)?));
    }
    let request = ComparisonRequest {
        counts: vec![5],
        end_counts: vec![5],
        curvature: false,
        ..ComparisonRequest::new("three")
    };
    let comparison = TrainingComparison::prepare(&request, &compared, &store)?;
    let (words, json) = told(&comparison.run(&store, &())?);
    assert!(words.contains("\nfinal loss: mean "), "{words}");
    assert!(
        words.contains("\nthree: the joint plane explains "),
        "{words}"
    );
    assert_eq!(json["run"], "three");
    assert_eq!(json["explained_variance"].as_array().map(Vec::len), Some(2));
    let expected = [
        "accuracy",
        "basin_open",
        "basin_width",
        "convexity",
        "curvature",
        "diagnosis",
        "diverged_at",
        "end",
        "fate",
        "first_loss",
        "label",
        "lambda_max",
        "loss",
        "loss_se",
        "model",
        "parameters",
        "run",
        "seconds",
        "sharpness",
        "steps",
    ];
    assert_eq!(keys(&json["trainings"][2]), expected);

    let list = RunList::of(&RunFilter::default(), &store)?;
    let (words, json) = told(&list);
    assert_eq!(json["runs"].as_array().map(Vec::len), Some(list.runs.len()));
    // The planes around the ends stand below that of all paths.
    let below = words
        .lines()
        .skip_while(|line| !line.contains("  three  "))
        .skip(1);
    assert!(below.take(3).all(|line| line.contains("-end  ")), "{words}");
    let (words, json) = told(&Removal::prepare(&["c".to_owned()], &store)?);
    assert!(
        words.starts_with("c: would be removed (train, 21 checkpoints of "),
        "{words}"
    );
    assert_eq!(json["dry_run"], true);
    let (words, _) = told(&Removal::prepare(&["c".to_owned()], &store)?.run(&store)?);
    assert!(words.starts_with("c: removed (train, "), "{words}");
    assert!(store.find("c").is_err());
    Ok(())
}
