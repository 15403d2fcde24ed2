//! How DuckDB is opened.

use duckdb::{Config, Connection};

/// A database in memory, to convert files with.
pub(crate) fn in_memory() -> Result<Connection, duckdb::Error> {
    Connection::open_in_memory_with_flags(settings()?)
}

/// Nothing is ever downloaded; one thread, since starting more costs more than small tables gain.
pub(crate) fn settings() -> Result<Config, duckdb::Error> {
    Config::default()
        .enable_autoload_extension(false)?
        .threads(1)
}

/// The version of the DuckDB library that is used, for example `v1.5.6`; `unknown` where it does not tell.
pub fn duckdb_version() -> String {
    let told = in_memory().and_then(|connection| connection.version());
    told.unwrap_or_else(|_| "unknown".to_owned())
}
