//! Words: commands as they are typed, numbers and names in messages.

mod command;
mod environment;
mod text;

pub use command::{DATABASE, Typed, as_file, command_line, quoted};
pub use environment::{DATA_DIR, DB, DEVICE, THREADS, VARIABLES, color_of, options, variable};
pub use text::{duration, message, nearest, plain, rate, short, size, unsigned_zero};
