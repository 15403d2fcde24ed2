//! Words: commands as they are typed, names in messages, the environment.

mod command;
mod environment;
mod text;

pub use command::{DATABASE, Typed, command_line, quoted};
pub use environment::{DATA_DIR, DB, DEVICE, THREADS, VARIABLES, color_of, options, variable};
pub use text::{message, nearest, plain};
