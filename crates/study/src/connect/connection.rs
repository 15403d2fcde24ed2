//! Two networks of one kind, and the lines between them.

use super::stored::StoredCurve;
use super::{
    Aligned, AlignedPath, ConnectRequest, Connected, Endpoint, EvaluationContext, LossProfile,
    Matching, PathSummary, Soup,
};
use crate::StudyError;
use crate::device::DeviceName;
use crate::directions::{check_statistics, say_without_statistics};
use crate::estimate::{Estimate, Part, seconds_each};
use crate::problem::{LossChoice, Problem, TrainingTask, last_checkpoint};
use crate::record::{
    DirectionsSettings, LandscapeSettings, Origin, PlacedNetwork, ProblemSettings, Provenance,
    request,
};
use crate::report::{Reporter, say_how_it_runs};
use crate::runs::{StoredSampling, seconds_a_step, steps};
use landscape_core::{
    Curve, CurveKind, Direction, Grid, Objective, Params, Plane, Role, path_words,
};
use landscape_models::save_weights;
use landscape_storage::{RunKind, RunSpec, Store};
use landscape_trace::BatchStatistics;
use serde::Serialize;
use std::time::Instant;

/// Points that an estimate measures at most.
const TRIAL: usize = 64;

/// Two networks, checked and ready to be connected.
#[derive(Debug)]
pub struct Connection {
    request: ConnectRequest,
    /// With the first network.
    problem: Problem,
    other: Params,
    /// Where the second network is from.
    source: Origin,
    /// Further networks, for the average.
    more: Vec<(Params, Origin)>,
    pub(super) context: EvaluationContext,
    /// Points of a path.
    pub(super) grid: Grid,
}

impl Connection {
    /// Reads and checks everything that was asked for; stores nothing. Trainings are looked up in `store`.
    ///
    /// # Errors
    /// Whatever is absent or does not fit; [`StudyError::EqualNetworks`].
    pub fn prepare(
        request: &ConnectRequest,
        store: Option<&Store>,
        reporter: &dyn Reporter,
    ) -> Result<Self, StudyError> {
        let grid = request.check(reporter)?;
        let targets = request.evaluation.shared_targets(reporter)?;
        let problem = Problem::load(
            &request.first(),
            &request.data,
            request.seed,
            store,
            reporter,
        )?;
        let (other, source) = second(&request.ends[1], &problem, store, reporter)?;
        let other = moved(other, &problem.params)?;
        let more = request.others.iter().map(|end| {
            let (params, origin) = second(end, &problem, store, reporter)?;
            Ok::<_, StudyError>((moved(params, &problem.params)?, origin))
        });
        let more = more.collect::<Result<Vec<_>, _>>()?;
        if other == problem.params {
            return Err(StudyError::EqualNetworks);
        }
        let statistics = request.statistics();
        check_statistics(&Direction::between(&problem.params, &other)?, statistics)?;
        if request.statistics.is_some() {
            say_without_statistics(statistics, &problem.model, &problem.params, reporter);
        }
        let mut request = request.clone();
        if let Some(curve) = &mut request.curve {
            curve.config.training = curve.config.training.on(problem.data.len());
        }
        let data = problem.data.clone();
        let context = EvaluationContext::new(&problem.model, data, problem.loss.kind)?
            .with_batch_norm(statistics)
            .on(targets);
        // Parameters that are not numbers end it here, before anything is stored.
        context.objective(&straight(&problem.params, &other)?)?;
        say_how_it_runs(&context.between()?, reporter);
        Ok(Connection {
            request,
            problem,
            other,
            source,
            more,
            context,
            grid,
        })
    }

    /// The loss, and why it is this one.
    pub fn loss(&self) -> LossChoice {
        self.problem.loss
    }

    /// Measures the line, aligns, trains a curve: whatever is asked for and not stored. The reporter can stop it.
    ///
    /// # Errors
    /// [`StudyError::Interrupted`] when it was stopped, [`StudyError::NoUnits`] where there is nothing to align, and those
    /// of training and store.
    pub fn run(&self, store: &Store, reporter: &dyn Reporter) -> Result<Connected, StudyError> {
        let start = Instant::now();
        let part = self.problem.selection.as_ref();
        let part = part.map(|part| format!("{part} alone"));
        let line = self.line(&self.other, "line", part.as_deref(), store, reporter)?;
        let (batch_norm, network_losses) = self.statistics()?;
        let aligned = match self.request.align {
            Some(by) => Some(self.aligned(by, &line, store, reporter)?),
            None => None,
        };
        let end = aligned.as_ref().map_or(&self.other, |to| &to.params);
        let curve = match &self.request.curve {
            Some(_) if *end == self.problem.params => {
                reporter.note("no curve is trained: aligned, both networks are the same");
                None
            }
            Some(curve) => Some(StoredCurve::new(self, curve, end).run(store, reporter)?),
            None => None,
        };
        let soup = match self.request.soup {
            true => Some(self.soup(aligned.as_ref(), reporter)?),
            false => None,
        };
        Ok(Connected {
            line,
            soup,
            batch_norm,
            network_losses,
            aligned,
            curve,
            seconds: start.elapsed().as_secs_f64(),
        })
    }

    /// What it would cost, from points of the line and steps of the training that are measured and not kept. What is
    /// stored already is not looked up.
    ///
    /// # Errors
    /// Those of the objective and of training.
    pub fn estimate(&self) -> Result<Estimate, StudyError> {
        let line = self
            .context
            .objective(&straight(self.start(), &self.other)?)?;
        let points = self.grid.len();
        let trial: Vec<_> = (0..points.min(TRIAL)).map(|i| self.grid.point(i)).collect();
        let each = seconds_each(trial.len(), |count| {
            line.evaluate(&trial[..count]).map(drop)
        })?;
        let lines = 1 + usize::from(self.request.align.is_some());
        let mut parts = vec![Part::new("points of lines", lines * points, each)];
        if let Some(curve) = &self.request.curve {
            let Problem {
                model,
                params,
                data,
                loss,
                ..
            } = &self.problem;
            let config = &curve.config.training;
            let task = TrainingTask {
                data,
                loss: loss.kind,
                config,
            };
            let trainee = model.trainee(params, DeviceName::Cpu, task, &())?;
            let step = seconds_a_step(trainee, config)?;
            let steps = steps(config, data.len());
            parts.push(Part::new("steps of training a curve", steps, step));
            parts.push(Part::new("points of the curve", points, each));
            if let Some(grid) = &curve.grid {
                parts.push(Part::new("points of the plane", grid.of(2)?.len(), each));
            }
        }
        Ok(Estimate::of(parts))
    }

    pub(super) fn request(&self) -> &ConnectRequest {
        &self.request
    }

    /// Where paths begin.
    pub(super) fn start(&self) -> &Params {
        &self.problem.params
    }

    /// What the settings of all runs share.
    pub(super) fn settings(&self) -> ProblemSettings {
        self.problem.settings()
    }

    /// A run of this work.
    pub(super) fn spec(
        &self,
        kind: RunKind,
        part: &str,
        settings: &impl Serialize,
        models: Option<Vec<PlacedNetwork>>,
    ) -> RunSpec {
        let provenance = Provenance {
            to: Some(self.source.clone()),
            device: Some(self.request.evaluation.names()),
            models,
            ..self.problem.provenance()
        };
        let keep = self.request.keep.part(part);
        keep.spec(request(kind, settings), provenance)
    }

    /// The straight line to a network, as a line towards a file has it.
    fn line(
        &self,
        to: &Params,
        part: &str,
        changed: Option<&str>,
        store: &Store,
        reporter: &dyn Reporter,
    ) -> Result<PathSummary, StudyError> {
        let origin = &self.problem.params;
        let direction = Direction::between(origin, to)?;
        let settings = LandscapeSettings {
            problem: self.settings(),
            directions: DirectionsSettings::new([&direction], false),
            grid: Some(self.grid.clone()),
            terms: Default::default(),
            statistics: self.request.statistics().into(),
            adaptive: None,
        };
        let line = straight(origin, to)?;
        let sampling = StoredSampling {
            store,
            spec: &self.spec(RunKind::Line, part, &settings, Some(self.networks(changed))),
            plane: &Plane::new(origin.clone(), vec![direction])?,
            grid: &self.grid,
            objective: &self.context.objective(&line)?,
            batch: 0,
            shard: None,
            earlier: None,
            adaptive: None,
            last: true,
        };
        let sampled = sampling.run(reporter)?;
        let profile = LossProfile::new(sampled.surface, &line);
        Ok(PathSummary::new(
            Some(sampled.run.name),
            &profile,
            &self.request.rises,
        ))
    }

    /// Both networks on a line, the second under another name where it was changed.
    fn networks(&self, changed: Option<&str>) -> Vec<PlacedNetwork> {
        let placed = |name: String, at: f64| PlacedNetwork {
            name,
            file: None,
            at: vec![at],
        };
        let to = self.source.name();
        let to = match changed {
            Some(how) => format!("{to}, {how}"),
            None => to,
        };
        vec![placed(self.problem.origin.name(), 0.0), placed(to, 1.0)]
    }

    /// Permutes the second network, writes it where that is asked for, and measures the line to it.
    fn aligned(
        &self,
        by: Matching,
        line: &PathSummary,
        store: &Store,
        reporter: &dyn Reporter,
    ) -> Result<AlignedPath, StudyError> {
        let (from, seed) = (self.start(), self.request.seed);
        let aligned = self.context.align(from, &self.other, by, seed)?;
        let path = match aligned.params == *from {
            // The line to the first network itself is a point.
            true => line.at_its_start(),
            false => self.line(&aligned.params, "aligned", Some("aligned"), store, reporter)?,
        };
        if let Some(file) = &self.request.save {
            save_weights(file, &aligned.params)?;
            reporter.note(format_args!("parameters written to {}", path_words(file)));
        }
        Ok(AlignedPath::new(path, by, aligned))
    }

    /// The averages of all networks; of the second one with its units permuted, where they were.
    fn soup(
        &self,
        aligned: Option<&AlignedPath>,
        reporter: &dyn Reporter,
    ) -> Result<Soup, StudyError> {
        let second = aligned.map_or(&self.other, |aligned| &aligned.params);
        let ends = [
            (self.problem.origin.name(), self.start().clone()),
            (self.source.name(), second.clone()),
        ];
        let more = self.more.iter();
        let more = more.map(|(params, origin)| (origin.name(), params.clone()));
        let networks: Vec<_> = ends.into_iter().chain(more).collect();
        let soup = self.context.soup(&networks)?;
        let buffers = self
            .start()
            .iter()
            .any(|tensor| tensor.role == Role::Buffer);
        if buffers && self.request.statistics() == BatchStatistics::Frozen {
            reporter.note(
                "the averages have the mean running statistics of their networks, which are those of no data: measure them anew",
            );
        }
        if let (Some(file), None) = (&self.request.save, aligned) {
            save_weights(file, &soup.params)?;
            let words = path_words(file);
            reporter.note(format_args!("the average of all written to {words}"));
            if buffers {
                reporter.note("its running statistics are the mean of the networks'; measure them on data before it is used");
            }
        }
        Ok(soup)
    }

    /// The statistics that paths are measured with, where the network has some; losses with its own where others are used.
    fn statistics(&self) -> Result<(Option<BatchStatistics>, Option<[f64; 2]>), StudyError> {
        let start = self.start();
        if !start.iter().any(|tensor| tensor.role == Role::Buffer) {
            return Ok((None, None));
        }
        let used = self.request.statistics();
        let losses = match used {
            BatchStatistics::Frozen => None,
            _ => Some(self.context.ends(start, &self.other)?.map(|end| end.loss)),
        };
        Ok((Some(used), losses))
    }
}

impl AlignedPath {
    fn new(path: PathSummary, by: Matching, aligned: Aligned) -> Self {
        let groups = &aligned.spec.groups;
        let permutations = aligned.matching.permutations.iter();
        let places = permutations.flat_map(|units| units.iter().enumerate());
        AlignedPath {
            path,
            by,
            groups: groups.len(),
            units: groups.iter().map(|group| group.units).sum(),
            moved: places.filter(|(place, unit)| place != *unit).count(),
            similarity: aligned.matching.similarity,
            converged: aligned.matching.converged,
            params: aligned.params,
        }
    }
}

/// The second network, and where it is from.
fn second(
    end: &Endpoint,
    problem: &Problem,
    store: Option<&Store>,
    reporter: &dyn Reporter,
) -> Result<(Params, Origin), StudyError> {
    match (end, store) {
        (Endpoint::Run(name), Some(store)) => last_checkpoint(name, &problem.model, store),
        (Endpoint::Run(run), None) => Err(StudyError::NoCheckpoint {
            run: run.clone(),
            step: None,
            steps: Vec::new(),
        }),
        (Endpoint::File(path), _) => {
            let params = problem.other(path, reporter)?;
            Ok((params, Origin::file(path)))
        }
    }
}

/// The second network in what moves; what is fixed is that of the first.
fn moved(other: Params, start: &Params) -> Result<Params, StudyError> {
    let mut tensors = other.conform(start)?.into_inner();
    for (tensor, own) in tensors
        .iter_mut()
        .zip(start.iter())
        .filter(|(_, own)| own.fixed)
    {
        tensor.data.clone_from(&own.data);
    }
    Ok(Params::new(tensors)?)
}

fn straight(from: &Params, to: &Params) -> Result<Curve, StudyError> {
    Ok(Curve::straight(CurveKind::Chain, from, to, 0)?)
}
