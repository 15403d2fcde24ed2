//! The largest eigenvalue of the Hessian, stored or computed.

use super::Evidence;
use super::evidence::Lambda;
use crate::StudyError;
use crate::directions::{Derivatives, basis};
use crate::estimate::{Part, seconds_each};
use crate::problem::{DataRequest, NetworkRequest, Problem};
use crate::record::Settings;
use crate::report::Reporter;
use landscape_hessian::{Lanczos, LanczosParams};
use landscape_storage::{ALL_PARAMETERS, Curvature, Run, RunKind, Side, Status, Store};
use landscape_trace::{Level, Matrix, Target};

/// Residual over the eigenvalue: two digits decide on which side of a limit it is.
const TOLERANCE: f64 = 1e-2;
/// Products that an estimate measures at most.
const TRIAL: usize = 4;

impl Evidence {
    /// Takes the largest eigenvalue that is stored, where the optimiser has a limit that it decides.
    pub(super) fn take_stored_curvature(&mut self, store: &Store) -> Result<(), StudyError> {
        if let (Some(run), Some(step), true) =
            (&self.trained, self.telling_step(), self.has_limit())
        {
            self.lambda = stored(store, run, step)?;
        }
        Ok(())
    }

    /// The training and the step whose largest eigenvalue decides something and is not stored.
    fn undecided(&self) -> Option<(&Run, u64)> {
        let known = self.lambda.is_some() || self.learning_rate().is_none();
        let run = self
            .trained
            .as_ref()
            .filter(|_| !known && self.has_limit())?;
        Some((run, self.telling_step()?))
    }

    /// What computing it would cost on so many threads; nothing where it is not to be computed.
    ///
    /// # Errors
    /// As of the curvature.
    pub(super) fn estimate(
        &self,
        store: &Store,
        threads: usize,
    ) -> Result<Option<Part>, StudyError> {
        let Some((run, step)) = self.undecided() else {
            return Ok(None);
        };
        let derivatives = derivatives(store, run, step, threads, &())?;
        let curvature = derivatives.curvature();
        let vector = vec![1.0; derivatives.dim()];
        let each = seconds_each(TRIAL, |count| {
            let block = vec![vector.clone(); count];
            curvature.products(Matrix::Hessian, &block).map(drop)
        })?;
        let most = LanczosParams::default().max_products;
        Ok(Some(
            Part::new("products for eigenvalues", most, each).at_most(true),
        ))
    }

    /// Computes it where none is stored, on so many threads; says why where it cannot. Gives the training and the step
    /// of one that was computed, which is not stored.
    ///
    /// # Errors
    /// Those of the store.
    pub fn find_curvature(
        &mut self,
        store: &Store,
        threads: usize,
        reporter: &dyn Reporter,
    ) -> Result<Option<(String, u64)>, StudyError> {
        let Some((run, step)) = self.undecided() else {
            return Ok(None);
        };
        match computed(store, run, step, threads, reporter) {
            Ok(lambda) => {
                let found = lambda.is_some().then(|| (run.name.clone(), step));
                self.lambda = lambda;
                Ok(found)
            }
            // The data may be elsewhere by now: the other figures still stand.
            Err(error) => {
                reporter.note(format_args!(
                    "the largest eigenvalue at step {step} is not known: {}",
                    error.in_full()
                ));
                Ok(None)
            }
        }
    }
}

/// What `landscape hessian` stored of the same parameters, data and loss.
fn stored(store: &Store, run: &Run, step: u64) -> Result<Option<Lambda>, StudyError> {
    let runs = store.runs_in(Status::Complete)?.into_iter();
    let own = Settings::of(run);
    let hessians: Vec<(Run, Settings)> = runs
        .filter(|other| other.kind == RunKind::Hessian)
        .map(|other| (Settings::of(&other), other))
        .filter(|(settings, _)| settings.problem().same_function(own.problem()))
        .filter(|(settings, _)| settings.matrix() == Some("hessian"))
        .map(|(settings, other)| (other, settings))
        .collect();
    if hessians.is_empty() {
        return Ok(None);
    }
    let Some(checkpoint) = store.checkpoint(run, step)? else {
        return Ok(None);
    };
    let digest = checkpoint.params.digest();
    for (other, settings) in hessians.iter().rev() {
        let here = settings.problem().weights.as_ref() == Some(&digest);
        let along = match settings {
            Settings::Curvature(settings) => settings.training.as_ref() == Some(&run.identity),
            _ => false,
        };
        let at = |found: &Curvature| match found.step {
            Some(known) => along && known == step,
            None => here,
        };
        let found = store.curvature(other)?.into_iter().find(at);
        let top = found.as_ref().and_then(|found| {
            let top = found.eigenvalues_of(ALL_PARAMETERS, Side::Top);
            top.first().filter(|top| top.converged).map(|top| top.value)
        });
        if let Some(value) = top {
            let from = format!("of run `{}`", other.name);
            return Ok(Some(Lambda { value, step, from }));
        }
    }
    Ok(None)
}

/// A few products with the Hessian; nothing where it has no positive eigenvalue to be found.
fn computed(
    store: &Store,
    run: &Run,
    step: u64,
    threads: usize,
    reporter: &dyn Reporter,
) -> Result<Option<Lambda>, StudyError> {
    let derivatives = derivatives(store, run, step, threads, reporter)?;
    let params = LanczosParams {
        top: 1,
        tolerance: TOLERANCE,
        floor: derivatives.floor(),
        basis: basis(2, derivatives.dim()),
        ..LanczosParams::default()
    };
    let spectrum = Lanczos::new(params)?.solve(&derivatives.operator(Matrix::Hessian))?;
    let from = format!("computed, {} products", spectrum.products);
    let top = spectrum.top.first().filter(|pair| pair.value.is_finite());
    Ok(top.map(|pair| Lambda {
        value: pair.value,
        step,
        from,
    }))
}

fn derivatives(
    store: &Store,
    run: &Run,
    step: u64,
    threads: usize,
    reporter: &dyn Reporter,
) -> Result<Derivatives, StudyError> {
    let network = NetworkRequest {
        run: Some(run.name.clone()),
        step: Some(step),
        ..NetworkRequest::default()
    };
    let problem = Problem::load(&network, &DataRequest::default(), 0, Some(store), reporter)?;
    let target = Target::Host {
        threads,
        level: Level::detect(),
    };
    Derivatives::new(&problem, &target, false)?.said(reporter)
}
