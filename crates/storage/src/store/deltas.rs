//! Compressed checkpoints: their rows.

use crate::connection::Connection;
use crate::deltas::{self, CheckpointForm, Coding, Encoder, Frame, Layout, TensorLayout};
use crate::error::Error;
use crate::run::Run;
use duckdb::{OptionalExt, Row, params};
use landscape_core::{Params, Role};

/// What the frames of a run are laid out like; nothing where it has none.
pub(super) fn layout(conn: &Connection, run: &Run) -> Result<Option<Layout>, Error> {
    let mut statement = conn.prepare(
        "SELECT name, role::VARCHAR, shape::VARCHAR FROM layouts WHERE run_id = ? ORDER BY ordinal",
    )?;
    let mut rows = statement.query(params![run.id])?;
    let mut tensors = Vec::new();
    while let Some(row) = rows.next()? {
        tensors.push(tensor(row)?);
    }
    match tensors.is_empty() {
        true => Ok(None),
        false => Layout::stored(tensors).map(Some),
    }
}

fn tensor(row: &Row<'_>) -> Result<TensorLayout, Error> {
    let name: String = row.get(0)?;
    let role: String = row.get(1)?;
    let shape: String = row.get(2)?;
    let shape = super::tensors::shape(&name, &shape)?;
    let role = role.parse::<Role>()?;
    Ok(TensorLayout { name, role, shape })
}

/// Keeps the layout of a run, or checks that it is the one that is kept.
pub(super) fn put_layout(conn: &Connection, run: &Run, given: &Layout) -> Result<(), Error> {
    match layout(conn, run)? {
        Some(kept) if kept == *given => return Ok(()),
        Some(_) => {
            return Err(Error::OtherLayout {
                name: run.name.clone(),
            });
        }
        None => {}
    }
    let mut appender = conn.appender("layouts")?;
    for (ordinal, tensor) in given.0.iter().enumerate() {
        appender.append_row(params![
            run.id,
            ordinal as i32,
            tensor.name,
            tensor.role.name(),
            format!("{:?}", tensor.shape),
        ])?;
    }
    Ok(appender.flush()?)
}

pub(super) fn append<'a>(
    conn: &Connection,
    run: &Run,
    frames: impl Iterator<Item = &'a Frame>,
) -> Result<(), Error> {
    let mut appender = conn.appender("deltas")?;
    for frame in frames {
        appender.append_row(params![
            run.id,
            frame.step,
            frame.base,
            frame.coding.name(),
            frame.data.len() as u64,
            frame.data,
        ])?;
    }
    Ok(appender.flush()?)
}

/// The frames of the steps from `first` to `last`, in order.
pub(super) fn between(
    conn: &Connection,
    run: &Run,
    first: u64,
    last: u64,
) -> Result<Vec<Frame>, Error> {
    let mut statement = conn.prepare(
        "SELECT step, base, coding, data FROM deltas
         WHERE run_id = ? AND step BETWEEN ?::UBIGINT AND ?::UBIGINT ORDER BY step",
    )?;
    let mut rows = statement.query(params![run.id, first, last])?;
    let mut frames = Vec::new();
    while let Some(row) = rows.next()? {
        let coding: String = row.get(2)?;
        frames.push(Frame {
            step: row.get(0)?,
            base: row.get(1)?,
            coding: coding.parse::<Coding>()?,
            data: row.get(3)?,
        });
    }
    Ok(frames)
}

/// The chain up to a frame, from its key frame on; nothing where there is no such frame.
pub(super) fn chain(conn: &Connection, run: &Run, step: u64) -> Result<Option<Chain>, Error> {
    let key: Option<u64> = conn.query_row(
        "SELECT max(step) FROM deltas WHERE run_id = ? AND base IS NULL AND step <= ?::UBIGINT",
        params![run.id, step],
        |row| row.get(0),
    )?;
    let (Some(key), Some(layout)) = (key, layout(conn, run)?) else {
        return Ok(None);
    };
    let mut chain = Chain::new(layout);
    for frame in between(conn, run, key, step)? {
        chain.push(&frame)?;
    }
    Ok((chain.step == Some(step)).then_some(chain))
}

/// The last frame before a step, restored, and the number of frames since its key frame.
pub(super) fn last_before(
    conn: &Connection,
    run: &Run,
    step: u64,
) -> Result<Option<(Chain, usize)>, Error> {
    let (last, age): (Option<u64>, usize) = conn.query_row(
        "SELECT max(step), count(*) FILTER (WHERE step > (
             SELECT max(step) FROM deltas WHERE run_id = ?1 AND base IS NULL AND step < ?2::UBIGINT))
         FROM deltas WHERE run_id = ?1 AND step < ?2::UBIGINT",
        params![run.id, step],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let Some(last) = last else {
        return Ok(None);
    };
    Ok(chain(conn, run, last)?.map(|chain| (chain, age)))
}

/// The parameters of one frame.
pub(super) fn load(conn: &Connection, run: &Run, step: u64) -> Result<Option<Params>, Error> {
    let chain = chain(conn, run, step)?;
    chain.map(|chain| chain.params()).transpose()
}

/// Makes checkpoints independent of a frame that is to be removed or replaced: the one after it
/// becomes a key frame.
pub(super) fn detach(conn: &Connection, run: &Run, step: u64) -> Result<(), Error> {
    let next: Option<u64> = conn
        .query_row(
            "SELECT step FROM deltas WHERE run_id = ? AND base = ?::UBIGINT",
            params![run.id, step],
            |row| row.get(0),
        )
        .optional()?;
    if let Some(next) = next
        && let Some(chain) = chain(conn, run, next)?
    {
        let frame = deltas::key_frame(next, &chain.values);
        remove(conn, run, next)?;
        append(conn, run, std::iter::once(&frame))?;
    }
    remove(conn, run, step)
}

fn remove(conn: &Connection, run: &Run, step: u64) -> Result<(), Error> {
    conn.execute(
        "DELETE FROM deltas WHERE run_id = ? AND step = ?::UBIGINT",
        params![run.id, step],
    )?;
    Ok(())
}

/// Frames restored one after the other.
#[derive(Debug)]
pub(super) struct Chain {
    layout: Layout,
    step: Option<u64>,
    values: Vec<f32>,
}

impl Chain {
    pub(super) fn new(layout: Layout) -> Self {
        Chain {
            layout,
            step: None,
            values: Vec::new(),
        }
    }

    /// Codes what comes after the last frame, of which the key frame is so many frames before.
    pub(super) fn encoder(self, form: CheckpointForm, age: usize) -> Option<(Encoder, Layout)> {
        let layout = self.layout.clone();
        let encoder = Encoder::after(form, self.step?, self.layout, self.values, age);
        Some((encoder, layout))
    }

    /// The step of the last frame.
    pub(super) fn step(&self) -> Option<u64> {
        self.step
    }

    /// Restores the next frame.
    pub(super) fn push(&mut self, frame: &Frame) -> Result<(), Error> {
        if frame.base.is_some() && frame.base != self.step {
            return Err(Error::damaged(format!(
                "the checkpoint of step {} without the one it is the difference from",
                frame.step
            )));
        }
        deltas::restore(frame, &self.layout, &mut self.values)?;
        self.step = Some(frame.step);
        Ok(())
    }

    /// What the last frame is restored to.
    pub(super) fn params(&self) -> Result<Params, Error> {
        self.layout.params(&self.values)
    }
}
