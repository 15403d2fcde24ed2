//! Scales: logarithms through zero, clipping, sharing, smoothing.

use crate::support::{plane, sampled};
use landscape_core::{Sample, Surface, Term, Value};
use landscape_plot::{
    Clip, Colormap, LossBand, LossCurve, LossProfile, Options, PlotError, Scale, Style, contour,
    heatmap, line, loss_bands, loss_profiles, losses, surface3d,
};

fn log() -> Options {
    Options {
        scale: Scale::Log,
        ..Options::default()
    }
}

#[test]
fn zero_and_negative_losses_do_not_break_the_log_view() {
    let zero = plane(21, 21, |x, y| x * x + y * y);
    let negative = plane(21, 21, |x, y| x * x + y * y - 0.5);
    let below = plane(21, 21, |x, y| -1.0 - x * x - y * y);
    for surface in [&zero, &negative, &below] {
        for draw in [heatmap, contour, surface3d] {
            let svg = draw(surface, &log()).unwrap().to_svg();
            assert!(svg.contains("The scale is logarithmic, and linear between −"));
            assert!(!svg.contains("NaN or"));
        }
    }
    let positive = plane(21, 21, |x, y| 1.0 + x * x + y * y);
    assert!(
        !heatmap(&positive, &log())
            .unwrap()
            .svg()
            .contains("linear between")
    );
    let profile = sampled(&[(-1.0, 1.0, 21)], |[x, ..]| Some(x));
    assert!(
        line(&profile, &log())
            .unwrap()
            .svg()
            .contains("linear between")
    );
}

#[test]
fn clipped_values_are_counted_and_get_an_arrow() {
    let surface = plane(21, 21, |x, y| x * x + y * y);
    let clip = Clip {
        low: None,
        high: Some(1.0),
    };
    let options = Options {
        clip,
        ..Options::default()
    };
    let above = surface.losses().iter().filter(|v| **v > 1.0 + 1e-9).count();
    let figure = heatmap(&surface, &options).unwrap();
    assert!(
        figure
            .svg()
            .contains(&format!("{above} points lie above 1"))
    );
    // The arrow is a triangle in the last colour; the bar itself is a gradient.
    let [r, g, b] = Colormap::Viridis.color(1.0);
    let arrow = format!("Z\" fill=\"#{r:02x}{g:02x}{b:02x}\"");
    assert!(crate::support::group(&figure, "colour-bar").contains(&arrow));
    let plain = heatmap(&surface, &Options::default()).unwrap();
    assert!(!crate::support::group(&plain, "colour-bar").contains(&arrow));
    let cut = surface3d(&surface, &options).unwrap();
    assert!(cut.svg().contains("surface is cut off"));
}

#[test]
fn figures_can_share_a_scale() {
    let small = plane(9, 9, |x, y| 1.0 + x * x + y * y);
    let large = plane(9, 9, |x, y| 10.0 * (1.0 + x * x + y * y));
    let shared = log().share(&[&small, &large]);
    assert_eq!(shared.range, Some((1.0, 30.0)));
    let bars: Vec<String> = [&small, &large]
        .iter()
        .map(|s| crate::support::group(&heatmap(s, &shared).unwrap(), "colour-bar").to_owned())
        .collect();
    assert_eq!(bars[0], bars[1]);
    let signed = plane(9, 9, |x, _| x);
    let shared = log().share(&[&signed, &large]);
    assert!(matches!(shared.scale, Scale::SymLog { .. }));
}

#[test]
fn smoothing_is_stated_and_changes_the_picture_only() {
    let surface = plane(21, 21, |x, y| ((9.0 * x).sin() + (7.0 * y).cos()).abs());
    let before = surface.clone();
    let smooth = Options {
        smooth: 1.5,
        ..Options::default()
    };
    let figure = heatmap(&surface, &smooth).unwrap();
    assert_eq!(surface, before);
    assert!(figure.svg().contains("smoothed (Gaussian, σ = 1.5 cells)"));
    assert_ne!(figure, heatmap(&surface, &Options::default()).unwrap());
}

#[test]
fn figures_that_do_not_smooth_do_not_say_so() {
    let smooth = Options {
        smooth: 1.5,
        ..Options::default()
    };
    let profile = LossProfile {
        name: "straight".to_owned(),
        t: vec![0.0, 0.5, 1.0],
        loss: vec![1.0, 3.0, 1.0],
    };
    let band = LossBand {
        name: "seeds".to_owned(),
        runs: 3,
        steps: vec![0.0, 1.0],
        median: vec![2.0, 1.0],
        range: vec![[1.0, 3.0], [0.5, 2.0]],
    };
    let plain = Options::default();
    for [first, second] in [
        [&smooth, &plain].map(|o| loss_profiles(std::slice::from_ref(&profile), o).unwrap()),
        [&smooth, &plain].map(|o| loss_bands(std::slice::from_ref(&band), o).unwrap()),
    ] {
        assert_eq!(first, second);
    }
    // Losses of trainings are smoothed, and say so.
    let curve = LossCurve {
        steps: vec![0.0, 1.0, 2.0],
        losses: vec![3.0, 1.0, 2.0],
        ..LossCurve::default()
    };
    let figure = losses(&[curve], &smooth).unwrap();
    assert_eq!(figure.svg().matches("smoothed (Gaussian").count(), 1);
}

#[test]
fn a_diverging_map_is_centred_at_zero() {
    let surface = plane(9, 9, |x, _| 2.0 * x + 1.0);
    let style = Style {
        colormap: Colormap::Diverging,
        ..Style::default()
    };
    let figure = heatmap(
        &surface,
        &Options {
            style,
            ..Options::default()
        },
    )
    .unwrap();
    let bar = crate::support::group(&figure, "colour-bar");
    assert!(bar.contains(">−3<") && bar.contains(">3<"));
}

#[test]
fn every_value_of_a_sample_can_be_drawn() {
    let terms = vec![Term {
        name: "l2".into(),
        weight: 0.5,
    }];
    let grid = landscape_core::Grid::square(5, 1.0, 2).unwrap();
    let mut surface = Surface::new(grid, terms);
    for flat in 0..25 {
        let sample = Sample {
            loss: flat as f64,
            loss_se: Some(0.1),
            accuracy: Some(flat as f64 / 25.0),
            terms: vec![100.0 + flat as f64],
        };
        surface.set(flat, sample).unwrap();
    }
    let svg = |value| {
        heatmap(
            &surface,
            &Options {
                value,
                ..Options::default()
            },
        )
        .map(|f| f.to_svg())
    };
    assert!(svg(Value::Loss).unwrap().contains(">loss<"));
    assert!(svg(Value::Accuracy).unwrap().contains(">accuracy<"));
    assert!(svg(Value::Total).unwrap().contains(">total loss<"));
    assert!(svg(Value::Term(0)).unwrap().contains(">l2<"));
    assert!(svg(Value::LossSe).unwrap().contains("standard error"));
    let missing = svg(Value::Term(1));
    assert!(matches!(
        missing,
        Err(PlotError::NoTerm { index: 1, found: 1 })
    ));
}
