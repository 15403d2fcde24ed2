//! Text: sizes, and that no label leaves the page or touches another.

use crate::support::{Words, curve, every_kind, path, plane, words};
use landscape_plot::{
    Figure, Options, PlotError, Scale, Size, Style, contour, losses, surface3d, trajectory,
};

fn long_names() -> Options {
    Options {
        axes: [1, 2, 3].map(|i| Some(format!("direction {i} (filter-normalised)"))),
        title: Some("A title that is so long that it cannot stand on one line of a column".into()),
        caption: Some(
            "A sentence about what is to be seen, longer than a line of the figure".into(),
        ),
        scale: Scale::Log,
        ..Options::default()
    }
}

fn overlap(a: &Words, b: &Words) -> bool {
    a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
}

/// Sizes are 5 points to the largest, no text leaves the page, no upright text touches another.
fn check(kind: &str, figure: &Figure, largest: f64) {
    let (w, h) = figure.size_mm();
    let (w, h) = (w / 25.4 * 72.0, h / 25.4 * 72.0);
    let found = words(figure);
    assert!(!found.is_empty(), "{kind}");
    for text in &found {
        let size = text.size;
        assert!((4.99..=largest + 0.01).contains(&size), "{kind}: {text:?}");
        let inside = text.left >= 0.0 && text.top >= 0.0 && text.right <= w && text.bottom <= h;
        assert!(inside, "{kind} ({w} x {h}): {text:?}");
    }
    let upright: Vec<&Words> = found.iter().filter(|w| w.upright).collect();
    for (k, a) in upright.iter().enumerate() {
        for b in &upright[k + 1..] {
            assert!(!overlap(a, b), "{kind}: {a:?} touches {b:?}");
        }
    }
}

#[test]
fn text_of_a_column_is_legible_and_free() {
    for scale in [Scale::Linear, Scale::Log] {
        for (kind, figure) in every_kind(&Options {
            scale,
            ..long_names()
        }) {
            check(kind, &figure, 7.0);
        }
    }
}

#[test]
fn text_of_journals_is_legible_and_free() {
    for size in [Size::Single, Size::Double] {
        for (kind, figure) in every_kind(&Options {
            style: Style::of(size),
            ..long_names()
        }) {
            check(kind, &figure, 8.0);
        }
    }
}

#[test]
fn slides_have_one_shape_whatever_they_show() {
    let surface = plane(21, 21, |x, y| 0.1 + x * x + 3.0 * y * y);
    let of = |style| Options {
        style,
        ..long_names()
    };
    let (path, curves) = (path(20), [curve("a"), curve("b")]);
    let draw: [&dyn Fn(Style) -> Result<Figure, PlotError>; 4] = [
        &|style| contour(&surface, &of(style)),
        &|style| surface3d(&surface, &of(style)),
        &|style| trajectory(&surface, &path, &of(style)),
        &|style| losses(&curves, &of(style)),
    ];
    for (kind, draw) in ["contour", "surface", "trajectory", "losses"]
        .iter()
        .zip(draw)
    {
        let slide = Figure::fitted(Style::of(Size::Slide), draw).unwrap();
        assert_eq!(slide.size_mm(), (160.0, 90.0), "{kind}");
        check(kind, &slide, 10.0);
        let largest = words(&slide).iter().map(|w| w.size).fold(0.0, f64::max);
        assert!((largest - 10.0).abs() < 0.01, "{kind}: {largest}");
    }
}

#[test]
fn text_is_text_in_the_named_font() {
    for (kind, figure) in every_kind(&long_names()) {
        assert!(
            figure.svg().contains("font-family=\"'DejaVu Sans'"),
            "{kind}"
        );
        assert!(
            figure.svg().contains(">dir")
                || ["losses", "sharpness", "profiles", "persistence"]
                    .iter()
                    .any(|k| kind.contains(k)),
            "{kind}"
        );
    }
}

#[test]
fn contours_are_labelled_with_a_halo() {
    let surface = plane(51, 51, |x, y| 1e-3 + (x * x + y * y).powi(2));
    let figure = contour(
        &surface,
        &Options {
            scale: Scale::Log,
            ..Options::default()
        },
    )
    .unwrap();
    let labels = crate::support::group(&figure, "contour-labels");
    assert!(labels.contains(">0.1<") && labels.contains(">0.01<") && labels.contains(">1<"));
    assert!(labels.contains("paint-order=\"stroke\""));
}
