//! Attention, and places turned into angles.

use crate::lower::{Attention, Kind, Lowered, Lowering, Operand, Tensor, problem, size};
use crate::onnx::run::Call;
use landscape_trace::Binary;

use super::super::one;
use super::super::shapes::sizes;

/// `[n, tokens, heads width]` as `[n, heads, tokens, width]`, where it has three axes.
fn heads(l: &mut Lowering, x: &Tensor, count: i64) -> Lowered {
    let own = sizes(l, x);
    match own[..] {
        [n, tokens, _] if count > 0 => {
            let parted = l.reshape(x, &[n as i64, tokens as i64, count, -1])?;
            let parted = with_example(l, parted, &own, count);
            l.permute(&parted, &[0, 2, 1, 3])
        }
        [_, _, _, _] => Ok(x.clone()),
        _ => problem(format!(
            "{own:?} is not the shape of tokens in heads; it needs the numbers of heads"
        )),
    }
}

fn with_example(l: &Lowering, x: Tensor, own: &[usize], heads: i64) -> Tensor {
    match (l.exported, &x.exported) {
        (Some(_), None) => {
            let exported = Some(vec![
                own[0],
                own[1],
                heads as usize,
                own[2] / heads as usize,
            ]);
            Tensor { exported, ..x }
        }
        _ => x,
    }
}

pub(crate) fn attention(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    if c.optional(6).is_some() {
        return problem("lengths of keys that depend on the data are not supported");
    }
    for window in ["left_window_size", "right_window_size"] {
        if c.int(window, -1) >= 0 {
            return problem(format!(
                "`{window}` is not supported; write the window as a mask"
            ));
        }
    }
    let (q_heads, kv_heads) = (c.int("q_num_heads", 0), c.int("kv_num_heads", 0));
    let joined = l.rank(c.tensor(0)?) == 3;
    let q = heads(l, c.tensor(0)?, q_heads)?;
    let mut k = heads(l, c.tensor(1)?, kv_heads)?;
    let mut v = heads(l, c.tensor(2)?, kv_heads)?;
    let past = c
        .optional(4)
        .map_or(0, |past| l.shape(past)[2.min(l.rank(past) - 1)]);
    if let (Some(keys), Some(values)) = (c.optional(4), c.optional(5)) {
        k = l.cat(&[keys.clone(), k], 2)?;
        v = l.cat(&[values.clone(), v], 2)?;
    }
    let (own, all) = (l.shape(&q), l.shape(&k));
    let (Some(&queries), Some(&keys)) = (own.get(2), all.get(2)) else {
        return problem("queries and keys have four axes");
    };
    let mask = c.optional(3).cloned();
    let mut how = Attention {
        causal: c.int("is_causal", 0) != 0 && past == 0,
        scale: c.attribute("scale").map(|_| c.float("scale", 0.0)),
        grouped: own.get(1) != all.get(1),
        cap: None,
        dropout: 0.0,
        mask,
    };
    // Queries come after what is past.
    let mut seen = None;
    if c.int("is_causal", 0) != 0 && past > 0 {
        l.spend(&[queries, keys])?;
        let numbers = (0..queries * keys).map(|i| f64::from(u8::from(i % keys <= i / keys + past)));
        seen = Some(l.constant(&[queries, keys], numbers.collect(), Kind::Bool)?);
    }
    if let Some(seen) = seen {
        how.mask = Some(match how.mask {
            None => seen,
            Some(mask) if mask.kind == Kind::Bool => l.binary(Binary::And, &mask, &seen)?,
            Some(mask) => l.unless(&mask, &seen, f64::NEG_INFINITY)?,
        });
    }
    how.cap = Some(c.float("softcap", 0.0)).filter(|&cap| cap > 0.0);
    let made = l.attention([&q, &k, &v], &how)?;
    let made = match joined {
        false => made,
        true => {
            let turned = l.permute(&made, &[0, 2, 1, 3])?;
            let shape = l.shape(&turned);
            l.reshape_to(&turned, &[shape[0], shape[1], shape[2] * shape[3]])?
        }
    };
    Ok(vec![
        Operand::Tensor(made),
        Operand::Tensor(k),
        Operand::Tensor(v),
    ])
}

/// Pairs of numbers turned by angles, of which cosines and sines are given for every place.
pub(crate) fn rotary(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let (x, heads_given) = (c.tensor(0)?, c.int("num_heads", 0));
    let joined = l.rank(x) == 3;
    // [n, heads, tokens, width]
    let parted = heads(l, x, heads_given)?;
    let own = l.shape(&parted);
    let (Some(&width), 4) = (own.last(), own.len()) else {
        return problem("tokens with heads are expected");
    };
    let turned = match size(c.int("rotary_embedding_dim", 0))? {
        0 => width,
        some => some.min(width),
    };
    let half = turned / 2;
    let at_places = |l: &mut Lowering, position: usize| {
        let table = c.tensor(position)?;
        let rows = match c.optional(3) {
            Some(places) => l.embedding(table, places)?,
            None => table.clone(),
        };
        let rows = l.slice(&rows, -1, Some(0), Some(half as i64), 1)?;
        l.unsqueeze(&rows, &[1])
    };
    let (cosines, sines) = (at_places(l, 1)?, at_places(l, 2)?);
    let pairs = c.int("interleaved", 0) != 0;
    let front = l.slice(&parted, -1, Some(0), Some(turned as i64), 1)?;
    let pick = |l: &mut Lowering, second: usize| match pairs {
        true => l.pick("select", &front, 3, (0..half).map(|i| Some(2 * i + second))),
        false => l.pick(
            "select",
            &front,
            3,
            (0..half).map(|i| Some(i + second * half)),
        ),
    };
    let (a, b) = (pick(l, 0)?, pick(l, 1)?);
    let products = [(&a, &cosines), (&b, &sines), (&a, &sines), (&b, &cosines)];
    let mut made = vec![];
    for (x, y) in products {
        made.push(l.binary(Binary::Mul, x, y)?);
    }
    let real = l.binary(Binary::Sub, &made[0], &made[1])?;
    let other = l.binary(Binary::Add, &made[2], &made[3])?;
    let both = l.cat(&[real, other], 3)?;
    let mut out = match pairs {
        true => l.pick(
            "select",
            &both,
            3,
            (0..turned).map(|i| Some(i / 2 + i % 2 * half)),
        )?,
        false => both,
    };
    if turned < width {
        let rest = l.slice(&parted, -1, Some(turned as i64), None, 1)?;
        out = l.cat(&[out, rest], 3)?;
    }
    if joined {
        let order = l.permute(&out, &[0, 2, 1, 3])?;
        let shape = l.shape(&order);
        out = l.reshape_to(&order, &[shape[0], shape[1], shape[2] * shape[3]])?;
    }
    one(Ok(out))
}
