//! Gaussian smoothing that leaves holes as they are.

/// Kernels reach this many standard deviations.
const REACH: f64 = 4.0;

/// Normalised convolution: `sum(g v) / sum(g)` over the finite neighbours, axis after axis; values
/// that are not finite stay so and count nowhere. `sigma` is in cells; 0 changes nothing.
pub(super) fn gaussian(values: Vec<f64>, nx: usize, ny: usize, sigma: f64) -> Vec<f64> {
    if sigma <= 0.0 {
        return values;
    }
    let kernel = kernel(sigma);
    let weights: Vec<f64> = values
        .iter()
        .map(|v| f64::from(u8::from(v.is_finite())))
        .collect();
    let masked: Vec<f64> = values
        .iter()
        .map(|v| if v.is_finite() { *v } else { 0.0 })
        .collect();
    let both = |data: &[f64]| along_y(&along_x(data, nx, ny, &kernel), nx, ny, &kernel);
    let (sums, shares) = (both(&masked), both(&weights));
    values
        .iter()
        .zip(sums.iter().zip(&shares))
        .map(|(v, (sum, share))| if v.is_finite() { sum / share } else { f64::NAN })
        .collect()
}

/// Half of the kernel, from the centre outwards; the whole of it sums to 1, so that no sum is larger than the
/// values.
fn kernel(sigma: f64) -> Vec<f64> {
    let reach = libm::ceil(REACH * sigma) as usize;
    let bell: Vec<f64> = (0..=reach)
        .map(|k| libm::exp(-0.5 * (k as f64 / sigma) * (k as f64 / sigma)))
        .collect();
    let total = bell[0] + 2.0 * bell[1..].iter().sum::<f64>();
    bell.iter().map(|b| b / total).collect()
}

fn along_x(data: &[f64], nx: usize, ny: usize, kernel: &[f64]) -> Vec<f64> {
    let at = |i: usize, j: usize| data[i * ny + j];
    (0..nx * ny)
        .map(|flat| spread(flat / ny, nx, kernel, |i| at(i, flat % ny)))
        .collect()
}

fn along_y(data: &[f64], nx: usize, ny: usize, kernel: &[f64]) -> Vec<f64> {
    let at = |i: usize, j: usize| data[i * ny + j];
    (0..nx * ny)
        .map(|flat| spread(flat % ny, ny, kernel, |j| at(flat / ny, j)))
        .collect()
}

fn spread(centre: usize, n: usize, kernel: &[f64], at: impl Fn(usize) -> f64) -> f64 {
    let first = centre.saturating_sub(kernel.len() - 1);
    let last = (centre + kernel.len() - 1).min(n - 1);
    (first..=last)
        .map(|i| kernel[i.abs_diff(centre)] * at(i))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_stay_and_holes_stay() {
        let mut values = vec![3.0; 7 * 5];
        values[11] = f64::NAN;
        let smooth = gaussian(values, 7, 5, 1.5);
        for (i, v) in smooth.iter().enumerate() {
            assert!(if i == 11 {
                v.is_nan()
            } else {
                (v - 3.0).abs() < 1e-12
            });
        }
    }

    #[test]
    fn a_point_spreads_like_a_gaussian() {
        let (n, sigma) = (41, 2.0);
        let mut values = vec![0.0; n * n];
        values[20 * n + 20] = 1.0;
        let smooth = gaussian(values, n, n, sigma);
        let at = |i: usize, j: usize| smooth[i * n + j];
        let ratio = at(22, 20) / at(20, 20);
        assert!((ratio - libm::exp(-0.5)).abs() < 1e-9);
        assert!((smooth.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }
}
