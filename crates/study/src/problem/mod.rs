//! A network with parameters, data and a loss: how they are named, found and told apart.

mod data;
mod network;

pub use data::{DataRequest, LossChoice, load_data, with_loss};
pub use network::{NetworkRequest, Problem, last_checkpoint, load_file, stored_loss};
