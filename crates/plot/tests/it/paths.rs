//! Paths of training: told apart, marked, and planes side by side on one scale.

use crate::support::{bowl, fan, group, named, path, plane, sampled, words};
use landscape_plot::{
    Figure, Options, PanelOf, PathOnPlane, PlotError, Size, Style, side_by_side, trajectories,
    trajectory, trajectory3d,
};

/// How many times a piece of text stands in another.
fn times(text: &str, piece: &str) -> usize {
    text.matches(piece).count()
}

/// All words of a figure, one after the other.
fn caption(figure: &Figure) -> String {
    let words: Vec<String> = words(figure).into_iter().map(|w| w.words).collect();
    words.join(" ")
}

/// A plane that explains little of its paths, or has other losses than they, is said to.
#[test]
fn a_plane_of_little_variance_is_said_so() {
    let surface = plane(21, 21, bowl);
    let mut fan = fan(10);
    for (_, path) in &mut fan {
        path.explained_variance = vec![0.267, 0.148];
    }
    let figure = trajectories(&surface, &named(&fan), &Options::default()).unwrap();
    let said = caption(&figure);
    let words = "The plane explains only 41.5% of the paths' variance.";
    assert_eq!(times(&said, words), 1, "{said}");
    for figure in [trajectory, trajectory3d] {
        let figure = figure(&surface, &fan[0].1, &Options::default()).unwrap();
        assert!(caption(&figure).contains("only 41.5% of the path's variance."));
    }
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
    let stroke = |line: &str| line.split("stroke=\"").nth(1).map(|s| s[..7].to_owned());
    let mut colors: Vec<String> = lines.split("<path").filter_map(stroke).collect();
    colors.retain(|color| color != "#ffffff");
    colors.sort();
    colors.dedup();
    assert_eq!(colors.len(), 10, "each has its colour");
}

#[test]
fn a_common_start_is_marked_once() {
    let surface = plane(21, 21, bowl);
    let fan = fan(4);
    let figure = trajectories(&surface, &named(&fan), &Options::default()).unwrap();
    assert!(figure.svg().contains("common start (step 0)"));
    assert!(caption(&figure).contains("Each path ends at its mark (step 110)."));
    let mut apart = fan.clone();
    apart[2].1.points[0].coords = [0.5, 0.5, 0.0];
    apart[2].1.points[11].step = 300;
    let figure = trajectories(&surface, &named(&apart), &Options::default()).unwrap();
    assert!(caption(&figure).contains("Paths run from hollow marks (step 0) to filled ones."));
    assert!(!figure.svg().contains("common start"));
    // Where all end at one point too, that is marked once.
    let mut joined = fan.clone();
    for (_, path) in &mut joined {
        path.points[11].coords = [0.2, 0.1, 0.0];
    }
    let figure = trajectories(&surface, &named(&joined), &Options::default()).unwrap();
    assert!(figure.svg().contains(">common end (step 110)<"));
    assert!(!caption(&figure).contains("ends at its mark"));
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
        caption.contains("5 of 13 checkpoints lie outside the plane shown (far)"),
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
        style: Style::of(Size::Double),
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
