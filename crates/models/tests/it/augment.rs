//! Initial values and changed images, as the training code of tomgoldstein/loss-landscape has them.

use crate::support::says;
use burn::tensor::Device;
use landscape_core::Role;
use landscape_models::{
    Augment, Dataset, Init, LossKind, ModelSpec, Network, Record, Step, Targets, TrainConfig,
    TrainObserver, TrainState, resume, train,
};
use std::ops::ControlFlow;

fn spec(text: &str) -> ModelSpec {
    text.parse().unwrap()
}

#[test]
fn initial_values_of_li() {
    let device = Device::flex();
    let params = Network::init_with(&spec("vgg9"), Init::Li, 5, &device).params();
    let mut seen = [0; 2];
    for tensor in params.iter() {
        let n = tensor.numel() as f64;
        let square = tensor
            .data
            .iter()
            .map(|&v| f64::from(v).powi(2))
            .sum::<f64>()
            / n;
        let mean = tensor.data.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        match (tensor.role, tensor.shape.len()) {
            (Role::Weight, 4) => {
                // Normal with variance 2 / fan_in: the mean of so many squares is near it.
                let variance = 2.0 / tensor.filter_len() as f64;
                assert!(
                    (square / variance - 1.0).abs() < 6.0 * (2.0 / n).sqrt(),
                    "{}",
                    tensor.name
                );
                assert!(mean.abs() < 6.0 * (variance / n).sqrt());
                seen[0] += 1;
            }
            (Role::Weight, 2) => {
                assert!(
                    (square / 1e-6 - 1.0).abs() < 6.0 * (2.0 / n).sqrt(),
                    "{}",
                    tensor.name
                );
                seen[1] += 1;
            }
            (Role::NormScale, _) => assert!(tensor.data.iter().all(|&v| v == 1.0)),
            (Role::Buffer, _) if tensor.name.ends_with("var") => {
                assert!(tensor.data.iter().all(|&v| v == 1.0));
            }
            _ => assert!(tensor.data.iter().all(|&v| v == 0.0), "{}", tensor.name),
        }
    }
    assert_eq!(seen, [7, 2]);
    let again = Network::init_with(&spec("vgg9"), Init::Li, 5, &device).params();
    assert_eq!(again, params);
    let usual = Network::init_with(&spec("mlp:2-3-1"), Init::PyTorch, 5, &device);
    assert_eq!(
        usual.params(),
        Network::init(&spec("mlp:2-3-1"), 5, &device).params()
    );
}

#[test]
fn changes_of_images_have_names() {
    for (given, written) in [
        ("none", "none"),
        ("crop", "crop"),
        ("flip", "flip"),
        ("crop,flip", "crop,flip"),
        ("flip, crop", "crop,flip"),
    ] {
        assert_eq!(given.parse::<Augment>().unwrap().to_string(), written);
    }
    says(
        "turn".parse::<Augment>().unwrap_err(),
        &["`turn`", "none, crop, flip"],
    );
}

/// A few images of two channels.
fn images() -> Dataset {
    let count = 6 * 2 * 8 * 8;
    let x = (0..count)
        .map(|i| ((i * 37) % 101) as f32 / 50.0 - 1.0)
        .collect();
    let y = Targets::Classes(vec![0, 1, 2, 0, 1, 2]);
    Dataset::new("images", vec![6, 2, 8, 8], x, y).unwrap()
}

struct States(Vec<TrainState>, Vec<f64>);

impl TrainObserver for States {
    fn record(&mut self, record: Record) -> ControlFlow<()> {
        self.1.push(record.loss);
        ControlFlow::Continue(())
    }
    fn wants_state(&mut self, _: Step) -> bool {
        true
    }
    fn state(&mut self, state: TrainState) -> ControlFlow<()> {
        self.0.push(state);
        ControlFlow::Continue(())
    }
}

#[test]
fn changed_images_train_another_network_and_go_on_bit_for_bit() {
    let data = images();
    let network = || Network::init(&spec("vgg9:classes=3,image=2x8x8"), 1, &Device::flex());
    let config = |augment: &str| TrainConfig {
        epochs: 2,
        batch: 3,
        every: 1,
        augment: augment.parse().unwrap(),
        ..TrainConfig::default()
    };
    let run = |augment: &str| {
        let mut states = States(Vec::new(), Vec::new());
        let report = train(
            network(),
            &data,
            LossKind::CrossEntropy,
            &config(augment),
            &mut states,
        );
        (report.unwrap(), states)
    };
    let all: Vec<Vec<f64>> = ["none", "crop", "flip", "crop,flip"]
        .map(|augment| run(augment).1.1)
        .to_vec();
    for (place, losses) in all.iter().enumerate() {
        assert!(all[..place].iter().all(|other| other != losses));
        // The initial network is measured on the images as they are.
        assert_eq!(losses[0], all[0][0]);
    }
    let (report, states) = run("crop,flip");
    assert_eq!(states.1, all[3]);
    for state in &states.0 {
        let mut quiet = |_: Record| ControlFlow::Continue(());
        let loss = LossKind::CrossEntropy;
        let again = resume(
            &network(),
            &data,
            loss,
            &config("crop,flip"),
            state,
            &mut quiet,
        );
        assert_eq!(again.unwrap().network.params(), report.network.params());
    }
    let moons = landscape_models::load(
        &"moons:n=8".parse().unwrap(),
        None,
        landscape_models::Split::Train,
        None,
    );
    let mlp = Network::init(&spec("mlp:2-3-1"), 1, &Device::flex());
    let mut quiet = |_: Record| ControlFlow::Continue(());
    let error = train(
        mlp,
        &moons.unwrap(),
        LossKind::BceWithLogits,
        &config("flip"),
        &mut quiet,
    );
    says(
        error.unwrap_err(),
        &["augment is flip", "a network of images"],
    );
}
