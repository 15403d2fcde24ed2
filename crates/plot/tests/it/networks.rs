//! Models that a plane or line goes through, marked and named.

use crate::support::{bowl, group, plane, sampled, words};
use landscape_plot::page::{PageData, PageRun, html};
use landscape_plot::{
    Aspect, Camera, Figure, Options, PlacedNetwork, contour, heatmap, line, surface3d,
};

fn options(networks: &[(&str, [f64; 3])]) -> Options {
    let network = |&(name, at): &(&str, [f64; 3])| PlacedNetwork {
        name: name.to_owned(),
        at,
    };
    Options {
        origin: Some("model a".to_owned()),
        networks: networks.iter().map(network).collect(),
        ..Options::default()
    }
}

fn said(figure: &Figure, what: &str) -> bool {
    words(figure).iter().any(|word| word.words == what)
}

#[test]
fn planes_name_the_models_inside_their_frame() {
    // A dome, whose points are all seen from above.
    let surface = plane(21, 21, |x, y| -bowl(x, y));
    let (inside, outside) = ([0.5, -0.25, 0.0], [7.0, 0.0, 0.0]);
    let options = options(&[("model b", inside), ("model c", outside)]);
    for (kind, figure) in [
        ("contour", contour(&surface, &options).unwrap()),
        ("heatmap", heatmap(&surface, &options).unwrap()),
        ("surface", surface3d(&surface, &options).unwrap()),
    ] {
        assert!(said(&figure, "model a"), "{kind}");
        assert!(said(&figure, "model b"), "{kind}");
        assert!(
            !said(&figure, "model c"),
            "{kind} names what it does not show"
        );
    }
}

fn from_the_front(options: &Options) -> Options {
    Options {
        camera: Some(Camera::default()),
        ..options.clone()
    }
}

/// A ridge stands between the eye and what is close behind it.
#[test]
fn models_behind_a_surface_are_named_as_such() {
    let surface = plane(61, 61, |_, y| (-((y + 0.6) / 0.15).powi(2)).exp());
    let chosen = options(&[("model b", [0.1, -0.3, 0.0])]);
    let figure = surface3d(&surface, &from_the_front(&chosen)).unwrap();
    assert!(said(
        &figure,
        "model b (hidden, at the foot of the dotted line)"
    ));
    // The view that is chosen looks over the ridge.
    let figure = surface3d(&surface, &chosen).unwrap();
    assert!(said(&figure, "model b"));
}

#[test]
fn lines_name_both_ends() {
    let surface = sampled(&[(-0.5, 1.5, 41)], |[a, ..]| Some(a * a));
    let figure = line(&surface, &options(&[("model b", [1.0, 0.0, 0.0])])).unwrap();
    assert!(said(&figure, "model a") && said(&figure, "model b"));
    assert!(group(&figure, "models").matches("<path").count() >= 2);
    let alone = line(&surface, &options(&[])).unwrap();
    assert!(said(&alone, "model a"), "in the legend");
}

#[test]
fn pages_hold_their_places() {
    let mut run = PageRun::new("plane", plane(5, 5, bowl));
    run.networks = options(&[("b <1>", [1.0, 0.5, 0.0])]).networks;
    let page = html(&PageData::new("three models", vec![run])).unwrap();
    assert!(page.contains(r#""places":[{"name":"b \u003c1>","at":[1.0,0.5,0.0]}]"#));
}

#[test]
fn one_model_behind_a_surface_is_named_too() {
    let surface = plane(61, 61, |_, y| (-((y + 0.3) / 0.15).powi(2)).exp());
    let alone = surface3d(&surface, &from_the_front(&options(&[]))).unwrap();
    assert!(said(
        &alone,
        "model a (hidden, at the foot of the dotted line)"
    ));
}

/// Axes of counts and of thresholds: nothing speaks of directions or models, and counts are whole.
#[test]
fn planes_of_settings_speak_of_nothing_else() {
    let axes = [(1.0, 4.0, 4), (0.0, 0.5, 6)];
    let surface = sampled(&axes, |[k, t, _]| Some((k - 3.0).powi(2) + t));
    let options = Options {
        axes: [
            Some("tokens kept".to_owned()),
            Some("relevance threshold".to_owned()),
            None,
        ],
        aspect: Aspect::Free,
        origin: None,
        ..Options::default()
    };
    for (kind, figure) in [
        ("contour", contour(&surface, &options).unwrap()),
        ("heatmap", heatmap(&surface, &options).unwrap()),
    ] {
        // The ticks of the first axis stand below all else.
        let lowest = words(&figure).iter().map(|w| w.top).fold(0.0, f64::max);
        let below = words(&figure).into_iter().filter(|w| w.top > lowest - 14.0);
        let fractions = below.filter(|w| w.words.contains('.'));
        assert_eq!(fractions.count(), 0, "{kind}");
        for word in ["direction", "trained"] {
            let found: Vec<String> = words(&figure).into_iter().map(|w| w.words).collect();
            assert!(!found.iter().any(|w| w.contains(word)), "{kind}: {found:?}");
        }
        assert!(
            ["1", "2", "3", "4"].iter().all(|n| said(&figure, n)),
            "{kind}"
        );
    }
}

/// Four minima of one name are four marks and one entry.
#[test]
fn models_of_one_name_share_a_mark() {
    let surface = plane(21, 21, bowl);
    let minima = [[0.5, 0.5], [-0.5, 0.5], [0.5, -0.5]].map(|[x, y]| ("minimum", [x, y, 0.0]));
    let options = options(&minima);
    for figure in [
        contour(&surface, &options).unwrap(),
        surface3d(&surface, &options).unwrap(),
    ] {
        let legend = group(&figure, "legend");
        assert_eq!(legend.matches(">minimum<").count(), 1);
    }
    let figure = contour(&surface, &options).unwrap();
    let marks = group(&figure, "models");
    assert_eq!(
        marks.matches("<path").count(),
        6,
        "a casing and a cross each"
    );
}
