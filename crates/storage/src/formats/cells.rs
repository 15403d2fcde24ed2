//! From rows of points to a surface: which columns there are, which grid the rows lie on.

use super::{COORDINATES, INDICES, MEASURES, SOURCE};
use crate::error::{Error, Place};
use landscape_core::{Axis, Grid, PointSource, Sample, Surface, Term};
use landscape_files::Budget;
use std::collections::HashSet;
use std::path::Path;

/// How far a coordinate may be from an even spacing, in steps. Files may hold rounded numbers.
const TOLERANCE: f64 = 1e-3;
/// How far, in steps, without a word: what rounding to f32 or to six digits does.
const ROUNDED: f64 = 1e-4;
/// The most columns of a table.
pub(super) const MAX_COLUMNS: usize = 1_000;

/// A grid whose size comes from indices alone may be this large, or have this many points for each
/// one given: one wrong index must not take all memory.
const SMALL: usize = 1_000_000;
const SPARSEST: usize = 1_000;

/// Which column of a table is what.
#[derive(Debug)]
pub(super) struct Columns {
    pub indices: Vec<usize>,
    pub coordinates: Vec<usize>,
    pub loss: usize,
    pub loss_se: Option<usize>,
    pub accuracy: Option<usize>,
    /// Whether a point is measured or interpolated.
    pub source: Option<usize>,
    /// Name and column of each extra term.
    pub terms: Vec<(String, usize)>,
}

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

impl Columns {
    /// Finds the columns by their names; whatever has another name is an extra term.
    pub(super) fn find(names: &[String], path: &Path, place: Place) -> Result<Columns, Error> {
        Columns::check_count(names.len(), path, place.clone())?;
        let wrong = |reason: String| Error::malformed(path, place.clone(), reason);
        let mut seen = HashSet::new();
        let mut named = names.iter().filter(|name| !name.is_empty());
        if let Some(twice) = named.find(|name| !seen.insert(name.as_str())) {
            return Err(wrong(format!("two columns are named `{twice}`")));
        }
        let column = |name: &str| names.iter().position(|n| n == name);
        let dims = INDICES.iter().take_while(|n| column(n).is_some()).count();
        if dims == 0 {
            return Err(wrong(format!(
                "there is no column `i` among {}; the columns are i, alpha, loss, of a plane i, j, alpha, beta, loss",
                some_of(names.iter().map(String::as_str))
            )));
        }
        let needed =
            |name: &str| column(name).ok_or_else(|| wrong(format!("there is no column `{name}`")));
        let coordinates = COORDINATES[..dims].iter().map(|name| needed(name));
        let (used_indices, used_coordinates) = (&INDICES[..dims], &COORDINATES[..dims]);
        let fixed = |name: &&str| {
            MEASURES.contains(name)
                || *name == SOURCE
                || used_indices.contains(name)
                || used_coordinates.contains(name)
        };
        if let Some(stray) = INDICES[dims..]
            .iter()
            .chain(&COORDINATES[dims..])
            .find(|n| column(n).is_some())
        {
            return Err(wrong(format!(
                "column `{stray}` needs the columns before it ({} axes found)",
                dims
            )));
        }
        // A column without a name numbers the rows.
        let terms = names.iter().enumerate();
        let terms = terms.filter(|(_, name)| !name.is_empty() && !fixed(&name.as_str()));
        Ok(Columns {
            indices: used_indices
                .iter()
                .filter_map(|name| column(name))
                .collect(),
            coordinates: coordinates.collect::<Result<_, _>>()?,
            loss: needed("loss")?,
            loss_se: column("loss_se"),
            accuracy: column("accuracy"),
            source: column(SOURCE),
            terms: terms.map(|(at, name)| (name.clone(), at)).collect(),
        })
    }

    /// Checks that there are no more columns than are read.
    pub(super) fn check_count(count: usize, path: &Path, place: Place) -> Result<(), Error> {
        match count {
            0..=MAX_COLUMNS => Ok(()),
            _ => {
                let reason = format!("{count} columns; at most {MAX_COLUMNS} are read");
                Err(Error::malformed(path, place, reason))
            }
        }
    }

    /// The extra terms. A table of points does not say how they are weighted: their weight is 0,
    /// so that the total loss stays the loss.
    pub(super) fn terms(&self) -> Vec<Term> {
        let term = |(name, _): &(String, usize)| Term {
            name: name.clone(),
            weight: 0.0,
        };
        self.terms.iter().map(term).collect()
    }
}

/// The first few of the names in a file.
pub(super) fn some_of<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    const SHOWN: usize = 6;
    let rest = names.len().saturating_sub(SHOWN);
    let short = |name: &str| name.chars().take(40).collect::<String>();
    let shown = names
        .take(SHOWN)
        .map(|name| format!("`{}`", short(name).escape_debug()));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match rest {
        0 => shown,
        rest => format!("{shown} and {rest} more"),
    }
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

/// The surface of these points, on the grid that their indices and coordinates span. The table is gone
/// through twice, so that it is never in memory.
pub(super) fn infer(
    each: Each<'_>,
    dims: usize,
    terms: Vec<Term>,
    reading: &mut Reading<'_>,
) -> Result<Surface, Error> {
    let path = reading.path;
    let wrong = |reason: String| Error::malformed(path, Place::default(), reason);
    let (mut points, mut known) = (0usize, 0usize);
    let mut ends: Vec<Option<(End, End)>> = vec![None; dims];
    each(&mut |cell| {
        points += 1;
        known += usize::from(cell.sample.is_some());
        for (axis, ends) in ends.iter_mut().enumerate() {
            widen(ends, End::of(&cell, axis, path)?);
        }
        Ok(())
    })?;
    let axes = ends.iter().enumerate().map(|(axis, ends)| match ends {
        Some((low, high)) if known > 0 => axis_through(low, high, axis, path),
        _ => Err(wrong("there are no points".to_owned())),
    });
    let grid = Grid::new(axes.collect::<Result<_, _>>()?).map_err(|e| wrong(e.to_string()))?;
    if grid.len() > SMALL.max(points.saturating_mul(SPARSEST)) {
        let shape = grid.shape();
        return Err(wrong(format!(
            "{points} points do not fill a grid of {shape:?}; is an index wrong?"
        )));
    }
    place(each, grid, terms, reading)
}

/// The lowest or highest index along an axis, its coordinate, and its row.
#[derive(Debug, Clone, Copy)]
struct End {
    index: usize,
    coordinate: f64,
    row: usize,
}

impl End {
    fn of(cell: &Cell, axis: usize, path: &Path) -> Result<End, Error> {
        let coordinate = cell.coordinates[axis];
        if !coordinate.is_finite() {
            let place = Place::cell(cell.row, COORDINATES[axis]);
            let reason = format!("{coordinate} is not a coordinate");
            return Err(Error::malformed(path, place, reason));
        }
        Ok(End {
            index: cell.indices[axis],
            coordinate,
            row: cell.row,
        })
    }
}

fn widen(ends: &mut Option<(End, End)>, end: End) {
    let (low, high) = ends.get_or_insert((end, end));
    if end.index < low.index {
        *low = end;
    }
    if end.index >= high.index {
        *high = end;
    }
}

/// The axis through the lowest and the highest index that occur.
fn axis_through(low: &End, high: &End, axis: usize, path: &Path) -> Result<Axis, Error> {
    let step = match high.index - low.index {
        0 => 0.0,
        steps => (high.coordinate - low.coordinate) / steps as f64,
    };
    let first = low.coordinate - low.index as f64 * step;
    Axis::new(first, high.coordinate, high.index.saturating_add(1)).map_err(|error| {
        let place = Place::cell(high.row, COORDINATES[axis]);
        Error::malformed(path, place, error.to_string())
    })
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
        let reason = format!("{accuracy:?} is not an accuracy, which is a share from 0 to 1{hint}");
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
        false => Err(format!("{given:?} where even spacing has {even:?}")),
    }
}

/// The axis of coordinates given one by one under a name.
pub(super) fn axis_of(values: &[f64], name: &str, notes: &mut Notes) -> Result<Axis, String> {
    let (Some(&min), Some(&max)) = (values.first(), values.last()) else {
        return Err("there are no coordinates".to_owned());
    };
    let axis = Axis::new(min, max, values.len()).map_err(|error| error.to_string())?;
    check_values(values, &axis, name, notes)?;
    Ok(axis)
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
}

impl Notes {
    /// A coordinate was taken as one of the grid.
    fn moved(&mut self, steps: f64, given: f64, even: f64, place: &Place) {
        if steps > ROUNDED && self.farthest.as_ref().is_none_or(|(most, _)| steps > *most) {
            let words = format!("{given:?} is taken as {even:?}{place}");
            self.farthest = Some((steps, words));
        }
    }

    /// The notes as sentences.
    pub(crate) fn sentences(self) -> Vec<String> {
        let sentence = |(steps, words)| {
            format!(
                "coordinates are not evenly spaced, and are moved onto the grid by up to {steps:.1e} \
                 of a step: {words}"
            )
        };
        self.farthest.map(sentence).into_iter().collect()
    }
}
