#![doc = include_str!("../README.md")]

mod archive;
mod budget;
mod error;
mod input;
#[doc(hidden)]
pub mod mutants;
mod npy;
mod npz;
mod numbers;
pub mod pickle;
mod size;
mod unpacked;

pub use archive::open_zip;
pub use budget::{Budget, TooLarge, allow_memory, allowed_memory};
pub use error::{FileError, io_help};
pub use input::{open, read};
pub use npy::{Npy, Number};
pub use npz::Npz;
pub use numbers::{Array, Numbers, Stored};
pub use pickle::PickleError;
pub use size::{BadSize, Size};
pub use unpacked::Unpacked;

/// The product of a shape, when it fits.
pub fn product(shape: &[usize]) -> Option<usize> {
    shape
        .iter()
        .try_fold(1usize, |product, &n| product.checked_mul(n))
}
