//! Stores what is computed while it is computed: collected in memory, and stored some at a time.

use crate::change::Change;
use crate::error::Error;
use crate::run::Run;
use crate::store::{Kept, Refused, Store};
use std::time::{Duration, Instant};

/// Storing takes at most this share of the time: where it is slow, it is done less often.
const SHARE: u32 = 10;

/// When something is stored again: no more often than an interval, and so that it takes at most a share of the time.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    share: u32,
    due: Instant,
}

impl Pace {
    pub(crate) fn new(interval: Duration, share: u32) -> Self {
        Pace {
            interval,
            share,
            due: Instant::now() + interval,
        }
    }

    pub(crate) fn is_due(&self) -> bool {
        Instant::now() >= self.due
    }

    /// It was done, and took the time since then.
    pub(crate) fn done(&mut self, since: Instant) {
        self.done_and_pause(since, 1);
    }

    /// The same where the next time comes so many times later.
    pub(crate) fn done_and_pause(&mut self, since: Instant, factor: u32) {
        let pause = self.interval.max(since.elapsed() * self.share) * factor;
        self.due = Instant::now() + pause;
    }
}

/// What collects the changes of a run.
pub(crate) trait Buffer {
    /// What waits is stored at least this often, so that hardly anything is lost when the process dies.
    const INTERVAL: Duration;

    /// Whether nothing waits.
    fn is_empty(&self) -> bool;

    /// Takes out all that waits.
    fn take(&mut self) -> Vec<Change>;

    /// What was taken out is kept.
    fn kept(&mut self, kept: Kept);

    /// Takes back what was taken out and could not be kept.
    fn give_back(&mut self, all: Vec<Change>);
}

/// Stores what a buffer collects, a transaction each time, each under the writer's token. While another process has the
/// file open, work goes on, and what is due goes into a journal beside the file.
#[derive(Debug)]
pub(crate) struct BufferedWriter<B: Buffer> {
    store: Store,
    run: Run,
    pub(crate) buffer: B,
    pace: Pace,
    failed: bool,
}

impl<B: Buffer> BufferedWriter<B> {
    pub(crate) fn new(store: &Store, run: &Run, buffer: B) -> Self {
        BufferedWriter {
            store: store.clone(),
            run: run.clone(),
            buffer,
            pace: Pace::new(B::INTERVAL, SHARE),
            failed: false,
        }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn run(&self) -> &Run {
        &self.run
    }

    pub(crate) fn is_due(&self) -> bool {
        self.pace.is_due()
    }

    /// Stores what waits, or keeps it in the journal.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let start = Instant::now();
        let changes = self.buffer.take();
        let kept = self.store.keep(&self.run, changes);
        self.pace.done(start);
        self.settle(kept)
    }

    /// Stores what waits and what follows in one transaction, and waits for the file.
    pub(crate) fn finish(&mut self, more: Vec<Change>) -> Result<(), Error> {
        let mut changes = self.buffer.take();
        changes.extend(more);
        if changes.is_empty() {
            return Ok(());
        }
        let kept = self.store.keep_now(&self.run, changes);
        self.settle(kept)
    }

    fn settle(&mut self, kept: Result<Kept, Refused>) -> Result<(), Error> {
        self.failed = kept.is_err();
        match kept {
            Ok(kept) => self.buffer.kept(kept),
            Err(Refused { all, error }) => {
                match *error {
                    Error::Journaled { .. } => self.buffer.kept(Kept::Journal),
                    _ => self.buffer.give_back(all),
                }
                return Err(*error);
            }
        }
        Ok(())
    }
}

impl<B: Buffer> Drop for BufferedWriter<B> {
    /// Stores what waits, or keeps it in the journal, where that works at all.
    fn drop(&mut self) {
        if !self.failed {
            let _ = self.flush();
        }
    }
}
