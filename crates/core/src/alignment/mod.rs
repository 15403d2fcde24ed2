//! Alignment of networks modulo permutations of their units.
//!
//! Neurons and channels of a layer can change places, with everything that reads them, and the network
//! computes the same. Two trained networks that differ by such a permutation, or nearly so, are far
//! apart on a straight line and together once one of them is permuted. A [`PermutationSpec`] says
//! which axes go together; [`match_weights`] and [`match_activations`] find permutations, by linear
//! assignment ([`assign`]) over the products of weights or the [`correlations`] of activations.
//!
//! ```
//! use landscape_core::alignment::{PermutationSpec, match_weights};
//! use landscape_core::{Parameter, Params, Role};
//!
//! let tensor = |name: &str, shape: &[usize], data: &[f32]| {
//!     Parameter::new(name, shape, data.to_vec(), Role::Weight).unwrap()
//! };
//! let network = Params::new(vec![
//!     tensor("fc1.weight", &[3, 2], &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0]),
//!     tensor("fc1.bias", &[3], &[0.1, 0.2, 0.3]),
//!     tensor("fc2.weight", &[1, 3], &[1.0, 2.0, 3.0]),
//! ])?;
//! let spec = PermutationSpec::mlp(&["fc1", "fc2"], &network)?;
//! let twin = spec.apply(&network, &[vec![2, 0, 1]])?;
//! let matching = match_weights(&spec, &network, &twin, 0)?;
//! assert_eq!(spec.apply(&twin, &matching.permutations)?, network);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod assignment;
mod correlation;
mod error;
mod matching;
mod spec;

pub use assignment::assign;
pub use correlation::{Correlator, correlations};
pub use error::AlignmentError;
pub use matching::{Matching, match_activations, match_weights, settle_ties};
pub use spec::{AxisRef, Group, PermutationSpec, Permutations};
