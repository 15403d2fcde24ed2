//! The JSON of an exported program, schema 5 to 8 (`torch/_export/serde/schema.py`), as far as it is used.

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::collections::HashMap;
use std::fmt;

#[derive(Debug, Deserialize)]
pub(super) struct ExportedProgram {
    pub graph_module: GraphModule,
    #[serde(default)]
    pub schema_version: Option<SchemaVersion>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SchemaVersion {
    pub major: u64,
    #[serde(default)]
    pub minor: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct GraphModule {
    pub graph: Graph,
    pub signature: Signature,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Graph {
    pub inputs: Vec<Argument>,
    #[serde(default)]
    pub outputs: Vec<Argument>,
    pub nodes: Vec<Node>,
    pub tensor_values: HashMap<String, TensorMeta>,
}

/// A graph that a node computes.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Inner {
    pub graph: Graph,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Node {
    pub target: String,
    pub inputs: Vec<NamedArgument>,
    pub outputs: Vec<Argument>,
    #[serde(default)]
    pub metadata: Metadata,
}

/// What a node says of where it comes from.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Metadata {
    #[serde(default)]
    pub stack_trace: Option<String>,
    #[serde(default)]
    pub nn_module_stack: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct NamedArgument {
    pub name: String,
    pub arg: Argument,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Named {
    pub name: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct TensorMeta {
    pub dtype: u64,
    pub sizes: Vec<SymInt>,
    #[serde(default)]
    pub requires_grad: Option<bool>,
    #[serde(default)]
    pub strides: Vec<SymInt>,
    #[serde(default)]
    pub storage_offset: Option<SymInt>,
    #[serde(default)]
    pub layout: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SymInt {
    AsInt(i64),
    AsExpr(SymExpr),
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct SymExpr {
    pub expr_str: String,
    #[serde(default)]
    pub hint: Option<Hint>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Hint {
    #[serde(rename = "as_int")]
    Int(i64),
    #[serde(rename = "as_bool")]
    Bool(IgnoredAny),
    #[serde(rename = "as_float")]
    Float(IgnoredAny),
}

impl SymInt {
    /// The size in the example that the program was exported with.
    pub fn example(&self) -> Option<usize> {
        let size = match self {
            Self::AsInt(size) => *size,
            Self::AsExpr(SymExpr {
                hint: Some(Hint::Int(size)),
                ..
            }) => *size,
            Self::AsExpr(_) => return None,
        };
        usize::try_from(size).ok()
    }

    /// The size, where it is fixed.
    pub fn fixed(&self) -> Option<usize> {
        match self {
            Self::AsInt(size) => usize::try_from(*size).ok(),
            Self::AsExpr(_) => None,
        }
    }
}

/// A number; those that JSON has no words for are texts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Real(pub f64);

impl<'de> Deserialize<'de> for Real {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reals;
        impl Visitor<'_> for Reals {
            type Value = Real;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_f64<E: Error>(self, x: f64) -> Result<Real, E> {
                Ok(Real(x))
            }
            fn visit_i64<E: Error>(self, x: i64) -> Result<Real, E> {
                Ok(Real(x as f64))
            }
            fn visit_u64<E: Error>(self, x: u64) -> Result<Real, E> {
                Ok(Real(x as f64))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Real, E> {
                let number = match text {
                    "Infinity" => f64::INFINITY,
                    "-Infinity" => f64::NEG_INFINITY,
                    "NaN" => f64::NAN,
                    other => return Err(E::custom(format!("`{other}` is not a number"))),
                };
                Ok(Real(number))
            }
        }
        deserializer.deserialize_any(Reals)
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OptionalTensor {
    AsTensor(Named),
    AsNone(IgnoredAny),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Symbolic {
    #[serde(rename = "as_name")]
    Name(String),
    #[serde(rename = "as_int")]
    Int(i64),
    #[serde(rename = "as_float")]
    Float(Real),
    #[serde(rename = "as_bool")]
    Bool(bool),
}

/// An argument of a node.
#[derive(Debug, Clone)]
pub(super) enum Argument {
    None,
    Tensor(String),
    Tensors(Vec<String>),
    OptionalTensors(Vec<Option<String>>),
    Int(i64),
    Ints(Vec<i64>),
    Float(f64),
    Floats(Vec<f64>),
    Text(String),
    Texts(Vec<String>),
    Symbol(Symbolic),
    Symbols(Vec<Symbolic>),
    ScalarType(u64),
    Bool(bool),
    Bools(Vec<bool>),
    /// What an operation that holds others computes.
    Graph(Box<Graph>),
    /// Layouts, devices, memory formats.
    Other,
    /// What is not read, by name.
    Unknown(String),
}

impl<'de> Deserialize<'de> for Argument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Arguments;
        impl<'de> Visitor<'de> for Arguments {
            type Value = Argument;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an argument of one kind")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Argument, A::Error> {
                let Some(kind) = map.next_key::<String>()? else {
                    return Ok(Argument::None);
                };
                let argument = argument(&kind, &mut map)?;
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(argument)
            }
        }
        deserializer.deserialize_map(Arguments)
    }
}

fn argument<'de, A: MapAccess<'de>>(kind: &str, map: &mut A) -> Result<Argument, A::Error> {
    Ok(match kind {
        "as_tensor" => Argument::Tensor(map.next_value::<Named>()?.name),
        "as_tensors" => {
            let all: Vec<Named> = map.next_value()?;
            Argument::Tensors(all.into_iter().map(|t| t.name).collect())
        }
        "as_optional_tensor" => match map.next_value::<OptionalTensor>()? {
            OptionalTensor::AsTensor(tensor) => Argument::Tensor(tensor.name),
            OptionalTensor::AsNone(_) => Argument::None,
        },
        "as_optional_tensors" => {
            let all: Vec<OptionalTensor> = map.next_value()?;
            let name = |t| match t {
                OptionalTensor::AsTensor(tensor) => Some(tensor.name),
                OptionalTensor::AsNone(_) => None,
            };
            Argument::OptionalTensors(all.into_iter().map(name).collect())
        }
        "as_int" => Argument::Int(map.next_value()?),
        "as_ints" => Argument::Ints(map.next_value()?),
        "as_float" => Argument::Float(map.next_value::<Real>()?.0),
        "as_floats" => {
            let all: Vec<Real> = map.next_value()?;
            Argument::Floats(all.into_iter().map(|x| x.0).collect())
        }
        "as_string" => Argument::Text(map.next_value()?),
        "as_strings" => Argument::Texts(map.next_value()?),
        "as_sym_int" | "as_sym_bool" | "as_sym_float" => Argument::Symbol(map.next_value()?),
        "as_sym_ints" | "as_sym_bools" | "as_sym_floats" => Argument::Symbols(map.next_value()?),
        "as_scalar_type" => Argument::ScalarType(map.next_value()?),
        "as_bool" => Argument::Bool(map.next_value()?),
        "as_bools" => Argument::Bools(map.next_value()?),
        "as_graph" => Argument::Graph(Box::new(map.next_value::<Inner>()?.graph)),
        "as_none" | "as_memory_format" | "as_layout" | "as_device" => {
            map.next_value::<IgnoredAny>()?;
            if kind == "as_none" {
                Argument::None
            } else {
                Argument::Other
            }
        }
        other => {
            map.next_value::<IgnoredAny>()?;
            Argument::Unknown(other.to_owned())
        }
    })
}

#[derive(Debug, Deserialize)]
pub(super) struct Signature {
    pub input_specs: Vec<InputSpec>,
    pub output_specs: Vec<OutputSpec>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum InputSpec {
    UserInput {
        arg: Argument,
    },
    Parameter {
        arg: Named,
        parameter_name: String,
    },
    Buffer {
        arg: Named,
        buffer_name: String,
    },
    TensorConstant {
        arg: Named,
        tensor_constant_name: String,
    },
    CustomObj(IgnoredAny),
    ConstantInput {
        name: String,
        value: Constant,
    },
    Token(IgnoredAny),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Constant {
    #[serde(rename = "as_none")]
    None(IgnoredAny),
    #[serde(rename = "as_int")]
    Int(i64),
    #[serde(rename = "as_float")]
    Float(Real),
    #[serde(rename = "as_string")]
    String(String),
    #[serde(rename = "as_bool")]
    Bool(bool),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OutputSpec {
    UserOutput { arg: Argument },
    LossOutput { arg: Named },
    BufferMutation(IgnoredAny),
    ParameterMutation(IgnoredAny),
    GradientToParameter(IgnoredAny),
    GradientToUserInput(IgnoredAny),
    UserInputMutation(IgnoredAny),
    Token(IgnoredAny),
}

/// The index of weights or constants in an archive.
#[derive(Debug, Deserialize)]
pub(super) struct PayloadConfig {
    #[serde(deserialize_with = "in_order")]
    pub config: Vec<(String, Payload)>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Payload {
    pub path_name: String,
    #[serde(default)]
    pub use_pickle: bool,
    #[serde(default)]
    pub tensor_meta: Option<TensorMeta>,
}

/// The entries of a map in the order of the file.
fn in_order<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(String, Payload)>, D::Error> {
    struct Entries;
    impl<'de> Visitor<'de> for Entries {
        type Value = Vec<(String, Payload)>;
        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("tensors by name")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(entry) = map.next_entry()? {
                all.push(entry);
            }
            Ok(all)
        }
    }
    deserializer.deserialize_map(Entries)
}
