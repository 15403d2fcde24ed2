use crate::support::{assert_close, rotated};
use landscape_core::Rng;
use landscape_hessian::{Lanczos, LanczosParams, Subspace};
use nalgebra::DMatrix;

fn drawn(count: usize, dim: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut rng = Rng::new(seed, 3);
    let mut vector = || (0..dim).map(|_| rng.normal()).collect();
    (0..count).map(|_| vector()).collect()
}

/// The orthogonal projection on the span of the columns, by a dense QR decomposition.
fn projection(vectors: &[Vec<f64>]) -> DMatrix<f64> {
    let dim = vectors[0].len();
    let columns = DMatrix::from_fn(dim, vectors.len(), |i, j| vectors[j][i]);
    let q = columns.qr().q();
    &q * q.transpose()
}

#[test]
fn shares_and_overlaps_are_those_of_dense_projections() {
    let (a, b) = (drawn(3, 20, 1), drawn(5, 20, 2));
    let (p, q) = (projection(&a), projection(&b));
    let (first, second) = (Subspace::of(&a), Subspace::of(&b));
    assert_close(first.overlap(&second), (&p * &q).trace() / 3.0, 1e-12);
    assert_close(second.overlap(&first), first.overlap(&second), 1e-14);
    assert_close(first.overlap(&first), 1.0, 1e-14);
    let vector = &drawn(1, 20, 3)[0];
    let column = nalgebra::DVector::from_column_slice(vector);
    let inside = &p * &column;
    for (got, want) in first.project(vector).iter().zip(inside.iter()) {
        assert_close(*got, *want, 1e-12);
    }
    let both = { first.project(vector).into_iter() }.zip(first.reject(vector));
    for ((inside, outside), whole) in both.zip(vector) {
        assert_close(inside + outside, *whole, 1e-12);
    }
    let share = inside.norm_squared() / column.norm_squared();
    assert_close(first.share(vector), share, 1e-12);
}

#[test]
fn what_spans_nothing_more_adds_no_dimension() {
    let mut vectors = drawn(2, 8, 4);
    let sum: Vec<f64> = { vectors[0].iter() }
        .zip(&vectors[1])
        .map(|(a, b)| a - 2.0 * b)
        .collect();
    vectors.push(sum);
    vectors.push(vec![0.0; 8]);
    let space = Subspace::of(&vectors);
    assert_eq!(space.dim(), 2);
    assert!(space.share(&[0.0; 8]).is_nan());
    assert!(Subspace::default().overlap(&space).is_nan());
}

/// Of a power of the matrix the share in the leading space is that of the leading eigenvalues.
#[test]
fn leading_eigenvectors_hold_what_the_matrix_stretches() {
    let values: Vec<f64> = (0..50).map(|i| if i < 3 { 100.0 } else { 1.0 }).collect();
    let matrix = rotated(values, 5);
    let params = LanczosParams {
        top: 3,
        tolerance: 1e-9,
        ..Default::default()
    };
    let found = Lanczos::new(params).unwrap().solve(&matrix).unwrap();
    let vectors: Vec<&[f64]> = found
        .top
        .iter()
        .map(|pair| pair.vector.as_slice())
        .collect();
    let space = Subspace::of(&vectors);
    let random = &drawn(1, 50, 6)[0];
    let stretched =
        landscape_hessian::Operator::apply(&matrix, std::slice::from_ref(random)).unwrap();
    let share = space.share(random);
    let expected = 1e4 * share / (1e4 * share + 1.0 - share);
    assert_close(space.share(&stretched[0]), expected, 1e-9);
}
