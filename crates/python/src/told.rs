//! A reporter that tells a Python object, and stops where Python wants to.

use landscape_core::Progress;
use landscape_study::Reporter;
use landscape_study::report::{Level, Meter};
use pyo3::prelude::*;
use std::collections::HashSet;
use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Meters move no more often than this.
const PACE: Duration = Duration::from_millis(50);

/// Tells an object with the methods `say(level, words)`, `meter(what, at_most)` and, of what that returns, `update(done, total)` and
/// `close()`. The first exception, a pressed Ctrl-C among them, stops the operation.
#[derive(Debug)]
pub struct Told {
    to: Py<PyAny>,
    raised: Mutex<Option<PyErr>>,
    stop: AtomicBool,
    said: Mutex<HashSet<String>>,
}

impl Told {
    /// Tells this object.
    pub fn new(to: Py<PyAny>) -> Self {
        Told {
            to,
            raised: Mutex::default(),
            stop: AtomicBool::new(false),
            said: Mutex::default(),
        }
    }

    /// The exception that stopped the operation.
    pub fn raised(&self) -> Option<PyErr> {
        lock(&self.raised).take()
    }

    /// Looks whether a signal has come, Ctrl-C above all.
    pub fn is_stopped(&self) -> bool {
        if !self.stop.load(Ordering::Relaxed)
            && let Err(error) = Python::attach(|py| py.check_signals())
        {
            self.stop_with(error);
        }
        self.stop.load(Ordering::Relaxed)
    }

    fn stop_with(&self, error: PyErr) {
        lock(&self.raised).get_or_insert(error);
        self.stop.store(true, Ordering::Relaxed);
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
            self.stop_with(error);
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
            Ok(meter) => Box::new(Bar { meter, moved: None }),
            Err(error) => {
                self.stop_with(error);
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
}

impl Meter for Bar {
    fn update(&mut self, progress: Progress) {
        let is_done = progress.done >= progress.total;
        if !is_done && self.moved.is_some_and(|moved| moved.elapsed() < PACE) {
            return;
        }
        self.moved = Some(Instant::now());
        // A meter that fails is no reason to stop.
        let _ = Python::attach(|py| {
            let told = (progress.done, progress.total);
            self.meter.call_method1(py, "update", told).map(drop)
        });
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        let _ = Python::attach(|py| self.meter.call_method0(py, "close").map(drop));
    }
}
