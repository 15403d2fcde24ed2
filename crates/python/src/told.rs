//! A reporter that tells a Python object, and stops where Python wants to.

use landscape_core::Progress;
use landscape_study::Reporter;
use landscape_study::report::{Level, Meter};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use std::collections::HashSet;
use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Meters move no more often than this.
const PACE: Duration = Duration::from_millis(50);

/// Tells an object with the methods `say(level, words)`, `meter(what, at_most)` and, of what that returns, `update(done, total)` and
/// `close()`. The first exception, a pressed Ctrl-C among them, stops the operation.
#[derive(Debug)]
pub struct Told {
    to: Py<PyAny>,
    stop: Arc<Stop>,
    said: Mutex<HashSet<String>>,
}

/// The exception that stops an operation.
#[derive(Debug, Default)]
struct Stop {
    raised: Mutex<Option<PyErr>>,
    is_raised: AtomicBool,
}

impl Stop {
    fn with(&self, error: PyErr) {
        lock(&self.raised).get_or_insert(error);
        self.is_raised.store(true, Ordering::Relaxed);
    }

    fn is_raised(&self) -> bool {
        self.is_raised.load(Ordering::Relaxed)
    }
}

impl Told {
    /// Tells this object.
    pub fn new(to: Py<PyAny>) -> Self {
        Told {
            to,
            stop: Arc::default(),
            said: Mutex::default(),
        }
    }

    /// The exception that stopped the operation.
    pub fn raised(&self) -> Option<PyErr> {
        lock(&self.stop.raised).take()
    }

    /// Looks whether a signal has come, Ctrl-C above all.
    pub fn is_stopped(&self) -> bool {
        if !self.stop.is_raised()
            && let Err(error) = Python::attach(|py| py.check_signals())
        {
            self.stop.with(error);
        }
        self.stop.is_raised()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Reporter for Told {
    fn say(&self, level: Level, words: &dyn Display) {
        let level = match level {
            Level::Detail => "detail",
            Level::Note => "note",
            Level::Warning => "warning",
        };
        let words = words.to_string();
        let said = Python::attach(|py| self.to.call_method1(py, "say", (level, words)).map(drop));
        if let Err(error) = said {
            self.stop.with(error);
        }
    }

    fn say_once(&self, level: Level, words: &dyn Display) {
        if lock(&self.said).insert(words.to_string()) {
            self.say(level, words);
        }
    }

    fn hears_details(&self) -> bool {
        false
    }

    fn meter(&self, what: &str, at_most: bool) -> Box<dyn Meter> {
        let made = Python::attach(|py| self.to.call_method1(py, "meter", (what, at_most)));
        match made {
            Ok(meter) => Box::new(Bar {
                meter,
                moved: None,
                stop: Arc::clone(&self.stop),
            }),
            Err(error) => {
                self.stop.with(error);
                Box::new(())
            }
        }
    }

    fn cancelled(&self) -> bool {
        self.is_stopped()
    }
}

/// A meter of Python.
struct Bar {
    meter: Py<PyAny>,
    moved: Option<Instant>,
    stop: Arc<Stop>,
}

impl Bar {
    /// A meter that fails is no reason to stop. A signal that came while it moved is: its exception is none of `Exception`.
    fn heed(&self, py: Python<'_>, moved: PyResult<Py<PyAny>>) {
        if let Err(error) = moved
            && !error.is_instance_of::<PyException>(py)
        {
            self.stop.with(error);
        }
    }
}

impl Meter for Bar {
    fn update(&mut self, progress: Progress) {
        let is_done = progress.done >= progress.total;
        if !is_done && self.moved.is_some_and(|moved| moved.elapsed() < PACE) {
            return;
        }
        self.moved = Some(Instant::now());
        Python::attach(|py| {
            let told = (progress.done, progress.total);
            self.heed(py, self.meter.call_method1(py, "update", told));
        });
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        Python::attach(|py| self.heed(py, self.meter.call_method0(py, "close")));
    }
}
