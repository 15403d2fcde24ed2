//! The tables, and how files of older versions get them.

mod older;

use crate::error::Error;
use crate::identity::unique;
use crate::run::{micros, timestamp};
use duckdb::{Connection, params};
use flate2::read::GzDecoder;
use std::io::{self, Read};
use std::path::Path;
use std::time::SystemTime;

/// The version of the tables that this crate writes; `meta.schema_version` in the file.
pub const SCHEMA_VERSION: u64 = MIGRATIONS.len() as u64;

/// All tables at once, for a file that has none.
const NEWEST: &str = include_str!("schema/newest.sql");

/// A new file, compressed: all tables and views, and the version. To make them takes DuckDB longer than all that is then done with
/// a small file. A test compares it with `newest.sql` and `views.sql`, and makes it anew.
const NEW_FILE: &[u8] = include_bytes!("schema/newest.duckdb.gz");

/// What brings a file from each version to the next; the first made version 1 of an empty file.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/v1.sql"),
    include_str!("schema/v2.sql"),
    include_str!("schema/v3.sql"),
    include_str!("schema/v4.sql"),
    include_str!("schema/v5.sql"),
    include_str!("schema/v6.sql"),
];

/// The views, made anew with every migration.
const VIEWS: &str = include_str!("schema/views.sql");

/// Every table with a `run_id`, `runs` last: what belongs to a run.
pub(crate) const RUN_TABLES: &[&str] = &[
    "axes",
    "terms",
    "points",
    "directions",
    "tensors",
    "records",
    "layouts",
    "deltas",
    "training_states",
    "trajectories",
    "trajectory_points",
    "curvature",
    "eigenvalues",
    "traces",
    "spectra",
    "spectrum_points",
    "sharpness",
    "curvature_points",
    "lanczos_states",
    "lanczos_vectors",
    "eigenvectors",
    "contributions",
    "names",
    "runs",
];

/// Names of the coordinates, in the order of the axes.
pub(crate) const COORDINATES: [&str; 3] = ["alpha", "beta", "gamma"];

/// What a file is found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// No tables at all.
    Empty,
    /// This version of our tables.
    Version(u64),
}

/// The bytes of a new file, which is then to be signed.
pub(crate) fn new_file() -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    GzDecoder::new(NEW_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Says in a file who made it, when, and what tells it from all others.
pub(crate) fn sign(conn: &Connection) -> Result<(), Error> {
    let now = SystemTime::now();
    debug_assert!(micros(now) > 0);
    conn.execute(
        "INSERT INTO meta VALUES ('created_by', ?), ('created', ?), ('id', ?)",
        params![
            concat!("landscape-storage ", env!("CARGO_PKG_VERSION")),
            timestamp(now),
            unique(),
        ],
    )?;
    Ok(())
}

/// Looks at the tables of a file.
pub(crate) fn inspect(conn: &Connection, path: &Path) -> Result<Found, Error> {
    // To list all columns takes twenty times as long, and tells only what a file is that is none of ours.
    if let Ok(version) = version(conn)
        && let Ok(version @ 1..) = version.parse()
    {
        return Ok(Found::Version(version));
    }
    let mut meta = conn.prepare(
        "SELECT count(*), count(*) FILTER (table_name = 'meta' AND column_name = 'value')
         FROM duckdb_columns() WHERE NOT internal AND database_name = current_database()",
    )?;
    let (columns, meta): (u64, u64) = meta.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if columns == 0 {
        return Ok(Found::Empty);
    }
    let foreign = || Error::Foreign {
        path: path.to_owned(),
    };
    if meta == 0 {
        return Err(foreign());
    }
    let version = version(conn).map_err(|_| foreign())?;
    match version.parse() {
        Ok(0) | Err(_) => Err(foreign()),
        Ok(version) => Ok(Found::Version(version)),
    }
}

fn version(conn: &Connection) -> Result<String, duckdb::Error> {
    let version = "SELECT value::VARCHAR FROM meta WHERE key = 'schema_version'";
    conn.query_row(version, [], |row| row.get(0))
}

/// Lets a connection that only reads see a file of an older version as one of the newest: through temporary
/// views, without a change of the file.
pub(crate) fn see_as_newest(conn: &Connection) -> Result<(), Error> {
    let version = conn.query_row(
        "SELECT TRY_CAST(value AS UBIGINT) FROM meta WHERE key = 'schema_version'",
        [],
        |row| row.get::<_, Option<u64>>(0),
    );
    match version {
        Ok(Some(version)) if (1..SCHEMA_VERSION).contains(&version) => {
            older::stand_in(conn, version)
        }
        // What is wrong with a file is told where it is used.
        _ => Ok(()),
    }
}

/// A table of an attached database of some version, as the newest version has it, in SQL. `database` is the place of its tables.
pub(crate) fn relation(database: &str, version: u64, table: &str) -> String {
    older::stand(table, version).map_or_else(
        || format!("{database}.{table}"),
        |select| format!("({})", older::placed(select, database)),
    )
}

/// Brings the tables to [`SCHEMA_VERSION`], in one transaction, and gives the version they had; 0 where there
/// were none. The connection writes, so that no other process has the file: the version is read under that lock.
pub(crate) fn migrate(conn: &Connection, path: &Path) -> Result<u64, Error> {
    conn.execute_batch("BEGIN TRANSACTION")?;
    let from = match outdated(conn, path)? {
        Some(from) => from,
        None => {
            conn.execute_batch("COMMIT")?;
            return Ok(SCHEMA_VERSION);
        }
    };
    match from {
        0 => conn.execute_batch(NEWEST)?,
        _ => { MIGRATIONS[from as usize..].iter() }.try_for_each(|all| conn.execute_batch(all))?,
    }
    conn.execute_batch(VIEWS)?;
    if from == 0 {
        conn.execute("INSERT INTO meta VALUES ('schema_version', '')", [])?;
        sign(conn)?;
    }
    conn.execute(
        "UPDATE meta SET value = ? WHERE key = 'schema_version'",
        params![SCHEMA_VERSION.to_string()],
    )?;
    conn.execute_batch("COMMIT")?;
    Ok(from)
}

/// The version of the tables where they are to be brought up to date; 0 where there are none.
pub(crate) fn outdated(conn: &Connection, path: &Path) -> Result<Option<u64>, Error> {
    match inspect(conn, path)? {
        Found::Version(version) if version < SCHEMA_VERSION => Ok(Some(version)),
        found @ Found::Version(_) => check(found, path).map(|()| None),
        Found::Empty => Ok(Some(0)),
    }
}

/// Checks that the version can be read as it is.
pub(crate) fn check(found: Found, path: &Path) -> Result<(), Error> {
    let path = path.to_owned();
    match found {
        Found::Empty => Err(Error::Foreign { path }),
        Found::Version(found) if found > SCHEMA_VERSION => Err(Error::NewerSchema {
            path,
            found,
            known: SCHEMA_VERSION,
        }),
        Found::Version(_) => Ok(()),
    }
}
