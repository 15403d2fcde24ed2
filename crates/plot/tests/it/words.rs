//! Text: sizes, and that no label leaves the page or touches another.

use crate::support::{Words, every_kind, plane, words};
use landscape_plot::{Figure, Options, Scale, Style, contour};

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

/// Sizes are 5 to 7 points, no text leaves the page, no upright text touches another.
fn check(kind: &str, figure: &Figure) {
    let (w, h) = figure.size_mm();
    let (w, h) = (w / 25.4 * 72.0, h / 25.4 * 72.0);
    let found = words(figure);
    assert!(!found.is_empty(), "{kind}");
    for text in &found {
        assert!((4.99..=7.01).contains(&text.size), "{kind}: {text:?}");
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
            check(kind, &figure);
        }
    }
}

#[test]
fn text_of_a_page_is_legible_and_free() {
    let style = Style::double();
    for (kind, figure) in every_kind(&Options {
        style,
        ..long_names()
    }) {
        check(kind, &figure);
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
