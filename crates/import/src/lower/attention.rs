//! Attention.

use super::{Dropped, Kind, Lowered, Lowering, Tensor, problem};
use landscape_trace::{Binary, Reduction, Unary};

/// How queries attend to keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attention {
    /// Of truth values (what is attended to) or of numbers that are added to the scores.
    pub mask: Option<Tensor>,
    /// Whether each query sees the keys up to its own place, both counted from the first.
    pub causal: bool,
    /// What scores are multiplied by; `1 / sqrt(width)` where it is not given.
    pub scale: Option<f64>,
    /// Groups of heads share keys and values.
    pub grouped: bool,
    /// `cap tanh(scores / cap)`
    pub cap: Option<f64>,
    /// The share of the softmax that is dropped in training.
    pub dropout: f64,
}

impl Lowering {
    /// `softmax(q k^T scale + ..) v` of `[.., tokens, width]`.
    pub fn attention(&mut self, [q, k, v]: [&Tensor; 3], how: &Attention) -> Lowered {
        let shape = self.shape(q);
        let (Some(&[queries, width]), Some(&[keys, _])) =
            (shape.last_chunk(), self.shape(k).last_chunk())
        else {
            return problem("queries and keys are matrices");
        };
        let [mut k, mut v] = [k.clone(), v.clone()];
        if how.grouped {
            [k, v] = [
                self.shared_heads(&k, &shape)?,
                self.shared_heads(&v, &shape)?,
            ];
        }
        let scale = how.scale.unwrap_or(1.0 / (width as f64).sqrt());
        let turned = self.transpose(&k, -1, -2)?;
        let scores = self.matmul(q, &turned)?;
        let mut scores = self.unary(Unary::MulScalar(scale), &scores);
        if let Some(cap) = how.cap.filter(|&cap| cap > 0.0) {
            let bounded = self.unary(Unary::DivScalar(cap), &scores);
            let bounded = self.unary(Unary::Tanh, &bounded);
            scores = self.unary(Unary::MulScalar(cap), &bounded);
        }
        let mut masked = false;
        if how.causal {
            self.spend(&[queries, keys])?;
            let seen = |i: usize| f64::from(u8::from(i % keys <= i / keys));
            let seen: Vec<f64> = (0..queries * keys).map(seen).collect();
            let seen = self.constant(&[queries, keys], seen, Kind::Bool)?;
            scores = self.unless(&scores, &seen, f64::NEG_INFINITY)?;
        }
        if let Some(mask) = &how.mask {
            scores = match mask.kind {
                Kind::Bool => {
                    masked = true;
                    self.unless(&scores, mask, f64::NEG_INFINITY)?
                }
                _ => self.binary(Binary::Add, &scores, mask)?,
            };
        }
        let shares = match masked {
            true => self.masked_softmax(&scores)?,
            false => self.softmax(&scores, -1, false)?,
        };
        let shares = self.dropout(&shares, how.dropout, Dropped::Elements)?;
        self.matmul(&shares, &v)
    }

    /// Keys or values whose heads, of axis -3, repeat for groups of queries' heads.
    fn shared_heads(&mut self, x: &Tensor, queries: &[usize]) -> Lowered {
        let shape = self.shape(x);
        let rank = shape.len();
        if rank < 3 || queries.len() < 3 {
            return problem("there are no heads");
        }
        let (own, wanted) = (shape[rank - 3], queries[queries.len() - 3]);
        if own == 0 || !wanted.is_multiple_of(own) {
            return problem(format!(
                "{wanted} heads of queries cannot share {own} heads of keys and values"
            ));
        }
        self.pick(
            "repeat_dim",
            x,
            rank - 3,
            (0..wanted).map(|i| Some(i * own / wanted)),
        )
    }

    /// x where the mask is not 0, else a number.
    pub fn unless(&mut self, x: &Tensor, mask: &Tensor, number: f64) -> Lowered {
        let number = self.number(number, x.kind)?;
        self.choose(mask, x, &number)
    }

    /// The softmax along the last axis, 0 for rows of minus infinity alone, as PyTorch's.
    fn masked_softmax(&mut self, scores: &Tensor) -> Lowered {
        let most = self.reduce(Reduction::Max, scores, &[-1], true)?;
        let some = self.unary(Unary::NotEqualScalar(f64::NEG_INFINITY), &most);
        let finite = self.unless(scores, &some, 0.0)?;
        let shares = self.softmax(&finite, -1, false)?;
        self.unless(&shares, &some, 0.0)
    }
}
