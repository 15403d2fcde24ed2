//! What the tiles of samples hold at one point, for further products there.
//!
//! Searches for eigenvalues multiply dozens of vectors at one point. What depends on the point alone (values of the network and
//! their adjoints) is then computed once for all of them, where there is memory for it: a third of a product of a transformer, a
//! quarter of one of a ResNet. From the second product on, because the first may be the only one.

use super::vectors::Known;
use crate::kernels::buffer::Buffer;
use landscape_core::free_memory;
use std::sync::{Arc, Mutex, PoisonError};

/// Of the memory that the system has left, the part that is taken.
const SHARE: u64 = 4;
/// What is taken where the system does not say what it has left: 256 MiB.
const UNTOLD: u64 = 256 << 20;

/// Buffers of the first tiles, as many as there is room for.
pub(super) struct Remembered {
    of: Arc<Known>,
    tiles: Vec<Mutex<Tile>>,
}

/// The buffer of a tile, and whether the values of the point are in it.
pub(super) struct Tile {
    pub buffer: Buffer,
    pub filled: bool,
}

impl Remembered {
    /// For the point `of`, which is that of `before` or another; `count` tiles of so many `numbers` each.
    pub fn at(before: Option<Self>, of: &Arc<Known>, (count, numbers): (usize, usize)) -> Self {
        let mut tiles = match before {
            Some(before) if Arc::ptr_eq(&before.of, of) => return before,
            Some(before) => before.tiles,
            None => Vec::new(),
        };
        for tile in &mut tiles {
            tile.get_mut()
                .unwrap_or_else(PoisonError::into_inner)
                .filled = false;
        }
        if tiles.is_empty() {
            let bytes = (numbers * size_of::<f32>()).max(1) as u64;
            let room = free_memory().map_or(UNTOLD, |free| free / SHARE);
            let fitting = usize::try_from(room / bytes).unwrap_or(usize::MAX);
            let tile = |_| {
                Mutex::new(Tile {
                    buffer: Buffer::zeros(numbers),
                    filled: false,
                })
            };
            tiles = (0..count.min(fitting)).map(tile).collect();
        }
        Remembered {
            of: of.clone(),
            tiles,
        }
    }

    /// That tile, where there was room for it.
    pub fn tile(&self, tile: usize) -> Option<&Mutex<Tile>> {
        self.tiles.get(tile)
    }
}
