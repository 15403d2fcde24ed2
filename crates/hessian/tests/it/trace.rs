use crate::support::{assert_close, laplacian, rotated};
use landscape_hessian::trace::Ended;
use landscape_hessian::{Estimate, Probe, Trace, TraceParams};

fn estimate(operator: &dyn landscape_hessian::Operator, params: TraceParams) -> Estimate {
    Trace::new(params).unwrap().solve(operator).unwrap()
}

#[test]
fn the_laplacian_has_trace_2n() {
    let params = TraceParams {
        max_products: 200,
        ..Default::default()
    };
    let found = estimate(&laplacian(500), params);
    let (low, high) = found.interval(0.999);
    assert!(low <= 1000.0 && 1000.0 <= high);
    assert_eq!(
        (found.products, found.degrees, found.ended),
        (200, 199, Ended::Products)
    );
}

#[test]
fn hutchinson_ends_at_its_target() {
    let spectrum: Vec<f64> = (0..400).map(|i| 1.0 + (i % 7) as f64).collect();
    let trace: f64 = spectrum.iter().sum();
    let params = TraceParams {
        target: Some(0.02),
        max_products: 2000,
        probe: Probe::Gaussian,
        ..Default::default()
    };
    let found = estimate(&rotated(spectrum, 1), params);
    assert!(found.ended == Ended::Target && found.products < 1000);
    assert!(found.relative_error() <= 0.02);
    assert_close(found.mean, trace, 0.04);
}
