//! Tests of landscape-hessian against matrices and functions with known answers.

mod lanczos;
mod stats;
mod support;
mod trace;
