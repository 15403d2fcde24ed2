//! What several tests share.

use landscape_core::Rng;
use landscape_hessian::{Dense, Operator, OperatorError, from_fn, try_from_fn};
use std::cell::Cell;

/// Fails unless `got` equals `want` to `tolerance`, relative to 1 or to `want`.
#[track_caller]
pub fn assert_close(got: f64, want: f64, tolerance: f64) {
    let scale = want.abs().max(1.0);
    assert!(
        (got - want).abs() <= tolerance * scale,
        "got {got}, want {want}"
    );
}

pub fn laplacian(n: usize) -> impl Operator {
    from_fn(n, |v: &[f64]| {
        let at = |i: usize| v.get(i).copied().unwrap_or(0.0);
        let left = |i: usize| if i == 0 { 0.0 } else { v[i - 1] };
        (0..v.len())
            .map(|i| 2.0 * v[i] - left(i) - at(i + 1))
            .collect()
    })
}

/// Eigenvalues of the Laplacian, descending.
pub fn laplacian_values(n: usize) -> Vec<f64> {
    let value = |k: usize| 2.0 - 2.0 * (k as f64 * std::f64::consts::PI / (n + 1) as f64).cos();
    (1..=n).rev().map(value).collect()
}

pub fn diagonal(values: Vec<f64>) -> impl Operator {
    from_fn(values.len(), move |v: &[f64]| {
        v.iter().zip(&values).map(|(x, d)| x * d).collect()
    })
}

/// A matrix with these eigenvalues whose eigenvectors are spread over all coordinates, so that none is special: `Q^T diag(values) Q`, where `Q`
/// turns random pairs of coordinates by 45 degrees, over and over. Few reflections would not do: each moves a unit vector by `2 / sqrt(n)` or so.
pub fn rotated(values: Vec<f64>, seed: u64) -> impl Operator {
    let n = values.len();
    let mut rng = Rng::new(seed, 77);
    let pairings: Vec<Vec<usize>> = (0..n.ilog2() + 4)
        .map(|_| {
            let mut order: Vec<usize> = (0..n).collect();
            rng.shuffle(&mut order);
            order
        })
        .collect();
    from_fn(n, move |v: &[f64]| {
        let mut w = v.to_vec();
        pairings.iter().for_each(|order| turn(order, &mut w));
        w.iter_mut().zip(&values).for_each(|(x, d)| *x *= d);
        pairings.iter().rev().for_each(|order| turn(order, &mut w));
        w
    })
}

/// Its own inverse.
fn turn(order: &[usize], w: &mut [f64]) {
    for pair in order.chunks_exact(2) {
        let [a, b] = [w[pair[0]], w[pair[1]]].map(|x| x * std::f64::consts::FRAC_1_SQRT_2);
        (w[pair[0]], w[pair[1]]) = (a + b, a - b);
    }
}

/// `diag(5, 4, 3, 0, ...) + Z Z^T / n` with standard normal `Z`.
pub fn spiked(n: usize, seed: u64) -> impl Operator {
    let mut rng = Rng::new(seed, 5);
    let z: Vec<f64> = (0..n * n).map(|_| rng.normal()).collect();
    try_from_fn(n, move |block: &[Vec<f64>]| {
        Ok(block.iter().map(|v| spiked_product(&z, v)).collect())
    })
}

fn spiked_product(z: &[f64], v: &[f64]) -> Vec<f64> {
    let n = v.len();
    // Z^T v, then Z of that.
    let mut across = vec![0.0; n];
    for (row, x) in z.chunks(n).zip(v) {
        across.iter_mut().zip(row).for_each(|(a, z)| *a += x * z);
    }
    let mut product: Vec<f64> = z
        .chunks(n)
        .map(|row| row.iter().zip(&across).map(|(z, a)| z * a).sum::<f64>() / n as f64)
        .collect();
    for (i, spike) in [5.0, 4.0, 3.0].into_iter().enumerate() {
        product[i] += spike * v[i];
    }
    product
}

/// Adds noise of this share of each product's norm, other noise in every product.
pub fn noisy(operator: impl Operator, share: f64) -> impl Operator {
    let calls = Cell::new(0u64);
    try_from_fn(operator.dim(), move |block: &[Vec<f64>]| {
        let mut products = operator.apply(block)?;
        for product in &mut products {
            calls.set(calls.get() + 1);
            let mut rng = Rng::new(99, calls.get());
            let norm = product.iter().map(|x| x * x).sum::<f64>().sqrt();
            let sigma = share * norm / (product.len() as f64).sqrt();
            product.iter_mut().for_each(|x| *x += sigma * rng.normal());
        }
        Ok(products)
    })
}

/// Rounds vectors and products to f32, as executors in f32 do.
pub fn single(operator: impl Operator) -> impl Operator {
    let round = |v: &mut Vec<f64>| v.iter_mut().for_each(|x| *x = f64::from(*x as f32));
    try_from_fn(operator.dim(), move |block: &[Vec<f64>]| {
        let mut block = block.to_vec();
        block.iter_mut().for_each(round);
        let mut products = operator.apply(&block)?;
        products.iter_mut().for_each(round);
        Ok(products)
    })
}

/// Fails at the given product, and works again afterwards.
pub fn failing_at(operator: impl Operator, product: usize) -> impl Operator {
    let calls = Cell::new(0);
    try_from_fn(operator.dim(), move |block: &[Vec<f64>]| {
        calls.set(calls.get() + block.len());
        match calls.get() == product {
            true => Err(OperatorError::new("out of memory")),
            false => operator.apply(block),
        }
    })
}

/// `A (x) B`.
pub fn kronecker(a: &Dense, b: &Dense) -> Dense {
    let (m, n) = (a.dim(), b.dim());
    let at = |matrix: &Dense, i: usize, j: usize| matrix.rows()[i * matrix.dim() + j];
    Dense::from_fn(m * n, |i, j| at(a, i / n, j / n) * at(b, i % n, j % n))
}
