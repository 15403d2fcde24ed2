//! A computation lowered node by node.

use super::array::{Array, Numbers};
use super::graph::{Body, Computation, Id, Step, Value};
use super::operators;
use crate::lower::{Kind, LowerError, Lowered, Lowering, Operand, Tensor, problem};
use crate::source;
use landscape_files::Budget;
use std::collections::HashMap;
use std::sync::Arc;

/// The most steps of a loop that are written out.
const STEPS: i64 = 4096;
/// The most graphs within each other, and nodes that are lowered.
const DEPTH: usize = 32;
const NODES: usize = 1 << 20;

/// A model, as it is lowered.
#[derive(Debug)]
pub(super) struct Network {
    pub computation: Computation,
    /// Of the constants that are parameters, see [`Weights`](super::weights::Weights).
    pub places: HashMap<Id, (usize, bool)>,
    /// The shapes of the parameters.
    pub shapes: Vec<Vec<usize>>,
    /// The length of the file, which bounds what lowering may take.
    pub length: u64,
}

impl source::Graph for Network {
    fn lower(
        &self,
        lowering: &mut Lowering,
        params: &[Tensor],
        inputs: &[Tensor],
    ) -> Lowered<Vec<Tensor>> {
        let example = match lowering.exported {
            Some(samples) => Some(self.example(samples, lowering, inputs)?),
            None => None,
        };
        let mut run = Run::new(self, lowering, example);
        for (&id, &(parameter, turned)) in &self.places {
            let own = &params[parameter];
            let own = match turned {
                true => run.lowering.permute(own, &[1, 0])?,
                false => own.clone(),
            };
            run.values[id] = Operand::Tensor(own);
        }
        run.start(inputs)
    }
}

impl Network {
    /// The shapes of all values in the file's own example, of that many samples.
    fn example(
        &self,
        samples: usize,
        lowering: &Lowering,
        inputs: &[Tensor],
    ) -> Lowered<Vec<Option<Vec<usize>>>> {
        let mut own = Lowering::new(samples, None, Budget::new(self.length));
        let mut run = Run::new(self, &mut own, None);
        let zeros = |run: &mut Run, shape: &[usize], kind: Kind| {
            let count = landscape_files::product(shape).unwrap_or(usize::MAX);
            run.lowering.spend(shape)?;
            let value = run.lowering.builder.constant(shape, vec![0.0; count])?;
            Ok::<_, LowerError>(Tensor::new(value, kind))
        };
        for (&id, &(parameter, turned)) in &self.places {
            let mut shape = self.shapes[parameter].clone();
            if turned {
                shape.reverse();
            }
            run.values[id] = Operand::Tensor(zeros(&mut run, &shape, Kind::Float)?);
        }
        let mut few = vec![];
        for input in inputs {
            let shape = match &input.exported {
                Some(shape) => shape.clone(),
                None => {
                    let mut shape = lowering.shape(input);
                    shape.iter_mut().take(1).for_each(|n| *n = samples);
                    shape
                }
            };
            few.push(zeros(&mut run, &shape, input.kind)?);
        }
        run.shapes = Some(vec![None; self.computation.names.len()]);
        run.start(&few)?;
        Ok(run.shapes.unwrap_or_default())
    }
}

/// The values of a computation, as far as they are there.
pub(super) struct Run<'r> {
    network: &'r Network,
    pub lowering: &'r mut Lowering,
    values: Vec<Operand>,
    /// Values that the outputs need.
    needed: Vec<bool>,
    /// Nodes that have been lowered.
    nodes: usize,
    /// Shapes of the file's example: those that are looked up, and those that are noted.
    example: Option<Vec<Option<Vec<usize>>>>,
    shapes: Option<Vec<Option<Vec<usize>>>>,
}

impl<'r> Run<'r> {
    fn new(
        network: &'r Network,
        lowering: &'r mut Lowering,
        example: Option<Vec<Option<Vec<usize>>>>,
    ) -> Self {
        Self {
            values: vec![Operand::None; network.computation.names.len()],
            network,
            needed: needed(&network.computation),
            lowering,
            nodes: 0,
            example,
            shapes: None,
        }
    }

    fn start(&mut self, inputs: &[Tensor]) -> Lowered<Vec<Tensor>> {
        let network = self.network;
        let computation = &network.computation;
        for (&id, input) in computation.inputs.iter().zip(inputs) {
            self.keep(id, Operand::Tensor(input.clone()));
        }
        self.constants(&computation.constants)?;
        self.steps(&computation.nodes, 0)?;
        let outputs = computation.outputs.iter();
        outputs
            .map(|&id| self.values[id].tensor().cloned())
            .collect()
    }

    /// Values of a graph within a node.
    fn body(&mut self, body: &'r Body, inputs: &[Operand], depth: usize) -> Lowered<Vec<Operand>> {
        if depth > DEPTH {
            return problem(format!("graphs are nested more than {DEPTH} deep"));
        }
        for (&id, input) in body.inputs.iter().zip(inputs) {
            self.values[id] = input.clone();
        }
        self.constants(&body.constants)?;
        self.steps(&body.nodes, depth)?;
        Ok(body
            .outputs
            .iter()
            .map(|&id| self.values[id].clone())
            .collect())
    }

    fn constants(&mut self, constants: &[(Id, Array)]) -> Lowered<()> {
        for (id, array) in constants {
            if !self.needed[*id] {
                continue;
            }
            let constant = constant(self.lowering, array)?;
            self.keep(*id, Operand::Tensor(constant));
        }
        Ok(())
    }

    fn steps(&mut self, nodes: &'r [Step], depth: usize) -> Lowered<()> {
        for step in nodes {
            if !step.outputs.iter().flatten().any(|&id| self.needed[id]) {
                continue;
            }
            self.nodes += 1;
            if self.nodes > NODES {
                return problem(format!("loops have more than {NODES} nodes in all"));
            }
            let outputs = self
                .step(step, depth)
                .map_err(|error| self.at(step, error))?;
            for (id, output) in step.outputs.iter().zip(outputs) {
                if let Some(id) = *id {
                    self.keep(id, output);
                }
            }
        }
        Ok(())
    }

    fn keep(&mut self, id: Id, value: Operand) {
        let value = match (value, &self.example) {
            (Operand::Tensor(x), Some(example)) if x.exported.is_none() => {
                Operand::Tensor(Tensor {
                    exported: example[id].clone(),
                    ..x
                })
            }
            (value, _) => value,
        };
        if let (Operand::Tensor(x), Some(shapes)) = (&value, &mut self.shapes) {
            shapes[id] = Some(self.lowering.shape(x));
        }
        self.values[id] = value;
    }

    fn step(&mut self, step: &'r Step, depth: usize) -> Lowered<Vec<Operand>> {
        let inputs = step.inputs.iter().map(|id| match id {
            Some(id) => self.values[*id].clone(),
            None => Operand::None,
        });
        let call = Call {
            step,
            inputs: inputs.collect(),
        };
        let empty = |x: &Operand| matches!(x, Operand::Tensor(x) if self.lowering.count(x) == 0);
        if call.inputs.iter().any(empty) && !operators::takes_empty(&step.operator) {
            return problem("a value without elements is not supported");
        }
        match (&*step.domain, &*step.operator) {
            ("", "If") => self.choice(&call, depth),
            ("", "Loop") => self.repetition(&call, depth),
            ("", "Scan") => self.scan(&call, depth),
            _ => match operators::find(&step.domain, &step.operator) {
                Some(lower) => lower(self.lowering, &call),
                None => Err(LowerError::Missing),
            },
        }
    }

    fn choice(&mut self, call: &Call<'r>, depth: usize) -> Lowered<Vec<Operand>> {
        let Ok(condition) = call.at(0).bool() else {
            return problem(
                "its condition depends on the data or the parameters, and only one branch can be computed",
            );
        };
        let branch = if condition {
            "then_branch"
        } else {
            "else_branch"
        };
        match call.attribute(branch) {
            Some(Value::Body(body)) => self.body(body, &[], depth + 1),
            _ => problem(format!("it has no `{branch}`")),
        }
    }

    /// A loop, written out: values that are carried from step to step, and others that are gathered.
    fn repetition(&mut self, call: &Call<'r>, depth: usize) -> Lowered<Vec<Operand>> {
        let Some(Value::Body(body)) = call.attribute("body") else {
            return problem("it has no body");
        };
        let open = "how often it runs depends on the data or the parameters";
        let most = match call.at(0) {
            Operand::None => STEPS + 1,
            count => count.int().or_else(|_| problem(open))?,
        };
        let mut goes_on = match call.at(1) {
            Operand::None => true,
            condition => condition.bool().or_else(|_| problem(open))?,
        };
        let mut carried: Vec<Operand> = call.inputs.get(2..).unwrap_or_default().to_vec();
        let gathered = body.outputs.len().saturating_sub(1 + carried.len());
        let mut lists: Vec<Vec<Tensor>> = vec![vec![]; gathered];
        let mut step = 0;
        while goes_on && step < most {
            if step >= STEPS {
                return problem(format!("it runs more than {STEPS} times"));
            }
            let number = self.lowering.number(step as f64, Kind::Int)?;
            let running = self.lowering.number(1.0, Kind::Bool)?;
            let mut inputs = vec![Operand::Tensor(number), Operand::Tensor(running)];
            inputs.extend(carried.iter().cloned());
            let mut outputs = self.body(body, &inputs, depth + 1)?.into_iter();
            goes_on = match outputs.next() {
                Some(condition) => condition.bool().or_else(|_| problem(open))?,
                None => return problem("its body has no condition"),
            };
            carried = outputs.by_ref().take(carried.len()).collect();
            for (list, output) in lists.iter_mut().zip(outputs) {
                list.push(output.tensor()?.clone());
            }
            step += 1;
        }
        for list in lists {
            carried.push(self.lowering.stack(&list, 0)?.into());
        }
        Ok(carried)
    }

    /// A loop over the elements of an axis, written out.
    fn scan(&mut self, call: &Call<'r>, depth: usize) -> Lowered<Vec<Operand>> {
        let Some(Value::Body(body)) = call.attribute("body") else {
            return problem("it has no body");
        };
        let scanned = usize::try_from(call.int("num_scan_inputs", 1)).unwrap_or(0);
        let Some(states) = call.inputs.len().checked_sub(scanned) else {
            return problem("it has fewer inputs than it scans");
        };
        let place = |name: &str, i: usize| {
            call.ints(name)
                .and_then(|all| all.get(i).copied())
                .unwrap_or(0)
        };
        let mut elements = vec![];
        for (i, x) in call.inputs[states..].iter().enumerate() {
            let mut parts = self
                .lowering
                .unbind(x.tensor()?, place("scan_input_axes", i))?;
            if place("scan_input_directions", i) == 1 {
                parts.reverse();
            }
            elements.push(parts);
        }
        let mut carried = call.inputs[..states].to_vec();
        let mut lists: Vec<Vec<Tensor>> = vec![vec![]; body.outputs.len().saturating_sub(states)];
        let steps = elements.first().map_or(0, Vec::len);
        if steps as i64 > STEPS || elements.iter().any(|parts| parts.len() != steps) {
            return problem(format!(
                "it runs over axes of different lengths, or of more than {STEPS} elements"
            ));
        }
        for step in 0..steps {
            let now = elements
                .iter()
                .map(|parts| Operand::Tensor(parts[step].clone()));
            let inputs: Vec<Operand> = carried.into_iter().chain(now).collect();
            let mut outputs = self.body(body, &inputs, depth + 1)?.into_iter();
            carried = outputs.by_ref().take(states).collect();
            for (list, output) in lists.iter_mut().zip(outputs) {
                list.push(output.tensor()?.clone());
            }
        }
        for (i, mut list) in lists.into_iter().enumerate() {
            if place("scan_output_directions", i) == 1 {
                list.reverse();
            }
            let stacked = self.lowering.stack(&list, place("scan_output_axes", i))?;
            carried.push(stacked.into());
        }
        Ok(carried)
    }

    /// An error with the node that it is of.
    fn at(&self, step: &Step, error: LowerError) -> LowerError {
        if let LowerError::Operation { .. } = error {
            return error;
        }
        let output = step.outputs.iter().flatten().next();
        let place = match (&*step.name, output) {
            ("", Some(&id)) => self.network.computation.names[id].to_string(),
            (name, _) => name.to_owned(),
        };
        LowerError::Operation {
            operation: operators::name(&step.domain, &step.operator),
            place,
            error: Box::new(error),
        }
    }
}

/// The values that outputs need, of all.
fn needed(computation: &Computation) -> Vec<bool> {
    let mut needed = vec![false; computation.names.len()];
    computation.outputs.iter().for_each(|&id| needed[id] = true);
    mark(&computation.nodes, &mut needed);
    needed
}

fn mark(nodes: &[Step], needed: &mut [bool]) {
    for step in nodes.iter().rev() {
        if step.outputs.iter().flatten().any(|&id| needed[id]) {
            step.inputs
                .iter()
                .flatten()
                .for_each(|&id| needed[id] = true);
            for (_, value) in &step.attributes {
                if let Value::Body(body) = value {
                    body.outputs.iter().for_each(|&id| needed[id] = true);
                    mark(&body.nodes, needed);
                }
            }
        }
    }
}

/// Numbers of the file as those of a trace.
pub(super) fn constant(lowering: &mut Lowering, array: &Array) -> Lowered {
    let kind = match array.kind {
        kind if kind.is_float() => Kind::Float,
        super::array::Kind::Bool => Kind::Bool,
        _ => Kind::Int,
    };
    lowering.spend(&array.shape)?;
    let numbers: Vec<f64> = match &array.numbers {
        Numbers::Ints(all) => all.iter().map(|&x| x as f64).collect(),
        Numbers::Singles(all) => all.iter().map(|&x| f64::from(x)).collect(),
        Numbers::Doubles(all) => all.to_vec(),
    };
    match lowering.exported {
        Some(samples) if array.shape.len() > 1 => {
            one_for_all(lowering, &array.shape, numbers, kind, samples)
        }
        _ => lowering.constant(&array.shape, numbers, kind),
    }
}

/// Numbers that are the same for all samples of the file's example, as those of one sample, which repeat.
fn one_for_all(
    lowering: &mut Lowering,
    shape: &[usize],
    numbers: Vec<f64>,
    kind: Kind,
    samples: usize,
) -> Lowered {
    let row = numbers.len() / shape[0].max(1);
    if let Some(&first) = numbers.first()
        && numbers.iter().all(|&x| x == first)
    {
        let sizes: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
        return lowering.full(&sizes, first, kind);
    }
    if shape[0] == samples && row > 0 && numbers.chunks(row).all(|own| own == &numbers[..row]) {
        let own = [&[1], &shape[1..]].concat();
        let made = lowering.constant(&own, numbers[..row].to_vec(), kind)?;
        return Ok(Tensor {
            exported: Some(shape.to_vec()),
            ..made
        });
    }
    lowering.constant(shape, numbers, kind)
}

/// A node with its inputs.
pub(super) struct Call<'n> {
    pub step: &'n Step,
    pub inputs: Vec<Operand>,
}

impl<'n> Call<'n> {
    /// An input, or nothing where it is absent.
    pub fn at(&self, position: usize) -> &Operand {
        self.inputs.get(position).unwrap_or(&Operand::None)
    }

    /// An input that must be there.
    pub fn tensor(&self, position: usize) -> Lowered<&Tensor> {
        match self.at(position) {
            Operand::None => problem(format!("it has no input {position}")),
            other => other.tensor(),
        }
    }

    /// An input that may be absent.
    pub fn optional(&self, position: usize) -> Option<&Tensor> {
        match self.at(position) {
            Operand::Tensor(x) => Some(x),
            _ => None,
        }
    }

    /// How many outputs are used.
    pub fn outputs(&self) -> usize {
        self.step.outputs.len()
    }

    /// The version of its operators.
    pub fn opset(&self) -> i64 {
        self.step.opset
    }

    pub fn attribute(&self, name: &str) -> Option<&'n Value> {
        { self.step.attributes.iter() }.find_map(|(own, value)| (**own == *name).then_some(value))
    }

    pub fn int(&self, name: &str, otherwise: i64) -> i64 {
        match self.attribute(name) {
            Some(Value::Int(i)) => *i,
            _ => otherwise,
        }
    }

    pub fn float(&self, name: &str, otherwise: f64) -> f64 {
        match self.attribute(name) {
            Some(Value::Float(x)) => decimal(*x),
            _ => otherwise,
        }
    }

    pub fn text(&self, name: &str, otherwise: &'n str) -> &'n str {
        match self.attribute(name) {
            Some(Value::Text(text)) => text,
            _ => otherwise,
        }
    }

    pub fn texts(&self, name: &str) -> Option<&'n [String]> {
        match self.attribute(name) {
            Some(Value::Texts(all)) => Some(all),
            _ => None,
        }
    }

    pub fn ints(&self, name: &str) -> Option<&'n [i64]> {
        match self.attribute(name) {
            Some(Value::Ints(all)) => Some(all),
            _ => None,
        }
    }

    pub fn floats(&self, name: &str) -> Option<Vec<f64>> {
        match self.attribute(name) {
            Some(Value::Floats(all)) => Some(all.iter().map(|&x| decimal(x)).collect()),
            _ => None,
        }
    }

    /// Whole numbers that are an attribute in older versions of an operator, and an input in newer ones.
    pub fn ints_either(&self, name: &str, position: usize) -> Lowered<Option<Vec<i64>>> {
        match (self.ints(name), self.at(position)) {
            (Some(all), _) => Ok(Some(all.to_vec())),
            (None, Operand::None) => Ok(None),
            (None, given) => given.ints().map(Some),
        }
    }
}

/// An attribute as the decimal number that was meant: 1e-5 is stored in f32, and computed with in f64 elsewhere.
fn decimal(x: f32) -> f64 {
    match x.is_finite() {
        true => x.to_string().parse().unwrap_or(f64::from(x)),
        false => f64::from(x),
    }
}

/// Layers that were exported as they are in training, which are computed as in evaluation.
pub(super) fn training(computation: &Computation) -> Option<String> {
    let is = |step: &&Step| {
        let flag = |value: &Value| matches!(value, Value::Int(1));
        let normalises = &*step.operator == "BatchNormalization";
        let normalises = normalises
            && step
                .attributes
                .iter()
                .any(|(name, v)| &**name == "training_mode" && flag(v));
        let mut constants = computation.constants.iter();
        let set = |id: Id| {
            constants.any(|(own, array)| {
                *own == id && matches!(&array.numbers, Numbers::Ints(all) if all[..] == [1])
            })
        };
        let drops =
            &*step.operator == "Dropout" && step.inputs.get(2).copied().flatten().is_some_and(set);
        normalises || drops
    };
    match computation.nodes.iter().filter(is).count() {
        0 => None,
        count => Some(format!(
            "{count} normalisation and dropout layers were exported in training mode: they are computed in evaluation mode, \
             with running statistics unless others are chosen for the normalisations"
        )),
    }
}

/// How often an operator is used, and where first.
#[derive(Debug)]
pub(super) struct Used {
    pub name: String,
    pub count: usize,
    pub known: bool,
    pub place: String,
}

/// The operators of a computation by name.
pub(super) fn used(computation: &Computation) -> Vec<Used> {
    let mut all: HashMap<String, Used> = HashMap::new();
    count(&computation.nodes, &computation.names, &mut all);
    let mut all: Vec<Used> = all.into_values().collect();
    all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    all
}

fn count(nodes: &[Step], names: &[Arc<str>], all: &mut HashMap<String, Used>) {
    for step in nodes {
        let name = operators::name(&step.domain, &step.operator);
        let output = step.outputs.iter().flatten().next();
        let place = match (&*step.name, output) {
            ("", Some(&id)) => names[id].to_string(),
            (name, _) => name.to_owned(),
        };
        let used = all.entry(name.clone()).or_insert_with(|| Used {
            known: operators::is_known(&step.domain, &step.operator),
            count: 0,
            name,
            place,
        });
        used.count += 1;
        for (_, value) in &step.attributes {
            if let Value::Body(body) = value {
                count(&body.nodes, names, all);
            }
        }
    }
}
