//! Figures of trainings side by side.

use crate::args::{CompareArgs, LookArgs};
use crate::commands::part;
use crate::commands::plot::{Stored, figure_options, saved};
use crate::error::CliError;
use crate::inputs::beside;
use crate::output::{Console, Typed};
use landscape_core::Surface;
use landscape_plot::{
    Figure, LossCurve, Options, PanelOf, PathOnPlane, Scale, Style, losses, side_by_side,
    trajectories,
};
use landscape_storage::Store;
use landscape_study::compare::{Comparison, JointPlane, TrainingRow};
use landscape_study::files::may_write;
use std::path::{Path, PathBuf};

/// Planes that fit side by side.
const PANELS: std::ops::RangeInclusive<usize> = 2..=6;
/// Paths, and curves, that can be told apart.
const CURVES: usize = 25;

/// Checks, before work starts, that every file of a comparison can be written.
pub fn may_draw_all(output: &Path, variants: usize, force: bool) -> Result<(), CliError> {
    if is_page(output) {
        return Ok(());
    }
    if variants > CURVES {
        return Err(CliError::Conflict {
            what: format!("a figure cannot tell {variants} trainings apart"),
            remedy: format!("compare up to {CURVES} of them, or leave -o out"),
        });
    }
    for part in ["-ends", "-losses"] {
        may_write(&beside(output, part), force)?;
    }
    Ok(())
}

/// Draws what is asked for; gives the files that are written.
pub fn draw_all(
    followed: &Comparison,
    args: &CompareArgs,
    store: &Store,
    console: &Console,
) -> Result<Vec<PathBuf>, CliError> {
    let mut files = Vec::new();
    for output in &args.output {
        match is_page(output) {
            true => files.push(page(followed, output, args, console)?),
            false => files.extend(pictures(followed, output, args, store)?),
        }
    }
    Ok(files)
}

/// Whether a file is an interactive page.
pub fn is_page(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    ending == "html" || ending == "htm"
}

/// One page with the joint plane, the planes around the ends, and the losses.
fn page(
    followed: &Comparison,
    output: &Path,
    args: &CompareArgs,
    console: &Console,
) -> Result<PathBuf, CliError> {
    let plane = followed.plane.iter().map(|plane| plane.run.name.clone());
    let ends = followed.rows.iter().filter_map(|row| row.end.clone());
    let trained = followed.rows.iter().map(|row| row.run.name.clone());
    page_of(plane.chain(ends).chain(trained), output, args, console)?;
    Ok(output.to_owned())
}

/// One page of runs.
pub fn page_of(
    names: impl IntoIterator<Item = String>,
    output: &Path,
    args: &CompareArgs,
    console: &Console,
) -> Result<(), CliError> {
    let mut typed = Typed::new("plot")
        .option("--output", output)
        .option("--db", &args.store.db.db);
    for (flag, _) in [("--force", args.store.force), ("--log", args.log)]
        .iter()
        .filter(|f| f.1)
    {
        typed = typed.flag(flag);
    }
    part(names.into_iter().fold(typed, Typed::name), console)
}

fn pictures(
    followed: &Comparison,
    output: &Path,
    args: &CompareArgs,
    store: &Store,
) -> Result<Vec<PathBuf>, CliError> {
    let look = LookArgs {
        log: args.log,
        ..LookArgs::default()
    };
    let mut figures: Vec<(&str, Figure)> = Vec::new();
    if let Some(plane) = &followed.plane {
        figures.push(("", paths(plane, &followed.rows, &look, store)?));
    }
    let ends: Vec<(&str, &Surface)> = { followed.rows.iter() }
        .filter_map(|row| Some((row.label.as_str(), row.surface.as_ref()?)))
        .collect();
    if PANELS.contains(&ends.len()) {
        let part = if figures.is_empty() { "" } else { "-ends" };
        figures.push((
            part,
            on_one_scale(&ends, args.log, Some("trained weights"))?,
        ));
    }
    figures.push(("-losses", courses(&followed.rows, args.log, store)?));
    let write = |(part, figure): (&str, Figure)| {
        let file = beside(output, part);
        saved(&figure, &file, look.dpi, args.store.force)?;
        Ok(file)
    };
    figures.into_iter().map(write).collect()
}

/// All paths over the joint plane.
fn paths(
    plane: &JointPlane,
    rows: &[TrainingRow],
    look: &LookArgs,
    store: &Store,
) -> Result<Figure, CliError> {
    let stored = Stored::load(store, &plane.run.name)?;
    let options = figure_options(&stored, look, Some(&plane.surface))?;
    let named: Vec<PathOnPlane> = { rows.iter().zip(&plane.paths) }
        .map(|(row, trajectory)| PathOnPlane {
            name: &row.label,
            trajectory,
        })
        .collect();
    Ok(trajectories(&plane.surface, &named, &options)?)
}

/// Surfaces side by side, with one scale of colours; what lies at 0 is marked where it has a name.
pub fn on_one_scale(
    surfaces: &[(&str, &Surface)],
    log: bool,
    origin: Option<&str>,
) -> Result<Figure, CliError> {
    let panels: Vec<PanelOf> = { surfaces.iter() }
        .map(|&(title, surface)| PanelOf {
            title,
            surface,
            paths: &[],
        })
        .collect();
    let options = Options {
        style: Style::double(),
        origin: origin.map(str::to_owned),
        ..scaled(log)
    };
    Ok(side_by_side(&panels, &options)?)
}

fn courses(rows: &[TrainingRow], log: bool, store: &Store) -> Result<Figure, CliError> {
    let curve = |row: &TrainingRow| -> Result<LossCurve, CliError> {
        let curve = Stored::load(store, &row.run.name)?.curve()?;
        Ok(LossCurve {
            name: row.label.clone(),
            ..curve
        })
    };
    let curves: Vec<LossCurve> = rows.iter().map(curve).collect::<Result<_, _>>()?;
    Ok(losses(&curves, &scaled(log))?)
}

fn scaled(log: bool) -> Options {
    let scale = if log { Scale::Log } else { Scale::Linear };
    Options {
        scale,
        ..Options::default()
    }
}
