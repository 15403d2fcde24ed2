//! How shapes of an export of one sample are read, where nothing says which of their axes counts it.

use std::collections::HashMap;

/// A shape that is read in one of several ways: of what, and what it becomes.
type Place = (Vec<usize>, Vec<usize>, usize);

/// A way for each place, the most likely one at first.
#[derive(Debug, Default)]
pub(crate) struct Readings {
    /// The places in the order in which they are met, with the way that is taken, and how many there are.
    taken: Vec<(usize, usize)>,
    numbers: HashMap<Place, usize>,
}

impl Readings {
    /// The way in which a place is read, of so many.
    pub fn way(&mut self, place: Place, ways: usize) -> usize {
        let next = self.numbers.len();
        let number = *self.numbers.entry(place).or_insert(next);
        match self.taken.get_mut(number) {
            Some((way, all)) => {
                *all = ways;
                (*way).min(ways - 1)
            }
            None => {
                self.taken.push((0, ways));
                0
            }
        }
    }

    /// Whether any place can be read in several ways.
    pub fn several(&self) -> bool {
        !self.numbers.is_empty()
    }

    /// The next readings: another way for the last place that was met and has one left.
    pub fn next(mut self) -> Option<Self> {
        self.taken.truncate(self.numbers.len());
        while let Some((way, ways)) = self.taken.pop() {
            if way + 1 < ways {
                self.taken.push((way + 1, ways));
                return Some(Self {
                    numbers: HashMap::new(),
                    ..self
                });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Readings;

    #[test]
    fn all_ways_are_tried_the_last_places_first() {
        let mut readings = Readings::default();
        let mut all = Vec::new();
        loop {
            let mut way = |n: usize, ways| readings.way((vec![n], vec![], 1), ways);
            let found = [way(4, 2), way(5, 3), way(4, 2)];
            assert_eq!(found[0], found[2]);
            all.push((found[0], found[1]));
            match readings.next() {
                Some(next) => readings = next,
                None => break,
            }
        }
        assert_eq!(all, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
        assert!(!Readings::default().several());
    }
}
