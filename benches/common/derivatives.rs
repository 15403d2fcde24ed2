//! What the benchmarks of derivatives share.

use landscape_core::Rng;
use landscape_models::{Dataset, Input, Targets};
use std::error::Error;

/// Random words, and random ones to follow them.
pub fn tokens(samples: usize, context: usize, words: usize) -> Result<Dataset, Box<dyn Error>> {
    let mut rng = Rng::new(0, 0);
    let mut draw = || -> Vec<f32> {
        let words = (0..samples * context).map(|_| rng.below(words as u64) as f32);
        words.collect()
    };
    let x = Input::new("x", vec![samples, context], draw());
    let y = Targets::Values {
        data: draw(),
        width: context,
    };
    let data = Dataset::with_inputs("noise", vec![x], y)?;
    Ok(data.with_target_shape(vec![context])?)
}

/// The most memory that the process held, where the system tells.
pub fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}
