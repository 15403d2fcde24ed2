//! What the store holds of a training, and what it says of it.

mod curvature;
mod evidence;
mod report;
mod run;
mod stored;

pub use evidence::{Evidence, Lambda, Seen};
pub use report::{DiagnosisReport, EvidenceReport};
pub use run::{Diagnosed, DiagnosisRequest};
pub use stored::evidence;
