//! Who is told of an operation while it runs, and says when it is to stop.

use landscape_core::{
    Cancel, DeviceShare, Measured, Observer, ObserverError, Progress, path_words,
};
use landscape_storage::{JournalNote, Store};
use landscape_trace::{Group, Summary, Trace};
use std::fmt::Display;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

/// How much words matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For those who ask for more.
    Detail,
    /// Something to know.
    Note,
    /// Something to know in any case.
    Warning,
}

/// Who is told of an operation while it runs, and says when it is to stop. Everything has a default that does nothing:
/// `()` is a reporter that is silent and never stops anything.
pub trait Reporter: Sync {
    /// Is told something, in a sentence without a full stop.
    fn say(&self, _level: Level, _words: &dyn Display) {}

    /// The same, but not a second time where the same was said before.
    fn say_once(&self, level: Level, words: &dyn Display) {
        self.say(level, words);
    }

    /// Whether details are heard: they can take work to find out.
    fn hears_details(&self) -> bool {
        false
    }

    /// A meter for work of many steps, of which `what` is the name; `at_most` where it may be done before all steps are.
    fn meter(&self, _what: &str, _at_most: bool) -> Box<dyn Meter> {
        Box::new(())
    }

    /// Whether the operation is to stop. What is done is then stored, and the operation ends with
    /// [`crate::StudyError::Interrupted`].
    fn cancelled(&self) -> bool {
        false
    }
}

impl Reporter for () {}

/// Is told how far work is.
pub trait Meter: Send {
    /// So much of it is done.
    fn update(&mut self, _progress: Progress) {}
}

impl Meter for () {}

/// Of an operation that is a part of another: passes on only warnings, and the wish to stop.
pub struct Quiet<'a>(pub &'a dyn Reporter);

impl Reporter for Quiet<'_> {
    fn say(&self, level: Level, words: &dyn Display) {
        if level == Level::Warning {
            self.0.say(level, words);
        }
    }

    fn say_once(&self, level: Level, words: &dyn Display) {
        if level == Level::Warning {
            self.0.say_once(level, words);
        }
    }

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

impl dyn Reporter + '_ {
    /// Something to know.
    pub fn note(&self, words: impl Display) {
        self.say(Level::Note, &words);
    }

    /// Something to know for those who ask for more.
    pub fn detail(&self, words: impl Display) {
        self.say(Level::Detail, &words);
    }

    /// Something to know in any case.
    pub fn warn(&self, words: impl Display) {
        self.say(Level::Warning, &words);
    }
}

/// Warns of what is slower or less than it could be; the whole summary is a detail.
pub fn say_how_it_runs(trace: &Trace, reporter: &dyn Reporter) -> Summary {
    let summary = trace.summary();
    for warning in summary.warnings() {
        reporter.say_once(Level::Warning, &format_args!("warning: {warning}"));
    }
    reporter.say_once(Level::Detail, &summary);
    summary
}

/// Warns of what became of results that had to wait for a database.
pub fn say_journal(store: &Store, reporter: &dyn Reporter) {
    say_notes(store.path(), &store.journal_notes(), reporter);
}

/// Says what became of results that had to wait for a database.
pub(crate) fn say_notes(database: &Path, notes: &[JournalNote], reporter: &dyn Reporter) {
    for note in notes {
        reporter.warn(format_args!("`{}`: {note}", path_words(database)));
    }
}

/// Says where points are evaluated, and what devices compute together, as details.
pub fn say_where(place: &str, groups: &[Group], reporter: &dyn Reporter) {
    reporter.say_once(Level::Detail, &format_args!("evaluated on: {place}"));
    for group in groups {
        reporter.say_once(Level::Detail, &format_args!("  {group}"));
    }
}

/// Tells a reporter of the steps of a training, and asks it whether to stop.
pub(crate) struct ReportedSteps<'a> {
    reporter: &'a dyn Reporter,
    meter: Box<dyn Meter>,
    start: Instant,
    /// Steps that were done before.
    earlier: Option<usize>,
}

impl<'a> ReportedSteps<'a> {
    pub fn new(reporter: &'a dyn Reporter, what: &str) -> Self {
        ReportedSteps {
            reporter,
            meter: reporter.meter(what, false),
            start: Instant::now(),
            earlier: None,
        }
    }

    /// Step `done`, from 1, of `total`.
    pub fn step(&mut self, done: u64, total: u64) -> ControlFlow<()> {
        let done = done as usize;
        self.meter.update(Progress {
            done,
            total: total as usize,
            resumed: *self.earlier.get_or_insert(done - 1),
            elapsed: self.start.elapsed(),
        });
        match self.reporter.cancelled() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

/// Tells a reporter of a sampler's batches, and stops the sampler where the reporter says so.
pub(crate) struct Reported<'a> {
    reporter: &'a dyn Reporter,
    meter: Box<dyn Meter>,
    /// The switch for the sampler.
    pub cancel: Cancel,
}

impl<'a> Reported<'a> {
    pub fn new(reporter: &'a dyn Reporter, what: &str, at_most: bool) -> Self {
        Reported {
            reporter,
            meter: reporter.meter(what, at_most),
            cancel: Cancel::new(),
        }
    }
}

impl Observer for Reported<'_> {
    fn shared(&mut self, shares: &[DeviceShare]) -> Result<(), ObserverError> {
        for share in shares {
            if let Some(why) = &share.failed {
                self.reporter.warn(format_args!(
                    "warning: device {} failed and computes no more ({why}); the others go on with its points",
                    share.device
                ));
            }
        }
        Ok(())
    }

    fn batch(&mut self, _: &[Measured], progress: Progress) -> Result<(), ObserverError> {
        self.meter.update(progress);
        if self.reporter.cancelled() {
            self.cancel.cancel();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::{Device, Tensor};
    use landscape_trace::Loss;
    use std::sync::Mutex;

    /// Keeps what is said.
    struct Heard(Mutex<Vec<(Level, String)>>);

    impl Reporter for Heard {
        fn say(&self, level: Level, words: &dyn Display) {
            self.0.lock().unwrap().push((level, words.to_string()));
        }
    }

    #[test]
    fn what_is_less_than_it_could_be_is_a_warning() {
        let device = Device::flex();
        let model = LinearConfig::new(2, 1).init(&device);
        let x = Tensor::<2>::from_floats([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]], &device);
        let trace = Trace::capture(&model, &x, |model: &Linear, x: &Tensor<2>| {
            Loss::new(model.forward(x.clone()).powi_scalar(2).mean().sqrt())
        });
        let (trace, heard) = (trace.unwrap(), Heard(Mutex::default()));
        say_how_it_runs(&trace, &heard);
        // A part of another operation passes on warnings alone.
        say_how_it_runs(&trace, &Quiet(&heard));
        let said = heard.0.into_inner().unwrap();
        let levels: Vec<Level> = said.iter().map(|(level, _)| *level).collect();
        assert_eq!(levels, [Level::Warning, Level::Detail, Level::Warning]);
        assert!(said[0].1.contains("no standard error"), "{said:?}");
        assert_eq!(said[0], said[2]);
    }
}
