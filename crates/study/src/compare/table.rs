//! What trainings came to, side by side.

use super::plane::{end_plane, host, sampled};
use super::{Fate, Study, Trained};
use crate::hessian::EigenvalueSummary;
use crate::problem::Model;
use crate::{MeanLoss, StudyError};
use landscape_core::json::{float, float_option};
use landscape_core::{Cancel, Grid, Metrics, Params, Role, Surface, metrics};
use landscape_hessian::sharpness::{Point, SamParams};
use landscape_hessian::{Lanczos, LanczosParams};
use landscape_trace::Trace;
use serde::{Serialize, Serializer};

/// How the ends of trainings are looked at.
#[derive(Debug, Clone)]
pub struct TableOptions {
    /// The grid of the plane around each end, see [`end_plane`]; 31 x 31 points in [-1, 1] by
    /// default.
    pub grid: Grid,
    /// Seed of its directions, the same for all; 0 by default.
    pub seed: u64,
    /// Share of the largest eigenvalue that its residual may have; 1e-3 by default.
    pub tolerance: f64,
    /// Length of SAM's one step up the gradient; 0.05 by default.
    pub rho: f64,
    /// Threads; 0 means all cores, the default.
    pub threads: usize,
    /// Ends the work: rows that are not begun yet hold the losses alone.
    pub cancel: Cancel,
}

impl Default for TableOptions {
    fn default() -> Self {
        TableOptions {
            grid: Grid::square(31, 1.0, 2).expect("a grid of 31 x 31 points"),
            seed: 0,
            tolerance: 1e-3,
            rho: SamParams::default().rho,
            threads: 0,
            cancel: Cancel::new(),
        }
    }
}

/// Curvature at the end of a training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Curved {
    /// Largest eigenvalue of the Hessian of the mean loss over all the data; `None` where the
    /// search found none.
    pub lambda_max: Option<EigenvalueSummary>,
    /// SAM's sharpness: the rise of the loss after one step of length rho up the gradient (Foret
    /// et al. 2021). It is about `rho ||g|| + rho^2 lambda / 2` and says little of curvature where
    /// the gradient is still large.
    pub sharpness: f64,
}

/// One training in a table. What a training that diverged does not have is `None`.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What the variant is called.
    pub label: String,
    /// The network, as it is asked for; `-` where it is not known.
    pub model: String,
    /// Its parameters, buffers left out.
    pub parameters: usize,
    /// Steps done.
    pub steps: u64,
    /// Wall time of the training, where it is known.
    #[serde(with = "float_option")]
    pub seconds: Option<f64>,
    /// Loss over all the data at the start.
    #[serde(with = "float")]
    pub first_loss: f64,
    /// Loss over all the data at the end.
    #[serde(with = "float")]
    pub loss: f64,
    /// Accuracy over all the data at the end, for a classification.
    #[serde(with = "float_option")]
    pub accuracy: Option<f64>,
    /// Whether it learnt, got stuck or diverged.
    pub fate: Fate,
    /// Largest eigenvalue of the Hessian at the end.
    pub lambda_max: Option<EigenvalueSummary>,
    /// SAM's sharpness at the end, see [`Curved::sharpness`].
    #[serde(with = "float_option")]
    pub sharpness: Option<f64>,
    /// Figures of the surface around the end: convexity, basin width and the rest.
    #[serde(flatten, serialize_with = "end_figures")]
    pub metrics: Option<Metrics>,
    /// That surface.
    #[serde(skip)]
    pub surface: Option<Surface>,
}

/// Figures of the surface around an end that programs are told.
fn end_figures<S: Serializer>(of: &Option<Metrics>, to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Figures {
        #[serde(with = "float_option")]
        convexity: Option<f64>,
        #[serde(with = "float_option")]
        basin_width: Option<f64>,
        basin_open: Option<bool>,
    }
    let of = of.as_ref();
    let figures = Figures {
        convexity: of.and_then(|found| found.convexity),
        basin_width: of.map(|found| found.basin_width),
        basin_open: of.map(|found| found.basin_open),
    };
    figures.serialize(to)
}

/// Numbers that are trained.
pub(super) fn trained_numbers(params: &Params) -> usize {
    let weights = params.iter().filter(|t| t.role != Role::Buffer);
    weights.map(|tensor| tensor.data.len()).sum()
}

impl Row {
    /// A row of what training measured; the rest is left open.
    pub fn of(trained: &Trained) -> Self {
        let (first, last) = (&trained.first, &trained.last);
        Row {
            label: trained.label.clone(),
            model: trained.model.to_string(),
            parameters: trained_numbers(&trained.end),
            steps: trained.steps,
            seconds: trained.seconds,
            first_loss: first.loss,
            loss: last.loss,
            accuracy: last.accuracy,
            fate: Fate::of(first.loss, last.loss),
            lambda_max: None,
            sharpness: None,
            metrics: None,
            surface: None,
        }
    }

    /// The same row with the curvature at the end.
    #[must_use]
    pub fn with_curvature(mut self, curved: &Curved) -> Self {
        self.lambda_max = curved.lambda_max;
        self.sharpness = Some(curved.sharpness);
        self
    }

    /// Whether there is a point to look around at: the loss and all numbers at the end are finite.
    pub(super) fn is_usable(&self, end: &Params) -> bool {
        let finite = |v: &f32| v.is_finite();
        self.loss.is_finite() && end.iter().all(|t| t.data.iter().all(finite))
    }

    /// The same row with the surface around the end.
    #[must_use]
    pub fn with_surface(mut self, surface: Surface) -> Self {
        self.metrics = metrics(&surface).ok();
        self.surface = Some(surface);
        self
    }
}

impl Study {
    /// One row a training: what it came to, the curvature at its end, and the surface around it on
    /// the same kind of plane for all.
    ///
    /// # Errors
    /// What keeps curvature or surface from being computed. A training that diverged is not an error.
    pub fn table(
        &self,
        trained: &[Trained],
        options: &TableOptions,
    ) -> Result<Vec<Row>, StudyError> {
        let mut traces: Vec<(&Model, Trace)> = Vec::new();
        let mut rows = Vec::with_capacity(trained.len());
        for one in trained {
            let row = Row::of(one);
            if options.cancel.is_cancelled() || !row.is_usable(&one.end) {
                rows.push(row);
                continue;
            }
            let known = traces.iter().position(|(model, _)| **model == one.model);
            let known = match known {
                Some(known) => known,
                None => {
                    traces.push((&one.model, self.trace(&one.model, &one.end)?));
                    traces.len() - 1
                }
            };
            rows.push(complete(row, &one.end, &traces[known].1, options)?);
        }
        Ok(rows)
    }
}

fn complete(
    row: Row,
    end: &Params,
    trace: &Trace,
    options: &TableOptions,
) -> Result<Row, StudyError> {
    let row = row.with_curvature(&curved(trace, end, options)?);
    let objective = trace.objective(&end_plane(end, options.seed)?, &[host(options.threads)])?;
    let surface = sampled(&objective, &options.grid, &options.cancel)?;
    Ok(row.with_surface(surface))
}

/// Curvature of a loss at parameters: exact products with the Hessian, in f32.
///
/// # Errors
/// [`StudyError::Trace`] where the loss has no derivatives, [`StudyError::Lanczos`] and
/// [`StudyError::Sharpness`] for settings that cannot work.
pub fn curved(
    trace: &Trace,
    params: &Params,
    options: &TableOptions,
) -> Result<Curved, StudyError> {
    let curvature = trace.curvature(params, &host(options.threads))?;
    let lanczos = Lanczos::new(LanczosParams {
        tolerance: options.tolerance,
        floor: FLOOR,
        ..LanczosParams::default()
    })?;
    let spectrum = lanczos.solve(&curvature)?;
    let eigenvalue = spectrum.top.first().map(|pair| EigenvalueSummary {
        value: pair.value,
        residual: pair.residual,
        converged: pair.converged,
    });
    let mean = MeanLoss::new(&curvature);
    let point = Point::new(&mean, curvature.point().to_vec())?;
    let sam = point.sam(&SamParams {
        rho: options.rho,
        ..SamParams::default()
    })?;
    Ok(Curved {
        lambda_max: eigenvalue,
        sharpness: sam.rise,
    })
}

/// Residuals below this share of the largest eigenvalue are rounding of f32.
const FLOOR: f64 = 1e-6;
