//! From words on the command line to checked values, before any work starts.

mod curvature;
mod data;
mod device;
mod directions;
mod files;
mod grid;
mod memory;
mod models;
mod network;
mod order;
mod provenance;
mod runs;
mod store;

pub use curvature::{Derivatives, basis, eigen_directions, floor, gradient_direction};
pub use data::{LossChoice, Source, load_data, with_loss};
pub use device::{device, targets};
pub use directions::{
    Directions, build_directions, check_statistics, describe_direction, save_directions,
};
pub use files::{beside, distinct, matching, may_save, may_store, may_write, write_new};
pub use grid::{
    INTERPOLATION, SEGMENT, USUAL, UsualAxis, build_grid, build_grid_on, check_drawable,
    is_drawable,
};
pub use memory::{plan_grid, plan_memory, plan_network, plan_networks, plan_samples};
pub use models::{
    Place, corners, ends_at_models, moves_statistics, negative_variance, places, places_json,
    say_without_statistics, stored_places,
};
pub use network::{
    Problem, last_checkpoint, load_file, load_problem, statistics_settings, stored_loss,
};
pub use order::{Ordered, in_order};
pub use provenance::provenance;
pub use runs::{say_how_it_runs, say_where};
pub use store::{open_store, read_store};
