//! Curvature into files: eigenvalues, traces, densities, sharpness, maps.

use crate::curvature::CurvatureTable;
use crate::error::Error;
use crate::export::whole;
use crate::format::Format;
use crate::formats::parquet;
use crate::run::Run;
use crate::schema::COORDINATES;
use crate::sql::{SqlTable, ask};
use crate::store::{Store, lacks};
use duckdb::Connection;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

impl Store {
    /// A table of a run's curvature, as it is exported: a row an eigenvalue, estimate, point.
    ///
    /// # Errors
    /// [`Error::Lacks`] when there is no row.
    pub fn curvature_table(&self, run: &Run, which: CurvatureTable) -> Result<SqlTable, Error> {
        let table = self.read(|conn| ask(conn, &query(conn, run, which)?, usize::MAX))?;
        match table.rows.is_empty() {
            true => Err(lacks(run, which.name())),
            false => Ok(table),
        }
    }

    /// Writes a table of a run's curvature into a file, completely or not at all, as csv, json or
    /// parquet, and gives the number of its rows.
    ///
    /// # Errors
    /// As [`Store::curvature_table`]; [`Error::OutputExists`] when there is a file already and it is
    /// not to be overwritten; [`Error::NotHeld`] in any other format.
    pub fn export_curvature(
        &self,
        run: &Run,
        which: CurvatureTable,
        format: Format,
        path: &Path,
        overwrite: bool,
    ) -> Result<usize, Error> {
        let table = self.curvature_table(run, which)?;
        whole(path, overwrite, |draft| match format {
            Format::Csv | Format::Json => {
                let file = File::create(draft).map_err(Error::io("write", draft))?;
                let mut out = BufWriter::new(file);
                write_curvature(&table, format, &mut out)
                    .and_then(|()| out.into_inner().map_err(|error| error.into_error()))
                    .and_then(|file| file.sync_all())
                    .map_err(Error::io("write", draft))
            }
            Format::Parquet => self.read(|conn| {
                let query = query(conn, run, which)?;
                parquet::copy_query(conn, &query, draft)
            }),
            _ => Err(Error::NotHeld {
                format,
                what: "curvature",
                instead: "csv, json or parquet",
            }),
        })?;
        Ok(table.rows.len())
    }
}

/// Writes a table as csv or json, for a pipe. A csv field without a value is empty; json has the
/// fields `schema`, `columns` and `rows`. Numbers that are not finite are `NaN`, `inf` and `-inf`.
///
/// # Errors
/// When the other end does not take it, or the format is not text.
pub fn write_curvature(table: &SqlTable, format: Format, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Csv => write_csv(table, out)?,
        Format::Json => {
            let SqlTable { columns, rows } = table;
            let document = json!({"schema": 1, "columns": columns, "rows": rows});
            serde_json::to_writer(&mut *out, &document)?;
            out.write_all(b"\n")?;
        }
        _ => {
            let reason = format!("{format} cannot be written as text");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
    }
    out.flush()
}

fn write_csv(table: &SqlTable, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(&table.columns)?;
    for row in &table.rows {
        csv.write_record(row.iter().map(field))?;
    }
    csv.flush()
}

fn field(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// The query of a table; its rows come in a definite order.
fn query(conn: &Connection, run: &Run, which: CurvatureTable) -> Result<String, Error> {
    let of = |columns: &str, table: &str, order: &str| {
        let id = run.id;
        format!(
            "SELECT {columns} FROM {table} WHERE run_id = {id} ORDER BY step NULLS FIRST, {order}"
        )
    };
    Ok(match which {
        CurvatureTable::Eigenvalues => of(
            "step, part, side, rank, value, residual, converged, method",
            "eigenvalues",
            "rowid",
        ),
        CurvatureTable::Traces => of(
            "step, part, method, mean, se, probes, products",
            "traces",
            "rowid",
        ),
        CurvatureTable::Spectrum => of(
            "step, part, eigenvalue, density, se, lower, upper",
            // Files of schema version 4 have no intervals.
            "(FROM spectrum_points UNION ALL BY NAME \
              SELECT NULL::DOUBLE AS lower, NULL::DOUBLE AS upper WHERE false)",
            "part, ordinal",
        ),
        CurvatureTable::Sharpness => of(
            "step, measure, value, se, settings::VARCHAR AS settings",
            "sharpness",
            "rowid",
        ),
        CurvatureTable::Map => map_query(conn, run)?,
    })
}

/// Maps have the columns of their axes alone.
fn map_query(conn: &Connection, run: &Run) -> Result<String, Error> {
    let id = run.id;
    let axes = format!("SELECT count(*) FROM axes WHERE run_id = {id}");
    let dims: usize = conn.query_row(&axes, [], |row| row.get(0))?;
    let columns: Vec<&str> = { ["i", "j", "k"].iter().take(dims) }
        .chain(COORDINATES.iter().take(dims))
        .copied()
        .chain([
            "lambda_max",
            "lambda_min",
            "abs(lambda_min / lambda_max) AS ratio",
            "residual_max",
            "residual_min",
            "converged",
        ])
        .collect();
    let columns = columns.join(", ");
    Ok(format!(
        "SELECT {columns} FROM curvature_points WHERE run_id = {id} ORDER BY i, j, k"
    ))
}
