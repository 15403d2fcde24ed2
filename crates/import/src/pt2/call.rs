//! What an operation is called with.

use crate::lower::{Kind, Lowered, Operand, Tensor, problem};

/// The arguments of an operation, by the names of its schema; those that are left out have the schema's default.
pub(super) struct Call {
    pub arguments: Vec<(String, Operand)>,
    /// The overload: `Tensor` of `add.Tensor`.
    pub overload: String,
    /// Where a batch norm comes from: the innermost module and the line of the network.
    pub place: String,
}

impl Call {
    /// An argument; nothing where it is left out.
    pub fn get(&self, name: &str) -> &Operand {
        let found = self.arguments.iter().find(|(own, _)| own == name);
        found.map_or(&Operand::None, |(_, operand)| operand)
    }

    /// An argument by its place, of operations whose names differ.
    pub fn at(&self, place: usize) -> &Operand {
        self.arguments
            .get(place)
            .map_or(&Operand::None, |(_, operand)| operand)
    }

    pub fn has(&self, name: &str) -> bool {
        !self.get(name).is_none()
    }

    fn named<T>(&self, name: &str, found: Lowered<T>) -> Lowered<T> {
        found.or_else(|error| problem(format!("argument `{name}`: {error}")))
    }

    pub fn tensor(&self, name: &str) -> Lowered<&Tensor> {
        self.named(name, self.get(name).tensor())
    }

    /// The first argument.
    pub fn x(&self) -> Lowered<&Tensor> {
        self.named("self", self.at(0).tensor())
    }

    pub fn optional(&self, name: &str) -> Lowered<Option<&Tensor>> {
        match self.get(name) {
            Operand::None => Ok(None),
            operand => self.named(name, operand.tensor()).map(Some),
        }
    }

    pub fn tensors(&self, name: &str) -> Lowered<Vec<Tensor>> {
        self.named(name, self.get(name).tensors())
    }

    pub fn int(&self, name: &str) -> Lowered<i64> {
        self.named(name, self.get(name).int())
    }

    pub fn int_or(&self, name: &str, other: i64) -> Lowered<i64> {
        if self.has(name) {
            self.int(name)
        } else {
            Ok(other)
        }
    }

    pub fn optional_int(&self, name: &str) -> Lowered<Option<i64>> {
        if self.has(name) {
            self.int(name).map(Some)
        } else {
            Ok(None)
        }
    }

    pub fn number(&self, name: &str) -> Lowered<f64> {
        self.named(name, self.get(name).number())
    }

    pub fn number_or(&self, name: &str, other: f64) -> Lowered<f64> {
        if self.has(name) {
            self.number(name)
        } else {
            Ok(other)
        }
    }

    pub fn bool_or(&self, name: &str, other: bool) -> Lowered<bool> {
        if self.has(name) {
            self.named(name, self.get(name).bool())
        } else {
            Ok(other)
        }
    }

    pub fn ints(&self, name: &str) -> Lowered<Vec<i64>> {
        self.named(name, self.get(name).ints())
    }

    pub fn text_or<'a>(&'a self, name: &str, other: &'a str) -> &'a str {
        match self.get(name) {
            Operand::Text(text) => text,
            _ => other,
        }
    }

    /// The kind that `dtype` asks for.
    pub fn kind_or(&self, other: Kind) -> Lowered<Kind> {
        match self.optional_int("dtype")? {
            None => Ok(other),
            Some(12) => Ok(Kind::Bool),
            Some(1..=5 | 28) => Ok(Kind::Int),
            Some(6..=8 | 13) => Ok(Kind::Float),
            Some(9..=11) => problem("complex numbers are not supported"),
            Some(_) => problem("this type of numbers is not supported"),
        }
    }
}
