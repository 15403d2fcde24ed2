//! Eigenvalues, traces, spectral densities and sharpness of a run, and its eigenvectors.

use super::Store;
use super::tensors;
use crate::change::{Change, Packed};
use crate::connection::Connection;
use crate::curvature::{Curvature, Eigenvalue, Sharpness, Side, SpectralDensity, TraceEstimate};
use crate::error::Error;
use crate::run::Run;
use duckdb::{Row, ToSql, params};
use landscape_core::Params;
use std::collections::{BTreeMap, BTreeSet};

impl Store {
    /// Keeps curvature, in one transaction: the counts of its step, and the lists that are not
    /// empty. What they hold takes the place of what is stored for the same step and the same part
    /// and end (eigenvalues), part and method (traces), part (densities) or measure (sharpness);
    /// everything else stays. So each result can be kept as soon as it is there.
    ///
    /// # Errors
    /// [`Error::Gone`] when the run was removed, [`Error::DensityLength`] when the lists of a
    /// density have different lengths.
    pub fn put_curvature(&self, run: &Run, curvature: &Curvature) -> Result<(), Error> {
        for density in &curvature.densities {
            check(density)?;
        }
        self.keep_now(run, vec![Change::Curvature(Box::new(curvature.clone()))])?;
        Ok(())
    }

    /// The curvature of a run: that of its own parameters first, then by step of training. Empty
    /// where none was computed.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn curvature(&self, run: &Run) -> Result<Vec<Curvature>, Error> {
        self.read_of(run, |conn| load(conn, run))
    }

    /// Keeps the eigenvectors of one end, by rank, in the place of those stored before.
    ///
    /// # Errors
    /// [`Error::Gone`] when the run was removed.
    pub fn put_eigenvectors(&self, run: &Run, side: Side, vectors: &[Params]) -> Result<(), Error> {
        let vectors = vectors.iter().cloned().map(Packed).collect();
        self.keep_now(run, vec![Change::Eigenvectors(side, vectors)])?;
        Ok(())
    }

    /// The eigenvectors of one end, by rank. Empty where none are stored.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn eigenvectors(&self, run: &Run, side: Side) -> Result<Vec<Params>, Error> {
        self.read_of(run, |conn| tensors::eigenvectors(conn, run, side))
    }
}

/// Keeps curvature, see [`Store::put_curvature`].
pub(super) fn put(conn: &Connection, run: &Run, curvature: &Curvature) -> Result<(), Error> {
    let to = Target {
        conn,
        run: run.id,
        step: curvature.step,
    };
    to.counts(curvature)?;
    to.eigenvalues(&curvature.eigenvalues)?;
    to.traces(&curvature.traces)?;
    to.densities(&curvature.densities)?;
    to.sharpness(&curvature.sharpness)
}

/// Keeps the eigenvectors of one end, see [`Store::put_eigenvectors`].
pub(super) fn put_eigenvectors(
    conn: &Connection,
    run: &Run,
    side: Side,
    vectors: &[Packed],
) -> Result<(), Error> {
    tensors::without_merging(conn)?;
    conn.execute(
        "DELETE FROM eigenvectors WHERE run_id = ? AND side = ?",
        params![run.id, side.name()],
    )?;
    let mut appender = conn.appender("eigenvectors")?;
    for (rank, Packed(vector)) in (0..).zip(vectors) {
        tensors::append_eigenvector(&mut appender, run, side, rank, vector)?;
    }
    Ok(appender.flush()?)
}

/// Puts the counts of a step in the place of those stored for it.
pub(super) fn put_counts(conn: &Connection, run: &Run, counts: &Curvature) -> Result<(), Error> {
    let to = Target {
        conn,
        run: run.id,
        step: counts.step,
    };
    to.counts(counts)
}

fn check(density: &SpectralDensity) -> Result<(), Error> {
    let lists = [
        &density.grid,
        &density.density,
        &density.se,
        &density.lower,
        &density.upper,
    ];
    let lengths = lists.map(Vec::len);
    match lengths.iter().all(|length| *length == lengths[0]) {
        true => Ok(()),
        false => Err(Error::DensityLength {
            part: density.part.clone(),
            lengths,
        }),
    }
}

/// Where results go.
struct Target<'a> {
    conn: &'a Connection,
    run: i64,
    step: Option<u64>,
}

impl Target<'_> {
    /// Removes the rows of a table at this step that have given words in given columns.
    fn clear(&self, table: &str, keys: &[(&str, &str)]) -> Result<(), Error> {
        let conditions: String = keys
            .iter()
            .map(|(key, _)| format!(" AND {key} = ?"))
            .collect();
        let mut values: Vec<&dyn ToSql> = vec![&self.run, &self.step];
        values.extend(keys.iter().map(|(_, word)| word as &dyn ToSql));
        self.conn.execute(
            &format!(
                "DELETE FROM {table}
                 WHERE run_id = ? AND step IS NOT DISTINCT FROM ?::UBIGINT{conditions}"
            ),
            values.as_slice(),
        )?;
        Ok(())
    }

    /// The place of the next row of a table.
    fn next(&self, table: &str) -> Result<i32, Error> {
        let sql = format!("SELECT coalesce(max(ordinal), -1) + 1 FROM {table} WHERE run_id = ?");
        Ok({ self.conn }.query_row(&sql, params![self.run], |row| row.get(0))?)
    }

    fn counts(&self, c: &Curvature) -> Result<(), Error> {
        self.clear("curvature", &[])?;
        self.conn.execute(
            "INSERT INTO curvature VALUES (?, ?::UBIGINT, ?, ?, ?, ?, ?, ?)",
            params![
                self.run,
                self.step,
                c.parameters,
                c.loss,
                c.gradient_norm,
                c.stability_limit,
                c.products,
                c.seconds
            ],
        )?;
        Ok(())
    }

    fn eigenvalues(&self, values: &[Eigenvalue]) -> Result<(), Error> {
        let ends: BTreeSet<(&str, &str)> = { values.iter() }
            .map(|v| (v.part.as_str(), v.side.name()))
            .collect();
        for (part, side) in ends {
            self.clear("eigenvalues", &[("part", part), ("side", side)])?;
        }
        let first = self.next("eigenvalues")?;
        let mut appender = self.conn.appender("eigenvalues")?;
        for (ordinal, v) in (first..).zip(values) {
            appender.append_row(params![
                self.run,
                ordinal,
                self.step,
                v.part,
                v.side.name(),
                v.rank,
                v.value,
                v.residual,
                v.converged,
                v.method
            ])?;
        }
        Ok(appender.flush()?)
    }

    fn traces(&self, traces: &[TraceEstimate]) -> Result<(), Error> {
        for t in traces {
            self.clear("traces", &[("part", &t.part), ("method", &t.method)])?;
        }
        let first = self.next("traces")?;
        let mut appender = self.conn.appender("traces")?;
        for (ordinal, t) in (first..).zip(traces) {
            appender.append_row(params![
                self.run, ordinal, self.step, t.part, t.method, t.mean, t.se, t.probes, t.products
            ])?;
        }
        Ok(appender.flush()?)
    }

    fn densities(&self, densities: &[SpectralDensity]) -> Result<(), Error> {
        for d in densities {
            self.clear("spectra", &[("part", &d.part)])?;
            self.clear("spectrum_points", &[("part", &d.part)])?;
        }
        let first = self.next("spectra")?;
        let mut appender = self.conn.appender("spectra")?;
        for (ordinal, d) in (first..).zip(densities) {
            appender.append_row(params![
                self.run,
                ordinal,
                self.step,
                d.part,
                d.lanczos_steps,
                d.probes,
                d.width,
                d.atoms,
                d.confidence
            ])?;
        }
        appender.flush()?;
        let mut appender = self.conn.appender("spectrum_points")?;
        for d in densities {
            let known = |value: f64| Some(value).filter(|value| !value.is_nan());
            for k in 0..d.grid.len() {
                let errors = [d.se[k], d.lower[k], d.upper[k]].map(known);
                appender.append_row(params![
                    self.run,
                    self.step,
                    d.part,
                    k as i32,
                    d.grid[k],
                    d.density[k],
                    errors[0],
                    errors[1],
                    errors[2]
                ])?;
            }
        }
        Ok(appender.flush()?)
    }

    fn sharpness(&self, measures: &[Sharpness]) -> Result<(), Error> {
        for s in measures {
            self.clear("sharpness", &[("measure", &s.measure)])?;
        }
        let first = self.next("sharpness")?;
        let mut appender = self.conn.appender("sharpness")?;
        for (ordinal, s) in (first..).zip(measures) {
            let settings = s.settings.to_string();
            appender.append_row(params![
                self.run, ordinal, self.step, s.measure, s.value, s.se, settings
            ])?;
        }
        Ok(appender.flush()?)
    }
}

type Steps = BTreeMap<Option<u64>, Curvature>;

fn load(conn: &Connection, run: &Run) -> Result<Vec<Curvature>, Error> {
    let mut steps = counts(conn, run)?;
    each(conn, run, EIGENVALUES, &mut steps, |row, c| {
        c.eigenvalues.push(eigenvalue(row)?);
        Ok(())
    })?;
    each(conn, run, TRACES, &mut steps, |row, c| {
        c.traces.push(trace(row)?);
        Ok(())
    })?;
    each(conn, run, SPECTRA, &mut steps, |row, c| {
        c.densities.push(density(row)?);
        Ok(())
    })?;
    each(conn, run, SPECTRUM_POINTS, &mut steps, |row, c| {
        let part: String = row.get(1)?;
        if let Some(density) = c.densities.iter_mut().find(|d| d.part == part) {
            density.grid.push(row.get(2)?);
            density.density.push(row.get(3)?);
            let known = |column| row.get(column).map(|v: Option<f64>| v.unwrap_or(f64::NAN));
            density.se.push(known(4)?);
            density.lower.push(known(5)?);
            density.upper.push(known(6)?);
        }
        Ok(())
    })?;
    each(conn, run, SHARPNESS, &mut steps, |row, c| {
        c.sharpness.push(sharpness(row)?);
        Ok(())
    })?;
    Ok(steps.into_values().collect())
}

// The step comes first; rows come in the order in which they were stored.
const EIGENVALUES: &str = "step, part, side::VARCHAR, rank, value, residual, converged, method \
     FROM eigenvalues WHERE run_id = ? ORDER BY ordinal";
const TRACES: &str = "step, part, method, mean, se, probes, products \
     FROM traces WHERE run_id = ? ORDER BY ordinal";
const SPECTRA: &str = "step, part, lanczos_steps, probes, width, atoms, confidence \
     FROM spectra WHERE run_id = ? ORDER BY ordinal";
const SPECTRUM_POINTS: &str = "step, part, eigenvalue, density, se, lower, upper \
     FROM spectrum_points WHERE run_id = ? ORDER BY step, part, ordinal";
const SHARPNESS: &str = "step, measure, value, se, settings::VARCHAR \
     FROM sharpness WHERE run_id = ? ORDER BY ordinal";

fn each(
    conn: &Connection,
    run: &Run,
    columns: &str,
    steps: &mut Steps,
    mut take: impl FnMut(&Row<'_>, &mut Curvature) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut statement = conn.prepare(&format!("SELECT {columns}"))?;
    let mut rows = statement.query(params![run.id])?;
    while let Some(row) = rows.next()? {
        if let Some(curvature) = steps.get_mut(&row.get(0)?) {
            take(row, curvature)?;
        }
    }
    Ok(())
}

fn counts(conn: &Connection, run: &Run) -> Result<Steps, Error> {
    let mut statement = conn.prepare(
        "SELECT step, parameters, loss, gradient_norm, stability_limit, products, seconds
         FROM curvature WHERE run_id = ?",
    )?;
    let found = statement.query_map(params![run.id], |row| {
        Ok(Curvature {
            step: row.get(0)?,
            parameters: row.get(1)?,
            loss: row.get(2)?,
            gradient_norm: row.get(3)?,
            stability_limit: row.get(4)?,
            products: row.get(5)?,
            seconds: row.get(6)?,
            ..Curvature::default()
        })
    })?;
    let found: Vec<Curvature> = found.collect::<Result<_, _>>()?;
    Ok(found.into_iter().map(|c| (c.step, c)).collect())
}

fn eigenvalue(row: &Row<'_>) -> Result<Eigenvalue, Error> {
    Ok(Eigenvalue {
        part: row.get(1)?,
        side: row.get::<_, String>(2)?.parse()?,
        rank: row.get(3)?,
        value: row.get(4)?,
        residual: row.get(5)?,
        converged: row.get(6)?,
        method: row.get(7)?,
    })
}

fn trace(row: &Row<'_>) -> Result<TraceEstimate, Error> {
    Ok(TraceEstimate {
        part: row.get(1)?,
        method: row.get(2)?,
        mean: row.get(3)?,
        se: row.get(4)?,
        probes: row.get(5)?,
        products: row.get(6)?,
    })
}

fn density(row: &Row<'_>) -> Result<SpectralDensity, Error> {
    Ok(SpectralDensity {
        part: row.get(1)?,
        lanczos_steps: row.get(2)?,
        probes: row.get(3)?,
        width: row.get(4)?,
        grid: Vec::new(),
        density: Vec::new(),
        se: Vec::new(),
        lower: Vec::new(),
        upper: Vec::new(),
        atoms: row.get(5)?,
        confidence: row.get(6)?,
    })
}

fn sharpness(row: &Row<'_>) -> Result<Sharpness, Error> {
    let settings: String = row.get(4)?;
    let settings = serde_json::from_str(&settings)
        .map_err(|error| Error::damaged(format!("the settings of a sharpness: {error}")))?;
    Ok(Sharpness {
        measure: row.get(1)?,
        value: row.get(2)?,
        se: row.get(3)?,
        settings,
    })
}
