use super::contour::{Scene, obstacle};
use super::curves::{Curves, Series};
use super::plane::{draw_origin, origin};
use crate::error::PlotError;
use crate::figure::Figure;
use crate::isoline::label::TurnedBox;
use crate::layout::{Entry, Panel, Sheet, Swatch, mark};
use crate::options::Options;
use crate::style::{DASHES, INK, LINES};
use crate::svg::{Path, Stroke};
use crate::text::number::fixed;
use landscape_core::{Surface, Trajectory};

/// A path with more points than this is drawn without a dot for each.
const DOTS: usize = 80;
/// Dots nearer to the last one than this, in points, are left out.
const APART: f64 = 2.6;

/// A path of training over the contours of the plane that it was projected on: start and end
/// marked, the explained variance with the axes.
///
/// # Errors
/// As [`super::contour`], and when the path has no points.
pub fn trajectory(
    surface: &Surface,
    path: &Trajectory,
    options: &Options,
) -> Result<Figure, PlotError> {
    if path.points.is_empty() {
        return Err(PlotError::Empty {
            figure: "trajectory",
            what: "checkpoint",
        });
    }
    let labels = [0, 1].map(|i| label(i, path, options));
    let mut scene = Scene::new(surface, options, labels, "trajectory")?;
    let points = on_page(path, &scene.panel);
    scene.draw(&obstacles(&points, &scene))?;
    draw_path(&mut scene.sheet, &points, &scene.panel);
    draw_ends(&mut scene, path, &points);
    note_outside(&mut scene.sheet, path, &scene.panel);
    let title = format!("Trajectory over the {}", scene.name);
    Ok(scene.finish(&title))
}

/// The label of an axis with the share of the path's variance along it.
pub(super) fn label(i: usize, path: &Trajectory, options: &Options) -> String {
    let label = options.axis(i);
    match path.explained_variance.get(i) {
        Some(share) if share.is_finite() => {
            format!("{label} ({}% of variance)", fixed(100.0 * share, 1))
        }
        _ => label,
    }
}

/// The path on the page; `None` where its coordinates are not finite.
fn on_page(path: &Trajectory, panel: &Panel) -> Vec<Option<(f64, f64)>> {
    path.points
        .iter()
        .map(|p| {
            let (x, y) = (panel.x.at(p.coords[0]), panel.y.at(p.coords[1]));
            (x.is_finite() && y.is_finite()).then_some((x, y))
        })
        .collect()
}

fn obstacles(points: &[Option<(f64, f64)>], scene: &Scene<'_>) -> Vec<TurnedBox> {
    let mut boxes = scene.origin_obstacle();
    let known: Vec<(f64, f64)> = points.iter().flatten().copied().collect();
    boxes.extend(known.first().map(|p| obstacle(p.0, p.1)));
    boxes.extend(known.last().map(|p| obstacle(p.0, p.1)));
    for w in known.windows(2) {
        let (dx, dy) = (w[1].0 - w[0].0, w[1].1 - w[0].1);
        let length = libm::hypot(dx, dy);
        if length > 0.0 {
            boxes.push(TurnedBox {
                x: (w[0].0 + w[1].0) / 2.0,
                y: (w[0].1 + w[1].1) / 2.0,
                half_length: length / 2.0,
                half_width: 1.2,
                axis: (dx / length, dy / length),
            });
        }
    }
    boxes
}

/// A dark line with a white casing, and a dot for each checkpoint when there are few.
fn draw_path(sheet: &mut Sheet<'_>, points: &[Option<(f64, f64)>], panel: &Panel) {
    let canvas = &mut sheet.canvas;
    canvas.group("trajectory");
    canvas.clipped(panel.frame);
    let mut line = Path::new();
    for run in points.split(|p| p.is_none()) {
        let run: Vec<(f64, f64)> = run.iter().flatten().copied().collect();
        line = line.polyline(&run, false);
    }
    canvas.line(&line, Stroke::new("#ffffff", 2.6));
    canvas.line(&line, Stroke::new(INK, 1.1));
    if points.len() <= DOTS {
        let mut last = (f64::MIN, f64::MIN);
        for (x, y) in points.iter().flatten() {
            if libm::hypot(x - last.0, y - last.1) < APART {
                continue;
            }
            last = (*x, *y);
            let dot = Path::new().circle(*x, *y, 1.3);
            canvas.shape(&dot, Some(INK), 1.0, Some(Stroke::new("#ffffff", 0.4)));
        }
    }
    canvas.end();
    canvas.end();
}

/// Marks start and end; an end at the point 0 is one mark with both names.
fn draw_ends(scene: &mut Scene<'_>, path: &Trajectory, points: &[Option<(f64, f64)>]) {
    let (panel, sheet) = (&scene.panel, &mut scene.sheet);
    let frame = panel.frame.inset(-0.01);
    let steps = |k: usize| path.points[k].step;
    let last = points.len() - 1;
    let zero = (panel.x.at(0.0), panel.y.at(0.0));
    let at_zero = |p: (f64, f64)| libm::hypot(p.0 - zero.0, p.1 - zero.1) < 1.0;
    let mut ends = vec![(0, mark::Mark::Ring, format!("start (step {})", steps(0)))];
    let mut end = format!("end (step {})", steps(last));
    let name = origin(sheet.options, panel).map(str::to_owned);
    match (name, points[last].is_some_and(at_zero)) {
        (Some(name), true) => end = format!("{end} = {name}"),
        _ => draw_origin(sheet, panel),
    }
    if last > 0 {
        ends.push((last, mark::Mark::Star, end));
    }
    sheet.canvas.group("ends");
    let mut entries = vec![Entry::new(Swatch::Cased, "training path")];
    for (k, kind, words) in ends {
        if let Some((x, y)) = points[k].filter(|p| frame.holds(p.0, p.1)) {
            mark::place(&mut sheet.canvas, kind, x, y);
            entries.push(Entry::new(Swatch::Mark(kind), words));
        }
    }
    sheet.canvas.end();
    entries.append(&mut sheet.legend);
    sheet.legend = entries;
}

/// Says how many checkpoints the frame does not show.
fn note_outside(sheet: &mut Sheet<'_>, path: &Trajectory, panel: &Panel) {
    let shown = |p: &&landscape_core::TrajectoryPoint| {
        panel.x.holds(p.coords[0]) && panel.y.holds(p.coords[1])
    };
    let all = path.points.len();
    let outside = all - path.points.iter().filter(shown).count();
    if outside > 0 {
        sheet.notes.push(format!(
            "{outside} of {all} checkpoints lie outside of the plane shown"
        ));
    }
}

/// How honest a plane is about a path: above, the true loss of each checkpoint and the loss of the
/// plane at its projection; below, its distance from the plane.
///
/// # Errors
/// When the path has no points, or an option is not usable.
pub fn trajectory_losses(path: &Trajectory, options: &Options) -> Result<Figure, PlotError> {
    options.check()?;
    if path.points.is_empty() {
        return Err(PlotError::Empty {
            figure: "trajectory",
            what: "checkpoint",
        });
    }
    let column = |get: &dyn Fn(&landscape_core::TrajectoryPoint) -> Option<f64>| -> Vec<f64> {
        path.points
            .iter()
            .map(|p| get(p).unwrap_or(f64::NAN))
            .collect()
    };
    let steps: Vec<f64> = path.points.iter().map(|p| p.step as f64).collect();
    let series = |name: &str, k: usize, dash: usize, values: Vec<f64>| Series {
        name: name.to_owned(),
        x: steps.clone(),
        y: values,
        color: LINES[k],
        dash: DASHES[dash],
        mark: None,
        error: Vec::new(),
        dots: Vec::new(),
        open: Vec::new(),
    };
    let mut curves = Curves::new(
        options,
        options.axes[0].clone().unwrap_or_else(|| "step".to_owned()),
    );
    let name = options
        .value_label
        .clone()
        .unwrap_or_else(|| "loss".to_owned());
    let losses = vec![
        series("true loss", 0, 0, column(&|p| p.loss)),
        series("loss of the plane", 1, 1, column(&|p| p.plane_loss)),
    ];
    curves.panel(name, options.scale, options.clip, options.range, losses);
    let distance = vec![series(
        "distance from the plane",
        2,
        0,
        column(&|p| Some(p.residual)),
    )];
    curves.panel_from_zero("distance from the plane".to_owned(), distance);
    curves.legend = true;
    curves.draw("Losses along a trajectory")
}
