//! Stored runs that are named to be compared.

use super::Compared;
use crate::StudyError;
use crate::record::{ProblemSettings, Settings};
use landscape_storage::{Run, RunKind, Store};

/// Stored runs that can be held against each other.
#[derive(Debug)]
pub enum Selection {
    /// Trainings on the same data, with the same loss.
    Trainings(Vec<Compared>),
    /// Runs of other kinds.
    Landscapes(Vec<Run>),
}

impl Selection {
    /// The runs of these names.
    ///
    /// # Errors
    /// An unknown run, [`StudyError::NamedTwice`], [`StudyError::KindsDiffer`] and [`StudyError::LossesDiffer`].
    pub fn of(names: &[String], store: &Store) -> Result<Self, StudyError> {
        let runs = load(names, store)?;
        if runs.iter().all(|run| run.kind != RunKind::Train) {
            return Ok(Selection::Landscapes(runs));
        }
        comparable(&runs)?;
        let compared = runs.into_iter().map(Compared::stored);
        Ok(Selection::Trainings(compared.collect()))
    }
}

fn load(names: &[String], store: &Store) -> Result<Vec<Run>, StudyError> {
    let mut runs: Vec<Run> = Vec::new();
    for name in names {
        let run = store.find(name)?;
        if runs.iter().any(|other| other.id == run.id) {
            return Err(StudyError::NamedTwice { run: run.name });
        }
        runs.push(run);
    }
    Ok(runs)
}

/// Whether trainings can be held against each other: they are trainings, on the same data, with the same loss.
fn comparable(runs: &[Run]) -> Result<(), StudyError> {
    let Some(first) = runs.first() else {
        return Ok(());
    };
    if let Some(other) = runs.iter().find(|run| run.kind != first.kind) {
        return Err(StudyError::KindsDiffer {
            first: (first.name.clone(), first.kind),
            other: (other.name.clone(), other.kind),
        });
    }
    let problem = |run: &Run| Settings::of(run).problem().clone();
    let data = |of: &ProblemSettings| of.data.as_ref().map(|data| data.sha256.clone());
    let own = problem(first);
    for run in &runs[1..] {
        let other = problem(run);
        let what = match (data(&other) != data(&own), other.loss != own.loss) {
            (true, _) => "on other data",
            (false, true) => "with other losses",
            (false, false) => continue,
        };
        return Err(StudyError::LossesDiffer {
            first: first.name.clone(),
            other: run.name.clone(),
            what,
        });
    }
    Ok(())
}
