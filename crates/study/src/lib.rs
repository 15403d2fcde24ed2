#![doc = include_str!("../README.md")]

pub mod compare;
pub mod connect;
