//! Runs: begun, continued, found, finished, removed.

use super::Store;
use super::list::RunFilter;
use super::names::{self, by_name};
use super::summary::{Of, summaries};
use crate::change::Change;
use crate::connection::Connection;
use crate::error::Error;
use crate::identity::{Difference, canonical, differences};
use crate::owner::{self, Owner};
use crate::run::{
    PLANE, REPLACEMENT, Run, RunKind, RunSpec, RunSummary, Status, from_micros, micros, moment,
};
use crate::schema::RUN_TABLES;
use duckdb::{Row, params};
use std::path::Path;
use std::time::SystemTime;

pub(super) const RUN_COLUMNS: &str = "run_id, name, kind::VARCHAR, identity, settings::VARCHAR, provenance::VARCHAR, \
     epoch_us(created), epoch_us(finished), status::VARCHAR, owner";

impl Store {
    /// Continues the stored run with the same settings, or begins a new one.
    ///
    /// Without a name, any run of the same kind and identity is continued. A new name for settings
    /// that are stored already is one more name of that run, so that nothing is computed again or copied; where
    /// another process works on it, a new run begins with a copy of what is stored. The run then belongs to this process until [`Store::finish`], or until the
    /// process ends.
    ///
    /// # Errors
    /// [`Error::Differs`] when the name belongs to a run with other settings, [`Error::Busy`] when
    /// another living process works on the run.
    pub fn begin(&self, spec: &RunSpec) -> Result<Run, Error> {
        spec.check()?;
        self.write(|conn| self.begin_in(conn, spec))
    }

    /// The run that [`Store::begin`] would continue, as it is; nothing where it would begin a new one.
    /// Nothing is changed.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub fn stored(&self, spec: &RunSpec) -> Result<Option<Run>, Error> {
        spec.check()?;
        self.read(|conn| {
            let stored = match &spec.name {
                Some(name) => by_name(conn, name)?,
                None => by_identity(conn, spec)?,
            };
            let Some(stored) = stored else {
                return Ok(None);
            };
            self.same_settings(&stored.run, spec)?;
            self.not_busy(&stored)?;
            Ok(Some(stored.run))
        })
    }

    pub(super) fn begin_in(&self, conn: &Connection, spec: &RunSpec) -> Result<Run, Error> {
        if spec.replace {
            return self.replace_in(conn, spec);
        }
        let named = match &spec.name {
            Some(name) => by_name(conn, name)?,
            None => by_identity(conn, spec)?,
        };
        match named {
            Some(stored) => {
                self.same_settings(&stored.run, spec)?;
                self.not_busy(&stored)?;
                self.goes_on_with(&stored.run, spec);
                self.claim(conn, stored.run)
            }
            None => {
                // Without a name it would have been found already.
                let twin = match &spec.name {
                    Some(_) => by_identity(conn, spec)?,
                    None => None,
                };
                let twin = match twin {
                    Some(twin) if goes_on(conn, &twin.run)? => Some(twin),
                    _ => None,
                };
                let name = free_name(conn, spec)?;
                if let Some(twin) = &twin
                    && self.not_busy(twin).is_ok()
                {
                    return self.name_again(conn, &twin.run, spec, name);
                }
                let run = self.insert(conn, spec, &name)?;
                if let Some(twin) = twin {
                    copy(conn, twin.run.id, run.id)?;
                }
                Ok(run)
            }
        }
    }

    /// Gives a stored run one more name, and goes on with it.
    fn name_again(
        &self,
        conn: &Connection,
        stored: &Run,
        spec: &RunSpec,
        name: String,
    ) -> Result<Run, Error> {
        names::add(conn, stored.id, &name)?;
        self.goes_on_with(stored, spec);
        let run = Run {
            name,
            ..stored.clone()
        };
        self.claim(conn, run)
    }

    /// Says that this process is done with a run. One that replaces another takes its place when it
    /// is complete, see [`Store::replace`].
    ///
    /// # Errors
    /// [`Error::Gone`] when the run has been removed.
    pub fn finish(&self, run: &Run, status: Status) -> Result<(), Error> {
        self.keep_now(run, vec![Change::Status(status)])?;
        Ok(())
    }

    /// All runs, oldest first, and how much each holds.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn runs(&self) -> Result<Vec<RunSummary>, Error> {
        self.runs_where(&RunFilter::default())
    }

    /// A run by its name, or by its number.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], which lists the names there are.
    pub fn find(&self, name: &str) -> Result<Run, Error> {
        self.read(|conn| self.find_in(conn, name))
    }

    /// A run by name or number, and how much it holds.
    ///
    /// # Errors
    /// As [`Store::find`].
    pub fn summary(&self, name: &str) -> Result<RunSummary, Error> {
        self.read(|conn| {
            let run = self.find_in(conn, name)?;
            let mut summaries = summaries(conn, vec![run], Of::These)?;
            Ok(summaries.remove(0))
        })
    }

    pub(super) fn find_in(&self, conn: &Connection, name: &str) -> Result<Run, Error> {
        if let Some(stored) = by_name(conn, name)? {
            return Ok(stored.run);
        }
        if let Ok(id) = name.parse::<i64>()
            && let Some(stored) = one(conn, "run_id = ?", params![id])?
        {
            return Ok(stored.run);
        }
        let mut statement = conn.prepare("SELECT name FROM names ORDER BY run_id, name")?;
        let known = statement
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Err(Error::UnknownRun {
            path: self.path().to_owned(),
            name: name.to_owned(),
            known,
        })
    }

    /// Remembers the provenance of a session that may add to a stored run.
    pub(super) fn goes_on_with(&self, run: &Run, spec: &RunSpec) {
        let says = spec
            .provenance
            .as_object()
            .is_some_and(|all| !all.is_empty());
        if says && run.status != Status::Complete {
            self.file.remember_session(run.id, spec.provenance.clone());
        }
    }

    pub(super) fn insert(
        &self,
        conn: &Connection,
        spec: &RunSpec,
        name: &str,
    ) -> Result<Run, Error> {
        let created = SystemTime::now();
        let id: i64 = conn.query_row("SELECT nextval('run_numbers')", [], |row| row.get(0))?;
        take(conn, id)?;
        conn.execute(
            "INSERT INTO runs (run_id, name, kind, identity, settings, provenance, created, status)
             VALUES (?, ?, ?, ?, ?, ?, ?::VARCHAR::TIMESTAMPTZ, ?)",
            params![
                id,
                name,
                spec.kind.name(),
                spec.identity(),
                canonical(&spec.settings),
                spec.provenance.to_string(),
                moment(created),
                Status::Running.name(),
            ],
        )?;
        names::add(conn, id, name)?;
        super::sessions::begin(conn, id, &spec.provenance)?;
        self.writer.claim(conn, id)?;
        Ok(Run {
            id,
            name: name.to_owned(),
            kind: spec.kind,
            identity: spec.identity(),
            settings: spec.settings.clone(),
            provenance: spec.provenance.clone(),
            created: from_micros(micros(created)),
            finished: None,
            status: Status::Running,
        })
    }

    /// Makes a stored run this store's. A complete run stays complete.
    pub(super) fn claim(&self, conn: &Connection, mut run: Run) -> Result<Run, Error> {
        if run.status != Status::Complete {
            run.status = Status::Running;
            take(conn, run.id)?;
            conn.execute(
                "UPDATE runs SET status = ? WHERE run_id = ?",
                params![run.status.name(), run.id],
            )?;
            self.writer.claim(conn, run.id)?;
        }
        Ok(run)
    }

    pub(super) fn gone(&self, run: &Run) -> Error {
        Error::Gone {
            path: self.path().to_owned(),
            name: run.name.clone(),
        }
    }

    fn same_settings(&self, stored: &Run, spec: &RunSpec) -> Result<(), Error> {
        let mut found = differences(&stored.settings, &spec.settings);
        // Who names a run need not give its plane again.
        found.retain(|d| d.path != PLANE || d.asked.is_some());
        if !spec.kind.finds(stored.kind) {
            let word = |kind: RunKind| Some(serde_json::Value::from(kind.name()));
            let kind = Difference {
                path: "kind".to_owned(),
                stored: word(stored.kind),
                asked: word(spec.kind),
            };
            found.insert(0, kind);
        }
        match found.is_empty() {
            true => Ok(()),
            false => Err(Error::Differs {
                path: self.path().to_owned(),
                name: stored.name.clone(),
                differences: found,
            }),
        }
    }

    pub(super) fn not_busy(&self, stored: &Stored) -> Result<(), Error> {
        let Some(owner) = stored.owner.clone() else {
            return Ok(());
        };
        let (path, name) = (self.path().to_owned(), stored.run.name.clone());
        match owner.is_alive(&path) {
            _ if owner == *Owner::current() => Ok(()),
            Some(false) => Ok(()),
            Some(true) => Err(Error::Busy { path, name, owner }),
            None => Err(Error::UnknownOwner { path, name, owner }),
        }
    }
}

/// Whether the process that works on a run may still do so.
fn may_run(database: Option<&Path>, owner: Option<&Owner>) -> bool {
    let database = database.unwrap_or(Path::new(""));
    owner.is_some_and(|owner| owner.is_alive(database) != Some(false))
}

/// A row of `runs`.
pub(super) struct Stored {
    pub(super) run: Run,
    owner: Option<Owner>,
}

impl Stored {
    /// Reads one of a database.
    pub(super) fn read(database: Option<&Path>, row: &Row<'_>) -> Result<Stored, Error> {
        let json = |place: usize| -> Result<serde_json::Value, Error> {
            let text: String = row.get(place)?;
            serde_json::from_str(&text)
                .map_err(|error| Error::damaged(format!("settings of a run: {error}")))
        };
        let word = |place: usize| -> Result<String, Error> { Ok(row.get(place)?) };
        let owner = row
            .get::<_, Option<String>>(9)?
            .and_then(|text| text.parse::<Owner>().ok());
        let status = match word(8)?.parse()? {
            Status::Running if !may_run(database, owner.as_ref()) => Status::Interrupted,
            status => status,
        };
        let run = Run {
            id: row.get(0)?,
            name: word(1)?,
            kind: word(2)?.parse()?,
            identity: word(3)?,
            settings: json(4)?,
            provenance: json(5)?,
            created: from_micros(row.get(6)?),
            finished: row.get::<_, Option<i64>>(7)?.map(from_micros),
            status,
        };
        Ok(Stored { run, owner })
    }
}

/// The name asked for, or the first of `surface-1`, `surface-2`, ... that is free.
pub(super) fn free_name(conn: &Connection, spec: &RunSpec) -> Result<String, Error> {
    if let Some(name) = &spec.name {
        return Ok(name.clone());
    }
    for number in 1u64.. {
        let name = format!("{}-{number}", spec.kind);
        if !names::exists(conn, &name)? {
            return Ok(name);
        }
    }
    unreachable!("there are more numbers than runs")
}

pub(super) fn one(
    conn: &Connection,
    condition: &str,
    params: impl duckdb::Params,
) -> Result<Option<Stored>, Error> {
    let sql = format!("SELECT {RUN_COLUMNS} FROM runs WHERE {condition} ORDER BY run_id LIMIT 1");
    let mut statement = conn.prepare(&sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?
        .map(|row| Stored::read(Some(conn.path()), row))
        .transpose()
}

/// Runs that are to replace others are found by the name of those alone.
pub(super) fn by_identity(conn: &Connection, spec: &RunSpec) -> Result<Option<Stored>, Error> {
    let kinds: Vec<&str> = { RunKind::ALL.iter() }
        .filter(|stored| spec.kind.finds(**stored))
        .map(|kind| kind.name())
        .collect();
    one(
        conn,
        "identity = ? AND list_contains(string_split(?, ','), kind::VARCHAR) AND NOT ends_with(name, ?)",
        params![spec.identity(), kinds.join(","), REPLACEMENT],
    )
}

/// Whether work on a run goes on where it is. Half of a training without a state is nothing to begin another name with.
fn goes_on(conn: &Connection, run: &Run) -> Result<bool, Error> {
    let whole = run.kind != RunKind::Train || run.status == Status::Complete;
    Ok(whole || super::training_states::exists(conn, run)?)
}

/// Says how far a run is. One that is complete takes the place of what it replaces.
pub(super) fn set_status(conn: &Connection, run: &Run, status: Status) -> Result<(), Error> {
    mark(conn, run, status)?;
    match status {
        Status::Complete => super::replacement::promote(conn, run),
        Status::Running | Status::Interrupted => Ok(()),
    }
}

pub(super) fn mark(conn: &Connection, run: &Run, status: Status) -> Result<(), Error> {
    let finished = (status == Status::Complete).then(|| moment(SystemTime::now()));
    let owner = (status == Status::Running).then(|| Owner::current().to_string());
    conn.execute(
        "UPDATE runs SET status = ?, owner = ?, finished = ?::VARCHAR::TIMESTAMPTZ WHERE run_id = ?",
        params![status.name(), owner, finished, run.id],
    )?;
    super::sessions::count(conn, run)?;
    if status != Status::Running {
        owner::release(conn.path(), run.id);
    }
    match (status, run.kind) {
        (Status::Complete, RunKind::Hessian) => super::lanczos::remove(conn, run, None)?,
        (Status::Complete, _) => super::training_states::remove(conn, run)?,
        _ => {}
    }
    Ok(())
}

/// Says to other processes that this one works on a run, and cleans up after those that have ended.
fn take(conn: &Connection, run: i64) -> Result<(), Error> {
    let database = conn.path();
    owner::claim(database, run).map_err(Error::io("write in the folder of", database))?;
    let mut statement = conn.prepare("SELECT run_id, owner FROM runs WHERE owner IS NOT NULL")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut named = Vec::new();
    for row in rows.collect::<Result<Vec<(i64, String)>, _>>()? {
        let (id, Ok(owner)) = (row.0, row.1.parse::<Owner>()) else {
            continue;
        };
        if owner.is_alive(database) == Some(false) {
            conn.execute(
                "UPDATE runs SET status = ?, owner = NULL WHERE run_id = ? AND status = ?",
                params![Status::Interrupted.name(), id, Status::Running.name()],
            )?;
        } else {
            named.push(owner);
        }
    }
    owner::sweep(database, &named);
    Ok(())
}

pub(super) fn remove(conn: &Connection, id: i64) -> Result<(), Error> {
    for table in RUN_TABLES {
        conn.execute(
            &format!("DELETE FROM {table} WHERE run_id = ?"),
            params![id],
        )?;
    }
    owner::release(conn.path(), id);
    Ok(())
}

/// Copies all that a run holds; what says whose it is stays.
fn copy(conn: &Connection, from: i64, to: i64) -> Result<(), Error> {
    let own = ["runs", "names", "contributions"];
    for table in RUN_TABLES.iter().filter(|table| !own.contains(table)) {
        conn.execute(
            &format!(
                "INSERT INTO {table} SELECT * REPLACE (?::BIGINT AS run_id) FROM {table} WHERE run_id = ?"
            ),
            params![to, from],
        )?;
    }
    Ok(())
}

/// Whether there is a row, of a table and a condition.
pub(super) fn any(
    conn: &duckdb::Connection,
    rows: &str,
    params: impl duckdb::Params,
) -> Result<bool, Error> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM {rows})");
    Ok(conn.query_row(&sql, params, |row| row.get(0))?)
}
