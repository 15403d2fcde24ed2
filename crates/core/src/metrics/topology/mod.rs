//! Topology of the sub-level sets of a sampled surface: which minima there are, at what height their
//! parts meet, and which points drain into which of them.
//!
//! The points with finite values are the vertices of a graph in which all neighbours, diagonal ones
//! included, are connected; missing, NaN and infinite points cut it, and the edge of the grid bounds
//! it. Equal values are ordered by number of point, so that every answer is unique. After Edelsbrunner
//! and Harer, *Computational Topology*, 2010, chapters VI and VII.

mod basins;
mod filtration;
mod tree;

pub use basins::{Basins, basins};
pub(crate) use tree::lowest_possible_way;
pub use tree::{Merge, MergeTree, Passage, Persistence, lowest_way, merge_tree};
