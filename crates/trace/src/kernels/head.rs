//! A layer of very many outputs and the cross-entropy of them, without the table of all outputs: for some columns (samples of
//! some tokens) and some outputs at a time, whose numbers stay in a cache.
//!
//! What is kept of a column while the outputs pass are the largest so far, its place, the sum of the others' exponentials
//! relative to it, and the label's output (Milakov and Gimelshein 2018, "Online normalizer calculation for softmax"). Derivatives
//! compute the outputs again, as Dao et al. 2022 ("FlashAttention") do it for attention: `[j = label] - softmax_j` is the
//! factor of the products that follow.

use super::buffer::Buffer;
use super::conv::Finish;
use super::gemm::{Gemm, equal};
use super::gemm_weight::{GemmWeight, bias_gradient};
use super::head_rows::{Changes, Largest, Logarithm, Mean, Rows, Shares};
use super::simd::{LANES, Level, run};
use std::cell::RefCell;

/// Numbers that are kept of a label: its log-softmax, the largest output, the logarithm of the sum of all exponentials
/// relative to that, and its place. Where their changes are kept, these are the first one's, 0, the mean change of the outputs
/// (which is that of the largest output and the logarithm together), and 0.
pub(crate) const KEPT: usize = 4;
/// The label's log-softmax among what is kept.
pub(crate) const PICKED: usize = 0;
/// The largest output.
pub(crate) const LARGEST: usize = 1;
/// The logarithm of the sum, or the mean change.
pub(crate) const LOGARITHM: usize = 2;
/// The place of the largest output.
pub(crate) const PLACE: usize = 3;

/// Columns at a time.
const COLUMNS: usize = 1024;
/// Numbers of outputs at a time: 1 MiB.
const CHUNK: usize = 256 * 1024;
/// Outputs at a time, at most.
const OUTPUTS: usize = 4096;
/// The label of columns that pad a block; their largest output is 0, and with this logarithm their softmax.
const NO_LABEL: f32 = -1.0;
const NO_SHARE: f32 = f32::INFINITY;

/// `z[t][j][s] = b[j] + sum_k w[k][j] x[t][k][s]` for samples `s` in the lanes, and a label for each `t` and `s`.
#[derive(Clone, Copy)]
pub(crate) struct Head<'a> {
    /// `[tokens][inputs][lanes]`
    pub x: &'a [f32],
    /// `[inputs][outputs]`
    pub w: &'a [f32],
    /// `[outputs]`
    pub bias: Option<&'a [f32]>,
    /// `[tokens][lanes]`
    pub labels: &'a [f32],
    pub tokens: usize,
    pub inputs: usize,
    pub outputs: usize,
    /// Samples of a tile, or 1.
    pub lanes: usize,
}

/// Changes of what outputs are made of, shaped as that; `None`: 0.
#[derive(Clone, Copy, Default)]
pub(crate) struct Change<'a> {
    pub x: Option<&'a [f32]>,
    pub w: Option<&'a [f32]>,
    pub bias: Option<&'a [f32]>,
}

/// What makes the adjoint of the outputs, `l[t][j][s] = g [j = label] - g softmax_j`.
#[derive(Clone, Copy)]
pub(crate) struct Factor<'a> {
    /// `[tokens][KEPT][lanes]`
    pub kept: &'a [f32],
    /// `g`, `[tokens][lanes]`
    pub scale: &'a [f32],
}

/// What makes the change of that, `g' [j = label] - g' softmax_j - g softmax_j (z'_j - mean)`.
#[derive(Clone, Copy)]
pub(crate) struct Second<'a> {
    pub change: Change<'a>,
    /// Of which the mean change is read, `[tokens][KEPT][lanes]`.
    pub kept: &'a [f32],
    /// `g'`, `[tokens][lanes]`; `None`: 0.
    pub scale: Option<&'a [f32]>,
    /// Whether the change of what the adjoint is multiplied by counts too.
    pub both: bool,
}

/// Of what a head is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Inputs,
    Weights,
    Bias,
}

/// Some tokens: their samples are the columns, and some that pad them so that rows do not fall on each other in a cache.
#[derive(Clone, Copy)]
struct Block {
    first: usize,
    count: usize,
    /// Columns.
    width: usize,
}

/// Working memory.
struct Work<'a> {
    /// `[inputs][columns]`, and its change.
    x: &'a mut [f32],
    moved: &'a mut [f32],
    /// `[outputs of a chunk][columns]`, their changes, and what those become.
    z: &'a mut [f32],
    change: &'a mut [f32],
    spare: &'a mut [f32],
    /// `[numbers of a column][columns]`
    columns: &'a mut [f32],
    /// `[inputs][columns]`: sums of products so far, and then.
    sum: &'a mut [f32],
    next: &'a mut [f32],
    /// `[inputs][outputs of a chunk]`
    weights: &'a mut [f32],
}

/// Numbers of a column, at most: a label and five more.
const NUMBERS: usize = 6;
const BUFFERS: usize = 9;

thread_local! {
    static SCRATCH: RefCell<Vec<Buffer>> = const { RefCell::new(Vec::new()) };
}

impl Head<'_> {
    /// The label's log-softmax, the largest output, the logarithm and the place: `[tokens][KEPT][lanes]`.
    pub fn classify(self, level: Level, out: &mut [f32]) {
        self.with_work(|head, work| {
            for block in head.blocks() {
                head.begin(block, work);
                let (labels, kept) = work.columns.split_at_mut(block.width);
                let mut kept = kept.chunks_exact_mut(block.width);
                let mut kept: [&mut [f32]; KEPT] =
                    std::array::from_fn(|_| kept.next().expect("a row each"));
                for chunk in head.chunks(block) {
                    head.outputs_of(level, work.x, block, chunk, work.z);
                    let rows = rows((&*work.z, &*labels), chunk, block);
                    let kept = kept.each_mut().map(|kept| &mut **kept);
                    run(level, Largest { rows, kept });
                }
                let [picked, largest, logarithm, _] = &mut kept;
                let (kept, width) = ([&mut **picked, largest, logarithm], block.width);
                run(level, Logarithm { kept, width });
                for row in 0..KEPT {
                    let from = &work.columns[(1 + row) * block.width..];
                    head.put_back(block, from, (KEPT, row), out);
                }
            }
        });
    }

    /// The changes of what is kept: `[tokens][KEPT][lanes]`.
    pub fn change(self, level: Level, kept: &[f32], change: Change, out: &mut [f32]) {
        out.fill(0.0);
        self.with_work(|head, work| {
            for block in head.blocks() {
                let width = block.width;
                head.begin(block, work);
                head.begin_change(block, change, work);
                head.kept_of(block, kept, work.columns);
                let (known, found) = work.columns.split_at_mut(3 * width);
                let (chosen, mean) = found[..2 * width].split_at_mut(width);
                chosen.fill(f32::NAN);
                mean.fill(0.0);
                for chunk in head.chunks(block) {
                    head.outputs_of(level, work.x, block, chunk, work.z);
                    let given = (&*work.x, &*work.moved);
                    let both = [&mut work.change, &mut work.spare];
                    head.changes_of(level, given, change, (block, chunk), both);
                    let mean = Mean {
                        rows: rows((&*work.z, &*known), chunk, block),
                        change: &*work.change,
                        kept: [&known[width..2 * width], &known[2 * width..]],
                        found: [&mut *chosen, &mut *mean],
                    };
                    run(level, mean);
                }
                { chosen.iter_mut().zip(&*mean) }.for_each(|(chosen, mean)| *chosen -= mean);
                head.put_back(block, chosen, (KEPT, PICKED), out);
                head.put_back(block, mean, (KEPT, LOGARITHM), out);
            }
        });
    }

    /// The adjoint of the outputs times what `by` is multiplied with in them, or the change of that. Of the inputs, `[tokens][inputs][lanes]`,
    /// it is written; sums over the columns, as of weights `[inputs][outputs]` and of a bias `[outputs]`, are added to `out`.
    pub fn adjoint(
        self,
        level: Level,
        by: By,
        (factor, second): (Factor, Option<Second>),
        out: &mut [f32],
    ) {
        let change = second.map_or(Change::default(), |second| second.change);
        self.with_work(|head, work| {
            for block in head.blocks() {
                head.begin(block, work);
                head.begin_change(block, change, work);
                head.begin_factor(block, factor, second, work);
                work.sum[..head.inputs * block.width].fill(0.0);
                for chunk in head.chunks(block) {
                    head.outputs_of(level, work.x, block, chunk, work.z);
                    if second.is_some() {
                        let given = (&*work.x, &*work.moved);
                        let both = [&mut work.change, &mut work.spare];
                        head.changes_of(level, given, change, (block, chunk), both);
                    }
                    let shares = shares(work, second.is_some(), (block, chunk));
                    run(level, shares);
                    match by {
                        By::Inputs => head.add_inputs(level, second, (block, chunk), work),
                        By::Weights => head.add_weights(level, second, (block, chunk), work, out),
                        By::Bias => {
                            let adjoint = if second.is_some() {
                                &work.change
                            } else {
                                &work.z
                            };
                            let adjoint = &adjoint[..chunk.1 * block.width];
                            bias_gradient(level, adjoint, &mut out[chunk.0..][..chunk.1]);
                        }
                    }
                }
                if by == By::Inputs {
                    for k in 0..head.inputs {
                        let from = &work.sum[k * block.width..];
                        head.put_back(block, from, (head.inputs, k), out);
                    }
                }
            }
        });
    }

    /// Panics where a slice is too short.
    fn check(&self) {
        let rows = self.tokens * self.lanes;
        assert!(self.lanes > 0 && self.outputs > 0);
        assert!(self.x.len() >= self.inputs * rows && self.labels.len() >= rows);
        assert!(self.w.len() >= self.inputs * self.outputs);
        assert!(self.bias.is_none_or(|bias| bias.len() >= self.outputs));
    }

    /// Calls `f` with working memory for any block.
    fn with_work(self, f: impl FnOnce(Self, &mut Work)) {
        self.check();
        let width = self.blocks().map(|block| block.width).max().unwrap_or(0);
        let chunk = self.chunks_at_once(width) * width;
        let inputs = self.inputs * width;
        let numbers = NUMBERS * width;
        let weights = self.inputs * self.chunks_at_once(width);
        let sizes: [usize; BUFFERS] = [
            inputs, inputs, chunk, chunk, chunk, numbers, inputs, inputs, weights,
        ];
        SCRATCH.with_borrow_mut(|buffers| {
            buffers.resize_with(BUFFERS, || Buffer::zeros(0));
            for (buffer, size) in buffers.iter_mut().zip(sizes) {
                if buffer.len() < size {
                    *buffer = Buffer::zeros(size);
                }
            }
            let [x, moved, z, change, spare, columns, sum, next, weights] = &mut buffers[..] else {
                unreachable!("as many as there are sizes")
            };
            let mut work = Work {
                x,
                moved,
                z,
                change,
                spare,
                columns,
                sum,
                next,
                weights,
            };
            f(self, &mut work);
        });
    }

    /// All tokens. An odd number of vectors keeps rows from the same lines of a cache.
    fn blocks(&self) -> impl Iterator<Item = Block> + use<> {
        let lanes = self.lanes;
        let tokens = (COLUMNS / lanes).max(1);
        equal(self.tokens, tokens).map(move |(first, count)| Block {
            first,
            count,
            width: ((count * lanes).div_ceil(LANES) | 1) * LANES,
        })
    }

    fn chunks_at_once(&self, width: usize) -> usize {
        let most = (CHUNK / width.max(1)).clamp(LANES, OUTPUTS);
        self.outputs.div_ceil(self.outputs.div_ceil(most))
    }

    /// First output, and how many.
    fn chunks(&self, block: Block) -> impl Iterator<Item = (usize, usize)> + use<> {
        equal(self.outputs, self.chunks_at_once(block.width))
    }

    /// The columns of row `row` of `rows` a token.
    fn take(
        &self,
        block: Block,
        from: &[f32],
        (rows, row): (usize, usize),
        pad: f32,
        to: &mut [f32],
    ) {
        let (samples, rest) = to[..block.width].split_at_mut(block.count * self.lanes);
        for (token, to) in samples.chunks_exact_mut(self.lanes).enumerate() {
            let at = ((block.first + token) * rows + row) * self.lanes;
            to.copy_from_slice(&from[at..at + self.lanes]);
        }
        rest.fill(pad);
    }

    /// The opposite of [`Self::take`].
    fn put_back(&self, block: Block, from: &[f32], (rows, row): (usize, usize), out: &mut [f32]) {
        let from = from.chunks_exact(self.lanes).take(block.count);
        for (token, from) in from.enumerate() {
            let at = ((block.first + token) * rows + row) * self.lanes;
            out[at..at + self.lanes].copy_from_slice(from);
        }
    }

    fn take_inputs(&self, block: Block, from: &[f32], to: &mut [f32]) {
        for (k, to) in to
            .chunks_exact_mut(block.width)
            .take(self.inputs)
            .enumerate()
        {
            self.take(block, from, (self.inputs, k), 0.0, to);
        }
    }

    /// Inputs and labels of a block.
    fn begin(&self, block: Block, work: &mut Work) {
        self.take_inputs(block, self.x, work.x);
        self.take(block, self.labels, (1, 0), NO_LABEL, work.columns);
    }

    fn begin_change(&self, block: Block, change: Change, work: &mut Work) {
        if let Some(x) = change.x {
            self.take_inputs(block, x, work.moved);
        }
    }

    /// The largest output and the logarithm, behind the label.
    fn kept_of(&self, block: Block, kept: &[f32], columns: &mut [f32]) {
        for (place, (row, pad)) in [(LARGEST, 0.0), (LOGARITHM, NO_SHARE)]
            .into_iter()
            .enumerate()
        {
            let to = &mut columns[(1 + place) * block.width..];
            self.take(block, kept, (KEPT, row), pad, to);
        }
    }

    /// Those, and behind them `g`, the mean change, and `g'`.
    fn begin_factor(&self, block: Block, factor: Factor, second: Option<Second>, work: &mut Work) {
        self.kept_of(block, factor.kept, work.columns);
        let mut rows = work.columns.chunks_exact_mut(block.width).skip(3);
        let mut next = || rows.next().expect("a row each");
        self.take(block, factor.scale, (1, 0), 0.0, next());
        if let Some(second) = second {
            self.take(block, second.kept, (KEPT, LOGARITHM), 0.0, next());
            match second.scale {
                Some(scale) => self.take(block, scale, (1, 0), 0.0, next()),
                None => next().fill(0.0),
            }
        }
    }

    /// A product of a block's columns with the weights of some outputs.
    fn product<'b>(
        &self,
        (x, w): (&'b [f32], &'b [f32]),
        finish: Finish<'b>,
        block: Block,
        (first, count): (usize, usize),
        out: &'b mut [f32],
    ) -> Gemm<'b> {
        Gemm {
            x,
            w: &w[first..],
            steps: [self.outputs, 1],
            finish,
            out,
            times: 1,
            inputs: self.inputs,
            outputs: count,
            lanes: block.width,
        }
    }

    fn outputs_of(
        &self,
        level: Level,
        x: &[f32],
        block: Block,
        chunk: (usize, usize),
        out: &mut [f32],
    ) {
        let finish = Finish {
            bias: self.bias.map(|bias| &bias[chunk.0..]),
            ..Finish::default()
        };
        self.product((x, self.w), finish, block, chunk, out)
            .run(level);
    }

    /// The changes of some outputs, in the first of both buffers.
    fn changes_of(
        &self,
        level: Level,
        (x, moved): (&[f32], &[f32]),
        change: Change,
        (block, chunk): (Block, (usize, usize)),
        [out, spare]: [&mut &mut [f32]; 2],
    ) {
        let size = chunk.1 * block.width;
        for (j, row) in out[..size].chunks_exact_mut(block.width).enumerate() {
            row.fill(change.bias.map_or(0.0, |bias| bias[chunk.0 + j]));
        }
        let products = [change.x.map(|_| (moved, self.w)), change.w.map(|w| (x, w))];
        for factors in products.into_iter().flatten() {
            let finish = Finish {
                residual: Some(&out[..size]),
                ..Finish::default()
            };
            self.product(factors, finish, block, chunk, spare)
                .run(level);
            std::mem::swap(out, spare);
        }
    }

    /// Adds the products of some outputs' adjoints with their weights to the sums of a block.
    fn add_inputs(
        &self,
        level: Level,
        second: Option<Second>,
        (block, (first, count)): (Block, (usize, usize)),
        work: &mut Work,
    ) {
        let moved = second.filter(|second| second.both);
        let moved = moved.and_then(|second| second.change.w);
        let products = match second {
            None => [Some((&*work.z, self.w)), None],
            Some(_) => [Some((&*work.change, self.w)), moved.map(|w| (&*work.z, w))],
        };
        for (adjoint, w) in products.into_iter().flatten() {
            Gemm {
                x: adjoint,
                w: &w[first..],
                steps: [1, self.outputs],
                finish: Finish {
                    residual: Some(&*work.sum),
                    ..Finish::default()
                },
                out: work.next,
                times: 1,
                inputs: count,
                outputs: self.inputs,
                lanes: block.width,
            }
            .run(level);
            std::mem::swap(&mut work.sum, &mut work.next);
        }
    }

    /// Adds the products of a block's inputs with some outputs' adjoints.
    fn add_weights(
        &self,
        level: Level,
        second: Option<Second>,
        (block, (first, count)): (Block, (usize, usize)),
        work: &mut Work,
        out: &mut [f32],
    ) {
        let moved = second.is_some_and(|second| second.both && second.change.x.is_some());
        let products = match second {
            None => [Some((&*work.x, &*work.z)), None],
            Some(_) => [
                Some((&*work.x, &*work.change)),
                moved.then_some((&*work.moved, &*work.z)),
            ],
        };
        let weights = &mut work.weights[..self.inputs * count];
        weights.fill(0.0);
        for (x, lambda) in products.into_iter().flatten() {
            GemmWeight {
                x,
                lambda,
                dw: weights,
                inputs: self.inputs,
                outputs: count,
                lanes: block.width,
            }
            .run(level);
        }
        let rows = out.chunks_exact_mut(self.outputs);
        for (out, weights) in rows.zip(weights.chunks_exact(count)) {
            let sums = out[first..first + count].iter_mut().zip(weights);
            sums.for_each(|(sum, weight)| *sum += weight);
        }
    }
}

fn rows<'a>(
    (z, labels): (&'a [f32], &'a [f32]),
    (first, count): (usize, usize),
    block: Block,
) -> Rows<'a> {
    Rows {
        z,
        labels,
        first,
        count,
        width: block.width,
    }
}

/// What turns the outputs of a chunk into their adjoints, and their changes into those of the adjoints.
fn shares<'a>(
    work: &'a mut Work,
    second: bool,
    (block, (first, count)): (Block, (usize, usize)),
) -> Shares<'a> {
    let width = block.width;
    let mut columns = work.columns.chunks_exact(width);
    let mut column = || columns.next().expect("a row each");
    let labels = column();
    let kept = [column(), column(), column()];
    Shares {
        z: work.z,
        labels,
        first,
        count,
        width,
        kept,
        change: second.then(|| Changes {
            z: work.change,
            kept: [column(), column()],
        }),
    }
}
