//! What was sampled or trained: as JSON, what `landscape surface --json` and `landscape train --json` print, loss and figures
//! apart.

use super::{Landscape, SampledLandscape, TrainedRun};
use crate::Numbers;
use crate::estimate::Estimate;
use crate::record::{PlacedNetwork, Rounding, Settings};
use crate::shard::ShardPart;
use crate::words::{cosine_words, duration, or_dash, percent, perplexity_words, shape_words, size};
use landscape_core::json::{float, float_list, float_option};
use landscape_core::{AdaptiveReport, Barrier, Params, Plane, Surface, counted, short};
use landscape_storage::{RunKind, TrainRecord};
use landscape_trace::Group;
use serde::{Serialize, Serializer};
use serde_json::json;
use std::fmt;

/// A line, plane or volume that was sampled.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LandscapeSummary {
    /// The run.
    pub run: String,
    /// Its kind.
    pub kind: RunKind,
    /// Points on each axis.
    pub shape: Vec<usize>,
    /// Points of the grid.
    pub points: usize,
    /// The part of the points that was asked for, where it was not all of them.
    pub shard: Option<ShardPart>,
    /// Points that were computed now.
    pub computed: usize,
    /// Points that were stored already.
    pub stored_before: usize,
    /// Points that are known by measurement.
    pub measured: usize,
    /// Points that are known by interpolation.
    pub interpolated: usize,
    /// What adaptive sampling did.
    pub adaptive: Option<AdaptiveReport>,
    /// Points whose loss is NaN or infinite.
    pub not_finite: usize,
    /// Loss at the origin, where that is a point of the grid.
    #[serde(with = "float_option")]
    pub center_loss: Option<f64>,
    /// The perplexity there, of a language model.
    #[serde(with = "float_option", skip_serializing_if = "Option::is_none")]
    pub center_perplexity: Option<f64>,
    /// The smallest finite loss.
    #[serde(with = "float_option")]
    pub min_loss: Option<f64>,
    /// The largest finite loss.
    #[serde(with = "float_option")]
    pub max_loss: Option<f64>,
    /// The barrier of a line between two networks.
    pub barrier: Option<Barrier>,
    /// The networks that it goes through, where it goes through several.
    pub models: Option<Vec<PlacedNetwork>>,
    /// What the precision costs, where it is not f32.
    pub rounding: Option<Rounding>,
    /// The norm of each direction.
    #[serde(with = "float_list")]
    pub norms: Vec<f64>,
    /// Cosines between all pairs of directions.
    pub cosines: Vec<Numbers>,
    /// Seconds of sampling, storing included.
    #[serde(with = "float")]
    pub seconds: f64,
    /// Where no loss is finite: the number of the weights and directions that is farthest from 0, and its tensor.
    #[serde(skip)]
    pub farthest: Option<(String, f64)>,
}

/// What sampling would do and cost, and how it would run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LandscapeEstimate {
    /// What it would do and cost.
    #[serde(flatten)]
    pub estimate: Estimate,
    /// Points of the grid.
    pub points: usize,
    /// Points that are stored already.
    pub stored: usize,
    /// How many points a second are measured.
    #[serde(with = "float")]
    pub points_per_second: f64,
    /// Samples that are computed together.
    pub tile: usize,
    /// Multiplications and additions a point.
    #[serde(with = "float")]
    pub operations: f64,
    /// What devices compute together.
    #[serde(serialize_with = "groups")]
    pub groups: Vec<Group>,
    /// What is slower or less than it could be.
    pub warnings: Vec<String>,
    /// How the network runs, in a line.
    #[serde(skip)]
    pub headline: String,
}

fn groups<S: Serializer>(of: &[Group], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(of.iter().map(|group| {
        json!({
            "device": group.device,
            "samples": group.samples,
            "points": group.points,
            "memory": group.memory,
            "most": group.most,
            "bound": group.bound.to_string(),
        })
    }))
}

impl fmt::Display for LandscapeEstimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}runs    {}", self.estimate, self.headline)?;
        { self.groups.iter() }.try_for_each(|group| writeln!(f, "group   {group}"))
    }
}

/// A finished training.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrainSummary {
    /// The run.
    pub run: String,
    /// Steps done.
    pub steps: Option<u64>,
    /// Recorded checkpoints.
    pub checkpoints: usize,
    /// Bytes that they take.
    pub checkpoint_bytes: u64,
    /// The loss before the first step.
    #[serde(with = "float_option")]
    pub first_loss: Option<f64>,
    /// The loss at the end.
    #[serde(with = "float_option")]
    pub loss: Option<f64>,
    /// The accuracy at the end.
    #[serde(with = "float_option")]
    pub accuracy: Option<f64>,
    /// The perplexity at the end, of a language model.
    #[serde(with = "float_option", skip_serializing_if = "Option::is_none")]
    pub perplexity: Option<f64>,
    /// Seconds that it took now.
    #[serde(with = "float")]
    pub seconds: f64,
}

impl SampledLandscape {
    /// What came of a landscape.
    pub fn summary(&self, landscape: &Landscape) -> LandscapeSummary {
        let (sampled, surface) = (&self.sampled, &self.sampled.surface);
        let plane = &landscape.directions.plane;
        let (min_loss, max_loss) = extremes(surface);
        let center = surface.grid().center().and_then(|flat| surface.get(flat));
        let settings = Settings::of(&sampled.run);
        let perplexity = |loss: f64| settings.problem().perplexity(loss);
        LandscapeSummary {
            run: sampled.run.name.clone(),
            kind: sampled.run.kind,
            shape: surface.grid().shape(),
            points: surface.grid().len(),
            shard: sampled.shard.clone(),
            computed: sampled.computed,
            stored_before: sampled.known,
            measured: surface.measured(),
            interpolated: surface.interpolated(),
            adaptive: sampled.adaptive,
            not_finite: surface.non_finite(),
            center_loss: center.map(|sample| sample.loss),
            center_perplexity: center.and_then(|sample| perplexity(sample.loss)),
            min_loss,
            max_loss,
            barrier: self.barrier,
            models: landscape.directions.provenance(),
            rounding: landscape.rounding,
            norms: plane.norms(),
            cosines: Numbers::rows(&plane.cosines()),
            seconds: sampled.seconds,
            farthest: match surface.non_finite() == surface.grid().len() {
                true => farthest(plane),
                false => None,
            },
        }
    }
}

impl TrainedRun {
    /// What came of it.
    pub fn summary(&self) -> TrainSummary {
        let (first, last) = (self.records.first(), self.records.last());
        let loss = |record: Option<&TrainRecord>| record.and_then(|record| record.loss);
        let settings = Settings::of(&self.run);
        let perplexity = |loss: f64| settings.problem().perplexity(loss);
        TrainSummary {
            run: self.run.name.clone(),
            steps: last.map(|record| record.step),
            checkpoints: self.records.len(),
            checkpoint_bytes: self.bytes,
            first_loss: loss(first),
            loss: loss(last),
            accuracy: last.and_then(|record| record.accuracy),
            perplexity: loss(last).and_then(perplexity),
            seconds: self.seconds,
        }
    }
}

/// The number of a plane's weights and directions that is farthest from 0, and its tensor.
fn farthest(plane: &Plane) -> Option<(String, f64)> {
    let farthest = |params: &Params| params.largest().map(|(name, x)| (name.to_owned(), x.abs()));
    let directions = plane.directions().iter().map(|d| &d.tensors);
    let all = std::iter::once(plane.origin()).chain(directions);
    let found = all.filter_map(farthest).max_by(|a, b| a.1.total_cmp(&b.1));
    found.map(|(name, value)| (name, f64::from(value)))
}

/// The smallest and the largest finite loss.
fn extremes(surface: &Surface) -> (Option<f64>, Option<f64>) {
    let losses = surface.losses();
    let finite = || losses.iter().copied().filter(|loss| loss.is_finite());
    (
        finite().min_by(f64::total_cmp),
        finite().max_by(f64::total_cmp),
    )
}

impl fmt::Display for LandscapeSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (run, shape) = (&self.run, shape_words(&self.shape));
        let [least, most, center] = [self.min_loss, self.max_loss, self.center_loss].map(or_dash);
        let part = { self.shard.iter() }
            .map(|part| format!("{part}, "))
            .collect::<String>();
        writeln!(
            f,
            "{run}: {part}{shape} points, loss {least} to {most}, {center} at the origin{}",
            { self.center_perplexity }.map_or(String::new(), perplexity_words)
        )?;
        let norms: Vec<String> = self.norms.iter().copied().map(short).collect();
        write!(f, "norms of the directions: {}", norms.join(", "))?;
        for cosine in cosine_words(&self.cosines) {
            write!(f, "; {cosine}")?;
        }
        writeln!(f)?;
        if let Some(report) = &self.adaptive {
            writeln!(f, "{report}")?;
        }
        if self.not_finite > 0 {
            writeln!(f, "{} losses are not finite", self.not_finite)?;
        }
        if let Some((name, value)) = &self.farthest {
            writeln!(
                f,
                "no loss is finite: values overflow f32 (beyond 3.4e38) inside the network; the largest number in the \
                 weights and directions is {value:.3e}, in `{name}`. Give other weights, or smaller directions"
            )?;
        }
        if let Some(barrier) = &self.barrier {
            writeln!(f, "barrier {barrier}")?;
        }
        match &self.rounding {
            Some(rounding) => writeln!(f, "{rounding}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for TrainSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = counted(self.steps.unwrap_or(0) as usize, "step");
        let [first, last] = [self.first_loss, self.loss].map(or_dash);
        write!(f, "{}: {steps}, loss {first} -> {last}", self.run)?;
        if let Some(share) = self.accuracy {
            write!(f, ", accuracy {}", percent(share))?;
        }
        f.write_str(&{ self.perplexity }.map_or(String::new(), perplexity_words))?;
        let checkpoints = counted(self.checkpoints, "checkpoint");
        let (size, seconds) = (size(self.checkpoint_bytes), duration(self.seconds));
        writeln!(f, ", {checkpoints} of {size}, {seconds}")
    }
}
