#![doc = include_str!("../README.md")]

mod array;
mod error;
mod loss;
mod lower;
mod onnx;
mod program;
mod program_loss;
mod pt2;
mod source;
mod ways_out;

pub use array::Array;
pub use error::ImportError;
pub use loss::{Loss, Penalty};
pub use program::Program;
pub use program_loss::ProgramLoss;
pub use source::{Element, Input, Operation, Output, Size};
