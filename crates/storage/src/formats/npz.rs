//! NumPy's archives of arrays.

use super::COORDINATES;
use super::cells::axis_of;
use crate::error::{Error, Place};
use landscape_core::{Axis, Grid, PointSource, Sample, Surface, Term, Value};
use ndarray::{Array1, ArrayD, IxDyn};
use ndarray_npy::{NpzReader, NpzWriter, ReadNpyError, ReadNpzError, ReadableElement};
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

pub(super) fn read(path: &Path) -> Result<Surface, Error> {
    let mut archive = Archive::open(path)?;
    let grid = archive.grid()?;
    let loss = archive.over(&grid, "loss")?;
    let loss_se = archive.optional(&grid, "loss_se")?;
    let accuracy = archive.optional(&grid, "accuracy")?;
    let measured = archive.flags(&grid, MEASURED)?;
    let interpolated = archive.flags(&grid, INTERPOLATED)?;
    let (terms, values) = archive.terms(&grid)?;
    let mut surface = Surface::new(grid, terms);
    let at = |list: &Option<Vec<f64>>, flat: usize| list.as_ref().map(|list| list[flat]);
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
        match measured {
            true => surface.set(flat, sample)?,
            false => surface.set_interpolated(flat, sample)?,
        }
    }
    Ok(surface)
}

/// An archive and the names in it, without the ending `.npy`.
struct Archive<'a> {
    path: &'a Path,
    reader: NpzReader<BufReader<File>>,
    names: Vec<String>,
}

impl<'a> Archive<'a> {
    fn open(path: &'a Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::io("read", path))?;
        let broken =
            |error: ReadNpzError| Error::malformed(path, Place::default(), error.to_string());
        let mut reader = NpzReader::new(BufReader::new(file)).map_err(broken)?;
        let names = reader.names().map_err(broken)?;
        let plain = |name: String| name.strip_suffix(".npy").map(str::to_owned).unwrap_or(name);
        Ok(Archive {
            path,
            reader,
            names: names.into_iter().map(plain).collect(),
        })
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|n| n == name)
    }

    fn wrong(&self, name: &str, reason: impl Into<String>) -> Error {
        Error::malformed(self.path, Place::column(name), reason)
    }

    fn grid(&mut self) -> Result<Grid, Error> {
        let count = COORDINATES.iter().take_while(|name| self.has(name)).count();
        if count == 0 {
            return Err(self.wrong("alpha", "there is no such array"));
        }
        let mut axes: Vec<Axis> = Vec::with_capacity(count);
        for name in &COORDINATES[..count] {
            let values = self.numbers(name)?;
            if values.ndim() != 1 {
                let reason = format!("the shape is {:?}, not that of a list", values.shape());
                return Err(self.wrong(name, reason));
            }
            let values: Vec<f64> = values.iter().copied().collect();
            axes.push(axis_of(&values).map_err(|reason| self.wrong(name, reason))?);
        }
        Grid::new(axes).map_err(|error| self.wrong("alpha", error.to_string()))
    }

    /// An array over the grid, in grid order.
    fn over(&mut self, grid: &Grid, name: &str) -> Result<Vec<f64>, Error> {
        let array = self.numbers(name)?;
        self.check_shape(grid, name, array.shape())?;
        Ok(array.iter().copied().collect())
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
        let array: ArrayD<bool> = match self.array(name) {
            Ok(array) => array,
            Err(error) => return Err(self.wrong(name, error.to_string())),
        };
        self.check_shape(grid, name, array.shape())?;
        Ok(Some(array.iter().copied().collect()))
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
            true => self.numbers(WEIGHTS)?.iter().copied().collect(),
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

    /// An array of f64, f32 or integers.
    fn numbers(&mut self, name: &str) -> Result<ArrayD<f64>, Error> {
        if !self.has(name) {
            return Err(self.wrong(name, "there is no such array"));
        }
        let other = |error: &ReadNpzError| {
            matches!(error, ReadNpzError::Npy(ReadNpyError::WrongDescriptor(_)))
        };
        let failed = match self.array::<f64>(name) {
            Ok(array) => return Ok(array),
            Err(error) => error,
        };
        if other(&failed) {
            if let Ok(array) = self.array::<f32>(name) {
                return Ok(array.mapv(f64::from));
            }
            if let Ok(array) = self.array::<i64>(name) {
                return Ok(array.mapv(|value| value as f64));
            }
            if let Ok(array) = self.array::<i32>(name) {
                return Ok(array.mapv(f64::from));
            }
        }
        Err(self.wrong(name, failed.to_string()))
    }

    fn array<T: ReadableElement>(&mut self, name: &str) -> Result<ArrayD<T>, ReadNpzError> {
        self.reader
            .by_name(name)
            .or_else(|_| self.reader.by_name(&format!("{name}.npy")))
    }
}
