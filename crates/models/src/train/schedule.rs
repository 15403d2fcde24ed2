//! How the learning rate changes during training.

use crate::ModelsError;
use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

/// The learning rate as a share of the one that was set, step by step.
///
/// With `T` steps in all, `t` from 0:
///
/// | name | share |
/// |---|---|
/// | `constant` | 1 |
/// | `step:EPOCHS,GAMMA` (30, 0.1) | `GAMMA ^ floor(epoch / EPOCHS)`, PyTorch's `StepLR` |
/// | `cosine` | `(1 + cos(pi t / T)) / 2`, PyTorch's `CosineAnnealingLR` a step, towards 0 |
/// | `warmup-cosine:FRACTION` (0.1) | `(t + 1) / W` in the first `W = FRACTION T` steps, then `cosine` over the rest |
/// | `one-cycle:FRACTION` (0.3) | 1/25 up to 1 and down to 1/250000, PyTorch's `OneCycleLR` (the set rate is `max_lr`, momentum is not cycled) |
///
/// Cosines come from `libm`, so that every platform trains with the same rates.
///
/// ```
/// use landscape_models::Schedule;
///
/// let schedule: Schedule = "step:10,0.5".parse()?;
/// // Epoch 25 of 30 with 100 steps an epoch.
/// assert_eq!(schedule.factor(2500, 3000, 100), 0.25);
/// # Ok::<(), landscape_models::ModelsError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Schedule {
    /// The rate that was set.
    #[default]
    Constant,
    /// The rate is multiplied by `gamma` every `epochs` epochs.
    Step {
        /// Epochs between two changes, at least 1.
        epochs: usize,
        /// The factor, positive.
        gamma: f64,
    },
    /// Half a cosine from the rate to 0.
    Cosine,
    /// A linear rise, then half a cosine to 0.
    WarmupCosine {
        /// Share of the steps that rise, in [0, 1).
        warmup: f64,
    },
    /// Half a cosine up and half a cosine down, further than it started.
    OneCycle {
        /// Share of the steps that rise, in (0, 1).
        rise: f64,
    },
}

/// `max_lr / initial lr` of the one-cycle schedule.
const ONE_CYCLE_DIV: f64 = 25.0;
/// `initial lr / last lr` of the one-cycle schedule.
const ONE_CYCLE_FINAL_DIV: f64 = 1e4;

impl Schedule {
    /// The share of the set rate at a step, of `steps` in all and `per_epoch` an epoch.
    pub fn factor(self, step: u64, steps: u64, per_epoch: u64) -> f64 {
        let (t, all) = (step as f64, steps.max(1) as f64);
        match self {
            Schedule::Constant => 1.0,
            Schedule::Step { epochs, gamma } => {
                let epoch = step / per_epoch.max(1);
                libm::pow(gamma, (epoch / epochs.max(1) as u64) as f64)
            }
            Schedule::Cosine => between(1.0, 0.0, t / all),
            Schedule::WarmupCosine { warmup } => {
                let rise = (warmup * all).floor();
                if t < rise {
                    (t + 1.0) / rise
                } else {
                    between(1.0, 0.0, (t - rise) / (all - rise))
                }
            }
            Schedule::OneCycle { rise } => one_cycle(t, all, rise),
        }
    }

    /// The rule that the settings break, if any.
    pub(super) fn broken_rule(self) -> Option<&'static str> {
        match self {
            Schedule::Step { epochs: 0, .. } => Some("a step schedule needs at least 1 epoch"),
            Schedule::Step { gamma, .. } if !(gamma.is_finite() && gamma > 0.0) => {
                Some("a step schedule needs a positive factor")
            }
            Schedule::WarmupCosine { warmup } if !(0.0..1.0).contains(&warmup) => {
                Some("the fraction of the warm-up must be in [0, 1)")
            }
            Schedule::OneCycle { rise } if !(rise > 0.0 && rise < 1.0) => {
                Some("the fraction of the rise must be in (0, 1)")
            }
            _ => None,
        }
    }
}

/// Half a cosine from one value to another; `at` in [0, 1].
fn between(from: f64, to: f64, at: f64) -> f64 {
    to + (from - to) / 2.0 * (1.0 + libm::cos(PI * at))
}

/// The phases of PyTorch's `OneCycleLR` end at step `rise * all - 1` and at the last step.
fn one_cycle(t: f64, all: f64, rise: f64) -> f64 {
    let first = 1.0 / ONE_CYCLE_DIV;
    let last = first / ONE_CYCLE_FINAL_DIV;
    let top = rise * all - 1.0;
    if t <= top {
        between(first, 1.0, if top > 0.0 { t / top } else { 1.0 })
    } else {
        between(1.0, last, (t - top) / (all - 1.0 - top))
    }
}

/// What follows the colon, number by number.
struct Numbers<'a>(std::str::Split<'a, char>);

impl Numbers<'_> {
    fn next(&mut self, default: f64) -> Result<f64, String> {
        match self.0.next() {
            None | Some("") => Ok(default),
            Some(part) => part
                .parse()
                .map_err(|_| format!("`{part}` is not a number")),
        }
    }

    fn epochs(&mut self, default: usize) -> Result<usize, String> {
        let value = self.next(default as f64)?;
        match value.fract() == 0.0 && (0.0..1e9).contains(&value) {
            true => Ok(value as usize),
            false => Err(format!("{value} is not a whole number of epochs")),
        }
    }

    fn end(&mut self) -> Result<(), String> {
        match self.0.next() {
            None | Some("") => Ok(()),
            Some(extra) => Err(format!("`{extra}` is one setting too many")),
        }
    }
}

fn parse(given: &str) -> Result<Schedule, String> {
    let (name, settings) = given.split_once(':').unwrap_or((given, ""));
    let mut numbers = Numbers(settings.split(','));
    let schedule = match name {
        "constant" => Schedule::Constant,
        "step" => Schedule::Step {
            epochs: numbers.epochs(30)?,
            gamma: numbers.next(0.1)?,
        },
        "cosine" => Schedule::Cosine,
        "warmup-cosine" => Schedule::WarmupCosine {
            warmup: numbers.next(0.1)?,
        },
        "one-cycle" => Schedule::OneCycle {
            rise: numbers.next(0.3)?,
        },
        _ => {
            return Err(
                "it is unknown; one of: constant, step[:EPOCHS,GAMMA], cosine, \
                        warmup-cosine[:FRACTION], one-cycle[:FRACTION]"
                    .into(),
            );
        }
    };
    numbers.end()?;
    match schedule.broken_rule() {
        Some(rule) => Err(rule.into()),
        None => Ok(schedule),
    }
}

impl FromStr for Schedule {
    type Err = ModelsError;

    fn from_str(given: &str) -> Result<Self, ModelsError> {
        parse(given).map_err(|reason| ModelsError::BadSchedule {
            given: given.to_owned(),
            reason,
        })
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Schedule::Constant => f.write_str("constant"),
            Schedule::Step { epochs, gamma } => write!(f, "step:{epochs},{gamma}"),
            Schedule::Cosine => f.write_str("cosine"),
            Schedule::WarmupCosine { warmup } => write!(f, "warmup-cosine:{warmup}"),
            Schedule::OneCycle { rise } => write!(f, "one-cycle:{rise}"),
        }
    }
}
