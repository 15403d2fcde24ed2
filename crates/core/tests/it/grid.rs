use landscape_core::{Axis, Grid, GridError};
use proptest::prelude::*;

#[test]
fn ends_and_middle_are_exact() {
    for count in [3, 5, 11, 49, 51, 101, 501] {
        for half in [1.0, 0.1, 0.3, 2.5, 1e-7, 7e5] {
            let axis = Axis::new(-half, half, count).unwrap();
            assert_eq!(axis.value(0), -half);
            assert_eq!(axis.value(count - 1), half);
            assert_eq!(axis.value(count / 2).to_bits(), 0.0f64.to_bits());
            assert_eq!(axis.zero(), Some(count / 2));
        }
    }
    assert_eq!(
        Axis::new(-1.0, 1.0, 50).unwrap().zero(),
        None,
        "even grids are not bent to hold 0"
    );
    assert_eq!(Axis::new(-1.0, 3.0, 5).unwrap().zero(), Some(1));
    assert_eq!(Axis::new(1.0, 2.0, 5).unwrap().zero(), None);
}

#[test]
fn one_point_lies_in_the_middle() {
    assert_eq!(Axis::new(-1.0, 1.0, 1).unwrap().values(), [0.0]);
    assert_eq!(Axis::new(0.5, 0.5, 1).unwrap().values(), [0.5]);
    assert_eq!(Axis::new(1.0, 2.0, 1).unwrap().values(), [1.5]);
}

#[test]
fn wrong_axes_and_grids_are_refused() {
    assert_eq!(Axis::new(-1.0, 1.0, 0), Err(GridError::Empty));
    assert_eq!(
        Axis::new(1.0, -1.0, 3),
        Err(GridError::Range {
            min: 1.0,
            max: -1.0
        })
    );
    assert_eq!(
        Axis::new(1.0, 1.0, 2),
        Err(GridError::Range { min: 1.0, max: 1.0 })
    );
    for (min, max) in [(f64::NAN, 1.0), (0.0, f64::INFINITY), (-f64::MAX, f64::MAX)] {
        assert!(matches!(
            Axis::new(min, max, 3),
            Err(GridError::NotFinite { .. })
        ));
    }
    assert!(matches!(
        Axis::new(1.0, 1.0 + 1e-14, 51),
        Err(GridError::TooFine { .. })
    ));
    let axis = Axis::new(-1.0, 1.0, 1000).unwrap();
    assert_eq!(Grid::new(vec![]), Err(GridError::Dimensions { given: 0 }));
    assert_eq!(
        Grid::new(vec![axis; 4]),
        Err(GridError::Dimensions { given: 4 })
    );
    let error = Grid::new(vec![axis; 3]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a grid of 1000 x 1000 x 1000 points is larger than 100000000"
    );
    let huge = Axis::new(0.0, 1e300, 1 << 40).unwrap();
    assert!(matches!(
        Grid::new(vec![huge; 3]),
        Err(GridError::TooLarge { .. })
    ));
    let ten_thousand = Axis::new(-1.0, 1.0, 10_000).unwrap();
    assert!(
        Grid::new(vec![ten_thousand; 2]).is_ok(),
        "10^8 points are allowed"
    );
    assert!(matches!(
        Grid::square(3, 1.0, 4),
        Err(GridError::Dimensions { given: 4 })
    ));
    assert!(Grid::square(3, -1.0, 2).is_err());
}

#[test]
fn json_is_checked() {
    let grid = Grid::square(5, 1.0, 2).unwrap();
    let json = serde_json::to_string(&grid).unwrap();
    assert_eq!(serde_json::from_str::<Grid>(&json).unwrap(), grid);
    assert!(serde_json::from_str::<Grid>(r#"{"axes":[{"min":0,"max":1,"count":0}]}"#).is_err());
    assert!(serde_json::from_str::<Axis>(r#"{"min":0,"max":1,"count":0}"#).is_err());
}

#[test]
fn the_first_axis_is_the_slowest() {
    let grid = Grid::new(vec![
        Axis::new(0.0, 1.0, 2).unwrap(),
        Axis::new(10.0, 12.0, 3).unwrap(),
    ])
    .unwrap();
    let points: Vec<[f64; 3]> = (0..grid.len()).map(|flat| grid.point(flat)).collect();
    assert_eq!(
        points,
        [
            [0.0, 10.0, 0.0],
            [0.0, 11.0, 0.0],
            [0.0, 12.0, 0.0],
            [1.0, 10.0, 0.0],
            [1.0, 11.0, 0.0],
            [1.0, 12.0, 0.0],
        ]
    );
    assert_eq!(grid.index([1, 0, 0]), Some(3));
    assert_eq!(grid.index([2, 0, 0]), None);
    assert_eq!(grid.index([0, 0, 1]), None);
    assert_eq!(grid.center(), None);
    assert_eq!(
        Grid::square(51, 1.0, 2).unwrap().center(),
        Some(25 * 51 + 25)
    );
}

#[test]
fn coarse_comes_first() {
    let grid = Grid::square(9, 1.0, 1).unwrap();
    assert_eq!(grid.coarse_to_fine(), [0, 4, 8, 2, 6, 1, 3, 5, 7]);
    let grid = Grid::square(51, 1.0, 2).unwrap();
    let order = grid.coarse_to_fine();
    assert_eq!(
        &order[..9],
        &[0, 25, 50, 1275, 1300, 1325, 2550, 2575, 2600]
    );
}

/// Largest distance, in grid steps along an axis, from any point to the nearest of a beginning of
/// the order.
fn gap(grid: &Grid, known: &[usize]) -> usize {
    let distance =
        |a: [usize; 3], b: [usize; 3]| (0..3).map(|i| a[i].abs_diff(b[i])).max().unwrap();
    (0..grid.len())
        .map(|flat| {
            let here = grid.unravel(flat);
            known
                .iter()
                .map(|&k| distance(here, grid.unravel(k)))
                .min()
                .unwrap()
        })
        .max()
        .unwrap()
}

#[test]
fn every_quarter_more_halves_the_gaps() {
    let grid = Grid::square(33, 1.0, 2).unwrap();
    let order = grid.coarse_to_fine();
    for (side, largest) in [(3usize, 8), (5, 4), (9, 2), (17, 1)] {
        assert_eq!(gap(&grid, &order[..side * side]), largest);
    }
}

fn axes() -> impl Strategy<Value = Vec<Axis>> {
    let axis = (-1e3..1e3f64, 1e-3..1e3f64, 1usize..12)
        .prop_map(|(min, length, count)| Axis::new(min, min + length, count).unwrap());
    prop::collection::vec(axis, 1..=3)
}

proptest! {
    #[test]
    fn values_rise_evenly(min in -1e6..1e6f64, length in 1e-3..1e6f64, count in 2usize..400) {
        let axis = Axis::new(min, min + length, count).unwrap();
        let values = axis.values();
        prop_assert_eq!(values[0], min);
        prop_assert_eq!(values[count - 1], min + length);
        for pair in values.windows(2) {
            prop_assert!(pair[0] < pair[1]);
            let error = (pair[1] - pair[0] - axis.step()).abs();
            prop_assert!(error <= 8.0 * f64::EPSILON * min.abs().max((min + length).abs()));
        }
    }

    #[test]
    fn symmetric_ranges_have_symmetric_values(half in 1e-6..1e6f64, count in 2usize..400) {
        let axis = Axis::new(-half, half, count).unwrap();
        for i in 0..count {
            prop_assert_eq!(axis.value(i), -axis.value(count - 1 - i));
        }
        prop_assert_eq!(axis.zero().is_some(), count % 2 == 1);
    }

    #[test]
    fn numbers_and_indices_agree(axes in axes()) {
        let grid = Grid::new(axes).unwrap();
        prop_assert_eq!(grid.len(), grid.shape().iter().product::<usize>());
        let mut flat = 0;
        let [nx, ny, nz] = grid.shape3();
        for i in 0..nx {
            for j in 0..ny {
                for k in 0..nz {
                    prop_assert_eq!(grid.index([i, j, k]), Some(flat));
                    prop_assert_eq!(grid.unravel(flat), [i, j, k]);
                    let point = grid.point(flat);
                    for (axis, index) in [i, j, k].into_iter().enumerate() {
                        let want = grid.axes().get(axis).map_or(0.0, |a| a.value(index));
                        prop_assert_eq!(point[axis], want);
                    }
                    flat += 1;
                }
            }
        }
    }

    #[test]
    fn coarse_to_fine_is_a_permutation(axes in axes()) {
        let grid = Grid::new(axes).unwrap();
        let mut order = grid.coarse_to_fine();
        let corners = grid.shape().iter().map(|&n| n.min(3)).product::<usize>();
        let ends = order[..corners].contains(&0)
            && order[..corners].contains(&(grid.len() - 1));
        prop_assert!(ends, "the coarsest level holds the corners");
        order.sort_unstable();
        prop_assert_eq!(order, (0..grid.len()).collect::<Vec<_>>());
    }

    #[test]
    fn values_are_found_again(axes in axes()) {
        for axis in axes {
            for i in 0..axis.count() {
                prop_assert_eq!(axis.nearest(axis.value(i)), Some(i));
            }
            prop_assert_eq!(axis.nearest(axis.max() + 1.0), None);
            prop_assert_eq!(axis.nearest(f64::NAN), None);
        }
    }
}
