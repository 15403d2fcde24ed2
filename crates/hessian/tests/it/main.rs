//! Tests of landscape-hessian against matrices and functions with known answers.

mod density;
mod functions;
mod lanczos;
mod odd;
mod power;
mod rates;
mod recipes;
mod sharpness;
mod stats;
mod subspace;
mod support;
mod trace;
