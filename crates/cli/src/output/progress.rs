use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use landscape_core::Progress;
use landscape_study::words::{duration, rate as per_second};
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Where stderr is not a terminal, a line this often.
const LINES: Duration = Duration::from_secs(5);

/// Says how far work is, how fast it goes and how long it will take: as a bar on a terminal, else as
/// a plain line now and then.
#[derive(Debug)]
pub struct Meter {
    what: String,
    shown: Shown,
    /// The work may be done before all points are.
    at_most: bool,
}

#[derive(Debug)]
enum Shown {
    Quiet,
    Bar(Option<ProgressBar>),
    Lines { due: Instant },
}

impl Meter {
    /// One that says nothing where it is quiet; `at_most` where the work may be done before all points are, so that there
    /// is no time left to tell.
    pub fn new(what: &str, at_most: bool, quiet: bool) -> Self {
        let shown = match (quiet, io::stderr().is_terminal()) {
            (true, _) => Shown::Quiet,
            (false, true) => Shown::Bar(None),
            (false, false) => Shown::Lines {
                due: Instant::now() + LINES,
            },
        };
        Meter {
            what: what.to_owned(),
            shown,
            at_most,
        }
    }
}

impl landscape_study::report::Meter for Meter {
    fn update(&mut self, progress: Progress) {
        let at_most = self.at_most;
        match &mut self.shown {
            Shown::Quiet => {}
            Shown::Bar(bar) => {
                let bar = bar.get_or_insert_with(|| start(&self.what, progress, at_most));
                bar.set_position(progress.done as u64);
            }
            Shown::Lines { due } => {
                if Instant::now() >= *due && progress.done < progress.total {
                    *due = Instant::now() + LINES;
                    let _ = writeln!(io::stderr(), "{}: {}", self.what, words(progress, at_most));
                }
            }
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Shown::Bar(Some(bar)) = &self.shown {
            bar.finish_and_clear();
        }
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
        duration(left)
    )
}
