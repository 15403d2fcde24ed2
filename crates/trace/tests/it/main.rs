//! Traced objectives against independent f64 references.

mod batch;
mod batches;
mod builder;
mod closures;
mod conv;
mod curvature;
mod devices;
mod double;
mod grid;
mod heads;
mod layouts;
mod low_rank;
mod matrices;
mod mixing;
mod mlp;
mod modules;
mod networks;
mod operations;
mod padding;
mod plans;
mod precision;
mod reference;
mod sharing;
mod statistics;
mod torch;
mod units;
