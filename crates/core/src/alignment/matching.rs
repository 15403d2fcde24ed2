//! Permutations that bring one network closest to another.

use super::AlignmentError;
use super::assignment::assign;
use super::spec::{AxisRef, Chunks, Group, PermutationSpec, Permutations, permute};
use crate::numeric::{dot, transposed_product};
use crate::params::{Parameter, Params, Role};
use crate::rng::Rng;
use nalgebra::DMatrix;
use std::collections::{BTreeSet, HashSet};

/// Weight of the weights beside correlations, where those cannot tell units apart.
const TIE: f64 = 1e-6;

/// Sweeps over all groups before giving up.
const SWEEPS: usize = 100;

/// Gain of a group's assignment, as a share of the sum of magnitudes, that is rounding.
const GAIN: f64 = 1e-12;

/// Permutations of a network, and how far they got.
#[derive(Debug, Clone, PartialEq)]
pub struct Matching {
    /// One a group: unit `permutation[i]` of the second network takes place `i`. Apply them with
    /// [`PermutationSpec::apply`].
    pub permutations: Permutations,
    /// Sweeps over all groups until none of them changed.
    pub sweeps: usize,
    /// Whether no group changed in the last of them.
    pub converged: bool,
    /// `<theta_a, P theta_b>` over the tensors that a group moves, before and after; for activation
    /// matching the sum of the matched correlations.
    pub similarity: [f64; 2],
}

/// Permutations of `b` that maximise the inner product of its weights with those of `a`, group by
/// group, each by linear assignment with the others held, in random order until nothing changes:
/// weight matching of Ainsworth et al., *Git Re-Basin: Merging Models modulo Permutation Symmetries*,
/// ICLR 2023, algorithm 1. `seed` draws the order. Buffers do not count, and move with their group.
///
/// Such a descent ends in a local optimum. It is therefore started twice, and the better end is
/// kept: from no permutation, as in the paper, and from one that is built up from the inputs and
/// outputs, each group by those weights alone whose other units are settled already. The second one
/// finds a permuted twin exactly.
///
/// # Errors
/// When the networks have different layouts, the spec does not fit, or a weight is not finite.
pub fn match_weights(
    spec: &PermutationSpec,
    a: &Params,
    b: &Params,
    seed: u64,
) -> Result<Matching, AlignmentError> {
    a.same_layout(b)?;
    spec.check(a)?;
    let before = similarity(spec, a, b);
    let plain = Descent::new(spec, a, b).run(seed)?;
    let mut built = Descent::new(spec, a, b);
    built.build_up()?;
    let built = built.run(seed)?;
    let mut best = match built.similarity[1] > plain.similarity[1] {
        true => built,
        false => plain,
    };
    best.similarity[0] = before;
    Ok(best)
}

/// One search for permutations.
struct Descent<'a> {
    spec: &'a PermutationSpec,
    a: &'a Params,
    /// The second network with `permutations` applied.
    moved: Params,
    permutations: Permutations,
}

impl<'a> Descent<'a> {
    fn new(spec: &'a PermutationSpec, a: &'a Params, b: &Params) -> Self {
        Descent {
            spec,
            a,
            moved: b.clone(),
            permutations: spec.identity(),
        }
    }

    /// Improves one group after the other until none changes.
    fn run(mut self, seed: u64) -> Result<Matching, AlignmentError> {
        let mut rng = Rng::new(seed, 0);
        let mut order: Vec<usize> = (0..self.spec.groups.len()).collect();
        let (mut sweeps, mut converged) = (0, false);
        while !converged && sweeps < SWEEPS {
            rng.shuffle(&mut order);
            converged = true;
            for &index in &order {
                converged &= !self.improve(index, |_| true)?;
            }
            sweeps += 1;
        }
        let similarity = similarity(self.spec, self.a, &self.moved);
        Ok(Matching {
            permutations: self.permutations,
            sweeps,
            converged,
            similarity: [similarity; 2],
        })
    }

    /// Settles the groups one by one, next the one of which the most is determined by those that are
    /// settled, by that alone.
    fn build_up(&mut self) -> Result<(), AlignmentError> {
        let mut open: Vec<usize> = (0..self.spec.groups.len()).collect();
        while !open.is_empty() {
            let unsettled = |axis: &AxisRef| {
                let groups = open.iter().map(|&index| &self.spec.groups[index]);
                let mut axes = groups.flat_map(|group| &group.axes);
                axes.any(|other| other.tensor == axis.tensor && other.axis != axis.axis)
            };
            let determined = |index: usize| {
                let axes = axes(&self.spec.groups[index], self.a, &self.moved);
                let known = axes.filter(|(axis, ..)| !unsettled(axis));
                known.map(|(_, tensor, _)| tensor.numel()).sum::<usize>()
            };
            let most = (0..open.len()).max_by_key(|&place| (determined(open[place]), !place));
            let place = most.expect("a group is open");
            let index = open[place];
            let known: HashSet<AxisRef> = (self.spec.groups[index].axes.iter())
                .filter(|axis| !unsettled(axis))
                .cloned()
                .collect();
            open.remove(place);
            self.improve(index, |axis| known.is_empty() || known.contains(axis))?;
        }
        Ok(())
    }

    /// Assigns the units of one group anew, by the axes that are taken; whether that changed it.
    fn improve(
        &mut self,
        index: usize,
        takes: impl Fn(&AxisRef) -> bool,
    ) -> Result<bool, AlignmentError> {
        let group = &self.spec.groups[index];
        self.assign(index, &gains(group, self.a, &self.moved, takes))
    }

    /// As [`Self::improve`], by correlations first and weights where those are equal.
    fn settle(&mut self, index: usize, correlations: &[f64]) -> Result<bool, AlignmentError> {
        let group = &self.spec.groups[index];
        let mut both = gains(group, self.a, &self.moved, |_| true);
        let largest = both.iter().fold(0.0f64, |m, g| m.max(g.abs()));
        both *= TIE / largest.max(f64::MIN_POSITIVE);
        for (place, &unit) in self.permutations[index].iter().enumerate() {
            for i in 0..group.units {
                both[(i, place)] += correlations[i * group.units + unit];
            }
        }
        self.assign(index, &both)
    }

    /// Takes the assignment with the largest gain; whether it is another one.
    fn assign(&mut self, index: usize, gains: &DMatrix<f64>) -> Result<bool, AlignmentError> {
        let group = &self.spec.groups[index];
        let Some(better) = better(group, gains)? else {
            return Ok(false);
        };
        apply_one(group, &better, &mut self.moved);
        let permutation = &mut self.permutations[index];
        *permutation = better.iter().map(|&unit| permutation[unit]).collect();
        Ok(true)
    }
}

/// Permutations that maximise the sum of correlations between the units of two networks: activation
/// matching of the same paper. `correlations` has a matrix a group, row-major, entry `(i, j)` the
/// correlation (or the inner product) over the data of unit `i` of the first network with unit `j` of
/// the second. Each group is solved exactly, by itself.
///
/// # Errors
/// When there is not one matrix of finite numbers a group, of the group's size.
pub fn match_activations(
    spec: &PermutationSpec,
    correlations: &[Vec<f64>],
) -> Result<Matching, AlignmentError> {
    if correlations.len() != spec.groups.len() {
        return Err(AlignmentError::Groups {
            expected: spec.groups.len(),
            given: correlations.len(),
        });
    }
    let mut matching = Matching {
        permutations: Vec::new(),
        sweeps: 1,
        converged: true,
        similarity: [0.0; 2],
    };
    for (group, matrix) in spec.groups.iter().zip(correlations) {
        let costs: Vec<f64> = matrix.iter().map(|c| -c).collect();
        let solved = assign(&costs, group.units).ok_or_else(|| not_finite(group))?;
        let at = |(row, column): (usize, usize)| matrix[row * group.units + column];
        matching.similarity[0] += (0..group.units).map(|i| at((i, i))).sum::<f64>();
        matching.similarity[1] += solved.iter().copied().enumerate().map(at).sum::<f64>();
        matching.permutations.push(solved);
    }
    Ok(matching)
}

/// Settles what activations leave open: units that do nothing on the data, or the same, are told apart by
/// their weights. To each correlation 1e-6 of the products of weights is added, scaled to at most
/// 1, and the groups are assigned anew in turn until none changes. `matching` is of `correlations`, by
/// [`match_activations`].
///
/// # Errors
/// As [`match_activations`] and [`match_weights`].
pub fn settle_ties(
    spec: &PermutationSpec,
    a: &Params,
    b: &Params,
    correlations: &[Vec<f64>],
    matching: Matching,
) -> Result<Matching, AlignmentError> {
    a.same_layout(b)?;
    let mut settled = Descent {
        spec,
        a,
        moved: spec.apply(b, &matching.permutations)?,
        permutations: matching.permutations.clone(),
    };
    let (mut sweeps, mut converged) = (0, false);
    while !converged && sweeps < SWEEPS {
        converged = true;
        for (index, matrix) in correlations.iter().enumerate() {
            converged &= !settled.settle(index, matrix)?;
        }
        sweeps += 1;
    }
    let matched = |(permutation, matrix): (&Vec<usize>, &Vec<f64>)| -> f64 {
        let units = permutation.iter().enumerate();
        units.map(|(i, &j)| matrix[i * permutation.len() + j]).sum()
    };
    let after = settled
        .permutations
        .iter()
        .zip(correlations)
        .map(matched)
        .sum();
    Ok(Matching {
        permutations: settled.permutations,
        sweeps: matching.sweeps + sweeps,
        converged,
        similarity: [matching.similarity[0], after],
    })
}

fn not_finite(group: &Group) -> AlignmentError {
    AlignmentError::NotFinite {
        group: group.name.clone(),
        units: group.units,
    }
}

/// Axes of a group that weigh, with their tensors in both networks.
fn axes<'a>(
    group: &'a Group,
    a: &'a Params,
    b: &'a Params,
) -> impl Iterator<Item = (&'a AxisRef, &'a Parameter, &'a Parameter)> {
    group.axes.iter().filter_map(move |axis| {
        let (x, y) = (a.get(&axis.tensor)?, b.get(&axis.tensor)?);
        (x.role != Role::Buffer).then_some((axis, x, y))
    })
}

/// Inner products of all units of `a` with all of `b`, over those axes of the group that are
/// taken.
fn gains(group: &Group, a: &Params, b: &Params, takes: impl Fn(&AxisRef) -> bool) -> DMatrix<f64> {
    let mut gains = DMatrix::zeros(group.units, group.units);
    for (axis, x, y) in axes(group, a, b).filter(|(axis, ..)| takes(axis)) {
        let (x, y) = (
            unit_columns(x, axis, group.units),
            unit_columns(y, axis, group.units),
        );
        gains += transposed_product(&x, &y);
    }
    gains
}

/// The values of each unit as a column.
fn unit_columns(tensor: &Parameter, axis: &AxisRef, units: usize) -> DMatrix<f64> {
    let chunks = &Chunks::new(tensor, axis);
    let slabs = chunks.slabs(tensor.numel());
    let values = (0..units).flat_map(|unit| {
        let of = move |slab| tensor.data[chunks.range(slab, unit)].iter();
        (0..slabs).flat_map(of).map(|&value| f64::from(value))
    });
    DMatrix::from_iterator(slabs * chunks.chunk, units, values)
}

/// The assignment, where it beats staying as it is by more than rounding.
fn better(group: &Group, gains: &DMatrix<f64>) -> Result<Option<Vec<usize>>, AlignmentError> {
    let costs: Vec<f64> = (gains.transpose().iter()).map(|gain| -gain).collect();
    let solved = assign(&costs, group.units).ok_or_else(|| not_finite(group))?;
    let total: f64 = solved.iter().enumerate().map(|(i, &j)| gains[(i, j)]).sum();
    let rounding = GAIN * gains.diagonal().iter().map(|g| g.abs()).sum::<f64>();
    let gain = total - gains.trace();
    Ok((gain > rounding.max(0.0)).then_some(solved))
}

fn apply_one(group: &Group, permutation: &[usize], params: &mut Params) {
    for axis in &group.axes {
        let tensors = params.tensors_mut().iter_mut();
        for tensor in tensors.filter(|t| t.name == axis.tensor) {
            permute(tensor, axis, permutation);
        }
    }
}

/// `<a, b>` over the tensors that groups move.
fn similarity(spec: &PermutationSpec, a: &Params, b: &Params) -> f64 {
    let groups = spec.groups.iter();
    let names: BTreeSet<&str> = groups
        .flat_map(|group| axes(group, a, b))
        .map(|(axis, _, _)| axis.tensor.as_str())
        .collect();
    let product = |name: &str| Some(dot(&a.get(name)?.data, &b.get(name)?.data));
    names.into_iter().filter_map(product).sum()
}
