//! What the units of a network do on the data.

use super::Units;
use super::groups::Reading;
use crate::capture::module::to_burn;
use crate::cpu::executor::HostExecutor;
use crate::cpu::samples::Rows;
use crate::error::TraceError;
use crate::ir::graph::Slot;
use crate::kernels::simd::Level;
use crate::objective::Trace;
use crate::passes::dependence::Analysis;
use landscape_core::Params;

/// Activations of a group of units where one layer reads them.
#[derive(Clone, Debug, PartialEq)]
pub struct Activations {
    /// The group's index in [`Trace::permutations`].
    pub group: usize,
    /// Its units.
    pub units: usize,
    /// `[rows, units]`: a row for every sample and, where a unit has several positions or tokens,
    /// each of them.
    pub values: Vec<f32>,
}

impl Trace {
    /// The activations of all groups of [`Trace::permutations`] on all the data, once for every
    /// layer that reads them; in the order of the groups. Memory for all of them is needed:
    /// see [`Trace::correlations`] for what alignment takes.
    ///
    /// # Errors
    /// [`TraceError::Layout`] where a parameter is missing or of another shape,
    /// [`TraceError::NoActivations`] where a group's can't be read, and what devices report.
    pub fn activations(&self, params: &Params) -> Result<Vec<Activations>, TraceError> {
        let units = Units::of(&self.graph);
        units.check_readings()?;
        let mut all: Vec<Activations> = Vec::new();
        self.each_batch(&units, &[params], |networks| {
            let [batch] = networks else { return };
            match all.is_empty() {
                true => all.clone_from(batch),
                false => {
                    for (to, from) in all.iter_mut().zip(batch) {
                        to.values.extend_from_slice(&from.values);
                    }
                }
            }
        })?;
        Ok(all)
    }

    /// Calls `take` with the activations of all networks on one batch of samples after the other.
    pub(super) fn each_batch(
        &self,
        units: &Units,
        networks: &[&Params],
        mut take: impl FnMut(&[Vec<Activations>]),
    ) -> Result<(), TraceError> {
        let shapes = self.graph.parameter_shapes();
        networks.iter().try_for_each(|p| self.check(p, &shapes))?;
        let all: Vec<&Reading> = units.readings.iter().flatten().collect();
        let [first, rest @ ..] = &all[..] else {
            return Ok(());
        };
        let mut graph = units.graph.clone();
        (graph.loss, graph.accuracy) = (first.value, None);
        graph.derived = rest.iter().map(|reading| reading.value).collect();
        graph.prune();
        let analysis = Analysis::of_given(&graph, true).expect("readings have samples");
        let executor = HostExecutor::new((&graph, &analysis), &[], Level::detect(), None);
        let parameters = networks.iter().map(|params| self.in_slots(params, &shapes));
        let parameters: Vec<Vec<Vec<f32>>> = parameters.collect();
        executor.each_tile(&parameters, |samples, networks| {
            let of_network = |rows: &Rows| units.activations(samples, rows);
            take(&networks.iter().map(of_network).collect::<Vec<_>>());
        });
        Ok(())
    }

    /// Parameters in Burn's layout, one a slot.
    fn in_slots(&self, params: &Params, shapes: &[&[usize]]) -> Vec<Vec<f32>> {
        let slots = self.graph.parameters.iter().zip(shapes);
        let data = |(slot, shape): (&Slot, &&[usize])| {
            let found = params.get(&slot.name).expect("checked before");
            to_burn(&found.data, shape, slot.transposed)
        };
        slots.map(data).collect()
    }
}

impl Units {
    /// The activations of a batch, from what is read: `[samples][numbers]` each.
    fn activations(&self, samples: usize, rows_of: &Rows) -> Vec<Activations> {
        let groups = self.readings.iter().enumerate();
        let readings =
            groups.flat_map(|(group, of)| of.iter().map(move |reading| (group, reading)));
        let read = |((group, reading), data): ((usize, &Reading), &Vec<f32>)| {
            let mut shape = self.graph.values[reading.value].shape.clone();
            shape[0] = samples;
            let units = self.spec.groups[group].units;
            Activations {
                group,
                units,
                values: rows(data, &shape, reading, units),
            }
        };
        readings.zip(rows_of).map(read).collect()
    }
}

/// `[rows, units]` of a value: the axis of the units last, everything else a row.
fn rows(data: &[f32], shape: &[usize], reading: &Reading, units: usize) -> Vec<f32> {
    let inner: usize = shape[reading.axis + 1..].iter().product();
    let slab = inner * shape[reading.axis];
    let mut rows = Vec::with_capacity(data.len());
    for slab in data.chunks_exact(slab.max(1)) {
        for run in &reading.runs {
            for position in 0..run.repeat * inner {
                let (index, rest) = (position / inner, position % inner);
                let at = |unit: usize| run.start + unit * run.repeat + index;
                rows.extend((0..units).map(|unit| slab[at(unit) * inner + rest]));
            }
        }
    }
    rows
}
