use landscape_core::{Cancel, Measured, Observer, ObserverError, Progress};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Ctrl-C, noticed between two batches so that what is done can be saved; the second one ends the
/// process at once.
#[derive(Debug, Clone)]
pub struct Interrupt {
    raised: Arc<AtomicBool>,
    cancel: Cancel,
}

impl Interrupt {
    /// Listens from now on.
    pub fn listen() -> Self {
        static RAISED: OnceLock<Arc<AtomicBool>> = OnceLock::new();
        let raised = RAISED.get_or_init(|| {
            let raised = Arc::new(AtomicBool::new(false));
            for signal in [SIGINT, SIGTERM] {
                // Where signals cannot be caught they end the process, which loses one batch.
                let _ = flag::register_conditional_shutdown(signal, 130, Arc::clone(&raised));
                let _ = flag::register(signal, Arc::clone(&raised));
            }
            raised
        });
        Interrupt {
            raised: Arc::clone(raised),
            cancel: Cancel::new(),
        }
    }

    /// Whether the user wants to stop.
    pub fn raised(&self) -> bool {
        self.raised.load(Ordering::Relaxed)
    }

    /// The switch that a sampler looks at.
    pub fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }
}

impl Observer for Interrupt {
    fn batch(&mut self, _: &[Measured], _: Progress) -> Result<(), ObserverError> {
        if self.raised() {
            self.cancel.cancel();
        }
        Ok(())
    }
}
