//! The crate's tests.

mod checkpoint;
mod objective;
mod data;
mod loss;
mod mlp;
mod moons;
mod optimizers;
mod properties;
mod schedule;
mod support;
mod tensors;
mod train;
