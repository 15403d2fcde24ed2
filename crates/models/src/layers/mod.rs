//! What the families of networks share: layers in sequences whose paths are PyTorch's names, initial
//! values, and the way between a specification, a module and parameters.

mod family;
mod image;
mod initial;
mod member;
mod settings;
mod transparent;

pub(crate) use family::images;
pub use family::{Architecture, Family, ImageNetwork, SettingsFamily, Takes, Tokens};
pub use image::{ImageLayer, VectorLayer};
pub(crate) use image::{
    batch_norm, conv1x1, conv3x3, conv7x7, global_average, in_sequence, large_pool, linear,
    without_bias,
};
pub use initial::Init;
pub(crate) use initial::{li, standard};
pub(crate) use member::{Member, Shapes};
pub use settings::{ImageSettings, Stem};
pub(crate) use settings::{number, sizes};
pub(crate) use transparent::transparent;
