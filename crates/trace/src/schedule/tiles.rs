//! How the samples are cut, for the CPU's kernels.

use crate::kernels::simd::LANES;

/// Bytes that the values of a tile may take at one point: half of a second-level cache.
pub(crate) const TILE: usize = 256 * 1024;

/// The same for a wider tile: half of a last-level cache of 32 MiB.
pub(crate) const WIDE_TILE: usize = 16 << 20;

/// How the samples are cut into tiles of equal size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tiles {
    pub samples: usize,
    /// Samples a tile, a multiple of 16; the last tile may be partly empty.
    pub lanes: usize,
}

impl Tiles {
    /// Tiles of `rows` values a sample within [`TILE`], if 16 lanes are.
    pub fn new(samples: usize, rows: usize) -> Self {
        Self::within(samples, rows, TILE)
    }

    /// The most lanes, up to 256, of which `rows` values each take no more than `bytes`, or 16.
    pub fn most(rows: usize, bytes: usize) -> usize {
        LANES * (bytes / (rows.max(1) * LANES * size_of::<f32>())).clamp(1, 16)
    }

    /// The number of lanes, up to 256, with the least work: empty lanes cost as much as full ones,
    /// and every tile costs about as much again as 64 lanes (calls, partly filled registers). A
    /// tile of `rows` values a sample stays within `bytes`, if 16 lanes do.
    pub fn within(samples: usize, rows: usize, bytes: usize) -> Self {
        const OVERHEAD: usize = 64;
        let groups = samples.div_ceil(LANES);
        let most = Self::most(rows, bytes) / LANES;
        let cost = |&g: &usize| groups.div_ceil(g) * (g * LANES + OVERHEAD);
        let best = (1..=groups.clamp(1, most)).min_by_key(cost);
        Self {
            samples,
            lanes: best.unwrap_or(1) * LANES,
        }
    }

    pub fn count(&self) -> usize {
        self.samples.div_ceil(self.lanes)
    }

    /// Samples in tile `i`.
    pub fn valid(&self, i: usize) -> usize {
        self.lanes.min(self.samples - i * self.lanes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn tiles_cover_all_samples_once(samples in 1usize..100_000) {
            let tiles = Tiles::new(samples, 1);
            let covered: usize = (0..tiles.count()).map(|i| tiles.valid(i)).sum();
            prop_assert_eq!(covered, samples);
            prop_assert!(tiles.lanes.is_multiple_of(16) && tiles.lanes <= 256);
            prop_assert!(tiles.count() * tiles.lanes < samples + samples / 8 + 48);
        }
    }
}
