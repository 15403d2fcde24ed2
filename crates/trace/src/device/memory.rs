//! How many samples and points a device computes together.

use super::open;
use crate::ir::graph::{Graph, ValueId};
use crate::passes::dependence::{Analysis, Class};
use crate::schedule::group::{Bound, Group};
use crate::schedule::plan::{Action, Location, Plan, Step};
use burn::tensor::Device;
use landscape_core::free_memory;
use std::collections::HashSet;

/// Bytes of a group on CPUs, which then find it in a cache.
const CACHE: u64 = 4 << 20;

/// Bytes of a group where a device does not state its memory, and of one vector on CPUs, which goes through memory
/// once. The kernels of GPUs take long to start.
const USUAL: u64 = 256 << 20;

/// Of the memory that a device states, a group takes this part: other processes and Burn's pools have the rest.
const PART: u64 = 8;

/// And no more than this, of which every kernel keeps a device busy.
const ENOUGH: u64 = 2 << 30;

/// Points that share a batch of samples, where there is memory for them.
const FEW_POINTS: u64 = 16;

/// The most points of a group.
const MANY_POINTS: u64 = 4096;

/// Bytes that a device has for values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// Of a group of points.
    usual: u64,
    /// Of one vector.
    alone: u64,
    /// Of several vectors.
    most: u64,
    /// Of one tensor.
    tensor: u64,
    /// Where that of a group is from.
    bound: Bound,
    /// The same of several vectors.
    bound_of_most: Bound,
}

impl Room {
    /// The room on a device, one of so many that compute at once, where `fixed` bytes stay; `given`: what a group may take,
    /// by the user.
    pub fn new(device: &Device, devices: usize, fixed: u64, given: Option<u64>) -> Self {
        let free = match open::is_in_system_memory(device) {
            true => free_memory().map(|free| share(free, fixed, devices)),
            false => None,
        };
        let (tensor, stated) = open::memory(device);
        let usual = match (open::is_cpu(device), stated) {
            (true, _) => (CACHE, Bound::Cache),
            (false, Some(all)) => ((all / PART).min(ENOUGH), Bound::Stated),
            (false, None) => (USUAL, Bound::Usual),
        };
        Self::within(usual, free, tensor.unwrap_or(u64::MAX), given)
    }

    fn within(
        (usual, bound): (u64, Bound),
        free: Option<u64>,
        tensor: u64,
        given: Option<u64>,
    ) -> Self {
        let least = |bytes: u64, bound: Bound| match (given, free) {
            (Some(given), _) => (given, Bound::Given),
            (None, Some(free)) if free < bytes => (free, Bound::Free),
            _ => (bytes, bound),
        };
        let alone = usual.max(USUAL);
        let most = match free {
            Some(free) => (free, Bound::Free),
            None => (alone, bound),
        };
        let (most, bound_of_most) = least(most.0, most.1);
        let (usual, bound) = least(usual, bound);
        Self {
            usual,
            alone: alone.min(most),
            most,
            tensor,
            bound,
            bound_of_most,
        }
    }
}

/// Half of the free memory that is left beside what stays, in equal parts for devices that compute at once.
fn share(free: u64, fixed: u64, devices: usize) -> u64 {
    free.saturating_sub(fixed) / 2 / devices.max(1) as u64
}

/// Numbers of a plan's values, at least 1 each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Bytes of a number.
    bytes: u64,
    /// Of the largest value that is computed once, for one sample.
    data: u64,
    /// Of all values that are computed once, of all samples.
    fixed: u64,
    /// Of what is held of one sample at one point, while an operation runs.
    sample: u64,
    /// Of the largest of its values.
    largest_sample: u64,
    /// Of all values without samples, such as weights, at one point.
    point: u64,
    /// Of the largest of these.
    largest_point: u64,
    /// Whether several passes work on all samples, or the plan is of one point.
    whole: bool,
    one_point: bool,
}

impl Sizes {
    pub fn new(graph: &Graph, analysis: &Analysis, plan: &Plan, whole: bool, bytes: u64) -> Self {
        let sums: usize = plan.sum_sizes.iter().sum();
        let mut this = Self {
            bytes,
            data: 1,
            fixed: 0,
            sample: 1,
            largest_sample: 1,
            point: 1 + (plan.flat_size + sums) as u64,
            largest_point: 1,
            whole,
            one_point: !plan.given.is_empty(),
        };
        let passes = plan.passes.iter();
        let phases = passes.flat_map(|pass| [&pass.before, &pass.tile]);
        let mut fixed = HashSet::new();
        for step in phases.chain([&plan.after]).flat_map(|phase| phase.steps()) {
            fixed.extend(fixed_of(step));
            let (size, samples) = (step.output.size as u64, step.output.samples);
            let largest = match samples {
                true => &mut this.largest_sample,
                false => &mut this.largest_point,
            };
            *largest = size.max(*largest);
        }
        fixed
            .iter()
            .for_each(|&value| this.fix(graph, analysis, value));
        // Operations hold something beside their inputs and outputs.
        this.sample = (plan.tile_rows + plan.kept_rows) as u64 + 2 * this.largest_sample;
        this
    }

    /// Counts a value that is computed once.
    fn fix(&mut self, graph: &Graph, analysis: &Analysis, value: ValueId) {
        let samples = analysis.samples[value];
        let shape = &graph.values[value].shape;
        let all: usize = shape.iter().product();
        let coefficients = match analysis.class[value] {
            Class::Affine => 4,
            _ => 1,
        };
        self.fixed += coefficients * all as u64;
        if samples {
            self.data = self.data.max((all / shape[0].max(1)) as u64);
        }
    }

    /// Bytes of what is computed once.
    pub fn fixed(&self) -> u64 {
        self.bytes * self.fixed
    }

    /// Samples and points of a group, of `samples` in all; `asked` samples where that is not 0.
    pub fn group(&self, room: &Room, samples: usize, asked: usize) -> Group {
        let (first, few) = match self.one_point {
            true => (room.alone, 1),
            false => (room.usual, FEW_POINTS),
        };
        // Where weights take much, samples have half of the room.
        let fits = (first / 2).max(first.saturating_sub(self.bytes * self.point));
        let fits = fits / (few * self.bytes * self.sample);
        let of_tensor = room.tensor / (self.bytes * self.data.max(self.largest_sample));
        let batch = match (self.whole, asked) {
            (true, _) => samples as u64,
            (false, 0) => fits.min(of_tensor).clamp(1, samples as u64),
            (false, asked) => asked.min(samples) as u64,
        };
        let (most, bound) = match self.one_point {
            true => (room.most, room.bound_of_most),
            false => (room.usual, room.bound),
        };
        let each = self.bytes * (self.sample * batch + self.point);
        let largest = self.bytes * self.largest_point.max(self.largest_sample * batch);
        let points = (most / each).min(room.tensor / largest);
        let points = points.clamp(1, MANY_POINTS);
        Group {
            device: String::new(),
            samples: batch as usize,
            points: points as usize,
            memory: points * each,
            most,
            bound,
        }
    }
}

/// What a step reads of what is computed once.
fn fixed_of(step: &Step) -> impl Iterator<Item = ValueId> {
    let affine = match step.action {
        Action::Affine { value, .. } => Some(value),
        _ => None,
    };
    let inputs = step.inputs.iter().filter_map(|input| match input.place {
        Location::Fixed(value) => Some(value),
        _ => None,
    });
    affine.into_iter().chain(inputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: Sizes = Sizes {
        bytes: 4,
        data: 784,
        fixed: 0,
        sample: 4020,
        largest_sample: 2000,
        point: 4_000_000 + 20_000,
        largest_point: 4_000_000,
        whole: false,
        one_point: false,
    };

    fn room(usual: u64, free: Option<u64>, tensor: u64) -> Room {
        Room::within((usual, Bound::Usual), free, tensor, None)
    }

    #[test]
    fn no_tensor_is_larger_than_a_device_takes() {
        let room = room(USUAL, None, 128 << 20);
        let group = WIDE.group(&room, 100, 0);
        assert_eq!((group.samples, group.points), (100, 8));
        let narrow = Sizes {
            sample: 60,
            largest_sample: 20,
            point: 200,
            largest_point: 200,
            ..WIDE
        };
        let group = narrow.group(&room, 60_000, 0);
        let tensor = 4 * group.samples * 784.max(group.points * 20);
        assert!(tensor <= 128 << 20 && group.samples > 40_000, "{group:?}");
        assert_eq!(narrow.group(&room, 60_000, 1).points as u64, MANY_POINTS);
        let huge = Sizes {
            data: 1 << 30,
            sample: 1 << 30,
            ..WIDE
        };
        let group = huge.group(&room, 7, 0);
        assert_eq!((group.samples, group.points), (1, 1));
        assert!(group.to_string().contains("more than 256.0 MiB"), "{group}");
    }

    #[test]
    fn groups_shrink_with_the_memory() {
        let mut last = (usize::MAX, usize::MAX);
        let light = Sizes {
            point: 20_000,
            largest_point: 10_000,
            ..WIDE
        };
        for free in [None, Some(64 << 20), Some(32 << 20), Some(1 << 20), Some(0)] {
            let group = light.group(&room(USUAL, free, u64::MAX), 1000, 0);
            let bound = free.map_or(Bound::Usual, |_| Bound::Free);
            assert_eq!(group.bound, bound);
            assert!(group.memory <= group.most || group.samples * group.points == 1);
            let now = (group.samples * group.points, group.points);
            assert!(now.0 < last.0 || now.0 == 1, "{group:?}");
            last = now;
        }
        assert_eq!(last, (1, 1));
    }

    #[test]
    fn devices_share_what_is_free() {
        assert_eq!(share(8 << 30, 2 << 30, 1), 3 << 30);
        assert_eq!(share(8 << 30, 2 << 30, 3), 1 << 30);
        assert_eq!(share(1, 2, 1), 0);
    }

    #[test]
    fn vectors_take_more_memory_than_points_where_there_is_some() {
        let one = Sizes {
            one_point: true,
            ..WIDE
        };
        let cpu = |free| Room::within((CACHE, Bound::Cache), free, u64::MAX, None);
        let group = one.group(&cpu(Some(8 << 30)), 1000, 0);
        assert!(group.samples == 1000 && group.points > 100, "{group:?}");
        assert_eq!(group.bound, Bound::Free);
        let little = one.group(&cpu(Some(32 << 20)), 1000, 0);
        assert!(little.samples == 1000 && little.points == 1, "{little:?}");
    }
}
