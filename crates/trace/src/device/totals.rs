//! Sums over the samples, batch by batch.

use crate::schedule::Spread;

/// A sum over the samples, for every point or vector.
#[derive(Clone, Debug, Default)]
pub(super) struct Total {
    /// `[points or vectors, or 1][size]`
    pub numbers: Vec<f64>,
    /// How the samples differ, of sums of one number.
    spread: Vec<Spread>,
    /// The samples that are in it.
    count: f64,
}

impl Total {
    /// Adds what a batch sums up to.
    pub fn add(&mut self, part: &[f64]) {
        self.numbers.resize(part.len(), 0.0);
        let sums = self.numbers.iter_mut().zip(part);
        sums.for_each(|(sum, x)| *sum += x);
    }

    /// Adds one number for each of `n` samples, `[points or vectors, or 1][n]`, with their spread (Chan et al. 1983);
    /// `excess`: the samples' weights.
    pub fn add_samples(&mut self, values: &[f64], n: usize, excess: Option<&[f64]>) {
        let places = values.len() / n;
        self.numbers.resize(places, 0.0);
        self.spread.resize(places, Spread::default());
        let m = n as f64;
        for (place, values) in values.chunks(n).enumerate() {
            let (all, spread) = (&mut self.numbers[place], &mut self.spread[place]);
            let sum: f64 = values.iter().sum();
            let squares: f64 = values.iter().map(|x| (x - sum / m).powi(2)).sum();
            let delta = match self.count > 0.0 {
                true => sum / m - *all / self.count,
                false => 0.0,
            };
            spread.squares += squares + delta * delta * self.count * m / (self.count + m);
            let products = excess.iter().flat_map(|excess| excess.iter().zip(values));
            spread.product += products.map(|(excess, x)| excess * x).sum::<f64>();
            *all += sum;
        }
        self.count += m;
    }

    /// The spread of a point.
    pub fn spread_of(&self, point: usize) -> Spread {
        let point = if self.spread.len() == 1 { 0 } else { point };
        self.spread[point]
    }
}
