//! No number of samples or tokens is much slower than its neighbours: plans, not times.

use crate::networks::{Gpt, Recurrent, Texts, UNet, Vit, classes, images, segmented, sequences};
use burn::module::Module;
use burn::nn::Lstm;
use landscape_trace::{Inputs, Loss, Runs, Summary, Trace};

/// Lanes that are always computed together.
const LANES: usize = 16;

/// What a sample costs: the work of a point, of all lanes of all tiles, also where they are empty.
fn cost(summary: &Summary) -> f64 {
    let n = summary.samples as f64;
    let lanes = summary.tile.next_multiple_of(LANES);
    let computed = summary.samples.div_ceil(lanes) * lanes;
    summary.work_a_point() / n * computed as f64 / n
}

/// How often what is computed.
fn form(summary: &Summary) -> Vec<(Runs, &'static str, usize)> {
    let parts = summary.parts.iter().map(|p| (p.runs, p.operation, p.count));
    let mut parts: Vec<_> = parts.collect();
    parts.sort_unstable();
    parts
}

/// `unit`: what is counted, such as samples, for each of the sizes; `first`: the first that is held against the next.
#[track_caller]
fn check(sizes: std::ops::RangeInclusive<usize>, first: usize, plan: impl Fn(usize) -> Summary) {
    let mut before: Option<(Summary, f64)> = None;
    for size in sizes {
        let summary = plan(size);
        assert_eq!(summary.warnings(), Vec::<String>::new(), "{size}");
        let cost = cost(&summary);
        if let Some((last, lower)) = &before {
            assert_eq!(form(&summary), form(last), "{size} and the one before");
            let ratio = (cost / lower).max(lower / cost);
            assert!(
                size <= first || ratio <= 1.5,
                "{size}: {ratio} times the one before"
            );
        }
        before = Some((summary, cost));
    }
}

#[track_caller]
fn samples<M: Module, I: Inputs>(module: M, data: fn(usize) -> I, loss: fn(&M, &I) -> Loss) {
    // Up to 32 samples some vectors are half empty.
    check(2..=300, 2 * LANES, |n| {
        Trace::capture(&module, &data(n), loss).unwrap().summary()
    });
}

fn words(n: usize, tokens: usize) -> Texts {
    let some = |name| classes(name, [n, tokens], 11);
    (some("words"), some("next"))
}

#[test]
fn vision_transformers_of_any_number_of_samples() {
    samples(Vit::new(false), images, Vit::loss);
    samples(Vit::new(true), images, Vit::loss);
}

#[test]
fn language_models_of_any_number_of_samples() {
    let loss = |m: &Gpt, i: &Texts| m.loss(i, Some(vec![3]));
    samples(Gpt::new(5), |n| words(n, 5), loss);
}

#[test]
fn language_models_of_any_number_of_tokens() {
    let module = Gpt::new(300);
    check(2..=300, 3, |tokens| {
        let loss = |m: &Gpt, i: &Texts| m.loss(i, None);
        Trace::capture(&module, &words(48, tokens), loss)
            .unwrap()
            .summary()
    });
}

#[test]
fn convolutions_of_any_number_of_samples() {
    samples(UNet::new(), segmented, UNet::loss);
}

#[test]
fn recurrent_networks_of_any_number_of_samples() {
    samples(Recurrent::lstm(), sequences, Recurrent::<Lstm>::loss);
}
