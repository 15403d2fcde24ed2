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
        }
    }

    /// So much of it is done.
    pub fn update(&mut self, progress: Progress) {
        match &mut self.way {
            Way::Quiet => {}
            Way::Bar(bar) => {
                let bar = bar.get_or_insert_with(|| start(&self.what, progress));
                bar.set_position(progress.done as u64);
            }
            Way::Lines { due } => {
                if Instant::now() >= *due && progress.done < progress.total {
                    *due = Instant::now() + LINES;
                    let _ = writeln!(io::stderr(), "{}: {}", self.what, words(progress));
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

impl Observer for Meter {
    fn batch(&mut self, _: &[Measured], progress: Progress) -> Result<(), ObserverError> {
        self.update(progress);
        Ok(())
    }
}

fn start(what: &str, progress: Progress) -> ProgressBar {
    let target = ProgressDrawTarget::stderr_with_hz(10);
    let bar = ProgressBar::with_draw_target(Some(progress.total as u64), target);
    let style =
        ProgressStyle::with_template("{msg} {bar:30} {pos}/{len}  {per_sec}  {eta_precise} left");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar.set_position(progress.resumed as u64);
    bar.reset_eta();
    bar
}

fn words(progress: Progress) -> String {
    let rate = progress.rate();
    let left = (progress.total - progress.done) as f64 / rate.max(1e-9);
    let share = 100.0 * progress.done as f64 / progress.total.max(1) as f64;
    format!(
        "{} of {} ({share:.0}%), {rate:.0}/s, {} left",
        progress.done,
        progress.total,
        crate::output::duration(left)
    )
}
