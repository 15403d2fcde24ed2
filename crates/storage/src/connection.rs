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
