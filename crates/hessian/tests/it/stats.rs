use crate::support::assert_close;
use landscape_hessian::stats::{mean_and_error, mean_interval, skewness, student_t};

/// Two-sided quantiles of the printed tables.
#[test]
fn quantiles_of_students_distribution() {
    let table = [
        (1.0, 0.95, 12.706205),
        (2.0, 0.95, 4.302653),
        (5.0, 0.99, 4.032143),
        (9.0, 0.95, 2.262157),
        (30.0, 0.90, 1.697261),
        (120.0, 0.95, 1.979930),
        (1e9, 0.95, 1.959964),
    ];
    for (degrees, confidence, want) in table {
        assert_close(student_t(degrees, confidence), want, 1e-6);
    }
    assert_eq!(student_t(0.0, 0.95), f64::INFINITY);
}

#[test]
fn the_spread_of_one_sample_is_unknown() {
    assert_eq!(mean_and_error(&[3.0]), (3.0, f64::INFINITY));
    let (mean, error) = mean_and_error(&[1.0, 2.0, 3.0, 4.0]);
    assert_close(mean, 2.5, 1e-15);
    assert_close(error, (5.0f64 / 3.0 / 4.0).sqrt(), 1e-15);
}

/// By hand: of 0, ..., 0, 8 the central moments are 7 and 42.
#[test]
fn skewness_of_eight_samples() {
    let samples = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 8.0];
    let adjusted = (8.0f64 * 7.0).sqrt() / 6.0;
    assert_close(
        skewness(&samples),
        42.0 / 7.0f64.powf(1.5) * adjusted,
        1e-14,
    );
    let huge = samples.map(|x| 1e200 * x);
    assert_close(skewness(&huge), skewness(&samples), 1e-14);
    assert_eq!(skewness(&samples[1..]), 0.0);
    assert_eq!(skewness(&[1.0; 9]), 0.0);
}

/// Both ends solve the cubic equation; without skewness the interval is Student's.
#[test]
fn intervals_solve_halls_equation() {
    let (mean, error, n) = (3.0, 0.25, 16);
    let t = student_t(15.0, 0.9);
    let (low, high) = mean_interval((mean, error), 0.0, n, 0.9);
    assert_close(low, mean - t * error, 1e-14);
    assert_close(high, mean + t * error, 1e-14);
    for g in [-1.5, 0.01, 2.0] {
        let (low, high) = mean_interval((mean, error), g, n, 0.9);
        for (end, expected) in [(low, t), (high, -t)] {
            let u = (mean - end) / (4.0 * error);
            let cubic = u + g * u * u / 3.0 + g * g * u.powi(3) / 27.0 + g / 96.0;
            assert_close(4.0 * cubic, expected, 1e-12);
        }
    }
    assert_eq!(mean_interval((mean, 0.0), 1.0, n, 0.9), (mean, mean));
    let (low, high) = mean_interval((mean, f64::INFINITY), 0.0, 1, 0.9);
    assert!(low == f64::NEG_INFINITY && high == f64::INFINITY);
}
