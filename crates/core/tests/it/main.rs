//! Tests of landscape-core against closed forms, independent references and properties.

mod adaptive;
mod alignment;
mod barrier;
mod curve;
mod diagnosis;
mod direction;
mod grid;
mod metrics;
mod names;
mod networks;
mod optimum;
mod params;
mod paths;
mod pca;
mod plane;
mod rng;
mod sampler;
mod shard;
mod support;
mod surface;
mod topology;
mod verdicts;
mod width;
