use super::contour::Scene;
use super::paths::{self, Look, PathOnPlane, Paths};
use super::plane::{draw_models, draw_origin};
use crate::display::origin;
use crate::error::PlotError;
use crate::figure::Figure;
use crate::layout::{Entry, Swatch, mark};
use crate::options::Options;
use landscape_core::{Surface, Trajectory};

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
    let only = PathOnPlane {
        name: "",
        trajectory: path,
    };
    let (mut scene, paths) = scene(surface, &[(Look::ALONE, only)], options)?;
    draw_ends(&mut scene, path, &paths);
    let title = format!("Trajectory over the {}", scene.name);
    Ok(scene.finish(&title))
}

/// Several paths of training over the contours of the plane that they were projected on, such as
/// the joint plane of [`landscape_core::PathPlane`]: told apart by colour, and by dash and mark
/// where there is none; starts hollow (one mark where all paths start at one point), ends filled;
/// the explained variance with the axes where the paths agree on it.
///
/// # Errors
/// As [`super::contour`], when there is no path, or one has no points.
///
/// ```
/// use landscape_core::{Grid, Projection, Sampler, Surface, Trajectory, TrajectoryPoint, from_fn};
/// use landscape_plot::{Options, PathOnPlane, trajectories};
///
/// let bowl = from_fn(|[x, y]: [f64; 2]| x * x + 2.0 * y * y);
/// let mut surface = Surface::new(Grid::square(21, 1.0, 2)?, vec![]);
/// Sampler::new().run(&bowl, &mut surface, &mut [])?;
/// let run = |rate: f64| Trajectory {
///     points: (0..20)
///         .map(|step| {
///             let shrink = |c: f64| 0.8 * (1.0 - rate * c).powi(step);
///             let coords = [shrink(1.0), shrink(2.0), 0.0];
///             TrajectoryPoint { step: step as u64, coords, residual: 0.0, loss: None, plane_loss: None }
///         })
///         .collect(),
///     explained_variance: vec![],
///     projection: Projection::LeastSquares,
/// };
/// let (slow, fast) = (run(0.1), run(0.4));
/// let paths = [
///     PathOnPlane { name: "rate 0.1", trajectory: &slow },
///     PathOnPlane { name: "rate 0.4", trajectory: &fast },
/// ];
/// let figure = trajectories(&surface, &paths, &Options::default())?;
/// assert!(figure.svg().contains("rate 0.4") && figure.svg().contains("common start"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn trajectories(
    surface: &Surface,
    paths: &[PathOnPlane<'_>],
    options: &Options,
) -> Result<Figure, PlotError> {
    if paths.is_empty() {
        return Err(PlotError::Empty {
            figure: "trajectory",
            what: "path",
        });
    }
    let looks: Vec<(Look, PathOnPlane<'_>)> = paths
        .iter()
        .enumerate()
        .map(|(k, p)| (Look::nth(k), *p))
        .collect();
    let (mut scene, paths) = scene(surface, &looks, options)?;
    let sheet = &mut scene.sheet;
    paths.draw_ends(&mut sheet.canvas, &scene.panel);
    let training = sheet.options.training;
    sheet.legend = paths.entries(training);
    sheet.legend.extend(paths.end_entries(training));
    sheet.notes.extend(paths.ends_note(training));
    let zero = (scene.panel.x.at(0.0), scene.panel.y.at(0.0));
    draw_models(sheet, &scene.panel, !paths.marks(zero));
    let title = format!("Trajectories over the {}", scene.name);
    Ok(scene.finish(&title))
}

/// The contours with the lines of paths over them.
fn scene<'o, 'p>(
    surface: &Surface,
    looks: &[(Look, PathOnPlane<'p>)],
    options: &'o Options,
) -> Result<(Scene<'o>, Paths<'p>), PlotError> {
    let paths: Vec<PathOnPlane<'_>> = looks.iter().map(|(_, p)| *p).collect();
    paths::check(&paths)?;
    let labels = paths::labels(&paths, options);
    let warnings = paths::warnings(&paths);
    let mut scene = Scene::new(surface, options, labels, "trajectory")?;
    let paths = Paths::on(looks, &scene.panel, options);
    let mut obstacles = scene.obstacles();
    obstacles.extend(paths.obstacles());
    scene.draw(&obstacles)?;
    paths.draw(&mut scene.sheet.canvas, &scene.panel);
    scene.sheet.add_lines(paths.lines(options.training));
    scene.sheet.notes.extend(warnings);
    scene.sheet.notes.extend(paths.outside(&scene.panel));
    Ok((scene, paths))
}

/// Marks start and end of the only path; an end at the point 0 is one mark with both names.
fn draw_ends(scene: &mut Scene<'_>, path: &Trajectory, paths: &Paths<'_>) {
    let (panel, sheet) = (&scene.panel, &mut scene.sheet);
    let frame = panel.frame.inset(-0.01);
    let training = sheet.options.training;
    let shown = sheet.options.shown(path);
    let last = shown.len() - 1;
    let words = |name: &str, k: usize| match training {
        true => format!("{name} (step {})", shown[k].step),
        false => name.to_owned(),
    };
    let at = |k: usize| {
        let [x, y, _] = shown[k].coords;
        (panel.x.at(x), panel.y.at(y))
    };
    let zero = (panel.x.at(0.0), panel.y.at(0.0));
    let mut ends = vec![(0, mark::Mark::Ring, words("start", 0))];
    let mut end = match training && shown.len() < path.points.len() {
        true => format!("step {}", shown[last].step),
        false => words("end", last),
    };
    let name = origin(sheet.options, panel).map(str::to_owned);
    match (name, paths::near(at(last), zero)) {
        (Some(name), true) => end = format!("{end} = {name}"),
        _ => draw_origin(sheet, panel),
    }
    if last > 0 {
        ends.push((last, mark::Mark::Star, end));
    }
    sheet.canvas.group("ends");
    let mut entries = paths.entries(training);
    for (k, kind, name) in ends {
        let (x, y) = at(k);
        if frame.holds(x, y) {
            mark::place(&mut sheet.canvas, kind, x, y);
            entries.push(Entry::new(Swatch::Mark(kind), name));
        }
    }
    sheet.canvas.end();
    entries.append(&mut sheet.legend);
    sheet.legend = entries;
}
