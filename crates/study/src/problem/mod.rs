//! A network with parameters, data and a loss: how they are named, found and told apart.

mod adapted;
mod data;
mod get;
mod model;
mod network;
mod plan;
mod program;
mod source;
mod table;
mod trainee;

pub use adapted::{AdaptedModel, AdapterUse};
pub use data::{DataRequest, LossChoice, load_data, with_loss};
pub use get::FetchedSet;
pub use model::Model;
pub use network::{NetworkRequest, Problem, last_checkpoint, part_of, stored_loss};
pub use program::ProgramModel;
pub use source::ModelSource;
pub use trainee::TrainingTask;
