//! Tests of the public interface.

mod compare;
mod connect;
mod figures;
mod fine_tuning;
mod matrices;
mod memory;
mod merge;
mod overview;
mod parts;
mod projected;
mod rates;
mod record;
mod recording;
mod requests;
mod shard;
mod training;
mod words;
