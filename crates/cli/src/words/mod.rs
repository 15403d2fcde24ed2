//! Words: commands as they are typed, names in messages, the environment.

mod environment;
mod text;

pub use environment::{
    DATA_DIR, DB, DEVICE, THREADS, VARIABLES, color_of, options, own_variables, variable,
};
pub use landscape_study::command::{DATABASE, Typed, command_line};
pub use text::{message, nearest, plain};
