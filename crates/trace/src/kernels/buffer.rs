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

const _: () = assert!(size_of::<Line>() == LANES * size_of::<f32>());

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
        let n = self.lines.len() * LANES;
        // SAFETY: lines lie one after another, and each is as large as 16 numbers: there are `n`.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), n) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        let n = self.lines.len() * LANES;
        // SAFETY: there are `n` numbers, as above; the lines are borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), n) }
    }
}
