//! The one source of randomness: the same numbers on every platform and for any thread count.
//!
//! The generator is ChaCha with 8 rounds, keyed by the seed, with an independent sequence for each
//! stream. Everything derived from its bits uses exact arithmetic or `libm`'s portable functions,
//! never the platform's, so that a direction can be drawn again bit for bit elsewhere.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// Separates this program's keys from those of other users of the same cipher.
const DOMAIN: &[u8; 24] = b"landscape-core rng v1\0\0\0";

/// A seeded generator; `(seed, stream)` determines every number it will ever give.
#[derive(Debug, Clone)]
pub struct Rng {
    bits: ChaCha8Rng,
    spare: Option<f64>,
}

impl Rng {
    /// The generator of a seed and one of its 2^64 independent streams.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut key = [0u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..].copy_from_slice(DOMAIN);
        let mut bits = ChaCha8Rng::from_seed(key);
        bits.set_stream(stream);
        Rng { bits, spare: None }
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.bits.next_u64()
    }

    /// Uniform in `[lo, hi)`, from 53 random bits.
    pub fn uniform(&mut self, lo: f64, hi: f64) -> f64 {
        lo + (hi - lo) * self.unit()
    }

    /// Standard normal, by the Box-Muller transform: two uniform numbers give two normal ones, the
    /// second is kept for the next call.
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        let (sin, cos) = libm::sincos(std::f64::consts::TAU * self.unit());
        self.spare = Some(radius * sin);
        radius * cos
    }

    /// -1 or 1, each with probability one half.
    pub fn rademacher(&mut self) -> f64 {
        if self.next_u64() >> 63 == 0 {
            1.0
        } else {
            -1.0
        }
    }

    /// Uniform in `0..n`, without bias (Lemire's multiplication with rejection); 0 for `n` 0 or 1.
    pub fn below(&mut self, n: u64) -> u64 {
        if n <= 1 {
            return 0;
        }
        let threshold = n.wrapping_neg() % n;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(n);
            if product as u64 >= threshold {
                return (product >> 64) as u64;
            }
        }
    }

    /// A uniformly random order of the items (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }

    /// Uniform in `[0, 1)`.
    fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }
}
