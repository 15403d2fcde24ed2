//! The other stored runs about the same network: planes along random directions and along eigenvectors, and curvature.

use super::subject::Subject;
use crate::StudyError;
use crate::figures::RunContents;
use crate::record::{DirectionSettings, LandscapeSettings, Settings};
use landscape_storage::{Run, RunKind, Status, Store};
use std::collections::BTreeSet;

/// What is stored of a network beside the run that is reported.
#[derive(Debug, Default)]
pub(super) struct Siblings {
    /// Planes along random directions that differ in the seed alone, in the order in which they were begun.
    pub random: Vec<RunContents>,
    /// Its curvature at these parameters.
    pub curvature: Option<RunContents>,
    /// The plane along eigenvectors of the Hessian.
    pub eigenplane: Option<RunContents>,
}

impl Siblings {
    /// What is stored of a network, for a report of `own`.
    ///
    /// # Errors
    /// Those of the store.
    pub fn of(own: &Run, subject: &Subject, store: &Store) -> Result<Self, StudyError> {
        let runs = store.runs()?.into_iter().map(|summary| summary.run);
        let complete = runs.filter(|run| run.status == Status::Complete || run.id == own.id);
        let complete: Vec<Run> = complete.collect();
        let of_it = |kind: RunKind| {
            let all = complete.iter().filter(move |run| run.kind == kind);
            all.filter(move |run| subject.is_of(run) || run.id == own.id)
        };
        let random: Vec<(&Run, LandscapeSettings)> = of_it(RunKind::Surface)
            .filter_map(|run| Some((run, random_plane(run)?)))
            .collect();
        let load = |run: &Run| RunContents::load(store, &run.name);
        let eigenplane = of_it(RunKind::Surface).filter(|run| is_eigenplane(run));
        let curvature = of_it(RunKind::Hessian).filter(|run| is_hessian(run));
        Ok(Siblings {
            random: { alike(own, &random).into_iter() }
                .map(load)
                .collect::<Result<_, _>>()?,
            eigenplane: chosen(own, eigenplane.collect(), |_| 0)
                .map(load)
                .transpose()?,
            curvature: chosen(own, curvature.collect(), holdings)
                .map(load)
                .transpose()?,
        })
    }
}

/// The run itself if it is one of them, else the last of those that hold most.
fn chosen<'a>(own: &Run, found: Vec<&'a Run>, holds: impl Fn(&Run) -> usize) -> Option<&'a Run> {
    let itself = found.iter().find(|run| run.id == own.id);
    let most = || found.iter().max_by_key(|run| holds(run));
    itself.or_else(most).copied()
}

/// How much of what a report shows a run of curvature was asked for.
fn holdings(run: &Run) -> usize {
    match Settings::of(run) {
        Settings::Curvature(settings) => {
            let pairs = settings.eigenvalues.is_some();
            2 * usize::from(settings.density.is_some())
                + usize::from(pairs)
                + usize::from(settings.trace.is_some())
        }
        _ => 0,
    }
}

fn is_hessian(run: &Run) -> bool {
    match Settings::of(run) {
        Settings::Curvature(settings) => {
            let numbers = settings.eigenvalues.is_some() || settings.density.is_some();
            settings.matrix.as_deref() == Some("hessian") && numbers
        }
        _ => false,
    }
}

/// The settings of a plane along random directions.
pub(super) fn random_plane(run: &Run) -> Option<LandscapeSettings> {
    let Settings::Landscape(settings) = Settings::of(run) else {
        return None;
    };
    let each = &settings.directions.each;
    let random = |direction: &DirectionSettings| direction.source == "random";
    (each.len() == 2 && each.iter().all(random)).then_some(settings)
}

/// The seed of a plane along random directions.
pub(super) fn seed_of(settings: &LandscapeSettings) -> Option<u64> {
    settings.directions.each.first()?.seed
}

fn is_eigenplane(run: &Run) -> bool {
    let Settings::Landscape(settings) = Settings::of(run) else {
        return false;
    };
    let each = &settings.directions.each;
    let eigenvector = |d: &DirectionSettings| d.source.starts_with("Hessian eigenvector");
    each.len() == 2 && each.iter().all(eigenvector)
}

/// The same settings without what differs from one seed to another, and without what makes no other numbers of the loss.
fn without_seed(settings: &LandscapeSettings) -> LandscapeSettings {
    let mut settings = settings.clone();
    for direction in &mut settings.directions.each {
        direction.seed = None;
    }
    settings.terms.clear();
    settings
}

/// The planes that can be compared with each other: those like the run that is reported, that first, or the largest group.
fn alike<'a>(own: &Run, planes: &[(&'a Run, LandscapeSettings)]) -> Vec<&'a Run> {
    let like = |wanted: &LandscapeSettings| -> Vec<&'a Run> {
        let (wanted, mut seeds) = (without_seed(wanted), BTreeSet::new());
        let mut same: Vec<_> = planes
            .iter()
            .filter(|(_, found)| without_seed(found) == wanted)
            .collect();
        same.sort_by_key(|(run, _)| run.id != own.id);
        // The same seed with other terms is the same plane.
        same.retain(|(_, found)| seeds.insert(seed_of(found)));
        same.into_iter().map(|(run, _)| *run).collect()
    };
    match planes.iter().find(|(run, _)| run.id == own.id) {
        Some((_, settings)) => like(settings),
        None => { planes.iter() }
            .map(|(_, settings)| like(settings))
            .max_by_key(Vec::len)
            .unwrap_or_default(),
    }
}
