//! Streams of the random generator, one a purpose, so that one seed may serve several purposes
//! without their numbers being the same. Directions use the low stream numbers.

/// Initial parameters.
pub(crate) const INIT: u64 = 1 << 32;
/// Order of the samples; the epoch is added.
pub(crate) const SHUFFLE: u64 = 2 << 32;
/// Crops and flips of images; the step is added.
pub(crate) const AUGMENT: u64 = 4 << 32;
/// What dropout drops; the step is added.
pub(crate) const DROPOUT: u64 = 7 << 32;
/// The two-moons set.
pub(crate) const MOONS: u64 = 3 << 32;
