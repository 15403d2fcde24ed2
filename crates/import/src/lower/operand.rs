//! What operations take and give.

use super::{Lowered, Origin, problem};
use landscape_trace::Value;
use std::sync::Arc;

/// What the elements of a tensor are; all are computed in f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Bool,
    Int,
    Float,
}

/// A value of the trace.
#[derive(Debug, Clone)]
pub(crate) struct Tensor {
    pub value: Value,
    pub kind: Kind,
    /// Whether it has no axes: the trace holds it as `[1]`.
    pub scalar: bool,
    /// The numbers, where they are known now and few: constants, and what is computed of shapes.
    pub known: Option<Arc<Vec<f64>>>,
    /// The parameter whose elements these are, in whatever shape.
    pub origin: Option<Origin>,
    /// The shape in the file's example, where that is made for another number of samples.
    pub exported: Option<Vec<usize>>,
    /// Where the axis of the samples counts others too: rows that stand outside of the samples.
    pub outer: usize,
}

impl Tensor {
    pub fn new(value: Value, kind: Kind) -> Self {
        Self {
            value,
            kind,
            scalar: false,
            known: None,
            origin: None,
            exported: None,
            outer: 1,
        }
    }

    /// The same value, of another kind.
    pub fn of_kind(&self, kind: Kind) -> Self {
        Self {
            kind,
            ..self.clone()
        }
    }

    /// The known numbers as whole ones.
    pub fn integers(&self) -> Option<Vec<i64>> {
        let known = self.known.as_ref()?;
        Some(known.iter().map(|&x| x as i64).collect())
    }
}

/// An argument or a result of an operation.
#[derive(Debug, Clone)]
pub(crate) enum Operand {
    None,
    Tensor(Tensor),
    Int(i64),
    Float(f64),
    Bool(bool),
    Text(String),
    List(Vec<Operand>),
}

impl From<Tensor> for Operand {
    fn from(x: Tensor) -> Self {
        Self::Tensor(x)
    }
}

impl Operand {
    /// A tensor.
    pub fn tensor(&self) -> Lowered<&Tensor> {
        match self {
            Self::Tensor(x) => Ok(x),
            other => problem(format!("a tensor is expected, not {}", other.words())),
        }
    }

    /// A number; also of a tensor of one known number.
    pub fn number(&self) -> Lowered<f64> {
        match self {
            Self::Int(x) => Ok(*x as f64),
            Self::Float(x) => Ok(*x),
            Self::Bool(x) => Ok(f64::from(u8::from(*x))),
            Self::Tensor(Tensor {
                known: Some(known), ..
            }) if known.len() == 1 => Ok(known[0]),
            other => problem(format!("a number is expected, not {}", other.words())),
        }
    }

    /// A whole number; also of a tensor of one known number.
    pub fn int(&self) -> Lowered<i64> {
        match self {
            Self::Int(x) => Ok(*x),
            other => match other.number() {
                Ok(x) if x.fract() == 0.0 => Ok(x as i64),
                _ => problem(format!("a whole number is expected, not {}", other.words())),
            },
        }
    }

    /// A truth value.
    pub fn bool(&self) -> Lowered<bool> {
        Ok(self.number()? != 0.0)
    }

    /// Whole numbers; also of a tensor of known numbers, and a single one.
    pub fn ints(&self) -> Lowered<Vec<i64>> {
        match self {
            Self::List(all) => all.iter().map(Self::int).collect(),
            Self::Int(x) => Ok(vec![*x]),
            Self::None => Ok(Vec::new()),
            Self::Tensor(x) => match x.integers() {
                Some(all) => Ok(all),
                None => problem("whole numbers are expected that are known before the data are"),
            },
            other => problem(format!("whole numbers are expected, not {}", other.words())),
        }
    }

    /// Tensors.
    pub fn tensors(&self) -> Lowered<Vec<Tensor>> {
        match self {
            Self::List(all) => all.iter().map(|x| x.tensor().cloned()).collect(),
            other => Ok(vec![other.tensor()?.clone()]),
        }
    }

    /// Whether there is nothing.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    fn words(&self) -> String {
        match self {
            Self::None => "nothing".into(),
            Self::Tensor(_) => "a tensor".into(),
            Self::Int(x) => x.to_string(),
            Self::Float(x) => x.to_string(),
            Self::Bool(x) => x.to_string(),
            Self::Text(text) => format!("`{text}`"),
            Self::List(all) => format!("a list of {}", all.len()),
        }
    }
}
