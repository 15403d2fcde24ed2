//! Training records, checkpoints and trajectories.

use crate::support::{params, store};
use landscape_core::{Parameter, Params, Projection, Role, Trajectory, TrajectoryPoint};
use landscape_storage::{
    Error, Run, RunKind, RunSpec, Status, Store, StoredCheckpoint, TrainRecord,
};
use serde_json::json;

fn training(store: &Store) -> Run {
    let settings = json!({"optimizer": "sgd", "lr": 0.1});
    store
        .begin(&RunSpec::new(RunKind::Train, settings))
        .unwrap()
}

fn record(step: u64) -> TrainRecord {
    TrainRecord {
        step,
        epoch: step as f64 / 10.0,
        loss: Some(1.0 / (step as f64 + 1.0)),
        accuracy: (step > 0).then_some(0.5),
        batch_loss: None,
        lr: Some(0.1),
        gradient_norm: Some(step as f64 / 3.0),
        seconds: Some(step as f64 / 7.0),
    }
}

fn checkpoint(step: u64) -> StoredCheckpoint {
    StoredCheckpoint {
        record: record(step),
        params: params(step as f32),
    }
}

#[test]
fn checkpoints_come_back_in_order() {
    let (_dir, store) = store();
    let run = training(&store);
    let all: Vec<_> = [30, 0, 10, 20].into_iter().map(checkpoint).collect();
    store.put_checkpoints(&run, &all[..2]).unwrap();
    store.put_checkpoints(&run, &all[2..]).unwrap();
    assert_eq!(store.checkpoint_steps(&run).unwrap(), [0, 10, 20, 30]);
    let read: Vec<_> = store
        .checkpoints(&run)
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(read, [0, 10, 20, 30].map(checkpoint));
    assert_eq!(store.checkpoint(&run, 10).unwrap(), Some(checkpoint(10)));
    assert_eq!(store.checkpoint(&run, 11).unwrap(), None);
    assert_eq!(store.last_checkpoint(&run).unwrap(), Some(checkpoint(30)));
    assert_eq!(store.records(&run).unwrap(), [0, 10, 20, 30].map(record));
    assert_eq!(read[1].clone().into_checkpoint().params, params(10.0));
    let rows = store
        .sql("SELECT step, tensors, bytes FROM checkpoints ORDER BY step")
        .unwrap();
    assert_eq!(rows.rows[0], json!([0, 4, 84]).as_array().unwrap()[..]);
}

#[test]
fn a_step_recorded_again_takes_the_place_of_the_old_one() {
    let (_dir, store) = store();
    let run = training(&store);
    store
        .put_checkpoints(&run, &[checkpoint(0), checkpoint(5)])
        .unwrap();
    let mut other = checkpoint(5);
    other.params = params(99.0);
    other.record.loss = None;
    store
        .put_checkpoints(&run, &[checkpoint(5), other.clone()])
        .unwrap();
    assert_eq!(store.checkpoint(&run, 5).unwrap(), Some(other));
    let newer = TrainRecord {
        lr: Some(0.01),
        ..record(5)
    };
    store.put_records(&run, &[newer]).unwrap();
    let stored = store.checkpoint(&run, 5).unwrap().unwrap();
    assert_eq!((stored.record, stored.params), (newer, params(99.0)));
    assert_eq!(store.records(&run).unwrap().len(), 2);
}

#[test]
fn records_need_no_parameters() {
    let (_dir, store) = store();
    let run = training(&store);
    assert_eq!(store.records(&run).unwrap(), []);
    assert_eq!(store.last_checkpoint(&run).unwrap(), None);
    assert_eq!(store.checkpoints(&run).unwrap().count(), 0);
    let bare = TrainRecord {
        step: u64::MAX,
        epoch: f64::NAN,
        ..TrainRecord::default()
    };
    store.put_records(&run, &[record(1), bare]).unwrap();
    let read = store.records(&run).unwrap();
    assert_eq!(read[0], record(1));
    assert_eq!(read[1].step, u64::MAX);
    assert!(read[1].epoch.is_nan());
    assert!(store.checkpoint_steps(&run).unwrap().is_empty());
}

#[test]
fn a_recorder_stores_all_it_is_given() {
    let (_dir, store) = store();
    let run = training(&store);
    let mut recorder = store.recorder(&run);
    for step in 0..500 {
        let params = (step % 10 == 0).then(|| params(step as f32));
        recorder.push(record(step), params.as_ref()).unwrap();
    }
    recorder.finish(Status::Complete).unwrap();
    assert_eq!(
        store.records(&run).unwrap(),
        (0..500).map(record).collect::<Vec<_>>()
    );
    assert_eq!(store.checkpoints(&run).unwrap().count(), 50);
    let summary = store.summary(&run.name).unwrap();
    assert_eq!((summary.records, summary.checkpoints), (500, 50));
    let mut recorder = store.recorder(&run);
    recorder.push(record(1000), None).unwrap();
    drop(recorder);
    assert_eq!(store.records(&run).unwrap().len(), 501);
}

#[test]
fn large_checkpoints_are_read_a_few_at_a_time() {
    let (_dir, store) = store();
    let run = training(&store);
    let large = |step: u64| {
        let tensor = Parameter::new("w", [1024, 1024], vec![step as f32; 1 << 20], Role::Weight);
        StoredCheckpoint {
            record: record(step),
            params: Params::new(vec![tensor.unwrap()]).unwrap(),
        }
    };
    let mut recorder = store.recorder(&run);
    for step in 0..20 {
        let checkpoint = large(step);
        recorder
            .push(checkpoint.record, Some(&checkpoint.params))
            .unwrap();
    }
    recorder.finish(Status::Complete).unwrap();
    let mut read = store.checkpoints(&run).unwrap();
    assert_eq!(read.size_hint(), (20, Some(20)));
    for step in 0..20 {
        assert_eq!(read.next().unwrap().unwrap(), large(step));
        // The file is free in between.
        store.put_records(&run, &[record(100 + step)]).unwrap();
    }
    assert!(read.next().is_none());
}

/// Checkpoints stored before are left where they are when new ones come.
#[test]
fn new_checkpoints_do_not_copy_the_old_ones() {
    let (_dir, store) = store();
    let run = training(&store);
    let values = 1 << 12;
    for step in 0..24 {
        let data = (0..values)
            .map(|i| (i as f32 + step as f32).sin())
            .collect();
        let tensor = Parameter::new("w", [values], data, Role::Weight).unwrap();
        let params = Params::new(vec![tensor]).unwrap();
        let record = record(step);
        store
            .put_checkpoints(&run, &[StoredCheckpoint { record, params }])
            .unwrap();
        Store::close(store.path());
    }
    let groups = "SELECT count(DISTINCT row_group_id) FROM pragma_storage_info('tensors')";
    assert_eq!(
        store.sql(groups).unwrap().rows,
        [[24]],
        "each stays where it was written"
    );
}

#[test]
fn a_removed_run_takes_its_checkpoints_along() {
    let (_dir, store) = store();
    let run = training(&store);
    store.put_checkpoints(&run, &[checkpoint(0)]).unwrap();
    store.remove(&run.name).unwrap();
    assert_eq!(store.checkpoint(&run, 0).unwrap(), None);
    let error = store.put_records(&run, &[record(1)]).unwrap_err();
    assert!(matches!(error, Error::Gone { .. }));
}

fn path(seed: f64) -> Trajectory {
    let point = |step: u64| TrajectoryPoint {
        step,
        coords: [seed * step as f64, 1.0 / 3.0, 0.0],
        residual: 0.1,
        loss: Some(f64::INFINITY),
        plane_loss: (step > 1).then_some(2.5),
    };
    Trajectory {
        points: (0..4).map(point).collect(),
        explained_variance: vec![2.0 / 3.0, 0.1, 1e-17],
        projection: Projection::Cos,
    }
}

#[test]
fn trajectories_come_back_by_label() {
    let (_dir, store) = store();
    let run = training(&store);
    assert!(matches!(
        store.load_trajectory(&run),
        Err(Error::Lacks { .. })
    ));
    store.put_trajectory(&run, "sgd", &path(1.0)).unwrap();
    store.put_trajectory(&run, "adam", &path(2.0)).unwrap();
    store.put_trajectory(&run, "sgd", &path(3.0)).unwrap();
    let all = store.load_trajectories(&run).unwrap();
    assert_eq!(all[0].label, "adam");
    assert_eq!(all[0].trajectory, path(2.0));
    assert_eq!(all[1].trajectory, path(3.0));
    assert_eq!(store.load_trajectory(&run).unwrap(), path(2.0));
    let mut bare = path(1.0);
    bare.explained_variance.clear();
    bare.points.clear();
    store.put_trajectory(&run, "a", &bare).unwrap();
    assert_eq!(store.load_trajectory(&run).unwrap(), bare);
}
