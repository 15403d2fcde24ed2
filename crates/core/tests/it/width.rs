//! Widths of basins on lines, against closed forms, and how often their errors hold.

use crate::support::assert_close;
use landscape_core::{Axis, Grid, Rise, Rng, Sample, Surface, Value, width, width_of_groups};

/// A line of values with errors.
fn line(range: (f64, f64), count: usize, mut f: impl FnMut(f64) -> (f64, Option<f64>)) -> Surface {
    let grid = Grid::new(vec![Axis::new(range.0, range.1, count).unwrap()]).unwrap();
    let mut surface = Surface::new(grid.clone(), Vec::new());
    for flat in 0..grid.len() {
        let (loss, loss_se) = f(grid.point(flat)[0]);
        let sample = Sample {
            loss,
            loss_se,
            accuracy: None,
            terms: Vec::new(),
        };
        surface.set(flat, sample).unwrap();
    }
    surface
}

/// `1 + 2 a^2` rises by r at the root of r / 2.
#[test]
fn a_parabola_is_as_wide_as_it_is() {
    for count in [21, 40, 101, 400] {
        let surface = line((-1.0, 1.5), count, |a| (1.0 + 2.0 * a * a, None));
        for (rise, half) in [
            (Rise::Absolute(0.5), 0.5),
            (Rise::Absolute(0.125), 0.25),
            (Rise::Relative(0.5), 0.5),
        ] {
            let found = width(&surface, Value::Loss, 0.0, rise).unwrap();
            let (below, above) = (found.below.unwrap(), found.above.unwrap());
            let both = found.width.unwrap();
            let step = 2.5 / (count - 1) as f64;
            for (side, expected) in [(below, half), (above, half), (both, 2.0 * half)] {
                assert!(
                    (side.length - expected).abs() <= side.grid + step * step,
                    "{side}"
                );
                assert!(side.grid <= 2.0 * step, "{side}");
                assert_eq!(side.se, None);
            }
        }
    }
}

/// The interpolation's error falls with the square of the spacing, and so does what is said of it.
#[test]
fn the_error_of_the_grid_holds_and_falls() {
    let found = |count| {
        let surface = line((-1.0, 1.0), count, |a| (3.0 + 2.0 * a * a, None));
        let found = width(&surface, Value::Loss, 0.0, Rise::Absolute(0.31)).unwrap();
        found.width.unwrap()
    };
    let truth = 2.0 * (0.31f64 / 2.0).sqrt();
    let (coarse, fine) = (found(21), found(201));
    for reach in [coarse, fine] {
        assert!((reach.length - truth).abs() <= reach.grid, "{reach}");
    }
    assert!(fine.grid < coarse.grid / 50.0);
}

/// Independent noise on known parabolas: 95% of the intervals hold the width, for both kinds of rises.
#[test]
fn errors_of_noisy_widths_hold_as_often_as_they_say() {
    let mut rng = Rng::new(7, 0);
    for (rise, truth) in [
        (Rise::Absolute(0.5), 2.0 * 0.5f64.sqrt()),
        (Rise::Relative(0.25), 2.0 * 0.5f64.sqrt()),
    ] {
        let (mut held, mut off, mut said) = (0, 0.0f64, 0.0f64);
        let trials = 2000;
        for _ in 0..trials {
            let surface = line((-1.5, 1.5), 61, |a| {
                (2.0 + a * a + 0.01 * rng.normal(), Some(0.01))
            });
            let found = width(&surface, Value::Loss, 0.0, rise).unwrap();
            let both = found.width.unwrap();
            let error = both.length - truth;
            held += usize::from(error.abs() <= 1.96 * both.se.unwrap());
            off += error * error;
            said += both.se.unwrap().powi(2);
        }
        let share = held as f64 / f64::from(trials);
        assert!((0.93..0.97).contains(&share), "{rise}: {share}");
        assert!((off / said - 1.0).abs() < 0.15, "{rise}: {}", off / said);
    }
}

/// Samples whose losses are parabolas of their own curvature, minimum and level: the intervals of a jackknife hold as often as
/// they say where all points share the samples, and those of independent errors are far too wide.
#[test]
fn errors_of_widths_on_shared_samples_hold_as_often_as_they_say() {
    let mut rng = Rng::new(11, 0);
    let (groups, size, trials) = (10, 20, 1000_usize);
    // E (a - m)^2 c + level, with E c = 2, E m = 0, independent: the mean rises by 0.5 at a = 0.5.
    let truth = 1.0;
    let (mut held, mut off, mut said, mut alone) = (0, 0.0f64, 0.0f64, 0.0f64);
    for _ in 0..trials {
        let lines: Vec<(usize, Surface)> = (0..groups)
            .map(|_| {
                let mut draw = || [2.0 + 0.4 * rng.normal(), 0.1 * rng.normal(), rng.normal()];
                let samples: Vec<[f64; 3]> = (0..size).map(|_| draw()).collect();
                let loss = |a: f64| {
                    let each = samples
                        .iter()
                        .map(|[c, m, level]| c * (a - m).powi(2) + level);
                    each.sum::<f64>() / size as f64
                };
                // Of the levels, of which errors of the mean consist.
                let se = 1.0 / ((groups * size) as f64).sqrt();
                (size, line((-1.0, 1.0), 201, |a| (loss(a), Some(se))))
            })
            .collect();
        let rise = Rise::Absolute(0.5);
        let found = width_of_groups(&lines, Value::Loss, 0.0, rise).unwrap();
        let both = found.width.unwrap();
        let error = both.length - truth;
        let se = both.se.unwrap();
        // Student's t of 9 degrees of freedom.
        held += usize::from(error.abs() <= 2.262 * se);
        off += error * error;
        said += se * se;
        let independent = width(&lines[0].1, Value::Loss, 0.0, rise).unwrap();
        alone += independent.width.unwrap().se.unwrap().powi(2);
    }
    let share = held as f64 / trials as f64;
    assert!((0.925..0.975).contains(&share), "{share}");
    assert!((off / said - 1.0).abs() < 0.15, "{}", off / said);
    assert!(alone > 25.0 * said, "{}", alone / said);
}

#[test]
fn groups_without_a_width_have_none() {
    let of = |range: (f64, f64)| (10, line(range, 11, |a| (1.0 + a * a, None)));
    let found = |groups: &[(usize, Surface)]| {
        width_of_groups(groups, Value::Loss, 0.0, Rise::Absolute(0.25))
    };
    let both = [of((-1.0, 1.0)), of((-1.0, 1.0))];
    assert_eq!(found(&both).unwrap().width.unwrap().se, Some(0.0));
    assert_eq!(found(&both[..1]), None);
    assert_eq!(found(&[]), None);
    assert_eq!(found(&[of((-1.0, 1.0)), of((-2.0, 1.0))]), None);
}

/// The error of the value at the network moves both crossings: for an absolute rise, by se / slope each.
#[test]
fn errors_are_those_of_the_slopes() {
    // |a|, with an error at the network alone.
    let surface = line((-1.0, 1.0), 9, |a| {
        (a.abs(), Some(if a == 0.0 { 0.05 } else { 0.0 }))
    });
    let found = width(&surface, Value::Loss, 0.0, Rise::Absolute(0.6)).unwrap();
    assert_close(found.above.unwrap().se.unwrap(), 0.05, 1e-12);
    assert_close(found.width.unwrap().se.unwrap(), 0.1, 1e-12);
    // The first piece begins at the network: the share t = 0.8 of its error counts.
    let found = width(&surface, Value::Loss, 0.0, Rise::Absolute(0.2)).unwrap();
    assert_close(found.above.unwrap().se.unwrap(), 0.04, 1e-12);
}

#[test]
fn sides_that_are_not_known_are_none() {
    let surface = line((0.0, 1.0), 11, |a| (1.0 + a, None));
    let at_the_edge = width(&surface, Value::Loss, 0.0, Rise::Relative(0.35)).unwrap();
    assert_eq!((at_the_edge.below, at_the_edge.width), (None, None));
    assert_close(at_the_edge.above.unwrap().length, 0.35, 1e-12);
    let beyond = width(&surface, Value::Loss, 1.0, Rise::Absolute(0.1)).unwrap();
    assert_eq!((beyond.below, beyond.above), (None, None));
    assert_eq!(width(&surface, Value::Loss, 1.5, Rise::Absolute(0.1)), None);
    let zero = line((-1.0, 1.0), 3, |a| (a * a, None));
    assert_eq!(width(&zero, Value::Loss, 0.0, Rise::Relative(0.1)), None);
    // A hole, and a wall.
    let broken = line((-1.0, 1.0), 5, |a| match a {
        a if a < -0.2 => (f64::NAN, None),
        a if a > 0.7 => (f64::INFINITY, None),
        _ => (0.0, None),
    });
    let found = width(&broken, Value::Loss, 0.0, Rise::Absolute(0.1)).unwrap();
    let wall = found.above.unwrap();
    assert_eq!((found.below, wall.length, wall.grid), (None, 0.75, 0.25));
    let plane = Surface::new(
        Grid::new(vec![Axis::new(0.0, 1.0, 2).unwrap(); 2]).unwrap(),
        vec![],
    );
    assert_eq!(width(&plane, Value::Loss, 0.0, Rise::Absolute(0.1)), None);
}

#[test]
fn rises_are_written_as_they_are_read() {
    for word in ["10%", "0.1", "7%", "250%", "0.05", "0.001%"] {
        assert_eq!(word.parse::<Rise>().unwrap().to_string(), word);
    }
    for wrong in ["", "0", "-1", "a", "inf", "NaN%", "%"] {
        let error = wrong.parse::<Rise>().unwrap_err().to_string();
        assert!(error.contains("is not a rise"), "{error}");
    }
}
