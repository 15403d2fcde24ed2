//! Planes of several runs in one figure.

use super::{FigureKind, Look, RunContents};
use crate::StudyError;
use landscape_core::Surface;
use landscape_plot::{Aspect, Figure, Options, PanelOf, PathOnPlane, side_by_side};

/// What a panel is drawn from.
struct Part<'a> {
    title: String,
    surface: &'a Surface,
    paths: Vec<PathOnPlane<'a>>,
}

/// The planes of two to six runs side by side, on one scale, each with a letter and the name of its run; with its paths
/// where its kind is [`FigureKind::Trajectory`].
pub(super) fn side_by_side_of(
    runs: &[RunContents],
    kinds: &[FigureKind],
    look: &Look,
) -> Result<Figure, StudyError> {
    let all = runs.iter().zip(kinds).zip('a'..='z');
    let parts = all.map(|((run, &kind), letter)| part(run, kind, letter, look));
    let parts: Vec<Part<'_>> = parts.collect::<Result<_, StudyError>>()?;
    let panels: Vec<PanelOf<'_>> = { parts.iter() }
        .map(|part| PanelOf {
            title: &part.title,
            surface: part.surface,
            paths: &part.paths,
        })
        .collect();
    look.fitted(|look| Ok(side_by_side(&panels, &options(runs, look)?)?))
}

/// The planes of two to six runs side by side, on one scale, as [`Look::panels`] draws them.
///
/// # Errors
/// Where a run has no plane, and those of the figure.
pub fn panels_of(runs: &[RunContents], look: &Look) -> Result<Figure, StudyError> {
    let look = Look {
        panels: true,
        ..look.clone()
    };
    side_by_side_of(runs, &vec![FigureKind::Contour; runs.len()], &look)
}

fn part<'a>(
    run: &'a RunContents,
    kind: FigureKind,
    letter: char,
    look: &Look,
) -> Result<Part<'a>, StudyError> {
    let named = match kind {
        FigureKind::Trajectory => run.paths_named(look.path.as_deref())?,
        _ => Vec::new(),
    };
    let paths = named.into_iter().map(|named| PathOnPlane {
        name: &named.label,
        trajectory: &named.trajectory,
    });
    Ok(Part {
        title: format!("({letter}) {}", run.run.name),
        surface: run.landscape()?,
        paths: paths.collect(),
    })
}

/// What holds for all panels: of labels, marks and notes those on which the runs agree.
pub(super) fn options(runs: &[RunContents], look: &Look) -> Result<Options, StudyError> {
    let each = { runs.iter() }.map(|run| look.options(run, run.surface.as_ref()));
    let each: Vec<Options> = each.collect::<Result<_, StudyError>>()?;
    let Some(first) = each.first() else {
        return Ok(Options::default());
    };
    let other = each.iter().position(|o| o.value != first.value);
    if let Some(other) = other {
        return Err(StudyError::TermsDiffer {
            first: runs[0].run.name.clone(),
            other: runs[other].run.name.clone(),
        });
    }
    let agree = |same: &dyn Fn(&Options) -> bool| each.iter().all(same);
    let origin = match agree(&|o| o.origin == first.origin) {
        true => first.origin.clone(),
        false => Some("centre of the plane".to_owned()),
    };
    let runs = each.iter().flat_map(|o| &o.provenance).cloned();
    Ok(Options {
        axes: match agree(&|o| o.axes == first.axes) {
            true => first.axes.clone(),
            false => [None, None, None],
        },
        aspect: match agree(&|o| o.aspect == first.aspect) {
            true => first.aspect,
            false => Aspect::Free,
        },
        networks: match agree(&|o| o.networks == first.networks) {
            true => first.networks.clone(),
            false => Vec::new(),
        },
        tolerance: first
            .tolerance
            .filter(|_| agree(&|o| o.tolerance == first.tolerance)),
        training: agree(&|o| o.training),
        provenance: runs.collect(),
        origin,
        ..first.clone()
    })
}
