//! What a report lacks, how it is computed, and the commands that would.

use super::planes::{PlaneFigures, SuggestedRange, WANTED};
use super::siblings::{Siblings, random_plane};
use super::subject::Subject;
use crate::StudyError;
use crate::command::Typed;
use crate::device::Evaluation;
use crate::directions::{DirectionKind, GridRequest, PlaneRequest};
use crate::hessian::{CurvatureRequest, CurvatureStudy};
use crate::problem::{DataRequest, ModelSource, NetworkRequest};
use crate::record::{LandscapeSettings, Origin};
use crate::report::{Quiet, Reporter};
use crate::runs::{Keep, Landscape, LandscapeRequest};
use landscape_core::{Adaptive, Grid, Normalization, UnknownSelection};
use landscape_models::{LossKind, ModelsError, Split};
use landscape_storage::{Run, Store};
use landscape_trace::{BatchStatistics, Precision};
use serde::Serialize;

/// Eigenvalues that a report asks for, at the upper and the lower end.
const TOP: usize = 5;
const BOTTOM: usize = 1;

/// Something that a report lacks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MissingPart {
    /// What it is.
    pub what: String,
    /// The command that computes it.
    pub command: Option<String>,
    /// Why it cannot be computed, or was not.
    pub why: Option<String>,
    /// What is computed.
    #[serde(skip)]
    pub(super) request: Option<PartRequest>,
}

/// What computes a part.
#[derive(Debug, Clone, PartialEq)]
pub enum PartRequest {
    /// A plane.
    Landscape(Box<LandscapeRequest>),
    /// Curvature.
    Curvature(Box<CurvatureRequest>),
}

impl MissingPart {
    /// Something that cannot be there.
    pub(super) fn without(what: impl Into<String>, why: impl Into<String>) -> Self {
        MissingPart {
            what: what.into(),
            command: None,
            why: Some(why.into()),
            request: None,
        }
    }

    /// What computes it; nothing where it cannot be computed.
    pub fn request(&self) -> Option<&PartRequest> {
        self.request.as_ref()
    }
}

impl PartRequest {
    /// Computes and stores it.
    pub(super) fn run(&self, store: &Store, reporter: &dyn Reporter) -> Result<(), StudyError> {
        let quiet = Quiet(reporter);
        match self {
            PartRequest::Landscape(request) => {
                let landscape = Landscape::prepare(request, Some(store), &quiet)?;
                landscape.run(store, reporter).map(drop)
            }
            PartRequest::Curvature(request) => {
                let mut study = CurvatureStudy::prepare(request, Some(store), &quiet)?;
                study.run(store, reporter).map(drop)
            }
        }
    }

    /// The command that computes it.
    pub fn typed(&self) -> Typed {
        match self {
            PartRequest::Landscape(request) => Typed::landscape(request),
            PartRequest::Curvature(request) => Typed::curvature(request),
        }
    }

    fn keep(&mut self) -> &mut Keep {
        match self {
            PartRequest::Landscape(request) => &mut request.keep,
            PartRequest::Curvature(request) => &mut request.keep,
        }
    }
}

/// Plans what is lacking.
pub(super) struct Plan<'a> {
    pub own: &'a Run,
    pub subject: &'a Subject,
    pub siblings: &'a Siblings,
    pub range: Option<&'a SuggestedRange>,
    /// Why the parameters are not to be had any more.
    pub moved: Option<&'a str>,
    pub evaluation: &'a Evaluation,
    pub store: &'a Store,
}

impl Plan<'_> {
    /// Everything that is lacking of random planes, curvature, and the plane along eigenvectors, in the order in which it is
    /// computed.
    pub fn parts(&self, planes: &[PlaneFigures]) -> Vec<MissingPart> {
        let network = self.network();
        let part = |what: String, request: &dyn Fn(NetworkRequest, DataRequest) -> PartRequest| {
            let (network, data) = match network.clone() {
                Ok(both) => both,
                Err(why) => return MissingPart::without(what, why),
            };
            let mut request = request(network, data);
            let command = request.typed().db(self.store.path(), false).to_string();
            request.keep().command = Some(command.clone());
            MissingPart {
                what,
                command: Some(command),
                why: None,
                request: Some(request),
            }
        };
        let mut all: Vec<MissingPart> = { self.seeds(planes).into_iter() }
            .map(|seed| {
                part(
                    format!("a plane along random directions of the seed {seed}"),
                    &|n, d| self.random(n, d, seed),
                )
            })
            .collect();
        if self.siblings.curvature.is_none() {
            let what = "eigenvalues, trace and density of the Hessian".to_owned();
            all.push(part(what, &|n, d| self.curvature(n, d)));
        }
        if self.siblings.eigenplane.is_none() {
            let what = "the plane along the two eigenvectors of the largest eigenvalues".to_owned();
            all.push(part(what, &|n, d| self.eigenplane(n, d)));
        }
        all
    }

    /// Seeds of planes that are not stored, so that there are as many as are wanted.
    fn seeds(&self, planes: &[PlaneFigures]) -> Vec<u64> {
        let known: Vec<u64> = planes.iter().filter_map(|plane| plane.seed).collect();
        let first = known
            .first()
            .copied()
            .unwrap_or(PlaneRequest::default().seed);
        let others = (first..).filter(|seed| !known.contains(seed));
        others.take(WANTED.saturating_sub(planes.len())).collect()
    }

    /// The network and the data, as one asks for them again; why one cannot.
    fn network(&self) -> Result<(NetworkRequest, DataRequest), String> {
        if let Some(why) = self.moved {
            return Err(why.to_owned());
        }
        let provenance = &self.subject.provenance;
        let params = self.subject.problem.params.as_deref().map(str::parse);
        let params = params
            .transpose()
            .map_err(|error: UnknownSelection| error.to_string())?;
        let data = || {
            let source = provenance
                .data
                .clone()
                .ok_or("it is not said on which data")?;
            let source = source.found();
            let loss = self
                .subject
                .problem
                .loss
                .as_deref()
                .map(str::parse::<LossKind>);
            let loss = loss.transpose().map_err(|error| format!("{error}"))?;
            Ok::<_, String>(DataRequest {
                data: Some(source.spec),
                dir: source.dir,
                split: Some(source.split).filter(|split| *split != Split::default()),
                samples: source.samples,
                loss,
                ..DataRequest::default()
            })
        };
        match &provenance.weights {
            Some(Origin::Run { run, step }) => {
                let network = NetworkRequest {
                    run: Some(run.clone()),
                    step: Some(*step),
                    params,
                    ..NetworkRequest::default()
                };
                let of_training = self.subject.record.is_some();
                Ok((network, if of_training { DataRequest::default() } else { data()? }))
            }
            Some(origin @ Origin::File { .. }) => {
                let weights = origin.found();
                let network = NetworkRequest {
                    // A program has its own parameters.
                    weights: weights.filter(|file| Some(file) != self.program().as_ref()),
                    model: Some(self.model()?),
                    params,
                    ..NetworkRequest::default()
                };
                Ok((network, data()?))
            }
            Some(Origin::Seed { .. }) => Err(
                "parameters that are not given are drawn with the seed of the directions: another seed is another network"
                    .to_owned(),
            ),
            None => Err("it is not said where the parameters are from".to_owned()),
        }
    }

    fn program(&self) -> Option<std::path::PathBuf> {
        self.subject
            .provenance
            .model
            .as_ref()
            .map(|file| file.found())
    }

    fn model(&self) -> Result<ModelSource, String> {
        if let Some(file) = self.program() {
            return Ok(ModelSource::File(file));
        }
        let words = self.subject.problem.model.as_deref();
        let words = words.ok_or("it is not said of which network")?;
        words
            .parse()
            .map_err(|error: ModelsError| error.to_string())
    }

    fn name(&self, part: &str) -> Keep {
        Keep {
            name: Some(format!("{}-{part}", self.own.name)),
            ..Keep::default()
        }
    }

    /// The settings that new planes share with those that are stored.
    fn like(&self) -> Option<LandscapeSettings> {
        self.siblings
            .random
            .first()
            .and_then(|run| random_plane(&run.run))
    }

    /// A plane as those that are stored, of another seed.
    fn random(&self, network: NetworkRequest, data: DataRequest, seed: u64) -> PartRequest {
        let mut request = LandscapeRequest {
            network,
            data,
            evaluation: self.evaluation.clone(),
            keep: self.name(&format!("seed-{seed}")),
            ..LandscapeRequest::default()
        };
        if let Some(like) = self.like() {
            alike(&mut request, &like);
        }
        request.plane.seed = seed;
        PartRequest::Landscape(Box::new(request))
    }

    fn curvature(&self, network: NetworkRequest, data: DataRequest) -> PartRequest {
        let mut evaluation = self.evaluation.clone();
        // Products are computed on one device.
        evaluation.devices.truncate(1);
        PartRequest::Curvature(Box::new(CurvatureRequest {
            network,
            data,
            top: Some(TOP),
            bottom: Some(BOTTOM),
            trace: true,
            density: true,
            evaluation,
            keep: self.name("hessian"),
            ..CurvatureRequest::default()
        }))
    }

    fn eigenplane(&self, network: NetworkRequest, data: DataRequest) -> PartRequest {
        let mut request = LandscapeRequest {
            network,
            data,
            evaluation: self.evaluation.clone(),
            keep: self.name("eigenvectors"),
            ..LandscapeRequest::default()
        };
        if let Some(like) = self.like() {
            alike(&mut request, &like);
            request.plane = PlaneRequest::default();
            request.grid.ranges = None;
        }
        request.plane.direction = DirectionKind::Hessian(Vec::new());
        let halves = self.range.map_or(&[][..], |range| &range.eigenvectors);
        if !halves.is_empty() {
            request.grid.ranges = Some(halves.iter().map(|half| (-half, *half)).collect());
        }
        PartRequest::Landscape(Box::new(request))
    }
}

/// Asks for a landscape as a stored one was.
fn alike(request: &mut LandscapeRequest, like: &LandscapeSettings) {
    if let Some(grid) = &like.grid {
        request.grid = grid_like(grid);
    }
    if let Some(first) = like.directions.each.first() {
        request.plane = PlaneRequest {
            // That of random directions unless another is asked for.
            norm: word(Some(&first.norm)).filter(|norm| *norm != Normalization::Filter),
            bias: word(first.bias.as_deref()).unwrap_or_default(),
            distribution: word(first.distribution.as_deref()).unwrap_or_default(),
            orthogonal: like.directions.orthogonal,
            ..PlaneRequest::default()
        };
    }
    let statistics = word(like.statistics.batch_norm.as_deref());
    request.statistics = statistics.unwrap_or(BatchStatistics::Frozen);
    request.precision = word(like.problem.precision.as_deref()).unwrap_or(Precision::F32);
    request.adaptive = like
        .adaptive
        .and_then(|tolerance| Adaptive::new(tolerance).ok());
}

fn word<T: std::str::FromStr>(word: Option<&str>) -> Option<T> {
    word?.parse().ok()
}

fn grid_like(grid: &Grid) -> GridRequest {
    let ranges = grid.axes().iter().map(|axis| (axis.min(), axis.max()));
    GridRequest {
        counts: Some(grid.shape()),
        ranges: Some(ranges.collect()),
    }
}
