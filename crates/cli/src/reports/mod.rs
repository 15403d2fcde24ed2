//! What several commands print of the same thing.

mod curvature;
mod diagnosis;
mod holdings;

pub use curvature::{curvature_table, curvature_words, map_words};
pub use diagnosis::{brief, diagnosis_words, verdicts};
pub use holdings::holdings;
