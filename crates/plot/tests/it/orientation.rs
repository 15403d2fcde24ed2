//! The first axis runs to the right, the second upwards, cells are centred on their points.

use crate::support::{pixels, plane, sampled};
use landscape_core::Surface;
use landscape_plot::{Figure, Fill, Options, contour, heatmap};
use resvg::tiny_skia::Pixmap;

fn plain() -> Options {
    Options {
        origin: None,
        ..Options::default()
    }
}

/// The rectangle of the embedded picture in points: left, top, width, height.
fn picture(figure: &Figure) -> [f64; 4] {
    let svg = figure.svg();
    let image = &svg[svg.find("<image").unwrap()..];
    ["x", "y", "width", "height"].map(|name| {
        let key = format!(" {name}=\"");
        let rest = &image[image.find(&key).unwrap() + key.len()..];
        rest[..rest.find('"').unwrap()].parse().unwrap()
    })
}

/// The colour at a share of the frame, from its lower left corner.
fn color(map: &Pixmap, scale: f64, frame: [f64; 4], u: f64, v: f64) -> [u8; 3] {
    let x = (frame[0] + u * frame[2]) * scale;
    let y = (frame[1] + (1.0 - v) * frame[3]) * scale;
    let p = map.pixel(x as u32, y as u32).unwrap();
    [p.red(), p.green(), p.blue()]
}

fn is_yellow([r, g, b]: [u8; 3]) -> bool {
    r > 180 && g > 180 && b < 120
}

fn is_purple([r, g, b]: [u8; 3]) -> bool {
    r < 110 && g < 90 && b > 60
}

type Draw = fn(&Surface, &Options) -> Result<Figure, landscape_plot::PlotError>;

#[test]
fn the_bright_corner_is_where_the_function_is_large() {
    // Large at the right and, less so, at the top: only (+, +) is bright, only (-, -) dark.
    let surface = plane(13, 29, |x, y| 3.0 * x + 2.0 * y);
    for draw in [heatmap as Draw, contour as Draw] {
        let figure = draw(&surface, &plain()).unwrap();
        let (map, scale) = pixels(&figure, 150.0);
        let at = |u, v| color(&map, scale, picture(&figure), u, v);
        assert!(is_yellow(at(0.97, 0.97)), "{:?}", at(0.97, 0.97));
        assert!(is_purple(at(0.03, 0.03)), "{:?}", at(0.03, 0.03));
        let (right, top) = (at(0.97, 0.03), at(0.03, 0.97));
        assert!(right[1] > top[1], "right {right:?} is above top {top:?}");
    }
}

#[test]
fn cells_of_unequal_counts_have_their_own_colour() {
    // One bright cell at index (4, 1) of 5 x 3: its centre lies at (4.5 / 5, 1.5 / 3).
    let surface = sampled(&[(0.0, 4.0, 5), (0.0, 2.0, 3)], |[x, y, _]| {
        Some(if (x, y) == (4.0, 1.0) { 1.0 } else { 0.0 })
    });
    let figure = heatmap(&surface, &plain()).unwrap();
    let (map, scale) = pixels(&figure, 150.0);
    let frame = picture(&figure);
    for i in 0..5 {
        for j in 0..3 {
            for (du, dv) in [(0.5, 0.5), (0.1, 0.1), (0.9, 0.1), (0.9, 0.9)] {
                let (u, v) = ((f64::from(i) + du) / 5.0, (f64::from(j) + dv) / 3.0);
                let found = color(&map, scale, frame, u, v);
                match (i, j) {
                    (4, 1) => assert!(is_yellow(found), "{found:?}"),
                    _ => assert!(is_purple(found), "{i} {j} {found:?}"),
                }
            }
        }
    }
}

#[test]
fn equal_aspect_gives_equal_units() {
    let surface = sampled(&[(-1.0, 1.0, 21), (-0.5, 0.5, 21)], |[x, y, _]| Some(x * y));
    let options = Options {
        fill: Fill::Smooth,
        ..plain()
    };
    let frame = picture(&contour(&surface, &options).unwrap());
    assert!((frame[2] / frame[3] - 2.0).abs() < 0.01);
    let long = sampled(&[(-1.0, 1.0, 21), (-0.01, 0.01, 21)], |[x, y, _]| {
        Some(x * y)
    });
    let frame = picture(&contour(&long, &options).unwrap());
    assert!(frame[2] / frame[3] < 2.0);
}

#[test]
fn contours_and_colours_meet_at_the_same_place() {
    // A step between x = 0 and the next point: the level 0.5 lies half a cell beyond 0.
    let surface = plane(21, 5, |x, _| if x > 0.0 { 1.0 } else { 0.0 });
    let options = Options {
        levels: Some(vec![0.5]),
        fill: Fill::Bands,
        ..plain()
    };
    let figure = contour(&surface, &options).unwrap();
    let (map, scale) = pixels(&figure, 300.0);
    let frame = picture(&figure);
    let edge = 0.525;
    let (left, right) = (
        color(&map, scale, frame, edge - 0.01, 0.31),
        color(&map, scale, frame, edge + 0.01, 0.31),
    );
    assert!(left != right, "{left:?}");
    let line = color(&map, scale, frame, edge, 0.31);
    assert!(line != left && line != right, "{line:?}");
}
