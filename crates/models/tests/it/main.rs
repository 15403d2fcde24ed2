//! The crate's tests.

mod arrays;
mod augment;
mod checkpoint;
mod cifar;
mod curvature;
mod data;
mod families;
mod folders;
mod formula;
mod get;
mod lists;
mod loss;
mod mlp;
mod moons;
mod objective;
mod optimizers;
mod pickle;
mod properties;
mod resume;
mod schedule;
mod support;
mod tensors;
mod traced;
mod train;
mod units;
mod wild;
