//! From rows of points to a surface: which columns there are, which grid the rows lie on.

use super::{COORDINATES, INDICES, MEASURES, SOURCE};
use crate::error::{Error, Place};
use landscape_core::{Axis, Grid, PointSource, Sample, Surface, Term};
use std::path::Path;

/// How far a coordinate may be from an even spacing, in steps. Files may hold rounded numbers.
const TOLERANCE: f64 = 1e-3;

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
    pub sample: Sample,
}

impl Columns {
    /// Finds the columns by their names; whatever has another name is an extra term.
    pub(super) fn find(names: &[String], path: &Path, place: Place) -> Result<Columns, Error> {
        let wrong = |reason: String| Error::malformed(path, place.clone(), reason);
        for (at, name) in names.iter().enumerate() {
            if names[..at].contains(name) {
                return Err(wrong(format!("two columns are named `{name}`")));
            }
        }
        let column = |name: &str| names.iter().position(|n| n == name);
        let dims = INDICES.iter().take_while(|n| column(n).is_some()).count();
        if dims == 0 {
            return Err(wrong("there is no column `i`".to_owned()));
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
        let terms = names.iter().enumerate();
        let terms = terms.filter(|(_, name)| !fixed(&name.as_str()));
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

/// The surface of these points, on the grid that their indices and coordinates span.
pub(super) fn infer(
    cells: Vec<Cell>,
    dims: usize,
    terms: Vec<Term>,
    path: &Path,
) -> Result<Surface, Error> {
    if cells.is_empty() {
        return Err(Error::malformed(
            path,
            Place::default(),
            "there are no points",
        ));
    }
    let axes = (0..dims).map(|axis| infer_axis(&cells, axis, path));
    let grid = Grid::new(axes.collect::<Result<_, _>>()?)
        .map_err(|error| Error::malformed(path, Place::default(), error.to_string()))?;
    if grid.len() > SMALL.max(cells.len().saturating_mul(SPARSEST)) {
        let (points, shape) = (cells.len(), grid.shape());
        let reason = format!("{points} points do not fill a grid of {shape:?}; is an index wrong?");
        return Err(Error::malformed(path, Place::default(), reason));
    }
    place(cells, grid, terms, path)
}

/// The axis through the lowest and the highest index that occur.
fn infer_axis(cells: &[Cell], axis: usize, path: &Path) -> Result<Axis, Error> {
    let key = |cell: &&Cell| cell.indices[axis];
    let (Some(low), Some(high)) = (cells.iter().min_by_key(key), cells.iter().max_by_key(key))
    else {
        return Err(Error::malformed(
            path,
            Place::default(),
            "there are no points",
        ));
    };
    let (first, last) = (low.indices[axis], high.indices[axis]);
    let (min, max) = (low.coordinates[axis], high.coordinates[axis]);
    if let Some(broken) = cells
        .iter()
        .find(|cell| !cell.coordinates[axis].is_finite())
    {
        let reason = format!("{} is not a coordinate", broken.coordinates[axis]);
        return Err(Error::malformed(
            path,
            Place::cell(broken.row, COORDINATES[axis]),
            reason,
        ));
    }
    let step = match last - first {
        0 => 0.0,
        steps => (max - min) / steps as f64,
    };
    Axis::new(min - first as f64 * step, max, last + 1).map_err(|error| {
        Error::malformed(
            path,
            Place::cell(high.row, COORDINATES[axis]),
            error.to_string(),
        )
    })
}

/// Puts points on a grid; each must lie where its indices say.
pub(super) fn place(
    cells: Vec<Cell>,
    grid: Grid,
    terms: Vec<Term>,
    path: &Path,
) -> Result<Surface, Error> {
    let mut surface = Surface::new(grid, terms);
    for cell in cells {
        let row = cell.row;
        let Some(flat) = surface.grid().index(cell.indices) else {
            let shape = surface.grid().shape();
            let reason = format!("point {:?} is not on the grid of {shape:?}", cell.indices);
            return Err(Error::malformed(path, Place::line(row), reason));
        };
        for (axis, coordinates) in surface.grid().axes().iter().enumerate() {
            let (given, even) = (
                cell.coordinates[axis],
                coordinates.value(cell.indices[axis]),
            );
            check_coordinate(given, even, coordinates).map_err(|reason| {
                Error::malformed(path, Place::cell(row, COORDINATES[axis]), reason)
            })?;
        }
        if surface.get(flat).is_some() {
            let reason = format!(
                "point {:?} occurs twice",
                &cell.indices[..surface.grid().dims()]
            );
            return Err(Error::malformed(path, Place::line(row), reason));
        }
        match cell.source {
            PointSource::Measured => surface.set(flat, cell.sample)?,
            PointSource::Interpolated => surface.set_interpolated(flat, cell.sample)?,
        }
    }
    Ok(surface)
}

/// Checks that a coordinate is where an even spacing has it.
pub(super) fn check_coordinate(given: f64, even: f64, axis: &Axis) -> Result<(), String> {
    let step = axis.step();
    let allowed = match step > 0.0 {
        true => TOLERANCE * step,
        false => TOLERANCE * even.abs().max(f64::MIN_POSITIVE),
    };
    match (given - even).abs() <= allowed {
        true => Ok(()),
        false => Err(format!("{given:?} where even spacing has {even:?}")),
    }
}

/// The axis of coordinates given one by one.
pub(super) fn axis_of(values: &[f64]) -> Result<Axis, String> {
    let (Some(&min), Some(&max)) = (values.first(), values.last()) else {
        return Err("there are no coordinates".to_owned());
    };
    let axis = Axis::new(min, max, values.len()).map_err(|error| error.to_string())?;
    for (at, &value) in values.iter().enumerate() {
        check_coordinate(value, axis.value(at), &axis)
            .map_err(|reason| format!("value {at}: {reason}"))?;
    }
    Ok(axis)
}
