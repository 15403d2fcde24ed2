//! A line of the list of runs.

use super::files::name_of;
use landscape_storage::{Format, Status, timestamp};
use landscape_study::list::ListedRun;
use serde::Serialize;
use std::path::Path;

/// A run, or a landscape in a file, as it is listed; the page's script reads it as JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Its number in the database; 0 for a file.
    pub id: i64,
    /// The name it is asked for by.
    pub name: String,
    /// Its other names.
    pub others: Vec<String>,
    /// Its kind, or the format of its file.
    pub kind: String,
    /// The network, where it is known.
    pub model: Option<String>,
    /// Its state in words; empty for a file.
    pub state: String,
    /// Whether a process works on it.
    pub running: bool,
    /// What it holds, in words.
    pub holds: String,
    /// Points of its grid that are there.
    pub points: u64,
    /// Points of its grid; 0 without one.
    pub total: u64,
    /// Records of training.
    pub records: u64,
    /// Of a training the last loss that was recorded, of a landscape the lowest.
    pub loss: Option<f64>,
    /// The accuracy there.
    pub accuracy: Option<f64>,
    /// The largest eigenvalue, of several steps at the last.
    pub eigenvalue: Option<f64>,
    /// When it was begun, or its file was written.
    pub created: String,
    /// The comparison that it is a part of.
    pub part: Option<String>,
    /// How new it is; see [`crate::watch::Watch`].
    pub version: u64,
}

impl Row {
    /// That of a run.
    pub fn of_run(run: ListedRun) -> Self {
        let records = match run.records {
            0 => None,
            1 => Some("1 record".to_owned()),
            n => Some(format!("{n} records")),
        };
        let held = Some(run.holds.clone()).filter(|holds| holds != "-");
        let holds: Vec<String> = held.into_iter().chain(records).collect();
        Row {
            id: run.id,
            state: run.state(),
            running: run.status == Status::Running,
            holds: match holds.is_empty() {
                true => "–".to_owned(),
                false => holds.join(", "),
            },
            others: { run.names.into_iter() }
                .filter(|name| *name != run.name)
                .collect(),
            name: run.name,
            kind: run.kind.to_string(),
            model: run.model,
            points: run.points,
            total: run.total,
            records: run.records,
            loss: run.figures.loss,
            accuracy: run.figures.accuracy,
            eigenvalue: run.figures.eigenvalue,
            created: run.created,
            part: run.comparison,
            version: 0,
        }
    }

    /// That of a landscape in a file, which is not opened.
    pub fn of_file(file: &Path) -> Self {
        let data = file.metadata().ok();
        let written = data.as_ref().and_then(|data| data.modified().ok());
        let format = Format::of_path(file).map_or("file", Format::name);
        Row {
            id: 0,
            name: name_of(file),
            others: Vec::new(),
            kind: format.to_owned(),
            model: None,
            state: String::new(),
            running: false,
            holds: data.map_or_else(String::new, |data| format!("{} bytes", data.len())),
            points: 0,
            total: 0,
            records: 0,
            loss: None,
            accuracy: None,
            eigenvalue: None,
            created: written.map_or_else(String::new, timestamp),
            part: None,
            version: 0,
        }
    }
}
