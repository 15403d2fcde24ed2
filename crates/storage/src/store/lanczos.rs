//! Lanczos iterations under way, so that long ones go on where they were.

use super::{Store, tensors};
use crate::connection::Connection;
use crate::curvature::LanczosState;
use crate::error::Error;
use crate::run::Run;
use duckdb::params;
use serde_json::Value;

impl Store {
    /// Keeps the state of an iteration under the name of its task, in one transaction: the state,
    /// and the vectors of its basis from place `from` on in the place of those stored there and
    /// beyond. A basis that only grows is thus written once; a restart gives `from = 0`. All
    /// iterations of a run are removed once it is complete.
    ///
    /// # Errors
    /// [`Error::Gone`] when the run was removed; [`Error::BasisGap`] when fewer than `from` vectors
    /// are stored.
    pub fn put_lanczos_state(
        &self,
        run: &Run,
        task: &str,
        state: &Value,
        from: usize,
        vectors: &[&[f64]],
    ) -> Result<(), Error> {
        self.write(|conn| {
            self.still_there(conn, run)?;
            tensors::without_merging(conn)?;
            conn.execute(
                "DELETE FROM lanczos_vectors WHERE run_id = ? AND task = ? AND ordinal >= ?",
                params![run.id, task, from as i32],
            )?;
            check(conn, run, task, from)?;
            conn.execute(
                "DELETE FROM lanczos_states WHERE run_id = ? AND task = ?",
                params![run.id, task],
            )?;
            conn.execute(
                "INSERT INTO lanczos_states VALUES (?, ?, ?)",
                params![run.id, task, state.to_string()],
            )?;
            let mut appender = conn.appender("lanczos_vectors")?;
            for (ordinal, vector) in (from as i32..).zip(vectors) {
                let bytes: Vec<u8> = vector.iter().flat_map(|v| v.to_le_bytes()).collect();
                appender.append_row(params![run.id, task, ordinal, bytes])?;
            }
            Ok(appender.flush()?)
        })
    }

    /// The state of an iteration; `None` where none is stored.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn lanczos_state(&self, run: &Run, task: &str) -> Result<Option<LanczosState>, Error> {
        self.read_of(run, |conn| {
            let mut statement = conn.prepare(
                "SELECT state::VARCHAR FROM lanczos_states WHERE run_id = ? AND task = ?",
            )?;
            let mut rows = statement.query(params![run.id, task])?;
            let Some(row) = rows.next()? else {
                return Ok(None);
            };
            let state = serde_json::from_str(&row.get::<_, String>(0)?)
                .map_err(|error| Error::damaged(format!("a Lanczos state: {error}")))?;
            let basis = basis(conn, run, task)?;
            Ok(Some(LanczosState { state, basis }))
        })
    }

    /// Removes all iterations of a run, or that of one task.
    ///
    /// # Errors
    /// [`Error::Gone`] when the run was removed.
    pub fn remove_lanczos_state(&self, run: &Run, task: Option<&str>) -> Result<(), Error> {
        self.write(|conn| {
            self.still_there(conn, run)?;
            remove(conn, run, task)
        })
    }
}

fn check(conn: &Connection, run: &Run, task: &str, from: usize) -> Result<(), Error> {
    let stored: usize = conn.query_row(
        "SELECT count(*) FROM lanczos_vectors WHERE run_id = ? AND task = ?",
        params![run.id, task],
        |row| row.get(0),
    )?;
    match stored == from {
        true => Ok(()),
        false => Err(Error::BasisGap {
            name: run.name.clone(),
            task: task.to_owned(),
            stored,
            from,
        }),
    }
}

fn basis(conn: &Connection, run: &Run, task: &str) -> Result<Vec<Vec<f64>>, Error> {
    let mut statement = conn.prepare(
        "SELECT data FROM lanczos_vectors WHERE run_id = ? AND task = ? ORDER BY ordinal",
    )?;
    let mut rows = statement.query(params![run.id, task])?;
    let mut basis = Vec::new();
    while let Some(row) = rows.next()? {
        let bytes: Vec<u8> = row.get(0)?;
        let (values, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() {
            let length = bytes.len();
            let what =
                format!("a Lanczos vector of {length} bytes, which are not whole f64 values");
            return Err(Error::damaged(what));
        }
        basis.push(values.iter().copied().map(f64::from_le_bytes).collect());
    }
    Ok(basis)
}

pub(super) fn remove(conn: &Connection, run: &Run, task: Option<&str>) -> Result<(), Error> {
    for table in ["lanczos_states", "lanczos_vectors"] {
        conn.execute(
            &format!("DELETE FROM {table} WHERE run_id = ? AND task = coalesce(?::VARCHAR, task)"),
            params![run.id, task],
        )?;
    }
    Ok(())
}
