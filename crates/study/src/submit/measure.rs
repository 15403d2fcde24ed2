//! What is divided, and what it takes.

use crate::StudyError;
use crate::compare::{ComparisonRequest, Sweep, SweepRequest};
use crate::device::DeviceName;
use crate::hessian::{CurvatureRequest, CurvatureStudy};
use crate::report::{Quiet, Reporter};
use crate::runs::{Landscape, LandscapeRequest};
use crate::trajectory::{ProjectedPaths, TrajectoryRequest};
use landscape_core::Shard;
use landscape_storage::Store;
use std::time::Instant;

/// Seconds that a shard is to take.
const SHARD: f64 = 60.0;
/// The part of them that its preparation may take.
const PREPARATION: f64 = 0.05;

/// What can be divided in shards.
#[derive(Debug, Clone)]
pub enum Work {
    /// A line, plane or volume.
    Landscape(Box<LandscapeRequest>),
    /// A map of curvature.
    Map(Box<CurvatureRequest>),
    /// Paths, and the plane around them.
    Paths(Box<TrajectoryRequest>),
    /// Trainings to be compared.
    Trainings(Box<SweepRequest>),
}

/// What all of it takes on this machine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeasuredWork {
    /// Points, checkpoints or trainings.
    pub units: usize,
    /// Seconds for all of them.
    pub seconds: f64,
    /// Seconds before the first of them: to read files, to record the network and to plan how it runs.
    pub preparation: f64,
}

impl MeasuredWork {
    /// In how many shards it is divided: each takes a minute or more, and its preparation at most a twentieth of its time. There are
    /// at most `most`, and no more than units.
    pub fn shards(&self, most: usize) -> usize {
        let least = SHARD.max(self.preparation * (1.0 - PREPARATION) / PREPARATION);
        let shards = (self.seconds / least).floor() as usize;
        shards.min(self.units).min(most).max(1)
    }
}

impl Work {
    /// The devices that it names; none in particular for trainings.
    fn devices(&self) -> &[DeviceName] {
        match self {
            Work::Landscape(request) => &request.evaluation.devices,
            Work::Map(request) => &request.evaluation.devices,
            Work::Paths(request) => &request.evaluation.devices,
            Work::Trainings(_) => &[],
        }
    }

    /// The same on as many cores as a shard has, and how many these are: those that are asked for, or one.
    pub fn on_its_cores(mut self) -> (Self, usize) {
        let threads = match &mut self {
            Work::Landscape(request) => &mut request.evaluation.threads,
            Work::Map(request) => &mut request.evaluation.threads,
            Work::Paths(request) => &mut request.evaluation.threads,
            Work::Trainings(request) => &mut request.threads,
        };
        *threads = (*threads).max(1);
        let cpus = *threads;
        (self, cpus)
    }

    /// What is divided, in the singular.
    pub(super) fn unit(&self) -> &'static str {
        match self {
            Work::Landscape(_) | Work::Map(_) => "point",
            Work::Paths(_) => "unit",
            Work::Trainings(_) => "training",
        }
    }

    /// Whether its points follow from one another.
    pub(super) fn is_adaptive(&self) -> bool {
        matches!(self, Work::Landscape(request) if request.adaptive.is_some())
    }

    /// Whether it runs on cores of the processor.
    pub(super) fn is_on_cores(&self) -> bool {
        matches!(self, Work::Trainings(_)) || self.devices().contains(&DeviceName::Cpu)
    }

    /// GPUs that it names.
    pub fn gpus(&self) -> usize {
        let is_gpu = |name: &&DeviceName| {
            !matches!(
                name,
                DeviceName::Cpu | DeviceName::Flex | DeviceName::LibTorch
            )
        };
        self.devices().iter().filter(is_gpu).count()
    }

    /// Prepares it, and measures a few of its units, which are not kept. Trainings are looked up in `store`.
    ///
    /// # Errors
    /// Those of preparing and estimating it.
    pub fn measure(
        &self,
        store: Option<&Store>,
        reporter: &dyn Reporter,
    ) -> Result<MeasuredWork, StudyError> {
        let reporter = &Quiet(reporter);
        let start = Instant::now();
        let since = |start: Instant| start.elapsed().as_secs_f64();
        Ok(match self {
            Work::Landscape(request) => {
                let landscape = Landscape::prepare(request, store, reporter)?;
                let preparation = since(start);
                let seconds = landscape.estimate(None)?.estimate.seconds;
                MeasuredWork {
                    units: landscape.units(),
                    seconds,
                    preparation,
                }
            }
            Work::Map(request) => {
                let study = CurvatureStudy::prepare(request, store, reporter)?;
                let preparation = since(start);
                let seconds = study.estimate(None)?.seconds;
                MeasuredWork {
                    units: study.units(),
                    seconds,
                    preparation,
                }
            }
            Work::Paths(request) => {
                let paths = ProjectedPaths::prepare(request, store, reporter)?;
                let preparation = since(start);
                let seconds = paths.estimate()?.seconds;
                MeasuredWork {
                    units: paths.units(),
                    seconds,
                    preparation,
                }
            }
            Work::Trainings(request) => {
                // As one shard: what follows the trainings belongs to the whole.
                let whole = Shard::new(0, 1).map_err(crate::shard::ShardError::from)?;
                let request = SweepRequest {
                    shard: Some(whole),
                    ..(**request).clone()
                };
                let sweep = Sweep::prepare(&request, reporter)?;
                let preparation = since(start);
                let estimate = sweep.estimate(&ComparisonRequest::new(sweep.name()), None)?;
                MeasuredWork {
                    units: sweep.units(),
                    seconds: estimate.seconds,
                    preparation,
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A minute a shard, unless that is too little for its preparation, or there are not so many units.
    #[test]
    fn a_shard_takes_a_minute_or_longer_to_be_worth_its_preparation() {
        let of = |units, seconds, preparation| MeasuredWork {
            units,
            seconds,
            preparation,
        };
        for (work, most, shards) in [
            (of(40_401, 3600.0, 0.5), usize::MAX, 60),
            (of(40_401, 3659.0, 0.5), usize::MAX, 60),
            (of(40_401, 59.0, 0.5), usize::MAX, 1),
            // 19 times 10 s are 190 s.
            (of(40_401, 3800.0, 10.0), usize::MAX, 20),
            (of(25, 3600.0, 0.5), usize::MAX, 25),
            (of(1_002_001, 360_000.0, 0.5), 1000, 1000),
            (of(9, 0.0, 0.5), usize::MAX, 1),
        ] {
            assert_eq!(work.shards(most), shards, "{work:?}");
            let each = work.seconds / shards as f64 + work.preparation;
            assert!(
                shards == 1 || work.preparation / each <= PREPARATION,
                "{work:?}"
            );
        }
    }
}
