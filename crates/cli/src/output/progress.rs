use crate::words::rate as per_second;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use landscape_core::{Measured, Observer, ObserverError, Progress};
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Where stderr is no terminal, a line this often.
const LINES: Duration = Duration::from_secs(5);

/// Says how far work is, how fast it goes and how long it will take: as a bar on a terminal, else as
/// a plain line now and then.
#[derive(Debug)]
pub struct Meter {
    what: String,
    way: Way,
    /// The work may be done before all points are.
    at_most: bool,
}

#[derive(Debug)]
enum Way {
    Quiet,
    Bar(Option<ProgressBar>),
    Lines { due: Instant },
}

impl Meter {
    pub(super) fn new(what: &str, quiet: bool) -> Self {
        let way = match (quiet, io::stderr().is_terminal()) {
            (true, _) => Way::Quiet,
            (false, true) => Way::Bar(None),
            (false, false) => Way::Lines {
                due: Instant::now() + LINES,
            },
        };
        Meter {
            what: what.to_owned(),
            way,
            at_most: false,
        }
    }

    /// Says that the work may be done before all points are: there is no time left to tell.
    pub fn at_most(&mut self) {
        self.at_most = true;
    }

    /// So much of it is done.
    pub fn update(&mut self, progress: Progress) {
        let at_most = self.at_most;
        match &mut self.way {
            Way::Quiet => {}
            Way::Bar(bar) => {
                let bar = bar.get_or_insert_with(|| start(&self.what, progress, at_most));
                bar.set_position(progress.done as u64);
            }
            Way::Lines { due } => {
                if Instant::now() >= *due && progress.done < progress.total {
                    *due = Instant::now() + LINES;
                    let _ = writeln!(io::stderr(), "{}: {}", self.what, words(progress, at_most));
                }
            }
        }
    }

    /// Takes the bar away.
    pub fn clear(&mut self) {
        if let Way::Bar(Some(bar)) = &self.way {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.clear();
    }
}

impl landscape_study::report::Meter for Meter {
    fn update(&mut self, progress: Progress) {
        Meter::update(self, progress);
    }
}

impl Observer for Meter {
    fn batch(&mut self, _: &[Measured], progress: Progress) -> Result<(), ObserverError> {
        self.update(progress);
        Ok(())
    }
}

fn start(what: &str, progress: Progress, at_most: bool) -> ProgressBar {
    let target = ProgressDrawTarget::stderr_with_hz(10);
    let bar = ProgressBar::with_draw_target(Some(progress.total as u64), target);
    let template = match at_most {
        false => "{msg} {bar:30} {pos}/{len}  {per_sec}  {eta_precise} left",
        true => "{msg} {bar:30} {pos} of at most {len}  {per_sec}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar.set_position(progress.resumed as u64);
    bar.reset_eta();
    bar
}

fn words(progress: Progress, at_most: bool) -> String {
    let rate = progress.rate();
    if at_most {
        let Progress { done, total, .. } = progress;
        return format!("{done} of at most {total}, {}", per_second(rate));
    }
    let left = (progress.total - progress.done) as f64 / rate.max(1e-9);
    let share = 100.0 * progress.done as f64 / progress.total.max(1) as f64;
    format!(
        "{} of {} ({share:.0}%), {}, {} left",
        progress.done,
        progress.total,
        per_second(rate),
        crate::output::duration(left)
    )
}
