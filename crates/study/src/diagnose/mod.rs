//! What the store holds of a training, and what it says of it.

mod curvature;
mod evidence;
mod report;
mod stored;

pub use evidence::{Evidence, Lambda, Seen};
pub use report::{
    AnswerReport, DiagnosisReport, EvidenceReport, FigureReport, LambdaReport, PositionReport,
};
pub use stored::evidence;
