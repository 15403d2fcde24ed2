//! Figures of surfaces at the ends of what an f64 holds.

use crate::support::sampled;
use landscape_core::{Surface, Value, merge_tree};
use landscape_plot::{
    Along, Clip, Figure, NamedPlane, Options, PlotError, Scale, Style, along, barcode, contour,
    heatmap, line, persistence, surface3d, volume_slices,
};

const VALUES: [(&str, &[f64]); 14] = [
    ("the whole range", &[-f64::MAX, f64::MAX]),
    ("large", &[-1.7e308, 1.0, 2.0, 1.7e308]),
    ("large, of one sign", &[1e308, 1.7e308]),
    ("the smallest numbers", &[0.0, 5e-324]),
    ("below normal", &[1e-320, 3e-310, 2e-308]),
    ("all the smallest", &[5e-324]),
    ("all the largest", &[f64::MAX]),
    ("neighbours", &[1.0, 1.0000000000000002]),
    ("neighbours far from 0", &[1e16, 10000000000000002.0]),
    ("every size", &[5e-324, 1e-200, 1.0, 1e200, f64::MAX]),
    ("both signs", &[-1e200, -1e-200, 0.0, 1e-200, 1e200]),
    ("zeros", &[0.0, -0.0]),
    (
        "holes",
        &[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e308, -1e308],
    ),
    ("nothing finite", &[f64::NAN, f64::INFINITY]),
];

const RANGES: [(f64, f64); 4] = [
    (-1.0, 1.0),
    (-8.9e307, 8.9e307),
    (-1e-300, 1e-300),
    (1e15, 1e15 + 64.0),
];

/// A surface that takes the values in turn.
fn turns(dims: usize, range: (f64, f64), values: &[f64]) -> Surface {
    let axes = [(range.0, range.1, 5), (-1.0, 1.0, 4), (-1.0, 1.0, 3)];
    let mut k = 0;
    sampled(&axes[..dims], |_| {
        k += 1;
        Some(values[(k * k + k / 3) % values.len()])
    })
}

fn options() -> Vec<Options> {
    let clip = |low, high| Clip { low, high };
    let clips = [
        clip(None, None),
        clip(None, Some(1.0)),
        clip(Some(-1.7e308), Some(1.7e308)),
        clip(Some(5e-324), Some(1e-323)),
    ];
    let scales = [
        Scale::Linear,
        Scale::Log,
        Scale::SymLog { threshold: 5e-324 },
    ];
    let of = |clip, scale, smooth| Options {
        clip,
        scale,
        smooth,
        // The fewest pixels.
        style: Style {
            width_mm: 50.0,
            ..Style::default()
        },
        ..Options::default()
    };
    let sharp = clips
        .iter()
        .flat_map(|c| scales.iter().map(move |s| of(*c, *s, 0.0)));
    sharp
        .chain(clips.iter().map(|c| of(*c, Scale::Linear, 1.5)))
        .collect()
}

/// A figure whose numbers are numbers; a refusal is a sentence.
fn check(figure: Result<Figure, PlotError>, what: &str) {
    match figure {
        Ok(figure) => {
            let svg = figure.svg();
            let attributes = svg
                .split('<')
                .filter_map(|tag| tag.split_once('>'))
                .map(|(tag, _)| tag);
            for tag in attributes.filter(|t| !t.starts_with("desc") && !t.starts_with("metadata")) {
                let numbers = tag.split("base64,").next().unwrap_or_default();
                let bad = ["NaN", "inf"].iter().any(|w| numbers.contains(w));
                assert!(!bad, "{what}: {numbers}");
            }
        }
        Err(error) => assert!(!error.to_string().is_empty(), "{what}"),
    }
}

#[test]
fn every_figure_draws_every_surface() {
    std::thread::scope(|scope| {
        for values in VALUES.chunks(VALUES.len() / 2) {
            scope.spawn(|| draws(values));
        }
    });
}

fn draws(all: &[(&str, &[f64])]) {
    let options = options();
    for &(name, values) in all {
        for (k, range) in RANGES.into_iter().enumerate() {
            let (a, b, c) = (
                turns(1, range, values),
                turns(2, range, values),
                turns(3, range, values),
            );
            let pairs = merge_tree(&b, Value::Loss).persistence();
            // Every option on an ordinary plane, the default ones on the others.
            for o in &options[..if k == 0 { options.len() } else { 1 }] {
                let what = format!(
                    "{name}, {range:?}, {:?}, {:?}, {}",
                    o.clip, o.scale, o.smooth
                );
                check(line(&a, o), &what);
                check(contour(&b, o), &what);
                check(heatmap(&b, o), &what);
                check(surface3d(&b, o), &what);
                check(volume_slices(&c, o), &what);
                let plane = NamedPlane {
                    name: "a",
                    surface: &b,
                };
                let ends = Along {
                    from: [range.0, -1.0],
                    to: [range.1, 1.0],
                };
                check(along(&[plane], &ends, o), &what);
                check(persistence(&pairs, o), &what);
                check(barcode(&pairs, o), &what);
            }
        }
    }
}
