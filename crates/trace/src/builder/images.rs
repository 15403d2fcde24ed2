//! Layers on signals, images and volumes.

use super::{TraceBuilder, Value, along, fits};
use crate::error::TraceError;
use crate::ir::graph::ValueId;
use crate::ops::composed::Composer;
use crate::ops::composed_grid::grid_sample;
use crate::ops::composed_layers::{self as layers, Geometry};
use crate::ops::conv::Conv2d;
use crate::ops::pool::{Pool2d, Pooling};
use burn_ir::{GridSampleOptionsIr, GridSamplePaddingModeIr, InterpolateModeIr};

/// The geometry of a convolution in N dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution<const N: usize = 2> {
    /// Elements along each axis from one window to the next.
    pub stride: [usize; N],
    /// Zeros before the first and after the last element of each axis.
    pub padding: [(usize, usize); N],
    /// Elements along each axis from one weight to the next.
    pub dilation: [usize; N],
    /// Groups of channels that know nothing of each other.
    pub groups: usize,
}

impl<const N: usize> Default for Convolution<N> {
    fn default() -> Self {
        Self {
            stride: [1; N],
            padding: [(0, 0); N],
            dilation: [1; N],
            groups: 1,
        }
    }
}

impl<const N: usize> From<Convolution<N>> for Geometry<N> {
    fn from(own: Convolution<N>) -> Self {
        Self {
            stride: own.stride,
            padding: own.padding,
            dilation: own.dilation,
            groups: own.groups,
        }
    }
}

/// The windows of a two-dimensional pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Rows and columns of a window.
    pub size: [usize; 2],
    /// Rows and columns from one window to the next.
    pub stride: [usize; 2],
    /// Rows and columns around the image, which are never the largest; at most half a window.
    pub padding: [usize; 2],
    /// Rows and columns from one element of a window to the next; 1 for means.
    pub dilation: [usize; 2],
    /// Whether a last window that begins inside the image, or the padding before it, is kept.
    pub ceil: bool,
}

impl Windows {
    /// Windows of that size beside each other.
    pub fn new(size: [usize; 2]) -> Self {
        Self {
            size,
            stride: size,
            padding: [0, 0],
            dilation: [1, 1],
            ceil: false,
        }
    }

    /// How many there are along an axis of that length; 0 where none fits.
    fn count(&self, axis: usize, length: usize) -> Option<usize> {
        let (size, stride) = (self.size[axis], self.stride[axis]);
        let padding = self.padding[axis];
        if size == 0 || stride == 0 || padding > size / 2 {
            return None;
        }
        let reach = (size - 1)
            .checked_mul(self.dilation[axis])?
            .checked_add(1)?;
        let padded = length.checked_add(2 * padding)?;
        let rest = padded.checked_sub(reach)?;
        Some(match self.ceil {
            false => rest / stride + 1,
            true => {
                let count = rest.div_ceil(stride) + 1;
                let outside = (count - 1) * stride >= length + padding;
                count - usize::from(outside)
            }
        })
    }
}

/// What lies outside of an image that [`TraceBuilder::grid_sample`] reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GridPadding {
    /// Zeros.
    Zeros,
    /// The nearest pixel.
    Border,
    /// The image, mirrored.
    Reflection,
}

/// How [`TraceBuilder::grid_sample`] finds places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GridSample {
    /// What lies outside.
    pub padding: GridPadding,
    /// Whether -1 and 1 are the centres of the first and last pixel, or their outer borders.
    pub align_corners: bool,
    /// Whether the value is that of the nearest pixel, rather than one between four.
    pub nearest: bool,
}

impl TraceBuilder {
    /// As [`Self::conv2d`], along one axis: x `[samples, channels, length]`.
    ///
    /// # Errors
    /// As [`Self::conv2d`].
    pub fn conv1d(
        &mut self,
        x: Value,
        weight: Value,
        bias: Option<Value>,
        geometry: Convolution<1>,
    ) -> Result<Value, TraceError> {
        let shape = self.convolved(x, weight, bias, geometry)?;
        let inputs = inputs(x, weight, bias);
        let mut c = Composer(&mut self.graph);
        Ok(Value(layers::conv1d(
            &mut c,
            &inputs,
            geometry.into(),
            &shape,
        )))
    }

    /// A convolution (cross-correlation) of `[samples, channels, height, width]` with weights
    /// `[outputs, channels / groups, height, width]` and a bias `[outputs]`.
    ///
    /// # Errors
    /// [`TraceError::Build`] where the shapes do not go together or no window fits the image.
    pub fn conv2d(
        &mut self,
        x: Value,
        weight: Value,
        bias: Option<Value>,
        geometry: Convolution,
    ) -> Result<Value, TraceError> {
        let shape = self.convolved(x, weight, bias, geometry)?;
        let conv = Conv2d {
            stride: geometry.stride,
            padding: geometry.padding,
            dilation: geometry.dilation,
            groups: geometry.groups,
            bias: bias.is_some(),
            residual: false,
            relu: false,
            transformed: false,
        };
        let inputs = inputs(x, weight, bias);
        Ok(Value(self.composer().push(conv, &inputs, shape)))
    }

    /// As [`Self::conv2d`], of volumes: x `[samples, channels, depth, height, width]`.
    ///
    /// # Errors
    /// As [`Self::conv2d`].
    pub fn conv3d(
        &mut self,
        x: Value,
        weight: Value,
        bias: Option<Value>,
        geometry: Convolution<3>,
    ) -> Result<Value, TraceError> {
        let shape = self.convolved(x, weight, bias, geometry)?;
        let inputs = inputs(x, weight, bias);
        let mut c = Composer(&mut self.graph);
        Ok(Value(layers::conv3d(
            &mut c,
            &inputs,
            geometry.into(),
            &shape,
        )))
    }

    /// The shape of a convolution's result.
    fn convolved<const N: usize>(
        &self,
        x: Value,
        weight: Value,
        bias: Option<Value>,
        geometry: Convolution<N>,
    ) -> Result<Vec<usize>, TraceError> {
        let (own, w) = (self.shape(x), self.shape(weight));
        let groups = geometry.groups;
        let fit = own.len() == N + 2 && w.len() == N + 2 && groups > 0;
        let fit = fit && w[1].checked_mul(groups) == Some(own[1]) && w[0].is_multiple_of(groups);
        fits("convolution", fit, || {
            format!("{own:?} is not an input for weights {w:?} in {groups} groups")
        })?;
        self.check_bias(bias, w[0])?;
        let mut shape = vec![own[0], w[0]];
        for axis in 0..N {
            let windows = windows(&geometry, axis, own[2 + axis], w[2 + axis]);
            fits("convolution", windows.is_some(), || {
                format!("no window of weights {w:?} fits {own:?}")
            })?;
            shape.extend(windows);
        }
        Ok(shape)
    }

    fn check_bias(&self, bias: Option<Value>, outputs: usize) -> Result<(), TraceError> {
        let Some(bias) = bias else { return Ok(()) };
        let own = self.shape(bias);
        fits("convolution", own == [outputs], || {
            format!("{own:?} is not a bias of {outputs} channels")
        })
    }

    /// As [`Self::conv_transpose2d`], along one axis.
    ///
    /// # Errors
    /// As [`Self::conv_transpose2d`].
    pub fn conv_transpose1d(
        &mut self,
        x: Value,
        weight: Value,
        bias: Option<Value>,
        geometry: Convolution<1>,
        border: [usize; 1],
    ) -> Result<Value, TraceError> {
        let shape = self.transposed(x, weight, bias, geometry, border)?;
        let inputs = inputs(x, weight, bias);
        let mut c = Composer(&mut self.graph);
        let value = layers::conv_transpose1d(&mut c, &inputs, geometry.into(), &shape);
        Ok(Value(value))
    }

    /// The adjoint of a convolution's input: x `[samples, channels, height, width]`, weights `[channels, outputs / groups,
    /// height, width]`, a bias `[outputs]`. The padding, the same on both sides, is that of the convolution; `border`: elements that
    /// the result has more at its end, fewer than the stride.
    ///
    /// # Errors
    /// [`TraceError::Build`] where the shapes do not go together.
    pub fn conv_transpose2d(
        &mut self,
        x: Value,
        weight: Value,
        bias: Option<Value>,
        geometry: Convolution,
        border: [usize; 2],
    ) -> Result<Value, TraceError> {
        let shape = self.transposed(x, weight, bias, geometry, border)?;
        let inputs = inputs(x, weight, bias);
        let mut c = Composer(&mut self.graph);
        let value = layers::conv_transpose2d(&mut c, &inputs, geometry.into(), &shape);
        Ok(Value(value))
    }

    /// As [`Self::conv_transpose2d`], of volumes.
    ///
    /// # Errors
    /// As [`Self::conv_transpose2d`].
    pub fn conv_transpose3d(
        &mut self,
        x: Value,
        weight: Value,
        bias: Option<Value>,
        geometry: Convolution<3>,
        border: [usize; 3],
    ) -> Result<Value, TraceError> {
        let shape = self.transposed(x, weight, bias, geometry, border)?;
        let inputs = inputs(x, weight, bias);
        let mut c = Composer(&mut self.graph);
        let value = layers::conv_transpose3d(&mut c, &inputs, geometry.into(), &shape);
        Ok(Value(value))
    }

    fn transposed<const N: usize>(
        &self,
        x: Value,
        weight: Value,
        bias: Option<Value>,
        geometry: Convolution<N>,
        border: [usize; N],
    ) -> Result<Vec<usize>, TraceError> {
        let (own, w) = (self.shape(x), self.shape(weight));
        let groups = geometry.groups;
        let fit = own.len() == N + 2 && w.len() == N + 2 && groups > 0;
        let fit = fit && w[0] == own[1] && own[1].is_multiple_of(groups);
        fits("transposed convolution", fit, || {
            format!("{own:?} is not an input for weights {w:?} in {groups} groups")
        })?;
        let outputs = w[1].saturating_mul(groups);
        self.check_bias(bias, outputs)?;
        let mut shape = vec![own[0], outputs];
        for axis in 0..N {
            let (before, after) = geometry.padding[axis];
            let length = (own[2 + axis].max(1) - 1)
                .checked_mul(geometry.stride[axis])
                .and_then(|n| {
                    n.checked_add((w[2 + axis].max(1) - 1).checked_mul(geometry.dilation[axis])?)
                })
                .and_then(|n| n.checked_add(1 + border[axis])?.checked_sub(2 * before));
            let fit = before == after && border[axis] < geometry.stride[axis].max(1);
            let length = length.filter(|&n| n > 0 && fit && own[2 + axis] > 0 && w[2 + axis] > 0);
            fits("transposed convolution", length.is_some(), || {
                format!(
                    "{geometry:?} with an output padding of {border:?} does not fit {own:?} and {w:?}"
                )
            })?;
            shape.extend(length);
        }
        Ok(shape)
    }

    /// The largest element of each window of `[samples, channels, height, width]`.
    ///
    /// # Errors
    /// [`TraceError::Build`] where it is not an image or no window fits.
    pub fn max_pool2d(&mut self, x: Value, windows: Windows) -> Result<Value, TraceError> {
        let dilation = windows.dilation;
        self.pool(x, Pooling::Max { dilation }, windows)
    }

    /// As [`Self::max_pool2d`], and the places that the elements are from, by their numbers in an image.
    ///
    /// # Errors
    /// As [`Self::max_pool2d`].
    pub fn max_pool2d_with_places(
        &mut self,
        x: Value,
        windows: Windows,
    ) -> Result<[Value; 2], TraceError> {
        let dilation = windows.dilation;
        let shape = self.pooled(x, windows)?;
        let pool = windows.pool(Pooling::Max { dilation });
        let mut c = Composer(&mut self.graph);
        Ok(layers::max_pool_with_places(&mut c, x.0, pool, &shape).map(Value))
    }

    /// The mean of each window; `padded`: elements of the padding count as zeros.
    ///
    /// # Errors
    /// As [`Self::max_pool2d`].
    pub fn avg_pool2d(
        &mut self,
        x: Value,
        windows: Windows,
        padded: bool,
    ) -> Result<Value, TraceError> {
        self.pool(x, Pooling::Average { padded }, windows)
    }

    fn pool(&mut self, x: Value, pooling: Pooling, own: Windows) -> Result<Value, TraceError> {
        let shape = self.pooled(x, own)?;
        Ok(Value(self.composer().push(
            own.pool(pooling),
            &[x.0],
            shape,
        )))
    }

    fn pooled(&self, x: Value, own: Windows) -> Result<Vec<usize>, TraceError> {
        let mut shape = self.shape(x).to_vec();
        fits("pooling", shape.len() == 4, || {
            format!("{shape:?} is not an image")
        })?;
        for axis in [0, 1] {
            let count = own.count(axis, shape[2 + axis]).unwrap_or(0);
            fits("pooling", count > 0, || {
                format!("{own:?} does not fit {shape:?}")
            })?;
            shape[2 + axis] = count;
        }
        Ok(shape)
    }

    /// Means over `size` parts of nearly equal length along each of the last axes.
    ///
    /// # Errors
    /// [`TraceError::Build`] where there are fewer axes, or a part would be empty.
    pub fn adaptive_avg_pool(&mut self, x: Value, size: &[usize]) -> Result<Value, TraceError> {
        let mut shape = self.shape(x).to_vec();
        let first = shape.len().checked_sub(size.len());
        let Some(first) = first.filter(|_| !size.contains(&0)) else {
            return Err(TraceError::Build {
                operation: "adaptive pooling",
                problem: format!("{shape:?} has no parts {size:?}"),
            });
        };
        along("adaptive pooling", &shape, first)?;
        let full = shape[first..].iter().all(|&n| n > 0);
        fits("adaptive pooling", full, || format!("{shape:?} is empty"))?;
        if size.len() == 2 && shape.len() == 4 {
            shape[2..].copy_from_slice(size);
            let pool = Windows::new([0, 0]).pool(Pooling::Adaptive);
            let pool = Pool2d {
                stride: [1, 1],
                ..pool
            };
            return Ok(Value(self.composer().push(pool, &[x.0], shape)));
        }
        Ok(Value(layers::adaptive(&mut self.composer(), x.0, size)))
    }

    /// Values of images `[samples, channels, height, width]` at places `[samples, height, width, 2]` from -1 to 1, the
    /// one along the width first.
    ///
    /// # Errors
    /// [`TraceError::Build`] where the shapes do not go together.
    pub fn grid_sample(
        &mut self,
        x: Value,
        places: Value,
        how: GridSample,
    ) -> Result<Value, TraceError> {
        let (own, at) = (self.shape(x), self.shape(places));
        let fit = own.len() == 4 && at.len() == 4 && at[0] == own[0] && at[3] == 2;
        fits("grid_sample", fit && !own.contains(&0), || {
            format!("{at:?} is not the shape of places in {own:?}")
        })?;
        let options = GridSampleOptionsIr {
            mode: match how.nearest {
                true => InterpolateModeIr::Nearest,
                false => InterpolateModeIr::Bilinear,
            },
            padding_mode: match how.padding {
                GridPadding::Zeros => GridSamplePaddingModeIr::Zeros,
                GridPadding::Border => GridSamplePaddingModeIr::Border,
                GridPadding::Reflection => GridSamplePaddingModeIr::Reflection,
            },
            align_corners: how.align_corners,
        };
        let value = grid_sample(&mut self.composer(), x.0, places.0, &options);
        Ok(Value(value))
    }
}

impl Windows {
    fn pool(self, pooling: Pooling) -> Pool2d {
        Pool2d {
            pooling,
            kernel: self.size,
            stride: self.stride,
            padding: self.padding,
            ceil: self.ceil,
        }
    }
}

fn inputs(x: Value, weight: Value, bias: Option<Value>) -> Vec<ValueId> {
    let all = [x, weight].into_iter().chain(bias);
    all.map(|value| value.0).collect()
}

/// Windows of `kernel` weights along an axis of that length, where one fits.
fn windows<const N: usize>(
    geometry: &Convolution<N>,
    axis: usize,
    length: usize,
    kernel: usize,
) -> Option<usize> {
    let reach = kernel
        .checked_sub(1)?
        .checked_mul(geometry.dilation[axis])?;
    let (before, after) = geometry.padding[axis];
    let padded = length.checked_add(before)?.checked_add(after)?;
    let rest = padded.checked_sub(reach.checked_add(1)?)?;
    Some(rest.checked_div(geometry.stride[axis])? + 1)
}
