//! Small Hessians with closed forms.

use crate::support::{assert_close, kronecker};
use landscape_hessian::{Dense, Lanczos, LanczosParams, Operator, Spectrum, Trace, TraceParams};

fn ends(operator: &dyn Operator, top: usize, bottom: usize) -> Spectrum {
    let params = LanczosParams {
        top,
        bottom,
        tolerance: 1e-8,
        ..Default::default()
    };
    Lanczos::new(params).unwrap().solve(operator).unwrap()
}

/// `(w1 w2 x - y)^2 / 2`.
fn product(w: [f64; 2], x: f64, y: f64) -> Dense {
    let residual = w[0] * w[1] * x - y;
    let mixed = w[0] * w[1] * x * x + residual * x;
    let squares = [w[1] * x, w[0] * x].map(|s| s * s);
    Dense::new(2, vec![squares[0], mixed, mixed, squares[1]]).unwrap()
}

#[test]
fn a_product_of_two_weights() {
    let (x, y) = (1.5, 3.0);
    let minimum = ends(&product([4.0, 0.5], x, y), 1, 1);
    assert_close(minimum.top[0].value, x * x * (16.0 + 0.25), 1e-12);
    assert!(minimum.bottom[0].value.abs() < 1e-12);
    assert_close(minimum.ratio().unwrap().value, 0.0, 1e-12);
    let saddle = ends(&product([0.0, 0.0], x, y), 1, 1);
    assert_close(saddle.top[0].value, x * y, 1e-12);
    assert_close(saddle.bottom[0].value, -x * y, 1e-12);
    assert_close(saddle.ratio().unwrap().value, 1.0, 1e-12);
}

/// `H = (1 / N) sum (diag p - p p^T) (x) x x^T`: singular along equal shifts of all classes.
#[test]
fn softmax_cross_entropy_of_a_linear_model() {
    const CLASSES: usize = 4;
    const INPUTS: usize = 6;
    let x = |n: usize| (0..INPUTS).map(move |i| ((n * 7 + i * 3) % 11) as f64 / 5.0 - 1.0);
    let mut rows = vec![0.0; (CLASSES * INPUTS).pow(2)];
    let mut trace = 0.0;
    for n in 0..25 {
        let x: Vec<f64> = x(n).collect();
        let exp: Vec<f64> = (0..CLASSES).map(|c| x[c].exp()).collect();
        let sum: f64 = exp.iter().sum();
        let p: Vec<f64> = exp.iter().map(|e| e / sum).collect();
        let classes = Dense::from_fn(CLASSES, |i, j| f64::from(i == j) * p[i] - p[i] * p[j]);
        let inputs = Dense::from_fn(INPUTS, |i, j| x[i] * x[j]);
        let term = kronecker(&classes, &inputs);
        rows.iter_mut()
            .zip(term.rows())
            .for_each(|(h, t)| *h += t / 25.0);
        let squares = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>();
        trace += (1.0 - squares(&p)) * squares(&x) / 25.0;
    }
    let hessian = Dense::new(CLASSES * INPUTS, rows).unwrap();
    assert_close(hessian.trace(), trace, 1e-12);
    let found = ends(&hessian, 3, INPUTS);
    let exact = hessian.eigenvalues();
    assert!(found.is_converged());
    for (pair, want) in found.top.iter().zip(&exact) {
        assert_close(pair.value, *want, 1e-10);
    }
    assert!(found.bottom.iter().all(|pair| pair.value.abs() < 1e-12));
    let estimate = Trace::new(TraceParams::default())
        .unwrap()
        .solve(&hessian)
        .unwrap();
    let (low, high) = estimate.interval(0.999);
    assert!(low <= trace && trace <= high);
}
