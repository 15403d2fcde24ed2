//! Which of a model's constants are parameters, which buffers, and under which names.
//!
//! The use decides: what a convolution, a product, a normalisation, a recurrent layer or a table reads is a weight, running statistics
//! are buffers. What only enters sums and products, as a class token does, is a parameter unless its name is an exporter's own.

use super::array::{Array, Numbers};
use super::graph::{Computation, Id, Step, Value};
use landscape_core::{Parameter, Role};
use landscape_files::{Budget, FileError};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The parameters of a model, and where its nodes read them.
#[derive(Debug, Default)]
pub(super) struct Weights {
    pub params: Vec<Parameter>,
    /// By the number of a constant: its parameter, and whether the constant is that transposed.
    pub places: HashMap<Id, (usize, bool)>,
    pub notes: Vec<String>,
}

/// What a value is for, the weakest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    #[default]
    Other,
    Sum,
    /// A factor or a term.
    Affine,
    Statistics,
    Layer,
}

/// What an operator does with the values of an input, as far as weights are concerned.
enum Reads {
    /// The same numbers, or some of them, are its outputs.
    Passed,
    As(Use),
}

fn reads(step: &Step, position: usize) -> Reads {
    match (&*step.operator, position) {
        ("Identity" | "Flatten", 0) => Reads::Passed,
        ("Transpose" | "Reshape" | "Squeeze" | "Unsqueeze" | "Cast" | "CastLike" | "Expand", 0) => {
            Reads::Passed
        }
        ("Slice" | "Split" | "SplitToSequence" | "Tile" | "Pad" | "DequantizeLinear", 0) => {
            Reads::Passed
        }
        ("SequenceAt", 0) => Reads::Passed,
        ("Concat" | "SequenceConstruct", _) => Reads::Passed,
        ("Conv" | "ConvTranspose", 1..=2) => Reads::As(Use::Layer),
        ("Gemm" | "MatMul" | "FusedMatMul" | "Einsum", _) => Reads::As(Use::Layer),
        ("BatchNormalization", 1..=2) => Reads::As(Use::Layer),
        ("BatchNormalization", 3..=4) => Reads::As(Use::Statistics),
        ("InstanceNormalization" | "GroupNormalization" | "LayerNormalization", 1..=2) => {
            Reads::As(Use::Layer)
        }
        ("RMSNormalization" | "SimplifiedLayerNormalization" | "PRelu", 1) => Reads::As(Use::Layer),
        ("LSTM" | "GRU" | "RNN", 1..=3 | 7) => Reads::As(Use::Layer),
        ("Gather", 0) => Reads::As(Use::Layer),
        ("Add" | "Mul", _) => Reads::As(Use::Affine),
        ("Sub" | "Div" | "Max" | "Min" | "Sum" | "Mean", _) => Reads::As(Use::Sum),
        ("Where", 1..=2) => Reads::As(Use::Sum),
        ("LSTM" | "GRU" | "RNN", 5..=6) => Reads::As(Use::Sum),
        (
            "Neg" | "Exp" | "Sqrt" | "Sigmoid" | "Tanh" | "Softplus" | "Softmax" | "Abs" | "Log"
            | "Pow",
            0,
        ) => Reads::As(Use::Sum),
        ("ReduceL2" | "ReduceSum" | "ReduceSumSquare" | "ReduceMean", 0) => Reads::As(Use::Sum),
        ("If" | "Loop" | "Scan", _) => Reads::As(Use::Sum),
        _ => Reads::As(Use::Other),
    }
}

/// What every value is for: one pass from the last node to the first.
fn uses(nodes: &[Step], uses: &mut [Use]) {
    for step in nodes.iter().rev() {
        for (_, value) in &step.attributes {
            if let Value::Body(body) = value {
                self::uses(&body.nodes, uses);
            }
        }
        let outputs = step.outputs.iter().flatten();
        let of_outputs = outputs.map(|&id| uses[id]).max().unwrap_or_default();
        for (position, input) in step.inputs.iter().enumerate() {
            let Some(id) = *input else { continue };
            let own = match reads(step, position) {
                Reads::Passed => of_outputs,
                Reads::As(own) => own,
            };
            uses[id] = uses[id].max(own);
        }
    }
}

/// Whether a name is one that exporters make up, and not of a state dict.
fn made_up(name: &str) -> bool {
    const BEGINNINGS: [&str; 9] = [
        "onnx::",
        "/",
        "val_",
        "_val",
        "scalar_tensor",
        "_tensor_constant",
        "_to_copy",
        "permute",
        "const_",
    ];
    name.is_empty()
        || name.chars().all(|c| c.is_ascii_digit())
        || BEGINNINGS
            .iter()
            .any(|beginning| name.starts_with(beginning))
        || name.contains("lifted_tensor")
        || name.contains("Constant_output")
}

/// Takes the parameters out of the constants of a computation.
///
/// # Errors
/// [`FileError`] where two have one name, or the budget is spent.
pub(super) fn of(
    network: &mut Computation,
    producer: &str,
    budget: &Budget,
) -> Result<Weights, FileError> {
    separate_equal_tensors(network, budget)?;
    let mut all = vec![Use::Other; network.names.len()];
    uses(&network.nodes, &mut all);
    let mut weights = Weights::default();
    let mut inexact = 0;
    let constants = std::mem::take(&mut network.constants);
    let names = &network.names;
    let (mut chosen, mut others) = (vec![], vec![]);
    for (id, array) in constants {
        let parameter = match all[id] {
            _ if !array.kind.is_float() || array.shape.contains(&0) => false,
            // Numbers of the program, as 1 or 0.5, have no axes.
            _ if array.shape.is_empty() && made_up(&names[id]) => false,
            Use::Layer | Use::Statistics => finite(&array),
            // A scale or shift of channels, of which an exporter made an image of one pixel.
            Use::Affine if is_of_channels(&array) => finite(&array),
            Use::Affine | Use::Sum => finite(&array) && !made_up(&names[id]),
            Use::Other => false,
        };
        match parameter {
            true => chosen.push((id, array)),
            false => others.push((id, array)),
        }
    }
    network.constants = others;
    let copies = transposed_copies(&chosen, names);
    let turned = multiplied_from_the_right(&network.nodes, &chosen);
    let better = names_of_biases(network, &chosen);
    let mut numbers = HashMap::new();
    for (id, array) in &chosen {
        if copies.contains_key(id) {
            continue;
        }
        let name = better
            .get(id)
            .cloned()
            .unwrap_or_else(|| names[*id].to_string());
        let (data, exact) = singles(array, budget)?;
        inexact += usize::from(!exact);
        // A state dict of PyTorch has the layout of the file, unless the exporter changed it.
        let turn = turned.contains(id) && (made_up(&names[*id]) || producer != "pytorch");
        let (shape, data) = match turn {
            true => transposed(&array.shape, &data),
            false => (array.shape.clone(), data),
        };
        let role = match all[*id] {
            Use::Statistics => Role::Buffer,
            // An exporter's image of one pixel; what a state dict names so is a weight in PyTorch's other form, too.
            Use::Affine if made_up(&names[*id]) && is_of_channels(array) => Role::Bias,
            _ => Role::Weight,
        };
        let parameter = Parameter::new(name, shape, data, role)
            .map_err(|error| FileError::Corrupt(error.to_string()))?;
        numbers.insert(*id, weights.params.len());
        weights.places.insert(*id, (weights.params.len(), turn));
        weights.params.push(parameter);
    }
    for (id, (of, turned)) in &copies {
        let (number, own) = weights.places[of];
        weights.places.insert(*id, (number, own != *turned));
    }
    weights.notes = notes(names, &chosen, &copies, &better, inexact, producer);
    Ok(weights)
}

/// Where an exporter put one tensor for several that were equal, all of them: the older one of PyTorch does so, with an
/// `Identity` that has the other's name.
fn separate_equal_tensors(network: &mut Computation, budget: &Budget) -> Result<(), FileError> {
    let index: HashMap<Id, usize> = { network.constants.iter().enumerate() }
        .map(|(i, (id, _))| (*id, i))
        .collect();
    let mut found = vec![];
    for step in &network.nodes {
        if let ("Identity", [Some(from)], [Some(to)]) =
            (&*step.operator, &step.inputs[..], &step.outputs[..])
        {
            let path = network.names[*to].contains('.') && !made_up(&network.names[*to]);
            if let (true, Some(&i)) = (path, index.get(from)) {
                budget.spend_each(network.constants[i].1.shape.iter().product(), 4)?;
                found.push((*to, network.constants[i].1.clone()));
            }
        }
    }
    let own: HashSet<Id> = found.iter().map(|(id, _)| *id).collect();
    network
        .nodes
        .retain(|step| !matches!(step.outputs[..], [Some(id)] if own.contains(&id)));
    network.constants.extend(found);
    Ok(())
}

/// Whether it is as long as one of its axes.
fn is_of_channels(array: &Array) -> bool {
    let longer = array.shape.iter().filter(|&&n| n > 1).count();
    longer == 1 && array.shape.len() > 2
}

fn finite(array: &Array) -> bool {
    match &array.numbers {
        Numbers::Singles(all) => all.iter().all(|x| x.is_finite()),
        Numbers::Doubles(all) => all.iter().all(|x| x.is_finite()),
        Numbers::Ints(_) => true,
    }
}

/// The numbers in f32, and whether they are exactly that.
fn singles(array: &Array, budget: &Budget) -> Result<(Vec<f32>, bool), FileError> {
    Ok(match &array.numbers {
        Numbers::Singles(all) => (Arc::unwrap_or_clone(all.clone()), true),
        Numbers::Doubles(all) => {
            budget.spend_each(all.len(), 4)?;
            let exact = all.iter().all(|&x| f64::from(x as f32) == x);
            (all.iter().map(|&x| x as f32).collect(), exact)
        }
        Numbers::Ints(all) => (all.iter().map(|&x| x as f32).collect(), true),
    })
}

fn transposed(shape: &[usize], data: &[f32]) -> (Vec<usize>, Vec<f32>) {
    let (rows, columns) = (shape[0], shape[1]);
    let at = |i: usize| data[(i % rows) * columns + i / rows];
    (vec![columns, rows], (0..data.len()).map(at).collect())
}

/// Matrices that hold another's numbers, transposed, since an exporter computed that: they move with it.
fn transposed_copies(chosen: &[(Id, Array)], names: &[Arc<str>]) -> HashMap<Id, (Id, bool)> {
    let matrix = |array: &&(Id, Array)| matches!(array.1.shape[..], [a, b] if a * b > 1);
    let sum = |array: &Array| match &array.numbers {
        Numbers::Singles(all) => all
            .iter()
            .fold(0u64, |sum, x| sum.wrapping_add(u64::from(x.to_bits()))),
        _ => 0,
    };
    let mut own: HashMap<(usize, u64), Vec<&(Id, Array)>> = HashMap::new();
    for item in chosen
        .iter()
        .filter(matrix)
        .filter(|item| !made_up(&names[item.0]))
    {
        own.entry((item.1.shape.iter().product(), sum(&item.1)))
            .or_default()
            .push(item);
    }
    let mut copies = HashMap::new();
    for (id, array) in chosen
        .iter()
        .filter(matrix)
        .filter(|item| made_up(&names[item.0]))
    {
        let key = (array.shape.iter().product(), sum(array));
        let same = own.get(&key).into_iter().flatten().find_map(|(of, other)| {
            let turned = is_transposed(array, other);
            (turned || is_same(array, other)).then_some((*of, turned))
        });
        copies.extend(same.map(|same| (*id, same)));
    }
    copies
}

fn is_transposed(array: &Array, other: &Array) -> bool {
    let (Numbers::Singles(a), Numbers::Singles(b)) = (&array.numbers, &other.numbers) else {
        return false;
    };
    let (rows, columns) = (array.shape[0], array.shape[1]);
    let same = |i: usize| a[i] == b[(i % columns) * rows + i / columns];
    other.shape == [columns, rows] && (0..a.len()).all(same)
}

fn is_same(array: &Array, other: &Array) -> bool {
    match (&array.numbers, &other.numbers) {
        (Numbers::Singles(a), Numbers::Singles(b)) => array.shape == other.shape && a == b,
        _ => false,
    }
}

/// Matrices that are only the right factor of products: their second axis counts the filters.
fn multiplied_from_the_right(nodes: &[Step], chosen: &[(Id, Array)]) -> HashSet<Id> {
    let matrices = chosen.iter().filter(|(_, array)| array.shape.len() == 2);
    let mut right: HashSet<Id> = matrices.map(|(id, _)| *id).collect();
    each_step(nodes, &mut |step| {
        for (position, id) in step.inputs.iter().enumerate() {
            let Some(id) = id else { continue };
            let transposed = step
                .attributes
                .iter()
                .any(|(name, value)| &**name == "transB" && !matches!(value, Value::Int(0)));
            let product = matches!(&*step.operator, "MatMul" | "Gemm") && position == 1;
            if !product || transposed {
                right.remove(id);
            }
        }
    });
    right
}

fn each_step<'a>(nodes: &'a [Step], visit: &mut impl FnMut(&'a Step)) {
    for step in nodes {
        visit(step);
        for (_, value) in &step.attributes {
            if let Value::Body(body) = value {
                each_step(&body.nodes, visit);
            }
        }
    }
}

/// Names for factors whose own is made up: that of the bias which is added to the product, which the layer shares.
fn names_of_biases(network: &Computation, chosen: &[(Id, Array)]) -> HashMap<Id, String> {
    let names = &network.names;
    let constants: HashSet<Id> = chosen.iter().map(|(id, _)| *id).collect();
    let taken: HashSet<&str> = chosen.iter().map(|(id, _)| &*names[*id]).collect();
    let mut products: HashMap<Id, Id> = HashMap::new();
    let (mut found, mut given) = (HashMap::new(), HashSet::new());
    for step in &network.nodes {
        match (&*step.operator, &step.inputs[..], &step.outputs[..]) {
            ("MatMul", [_, Some(weight)], [Some(out)])
                if constants.contains(weight) && made_up(&names[*weight]) =>
            {
                products.insert(*out, *weight);
            }
            ("Add", [Some(a), Some(b)], _) => {
                for (bias, product) in [(a, b), (b, a)] {
                    let (Some(weight), true) = (products.get(product), constants.contains(bias))
                    else {
                        continue;
                    };
                    let Some(layer) = names[*bias].strip_suffix(".bias") else {
                        continue;
                    };
                    let name = format!("{layer}.weight");
                    if !taken.contains(&*name) && given.insert(name.clone()) {
                        found.insert(*weight, name);
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// What is to be said of the names.
fn notes(
    names: &[Arc<str>],
    chosen: &[(Id, Array)],
    copies: &HashMap<Id, (Id, bool)>,
    better: &HashMap<Id, String>,
    inexact: usize,
    producer: &str,
) -> Vec<String> {
    let own: HashSet<&str> = chosen.iter().map(|(id, _)| &*names[*id]).collect();
    let made = |(id, _): &&(Id, Array)| {
        made_up(&names[*id]) && !copies.contains_key(id) && !better.contains_key(id)
    };
    let changed: Vec<&str> = { chosen.iter().filter(made) }
        .map(|(id, _)| &*names[*id])
        .collect();
    // The new exporter of PyTorch keeps the weight's name, and adds a bias under it.
    let folded: Vec<&str> = { own.iter().copied() }
        .filter(|name| {
            name.strip_suffix("_bias")
                .is_some_and(|weight| own.contains(weight))
        })
        .collect();
    let mut notes = vec![];
    let example = |all: &[&str]| match all {
        [one] => format!("`{one}`"),
        all => format!(
            "`{}` and {} more",
            all.iter().min().unwrap_or(&""),
            all.len() - 1
        ),
    };
    if !changed.is_empty() {
        let made = format!(
            "{} names that the exporter made up ({})",
            have(changed.len()),
            example(&changed)
        );
        notes.push(match producer {
            "pytorch" => format!(
                "{made}: normalisations were folded into their layers, or weights were rearranged, and the tensors of the state dict are gone; \
                 export with torch.onnx.export(net, (x,), \"net.onnx\", dynamo=False, training=torch.onnx.TrainingMode.PRESERVE, \
                 do_constant_folding=False) to keep them"
            ),
            _ => format!("{made}: give checkpoints as further exports, or with these names"),
        });
    }
    if !folded.is_empty() {
        let layers = folded.len();
        notes.push(format!(
            "normalisations were folded into {layers} layer{} ({}), whose weights are no longer those of the state dict; export with \
             torch.onnx.export(net, (x,), \"net.onnx\", dynamo=True, optimize=False) to keep them",
            if layers == 1 { "" } else { "s" }, example(&folded)
        ));
    }
    if !copies.is_empty() {
        let count = copies.len();
        let (noun, verb) = if count == 1 {
            ("matrix is a copy", "moves")
        } else {
            ("matrices are copies", "move")
        };
        notes.push(format!("{count} {noun} of a weight, and {verb} with it"));
    }
    if inexact > 0 {
        notes.push(format!(
            "{} f64 values that were rounded to f32",
            have(inexact)
        ));
    }
    notes
}

fn have(count: usize) -> String {
    match count {
        1 => "1 parameter has".into(),
        count => format!("{count} parameters have"),
    }
}
