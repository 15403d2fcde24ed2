//! The layer in front of a cross-entropy, with it: what is wanted of very many outputs, without a table of them.

use super::head_replay as replayed;
use super::shape::Slice;
use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples, View, work_of_products};
use crate::ir::derivation::Derivation;
use crate::ir::graph::{Node, ValueId};
use crate::kernels::head::{self, By, Change, Factor, PICKED, Second};
use crate::replay::DeviceTensor;

/// Of `z = x W + b`, `[n, .., outputs]`, and a label for each of its rows the label's log-softmax, the largest output, the logarithm of
/// the sum of all exponentials relative to it, and its place: `[n, .., 4]`. Inputs: x `[n, .., inputs]`, W `[.., inputs, outputs]`,
/// b where `bias`, labels. Made by fusion, see [`crate::passes::heads`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    /// Whether the third input is a bias.
    pub bias: bool,
}

/// The change of what a [`Head`] keeps, along changes of x, W and b. Inputs: those of the head, what it kept, and the changes
/// that are there. In the place of the logarithm stands the mean change of the outputs, which is all that derivatives need of
/// the logarithm and the largest output; that and the place have 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadTangent {
    pub head: Head,
    /// Whether x, W and b change.
    pub moved: [bool; 3],
}

/// The derivative by x, W or b of a sum of the labels' log-softmax, with a factor each. Inputs: those of the head,
/// what it kept, and the factors `[n, .., 1]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadAdjoint {
    pub head: Head,
    pub by: By,
}

/// The change of that. Inputs: those of [`HeadAdjoint`], the change of what the head kept, that of the factors where `scaled`, and those of
/// x, W and b that are there. Without `both` what the adjoint of the outputs is multiplied by stays: products with the
/// Gauss-Newton matrix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadAdjointTangent {
    pub adjoint: HeadAdjoint,
    pub moved: [bool; 3],
    /// Whether the factors change.
    pub scaled: bool,
    pub both: bool,
}

impl Head {
    /// The place of the labels among the inputs; behind it is what derivatives need more.
    fn labels(self) -> usize {
        2 + usize::from(self.bias)
    }

    /// The changes of x, W and b among those of all inputs.
    fn changes_of(self, all: &[Option<ValueId>]) -> [Option<ValueId>; 3] {
        let own = &all[..self.labels()];
        [0, 1, 2].map(|i| own.get(i).copied().flatten())
    }

    /// What stands for x, W and b among `inputs`, where some have an entry from `at` on.
    fn changes<T: Copy>(inputs: &[T], mut at: usize, moved: [bool; 3]) -> [Option<T>; 3] {
        moved.map(|moved| {
            at += usize::from(moved);
            moved.then(|| inputs[at - 1])
        })
    }

    /// The samples of inputs: data and labels have some, weights and bias have not; behind the labels all have but those of
    /// `flat`.
    fn kept(self, inputs: &[Operand], flat: impl Fn(usize) -> bool) -> bool {
        let with = |(i, input): (usize, &Operand)| {
            let wanted = i == 0 || i >= self.labels() && !flat(i);
            input.samples == wanted
        };
        inputs.iter().enumerate().all(with)
    }

    fn of<'a>(self, call: &HostCall<'a>) -> head::Head<'a> {
        let [x, w] = [call.inputs[0], call.inputs[1]];
        let rank = w.shape.len();
        let rows = x.rows();
        head::Head {
            x: x.data,
            w: w.data,
            bias: self.bias.then(|| call.inputs[2].data),
            labels: call.inputs[self.labels()].data,
            tokens: rows[..rows.len() - 1].iter().product(),
            inputs: w.shape[rank - 2],
            outputs: w.shape[rank - 1],
            lanes: if x.samples { call.lanes } else { 1 },
        }
    }

    /// The work of computing the outputs.
    fn work(inputs: &[&[usize]], shape: &[usize]) -> f64 {
        let w = inputs[1];
        let columns = shape[..shape.len() - 1].iter().product();
        work_of_products(&[columns, w[w.len() - 1]], w[w.len() - 2])
    }

    /// What `make` gives for the derivative by each of the inputs that are `wanted`, from its inputs and its shape, for a factor each of
    /// the labels' log-softmax.
    fn adjoints(
        self,
        d: &mut Derivation,
        node: &Node,
        factors: ValueId,
        wanted: &[bool],
        make: impl Fn(&mut Derivation, HeadAdjoint, Vec<ValueId>, Vec<usize>) -> ValueId,
    ) -> Vec<Option<ValueId>> {
        let by = |(i, wanted): (usize, &bool)| {
            let adjoint = HeadAdjoint {
                head: self,
                by: self.by(i)?,
            };
            let mut inputs = node.inputs.clone();
            inputs.extend([node.output, factors]);
            let shape = d.shape(node.inputs[i]);
            wanted.then(|| make(d, adjoint, inputs, shape))
        };
        wanted.iter().enumerate().map(by).collect()
    }

    /// What input `i` is.
    fn by(self, i: usize) -> Option<By> {
        match i {
            0 => Some(By::Inputs),
            1 => Some(By::Weights),
            2 if self.bias => Some(By::Bias),
            _ => None,
        }
    }

    /// The product of the Gauss-Newton matrix of a loss that `node`, a head, ends: of the Hessian of the loss by the
    /// outputs with their `changes`, and of the layer's transposed derivative with that, by the inputs that are `wanted`. `kept` is the change of what
    /// the head kept; `adjoint` the loss' derivative by that, and `bent` its change, both `[n, .., 4]`.
    pub fn gauss_newton(
        self,
        d: &mut Derivation,
        node: &Node,
        (changes, kept): (&[Option<ValueId>], ValueId),
        (adjoint, bent): (ValueId, Option<ValueId>),
        wanted: &[bool],
    ) -> Vec<Option<ValueId>> {
        let factors = column(d, adjoint, PICKED);
        let bent = bent.map(|bent| column(d, bent, PICKED));
        self.adjoints(d, node, factors, wanted, |d, adjoint, inputs, shape| {
            adjoint.changed(d, inputs, (changes, kept, bent), false, shape)
        })
    }
}

/// One of the numbers that are kept, `[n, .., 1]`.
fn column(d: &mut Derivation, kept: ValueId, place: usize) -> ValueId {
    let mut shape = d.shape(kept);
    let last = shape.len() - 1;
    let mut ranges = vec![(0, 1); shape.len()];
    (shape[last], ranges[last].0) = (1, place);
    d.push(Slice { ranges }, &[kept], shape)
}

impl HeadAdjoint {
    /// Its change, for `inputs` as this has them, along those of the head's first inputs, of what it kept and of the factors.
    fn changed(
        self,
        d: &mut Derivation,
        mut inputs: Vec<ValueId>,
        (changes, kept, scale): (&[Option<ValueId>], ValueId, Option<ValueId>),
        both: bool,
        shape: Vec<usize>,
    ) -> ValueId {
        let changes = self.head.changes_of(changes);
        let tangent = HeadAdjointTangent {
            adjoint: self,
            moved: changes.map(|change| change.is_some()),
            scaled: scale.is_some(),
            both,
        };
        inputs.push(kept);
        inputs.extend(scale);
        inputs.extend(changes.into_iter().flatten());
        d.push(tangent, &inputs, shape)
    }
}

/// What happens to the samples where the inputs have them as they should.
fn samples(kept: bool, by: By) -> Samples {
    match (kept, by) {
        (false, _) => Samples::Mixed,
        (true, By::Inputs) => Samples::Kept,
        (true, By::Weights | By::Bias) => Samples::Summed,
    }
}

/// Sums over samples are added to what there is; others begin at 0.
fn begin(samples: bool, out: &mut [f32]) {
    if !samples {
        out.fill(0.0);
    }
}

fn change<'a>([x, w, bias]: [Option<View<'a>>; 3]) -> Change<'a> {
    let data = |view: View<'a>| view.data;
    Change {
        x: x.map(data),
        w: w.map(data),
        bias: bias.map(data),
    }
}

impl Operation for Head {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        samples(self.kept(inputs, |_| false), By::Inputs)
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    fn work(&self, inputs: &[&[usize]], shape: &[usize]) -> f64 {
        Self::work(inputs, shape)
    }

    fn host(&self, call: HostCall) {
        self.of(&call).classify(call.level, call.out);
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        replayed::Head::new(call.inputs, self.bias).kept()
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        let changes = self.changes_of(tangents);
        let tangent = HeadTangent {
            head: *self,
            moved: changes.map(|change| change.is_some()),
        };
        let mut inputs = node.inputs.clone();
        inputs.push(node.output);
        inputs.extend(changes.into_iter().flatten());
        let shape = d.shape(node.output);
        Some(d.push(tangent, &inputs, shape))
    }

    fn adjoint(
        &self,
        d: &mut Derivation,
        node: &Node,
        adjoint: ValueId,
        wanted: &[bool],
    ) -> Vec<Option<ValueId>> {
        let factors = column(d, adjoint, PICKED);
        self.adjoints(d, node, factors, wanted, |d, adjoint, inputs, shape| {
            d.push(adjoint, &inputs, shape)
        })
    }
}

impl Operation for HeadTangent {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        let first = self.head.labels() + 2 + usize::from(self.moved[0]);
        samples(self.head.kept(inputs, |i| i >= first), By::Inputs)
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    fn work(&self, inputs: &[&[usize]], shape: &[usize]) -> f64 {
        3.0 * Head::work(inputs, shape)
    }

    fn host(&self, call: HostCall) {
        let kept = self.head.labels() + 1;
        let moved = Head::changes(call.inputs, kept + 1, self.moved);
        let head = self.head.of(&call);
        head.change(call.level, call.inputs[kept].data, change(moved), call.out);
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let kept = self.head.labels() + 1;
        let moved = Head::changes(&indices(call.inputs), kept + 1, self.moved);
        let moved = moved.map(|at| at.map(|at| call.inputs[at].clone()));
        replayed::Head::new(call.inputs, self.head.bias).change(&call.inputs[kept], moved)
    }
}

/// The places of inputs.
fn indices(inputs: &[DeviceTensor]) -> Vec<usize> {
    (0..inputs.len()).collect()
}

impl Operation for HeadAdjoint {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        samples(self.head.kept(inputs, |_| false), self.by)
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    fn host(&self, call: HostCall) {
        let kept = self.head.labels() + 1;
        let factor = Factor {
            kept: call.inputs[kept].data,
            scale: call.inputs[kept + 1].data,
        };
        let head = self.head.of(&call);
        begin(call.samples, call.out);
        head.adjoint(call.level, self.by, (factor, None), call.out);
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let kept = self.head.labels() + 1;
        let head = replayed::Head::new(call.inputs, self.head.bias);
        let adjoint = head.adjoint(&call.inputs[kept], &call.inputs[kept + 1]);
        head.product(self.by, adjoint, None, call.shape)
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        let kept = self.head.labels() + 1;
        let shape = d.shape(node.output);
        match tangents[kept] {
            Some(moved) => {
                let changes = (tangents, moved, tangents[kept + 1]);
                Some(self.changed(d, node.inputs.clone(), changes, true, shape))
            }
            None => {
                // Only the factors change.
                let mut inputs = node.inputs.clone();
                inputs[kept + 1] = tangents[kept + 1]?;
                Some(d.push(*self, &inputs, shape))
            }
        }
    }
}

impl HeadAdjointTangent {
    /// Places of the change of what was kept, of that of the factors, and of the first of the others.
    fn places(&self) -> [usize; 3] {
        let kept = self.adjoint.head.labels() + 3;
        [kept, kept + 1, kept + 1 + usize::from(self.scaled)]
    }
}

impl Operation for HeadAdjointTangent {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        let first = self.places()[2] + usize::from(self.moved[0]);
        let kept = self.adjoint.head.kept(inputs, |i| i >= first);
        samples(kept, self.adjoint.by)
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    fn host(&self, call: HostCall) {
        let [kept, scale, first] = self.places();
        let data = |i: usize| call.inputs[i].data;
        let factor = Factor {
            kept: data(kept - 2),
            scale: data(kept - 1),
        };
        let second = Second {
            change: change(Head::changes(call.inputs, first, self.moved)),
            kept: data(kept),
            scale: self.scaled.then(|| data(scale)),
            both: self.both,
        };
        let head = self.adjoint.head.of(&call);
        begin(call.samples, call.out);
        head.adjoint(
            call.level,
            self.adjoint.by,
            (factor, Some(second)),
            call.out,
        );
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let [kept, scale, first] = self.places();
        let input = |i: usize| &call.inputs[i];
        let head = replayed::Head::new(call.inputs, self.adjoint.head.bias);
        let moved = Head::changes(&indices(call.inputs), first, self.moved);
        let moved = moved.map(|at| at.map(|at| input(at).clone()));
        let factor = (input(kept - 2), input(kept - 1));
        let scale = self.scaled.then(|| input(scale));
        let changed = head.adjoint_change(factor, (input(kept), scale), moved.clone());
        let by = self.adjoint.by;
        let sum = head.product(by, changed, None, call.shape);
        let [x, w, _] = moved;
        let other = match by {
            By::Inputs => w,
            By::Weights => x,
            By::Bias => None,
        };
        match other.filter(|_| self.both) {
            Some(other) => {
                let adjoint = head.adjoint(factor.0, factor.1);
                replayed::add(sum, head.product(by, adjoint, Some(other), call.shape))
            }
            None => sum,
        }
    }
}
