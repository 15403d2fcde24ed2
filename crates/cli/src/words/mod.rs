//! Words: commands as they are typed, numbers and names in messages.

mod command;
mod text;

pub use command::{DATABASE, Typed, as_file, command_line, quoted};
pub use text::{duration, message, nearest, plain, short, size, unsigned_zero};
