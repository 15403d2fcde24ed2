//! Sums of tiles that threads add to in the order of the tiles.

use std::sync::{Condvar, Mutex, PoisonError};

/// What one tile adds to a sum.
#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    /// Number by number.
    Whole(&'a [f32]),
    /// `[numbers][lanes]`, of which the first `valid` lanes are samples.
    Lanes {
        out: &'a [f32],
        lanes: usize,
        valid: usize,
    },
}

impl Part<'_> {
    pub fn add_to(self, sums: &mut [f64]) {
        match self {
            Part::Whole(out) => {
                let pairs = sums.iter_mut().zip(out);
                pairs.for_each(|(sum, &x)| *sum += f64::from(x));
            }
            Part::Lanes { out, lanes, valid } => {
                for (sum, lanes) in sums.iter_mut().zip(out.chunks(lanes)) {
                    *sum += lanes[..valid].iter().map(|&x| f64::from(x)).sum::<f64>();
                }
            }
        }
    }
}

/// A sum, and the tile whose turn it is to add to it; `None` once a thread has panicked.
pub(super) struct Turn<'a> {
    state: Mutex<(Option<usize>, &'a mut [f64])>,
    changed: Condvar,
}

impl<'a> Turn<'a> {
    pub fn new(sums: &'a mut [f64]) -> Self {
        Self {
            state: Mutex::new((Some(0), sums)),
            changed: Condvar::new(),
        }
    }

    /// Waits for the tiles before, and adds.
    pub fn add(&self, tile: usize, part: Part) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |state: &mut (Option<usize>, &mut [f64])| state.0.is_some_and(|t| t < tile);
        let state = self.changed.wait_while(state, waits);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        assert_eq!(state.0, Some(tile), "another thread panicked");
        part.add_to(state.1);
        state.0 = Some(tile + 1);
        drop(state);
        self.changed.notify_all();
    }

    fn give_up(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = None;
        drop(state);
        self.changed.notify_all();
    }
}

/// While a thread unwinds, nobody waits for it.
pub(super) struct Unwinding<'a, 'b>(pub &'a [Vec<Turn<'b>>]);

impl Drop for Unwinding<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.iter().flatten().for_each(Turn::give_up);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_added_in_the_order_of_the_tiles() {
        let mut sums = [0.0];
        let turn = &Turn::new(&mut sums);
        let parts = [1e16f32, 3.0, -1e16, 5.0];
        std::thread::scope(|scope| {
            for tile in (0..parts.len()).rev() {
                let parts = &parts;
                scope.spawn(move || turn.add(tile, Part::Whole(&parts[tile..=tile])));
            }
        });
        let expected = parts.iter().fold(0.0, |sum, &x| sum + f64::from(x));
        assert_eq!(sums[0], expected);
    }

    #[test]
    fn a_panic_ends_the_waiting() {
        let mut sums = [0.0];
        let turns = [vec![Turn::new(&mut sums)]];
        let found = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| turns[0][0].add(1, Part::Whole(&[1.0])));
            let panicking = scope.spawn(|| {
                let _guard = Unwinding(&turns);
                panic!("a kernel");
            });
            [panicking.join().is_err(), waiting.join().is_err()]
        });
        assert_eq!(found, [true, true]);
    }
}
