//! Which steps of a path are kept.

/// Whether a step is `10^(k / per_decade)`, rounded, for a whole `k`: steps that are dense at first and
/// then thinner, so many of them from each power of ten to the next. Step 0 is none; 0 a decade counts
/// as 1.
///
/// ```
/// use landscape_core::is_logarithmic_step;
///
/// let steps: Vec<u64> = (0..=1000).filter(|&step| is_logarithmic_step(step, 3)).collect();
/// assert_eq!(steps, [1, 2, 5, 10, 22, 46, 100, 215, 464, 1000]);
/// ```
pub fn is_logarithmic_step(step: u64, per_decade: u32) -> bool {
    if step == 0 {
        return false;
    }
    let n = f64::from(per_decade.max(1));
    let nearest = (n * (step as f64).log10()).round();
    // Several powers may round to one early step; if any does, the nearest by logarithm or the next.
    [nearest - 1.0, nearest, nearest + 1.0]
        .iter()
        .any(|k| 10f64.powf(k / n).round() as u64 == step)
}
