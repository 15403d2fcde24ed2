//! What databases hold that are to be merged: a look into each of them, some at once.

use super::MergeSource;
use super::source::Source;
use crate::connection::in_memory;
use crate::error::Error;
use crate::journal;
use crate::run::Run;
use crate::store::keep::Timeout;
use crate::store::runs::{RUN_COLUMNS, Stored};
use crate::store::{JournalNote, Store, TIMEOUT, names};
use duckdb::Connection;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// A database that is to be merged.
#[derive(Debug)]
pub struct MergeFile {
    /// The file.
    pub path: PathBuf,
    /// Its runs: no more of them was read than a merge takes.
    pub sources: Vec<MergeSource>,
    /// What became of the results that a killed process left beside it.
    pub notes: Vec<JournalNote>,
}

/// A thread looks into so many files at least: it opens a database in memory of its own, which takes as long as a few of them.
const FILES: usize = 8;

impl MergeFile {
    /// Looks into databases, several at once on a machine with several cores, and gives them in their order. They stay as they
    /// are, but for what a killed process left beside one, which is taken in.
    ///
    /// # Errors
    /// Of the first file that is absent, cannot be read, or stays in use by another process.
    pub fn read_all(paths: &[PathBuf]) -> Result<Vec<MergeFile>, Error> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let threads = cores.min(paths.len().div_ceil(FILES)).max(1);
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let work = || {
            let mut done = Vec::new();
            let conn = match in_memory() {
                Ok(conn) => conn,
                Err(error) => return vec![(0, Err(error.into()))],
            };
            while !failed.load(Ordering::Relaxed) {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(path) = paths.get(place) else {
                    break;
                };
                let found = look(&conn, path);
                failed.fetch_or(found.is_err(), Ordering::Relaxed);
                done.push((place, found));
            }
            done
        };
        let mut all = match threads {
            1 => work(),
            _ => thread::scope(|scope| {
                let all: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
                let done = all.into_iter().flat_map(|one| match one.join() {
                    Ok(done) => done,
                    Err(panic) => std::panic::resume_unwind(panic),
                });
                done.collect()
            }),
        };
        all.sort_by_key(|(place, _)| *place);
        all.into_iter().map(|(_, found)| found).collect()
    }
}

fn look(conn: &Connection, path: &Path) -> Result<MergeFile, Error> {
    let notes = match journal::exists(path) {
        true => Store::open_read(path)?.journal_notes(),
        false => Vec::new(),
    };
    let source = Source::attach(conn, path, &Timeout::new(TIMEOUT))?;
    let sources = source.read(|source| runs(source, path))?;
    source.detach()?;
    Ok(MergeFile {
        path: path.to_owned(),
        sources,
        notes,
    })
}

fn runs(source: &Source<'_>, path: &Path) -> Result<Vec<MergeSource>, Error> {
    let conn = source.conn;
    let of_runs = source.table("runs");
    let all = format!("SELECT {RUN_COLUMNS} FROM {of_runs} ORDER BY run_id");
    let mut statement = conn.prepare(&all)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Stored::read(Some(path), row)?.run);
    }
    let mut names = names::of(conn, [&source.table("names"), &of_runs], "")?;
    let counts = format!(
        "SELECT run_id, count(*) FROM {} GROUP BY run_id UNION ALL SELECT run_id, count(*) FROM {} GROUP BY run_id",
        source.table("points"),
        source.table("curvature_points")
    );
    let mut statement = conn.prepare(&counts)?;
    let counts = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut points: HashMap<i64, u64> = HashMap::new();
    for count in counts {
        let (run, count): (i64, u64) = count?;
        *points.entry(run).or_default() += count;
    }
    let source = |run: Run| MergeSource {
        path: path.to_owned(),
        names: names.remove(&run.id).unwrap_or_default(),
        points: points.get(&run.id).copied().unwrap_or(0),
        run,
    };
    Ok(found.into_iter().map(source).collect())
}
