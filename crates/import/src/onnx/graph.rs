//! The computation of a model: nodes whose inputs and outputs are numbered, with functions written out.

use super::array::{self, Array};
use super::external::External;
use super::message::{Attribute, Function, Given, Graph, Model, Node};
use landscape_files::{Budget, FileError};
use std::collections::HashMap;
use std::sync::Arc;

/// The most functions that call each other.
const CALLS: usize = 32;

/// The number of a value.
pub(super) type Id = usize;

/// Nodes in the order in which they are computed.
#[derive(Debug, Default)]
pub(super) struct Computation {
    pub nodes: Vec<Step>,
    /// The names of all values, for messages.
    pub names: Vec<Arc<str>>,
    pub constants: Vec<(Id, Array)>,
    pub inputs: Vec<Id>,
    pub outputs: Vec<Id>,
}

/// A node: an operator with its inputs, of which the optional ones may be absent, and its outputs.
#[derive(Debug)]
pub(super) struct Step {
    pub operator: Arc<str>,
    /// Empty for ONNX's own operators.
    pub domain: Arc<str>,
    /// The version of its domain's operators.
    pub opset: i64,
    pub name: Arc<str>,
    pub inputs: Vec<Option<Id>>,
    pub outputs: Vec<Option<Id>>,
    pub attributes: Vec<(Arc<str>, Value)>,
}

/// The value of an attribute.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Int(i64),
    Float(f32),
    Text(String),
    Ints(Vec<i64>),
    Floats(Vec<f32>),
    Texts(Vec<String>),
    Array(Array),
    Body(Arc<Body>),
    Other,
}

/// A graph within a node: of `If`, `Loop` and `Scan`.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub nodes: Vec<Step>,
    pub constants: Vec<(Id, Array)>,
    pub inputs: Vec<Id>,
    pub outputs: Vec<Id>,
}

/// Builds a computation.
struct Builder<'a, 'b> {
    model: &'b Model<'a>,
    functions: HashMap<(&'a str, &'a str, &'a str), &'b Function<'a>>,
    external: &'b External,
    budget: &'b Budget,
    names: Vec<Arc<str>>,
    texts: HashMap<&'a str, Arc<str>>,
}

/// What is visible at a node.
struct Scope<'a, 'b> {
    /// Values by name: of this graph, and of those around it.
    values: Vec<HashMap<&'a str, Id>>,
    /// The attributes of the call whose function this is.
    call: HashMap<&'a str, Value>,
    opsets: &'b [(&'a str, i64)],
    calls: usize,
    /// Inputs of the function that its call leaves out.
    absent: Vec<&'a str>,
}

impl<'a> Scope<'a, '_> {
    fn find(&self, name: &str) -> Option<Id> {
        self.values
            .iter()
            .rev()
            .find_map(|values| values.get(name).copied())
    }

    fn opset(&self, domain: &str) -> i64 {
        let canonical = canonical(domain);
        let found = self
            .opsets
            .iter()
            .find(|(d, _)| self::canonical(d) == canonical);
        found.map_or(1, |(_, version)| *version)
    }
}

/// ONNX's own domain has two names.
fn canonical(domain: &str) -> &str {
    match domain {
        "ai.onnx" => "",
        domain => domain,
    }
}

fn corrupt<T>(problem: String) -> Result<T, FileError> {
    Err(FileError::Corrupt(problem))
}

/// The computation of a model.
///
/// # Errors
/// [`FileError`]
pub(super) fn build(
    model: &Model,
    external: &External,
    budget: &Budget,
) -> Result<Computation, FileError> {
    let Some(graph) = &model.graph else {
        return corrupt("it has no graph, so it is not an ONNX model".into());
    };
    let functions = model.functions.iter();
    let mut builder = Builder {
        model,
        functions: functions
            .map(|f| ((canonical(f.domain), f.name, f.overload), f))
            .collect(),
        external,
        budget,
        names: Vec::new(),
        texts: HashMap::new(),
    };
    let mut scope = Scope {
        values: vec![HashMap::new()],
        call: HashMap::new(),
        opsets: &model.opsets,
        calls: 0,
        absent: Vec::new(),
    };
    let body = builder.body(graph, &mut scope)?;
    Ok(Computation {
        nodes: body.nodes,
        names: builder.names,
        constants: body.constants,
        inputs: body.inputs,
        outputs: body.outputs,
    })
}

impl<'a, 'b> Builder<'a, 'b> {
    fn text(&mut self, text: &'a str) -> Arc<str> {
        self.texts
            .entry(text)
            .or_insert_with(|| text.into())
            .clone()
    }

    fn value(&mut self, name: &'a str) -> Result<Id, FileError> {
        self.budget.spend_each(4, 32)?;
        let name = self.text(name);
        self.names.push(name);
        Ok(self.names.len() - 1)
    }

    /// A new value, of a name that has none yet here.
    fn defined(&mut self, scope: &mut Scope<'a, 'b>, name: &'a str) -> Result<Id, FileError> {
        let id = self.value(name)?;
        let here = scope.values.last_mut().expect("a graph has a scope");
        match here.insert(name, id) {
            None => Ok(id),
            Some(_) => corrupt(format!("two values are named `{name}`")),
        }
    }

    fn body(&mut self, graph: &Graph<'a>, scope: &mut Scope<'a, 'b>) -> Result<Body, FileError> {
        if graph.sparse {
            let problem =
                "it has sparse initialisers, which are not supported; save them as dense ones";
            return Err(FileError::Unsupported(problem.into()));
        }
        let mut body = Body::default();
        for tensor in &graph.initializers {
            let id = self.defined(scope, tensor.name)?;
            let array = array::read(tensor, self.external, self.budget)?;
            body.constants.push((id, array));
        }
        for input in &graph.inputs {
            // Older models list their initialisers among the inputs.
            let here = scope.values.last().expect("a graph has a scope");
            if !here.contains_key(input.name) {
                let id = self.defined(scope, input.name)?;
                body.inputs.push(id);
            }
        }
        for node in &graph.nodes {
            self.node(node, scope, &mut body)?;
        }
        for output in &graph.outputs {
            match scope.find(output.name) {
                Some(id) => body.outputs.push(id),
                None => return corrupt(format!("nothing computes the output `{}`", output.name)),
            }
        }
        Ok(body)
    }

    fn node(
        &mut self,
        node: &Node<'a>,
        scope: &mut Scope<'a, 'b>,
        body: &mut Body,
    ) -> Result<(), FileError> {
        self.budget.spend_each(2, size_of::<Step>())?;
        self.budget
            .spend_each(node.inputs.len() + node.outputs.len(), 32)?;
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for &name in &node.inputs {
            match (name.is_empty(), scope.find(name)) {
                (true, _) => inputs.push(None),
                (false, None) if scope.absent.contains(&name) => inputs.push(None),
                (false, Some(id)) => inputs.push(Some(id)),
                (false, None) => {
                    let of = node.operator;
                    return corrupt(format!("nothing before `{of}` computes its input `{name}`"));
                }
            }
        }
        let key = (canonical(node.domain), node.operator, node.overload);
        if let Some(&function) = self.functions.get(&key) {
            return self.call(function, node, &inputs, scope, body);
        }
        let attributes = self.attributes(&node.attributes, scope)?;
        let mut outputs = Vec::with_capacity(node.outputs.len());
        for &name in &node.outputs {
            outputs.push(match name {
                "" => None,
                name => Some(self.defined(scope, name)?),
            });
        }
        body.nodes.push(Step {
            operator: self.text(node.operator),
            domain: self.text(canonical(node.domain)),
            opset: scope.opset(node.domain),
            name: self.text(node.name),
            inputs,
            outputs,
            attributes: { attributes.into_iter() }
                .map(|(name, value)| (self.text(name), value))
                .collect(),
        });
        Ok(())
    }

    /// The nodes of a function in place of a call.
    fn call(
        &mut self,
        function: &'b Function<'a>,
        node: &Node<'a>,
        inputs: &[Option<Id>],
        scope: &mut Scope<'a, 'b>,
        body: &mut Body,
    ) -> Result<(), FileError> {
        if scope.calls >= CALLS {
            let name = function.name;
            let problem = format!("functions call each other more than {CALLS} times, at `{name}`");
            return Err(FileError::Unsupported(problem));
        }
        let mut call = HashMap::new();
        for (name, value) in self.attributes(&function.defaults, scope)? {
            call.insert(name, value);
        }
        for (name, value) in self.attributes(&node.attributes, scope)? {
            call.insert(name, value);
        }
        let given = function.inputs.iter().zip(inputs);
        let opsets = match function.opsets.is_empty() {
            true => &self.model.opsets,
            false => &function.opsets,
        };
        let mut inner = Scope {
            values: vec![given.filter_map(|(&name, &id)| Some((name, id?))).collect()],
            call,
            opsets,
            calls: scope.calls + 1,
            absent: Vec::new(),
        };
        let absent = function
            .inputs
            .iter()
            .filter(|name| inner.find(name).is_none());
        inner.absent = absent.copied().collect();
        for node in &function.nodes {
            self.node(node, &mut inner, body)?;
        }
        for (&outer, &inside) in node.outputs.iter().zip(&function.outputs) {
            let Some(id) = inner.find(inside) else {
                return corrupt(format!(
                    "the function `{}` has no `{inside}`",
                    function.name
                ));
            };
            if !outer.is_empty() {
                let here = scope.values.last_mut().expect("a graph has a scope");
                here.insert(outer, id);
            }
        }
        Ok(())
    }

    fn attributes(
        &mut self,
        attributes: &[Attribute<'a>],
        scope: &mut Scope<'a, 'b>,
    ) -> Result<Vec<(&'a str, Value)>, FileError> {
        let mut all = vec![];
        for attribute in attributes {
            let value = match attribute.refers_to {
                Some(name) => match scope.call.get(name) {
                    Some(value) => value.clone(),
                    None => continue,
                },
                None => match self.attribute(&attribute.value, scope)? {
                    Some(value) => value,
                    None => continue,
                },
            };
            self.budget.spend_each(2, 64)?;
            all.push((attribute.name, value));
        }
        Ok(all)
    }

    fn attribute(
        &mut self,
        given: &Given<'a>,
        scope: &mut Scope<'a, 'b>,
    ) -> Result<Option<Value>, FileError> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Some(match given {
            Given::None => return Ok(None),
            Given::Int(i) => Value::Int(*i),
            Given::Float(x) => Value::Float(*x),
            Given::Text(bytes) => {
                self.budget.spend_each(bytes.len(), 4)?;
                Value::Text(text(bytes))
            }
            Given::Ints(all) => {
                self.budget.spend_each(all.len(), 8)?;
                Value::Ints(all.clone())
            }
            Given::Floats(all) => {
                self.budget.spend_each(all.len(), 4)?;
                Value::Floats(all.clone())
            }
            Given::Texts(all) => {
                let bytes = all.iter().map(|bytes| 32 + 4 * bytes.len()).sum();
                self.budget.spend_each(bytes, 1)?;
                Value::Texts(all.iter().map(|bytes| text(bytes)).collect())
            }
            // Texts and other constants that no number comes of are in the way only where they are used.
            Given::Tensor(tensor) => match array::read(tensor, self.external, self.budget) {
                Ok(array) => Value::Array(array),
                Err(FileError::Unsupported(_)) => Value::Other,
                Err(error) => return Err(error),
            },
            Given::Graph(graph) => {
                scope.values.push(HashMap::new());
                let body = self.body(graph, scope);
                scope.values.pop();
                Value::Body(Arc::new(body?))
            }
            Given::Other => Value::Other,
        }))
    }
}
