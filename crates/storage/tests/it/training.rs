//! Paths of training for the tests of recording: Adam on gradients that are noise, so that nothing in
//! them can be compressed but what small steps are.

use landscape_core::{Parameter, Params, Rng, Role};
use landscape_storage::{Run, RunKind, RunSpec, Store, TrainRecord};
use serde_json::json;

pub fn run(store: &Store) -> Run {
    let settings = json!({"optimizer": "adam", "lr": 1e-3});
    let spec = RunSpec::new(RunKind::Train, settings).named("path");
    store.begin(&spec).unwrap()
}

pub fn record(step: u64) -> TrainRecord {
    TrainRecord {
        step,
        epoch: step as f64 / 10.0,
        lr: Some(1e-3),
        ..TrainRecord::default()
    }
}

/// A network of two layers, weights and biases, and Adam's state.
pub struct Adam {
    pub weights: Vec<f32>,
    moments: Vec<[f32; 2]>,
    rng: Rng,
    pub step: u64,
    hidden: usize,
}

impl Adam {
    /// `784-hidden-10`: 20 hidden units are 15,910 parameters.
    pub fn new(hidden: usize) -> Self {
        let mut rng = Rng::new(7, 0);
        let count = (784 + 1) * hidden + (hidden + 1) * 10;
        // As PyTorch begins: uniform within one over the root of the inputs.
        let weights = (0..count).map(|_| rng.uniform(-1.0, 1.0) as f32 / 28.0);
        Adam {
            weights: weights.collect(),
            moments: vec![[0.0; 2]; count],
            rng,
            step: 0,
            hidden,
        }
    }

    /// One step; gradients are noise of a size of its own for each weight, around a pull to zero.
    pub fn advance(&mut self) {
        self.step += 1;
        let (b1, b2) = (0.9f32, 0.999f32);
        let (c1, c2) = (
            1.0 - b1.powi(self.step as i32),
            1.0 - b2.powi(self.step as i32),
        );
        for (place, (w, [m, v])) in self.weights.iter_mut().zip(&mut self.moments).enumerate() {
            // The sum of four uniform numbers is close enough to a normal one, and quick.
            let bits = self.rng.next_u64();
            let noise: f32 = (0..4)
                .map(|i| f32::from((bits >> (16 * i)) as i16) / 32768.0)
                .sum();
            let gradient = (1.0 + (place % 17) as f32) * 1e-3 * noise + 1e-3 * *w;
            *m = b1 * *m + (1.0 - b1) * gradient;
            *v = b2 * *v + (1.0 - b2) * gradient * gradient;
            *w -= 1e-3 * (*m / c1) / ((*v / c2).sqrt() + 1e-8);
        }
    }

    pub fn params(&self) -> Params {
        let shapes: [(&str, Vec<usize>, Role); 4] = [
            ("fc1.weight", vec![self.hidden, 784], Role::Weight),
            ("fc1.bias", vec![self.hidden], Role::Bias),
            ("fc2.weight", vec![10, self.hidden], Role::Weight),
            ("fc2.bias", vec![10], Role::Bias),
        ];
        let mut rest = &self.weights[..];
        let tensors = shapes.map(|(name, shape, role)| {
            let (data, tail) = rest.split_at(shape.iter().product());
            rest = tail;
            Parameter::new(name, shape, data.to_vec(), role).unwrap()
        });
        Params::new(tensors.into()).unwrap()
    }
}

/// All values of parameters.
pub fn values(params: &Params) -> Vec<f32> {
    params.iter().flat_map(|t| t.data.iter().copied()).collect()
}
