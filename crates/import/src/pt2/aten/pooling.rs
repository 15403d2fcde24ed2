//! Pooling, and images of another size.

use super::{Rows, list, one};
use crate::lower::{
    Border, Interpolation, Lowered, Lowering, Operand, Places, Pool, Resize, Rounding, problem,
};
use crate::pt2::call::Call;
use landscape_trace::{GridPadding, GridSample, Unary};

fn pool_of(c: &Call) -> Lowered<Pool> {
    Ok(Pool {
        size: c.ints("kernel_size")?,
        stride: c.ints("stride")?,
        padding: c.ints("padding")?,
        dilation: c.ints("dilation")?,
        ceil: c.bool_or("ceil_mode", false)?,
    })
}

fn max_pool(l: &mut Lowering, c: &Call, dims: usize) -> Lowered<Operand> {
    one(l.max_pool(c.x()?, dims, &pool_of(c)?))
}

fn with_places(l: &mut Lowering, c: &Call, dims: usize) -> Lowered<Operand> {
    let pool = pool_of(c)?;
    if dims == 3 {
        return list(vec![l.max_pool(c.x()?, dims, &pool)?]);
    }
    list(l.max_pool_with_places(c.x()?, dims, &pool)?.to_vec())
}

fn avg_pool(l: &mut Lowering, c: &Call, dims: usize) -> Lowered<Operand> {
    let divisor = if c.has("divisor_override") {
        Some(c.number("divisor_override")?)
    } else {
        None
    };
    one(l.avg_pool(
        c.x()?,
        dims,
        &pool_of(c)?,
        c.bool_or("count_include_pad", true)?,
        divisor,
    ))
}

fn sizes(c: &Call) -> Lowered<Vec<Option<i64>>> {
    match c.get("output_size") {
        Operand::List(all) => { all.iter() }
            .map(|x| {
                if x.is_none() {
                    Ok(None)
                } else {
                    x.int().map(Some)
                }
            })
            .collect(),
        other => Ok(vec![Some(other.int()?)]),
    }
}

/// A size for each dimension, of one for all.
fn each(all: Vec<Option<i64>>, dims: usize) -> Vec<Option<i64>> {
    match all[..] {
        [one] => vec![one; dims],
        _ => all,
    }
}

fn adaptive_avg(l: &mut Lowering, c: &Call, dims: usize) -> Lowered<Operand> {
    one(l.adaptive_avg_pool(c.x()?, &each(sizes(c)?, dims)))
}

fn adaptive_max(l: &mut Lowering, c: &Call, dims: usize) -> Lowered<Operand> {
    let made = l.adaptive_max_pool(c.x()?, &each(sizes(c)?, dims))?;
    list(vec![made])
}

fn upsample(
    l: &mut Lowering,
    c: &Call,
    interpolation: Interpolation,
    antialias: bool,
) -> Lowered<Operand> {
    let x = c.x()?;
    let dims = l.rank(x).saturating_sub(2);
    let corners = c.bool_or("align_corners", false)?;
    let nearest = matches!(interpolation, Interpolation::Nearest(Rounding::Floor));
    let how = Resize {
        interpolation,
        places: match (corners, nearest) {
            (true, _) => Places::AlignCorners,
            (false, true) => Places::Asymmetric,
            (false, false) => Places::HalfPixel,
        },
        antialias,
        exclude_outside: antialias,
    };
    let given = match c.get("scale_factors") {
        Operand::List(all) => all
            .iter()
            .map(Operand::number)
            .collect::<Lowered<Vec<f64>>>()?,
        _ => Vec::new(),
    };
    let names: &[&str] = match dims {
        1 => &["scales"],
        2 => &["scales_h", "scales_w"],
        _ => &["scales_d", "scales_h", "scales_w"],
    };
    let sizes = c.ints("output_size")?;
    let mut made = x.clone();
    for i in 0..dims {
        let length = l.shape(x)[2 + i];
        let scale = match given.get(i) {
            Some(&scale) => Some(scale),
            None => match names.get(i) {
                Some(name) if c.has(name) => Some(c.number(name)?),
                _ => None,
            },
        };
        let new = match (sizes.get(i), scale) {
            (Some(&n), _) => crate::lower::size(n)?,
            (None, Some(scale)) => (length as f64 * scale).floor() as usize,
            (None, None) => return problem("neither a size nor a scale is given"),
        };
        let scale = if corners { None } else { scale };
        made = l.resize(&made, 2 + i, new, scale, &how)?;
    }
    Ok(made.into())
}

const NEAREST: Interpolation = Interpolation::Nearest(Rounding::Floor);
const NEAREST_EXACT: Interpolation = Interpolation::Nearest(Rounding::HalfUp);
const CUBIC: Interpolation = Interpolation::Cubic(-0.75);

fn grid(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let nearest = match c.int_or("interpolation_mode", 0)? {
        0 => false,
        1 => true,
        _ => {
            return problem(
                "grids are not sampled by cubic functions; use mode=\"bilinear\" or \"nearest\"",
            );
        }
    };
    let padding = match c.int_or("padding_mode", 0)? {
        0 => GridPadding::Zeros,
        1 => GridPadding::Border,
        _ => GridPadding::Reflection,
    };
    let how = GridSample {
        padding,
        align_corners: c.bool_or("align_corners", false)?,
        nearest,
    };
    one(l.grid_sample(c.x()?, c.tensor("grid")?, how))
}

/// Elements around the last axes, whose pairs come last axis first.
fn pad(l: &mut Lowering, c: &Call, widths: &str, border: Border) -> Lowered<Operand> {
    let x = c.x()?;
    let rank = l.rank(x);
    let given = c.ints(widths)?;
    if !given.len().is_multiple_of(2) || given.len() / 2 > rank {
        return problem(format!("{} padding widths for {rank} axes", given.len()));
    }
    let mut all = vec![(0, 0); rank];
    for (i, pair) in given.chunks(2).enumerate() {
        all[rank - 1 - i] = (pair[0], pair[1]);
    }
    one(l.pad(x, &all, border))
}

fn number(c: &Call) -> Lowered<Border> {
    Ok(Border::Constant(c.number_or("value", 0.0)?))
}

pub(super) const ROWS: Rows = &[
    (&["max_pool1d"], |l, c| max_pool(l, c, 1)),
    (&["max_pool2d", "mkldnn_max_pool2d"], |l, c| {
        max_pool(l, c, 2)
    }),
    (&["max_pool3d", "mkldnn_max_pool3d"], |l, c| {
        max_pool(l, c, 3)
    }),
    (&["max_pool1d_with_indices"], |l, c| with_places(l, c, 1)),
    (&["max_pool2d_with_indices"], |l, c| {
        // The places are made where they are used, see the graph's dead nodes.
        with_places(l, c, 2)
    }),
    (&["max_pool3d_with_indices"], |l, c| with_places(l, c, 3)),
    (&["avg_pool1d"], |l, c| avg_pool(l, c, 1)),
    (&["avg_pool2d"], |l, c| avg_pool(l, c, 2)),
    (&["avg_pool3d"], |l, c| avg_pool(l, c, 3)),
    (&["adaptive_avg_pool1d"], |l, c| adaptive_avg(l, c, 1)),
    (
        &[
            "adaptive_avg_pool2d",
            "_adaptive_avg_pool2d",
            "mkldnn_adaptive_avg_pool2d",
        ],
        |l, c| adaptive_avg(l, c, 2),
    ),
    (&["adaptive_avg_pool3d", "_adaptive_avg_pool3d"], |l, c| {
        adaptive_avg(l, c, 3)
    }),
    (&["adaptive_max_pool1d"], |l, c| adaptive_max(l, c, 1)),
    (&["adaptive_max_pool2d"], |l, c| adaptive_max(l, c, 2)),
    (&["adaptive_max_pool3d"], |l, c| adaptive_max(l, c, 3)),
    (
        &[
            "upsample_nearest1d",
            "upsample_nearest2d",
            "upsample_nearest3d",
        ],
        |l, c| upsample(l, c, NEAREST, false),
    ),
    (
        &[
            "_upsample_nearest_exact1d",
            "_upsample_nearest_exact2d",
            "_upsample_nearest_exact3d",
        ],
        |l, c| upsample(l, c, NEAREST_EXACT, false),
    ),
    (
        &[
            "upsample_linear1d",
            "upsample_bilinear2d",
            "upsample_trilinear3d",
        ],
        |l, c| upsample(l, c, Interpolation::Linear, false),
    ),
    (&["upsample_bicubic2d"], |l, c| upsample(l, c, CUBIC, false)),
    (&["_upsample_bilinear2d_aa"], |l, c| {
        upsample(l, c, Interpolation::Linear, true)
    }),
    (&["_upsample_bicubic2d_aa"], |l, c| {
        upsample(l, c, Interpolation::Cubic(-0.5), true)
    }),
    (&["grid_sampler", "grid_sampler_2d"], grid),
    (&["constant_pad_nd"], |l, c| pad(l, c, "pad", number(c)?)),
    (
        &["reflection_pad1d", "reflection_pad2d", "reflection_pad3d"],
        |l, c| pad(l, c, "padding", Border::Reflect),
    ),
    (
        &[
            "replication_pad1d",
            "replication_pad2d",
            "replication_pad3d",
        ],
        |l, c| pad(l, c, "padding", Border::Edge),
    ),
    (&["_pad_circular"], |l, c| pad(l, c, "pad", Border::Wrap)),
    (&["pad"], |l, c| {
        let border = match c.text_or("mode", "constant") {
            "reflect" => Border::Reflect,
            "replicate" => Border::Edge,
            "circular" => Border::Wrap,
            _ => number(c)?,
        };
        pad(l, c, "pad", border)
    }),
    (&["lp_pool2d"], |_, _| {
        problem("it is not supported; export a decomposed program")
    }),
    (&["im2col"], |l, c| {
        let conv = windows(c)?;
        one(l.patches(c.x()?, &c.ints("kernel_size")?, &conv))
    }),
    (&["col2im"], |l, c| {
        let conv = windows(c)?;
        one(l.assembled(
            c.x()?,
            &c.ints("output_size")?,
            &c.ints("kernel_size")?,
            &conv,
        ))
    }),
    (&["affine_grid_generator"], affine_grid),
];

fn windows(c: &Call) -> Lowered<crate::lower::Conv> {
    Ok(crate::lower::Conv {
        stride: c.ints("stride")?,
        padding: c.ints("padding")?.into_iter().map(|n| (n, n)).collect(),
        dilation: c.ints("dilation")?,
        groups: 1,
    })
}

/// Places of images after affine maps `[n, 2, 3]`.
fn affine_grid(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let (sizes, corners) = (c.ints("size")?, c.bool_or("align_corners", false)?);
    let [_, _, rows, columns] = sizes[..] else {
        return problem("it is supported for images only");
    };
    let (rows, columns) = (crate::lower::size(rows)?, crate::lower::size(columns)?);
    l.spend(&[rows, columns, 3])?;
    let at = |i: usize, n: usize| match corners {
        true if n > 1 => 2.0 * i as f64 / (n - 1) as f64 - 1.0,
        true => 0.0,
        false => (2.0 * i as f64 + 1.0) / n as f64 - 1.0,
    };
    let places =
        (0..rows).flat_map(|y| (0..columns).flat_map(move |x| [at(x, columns), at(y, rows), 1.0]));
    let places = places.collect();
    let places = l.constant(&[rows * columns, 3], places, crate::lower::Kind::Float)?;
    let turned = l.transpose(c.x()?, 1, 2)?;
    let grid = l.matmul(&places, &turned)?;
    let samples = l.shape(&grid)[0];
    let grid = l.reshape_to(&grid, &[samples, rows, columns, 2])?;
    Ok(l.unary(Unary::Identity, &grid).into())
}
