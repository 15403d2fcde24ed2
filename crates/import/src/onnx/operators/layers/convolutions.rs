//! Convolutions and their adjoints.

use super::super::one;
use crate::lower::{Conv, Lowered, Lowering, Operand, Tensor, problem};
use crate::onnx::run::Call;

/// The geometry of windows: a number for each dimension.
pub(super) struct Windows {
    pub sizes: Vec<i64>,
    pub strides: Vec<i64>,
    pub dilations: Vec<i64>,
    /// Before and after.
    pub pads: Vec<(i64, i64)>,
}

/// A number for each dimension, of an attribute.
fn each(c: &Call, name: &str, dims: usize, other: i64) -> Lowered<Vec<i64>> {
    match c.ints(name) {
        None | Some([]) => Ok(vec![other; dims]),
        Some(all) if all.len() == dims => {
            match all.iter().find(|&&n| !(0..=1 << 40).contains(&n)) {
                None => Ok(all.to_vec()),
                Some(n) => problem(format!("`{name}` holds {n}")),
            }
        }
        Some(all) => problem(format!(
            "`{name}` has {} numbers for {dims} dimensions",
            all.len()
        )),
    }
}

/// Windows of a convolution or a pooling, whose borders may follow from a rule.
pub(super) fn windows(c: &Call, lengths: &[usize], sizes: &[usize]) -> Lowered<Windows> {
    let dims = sizes.len();
    let sizes: Vec<i64> = sizes.iter().map(|&n| n as i64).collect();
    let strides = each(c, "strides", dims, 1)?;
    let dilations = each(c, "dilations", dims, 1)?;
    if strides.contains(&0) || dilations.contains(&0) || lengths.len() != dims {
        return problem("its strides and dilations are not those of its windows");
    }
    let reach = |i: usize| (sizes[i] - 1) * dilations[i] + 1;
    let rule = c.text("auto_pad", "NOTSET");
    let pads = match rule {
        "NOTSET" | "" => {
            let all = each(c, "pads", 2 * dims, 0)?;
            (0..dims).map(|i| (all[i], all[dims + i])).collect()
        }
        "VALID" => vec![(0, 0); dims],
        "SAME_UPPER" | "SAME_LOWER" => {
            let pad = |i: usize| {
                let length = lengths[i] as i64;
                let count = length.div_euclid(strides[i]) + i64::from(length % strides[i] != 0);
                let all = ((count - 1) * strides[i] + reach(i) - length).max(0);
                match rule {
                    "SAME_UPPER" => (all / 2, all - all / 2),
                    _ => (all - all / 2, all / 2),
                }
            };
            (0..dims).map(pad).collect()
        }
        rule => return problem(format!("`auto_pad` is `{rule}`")),
    };
    Ok(Windows {
        sizes,
        strides,
        dilations,
        pads,
    })
}

/// A bias, unless it is all zeros, as exporters write for none.
fn bias<'c>(c: &'c Call) -> Option<&'c Tensor> {
    c.optional(2).filter(|bias| {
        bias.known
            .as_ref()
            .is_none_or(|known| known.iter().any(|&x| x != 0.0))
    })
}

fn kernel(l: &Lowering, weight: &Tensor) -> Vec<usize> {
    l.shape(weight).get(2..).unwrap_or_default().to_vec()
}

fn lengths(l: &Lowering, x: &Tensor) -> Vec<usize> {
    l.shape(x).get(2..).unwrap_or_default().to_vec()
}

pub(crate) fn conv(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let (x, weight) = (c.tensor(0)?, c.tensor(1)?);
    let windows = windows(c, &lengths(l, x), &kernel(l, weight))?;
    let conv = Conv {
        stride: windows.strides,
        padding: windows.pads,
        dilation: windows.dilations,
        groups: c.int("group", 1),
    };
    one(l.conv(x, weight, bias(c), &conv))
}

pub(crate) fn conv_transpose(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let (x, weight) = (c.tensor(0)?, c.tensor(1)?);
    let (lengths, kernel) = (lengths(l, x), kernel(l, weight));
    let dims = kernel.len();
    let strides = each(c, "strides", dims, 1)?;
    let dilations = each(c, "dilations", dims, 1)?;
    let border = each(c, "output_padding", dims, 0)?;
    if lengths.len() != dims || kernel.contains(&0) {
        return problem("its weights have a different number of axes, or no elements");
    }
    let whole = |i: usize| {
        let reach = (kernel[i] as i64 - 1) * dilations[i] + 1;
        strides[i] * (lengths[i] as i64 - 1) + border[i] + reach
    };
    let rule = c.text("auto_pad", "NOTSET");
    let wanted = match (c.ints("output_shape"), rule) {
        (Some(all), _) if all.len() == dims => Some(all.to_vec()),
        // With the axes of samples and channels.
        (Some(all), _) if all.len() == dims + 2 => Some(all[2..].to_vec()),
        (Some(_), _) => return problem("`output_shape` has a different number of axes"),
        (None, "SAME_UPPER" | "SAME_LOWER") => Some(
            lengths
                .iter()
                .zip(&strides)
                .map(|(&n, &s)| n as i64 * s)
                .collect(),
        ),
        (None, _) => None,
    };
    let pads = match wanted {
        None if rule == "VALID" => vec![(0, 0); dims],
        None => {
            let all = each(c, "pads", 2 * dims, 0)?;
            (0..dims).map(|i| (all[i], all[dims + i])).collect()
        }
        Some(wanted) => {
            let pad = |i: usize| {
                let all = whole(i) - wanted[i];
                // What is missing stays zero at the end.
                match rule {
                    _ if all < 0 => (0, all),
                    "SAME_UPPER" => (all / 2, all - all / 2),
                    _ => (all - all / 2, all / 2),
                }
            };
            (0..dims).map(pad).collect()
        }
    };
    let mut border = border;
    let mut padding = pads;
    for (i, (_, after)) in padding
        .iter_mut()
        .enumerate()
        .filter(|(_, (_, after))| *after < 0)
    {
        border[i] -= *after;
        *after = 0;
    }
    let conv = Conv {
        stride: strides,
        padding,
        dilation: dilations,
        groups: c.int("group", 1),
    };
    one(l.conv_transpose(x, weight, bias(c), &conv, &border))
}

pub(crate) fn assembled(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let (image, block) = (c.at(1).ints()?, c.at(2).ints()?);
    let dims = block.len();
    if dims != 2 || image.len() != 2 {
        return problem("it is supported for images only");
    }
    let pads = each(c, "pads", 4, 0)?;
    let conv = Conv {
        stride: each(c, "strides", 2, 1)?,
        padding: vec![(pads[0], pads[2]), (pads[1], pads[3])],
        dilation: each(c, "dilations", 2, 1)?,
        groups: 1,
    };
    one(l.assembled(c.tensor(0)?, &image, &block, &conv))
}
