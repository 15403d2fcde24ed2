//! Devices that share the points of a batch: each takes as many as its measured speed tells, and gives them back where it fails.
//!
//! A device takes half of its share of what is left, by its speed beside those of the others (guided self-scheduling;
//! Polychronopoulos and Kuck 1987), so that all end at the same time whatever a speed was measured wrong by. One that would
//! compute a single point for longer than the others need for all that is left takes none of the batch; from time to time it is
//! tried again, since the first points of a device may have waited for its kernels to be compiled.

use crate::error::TraceError;
use crate::schedule::{Evaluated, Executor};
use landscape_core::{DeviceShare, ObjectiveError, Point, in_full};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What is taken at once takes no less than this, so that taking it costs nothing beside.
const SHORTEST: f64 = 1e-3;
/// The share of the newest measurement in a speed.
const NEWEST: f64 = 0.7;
/// A device that is too slow is tried again after so many times as long as a point took.
const PATIENCE: u32 = 20;
/// Batches are made large enough for devices down to this share of the speed of all.
const SLOWEST: f64 = 1.0 / 8.0;

/// Executors of one graph that share its points.
pub(crate) struct Pool {
    members: Vec<Box<dyn Executor>>,
    states: Mutex<Vec<State>>,
}

/// A device on which a graph could not be prepared: it gives back what it is given.
struct Unprepared {
    device: String,
    reason: String,
}

impl Executor for Unprepared {
    fn evaluate(&self, _: &[Point]) -> Result<Vec<Evaluated>, ObjectiveError> {
        Err(ObjectiveError::new(self.reason.clone()))
    }

    fn describe(&self) -> String {
        self.device.clone()
    }
}

/// The executors of a graph on devices that share its points: a device that fails while it is prepared, for want of memory perhaps, is
/// as one that fails at its first point.
///
/// # Errors
/// Where all devices fail, what the first says; and what is wrong with the request rather than with a device.
pub(crate) fn prepared<T>(
    targets: &[T],
    prepare: impl Fn(&T) -> Result<Box<dyn Executor>, TraceError>,
) -> Result<Vec<Box<dyn Executor>>, TraceError> {
    let found: Vec<_> = targets.iter().map(prepare).collect();
    let all_failed = found.iter().all(Result::is_err);
    let others_go_on = |one: Result<Box<dyn Executor>, TraceError>| match one {
        Err(TraceError::Device { device, reason }) if !all_failed => {
            Ok(Box::new(Unprepared { device, reason }) as Box<dyn Executor>)
        }
        other => other,
    };
    found.into_iter().map(others_go_on).collect()
}

/// What is known of a device.
#[derive(Clone, Default)]
struct State {
    points: u64,
    /// Points a second.
    speed: Option<f64>,
    /// When it computed last, and how long it took a point.
    last: Option<(Instant, Duration)>,
    failed: Option<String>,
}

/// A batch on its way.
#[derive(Default)]
struct Batch {
    /// Points that nobody has taken yet.
    left: Vec<Range<usize>>,
    /// Devices that are computing.
    busy: usize,
    done: Vec<(usize, Vec<Evaluated>)>,
}

impl Batch {
    fn len(&self) -> usize {
        self.left.iter().map(ExactSizeIterator::len).sum()
    }

    /// So many points, or fewer where they do not lie together.
    fn take(&mut self, count: usize) -> Option<Range<usize>> {
        let range = self.left.pop()?;
        let taken = range.start..range.end.min(range.start + count);
        if taken.end < range.end {
            self.left.push(taken.end..range.end);
        }
        Some(taken)
    }
}

impl Pool {
    pub fn new(members: Vec<Box<dyn Executor>>) -> Self {
        let states = vec![State::default(); members.len()];
        Pool {
            members,
            states: Mutex::new(states),
        }
    }

    /// Its devices.
    pub fn members(&self) -> impl Iterator<Item = &dyn Executor> {
        self.members.iter().map(AsRef::as_ref)
    }

    /// All points, in their order.
    ///
    /// # Errors
    /// Where every device has failed: what each says.
    pub fn evaluate(&self, points: &[Point]) -> Result<Vec<Evaluated>, ObjectiveError> {
        if let [only] = &self.members[..] {
            return only.evaluate(points);
        }
        let batch = Mutex::new(Batch {
            left: std::iter::once(0..points.len()).collect(),
            ..Batch::default()
        });
        let changed = Condvar::new();
        thread::scope(|scope| {
            for member in 0..self.members.len() {
                let (batch, changed) = (&batch, &changed);
                scope.spawn(move || self.work(member, points, batch, changed));
            }
        });
        let batch = batch.into_inner().unwrap_or_else(PoisonError::into_inner);
        if batch.len() > 0 {
            return Err(self.all_failed());
        }
        let mut done = batch.done;
        done.sort_by_key(|(start, _)| *start);
        Ok(done.into_iter().flat_map(|(_, part)| part).collect())
    }

    /// What a device does of a batch.
    fn work(&self, member: usize, points: &[Point], batch: &Mutex<Batch>, changed: &Condvar) {
        let mut now = lock(batch);
        loop {
            if self.has_failed(member) || (now.len() == 0 && now.busy == 0) {
                break;
            }
            let count = match now.len() {
                0 => 0,
                left => self.count(member, left),
            };
            let Some(range) = (count > 0).then(|| now.take(count)).flatten() else {
                // What others compute may come back.
                now = changed.wait(now).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            now.busy += 1;
            drop(now);
            let found = self.measure(member, &points[range.clone()]);
            now = lock(batch);
            now.busy -= 1;
            match found {
                Some(found) => now.done.push((range.start, found)),
                None => now.left.push(range),
            }
            changed.notify_all();
        }
        changed.notify_all();
    }

    /// How many of the points that are left a device is to take now.
    fn count(&self, member: usize, left: usize) -> usize {
        let states = self.states();
        let own = &states[member];
        let Some(speed) = own.speed else {
            return 1;
        };
        let others = { states.iter().enumerate() }
            .filter(|(place, state)| *place != member && state.failed.is_none())
            .filter_map(|(_, state)| state.speed);
        let (others, fastest) = others.fold((0.0, 0.0), |(sum, most), speed: f64| {
            (sum + speed, speed.max(most))
        });
        // The others need this long for all that is left; they compute no half points.
        let without = (left as f64 / others).max(1.0 / fastest);
        if 1.0 / speed > without {
            let rested =
                |(last, took): (Instant, Duration)| last.elapsed() > took.saturating_mul(PATIENCE);
            return usize::from(own.last.is_none_or(rested));
        }
        let share = left as f64 * speed / (speed + others) / 2.0;
        (share.max(speed * SHORTEST) as usize).clamp(1, left)
    }

    /// Computes, and measures how fast; nothing where the device fails, which is noted.
    fn measure(&self, member: usize, points: &[Point]) -> Option<Vec<Evaluated>> {
        let start = Instant::now();
        let executor = &self.members[member];
        let found = catch_unwind(AssertUnwindSafe(|| executor.evaluate(points)));
        let found = found.unwrap_or_else(|panic| Err(ObjectiveError::of_panic(panic.as_ref())));
        let took = start.elapsed();
        let mut states = self.states();
        let state = &mut states[member];
        match found {
            Ok(found) if found.len() == points.len() => {
                let speed = points.len() as f64 / took.as_secs_f64().max(1e-9);
                let known = state.speed.unwrap_or(speed);
                state.speed = Some(known + NEWEST * (speed - known));
                state.last = Some((Instant::now(), took.div_f64(points.len() as f64)));
                state.points += points.len() as u64;
                Some(found)
            }
            Ok(found) => {
                let given = found.len();
                state.failed = Some(format!("it gave {given} losses of {} points", points.len()));
                None
            }
            Err(error) => {
                state.failed = Some(words(&error));
                None
            }
        }
    }

    fn has_failed(&self, member: usize) -> bool {
        self.states()[member].failed.is_some()
    }

    fn all_failed(&self) -> ObjectiveError {
        let states = self.states();
        let all = self.members().zip(states.iter());
        let failures = all.map(|(member, state)| {
            let why = state.failed.as_deref().unwrap_or("it computed nothing");
            (member.describe(), why.to_owned())
        });
        ObjectiveError::new(TraceError::Devices {
            failures: failures.collect(),
        })
    }

    /// How many points it takes for every device that is worth it to have one, see [`landscape_core::Objective::at_once`].
    pub fn at_once(&self) -> usize {
        let states = self.states();
        let living = states.iter().filter(|state| state.failed.is_none());
        let speeds: Vec<Option<f64>> = living.map(|state| state.speed).collect();
        let known: Vec<f64> = speeds.iter().copied().flatten().collect();
        if known.len() < speeds.len() {
            return speeds.len();
        }
        let all: f64 = known.iter().sum();
        let worth = || known.iter().filter(|speed| **speed >= SLOWEST * all);
        let slowest = worth().copied().fold(all, f64::min);
        let all: f64 = worth().sum();
        ((all / slowest).ceil() as usize).max(1)
    }

    /// What each has computed so far; nothing where there is one alone.
    pub fn shares(&self) -> Vec<DeviceShare> {
        if self.members.len() < 2 {
            return Vec::new();
        }
        let states = self.states();
        let all = self.members().zip(states.iter());
        all.map(|(member, state)| DeviceShare {
            device: member.describe(),
            points: state.points,
            failed: state.failed.clone(),
        })
        .collect()
    }

    fn states(&self) -> MutexGuard<'_, Vec<State>> {
        lock(&self.states)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a device says of its failure.
fn words(error: &ObjectiveError) -> String {
    match error.0.downcast_ref::<TraceError>() {
        Some(TraceError::Device { reason, .. }) => reason.clone(),
        _ => in_full(error.0.as_ref()),
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
