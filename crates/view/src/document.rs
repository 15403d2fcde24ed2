//! The pages, as text.

use crate::source::{Loaded, Source, is_locked};
use crate::watch::{Listing, Watch};
use landscape_core::in_full;
use landscape_plot::page::{self, Live, PageCurvature, PageData};
use landscape_storage::Error;
use landscape_study::StudyError;
use landscape_study::figures::{FigureKind, FigureRequest, Figures, Look, RunContents, page_of};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::HashSet;

/// The list, with a mark where its data go. Built from the sources of the viewer, see `crates/plot/page`.
const RUNS: &str = include_str!("../assets/runs.html");
const DATA_MARK: &str = "<!--DATA-->";

/// What of a name is written as it is in an address.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A run: the place of its source, and its name.
pub type Key = (usize, String);

/// How an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Shown,
    /// There is no such run, file or database.
    Missing,
    /// Another process has the database; later it is free.
    Later,
}

/// The list of all runs.
pub fn list(listing: &Listing) -> String {
    let json = serde_json::to_string(listing).unwrap_or_else(|_| "null".to_owned());
    RUNS.replacen(DATA_MARK, &page::inert(&json), 1)
}

/// Where the page of runs is found.
pub fn address(keys: &[Key]) -> String {
    match keys {
        [] => "/".to_owned(),
        [(source, name)] => format!("/run/{source}/{}", utf8_percent_encode(name, PLAIN)),
        several => format!("/compare?{}", query(several)),
    }
}

fn query(keys: &[Key]) -> String {
    let run = |(source, name): &Key| format!("run={source}%2F{}", utf8_percent_encode(name, PLAIN));
    keys.iter().map(run).collect::<Vec<_>>().join("&")
}

/// The page of runs; where they cannot be shown, or not yet, a page that says why and shows them once they can.
pub fn runs(watch: &Watch, keys: &[Key]) -> (Outcome, String) {
    let version = watch.clock();
    let loaded = data(watch, keys);
    let made = loaded.and_then(|data| {
        let live = live(watch, keys, version, &data);
        Ok(page::served(&data, &live)?)
    });
    match made {
        Ok(html) => (Outcome::Shown, html),
        Err(error) => {
            let data = told(keys, &error);
            // Where something is in the way, whatever is told next is newer.
            let seen = outcome(&error) == Outcome::Shown;
            let live = live(watch, keys, if seen { version } else { 0 }, &data);
            // A section alone is always a page.
            let html = page::served(&data, &live).unwrap_or_default();
            (outcome(&error), html)
        }
    }
}

/// What is new of the page of runs, as JSON; where they cannot be shown, why.
pub fn fresh(watch: &Watch, keys: &[Key]) -> Result<String, (Outcome, String)> {
    let version = watch.clock();
    let made = data(watch, keys).and_then(|data| Ok(page::fresh(&data, version)?));
    made.or_else(|error| match outcome(&error) {
        // What has nothing to show yet has a page that says so.
        Outcome::Shown => Ok(page::fresh(&told(keys, &error), version).unwrap_or_default()),
        outcome => Err((outcome, crate::source::trouble(&error))),
    })
}

fn outcome(error: &StudyError) -> Outcome {
    use Error as E;
    match error {
        error if is_locked(error) => Outcome::Later,
        StudyError::Store(E::UnknownRun { .. } | E::NotFound { .. } | E::Vanished { .. }) => {
            Outcome::Missing
        }
        _ => Outcome::Shown,
    }
}

fn live(watch: &Watch, keys: &[Key], version: u64, data: &PageData) -> Live {
    let query = self::query(keys);
    // Runs without a landscape have no tab.
    let shown: HashSet<&str> = data.runs.iter().map(|run| run.name.as_str()).collect();
    let names = distinct(watch, keys);
    let tabs: Vec<Key> = { keys.iter().zip(&names) }
        .filter(|(_, name)| shown.contains(name.as_str()))
        .map(|(key, _)| key.clone())
        .collect();
    let plots = tabs.iter().filter_map(|(source, name)| {
        let key = format!("{source}/{name}");
        Some(source_of(watch, *source)?.plot(key, name))
    });
    Live {
        data: format!("/data?{query}"),
        events: format!("/events?{query}"),
        diagnoses: match tabs.is_empty() {
            true => String::new(),
            false => format!("/diagnoses?{}", self::query(&tabs)),
        },
        list: "/".to_owned(),
        figure: "/figure".to_owned(),
        version,
        plots: plots.collect(),
    }
}

fn source_of(watch: &Watch, place: usize) -> Option<&Source> {
    watch.sources().get(place)
}

/// A figure of runs as a file of an ending.
pub fn figure(
    watch: &Watch,
    keys: &[Key],
    kind: Option<FigureKind>,
    look: Look,
    ending: &str,
) -> Result<Vec<u8>, (Outcome, String)> {
    let request = FigureRequest {
        kind,
        look,
        ..FigureRequest::new([""; 0], format!("view.{ending}"))
    };
    let runs = contents(watch, keys);
    let drawn = runs.and_then(|(runs, _)| Figures::of(runs, &request)?.bytes());
    drawn.map_err(|error| refused(&error))
}

/// What is said of the trainings of each run, by name, as JSON.
pub fn diagnoses(watch: &Watch, keys: &[Key]) -> Result<String, (Outcome, String)> {
    let of = |(source, name): &Key| {
        source_of(watch, *source)
            .ok_or_else(|| unknown(*source, name))?
            .diagnoses(name)
    };
    let all = keys.iter().map(of).collect::<Result<Vec<_>, _>>();
    let all = all.map_err(|error| refused(&error))?;
    Ok(serde_json::to_string(&all).unwrap_or_else(|_| "[]".to_owned()))
}

/// How an answer ends that cannot be given, and why.
fn refused(error: &StudyError) -> (Outcome, String) {
    match outcome(error) {
        Outcome::Shown => (Outcome::Shown, in_full(error)),
        outcome => (outcome, crate::source::trouble(error)),
    }
}

fn unknown(source: usize, name: &str) -> Error {
    Error::UnknownRun {
        path: source.to_string().into(),
        name: name.to_owned(),
        known: Vec::new(),
    }
}

fn data(watch: &Watch, keys: &[Key]) -> Result<PageData, StudyError> {
    let (contents, notes) = contents(watch, keys)?;
    let mut page = page_of(&contents, None)?;
    for (run, notes) in page.runs.iter_mut().zip(notes) {
        run.description = (!notes.is_empty()).then(|| notes.join(" "));
    }
    Ok(page)
}

/// Runs under names that differ, and what the reader should know of how each landscape was read.
fn contents(
    watch: &Watch,
    keys: &[Key],
) -> Result<(Vec<RunContents>, Vec<Vec<String>>), StudyError> {
    let loaded = keys.iter().map(|(source, name)| {
        let found = source_of(watch, *source).ok_or_else(|| unknown(*source, name));
        found?.load(name)
    });
    let loaded: Vec<Loaded> = loaded.collect::<Result<_, StudyError>>()?;
    let (mut contents, mut notes) = (Vec::new(), Vec::new());
    for (one, name) in loaded.into_iter().zip(distinct(watch, keys)) {
        let mut run = one.contents;
        run.run.name = name;
        if run.surface.is_some() {
            notes.push(one.notes);
        }
        contents.push(run);
    }
    Ok((contents, notes))
}

/// The names of runs, with their sources behind those that occur more than once.
fn distinct(watch: &Watch, keys: &[Key]) -> Vec<String> {
    let name = |(source, name): &Key| {
        let alike = keys.iter().filter(|(_, other)| other == name).count();
        match source_of(watch, *source) {
            Some(source) if alike > 1 => format!("{name} ({})", source.label()),
            _ => name.clone(),
        }
    };
    keys.iter().map(name).collect()
}

/// A page that says why runs are not shown.
fn told(keys: &[Key], error: &StudyError) -> PageData {
    let names: Vec<&str> = keys.iter().map(|(_, name)| name.as_str()).collect();
    let what = match outcome(error) {
        Outcome::Shown => in_full(error),
        _ => crate::source::trouble(error),
    };
    let help = error.help().map(|help| format!("; {help}"));
    let section = PageCurvature {
        name: names.join(", "),
        heading: Some("Not shown".to_owned()),
        description: Some(format!("{what}{}", help.unwrap_or_default())),
        ..PageCurvature::default()
    };
    let title = format!("Loss landscape: {}", names.join(", "));
    PageData::new(title, Vec::new()).with_curvature(vec![section])
}
