//! Operations of files as those of `landscape-trace`, each written once for all formats.
//!
//! A [`Lowering`] builds one trace. Its functions take and give [`Tensor`]s, whose shapes are known; numbers that say how (axes,
//! sizes, strides) are plain Rust values. Negative axes count from the end, as in NumPy.

mod elementwise;
mod layers;
mod shapes;

use landscape_core::Role;
use landscape_files::{Budget, TooLarge};
use landscape_trace::{TraceBuilder, TraceError, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// Why an operation is not lowered; the reader says which, and where in its file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LowerError {
    /// It can't be computed as it is used: what is wrong, and the remedy.
    #[error("{0}")]
    Problem(String),
    /// The same, of an operation of the file.
    #[error("{operation}: {problem}")]
    Operation {
        operation: String,
        place: String,
        problem: String,
    },
    #[error(transparent)]
    Trace(#[from] TraceError),
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

pub(crate) type Lowered<T = Tensor> = Result<T, LowerError>;

/// An error that says what is wrong.
pub(crate) fn problem<T>(what: impl Into<String>) -> Lowered<T> {
    Err(LowerError::Problem(what.into()))
}

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
    /// The numbers, where they are known now and few: constants, and what is computed of shapes.
    pub known: Option<Arc<Vec<f64>>>,
    /// The number of the parameter whose elements these are, in whatever shape.
    pub origin: Option<usize>,
    /// The shape in the file's example, where that is made for another number of samples.
    pub exported: Option<Vec<usize>>,
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

/// A trace that is built of the operations of a file.
pub(crate) struct Lowering {
    pub builder: TraceBuilder,
    /// The samples of this trace.
    pub samples: usize,
    /// The samples that the file was made for, where they are fixed and others than these.
    pub exported: Option<usize>,
    /// What the parameters are for, as far as operations said so.
    pub roles: HashMap<usize, Role>,
    budget: Budget,
}

impl Lowering {
    /// For that many samples. What is made beyond the data comes out of the budget.
    pub fn new(samples: usize, exported: Option<usize>, budget: Budget) -> Self {
        Self {
            builder: TraceBuilder::new(samples),
            samples,
            exported: exported.filter(|&n| n != samples),
            roles: HashMap::new(),
            budget,
        }
    }

    /// A value that an operation made.
    pub fn tensor(&self, value: Value, kind: Kind) -> Tensor {
        Tensor {
            value,
            kind,
            known: None,
            origin: None,
            exported: None,
        }
    }

    /// The lengths of the axes.
    pub fn shape(&self, x: &Tensor) -> Vec<usize> {
        self.builder.shape(x.value).to_vec()
    }

    /// Numbers that are known now.
    pub fn constant(&mut self, shape: &[usize], data: Vec<f64>, kind: Kind) -> Lowered {
        /// Numbers that are kept beside the trace: enough for shapes and indices.
        const KEPT: usize = 1 << 16;
        self.spend(shape)?;
        let numbers = data.iter().map(|&x| x as f32).collect();
        let value = self.builder.constant(shape, numbers)?;
        let known = (data.len() <= KEPT).then(|| Arc::new(data));
        Ok(Tensor {
            known,
            ..self.tensor(value, kind)
        })
    }

    /// Takes the memory of a value out of the budget before it is allocated.
    pub fn spend(&self, shape: &[usize]) -> Lowered<()> {
        let count = landscape_files::product(shape).unwrap_or(usize::MAX);
        Ok(self.budget.spend_each(count, 16)?)
    }

    /// Notes what a parameter is for.
    pub fn role(&mut self, x: &Tensor, role: Role) {
        if let Some(parameter) = x.origin {
            self.roles.insert(parameter, role);
        }
    }
}

/// An axis, counted from the end where it is negative.
pub(crate) fn axis(axis: i64, rank: usize) -> Lowered<usize> {
    let whole = if axis < 0 {
        axis.checked_add(rank as i64)
    } else {
        Some(axis)
    };
    match whole
        .and_then(|axis| usize::try_from(axis).ok())
        .filter(|&axis| axis < rank.max(1))
    {
        Some(axis) => Ok(axis),
        None => problem(format!("there is no axis {axis} of {rank}")),
    }
}
