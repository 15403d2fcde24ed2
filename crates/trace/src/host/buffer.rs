//! Working memory in whole cache lines.

use super::simd::LANES;
use std::ops::{Deref, DerefMut};

/// Numbers whose first begins a cache line, so that no load of 16 of them crosses one.
pub(crate) struct Buffer {
    lines: Vec<Line>,
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LANES]);

impl Buffer {
    /// At least `n` zeros.
    pub fn zeros(n: usize) -> Self {
        let lines = vec![Line([0.0; LANES]); n.div_ceil(LANES)];
        Self { lines }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: a line is 16 numbers and nothing else, and lines lie one after another.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.lines.len() * LANES) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        let n = self.lines.len() * LANES;
        // SAFETY: as above; the lines are borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), n) }
    }
}
