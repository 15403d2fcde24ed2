//! Paths of training: told apart, marked, and planes side by side on one scale.

use crate::support::{bowl, fan, group, named, path, plane, sampled, words};
use landscape_plot::{
    Options, PanelOf, PathOnPlane, PlotError, Style, side_by_side, trajectories, trajectory,
};

/// How many times a piece of text stands in another.
fn times(text: &str, piece: &str) -> usize {
    text.matches(piece).count()
}

#[test]
fn ten_paths_differ_and_all_are_named() {
    let (surface, fan) = (plane(21, 21, bowl), fan(10));
    let figure = trajectories(&surface, &named(&fan), &Options::default()).unwrap();
    let legend = group(&figure, "legend");
    for (name, _) in &fan {
        assert_eq!(times(legend, &format!(">{name}<")), 1, "{name}");
    }
    // Twenty lines: a casing and a line each. The second five paths are dashed.
    let lines = group(&figure, "trajectory");
    assert_eq!(times(lines, "stroke=\"#ffffff\" stroke-width=\"2.6\""), 10);
    assert_eq!(times(lines, "stroke-dasharray"), 5);
    for color in ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000"] {
        assert_eq!(times(lines, &format!("stroke=\"{color}\"")), 2, "{color}");
    }
}

#[test]
fn a_common_start_is_marked_once() {
    let surface = plane(21, 21, bowl);
    let fan = fan(4);
    let figure = trajectories(&surface, &named(&fan), &Options::default()).unwrap();
    assert!(
        figure.svg().contains("common start (step 0)") && figure.svg().contains("end (step 110)")
    );
    let mut apart = fan.clone();
    apart[2].1.points[0].coords = [0.5, 0.5, 0.0];
    apart[2].1.points[11].step = 300;
    let figure = trajectories(&surface, &named(&apart), &Options::default()).unwrap();
    assert!(figure.svg().contains(">start (step 0)<") && figure.svg().contains(">end<"));
    assert!(!figure.svg().contains("common start"));
}

#[test]
fn curves_between_networks_have_no_steps() {
    let (surface, fan) = (plane(21, 21, bowl), fan(2));
    let options = Options {
        training: false,
        ..Options::default()
    };
    let several = trajectories(&surface, &named(&fan), &options).unwrap();
    let alone = trajectory(&surface, &fan[0].1, &options).unwrap();
    for figure in [&several, &alone] {
        assert!(!figure.svg().contains("step") && !figure.svg().contains("training path"));
    }
    assert!(several.svg().contains(">common start<") && alone.svg().contains(">curve<"));
}

#[test]
fn the_share_of_variance_is_written_where_paths_agree() {
    let surface = plane(21, 21, bowl);
    let mut fan = fan(2);
    let shown = |fan: &[_]| trajectories(&surface, &named(fan), &Options::default()).unwrap();
    assert!(shown(&fan).svg().contains("83.2%"));
    fan[1].1.explained_variance = vec![0.5, 0.2];
    assert!(!shown(&fan).svg().contains("83.2%"));
}

#[test]
fn checkpoints_outside_are_counted_and_their_paths_named() {
    let surface = sampled(&[(-0.5, 1.0, 9), (-1.0, 1.0, 9)], |[x, y, _]| {
        Some(bowl(x, y))
    });
    let (near, far) = (path(1), path(12));
    let mut near = near;
    near.points[0].coords = [0.1, 0.1, 0.0];
    let paths = [
        PathOnPlane {
            name: "near",
            trajectory: &near,
        },
        PathOnPlane {
            name: "far",
            trajectory: &far,
        },
    ];
    let figure = trajectories(&surface, &paths, &Options::default()).unwrap();
    let caption: Vec<String> = words(&figure).into_iter().map(|w| w.words).collect();
    let caption = caption.join(" ");
    assert!(
        caption.contains("5 of 13 checkpoints lie outside of the plane shown (far)"),
        "{caption}"
    );
}

#[test]
fn no_path_and_an_empty_one_are_errors() {
    let surface = plane(9, 9, bowl);
    let options = Options::default();
    assert!(matches!(
        trajectories(&surface, &[], &options),
        Err(PlotError::Empty { .. })
    ));
    let mut empty = path(3);
    empty.points.clear();
    assert!(matches!(
        trajectory(&surface, &empty, &options),
        Err(PlotError::Empty { .. })
    ));
    let paths = [PathOnPlane {
        name: "adam",
        trajectory: &empty,
    }];
    let error = trajectories(&surface, &paths, &options).unwrap_err();
    assert_eq!(error.to_string(), "path `adam` has no checkpoint");
}

#[test]
fn planes_side_by_side_share_one_scale() {
    let low = plane(15, 15, bowl);
    let high = plane(15, 15, |x, y| 3.0 * bowl(x, y));
    let panel = |surface| PanelOf {
        title: "a",
        surface,
        paths: &[],
    };
    let options = Options {
        style: Style::double(),
        ..Options::default()
    };
    let pictures = |panels: &[PanelOf<'_>]| -> Vec<String> {
        let figure = side_by_side(panels, &options).unwrap();
        let start = figure.svg().split("xlink:href=\"").skip(1);
        start
            .map(|s| s.split('"').next().unwrap().to_owned())
            .collect()
    };
    let same = pictures(&[panel(&low), panel(&low)]);
    assert_eq!(same[0], same[1]);
    let mixed = pictures(&[panel(&low), panel(&high), panel(&low)]);
    assert_eq!(mixed[0], mixed[2]);
    assert_ne!(mixed[0], mixed[1]);
    let three = side_by_side(&[panel(&low), panel(&high), panel(&low)], &options).unwrap();
    assert_eq!(times(three.svg(), "id=\"colour-bar\""), 1);
}

#[test]
fn one_panel_and_seven_are_errors() {
    let low = plane(5, 5, bowl);
    let panel = PanelOf {
        title: "a",
        surface: &low,
        paths: &[],
    };
    for n in [0, 1, 7] {
        let error = side_by_side(&vec![panel; n], &Options::default()).unwrap_err();
        assert!(error.to_string().contains("2 to 6"), "{error}");
    }
}
