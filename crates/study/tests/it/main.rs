//! Tests of the public interface.

mod compare;
mod connect;
mod record;
mod recording;
