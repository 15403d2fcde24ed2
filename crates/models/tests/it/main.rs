//! The crate's tests.

mod checkpoint;
mod cifar;
mod data;
mod families;
mod formula;
mod loss;
mod mlp;
mod moons;
mod objective;
mod optimizers;
mod properties;
mod schedule;
mod pickle;
mod support;
mod tensors;
mod train;
