//! How many samples and points a device computes together.

use crate::ir::graph::Graph;
use crate::passes::dependence::{Analysis, Class};

/// Numbers that are held for a group of points and samples: 256 MiB of f32 on GPUs, whose kernels
/// take long to start, and 4 MiB on CPUs, which then find them in a cache.
const GPU_BUDGET: usize = 64 << 20;
const CPU_BUDGET: usize = 1 << 20;

/// Numbers of one value: 128 MiB of f32, which every graphics API lets a kernel see as one buffer.
const LARGEST: usize = 32 << 20;

/// Points that share a batch of samples, where there is memory for them.
const FEW_POINTS: usize = 16;

/// The most points of a group.
const MANY_POINTS: usize = 4096;

/// Numbers of a graph's values, at least 1 each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Numbers that are held for a group.
    budget: usize,
    /// Of the largest value with samples that does not depend on the point, for one sample.
    data: usize,
    /// Of all other values with samples, for one of them at one point.
    sample: usize,
    /// Of the largest of these.
    largest_sample: usize,
    /// Of all values without samples that depend on the point, such as weights, at one point.
    point: usize,
    /// Of the largest of these.
    largest_point: usize,
}

impl Sizes {
    pub fn new(graph: &Graph, analysis: &Analysis, on_cpu: bool) -> Self {
        let mut this = Self {
            budget: if on_cpu { CPU_BUDGET } else { GPU_BUDGET },
            data: 1,
            sample: 1,
            largest_sample: 1,
            point: 1,
            largest_point: 1,
        };
        for (id, value) in graph.values.iter().enumerate() {
            let shared = analysis.class[id] == Class::Shared;
            let samples = analysis.samples[id];
            let shape = &value.shape[usize::from(samples)..];
            let numbers: usize = shape.iter().product();
            match (shared, samples) {
                (true, true) => this.data = this.data.max(numbers),
                (true, false) => {}
                (false, true) => {
                    this.sample += numbers;
                    this.largest_sample = this.largest_sample.max(numbers);
                }
                (false, false) => {
                    this.point += numbers;
                    this.largest_point = this.largest_point.max(numbers);
                }
            }
        }
        this
    }

    /// Samples of a batch, of `samples` in all.
    pub fn batch(&self, samples: usize) -> usize {
        let few = self.budget / FEW_POINTS / self.sample;
        let largest = self.data.max(self.largest_sample);
        few.min(LARGEST / largest).clamp(1, samples)
    }

    /// Samples of a batch, of `samples` in all, where one point is computed at a time.
    pub fn batch_at_one(&self, samples: usize) -> usize {
        (GPU_BUDGET / self.sample).clamp(1, samples)
    }

    /// Points of a group, for batches of `batch` samples.
    pub fn points(&self, batch: usize) -> usize {
        let held = self.budget / (self.sample * batch + self.point);
        let largest = self.largest_point.max(self.largest_sample * batch);
        held.min(LARGEST / largest).clamp(1, MANY_POINTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_buffer_is_larger_than_every_api_binds() {
        let wide = Sizes {
            budget: GPU_BUDGET,
            data: 784,
            sample: 4020,
            largest_sample: 2000,
            point: 4_000_000 + 20_000,
            largest_point: 4_000_000,
        };
        assert_eq!(wide.batch(100), 100);
        assert_eq!(wide.points(100), 8);
        let narrow = Sizes {
            budget: GPU_BUDGET,
            data: 784,
            sample: 60,
            largest_sample: 20,
            point: 200,
            largest_point: 200,
        };
        let batch = narrow.batch(60_000);
        assert!(batch * 784 <= LARGEST && batch > 40_000, "{batch}");
        assert!(narrow.points(batch) * batch * 20 <= LARGEST);
        assert_eq!(narrow.points(1), MANY_POINTS);
        let huge = Sizes {
            data: 1 << 30,
            ..wide
        };
        assert_eq!((huge.batch(7), huge.points(1 << 20)), (1, 1));
    }
}
