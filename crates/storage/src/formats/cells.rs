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

/// Names of the coordinates in tables of others.
const OTHER_COORDINATES: [&str; 3] = ["x", "y", "z"];

/// Which column of a table is what.
#[derive(Debug)]
pub(super) struct Columns {
    /// One an axis, or none.
    pub indices: Vec<usize>,
    /// One an axis.
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
    /// Finds the columns by their names; whatever has another name is an extra term. Without indices the coordinates say
    /// where a point is.
    pub(super) fn find(
        names: &[String],
        path: &Path,
        place: Place,
        notes: &mut Notes,
    ) -> Result<Columns, Error> {
        Columns::check_count(names.len(), path, place.clone())?;
        let wrong = |reason: String| Error::malformed(path, place.clone(), reason);
        let mut seen = HashSet::new();
        let mut named = names.iter().filter(|name| !name.is_empty());
        if let Some(twice) = named.find(|name| !seen.insert(name.as_str())) {
            return Err(wrong(format!("two columns are named `{twice}`")));
        }
        let column = |name: &str| {
            let exact = names.iter().position(|n| n == name);
            exact.or_else(|| names.iter().position(|n| n.eq_ignore_ascii_case(name)))
        };
        let mut coordinate_names = COORDINATES;
        if column(COORDINATES[0]).is_none() && column(OTHER_COORDINATES[0]).is_some() {
            coordinate_names = OTHER_COORDINATES;
        }
        let count = |all: [&str; 3]| all.iter().take_while(|n| column(n).is_some()).count();
        let (indexed, placed) = (count(INDICES), count(coordinate_names));
        if indexed == 0 && placed == 0 {
            return Err(wrong(format!(
                "there is no column `alpha` among {}; the columns are alpha, loss, of a plane alpha, beta, loss, and may \
                 be more",
                some_of(names.iter().map(String::as_str))
            )));
        }
        let dims = indexed.max(placed);
        if indexed != 0 && indexed != dims {
            let missing = INDICES[indexed];
            return Err(wrong(format!(
                "there is no column `{missing}`, for column `{}`",
                coordinate_names[indexed]
            )));
        }
        let needed =
            |name: &str| column(name).ok_or_else(|| wrong(format!("there is no column `{name}`")));
        let used_coordinates = &coordinate_names[..dims];
        let coordinates = used_coordinates.iter().map(|name| needed(name));
        let coordinates: Vec<usize> = coordinates.collect::<Result<_, _>>()?;
        let used_indices = &INDICES[..indexed];
        let fixed = |name: &&str| {
            MEASURES.contains(name)
                || *name == SOURCE
                || used_indices.contains(name)
                || used_coordinates.contains(name)
        };
        let all = INDICES.iter().chain(&coordinate_names);
        let stray = all.filter(|name| !fixed(name) && column(name).is_some());
        if let Some(stray) = stray.into_iter().next() {
            return Err(wrong(format!(
                "column `{stray}` needs the columns before it ({dims} axes found)"
            )));
        }
        let loss = needed("loss")?;
        if indexed == 0 {
            notes.say(
                "there are no indices i, j, k: the grid follows from the coordinates".to_owned(),
            );
        }
        if coordinate_names != COORDINATES {
            notes.say(format!(
                "{} are taken for {}",
                used_coordinates.join(", "),
                COORDINATES[..dims].join(", ")
            ));
        }
        let terms = names.iter().enumerate();
        let is_fixed = |name: &str| fixed(&name.to_ascii_lowercase().as_str());
        let terms = terms.filter(|(_, name)| !numbers_rows(name) && !is_fixed(name));
        Ok(Columns {
            indices: used_indices
                .iter()
                .filter_map(|name| column(name))
                .collect(),
            coordinates,
            loss,
            loss_se: column("loss_se"),
            accuracy: column("accuracy"),
            source: column(SOURCE),
            terms: terms.map(|(at, name)| (name.clone(), at)).collect(),
        })
    }

    /// Leaves out terms whose columns hold no numbers, and says so.
    pub(super) fn leave_out(&mut self, words: &[usize], notes: &mut Notes) {
        let out = |(_, at): &(String, usize)| words.contains(at);
        let named = self.terms.iter().filter(|term| out(term));
        let named: Vec<&str> = named.map(|(name, _)| name.as_str()).collect();
        if named.is_empty() {
            return;
        }
        let (columns, hold, are) = match named.len() {
            1 => ("column", "holds", "is"),
            _ => ("columns", "hold", "are"),
        };
        notes.say(format!(
            "{columns} {} {hold} no numbers, and {are} left out",
            some_of(named.into_iter())
        ));
        self.terms.retain(|term| !out(term));
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

/// Whether a column numbers the rows, as pandas writes it.
fn numbers_rows(name: &str) -> bool {
    name.is_empty() || name.starts_with("Unnamed: ") || name.starts_with("__index_level_")
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
    let span = || match columns.indices.is_empty() {
        false => Span::Indices(None),
        true => Span::Coordinates(Distinct::default()),
    };
    let mut spans: Vec<Span> = columns.coordinates.iter().map(|_| span()).collect();
    each(&mut |cell| {
        points += 1;
        known += usize::from(cell.sample.is_some());
        for (axis, span) in spans.iter_mut().enumerate() {
            span.widen(End::of(&cell, axis, path)?, reading)?;
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

/// What is known of an axis.
enum Span {
    /// Its lowest and its highest index.
    Indices(Option<(End, End)>),
    /// Its coordinates.
    Coordinates(Distinct),
}

/// How a point's index along an axis is found.
enum Way {
    /// As it stands in the file.
    Given,
    /// Counted from the other end: the coordinates fall.
    Turned { last: usize },
    /// By its coordinate.
    Coordinate,
}

impl Way {
    fn index(&self, cell: &Cell, axis: usize, on: &Axis) -> usize {
        match self {
            Way::Given => cell.indices[axis],
            Way::Turned { last } => last.saturating_sub(cell.indices[axis]),
            Way::Coordinate if on.step() > 0.0 => {
                ((cell.coordinates[axis] - on.min()) / on.step()).round() as usize
            }
            Way::Coordinate => 0,
        }
    }
}

impl Span {
    fn widen(&mut self, end: End, reading: &Reading<'_>) -> Result<(), Error> {
        match self {
            Span::Indices(ends) => widen(ends, end),
            Span::Coordinates(values) => {
                let fits = values.add(end.coordinate, reading.budget);
                fits.map_err(Error::too_large(reading.path))?;
            }
        }
        Ok(())
    }

    fn axis(self, axis: usize, path: &Path) -> Result<(Axis, Way), Error> {
        match self {
            Span::Indices(Some((low, high))) => axis_through(&low, &high, axis, path),
            Span::Indices(None) => {
                let reason = "there are no points";
                Err(Error::malformed(path, Place::default(), reason))
            }
            Span::Coordinates(values) => {
                let axis_of = values.axis().map_err(|reason| {
                    Error::malformed(path, Place::column(COORDINATES[axis]), reason)
                })?;
                Ok((axis_of, Way::Coordinate))
            }
        }
    }
}

/// Different numbers.
#[derive(Default)]
struct Distinct {
    values: Vec<f64>,
    /// How many are sorted and different.
    sorted: usize,
}

/// Coordinates that differ by less than this share of their range are one.
const SAME: f64 = 1e-9;

impl Distinct {
    fn add(&mut self, value: f64, budget: &Budget) -> Result<(), landscape_files::TooLarge> {
        self.values.push(value);
        if self.values.len() >= 2 * self.sorted.max(1024) {
            self.sort();
            budget.check((self.sorted as u64).saturating_mul(4 * size_of::<f64>() as u64))?;
        }
        Ok(())
    }

    fn sort(&mut self) {
        self.values.sort_unstable_by(f64::total_cmp);
        let range = self.range();
        self.values.dedup_by(|a, b| (*a - *b).abs() <= SAME * range);
        self.sorted = self.values.len();
    }

    fn range(&self) -> f64 {
        match (self.values.first(), self.values.last()) {
            (Some(first), Some(last)) => last - first,
            _ => 0.0,
        }
    }

    /// The even spacing on which they lie, some places perhaps empty.
    fn axis(mut self) -> Result<Axis, String> {
        self.sort();
        let (Some(&first), Some(&last)) = (self.values.first(), self.values.last()) else {
            return Err("there are no coordinates".to_owned());
        };
        let axis = |count: usize| Axis::new(first, last, count).map_err(|error| error.to_string());
        let full = axis(self.values.len())?;
        if self.lie_on(&full).is_ok() {
            return Ok(full);
        }
        let gaps = self.values.windows(2).map(|pair| pair[1] - pair[0]);
        let least = gaps.fold(f64::INFINITY, f64::min);
        let places = (self.range() / least).round() + 1.0;
        let sparse = match places < 1e9 {
            true => axis(places as usize)?,
            false => full,
        };
        self.lie_on(&sparse).map(|()| sparse)
    }

    fn lie_on(&self, axis: &Axis) -> Result<(), String> {
        let off = |&&value: &&f64| {
            let steps = (value - axis.min()) / axis.step();
            axis.step() > 0.0 && (steps - steps.round()).abs() > TOLERANCE
        };
        match self.values.iter().find(off) {
            None => Ok(()),
            Some(value) => Err(format!(
                "{value:?} is on no even spacing from {:?} to {:?}; give columns i and j that number the points",
                axis.min(),
                axis.max()
            )),
        }
    }
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

/// The axis through the lowest and the highest index that occur; it runs upwards.
fn axis_through(low: &End, high: &End, axis: usize, path: &Path) -> Result<(Axis, Way), Error> {
    let step = match high.index - low.index {
        0 => 0.0,
        steps => (high.coordinate - low.coordinate) / steps as f64,
    };
    let first = low.coordinate - low.index as f64 * step;
    let ((from, to), way) = match step < 0.0 {
        true => ((high.coordinate, first), Way::Turned { last: high.index }),
        false => ((first, high.coordinate), Way::Given),
    };
    let found = Axis::new(from, to, high.index.saturating_add(1));
    let found = found.map_err(|error| {
        let place = Place::cell(high.row, COORDINATES[axis]);
        Error::malformed(path, place, error.to_string())
    })?;
    Ok((found, way))
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
            let words = format!("{given:?} is taken as {even:?}{place}");
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
        self.say(format!("`{name}` falls, and is turned: axes rise"));
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
