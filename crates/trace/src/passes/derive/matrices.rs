//! Gradients and products with matrices of second derivatives.

use super::heads::{self, Ends};
use super::lower::lower;
use crate::error::TraceError;
use crate::ir::derivation::Derivation;
use crate::ir::graph::{Graph, Source, Value, ValueId};
use crate::passes::dependence::Analysis;
use crate::passes::fuse::{fuse_layers, fuse_residuals};
use landscape_core::named;
use std::collections::HashMap;
use std::ops::Range;

/// A symmetric matrix of second derivatives of the mean loss with respect to all trainable parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Matrix {
    /// The Hessian `H`: exact second derivatives.
    Hessian,
    /// The generalised Gauss-Newton matrix `J^T H_L J`: `J` is the Jacobian of the network's output (the
    /// value that the last parameter enters), `H_L` the Hessian of the loss as a function of that output.
    /// Positive semi-definite for convex losses; for softmax cross-entropy and squared error equal to the Fisher
    /// information (Martens 2020, "New insights and perspectives on the natural gradient method").
    GaussNewton,
    /// The empirical Fisher matrix: the mean over the samples of `g g^T`, with `g` the gradient of one
    /// sample's loss.
    EmpiricalFisher,
    /// What the Gauss-Newton matrix leaves of the Hessian, `H - G`: the curvature of the network itself, weighted with the slopes
    /// of the loss. Two products each.
    Residual,
}

named!(Matrix, "matrix of second derivatives", {
    Hessian => "hessian": "Second derivatives of the mean loss",
    GaussNewton => "gauss-newton": "Generalised Gauss-Newton matrix: the Fisher information for cross-entropy and squared error",
    EmpiricalFisher => "fisher": "Empirical Fisher matrix: the mean of g g^T over the gradients g of single samples",
    Residual => "residual": "What the Gauss-Newton matrix leaves of the Hessian: the network's own curvature",
});

/// What a derived graph computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wanted {
    Gradient,
    Hessian,
    GaussNewton,
    EmpiricalFisher,
}

impl Wanted {
    /// All of them.
    pub const COUNT: usize = 4;
}

/// What a parameter of a graph is for derivatives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// They are taken with respect to it.
    Free,
    /// A parameter of the network that stays as it is.
    Fixed,
    /// State of the network, as running statistics.
    State,
}

/// A graph with the loss and derivatives as outputs, and behind them those that it had ([`Graph::derived`]).
#[derive(Clone, Debug)]
pub(crate) struct Derived {
    pub graph: Graph,
    pub analysis: Analysis,
    /// The gradient, or the product, for each parameter of the graph: its place among [`Graph::outputs`], behind the
    /// loss; `None` where it is zero.
    pub outputs: Vec<Option<usize>>,
}

/// Derives what is `wanted` with respect to the free parameters of `graph`; `standings` has one for each of its parameters.
///
/// # Errors
/// [`TraceError::NoDerivative`] where an operation on the way has none.
pub(crate) fn derive(
    graph: &Graph,
    standings: &[Standing],
    wanted: Wanted,
) -> Result<Derived, TraceError> {
    let mut graph = graph.clone();
    graph.accuracy = None;
    graph.terms.clear();
    graph.prune();
    let everything = vec![true; graph.parameters.len()];
    let samples = Analysis::new(&graph, &everything).samples;
    let whole = vec![false; samples.len()];
    match attempt(graph.clone(), samples, standings, wanted)? {
        Some(derived) => Ok(derived),
        // Derivatives may mix samples although the loss does not: as one whole then.
        None => attempt(graph, whole, standings, wanted).map(|d| d.expect("nothing to mix")),
    }
}

/// `None` where samples are mixed.
fn attempt(
    graph: Graph,
    samples: Vec<bool>,
    standings: &[Standing],
    wanted: Wanted,
) -> Result<Option<Derived>, TraceError> {
    let mut d = lower(graph, samples);
    fuse_layers(&mut d.graph, &d.samples);
    d.forget();
    let paths = Paths::new(&d.graph, standings);
    let ends = |graph: &Graph| paths.output_at(graph);
    let paths = match heads::fuse(&mut d, wanted, ends) {
        true => Paths::new(&d.graph, standings),
        false => paths,
    };
    let outputs = match wanted {
        Wanted::Gradient => gradient(&mut d, &paths),
        Wanted::Hessian => hessian(&mut d, &paths),
        Wanted::GaussNewton | Wanted::EmpiricalFisher => gauss_newton(&mut d, &paths, wanted),
    };
    if let Some(operation) = d.lacking {
        return Err(TraceError::NoDerivative { operation });
    }
    if d.mixed {
        return Ok(None);
    }
    let own = std::mem::take(&mut d.graph.derived);
    d.graph.derived = outputs.iter().flatten().copied().chain(own).collect();
    d.graph.prune();
    let analysis = Analysis::of_given(&d.graph, d.samples.contains(&true));
    let analysis = analysis.expect("told by the derivation");
    let mut place = 0;
    let outputs = outputs.iter().map(|output| {
        place += usize::from(output.is_some());
        output.map(|_| place)
    });
    Ok(Some(Derived {
        outputs: outputs.collect(),
        graph: d.graph,
        analysis,
    }))
}

/// What the values of the loss' graph depend on.
struct Paths {
    /// On free parameters.
    trainable: Vec<bool>,
    /// On parameters, free or fixed.
    network: Vec<bool>,
    /// On the data.
    data: Vec<bool>,
    /// Values of the parameters, `None` where not free.
    parameters: Vec<Option<ValueId>>,
    nodes: usize,
}

impl Paths {
    fn new(graph: &Graph, standings: &[Standing]) -> Self {
        let mut this = Self {
            trainable: vec![false; graph.values.len()],
            network: vec![false; graph.values.len()],
            data: vec![false; graph.values.len()],
            parameters: vec![None; graph.parameters.len()],
            nodes: graph.nodes.len(),
        };
        for (id, value) in graph.values.iter().enumerate() {
            match value.source {
                Source::Parameter(p) => {
                    let free = standings[p] == Standing::Free;
                    this.trainable[id] = free;
                    this.network[id] = standings[p] != Standing::State;
                    this.parameters[p] = free.then_some(id);
                }
                Source::Constant { input: true, .. } => this.data[id] = true,
                _ => {}
            }
        }
        for node in &graph.nodes {
            let any = |of: &[bool]| node.inputs.iter().any(|&v| of[v]);
            let (trainable, network) = (any(&this.trainable), any(&this.network));
            let data = any(&this.data);
            this.trainable[node.output] = trainable;
            this.network[node.output] = network;
            this.data[node.output] = data;
        }
        this
    }

    /// Values of the vector that belong to the parameters.
    fn vectors(&self, d: &mut Derivation) -> HashMap<ValueId, ValueId> {
        let parameters = self.parameters.iter().enumerate();
        let trainable = parameters.filter_map(|(p, value)| Some((p, (*value)?)));
        trainable
            .map(|(p, value)| {
                let shape = d.shape(value);
                let source = Source::Vector(p);
                d.graph.values.push(Value { shape, source });
                d.samples.push(false);
                (value, d.graph.values.len() - 1)
            })
            .collect()
    }

    fn of_parameters(&self, found: &HashMap<ValueId, ValueId>) -> Vec<Option<ValueId>> {
        let value = |v: &Option<ValueId>| v.and_then(|v| found.get(&v).copied());
        self.parameters.iter().map(value).collect()
    }

    /// The node after the last one that a parameter enters, free or not: from there on, the loss is a function of the network's
    /// output alone. `None` where parameters enter the loss itself.
    fn output_at(&self, graph: &Graph) -> Option<usize> {
        let enters = |i: &usize| {
            let node = &graph.nodes[*i];
            let own = |&v: &ValueId| self.network[v] && !self.data[v];
            self.data[node.output] && node.inputs.iter().any(own)
        };
        let last = (0..self.nodes).rev().find(enters)?;
        let output = &graph.values[graph.nodes[last].output];
        let whole = graph.samples > 1 && output.shape.first() != Some(&graph.samples);
        (!whole).then_some(last + 1)
    }
}

fn seed(d: &mut Derivation) -> HashMap<ValueId, ValueId> {
    let shape = d.shape(d.graph.loss);
    let one = d.filled(1.0, shape);
    HashMap::from([(d.graph.loss, one)])
}

fn gradient(d: &mut Derivation, paths: &Paths) -> Vec<Option<ValueId>> {
    let seeds = seed(d);
    let adjoints = d.adjoints(0..paths.nodes, seeds, &paths.trainable);
    fuse_residuals(&mut d.graph, paths.nodes, &d.samples);
    d.forget();
    paths.of_parameters(&adjoints)
}

fn hessian(d: &mut Derivation, paths: &Paths) -> Vec<Option<ValueId>> {
    let gradient = gradient(d, paths);
    let vectors = paths.vectors(d);
    let tangents = d.tangents(0..d.graph.nodes.len(), vectors);
    let tangent = |value: Option<ValueId>| value.and_then(|v| tangents.get(&v).copied());
    gradient.into_iter().map(tangent).collect()
}

fn gauss_newton(d: &mut Derivation, paths: &Paths, wanted: Wanted) -> Vec<Option<ValueId>> {
    let Some(cut) = paths.output_at(&d.graph) else {
        d.lacks("a loss that parameters enter beside the network's output");
        return Vec::new();
    };
    let outputs = frontier(&d.graph, paths, cut);
    let vectors = paths.vectors(d);
    let tangents = d.tangents(0..cut, vectors);
    let moved = outputs.iter().filter_map(|z| Some((*z, *tangents.get(z)?)));
    let moved: HashMap<ValueId, ValueId> = moved.collect();
    let start = d.graph.nodes.len();
    let seeds = seed(d);
    let adjoints = d.adjoints(cut..paths.nodes, seeds, &paths.trainable);
    let seeds = match wanted {
        Wanted::EmpiricalFisher => fisher_seeds(d, &outputs, &moved, &adjoints),
        _ => loss_hessian(
            d,
            &outputs,
            moved,
            &adjoints,
            [cut..paths.nodes, start..d.graph.nodes.len()],
        ),
    };
    let ends = Ends {
        tangents: &tangents,
        adjoints: &adjoints,
        wanted,
    };
    let (cut, seeds) = heads::through(d, cut, seeds, ends, &paths.trainable);
    let start = d.graph.nodes.len();
    let back = d.adjoints(0..cut, seeds, &paths.trainable);
    fuse_residuals(&mut d.graph, start, &d.samples);
    d.forget();
    paths.of_parameters(&back)
}

/// Values that are made before node `cut`, and that the loss depends on the parameters through.
fn frontier(graph: &Graph, paths: &Paths, cut: usize) -> Vec<ValueId> {
    let made: Vec<ValueId> = graph.nodes[..cut].iter().map(|n| n.output).collect();
    let later = &graph.nodes[cut..paths.nodes];
    let used = |v: &ValueId| later.iter().any(|n| n.inputs.contains(v)) || *v == graph.loss;
    made.into_iter()
        .filter(|v| paths.trainable[*v] && used(v))
        .collect()
}

/// `H_L` times the tangents of the outputs: the tangent of the adjoint of the loss there.
fn loss_hessian(
    d: &mut Derivation,
    outputs: &[ValueId],
    mut tangents: HashMap<ValueId, ValueId>,
    adjoints: &HashMap<ValueId, ValueId>,
    parts: [Range<usize>; 2],
) -> HashMap<ValueId, ValueId> {
    for part in parts {
        tangents = d.tangents(part, tangents);
    }
    let seed = |z: &ValueId| Some((*z, *tangents.get(adjoints.get(z)?)?));
    outputs.iter().filter_map(seed).collect()
}

/// `n l_z (l_z . t_z)` for every sample, where `l_z / n` are the adjoints and `t_z` the tangents.
fn fisher_seeds(
    d: &mut Derivation,
    outputs: &[ValueId],
    tangents: &HashMap<ValueId, ValueId>,
    adjoints: &HashMap<ValueId, ValueId>,
) -> HashMap<ValueId, ValueId> {
    let n = d.graph.samples;
    let mut products = None;
    for z in outputs {
        if let (Some(&tangent), Some(&adjoint)) = (tangents.get(z), adjoints.get(z)) {
            let product = d.mul(adjoint, tangent);
            let rest = d.shape(product)[1..].iter().product();
            let product = d.reshape(product, &[n, rest]);
            let product = d.sum_along(product, 1);
            products = d.sum(products, Some(product));
        }
    }
    let Some(products) = products else {
        return HashMap::new();
    };
    let scaled = d.unary(crate::ops::unary::Unary::MulScalar(n as f64), products);
    let mut seeds = HashMap::new();
    for z in outputs {
        if let Some(&adjoint) = adjoints.get(z) {
            let mut shape = vec![1; d.shape(*z).len()];
            shape[0] = n;
            let factor = d.reshape(scaled, &shape);
            seeds.insert(*z, d.mul(adjoint, factor));
        }
    }
    seeds
}
