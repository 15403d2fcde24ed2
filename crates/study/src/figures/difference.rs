//! What runs differ from another by.

use super::RunContents;
use crate::StudyError;
use landscape_core::{Sample, Surface};

/// What each run but the first differs from that by, point by point, as a run without a path.
///
/// # Errors
/// Where there is one run alone, one has no landscape, or grids or extra terms differ.
pub(super) fn from_first(mut runs: Vec<RunContents>) -> Result<Vec<RunContents>, StudyError> {
    if runs.len() < 2 {
        return Err(StudyError::TooFew {
            what: "runs",
            given: runs.len(),
        });
    }
    let first = runs.remove(0);
    for run in &mut runs {
        let difference = difference(&first, run)?;
        run.surface = Some(difference);
        run.paths.clear();
        run.run.name = format!("{} − {}", run.run.name, first.run.name);
    }
    Ok(runs)
}

/// The numbers of the other run less those of the first. Standard errors, which say nothing of a difference on the same
/// samples, are left out.
fn difference(first: &RunContents, other: &RunContents) -> Result<Surface, StudyError> {
    let (a, b) = (first.landscape()?, other.landscape()?);
    let names = || (first.run.name.clone(), other.run.name.clone());
    if a.grid() != b.grid() {
        let (first, other) = names();
        return Err(StudyError::GridsDiffer { first, other });
    }
    if a.terms() != b.terms() {
        let (first, other) = names();
        return Err(StudyError::TermsDiffer { first, other });
    }
    let mut surface = Surface::new(a.grid().clone(), a.terms().to_vec());
    for index in 0..a.grid().len() {
        if let (Some(a), Some(b)) = (a.get(index), b.get(index)) {
            // A point of the grid, with as many terms.
            let _ = surface.set(index, less(b, a));
        }
    }
    Ok(surface)
}

fn less(b: &Sample, a: &Sample) -> Sample {
    let terms = b.terms.iter().zip(&a.terms);
    Sample {
        loss: b.loss - a.loss,
        loss_se: None,
        accuracy: b.accuracy.zip(a.accuracy).map(|(b, a)| b - a),
        terms: terms.map(|(b, a)| b - a).collect(),
    }
}
