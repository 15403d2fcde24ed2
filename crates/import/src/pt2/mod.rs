//! PyTorch's exported programs: what `torch.export.save` writes.
//!
//! A zip archive: `models/NAME.json` is the graph, `data/weights` has the numbers of its parameters and an index of them, and
//! `data/constants` those of what is neither parameter nor saved buffer. PyTorch 2.8 has pickles in the place of numbers and index,
//! `data/weights/NAME.pt`; PyTorch 2.5 to 2.7 have `serialized_exported_program.json`, `serialized_state_dict.pt` and
//! `serialized_constants.pt`.

mod archive;
mod aten;
mod blocks;
mod call;
mod graph;
mod memory;
mod pickled;
mod schema;

use crate::lower::{Kind, Operand};
use crate::source::{Element, Input, Operation, Output, Size, Source};
use archive::{Archive, Numbers, Stored};
use graph::{Exported, Given, Meta, Target, place};
use landscape_core::{Parameter, Params, Role};
use landscape_files::{Budget, FileError};
use schema::{
    Argument, Constant, ExportedProgram, InputSpec, Node, OutputSpec, SymInt, TensorMeta,
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Whether bytes are a zip archive, as those of `torch.export.save` are.
pub(crate) fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// The program in an archive.
pub(crate) fn read(bytes: &[u8], budget: &Budget) -> Result<Source, FileError> {
    let mut archive = Archive::new(bytes, budget)?;
    let parts = Parts::of(&archive.names())?;
    let program: ExportedProgram = match archive.json(&parts.graph)? {
        Some(program) => program,
        None => return Err(FileError::Corrupt("its graph is missing".into())),
    };
    if let Some(version) = &program.schema_version
        && !(5..=8).contains(&version.major)
    {
        return Err(FileError::Unsupported(format!(
            "a program of schema version {}.{}, where versions 5 to 8 can be read; export it with PyTorch 2.5 to 2.9",
            version.major, version.minor
        )));
    }
    let [weights, constants] = parts.tensors;
    let weights = weights.read(&mut archive)?;
    let constants = constants.read(&mut archive)?;
    Reader::new(weights, constants).source(program)
}

/// Where an archive has what.
struct Parts {
    graph: String,
    /// Of the state, and of constants.
    tensors: [TensorParts; 2],
}

struct TensorParts {
    folder: &'static str,
    /// The index of numbers in the folder.
    index: String,
    pickled: String,
}

impl TensorParts {
    fn read(&self, archive: &mut Archive) -> Result<Vec<(String, Stored)>, FileError> {
        match archive.pickled(&self.pickled)? {
            Some(tensors) => Ok(tensors),
            None => archive.tensors(self.folder, &self.index),
        }
    }
}

impl Parts {
    fn of(names: &[String]) -> Result<Self, FileError> {
        const OLD: &str = "serialized_exported_program.json";
        if names.iter().any(|name| name == OLD) {
            let pickled = |what| TensorParts {
                folder: "",
                index: String::new(),
                pickled: format!("serialized_{what}.pt"),
            };
            return Ok(Self {
                graph: OLD.into(),
                tensors: ["state_dict", "constants"].map(pickled),
            });
        }
        let model = model(names)?;
        let parts = |(folder, what)| TensorParts {
            folder,
            index: format!("{model}_{what}_config.json"),
            pickled: format!("{folder}{model}.pt"),
        };
        Ok(Self {
            graph: format!("models/{model}.json"),
            tensors: [
                ("data/weights/", "weights"),
                ("data/constants/", "constants"),
            ]
            .map(parts),
        })
    }
}

/// The name of the program in an archive that is to hold one.
fn model(names: &[String]) -> Result<String, FileError> {
    let of = |name: &String| {
        Some(
            name.strip_prefix("models/")?
                .strip_suffix(".json")?
                .to_owned(),
        )
    };
    let mut all: Vec<String> = names.iter().filter_map(of).collect();
    match (all.pop(), all.len()) {
        (Some(one), 0) => Ok(one),
        (Some(_), _) => Err(FileError::Unsupported(
            "an archive of several programs; save the one that is wanted by itself, with torch.export.save".into(),
        )),
        (None, _) if names.iter().any(|name| name.ends_with("data.pkl")) => Err(FileError::Unsupported(
            "a checkpoint or a TorchScript archive, not a program; export the network: \
             torch.export.save(torch.export.export(net, (x,)), \"net.pt2\")"
                .into(),
        )),
        (None, _) => Err(FileError::Unsupported("a zip archive without a program of torch.export".into())),
    }
}

struct Reader {
    weights: HashMap<String, Stored>,
    constants: HashMap<String, Stored>,
    params: Vec<Parameter>,
    /// The parameter that lies in a place of the file.
    places: HashMap<String, usize>,
    /// The parameter of a name.
    numbers: HashMap<String, usize>,
    /// Names that several values of the graph have, as PyTorch 2.5 gives tensors that are tied.
    shared: HashSet<String>,
    inputs: Vec<Input>,
    /// Parameters without gradients.
    frozen: Vec<String>,
    notes: Vec<String>,
    rounded: Vec<String>,
    converted: BTreeMap<&'static str, usize>,
}

impl Reader {
    fn new(weights: Vec<(String, Stored)>, constants: Vec<(String, Stored)>) -> Self {
        Self {
            weights: weights.into_iter().collect(),
            constants: constants.into_iter().collect(),
            params: Vec::new(),
            places: HashMap::new(),
            numbers: HashMap::new(),
            shared: HashSet::new(),
            inputs: Vec::new(),
            frozen: Vec::new(),
            notes: Vec::new(),
            rounded: Vec::new(),
            converted: BTreeMap::new(),
        }
    }

    fn source(mut self, program: ExportedProgram) -> Result<Source, FileError> {
        let schema::GraphModule {
            mut graph,
            signature,
        } = program.graph_module;
        blocks::written_out(&mut graph);
        let metas = &graph.tensor_values;
        self.shared = shared(&signature.input_specs);
        let mut given = Vec::new();
        for spec in signature.input_specs {
            given.extend(self.given(spec, metas)?);
        }
        let outputs = outputs(&signature.output_specs, metas)?;
        let operations = operations(&graph.nodes);
        self.notes.extend(training(&graph.nodes));
        self.conversions();
        let samples = self
            .inputs
            .iter()
            .find_map(|input| match input.shape.first() {
                Some(Size::Fixed(n)) => Some(Some(*n)),
                Some(Size::Free(_)) => Some(None),
                None => None,
            });
        let examples = examples(&graph.inputs, metas);
        let tensors = metas
            .iter()
            .map(|(name, meta)| (name.clone(), described(meta)));
        let exported = Exported {
            given,
            tensors: tensors.collect(),
            outputs: outputs.iter().map(|output| output.name.clone()).collect(),
            nodes: graph.nodes,
        };
        let parameters = self.params.iter().filter(|p| p.role != Role::Buffer);
        let parameters = parameters.count();
        // Where none has a gradient, the export does not tell.
        if self.frozen.len() == parameters {
            self.frozen.clear();
        }
        if !self.frozen.is_empty() {
            self.notes.push(format!(
                "{} of {parameters} parameters have requires_grad=False: they move too, unless `trainable` ones alone are selected",
                self.frozen.len()
            ));
        }
        Ok(Source {
            frozen: self.frozen,
            inputs: self.inputs,
            outputs,
            params: Params::new(self.params)
                .map_err(|error| FileError::Corrupt(error.to_string()))?,
            operations,
            notes: self.notes,
            samples: samples.flatten(),
            examples,
            graph: Box::new(exported),
        })
    }

    fn given(
        &mut self,
        spec: InputSpec,
        metas: &HashMap<String, TensorMeta>,
    ) -> Result<Option<(String, Given)>, FileError> {
        Ok(Some(match spec {
            InputSpec::UserInput {
                arg: Argument::Tensor(name),
            } => {
                let meta = metas.get(&name);
                let meta =
                    meta.ok_or_else(|| FileError::Corrupt(format!("input `{name}` has no shape")))?;
                let input = Input {
                    name: name.clone(),
                    shape: meta.sizes.iter().map(size).collect(),
                    element: element(meta.dtype),
                };
                self.inputs.push(input);
                (name, Given::Input(self.inputs.len() - 1))
            }
            InputSpec::UserInput {
                arg: Argument::Symbol(schema::Symbolic::Name(name)),
            } => (name, Given::Unread),
            InputSpec::UserInput { .. } | InputSpec::CustomObj(_) | InputSpec::Token(_) => {
                return Ok(None);
            }
            InputSpec::Parameter {
                arg,
                parameter_name,
            } => {
                let meta = metas.get(&arg.name);
                let before = self.params.len();
                let own = self.tensor(arg.name, parameter_name, true)?;
                if meta.and_then(|meta| meta.requires_grad) == Some(false) {
                    let new = self.params.get(before);
                    self.frozen
                        .extend(new.map(|parameter| parameter.name.clone()));
                }
                own
            }
            InputSpec::Buffer { arg, buffer_name } => self.tensor(arg.name, buffer_name, false)?,
            InputSpec::TensorConstant {
                arg,
                tensor_constant_name,
            } => self.tensor(arg.name, tensor_constant_name, false)?,
            InputSpec::ConstantInput { name, value } => {
                let operand = match value {
                    Constant::None(_) => Operand::None,
                    Constant::Int(x) => Operand::Int(x),
                    Constant::Float(x) => Operand::Float(x.0),
                    Constant::String(x) => Operand::Text(x),
                    Constant::Bool(x) => Operand::Bool(x),
                };
                (name, Given::Plain(operand))
            }
        }))
    }

    /// A tensor of the file: a parameter, a buffer that is one of the state, or a constant.
    fn tensor(
        &mut self,
        name: String,
        own: String,
        parameter: bool,
    ) -> Result<(String, Given), FileError> {
        if let Some(&number) = self.numbers.get(&own) {
            return Ok((name, Given::Parameter(number)));
        }
        let shared = self.shared.contains(&own);
        let take = |from: &mut HashMap<String, Stored>| match shared {
            true => from.get(&own).cloned(),
            false => from.remove(&own),
        };
        let (stored, saved) = match take(&mut self.weights) {
            Some(stored) => (stored, true),
            None => match take(&mut self.constants) {
                Some(stored) => (stored, false),
                None => {
                    return Err(FileError::Corrupt(format!(
                        "the numbers of `{own}` are missing"
                    )));
                }
            },
        };
        if saved && let Some(&number) = self.places.get(&stored.place) {
            let first = &self.params[number].name;
            self.notes.push(format!(
                "`{own}` is `{first}`: one parameter with two names"
            ));
            return Ok((name, Given::Parameter(number)));
        }
        Ok((
            name,
            match stored.numbers {
                Numbers::Float(data, rounded)
                    if saved && (parameter || data.iter().all(|x| x.is_finite())) =>
                {
                    if stored.stored_as != "float32" {
                        *self.converted.entry(stored.stored_as).or_default() += 1;
                    }
                    if rounded {
                        self.rounded.push(own.clone());
                    }
                    let role = match parameter {
                        true => Role::from_name(&own, &stored.shape),
                        false => Role::Buffer,
                    };
                    let role = if parameter && role == Role::Buffer {
                        Role::Weight
                    } else {
                        role
                    };
                    self.numbers.insert(own.clone(), self.params.len());
                    let parameter = Parameter::new(own, stored.shape, data, role);
                    self.params
                        .push(parameter.map_err(|error| FileError::Corrupt(error.to_string()))?);
                    self.places.insert(stored.place, self.params.len() - 1);
                    Given::Parameter(self.params.len() - 1)
                }
                Numbers::Float(data, _) => Given::Constant {
                    shape: stored.shape,
                    numbers: data.into_iter().map(f64::from).collect(),
                    kind: Kind::Float,
                },
                Numbers::Whole(data, element) => Given::Constant {
                    shape: stored.shape,
                    numbers: data.into_iter().map(|x| x as f64).collect(),
                    kind: if element == Element::Bool {
                        Kind::Bool
                    } else {
                        Kind::Int
                    },
                },
            },
        ))
    }

    /// Notes of numbers that are held in another type here.
    fn conversions(&mut self) {
        for (kind, count) in &self.converted {
            let inexact = match *kind {
                "float64" if !self.rounded.is_empty() => {
                    format!(
                        "; values of `{}`{} are rounded",
                        self.rounded[0],
                        match self.rounded.len() {
                            1 => String::new(),
                            n => format!(" and {} others", n - 1),
                        }
                    )
                }
                "float64" => "; all of them exactly".into(),
                _ => "; the program is computed in float32".into(),
            };
            self.notes.push(format!(
                "{count} tensors of {kind} are held as float32{inexact}"
            ));
        }
    }
}

/// Names of tensors that several inputs of the graph have.
fn shared(specs: &[InputSpec]) -> HashSet<String> {
    let mut met = HashSet::new();
    let names = specs.iter().filter_map(|spec| match spec {
        InputSpec::Parameter { parameter_name, .. } => Some(parameter_name),
        InputSpec::Buffer { buffer_name, .. } => Some(buffer_name),
        InputSpec::TensorConstant {
            tensor_constant_name,
            ..
        } => Some(tensor_constant_name),
        _ => None,
    });
    names.filter(|name| !met.insert(*name)).cloned().collect()
}

fn size(size: &SymInt) -> Size {
    match size {
        SymInt::AsInt(n) => Size::Fixed(usize::try_from(*n).unwrap_or(0)),
        SymInt::AsExpr(expr) => Size::Free(symbol(&expr.expr_str)),
    }
}

/// The name in `Symbol('s23', positive=True, integer=True)`; another expression as it is.
fn symbol(expression: &str) -> String {
    let name = expression
        .strip_prefix("Symbol('")
        .and_then(|rest| rest.split_once('\''));
    match name {
        Some((name, rest)) if !rest.contains("Symbol") => name.to_owned(),
        _ => expression.to_owned(),
    }
}

fn element(dtype: u64) -> Element {
    match dtype {
        12 => Element::Bool,
        1..=5 | 28 => Element::Int,
        _ => Element::Float,
    }
}

fn described(meta: &TensorMeta) -> Meta {
    let example = meta.sizes.iter().map(SymInt::fixed).collect();
    let kind = match meta.dtype {
        9..=11 | 0 => None,
        dtype => Some(match element(dtype) {
            Element::Bool => Kind::Bool,
            Element::Int => Kind::Int,
            Element::Float => Kind::Float,
        }),
    };
    Meta { example, kind }
}

fn outputs(
    specs: &[OutputSpec],
    metas: &HashMap<String, TensorMeta>,
) -> Result<Vec<Output>, FileError> {
    let mut outputs = Vec::new();
    for spec in specs {
        let name = match spec {
            OutputSpec::UserOutput {
                arg: Argument::Tensor(name),
            } => name,
            OutputSpec::LossOutput { arg } => &arg.name,
            _ => continue,
        };
        outputs.push(Output {
            name: name.clone(),
            shape: metas
                .get(name)
                .map(|meta| meta.sizes.iter().map(size).collect()),
        });
    }
    match outputs.is_empty() {
        true => Err(FileError::Unsupported(
            "a program whose output is not a tensor".into(),
        )),
        false => Ok(outputs),
    }
}

/// The operations by name, with how often and where each is used.
fn operations(nodes: &[Node]) -> Vec<Operation> {
    let mut all: Vec<Operation> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for node in nodes {
        let target = Target::of(&node.target);
        if target.is_check() {
            continue;
        }
        let number = *places.entry(&node.target).or_insert(all.len());
        match all.get_mut(number) {
            Some(operation) => operation.count += 1,
            None => all.push(Operation {
                name: node.target.clone(),
                count: 1,
                known: aten::find(target.base).is_some(),
                place: place(&node.metadata),
            }),
        }
    }
    all
}

/// Notes of layers that were exported as in training. Normalisations without running statistics have the batch's in either mode.
fn training(nodes: &[Node]) -> Vec<String> {
    let has_statistics = |node: &&Node| {
        let mean = node
            .inputs
            .iter()
            .find(|input| input.name == "running_mean");
        let given = mean.is_none_or(|input| !matches!(input.arg, Argument::None));
        given && !node.target.ends_with(".no_stats")
    };
    let flag = |node: &Node, name: &str| {
        let given = node.inputs.iter().find(|input| input.name == name);
        given.is_some_and(|input| matches!(input.arg, Argument::Bool(true)))
    };
    let count = |bases: &[&str], name: &str| {
        let all = nodes
            .iter()
            .filter(|node| bases.contains(&Target::of(&node.target).base));
        all.filter(|node| flag(node, name))
            .filter(has_statistics)
            .count()
    };
    let mut notes = Vec::new();
    let norms = count(
        &[
            "batch_norm",
            "native_batch_norm",
            "_native_batch_norm_legit",
            "_native_batch_norm_legit_functional",
        ],
        "training",
    );
    if norms > 0 {
        let (norms, were, use_) = match norms {
            1 => ("1 batch norm".to_owned(), "was", "it uses"),
            n => (format!("{n} batch norms"), "were", "they use"),
        };
        notes.push(format!(
            "{norms} {were} exported in training mode; {use_} the running statistics unless others are chosen"
        ));
    }
    let dropouts = count(
        &[
            "dropout",
            "feature_dropout",
            "alpha_dropout",
            "feature_alpha_dropout",
            "native_dropout",
        ],
        "train",
    );
    if dropouts > 0 {
        notes.push(format!(
            "{dropouts} dropouts were exported in training mode; they drop values only while the network is trained"
        ));
    }
    notes
}

/// The sizes that free axes of inputs had in the example.
fn examples(inputs: &[Argument], metas: &HashMap<String, TensorMeta>) -> Vec<(String, usize)> {
    let mut all = Vec::new();
    for input in inputs {
        let Argument::Tensor(name) = input else {
            continue;
        };
        for own in metas.get(name).map_or(&[][..], |meta| &meta.sizes) {
            if let (Size::Free(name), Some(example)) = (size(own), own.example()) {
                all.push((name, example));
            }
        }
    }
    all
}
