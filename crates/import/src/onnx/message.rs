//! The messages of an ONNX model, decoded: what `onnx.proto` names, as far as a computation needs it.
//!
//! `rten-onnx` was weighed for this and takes memory for lengths that a file states before it compares them with what is
//! there, follows nested messages to any depth, and reads neither functions nor packed attributes; the format is small.

use super::wire::{Field, Fields};
use landscape_files::{Budget, FileError};

/// The most graphs within each other.
const DEPTH: usize = 32;

/// A model: its graph, functions that nodes call, and versions of the operators by domain.
#[derive(Debug, Default)]
pub(super) struct Model<'a> {
    pub producer: &'a str,
    pub opsets: Vec<(&'a str, i64)>,
    pub graph: Option<Graph<'a>>,
    pub functions: Vec<Function<'a>>,
}

#[derive(Debug, Default)]
pub(super) struct Graph<'a> {
    pub nodes: Vec<Node<'a>>,
    pub initializers: Vec<Tensor<'a>>,
    pub sparse: bool,
    pub inputs: Vec<ValueInfo<'a>>,
    pub outputs: Vec<ValueInfo<'a>>,
}

#[derive(Debug, Default)]
pub(super) struct Function<'a> {
    pub name: &'a str,
    pub domain: &'a str,
    pub overload: &'a str,
    pub inputs: Vec<&'a str>,
    pub outputs: Vec<&'a str>,
    /// Attributes that have a value where a call gives none.
    pub defaults: Vec<Attribute<'a>>,
    pub nodes: Vec<Node<'a>>,
    pub opsets: Vec<(&'a str, i64)>,
}

#[derive(Debug, Default)]
pub(super) struct Node<'a> {
    pub name: &'a str,
    pub operator: &'a str,
    pub domain: &'a str,
    pub overload: &'a str,
    pub inputs: Vec<&'a str>,
    pub outputs: Vec<&'a str>,
    pub attributes: Vec<Attribute<'a>>,
}

#[derive(Debug, Default)]
pub(super) struct Attribute<'a> {
    pub name: &'a str,
    /// The attribute of the function's call that it is.
    pub refers_to: Option<&'a str>,
    pub value: Given<'a>,
}

/// The value of an attribute.
#[derive(Debug, Default)]
pub(super) enum Given<'a> {
    #[default]
    None,
    Int(i64),
    Float(f32),
    Text(&'a [u8]),
    Ints(Vec<i64>),
    Floats(Vec<f32>),
    Texts(Vec<&'a [u8]>),
    Tensor(Box<Tensor<'a>>),
    Graph(Box<Graph<'a>>),
    /// Kinds that no operator known here has: sparse tensors, types, several graphs.
    Other,
}

/// Numbers, or where they are.
#[derive(Clone, Debug, Default)]
pub(super) struct Tensor<'a> {
    pub name: &'a str,
    pub shape: Vec<i64>,
    pub kind: i64,
    pub raw: Option<&'a [u8]>,
    /// The fields of numbers by kind: their number in `onnx.proto`, and the bytes.
    pub typed: Vec<(u64, Field<'a>)>,
    /// Key and value: `location`, `offset`, `length`.
    pub external: Vec<(&'a str, &'a str)>,
    pub is_external: bool,
}

/// A named input or output.
#[derive(Debug, Default)]
pub(super) struct ValueInfo<'a> {
    pub name: &'a str,
    pub kind: i64,
    /// Lengths of the axes, or their names; `None`: not even their number is known.
    pub shape: Option<Vec<Length<'a>>>,
    /// Whether it is a tensor, and not a sequence or a map.
    pub tensor: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length<'a> {
    Fixed(i64),
    Named(&'a str),
}

/// Decodes, and counts what it takes.
struct Decoder<'b> {
    budget: &'b Budget,
}

/// The model in the bytes of a file.
///
/// # Errors
/// [`FileError::Corrupt`] where they are none, [`FileError::TooLarge`].
pub(super) fn decode<'a>(bytes: &'a [u8], budget: &Budget) -> Result<Model<'a>, FileError> {
    Decoder { budget }.model(bytes)
}

/// A tensor on its own, as ONNX's tests have them.
#[cfg(test)]
pub(super) fn tensor<'a>(bytes: &'a [u8], budget: &Budget) -> Result<Tensor<'a>, FileError> {
    Decoder { budget }.tensor(bytes)
}

impl Decoder<'_> {
    /// One more of a list, twice its size, since lists grow by doubling.
    fn push<T>(&self, list: &mut Vec<T>, item: T) -> Result<(), FileError> {
        self.budget.spend_each(2, size_of::<T>())?;
        list.push(item);
        Ok(())
    }

    fn model<'a>(&self, bytes: &'a [u8]) -> Result<Model<'a>, FileError> {
        let mut model = Model::default();
        for field in Fields::of(bytes) {
            match field? {
                (2, f) => model.producer = f.text()?,
                (7, f) => model.graph = Some(self.graph(f.bytes()?, 0)?),
                (8, f) => self.push(&mut model.opsets, opset(f)?)?,
                (25, f) => {
                    let function = self.function(f.bytes()?)?;
                    self.push(&mut model.functions, function)?;
                }
                _ => {}
            }
        }
        Ok(model)
    }

    fn graph<'a>(&self, bytes: &'a [u8], depth: usize) -> Result<Graph<'a>, FileError> {
        if depth > DEPTH {
            let problem = format!("graphs are nested more than {DEPTH} deep");
            return Err(FileError::Unsupported(problem));
        }
        let mut graph = Graph::default();
        for field in Fields::of(bytes) {
            match field? {
                (1, f) => {
                    let node = self.node(f.bytes()?, depth)?;
                    self.push(&mut graph.nodes, node)?;
                }
                (5, f) => {
                    let tensor = self.tensor(f.bytes()?)?;
                    self.push(&mut graph.initializers, tensor)?;
                }
                (11, f) => {
                    let info = self.value_info(f.bytes()?)?;
                    self.push(&mut graph.inputs, info)?;
                }
                (12, f) => {
                    let info = self.value_info(f.bytes()?)?;
                    self.push(&mut graph.outputs, info)?;
                }
                (15, _) => graph.sparse = true,
                _ => {}
            }
        }
        Ok(graph)
    }

    fn function<'a>(&self, bytes: &'a [u8]) -> Result<Function<'a>, FileError> {
        let mut function = Function::default();
        for field in Fields::of(bytes) {
            match field? {
                (1, f) => function.name = f.text()?,
                (4, f) => self.push(&mut function.inputs, f.text()?)?,
                (5, f) => self.push(&mut function.outputs, f.text()?)?,
                (7, f) => {
                    let node = self.node(f.bytes()?, 0)?;
                    self.push(&mut function.nodes, node)?;
                }
                (9, f) => self.push(&mut function.opsets, opset(f)?)?,
                (10, f) => function.domain = f.text()?,
                (11, f) => {
                    let attribute = self.attribute(f.bytes()?, 0)?;
                    self.push(&mut function.defaults, attribute)?;
                }
                (13, f) => function.overload = f.text()?,
                _ => {}
            }
        }
        Ok(function)
    }

    fn node<'a>(&self, bytes: &'a [u8], depth: usize) -> Result<Node<'a>, FileError> {
        let mut node = Node::default();
        for field in Fields::of(bytes) {
            match field? {
                (1, f) => self.push(&mut node.inputs, f.text()?)?,
                (2, f) => self.push(&mut node.outputs, f.text()?)?,
                (3, f) => node.name = f.text()?,
                (4, f) => node.operator = f.text()?,
                (5, f) => {
                    let attribute = self.attribute(f.bytes()?, depth)?;
                    self.push(&mut node.attributes, attribute)?;
                }
                (7, f) => node.domain = f.text()?,
                (8, f) => node.overload = f.text()?,
                _ => {}
            }
        }
        Ok(node)
    }

    fn attribute<'a>(&self, bytes: &'a [u8], depth: usize) -> Result<Attribute<'a>, FileError> {
        let mut attribute = Attribute::default();
        let (mut ints, mut floats, mut texts, mut kind) = (vec![], vec![], vec![], 0);
        for field in Fields::of(bytes) {
            match field? {
                (1, f) => attribute.name = f.text()?,
                (2, f) => attribute.value = Given::Float(f.float()?),
                (3, f) => attribute.value = Given::Int(f.integer()?),
                (4, f) => attribute.value = Given::Text(f.bytes()?),
                (5, f) => attribute.value = Given::Tensor(Box::new(self.tensor(f.bytes()?)?)),
                (6, f) => {
                    let graph = self.graph(f.bytes()?, depth + 1)?;
                    attribute.value = Given::Graph(Box::new(graph));
                }
                (7, f) => f.floats(|x| self.push(&mut floats, x))?,
                (8, f) => f.integers(|x| self.push(&mut ints, x))?,
                (9, f) => self.push(&mut texts, f.bytes()?)?,
                (10 | 11 | 14 | 15 | 22 | 23, _) => attribute.value = Given::Other,
                (20, f) => kind = f.integer()?,
                (21, f) => attribute.refers_to = Some(f.text()?),
                _ => {}
            }
        }
        match (kind, &attribute.value) {
            (6, _) => attribute.value = Given::Floats(floats),
            (7, _) => attribute.value = Given::Ints(ints),
            (8, _) => attribute.value = Given::Texts(texts),
            // Writers that state no kind.
            (0, Given::None) if !ints.is_empty() => attribute.value = Given::Ints(ints),
            (0, Given::None) if !floats.is_empty() => attribute.value = Given::Floats(floats),
            (0, Given::None) if !texts.is_empty() => attribute.value = Given::Texts(texts),
            // Zeros that a writer leaves out.
            (1, Given::None) => attribute.value = Given::Float(0.0),
            (2, Given::None) => attribute.value = Given::Int(0),
            (3, Given::None) => attribute.value = Given::Text(&[]),
            _ => {}
        }
        Ok(attribute)
    }

    fn tensor<'a>(&self, bytes: &'a [u8]) -> Result<Tensor<'a>, FileError> {
        let mut tensor = Tensor::default();
        for field in Fields::of(bytes) {
            match field? {
                (1, f) => f.integers(|n| self.push(&mut tensor.shape, n))?,
                (2, f) => tensor.kind = f.integer()?,
                (number @ (4 | 5 | 6 | 7 | 10 | 11), f) => {
                    self.push(&mut tensor.typed, (number, f))?;
                }
                (8, f) => tensor.name = f.text()?,
                (9, f) => tensor.raw = Some(f.bytes()?),
                (13, f) => self.push(&mut tensor.external, entry(f)?)?,
                (14, f) => tensor.is_external = f.integer()? == 1,
                _ => {}
            }
        }
        Ok(tensor)
    }

    fn value_info<'a>(&self, bytes: &'a [u8]) -> Result<ValueInfo<'a>, FileError> {
        let mut info = ValueInfo::default();
        for field in Fields::of(bytes) {
            match field? {
                (1, f) => info.name = f.text()?,
                (2, f) => self.kind_of(f.bytes()?, &mut info)?,
                _ => {}
            }
        }
        Ok(info)
    }

    /// Of `TypeProto`, that of tensors.
    fn kind_of<'a>(&self, bytes: &'a [u8], info: &mut ValueInfo<'a>) -> Result<(), FileError> {
        for field in Fields::of(bytes) {
            let (1, tensor) = field? else { continue };
            info.tensor = true;
            for field in Fields::of(tensor.bytes()?) {
                match field? {
                    (1, f) => info.kind = f.integer()?,
                    (2, f) => info.shape = Some(self.lengths(f.bytes()?)?),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn lengths<'a>(&self, bytes: &'a [u8]) -> Result<Vec<Length<'a>>, FileError> {
        let mut shape = vec![];
        for field in Fields::of(bytes) {
            let (1, axis) = field? else { continue };
            let mut length = Length::Named("");
            for field in Fields::of(axis.bytes()?) {
                match field? {
                    (1, f) => length = Length::Fixed(f.integer()?),
                    (2, f) => length = Length::Named(f.text()?),
                    _ => {}
                }
            }
            self.push(&mut shape, length)?;
        }
        Ok(shape)
    }
}

fn opset(field: Field<'_>) -> Result<(&str, i64), FileError> {
    let (mut domain, mut version) = ("", 0);
    for field in Fields::of(field.bytes()?) {
        match field? {
            (1, f) => domain = f.text()?,
            (2, f) => version = f.integer()?,
            _ => {}
        }
    }
    Ok((domain, version))
}

fn entry(field: Field<'_>) -> Result<(&str, &str), FileError> {
    let (mut key, mut value) = ("", "");
    for field in Fields::of(field.bytes()?) {
        match field? {
            (1, f) => key = f.text()?,
            (2, f) => value = f.text()?,
            _ => {}
        }
    }
    Ok((key, value))
}
