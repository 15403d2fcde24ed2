//! The examples run as they are, and the documents point to what is there.

mod docs;
mod examples;
mod plans;
mod rooms;
mod support;
mod words;
