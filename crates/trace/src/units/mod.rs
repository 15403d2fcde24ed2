//! Permutable units of a traced network: neurons, channels and attention heads whose order does not
//! matter, derived from the graph.
//!
//! Every operation says in its own file how the axes of its operands correspond
//! ([`Operation::units`](crate::ir::operation::Operation::units)): a matrix product ties the rows of its
//! weights to the columns of what it reads, a residual sum ties both of its streams, a reshape of
//! channels to features ties a channel to all of its positions. What an operation does not understand
//! stays in place. From these statements follow sets of indices that can only be permuted together, a
//! set a unit; units that occur in the same places are a group.

mod activations;
mod groups;

pub use activations::Activations;

use crate::error::TraceError;
use crate::ir::graph::Graph;
use crate::ir::ties::Axes;
use crate::objective::Trace;
use crate::passes::dependence::Analysis;
use groups::{Reading, groups};
use landscape_core::Params;
use landscape_core::alignment::{Correlator, PermutationSpec};

/// A graph's groups, and where layers read their units.
struct Units {
    /// The graph of the data loss and the accuracy.
    graph: Graph,
    spec: PermutationSpec,
    /// One list a group.
    readings: Vec<Vec<Reading>>,
}

impl Units {
    fn of(graph: &Graph) -> Self {
        let graph = without_terms(graph);
        let analysis = Analysis::new(&graph, &vec![true; graph.parameters.len()]);
        let mut axes = Axes::new(&graph, &analysis.samples);
        for node in &graph.nodes {
            axes.follow(&graph, node);
        }
        let (spec, readings) = groups(&graph, &analysis, axes);
        Units {
            graph,
            spec,
            readings,
        }
    }
}

impl Units {
    /// Every group is read somewhere, sample by sample.
    fn check_readings(&self) -> Result<(), TraceError> {
        const SHOWN: usize = 3;
        let groups = self.spec.groups.iter().zip(&self.readings);
        let unread = groups.filter(|(_, readings)| readings.is_empty());
        let unread: Vec<&str> = unread.map(|(group, _)| group.name.as_str()).collect();
        if unread.is_empty() {
            return Ok(());
        }
        let shown: Vec<String> = unread
            .iter()
            .take(SHOWN)
            .map(|n| format!("`{n}`"))
            .collect();
        let mut groups = shown.join(", ");
        if unread.len() > SHOWN {
            groups += &format!(" and {} more", unread.len() - SHOWN);
        }
        let mixed = self.graph.mixes.is_some();
        Err(TraceError::NoActivations { groups, mixed })
    }
}

/// The graph of the data loss and the accuracy alone, with the same values.
fn without_terms(graph: &Graph) -> Graph {
    let mut graph = graph.clone();
    graph.terms.clear();
    graph.derived.clear();
    graph.prune();
    graph
}

impl Trace {
    /// The permutation symmetries of the traced network: groups of units that can change places,
    /// with all parameters and buffers that belong to them, without a change of loss and accuracy.
    /// Group after group is in the order of computation, and is named for the layer that makes its
    /// units; layers on one residual stream share a group, and an attention head is a unit.
    ///
    /// Extra terms of the loss are not looked at. A network without such units has no groups.
    ///
    /// ```
    /// use burn::nn::{Linear, LinearConfig};
    /// use burn::tensor::activation::relu;
    /// use burn::tensor::{Device, Tensor};
    /// use landscape_trace::{Loss, Trace};
    ///
    /// let device = Device::flex();
    /// let layer = |inputs, outputs| LinearConfig::new(inputs, outputs).init(&device);
    /// let module = vec![layer(2, 8), layer(8, 1)];
    /// let x = Tensor::<2>::from_floats([[1.0, 2.0], [3.0, -1.0]], &device);
    /// let trace = Trace::capture(&module, &x, |layers: &Vec<Linear>, x: &Tensor<2>| {
    ///     let hidden = relu(layers[0].forward(x.clone()));
    ///     Loss::new(layers[1].forward(hidden).squeeze_dim::<1>(1))
    /// })?;
    /// let groups = trace.permutations().groups;
    /// assert_eq!((groups.len(), groups[0].units), (1, 8));
    /// // Rows and biases of the first layer, columns of the second.
    /// assert_eq!(groups[0].axes.len(), 3);
    /// # Ok::<(), landscape_trace::TraceError>(())
    /// ```
    pub fn permutations(&self) -> PermutationSpec {
        Units::of(&self.graph).spec
    }

    /// The correlations, over the data, of the units of two networks with each other: one matrix a group
    /// of [`Trace::permutations`], for
    /// [`match_activations`](landscape_core::alignment::match_activations). Positions of channels and
    /// tokens count as samples. Where several layers read a group, as on a residual stream, it is
    /// the mean over what they read.
    ///
    /// Both networks are evaluated batch by batch; what is held at once does not grow with the data.
    ///
    /// # Errors
    /// [`TraceError::Layout`] where a parameter is missing or of another shape,
    /// [`TraceError::NoActivations`] where a group's can't be read, and what devices report.
    pub fn correlations(&self, a: &Params, b: &Params) -> Result<Vec<Vec<f64>>, TraceError> {
        let units = Units::of(&self.graph);
        units.check_readings()?;
        let mut sums: Vec<Vec<Correlator>> = Vec::new();
        for (group, readings) in units.spec.groups.iter().zip(&units.readings) {
            sums.push(vec![Correlator::new(group.units); readings.len()]);
        }
        let mut all: Vec<&mut Correlator> = sums.iter_mut().flatten().collect();
        self.each_batch(&units, &[a, b], |activations| {
            let [a, b] = activations else { return };
            for (sum, (a, b)) in all.iter_mut().zip(a.iter().zip(b)) {
                sum.add(&a.values, &b.values)
                    .expect("the same units on the same samples");
            }
        })?;
        let groups = units.spec.groups.iter().zip(&sums);
        Ok(groups
            .map(|(group, sums)| mean(group.units, sums))
            .collect())
    }
}

fn mean(units: usize, sums: &[Correlator]) -> Vec<f64> {
    let mut mean = vec![0.0; units * units];
    for sum in sums {
        for (to, value) in mean.iter_mut().zip(sum.correlations()) {
            *to += value / sums.len() as f64;
        }
    }
    mean
}
