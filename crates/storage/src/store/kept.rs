//! The connection that a file keeps open from one operation to the next, and closes when it is idle.

use super::file::{Access, FileId, file_id};
use crate::connection::Connection;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Work that takes no longer opens the file once; a connection is no longer open than this, so that others get
/// at the file.
const TURN: Duration = Duration::from_millis(400);
/// Later on, a connection that no operation has used for so long is closed.
const IDLE: Duration = Duration::from_millis(20);

/// An open connection.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) conn: Connection,
    access: Access,
    /// What the file system calls the file that is open.
    at: Option<FileId>,
    opened: Instant,
}

impl Kept {
    pub(super) fn new(conn: Connection, access: Access, path: &Path) -> Self {
        Kept {
            conn,
            access,
            at: file_id(path),
            opened: Instant::now(),
        }
    }

    /// Whether the file of that name is still the one that is open.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        self.at == file_id(path)
    }

    fn serves(&self, access: Access) -> bool {
        match access {
            Access::Read => true,
            Access::Write => self.access == Access::Write,
            Access::Query | Access::TakeIn => false,
        }
    }

    fn is_shared(&self) -> bool {
        matches!(self.access, Access::Read | Access::Write)
    }
}

/// The place of the connection.
#[derive(Debug, Default)]
pub(super) struct Slot(Arc<Mutex<State>>);

#[derive(Debug, Default)]
pub(super) struct State {
    kept: Option<Kept>,
    /// When the first connection was kept, and when one was used last.
    begun: Option<Instant>,
    used: Option<Instant>,
    /// Whether a thread waits for the moment to close it.
    watched: bool,
}

impl Slot {
    /// The place, for one operation at a time.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }

    /// Keeps a connection for the next operation, unless it has been open for long.
    pub(super) fn keep(&self, state: &mut State, kept: Kept) {
        if !kept.is_shared() || kept.opened.elapsed() > TURN {
            return;
        }
        let now = Instant::now();
        state.begun.get_or_insert(now);
        state.used = Some(now);
        // Without a thread to close it, it is closed now.
        if state.watched || close_when_idle(&self.0) {
            state.watched = true;
            state.kept = Some(kept);
        }
    }
}

impl State {
    /// Takes out the connection if it serves the file of that name; any other is closed.
    pub(super) fn take(&mut self, access: Access, path: &Path) -> Option<Kept> {
        let kept = self.kept.take();
        kept.filter(|kept| kept.serves(access) && kept.is_at(path))
    }

    /// Closes the connection.
    pub(super) fn close(&mut self) {
        self.kept = None;
    }

    /// How long the connection may still be idle.
    fn left(&self) -> Duration {
        let (Some(_), Some(begun), Some(used)) = (&self.kept, self.begun, self.used) else {
            return Duration::ZERO;
        };
        (begun + TURN)
            .max(used + IDLE)
            .saturating_duration_since(Instant::now())
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a thread that closes the connection once it is idle.
fn close_when_idle(state: &Arc<Mutex<State>>) -> bool {
    let state = Arc::clone(state);
    let watch = move || {
        loop {
            let mut state = lock(&state);
            let left = state.left();
            if left.is_zero() {
                state.close();
                state.watched = false;
                return;
            }
            drop(state);
            thread::sleep(left);
        }
    };
    let name = "landscape-store".to_owned();
    thread::Builder::new().name(name).spawn(watch).is_ok()
}
