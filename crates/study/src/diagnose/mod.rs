//! What the store holds of a training, and what it says of it.

mod curvature;
mod evidence;
mod stored;

pub use evidence::{Evidence, Lambda, Seen};
pub use stored::evidence;
