//! From words on the command line to files and databases.

mod store;

pub use store::{open_store, read_store, stored_before};
