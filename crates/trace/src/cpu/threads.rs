//! Threads of the executors on this machine.

use crate::error::{MOST_THREADS, TraceError};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::Arc;

/// The threads that a graph runs on; `None`: all cores.
pub(crate) type Pool = Option<Arc<ThreadPool>>;

/// Runs `f` on them.
pub(super) fn install<T: Send>(pool: &Pool, f: impl FnOnce() -> T + Send) -> T {
    match pool {
        Some(pool) => pool.install(f),
        None => f(),
    }
}

/// A pool of that many threads; 0 means all cores.
///
/// # Errors
/// [`TraceError::TooManyThreads`] beyond [`MOST_THREADS`], and when the system starts none.
pub(crate) fn pool(threads: usize) -> Result<Pool, TraceError> {
    if threads > MOST_THREADS {
        return Err(TraceError::TooManyThreads { given: threads });
    }
    if threads == 0 {
        return Ok(None);
    }
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map(|pool| Some(Arc::new(pool)))
        .map_err(TraceError::Threads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_bounded() {
        assert!(pool(0).unwrap().is_none());
        assert_eq!(pool(2).unwrap().unwrap().current_num_threads(), 2);
        for given in [MOST_THREADS + 1, 10_000, usize::MAX] {
            let error = pool(given).unwrap_err();
            assert!(matches!(error, TraceError::TooManyThreads { given: g } if g == given));
        }
    }
}
