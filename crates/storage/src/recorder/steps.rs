//! Steps of a training that wait to be stored.

use super::tail::Tail;
use crate::change::{Batch, Change, Step};
use crate::deltas::{CheckpointForm, Layout};
use crate::store::Kept;
use crate::training::TrainingState;
use crate::writer::Buffer;
use landscape_core::Params;
use std::time::Duration;

/// More bytes of checkpoints than this are stored at once.
const LARGEST: usize = 32 << 20;
/// States come no rarer than this many times the usual pause.
const LONGEST_PAUSE: u32 = 1 << 12;

#[derive(Debug, Default)]
pub(super) struct Steps {
    waiting: Vec<Step>,
    bytes: usize,
    /// Of the network, and whether checkpoints are stored by it.
    pub(super) layout: Option<Layout>,
    coded: bool,
    /// Where training began or went back to, until that is stored.
    pub(super) cut: Option<u64>,
    /// What training goes on from.
    pub(super) state: Option<TrainingState>,
    /// The batches at the end of the file, and once what was taken out is there.
    tail: Tail,
    grown: Tail,
    /// How often, one after the other, the journal grew: each state makes it longer.
    journaled: u32,
}

impl Steps {
    pub(super) fn push(&mut self, step: Step) {
        self.bytes += step.bytes();
        self.waiting.push(step);
    }

    /// Checkpoints are those of a network, in a form.
    pub(super) fn lay_out(&mut self, params: &Params, form: CheckpointForm) {
        self.layout.get_or_insert_with(|| Layout::of(params));
        self.coded = form != CheckpointForm::Raw;
    }

    /// Forgets what was recorded from a step on.
    pub(super) fn go_back(&mut self, step: u64) {
        self.waiting.retain(|waiting| waiting.record.step < step);
        self.bytes = self.waiting.iter().map(Step::bytes).sum();
        self.cut = Some(self.cut.map_or(step, |cut| cut.min(step)));
        self.tail.forget();
    }

    pub(super) fn is_large(&self) -> bool {
        self.bytes >= LARGEST
    }

    /// How many times longer than usual it is until the next state.
    pub(super) fn pause(&self) -> u32 {
        1u32.checked_shl(self.journaled)
            .unwrap_or(LONGEST_PAUSE)
            .min(LONGEST_PAUSE)
    }
}

impl Buffer for Steps {
    const INTERVAL: Duration = Duration::from_millis(500);

    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.state.is_none()
    }

    fn take(&mut self) -> Vec<Change> {
        let first = self.waiting.first().map(|first| first.record.step);
        self.grown = match first {
            Some(first) => self.tail.grown(first, self.bytes),
            None => self.tail.clone(),
        };
        if self.is_empty() {
            return Vec::new();
        }
        vec![Change::Batch(Batch {
            steps: std::mem::take(&mut self.waiting),
            layout: self.layout.clone().filter(|_| self.coded),
            cut: self.cut,
            gather: first.and_then(|first| self.grown.gather(first)),
            state: self.state.take(),
        })]
    }

    fn kept(&mut self, kept: Kept) {
        match kept {
            Kept::Stored(_) | Kept::TakenIn => {
                self.tail = std::mem::take(&mut self.grown);
                self.journaled = 0;
            }
            Kept::Journal => {
                self.tail.forget();
                self.journaled += 1;
            }
        }
        self.cut = None;
        self.bytes = 0;
    }

    fn give_back(&mut self, all: Vec<Change>) {
        let batch = all.into_iter().find_map(|change| match change {
            Change::Batch(batch) => Some(batch),
            _ => None,
        });
        if let Some(batch) = batch {
            self.waiting = batch.steps;
            self.state = batch.state;
        }
    }
}
