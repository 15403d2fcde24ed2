//! What to do about errors of the crates below.

use landscape_core as core;
use landscape_files::io_help;
use landscape_hessian as hessian;
use landscape_models::ModelsError;
use landscape_storage::Error as Store;
use landscape_trace::TraceError;

/// What to do about a path that cannot be analysed.
pub(super) fn trajectory(error: &core::TrajectoryError) -> Option<&'static str> {
    use core::TrajectoryError as E;
    match error {
        E::NotFinite { .. } => Some("the training diverged: leave its end out with a window"),
        E::CenterNotFinite => Some(
            "the training diverged: leave its end out with a window, or take the first checkpoint as the centre",
        ),
        E::Rank { .. } => Some("record more checkpoints: train longer, or record more often"),
        E::TooFew { .. } => Some("record more checkpoints"),
        _ => None,
    }
}

/// What to do about a selection of parameters.
pub(super) fn selection(error: &core::SelectionError) -> &'static str {
    use core::SelectionError as E;
    match error {
        E::NoMatch { .. } => "give a pattern of the names that there are",
        E::Buffers { .. } | E::Empty { .. } => "select parameters",
    }
}

/// What to do about a grid that cannot be sampled.
pub(super) fn grid(error: &core::GridError) -> Option<&'static str> {
    use core::GridError as E;
    match error {
        E::TooLarge { .. } => Some("give a smaller grid"),
        E::NotFinite { .. } => Some("give a range of finite numbers, for example -1:1"),
        E::TooFine { .. } => Some("give a larger range, or fewer points"),
        _ => None,
    }
}

/// What to do about a store that does not take what it is given.
pub(super) fn store(error: &Store) -> Option<&'static str> {
    match error {
        Store::NotFound { .. } => Some("check the path, or compute something that is stored there"),
        Store::NewerDuckDb { .. } => Some("use a newer version of this program"),
        Store::Damaged { .. } => Some("go back to a copy of the file, or leave out the run"),
        Store::Lacks { .. } => Some("name a run that has it, or compute it"),
        Store::Differs { .. } => Some("give another name, or replace the stored run"),
        Store::OutputExists { .. } => Some("give another file, or replace it"),
        Store::Io { source, .. } => Some(io_help(source)),
        Store::HoldsDirections { .. } => Some("sample a landscape along them"),
        Store::Memory { is_query: true, .. } => Some(
            "ask for fewer rows or columns (for example with LIMIT) or for sums, or allow more memory",
        ),
        Store::Memory { .. } => Some("if it really needs that much, allow more memory"),
        _ => None,
    }
}

/// What to do about a network, data or a file of parameters.
pub(super) fn models(error: &ModelsError) -> Option<&'static str> {
    match error {
        ModelsError::Io { source, .. } => Some(io_help(source)),
        ModelsError::Inputs { .. } => Some("give another network, or other data"),
        ModelsError::Checkpoint { fits: None, .. } => {
            Some("check the network against the file, or rename its tensors")
        }
        ModelsError::Checkpoint { .. } => Some("give the network that the file fits"),
        _ => None,
    }
}

/// What to do about a loss that cannot be computed.
pub(super) fn trace(error: &TraceError) -> Option<&'static str> {
    match error {
        TraceError::NoDevice { .. } => Some("use another device"),
        TraceError::Precision { .. } => Some("use 32-bit floats, or another device"),
        TraceError::Device { .. } | TraceError::Devices { .. } => {
            Some("use another device, or fewer samples")
        }
        TraceError::NoDerivative { .. } => {
            Some("compute losses only, or write the network with other operations")
        }
        TraceError::NoParameters => Some("give a loss that depends on the network's parameters"),
        TraceError::Rank { .. } => Some("write this part of the network with fewer axes"),
        TraceError::Threads(_) => Some("use fewer threads"),
        _ => None,
    }
}

/// What to do about a search of eigenvalues.
pub(super) fn lanczos(error: &hessian::LanczosError) -> Option<&'static str> {
    use hessian::LanczosError as E;
    match error {
        E::TooMany { .. } => Some("ask for at most as many as there are parameters"),
        E::Tolerance { .. } => Some("give for example 0.001"),
        E::Products { .. } => Some("allow more products"),
        _ => None,
    }
}

/// The same by power iteration.
pub(super) fn power(error: &hessian::PowerError) -> Option<&'static str> {
    use hessian::PowerError as E;
    match error {
        E::TooMany { .. } => Some("ask for at most as many as there are parameters"),
        E::Tolerance { .. } => Some("give for example 0.001"),
        E::Products { .. } => Some("allow more products"),
        _ => None,
    }
}

/// What to do about a trace.
pub(super) fn estimate(error: &hessian::TraceError) -> Option<&'static str> {
    match error {
        hessian::TraceError::Products { .. } => Some("allow more products"),
        _ => None,
    }
}
