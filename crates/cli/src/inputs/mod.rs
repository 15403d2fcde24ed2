//! From words on the command line to files and databases.

mod files;
mod order;
mod store;

pub use files::{beside, matching};
pub use order::{Ordered, in_order};
pub use store::{open_store, read_store};
