//! Two-dimensional convolution, with bias, residual and ReLU.

use super::conv_gradient::{self, ConvWeights};
use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples, work_of_products};
use crate::ir::batching::{Batching, Placed};
use crate::ir::derivation::Derivation;
use crate::ir::graph::{Node, ValueId};
use crate::ir::ties::{Port, Ties};
use crate::kernels::conv::{Conv, Finish, Window};
use crate::kernels::winograd::{self, Winograd};
use crate::replay::{self, DeviceTensor, Replay};
use burn_backend::ops::{ActivationOps, ConvOptions, FloatTensorOps, ModuleOps};

/// Products an output below which a first layer is cheaper to compute at every point than to keep
/// as an affine value: reading its coefficients (12 bytes and more for each output) from memory
/// takes longer than the products.
const WORTH: usize = 64;

/// `act(conv(x, w) + b + r)`; inputs: x `[n, channels, height, width]`, w `[outputs, channels /
/// groups, kernel height, kernel width]`, then the bias `[outputs]` and the residual, where there
/// are such. Residual and ReLU come from fusion, see [`crate::passes::fuse`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conv2d {
    pub stride: [usize; 2],
    /// Before the first and after the last row; the same for columns.
    pub padding: [(usize, usize); 2],
    pub dilation: [usize; 2],
    pub groups: usize,
    pub bias: bool,
    pub residual: bool,
    pub relu: bool,
    /// Whether w comes from [`TransformWeights`].
    pub transformed: bool,
}

/// The weights of a 3x3 convolution for [`Winograd`]: `[36, channels, outputs]`. Input: w.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TransformWeights;

impl Conv2d {
    /// The geometry, from the shapes of x, w and the output.
    pub fn window(&self, x: &[usize], w: &[usize], out: &[usize]) -> Window {
        let kernel = match self.transformed {
            true => [3, 3],
            false => [w[2], w[3]],
        };
        Window {
            channels: x[1],
            size: [x[2], x[3]],
            outputs: out[1],
            out_size: [out[2], out[3]],
            kernel,
            stride: self.stride,
            padding: [self.padding[0].0, self.padding[1].0],
            dilation: self.dilation,
            groups: self.groups,
        }
    }

    fn residual_at(&self) -> usize {
        2 + usize::from(self.bias)
    }
}

impl Operation for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        let residual = !self.residual || inputs[self.residual_at()].samples;
        let weights = inputs[1..self.residual_at()].iter().any(|i| i.samples);
        match inputs[0].samples && residual && !weights {
            true => Samples::Kept,
            false => Samples::Mixed,
        }
    }

    fn batched(&self, b: &mut Batching, inputs: &[Placed], shape: &[usize]) -> Option<Placed> {
        let grouped = |rows| Self {
            groups: rows * self.groups,
            ..*self
        };
        b.side_by_side(inputs, shape, grouped)
    }

    fn linearity(&self, inputs: &[Operand]) -> Linearity {
        let products = inputs[1].shape[1..].iter().product::<usize>();
        let one = inputs[0].varies != inputs[1].varies;
        match inputs.len() == 2 && !self.relu && one && products >= WORTH {
            true => Linearity::Linear,
            false => Linearity::None,
        }
    }

    fn is_product(&self) -> bool {
        true
    }

    fn work(&self, inputs: &[&[usize]], shape: &[usize]) -> f64 {
        let terms = inputs[1][1..].iter().product();
        match self.transformed {
            // 36 products for 16 outputs.
            true => work_of_products(shape, inputs[0][1]) * winograd::PRODUCTS as f64 / 16.0,
            false => work_of_products(shape, terms),
        }
    }

    fn units(&self, ties: &mut Ties) {
        let (x, w, out) = (Port::Input(0), Port::Input(1), Port::Output);
        ties.tie((x, 0), (out, 0));
        ties.tie((w, 0), (out, 1));
        if self.bias {
            ties.tie((Port::Input(2), 0), (out, 1));
        }
        if self.residual {
            ties.align(Port::Input(self.residual_at()));
        }
        match (self.groups, ties.shape(x)[1]) {
            (1, _) => ties.contract((x, 1), (w, 1)),
            // Channel by channel.
            (groups, channels) if groups == channels && channels == ties.shape(out)[1] => {
                ties.tie((x, 1), (out, 1));
            }
            _ => {
                for port in [x, w, out] {
                    ties.pin(port, 1);
                }
            }
        }
        for axis in [2, 3] {
            for port in [x, w, out] {
                ties.pin(port, axis);
            }
        }
    }

    fn host(&self, call: HostCall) {
        let [x, w] = [call.inputs[0], call.inputs[1]];
        let finish = Finish {
            bias: self.bias.then(|| call.inputs[2].data),
            residual: self.residual.then(|| call.inputs[self.residual_at()].data),
            relu: self.relu,
        };
        let window = self.window(x.shape, w.shape, call.shape);
        if self.transformed {
            let conv = Winograd {
                window,
                x: x.data,
                w: w.data,
                finish,
                out: call.out,
                lanes: call.lanes,
            };
            conv.run(call.level);
        } else if call.samples {
            let conv = Conv {
                window,
                x: x.data,
                w: w.data,
                finish,
                out: call.out,
                lanes: call.lanes,
            };
            conv.run(call.level);
        } else {
            plain(&window, x.data, w.data, finish, call.out);
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let bias = self.bias.then(|| call.inputs[2].clone());
        let (x, w) = (call.inputs[0].clone(), call.inputs[1].clone());
        let options = ConvOptions {
            stride: self.stride,
            padding: self.padding,
            dilation: self.dilation,
            groups: self.groups,
        };
        let points = [Some(&w), bias.as_ref()];
        let points = points.into_iter().flatten().map(|t| replay::dims(t)[0]);
        let mut out = if points.max() == Some(1) {
            let own = replay::dims(&x)[0];
            let bias = bias.map(replay::first);
            let out = Replay::conv2d(replay::join(x), replay::first(w), bias, options);
            replay::split(out, own)
        } else {
            replay::each_point(&[Some(x), Some(w), bias], |[x, w, bias]| {
                let (x, w) = (x.expect("an input"), w.expect("weights"));
                Replay::conv2d(x, w, bias, options.clone())
            })
        };
        if self.residual {
            out = Replay::float_add(out, call.inputs[self.residual_at()].clone());
        }
        if self.relu { Replay::relu(out) } else { out }
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        let [x, w] = [node.inputs[0], node.inputs[1]];
        let shape = d.shape(node.output);
        let mut sum = match self.residual {
            true => tangents[self.residual_at()],
            false => None,
        };
        let bias = if self.bias { tangents[2] } else { None };
        if let (None, Some(bias)) = (tangents[1], bias) {
            let bias = d.reshape(bias, &[1, shape[1], 1, 1]);
            let bias = d.spread(bias, node.output, 1.0);
            sum = d.sum(sum, Some(bias));
        }
        let own = tangents[1].map(|w| (x, w, bias));
        let moved = tangents[0].map(|x| (x, w, None));
        for (x, w, bias) in own.into_iter().chain(moved) {
            let conv = Self {
                bias: bias.is_some(),
                residual: sum.is_some(),
                relu: false,
                ..*self
            };
            let inputs: Vec<ValueId> = [x, w].into_iter().chain(bias).chain(sum).collect();
            sum = Some(d.push(conv, &inputs, shape.clone()));
        }
        match self.relu {
            true => sum.map(|sum| d.masked(node.output, sum)),
            false => sum,
        }
    }

    fn adjoint(
        &self,
        d: &mut Derivation,
        node: &Node,
        adjoint: ValueId,
        wanted: &[bool],
    ) -> Vec<Option<ValueId>> {
        let [x, w] = [node.inputs[0], node.inputs[1]];
        let adjoint = match self.relu {
            true => d.masked(node.output, adjoint),
            false => adjoint,
        };
        let geometry = Self {
            bias: false,
            residual: false,
            relu: false,
            ..*self
        };
        let moved = wanted[0].then(|| conv_gradient::input_adjoint(d, geometry, x, w, adjoint));
        let weight = wanted[1].then(|| {
            let shape = d.shape(w);
            d.push(ConvWeights { conv: geometry }, &[x, adjoint], shape)
        });
        let mut parts = vec![moved, weight];
        if self.bias {
            let bias = d.shape(node.inputs[2]);
            parts.push(wanted[2].then(|| d.sum_but(adjoint, 1, &bias)));
        }
        if self.residual {
            parts.push(Some(adjoint));
        }
        parts
    }
}

impl Operation for TransformWeights {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn samples(&self, _: &[Operand], _: &[usize]) -> Samples {
        Samples::Mixed
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::Linear
    }

    fn host(&self, call: HostCall) {
        let (channels, outputs) = (call.shape[1], call.shape[2]);
        winograd::transform_weights(call.inputs[0].data, channels, outputs, call.out);
    }

    fn device(&self, _: DeviceCall) -> DeviceTensor {
        unreachable!("transformed weights are for the host executor")
    }
}

/// The definition, for values whose samples are not in lanes.
fn plain(window: &Window, x: &[f32], w: &[f32], finish: Finish, out: &mut [f32]) {
    let pixels = |size: [usize; 2]| size[0] * size[1];
    let (from, to) = (pixels(window.size), pixels(window.out_size));
    let own = window.outputs / window.groups;
    for (i, out) in out.iter_mut().enumerate() {
        let (n, o) = (i / to / window.outputs, i / to % window.outputs);
        let (oy, ox) = (i % to / window.out_size[1], i % window.out_size[1]);
        let mut sum = finish.bias.map_or(0.0, |b| f64::from(b[o]));
        for c in 0..window.depth() {
            let channel = (n * window.channels + o / own * window.depth() + c) * from;
            for ky in window.valid(0, oy) {
                for kx in window.valid(1, ox) {
                    let weight = (o * window.depth() + c) * pixels(window.kernel);
                    let row = window.input(0, oy, ky) * window.size[1];
                    sum += f64::from(x[channel + row + window.input(1, ox, kx)])
                        * f64::from(w[weight + ky * window.kernel[1] + kx]);
                }
            }
        }
        let value = sum as f32 + finish.residual.map_or(0.0, |r| r[i]);
        *out = match finish.relu && value < 0.0 {
            true => 0.0,
            false => value,
        };
    }
}
