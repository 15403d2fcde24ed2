//! Looks at the sources while somebody listens, and tells what changed.

use crate::source::{Row, Source, is_locked, trouble};
use landscape_study::StudyError;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::broadcast;

/// Changes that a listener may be behind; one that is further behind is given everything anew.
const BEHIND: usize = 64;
/// A source with running runs is looked at so often even where its files did not change: a process that is killed
/// changes nothing.
const ALIVE: Duration = Duration::from_secs(3);
/// So long other processes may have a database before a word is lost about it.
const BRIEF: Duration = Duration::from_secs(2);

/// The kind of runs that grow without more of anything that is counted.
const REFINED: &str = "hessian";

/// What is known of the sources. Every change has a number, the clock, and so has a row with the last change of its run.
#[derive(Debug)]
pub struct Watch {
    sources: Vec<Source>,
    known: Mutex<Known>,
    /// Held by the one that looks.
    turn: Mutex<()>,
    tell: broadcast::Sender<Arc<Change>>,
}

#[derive(Debug)]
struct Known {
    clock: u64,
    lists: Vec<List>,
}

/// What is known of a source.
#[derive(Debug, Default)]
struct List {
    rows: Vec<Row>,
    trouble: Option<String>,
    seen: Option<crate::source::Seen>,
    looked: Option<Instant>,
    /// Since when another process has it.
    locked: Option<Instant>,
}

/// What changed in a source.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    pub clock: u64,
    pub source: usize,
    pub trouble: Option<String>,
    pub rows: Vec<Row>,
    pub gone: Vec<String>,
}

/// Everything that is known.
#[derive(Debug, Clone, Serialize)]
pub struct Listing {
    pub clock: u64,
    pub sources: Vec<Listed>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    pub label: String,
    pub trouble: Option<String>,
    pub rows: Vec<Row>,
}

/// What is known of some runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Told {
    pub version: u64,
    pub rows: Vec<Row>,
    pub trouble: Vec<String>,
}

impl Watch {
    pub fn new(sources: Vec<Source>) -> Self {
        let lists = sources.iter().map(|_| List::default()).collect();
        Watch {
            sources,
            known: Mutex::new(Known { clock: 1, lists }),
            turn: Mutex::default(),
            tell: broadcast::Sender::new(BEHIND),
        }
    }

    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    pub fn listen(&self) -> broadcast::Receiver<Arc<Change>> {
        self.tell.subscribe()
    }

    pub fn is_heard(&self) -> bool {
        self.tell.receiver_count() > 0
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn clock(&self) -> u64 {
        self.known().clock
    }

    pub fn listing(&self) -> Listing {
        let known = self.known();
        let listed = |(source, list): (&Source, &List)| Listed {
            label: source.label(),
            trouble: list.trouble.clone(),
            rows: list.rows.clone(),
        };
        Listing {
            clock: known.clock,
            sources: self.sources.iter().zip(&known.lists).map(listed).collect(),
        }
    }

    /// What is known of runs, each with the place of its source.
    pub fn told(&self, runs: &[(usize, String)]) -> Told {
        let known = self.known();
        let mut told = Told {
            version: 0,
            rows: Vec::new(),
            trouble: Vec::new(),
        };
        for (source, name) in runs {
            let Some(list) = known.lists.get(*source) else {
                continue;
            };
            let found = list.rows.iter().find(|row| row.is(name));
            let missing = found.is_none() && list.trouble.is_none() && list.looked.is_some();
            let gone = missing.then(|| format!("`{name}` is no longer there"));
            let words = list.trouble.clone().or(gone);
            told.trouble
                .extend(words.filter(|words| !told.trouble.contains(words)));
            told.rows.extend(found.cloned());
        }
        let versions = told.rows.iter().map(|row| row.version);
        told.version = versions.max().unwrap_or(0);
        told
    }

    /// Looks at every source that may have changed. Blocks while it reads.
    pub fn look(&self) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        for (place, source) in self.sources.iter().enumerate() {
            let seen = source.seen();
            if !self.known().lists[place].is_due(&seen) {
                continue;
            }
            let found = source.list();
            let change = self.known().take(place, seen, found);
            if let Some(change) = change {
                // Nobody may be listening.
                let _ = self.tell.send(Arc::new(change));
            }
        }
    }
}

impl Row {
    /// Whether it is the run of that name.
    fn is(&self, name: &str) -> bool {
        self.name == name || self.others.iter().any(|other| other == name)
    }
}

impl List {
    fn is_due(&self, seen: &crate::source::Seen) -> bool {
        let runs = self.rows.iter().any(|row| row.running);
        let old = self.looked.is_none_or(|looked| looked.elapsed() > ALIVE);
        self.seen.as_ref() != Some(seen) || (runs && old)
    }
}

impl Known {
    /// Takes in what a source was found to hold; gives what changed.
    fn take(
        &mut self,
        place: usize,
        seen: crate::source::Seen,
        found: Result<Vec<Row>, StudyError>,
    ) -> Option<Change> {
        let next = self.clock + 1;
        let list = &mut self.lists[place];
        let touched = list.seen.as_ref() != Some(&seen);
        let before = list.trouble.clone();
        list.looked = Some(Instant::now());
        let (rows, gone) = match found {
            Ok(found) => {
                (list.seen, list.trouble, list.locked) = (Some(seen), None, None);
                list.renew(found, next, touched)
            }
            Err(error) if is_locked(&error) => {
                let since = *list.locked.get_or_insert_with(Instant::now);
                // It is looked at again as soon as it is free.
                let first = list.seen.is_none();
                list.seen = list.seen.take().map(|_| Default::default());
                if first || since.elapsed() > BRIEF {
                    list.trouble = Some(trouble(&error));
                }
                (Vec::new(), Vec::new())
            }
            Err(error) => {
                (list.seen, list.trouble, list.locked) = (Some(seen), Some(trouble(&error)), None);
                list.renew(Vec::new(), next, touched)
            }
        };
        let list = &self.lists[place];
        if rows.is_empty() && gone.is_empty() && before == list.trouble {
            return None;
        }
        let trouble = list.trouble.clone();
        self.clock = next;
        Some(Change {
            clock: next,
            source: place,
            trouble,
            rows,
            gone,
        })
    }
}

impl List {
    /// Puts what was found in the place of what was known; gives the rows that are new or other, and the names that
    /// are gone.
    fn renew(&mut self, found: Vec<Row>, clock: u64, touched: bool) -> (Vec<Row>, Vec<String>) {
        let known = std::mem::take(&mut self.rows).into_iter();
        let mut known: HashMap<String, Row> = known.map(|row| (row.name.clone(), row)).collect();
        let mut changed = Vec::new();
        for mut row in found {
            let old = known.remove(&row.name);
            row.version = old.as_ref().map_or(clock, |old| old.version);
            let refined = touched && row.running && row.kind == REFINED;
            if refined || old.as_ref() != Some(&row) {
                row.version = clock;
                changed.push(row.clone());
            }
            self.rows.push(row);
        }
        (changed, known.into_keys().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn row(name: &str, points: u64) -> Row {
        Row {
            points,
            ..Row::of_file(Path::new(name))
        }
    }

    #[test]
    fn what_changed_is_told_once() {
        let watch = Watch::new(vec![Source::File("a.csv".into())]);
        let mut known = watch.known();
        let found = || Ok(vec![row("a", 1), row("b", 1)]);
        let change = known.take(0, Default::default(), found()).expect("new");
        assert_eq!((change.clock, change.rows.len()), (2, 2));
        assert!(known.take(0, Default::default(), found()).is_none());
        let grown = Ok(vec![row("a", 2)]);
        let change = known.take(0, Default::default(), grown).expect("grown");
        assert_eq!((change.clock, change.rows[0].version), (3, 3));
        assert_eq!((change.rows.len(), change.gone), (1, vec!["b".to_owned()]));
        drop(known);
        let told = watch.told(&[
            (0, "a".to_owned()),
            (0, "b".to_owned()),
            (7, "c".to_owned()),
        ]);
        assert_eq!(told.version, 3);
        assert_eq!(told.trouble, ["`b` is no longer there"]);
    }
}
