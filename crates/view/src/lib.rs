#![doc = include_str!("../README.md")]

mod document;
mod guard;
mod server;
mod source;
mod view;
mod watch;

pub use view::{View, ViewRequest};
