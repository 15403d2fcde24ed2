#![doc = include_str!("../README.md")]

mod animation;
mod chart;
mod curvature;
mod display;
mod error;
mod field;
mod figure;
mod isoline;
mod layout;
mod lines;
mod mesh;
mod options;
pub mod page;
mod pdf;
mod raster;
mod scale;
mod style;
mod svg;
mod tex;
mod text;
mod viewpoint;

pub use animation::{ANIMATION_DPI, Animation, AnimationFormat};
pub use chart::{
    Column, LossBand, LossCurve, LossProfile, NamedPlane, PairNorms, PanelOf, PartRow, PathOnPlane,
    SharpnessOf, SlicePanel, Table, along, barcode, contour, edge_of_stability, heatmap,
    hessian_map, line, loss_bands, loss_profiles, loss_slices, losses, pairs, parts, persistence,
    sharpness, sharpness_markdown, side_by_side, spectra, spectrum, surface_mesh, surface3d, table,
    trajectories, trajectory, trajectory_losses, trajectory3d, volume_slices,
};
pub use curvature::{
    CurvatureMap, CurvaturePoint, Density, Eigenvalue, SHARPNESS_NOTE, SharpnessRow, Spectrum,
    StabilityCurve, StabilityLimit,
};
pub use error::PlotError;
pub use figure::{DEFAULT_DPI, Figure};
pub use isoline::{Isoline, isolines};
pub use mesh::SurfaceMesh;
pub use options::{Aspect, Fill, Options, PlacedNetwork, axis_label};
pub use scale::{Clip, Scale};
pub use style::{Colormap, Rgb, Size, Style};
pub use viewpoint::{Along, Camera};
