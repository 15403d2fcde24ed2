use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// Ctrl-C, SIGTERM or the end of the terminal (SIGHUP), noticed between two batches so that what is done can
/// be saved; the second one ends the process at once.
#[derive(Debug, Clone)]
pub struct Interrupt {
    raised: Arc<AtomicBool>,
}

/// What the handlers set.
struct Raised {
    flag: Arc<AtomicBool>,
    /// The number of the signal.
    signal: Arc<AtomicUsize>,
}

static RAISED: OnceLock<Raised> = OnceLock::new();

impl Interrupt {
    /// Listens from now on.
    pub fn listen() -> Self {
        let raised = RAISED.get_or_init(Raised::new);
        Interrupt {
            raised: Arc::clone(&raised.flag),
        }
    }

    /// Whether the user wants to stop.
    pub fn raised(&self) -> bool {
        self.raised.load(Ordering::Relaxed)
    }

    /// The exit code of a process that was stopped: 128 and the number of the signal.
    pub fn code() -> u8 {
        let signal = RAISED
            .get()
            .map_or(0, |raised| raised.signal.load(Ordering::Relaxed));
        let signal = if signal == 0 { SIGINT as usize } else { signal };
        u8::try_from(128 + signal).unwrap_or(u8::MAX)
    }
}

impl Raised {
    fn new() -> Self {
        let raised = Raised {
            flag: Arc::new(AtomicBool::new(false)),
            signal: Arc::new(AtomicUsize::new(0)),
        };
        let all = [SIGINT, SIGTERM, SIGHUP].into_iter();
        // Under nohup the end of the terminal is to be survived.
        for signal in all.filter(|&signal| signal != SIGHUP || !is_ignored(signal)) {
            let flag = Arc::clone(&raised.flag);
            let number = Arc::clone(&raised.signal);
            // Where signals cannot be caught they end the process, which loses one batch.
            let _ = flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&flag));
            let _ = flag::register_usize(signal, number, signal as usize);
            let _ = flag::register(signal, flag);
        }
        raised
    }
}

/// Whether the process was started with a signal ignored; `false` where the system does not say.
fn is_ignored(signal: c_int) -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return false;
    };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// From now on a file that grows beyond the limit of the process (`ulimit -f`) is an error of the write, with
/// its message, and no longer the end of the process.
pub fn large_files_are_errors() {
    #[cfg(unix)]
    {
        // A signal that is caught ends nothing; that it came is told by the write. Where it cannot be
        // caught, it ends the process as before.
        let seen = Arc::new(AtomicBool::new(false));
        let _ = flag::register(signal_hook::consts::SIGXFSZ, seen);
    }
}
