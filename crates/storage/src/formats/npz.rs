//! NumPy's archives of arrays.

use super::COORDINATES;
use super::cells::{Notes, axis_of, check_sample, empty, turned};
use crate::error::{Error, Place};
use landscape_core::{Axis, Grid, PointSource, Sample, Surface, Term, Value};
use landscape_files::Npz;
use ndarray::{Array1, ArrayD, IxDyn};
use ndarray_npy::NpzWriter;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// What stands before the name of an extra term in the name of its array.
const TERM: &str = "term_";
/// The array with the weights of the extra terms.
const WEIGHTS: &str = "weights";
/// The array that says which points were measured; absent when all were.
const MEASURED: &str = "measured";
/// The array that says which points were interpolated; absent when none were.
const INTERPOLATED: &str = "interpolated";

pub(super) fn write(surface: &Surface, file: File, path: &Path) -> Result<(), Error> {
    let failed =
        |error: ndarray_npy::WriteNpzError| Error::io("write", path)(std::io::Error::other(error));
    let mut out = NpzWriter::new(std::io::BufWriter::new(file));
    for (axis, name) in surface.grid().axes().iter().zip(COORDINATES) {
        out.add_array(name, &Array1::from(axis.values()))
            .map_err(failed)?;
    }
    out.add_array("loss", &array(surface, Value::Loss))
        .map_err(failed)?;
    for (name, value) in [("loss_se", Value::LossSe), ("accuracy", Value::Accuracy)] {
        let known = |flat| surface.value(flat, value).is_some();
        if (0..surface.grid().len()).any(known) {
            out.add_array(name, &array(surface, value))
                .map_err(failed)?;
        }
    }
    for (at, term) in surface.terms().iter().enumerate() {
        let name = format!("{TERM}{}", term.name);
        out.add_array(name, &array(surface, Value::Term(at)))
            .map_err(failed)?;
    }
    if !surface.terms().is_empty() {
        let weights: Array1<f64> = surface.terms().iter().map(|term| term.weight).collect();
        out.add_array(WEIGHTS, &weights).map_err(failed)?;
    }
    for (name, source) in [
        (MEASURED, PointSource::Measured),
        (INTERPOLATED, PointSource::Interpolated),
    ] {
        let flags = (0..surface.grid().len()).map(|flat| surface.source(flat) == Some(source));
        let needed = match source {
            PointSource::Measured => surface.measured() < surface.grid().len(),
            PointSource::Interpolated => surface.interpolated() > 0,
        };
        if needed {
            out.add_array(name, &shaped(surface, flags.collect()))
                .map_err(failed)?;
        }
    }
    let file = out
        .finish()
        .map_err(failed)?
        .into_inner()
        .map_err(|error| Error::io("write", path)(error.into_error()))?;
    file.sync_all().map_err(Error::io("write", path))
}

fn array(surface: &Surface, value: Value) -> ArrayD<f64> {
    shaped(surface, surface.values(value))
}

fn shaped<T>(surface: &Surface, values: Vec<T>) -> ArrayD<T> {
    ArrayD::from_shape_vec(IxDyn(&surface.grid().shape()), values)
        .expect("one value for each point of the grid")
}

pub(super) fn read(path: &Path, notes: &mut Notes) -> Result<Surface, Error> {
    let mut archive = Archive::open(path)?;
    let (grid, falls) = archive.grid(notes)?;
    let loss = archive.over(&grid, "loss")?;
    let loss_se = archive.optional(&grid, "loss_se")?;
    let accuracy = archive.optional(&grid, "accuracy")?;
    let measured = archive.flags(&grid, MEASURED)?;
    let interpolated = archive.flags(&grid, INTERPOLATED)?;
    let (terms, values) = archive.terms(&grid)?;
    let mut surface = empty(grid, terms, path, archive.npz.budget())?;
    // Where there is no value, arrays hold NaN.
    let known = |value: &f64| !value.is_nan();
    let at =
        |list: &Option<Vec<f64>>, flat: usize| list.as_ref().map(|list| list[flat]).filter(known);
    let flag = |list: &Option<Vec<bool>>, flat: usize| list.as_ref().map(|list| list[flat]);
    for (flat, &loss) in loss.iter().enumerate() {
        let measured = flag(&measured, flat) != Some(false);
        if !measured && flag(&interpolated, flat) != Some(true) {
            continue;
        }
        let sample = Sample {
            loss,
            loss_se: at(&loss_se, flat),
            accuracy: at(&accuracy, flat),
            terms: values.iter().map(|values| values[flat]).collect(),
        };
        check_sample(&sample)
            .map_err(|(name, reason)| archive.wrong(name, format!("value {flat}: {reason}")))?;
        let place = turned(surface.grid(), &falls, flat);
        match measured {
            true => surface.set(place, sample)?,
            false => surface.set_interpolated(place, sample)?,
        }
    }
    Ok(surface)
}

/// An archive and the names in it, without the ending `.npy`.
struct Archive<'a> {
    path: &'a Path,
    npz: Npz<BufReader<File>>,
    names: Vec<String>,
}

impl<'a> Archive<'a> {
    fn open(path: &'a Path) -> Result<Self, Error> {
        let npz = Npz::open(path).map_err(|error| Error::file(path, Place::default(), error))?;
        let names = npz.names();
        Ok(Archive { path, npz, names })
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|n| n == name)
    }

    fn wrong(&self, name: &str, reason: impl Into<String>) -> Error {
        Error::malformed(self.path, Place::column(name), reason)
    }

    /// The grid, and which of its axes fall in the file.
    fn grid(&mut self, notes: &mut Notes) -> Result<(Grid, Vec<bool>), Error> {
        let count = COORDINATES.iter().take_while(|name| self.has(name)).count();
        if count == 0 {
            return Err(self.wrong("alpha", "there is no such array"));
        }
        let mut axes: Vec<Axis> = Vec::with_capacity(count);
        let mut falls = Vec::with_capacity(count);
        for name in &COORDINATES[..count] {
            let (shape, values) = self.numbers(name)?;
            if shape.len() != 1 {
                let reason = format!("the shape is {shape:?}, not that of a list");
                return Err(self.wrong(name, reason));
            }
            let axis = axis_of(&values, name, notes);
            let (axis, fall) = axis.map_err(|reason| self.wrong(name, reason))?;
            axes.push(axis);
            falls.push(fall);
        }
        let grid = Grid::new(axes).map_err(|error| self.wrong("alpha", error.to_string()))?;
        Ok((grid, falls))
    }

    /// An array over the grid, in grid order.
    fn over(&mut self, grid: &Grid, name: &str) -> Result<Vec<f64>, Error> {
        let (shape, values) = self.numbers(name)?;
        self.check_shape(grid, name, &shape)?;
        Ok(values)
    }

    fn optional(&mut self, grid: &Grid, name: &str) -> Result<Option<Vec<f64>>, Error> {
        match self.has(name) {
            true => self.over(grid, name).map(Some),
            false => Ok(None),
        }
    }

    fn flags(&mut self, grid: &Grid, name: &str) -> Result<Option<Vec<bool>>, Error> {
        if !self.has(name) {
            return Ok(None);
        }
        let (shape, values) = self.numbers(name)?;
        self.check_shape(grid, name, &shape)?;
        Ok(Some(values.into_iter().map(|value| value != 0.0).collect()))
    }

    /// The extra terms, in the order of the archive, and their values.
    fn terms(&mut self, grid: &Grid) -> Result<(Vec<Term>, Vec<Vec<f64>>), Error> {
        let names: Vec<String> = self
            .names
            .iter()
            .filter(|n| n.starts_with(TERM))
            .cloned()
            .collect();
        let weights: Vec<f64> = match self.has(WEIGHTS) {
            true => self.numbers(WEIGHTS)?.1,
            false => vec![0.0; names.len()],
        };
        if weights.len() != names.len() {
            let reason = format!("{} weights for {} terms", weights.len(), names.len());
            return Err(self.wrong(WEIGHTS, reason));
        }
        let mut terms = Vec::new();
        let mut values = Vec::new();
        for (name, weight) in names.iter().zip(weights) {
            values.push(self.over(grid, name)?);
            let name = name[TERM.len()..].to_owned();
            terms.push(Term { name, weight });
        }
        Ok((terms, values))
    }

    fn check_shape(&self, grid: &Grid, name: &str, shape: &[usize]) -> Result<(), Error> {
        let wanted = grid.shape();
        match shape == wanted {
            true => Ok(()),
            false => Err(self.wrong(
                name,
                format!("the shape is {shape:?}, the axes have {wanted:?}"),
            )),
        }
    }

    /// Shape and values of an array of floating-point numbers, integers or flags.
    fn numbers(&mut self, name: &str) -> Result<(Vec<usize>, Vec<f64>), Error> {
        let failed = |error| Error::file(self.path, Place::column(name), error);
        let found = self.npz.array(name).map_err(failed)?;
        let missing = || Error::malformed(self.path, Place::column(name), "there is no such array");
        let array = found.ok_or_else(missing)?;
        let shape = array.shape().to_vec();
        Ok((shape, array.values().map_err(failed)?))
    }
}
