//! From rows of points to a surface, on the grid that they lie on.

use super::COORDINATES;
use super::columns::Columns;
use super::spans::{Span, Way};
use crate::error::{Error, Place};
use landscape_core::{Axis, Grid, PointSource, Sample, Surface, Term};
use landscape_files::Budget;
use std::path::Path;

/// How far a coordinate may be from an even spacing, in steps. Files may hold rounded numbers.
pub(super) const TOLERANCE: f64 = 1e-3;
/// How far, in steps, without a word: what rounding to f32 or to six digits does.
const ROUNDED: f64 = 1e-4;
/// A grid whose size comes from indices alone may be this large, or have this many points for each
/// one given: one wrong index must not take all memory.
const SMALL: usize = 1_000_000;
const SPARSEST: usize = 1_000;

/// A row of a table of points, and where it stands in the file.
#[derive(Debug)]
pub(super) struct Cell {
    pub row: usize,
    pub indices: [usize; 3],
    pub coordinates: [f64; 3],
    pub source: PointSource,
    /// `None` where the row says that nothing is known.
    pub sample: Option<Sample>,
}

/// Gives every point of a table to a function, in the order of the file.
pub(super) type Each<'a> =
    &'a dyn Fn(&mut dyn FnMut(Cell) -> Result<(), Error>) -> Result<(), Error>;

/// What reading a file is done with.
pub(super) struct Reading<'a> {
    pub path: &'a Path,
    pub budget: &'a Budget,
    pub notes: &'a mut Notes,
}

/// The surface of these points, on the grid that their indices and coordinates span, or the latter alone. The table is
/// gone through twice, so that it is never in memory.
pub(super) fn infer(
    each: Each<'_>,
    columns: &Columns,
    reading: &mut Reading<'_>,
) -> Result<Surface, Error> {
    let path = reading.path;
    let wrong = |reason: String| Error::malformed(path, Place::default(), reason);
    let (mut points, mut known) = (0usize, 0usize);
    let span = |_: &usize| Span::new(!columns.indices.is_empty());
    let mut spans: Vec<Span> = columns.coordinates.iter().map(span).collect();
    each(&mut |cell| {
        points += 1;
        known += usize::from(cell.sample.is_some());
        for (axis, span) in spans.iter_mut().enumerate() {
            span.widen(&cell, axis, reading)?;
        }
        Ok(())
    })?;
    if known == 0 {
        return Err(wrong("there are no points".to_owned()));
    }
    let found = spans.into_iter().enumerate();
    let found = found.map(|(axis, span)| span.axis(axis, path));
    let found: Vec<(Axis, Way)> = found.collect::<Result<_, _>>()?;
    let (axes, ways): (Vec<Axis>, Vec<Way>) = found.into_iter().unzip();
    let grid = Grid::new(axes).map_err(|e| wrong(e.to_string()))?;
    if grid.len() > SMALL.max(points.saturating_mul(SPARSEST)) {
        let shape = grid.shape();
        return Err(wrong(format!(
            "{points} points do not fill a grid of {shape:?}; is an index wrong?"
        )));
    }
    for (name, way) in COORDINATES.iter().zip(&ways) {
        if matches!(way, Way::Turned { .. }) {
            reading.notes.turned(name);
        }
    }
    let turned = |take: &mut dyn FnMut(Cell) -> Result<(), Error>| {
        each(&mut |mut cell| {
            for (axis, way) in ways.iter().enumerate() {
                cell.indices[axis] = way.index(&cell, axis, &grid.axes()[axis]);
            }
            take(cell)
        })
    };
    place(&turned, grid.clone(), columns.terms(), reading)
}

/// A surface without points, when there is memory for it.
pub(super) fn empty(
    grid: Grid,
    terms: Vec<Term>,
    path: &Path,
    budget: &Budget,
) -> Result<Surface, Error> {
    let width = match terms.len() {
        0 => size_of::<Option<Sample>>(),
        count => size_of::<Option<Sample>>() + 16 + 8 * count,
    };
    let spent = budget.spend_each(grid.len(), width);
    spent.map_err(Error::too_large(path))?;
    Ok(Surface::new(grid, terms))
}

/// Puts points on a grid; each must lie where its indices say.
pub(super) fn place(
    each: Each<'_>,
    grid: Grid,
    terms: Vec<Term>,
    reading: &mut Reading<'_>,
) -> Result<Surface, Error> {
    let path = reading.path;
    let mut surface = empty(grid, terms, path, reading.budget)?;
    each(&mut |cell| put(&mut surface, cell, path, reading.notes))?;
    Ok(surface)
}

fn put(surface: &mut Surface, cell: Cell, path: &Path, notes: &mut Notes) -> Result<(), Error> {
    let row = cell.row;
    let wrong = |reason| Err(Error::malformed(path, Place::line(row), reason));
    let Some(flat) = surface.grid().index(cell.indices) else {
        let shape = surface.grid().shape();
        return wrong(format!(
            "point {:?} is not on the grid of {shape:?}",
            cell.indices
        ));
    };
    for (axis, coordinates) in surface.grid().axes().iter().enumerate() {
        let given = cell.coordinates[axis];
        let even = coordinates.value(cell.indices[axis]);
        let place = Place::cell(row, COORDINATES[axis]);
        match off(given, even, coordinates) {
            Ok(steps) => notes.moved(steps, given, even, &place),
            Err(reason) => return Err(Error::malformed(path, place, reason)),
        }
    }
    if surface.get(flat).is_some() {
        return wrong(format!(
            "point {:?} occurs twice",
            &cell.indices[..surface.grid().dims()]
        ));
    }
    let Some(sample) = cell.sample else {
        return Ok(());
    };
    check_sample(&sample)
        .map_err(|(name, reason)| Error::malformed(path, Place::cell(row, name), reason))?;
    match cell.source {
        PointSource::Measured => surface.set(flat, sample)?,
        PointSource::Interpolated => surface.set_interpolated(flat, sample)?,
    }
    Ok(())
}

/// Checks the numbers that have a range; gives the name of the one that is wrong, and why.
pub(super) fn check_sample(sample: &Sample) -> Result<(), (&'static str, String)> {
    if let Some(accuracy) = sample.accuracy
        && !accuracy.is_nan()
        && !(0.0..=1.0).contains(&accuracy)
    {
        let hint = match (1.0..=100.0).contains(&accuracy) {
            true => "; if it is a percentage, divide it by 100",
            false => "",
        };
        let reason =
            format!("{accuracy:?} is not an accuracy, which is a number from 0 to 1{hint}");
        return Err(("accuracy", reason));
    }
    match sample.loss_se {
        Some(error) if error < 0.0 => {
            let reason = format!("{error:?} is not a standard error, which is never negative");
            Err(("loss_se", reason))
        }
        _ => Ok(()),
    }
}

/// How far a coordinate is from where an even spacing has it, in steps; an error beyond
/// [`TOLERANCE`].
fn off(given: f64, even: f64, axis: &Axis) -> Result<f64, String> {
    let unit = match axis.step() > 0.0 {
        true => axis.step(),
        false => even.abs().max(f64::MIN_POSITIVE),
    };
    let steps = (given - even).abs() / unit;
    match steps <= TOLERANCE {
        true => Ok(steps),
        false => Err(format!(
            "{given:?} where evenly spaced points have {even:?}"
        )),
    }
}

/// The axis of coordinates given one by one under a name, and whether they fall; the axis rises.
pub(super) fn axis_of(
    values: &[f64],
    name: &str,
    notes: &mut Notes,
) -> Result<(Axis, bool), String> {
    let (Some(&first), Some(&last)) = (values.first(), values.last()) else {
        return Err("there are no coordinates".to_owned());
    };
    let falls = first > last;
    let rising: Vec<f64> = match falls {
        true => values.iter().rev().copied().collect(),
        false => values.to_vec(),
    };
    let (min, max) = if falls { (last, first) } else { (first, last) };
    let axis = Axis::new(min, max, values.len()).map_err(|error| error.to_string())?;
    check_values(&rising, &axis, name, notes)?;
    if falls {
        notes.turned(name);
    }
    Ok((axis, falls))
}

/// The point of a grid that a file numbers so, where some of its axes fall.
pub(super) fn turned(grid: &Grid, falls: &[bool], flat: usize) -> usize {
    if !falls.contains(&true) {
        return flat;
    }
    let mut indices = grid.unravel(flat);
    for (axis, count) in grid.shape().into_iter().enumerate() {
        if falls.get(axis) == Some(&true) {
            indices[axis] = count - 1 - indices[axis];
        }
    }
    grid.index(indices).unwrap_or(flat)
}

/// Checks that coordinates are those of an axis with as many.
pub(super) fn check_values(
    values: &[f64],
    axis: &Axis,
    name: &str,
    notes: &mut Notes,
) -> Result<(), String> {
    for (at, &value) in values.iter().enumerate() {
        let even = axis.value(at);
        let steps = off(value, even, axis).map_err(|reason| format!("value {at}: {reason}"))?;
        notes.moved(steps, value, even, &Place::column(name));
    }
    Ok(())
}

/// What is worth knowing about a file that was read.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// The coordinate that was moved most: by how many steps, and the words for it.
    farthest: Option<(f64, String)>,
    /// Sentences.
    said: Vec<String>,
}

impl Notes {
    /// A coordinate was taken as one of the grid.
    fn moved(&mut self, steps: f64, given: f64, even: f64, place: &Place) {
        if steps > ROUNDED && self.farthest.as_ref().is_none_or(|(most, _)| steps > *most) {
            let words = format!("{given:?} becomes {even:?}{place}");
            self.farthest = Some((steps, words));
        }
    }

    /// A sentence, once.
    pub(super) fn say(&mut self, words: String) {
        if !self.said.contains(&words) {
            self.said.push(words);
        }
    }

    /// Coordinates fall.
    fn turned(&mut self, name: &str) {
        self.say(format!("`{name}` descends, and is reversed: axes ascend"));
    }

    /// The notes as sentences.
    pub(crate) fn sentences(self) -> Vec<String> {
        let sentence = |(steps, words)| {
            format!(
                "coordinates are not evenly spaced, and are moved onto the grid by up to {steps:.1e} \
                 of a step: {words}"
            )
        };
        let mut all = self.said;
        all.extend(self.farthest.map(sentence));
        all
    }
}
