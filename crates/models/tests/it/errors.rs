//! Standard errors of losses: how often the mean loss of samples is within 1.96 of them of the mean over what they are drawn from, which is
//! the band that figures of lines draw.

use crate::formula::unit;
use crate::support::close;
use burn::tensor::Device;
use landscape_core::{Params, Rng, Sample};
use landscape_models::{Dataset, LossKind, ModelSpec, Network, Targets, evaluate, trace_network};
use landscape_trace::Target;

const SEEDS: u64 = 400;

/// The share of data sets whose band has the truth in it.
fn rate(truth: f64, of: impl Fn(u64) -> Sample) -> f64 {
    let holds = |&seed: &u64| {
        let found = of(seed);
        (found.loss - truth).abs() <= 1.96 * found.loss_se.unwrap()
    };
    (0..SEEDS).filter(holds).count() as f64 / SEEDS as f64
}

fn network(model: &str, of: impl Fn(f64) -> f64) -> (Network, Params) {
    let spec: ModelSpec = model.parse().unwrap();
    let mut tensors = Network::layout(&spec).into_inner();
    for tensor in &mut tensors {
        let values = unit(&tensor.name, tensor.data.len()).into_iter();
        tensor.data = values.map(|u| of(u) as f32).collect();
    }
    let params = Params::new(tensors).unwrap();
    let network = Network::from_params(&spec, &params, &Device::flex()).unwrap();
    (network, params)
}

/// Squares of normal numbers about a target: with the target far away nearly normal, so that bands cover within 3.3 standard deviations of
/// a count about 95% of 400; at 0 they have chi-square's skewness of 2.8, with which those of 100 samples cover 92 to 93% (Edgeworth's expansion).
#[test]
fn bands_of_losses_cover_at_their_rate() {
    // The output is x.
    let (network, params) = network("mlp:1-1", |_| 1.0);
    let data = |seed: u64, target: f32| {
        let mut rng = Rng::new(seed, 8);
        // The bias is 1.
        let x = (0..100).map(|_| rng.normal() as f32 - 1.0).collect();
        let y = Targets::Values {
            data: vec![target; 100],
            width: 1,
        };
        Dataset::new("drawn", vec![100, 1], x, y).unwrap()
    };
    for (target, low) in [(6.0, 0.914), (0.0, 0.88)] {
        let found = rate(1.0 + f64::from(target).powi(2), |seed| {
            evaluate(&network, &data(seed, target), LossKind::Mse).unwrap()
        });
        println!("about {target}: {found}");
        assert!((low..=0.986).contains(&found), "{target}: {found}");
    }
    // The error of a trace is the same.
    let evaluated = evaluate(&network, &data(0, 6.0), LossKind::Mse).unwrap();
    let trace = trace_network(&network, &data(0, 6.0), LossKind::Mse, &[]).unwrap();
    let traced = trace.sample_at(&params, &[Target::default()]).unwrap();
    close(
        traced.loss_se.unwrap(),
        evaluated.loss_se.unwrap(),
        1e-4,
        0.0,
    );
}

/// Of sequences in which one to five tokens count, the loss is a ratio of two means: over all of a finite set its truth is known, and
/// draws of 60 from it, with replacement, have it in their bands.
#[test]
fn bands_of_losses_of_tokens_cover_at_their_rate() {
    const TOKENS: usize = 5;
    const SEQUENCES: usize = 300;
    let model = "gpt:vocab=7,context=5,dim=4,depth=1,heads=2";
    let (network, _) = network(model, |u| 1.5 * u);
    let mut rng = Rng::new(1, 9);
    let mut sequence = || {
        let ids: Vec<f32> = (0..=TOKENS).map(|_| rng.below(7) as f32).collect();
        // How many count goes with what they are.
        let counts = if ids[0] < 3.0 { 1 } else { TOKENS };
        let target = |place: usize| {
            if place < counts {
                ids[place + 1]
            } else {
                -100.0
            }
        };
        let targets: Vec<f32> = (0..TOKENS).map(target).collect();
        (ids[..TOKENS].to_vec(), targets)
    };
    let all: Vec<(Vec<f32>, Vec<f32>)> = (0..SEQUENCES).map(|_| sequence()).collect();
    let of = |drawn: &[usize]| {
        let x = drawn.iter().flat_map(|&i| all[i].0.clone()).collect();
        let y = Targets::Values {
            data: drawn.iter().flat_map(|&i| all[i].1.clone()).collect(),
            width: TOKENS,
        };
        let data = Dataset::new("texts", vec![drawn.len(), TOKENS], x, y).unwrap();
        evaluate(&network, &data, LossKind::CrossEntropy).unwrap()
    };
    let truth = of(&(0..SEQUENCES).collect::<Vec<_>>()).loss;
    let found = rate(truth, |seed| {
        let mut rng = Rng::new(seed, 10);
        let drawn: Vec<usize> = (0..60)
            .map(|_| rng.below(SEQUENCES as u64) as usize)
            .collect();
        of(&drawn)
    });
    println!("tokens: {found}");
    assert!((0.914..=0.986).contains(&found), "{found}");
}
