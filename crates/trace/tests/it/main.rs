//! Traced objectives against independent f64 references.

mod conv;
mod curvature;
mod devices;
mod mlp;
mod operations;
mod precision;
mod reference;
mod sharing;
mod torch;
mod units;
