//! Training that goes on from a state ends as if it had never been stopped, bit for bit.

use crate::support::says;
use burn::tensor::Device;
use landscape_core::{Outcome, Params};
use landscape_models::{
    DataSpec, Dataset, LossKind, ModelSpec, ModelsError, Network, OptimizerKind, Record, Split,
    Step, Targets, TrainConfig, TrainObserver, TrainReport, TrainState, load, resume, train,
};
use std::ops::ControlFlow;

/// Keeps all records and states, and ends training after a step.
#[derive(Default)]
struct Watch {
    records: Vec<Record>,
    states: Vec<TrainState>,
    stop: Option<u64>,
}

impl Watch {
    fn until(stop: u64) -> Self {
        Watch {
            stop: Some(stop),
            ..Watch::default()
        }
    }
}

impl TrainObserver for Watch {
    fn record(&mut self, record: Record) -> ControlFlow<()> {
        self.records.push(record);
        ControlFlow::Continue(())
    }

    fn step(&mut self, step: Step) -> ControlFlow<()> {
        match self.stop == Some(step.step) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn wants_state(&mut self, _: Step) -> bool {
        true
    }

    fn state(&mut self, state: TrainState) -> ControlFlow<()> {
        self.states.push(state);
        ControlFlow::Continue(())
    }
}

/// What is trained.
struct Job {
    network: Network,
    data: Dataset,
    loss: LossKind,
}

impl Job {
    fn moons() -> Self {
        let data: DataSpec = "moons:n=23".parse().unwrap();
        Job {
            network: network("mlp:2-8-4-1"),
            data: load(&data, None, Split::Train, None).unwrap(),
            loss: LossKind::BceWithLogits,
        }
    }

    /// 11 images in two classes of ten.
    fn images(spec: &str) -> Self {
        let (n, size) = (11, 3 * 32 * 32);
        let value = |k: usize| ((k as u64).wrapping_mul(2_654_435_761) % 1009) as f32 / 504.5 - 1.0;
        let x = (0..n * size).map(value).collect();
        let y = Targets::Classes((0..n as i64).map(|k| k % 2).collect());
        Job {
            network: network(spec),
            data: Dataset::new("images", vec![n, 3, 32, 32], x, y).unwrap(),
            loss: LossKind::CrossEntropy,
        }
    }

    fn train(&self, config: &TrainConfig, watch: &mut Watch) -> TrainReport {
        train(self.network.clone(), &self.data, self.loss, config, watch).unwrap()
    }

    /// Goes on in a network that knows nothing of the first part, from bytes.
    fn resume(&self, config: &TrainConfig, state: &TrainState, watch: &mut Watch) -> TrainReport {
        let state = TrainState::from_bytes(&state.to_bytes()).unwrap();
        let other = Network::init(&self.network.spec(), 99, &Device::flex());
        resume(&other, &self.data, self.loss, config, &state, watch).unwrap()
    }

    /// Stops at every step, and goes on.
    fn stopped_everywhere(&self, config: &TrainConfig) {
        let mut whole = Watch::default();
        let calm = self.train(config, &mut whole);
        assert_eq!(whole.states.len() as u64, calm.steps);
        for state in &whole.states {
            let at = state.step;
            let mut first = Watch::until(at);
            self.train(config, &mut first);
            let last = first.states.last().unwrap();
            if at > 0 {
                assert_eq!(last, state, "stopping at step {at} changes its state");
            }
            let mut second = Watch::default();
            let end = self.resume(config, state, &mut second);
            first
                .records
                .retain(|record| record.step < state.next_record);
            let joined = first.records.iter().chain(&second.records);
            if at > 0 {
                same_records(joined, &whole.records, at);
            }
            same_end(&end, &calm);
            assert_eq!(second.states, whole.states[at as usize + 1..]);
        }
    }
}

fn network(spec: &str) -> Network {
    let spec: ModelSpec = spec.parse().unwrap();
    Network::init(&spec, 1, &Device::flex())
}

fn bits(params: &Params) -> Vec<u32> {
    let values = params.iter().flat_map(|tensor| tensor.data.iter());
    values.map(|value| value.to_bits()).collect()
}

fn same_records<'a>(found: impl Iterator<Item = &'a Record>, expected: &[Record], at: u64) {
    let found: Vec<&Record> = found.collect();
    let steps: Vec<u64> = found.iter().map(|record| record.step).collect();
    let wanted: Vec<u64> = expected.iter().map(|record| record.step).collect();
    assert_eq!(steps, wanted, "stopped at {at}");
    for (found, expected) in found.iter().zip(expected) {
        let step = found.step;
        assert_eq!(bits(&found.params), bits(&expected.params), "{at}: {step}");
        let numbers = |r: &Record| {
            let Record {
                epoch,
                loss,
                lr,
                accuracy,
                batch_loss,
                gradient_norm,
                ..
            } = *r;
            (
                epoch,
                loss.to_bits(),
                lr,
                accuracy,
                batch_loss.map(f64::to_bits),
                gradient_norm.map(f64::to_bits),
            )
        };
        assert_eq!(numbers(found), numbers(expected), "{at}: {step}");
    }
}

fn same_end(found: &TrainReport, expected: &TrainReport) {
    assert_eq!(found.outcome, Outcome::Complete);
    assert_eq!(found.steps, expected.steps);
    assert_eq!(found.epochs, expected.epochs);
    assert_eq!(
        (&found.first, &found.last),
        (&expected.first, &expected.last)
    );
    let params = |report: &TrainReport| bits(&report.network.params());
    assert_eq!(params(found), params(expected));
}

#[test]
fn every_optimizer_goes_on_from_every_step() {
    for optimizer in OptimizerKind::ALL {
        for (shuffle, weight_decay, schedule) in
            [(true, Some(0.01), "one-cycle"), (false, None, "step:1,0.5")]
        {
            // 23 samples in batches of 5: the last one is smaller.
            Job::moons().stopped_everywhere(&TrainConfig {
                epochs: 3,
                batch: 5,
                optimizer: *optimizer,
                lr: 0.05,
                weight_decay,
                shuffle,
                schedule: schedule.parse().unwrap(),
                every: 2,
                ..TrainConfig::default()
            });
        }
    }
}

#[test]
fn every_schedule_and_kind_of_record_goes_on() {
    for schedule in ["constant", "cosine", "warmup-cosine:0.3"] {
        for (every, per_decade) in [(0, 0), (0, 2), (4, 3)] {
            Job::moons().stopped_everywhere(&TrainConfig {
                epochs: 3,
                batch: 7,
                optimizer: OptimizerKind::Nesterov,
                lr: 0.1,
                schedule: schedule.parse().unwrap(),
                every,
                per_decade,
                ..TrainConfig::default()
            });
        }
    }
}

/// Layers that are large enough for the quick kernels of matrix products.
#[test]
fn a_wide_network_goes_on() {
    let digits: DataSpec = "mnist-1k".parse().unwrap();
    let job = Job {
        network: network("mlp:784-64-10"),
        data: load(&digits, None, Split::Train, Some(200)).unwrap(),
        loss: LossKind::CrossEntropy,
    };
    job.stopped_everywhere(&TrainConfig {
        epochs: 2,
        batch: 64,
        optimizer: OptimizerKind::Adam,
        lr: 0.01,
        ..TrainConfig::default()
    });
}

/// Running statistics are part of the state.
#[test]
fn a_network_with_batch_norm_goes_on() {
    Job::images("resnet20").stopped_everywhere(&TrainConfig {
        epochs: 2,
        batch: 4,
        optimizer: OptimizerKind::Momentum,
        lr: 0.05,
        every: 2,
        ..TrainConfig::default()
    });
}

#[test]
fn a_state_of_another_training_is_refused() {
    let job = Job::moons();
    let config = TrainConfig {
        epochs: 2,
        batch: 8,
        optimizer: OptimizerKind::Adam,
        ..TrainConfig::default()
    };
    let mut watch = Watch::default();
    job.train(&config, &mut watch);
    let state = watch.states[4].clone();
    let refused = |job: &Job, config: &TrainConfig, state: &TrainState| -> ModelsError {
        let mut never = |_: Record| -> ControlFlow<()> { panic!("nothing may be recorded") };
        resume(&job.network, &job.data, job.loss, config, state, &mut never).unwrap_err()
    };
    let short = TrainConfig {
        epochs: 1,
        ..config.clone()
    };
    says(
        refused(&job, &short, &state),
        &["at step 4 of 3", "train from the start"],
    );
    let batch = TrainConfig {
        batch: 5,
        ..config.clone()
    };
    says(refused(&job, &batch, &state), &["not those of its step"]);
    let sgd = TrainConfig {
        optimizer: OptimizerKind::Momentum,
        ..config.clone()
    };
    says(refused(&job, &sgd, &state), &["another optimiser"]);
    let wide = Job {
        network: network("mlp:2-9-4-1"),
        ..Job::moons()
    };
    says(refused(&wide, &config, &state), &["mlp:2-9-4-1", "shape"]);
    let mut damaged = state.clone();
    let moments = damaged.networks[0].optimizer.0[0].tensors.values_mut();
    moments.for_each(|values| values.truncate(3));
    says(
        refused(&job, &config, &damaged),
        &["has 3 values, its parameter 16"],
    );
    let mut damaged = state.clone();
    let counts = damaged.networks[0].optimizer.0[0].counts.values_mut();
    counts.for_each(|count| *count = u64::MAX);
    says(refused(&job, &config, &damaged), &["after 4 steps"]);
    let mut newer = state.to_bytes();
    newer[7] = 2;
    says(
        TrainState::from_bytes(&newer).unwrap_err(),
        &["version 2, but this program reads version 1"],
    );
}
