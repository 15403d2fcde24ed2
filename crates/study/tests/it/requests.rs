//! Requests as JSON: a server, a queue and other languages send them.

use landscape_models::{ModelSpec, OptimizerKind, Regularizer};
use landscape_study::compare::{ComparisonRequest, SweepRequest, Variation};
use landscape_study::connect::{ConnectRequest, CurveRequest, Endpoint};
use landscape_study::demo::DemoRequest;
use landscape_study::describe::DescribeRequest;
use landscape_study::hessian::{CurvatureRequest, Measure};
use landscape_study::runs::{LandscapeRequest, TrainRequest};
use landscape_study::trajectory::TrajectoryRequest;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::fmt::Debug;

#[track_caller]
fn round<T: Serialize + DeserializeOwned + PartialEq + Debug>(request: &T) {
    let text = serde_json::to_string(request).unwrap();
    let read: T = serde_json::from_str(&text).unwrap();
    assert_eq!(&read, request, "{text}");
}

fn model() -> ModelSpec {
    "mlp:2-8-4-1".parse().unwrap()
}

#[test]
fn every_request_is_read_as_it_was_written() {
    let mut landscape = LandscapeRequest::default();
    landscape.network.model = Some("net.pt2".parse().unwrap());
    landscape.data.data = Some("moons:n=50".parse().unwrap());
    landscape.plane.direction = "hessian:top,bottom".parse().unwrap();
    landscape.plane.to = vec!["b.pt".into()];
    landscape.terms = vec![Regularizer::L2(0.5)];
    round(&landscape);

    let mut training = TrainRequest::new(model().into());
    training.config.optimizer = OptimizerKind::Adam;
    training.weights = Some("a.pt".into());
    round(&training);

    round(&CurvatureRequest {
        sharpness: Measure::ALL.to_vec(),
        ..CurvatureRequest::default()
    });
    round(&TrajectoryRequest {
        runs: vec!["a".to_owned()],
        window: Some(0..=10),
        ..TrajectoryRequest::default()
    });
    let ends = [Endpoint::Run("a".to_owned()), Endpoint::File("b.pt".into())];
    let mut connection = ConnectRequest::new(ends);
    connection.curve = Some(CurveRequest::default());
    round(&connection);
    let rates = vec![(OptimizerKind::Sgd, Some(0.1)), (OptimizerKind::Adam, None)];
    round(&SweepRequest::new(
        model().into(),
        Variation::Optimizers(rates),
    ));
    round(&DescribeRequest::new(model().into()));
    round(&DemoRequest::default());
}

/// What is not said is as it is by default.
#[test]
fn a_few_words_are_a_request() {
    let given = json!({
        "network": {"model": "resnet20", "weights": "a.pt"},
        "data": {"data": "cifar10", "loss": "cross-entropy"},
        "statistics": "reestimate",
        "terms": [{"l2": 0.1}],
    });
    let request: LandscapeRequest = serde_json::from_value(given).unwrap();
    let default = LandscapeRequest::default();
    assert_eq!(request.grid, default.grid);
    assert_eq!(request.network.model.unwrap().to_string(), "resnet20");
    assert_eq!(request.terms, [Regularizer::L2(0.1)]);
    let wrong = json!({"network": {"model": "lenet"}});
    let error = serde_json::from_value::<LandscapeRequest>(wrong).unwrap_err();
    assert!(
        error.to_string().contains("unknown network `lenet`"),
        "{error}"
    );
}

#[test]
fn a_comparison_is_a_request_too() {
    let given = json!({"name": "seeds", "factor": "seed", "counts": [9], "end_counts": [5], "curvature": false,
        "evaluation": {}, "keep": {}});
    let request: ComparisonRequest = serde_json::from_value(given).unwrap();
    round(&request);
}
