//! What is printed of ways.

use super::curve::FoundCurve;
use crate::args::DbArgs;
use crate::commands::metrics::barrier_json;
use crate::error::CliError;
use crate::output::{Align, Console, Table, Typed, duration, loss_json, number, numbers, short};
use landscape_core::{Barrier, CurveKind, counted};
use landscape_study::connect::{Aligned, Connectivity, Matching, Way};
use landscape_study::problem::LossChoice;
use landscape_study::record::statistics_name;
use landscape_trace::BatchStatistics;
use serde_json::{Value, json};

/// What is worth saying of a way.
#[derive(Debug, Clone)]
pub struct Found {
    /// The run with its losses.
    run: Option<String>,
    barrier: Option<Barrier>,
    connectivity: Option<Connectivity>,
    highest: f64,
    length: f64,
}

impl Found {
    pub fn of(run: Option<String>, way: &Way) -> Self {
        Found {
            run,
            barrier: way.barrier(),
            connectivity: way.connectivity(),
            highest: way.highest(),
            length: way.length,
        }
    }

    /// A way that does not leave the start of this one.
    pub fn at_its_start(&self) -> Self {
        let loss = self.barrier.map_or(f64::NAN, |barrier| barrier.ends[0]);
        Found {
            run: None,
            barrier: self.barrier.map(|barrier| Barrier {
                height: 0.0,
                at: 0.0,
                ends: [barrier.ends[0]; 2],
            }),
            connectivity: self.connectivity.map(|_| Connectivity {
                value: 0.0,
                at: 0.0,
            }),
            highest: loss,
            length: 0.0,
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "run": self.run,
            "barrier": self.barrier.map(barrier_json),
            "connectivity": self.connectivity.map(|c| json!({
                "value": number(c.value),
                "at": number(c.at),
            })),
            "max_loss": number(self.highest),
            "length": number(self.length),
        })
    }

    fn row(&self, name: &str) -> [String; 6] {
        let barrier = |of: fn(&Barrier) -> f64| {
            self.barrier
                .as_ref()
                .map_or("-".to_owned(), |b| short(of(b)))
        };
        [
            name.to_owned(),
            barrier(|b| b.height),
            barrier(|b| b.at),
            short(self.highest),
            short(self.length),
            self.run.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    }
}

/// An alignment, and the line after it.
struct AlignedLine {
    by: &'static str,
    groups: usize,
    units: usize,
    moved: usize,
    similarity: [f64; 2],
    converged: bool,
    line: Found,
}

/// Statistics of BatchNorm layers on the ways.
pub struct Statistics {
    pub used: BatchStatistics,
    /// Losses of both networks with the statistics that they hold, where others are used.
    pub ends: Option<[f64; 2]>,
}

impl Statistics {
    fn words(&self) -> String {
        let used = match self.used {
            BatchStatistics::Frozen => "the networks' own",
            BatchStatistics::Batch => "those of the batch at every point",
            BatchStatistics::Reestimated => "estimated anew at every point",
        };
        let mut words = format!(
            "BatchNorm statistics: {used} (--batch-norm {})\n",
            statistics_name(self.used)
        );
        if let Some([from, to]) = self.ends {
            words += &format!(
                "with the statistics that they hold, the networks have the losses {} and {} (--batch-norm \
                 frozen)\n",
                short(from),
                short(to)
            );
        }
        words
    }
}

/// All that was found.
pub struct Report {
    pub line: Found,
    loss: LossChoice,
    statistics: Option<Statistics>,
    aligned: Option<AlignedLine>,
    curve: Option<FoundCurve>,
}

impl Report {
    pub fn new(line: Found, loss: LossChoice, statistics: Option<Statistics>) -> Self {
        Report {
            line,
            loss,
            statistics,
            aligned: None,
            curve: None,
        }
    }

    pub fn aligned(&mut self, by: Matching, aligned: &Aligned, line: Found) {
        let permutations = aligned.matching.permutations.iter();
        let places = permutations.flat_map(|units| units.iter().enumerate());
        self.aligned = Some(AlignedLine {
            by: by.name(),
            groups: aligned.spec.groups.len(),
            units: aligned.spec.groups.iter().map(|group| group.units).sum(),
            moved: places.filter(|(place, unit)| place != *unit).count(),
            similarity: aligned.matching.similarity,
            converged: aligned.matching.converged,
            line,
        });
    }

    pub fn curve(&mut self, curve: FoundCurve) {
        self.curve = Some(curve);
    }

    pub fn print(&self, seconds: f64, console: &Console) -> Result<(), CliError> {
        console.note(format_args!("done in {}", duration(seconds)));
        console.result(|| self.to_json(seconds), || self.words())
    }

    fn to_json(&self, seconds: f64) -> Value {
        let aligned = self.aligned.as_ref().map(|aligned| {
            let mut json = aligned.line.to_json();
            json["by"] = json!(aligned.by);
            json["groups"] = json!(aligned.groups);
            json["units"] = json!(aligned.units);
            json["moved"] = json!(aligned.moved);
            json["similarity"] = numbers(&aligned.similarity);
            json["converged"] = json!(aligned.converged);
            json
        });
        let curve = self.curve.as_ref().map(|curve| {
            let mut json = curve.way.to_json();
            json["kind"] = json!(curve.kind.name());
            json["bends"] = json!(curve.bends);
            json["control_points"] = json!(curve.run);
            json
        });
        let statistics = self.statistics.as_ref();
        let mut all = json!({
            "line": self.line.to_json(),
            "batch_norm": statistics.map(|s| statistics_name(s.used)),
            "network_losses": statistics.and_then(|s| s.ends).map(|ends| numbers(&ends)),
            "aligned": aligned,
            "curve": curve,
            "seconds": number(seconds),
        });
        loss_json(self.loss, &mut all);
        all
    }

    fn words(&self) -> String {
        let right = ["BARRIER", "AT", "HIGHEST LOSS", "LENGTH"].map(|name| (name, Align::Right));
        let mut columns = vec![("WAY", Align::Left)];
        columns.extend(right);
        columns.push(("RUN", Align::Left));
        let mut table = Table::new(columns);
        table.row(self.line.row("line"));
        let mut more = String::new();
        more.extend(self.statistics.as_ref().map(Statistics::words));
        if let Some(aligned) = &self.aligned {
            table.row(aligned.line.row("line, aligned"));
            let [before, after] = aligned.similarity.map(short);
            more += &format!(
                "aligned by {}: {} of {} units in {} moved, similarity {before} -> {after}\n",
                aligned.by,
                aligned.moved,
                aligned.units,
                counted(aligned.groups, "group")
            );
        }
        if let Some(curve) = &self.curve {
            let kind = match curve.kind {
                CurveKind::Bezier => "curve",
                CurveKind::Chain => "chain",
            };
            table.row(curve.way.row(kind));
            more += &format!("control points of the {kind}: run {}\n", curve.run);
        }
        format!("{}{more}", table.text())
    }

    /// What to look at next.
    pub fn next(&self, db: &DbArgs, console: &Console) -> Vec<String> {
        let plot = |run: &String| Typed::plot(run, "svg").db(&db.db).to_string();
        let again = || console.again(&["--name"]);
        let mut next: Vec<String> = self.line.run.iter().map(plot).collect();
        let aligned = self.aligned.iter().flat_map(|aligned| &aligned.line.run);
        next.extend(aligned.map(plot));
        // Nothing was moved.
        next.dedup();
        match &self.curve {
            Some(curve) if curve.drawable => next.extend(curve.way.run.iter().map(plot)),
            Some(curve) if curve.sampled => {}
            Some(_) => {
                let sampled = again().option("--grid", "51");
                next.push(format!("{sampled}    # samples the curve's plane"))
            }
            None => {
                let trained = again().option("--curve", "bezier");
                next.push(format!("{trained}    # trains a way around"))
            }
        }
        next
    }
}
