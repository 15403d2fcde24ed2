//! A page that a server hands out, and that grows with its runs.

use super::{PageData, PageError, check, curvature, filled, payload};
use serde::Serialize;

/// The script that follows runs, with its style. Built from `page/` by `page/build.sh`.
const SCRIPT: &str = include_str!("../../assets/page/live.html");

/// What its content security policy allows a page that is served besides: to ask its own server.
const CONNECT: &str = "; connect-src 'self'";

/// Where a page that is served finds what changes: addresses on the server that it comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Live {
    /// The page's data as they are now, see [`fresh`].
    pub data: String,
    /// Server-sent events about its runs.
    pub events: String,
    /// What is said of the trainings of its runs, see [`PageRun::diagnoses`](super::PageRun::diagnoses): for each run of the page, in the same order,
    /// the names with the diagnoses, as JSON. To find it takes longer than all the rest of a page, which waits for it
    /// only where this is empty.
    pub diagnoses: String,
    /// The list of all runs.
    pub list: String,
    /// Figures of its runs: see [`PlotCommand::key`].
    pub figure: String,
    /// How new its data are; events tell of newer ones.
    pub version: u64,
    /// For each run of the page, in the same order, what the command that draws it needs.
    pub plots: Vec<PlotCommand>,
}

/// What the command that draws a run is told, as the words of a shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlotCommand {
    /// What the server calls the run.
    pub key: String,
    /// The run.
    pub run: String,
    /// Its database; nothing for a landscape in a file.
    pub database: Option<String>,
}

/// The page as [`html`](super::html) makes it, with a script that asks the server for what is new and shows it: camera,
/// colours and all other choices stay.
///
/// # Errors
/// As [`html`](super::html).
pub fn served(data: &PageData, live: &Live) -> Result<String, PageError> {
    check(data)?;
    let json = payload::json(data)?;
    let facts = payload::inert(&serde_json::to_string(live)?);
    let script = format!("<script id=\"live\" type=\"application/json\">{facts}</script>{SCRIPT}");
    Ok(filled(data, &json, CONNECT, &script))
}

/// What is new of a page, for its script, as JSON.
#[derive(Serialize)]
struct Fresh<'a> {
    version: u64,
    title: &'a str,
    /// The page's data, as text: they are read only where they have changed.
    data: &'a str,
    /// Curvature and other sections, as HTML.
    sections: &'a str,
}

/// The data of a page, as its script asks for them: JSON.
///
/// # Errors
/// As [`html`](super::html).
pub fn fresh(data: &PageData, version: u64) -> Result<String, PageError> {
    check(data)?;
    let fresh = Fresh {
        version,
        title: &data.title,
        data: &payload::json(data)?,
        sections: &curvature::html(&data.curvature),
    };
    Ok(serde_json::to_string(&fresh)?)
}
