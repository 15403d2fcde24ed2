//! Convolutions and pooling at the edge of images: wide and uneven padding, strides, dilation, images smaller
//! than the kernel. Losses against sums in f64 straight from the definition, derivatives against f64.

use crate::conv::filled;
use crate::curvature::check_trace;
use crate::mlp::targets;
use crate::reference::assert_close;
use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{AvgPool2dConfig, MaxPool2dConfig};
use burn::tensor::activation::tanh;
use burn::tensor::{Device, Tensor, TensorData};
use landscape_core::{Direction, Distribution, Objective, Params, Plane, Rng};
use landscape_trace::{Loss, Trace, params_of};

/// A convolution: image, kernel, stride, dilation; rows and columns of padding before and after; groups;
/// channels and outputs.
#[derive(Clone, Copy, Debug)]
struct Shape {
    size: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    padding: [(usize, usize); 2],
    groups: usize,
    channels: usize,
    outputs: usize,
}

/// 3x3 with stride 1 and 8 channels: what is computed by transforms where the image is large enough.
fn plain(size: [usize; 2], padding: [(usize, usize); 2]) -> Shape {
    Shape {
        size,
        kernel: [3, 3],
        stride: [1, 1],
        dilation: [1, 1],
        padding,
        groups: 1,
        channels: 8,
        outputs: 8,
    }
}

fn depthwise(shape: Shape) -> Shape {
    Shape {
        groups: shape.channels,
        ..shape
    }
}

impl Shape {
    fn module(&self) -> Conv2d {
        let [(top, bottom), (left, right)] = self.padding;
        Conv2dConfig::new([self.channels, self.outputs], self.kernel)
            .with_stride(self.stride)
            .with_dilation(self.dilation)
            .with_padding(PaddingConfig2d::Explicit(top, left, bottom, right))
            .with_groups(self.groups)
            .init(&Device::flex())
    }

    fn out_size(&self) -> [usize; 2] {
        [0, 1].map(|axis| {
            let room = self.size[axis] + self.padding[axis].0 + self.padding[axis].1;
            (room - self.dilation[axis] * (self.kernel[axis] - 1) - 1) / self.stride[axis] + 1
        })
    }

    /// Input index under kernel position `k` of output `o`, where it is inside.
    fn under(&self, axis: usize, o: usize, k: usize) -> Option<usize> {
        let at = o * self.stride[axis] + k * self.dilation[axis];
        let at = at.checked_sub(self.padding[axis].0)?;
        (at < self.size[axis]).then_some(at)
    }

    /// `[outputs][height][width]` of one image.
    fn run(&self, x: &[f64], w: &[f64], bias: &[f64]) -> Vec<f64> {
        let [height, width] = self.out_size();
        let depth = self.channels / self.groups;
        let mut out = Vec::new();
        for (o, y, z) in triples([self.outputs, height, width]) {
            let mut sum = bias[o];
            for (c, i, j) in triples([depth, self.kernel[0], self.kernel[1]]) {
                if let (Some(row), Some(column)) = (self.under(0, y, i), self.under(1, z, j)) {
                    let channel = o / (self.outputs / self.groups) * depth + c;
                    let weight = ((o * depth + c) * self.kernel[0] + i) * self.kernel[1] + j;
                    sum += w[weight] * x[(channel * self.size[0] + row) * self.size[1] + column];
                }
            }
            out.push(sum);
        }
        out
    }
}

fn triples([a, b, c]: [usize; 3]) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..a * b * c).map(move |i| (i / c / b, i / c % b, i % c))
}

/// Images of normal numbers.
fn images(samples: usize, [channels, height, width]: [usize; 3]) -> (Vec<f64>, Tensor<4>) {
    let mut rng = Rng::new(11, 3);
    let n = samples * channels * height * width;
    let x: Vec<f32> = (0..n).map(|_| rng.normal() as f32).collect();
    let double = x.iter().map(|&x| f64::from(x)).collect();
    let data = TensorData::new(x, [samples, channels, height, width]);
    (double, Tensor::from_data(data, &Device::flex()))
}

/// The mean of the squares of every sample, by short sums: thousands of terms one after another would show
/// the rounding of the sum alone.
fn squares(out: Tensor<4>) -> Loss {
    let mean = out.powi_scalar(2).mean_dim(3).mean_dim(2).mean_dim(1);
    let n = mean.dims()[0];
    Loss::new(mean.reshape([n]))
}

fn mean_square(values: &[f64]) -> f64 {
    values.iter().map(|x| x * x).sum::<f64>() / values.len() as f64
}

/// The numbers of the parameter whose name ends so, at `t` along the only direction.
fn moved(plane: &Plane, t: f64, end: &str) -> Vec<f64> {
    let of = |params: &Params| {
        let found = params.iter().find(|p| p.name.ends_with(end)).unwrap();
        found.data.iter().map(|&x| f64::from(x)).collect::<Vec<_>>()
    };
    let (origin, slope) = (of(plane.origin()), of(&plane.directions()[0].tensors));
    origin.iter().zip(slope).map(|(x, d)| x + t * d).collect()
}

fn line(module: &impl Module) -> Plane {
    let params = params_of(module).unwrap();
    let direction = Direction::random(&params, Distribution::Gaussian, 7, 0);
    Plane::new(params, vec![direction]).unwrap()
}

/// Losses along a line, of all executors, against `truth` of a point.
#[track_caller]
fn check(what: &str, trace: &Trace, plane: &Plane, truth: impl Fn(f64) -> f64) {
    let points = [[0.0; 3], [0.4, 0.0, 0.0]];
    for target in targets() {
        let objective = trace
            .objective(plane, std::slice::from_ref(&target))
            .unwrap();
        for (point, found) in points.iter().zip(objective.evaluate(&points).unwrap()) {
            println!("{what} on {target:?}");
            assert_close(found.loss, truth(point[0]), 2e-5);
        }
    }
}

#[test]
fn losses_of_convolutions_equal_sums_in_f64() {
    let mut shapes: Vec<Shape> = (4..9).map(|p| plain([15, 15], [(p, p), (p, p)])).collect();
    shapes.extend([
        plain([15, 15], [(0, 5), (7, 0)]),
        plain([15, 15], [(5, 0), (0, 8)]),
        plain([1, 2], [(4, 4), (5, 9)]),
        plain([2, 15], [(0, 10), (1, 1)]),
        Shape {
            stride: [2, 3],
            ..plain([9, 7], [(4, 6), (0, 5)])
        },
        Shape {
            dilation: [2, 3],
            ..plain([9, 8], [(6, 1), (3, 9)])
        },
        Shape {
            dilation: [3, 1],
            stride: [3, 1],
            ..plain([4, 5], [(7, 8), (5, 4)])
        },
        Shape {
            groups: 4,
            ..plain([6, 6], [(4, 5), (6, 0)])
        },
        Shape {
            kernel: [1, 5],
            groups: 8,
            ..plain([3, 3], [(2, 0), (4, 7)])
        },
        Shape {
            kernel: [5, 2],
            channels: 3,
            ..plain([4, 1], [(8, 2), (1, 6)])
        },
        // Channel by channel, one or two outputs each.
        depthwise(plain([15, 15], [(6, 6), (6, 6)])),
        depthwise(plain([2, 9], [(0, 7), (5, 1)])),
        depthwise(plain([1, 1], [(9, 0), (0, 4)])),
        Shape {
            stride: [3, 2],
            dilation: [1, 3],
            outputs: 16,
            ..depthwise(plain([5, 4], [(4, 1), (6, 8)]))
        },
        // Single pixels.
        Shape {
            kernel: [1, 1],
            ..plain([3, 4], [(5, 0), (2, 7)])
        },
        Shape {
            kernel: [1, 1],
            stride: [3, 2],
            groups: 2,
            ..plain([2, 5], [(4, 6), (0, 9)])
        },
    ]);
    for shape in shapes {
        let module = filled(shape.module(), 1);
        let plane = line(&module);
        let samples = 5;
        let (double, x) = images(samples, [shape.channels, shape.size[0], shape.size[1]]);
        let trace = Trace::capture(&module, &x, |m: &Conv2d, x: &Tensor<4>| {
            squares(m.forward(x.clone()))
        })
        .unwrap();
        check(&format!("{shape:?}"), &trace, &plane, |t| {
            let [w, bias] = ["weight", "bias"].map(|end| moved(&plane, t, end));
            let images = double.chunks(double.len() / samples);
            let losses = images.map(|x| mean_square(&shape.run(x, &w, &bias)));
            losses.sum::<f64>() / samples as f64
        });
    }
}

#[derive(Module, Debug)]
struct Two {
    first: Conv2d,
    second: Conv2d,
}

#[test]
fn derivatives_of_convolutions_with_wide_padding() {
    let even = |p| [(p, p), (p, p)];
    let pairs = [
        (plain([7, 7], even(4)), even(5)),
        (plain([5, 6], [(0, 6), (4, 1)]), [(8, 0), (0, 4)]),
        (
            Shape {
                stride: [2, 2],
                dilation: [2, 1],
                ..plain([6, 5], even(5))
            },
            [(0, 7), (4, 0)],
        ),
        (depthwise(plain([4, 5], [(6, 0), (1, 7)])), even(4)),
        (
            Shape {
                kernel: [1, 1],
                stride: [2, 1],
                ..plain([3, 4], [(5, 0), (0, 6)])
            },
            [(4, 1), (0, 5)],
        ),
    ];
    for (first, padding) in pairs {
        let second = plain(first.out_size(), padding);
        let module = Two {
            first: first.module(),
            second: second.module(),
        };
        let module = filled(module, 2);
        let (_, x) = images(3, [first.channels, first.size[0], first.size[1]]);
        let trace = Trace::capture(&module, &x, |m: &Two, x: &Tensor<4>| {
            squares(m.second.forward(tanh(m.first.forward(x.clone()))))
        })
        .unwrap();
        check_trace(&trace, &params_of(&module).unwrap());
    }
}

/// A pooling window along an axis: kernel, stride, padding, dilation.
#[derive(Clone, Copy, Debug)]
struct Pool {
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
    ceil: bool,
}

impl Pool {
    /// PyTorch's number of windows: with `ceil` the last may leave the padded image, if it begins before the
    /// padding after the image.
    fn count(&self, size: usize) -> usize {
        let room = size + 2 * self.padding - self.dilation * (self.kernel - 1) - 1;
        let extra = if self.ceil { self.stride - 1 } else { 0 };
        let n = (room + extra) / self.stride + 1;
        n - usize::from(self.ceil && (n - 1) * self.stride >= size + self.padding)
    }

    /// Indices inside of window `o`, and its length with padding.
    fn window(&self, size: usize, o: usize) -> (Vec<usize>, usize) {
        let places = (0..self.kernel).map(|k| o * self.stride + k * self.dilation);
        let padded: Vec<usize> = places.filter(|&at| at < size + 2 * self.padding).collect();
        let inside = padded.iter().filter_map(|at| at.checked_sub(self.padding));
        (inside.filter(|&at| at < size).collect(), padded.len())
    }

    /// Pools `[channels][size][size]`; `count`: what a mean divides by, of the windows' lengths inside and padded; `None`
    /// for a maximum.
    fn run(&self, x: &[f64], size: usize, count: Option<fn(usize, usize) -> usize>) -> Vec<f64> {
        let n = self.count(size);
        let mut out = Vec::new();
        for (c, y, z) in triples([x.len() / size / size, n, n]) {
            let ((rows, height), (columns, width)) = (self.window(size, y), self.window(size, z));
            let values = rows
                .iter()
                .flat_map(|i| columns.iter().map(move |j| (i, j)));
            let values = values.map(|(i, j)| x[(c * size + i) * size + j]);
            out.push(match count {
                Some(count) => {
                    let n = count(rows.len() * columns.len(), height * width);
                    values.sum::<f64>() / n.max(1) as f64
                }
                None => values.fold(f64::NEG_INFINITY, f64::max),
            });
        }
        out
    }
}

#[test]
fn pooling_at_the_edge_equals_f64() {
    let pool = |kernel, stride, padding, dilation, ceil| Pool {
        kernel,
        stride,
        padding,
        dilation,
        ceil,
    };
    let size = 7;
    let module = Shape {
        kernel: [1, 1],
        channels: 2,
        outputs: 3,
        ..plain([size; 2], [(0, 0); 2])
    };
    let conv = filled(module.module(), 3);
    let plane = line(&conv);
    let samples = 5;
    let (double, x) = images(samples, [2, size, size]);
    let along = |p: Pool| PaddingConfig2d::Explicit(p.padding, p.padding, p.padding, p.padding);
    let check = |what: String, trace: Trace, run: &dyn Fn(&[f64]) -> Vec<f64>| {
        check(&what, &trace, &plane, |t| {
            let [w, bias] = ["weight", "bias"].map(|end| moved(&plane, t, end));
            let images = double.chunks(double.len() / samples);
            let losses = images.map(|x| mean_square(&run(&module.run(x, &w, &bias))));
            losses.sum::<f64>() / samples as f64
        });
        check_trace(&trace, &params_of(&conv).unwrap());
    };
    for p in [
        pool(3, 2, 1, 1, true),
        pool(2, 3, 1, 2, true),
        pool(4, 1, 3, 1, false),
        pool(3, 5, 2, 2, true),
    ] {
        let layer = MaxPool2dConfig::new([p.kernel; 2])
            .with_strides([p.stride; 2])
            .with_padding(along(p))
            .with_dilation([p.dilation; 2])
            .with_ceil_mode(p.ceil)
            .init();
        let trace = Trace::capture(&conv, &x, |m: &Conv2d, x: &Tensor<4>| {
            squares(layer.forward(m.forward(x.clone())))
        });
        check(format!("maximum {p:?}"), trace.unwrap(), &|x| {
            p.run(x, size, None)
        });
    }
    // The last has windows that lie in the padding altogether.
    for p in [
        pool(3, 2, 1, 1, true),
        pool(4, 3, 3, 1, true),
        pool(5, 4, 2, 1, false),
        pool(2, 2, 4, 1, false),
    ] {
        for padded in [false, true] {
            let layer = AvgPool2dConfig::new([p.kernel; 2])
                .with_strides([p.stride; 2])
                .with_padding(along(p))
                .with_count_include_pad(padded)
                .with_ceil_mode(p.ceil)
                .init();
            let trace = Trace::capture(&conv, &x, |m: &Conv2d, x: &Tensor<4>| {
                squares(layer.forward(m.forward(x.clone())))
            });
            let count: fn(usize, usize) -> usize = match padded {
                true => |_, padded| padded,
                false => |inside, _| inside,
            };
            let run = |x: &[f64]| p.run(x, size, Some(count));
            check(format!("mean {padded} {p:?}"), trace.unwrap(), &run);
        }
    }
}
