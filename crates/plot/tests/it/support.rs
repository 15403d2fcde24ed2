//! Surfaces of formulas, and a look inside figures.

use landscape_core::{
    Axis, Grid, Persistence, Projection, Sample, Surface, Trajectory, TrajectoryPoint, Value,
    analytic, merge_tree,
};
use landscape_plot::{
    Column, CurvatureMap, CurvaturePoint, Density, Eigenvalue, Figure, LossBand, LossCurve,
    LossProfile, Options, PairNorms, PanelOf, PartRow, PathOnPlane, SharpnessOf, SharpnessRow,
    Spectrum, StabilityCurve, StabilityLimit, Table, barcode, contour, edge_of_stability, heatmap,
    hessian_map, line, loss_bands, loss_profiles, losses, pairs as pairs_of, parts, persistence,
    sharpness, side_by_side, spectra, spectrum, surface3d, table, trajectories, trajectory,
    trajectory_losses, trajectory3d, volume_slices,
};
use resvg::tiny_skia::Pixmap;
use resvg::usvg;

/// A surface of a formula; `None` stays unknown.
pub fn sampled(axes: &[(f64, f64, usize)], mut f: impl FnMut([f64; 3]) -> Option<f64>) -> Surface {
    let axes = axes.iter().map(|(a, b, n)| Axis::new(*a, *b, *n).unwrap());
    let mut surface = Surface::new(Grid::new(axes.collect()).unwrap(), vec![]);
    for flat in 0..surface.grid().len() {
        if let Some(loss) = f(surface.grid().point(flat)) {
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

/// A spectrum of 403 eigenvalues: a bulk of 400 about 0, and three outliers.
pub fn exact() -> Vec<f64> {
    let bulk = (0..400).map(|k| 0.05 * (f64::from(k) * 0.7).sin());
    bulk.chain([1.0, 3.0, 8.0]).collect()
}

/// The density of given eigenvalues under a Gaussian.
pub fn density(values: &[f64], width: f64) -> Density {
    let norm = (2.0 * std::f64::consts::PI).sqrt() * width * values.len() as f64;
    let bell = |z: f64| (-0.5 * z * z).exp() / norm;
    let at = |x: &f64| values.iter().map(|v| bell((x - v) / width)).sum();
    let grid: Vec<f64> = (0..1500).map(|k| -0.5 + f64::from(k) * 0.006).collect();
    let density: Vec<f64> = grid.iter().map(at).collect();
    Density {
        lower: density.iter().map(|d| 0.8 * d).collect(),
        upper: density.iter().map(|d| 1.4 * d).collect(),
        confidence: 0.95,
        grid,
        density,
        lanczos_steps: 80,
        probes: 10,
        width,
    }
}

pub fn eigenvalue(value: f64, converged: bool) -> Eigenvalue {
    Eigenvalue {
        value,
        residual: 1e-5,
        converged,
    }
}

/// Estimated, with the exact one beside it.
pub fn estimated(name: &str) -> Spectrum {
    Spectrum {
        name: name.to_owned(),
        parameters: Some(403),
        density: Some(density(&exact(), 0.03)),
        eigenvalues: [8.0, 3.0, 1.0, 0.05, -0.05]
            .map(|v| eigenvalue(v, v != 1.0))
            .to_vec(),
        exact: exact(),
        outlier_cut: Some(0.5),
        stability_limit: Some(StabilityLimit {
            name: "2/η".to_owned(),
            value: 20.0,
        }),
    }
}

/// A map whose ratio is known: `0.5 |x|`, with a point that did not converge, one that is NaN and
/// one that is not computed.
pub fn map() -> CurvatureMap {
    let axis = Axis::new(-1.0, 1.0, 9).unwrap();
    let grid = Grid::new(vec![axis, axis]).unwrap();
    let point = |index: usize| match index {
        3 => None,
        _ => Some(CurvaturePoint {
            lambda_max: if index == 5 { f64::NAN } else { 4.0 },
            lambda_min: -2.0 * grid.point(index)[0],
            converged: index != 7,
        }),
    };
    CurvatureMap {
        points: (0..grid.len()).map(point).collect(),
        grid: grid.clone(),
    }
}

pub fn stability(name: &str) -> StabilityCurve {
    let steps: Vec<f64> = (0..20).map(f64::from).collect();
    StabilityCurve {
        name: name.to_owned(),
        lambda_max: steps.iter().map(|s| 20.0 - 15.0 / (1.0 + s)).collect(),
        converged: steps.iter().map(|s| *s != 3.0).collect(),
        limit: vec![20.0; 20],
        limit_name: "2/η".to_owned(),
        steps,
        ..StabilityCurve::default()
    }
}

pub fn measures() -> Vec<SharpnessRow> {
    let row = |measure: &str, se| SharpnessRow {
        measure: measure.to_owned(),
        value: 0.0123,
        se,
        settings: "rho 0.05, 100 draws, 50 steps of projected gradient ascent".to_owned(),
    };
    vec![row("sam", None), row("adaptive, average case", Some(2e-4))]
}

/// Layers of which one has a negative trace.
pub fn divided() -> Vec<PartRow> {
    let row = |name: &str, trace: f64, top| PartRow {
        name: name.to_owned(),
        trace,
        se: Some(0.1 * trace.abs()),
        top,
    };
    vec![
        row("transformer.h.0.attn.c_attn", 12.0, Some(4.0)),
        row("transformer.h.0.mlp.c_fc", -3.0, None),
        row("lm_head", 250.0, Some(90.0)),
    ]
}

/// Norms between them.
pub fn between() -> PairNorms {
    PairNorms {
        names: divided().into_iter().map(|row| row.name).collect(),
        norms: vec![4.0, 0.1, 2.0, 0.1, 1.0, f64::NAN, 2.0, f64::NAN, 90.0],
    }
}

/// The measures of one network.
pub fn measured(rows: &[SharpnessRow]) -> SharpnessOf<'_> {
    SharpnessOf { name: "net", rows }
}

/// One figure of every kind of curvature, by name.
pub fn curvature(options: &Options) -> Vec<(&'static str, Figure)> {
    let dense = Spectrum {
        density: None,
        ..estimated("dense")
    };
    let one = Spectrum {
        exact: vec![],
        ..estimated("one")
    };
    let epoch = |k: usize| Spectrum {
        name: format!("epoch {k}"),
        ..one.clone()
    };
    let epochs: Vec<Spectrum> = (0..30).map(epoch).collect();
    vec![
        ("spectrum", spectrum(&estimated("one"), options).unwrap()),
        ("dense spectrum", spectrum(&dense, options).unwrap()),
        ("spectra", spectra(&epochs, options).unwrap()),
        (
            "curvature map with holes",
            hessian_map(&map(), options).unwrap(),
        ),
        (
            "edge of stability",
            edge_of_stability(&[stability("")], options).unwrap(),
        ),
        (
            "sharpness",
            sharpness(&[measured(&measures())], options).unwrap(),
        ),
        ("sharpness of parts", parts(&divided(), options).unwrap()),
        ("sharpness of pairs", pairs_of(&between(), options).unwrap()),
    ]
}

/// Paths from one start that part.
pub fn fan(n: usize) -> Vec<(String, Trajectory)> {
    let one = |k: usize| {
        let mut path = path(12);
        for (step, point) in path.points.iter_mut().enumerate() {
            let turn = 0.05 * step as f64 * (k as f64 - 4.5) / 4.5;
            point.coords[0] += turn;
            point.coords[1] -= turn * turn;
        }
        (format!("seed {k}"), path)
    };
    (0..n).map(one).collect()
}

pub fn named(paths: &[(String, Trajectory)]) -> Vec<PathOnPlane<'_>> {
    let path = |(name, trajectory)| PathOnPlane { name, trajectory };
    paths
        .iter()
        .map(|(name, path)| (name.as_str(), path))
        .map(path)
        .collect()
}

pub fn four_minima() -> Surface {
    let axis = (-5.0, 5.0, 61);
    sampled(&[axis, axis], |[x, y, _]| {
        Some(20.0 + analytic::himmelblau([x, y]) + 0.5 * x)
    })
}

pub fn with_basins(options: &Options) -> Options {
    Options {
        basins: Some(0.01),
        ..options.clone()
    }
}

pub fn pairs() -> Vec<Persistence> {
    merge_tree(&four_minima(), Value::Loss).persistence()
}

/// A table that is too wide for a column without wrapping.
pub fn comparison() -> Table {
    let names = [
        "final loss",
        "accuracy",
        "largest eigenvalue",
        "sharpness (SAM)",
        "convexity",
    ];
    let row = |name: &str| {
        let numbers = names.iter().map(|_| "0.0123 ± 0.004".to_owned());
        [name.to_owned()].into_iter().chain(numbers).collect()
    };
    Table {
        columns: [Column::words("optimiser")]
            .into_iter()
            .chain(names.map(Column::numbers))
            .collect(),
        rows: vec![row("SGD with momentum 0.9"), row("Adam")],
        notes: vec!["losses on all data".to_owned()],
    }
}

/// A path with a barrier of 1.2 at 0.5 above its chord from 0.1 to 0.3, and one without.
pub fn hills() -> Vec<LossProfile> {
    let t: Vec<f64> = (0..=20).map(|k| f64::from(k) / 20.0).collect();
    let profile = |name: &str, height: f64| LossProfile {
        name: name.to_owned(),
        loss: t
            .iter()
            .map(|t| 0.1 + 0.2 * t + 4.0 * height * t * (1.0 - t))
            .collect(),
        t: t.clone(),
    };
    vec![profile("straight", 1.2), profile("Bézier curve", -0.01)]
}

/// Three planes, one with holes, one with paths.
fn beside(whole: &Surface, holes: &Surface, options: &Options) -> Figure {
    let fan = fan(3);
    let paths = named(&fan);
    let panel = |title, surface, paths| PanelOf {
        title,
        surface,
        paths,
    };
    let panels = [
        panel("whole", whole, &paths[..]),
        panel("with holes", holes, &[]),
        panel(
            "a title that is too long for one panel, or for two",
            whole,
            &[],
        ),
    ];
    side_by_side(&panels, options).unwrap()
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
    let surfaces = vec![
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
        (
            "trajectories",
            trajectories(&whole, &named(&fan(10)), options).unwrap(),
        ),
        (
            "contour with basins",
            contour(&four_minima(), &with_basins(options)).unwrap(),
        ),
        ("persistence", persistence(&pairs(), options).unwrap()),
        ("persistence barcode", barcode(&pairs(), options).unwrap()),
        ("table of losses", table(&comparison(), options).unwrap()),
        ("profiles", loss_profiles(&hills(), options).unwrap()),
        (
            "bands of losses",
            loss_bands(&[LossBand::of("SGD", &[curve("a"), curve("b")])], options).unwrap(),
        ),
        ("side by side with holes", beside(&whole, &holes, options)),
    ];
    surfaces.into_iter().chain(curvature(options)).collect()
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
