//! What is printed of two networks and the paths between them.

use crate::args::DbArgs;
use crate::error::CliError;
use crate::output::{Align, Console, Table, Typed, duration, loss_json, number, short};
use landscape_core::{Barrier, CurveKind, counted};
use landscape_study::connect::{AlignedPath, Connected, PathSummary};
use landscape_study::problem::LossChoice;
use landscape_trace::BatchStatistics;
use serde_json::{Value, json};

/// All that was found, by which loss, in what time.
pub struct Report {
    pub found: Connected,
    pub loss: LossChoice,
    pub seconds: f64,
}

impl Report {
    pub fn print(&self, console: &Console) -> Result<(), CliError> {
        console.note(format_args!("done in {}", duration(self.seconds)));
        console.result(|| self.to_json(), || self.words())
    }

    fn to_json(&self) -> Value {
        let mut all = json!(self.found);
        all["seconds"] = number(self.seconds);
        loss_json(self.loss, &mut all);
        all
    }

    fn words(&self) -> String {
        let right = ["BARRIER", "AT", "HIGHEST LOSS", "LENGTH"].map(|name| (name, Align::Right));
        let mut columns = vec![("PATH", Align::Left)];
        columns.extend(right);
        columns.push(("RUN", Align::Left));
        let mut table = Table::new(columns);
        table.row(row("line", &self.found.line));
        let mut more = String::new();
        if let Some(used) = self.found.batch_norm {
            more += &statistics_words(used, self.found.network_losses);
        }
        if let Some(aligned) = &self.found.aligned {
            table.row(row("line, aligned", &aligned.path));
            more += &alignment_words(aligned);
        }
        if let Some(curve) = &self.found.curve {
            let kind = match curve.kind {
                CurveKind::Bezier => "curve",
                CurveKind::Chain => "chain",
            };
            table.row(row(kind, &curve.path));
            more += &format!(
                "control points of the {kind}: run {}\n",
                curve.control_points
            );
        }
        format!("{}{more}", table.text())
    }

    /// What to look at next.
    pub fn next(&self, db: &DbArgs, console: &Console) -> Vec<String> {
        let plot = |run: &String| Typed::plot(run, "svg").db(&db.db).to_string();
        let again = || console.again(&["--name"]);
        let found = &self.found;
        let mut next: Vec<String> = found.line.run.iter().map(plot).collect();
        let aligned = found.aligned.iter().flat_map(|aligned| &aligned.path.run);
        next.extend(aligned.map(plot));
        // Nothing was moved.
        next.dedup();
        match &found.curve {
            Some(curve) if curve.drawable => next.extend(curve.path.run.iter().map(plot)),
            Some(curve) if curve.sampled => {}
            Some(_) => {
                let sampled = again().option("--grid", "51");
                next.push(format!("{sampled}    # samples the curve's plane"))
            }
            None => {
                let trained = again().option("--curve", "bezier");
                next.push(format!("{trained}    # trains a low-loss curve"))
            }
        }
        next
    }
}

fn row(name: &str, path: &PathSummary) -> [String; 6] {
    let barrier = |of: fn(&Barrier) -> f64| {
        let barrier = path.barrier.as_ref();
        barrier.map_or("-".to_owned(), |b| short(of(b)))
    };
    [
        name.to_owned(),
        barrier(|b| b.height),
        barrier(|b| b.at),
        short(path.max_loss),
        short(path.length),
        path.run.clone().unwrap_or_else(|| "-".to_owned()),
    ]
}

fn statistics_words(used: BatchStatistics, ends: Option<[f64; 2]>) -> String {
    let mode = used.name();
    let words = match used {
        BatchStatistics::Frozen => "the networks' own",
        BatchStatistics::Batch => "those of the batch at every point",
        BatchStatistics::Reestimated => "estimated anew at every point",
    };
    let mut words = format!("BatchNorm statistics: {words} (--batch-norm {mode})\n");
    if let Some([from, to]) = ends.map(|ends| ends.map(short)) {
        words += &format!(
            "with the statistics that they hold, the networks have the losses {from} and {to} (--batch-norm frozen)\n"
        );
    }
    words
}

fn alignment_words(aligned: &AlignedPath) -> String {
    let [before, after] = aligned.similarity.map(short);
    format!(
        "aligned by {}: {} of {} units in {} moved, similarity {before} -> {after}\n",
        aligned.by.name(),
        aligned.moved,
        aligned.units,
        counted(aligned.groups, "group")
    )
}
