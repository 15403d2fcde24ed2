//! Tests of the command as people and scripts use it.

mod adaptive;
mod bounds;
mod busy;
mod bytes;
mod checkpoints;
mod compare;
mod connect;
mod data;
mod demo;
mod diagnose;
mod early;
mod export;
mod help;
mod hessian;
mod idle;
mod messages;
mod planes;
mod replace;
mod resume;
mod sample;
mod shell;
mod signals;
mod statistics;
mod support;
mod train;
mod trajectory;
