//! What a training would cost, from its first steps.

use crate::StudyError;
use landscape_models::{Record, Step, TrainConfig, TrainObserver, Trainee, train_with};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Time that the first steps of a training may take.
const TRIAL: Duration = Duration::from_secs(1);

/// Times the first steps of a training, and ends it.
#[derive(Default)]
struct Trial {
    /// When the first step was done, which has the work that is done once in it.
    first: Option<Instant>,
    steps: u32,
    seconds: f64,
}

impl Trial {
    /// Seconds of a step.
    fn each(&self) -> f64 {
        self.seconds / f64::from(self.steps.max(1))
    }
}

impl TrainObserver for Trial {
    fn record(&mut self, _: Record) -> ControlFlow<()> {
        // Records cost time too; those of the first steps are more frequent than later ones.
        ControlFlow::Continue(())
    }

    fn step(&mut self, step: Step) -> ControlFlow<()> {
        let Some(first) = self.first else {
            self.first = Some(Instant::now());
            return ControlFlow::Continue(());
        };
        self.seconds = first.elapsed().as_secs_f64();
        self.steps = u32::try_from(step.step - 1).unwrap_or(u32::MAX);
        match first.elapsed() < TRIAL {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    }
}

/// Seconds of a step of a training, from its first ones, which are not kept.
pub(crate) fn seconds_a_step(
    trainee: Box<dyn Trainee>,
    config: &TrainConfig,
) -> Result<f64, StudyError> {
    let mut trial = Trial::default();
    train_with(trainee, config, &mut trial)?;
    Ok(trial.each())
}

/// Steps of a training on so many samples.
pub(crate) fn steps(config: &TrainConfig, samples: usize) -> usize {
    let config = config.on(samples);
    config.epochs * samples.div_ceil(config.batch.max(1))
}
