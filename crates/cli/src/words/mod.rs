//! Words: commands as they are typed, numbers and names in messages.

mod adaptive;
mod command;
mod environment;
mod text;

pub use adaptive::adaptive_words;
pub use command::{DATABASE, Typed, command_line, quoted};
pub use environment::{DATA_DIR, DB, DEVICE, THREADS, VARIABLES, color_of, options, variable};
pub use landscape_core::short;
pub use text::{duration, message, nearest, plain, rate, size, unsigned_zero};
