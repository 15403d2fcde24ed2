//! Chains of functions of one number.
//!
//! What is computed from one value element by element, such as an activation that is written out (`x Phi(x)`, `x tanh(..)`) or
//! the derivative of one, is a function `v = f(root)` of that value alone. Its tangent is then `f'(root)` times the tangent of the
//! root, and its adjoint adds `f'(root)` times itself to that of the root, however long the chain is: the slopes `f'(root)`
//! depend on the point alone, and are computed once for all vectors of a product.

use crate::ir::derivation::{Derivation, Factor};
use crate::ir::graph::{Node, ValueId};
use crate::ops::binary::Binary;
use crate::ops::unary::Unary;
use crate::passes::fuse::is;
use std::collections::HashMap;

/// The chains among some nodes of a graph.
#[derive(Default)]
pub(super) struct Chains {
    links: HashMap<ValueId, Link>,
}

/// A value that is a function of its root.
struct Link {
    root: ValueId,
    /// Whether the rules of operations would take more than one product.
    long: bool,
    step: Step,
    slope: Option<Slope>,
}

/// How a value follows from others of its chain.
#[derive(Clone, Copy)]
enum Step {
    /// A function with that derivative.
    Function(ValueId, Slope),
    /// A function of two values, which move where they are there; the output.
    Arithmetic(Binary, [ValueId; 2], [bool; 2], ValueId),
}

/// A derivative of one value with respect to another, element by element.
#[derive(Clone, Copy)]
pub(super) enum Slope {
    Number(f64),
    Value(ValueId),
}

impl Chains {
    /// Notes whether `node` continues a chain; `moves` says which values are not the same for all vectors.
    pub fn follow(&mut self, d: &mut Derivation, node: &Node, moves: impl Fn(ValueId) -> bool) {
        let found = match (is::<Unary>(node), is::<Binary>(node)) {
            (Some(function), _) => self.function(d, node, function),
            (_, Some(binary)) => self.arithmetic(d, node, binary, moves),
            _ => None,
        };
        if let Some(link) = found {
            self.links.insert(node.output, link);
        }
    }

    fn root(&self, value: ValueId) -> ValueId {
        self.links.get(&value).map_or(value, |link| link.root)
    }

    fn function(&self, d: &mut Derivation, node: &Node, function: Unary) -> Option<Link> {
        let x = node.inputs[0];
        let slope = match function.derivative(d, x, node.output) {
            Factor::Zero => Slope::Number(0.0),
            Factor::Number(c) => Slope::Number(c),
            Factor::Value(value) => Slope::Value(value),
            // Where these are 0, what they are multiplied with need not be a number.
            Factor::Positive(_) | Factor::Inside { .. } => return None,
        };
        Some(Link {
            root: self.root(x),
            long: self.links.contains_key(&x),
            step: Step::Function(x, slope),
            slope: None,
        })
    }

    fn arithmetic(
        &self,
        d: &Derivation,
        node: &Node,
        binary: Binary,
        moves: impl Fn(ValueId) -> bool,
    ) -> Option<Link> {
        let inputs = [node.inputs[0], node.inputs[1]];
        let known = [Binary::Add, Binary::Sub, Binary::Mul, Binary::Div];
        let moving = inputs.map(&moves);
        let mut own = { inputs.iter().zip(moving) }.filter_map(|(&v, moves)| moves.then_some(v));
        let whole = |v: ValueId| {
            let shape = |v: ValueId| &d.graph.values[v].shape;
            shape(v) == shape(node.output) && d.samples[v] == d.samples[node.output]
        };
        let first = own.next()?;
        let root = self.root(first);
        let same = own.all(|v| self.root(v) == root);
        let all = { inputs.iter().zip(moving) }.all(|(&v, moves)| !moves || whole(v));
        (known.contains(&binary) && same && all).then(|| Link {
            root,
            long: moving == [true; 2] || self.links.contains_key(&first),
            step: Step::Arithmetic(binary, inputs, moving, node.output),
            slope: None,
        })
    }

    /// The root of a value, and the derivative with respect to it, where that is less than the operations' own rules.
    pub fn slope(&mut self, d: &mut Derivation, value: ValueId) -> Option<(ValueId, Slope)> {
        let link = self.links.get(&value).filter(|link| link.long)?;
        let root = link.root;
        // Inputs have lower places in the order of the nodes, and are known before what follows from them.
        let mut open = vec![value];
        while let Some(&next) = open.last() {
            let needed: Vec<ValueId> = self.inputs(next).filter(|v| self.unknown(*v)).collect();
            if needed.is_empty() {
                self.close(d, next);
                open.pop();
            }
            open.extend(needed);
        }
        Some((root, self.known(value)))
    }

    fn unknown(&self, value: ValueId) -> bool {
        let link = self.links.get(&value);
        link.is_some_and(|link| link.slope.is_none())
    }

    /// The values of the chain that one follows from.
    fn inputs(&self, value: ValueId) -> impl Iterator<Item = ValueId> + use<> {
        let inputs = match self.links[&value].step {
            Step::Function(x, _) => [Some(x), None],
            Step::Arithmetic(_, [a, b], [left, right], _) => {
                [left.then_some(a), right.then_some(b)]
            }
        };
        inputs.into_iter().flatten()
    }

    /// The slope of a value, 1 for a root.
    fn known(&self, value: ValueId) -> Slope {
        let slope = self.links.get(&value).and_then(|link| link.slope);
        slope.unwrap_or(Slope::Number(1.0))
    }

    fn close(&mut self, d: &mut Derivation, value: ValueId) {
        let slope = match self.links[&value].step {
            Step::Function(x, factor) => self.known(x).times(d, factor),
            Step::Arithmetic(binary, [a, b], moving, y) => {
                let [left, right] = [(a, moving[0]), (b, moving[1])];
                let slope = |(v, moves): (ValueId, bool)| moves.then(|| self.known(v));
                let [left, right] = [slope(left), slope(right)];
                let slopes = match binary {
                    Binary::Add => [left, right],
                    Binary::Sub => [left, right.map(|s| s.times(d, Slope::Number(-1.0)))],
                    Binary::Mul => [
                        left.map(|s| s.times(d, Slope::Value(b))),
                        right.map(|s| s.times(d, Slope::Value(a))),
                    ],
                    _ => {
                        let recip = Slope::Value(d.unary(Unary::Recip, b));
                        let left = left.map(|s| s.times(d, recip));
                        let less = |s: Slope| {
                            let product = s.times(d, Slope::Value(y)).times(d, recip);
                            product.times(d, Slope::Number(-1.0))
                        };
                        [left, right.map(less)]
                    }
                };
                let mut slopes = slopes.into_iter().flatten();
                let first = slopes.next().unwrap_or(Slope::Number(0.0));
                slopes.fold(first, |sum, slope| sum.plus(d, slope))
            }
        };
        if let Some(link) = self.links.get_mut(&value) {
            link.slope = Some(slope);
        }
    }
}

impl Slope {
    fn times(self, d: &mut Derivation, other: Slope) -> Slope {
        match (self, other) {
            (Slope::Number(a), Slope::Number(b)) => Slope::Number(a * b),
            (Slope::Number(c), Slope::Value(v)) | (Slope::Value(v), Slope::Number(c)) => match c {
                1.0 => Slope::Value(v),
                0.0 => Slope::Number(0.0),
                _ => Slope::Value(d.unary(Unary::MulScalar(c), v)),
            },
            (Slope::Value(a), Slope::Value(b)) => Slope::Value(d.mul(a, b)),
        }
    }

    fn plus(self, d: &mut Derivation, other: Slope) -> Slope {
        match (self, other) {
            (Slope::Number(a), Slope::Number(b)) => Slope::Number(a + b),
            (Slope::Number(c), Slope::Value(v)) | (Slope::Value(v), Slope::Number(c)) => match c {
                0.0 => Slope::Value(v),
                _ => Slope::Value(d.unary(Unary::AddScalar(c), v)),
            },
            (Slope::Value(a), Slope::Value(b)) if a == b => {
                Slope::Value(d.unary(Unary::MulScalar(2.0), a))
            }
            (Slope::Value(a), Slope::Value(b)) => Slope::Value(d.add(a, b)),
        }
    }

    /// The slope as the derivative of a function.
    pub fn factor(self) -> Factor {
        match self {
            Slope::Number(0.0) => Factor::Zero,
            Slope::Number(c) => Factor::Number(c),
            Slope::Value(value) => Factor::Value(value),
        }
    }
}
