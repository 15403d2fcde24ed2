//! Tests of the command as people and scripts use it.

mod adaptive;
mod compare;
mod connect;
mod data;
mod demo;
mod diagnose;
mod export;
mod help;
mod hessian;
mod messages;
mod planes;
mod replace;
mod resume;
mod sample;
mod support;
mod train;
mod trajectory;
