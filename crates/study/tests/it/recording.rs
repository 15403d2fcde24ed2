//! Trainings that are stored go on after they were stopped, and end as if they had not been.

use landscape_core::{CurveKind, Outcome, Params};
use landscape_models::{
    Dataset, LossKind, ModelSpec, Network, NetworkTrainee, OptimizerKind, Record, Split, Step,
    TrainConfig, TrainState, load,
};
use landscape_storage::{CheckpointForm, Run, RunKind, RunSpec, Status, Store, TrainRecord};
use landscape_study::compare::{Base, Study, StudyObserver, Trained};
use landscape_study::connect::{
    CurveConfig, CurveObserver, CurveStep, EvaluationContext, resume_curve, train_curve,
    train_stored_curve,
};
use landscape_study::{StoredBefore, StoredTraining, StudyError, stored_before};
use serde_json::json;
use std::ops::ControlFlow;
use std::sync::Mutex;

const LOSS: LossKind = LossKind::BceWithLogits;

fn moons() -> Dataset {
    let spec = "moons:n=22,noise=0.2".parse().unwrap();
    load(&spec, None, Split::Train, None).unwrap()
}

fn config() -> TrainConfig {
    TrainConfig {
        epochs: 3,
        batch: 5,
        optimizer: OptimizerKind::Adam,
        lr: 0.05,
        every: 2,
        ..TrainConfig::default()
    }
}

fn network() -> Network {
    let spec = "mlp:2-6-4-1".parse().unwrap();
    Network::init(&spec, 1, &burn::tensor::Device::flex())
}

fn spec() -> RunSpec {
    RunSpec::new(RunKind::Train, json!({"lr": 0.05})).named("t")
}

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("landscape.duckdb")).unwrap();
    (dir, store)
}

fn bits(params: &Params) -> Vec<u32> {
    params.flatten().iter().map(|v| v.to_bits()).collect()
}

/// Records without their times, and the bits of their parameters.
fn path(store: &Store, run: &Run) -> Vec<(TrainRecord, Vec<u32>)> {
    let mut before = 0.0;
    let checkpoints = store.checkpoints(run).unwrap();
    let one = |found: Result<landscape_storage::StoredCheckpoint, _>| {
        let found = found.unwrap();
        let seconds = found.record.seconds.unwrap();
        assert!(seconds >= before, "{seconds} after {before}");
        before = seconds;
        let record = TrainRecord {
            seconds: None,
            ..found.record
        };
        (record, bits(&found.params))
    };
    checkpoints.map(one).collect()
}

/// Trains until a step, or to the end.
fn train_until(store: &Store, form: CheckpointForm, stop: Option<u64>) -> (Run, Outcome) {
    let run = store.begin(&spec()).unwrap();
    let (data, config) = (moons(), config());
    let training = StoredTraining {
        trainee: Box::new(NetworkTrainee::new(network(), &data, LOSS, &config).unwrap()),
        config: &config,
        form,
    };
    let mut watch = |step: Step| match Some(step.step) == stop {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    let report = training.run(store, &run, &mut watch).unwrap();
    (run, report.outcome)
}

#[test]
fn a_stored_training_goes_on_from_wherever_it_was_stopped() {
    for form in [CheckpointForm::F32, CheckpointForm::F16] {
        let (_dir, store) = store();
        assert_eq!(
            stored_before(&store, &spec()).unwrap(),
            StoredBefore::Nothing
        );
        let (run, _) = train_until(&store, form, None);
        let expected = path(&store, &run);
        assert_eq!(
            stored_before(&store, &spec()).unwrap(),
            StoredBefore::Complete
        );
        assert_eq!(expected.len(), 9);
        assert!(expected[1].0.gradient_norm.is_some());
        // At a step that is recorded and at others, at the border of an epoch, three times on the way.
        for stops in [&[1][..], &[2], &[5], &[14], &[3, 4, 11]] {
            store.remove("t").unwrap();
            for stop in stops {
                let (run, outcome) = train_until(&store, form, Some(*stop));
                assert_eq!(outcome, Outcome::Cancelled);
                assert_eq!(store.find("t").unwrap().status, Status::Interrupted);
                let last = store.last_checkpoint(&run).unwrap().unwrap();
                assert_eq!(last.record.step, *stop);
                let before = stored_before(&store, &spec()).unwrap();
                assert_eq!(before, StoredBefore::Stopped(*stop));
            }
            let (run, outcome) = train_until(&store, form, None);
            assert_eq!(outcome, Outcome::Complete);
            assert_eq!(store.find("t").unwrap().status, Status::Complete);
            assert!(
                path(&store, &run) == expected,
                "{form}, stopped at {stops:?}"
            );
            assert_eq!(store.training_state(&run).unwrap(), None);
        }
    }
}

/// What a version left that stored no states.
#[test]
fn a_training_without_a_state_is_told() {
    let (_dir, store) = store();
    let run = store.begin(&spec()).unwrap();
    let mut recorder = store.recorder(&run);
    let record = |step| TrainRecord {
        step,
        ..TrainRecord::default()
    };
    let params = network().params();
    recorder.push(record(0), Some(&params)).unwrap();
    recorder.flush().unwrap();
    assert_eq!(
        stored_before(&store, &spec()).unwrap(),
        StoredBefore::Nothing
    );
    recorder.push(record(4), Some(&params)).unwrap();
    recorder.finish(Status::Interrupted).unwrap();
    let expected = StoredBefore::WithoutState {
        name: "t".to_owned(),
        step: 4,
        checkpoints: 2,
    };
    assert_eq!(stored_before(&store, &spec()).unwrap(), expected);
}

/// Keeps the last state of each variant, and ends all when one is at a step.
#[derive(Default)]
struct Stops {
    states: Mutex<[Option<TrainState>; 3]>,
    losses: Mutex<[Vec<u64>; 3]>,
    stop: Option<(usize, u64)>,
}

impl StudyObserver for Stops {
    fn begin(&self, variant: usize) -> Result<Option<TrainState>, StudyError> {
        Ok(self.states.lock().unwrap()[variant].clone())
    }

    fn record(&self, variant: usize, record: &Record) -> ControlFlow<()> {
        self.losses.lock().unwrap()[variant].push(record.loss.to_bits());
        ControlFlow::Continue(())
    }

    fn step(&self, variant: usize, step: Step) -> ControlFlow<()> {
        match self.stop == Some((variant, step.step)) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn state(&self, variant: usize, state: TrainState) -> ControlFlow<()> {
        self.states.lock().unwrap()[variant] = Some(state);
        ControlFlow::Continue(())
    }
}

#[test]
fn a_study_that_was_ended_goes_on_with_each_training() {
    let base = Base {
        model: "mlp:2-6-4-1".parse::<ModelSpec>().unwrap().into(),
        data: moons(),
        loss: LOSS,
        config: config(),
        initial: None,
        init: None,
    };
    let study = Study::seeds(base, 0..3).unwrap();
    let calm = study.train(2, &Stops::default()).unwrap();
    let mut watch = Stops {
        stop: Some((1, 7)),
        ..Stops::default()
    };
    let first = study.train(1, &watch).unwrap();
    let steps: Vec<u64> = first.iter().map(|one| one.steps).collect();
    assert_eq!(steps, [15, 7, 0]);
    watch.stop = None;
    let left = study.only(&[1, 2]);
    watch.states.get_mut().unwrap().rotate_left(1);
    let second = left.train(2, &watch).unwrap();
    let end = |one: &Trained| {
        let losses = (one.first.clone(), one.last.clone(), one.epochs.clone());
        (one.label.clone(), one.steps, bits(&one.end), losses)
    };
    for (found, expected) in second.iter().zip(&calm[1..]) {
        assert_eq!(end(found), end(expected));
        assert_eq!(found.outcome, Outcome::Complete);
    }
    // Step 7 is not one that is recorded, so that the next is 8.
    assert_eq!(second[0].records[0].step, 8);
    assert_eq!(second[0].records, calm[1].records[4..]);
}

fn context() -> EvaluationContext {
    EvaluationContext::new("mlp:2-6-4-1".parse::<ModelSpec>().unwrap(), moons(), LOSS).unwrap()
}

fn ends() -> [Params; 2] {
    let spec = "mlp:2-6-4-1".parse().unwrap();
    [3, 4].map(|seed| Network::init(&spec, seed, &burn::tensor::Device::flex()).params())
}

fn curve(kind: CurveKind, optimizer: OptimizerKind) -> CurveConfig {
    CurveConfig {
        kind,
        inner_points: 2,
        training: TrainConfig {
            optimizer,
            weight_decay: Some(0.01),
            schedule: "cosine".parse().unwrap(),
            ..config()
        },
    }
}

/// All states of the training of a curve.
struct States(Vec<TrainState>);

impl CurveObserver for States {
    fn step(&mut self, _: CurveStep) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn wants_state(&mut self, _: u64) -> bool {
        true
    }

    fn state(&mut self, state: TrainState) -> ControlFlow<()> {
        self.0.push(state);
        ControlFlow::Continue(())
    }
}

#[test]
fn a_curve_goes_on_from_every_step() {
    let (context, [a, b]) = (context(), ends());
    for (kind, optimizer) in [
        (CurveKind::Bezier, OptimizerKind::Adam),
        (CurveKind::Chain, OptimizerKind::Momentum),
    ] {
        let config = curve(kind, optimizer);
        let mut watch = States(Vec::new());
        let calm = train_curve(&context, &a, &b, &config, &mut watch).unwrap();
        assert_eq!(watch.0.len() as u64, calm.steps - 1);
        for (place, state) in watch.0.iter().enumerate() {
            let state = TrainState::from_bytes(&state.to_bytes()).unwrap();
            let mut rest = States(Vec::new());
            let found = resume_curve(&context, &a, &b, &config, &state, &mut rest).unwrap();
            let points = |curve: &landscape_core::Curve| -> Vec<Vec<u32>> {
                curve.points().iter().map(bits).collect()
            };
            assert_eq!(points(&found.curve), points(&calm.curve), "{}", state.step);
            assert_eq!(found, calm);
            assert_eq!(rest.0, watch.0[place + 1..]);
        }
        let mut other = config.clone();
        other.inner_points = 1;
        let mut quiet = |_: CurveStep| ControlFlow::Continue(());
        let refused = resume_curve(&context, &a, &b, &other, &watch.0[3], &mut quiet);
        let words = refused.unwrap_err().to_string();
        assert!(
            words.contains("2 control points, but the curve has 1"),
            "{words}"
        );
    }
}

#[test]
fn a_stored_curve_goes_on() {
    let (context, [a, b]) = (context(), ends());
    let config = curve(CurveKind::Bezier, OptimizerKind::Adam);
    let (_dir, store) = store();
    let spec = RunSpec::new(RunKind::Curve, json!({"bends": 2})).named("c");
    let mut quiet = |_: CurveStep| ControlFlow::Continue(());
    let calm = train_curve(&context, &a, &b, &config, &mut quiet).unwrap();
    let run = store.begin(&spec).unwrap();
    let mut stop = |step: CurveStep| match step.step {
        4 | 9 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let mut train = || train_stored_curve(&context, [&a, &b], &config, (&store, &run), &mut stop);
    for steps in [4, 9] {
        let found = train().unwrap();
        assert_eq!((found.steps, found.outcome), (steps, Outcome::Cancelled));
        assert_eq!(store.find("c").unwrap().status, Status::Interrupted);
        assert_eq!(store.training_state(&run).unwrap().unwrap().step, steps);
    }
    assert_eq!(train().unwrap(), calm);
    store.finish(&run, Status::Complete).unwrap();
    assert_eq!(store.training_state(&run).unwrap(), None);
}
