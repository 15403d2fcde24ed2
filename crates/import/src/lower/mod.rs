//! Operations of files as those of `landscape-trace`, each written once for all formats.
//!
//! A [`Lowering`] builds one trace. Its functions take and give [`Tensor`]s, whose shapes are known; numbers that say how (axes,
//! sizes, strides) are plain Rust values. Negative axes count from the end, as in NumPy.

mod attention;
mod choices;
mod constants;
mod dropout;
mod elementwise;
mod images;
mod known;
mod layers;
mod operand;
mod origin;
mod parts;
mod pools;
mod products;
mod readings;
mod recurrent;
mod reductions;
mod resize;
mod shapes;

pub(crate) use attention::Attention;
pub(crate) use dropout::Dropped;
pub(crate) use images::Conv;
pub(crate) use operand::{Kind, Operand, Tensor};
pub(crate) use origin::Origin;
pub(crate) use parts::Border;
pub(crate) use pools::Pool;
pub(crate) use readings::Readings;
pub(crate) use recurrent::{Cell, Recurrent};
pub(crate) use reductions::Running;
pub(crate) use resize::{Interpolation, Places, Resize, Rounding};

use landscape_core::{FilterAxes, Role};
use landscape_files::{Budget, TooLarge};
use landscape_trace::{TraceBuilder, TraceError, Value};
use std::collections::HashMap;

/// Why an operation is not lowered; the reader says which, and where in its file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LowerError {
    /// It can't be computed as it is used: what is wrong, and the remedy.
    #[error("{0}")]
    Problem(String),
    /// The file was made for another number of samples, and holds it where it can't be changed.
    #[error("{0}")]
    Burnt(String),
    /// An operation that is not known.
    #[error("it is not supported")]
    Missing,
    /// The same, of an operation of the file.
    #[error("{operation}: {error}")]
    Operation {
        operation: String,
        place: String,
        error: Box<LowerError>,
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

/// A trace that is built of the operations of a file.
pub(crate) struct Lowering {
    pub builder: TraceBuilder,
    /// The samples of this trace.
    pub samples: usize,
    /// The samples that the file was made for, where they are fixed and others than these.
    pub exported: Option<usize>,
    /// Whether dropout drops.
    pub training: bool,
    /// What the parameters are for, as far as operations said so.
    pub roles: HashMap<usize, Role>,
    /// Which of their axes count filters, where operations said so.
    pub filters: HashMap<usize, FilterAxes>,
    /// How shapes are read that an export of one sample leaves open.
    pub readings: Readings,
    budget: Budget,
}

impl Lowering {
    /// For that many samples. What is made beyond the data comes out of the budget.
    pub fn new(samples: usize, exported: Option<usize>, budget: Budget) -> Self {
        Self {
            builder: TraceBuilder::new(samples),
            samples,
            exported: exported.filter(|&n| n != samples),
            training: false,
            roles: HashMap::new(),
            filters: HashMap::new(),
            readings: Readings::default(),
            budget,
        }
    }

    /// A value that an operation made.
    pub fn tensor(&self, value: Value, kind: Kind) -> Tensor {
        Tensor::new(value, kind)
    }

    /// The lengths of the axes; none for a single number.
    pub fn shape(&self, x: &Tensor) -> Vec<usize> {
        match x.scalar {
            true => Vec::new(),
            false => self.builder.shape(x.value).to_vec(),
        }
    }

    /// The number of axes.
    pub fn rank(&self, x: &Tensor) -> usize {
        self.shape(x).len()
    }

    /// The number of elements.
    pub fn count(&self, x: &Tensor) -> usize {
        self.builder.shape(x.value).iter().product()
    }

    /// Takes the memory of a value out of the budget before it is allocated.
    pub fn spend(&self, shape: &[usize]) -> Lowered<()> {
        let count = landscape_files::product(shape).unwrap_or(usize::MAX);
        Ok(self.budget.spend_each(count, 16)?)
    }

    /// Takes the memory of so many operations out of the budget, for those that become more the larger a value is.
    pub fn spend_steps(&self, count: usize) -> Lowered<()> {
        self.spend(&[count, 128])
    }

    /// Notes what a parameter is for; the first use says it.
    pub fn role(&mut self, x: &Tensor, role: Role) {
        if let Some(origin) = &x.origin {
            self.roles.entry(origin.parameter).or_insert(role);
        }
    }

    /// Notes which axis of weights counts the units that an operation makes of them, as it sums over other axes, in so many groups; the
    /// first use says it.
    pub fn filters(&mut self, x: &Tensor, units: usize, summed: &[usize], groups: usize) {
        if let Some(origin) = &x.origin
            && let Some(axes) = origin.filters(units, summed, groups)
        {
            self.filters.entry(origin.parameter).or_insert(axes);
        }
    }
}

/// An axis, counted from the end where it is negative. A single number has one for this purpose.
pub(crate) fn axis(axis: i64, rank: usize) -> Lowered<usize> {
    let rank = rank.max(1);
    let whole = match axis < 0 {
        true => axis.checked_add(rank as i64),
        false => Some(axis),
    };
    let whole = whole.and_then(|axis| usize::try_from(axis).ok());
    match whole.filter(|&axis| axis < rank) {
        Some(axis) => Ok(axis),
        None => problem(format!("there is no axis {axis} of {rank}")),
    }
}

/// Axes, each once, in order; all where none is given.
pub(crate) fn axes(given: &[i64], rank: usize) -> Lowered<Vec<usize>> {
    let mut all: Vec<usize> = match given.is_empty() {
        true => (0..rank.max(1)).collect(),
        false => given
            .iter()
            .map(|&a| axis(a, rank))
            .collect::<Lowered<_>>()?,
    };
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// A size that is not negative.
pub(crate) fn size(number: i64) -> Lowered<usize> {
    match usize::try_from(number) {
        Ok(size) => Ok(size),
        Err(_) => problem(format!("{number} is not a size")),
    }
}
