//! The axis that the points of a table span: by their indices, or by their coordinates alone.

use super::COORDINATES;
use super::cells::{Cell, Reading, TOLERANCE};
use crate::error::{Error, Place};
use landscape_core::Axis;
use landscape_files::Budget;
use std::path::Path;

/// What is known of an axis.
pub(super) enum Span {
    /// Its lowest and its highest index.
    Indices(Option<(End, End)>),
    /// Its coordinates.
    Coordinates(Distinct),
}

/// How a point's index along an axis is found.
pub(super) enum Way {
    /// As it stands in the file.
    Given,
    /// Counted from the other end: the coordinates fall.
    Turned { last: usize },
    /// By its coordinate.
    Coordinate,
}

impl Way {
    pub(super) fn index(&self, cell: &Cell, axis: usize, on: &Axis) -> usize {
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
    /// Nothing yet.
    pub(super) fn new(indexed: bool) -> Self {
        match indexed {
            true => Span::Indices(None),
            false => Span::Coordinates(Distinct::default()),
        }
    }

    /// Takes the place of a point.
    pub(super) fn widen(
        &mut self,
        cell: &Cell,
        axis: usize,
        reading: &Reading<'_>,
    ) -> Result<(), Error> {
        let end = End::of(cell, axis, reading.path)?;
        match self {
            Span::Indices(ends) => widen(ends, end),
            Span::Coordinates(values) => {
                let fits = values.add(end.coordinate, reading.budget);
                fits.map_err(Error::too_large(reading.path))?;
            }
        }
        Ok(())
    }

    /// The axis, and how indices along it are found.
    pub(super) fn axis(self, axis: usize, path: &Path) -> Result<(Axis, Way), Error> {
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
pub(super) struct Distinct {
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
                "{value:?} is not at an even spacing from {:?} to {:?}; give columns i and j that number the points",
                axis.min(),
                axis.max()
            )),
        }
    }
}

/// The lowest or highest index along an axis, its coordinate, and its row.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
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
