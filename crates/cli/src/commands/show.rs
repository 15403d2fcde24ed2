//! Everything about one run.

use super::adaptive::{report_json, report_words};
use super::diagnose::{brief, to_json};
use super::hessian::report::{fields_of, map_json, map_words, step_words, words_of};
use super::runs::holds;
use crate::args::ShowArgs;
use crate::error::CliError;
use crate::inputs::read_store;
use crate::output::{Console, number, numbers, short, unsigned_zero};
use landscape_core::{Adaptive, AdaptiveReport, Direction};
use landscape_storage::{
    Curvature, CurvatureMap, Error, NamedTrajectory, RunSummary, Status, StoredDirections,
    TrainRecord, timestamp,
};
use landscape_study::diagnose::{Evidence, evidence};
use landscape_study::record::Settings;
use serde_json::{Value, json};

/// Prints what is known about a run.
pub fn show(args: &ShowArgs, console: &Console) -> Result<(), CliError> {
    let store = read_store(&args.db.db, console)?;
    let summary = store.summary(&args.name)?;
    let directions = match store.directions_without_tensors(&summary.run) {
        Ok(directions) => Some(directions),
        Err(Error::Lacks { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let adaptive = match Settings::of(&summary.run).adaptive().map(Adaptive::new) {
        Some(Ok(adaptive)) if summary.run.status == Status::Complete => {
            adaptive.report(&store.load_surface(&summary.run)?)
        }
        _ => None,
    };
    let map = match store.load_curvature_map(&summary.run) {
        Ok(map) => Some(map),
        Err(Error::Lacks { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let whole = Whole {
        adaptive,
        directions,
        records: store.records(&summary.run)?,
        curvature: store.curvature(&summary.run)?,
        map,
        paths: store.load_trajectories(&summary.run)?,
        evidence: evidence(&store, &summary.run)?,
        summary,
    };
    console.result(|| whole.json(), || whole.words())
}

struct Whole {
    summary: RunSummary,
    adaptive: Option<AdaptiveReport>,
    directions: Option<StoredDirections>,
    records: Vec<TrainRecord>,
    paths: Vec<NamedTrajectory>,
    evidence: Vec<Evidence>,
    curvature: Vec<Curvature>,
    map: Option<CurvatureMap>,
}

impl Whole {
    fn json(&self) -> Value {
        let directions = self.directions.as_ref().map(|stored| {
            let one = |(direction, norm): (&Direction, &f64)| {
                json!({
                    "source": direction.source.to_string(),
                    "norm": number(*norm),
                    "normalization": direction.normalization.name(),
                    "bias": direction.bias.name(),
                })
            };
            let all = stored.directions.iter().zip(&stored.norms).map(one);
            let cosines: Vec<Value> = stored.cosines.iter().map(|row| numbers(row)).collect();
            json!({"each": all.collect::<Vec<_>>(), "cosines": cosines})
        });
        json!({
            "run": self.summary,
            "adaptive": self.adaptive.map(report_json),
            "directions": directions,
            "records": self.records.iter().map(record).collect::<Vec<_>>(),
            "curvature": self.curvature.iter().map(fields_of).collect::<Vec<_>>(),
            "map": self.map.as_ref().map(map_json),
            "trajectories": self.paths.iter().map(path).collect::<Vec<_>>(),
            "diagnoses": self.said().map(to_json).collect::<Vec<_>>(),
        })
    }

    fn words(&self) -> String {
        let run = &self.summary.run;
        let finished = run.finished.map_or("-".to_owned(), timestamp);
        let mut text = format!(
            "{} ({}, number {})\n  status    {}\n  holds     {}\n  created   {}\n  finished  {}\n  \
             identity  {}\n",
            run.name,
            run.kind,
            run.id,
            run.status,
            holds(&self.summary),
            timestamp(run.created),
            finished,
            run.identity,
        );
        if let Some(report) = &self.adaptive {
            text.push_str(&format!("  {}\n", report_words(report)));
        }
        text.push_str(&section("settings", &run.settings));
        text.push_str(&section("provenance", &run.provenance));
        if let Some(directions) = &self.directions {
            text.push_str(&direction_words(directions));
        }
        if let (Some(first), Some(last)) = (self.records.first(), self.records.last()) {
            text.push_str(&format!(
                "training\n  step {:<8} {}\n  step {:<8} {}\n",
                first.step,
                record_words(first),
                last.step,
                record_words(last)
            ));
        }
        match &self.curvature[..] {
            [] => {}
            [one] => text.push_str(&format!("curvature\n{}", words_of(one))),
            all => text.push_str(&format!("curvature\n{}", step_words(all))),
        }
        text.extend(self.map.as_ref().map(map_words));
        for named in &self.paths {
            let points = named.trajectory.points.len();
            let shares: Vec<String> = { named.trajectory.explained_variance.iter() }
                .map(|share| format!("{:.1}%", 100.0 * share))
                .collect();
            text.push_str(&format!(
                "path {}\n  {points} checkpoints, variance explained {}\n",
                named.label,
                shares.join(" + ")
            ));
        }
        for evidence in self.said() {
            text.push_str(&format!("diagnosis of {}\n", evidence.label));
            text.push_str(&brief(&evidence.diagnose()));
        }
        text
    }

    /// What something can be said of.
    fn said(&self) -> impl Iterator<Item = &Evidence> {
        self.evidence.iter().filter(|evidence| !evidence.is_empty())
    }
}

fn record(record: &TrainRecord) -> Value {
    json!({
        "step": record.step,
        "epoch": number(record.epoch),
        "loss": number(record.loss),
        "accuracy": number(record.accuracy),
        "batch_loss": number(record.batch_loss),
        "lr": number(record.lr),
        "gradient_norm": number(record.gradient_norm),
        "seconds": number(record.seconds),
    })
}

fn record_words(record: &TrainRecord) -> String {
    let loss = record.loss.map_or("-".to_owned(), short);
    match record.accuracy {
        Some(accuracy) => format!("loss {loss}, accuracy {:.1}%", 100.0 * accuracy),
        None => format!("loss {loss}"),
    }
}

fn path(named: &NamedTrajectory) -> Value {
    json!({
        "label": named.label,
        "checkpoints": named.trajectory.points.len(),
        "explained_variance": numbers(&named.trajectory.explained_variance),
        "projection": named.trajectory.projection.name(),
    })
}

fn direction_words(stored: &StoredDirections) -> String {
    let mut text = "directions\n".to_owned();
    for (place, direction) in stored.directions.iter().enumerate() {
        text.push_str(&format!(
            "  {}  {}, norm {}, normalised: {}, one-dimensional tensors: {}\n",
            place + 1,
            direction.source,
            short(stored.norms[place]),
            direction.normalization,
            direction.bias,
        ));
    }
    for (i, row) in stored.cosines.iter().enumerate() {
        for (j, cosine) in row.iter().enumerate().skip(i + 1) {
            text.push_str(&format!(
                "  cosine of {} and {}: {:.4}\n",
                i + 1,
                j + 1,
                unsigned_zero(*cosine, 4)
            ));
        }
    }
    text
}

/// An object as indented lines.
fn section(name: &str, value: &Value) -> String {
    let mut text = format!("{name}\n");
    lines("", value, &mut text);
    text
}

fn lines(path: &str, value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let path = match path.is_empty() {
                    true => key.clone(),
                    false => format!("{path}.{key}"),
                };
                lines(&path, value, text);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (place, item) in items.iter().enumerate() {
                lines(&format!("{path}[{place}]"), item, text);
            }
        }
        Value::Null => {}
        Value::String(word) => text.push_str(&format!("  {path}: {word}\n")),
        other => text.push_str(&format!("  {path}: {other}\n")),
    }
}
