//! Learning-rate schedules.

use crate::support::{close, says};
use landscape_models::Schedule;

fn factors(name: &str, steps: u64, per_epoch: u64) -> Vec<f64> {
    let schedule: Schedule = name.parse().unwrap();
    (0..steps)
        .map(|t| schedule.factor(t, steps, per_epoch))
        .collect()
}

#[test]
fn step_changes_between_epochs() {
    assert_eq!(
        factors("step:2,0.5", 8, 2),
        [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5]
    );
    assert_eq!(factors("constant", 3, 1), [1.0; 3]);
}

#[test]
fn cosine_falls_from_one_towards_zero() {
    let found = factors("cosine", 4, 1);
    let half = 0.5f64.sqrt();
    for (found, expected) in found
        .iter()
        .zip([1.0, (1.0 + half) / 2.0, 0.5, (1.0 - half) / 2.0])
    {
        close(*found, expected, 1e-15, 0.0);
    }
}

#[test]
fn warm_up_rises_and_then_falls() {
    let found = factors("warmup-cosine:0.25", 16, 1);
    assert_eq!(found[..5], [0.25, 0.5, 0.75, 1.0, 1.0]);
    close(found[10], 0.5, 1e-15, 0.0);
    assert!(found[4..].is_sorted_by(|a, b| a > b));
    assert_eq!(factors("warmup-cosine:0", 4, 1), factors("cosine", 4, 1));
}

#[test]
fn one_cycle_passes_through_pytorchs_points() {
    // OneCycleLR(max_lr=1, total_steps=10): up to step 2, down to step 9.
    let found = factors("one-cycle", 10, 1);
    close(found[0], 0.04, 1e-12, 0.0);
    close(found[1], 0.52, 1e-12, 0.0);
    close(found[2], 1.0, 1e-12, 0.0);
    close(found[9], 4e-6, 1e-9, 0.0);
    let middle = 4e-6 + (1.0 - 4e-6) / 2.0 * (1.0 + (std::f64::consts::PI * 3.0 / 7.0).cos());
    close(found[5], middle, 1e-12, 0.0);
    for steps in 1..5 {
        let found = factors("one-cycle:0.5", steps, 1);
        assert!(
            found.iter().all(|f| (4e-6 - 1e-12..=1.0).contains(f)),
            "{found:?}"
        );
    }
}

#[test]
fn names_are_read_and_written() {
    for name in [
        "constant",
        "step:10,0.5",
        "cosine",
        "warmup-cosine:0.05",
        "one-cycle:0.3",
    ] {
        assert_eq!(name.parse::<Schedule>().unwrap().to_string(), name);
    }
    assert_eq!(
        "step".parse::<Schedule>().unwrap().to_string(),
        "step:30,0.1"
    );
    let error = |name: &str| name.parse::<Schedule>().unwrap_err();
    says(
        error("linear"),
        &["schedule `linear`", "unknown", "one-cycle"],
    );
    says(error("step:0"), &["at least 1 epoch"]);
    says(error("step:3,-1"), &["positive factor"]);
    says(error("one-cycle:1.5"), &["in (0, 1)"]);
    says(error("warmup-cosine:1"), &["in [0, 1)"]);
    says(error("cosine:3"), &["`3` is one setting too many"]);
    says(error("step:a"), &["`a` is not a number"]);
    says(error("step:1.5"), &["1.5"]);
}
