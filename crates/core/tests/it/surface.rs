use crate::support::{assert_close, sampled};
use landscape_core::{Axis, Grid, Sample, Surface, SurfaceError, Term, Value};
use proptest::prelude::*;

fn oblong() -> Grid {
    Grid::new(vec![
        Axis::new(-1.0, 1.0, 3).unwrap(),
        Axis::new(0.0, 6.0, 5).unwrap(),
    ])
    .unwrap()
}

fn full(loss: f64) -> Sample {
    Sample {
        loss,
        loss_se: Some(0.25),
        accuracy: None,
        terms: vec![4.0],
    }
}

fn with_term() -> Surface {
    let term = Term {
        name: "l2".into(),
        weight: 0.5,
    };
    Surface::new(Grid::square(3, 1.0, 1).unwrap(), vec![term])
}

#[test]
fn values_are_nan_where_nothing_is_known() {
    let mut surface = with_term();
    surface.set(1, full(2.0)).unwrap();
    let at_1 = |value| surface.values(value)[1];
    assert_eq!(at_1(Value::Loss), 2.0);
    assert_eq!(at_1(Value::LossSe), 0.25);
    assert_eq!(at_1(Value::Total), 4.0);
    assert_eq!(at_1(Value::Term(0)), 4.0);
    assert!(at_1(Value::Term(1)).is_nan());
    assert!(at_1(Value::Accuracy).is_nan());
    assert!(surface.losses()[0].is_nan());
    assert_eq!((surface.missing(), surface.non_finite()), (2, 0));
}

#[test]
fn samples_fit_the_surface() {
    let mut surface = with_term();
    assert_eq!(
        surface.set(3, full(1.0)),
        Err(SurfaceError::Index { index: 3, len: 3 })
    );
    assert_eq!(
        surface.set(0, Sample::of(1.0)),
        Err(SurfaceError::Terms {
            expected: 1,
            given: 0
        })
    );
    assert!(surface.get(99).is_none());
}

#[test]
fn json_keeps_nan_infinity_and_gaps() {
    let mut surface = with_term();
    surface.set(0, full(f64::NEG_INFINITY)).unwrap();
    surface.set(2, full(0.1)).unwrap();
    let json = serde_json::to_string(&surface).unwrap();
    assert!(json.contains("\"-inf\""), "{json}");
    assert_eq!(serde_json::from_str::<Surface>(&json).unwrap(), surface);
    surface.set(0, full(f64::NAN)).unwrap();
    let json = serde_json::to_string(&surface).unwrap();
    let again: Surface = serde_json::from_str(&json).unwrap();
    assert!(again.get(0).unwrap().loss.is_nan());
    let short = json.replace("null,", "");
    assert!(serde_json::from_str::<Surface>(&short).is_err());
}

#[test]
fn slices_keep_the_other_axes() {
    let grid = Grid::new(vec![
        Axis::new(0.0, 1.0, 2).unwrap(),
        Axis::new(0.0, 2.0, 3).unwrap(),
        Axis::new(0.0, 3.0, 4).unwrap(),
    ])
    .unwrap();
    let mut volume = Surface::new(grid, vec![]);
    for flat in 0..volume.grid().len() {
        let [i, j, k] = volume.grid().unravel(flat);
        volume
            .set(flat, Sample::of((100 * i + 10 * j + k) as f64))
            .unwrap();
    }
    let plane = volume.slice(1, 2).unwrap();
    assert_eq!(plane.grid().shape(), [2, 4]);
    assert_eq!(
        plane.losses(),
        [20.0, 21.0, 22.0, 23.0, 120.0, 121.0, 122.0, 123.0]
    );
    let line = plane.slice(0, 1).unwrap();
    assert_eq!(line.losses(), [120.0, 121.0, 122.0, 123.0]);
    assert_eq!(line.grid().axes()[0].max(), 3.0);
    assert_eq!(
        line.slice(0, 0),
        Err(SurfaceError::Axis { axis: 0, dims: 1 })
    );
    assert_eq!(
        volume.slice(3, 0),
        Err(SurfaceError::Axis { axis: 3, dims: 3 })
    );
    assert_eq!(
        volume.slice(0, 2),
        Err(SurfaceError::Index { index: 2, len: 2 })
    );
}

#[test]
fn interpolation_needs_only_the_corners_that_count() {
    let mut surface = sampled(oblong(), |[x, y]| x + y);
    let mut gap = Surface::new(oblong(), vec![]);
    for flat in [5, 6, 10, 11] {
        gap.set(flat, surface.get(flat).unwrap().clone()).unwrap();
    }
    assert_eq!(gap.interpolate(Value::Loss, [0.5, 0.75, 0.0]), Some(1.25));
    assert_eq!(
        gap.interpolate(Value::Loss, [0.0, 1.5, 0.0]),
        Some(1.5),
        "on a known point"
    );
    assert_eq!(gap.interpolate(Value::Loss, [0.5, 2.0, 0.0]), None);
    assert_eq!(surface.interpolate(Value::Loss, [1.01, 0.0, 0.0]), None);
    assert_eq!(surface.interpolate(Value::Loss, [f64::NAN, 0.0, 0.0]), None);
    assert_eq!(surface.interpolate(Value::Accuracy, [0.0; 3]), None);
    surface.set(0, Sample::of(f64::INFINITY)).unwrap();
    assert_eq!(
        surface.interpolate(Value::Loss, [-0.9, 0.1, 0.0]),
        Some(f64::INFINITY)
    );
    assert_eq!(
        surface.interpolate(Value::Loss, [1.0, 6.0, 0.0]),
        Some(7.0),
        "the far corner"
    );
}

proptest! {
    #[test]
    fn multilinear_functions_are_interpolated_exactly(
        c in prop::array::uniform8(-2.0..2.0f64),
        p in prop::array::uniform3(0.0..=1.0f64),
    ) {
        let f = |[x, y, z]: [f64; 3]| {
            c[0] + c[1] * x + c[2] * y + c[3] * z + c[4] * x * y + c[5] * x * z + c[6] * y * z + c[7] * x * y * z
        };
        let grid = Grid::new(vec![
            Axis::new(-1.0, 1.0, 4).unwrap(),
            Axis::new(0.0, 3.0, 3).unwrap(),
            Axis::new(-2.0, 0.0, 5).unwrap(),
        ]).unwrap();
        let mut surface = Surface::new(grid, vec![]);
        for flat in 0..surface.grid().len() {
            let point = surface.grid().point(flat);
            surface.set(flat, Sample::of(f(point))).unwrap();
        }
        let point = [2.0 * p[0] - 1.0, 3.0 * p[1], 2.0 * p[2] - 2.0];
        assert_close(surface.interpolate(Value::Loss, point).unwrap(), f(point), 1e-12);
    }
}
