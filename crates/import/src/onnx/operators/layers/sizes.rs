//! Images of another size, and at other places.

use super::super::one;
use crate::lower::{
    Interpolation, Kind, Lowered, Lowering, Operand, Places, Resize, Rounding, axis, problem, size,
};
use crate::onnx::run::Call;
use landscape_trace::{GridPadding, GridSample};

/// How elements are found: the rules of the newer operator.
fn how(c: &Call, older: bool) -> Lowered<Resize> {
    let rounding = match c.text(
        "nearest_mode",
        if older { "floor" } else { "round_prefer_floor" },
    ) {
        "round_prefer_floor" => Rounding::HalfDown,
        "round_prefer_ceil" => Rounding::HalfUp,
        "floor" => Rounding::Floor,
        "ceil" => Rounding::Ceil,
        mode => return problem(format!("`nearest_mode` is `{mode}`")),
    };
    let interpolation = match c.text("mode", "nearest") {
        "nearest" => Interpolation::Nearest(rounding),
        "linear" | "bilinear" | "trilinear" => Interpolation::Linear,
        "cubic" => Interpolation::Cubic(c.float("cubic_coeff_a", -0.75)),
        mode => return problem(format!("the mode `{mode}` is not supported")),
    };
    let places = match c.text(
        "coordinate_transformation_mode",
        if older { "asymmetric" } else { "half_pixel" },
    ) {
        "half_pixel" => Places::HalfPixel,
        "half_pixel_symmetric" => Places::HalfPixelSymmetric,
        "pytorch_half_pixel" => Places::PytorchHalfPixel,
        "align_corners" => Places::AlignCorners,
        "asymmetric" => Places::Asymmetric,
        mode => {
            return problem(format!(
                "the coordinate transformation `{mode}` is not supported"
            ));
        }
    };
    Ok(Resize {
        interpolation,
        places,
        antialias: c.int("antialias", 0) != 0,
        exclude_outside: c.int("exclude_outside", 0) != 0,
    })
}

/// Scales or sizes of axes; scales were the second input before version 11.
pub(crate) fn resize(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let older = c.opset() < 11;
    let rank = l.rank(c.tensor(0)?);
    let places = match c.ints("axes") {
        Some(all) => all
            .iter()
            .map(|&a| axis(a, rank))
            .collect::<Lowered<Vec<_>>>()?,
        None => (0..rank).collect(),
    };
    let scales = known(c, if older { 1 } else { 2 })?.filter(|all| !all.is_empty());
    let sizes = if older { None } else { known(c, 3)? };
    resized(l, c, &places, scales, sizes, &how(c, older)?)
}

/// The older operator, with scales as an attribute or an input.
pub(crate) fn upsample(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let places: Vec<usize> = (0..l.rank(c.tensor(0)?)).collect();
    let scales = match c.floats("scales") {
        Some(scales) => Some(scales),
        None => known(c, 1)?,
    };
    resized(l, c, &places, scales, None, &how(c, true)?)
}

fn known(c: &Call, position: usize) -> Lowered<Option<Vec<f64>>> {
    match c.optional(position) {
        None => Ok(None),
        Some(x) => match &x.known {
            Some(known) => Ok(Some(known.to_vec())),
            None => problem("the size depends on the data"),
        },
    }
}

fn resized(
    l: &mut Lowering,
    c: &Call,
    places: &[usize],
    scales: Option<Vec<f64>>,
    sizes: Option<Vec<f64>>,
    how: &Resize,
) -> Lowered<Vec<Operand>> {
    let mut x = c.tensor(0)?.clone();
    let own = l.shape(&x);
    let example = super::super::shapes::sizes(l, &x);
    let given = scales.as_ref().or(sizes.as_ref()).map_or(0, Vec::len);
    if given != places.len() || places.iter().any(|&a| a >= own.len()) {
        return problem(format!("{given} sizes for {} axes", places.len()));
    }
    let scales: Vec<(f64, Option<usize>)> = match (scales, sizes) {
        (Some(scales), _) => scales.into_iter().map(|scale| (scale, None)).collect(),
        (None, Some(sizes)) => by_policy(c, &sizes, places, &example),
        (None, None) => return problem("it has neither scales nor sizes"),
    };
    for (&place, (scale, new)) in places.iter().zip(scales) {
        let length = own[place];
        let new = match new {
            // The samples, of which the example has others.
            Some(new) if example[place] != length && new == example[place] => length,
            Some(new) => new,
            None => (length as f64 * scale).floor() as usize,
        };
        if new != length || scale != 1.0 {
            x = l.resize(&x, place, new, Some(scale), how)?;
        }
    }
    one(Ok(x))
}

/// Scales and sizes, as a policy that keeps the ratio of the sides changes them.
fn by_policy(
    c: &Call,
    sizes: &[f64],
    places: &[usize],
    own: &[usize],
) -> Vec<(f64, Option<usize>)> {
    let scales = { sizes.iter().zip(places) }.map(|(&new, &a)| new / own[a].max(1) as f64);
    let same = match c.text("keep_aspect_ratio_policy", "stretch") {
        "not_larger" => scales.clone().reduce(f64::min),
        "not_smaller" => scales.clone().reduce(f64::max),
        _ => None,
    };
    let one = |(scale, (&new, &a)): (f64, (&f64, &usize))| match same {
        None => (scale, Some(new as usize)),
        Some(scale) => (scale, Some((scale * own[a] as f64 + 0.5).floor() as usize)),
    };
    scales.zip(sizes.iter().zip(places)).map(one).collect()
}

pub(crate) fn grid_sample(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let nearest = match c.text("mode", "linear") {
        "linear" | "bilinear" => false,
        "nearest" => true,
        mode => {
            return problem(format!(
                "the mode `{mode}` is not supported; use `bilinear` or `nearest`"
            ));
        }
    };
    let padding = match c.text("padding_mode", "zeros") {
        "border" => GridPadding::Border,
        "reflection" => GridPadding::Reflection,
        _ => GridPadding::Zeros,
    };
    let align_corners = c.int("align_corners", 0) != 0;
    one(l.grid_sample(
        c.tensor(0)?,
        c.tensor(1)?,
        GridSample {
            padding,
            align_corners,
            nearest,
        },
    ))
}

/// Places on images, or in volumes, that a matrix moves.
pub(crate) fn affine_grid(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let (theta, wanted) = (c.tensor(0)?, c.at(1).ints()?);
    let lengths: Vec<usize> = { wanted.get(2..).unwrap_or_default().iter() }
        .map(|&n| size(n))
        .collect::<Lowered<_>>()?;
    let (dims, corners) = (lengths.len(), c.int("align_corners", 0) != 0);
    let Some(count) = landscape_files::product(&lengths).filter(|_| (2..=3).contains(&dims)) else {
        return problem(format!("{wanted:?} is not the shape of images"));
    };
    l.spend(&[count, dims + 1])?;
    let place = |i: usize, n: usize| match corners {
        true if n > 1 => 2.0 * i as f64 / (n - 1) as f64 - 1.0,
        true => 0.0,
        false => (2.0 * i as f64 + 1.0) / n as f64 - 1.0,
    };
    let mut numbers = vec![];
    for at in 0..count {
        let mut rest = at;
        for &n in lengths.iter().rev() {
            numbers.push(place(rest % n, n));
            rest /= n;
        }
        numbers.push(1.0);
    }
    let base = l.constant(&[count, dims + 1], numbers, Kind::Float)?;
    let turned = l.transpose(theta, 1, 2)?;
    let places = l.matmul(&base, &turned)?;
    let mut shape = vec![l.shape(&places)[0]];
    shape.extend(lengths);
    shape.push(dims);
    one(l.reshape_to(&places, &shape))
}
