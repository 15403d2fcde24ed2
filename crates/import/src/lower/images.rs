//! Convolutions in one to three dimensions, and what images are cut into and put together from.

use super::{Kind, Lowered, Lowering, Tensor, problem, size};
use landscape_core::Role;
use landscape_trace::{Binary, Convolution, GridSample};

/// The geometry of a convolution: a number for each dimension, or one for all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conv {
    pub stride: Vec<i64>,
    /// Zeros before and after.
    pub padding: Vec<(i64, i64)>,
    pub dilation: Vec<i64>,
    pub groups: i64,
}

impl Conv {
    fn of<const N: usize>(&self) -> Lowered<Convolution<N>> {
        let mut padding = [(0, 0); N];
        for (i, own) in padding.iter_mut().enumerate() {
            let given = match self.padding.len() {
                0 => (0, 0),
                1 => self.padding[0],
                n if n == N => self.padding[i],
                n => return problem(format!("{n} padding widths for {N} dimensions")),
            };
            *own = (size(given.0)?, size(given.1)?);
        }
        Ok(Convolution {
            stride: numbers(&self.stride, 1)?,
            padding,
            dilation: numbers(&self.dilation, 1)?,
            groups: size(self.groups)?,
        })
    }
}

/// A number for each dimension, of one for all or of none.
pub(super) fn numbers<const N: usize>(given: &[i64], other: usize) -> Lowered<[usize; N]> {
    let mut all = [other; N];
    for (i, own) in all.iter_mut().enumerate() {
        *own = match given.len() {
            0 => other,
            1 => size(given[0])?,
            n if n == N => size(given[i])?,
            n => return problem(format!("{n} numbers for {N} dimensions")),
        };
    }
    Ok(all)
}

impl Lowering {
    /// A convolution of `[samples, channels, ..]`, or of one sample without its axis.
    pub fn conv(
        &mut self,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        conv: &Conv,
    ) -> Lowered {
        let summed: Vec<usize> = (1..self.rank(weight)).collect();
        self.filters(weight, 0, &summed, 1);
        self.convolved(x, weight, bias, conv, |this, [x, w], b| {
            let (x, w, b) = (x.value, w.value, b.map(|b| b.value));
            let builder = &mut this.builder;
            Ok(match builder.shape(w).len() {
                3 => builder.conv1d(x, w, b, conv.of()?)?,
                4 => builder.conv2d(x, w, b, conv.of()?)?,
                5 => builder.conv3d(x, w, b, conv.of()?)?,
                rank => {
                    return problem(format!(
                        "weights with {rank} axes are not those of a supported convolution"
                    ));
                }
            })
        })
    }

    /// The adjoint of a convolution's input; `border`: elements that the result has more at its end.
    pub fn conv_transpose(
        &mut self,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        conv: &Conv,
        border: &[i64],
    ) -> Lowered {
        let summed: Vec<usize> = { 0..self.rank(weight) }.filter(|&axis| axis != 1).collect();
        self.filters(weight, 1, &summed, size(conv.groups)?);
        // What the trace does not take: borders that differ, or are longer than the strides. A longer result is cut.
        let even = conv.padding.iter().all(|&(a, b)| a == b);
        let steps = |i: usize| {
            conv.stride
                .get(i)
                .or(conv.stride.first())
                .copied()
                .unwrap_or(1)
        };
        let short = border.iter().enumerate().all(|(i, &b)| b < steps(i));
        if even && short {
            return self.convolved(x, weight, bias, conv, |this, [x, w], b| {
                let (x, w, b) = (x.value, w.value, b.map(|b| b.value));
                let builder = &mut this.builder;
                Ok(match builder.shape(w).len() {
                    3 => builder.conv_transpose1d(x, w, b, conv.of()?, numbers(border, 0)?)?,
                    4 => builder.conv_transpose2d(x, w, b, conv.of()?, numbers(border, 0)?)?,
                    5 => builder.conv_transpose3d(x, w, b, conv.of()?, numbers(border, 0)?)?,
                    rank => {
                        return problem(format!(
                            "weights with {rank} axes are not those of a supported convolution"
                        ));
                    }
                })
            });
        }
        let whole = Conv {
            padding: Vec::new(),
            ..conv.clone()
        };
        let all = self.conv_transpose(x, weight, None, &whole, &[])?;
        let rank = self.rank(&all);
        let mut widths = vec![(0, 0); rank];
        for (i, width) in widths.iter_mut().skip(2).enumerate() {
            let (a, b) = conv
                .padding
                .get(i)
                .or(conv.padding.first())
                .copied()
                .unwrap_or((0, 0));
            let more = border.get(i).or(border.first()).copied().unwrap_or(0);
            *width = (a.saturating_neg(), more.saturating_sub(b));
        }
        let cut = self.pad(&all, &widths, super::Border::Constant(0.0))?;
        match bias {
            None => Ok(cut),
            Some(bias) => {
                self.role(bias, Role::Bias);
                let mut along = vec![1; rank];
                along[1] = self.count(bias);
                let bias = self.reshape_to(bias, &along)?;
                self.binary(Binary::Add, &cut, &bias)
            }
        }
    }

    fn convolved(
        &mut self,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        conv: &Conv,
        of: impl FnOnce(&mut Self, [&Tensor; 2], Option<&Tensor>) -> Lowered<landscape_trace::Value>,
    ) -> Lowered {
        self.role(weight, Role::Weight);
        if let Some(bias) = bias {
            self.role(bias, Role::Bias);
        }
        let single = self.rank(x) + 1 == self.rank(weight);
        let images = if single {
            self.unsqueeze(x, &[0])?
        } else {
            x.clone()
        };
        let own = self.shape(&images);
        let windows: Vec<usize> = self.shape(weight).iter().skip(2).copied().collect();
        let volume = own.len() == 5;
        if volume {
            // Its slices become channels: as many as there are windows.
            self.within(&[&own[..], &windows].concat())?;
            self.spend_windows(&own[2..], &windows, conv)?;
        }
        let value = of(self, [&images, weight], bias)?;
        let made = Tensor::new(value, Kind::Float);
        self.within(&self.shape(&made))?;
        if single {
            self.squeeze(&made, Some(&[0]))
        } else {
            Ok(made)
        }
    }

    /// Takes the lists of what windows meet along every axis out of the budget.
    fn spend_windows(&self, lengths: &[usize], kernel: &[usize], conv: &Conv) -> Lowered<()> {
        let most = |all: &[i64]| {
            all.iter()
                .copied()
                .max()
                .and_then(|n| usize::try_from(n).ok())
                .unwrap_or(1)
        };
        let borders = conv.padding.iter().map(|&(a, b)| a.max(b));
        let border = most(&borders.collect::<Vec<_>>());
        for (&length, &k) in lengths.iter().zip(kernel) {
            let reach = k.saturating_mul(most(&conv.dilation));
            let whole = length
                .saturating_mul(most(&conv.stride))
                .saturating_add(border)
                .saturating_add(border);
            self.spend(&[whole.saturating_add(reach), k.max(1), 4])?;
        }
        Ok(())
    }

    /// Channels as pixels, `factor` times as many along both sides of an image.
    pub fn pixel_shuffle(&mut self, x: &Tensor, factor: i64) -> Lowered {
        let (shape, factor) = (self.shape(x), size(factor)?);
        let (Some(&[c, h, w]), true) = (shape.last_chunk(), factor > 0) else {
            return problem(format!("{shape:?} is not the shape of an image"));
        };
        if !c.is_multiple_of(factor.saturating_mul(factor)) {
            return problem(format!(
                "{c} channels are not a multiple of {factor} x {factor}"
            ));
        }
        let lead = &shape[..shape.len() - 3];
        let parts = [lead, &[c / factor / factor, factor, factor, h, w]].concat();
        let parts = self.reshape_to(x, &parts)?;
        let n = lead.len() as i64;
        let order: Vec<i64> = (0..n).chain([n, n + 3, n + 1, n + 4, n + 2]).collect();
        let turned = self.permute(&parts, &order)?;
        self.reshape_to(
            &turned,
            &[lead, &[c / factor / factor, h * factor, w * factor]].concat(),
        )
    }

    /// The inverse of [`Self::pixel_shuffle`].
    pub fn pixel_unshuffle(&mut self, x: &Tensor, factor: i64) -> Lowered {
        let (shape, factor) = (self.shape(x), size(factor)?);
        let (Some(&[c, h, w]), true) = (shape.last_chunk(), factor > 0) else {
            return problem(format!("{shape:?} is not the shape of an image"));
        };
        if !h.is_multiple_of(factor) || !w.is_multiple_of(factor) {
            return problem(format!(
                "an image of {h} x {w} cannot be cut into blocks of {factor} x {factor}"
            ));
        }
        let lead = &shape[..shape.len() - 3];
        let parts = [lead, &[c, h / factor, factor, w / factor, factor]].concat();
        let parts = self.reshape_to(x, &parts)?;
        let n = lead.len() as i64;
        let order: Vec<i64> = (0..n).chain([n, n + 2, n + 4, n + 1, n + 3]).collect();
        let turned = self.permute(&parts, &order)?;
        self.reshape_to(
            &turned,
            &[lead, &[c * factor * factor, h / factor, w / factor]].concat(),
        )
    }

    /// Channels in another order: the first of each group, the second of each, and so on.
    pub fn channel_shuffle(&mut self, x: &Tensor, groups: i64) -> Lowered {
        let (shape, groups) = (self.shape(x), size(groups)?);
        let channels = shape.get(1).copied().unwrap_or(0);
        if groups == 0 || !channels.is_multiple_of(groups) {
            return problem(format!(
                "{channels} channels cannot be divided into {groups} groups"
            ));
        }
        let own = channels / groups;
        self.pick(
            "channel_shuffle",
            x,
            1,
            (0..channels).map(|i| Some(i % groups * own + i / groups)),
        )
    }

    /// Patches of images as columns: `[n, channels rows columns, places]`.
    pub fn patches(&mut self, x: &Tensor, kernel: &[i64], conv: &Conv) -> Lowered {
        let (geometry, kernel): (Convolution<2>, [usize; 2]) = (conv.of()?, numbers(kernel, 1)?);
        let single = self.rank(x) == 3;
        let mut x = if single {
            self.unsqueeze(x, &[0])?
        } else {
            x.clone()
        };
        let own = self.shape(&x);
        if own.len() != 4 {
            return problem(format!("{own:?} is not the shape of an image"));
        }
        let mut places = [0; 2];
        for i in 0..2 {
            let met = self.meetings(own[2 + i], kernel[i], i, &geometry)?;
            places[i] = met.len() / kernel[i];
            x = self.pick("unfold4d", &x, 2 + i, met.into_iter())?;
        }
        let parts = [own[0], own[1], kernel[0], places[0], kernel[1], places[1]];
        let parts = self.reshape_to(&x, &parts)?;
        let turned = self.permute(&parts, &[0, 1, 2, 4, 3, 5])?;
        let rows = own[1] * kernel[0] * kernel[1];
        let made = self.reshape_to(&turned, &[own[0], rows, places[0] * places[1]])?;
        if single {
            self.squeeze(&made, Some(&[0]))
        } else {
            Ok(made)
        }
    }

    /// Images as sums of patches: the adjoint of [`Self::patches`].
    pub fn assembled(&mut self, x: &Tensor, image: &[i64], kernel: &[i64], conv: &Conv) -> Lowered {
        let (geometry, kernel): (Convolution<2>, [usize; 2]) = (conv.of()?, numbers(kernel, 1)?);
        let image: [usize; 2] = numbers(image, 1)?;
        let single = self.rank(x) == 2;
        let x = if single {
            self.unsqueeze(x, &[0])?
        } else {
            x.clone()
        };
        let own = self.shape(&x);
        let met = [0, 1].map(|i| self.meetings(image[i], kernel[i], i, &geometry));
        let [rows, columns] = met;
        let met = [rows?, columns?];
        let places = [met[0].len() / kernel[0], met[1].len() / kernel[1]];
        let area = kernel[0] * kernel[1];
        if own.len() != 3 || !own[1].is_multiple_of(area) || own[2] != places[0] * places[1] {
            return problem(format!(
                "{own:?} is not the shape of patches of {kernel:?} from {image:?}"
            ));
        }
        let parts = [
            own[0],
            own[1] / area,
            kernel[0],
            kernel[1],
            places[0],
            places[1],
        ];
        let parts = self.reshape_to(&x, &parts)?;
        let turned = self.permute(&parts, &[0, 1, 2, 4, 3, 5])?;
        let spread = [own[0], own[1] / area, met[0].len(), met[1].len()];
        let mut made = self.reshape_to(&turned, &spread)?;
        for i in 0..2 {
            let mut terms = vec![Vec::new(); image[i]];
            for (at, place) in met[i].iter().enumerate() {
                if let Some(place) = place {
                    terms[*place].push((at, 1.0));
                }
            }
            let value = self
                .builder
                .weighted_sums("fold4d", made.value, 2 + i, terms)?;
            made = Tensor::new(value, Kind::Float);
        }
        if single {
            self.squeeze(&made, Some(&[0]))
        } else {
            Ok(made)
        }
    }

    /// Values of images at places from -1 to 1.
    pub fn grid_sample(&mut self, x: &Tensor, places: &Tensor, how: GridSample) -> Lowered {
        let value = self.builder.grid_sample(x.value, places.value, how)?;
        Ok(Tensor::new(value, Kind::Float))
    }
}

impl Lowering {
    /// The element that the weight `k` of the window `o` meets, for all `(k, o)`.
    fn meetings(
        &self,
        length: usize,
        kernel: usize,
        i: usize,
        g: &Convolution<2>,
    ) -> Lowered<Vec<Option<usize>>> {
        let (before, after) = g.padding[i];
        let reach = kernel
            .checked_sub(1)
            .and_then(|n| n.checked_mul(g.dilation[i]))
            .map(|n| n + 1);
        let padded = length.saturating_add(before).saturating_add(after);
        let rest = reach.and_then(|reach| padded.checked_sub(reach));
        let (Some(rest), true) = (rest, g.stride[i] > 0) else {
            return problem(format!("no window of {kernel} fits {length} elements"));
        };
        let places = rest / g.stride[i] + 1;
        self.spend(&[kernel, places, 4])?;
        let index = |at: usize| {
            let (k, o) = (at / places, at % places);
            let at = (o * g.stride[i] + k * g.dilation[i]).checked_sub(before);
            at.filter(|&at| at < length)
        };
        Ok((0..kernel * places).map(index).collect())
    }
}
