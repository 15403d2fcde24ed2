//! Tests of the figures: geometry, text, files, wrong input.

mod adaptive;
mod animation;
mod browser;
mod contours;
mod curvature;
mod extremes;
mod files;
mod geometry;
mod holes;
mod input;
mod mesh;
mod networks;
mod orientation;
mod page;
mod paths;
mod profiles;
mod scales;
mod support;
mod tex;
mod topology;
mod words;
