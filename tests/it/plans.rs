//! Heavy networks: no number of samples is much dearer a sample than its neighbours, by the plans.

#[path = "../../benches/common/mod.rs"]
mod common;

use landscape_trace::Summary;

/// Samples that are always computed together on the CPU.
const LANES: usize = 16;

/// Operations a sample, with those of empty lanes.
fn cost(summary: &Summary) -> f64 {
    let n = summary.samples as f64;
    let lanes = summary.tile.next_multiple_of(LANES);
    let computed = summary.samples.div_ceil(lanes) * lanes;
    summary.work_a_point() / n * computed as f64 / n
}

#[track_caller]
fn check(name: &str) {
    let record = common::workload(name).unwrap();
    let mut before: Option<(usize, f64)> = None;
    for samples in 1..=300 {
        let summary = record(samples).unwrap().0.summary();
        assert_eq!(summary.warnings(), Vec::<String>::new(), "{samples}");
        let cost = cost(&summary);
        if let Some((tile, lower)) = before {
            let ratio = (cost / lower).max(lower / cost);
            assert!(
                samples <= 2 * LANES || ratio <= 1.5,
                "{name}, {samples} samples in tiles of {}: {ratio} times the one before, in tiles of {tile}",
                summary.tile
            );
        }
        before = Some((summary.tile, cost));
    }
}

#[test]
fn resnet18_of_any_number_of_samples() {
    check("resnet18");
}

#[test]
fn resnet18_for_small_images_of_any_number_of_samples() {
    check("resnet18-3x3");
}

#[test]
fn mobilenet_of_any_number_of_samples() {
    check("mobilenetv2");
}

#[test]
fn convnext_of_any_number_of_samples() {
    check("convnext");
}

#[test]
fn unet_of_any_number_of_samples() {
    check("unet");
}

#[test]
fn gpt_of_any_number_of_samples() {
    check("gpt");
}

#[test]
fn vit_of_any_number_of_samples() {
    check("vit-192");
}
