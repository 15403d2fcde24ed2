//! What the store holds of a training, and what it says of it.

mod curvature;
mod evidence;
mod report;
mod run;
mod stored;

pub use evidence::{Evidence, Lambda, Seen};
pub(crate) use report::cells;
pub use report::{DiagnosisReport, EvidenceReport};
pub use run::{Diagnosed, DiagnosisRequest};
pub(crate) use stored::end_of_training;
pub use stored::evidence;
