//! Tests of the public interface.

mod compare;
mod connect;
mod figures;
mod record;
mod recording;
mod requests;
mod words;
