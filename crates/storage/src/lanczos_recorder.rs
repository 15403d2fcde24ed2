//! Stores a Lanczos iteration from time to time, while it goes on.

use crate::error::Error;
use crate::run::Run;
use crate::store::Store;
use crate::writer::Pace;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Iterations shorter than this are not stored at all: they begin again.
const INTERVAL: Duration = Duration::from_secs(5);
/// Storing takes at most this share of the time.
const SHARE: u32 = 20;

/// Keeps the state of one iteration in the file, some seconds behind: vectors of a basis that only
/// grows are written once, see [`Store::put_lanczos_state`].
#[derive(Debug)]
pub struct LanczosRecorder {
    store: Store,
    run: Run,
    task: String,
    /// Generation and number of the vectors that are stored.
    stored: Option<(u64, usize)>,
    pace: Pace,
}

impl Store {
    /// A recorder for the iteration of a task.
    pub fn lanczos_recorder(&self, run: &Run, task: &str) -> LanczosRecorder {
        LanczosRecorder {
            store: self.clone(),
            run: run.clone(),
            task: task.to_owned(),
            stored: None,
            pace: Pace::new(INTERVAL, SHARE),
        }
    }
}

impl LanczosRecorder {
    /// Whether it is time to store; a state need not be put together before.
    pub fn is_due(&self) -> bool {
        self.pace.is_due()
    }

    /// Stores the state where it is due. While a `generation` lasts, vectors are only added behind
    /// those given before; a restart begins another one. While another process has the file open,
    /// the state waits for the next time.
    ///
    /// # Errors
    /// As [`Store::put_lanczos_state`].
    pub fn push(
        &mut self,
        generation: u64,
        state: &Value,
        vectors: &[&[f64]],
    ) -> Result<(), Error> {
        if !self.is_due() {
            return Ok(());
        }
        let store = self.store.in_passing();
        match self.put(&store, generation, state, vectors) {
            Err(Error::Locked { .. }) => Ok(()),
            other => other,
        }
    }

    /// Stores the state at once: before the computation is given up.
    ///
    /// # Errors
    /// As [`LanczosRecorder::push`], and when another process keeps the file.
    pub fn flush(
        &mut self,
        generation: u64,
        state: &Value,
        vectors: &[&[f64]],
    ) -> Result<(), Error> {
        let store = self.store.clone();
        self.put(&store, generation, state, vectors)
    }

    fn put(
        &mut self,
        store: &Store,
        generation: u64,
        state: &Value,
        vectors: &[&[f64]],
    ) -> Result<(), Error> {
        let from = match self.stored {
            Some((same, count)) if same == generation => count.min(vectors.len()),
            _ => 0,
        };
        let start = Instant::now();
        let result = store.put_lanczos_state(&self.run, &self.task, state, from, &vectors[from..]);
        self.pace.done(start);
        // After an error all is written again.
        self.stored = result.is_ok().then_some((generation, vectors.len()));
        result
    }
}
