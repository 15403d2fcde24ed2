use crate::support::{assert_close, network, tensor, vector};
use landscape_core::{
    BiasMode, Direction, Distribution, Normalization, Parameter, Params, Plane, PlaneError, Role,
    Source,
};

fn random(params: &Params, stream: u64) -> Direction {
    Direction::random(params, Distribution::Gaussian, 3, stream)
        .normalize(params, Normalization::Filter, BiasMode::Raw)
        .unwrap()
}

#[test]
fn a_point_is_the_formula_in_f64_rounded_once() {
    let origin = network();
    for dims in 1..=3 {
        let directions: Vec<Direction> = (0..dims).map(|s| random(&origin, s)).collect();
        let plane = Plane::new(origin.clone(), directions.clone()).unwrap();
        assert_eq!(plane.dims() as u64, dims);
        let point = [0.3, -0.7, 1.9];
        let at = plane.at(point);
        for (t, tensor) in origin.iter().enumerate() {
            for i in 0..tensor.numel() {
                let mut want = f64::from(tensor.data[i]);
                for (d, c) in directions.iter().zip(point) {
                    want += c * f64::from(d.tensors.iter().nth(t).unwrap().data[i]);
                }
                assert_eq!(at.iter().nth(t).unwrap().data[i], want as f32);
            }
        }
        assert_eq!(plane.at([0.0; 3]), origin, "the origin, bit for bit");
        assert_eq!(at.get("bn1.running_var"), origin.get("bn1.running_var"));
    }
}

#[test]
fn interpolation_ends_at_the_other_model() {
    let from = vector(&[0.1, 0.2, 1.0]);
    let to = vector(&[0.3, -0.7, 2.0]);
    let plane = Plane::new(from.clone(), vec![Direction::between(&from, &to).unwrap()]).unwrap();
    for (a, b) in plane.at([1.0, 0.0, 0.0]).flatten().iter().zip(to.flatten()) {
        assert_close(f64::from(*a), f64::from(b), 1e-7);
    }
}

#[test]
fn norms_and_cosines_are_reported() {
    let layout = vector(&[0.0; 2]);
    let of = |v: [f32; 2]| Direction::from_tensors(vector(&v), &layout, Source::File).unwrap();
    let plane = Plane::new(layout.clone(), vec![of([3.0, 4.0]), of([1.0, 0.0])]).unwrap();
    assert_eq!(plane.norms(), [5.0, 1.0]);
    assert_eq!(plane.cosines(), [[1.0, 0.6], [0.6, 1.0]]);
}

#[test]
fn running_statistics_alone_make_a_plane() {
    let origin = with_statistics();
    let mut other = origin.clone().into_inner();
    other.last_mut().unwrap().data[1] += 0.5;
    let other = Params::new(other).unwrap();
    let along = Direction::between(&origin, &other).unwrap();
    assert_eq!((along.norm(), along.moves()), (0.0, true));
    let plane = Plane::new(origin.clone(), vec![along.clone(), random(&origin, 0)]).unwrap();
    assert_eq!(plane.at([1.0, 0.0, 0.0]), other);
    assert_eq!(plane.cosines(), [[1.0, 0.0], [0.0, 1.0]]);
    let mut broken = along.tensors.into_inner();
    broken.last_mut().unwrap().data[0] = f32::NAN;
    let broken = Params::new(broken).unwrap();
    let broken = Direction::from_tensors(broken, &origin, Source::File).unwrap();
    assert!(matches!(
        Plane::new(origin, vec![broken]),
        Err(PlaneError::Degenerate { index: 0, .. })
    ));
}

/// Directions for the weights, without running statistics, leave those where they are.
#[test]
fn statistics_that_a_direction_lacks_do_not_move() {
    let origin = with_statistics();
    let weights: Vec<Parameter> = origin.weights().cloned().collect();
    let given = Params::new(weights.clone()).unwrap();
    let direction = Direction::from_tensors(given, &origin, Source::File).unwrap();
    let plane = Plane::new(origin.clone(), vec![direction]).unwrap();
    let moved = plane.at([0.5, 0.0, 0.0]);
    let name = "bn.running_mean";
    assert_eq!(moved.get(name), origin.get(name));
    let name = weights[0].name.as_str();
    assert_ne!(moved.get(name), origin.get(name));
    // A parameter must be there.
    let given = Params::new(weights[1..].to_vec()).unwrap();
    let error = Direction::from_tensors(given, &origin, Source::File).unwrap_err();
    let text = std::error::Error::source(&error).unwrap().to_string();
    assert!(text.contains(name) && !text.contains("running"), "{text}");
}

fn with_statistics() -> Params {
    let mut tensors = network().into_inner();
    tensors.push(tensor("bn.running_mean", &[2], Role::Buffer, |i| i as f32));
    Params::new(tensors).unwrap()
}

#[test]
fn what_is_no_plane_is_refused() {
    let origin = network();
    assert!(matches!(
        Plane::new(origin.clone(), vec![]),
        Err(PlaneError::Dimensions { given: 0 })
    ));
    let four = (0..4).map(|s| random(&origin, s)).collect();
    assert!(matches!(
        Plane::new(origin.clone(), four),
        Err(PlaneError::Dimensions { given: 4 })
    ));
    let other = random(&vector(&[1.0, 2.0]), 0);
    let directions = vec![random(&origin, 0), other];
    assert!(matches!(
        Plane::new(origin.clone(), directions),
        Err(PlaneError::Layout { index: 1, .. })
    ));
    let still = Direction::from_tensors(origin.zeros_like(), &origin, Source::File).unwrap();
    assert!(matches!(
        Plane::new(origin, vec![still]),
        Err(PlaneError::Degenerate { index: 0, .. })
    ));
}
