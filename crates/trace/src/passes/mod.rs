//! From a recording to graphs that can be run: conversion, the batch, adapters, what depends on the point, fusion, derivatives.

pub(crate) mod batch;
pub(crate) mod convert;
pub(crate) mod dependence;
pub(crate) mod derive;
pub(crate) mod fuse;
pub(crate) mod heads;
pub(crate) mod low_rank;
pub(crate) mod whole;
