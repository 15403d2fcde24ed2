//! What was found between two networks.

use super::{Connectivity, LossProfile, Matching, Soup};
use crate::words::{Align, Table, or_dash, reach_words};
use landscape_core::json::{float, float_list};
use landscape_core::{Barrier, CurveKind, Params, Reach, Rise, Width, counted, short};
use landscape_trace::BatchStatistics;
use serde::{Serialize, Serializer};
use std::fmt;

/// All that was found. As JSON it is what `landscape connect --json` prints, the loss apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Connected {
    /// The straight line.
    pub line: PathSummary,
    /// The statistics that paths are measured with, where the network has some.
    #[serde(serialize_with = "statistics")]
    pub batch_norm: Option<BatchStatistics>,
    /// The losses of both networks with the statistics that they hold, where others are used.
    #[serde(serialize_with = "losses")]
    pub network_losses: Option<[f64; 2]>,
    /// The line to the second network with its units permuted.
    pub aligned: Option<AlignedPath>,
    /// The curve.
    pub curve: Option<CurvePath>,
    /// The averages of the networks.
    pub soup: Option<Soup>,
    /// Seconds that it took now.
    #[serde(with = "float")]
    pub seconds: f64,
}

/// What is worth saying of a path.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PathSummary {
    /// The run with its losses; of a curve, the plane that it lies on. Nothing where the path does not move.
    pub run: Option<String>,
    /// How far the loss rises above the chord between the ends.
    pub barrier: Option<Barrier>,
    /// How far the loss deviates from the mean of the ends.
    pub connectivity: Option<Connectivity>,
    /// The highest loss.
    #[serde(with = "float")]
    pub max_loss: f64,
    /// Length in parameter space, running statistics apart.
    #[serde(with = "float")]
    pub length: f64,
    /// How far along a line the basins around its ends reach, at each rise that is asked for; beyond the ends nothing is measured.
    /// Empty of a curve.
    pub widths: Vec<Width>,
}

/// An alignment, and the line after it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlignedPath {
    /// The line.
    #[serde(flatten)]
    pub path: PathSummary,
    /// What told that units are alike.
    #[serde(serialize_with = "matching")]
    pub by: Matching,
    /// Groups of units that can be permuted.
    pub groups: usize,
    /// Units that can be permuted.
    pub units: usize,
    /// Units that changed their place.
    pub moved: usize,
    /// The inner product of the weights, or the sum of correlations, before and after.
    #[serde(serialize_with = "float_list::serialize")]
    pub similarity: [f64; 2],
    /// Whether the search ended by itself.
    pub converged: bool,
    /// The permuted network.
    #[serde(skip)]
    pub params: Params,
}

/// A curve that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CurvePath {
    /// Its losses.
    #[serde(flatten)]
    pub path: PathSummary,
    /// Its shape.
    pub kind: CurveKind,
    /// Control points between the ends.
    #[serde(rename = "bends")]
    pub inner_points: usize,
    /// The run whose checkpoints are the control points.
    pub control_points: String,
    /// Whether its plane is sampled.
    #[serde(skip)]
    pub sampled: bool,
    /// Whether it is, at enough points for a figure.
    #[serde(skip)]
    pub drawable: bool,
}

impl PathSummary {
    pub(super) fn new(run: Option<String>, profile: &LossProfile, rises: &[Rise]) -> Self {
        PathSummary {
            run,
            widths: profile.widths(rises),
            barrier: profile.barrier(),
            connectivity: profile.connectivity(),
            max_loss: profile.highest(),
            length: profile.length,
        }
    }

    /// A path that does not leave the start of this one.
    pub(super) fn at_its_start(&self) -> Self {
        let barrier = self.barrier.map(|barrier| Barrier {
            height: 0.0,
            at: 0.0,
            ends: [barrier.ends[0]; 2],
        });
        PathSummary {
            run: None,
            max_loss: barrier.map_or(f64::NAN, |barrier| barrier.ends[0]),
            barrier,
            connectivity: self.connectivity.map(|_| Connectivity {
                value: 0.0,
                at: 0.0,
            }),
            length: 0.0,
            widths: Vec::new(),
        }
    }
}

fn statistics<S: Serializer>(of: &Option<BatchStatistics>, to: S) -> Result<S::Ok, S::Error> {
    of.map(BatchStatistics::name).serialize(to)
}

fn losses<S: Serializer>(of: &Option<[f64; 2]>, to: S) -> Result<S::Ok, S::Error> {
    match of {
        None => to.serialize_none(),
        Some(losses) => float_list::serialize(losses, to),
    }
}

fn matching<S: Serializer>(by: &Matching, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(by.name())
}

impl fmt::Display for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = ["BARRIER", "AT", "HIGHEST LOSS", "LENGTH"].map(|name| (name, Align::Right));
        let (first, last) = ([("PATH", Align::Left)], [("RUN", Align::Left)]);
        let mut table = Table::new(first.into_iter().chain(numbers).chain(last));
        table.row(self.line.cells("line"));
        if let Some(aligned) = &self.aligned {
            table.row(aligned.path.cells("line, aligned"));
        }
        if let Some(curve) = &self.curve {
            table.row(curve.path.cells(curve.word()));
        }
        table.fmt(f)?;
        self.line.basins(f)?;
        self.statistics_words(f)?;
        if let Some(soup) = &self.soup {
            write!(f, "\n{soup}")?;
        }
        if let Some(aligned) = &self.aligned {
            aligned.fmt(f)?;
        }
        match &self.curve {
            Some(curve) => {
                let (word, run) = (curve.word(), &curve.control_points);
                writeln!(f, "control points of the {word}: run {run}")
            }
            None => Ok(()),
        }
    }
}

impl Connected {
    /// The names of the runs that a figure shows.
    pub fn drawable(&self) -> Vec<&str> {
        let aligned = self.aligned.iter().flat_map(|aligned| &aligned.path.run);
        let mut runs: Vec<&String> = self.line.run.iter().chain(aligned).collect();
        // Nothing was moved.
        runs.dedup();
        let curve = self.curve.iter().filter(|curve| curve.drawable);
        runs.extend(curve.flat_map(|curve| &curve.path.run));
        runs.into_iter().map(String::as_str).collect()
    }

    /// Which statistics the paths are measured with.
    fn statistics_words(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(used) = self.batch_norm else {
            return Ok(());
        };
        let words = match used {
            BatchStatistics::Frozen => "the networks' own",
            BatchStatistics::Batch => "those of the batch at every point",
            BatchStatistics::Reestimated => "estimated anew at every point",
        };
        let name = used.name();
        writeln!(f, "BatchNorm statistics: {words} (`{name}`)")?;
        let Some([from, to]) = self.network_losses.map(|losses| losses.map(short)) else {
            return Ok(());
        };
        let own = BatchStatistics::Frozen.name();
        writeln!(
            f,
            "with the statistics that they hold, the networks have the losses {from} and {to} (`{own}`)"
        )
    }
}

impl PathSummary {
    /// How far the basins around the ends reach, a row for each rise.
    fn basins(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |at: f64| self.widths.iter().filter(move |width| width.at == at);
        let pairs =
            of(0.0).filter_map(|from| Some((from, of(1.0).find(|to| to.rise == from.rise)?)));
        for (from, to) in pairs {
            let after = |reach: &Option<Reach>| match reach {
                Some(reach) => format!("after {} of the way", reach_words(reach)),
                None => "nowhere".to_owned(),
            };
            writeln!(
                f,
                "a rise of {} is reached {} from the first network, {} from the second",
                from.rise,
                after(&from.above),
                after(&to.below)
            )?;
        }
        Ok(())
    }

    fn cells(&self, name: &str) -> [String; 6] {
        let barrier = self.barrier.as_ref();
        [
            name.to_owned(),
            or_dash(barrier.map(|barrier| barrier.height)),
            or_dash(barrier.map(|barrier| barrier.at)),
            short(self.max_loss),
            short(self.length),
            self.run.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    }
}

impl CurvePath {
    fn word(&self) -> &'static str {
        match self.kind {
            CurveKind::Bezier => "curve",
            CurveKind::Chain => "chain",
        }
    }
}

/// What alignment did.
impl fmt::Display for AlignedPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (by, moved, units) = (self.by.name(), self.moved, self.units);
        let (groups, [before, after]) = (counted(self.groups, "group"), self.similarity.map(short));
        writeln!(
            f,
            "aligned by {by}: {moved} of {units} units in {groups} moved, similarity {before} -> {after}"
        )
    }
}
