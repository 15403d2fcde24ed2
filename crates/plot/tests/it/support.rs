//! Surfaces of formulas, and a look inside figures.

use landscape_core::{Axis, Grid, Projection, Sample, Surface, Trajectory, TrajectoryPoint};
use landscape_plot::{
    Figure, LossCurve, Options, contour, heatmap, line, losses, surface3d, trajectory,
    trajectory_losses, trajectory3d, volume_slices,
};
use resvg::tiny_skia::Pixmap;
use resvg::usvg;

/// A surface of a formula; `None` stays unknown.
pub fn sampled(axes: &[(f64, f64, usize)], f: impl Fn([f64; 3]) -> Option<f64>) -> Surface {
    let axes = axes.iter().map(|(a, b, n)| Axis::new(*a, *b, *n).unwrap());
    let mut surface = Surface::new(Grid::new(axes.collect()).unwrap(), vec![]);
    for flat in 0..surface.grid.len() {
        if let Some(loss) = f(surface.grid.point(flat)) {
            surface.set(flat, Sample::of(loss)).unwrap();
        }
    }
    surface
}

pub fn plane(nx: usize, ny: usize, f: impl Fn(f64, f64) -> f64) -> Surface {
    sampled(&[(-1.0, 1.0, nx), (-1.0, 1.0, ny)], |[x, y, _]| {
        Some(f(x, y))
    })
}

pub fn bowl(x: f64, y: f64) -> f64 {
    0.3 + x * x + 2.0 * y * y + 0.5 * x * y
}

/// A plane with NaN, infinities and unknown points.
pub fn broken() -> Surface {
    sampled(&[(-1.0, 1.0, 15), (-1.0, 1.0, 11)], |[x, y, _]| {
        match (x, y) {
            _ if x > 0.5 && y > 0.5 => Some(f64::NAN),
            _ if x < -0.8 => Some(f64::INFINITY),
            _ if y < -0.7 => None,
            _ => Some(bowl(x, y)),
        }
    })
}

pub fn path(points: u64) -> Trajectory {
    let point = |k: u64| {
        let t = 1.0 - k as f64 / (points - 1).max(1) as f64;
        TrajectoryPoint {
            step: 10 * k,
            coords: [-0.8 * t, 0.6 * t * t, 0.0],
            residual: t * (1.0 - t),
            loss: Some(bowl(-0.8 * t, 0.6 * t * t)),
            plane_loss: None,
        }
    };
    Trajectory {
        points: (0..points).map(point).collect(),
        explained_variance: vec![0.832, 0.104],
        projection: Projection::LeastSquares,
    }
}

pub fn curve(name: &str) -> LossCurve {
    LossCurve {
        name: name.to_owned(),
        steps: (0..30).map(f64::from).collect(),
        losses: (0..30).map(|k| (-0.1 * f64::from(k)).exp()).collect(),
        accuracies: vec![],
    }
}

/// One figure of every kind, by name.
pub fn every_kind(options: &Options) -> Vec<(&'static str, Figure)> {
    let whole = plane(21, 17, bowl);
    let holes = broken();
    let profile = sampled(&[(-1.0, 1.0, 31)], |[x, ..]| match x {
        x if x > 0.9 => Some(f64::NAN),
        x => Some(bowl(x, 0.0)),
    });
    let axis = (-1.0, 1.0, 7);
    let volume = sampled(&[axis, axis, axis], |[x, y, z]| match x + y + z > 2.5 {
        true => Some(f64::NAN),
        false => Some(bowl(x, y) + z * z),
    });
    vec![
        ("line", line(&profile, options).unwrap()),
        ("contour", contour(&whole, options).unwrap()),
        ("contour with holes", contour(&holes, options).unwrap()),
        ("heatmap", heatmap(&whole, options).unwrap()),
        ("heatmap with holes", heatmap(&holes, options).unwrap()),
        ("surface", surface3d(&whole, options).unwrap()),
        ("surface with holes", surface3d(&holes, options).unwrap()),
        (
            "trajectory",
            trajectory(&whole, &path(12), options).unwrap(),
        ),
        (
            "trajectory on a surface",
            trajectory3d(&whole, &path(12), options).unwrap(),
        ),
        (
            "trajectory losses",
            trajectory_losses(&path(12), options).unwrap(),
        ),
        (
            "losses",
            losses(&[curve("SGD"), curve("Adam")], options).unwrap(),
        ),
        ("volume", volume_slices(&volume, options).unwrap()),
    ]
}

/// The figure as pixels, and their number in a point.
pub fn pixels(figure: &Figure, dpi: f64) -> (Pixmap, f64) {
    let png = figure.to_png(dpi).unwrap();
    (Pixmap::decode_png(&png).unwrap(), dpi / 72.0)
}

/// The figure's tree as a renderer sees it.
pub fn tree(figure: &Figure) -> usvg::Tree {
    let mut options = usvg::Options {
        font_family: "DejaVu Sans".to_owned(),
        ..usvg::Options::default()
    };
    let font = include_bytes!("../../assets/DejaVuSans.ttf");
    options.fontdb_mut().load_font_data(font.to_vec());
    usvg::Tree::from_str(figure.svg(), &options).unwrap()
}

/// A line of text on the page, in points.
#[derive(Debug, Clone)]
pub struct Words {
    /// What is written, for the messages of assertions.
    #[allow(dead_code)]
    pub words: String,
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
    pub size: f64,
    /// Whether its box is upright, so that it is tight.
    pub upright: bool,
}

/// All text of a figure.
pub fn words(figure: &Figure) -> Vec<Words> {
    let tree = tree(figure);
    let unit = figure.size_mm().0 / 25.4 * 72.0 / f64::from(tree.size().width());
    let mut found = Vec::new();
    collect(tree.root(), unit, &mut found);
    found
}

fn collect(group: &usvg::Group, unit: f64, found: &mut Vec<Words>) {
    for node in group.children() {
        match node {
            usvg::Node::Group(group) => collect(group, unit, found),
            usvg::Node::Text(text) => {
                let turn = text.abs_transform();
                // The ink of the letters, not the height of their line.
                let area = text.flattened().abs_bounding_box();
                let scale = |v: f32| f64::from(v) * unit;
                let grow = f64::from(turn.get_scale().0) * unit;
                let spans = text.chunks().iter().flat_map(|c| c.spans());
                found.push(Words {
                    words: text.chunks().iter().map(|c| c.text()).collect(),
                    left: scale(area.left()),
                    top: scale(area.top()),
                    right: scale(area.right()),
                    bottom: scale(area.bottom()),
                    size: spans
                        .map(|s| f64::from(s.font_size().get()) * grow)
                        .fold(0.0, f64::max),
                    upright: turn.kx.abs() < 1e-3 || turn.sx.abs() < 1e-3,
                });
            }
            _ => {}
        }
    }
}

/// The `<g id="...">` of a figure, up to the next group's end.
pub fn group<'a>(figure: &'a Figure, id: &str) -> &'a str {
    let svg = figure.svg();
    let start = svg
        .find(&format!("<g id=\"{id}\">"))
        .unwrap_or_else(|| panic!("no {id}"));
    let end = svg[start..].find("</g>").unwrap();
    &svg[start..start + end]
}
