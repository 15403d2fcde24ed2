//! Where the planes of paths mislead.

use landscape_core::Fidelity;
use landscape_storage::NamedTrajectory;

/// Where the plane of paths misleads; what is said of a joint plane is said once.
pub fn plane_warnings<'a>(paths: impl IntoIterator<Item = &'a NamedTrajectory>) -> Vec<String> {
    Fidelity::warnings_of({ paths.into_iter() }.map(|named| (&*named.label, &named.trajectory)))
}
