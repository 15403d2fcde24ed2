//! A database that is attached to be read.

use crate::error::Error;
use crate::schema::{self, Found, check};
use crate::store::compact::quoted;
use crate::store::file::{check_found, retry};
use crate::store::keep::Timeout;
use crate::store::words::explain;
use duckdb::Connection;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The name that it is attached by.
const NAME: &str = "merged_source";

/// A database that is attached to be read, beside the one that is written.
pub(super) struct Source<'a> {
    pub(super) conn: &'a Connection,
    path: PathBuf,
    version: u64,
}

impl<'a> Source<'a> {
    /// Attaches a file that no store of this process has open.
    pub(super) fn attach(
        conn: &'a Connection,
        path: &Path,
        timeout: &Timeout,
    ) -> Result<Self, Error> {
        check_found(path)?;
        crate::Store::close(path);
        // One that an error left.
        conn.execute_batch(&format!("DETACH DATABASE IF EXISTS {NAME}"))?;
        let attach = format!("ATTACH {} AS {NAME} (READ_ONLY)", quoted(path)?);
        timeout.open(|limit| retry(path, limit, || conn.execute_batch(&attach)))?;
        Ok(Source {
            conn,
            path: path.to_owned(),
            version: version(conn, path)?,
        })
    }

    /// A table as the newest version has it.
    pub(super) fn table(&self, table: &str) -> String {
        schema::relation(&format!("{NAME}.main"), self.version, table)
    }

    /// Reads; what goes wrong is this file's.
    pub(super) fn read<R>(
        &self,
        operation: impl FnOnce(&Self) -> Result<R, Error>,
    ) -> Result<R, Error> {
        operation(self).map_err(|error| self.explain(error))
    }

    /// Says that an error is of this file.
    pub(super) fn explain(&self, error: Error) -> Error {
        match error {
            Error::Database { source, path } if path.as_os_str().is_empty() => {
                explain(source, &self.path, Duration::ZERO)
            }
            other => other.in_file(&self.path),
        }
    }

    /// Lets go of the file.
    pub(super) fn detach(self) -> Result<(), Error> {
        Ok(self.conn.execute_batch(&format!("DETACH {NAME}"))?)
    }
}

/// The version of the tables of the database that is attached, which can be read as it is.
fn version(conn: &Connection, path: &Path) -> Result<u64, Error> {
    let version = conn.query_row(
        &format!(
            "SELECT TRY_CAST(value AS UBIGINT) FROM {NAME}.main.meta WHERE key = 'schema_version'"
        ),
        [],
        |row| row.get(0),
    );
    let foreign = Error::Foreign {
        path: path.to_owned(),
    };
    match version {
        Ok(Some(version @ 1..)) => check(Found::Version(version), path).map(|()| version),
        Ok(_) => Err(foreign),
        // No such table, or another one of its name.
        Err(error) => Err(match explain(error, path, Duration::ZERO) {
            Error::Database { .. } => foreign,
            other => other,
        }),
    }
}
