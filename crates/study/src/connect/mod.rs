//! Ways between two networks.
