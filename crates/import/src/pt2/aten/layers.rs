//! Layers with weights, normalisations, attention, recurrent layers.

use super::{Rows, list, one};
use crate::lower::{
    Attention, Cell, Conv, Dropped, Kind, LowerError, Lowered, Lowering, Operand, Recurrent,
    Tensor, problem,
};
use crate::pt2::call::Call;
use landscape_core::Role;
use landscape_trace::{Binary, Unary};

fn pairs(all: Vec<i64>) -> Vec<(i64, i64)> {
    all.into_iter().map(|n| (n, n)).collect()
}

fn conv_of(l: &Lowering, c: &Call) -> Lowered<Conv> {
    let (dilation, groups) = (c.ints("dilation")?, c.int_or("groups", 1)?);
    let mut conv = Conv {
        stride: c.ints("stride")?,
        padding: Vec::new(),
        dilation,
        groups,
    };
    conv.padding = match c.get("padding") {
        Operand::Text(text) if text == "same" => {
            // As many elements as before: what is odd comes after.
            let kernel = l.shape(c.tensor("weight")?);
            let along = kernel.iter().skip(2).enumerate().map(|(i, &k)| {
                let dilation = conv
                    .dilation
                    .get(i)
                    .or(conv.dilation.first())
                    .copied()
                    .unwrap_or(1);
                let all = dilation.saturating_mul(k as i64 - 1);
                (all / 2, all - all / 2)
            });
            along.collect()
        }
        Operand::Text(text) if text == "valid" => Vec::new(),
        _ => pairs(c.ints("padding")?),
    };
    Ok(conv)
}

fn conv(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let conv = conv_of(l, c)?;
    one(l.conv(c.x()?, c.tensor("weight")?, c.optional("bias")?, &conv))
}

fn conv_transpose(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let conv = conv_of(l, c)?;
    let border = c.ints("output_padding")?;
    one(l.conv_transpose(
        c.x()?,
        c.tensor("weight")?,
        c.optional("bias")?,
        &conv,
        &border,
    ))
}

fn batch_norm(l: &mut Lowering, c: &Call) -> Lowered {
    let x = c.x()?;
    let scales = [c.optional("weight")?, c.optional("bias")?];
    let epsilon = if c.has("eps") {
        c.number("eps")?
    } else {
        c.number_or("epsilon", 1e-5)?
    };
    let (mean, variance) = (c.optional("running_mean")?, c.optional("running_var")?);
    let apart = c.place.contains("instance_norm");
    if apart {
        check_repeated(l, x, [scales[0], scales[1], mean, variance])?;
    }
    if let (Some(mean), Some(variance)) = (mean, variance) {
        if apart {
            return fixed(l, x, [mean, variance], epsilon, scales);
        }
        let momentum = match c.has("exponential_average_factor") {
            true => c.number("exponential_average_factor")?,
            false => c.number_or("momentum", 0.1)?,
        };
        return l.batch_norm(x, scales, [mean, variance], [epsilon, momentum]);
    }
    // Each sample's own, which PyTorch writes as channels of one sample.
    if l.exported == Some(1) && apart && l.rank(x) > 2 {
        let along: Vec<i64> = (2..l.rank(x) as i64).collect();
        return normal(l, x, &along, epsilon, scales);
    }
    if l.exported == Some(1) {
        return Err(LowerError::Burnt(
            "it takes statistics over all samples, and in an export of one sample their axis cannot be told".into(),
        ));
    }
    // The statistics of the samples, which mixes them.
    let rank = l.rank(x) as i64;
    let along: Vec<i64> = (0..rank).filter(|&a| a != 1).collect();
    normal(l, x, &along, epsilon, scales)
}

/// A decomposed instance norm repeats its vectors for each sample, also for those of the example if their number is fixed.
fn check_repeated(l: &Lowering, x: &Tensor, vectors: [Option<&Tensor>; 4]) -> Lowered<()> {
    let channels = l.shape(x).get(1).copied();
    let fits = |vector: &&Tensor| Some(l.count(vector)) == channels;
    match vectors.iter().flatten().all(fits) {
        true => Ok(()),
        false => Err(LowerError::Burnt(
            "its instance norm was taken apart, and repeats its weights for each sample; an export without run_decompositions() \
             keeps it whole, for any number of samples".into(),
        )),
    }
}

/// The same with statistics that stay, whatever others take: those of an instance norm, which in training has each sample's own.
fn fixed(
    l: &mut Lowering,
    x: &Tensor,
    statistics: [&Tensor; 2],
    epsilon: f64,
    scales: [Option<&Tensor>; 2],
) -> Lowered {
    let shape = l.shape(x);
    let mut along = vec![1; shape.len()];
    along[1] = shape[1];
    let [mean, variance] = statistics;
    let (mean, variance) = (l.reshape_to(mean, &along)?, l.reshape_to(variance, &along)?);
    let centred = l.binary(Binary::Sub, x, &mean)?;
    let variance = l.unary(Unary::AddScalar(epsilon), &variance);
    let width = l.unary(Unary::Sqrt, &variance);
    let normal = l.binary(Binary::Div, &centred, &width)?;
    l.scaled(&normal, scales)
}

/// `scale (x - mean) / sqrt(variance + epsilon) + shift` with the statistics along axes.
fn normal(
    l: &mut Lowering,
    x: &Tensor,
    along: &[i64],
    epsilon: f64,
    scales: [Option<&Tensor>; 2],
) -> Lowered {
    let [variance, mean] = l.variance(x, along, 0.0, true)?;
    let centred = l.binary(Binary::Sub, x, &mean)?;
    let variance = l.unary(Unary::AddScalar(epsilon), &variance);
    let width = l.unary(Unary::Sqrt, &variance);
    let normal = l.binary(Binary::Div, &centred, &width)?;
    l.scaled(&normal, scales)
}

/// The first output of several, of which the others are used by training alone.
fn first(made: Lowered) -> Lowered<Operand> {
    made.and_then(|x| list(vec![x]))
}

fn instance_norm(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let x = c.x()?;
    let scales = [c.optional("weight")?, c.optional("bias")?];
    let epsilon = c.number_or("eps", 1e-5)?;
    let statistics = [c.optional("running_mean")?, c.optional("running_var")?];
    if let ([Some(mean), Some(variance)], false) = (statistics, c.bool_or("use_input_stats", true)?)
    {
        return one(fixed(l, x, [mean, variance], epsilon, scales));
    }
    let channels = l.shape(x).get(1).copied().unwrap_or(0);
    one(l.group_norm(x, channels, scales, epsilon))
}

fn layer_norm(l: &mut Lowering, c: &Call) -> Lowered {
    let axes = c.ints("normalized_shape")?.len();
    l.layer_norm(
        c.x()?,
        axes,
        [c.optional("weight")?, c.optional("bias")?],
        c.number_or("eps", 1e-5)?,
    )
}

fn group_norm(l: &mut Lowering, c: &Call, groups: &str) -> Lowered {
    let groups = crate::lower::size(c.int(groups)?)?;
    l.group_norm(
        c.x()?,
        groups,
        [c.optional("weight")?, c.optional("bias")?],
        c.number_or("eps", 1e-5)?,
    )
}

fn rms_norm(l: &mut Lowering, c: &Call) -> Lowered {
    let axes = c.ints("normalized_shape")?.len();
    // PyTorch's default is the machine epsilon of the numbers.
    let epsilon = c.number_or("eps", f64::from(f32::EPSILON))?;
    l.rms_norm(c.x()?, axes, c.optional("weight")?, epsilon)
}

fn attention(l: &mut Lowering, c: &Call) -> Lowered {
    let mask = if c.has("attn_mask") {
        c.optional("attn_mask")?
    } else {
        c.optional("attn_bias")?
    };
    let how = Attention {
        mask: mask.cloned(),
        causal: c.bool_or("is_causal", false)?,
        scale: if c.has("scale") {
            Some(c.number("scale")?)
        } else {
            None
        },
        grouped: c.bool_or("enable_gqa", false)?,
        cap: None,
        dropout: c.number_or("dropout_p", 0.0)?,
    };
    l.attention(
        [c.at(0).tensor()?, c.at(1).tensor()?, c.at(2).tensor()?],
        &how,
    )
}

/// A network of recurrent layers, with the states `hx`.
fn recurrent(l: &mut Lowering, c: &Call, cell: Cell) -> Lowered<Operand> {
    if c.has("batch_sizes") {
        return problem("packed sequences are not supported; pad them, and mask what is padded");
    }
    let (params, biases) = (c.tensors("params")?, c.bool_or("has_biases", true)?);
    let both_ways = c.bool_or("bidirectional", false)?;
    let layers = crate::lower::size(c.int("num_layers")?)? * (1 + usize::from(both_ways));
    if layers == 0 || !params.len().is_multiple_of(layers) {
        return problem(format!("{} weights for {layers} layers", params.len()));
    }
    let net = Recurrent {
        cell,
        weights: params
            .chunks(params.len() / layers)
            .map(<[Tensor]>::to_vec)
            .collect(),
        biases,
        both_ways,
        batch_first: c.bool_or("batch_first", false)?,
        dropout: c.number_or("dropout", 0.0)?,
    };
    let states = c.get("hx").tensors()?;
    list(l.recurrent(c.x()?, &states, &net)?)
}

/// One step of a recurrent layer.
fn cell(l: &mut Lowering, c: &Call, cell: Cell) -> Lowered<Operand> {
    let x = l.unsqueeze(c.x()?, &[0])?;
    let mut weights = vec![c.tensor("w_ih")?.clone(), c.tensor("w_hh")?.clone()];
    let biases = c.has("b_ih");
    if biases {
        weights.extend([c.tensor("b_ih")?.clone(), c.tensor("b_hh")?.clone()]);
    }
    let net = Recurrent {
        cell,
        weights: vec![weights],
        biases,
        both_ways: false,
        batch_first: false,
        dropout: 0.0,
    };
    let states: Vec<Tensor> = c.get("hx").tensors()?;
    let states: Vec<Tensor> = states
        .iter()
        .map(|s| l.unsqueeze(s, &[0]))
        .collect::<Lowered<_>>()?;
    let made = l.recurrent(&x, &states, &net)?;
    let mut all = Vec::new();
    for state in &made[1..] {
        all.push(l.squeeze(state, Some(&[0]))?);
    }
    if cell == Cell::Lstm {
        list(all)
    } else {
        Ok(all.remove(0).into())
    }
}

/// The share that a dropout drops.
fn rate(c: &Call) -> Lowered<f64> {
    c.number_or("p", 0.5)
}

fn sum_with_product(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let numbers = [c.number_or("beta", 1.0)?, c.number_or("alpha", 1.0)?];
    one(l.sum_with_product(
        c.at(0).tensor()?,
        c.at(1).tensor()?,
        c.at(2).tensor()?,
        numbers,
    ))
}

pub(super) const ROWS: Rows = &[
    (&["linear"], |l, c| {
        one(l.linear(c.x()?, c.tensor("weight")?, c.optional("bias")?))
    }),
    (
        &["addmm", "addmv", "baddbmm", "_addmm_activation"],
        |l, c| sum_with_product(l, c),
    ),
    (
        &[
            "mm",
            "bmm",
            "mv",
            "matmul",
            "dot",
            "vdot",
            "linalg_matmul",
            "__matmul__",
        ],
        |l, c| one(l.matmul(c.at(0).tensor()?, c.at(1).tensor()?)),
    ),
    (&["inner"], |l, c| {
        let b = c.at(1).tensor()?;
        let b = if l.rank(b) > 1 {
            l.transpose(b, -1, -2)?
        } else {
            b.clone()
        };
        one(l.matmul(c.at(0).tensor()?, &b))
    }),
    (&["outer", "ger"], |l, c| {
        one(l.outer(c.at(0).tensor()?, c.at(1).tensor()?))
    }),
    (&["addr"], |l, c| {
        let product = l.outer(c.at(1).tensor()?, c.at(2).tensor()?)?;
        one(l.binary(Binary::Add, c.x()?, &product))
    }),
    (&["einsum"], |l, c| {
        let Operand::Text(equation) = c.get("equation") else {
            return problem("there is no equation");
        };
        one(l.einsum(equation, &c.tensors("tensors")?))
    }),
    (&["tensordot"], |l, c| {
        let (a, b) = (c.ints("dims_self")?, c.ints("dims_other")?);
        let letters = |l: &Lowering, x: &Tensor, first: u8, axes: &[i64]| -> Lowered<String> {
            let rank = l.rank(x);
            let mut names: Vec<char> = (0..rank).map(|i| char::from(first + i as u8)).collect();
            for (i, &a) in axes.iter().enumerate().take(8) {
                let axis = crate::lower::axis(a, rank)?;
                *names.get_mut(axis).unwrap_or(&mut '?') = char::from(b'A' + i as u8);
            }
            Ok(names.into_iter().collect())
        };
        let (x, y) = (c.at(0).tensor()?, c.at(1).tensor()?);
        let (left, right) = (letters(l, x, b'a', &a)?, letters(l, y, b'n', &b)?);
        let kept = left
            .chars()
            .chain(right.chars())
            .filter(char::is_ascii_lowercase);
        let equation = format!("{left},{right}->{}", kept.collect::<String>());
        one(l.einsum(&equation, &[x.clone(), y.clone()]))
    }),
    (&["bilinear"], |l, c| {
        one(l.bilinear(
            c.at(0).tensor()?,
            c.at(1).tensor()?,
            c.tensor("weight")?,
            c.optional("bias")?,
        ))
    }),
    (&["cdist", "_cdist_forward"], |l, c| {
        one(l.distances(c.at(0).tensor()?, c.at(1).tensor()?, c.number_or("p", 2.0)?))
    }),
    (
        &[
            "conv1d",
            "conv2d",
            "conv3d",
            "mkldnn_convolution",
            "cudnn_convolution",
            "_conv_depthwise2d",
            "conv_depthwise3d",
            "thnn_conv2d",
        ],
        conv,
    ),
    (
        &["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"],
        conv_transpose,
    ),
    (
        &["convolution", "_convolution", "convolution_overrideable"],
        |l, c| match c.bool_or("transposed", false)? {
            true => conv_transpose(l, c),
            false => conv(l, c),
        },
    ),
    (&["embedding"], |l, c| {
        one(l.embedding(c.tensor("weight")?, c.tensor("indices")?))
    }),
    (&["batch_norm"], |l, c| one(batch_norm(l, c))),
    (
        &[
            "native_batch_norm",
            "_native_batch_norm_legit",
            "_native_batch_norm_legit_no_training",
            "_native_batch_norm_legit_functional",
            "cudnn_batch_norm",
            "miopen_batch_norm",
            "_batch_norm_with_update",
            "_batch_norm_no_update",
            "_batch_norm_with_update_functional",
        ],
        |l, c| first(batch_norm(l, c)),
    ),
    (&["instance_norm"], instance_norm),
    (&["layer_norm"], |l, c| one(layer_norm(l, c))),
    (&["native_layer_norm"], |l, c| first(layer_norm(l, c))),
    (&["group_norm"], |l, c| one(group_norm(l, c, "num_groups"))),
    (&["native_group_norm"], |l, c| {
        first(group_norm(l, c, "group"))
    }),
    (&["rms_norm"], |l, c| one(rms_norm(l, c))),
    (&["_fused_rms_norm"], |l, c| first(rms_norm(l, c))),
    (&["local_response_norm"], |_, _| {
        problem("it is not supported; export a decomposed program")
    }),
    (
        &[
            "scaled_dot_product_attention",
            "_scaled_dot_product_attention_math_for_mps",
        ],
        |l, c| one(attention(l, c)),
    ),
    (
        &[
            "_scaled_dot_product_flash_attention",
            "_scaled_dot_product_flash_attention_for_cpu",
            "_scaled_dot_product_efficient_attention",
            "_scaled_dot_product_cudnn_attention",
            "_scaled_dot_product_attention_math",
        ],
        |l, c| first(attention(l, c)),
    ),
    (&["lstm"], |l, c| recurrent(l, c, Cell::Lstm)),
    (&["gru"], |l, c| recurrent(l, c, Cell::Gru)),
    (&["rnn_tanh"], |l, c| recurrent(l, c, Cell::Tanh)),
    (&["rnn_relu"], |l, c| recurrent(l, c, Cell::Relu)),
    (&["lstm_cell"], |l, c| cell(l, c, Cell::Lstm)),
    (&["gru_cell"], |l, c| cell(l, c, Cell::Gru)),
    (&["rnn_tanh_cell"], |l, c| cell(l, c, Cell::Tanh)),
    (&["rnn_relu_cell"], |l, c| cell(l, c, Cell::Relu)),
    (&["_weight_norm", "_weight_norm_interface"], |l, c| {
        // g v / |v|, with a length for each index of one axis.
        let (v, g) = (c.at(0).tensor()?, c.at(1).tensor()?);
        l.role(v, Role::Weight);
        l.role(g, Role::NormScale);
        let rank = l.rank(v);
        let place = c.int_or("dim", 0)?;
        let along: Vec<i64> = match place {
            -1 => Vec::new(),
            place => {
                let own = crate::lower::axis(place, rank)?;
                (0..rank as i64).filter(|&a| a != own as i64).collect()
            }
        };
        let norm = l.norm(v, 2.0, &along, true)?;
        let unit = l.binary(Binary::Div, v, &norm)?;
        one(l.binary(Binary::Mul, &unit, g))
    }),
    (&["cosine_similarity"], |l, c| {
        let (a, b, place) = (c.at(0).tensor()?, c.at(1).tensor()?, c.int_or("dim", 1)?);
        let epsilon = c.number_or("eps", 1e-8)?;
        let (a, b) = (
            l.normalized(a, 2.0, &[place], epsilon)?,
            l.normalized(b, 2.0, &[place], epsilon)?,
        );
        let product = l.binary(Binary::Mul, &a, &b)?;
        one(l.sum(&product, &[place], false))
    }),
    (&["pairwise_distance"], |l, c| {
        let difference = l.binary(Binary::Sub, c.at(0).tensor()?, c.at(1).tensor()?)?;
        let difference = l.unary(Unary::AddScalar(c.number_or("eps", 1e-6)?), &difference);
        one(l.norm(
            &difference,
            c.number_or("p", 2.0)?,
            &[-1],
            c.bool_or("keepdim", false)?,
        ))
    }),
    (&["dropout"], |l, c| {
        one(l.dropout(c.x()?, rate(c)?, Dropped::Elements))
    }),
    (&["feature_dropout"], |l, c| {
        one(l.dropout(c.x()?, rate(c)?, Dropped::Channels))
    }),
    (&["alpha_dropout"], |l, c| {
        one(l.alpha_dropout(c.x()?, rate(c)?, Dropped::Elements))
    }),
    (&["feature_alpha_dropout"], |l, c| {
        one(l.alpha_dropout(c.x()?, rate(c)?, Dropped::Channels))
    }),
    (&["native_dropout"], |l, c| {
        let x = l.dropout(c.x()?, rate(c)?, Dropped::Elements)?;
        let mask = l.number(1.0, Kind::Bool)?;
        let shape = l.shape(&x);
        let mask = l.expand_to(&mask, &shape)?;
        list(vec![x, mask])
    }),
];
