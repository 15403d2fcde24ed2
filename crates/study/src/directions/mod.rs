//! The directions, grid and networks of a line, plane or volume: how they are asked for, made and described.

mod derivatives;
mod file;
mod grid;
mod kind;
mod models;
mod plane;

pub use derivatives::{Derivatives, Products, basis, floor};
pub use file::save_directions;
pub use grid::{
    GridRequest, INTERPOLATION, SEGMENT, USUAL, UsualAxis, check_drawable, is_drawable,
};
pub use kind::{DirectionKind, SpectrumEnd, UnknownEnds};
pub use models::{
    Lowest, check_statistics, corners, ends_at_models, moves_statistics, negative_variance,
    say_without_statistics,
};
pub use plane::{Directions, Moves, PlaneRequest};
