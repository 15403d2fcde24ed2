//! Threads of the executors on this machine.

use crate::error::{MOST_THREADS, TraceError};
use rayon::{ThreadPool, ThreadPoolBuilder};

/// A pool of that many threads; `None` for 0, which means all cores.
///
/// # Errors
/// [`TraceError::TooManyThreads`] beyond [`MOST_THREADS`], and when the system starts none.
pub(crate) fn pool(threads: usize) -> Result<Option<ThreadPool>, TraceError> {
    if threads > MOST_THREADS {
        return Err(TraceError::TooManyThreads { given: threads });
    }
    if threads == 0 {
        return Ok(None);
    }
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map(Some).map_err(TraceError::Threads)
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
