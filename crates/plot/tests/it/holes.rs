//! Cells without a value.

use crate::support::{broken, every_kind, group, plane};
use landscape_plot::{Options, Scale, contour, heatmap, line, surface3d, volume_slices};

#[test]
fn broken_cells_are_hatched_and_counted() {
    let surface = broken();
    let (nan, missing) = (surface.non_finite(), surface.missing());
    assert!(nan > 0 && missing > 0);
    for draw in [heatmap, contour, surface3d] {
        let figure = draw(&surface, &Options::default()).unwrap();
        let legend = group(&figure, "legend");
        assert!(legend.contains(&format!("NaN or ∞ ({nan})")), "{legend}");
        assert!(
            legend.contains(&format!("not computed ({missing})")),
            "{legend}"
        );
        assert!(figure.svg().contains("<pattern id=\"hatch\""));
    }
    for (kind, figure) in every_kind(&Options::default()) {
        let expected = kind.contains("holes") || kind == "line" || kind == "volume";
        assert_eq!(figure.svg().contains("NaN or ∞"), expected, "{kind}");
    }
}

#[test]
fn a_whole_plane_has_no_such_legend() {
    let figure = heatmap(&plane(9, 9, |x, y| x + y), &Options::default()).unwrap();
    assert!(!figure.svg().contains("NaN or") && !figure.svg().contains("url(#hatch)"));
}

#[test]
fn a_plane_without_any_value_is_drawn() {
    for value in [f64::NAN, f64::INFINITY] {
        let surface = plane(7, 5, |_, _| value);
        for scale in [Scale::Linear, Scale::Log] {
            let options = Options {
                scale,
                ..Options::default()
            };
            for draw in [heatmap, contour, surface3d] {
                let figure = draw(&surface, &options).unwrap();
                assert!(figure.svg().contains("NaN or ∞ (35)"));
                assert!(!figure.svg().contains("colour-bar"));
                figure.to_png(100.0).unwrap();
            }
        }
    }
}

#[test]
fn lines_and_volumes_that_are_all_broken_are_drawn() {
    let profile = crate::support::sampled(&[(-1.0, 1.0, 11)], |_| Some(f64::NAN));
    assert!(
        line(&profile, &Options::default())
            .unwrap()
            .svg()
            .contains("NaN or ∞ (11)")
    );
    let axis = (-1.0, 1.0, 3);
    let volume = crate::support::sampled(&[axis, axis, axis], |_| None);
    let figure = volume_slices(&volume, &Options::default()).unwrap();
    assert!(figure.svg().contains("not computed (27)"));
}
