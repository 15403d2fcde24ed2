//! Measures of sharpness, each kept as soon as it is known.

use super::request::Measure;
use super::work::Work;
use crate::MeanLoss;
use crate::StudyError;
use crate::directions::Derivatives;
use crate::problem::Problem;
use landscape_hessian::sharpness::{
    AverageParams, Displaced, EpsilonSharpnessParams, KeskarParams, LossError, Metric,
    PacBayesParams, Point, SamParams, Scaling, SharpnessError, WorstCaseParams,
};
use landscape_hessian::{Progress, Trace};
use landscape_storage::{Curvature, Sharpness};
use landscape_trace::Matrix;
use serde_json::{Value, json};
use std::ops::ControlFlow;

/// ASAM's usual radius and constant.
const ASAM: (f64, f64) = (0.5, 0.01);

type Watcher<'a> = &'a mut dyn FnMut(&Progress) -> ControlFlow<()>;

/// A value, its standard error, what it was computed with, and products spent.
struct Measured {
    value: f64,
    se: Option<f64>,
    settings: Value,
    products: usize,
}

/// Measures and keeps the sharpness that is asked for.
pub fn sharpness(
    work: &mut Work,
    problem: &Problem,
    derivatives: &Derivatives,
) -> Result<(), StudyError> {
    if work.wanted.sharpness.is_empty() {
        return Ok(());
    }
    let loss = loss(problem, derivatives)?;
    let point = Point::new(&loss, derivatives.curvature().point().to_vec())?;
    for (name, measure, tensor) in wanted(work, derivatives) {
        if work.at.sharpness.iter().any(|known| known.measure == name) {
            continue;
        }
        let job = Measurement {
            point: &point,
            derivatives,
            rho: work.wanted.asked.rho,
            seed: work.wanted.asked.plane.seed,
            trace: Trace::new(work.wanted.layer_params())?,
        };
        let found = work.watch(&name, |watcher| {
            job.measure(measure, tensor.as_deref(), watcher)
        });
        if work.stopped() {
            return Err(work.interrupted());
        }
        let found = match found {
            // Asked for by name it is an error; with all others it is left out.
            Err(StudyError::Sharpness(error))
                if work.wanted.asked.every_measure && lacks(&error) =>
            {
                work.note(format_args!("{name} is left out: {error}"));
                continue;
            }
            found => found?,
        };
        let row = Sharpness {
            measure: name,
            value: found.value,
            se: found.se,
            settings: found.settings,
        };
        work.keep(
            found.products,
            Curvature {
                sharpness: vec![row],
                ..Curvature::default()
            },
        )?;
    }
    Ok(())
}

/// The loss at the point, with its accuracy where the problem is a classification.
fn loss<'a>(
    problem: &'a Problem,
    derivatives: &'a Derivatives,
) -> Result<MeanLoss<'a>, StudyError> {
    let loss = MeanLoss::new(derivatives.curvature());
    if !problem.loss.kind.has_accuracy() {
        return Ok(loss);
    }
    Ok(loss.with_accuracy(move |theta| {
        let params = derivatives.params_at(theta).map_err(LossError::new)?;
        let found = derivatives.sample_at(&params).map_err(LossError::new)?;
        found
            .accuracy
            .ok_or_else(|| LossError::new("the loss has no accuracy"))
    }))
}

/// Whether a problem does not have what is measured.
fn lacks(error: &SharpnessError) -> bool {
    matches!(
        error,
        SharpnessError::NoAccuracy | SharpnessError::NoRise { .. }
    )
}

/// Every number that is asked for: its name, its measure, and the tensor it is about.
fn wanted(work: &Work, derivatives: &Derivatives) -> Vec<(String, Measure, Option<String>)> {
    let of = |&measure: &Measure| match measure {
        Measure::RelativeFlatness => {
            let blocks = derivatives.curvature().blocks().iter();
            let weights = blocks.filter(|block| block.shape.len() >= 2);
            let one = |name: &String| {
                (
                    format!("relative-flatness {name}"),
                    measure,
                    Some(name.clone()),
                )
            };
            weights.map(|block| one(&block.name)).collect()
        }
        _ => vec![(measure.name().to_owned(), measure, None)],
    };
    work.wanted.sharpness.iter().flat_map(of).collect()
}

/// A point, and how it is measured there.
struct Measurement<'a> {
    point: &'a Point<'a>,
    derivatives: &'a Derivatives,
    rho: Option<f64>,
    seed: u64,
    trace: Trace,
}

impl Measurement<'_> {
    fn measure(
        &self,
        measure: Measure,
        tensor: Option<&str>,
        watcher: Watcher,
    ) -> Result<Measured, StudyError> {
        match measure {
            Measure::Keskar => self.keskar(watcher),
            Measure::EpsilonSharpness => self.epsilon_sharpness(watcher),
            Measure::Sam => self.sam(SamParams::default().rho, Metric::Euclidean),
            Measure::Asam => self.sam(ASAM.0, Metric::Adaptive { eta: ASAM.1 }),
            Measure::Adaptive => self.average(Scaling::Magnitude, watcher),
            Measure::Gaussian => self.average(Scaling::Unit, watcher),
            Measure::AdaptiveWorst => self.worst(watcher),
            Measure::PacBayesLoss => self.pac_bayes(Displaced::Loss, watcher),
            Measure::PacBayesAccuracy => self.pac_bayes(Displaced::Accuracy, watcher),
            Measure::RelativeFlatness => self.flatness(tensor.unwrap_or_default(), watcher),
            Measure::FisherRao => self.fisher_rao(),
        }
    }

    fn keskar(&self, watcher: Watcher) -> Result<Measured, StudyError> {
        let usual = KeskarParams::default();
        let params = KeskarParams {
            epsilon: self.rho.unwrap_or(usual.epsilon),
            seed: self.seed,
            ..usual
        };
        let found = self.point.keskar(&params, watcher)?;
        let settings = ascent(
            params.epsilon,
            params.steps,
            params.starts,
            found.worst.converged,
        );
        Ok(Measured::exact(found.value, settings))
    }

    fn epsilon_sharpness(&self, watcher: Watcher) -> Result<Measured, StudyError> {
        let usual = EpsilonSharpnessParams::default();
        let params = EpsilonSharpnessParams {
            epsilon: self.rho.unwrap_or(usual.epsilon),
            seed: self.seed,
            ..usual
        };
        let found = self.point.epsilon_sharpness(&params, watcher)?;
        let settings = ascent(
            params.epsilon,
            params.steps,
            params.starts,
            found.worst.converged,
        );
        Ok(Measured::exact(found.value, settings))
    }

    fn sam(&self, usual: f64, metric: Metric) -> Result<Measured, StudyError> {
        let rho = self.rho.unwrap_or(usual);
        let found = self.point.sam(&SamParams { rho, metric })?;
        let mut settings = json!({"rho": rho});
        if let Metric::Adaptive { eta } = metric {
            settings["eta"] = json!(eta);
        }
        Ok(Measured::exact(found.rise, settings))
    }

    fn average(&self, scaling: Scaling, watcher: Watcher) -> Result<Measured, StudyError> {
        let usual = AverageParams::default();
        let params = AverageParams {
            rho: self.rho.unwrap_or(usual.rho),
            scaling,
            seed: self.seed,
            ..usual
        };
        let found = self.point.average(&params, watcher)?;
        Ok(Measured {
            value: found.mean,
            se: finite(found.standard_error),
            settings: json!({"rho": params.rho, "samples": found.samples.len()}),
            products: 0,
        })
    }

    fn worst(&self, watcher: Watcher) -> Result<Measured, StudyError> {
        let usual = WorstCaseParams::default();
        let params = WorstCaseParams {
            rho: self.rho.unwrap_or(usual.rho),
            seed: self.seed,
            ..usual
        };
        let found = self.point.worst_case(&params, watcher)?;
        let settings = json!({
            "rho": params.rho,
            "steps": params.steps,
            "starts": params.starts,
            "converged": found.converged,
        });
        Ok(Measured::exact(found.rise, settings))
    }

    fn pac_bayes(&self, displaced: Displaced, watcher: Watcher) -> Result<Measured, StudyError> {
        let params = PacBayesParams {
            displaced,
            seed: self.seed,
            ..PacBayesParams::default()
        };
        let found = self.point.pac_bayes(&params, watcher)?;
        // 1/sigma^2 changes by 2/sigma^3 times what sigma does.
        let se = 2.0 * found.standard_error / found.sigma.powi(3);
        Ok(Measured {
            value: found.flatness(),
            se: finite(se),
            settings: json!({
                "sigma": found.sigma,
                "change": params.rise,
                "samples": params.samples,
                "converged": found.converged,
            }),
            products: 0,
        })
    }

    fn flatness(&self, tensor: &str, watcher: Watcher) -> Result<Measured, StudyError> {
        let hessian = self.derivatives.operator(Matrix::Hessian);
        let found = self
            .point
            .relative_flatness(&hessian, tensor, &self.trace, watcher)?;
        Ok(Measured {
            value: found.mean,
            se: finite(found.standard_error),
            settings: json!({"tensor": tensor, "samples": found.samples.len()}),
            products: found.products,
        })
    }

    /// For cross-entropy and squared error the Gauss-Newton matrix is the Fisher information.
    fn fisher_rao(&self) -> Result<Measured, StudyError> {
        let fisher = self.derivatives.operator(Matrix::GaussNewton);
        let found = self.point.fisher_rao(&fisher)?;
        Ok(Measured {
            products: found.products,
            ..Measured::exact(found.norm, json!({"matrix": "gauss-newton"}))
        })
    }
}

impl Measured {
    fn exact(value: f64, settings: Value) -> Self {
        Measured {
            value,
            se: None,
            settings,
            products: 0,
        }
    }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// The settings of an ascent to the highest loss within a radius.
fn ascent(epsilon: f64, steps: usize, starts: usize, converged: bool) -> Value {
    json!({"epsilon": epsilon, "steps": steps, "starts": starts, "converged": converged})
}
