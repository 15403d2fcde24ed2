//! Draws every kind of figure from surfaces that are formulas:
//!
//! `cargo run --release -p landscape-plot --example gallery -- FOLDER`

use landscape_core::{
    Axis, Grid, Projection, Sample, Surface, Trajectory, TrajectoryPoint, Value, analytic,
    merge_tree,
};
use landscape_plot::page::{EigenvalueRow, PageCurvature, PageData, PageRun, TraceRow, html};
use landscape_plot::{
    Camera, Clip, Colormap, Column, CurvatureMap, CurvaturePoint, Density, Eigenvalue, Figure,
    Fill, LossBand, LossCurve, LossProfile, Options, PanelOf, PathOnPlane, PlotError, Scale,
    SharpnessOf, SharpnessRow, Size, Spectrum, StabilityCurve, StabilityLimit, Style, Table,
    barcode, contour, edge_of_stability, heatmap, hessian_map, line, loss_bands, loss_profiles,
    losses, persistence, sharpness, side_by_side, spectra, spectrum, surface3d, table,
    trajectories, trajectory, trajectory_losses, trajectory3d, volume_slices,
};
use std::path::Path;

type Failure = Box<dyn std::error::Error>;

/// A surface of a formula; `None` stays unknown.
fn sampled(
    axes: &[(f64, f64, usize)],
    f: impl Fn([f64; 3]) -> Option<Sample>,
) -> Result<Surface, Failure> {
    let axes = axes
        .iter()
        .map(|(a, b, n)| Axis::new(*a, *b, *n))
        .collect::<Result<_, _>>()?;
    let mut surface = Surface::new(Grid::new(axes)?, vec![]);
    for flat in 0..surface.grid().len() {
        if let Some(sample) = f(surface.grid().point(flat)) {
            surface.set(flat, sample)?;
        }
    }
    Ok(surface)
}

fn plane(n: usize, half: f64, f: impl Fn(f64, f64) -> f64) -> Result<Surface, Failure> {
    let axis = (-half, half, n);
    sampled(&[axis, axis], |[x, y, _]| Some(Sample::of(f(x, y))))
}

/// A network's loss as it often looks: a bowl with ripples and a steep side.
fn typical(x: f64, y: f64) -> f64 {
    let ripple = 0.12 * (5.0 * x + 1.0).sin() * (4.0 * y).cos();
    0.26 + 1.6 * x * x + 2.1 * y * y + 0.9 * x * y + 0.8 * x.max(0.0).powi(3) + ripple + 0.05
}

fn directions(options: Options) -> Options {
    Options {
        axes: [1, 2, 3].map(|i| Some(format!("direction {i} (filter-normalised)"))),
        ..options
    }
}

fn log() -> Options {
    Options {
        scale: Scale::Log,
        ..Options::default()
    }
}

fn path_to_zero(steps: u64) -> Trajectory {
    let point = |k: u64| {
        let t = k as f64 / steps as f64;
        let fade = (1.0 - t).powi(2);
        let (x, y) = (
            -0.85 * fade + 0.12 * (9.0 * t).sin() * fade,
            0.7 * fade * (1.0 - 0.8 * t),
        );
        TrajectoryPoint {
            step: k * 20,
            coords: [x, y, 0.0],
            residual: 0.9 * (t * (1.0 - t)).sqrt(),
            loss: Some(typical(x, y) * (1.0 - 0.3 * (t * (1.0 - t)))),
            plane_loss: Some(typical(x, y)),
        }
    };
    Trajectory {
        points: (0..=steps).map(point).collect(),
        explained_variance: vec![0.832, 0.104],
        projection: Projection::LeastSquares,
    }
}

/// A path from a start of its own.
fn run(k: u64) -> Trajectory {
    let mut path = path_to_zero(60);
    let (sin, cos) = (0.63 * k as f64).sin_cos();
    for point in &mut path.points {
        let [x, y, _] = point.coords;
        point.coords = [
            x * cos - y * sin,
            0.8 * (x * sin + y * cos) - 0.1 * cos,
            0.0,
        ];
    }
    path
}

fn curves() -> Vec<LossCurve> {
    let run = |name: &str, rate: f64, floor: f64, wobble: f64| {
        let steps: Vec<f64> = (0..=60).map(|k| f64::from(k) * 5.0).collect();
        let loss = |s: &f64| floor + 2.3 * (-rate * s).exp() * (1.0 + wobble * (s * 0.7).sin());
        let losses: Vec<f64> = steps.iter().map(loss).collect();
        LossCurve {
            name: name.to_owned(),
            accuracies: losses.iter().map(|l| 1.0 - 0.39 * l.min(2.3)).collect(),
            steps,
            losses,
        }
    };
    vec![
        run("SGD, lr 0.01", 0.008, 0.20, 0.05),
        run("momentum 0.9", 0.02, 0.11, 0.10),
        run("Nesterov", 0.025, 0.08, 0.08),
        run("Adam", 0.05, 0.03, 0.15),
        run("AdamW", 0.045, 0.04, 0.12),
    ]
}

fn lines(out: &Gallery<'_>) -> Result<(), Failure> {
    let sample = |x: f64| Sample {
        loss: typical(x, 0.0),
        loss_se: Some(0.03 + 0.08 * x.abs()),
        accuracy: Some(0.97 / (1.0 + 1.5 * x * x)),
        terms: vec![],
    };
    let whole = sampled(&[(-1.0, 1.0, 51)], |[x, ..]| Some(sample(x)))?;
    out.save("line", || line(&whole, &directions(Options::default())))?;
    out.save("line-log", || line(&whole, &directions(log())))?;
    let broken = sampled(&[(-0.5, 1.5, 61)], |[x, ..]| match x {
        x if x > 1.2 => Some(Sample::of(f64::INFINITY)),
        x if (0.30..0.42).contains(&x) => None,
        x => Some(sample(x)),
    })?;
    let interpolation = Options {
        axes: [
            Some("interpolation (0: small batch, 1: large batch)".into()),
            None,
            None,
        ],
        style: Style::of(Size::Double),
        origin: None,
        ..Options::default()
    };
    out.save("line-holes", || line(&broken, &interpolation))?;
    out.save("losses", || losses(&curves(), &log()))?;
    let one = LossCurve {
        accuracies: vec![],
        name: String::new(),
        ..curves().swap_remove(3)
    };
    let bands = [
        LossBand::of("plain", &curves()[..1]),
        LossBand::of("adaptive and accelerated", &curves()[1..]),
    ];
    out.save("losses-bands", || loss_bands(&bands, &log()))?;
    let t: Vec<f64> = (0..=30).map(|k| f64::from(k) / 30.0).collect();
    let profile = |name: &str, height: f64| LossProfile {
        name: name.to_owned(),
        loss: t
            .iter()
            .map(|t| 0.05 + 0.04 * t + height * (std::f64::consts::PI * t).sin().powi(2))
            .collect(),
        t: t.clone(),
    };
    let between = [
        profile("straight", 1.31),
        profile("aligned", 0.24),
        profile("Bézier curve", -0.01),
    ];
    out.save("profiles", || loss_profiles(&between, &Options::default()))?;
    out.save("losses-one", || losses(&[one], &Options::default()))?;
    out.save("trajectory-losses", || {
        trajectory_losses(&path_to_zero(40), &log())
    })
}

fn contours(out: &Gallery<'_>) -> Result<(), Failure> {
    let plain = Options {
        origin: None,
        ..Options::default()
    };
    let typical = plane(51, 1.0, typical)?;
    out.save("contour", || {
        contour(&typical, &directions(Options::default()))
    })?;
    out.save("contour-log", || contour(&typical, &directions(log())))?;
    for analytic in [
        analytic::BOWL,
        analytic::SADDLE,
        analytic::ROSENBROCK,
        analytic::HIMMELBLAU,
    ] {
        let surface = plane(101, analytic.half_range, |x, y| (analytic.function)([x, y]))?;
        let options = Options {
            title: Some(format!("{}: {}", analytic.name, analytic.formula)),
            origin: None,
            ..log()
        };
        out.save(&format!("contour-{}", analytic.name), || {
            contour(&surface, &options)
        })?;
    }
    let minima = plane(121, 2.5, |x, y| analytic::rastrigin([x, y]))?;
    out.save("contour-minima", || contour(&minima, &plain))?;
    out.save("contour-minima-smooth", || {
        contour(
            &minima,
            &Options {
                smooth: 4.0,
                ..plain.clone()
            },
        )
    })?;
    let basins = |share| Options {
        basins: Some(share),
        ..plain.clone()
    };
    out.save("contour-basins", || contour(&minima, &basins(0.05)))?;
    let himmelblau = plane(81, 5.0, |x, y| analytic::himmelblau([x, y]) + 0.5 * x)?;
    out.save("contour-basins-four", || {
        contour(&himmelblau, &basins(0.01))
    })?;
    let pairs = merge_tree(&minima, Value::Loss).persistence();
    out.save("persistence", || persistence(&pairs, &plain))?;
    out.save("barcode", || barcode(&pairs, &plain))?;
    out.save("table", || table(&comparison(), &plain))?;
    let decades = plane(81, 1.0, |x, y| {
        1e-5 + (x * x + 0.4 * y * y + 0.3 * x * y).powi(3) * 10.0
    })?;
    out.save("contour-decades", || contour(&decades, &directions(log())))?;
    let lines = Options {
        fill: Fill::None,
        ..directions(log())
    };
    out.save("contour-lines", || contour(&typical, &lines))?;
    let smooth = Options {
        fill: Fill::Smooth,
        ..directions(Options::default())
    };
    out.save("contour-fill-smooth", || contour(&typical, &smooth))?;
    let difference = plane(51, 1.0, |x, y| 0.4 * x * (1.0 - y * y) + 0.1)?;
    let diverging = Style {
        colormap: Colormap::Diverging,
        ..Style::default()
    };
    let signed = Options {
        style: diverging,
        value_label: Some("loss difference".into()),
        ..directions(Options::default())
    };
    out.save("contour-difference", || contour(&difference, &signed))?;
    let double = Options {
        style: Style::of(Size::Double),
        ..directions(log())
    };
    out.save("contour-double", || contour(&typical, &double))
}

/// What studies compare.
fn comparison() -> Table {
    let names = [
        "final loss",
        "accuracy",
        "λmax",
        "sharpness (SAM)",
        "convexity",
        "basin width",
    ];
    let columns = [Column::words("optimiser")]
        .into_iter()
        .chain(names.map(Column::numbers));
    let row = |cells: [&str; 7]| cells.map(str::to_owned).to_vec();
    Table {
        columns: columns.collect(),
        rows: vec![
            row([
                "SGD",
                "0.0213 ± 0.004",
                "0.991",
                "12.4",
                "0.0123",
                "0.93",
                "1.21",
            ]),
            row([
                "momentum 0.9",
                "0.0102 ± 0.003",
                "0.996",
                "31.9",
                "0.0341",
                "0.87",
                "0.66",
            ]),
            row([
                "Adam",
                "0.0064 ± 0.002",
                "0.998",
                "58.1",
                "0.0712",
                "0.71",
                "0.43",
            ]),
        ],
        notes: vec!["± one standard deviation over 10 seeds".to_owned()],
    }
}

fn heatmaps(out: &Gallery<'_>) -> Result<(), Failure> {
    let broken = sampled(&[(-1.0, 1.0, 31), (-0.6, 0.6, 19)], |[x, y, _]| {
        let far = x * x + y * y;
        match (x, y) {
            _ if x > 0.6 && y > 0.2 => Some(Sample::of(f64::NAN)),
            _ if x < -0.75 && y < -0.3 => None,
            _ if far > 1.2 => Some(Sample::of(f64::INFINITY)),
            _ => Some(Sample::of(typical(x, y))),
        }
    })?;
    out.save("heatmap-holes", || {
        heatmap(&broken, &directions(Options::default()))
    })?;
    out.save("contour-holes", || contour(&broken, &directions(log())))?;
    out.save("surface-holes", || surface3d(&broken, &directions(log())))?;
    let fine = plane(201, 1.0, |x, y| typical(x, y) * typical(x, y))?;
    let clipped = Options {
        clip: Clip {
            low: Some(0.2),
            high: Some(5.0),
        },
        style: Style {
            colormap: Colormap::Cividis,
            ..Style::default()
        },
        ..directions(log())
    };
    out.save("heatmap-clipped", || heatmap(&fine, &clipped))?;
    out.save("surface-clipped", || surface3d(&fine, &clipped))?;
    let stepped = sampled(&[(-1.0, 1.0, 9), (-1.0, 1.0, 21)], |[x, y, _]| {
        Some(Sample {
            accuracy: Some(0.9 - 0.3 * x * x - 0.25 * y * y),
            ..Sample::of(x)
        })
    })?;
    let accuracy = Options {
        value: Value::Accuracy,
        ..directions(Options::default())
    };
    out.save("heatmap-accuracy", || heatmap(&stepped, &accuracy))?;
    let negative = plane(61, 1.0, |x, y| {
        20.0 * (x * x + y * y).powi(2) - 0.3 * (-8.0 * (x * x + y * y)).exp()
    })?;
    out.save("heatmap-negative-log", || {
        heatmap(&negative, &directions(log()))
    })?;
    out.save("contour-negative-log", || {
        contour(&negative, &directions(log()))
    })?;
    let nothing = plane(21, 1.0, |_, _| f64::NAN)?;
    out.save("heatmap-all-nan", || heatmap(&nothing, &directions(log())))?;
    let constant = plane(21, 1.0, |_, _| 2.31)?;
    out.save("heatmap-constant", || {
        heatmap(&constant, &directions(log()))
    })
}

fn surfaces(out: &Gallery<'_>) -> Result<(), Failure> {
    let whole = plane(51, 1.0, typical)?;
    out.save("surface", || {
        surface3d(&whole, &directions(Options::default()))
    })?;
    let minima = plane(121, 2.5, |x, y| analytic::rastrigin([x, y]))?;
    let turned = Options {
        camera: Some(Camera {
            azimuth: -50.0,
            elevation: 40.0,
        }),
        style: Style::of(Size::Double),
        origin: None,
        ..directions(Options::default())
    };
    out.save("surface-minima-double", || surface3d(&minima, &turned))?;
    let valley = plane(101, 2.0, |x, y| analytic::rosenbrock([x, y]))?;
    let seen = Options {
        origin: None,
        camera: Some(Camera {
            azimuth: 150.0,
            elevation: 35.0,
        }),
        ..directions(log())
    };
    out.save("surface-valley-log", || surface3d(&valley, &seen))?;
    let saddle = plane(51, 1.0, |x, y| analytic::saddle([x, y]))?;
    let style = Style {
        colormap: Colormap::Diverging,
        ..Style::default()
    };
    let signed = Options {
        style,
        origin: None,
        ..Options::default()
    };
    out.save("surface-saddle", || surface3d(&saddle, &signed))?;
    let pca = Options {
        axes: [
            Some("PCA component 1".into()),
            Some("PCA component 2".into()),
            None,
        ],
        ..log()
    };
    out.save("trajectory", || trajectory(&whole, &path_to_zero(40), &pca))?;
    let low = sampled(&[(-1.0, 1.0, 51), (-0.2, 0.75, 25)], |[x, y, _]| {
        Some(Sample::of(typical(x, y)))
    })?;
    out.save("trajectory-low", || {
        trajectory(&low, &path_to_zero(40), &pca)
    })?;
    let small = plane(41, 0.6, typical)?;
    out.save("trajectory-outside", || {
        trajectory(&small, &path_to_zero(400), &pca)
    })?;
    let runs: Vec<(String, Trajectory)> = (0..10).map(|k| (format!("seed {k}"), run(k))).collect();
    let path = |(name, trajectory)| PathOnPlane { name, trajectory };
    let paths: Vec<PathOnPlane<'_>> = runs
        .iter()
        .map(|(name, run)| (name.as_str(), run))
        .map(path)
        .collect();
    out.save("trajectories", || trajectories(&whole, &paths, &pca))?;
    let titles = ["width 2", "width 8", "width 32"];
    let panel = |(title, surface, paths)| PanelOf {
        title,
        surface,
        paths,
    };
    let shown = [&paths[..1], &paths[1..2], &paths[2..3]];
    let panels: Vec<PanelOf<'_>> = [
        (titles[0], &whole, shown[0]),
        (titles[1], &low, shown[1]),
        (titles[2], &small, shown[2]),
    ]
    .map(panel)
    .to_vec();
    let double = Options {
        style: Style::of(Size::Double),
        ..pca.clone()
    };
    out.save("side-by-side", || side_by_side(&panels, &double))?;
    out.save("trajectory-surface", || {
        trajectory3d(&whole, &path_to_zero(40), &pca)
    })?;
    let axis = (-1.0, 1.0, 25);
    let volume = sampled(&[axis, axis, axis], |[x, y, z]| {
        Some(Sample::of(match x + y + z > 2.2 {
            true => f64::NAN,
            false => typical(x, y) + 1.4 * z * z + z * x,
        }))
    })?;
    out.save("volume", || volume_slices(&volume, &directions(log())))?;
    let wide = Options {
        style: Style::of(Size::Double),
        slices: 10,
        ..directions(Options::default())
    };
    out.save("volume-double", || volume_slices(&volume, &wide))
}

/// Eigenvalues as those of a trained network often are: a bulk about 0, a tail, and outliers that
/// grow with `time` from 0 to 1.
fn eigenvalues(n: usize, time: f64) -> Vec<f64> {
    let bulk = (0..n).map(|k| {
        let u = (k as f64 + 0.5) / n as f64;
        let heavy = 1e-4 * (1.0 / (1.0 - u)).powf(1.05) - 2.5e-3 * (-90.0 * u).exp();
        heavy - 2e-4
    });
    let outliers = [9.7, 5.2, 4.4, 2.4, 1.6, 1.2, 0.9].map(|v| v * (0.15 + 0.85 * time));
    bulk.chain(outliers).chain([-0.11, -0.045]).collect()
}

/// The density of given eigenvalues under a Gaussian, with an error as if it were estimated.
fn density(values: &[f64], width: f64, bias: f64) -> Density {
    let grid: Vec<f64> = (0..1200)
        .map(|k| -0.6 + f64::from(k) * 11.0 / 1199.0)
        .collect();
    let bell = |z: f64| (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt() / width;
    let at =
        |x: &f64| values.iter().map(|v| bell((x - v) / width)).sum::<f64>() / values.len() as f64;
    let density: Vec<f64> = grid.iter().map(at).map(|d| d * (1.0 + bias)).collect();
    let error = |d: &f64| 0.24 * d + 4e-5;
    Density {
        grid,
        lower: density.iter().map(|d| (d - error(d)).max(0.0)).collect(),
        upper: density.iter().map(|d| d + error(d)).collect(),
        confidence: 0.95,
        density,
        lanczos_steps: 80,
        probes: 10,
        width,
    }
}

fn pairs(values: &[f64], top: usize) -> Vec<Eigenvalue> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let pair = |(rank, value): (usize, f64)| Eigenvalue {
        value,
        residual: 1e-4 * value.abs(),
        converged: rank < 7,
    };
    let ends = sorted.iter().take(top).chain(sorted.iter().rev().take(2));
    let ends = ends.copied().enumerate();
    ends.map(|(rank, value)| pair((if value < 0.0 { 0 } else { rank }, value)))
        .collect()
}

fn curvature(out: &Gallery<'_>) -> Result<(), Failure> {
    let values = eigenvalues(672, 1.0);
    let estimated = Spectrum {
        name: "trained".to_owned(),
        parameters: Some(values.len()),
        density: Some(density(&values, 0.03, 0.06)),
        eigenvalues: pairs(&values, 9),
        outlier_cut: Some(0.5),
        stability_limit: Some(StabilityLimit {
            name: "2/η".to_owned(),
            value: 20.0,
        }),
        ..Spectrum::default()
    };
    let plain = Options::default();
    out.save("spectrum", || spectrum(&estimated, &plain))?;
    let double = Options {
        style: Style::of(Size::Double),
        ..Options::default()
    };
    let both = Spectrum {
        exact: values.clone(),
        ..estimated.clone()
    };
    out.save("spectrum-exact", || spectrum(&both, &plain))?;
    out.save("spectrum-exact-double", || spectrum(&both, &double))?;
    let dense = Spectrum {
        density: None,
        stability_limit: None,
        ..both
    };
    out.save("spectrum-dense", || spectrum(&dense, &plain))?;
    let epochs = |n: usize| -> Vec<Spectrum> {
        let at = |k: usize| {
            let values = eigenvalues(672, k as f64 / (n - 1) as f64);
            Spectrum {
                name: format!("epoch {k}"),
                density: Some(density(&values, 0.03, 0.0)),
                eigenvalues: pairs(&values, 8),
                ..estimated.clone()
            }
        };
        (0..n).map(at).collect()
    };
    out.save("spectra", || spectra(&epochs(8), &plain))?;
    out.save("spectra-many", || spectra(&epochs(60), &double))?;
    maps(out)?;
    stability(out)?;
    let row = |measure: &str, value: f64, se: Option<f64>, settings: &str| SharpnessRow {
        measure: measure.to_owned(),
        value,
        se,
        settings: settings.to_owned(),
    };
    let rows = [
        row(
            "Keskar, box",
            12.43,
            None,
            "ε 0.001, 50 steps of projected gradient ascent",
        ),
        row("SAM, one step", 0.0123, None, "ρ 0.05"),
        row(
            "adaptive, average case",
            0.3312,
            Some(0.0021),
            "ρ 0.1, 100 draws, seed 42",
        ),
        row(
            "PAC-Bayes, 1/σ²",
            5310.0,
            Some(41.0),
            "rise 0.1, 200 draws, seed 42",
        ),
        row("relative flatness", 0.000012, None, "layer fc2"),
    ];
    let flatter = rows.clone().map(|row| SharpnessRow {
        value: 0.4 * row.value,
        ..row
    });
    let net = SharpnessOf {
        name: "net",
        rows: &rows,
    };
    let other = SharpnessOf {
        name: "wider net",
        rows: &flatter,
    };
    out.save("sharpness", || sharpness(&[net], &plain))?;
    out.save("sharpness-double", || sharpness(&[net, other], &double))?;
    pages(out, &estimated, &rows)
}

/// A page with a landscape and its curvature, and one with curvature alone.
fn pages(out: &Gallery<'_>, found: &Spectrum, rows: &[SharpnessRow]) -> Result<(), Failure> {
    let rank = |(k, v): (usize, &Eigenvalue)| EigenvalueRow {
        part: "all".to_owned(),
        rank: match v.value > 0.0 {
            true => format!("top {}", k + 1),
            false => format!("bottom {}", k - 8),
        },
        value: v.value,
        residual: v.residual,
        converged: v.converged,
    };
    let trace = |part: &str, mean: f64| TraceRow {
        part: part.to_owned(),
        method: "xtrace".to_owned(),
        mean,
        se: Some(0.011 * mean),
        products: 30,
    };
    let curvature = PageCurvature {
        name: "trained network".to_owned(),
        heading: None,
        description: Some("681 parameters, cross-entropy over 1,000 images".to_owned()),
        figures: vec![("Spectrum".to_owned(), spectrum(found, &Options::default())?)],
        eigenvalues: found.eigenvalues.iter().enumerate().map(rank).collect(),
        traces: vec![trace("all", 25.98), trace("fc1", 14.2), trace("fc2", 11.7)],
        sharpness: rows.to_vec(),
        facts: vec![("products".to_owned(), "412".to_owned())],
        command: Some("landscape hessian --model mlp:2-8-4-1 --top 9 --bottom 2".to_owned()),
    };
    let whole = plane(51, 1.0, typical)?;
    let alone = PageData::new("Curvature", vec![]).with_curvature(vec![curvature.clone()]);
    let run = PageRun::new("surface-1", whole);
    let both = PageData::new("A landscape", vec![run]).with_curvature(vec![curvature]);
    for (name, page) in [("page-curvature", alone), ("page", both)] {
        std::fs::write(out.folder.join(format!("{name}.html")), html(&page)?)?;
    }
    Ok(())
}

fn maps(out: &Gallery<'_>) -> Result<(), Failure> {
    let axis = |n| Axis::new(-1.0, 1.0, n);
    let grid = Grid::new(vec![axis(31)?, axis(31)?])?;
    let point = |index: usize, hole: bool| {
        let [x, y, _] = grid.point(index);
        let far = x * x + y * y;
        let known = !hole || y > -0.8;
        known.then(|| CurvaturePoint {
            lambda_max: if hole && x > 0.85 && y > 0.6 {
                f64::NAN
            } else {
                10.0
            },
            lambda_min: -10.0 * (0.02 + 0.6 * far * (1.0 + 0.4 * (3.0 * x).sin())).min(0.97),
            converged: !hole || (index * 7919) % 41 > 2 && far < 1.7,
        })
    };
    let map = |hole| CurvatureMap {
        points: (0..grid.len()).map(|index| point(index, hole)).collect(),
        grid: grid.clone(),
    };
    out.save("hessian-map", || {
        hessian_map(&map(false), &directions(Options::default()))
    })?;
    out.save("hessian-map-holes", || {
        hessian_map(&map(true), &directions(Options::default()))
    })
}

fn stability(out: &Gallery<'_>) -> Result<(), Failure> {
    let curve = |name: &str, eta: f64, open: bool| {
        let steps: Vec<f64> = (0..=60).map(|k| f64::from(k) * 50.0).collect();
        let lambda = |s: &f64| {
            let rise = 5.0 + 2.0 / eta * (1.0 - (-s / 700.0).exp()) * 1.06;
            rise.min(2.0 / eta * (1.0 + 0.03 * (s / 37.0).sin()))
        };
        StabilityCurve {
            name: name.to_owned(),
            lambda_max: steps.iter().map(lambda).collect(),
            converged: (0..steps.len()).map(|k| !open || k % 17 != 5).collect(),
            limit: steps.iter().map(|_| 2.0 / eta).collect(),
            limit_name: "2/η".to_owned(),
            loss_steps: steps.clone(),
            losses: { steps.iter() }
                .map(|s| 2.3 / (1.0 + eta * s / 4.0))
                .collect(),
            steps,
        }
    };
    let one = [curve("", 0.02, true)];
    out.save("stability", || edge_of_stability(&one, &Options::default()))?;
    let several = [
        curve("η = 0.02", 0.02, false),
        curve("η = 0.05", 0.05, false),
    ];
    out.save("stability-several", || {
        edge_of_stability(&several, &Options::default())
    })
}

struct Gallery<'a> {
    folder: &'a Path,
}

impl Gallery<'_> {
    fn save(
        &self,
        name: &str,
        figure: impl FnOnce() -> Result<Figure, PlotError>,
    ) -> Result<(), Failure> {
        let start = std::time::Instant::now();
        let figure = figure()?;
        let drawn = start.elapsed();
        figure.save(self.folder.join(format!("{name}.svg")))?;
        std::fs::write(
            self.folder.join(format!("{name}.png")),
            figure.to_png(300.0)?,
        )?;
        println!("{name}: {:?} and {:?}", drawn, start.elapsed() - drawn);
        Ok(())
    }
}

fn main() -> Result<(), Failure> {
    let folder = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "gallery".to_owned());
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let out = Gallery { folder };
    lines(&out)?;
    contours(&out)?;
    heatmaps(&out)?;
    surfaces(&out)?;
    curvature(&out)
}
