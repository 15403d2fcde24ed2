use crate::support::assert_close;
use landscape_hessian::stats::{mean_and_error, student_t};

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
