//! Parameters as rows: one a tensor, its values as little-endian f32.

use crate::connection::Connection;
use crate::curvature::Side;
use crate::error::Error;
use crate::run::{Run, RunKind};
use duckdb::{Appender, Row, Rows, params};
use landscape_core::{Parameter, Params, Role};

/// Which tensors of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The parameters at the point 0 of a plane.
    Origin,
    /// A direction, from 1.
    Direction(usize),
    /// Parameters recorded at a step of a training.
    Checkpoint(u64),
    /// A control point of a curve, from 0: what its checkpoints are.
    ControlPoint(u64),
}

impl Part {
    /// What a run stores at a step.
    pub(super) fn at(run: &Run, step: u64) -> Part {
        match run.kind {
            RunKind::Curve => Part::ControlPoint(step),
            _ => Part::Checkpoint(step),
        }
    }

    pub(super) fn name(self) -> String {
        match self {
            Part::Origin => "origin".to_owned(),
            Part::Direction(number) => format!("d{number}"),
            Part::Checkpoint(_) => "checkpoint".to_owned(),
            Part::ControlPoint(_) => "control-point".to_owned(),
        }
    }

    fn step(self) -> Option<u64> {
        match self {
            Part::Checkpoint(step) | Part::ControlPoint(step) => Some(step),
            _ => None,
        }
    }
}

/// DuckDB rewrites small groups of rows into larger ones whenever the file is closed. That keeps
/// tables of numbers compact, but would copy all checkpoints with every new one.
pub(super) fn without_merging(conn: &Connection) -> Result<(), Error> {
    Ok(conn.execute_batch("SET max_vacuum_tasks = 0")?)
}

pub(super) fn appender(conn: &Connection) -> Result<Appender<'_>, Error> {
    Ok(conn.appender("tensors")?)
}

pub(super) fn append(
    appender: &mut Appender<'_>,
    run: &Run,
    part: Part,
    params: &Params,
) -> Result<(), Error> {
    for (ordinal, tensor) in params.iter().enumerate() {
        let bytes: Vec<u8> = tensor.data.iter().flat_map(|v| v.to_le_bytes()).collect();
        appender.append_row(params![
            run.id,
            part.name(),
            part.step(),
            ordinal as i32,
            tensor.name,
            tensor.role.name(),
            format!("{:?}", tensor.shape),
            bytes,
        ])?;
    }
    Ok(())
}

pub(super) fn load(conn: &Connection, run: &Run, part: Part) -> Result<Option<Params>, Error> {
    let mut statement = conn.prepare(
        "SELECT name, role::VARCHAR, shape::VARCHAR, data FROM tensors
         WHERE run_id = ? AND part = ? AND step IS NOT DISTINCT FROM ?::UBIGINT ORDER BY ordinal",
    )?;
    let mut rows = statement.query(params![run.id, part.name(), part.step()])?;
    let mut tensors = Vec::new();
    while let Some(row) = rows.next()? {
        tensors.push(tensor(row)?);
    }
    match tensors.is_empty() {
        true => Ok(None),
        false => Ok(Some(Params::new(tensors)?)),
    }
}

/// The checkpoints of the steps from `first` to `last`, in order.
pub(super) fn checkpoints(
    conn: &Connection,
    run: &Run,
    first: u64,
    last: u64,
) -> Result<Vec<(u64, Params)>, Error> {
    let mut statement = conn.prepare(
        "SELECT name, role::VARCHAR, shape::VARCHAR, data, step FROM tensors
         WHERE run_id = ? AND part = ? AND step BETWEEN ?::UBIGINT AND ?::UBIGINT
         ORDER BY step, ordinal",
    )?;
    let part = Part::at(run, first).name();
    grouped(statement.query(params![run.id, part, first, last])?)
}

pub(super) fn append_eigenvector(
    appender: &mut Appender<'_>,
    run: &Run,
    side: Side,
    rank: u64,
    vector: &Params,
) -> Result<(), Error> {
    for (ordinal, tensor) in (0i32..).zip(vector.iter()) {
        let bytes: Vec<u8> = tensor.data.iter().flat_map(|v| v.to_le_bytes()).collect();
        appender.append_row(params![
            run.id,
            side.name(),
            rank,
            ordinal,
            tensor.name,
            tensor.role.name(),
            format!("{:?}", tensor.shape),
            bytes,
        ])?;
    }
    Ok(())
}

/// The eigenvectors of one end, by rank.
pub(super) fn eigenvectors(conn: &Connection, run: &Run, side: Side) -> Result<Vec<Params>, Error> {
    let mut statement = conn.prepare(
        "SELECT name, role::VARCHAR, shape::VARCHAR, data, rank FROM eigenvectors
         WHERE run_id = ? AND side = ? ORDER BY rank, ordinal",
    )?;
    let rows = statement.query(params![run.id, side.name()])?;
    grouped(rows).map(|found| found.into_iter().map(|(_, vector)| vector).collect())
}

/// Tensors that have a number in the column behind them, those of one number together.
fn grouped(mut rows: Rows<'_>) -> Result<Vec<(u64, Params)>, Error> {
    let mut found: Vec<(u64, Vec<Parameter>)> = Vec::new();
    while let Some(row) = rows.next()? {
        let number = row.get(4)?;
        match found.last_mut() {
            Some((last, tensors)) if *last == number => tensors.push(tensor(row)?),
            _ => found.push((number, vec![tensor(row)?])),
        }
    }
    let params = |(number, tensors)| Ok((number, Params::new(tensors)?));
    found.into_iter().map(params).collect()
}

/// A tensor from the columns name, role, shape, data.
pub(super) fn tensor(row: &Row<'_>) -> Result<Parameter, Error> {
    let name: String = row.get(0)?;
    let role: String = row.get(1)?;
    let shape: String = row.get(2)?;
    let shape = self::shape(&name, &shape)?;
    let bytes: Vec<u8> = row.get(3)?;
    let (values, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(Error::damaged(format!(
            "tensor `{name}` has {} bytes, which are not whole f32 values",
            bytes.len()
        )));
    }
    let data = values.iter().copied().map(f32::from_le_bytes).collect();
    Ok(Parameter::new(name, shape, data, role.parse::<Role>()?)?)
}

/// A shape from its JSON.
pub(super) fn shape(name: &str, json: &str) -> Result<Vec<usize>, Error> {
    serde_json::from_str(json)
        .map_err(|error| Error::damaged(format!("the shape of tensor `{name}`: {error}")))
}
