//! What is said of a run.

use super::{DiagnosisReport, Evidence, evidence};
use crate::StudyError;
use crate::estimate::Estimate;
use crate::report::Reporter;
use landscape_storage::{Run, RunKind, Store};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is asked of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiagnosisRequest {
    /// The run, by its name or number.
    pub run: String,
    /// Whether the largest eigenvalue is computed where it decides something and is not stored.
    pub curvature: bool,
    /// Threads for that; 0 for all cores.
    pub threads: usize,
}

impl DiagnosisRequest {
    /// What computing curvature for it would cost; nothing is computed where nothing is undecided.
    ///
    /// # Errors
    /// As [`Diagnosed::of`], and where data or weights have moved.
    pub fn estimate(&self, store: &Store) -> Result<Estimate, StudyError> {
        let (_, all) = self.evidence(store)?;
        let parts = { all.iter().filter(|_| self.curvature) }
            .filter_map(|evidence| evidence.estimate(store, self.threads).transpose());
        Ok(Estimate::of(parts.collect::<Result<_, _>>()?))
    }

    fn evidence(&self, store: &Store) -> Result<(Run, Vec<Evidence>), StudyError> {
        let run = store.find(&self.run)?;
        let all = evidence(store, &run)?;
        match all.iter().all(Evidence::is_empty) {
            false => Ok((run, all)),
            true => Err(StudyError::NothingToDiagnose {
                run: run.name,
                is_curvature: run.kind == RunKind::Hessian,
            }),
        }
    }
}

/// What is said of a run. As JSON it is what `landscape diagnose --json` prints.
///
/// ```
/// use landscape_storage::Store;
/// use landscape_study::diagnose::{Diagnosed, DiagnosisRequest};
/// use landscape_study::runs::{TrainRequest, Training};
///
/// let folder = tempfile::tempdir()?;
/// let store = Store::open(folder.path().join("landscape.duckdb"))?;
/// let mut request = TrainRequest::new("mlp:2-8-1".parse()?);
/// request.data.data = Some("moons:n=50".parse()?);
/// request.config.epochs = 3;
/// request.keep.name = Some("moons".to_owned());
/// Training::prepare(&request, &())?.run(&store, &())?;
///
/// let request = DiagnosisRequest { run: "moons".to_owned(), curvature: false, threads: 0 };
/// println!("{}", Diagnosed::of(&request, &store, &())?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diagnosed {
    /// The run.
    pub run: String,
    /// What is said of each training, or landscape.
    pub diagnoses: Vec<DiagnosisReport>,
    /// Trainings whose largest eigenvalue was computed, each with the step, and is not stored.
    #[serde(skip)]
    pub computed: Vec<(String, u64)>,
}

impl Diagnosed {
    /// Gathers what is known of a run, and answers the three questions.
    ///
    /// # Errors
    /// An unknown run, [`StudyError::NothingToDiagnose`], and those of the store.
    pub fn of(
        request: &DiagnosisRequest,
        store: &Store,
        reporter: &dyn Reporter,
    ) -> Result<Self, StudyError> {
        let (run, mut all) = request.evidence(store)?;
        let mut computed = Vec::new();
        for evidence in all.iter_mut().filter(|_| request.curvature) {
            computed.extend(evidence.find_curvature(store, request.threads, reporter)?);
        }
        Ok(Diagnosed {
            run: run.name,
            diagnoses: all.iter().map(Evidence::report).collect(),
            computed,
        })
    }
}

impl fmt::Display for Diagnosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, told) in self.diagnoses.iter().enumerate() {
            let gap = if place > 0 { "\n" } else { "" };
            write!(f, "{gap}{told}")?;
        }
        Ok(())
    }
}
