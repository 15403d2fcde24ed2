//! What the demonstration found.

use crate::commands::diagnose::{brief, to_json};
use crate::error::CliError;
use crate::output::{Align, Console, Table, number, numbers, path_json, short};
use landscape_core::{Metrics, counted, metrics, path_words};
use landscape_storage::{ALL_PARAMETERS, Curvature, Error, RunKind, RunSummary, Side, Store};
use landscape_study::diagnose::{Evidence, evidence};
use serde_json::{Value, json};
use std::path::Path;

/// A run and what is worth saying of it.
struct Line {
    summary: RunSummary,
    figures: Option<Metrics>,
    /// Loss and accuracy at the end of training.
    end: Option<(f64, Option<f64>)>,
    explained: Vec<f64>,
    curvature: Option<Curvature>,
    /// The training in words, of its path.
    evidence: Option<Evidence>,
}

/// Prints one line a run.
pub fn print(store: &Store, out: &Path, seconds: f64, console: &Console) -> Result<(), CliError> {
    let load = |summary| Line::load(store, summary);
    let lines: Vec<Line> = { store.runs()?.into_iter() }
        .map(load)
        .collect::<Result<_, _>>()?;
    console.result(
        || {
            json!({
                "folder": path_json(out),
                "seconds": number(seconds),
                "runs": lines.iter().map(Line::json).collect::<Vec<_>>(),
            })
        },
        || {
            let mut table = table();
            lines.iter().for_each(|line| table.row(line.cells()));
            let told = lines.iter().filter_map(|line| line.evidence.as_ref());
            let told = told.map(|e| format!("\n{}\n{}", e.label, brief(&e.diagnose())));
            let told: String = told.collect();
            let files = path_words(out);
            format!(
                "{}{told}\nfigures, database and page: {files}\n",
                table.text()
            )
        },
    )
}

/// The largest eigenvalue and the trace.
fn curvature(found: &Curvature) -> String {
    let largest = found.eigenvalues_of(ALL_PARAMETERS, Side::Top);
    let largest = largest
        .first()
        .map(|top| format!("largest eigenvalue {}", short(top.value)));
    let trace = found.traces.first().map(|trace| {
        let se = trace
            .se
            .map_or(String::new(), |se| format!(" +- {}", short(se)));
        format!("trace {}{se}", short(trace.mean))
    });
    let words: Vec<String> = largest.into_iter().chain(trace).collect();
    words.join(", ")
}

fn table() -> Table {
    Table::new([
        ("RUN", Align::Left),
        ("KIND", Align::Left),
        ("POINTS", Align::Right),
        ("LOSS", Align::Right),
        ("LOWEST", Align::Right),
        ("HIGHEST", Align::Right),
        ("CONVEX", Align::Right),
        ("", Align::Left),
    ])
}

impl Line {
    fn load(store: &Store, summary: RunSummary) -> Result<Self, CliError> {
        let figures = match store.load_surface(&summary.run) {
            Ok(surface) => metrics(&surface).ok(),
            Err(Error::Lacks { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let records = store.records(&summary.run)?;
        let end = records
            .last()
            .and_then(|record| Some((record.loss?, record.accuracy)));
        let paths = store.load_trajectories(&summary.run)?;
        let curvature = store.curvature(&summary.run)?.pop();
        let evidence = match summary.run.kind {
            RunKind::Trajectory => evidence(store, &summary.run)?.pop(),
            _ => None,
        };
        let explained = paths
            .into_iter()
            .next()
            .map(|p| p.trajectory.explained_variance);
        Ok(Line {
            summary,
            figures,
            end,
            explained: explained.unwrap_or_default(),
            curvature,
            evidence,
        })
    }

    fn loss(&self) -> Option<f64> {
        let center = self
            .figures
            .as_ref()
            .and_then(|figures| figures.center_loss);
        let known = self.curvature.as_ref().and_then(|c| c.loss);
        self.end.map(|(loss, _)| loss).or(center).or(known)
    }

    fn json(&self) -> Value {
        let figures = self.figures.as_ref();
        json!({
            "run": self.summary.run.name,
            "kind": self.summary.run.kind,
            "points": self.summary.points,
            "loss": number(self.loss()),
            "accuracy": number(self.end.and_then(|(_, accuracy)| accuracy)),
            "min_loss": number(figures.map(|f| f.min_loss)),
            "max_loss": number(figures.map(|f| f.max_loss)),
            "convexity": number(figures.and_then(|f| f.convexity)),
            "explained_variance": numbers(&self.explained),
            "diagnosis": self.evidence.as_ref().map(to_json),
        })
    }

    fn cells(&self) -> [String; 8] {
        let figures = self.figures.as_ref();
        let option = |value: Option<f64>| value.map_or(String::new(), short);
        let percent = |value: f64| format!("{:.1}%", 100.0 * value);
        let points = match self.summary.points {
            0 => String::new(),
            points => points.to_string(),
        };
        [
            self.summary.run.name.clone(),
            self.summary.run.kind.to_string(),
            points,
            option(self.loss()),
            option(figures.map(|f| f.min_loss)),
            option(figures.map(|f| f.max_loss)),
            figures
                .and_then(|f| f.convexity)
                .map_or(String::new(), percent),
            self.remark(),
        ]
    }

    fn remark(&self) -> String {
        let percent = |value: &f64| format!("{:.1}%", 100.0 * value);
        if let Some((_, Some(accuracy))) = &self.end {
            return format!(
                "accuracy {}, {}",
                percent(accuracy),
                counted(self.summary.checkpoints as usize, "checkpoint")
            );
        }
        if !self.explained.is_empty() {
            let shares: Vec<String> = self.explained.iter().map(percent).collect();
            return format!("variance explained {}", shares.join(" + "));
        }
        self.curvature.as_ref().map_or(String::new(), curvature)
    }
}
