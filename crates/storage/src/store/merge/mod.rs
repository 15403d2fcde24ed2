//! Runs of other databases, brought together with those of this one.

mod look;
mod missing;
mod points;
mod rest;
mod source;

pub use look::MergeFile;
pub use missing::{Contribution, MissingPoints};

use super::{Store, file, names, runs, sessions};
use crate::connection::Connection;
use crate::error::Error;
use crate::run::{Run, RunSpec, moment};
use duckdb::params;
use file::Access;
use points::PointTable;
use rest::Layout;
use source::Source;
use std::path::PathBuf;

/// A run of another database.
#[derive(Debug, Clone)]
pub struct MergeSource {
    /// The file.
    pub path: PathBuf,
    /// The run as it is there.
    pub run: Run,
    /// Its names there.
    pub names: Vec<String>,
    /// Points that it has there, measured or not: how much is read at a time.
    pub points: u64,
}

/// Points that are read before they are stored, in one transaction.
const BATCH: u64 = 1 << 21;

impl Store {
    /// Begins or continues the run with the settings of a run of another database, which is then merged into it with
    /// [`Store::merge`]; of a new one nothing is stored yet but its name. It belongs to this process until [`Store::finish`]. A
    /// complete run stays complete.
    ///
    /// # Errors
    /// [`Error::Differs`] when the name belongs to a run with other settings, [`Error::Busy`] when another living process
    /// works on the run, as another merge does.
    pub fn begin_merge(&self, spec: &RunSpec, theirs: &Run) -> Result<Run, Error> {
        spec.check()?;
        self.write(|conn| {
            if let Some(stored) = runs::by_identity(conn, spec)? {
                self.not_busy(&stored)?;
                return self.claim(conn, stored.run);
            }
            let run = self.begin_in(conn, spec)?;
            // Merging is no session of its own.
            conn.execute("DELETE FROM contributions WHERE run_id = ?", params![run.id])?;
            conn.execute(
                "UPDATE runs SET provenance = ?, created = ?::VARCHAR::TIMESTAMPTZ WHERE run_id = ?",
                params![theirs.provenance.to_string(), moment(theirs.created), run.id],
            )?;
            Ok(run)
        })
    }

    /// Gives a stored run one more name, where that is free or the run's own already; says whether it is.
    ///
    /// # Errors
    /// [`Error::Gone`] when the run has been removed.
    pub fn also_named(&self, run: &Run, name: &str) -> Result<bool, Error> {
        self.write(|conn| {
            self.still_there(conn, run)?;
            let owner = names::by_name(conn, name)?.map(|stored| stored.run.id);
            if owner.is_none() {
                names::add(conn, run.id, name)?;
            }
            Ok(owner.is_none_or(|id| id == run.id))
        })
    }

    /// Adds what runs of other databases have and this one's lacks: points, in transactions of about two millions; and all else, what was
    /// computed by whom included. The files are attached to be read, one after the other, and stay as they are. `tell` is
    /// told how many points were new of each source, as soon as they are stored, and says whether to go on. The same again
    /// changes nothing. Where it is stopped or killed, what was stored before stays, and the same again goes on.
    ///
    /// # Errors
    /// [`Error::PointsDisagree`] where a point is stored with a value that differs by more than rounding: by more than a thousandth
    /// (of runs in `bf16` a twentieth) and a millionth; nothing of its transaction is stored. [`Error::OtherGrid`], and what is wrong
    /// with a file; [`Error::TakenOver`] and [`Error::Gone`] as of every change.
    pub fn merge(
        &self,
        run: &Run,
        sources: &[MergeSource],
        tell: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<(), Error> {
        let mut first = 0;
        while first < sources.len() {
            let mut points = 0;
            let fits = |source: &&MergeSource| {
                points += source.points;
                points <= BATCH
            };
            let count = sources[first..].iter().take_while(fits).count().max(1);
            let batch = &sources[first..first + count];
            let new = self.merge_batch(run, first, batch)?;
            for (place, new) in new.into_iter().enumerate() {
                if !tell(first + place, new) {
                    return Ok(());
                }
            }
            first += count;
        }
        Ok(())
    }

    /// Reads the sources of a batch, and stores what is new of it in one transaction; of a large source in several.
    fn merge_batch(
        &self,
        run: &Run,
        first: usize,
        batch: &[MergeSource],
    ) -> Result<Vec<usize>, Error> {
        if !self.is_writable() {
            let path = self.path().to_owned();
            return Err(Error::ReadOnly { path });
        }
        let mut new = vec![0; batch.len()];
        self.file.with(Access::Write, &self.timeout, |conn| {
            self.take_in(conn)?;
            let slices = batch
                .iter()
                .map(|one| one.points)
                .sum::<u64>()
                .div_ceil(BATCH)
                .max(1);
            let tables = ["axes", "terms"];
            let mut ours = Layout::read(conn, tables, run.id)?;
            for slice in 0..slices {
                let mut theirs = Vec::with_capacity(batch.len());
                let table = PointTable::of(run);
                table.prepare(conn)?;
                for (place, one) in batch.iter().enumerate() {
                    let source = Source::attach(conn, &one.path, &self.timeout)?;
                    let read = source.read(|source| {
                        if slice == 0 {
                            let [axes, terms] = tables.map(|table| source.table(table));
                            ours.check(Layout::read(conn, [&axes, &terms], one.run.id)?, run)?;
                        }
                        table.stage(source, &one.run, place, (slice, slices))?;
                        sessions::of_source(source.conn, &source.table("contributions"), one.run.id)
                    });
                    theirs.push(read?);
                    if slice == 0 && !rest::is_copied(run, &ours) {
                        file::transaction(conn, |conn| {
                            self.still_there(conn, run)?;
                            rest::copy(&source, run, &one.run)
                        })
                        .map_err(|error| source.explain(error))?;
                        ours = Layout::read(conn, tables, run.id)?;
                    }
                    source.detach()?;
                }
                let added = file::transaction(conn, |conn| {
                    self.still_there(conn, run)?;
                    let added = table.store(conn, run, batch.len(), (slice, slices))?;
                    sessions::combine(conn, run, &theirs, &added)?;
                    Ok(added)
                });
                let added =
                    added.map_err(|error| named(error, conn, run, (first, batch, &theirs)))?;
                new.iter_mut()
                    .zip(added)
                    .for_each(|(sum, added)| *sum += added);
            }
            conn.execute_batch(
                "DROP TABLE IF EXISTS temp.merging; DROP TABLE IF EXISTS temp.fresh",
            )?;
            Ok(())
        })?;
        Ok(new)
    }

    fn is_writable(&self) -> bool {
        self.writable
    }
}

/// Says in which file a point is that disagrees, and who computed it.
fn named(
    error: Error,
    conn: &Connection,
    run: &Run,
    (first, batch, theirs): (usize, &[MergeSource], &[Vec<sessions::Session>]),
) -> Error {
    let Error::PointsDisagree(mut found) = error else {
        return error;
    };
    if let Some((one, theirs)) = batch.get(found.source).zip(theirs.get(found.source)) {
        let shard = one
            .run
            .provenance
            .get("shard")
            .and_then(|shard| shard.as_str());
        found.path = one.path.clone();
        found.shard = shard.map(str::to_owned);
        found.theirs = theirs.iter().map(sessions::Session::place).collect();
    }
    let ours = sessions::contributions(conn, run.id).unwrap_or_default();
    found.ours = ours.iter().map(Contribution::place).collect();
    found.source += first;
    Error::PointsDisagree(found)
}

/// A table or a view by its name in SQL.
fn exists(conn: &duckdb::Connection, rows: &str, run: i64) -> Result<bool, Error> {
    runs::any(conn, &format!("{rows} WHERE run_id = ?"), params![run])
}
