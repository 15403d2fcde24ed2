//! Figures and pages of stored runs.

mod curvature;
mod idle;
mod options;
mod page;
mod spread;
mod stored;

pub use curvature::page_curvature;
pub use options::{figure_options, saved};
pub use page::page_run;
pub use stored::Stored;

use super::trajectory::warnings;
use crate::args::{Kind, PlotArgs};
use crate::error::CliError;
use crate::inputs::{beside, read_store};
use crate::output::{Console, Typed, as_file, paths_json};
use landscape_core::{Surface, merge_tree, path_words};
use landscape_plot as plot;
use landscape_plot::{Figure, Options, PathOnPlane};
use landscape_storage::{NamedTrajectory, RunKind};
use landscape_study::files::may_write;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Draws runs.
pub fn plot(args: &PlotArgs, console: &Console) -> Result<(), CliError> {
    let written = draw(args, console)?;
    console.result(
        || json!({"files": paths_json(&written)}),
        || {
            written
                .iter()
                .map(|path| format!("{}\n", path_words(path)))
                .collect()
        },
    )
}

/// Checks, before work starts, that a figure can be written to a file.
pub fn may_draw(path: &Path, force: bool) -> Result<(), CliError> {
    Target::of(path)?;
    Ok(may_write(path, force)?)
}

/// Whether a file is an interactive page.
pub fn is_page(path: &Path) -> bool {
    matches!(Target::of(path), Ok(Target::Page))
}

/// Draws runs; gives the files that are written.
pub fn draw(args: &PlotArgs, console: &Console) -> Result<Vec<PathBuf>, CliError> {
    let target = Target::of(&args.output)?;
    let store = read_store(&args.db.db, console)?;
    let load = |name: &String| {
        let mut run = Stored::load(&store, name)?;
        if let Target::Page = target {
            run.diagnose(&store)?;
        }
        Ok(run)
    };
    let runs: Vec<Stored> = { args.names.iter().map(load) }.collect::<Result<_, CliError>>()?;
    match target {
        Target::Page => Ok(vec![page::write(&runs, args)?]),
        Target::Picture => {
            let files = pictures(&runs, args)?;
            spread::note(&runs, args, console);
            Ok(files)
        }
    }
}

enum Target {
    Picture,
    Page,
}

impl Target {
    fn of(path: &Path) -> Result<Self, CliError> {
        let ending = path
            .extension()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        match ending.as_str() {
            "svg" | "png" => Ok(Target::Picture),
            "html" | "htm" => Ok(Target::Page),
            _ => Err(CliError::Conflict {
                what: format!("`{}` is no .svg, .png or .html file", path.display()),
                remedy: "give -o FILE.svg, FILE.png or FILE.html".to_owned(),
            }),
        }
    }
}

/// One figure a run, or one for the losses of all, or for their stability.
fn pictures(runs: &[Stored], args: &PlotArgs) -> Result<Vec<PathBuf>, CliError> {
    let kinds: Vec<Kind> = runs
        .iter()
        .map(|run| args.kind.unwrap_or_else(|| usual(run)))
        .collect();
    idle::check(runs, &kinds, args)?;
    let all = |of: Kind| kinds.iter().all(|&kind| kind == of);
    let (files, figures) = match (all(Kind::Losses), all(Kind::Stability) && runs.len() > 1) {
        (true, _) => (vec![args.output.clone()], vec![losses(runs, args)?]),
        (_, true) => {
            let figure = curvature::stabilities(runs, &args.look)?;
            (vec![args.output.clone()], vec![figure])
        }
        (false, false) => {
            let files = names(runs, &args.output);
            let shared: Vec<&Surface> = match args.look.shared_scale {
                true => runs.iter().filter_map(|run| run.surface.as_ref()).collect(),
                false => Vec::new(),
            };
            let one = |(run, &kind): (&Stored, &Kind)| figure(run, kind, &shared, args);
            let figures = runs.iter().zip(&kinds).map(one).collect::<Result<_, _>>()?;
            (files, figures)
        }
    };
    for file in &files {
        may_write(file, args.force)?;
    }
    for (file, figure) in files.iter().zip(&figures) {
        saved(figure, file, args.look.dpi, args.force)?;
    }
    Ok(files)
}

/// `planes.svg` for one run; `planes-NAME.svg` for each of several.
fn names(runs: &[Stored], path: &Path) -> Vec<PathBuf> {
    if runs.len() == 1 {
        return vec![path.to_owned()];
    }
    let name = |run: &Stored| beside(path, &format!("-{}", as_file(&run.run.name)));
    runs.iter().map(name).collect()
}

/// What is usually drawn of a run.
fn usual(run: &Stored) -> Kind {
    let dims = run
        .surface
        .as_ref()
        .map_or(0, |surface| surface.grid().dims());
    match (run.run.kind, dims) {
        (RunKind::Train | RunKind::Curve, _) => Kind::Losses,
        (RunKind::Hessian, _) => curvature::usual(run),
        (RunKind::Trajectory, 0) => Kind::PlaneLosses,
        (RunKind::Trajectory, 3) => Kind::Slices,
        (RunKind::Trajectory, _) => Kind::Trajectory,
        (_, 1) => Kind::Line,
        (_, 3) => Kind::Slices,
        _ => Kind::Contour,
    }
}

fn losses(runs: &[Stored], args: &PlotArgs) -> Result<Figure, CliError> {
    let curves: Vec<_> = runs.iter().map(Stored::curve).collect::<Result<_, _>>()?;
    let options = figure_options(&runs[0], &args.look, None)?;
    Ok(plot::losses(&curves, &over_steps(options))?)
}

/// The axis of curves over steps is no direction.
fn over_steps(options: Options) -> Options {
    Options {
        axes: [None, None, None],
        ..options
    }
}

fn figure(
    run: &Stored,
    kind: Kind,
    shared: &[&Surface],
    args: &PlotArgs,
) -> Result<Figure, CliError> {
    let surface = run.surface.as_ref();
    let mut options = figure_options(run, &args.look, surface)?;
    if !shared.is_empty() {
        options = options.share(shared);
    }
    let needed = || surface.ok_or_else(|| run.lacks("landscape"));
    Ok(match kind {
        Kind::Line => plot::line(needed()?, &options)?,
        Kind::Contour => plot::contour(needed()?, &options)?,
        Kind::Heatmap => plot::heatmap(needed()?, &options)?,
        Kind::Slices => plot::volume_slices(needed()?, &options)?,
        Kind::Surface if run.paths.is_empty() => plot::surface3d(needed()?, &options)?,
        Kind::Surface => plot::trajectory3d(needed()?, run.path(args.path.as_deref())?, &options)?,
        Kind::Persistence => {
            let pairs = merge_tree(needed()?, options.value).decided();
            plot::persistence(&pairs, &over_steps(options))?
        }
        Kind::Trajectory => {
            let chosen = run.chosen(args.path.as_deref())?;
            let surface = surface.ok_or_else(|| CliError::Conflict {
                what: format!(
                    "run `{}` has a path, but no landscape around it",
                    run.run.name
                ),
                remedy: format!("{}; or draw --kind plane-losses", sampled(run)),
            })?;
            over_contours(surface, &chosen, run.is_curve(), &options)?
        }
        Kind::PlaneLosses => {
            plot::trajectory_losses(run.path(args.path.as_deref())?, &over_steps(options))?
        }
        Kind::Losses => plot::losses(&[run.curve()?], &over_steps(options))?,
        Kind::Spectrum | Kind::HessianMap | Kind::Stability | Kind::Sharpness => {
            curvature::figure(run, kind, &args.look)?
        }
    })
}

/// The command that samples the plane of a run's paths.
fn sampled(run: &Stored) -> String {
    if run.is_curve() {
        return "sample it: the same `landscape connect` with --grid 51".to_owned();
    }
    let runs = run.paths.iter().map(|path| &path.label);
    let typed = runs.fold(Typed::new("trajectory"), |typed, name| {
        typed.option("--run", name)
    });
    format!("sample it: {}", typed.option("--grid", "51"))
}

/// One path with its steps; several paths, and curves between networks, by their names.
fn over_contours(
    surface: &Surface,
    paths: &[&NamedTrajectory],
    is_curve: bool,
    options: &Options,
) -> Result<Figure, CliError> {
    let options = &Options {
        caption: caption(paths).or(options.caption.clone()),
        ..options.clone()
    };
    if let ([only], false) = (paths, is_curve) {
        return Ok(plot::trajectory(surface, &only.trajectory, options)?);
    }
    let named = paths.iter().map(|named| PathOnPlane {
        name: &named.label,
        trajectory: &named.trajectory,
    });
    let named: Vec<_> = named.collect();
    Ok(plot::trajectories(surface, &named, options)?)
}

/// Where the plane misleads, as a sentence.
fn caption(paths: &[&NamedTrajectory]) -> Option<String> {
    let all = warnings(paths.iter().copied());
    (!all.is_empty()).then(|| format!("beware: {}", all.join("; ")))
}
