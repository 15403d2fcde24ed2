//! Tests of landscape-hessian against matrices and functions with known answers.

mod density;
mod lanczos;
mod power;
mod stats;
mod support;
mod trace;
