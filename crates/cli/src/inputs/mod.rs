//! From words on the command line to files and databases.

mod files;
mod store;

pub use files::beside;
pub use store::{open_store, read_store, stored_before};
