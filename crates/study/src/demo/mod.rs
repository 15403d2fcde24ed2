//! The whole job on embedded data: two networks are trained, and their landscapes, paths and curvature computed, drawn
//! and put on a page.

mod steps;
mod summary;

pub use steps::{DemoStep, steps};
pub use summary::{DemoRun, DemoSummary};

use crate::StudyError;
use crate::device::Evaluation;
use crate::figures::{FigureKind, Look, RunContents, page_curvature, page_run, save};
use crate::files::write_new;
use crate::report::Reporter;
use landscape_plot::page::{PageData, html};
use landscape_storage::Store;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use steps::{CURVATURE, FIGURES, PAGE};

/// Resolution of the PNG files, in dots an inch.
const DPI: f64 = 300.0;

/// What is demonstrated. [`steps`] makes the requests of all runs, [`draw`] the figures and [`page`] the page.
///
/// ```
/// use landscape_study::demo::{DemoRequest, steps};
///
/// let all = steps(&DemoRequest::default())?;
/// let names: Vec<&str> = all.iter().filter_map(|step| step.keep().name.as_deref()).collect();
/// assert_eq!(names[..2], ["moons", "moons-line"]);
/// // for step in &all { step.run(&store, &())?; }
/// # Ok::<(), landscape_study::StudyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DemoRequest {
    /// Seed of initial values, orders and directions.
    pub seed: u64,
    /// Where losses are evaluated.
    pub evaluation: Evaluation,
}

impl Default for DemoRequest {
    fn default() -> Self {
        DemoRequest {
            seed: 42,
            evaluation: Evaluation::default(),
        }
    }
}

/// Draws all figures into a folder, as SVG and PNG, on all cores; files that exist are replaced.
///
/// # Errors
/// [`StudyError::Interrupted`] when the reporter stopped it, and those of the store, of figures and of files.
pub fn draw(folder: &Path, store: &Store, reporter: &dyn Reporter) -> Result<(), StudyError> {
    let mut runs = BTreeMap::new();
    for (_, name, ..) in FIGURES {
        if !runs.contains_key(name) {
            runs.insert(name, RunContents::load(store, name)?);
        }
    }
    let todo = Mutex::new(FIGURES.iter());
    // Taking one leaves nothing half done, so that a panic elsewhere spoils nothing.
    let take = || todo.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || -> Result<(), StudyError> {
        while let Some(&(file, name, kind, log)) = take() {
            if reporter.cancelled() {
                return Err(StudyError::Interrupted {
                    saved: "all results are stored, but figures are missing".to_owned(),
                    again: "the same command draws them",
                });
            }
            picture(&folder.join(file), &runs[&name], kind, log)?;
        }
        Ok(())
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        joined(workers.into_iter().map(|worker| worker.join()).collect())
    })
}

fn picture(file: &Path, run: &RunContents, kind: FigureKind, log: bool) -> Result<(), StudyError> {
    let look = Look {
        log,
        ..Look::default()
    };
    let figure = run.draw(kind, &look)?;
    for ending in ["svg", "png"] {
        save(&figure, &file.with_extension(ending), DPI, true)?;
    }
    Ok(())
}

/// What became of all workers: the first error, and a panic is one.
fn joined(done: Vec<thread::Result<Result<(), StudyError>>>) -> Result<(), StudyError> {
    let panicked = |_| Err(StudyError::Panicked { what: "a figure" });
    done.into_iter()
        .try_for_each(|done| done.unwrap_or_else(panicked))
}

/// Writes one page with every landscape, beside each the course of its training; a file that exists is replaced.
/// `command` is what makes the page.
///
/// # Errors
/// Those of the store, of figures and of the file.
pub fn page(file: &Path, store: &Store, command: Option<String>) -> Result<(), StudyError> {
    let mut runs = Vec::new();
    for (name, heading, trained) in PAGE {
        let curve = RunContents::load(store, trained)?.loss_curve()?;
        let mut stored = RunContents::load(store, name)?;
        stored.diagnose(store)?;
        let mut run = page_run(&stored, &[curve])?;
        run.heading = Some((*heading).to_owned());
        runs.push(run);
    }
    let mut data = PageData::new("Loss landscapes of two networks", runs);
    for name in CURVATURE {
        let shown = page_curvature(&RunContents::load(store, name)?)?;
        data.curvature.extend(shown);
    }
    data.command = command;
    write_new(file, html(&data)?.as_bytes(), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_a_figure_is_an_error() {
        let panic = thread::spawn(|| panic!("a figure that cannot be drawn")).join();
        let panicked = panic.map(|()| Ok(()));
        let error = joined(vec![Ok(Ok(())), panicked, Ok(Ok(()))]).unwrap_err();
        assert!(error.to_string().contains("panicked"), "{error}");
        assert!(joined(vec![Ok(Ok(())), Ok(Ok(()))]).is_ok());
    }
}
