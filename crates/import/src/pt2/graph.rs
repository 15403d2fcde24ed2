//! A program's graph, lowered node by node.

use super::aten;
use super::call::Call;
use super::memory::{Memory, view};
use super::schema::{Argument, Metadata, NamedArgument, Node, Symbolic};
use crate::lower::{Kind, LowerError, Lowered, Lowering, Operand, Tensor, problem};
use crate::source::Graph;
use std::collections::{HashMap, HashSet};

/// What a name of the graph's inputs stands for.
pub(super) enum Given {
    /// The parameter of that number.
    Parameter(usize),
    /// The input of that number.
    Input(usize),
    /// Numbers of the file.
    Constant {
        shape: Vec<usize>,
        numbers: Vec<f64>,
        kind: Kind,
    },
    /// A plain value.
    Plain(Operand),
    /// A number that is an input, which is not read.
    Unread,
}

/// What the file says of a tensor.
pub(super) struct Meta {
    /// Its shape in the example that the program was exported with.
    pub example: Option<Vec<usize>>,
    pub kind: Option<Kind>,
}

/// The graph of a program.
pub(super) struct Exported {
    pub given: Vec<(String, Given)>,
    pub nodes: Vec<Node>,
    pub outputs: Vec<String>,
    pub tensors: HashMap<String, Meta>,
}

/// The names that nodes or outputs read.
fn read<'a>(nodes: &'a [Node], outputs: &'a [String]) -> HashSet<&'a str> {
    let inputs = nodes.iter().flat_map(|node| &node.inputs);
    let inputs = inputs.flat_map(|input| names(&input.arg));
    inputs.chain(outputs.iter().map(String::as_str)).collect()
}

/// The name of an operation: that of its kind, its overload, and whether it writes to its first argument.
pub(super) struct Target<'a> {
    pub base: &'a str,
    pub overload: &'a str,
    pub in_place: bool,
}

impl<'a> Target<'a> {
    pub fn of(target: &'a str) -> Self {
        let Some(aten) = target.strip_prefix("torch.ops.aten.") else {
            let name = target.strip_prefix("torch.ops.").unwrap_or(target);
            return Self {
                base: name.strip_suffix(".default").unwrap_or(name),
                overload: "",
                in_place: false,
            };
        };
        let (name, overload) = aten.split_once('.').unwrap_or((aten, ""));
        let in_place = name.ends_with('_') && !name.ends_with("__");
        Self {
            base: if in_place {
                &name[..name.len() - 1]
            } else {
                name
            },
            overload,
            in_place,
        }
    }

    /// Checks that compute nothing.
    pub fn is_check(&self) -> bool {
        let base = self.base;
        base.starts_with("_assert")
            || base.starts_with("sym_constrain_range")
            || base == "_linalg_check_errors"
    }
}

/// Where a node comes from: the innermost module, and the line of the network.
pub(super) fn place(metadata: &Metadata) -> String {
    let module = metadata.nn_module_stack.as_deref().and_then(|stack| {
        let last = stack.rsplit(';').next()?;
        last.split(',').nth(1).filter(|path| !path.is_empty())
    });
    let line = metadata.stack_trace.as_deref().and_then(|trace| {
        let lines: Vec<&str> = trace
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        lines
            .last()
            .copied()
            .filter(|line| !line.starts_with("File "))
    });
    let short = |text: &str| text.chars().take(120).collect::<String>();
    match (module, line) {
        (Some(module), Some(line)) => format!("in `{}`: {}", short(module), short(line)),
        (Some(module), None) => format!("in `{}`", short(module)),
        (None, Some(line)) => short(line),
        (None, None) => String::new(),
    }
}

/// The names that an argument holds.
fn names(argument: &Argument) -> Vec<&str> {
    match argument {
        Argument::Tensor(name) => vec![name],
        Argument::Tensors(all) => all.iter().map(String::as_str).collect(),
        Argument::OptionalTensors(all) => all.iter().flatten().map(String::as_str).collect(),
        Argument::Symbol(Symbolic::Name(name)) => vec![name],
        Argument::Symbols(all) => { all.iter() }
            .filter_map(|symbol| match symbol {
                Symbolic::Name(name) => Some(name.as_str()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

impl Exported {
    /// The nodes that an output needs, and those that write to something.
    fn live(&self) -> Vec<bool> {
        let mut needed: HashSet<&str> = self.outputs.iter().map(String::as_str).collect();
        let mut live = vec![false; self.nodes.len()];
        // What is written may be a view of what is needed: two passes find what writes need in their turn.
        for _ in 0..2 {
            for (i, node) in self.nodes.iter().enumerate().rev() {
                let target = Target::of(&node.target);
                let wanted = node
                    .outputs
                    .iter()
                    .flat_map(names)
                    .any(|name| needed.contains(name));
                if (wanted || target.in_place || live[i]) && !target.is_check() {
                    live[i] = true;
                    let own = node.inputs.iter().flat_map(|input| names(&input.arg));
                    needed.extend(own);
                }
            }
        }
        live
    }

    fn run(
        &self,
        memory: &mut Memory,
        lowering: &mut Lowering,
        number: usize,
        read: &HashSet<&str>,
    ) -> Lowered<()> {
        let node = &self.nodes[number];
        let target = Target::of(&node.target);
        let made = self.called(memory, lowering, number)?;
        let outputs: Vec<&str> = node.outputs.iter().flat_map(names).collect();
        let several = outputs.len() > 1 || matches!(&node.outputs[..], [Argument::Tensors(_)]);
        let made = match (made, several) {
            (Operand::List(all), true) => all,
            (Operand::List(mut all), false) if !all.is_empty() => vec![all.remove(0)],
            (one, _) => vec![one],
        };
        if target.in_place {
            return self.written(memory, lowering, number, made);
        }
        let call = self.call(memory, node, &target)?;
        let base = match node.inputs.first().map(|input| &input.arg) {
            Some(Argument::Tensor(name)) => Some(name.clone()),
            _ => None,
        };
        for (i, (name, value)) in outputs.iter().zip(made).enumerate() {
            if !read.contains(name) {
                continue;
            }
            let value = self.settled(lowering, name, value)?;
            memory.set(name, value);
            if let (Some(base), Some(way)) = (&base, view(lowering, target.base, &call, i)) {
                memory.link(base, name, number, way);
            }
        }
        Ok(())
    }

    /// A node that writes to its first argument.
    fn written(
        &self,
        memory: &mut Memory,
        lowering: &mut Lowering,
        number: usize,
        made: Vec<Operand>,
    ) -> Lowered<()> {
        let node = &self.nodes[number];
        let Some(Argument::Tensor(to)) = node.inputs.first().map(|input| &input.arg) else {
            return problem("it writes to no tensor");
        };
        let before = memory.get(to).cloned().unwrap_or(Operand::None);
        let before = before.tensor()?.clone();
        let Some(Operand::Tensor(value)) = made.into_iter().next() else {
            return problem("it writes nothing");
        };
        let shape = lowering.shape(&before);
        let value = match lowering.shape(&value).len() < shape.len() {
            true => lowering.expand_to(&value, &shape)?,
            false => value,
        };
        let value = Tensor {
            origin: None,
            exported: before.exported.clone(),
            ..value.of_kind(before.kind)
        };
        let again = |memory: &Memory, lowering: &mut Lowering, node: usize, name: &str| {
            self.again(memory, lowering, node, name)
        };
        memory.write(lowering, to, value.clone(), &again)?;
        for name in node.outputs.iter().flat_map(names) {
            memory.set(name, value.clone().into());
            memory.link(to, name, number, super::memory::Way::Reshape);
        }
        Ok(())
    }

    /// A view, made anew.
    fn again(
        &self,
        memory: &Memory,
        lowering: &mut Lowering,
        number: usize,
        name: &str,
    ) -> Lowered {
        let node = &self.nodes[number];
        let target = Target::of(&node.target);
        if target.in_place {
            let Some(Argument::Tensor(to)) = node.inputs.first().map(|input| &input.arg) else {
                return problem("it writes to no tensor");
            };
            let base = memory.get(to).cloned().unwrap_or(Operand::None);
            return base.tensor().cloned();
        }
        let made = self.called(memory, lowering, number)?;
        let outputs: Vec<&str> = node.outputs.iter().flat_map(names).collect();
        let place = outputs.iter().position(|own| *own == name).unwrap_or(0);
        let one = match made {
            Operand::List(all) => all.into_iter().nth(place).unwrap_or(Operand::None),
            one => one,
        };
        self.settled(lowering, name, one)?.tensor().cloned()
    }

    fn called(&self, memory: &Memory, lowering: &mut Lowering, number: usize) -> Lowered<Operand> {
        let node = &self.nodes[number];
        let target = Target::of(&node.target);
        let Some(operation) = aten::find(target.base) else {
            return Err(LowerError::Missing);
        };
        let mut call = self.call(memory, node, &target)?;
        if lowering.exported.is_some() && !aten::repeats(target.base) {
            for (_, operand) in &mut call.arguments {
                materialise(lowering, operand)?;
            }
        }
        operation(lowering, &call)
    }

    fn call(&self, memory: &Memory, node: &Node, target: &Target) -> Lowered<Call> {
        let mut arguments = Vec::with_capacity(node.inputs.len());
        for NamedArgument { name, arg } in &node.inputs {
            arguments.push((name.clone(), operand(memory, arg)?));
        }
        Ok(Call {
            arguments,
            overload: target.overload.to_owned(),
            place: match target.base.contains("batch_norm") {
                true => place(&node.metadata),
                false => String::new(),
            },
        })
    }

    /// A value with what the file says of it: its kind, and its shape in the example, which has to be that of the value but for
    /// the number of samples.
    fn settled(&self, lowering: &Lowering, name: &str, value: Operand) -> Lowered<Operand> {
        let (Operand::Tensor(mut x), Some(meta)) = (value.clone(), self.tensors.get(name)) else {
            return Ok(value);
        };
        x.kind = meta.kind.unwrap_or(x.kind);
        lowering.within(&lowering.shape(&x))?;
        if let (Some(samples), Some(example)) = (lowering.exported, &meta.example) {
            let own = lowering.shape(&x);
            let fits = |(&own, &example): (&usize, &usize)| {
                own == example
                    || own.checked_mul(samples) == example.checked_mul(lowering.samples)
                    || own == 1 && example == samples
            };
            if own.len() != example.len() || !own.iter().zip(example).all(fits) {
                return Err(LowerError::Burnt(format!(
                    "its result has the shape {own:?}, but {example:?} in the export"
                )));
            }
            x.exported = Some(example.clone());
        }
        Ok(Operand::Tensor(x))
    }
}

fn materialise(lowering: &mut Lowering, operand: &mut Operand) -> Lowered<()> {
    match operand {
        Operand::Tensor(x) => *x = lowering.materialised(x)?,
        Operand::List(all) => all.iter_mut().try_for_each(|x| materialise(lowering, x))?,
        _ => {}
    }
    Ok(())
}

fn operand(memory: &Memory, argument: &Argument) -> Lowered<Operand> {
    let named = |name: &String| match memory.get(name) {
        Some(value) => Ok(value.clone()),
        None => problem(format!("`{name}` is used before it is computed")),
    };
    let symbol = |symbol: &Symbolic| match symbol {
        Symbolic::Name(name) => named(name),
        Symbolic::Int(x) => Ok(Operand::Int(*x)),
        Symbolic::Float(x) => Ok(Operand::Float(x.0)),
        Symbolic::Bool(x) => Ok(Operand::Bool(*x)),
    };
    fn list<T>(all: &[T], of: impl Fn(&T) -> Lowered<Operand>) -> Lowered<Operand> {
        Ok(Operand::List(all.iter().map(of).collect::<Lowered<_>>()?))
    }
    Ok(match argument {
        Argument::None | Argument::Other => Operand::None,
        Argument::Tensor(name) => named(name)?,
        Argument::Tensors(all) => list(all, named)?,
        Argument::OptionalTensors(all) => list(all, |name| match name {
            Some(name) => named(name),
            None => Ok(Operand::None),
        })?,
        Argument::Int(x) => Operand::Int(*x),
        Argument::Ints(all) => list(all, |x| Ok(Operand::Int(*x)))?,
        Argument::Float(x) => Operand::Float(*x),
        Argument::Floats(all) => list(all, |x| Ok(Operand::Float(*x)))?,
        Argument::Text(text) => Operand::Text(text.clone()),
        Argument::Texts(all) => list(all, |text| Ok(Operand::Text(text.clone())))?,
        Argument::Symbol(own) => symbol(own)?,
        Argument::Symbols(all) => list(all, symbol)?,
        Argument::ScalarType(x) => Operand::Int(*x as i64),
        Argument::Bool(x) => Operand::Bool(*x),
        Argument::Bools(all) => list(all, |x| Ok(Operand::Bool(*x)))?,
        Argument::Graph(_) => return problem("a graph is not a value"),
        Argument::Unknown(kind) => {
            return problem(format!("arguments of the kind `{kind}` are not supported"));
        }
    })
}

impl Graph for Exported {
    fn lower(
        &self,
        lowering: &mut Lowering,
        params: &[Tensor],
        inputs: &[Tensor],
    ) -> Lowered<Vec<Tensor>> {
        let mut memory = Memory::default();
        for (name, given) in &self.given {
            let value = match given {
                Given::Parameter(number) => params.get(*number).cloned().map(Operand::from),
                Given::Input(number) => inputs.get(*number).cloned().map(Operand::from),
                Given::Constant {
                    shape,
                    numbers,
                    kind,
                } => Some(lowering.constant(shape, numbers.clone(), *kind)?.into()),
                Given::Plain(operand) => Some(operand.clone()),
                Given::Unread => None,
            };
            if let Some(value) = value {
                let value = self.settled(lowering, name, value)?;
                memory.set(name, value);
            }
        }
        let live = self.live();
        let read = read(&self.nodes, &self.outputs);
        for number in (0..self.nodes.len()).filter(|&number| live[number]) {
            self.run(&mut memory, lowering, number, &read)
                .map_err(|error| match error {
                    LowerError::Operation { .. } => error,
                    error => LowerError::Operation {
                        operation: self.nodes[number].target.clone(),
                        place: place(&self.nodes[number].metadata),
                        error: Box::new(error),
                    },
                })?;
        }
        let output = |name: &String| match memory.get(name) {
            Some(value) => value.tensor().cloned(),
            None => problem(format!("output `{name}` is not computed")),
        };
        self.outputs.iter().map(output).collect()
    }
}
