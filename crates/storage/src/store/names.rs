//! Names of runs. A run has any number of them: another name for the same settings is one more name of the run
//! that is stored, and copies nothing.

use super::Store;
use super::runs::{self, Stored, one};
use crate::connection::Connection;
use crate::error::Error;
use crate::run::{REPLACEMENT, Run, check_name};
use duckdb::params;
use std::collections::HashMap;

impl Store {
    /// Gives a run another name in the place of this one; its other names stay. What was begun to replace the run
    /// follows it.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::BadName`], [`Error::NameTaken`], or [`Error::Busy`] when another living
    /// process works on the run.
    pub fn rename(&self, name: &str, to: &str) -> Result<Run, Error> {
        check_name(to)?;
        self.write(|conn| {
            let run = self.find_in(conn, name)?;
            let stored = by_name(conn, &run.name)?.ok_or_else(|| self.gone(&run))?;
            self.not_busy(&stored)?;
            if run.name == to {
                return Ok(run);
            }
            self.is_free(conn, to)?;
            let drafts = [&run.name, to].map(|name| format!("{name}{REPLACEMENT}"));
            if let Some(draft) = by_name(conn, &drafts[0])? {
                self.not_busy(&draft)?;
                self.is_free(conn, &drafts[1])?;
                change(conn, draft.run.id, &drafts[0], &drafts[1])?;
            }
            change(conn, run.id, &run.name, to)?;
            Ok(Run {
                name: to.to_owned(),
                ..run
            })
        })
    }

    /// Removes a name, and the run with all it holds where it was the last one; a number removes the run with
    /// all its names. Says whether the run is gone. Space is used again by later runs; [`Store::compact`] gives it
    /// back.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], or [`Error::Busy`] when another living process works on the run.
    pub fn remove(&self, name: &str) -> Result<bool, Error> {
        self.write(|conn| {
            let named = by_name(conn, name)?;
            let by_number = named.is_none();
            let run = self.find_in(conn, name)?;
            let stored = by_name(conn, &run.name)?.ok_or_else(|| self.gone(&run))?;
            self.not_busy(&stored)?;
            match by_number {
                true => runs::remove(conn, run.id).map(|()| true),
                false => drop_name(conn, run.id, name),
            }
        })
    }

    fn is_free(&self, conn: &Connection, name: &str) -> Result<(), Error> {
        match exists(conn, name)? {
            false => Ok(()),
            true => Err(Error::NameTaken {
                path: self.path().to_owned(),
                name: name.to_owned(),
            }),
        }
    }
}

/// The run of that name, under that name.
pub(super) fn by_name(conn: &Connection, name: &str) -> Result<Option<Stored>, Error> {
    let condition = "run_id IN (SELECT run_id FROM names WHERE name = ?)";
    let mut found = one(conn, condition, params![name])?;
    if let Some(stored) = &mut found {
        stored.run.name = name.to_owned();
    }
    Ok(found)
}

/// Whether a run has that name.
pub(super) fn exists(conn: &Connection, name: &str) -> Result<bool, Error> {
    runs::any(conn, "names WHERE name = ?", params![name])
}

/// One more name of a run.
pub(super) fn add(conn: &Connection, run: i64, name: &str) -> Result<(), Error> {
    conn.execute("INSERT INTO names VALUES (?, ?)", params![name, run])?;
    Ok(())
}

/// Another name in the place of one.
pub(super) fn change(conn: &Connection, run: i64, name: &str, to: &str) -> Result<(), Error> {
    conn.execute("DELETE FROM names WHERE name = ?", params![name])?;
    add(conn, run, to)?;
    conn.execute(
        "UPDATE runs SET name = ? WHERE run_id = ? AND name = ?",
        params![to, run, name],
    )?;
    Ok(())
}

/// Removes a name, and the run where it was the last one, which is then said.
pub(super) fn drop_name(conn: &Connection, run: i64, name: &str) -> Result<bool, Error> {
    conn.execute("DELETE FROM names WHERE name = ?", params![name])?;
    if !runs::any(conn, "names WHERE run_id = ?", params![run])? {
        runs::remove(conn, run)?;
        return Ok(true);
    }
    conn.execute(
        "UPDATE runs SET name = (SELECT min(n.name) FROM names n WHERE n.run_id = ?1)
         WHERE run_id = ?1 AND name = ?2",
        params![run, name],
    )?;
    Ok(false)
}

/// The names of runs that a condition picks, by their numbers: the first of each is the one it is listed under. The tables are
/// those of names and of runs, or what stands in for them.
pub(super) fn of(
    conn: &duckdb::Connection,
    [names, runs]: [&str; 2],
    theirs: &str,
) -> Result<HashMap<i64, Vec<String>>, Error> {
    let sql = format!(
        "SELECT run_id, n.name FROM {names} n LEFT JOIN {runs} r USING (run_id) {theirs}
         ORDER BY run_id, n.name IS DISTINCT FROM r.name, n.name"
    );
    let mut statement = conn.prepare(&sql)?;
    let mut rows = statement.query([])?;
    let mut names: HashMap<i64, Vec<String>> = HashMap::new();
    while let Some(row) = rows.next()? {
        names.entry(row.get(0)?).or_default().push(row.get(1)?);
    }
    Ok(names)
}
