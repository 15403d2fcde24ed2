//! Wrong input, and input at its ends.

use crate::support::{curve, path, plane, sampled};
use landscape_plot::{
    Clip, LossCurve, Options, PlotError, Scale, Style, contour, heatmap, line, losses, surface3d,
    trajectory, volume_slices,
};

#[test]
fn a_figure_says_how_many_directions_it_shows() {
    let surface = sampled(&[(-1.0, 1.0, 5)], |[x, ..]| Some(x));
    let error = contour(&surface, &Options::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a contour figure shows 2 direction(s), but the surface has 1"
    );
    let surface = plane(5, 5, |x, _| x);
    for draw in [line, volume_slices] {
        assert!(matches!(
            draw(&surface, &Options::default()),
            Err(PlotError::Dimensions { found: 2, .. })
        ));
    }
}

#[test]
fn contours_need_two_points_an_axis_but_heatmaps_do_not() {
    let thin = sampled(&[(-1.0, 1.0, 5), (0.5, 0.5, 1)], |[x, ..]| Some(x));
    for draw in [contour, surface3d] {
        assert!(matches!(
            draw(&thin, &Options::default()),
            Err(PlotError::TooFewPoints {
                axis: 2,
                found: 1,
                ..
            })
        ));
    }
    heatmap(&thin, &Options::default()).unwrap();
    let one = sampled(&[(0.0, 0.0, 1), (0.0, 0.0, 1)], |_| Some(2.0));
    heatmap(&one, &Options::default())
        .unwrap()
        .to_png(72.0)
        .unwrap();
}

#[test]
fn options_are_checked_before_anything_is_drawn() {
    let surface = plane(5, 5, |x, _| x);
    let fails =
        |options: Options| matches!(heatmap(&surface, &options), Err(PlotError::Option { .. }));
    let style = |width_mm, font_pt| Options {
        style: Style {
            width_mm,
            font_pt,
            ..Style::default()
        },
        ..Options::default()
    };
    assert!(fails(style(5.0, 7.0)) && fails(style(89.0, 3.0)) && fails(style(f64::NAN, 7.0)));
    assert!(fails(Options {
        smooth: -1.0,
        ..Options::default()
    }));
    assert!(fails(Options {
        smooth: f64::NAN,
        ..Options::default()
    }));
    for levels in [vec![], vec![1.0, f64::NAN]] {
        assert!(fails(Options {
            levels: Some(levels),
            ..Options::default()
        }));
    }
    assert!(fails(Options {
        scale: Scale::SymLog { threshold: 0.0 },
        ..Options::default()
    }));
    assert!(fails(Options {
        range: Some((1.0, 1.0)),
        ..Options::default()
    }));
    let clip = Clip {
        low: Some(2.0),
        high: Some(1.0),
    };
    assert!(fails(Options {
        clip,
        ..Options::default()
    }));
    let clip = Clip {
        low: None,
        high: Some(f64::INFINITY),
    };
    assert!(fails(Options {
        clip,
        ..Options::default()
    }));
    let figure = heatmap(&surface, &Options::default()).unwrap();
    for dpi in [0.0, f64::NAN, 1e6] {
        assert!(matches!(figure.to_png(dpi), Err(PlotError::Option { .. })));
    }
}

#[test]
fn curves_are_checked() {
    assert!(matches!(
        losses(&[], &Options::default()),
        Err(PlotError::Empty { .. })
    ));
    let short = LossCurve {
        losses: vec![1.0],
        ..curve("short")
    };
    assert_eq!(
        losses(&[short], &Options::default())
            .unwrap_err()
            .to_string(),
        "curve `short` has 30 steps but 1 values"
    );
    let holes = LossCurve {
        losses: (0..30)
            .map(|k| if k % 7 == 3 { f64::NAN } else { f64::from(k) })
            .collect(),
        ..curve("holes")
    };
    losses(&[holes], &Options::default()).unwrap();
    let one = LossCurve {
        steps: vec![3.0],
        losses: vec![2.0],
        ..curve("one")
    };
    losses(
        &[one],
        &Options {
            scale: Scale::Log,
            ..Options::default()
        },
    )
    .unwrap();
    let many: Vec<LossCurve> = (0..30).map(|k| curve(&format!("run {k}"))).collect();
    losses(&many, &Options::default()).unwrap();
}

#[test]
fn trajectories_may_leave_the_plane_or_have_one_point() {
    let surface = plane(9, 9, |x, y| 1.0 + x * x + y * y);
    let mut far = path(5);
    far.points[0].coords = [1e9, f64::NAN, 0.0];
    far.points[1].coords = [-3.0, 0.0, 0.0];
    let figure = trajectory(&surface, &far, &Options::default()).unwrap();
    assert!(figure.svg().contains("2 of 5 checkpoints lie outside"));
    assert!(figure.svg().contains("(83.2% of variance)"));
    trajectory(&surface, &path(1), &Options::default()).unwrap();
    let mut none = path(1);
    none.points.clear();
    assert!(matches!(
        trajectory(&surface, &none, &Options::default()),
        Err(PlotError::Empty { .. })
    ));
}

#[test]
fn extreme_values_are_drawn() {
    for scale in [1e-300, 1e-12, 1e12, 1e300] {
        let surface = plane(9, 7, |x, y| scale * (1.0 + x * x + y * y));
        for kind in [Scale::Linear, Scale::Log] {
            let options = Options {
                scale: kind,
                ..Options::default()
            };
            for draw in [heatmap, contour, surface3d] {
                draw(&surface, &options).unwrap().to_png(72.0).unwrap();
            }
        }
    }
    let wide = plane(9, 7, |x, y| 10f64.powf(140.0 * x + 140.0 * y));
    for draw in [heatmap, contour, surface3d] {
        draw(
            &wide,
            &Options {
                scale: Scale::Log,
                ..Options::default()
            },
        )
        .unwrap();
    }
    let shifted = plane(9, 7, |x, _| 2.3 + 1e-9 * x);
    for draw in [heatmap, contour, surface3d] {
        draw(&shifted, &Options::default()).unwrap();
    }
}
