//! Words: commands as they are typed, names in messages, the environment.

mod command;
mod environment;
mod text;

pub use command::{DATABASE, Typed, command_line};
pub use environment::{
    DATA_DIR, DB, DEVICE, THREADS, VARIABLES, color_of, options, own_variables, variable,
};
pub use text::{message, nearest, plain};
