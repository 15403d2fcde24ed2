//! The adjoints of a convolution's input and weights.

use super::conv::Conv2d;
use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples, work_of_products};
use crate::ir::batching::{Batching, Placed};
use crate::ir::derivation::Derivation;
use crate::ir::graph::{Node, ValueId};
use crate::ir::ties::{Port, Ties};
use crate::kernels::conv::Window;
use crate::kernels::conv_input::{ConvInput, flip_weights};
use crate::kernels::conv_weight::ConvWeight;
use crate::replay::{self, DeviceTensor, Replay};
use burn_backend::ops::{ConvOptions, FloatTensorOps, ModuleOps};

/// The adjoint of the input `x` of a convolution with weights `w`, from that of its output.
pub(super) fn input_adjoint(
    d: &mut Derivation,
    conv: Conv2d,
    x: ValueId,
    w: ValueId,
    adjoint: ValueId,
) -> ValueId {
    let (image, weights) = (d.shape(x), d.shape(w));
    let reach = [0, 1].map(|i| conv.dilation[i] * (weights[2 + i] - 1));
    let inside = (0..2).all(|i| conv.padding[i].0.max(conv.padding[i].1) <= reach[i]);
    if conv.stride != [1, 1] || !inside {
        return d.push(ConvInputs { conv }, &[adjoint, w], image);
    }
    // With stride 1 it is a convolution with the weights turned round.
    let outputs = weights[0] / conv.groups;
    let groups = conv.groups;
    let shape = vec![image[1], outputs, weights[2], weights[3]];
    let turned = d.push(FlipWeights { groups }, &[w], shape);
    let padding = [0, 1].map(|i| (reach[i] - conv.padding[i].0, reach[i] - conv.padding[i].1));
    d.push(Conv2d { padding, ..conv }, &[adjoint, turned], image)
}

/// `[outputs, channels / groups, h, w]` as `[channels, outputs / groups, h, w]`, every kernel turned by 180
/// degrees. Input: w.
#[derive(Clone, Copy, Debug)]
pub(super) struct FlipWeights {
    pub groups: usize,
}

/// `dx[.., c, iy, ix] = sum w[o, c, i, j] l[.., o, y, x]` over all `o, i, j, y, x` where the weight meets that
/// input: the adjoint of a convolution's input, and the transposed convolution. Inputs: l and w.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConvInputs {
    pub conv: Conv2d,
}

/// `dw[o, c, i, j] = sum l[.., o, y, x] x[.., c, y s + i d - p, ..]` over samples and pixels. Inputs: x and l.
/// Made by derivatives.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConvWeights {
    pub conv: Conv2d,
}

fn options(conv: &Conv2d) -> ConvOptions<2> {
    ConvOptions {
        stride: conv.stride,
        padding: conv.padding,
        dilation: conv.dilation,
        groups: conv.groups,
    }
}

impl Operation for FlipWeights {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn samples(&self, _: &[Operand], _: &[usize]) -> Samples {
        Samples::Mixed
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::Linear
    }

    fn units(&self, ties: &mut Ties) {
        let (w, out) = (Port::Input(0), Port::Output);
        for (from, to) in [(0, 1), (1, 0)] {
            match self.groups {
                1 => ties.tie((w, from), (out, to)),
                _ => [(w, from), (out, to)]
                    .into_iter()
                    .for_each(|(port, axis)| ties.pin(port, axis)),
            }
        }
        for axis in [2, 3] {
            ties.pin(w, axis);
            ties.pin(out, axis);
        }
    }

    fn host(&self, call: HostCall) {
        let w = call.inputs[0];
        let kernel = [w.shape[2], w.shape[3]];
        flip_weights(
            w.data,
            w.shape[0],
            w.shape[1],
            self.groups,
            kernel,
            call.out,
        );
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let w = Replay::float_flip(call.inputs[0].clone(), &[3, 4]);
        let dims = replay::dims(&w);
        let (points, groups) = (dims[0], self.groups);
        let (outputs, depth) = (dims[1] / groups, dims[2]);
        let parts = [points, groups, outputs, depth, dims[3], dims[4]];
        let turned = Replay::float_swap_dims(replay::reshape(w, &parts), 2, 3);
        let mut shape = vec![points];
        shape.extend_from_slice(call.shape);
        replay::reshape(turned, &shape)
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        d.multilinear(self, node, tangents, &[0])
    }

    fn adjoint(
        &self,
        d: &mut Derivation,
        _: &Node,
        adjoint: ValueId,
        _: &[bool],
    ) -> Vec<Option<ValueId>> {
        let shape = d.shape(adjoint);
        let own = vec![
            shape[1] * self.groups,
            shape[0] / self.groups,
            shape[2],
            shape[3],
        ];
        vec![Some(d.push(*self, &[adjoint], own))]
    }
}

impl Operation for ConvInputs {
    fn name(&self) -> &'static str {
        "conv_transpose2d"
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        match inputs[0].samples && !inputs[1].samples {
            true => Samples::Kept,
            false => Samples::Mixed,
        }
    }

    fn batched(&self, b: &mut Batching, inputs: &[Placed], shape: &[usize]) -> Option<Placed> {
        let grouped = |rows| Self {
            conv: Conv2d {
                groups: rows * self.conv.groups,
                ..self.conv
            },
        };
        b.side_by_side(inputs, shape, grouped)
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    fn is_product(&self) -> bool {
        true
    }

    fn work(&self, inputs: &[&[usize]], _: &[usize]) -> f64 {
        work_of_products(inputs[0], inputs[1][1..].iter().product())
    }

    fn units(&self, ties: &mut Ties) {
        let (l, w, out) = (Port::Input(0), Port::Input(1), Port::Output);
        ties.tie((l, 0), (out, 0));
        if self.conv.groups == 1 {
            ties.contract((l, 1), (w, 0));
            ties.tie((w, 1), (out, 1));
        } else {
            [(l, 1), (w, 0), (w, 1), (out, 1)]
                .into_iter()
                .for_each(|(port, axis)| ties.pin(port, axis));
        }
        for axis in [2, 3] {
            for port in [l, w, out] {
                ties.pin(port, axis);
            }
        }
    }

    fn host(&self, call: HostCall) {
        let [l, w] = [call.inputs[0], call.inputs[1]];
        let window = self.conv.window(call.shape, w.shape, l.shape);
        if call.samples {
            let kernel = ConvInput {
                window,
                lambda: l.data,
                w: w.data,
                dx: call.out,
                lanes: call.lanes,
            };
            return kernel.run(call.level);
        }
        call.out.fill(0.0);
        each_product(&window, l.shape[0], |output, weight, input| {
            call.out[input] += w.data[weight] * l.data[output];
        });
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let inputs = [Some(call.inputs[0].clone()), Some(call.inputs[1].clone())];
        replay::each_point(&inputs, |[l, w]| {
            let (l, w) = (l.expect("adjoints"), w.expect("weights"));
            let mut shape = call.shape.to_vec();
            shape[0] = replay::dims(&l)[0];
            // Only the shape of the input matters.
            let x = replay::zeros_like(&l, &shape);
            Replay::conv2d_x_backward(x, w, l, options(&self.conv))
        })
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        d.multilinear(self, node, tangents, &[0, 1])
    }

    fn adjoint(
        &self,
        d: &mut Derivation,
        node: &Node,
        adjoint: ValueId,
        wanted: &[bool],
    ) -> Vec<Option<ValueId>> {
        let [l, w] = [node.inputs[0], node.inputs[1]];
        let (image, weights) = (d.shape(l), d.shape(w));
        let moved = wanted[0].then(|| d.push(self.conv, &[adjoint, w], image));
        let conv = ConvWeights { conv: self.conv };
        let weight = wanted[1].then(|| d.push(conv, &[adjoint, l], weights));
        vec![moved, weight]
    }
}

impl Operation for ConvWeights {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        match inputs.iter().all(|i| i.samples) {
            true => Samples::Summed,
            false => Samples::Mixed,
        }
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    fn is_product(&self) -> bool {
        true
    }

    fn host(&self, call: HostCall) {
        let [x, l] = [call.inputs[0], call.inputs[1]];
        let window = self.conv.window(x.shape, call.shape, l.shape);
        if x.samples {
            let kernel = ConvWeight {
                window,
                x: x.data,
                lambda: l.data,
                dw: call.out,
                lanes: call.lanes,
            };
            return kernel.run(call.level);
        }
        call.out.fill(0.0);
        each_product(&window, l.shape[0], |output, weight, input| {
            call.out[weight] += x.data[input] * l.data[output];
        });
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let inputs = [Some(call.inputs[0].clone()), Some(call.inputs[1].clone())];
        replay::each_point(&inputs, |[x, l]| {
            let (x, l) = (x.expect("inputs"), l.expect("adjoints"));
            // Only the shape of the weights matters.
            let w = replay::zeros_like(&x, call.shape);
            Replay::conv2d_weight_backward(x, w, l, options(&self.conv))
        })
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        d.multilinear(self, node, tangents, &[0, 1])
    }
}

/// Calls `f` with the indices of output, weight and input of every product of a convolution of `images`
/// images: the definition, for values whose samples are not in lanes.
fn each_product(window: &Window, images: usize, mut f: impl FnMut(usize, usize, usize)) {
    let [height, width] = window.out_size;
    let own = window.outputs / window.groups;
    let pixels = window.size[0] * window.size[1];
    for (n, o, c) in triples(images, window.outputs, window.depth()) {
        let channel = (n * window.channels + o / own * window.depth() + c) * pixels;
        let weights = (o * window.depth() + c) * window.kernel[0] * window.kernel[1];
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            let output = ((n * window.outputs + o) * height + y) * width + x;
            for i in window.valid(0, y) {
                let row = channel + window.input(0, y, i) * window.size[1];
                for j in window.valid(1, x) {
                    let weight = weights + i * window.kernel[1] + j;
                    f(output, weight, row + window.input(1, x, j));
                }
            }
        }
    }
}

fn triples(a: usize, b: usize, c: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..a * b * c).map(move |i| (i / c / b, i / c % b, i % c))
}
