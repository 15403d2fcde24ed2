//! A stretch of a graph that is run for a few samples of a tile at a time.

use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples, View};
use crate::kernels::buffer::Buffer;
use crate::kernels::simd::{LANES, Level};
use crate::replay::DeviceTensor;
use std::cell::RefCell;
use std::sync::Arc;

/// Operations one after another, for [`Stretch::lanes`] samples at a time, whose values then stay in a near cache while
/// the tile around them holds many samples. Inputs: what the operations need from outside; the output has the rows of all
/// results, one result after another. Made by [`crate::schedule::wide`], for the host executor.
#[derive(Clone, Debug)]
pub(crate) struct Stretch {
    pub steps: Vec<Step>,
    /// Samples at a time, a multiple of 16.
    pub lanes: usize,
    /// Rows of the memory that the steps work on.
    pub rows: usize,
    /// One an input: where its rows go, if it has samples.
    pub given: Vec<Option<usize>>,
    /// Where the results are, and how many rows they have.
    pub results: Vec<(usize, usize)>,
}

/// One of the operations.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub operation: Arc<dyn Operation>,
    pub inputs: Vec<Part>,
    /// The row of the output.
    pub row: usize,
    pub shape: Vec<usize>,
}

/// An input of one of the operations.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub place: Location,
    pub shape: Vec<usize>,
}

/// Where it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Location {
    /// The input of that index, without samples.
    Input(usize),
    /// With samples, from that row on.
    Row(usize),
}

thread_local! {
    /// `[rows][lanes]`
    static SCRATCH: RefCell<Buffer> = RefCell::new(Buffer::zeros(0));
}

/// Rows of `lanes` samples, of which a part is meant.
#[derive(Clone, Copy)]
struct Rows {
    /// First row, in numbers, and first sample.
    at: usize,
    lanes: usize,
}

/// Copies `rows` rows of `lanes` samples, a multiple of 16.
fn copy(rows: usize, lanes: usize, (from, x): (Rows, &[f32]), (to, out): (Rows, &mut [f32])) {
    for row in 0..rows {
        let x = &x[from.at + row * from.lanes..][..lanes];
        let out = &mut out[to.at + row * to.lanes..][..lanes];
        let (x, out) = (x.as_chunks::<LANES>().0, out.as_chunks_mut::<LANES>().0);
        out.iter_mut().zip(x).for_each(|(out, x)| *out = *x);
    }
}

impl Stretch {
    /// Samples `first..first + lanes` of the tile.
    fn part(&self, call: &mut HostCall, first: usize, lanes: usize, scratch: &mut [f32]) {
        for (input, row) in call.inputs.iter().zip(&self.given) {
            let &Some(row) = row else { continue };
            let rows = input.data.len() / call.lanes;
            let whole = Rows {
                at: first,
                lanes: call.lanes,
            };
            let own = Rows {
                at: row * lanes,
                lanes,
            };
            copy(rows, lanes, (whole, input.data), (own, scratch));
        }
        for step in &self.steps {
            step.run(call.level, call.inputs, lanes, scratch);
        }
        let mut to = 0;
        for &(row, rows) in &self.results {
            let own = Rows {
                at: row * lanes,
                lanes,
            };
            let whole = Rows {
                at: to * call.lanes + first,
                lanes: call.lanes,
            };
            copy(rows, lanes, (own, scratch), (whole, call.out));
            to += rows;
        }
    }
}

impl Step {
    fn run(&self, level: Level, inputs: &[View], lanes: usize, scratch: &mut [f32]) {
        let size = |shape: &[usize]| shape[1..].iter().product::<usize>() * lanes;
        let (head, rest) = scratch.split_at_mut(self.row * lanes);
        let (out, tail) = rest.split_at_mut(size(&self.shape));
        let after = self.row * lanes + out.len();
        let views = self.inputs.iter().map(|part| {
            let data = match part.place {
                Location::Input(i) => inputs[i].data,
                Location::Row(row) if row < self.row => &head[row * lanes..][..size(&part.shape)],
                Location::Row(row) => &tail[row * lanes - after..][..size(&part.shape)],
            };
            View {
                data,
                shape: &part.shape,
                samples: matches!(part.place, Location::Row(_)),
            }
        });
        let views: Vec<View> = views.collect();
        self.operation.host(HostCall {
            level,
            lanes,
            inputs: &views,
            out,
            shape: &self.shape,
            samples: true,
        });
    }
}

impl Operation for Stretch {
    fn name(&self) -> &'static str {
        "stretch"
    }

    fn samples(&self, _: &[Operand], _: &[usize]) -> Samples {
        Samples::Kept
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    fn host(&self, mut call: HostCall) {
        SCRATCH.with_borrow_mut(|scratch| {
            if scratch.len() < self.rows * self.lanes {
                *scratch = Buffer::zeros(self.rows * self.lanes);
            }
            for first in (0..call.lanes).step_by(self.lanes) {
                let lanes = self.lanes.min(call.lanes - first);
                self.part(&mut call, first, lanes, scratch);
            }
        });
    }

    fn device(&self, _: DeviceCall) -> DeviceTensor {
        unreachable!("stretches are for the host executor")
    }
}
