use crate::support::{assert_all_close, assert_close, network, tensor, vector};
use landscape_core::{
    Checkpoint, Direction, Grid, Params, Pca, PcaOptions, Plane, Projection, Rng, Role, Sampler,
    Source, Surface, Trajectory, TrajectoryError, from_fn, project,
};
use std::collections::HashMap;

/// scikit-learn's and numpy's numbers, see tests/reference/pca.py.
fn reference() -> HashMap<&'static str, Vec<f64>> {
    include_str!("../reference/pca.txt")
        .lines()
        .map(|line| {
            let mut words = line.split_whitespace();
            (
                words.next().unwrap(),
                words.map(|w| w.parse().unwrap()).collect(),
            )
        })
        .collect()
}

struct Case {
    numbers: HashMap<&'static str, Vec<f64>>,
    name: &'static str,
    rows: Vec<Params>,
    components: usize,
}

impl Case {
    fn new(name: &'static str) -> Self {
        let mut case = Case {
            numbers: reference(),
            name,
            rows: vec![],
            components: 0,
        };
        let shape = case.get("shape").to_vec();
        let values: Vec<f32> = case.get("rows").iter().map(|&v| v as f32).collect();
        case.rows = values.chunks(shape[1] as usize).map(split).collect();
        case.components = shape[2] as usize;
        case
    }

    fn get(&self, what: &str) -> &[f64] {
        &self.numbers[format!("{}.{what}", self.name).as_str()]
    }

    fn pca(&self) -> Pca {
        let rows: Vec<&Params> = self.rows.iter().collect();
        Pca::fit(&rows, rows[rows.len() - 1], self.components).unwrap()
    }
}

/// One row as a matrix, a buffer that must not matter, and a vector.
fn split(row: &[f32]) -> Params {
    let noise = row[0].to_bits() as f32;
    Params::new(vec![
        tensor("w", &[2, 2], Role::Weight, |i| row[i]),
        tensor("running_mean", &[3], Role::Buffer, |_| noise),
        tensor("b", &[row.len() - 4], Role::Bias, |i| row[i + 4]),
    ])
    .unwrap()
}

#[test]
fn components_and_variances_are_scikit_learns() {
    for name in ["wide", "tall"] {
        let case = Case::new(name);
        let pca = case.pca();
        assert_all_close(
            &pca.explained_variance,
            case.get("explained_variance"),
            1e-12,
        );
        assert_all_close(
            &pca.explained_variance_ratio,
            case.get("explained_variance_ratio"),
            1e-12,
        );
        assert_all_close(&pca.mean_offset, case.get("mean_offset"), 1e-11);
        let components: Vec<f64> = pca
            .components
            .iter()
            .flat_map(|c| c.tensors.flatten().into_iter().map(f64::from))
            .collect();
        assert_all_close(&components, case.get("components"), 1e-7);
        for (index, component) in pca.components.iter().enumerate() {
            assert_close(component.norm(), 1.0, 1e-7);
            assert_eq!(component.tensors.get("running_mean").unwrap().norm(), 0.0);
            assert_eq!(component.source, Source::Pca { component: index });
            for other in &pca.components[..index] {
                assert_close(component.dot(other).unwrap(), 0.0, 1e-7);
            }
        }
    }
}

#[test]
fn coordinates_are_numpys() {
    for name in ["wide", "tall"] {
        let case = Case::new(name);
        let center = case.rows.last().unwrap();
        let toward = |row: &Params| Direction::between(center, row).unwrap();
        let directions = vec![toward(&case.rows[0]), toward(&case.rows[1])];
        let plane = Plane::new(center.clone(), directions).unwrap();
        for (t, row) in case.rows.iter().enumerate() {
            for (projection, key) in [
                (Projection::Cos, "cos"),
                (Projection::LeastSquares, "lstsq"),
            ] {
                let (point, distance) = project(row, &plane, projection).unwrap();
                assert_all_close(&point[..2], &case.get(key)[2 * t..2 * t + 2], 1e-5);
                assert_eq!(point[2], 0.0);
                assert_close(distance, case.get("distance")[t], 1e-5);
            }
        }
    }
}

#[test]
fn scores_have_the_variance_that_is_explained() {
    let case = Case::new("tall");
    let pca = case.pca();
    let plane = Plane::new(case.rows.last().unwrap().clone(), pca.components.clone()).unwrap();
    let n = case.rows.len() as f64;
    let coords: Vec<[f64; 3]> = case
        .rows
        .iter()
        .map(|row| project(row, &plane, Projection::Cos).unwrap().0)
        .collect();
    for k in 0..3 {
        let mean = coords.iter().map(|c| c[k]).sum::<f64>() / n;
        assert_close(mean, pca.mean_offset[k], 1e-6);
        let variance = coords.iter().map(|c| (c[k] - mean).powi(2)).sum::<f64>() / (n - 1.0);
        assert_close(variance, pca.explained_variance[k], 1e-6);
    }
}

#[test]
fn cos_and_least_squares_agree_on_principal_components() {
    let case = Case::new("wide");
    let plane = Plane::new(case.rows[5].clone(), case.pca().components).unwrap();
    for row in &case.rows {
        let cos = project(row, &plane, Projection::Cos).unwrap();
        let least = project(row, &plane, Projection::LeastSquares).unwrap();
        assert_all_close(&cos.0, &least.0, 1e-6);
        assert_eq!(cos.1, least.1);
    }
    let (point, distance) = project(&case.rows[5], &plane, Projection::LeastSquares).unwrap();
    assert_eq!(
        (point, distance),
        ([0.0; 3], 0.0),
        "the centre is the origin"
    );
}

#[test]
fn points_of_a_plane_are_found_again() {
    let origin = network();
    let mut rng = Rng::new(1, 0);
    for dims in 1..=3u64 {
        let directions = (0..dims)
            .map(|s| Direction::random(&origin, Default::default(), 8, s))
            .collect();
        let plane = Plane::new(origin.clone(), directions).unwrap();
        let mut point = [0.0; 3];
        point[..dims as usize].fill_with(|| rng.normal());
        let (found, distance) =
            project(&plane.at(point), &plane, Projection::LeastSquares).unwrap();
        assert_all_close(&found, &point, 1e-6);
        assert!(distance < 1e-5);
    }
}

#[test]
fn large_rows_equal_a_dense_reference() {
    // More values than a block, two exact components: rows = a u + b v with orthonormal u, v.
    let p = 10_000;
    let (a, b) = ([4.0, -3.0, 2.0, -3.0], [1.0, 2.0, -1.0, -2.0]);
    let half = 1.0 / (p as f32 / 2.0).sqrt();
    let rows: Vec<Params> = (0..4)
        .map(|t| {
            let value = |i: usize| {
                if i.is_multiple_of(2) {
                    a[t] * half
                } else {
                    b[t] * half
                }
            };
            Params::new(vec![tensor("w", &[p / 100, 100], Role::Weight, value)]).unwrap()
        })
        .collect();
    let rows: Vec<&Params> = rows.iter().collect();
    let pca = Pca::fit(&rows, rows[0], 2).unwrap();
    // Scatter of the coefficients: [[38, 0 + ...]] computed by hand: means are 0.
    let (saa, sbb) = (38.0, 10.0);
    let sab: f64 = a
        .iter()
        .zip(b)
        .map(|(x, y)| f64::from(*x) * f64::from(y))
        .sum();
    let gap = f64::hypot((saa - sbb) / 2.0, sab);
    let want = [(saa + sbb) / 2.0 + gap, (saa + sbb) / 2.0 - gap];
    assert_all_close(&pca.explained_variance, &want.map(|w| w / 3.0), 1e-6);
    assert_close(pca.explained_variance_ratio.iter().sum(), 1.0, 1e-9);
    let error = Pca::fit(&rows, rows[0], 3).unwrap_err();
    assert_eq!(error, TrajectoryError::Rank { wanted: 3, rank: 2 });
}

#[test]
fn tensors_of_one_dimension_can_be_left_out() {
    let case = Case::new("wide");
    let rows: Vec<&Params> = case.rows.iter().collect();
    let options = PcaOptions {
        components: 2,
        ignore_one_dimensional: true,
    };
    let pca = Pca::fit_with(&rows, rows[0], &options).unwrap();
    let only: Vec<Params> = case
        .rows
        .iter()
        .map(|r| vector(&r.get("w").unwrap().data))
        .collect();
    let only: Vec<&Params> = only.iter().collect();
    let want = Pca::fit(&only, only[0], 2).unwrap();
    assert_all_close(&pca.explained_variance, &want.explained_variance, 1e-12);
    for (component, want) in pca.components.iter().zip(&want.components) {
        assert_eq!(component.tensors.get("b").unwrap().norm(), 0.0);
        assert_eq!(
            component.tensors.get("w").unwrap().data,
            want.tensors.flatten()
        );
    }
}

#[test]
fn paths_that_have_no_components_are_refused() {
    let a = vector(&[1.0, 2.0, 3.0]);
    let b = vector(&[2.0, 3.0, 5.0]);
    assert_eq!(
        Pca::fit(&[&a], &a, 1).unwrap_err(),
        TrajectoryError::TooFew { given: 1 }
    );
    assert_eq!(
        Pca::fit(&[&a, &a, &a], &a, 1).unwrap_err(),
        TrajectoryError::Rank { wanted: 1, rank: 0 }
    );
    assert!(Pca::fit(&[&a, &b], &a, 1).is_ok());
    assert_eq!(
        Pca::fit(&[&a, &b], &a, 2).unwrap_err(),
        TrajectoryError::Rank { wanted: 2, rank: 1 }
    );
    let broken = vector(&[f32::NAN, 0.0, 0.0]);
    assert_eq!(
        Pca::fit(&[&a, &broken], &a, 1).unwrap_err(),
        TrajectoryError::NotFinite { index: 1 }
    );
    assert_eq!(
        Pca::fit(&[&a, &b], &broken, 1).unwrap_err(),
        TrajectoryError::CenterNotFinite
    );
    let other = vector(&[1.0]);
    assert!(matches!(
        Pca::fit(&[&a, &other], &a, 1).unwrap_err(),
        TrajectoryError::Layout { index: 1, .. }
    ));
}

#[test]
fn dependent_directions_have_no_coordinates() {
    let origin = vector(&[0.0; 3]);
    let of = |v: [f32; 3]| Direction::from_tensors(vector(&v), &origin, Source::File).unwrap();
    let plane = Plane::new(
        origin.clone(),
        vec![of([1.0, 2.0, 3.0]), of([2.0, 4.0, 6.0])],
    )
    .unwrap();
    let error = project(&origin, &plane, Projection::LeastSquares).unwrap_err();
    assert_eq!(error, TrajectoryError::Dependent);
}

#[test]
fn a_trajectory_takes_the_loss_of_the_surface() {
    let origin = vector(&[0.0; 3]);
    let of = |v: [f32; 3]| Direction::from_tensors(vector(&v), &origin, Source::File).unwrap();
    let plane = Plane::new(
        origin.clone(),
        vec![of([1.0, 0.0, 0.0]), of([0.0, 2.0, 0.0])],
    )
    .unwrap();
    let checkpoints: Vec<Checkpoint> = [[0.5, 0.5, 3.0], [9.0, 0.0, 0.0]]
        .into_iter()
        .zip([0, 10])
        .map(|(v, step)| Checkpoint {
            step,
            params: vector(&v),
        })
        .collect();
    let mut path = Trajectory::project(&checkpoints, &plane, Projection::LeastSquares).unwrap();
    let mut surface = Surface::new(Grid::square(5, 1.0, 2).unwrap(), vec![]);
    let objective = from_fn(|[x, y]: [f64; 2]| x + 10.0 * y);
    Sampler::new()
        .run(&objective, &mut surface, &mut [])
        .unwrap();
    path.interpolate_plane_loss(&surface);
    assert_eq!(path.points[0].coords, [0.5, 0.25, 0.0]);
    assert_eq!(path.points[0].residual, 3.0);
    assert_eq!(path.points[0].plane_loss, Some(3.0));
    assert_eq!(
        (path.points[1].step, path.points[1].plane_loss),
        (10, None),
        "off the grid"
    );
    let wrong = [Checkpoint {
        step: 0,
        params: vector(&[1.0]),
    }];
    let error = Trajectory::project(&wrong, &plane, Projection::Cos).unwrap_err();
    assert!(matches!(error, TrajectoryError::Layout { index: 0, .. }));
}
