//! The kernels of `landscape-trace`, every `unsafe` block of it among them, and their tests.

#![allow(dead_code)]

#[path = "../../src/kernels/mod.rs"]
mod kernels;
