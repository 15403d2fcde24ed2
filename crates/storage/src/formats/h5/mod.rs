//! HDF5 in the layout of [tomgoldstein/loss-landscape](https://github.com/tomgoldstein/loss-landscape).
//!
//! Its programs number the points of a plane with the first direction fastest, whatever shape the
//! arrays claim: they fill arrays of the shape `[xnum, ynum]` in the order of
//! `numpy.meshgrid(x, y)`, which is `[ynum, xnum]`. For square grids, which are all that they plot,
//! the two are one. Here arrays are written as `[ynum, xnum]`, so that other grids are drawn
//! rightly too, and both are read.

mod directions;
mod hdf5;
mod trajectory;

pub(crate) use directions::{read as read_directions, write as write_directions};
pub(crate) use trajectory::write as write_trajectory;

use super::Format;
use super::cells::{Notes, axis_of, check_sample, empty, turned};
use super::columns::some_of;
use crate::error::{Error, Place};
use hdf5::{Dataset, File, Flaw, Group, Node, Values};
use landscape_core::{Axis, Grid, PointSource, Sample, Surface, Term, Value};
use std::fs;
use std::io::Write;
use std::path::Path;

/// The coordinates along each axis.
const AXES: [&str; 2] = ["xcoordinates", "ycoordinates"];
/// Loss and accuracy, the latter in percent; the first that a file has is read.
const MEASURES: [(&str, &str); 2] = [("train_loss", "train_acc"), ("test_loss", "test_acc")];
/// What stands for a number that is not there.
const ABSENT: f64 = -1.0;
/// Accuracy in [0, 1]: percents do not keep every bit.
const ACCURACY: &str = "accuracy";
const LOSS_SE: &str = "loss_se";
const TERM: &str = "term_";
const WEIGHTS: &str = "weights";
/// For each point 0: nothing is known, 1: measured, 2: interpolated.
const SOURCE: &str = "source";
const INTERPOLATED: f64 = 2.0;

pub(super) fn write(surface: &Surface, path: &Path) -> Result<(), Error> {
    let dims = surface.grid().dims();
    if dims > AXES.len() {
        return Err(Error::Dimensions {
            format: Format::H5,
            dims,
        });
    }
    save(&surface_file(surface), path)
}

/// Writes a file.
fn save(root: &Node, path: &Path) -> Result<(), Error> {
    let failed = || Error::io("write", path);
    let mut file = fs::File::create(path).map_err(failed())?;
    let bytes = hdf5::encode(root);
    file.write_all(&bytes).map_err(failed())?;
    file.sync_all().map_err(failed())
}

fn surface_file(surface: &Surface) -> Node<'_> {
    let table = Table::new(surface.grid());
    let mut entries = vec![("dir_file".to_owned(), Node::Text(String::new()))];
    for (name, axis) in AXES.iter().zip(surface.grid().axes()) {
        let values = Node::f64(vec![axis.count()], axis.values());
        entries.push(((*name).to_owned(), values));
    }
    let (loss, percent) = MEASURES[0];
    let of = |value| move |flat| surface.value(flat, value);
    let mut add = |name: &str, values: Vec<f64>| {
        let node = Node::f64(table.shape.clone(), values);
        entries.push((name.to_owned(), node));
    };
    add(loss, table.values(of(Value::Loss), ABSENT));
    let hundredfold = |flat| Some(100.0 * surface.value(flat, Value::Accuracy)?);
    add(percent, table.values(hundredfold, ABSENT));
    for (name, value) in [(ACCURACY, Value::Accuracy), (LOSS_SE, Value::LossSe)] {
        if (0..surface.grid().len()).any(|flat| of(value)(flat).is_some()) {
            add(name, table.values(of(value), f64::NAN));
        }
    }
    for (at, term) in surface.terms().iter().enumerate() {
        let name = format!("{TERM}{}", term.name).replace(['/', '\0'], "_");
        add(&name, table.values(of(Value::Term(at)), f64::NAN));
    }
    if !surface.terms().is_empty() {
        let weights: Vec<f64> = surface.terms().iter().map(|term| term.weight).collect();
        entries.push((WEIGHTS.to_owned(), Node::f64(vec![weights.len()], weights)));
    }
    if !(0..surface.grid().len()).all(|flat| surface.is_measured(flat)) {
        entries.push((SOURCE.to_owned(), sources(surface, &table)));
    }
    Node::Group(entries)
}

fn sources<'a>(surface: &Surface, table: &Table) -> Node<'a> {
    let source = |flat| match surface.source(flat) {
        None => 0,
        Some(PointSource::Measured) => 1,
        Some(PointSource::Interpolated) => INTERPOLATED as u8,
    };
    let values: Vec<u8> = table.order().map(source).collect();
    Node::Array {
        shape: table.shape.clone(),
        values: Values::U8(values.into()),
    }
}

/// The order of points in these files: the first axis fastest.
struct Table {
    shape: Vec<usize>,
}

impl Table {
    fn new(grid: &Grid) -> Table {
        let mut shape = grid.shape();
        shape.reverse();
        Table { shape }
    }

    /// The points of the grid by their numbers there, in the order of the file.
    fn order(&self) -> impl Iterator<Item = usize> + use<> {
        let (first, second) = match self.shape[..] {
            [second, first] => (first, second),
            _ => (self.shape.iter().product(), 1),
        };
        (0..second).flat_map(move |j| (0..first).map(move |i| i * second + j))
    }

    fn values(&self, of: impl Fn(usize) -> Option<f64>, absent: f64) -> Vec<f64> {
        self.order()
            .map(|flat| of(flat).unwrap_or(absent))
            .collect()
    }
}

/// The bytes of a file, as HDF5.
fn open(path: &Path) -> Result<File, Error> {
    let bytes = landscape_files::read(path).map_err(Error::io("read", path))?;
    File::parse(bytes).map_err(|flaw| wrong(path, Place::default(), flaw))
}

/// What is wrong with something of that name.
fn at<'a>(path: &'a Path, name: &'a str) -> impl Fn(Flaw) -> Error + 'a {
    move |flaw| wrong(path, Place::column(name), flaw)
}

fn wrong(path: &Path, place: Place, flaw: Flaw) -> Error {
    match flaw {
        Flaw::TooLarge(source) => Error::too_large(path)(source),
        flaw => Error::malformed(path, place, flaw.to_string()),
    }
}

pub(super) fn read(path: &Path, notes: &mut Notes) -> Result<Surface, Error> {
    let file = open(path)?;
    let root = file.root().map_err(at(path, "/"))?;
    let reader = Reader { path, root: &root };
    let (grid, falls) = reader.grid(notes)?;
    let columns = reader.columns(&grid, notes)?;
    let names = columns.terms.iter().map(|(name, _)| name.clone());
    let weights = reader.weights(&columns)?;
    let terms = names
        .zip(weights)
        .map(|(name, weight)| Term { name, weight });
    let order = Table::new(&grid).order();
    let mut surface = empty(grid, terms.collect(), path, file.budget())?;
    for (row, flat) in order.enumerate() {
        let flat = turned(surface.grid(), &falls, flat);
        let known = columns.sample(row);
        if let Some((sample, _)) = &known {
            columns
                .check(row, sample)
                .map_err(|(name, reason)| reader.wrong(name, format!("value {row}: {reason}")))?;
        }
        match known {
            Some((sample, PointSource::Measured)) => surface.set(flat, sample)?,
            Some((sample, PointSource::Interpolated)) => surface.set_interpolated(flat, sample)?,
            None => {}
        }
    }
    Ok(surface)
}

/// The columns of a surface, in the order of the file.
struct Columns {
    percent_name: &'static str,
    loss: Vec<f64>,
    percent: Option<Vec<f64>>,
    accuracy: Option<Vec<f64>>,
    loss_se: Option<Vec<f64>>,
    source: Option<Vec<f64>>,
    terms: Vec<(String, Vec<f64>)>,
}

impl Columns {
    /// Checks the numbers that have a range, as the file has them.
    fn check(&self, row: usize, sample: &Sample) -> Result<(), (&'static str, String)> {
        let percent = self.percent.as_ref().map(|percent| percent[row]);
        match percent {
            Some(percent)
                if percent != ABSENT && !percent.is_nan() && !(0.0..=100.0).contains(&percent) =>
            {
                let reason = format!("{percent:?} is not an accuracy in percent, from 0 to 100");
                Err((self.percent_name, reason))
            }
            _ => check_sample(sample),
        }
    }

    /// What is known at a point.
    fn sample(&self, row: usize) -> Option<(Sample, PointSource)> {
        let loss = self.loss[row];
        let percent = self.percent.as_ref().map(|percent| percent[row]);
        let source = match &self.source {
            Some(source) if source[row] == 0.0 => return None,
            Some(source) if source[row] == INTERPOLATED => PointSource::Interpolated,
            Some(_) => PointSource::Measured,
            // Both are set together, so that an accuracy tells a loss of -1 from none.
            None if loss == ABSENT && percent.is_none_or(|percent| percent == ABSENT) => {
                return None;
            }
            None => PointSource::Measured,
        };
        let known = |list: &Option<Vec<f64>>| {
            let value = list.as_ref()?[row];
            (!value.is_nan()).then_some(value)
        };
        let percent = percent.filter(|&percent| percent != ABSENT);
        let sample = Sample {
            loss,
            loss_se: known(&self.loss_se),
            accuracy: known(&self.accuracy).or(percent.map(|percent| percent / 100.0)),
            terms: self.terms.iter().map(|(_, values)| values[row]).collect(),
        };
        Some((sample, source))
    }
}

/// Both ends of the spectrum at each point, and what stands there before they are computed.
const EIGENVALUES: [(&str, f64); 2] = [("max_eig", -1.0), ("min_eig", 1.0)];

/// Takes eigenvalues that are not computed yet for unknown. Where both ends are there, both have their marks: a largest
/// eigenvalue below the smallest is none.
fn clear_eigenvalues(terms: &mut [(String, Vec<f64>)]) {
    let found = EIGENVALUES.map(|(name, mark)| {
        let place = terms.iter().position(|(known, _)| known == name)?;
        Some((place, mark))
    });
    let found: Vec<(usize, f64)> = found.into_iter().flatten().collect();
    let rows = found.first().map_or(0, |&(place, _)| terms[place].1.len());
    for row in 0..rows {
        if found
            .iter()
            .all(|&(place, mark)| terms[place].1[row] == mark)
        {
            for &(place, _) in &found {
                terms[place].1[row] = f64::NAN;
            }
        }
    }
}

/// Losses of a file that has none: NaN at points that have other values, the mark of no point elsewhere.
fn lost(terms: &[(String, Vec<f64>)], count: usize) -> Vec<f64> {
    let known = |row: usize| terms.iter().any(|(_, values)| !values[row].is_nan());
    let loss = |row| if known(row) { f64::NAN } else { ABSENT };
    (0..count).map(loss).collect()
}

/// What a file holds, in words.
fn holds(root: &Group<'_>) -> String {
    let names = root.names();
    let known = [
        ("proj_xcoord", "a projected path"),
        (MEASURES[0].0, "a landscape"),
        (MEASURES[1].0, "a landscape"),
        ("max_eig", "eigenvalues without losses"),
        ("min_eig", "eigenvalues without losses"),
        (directions::NAMES[0], "directions"),
        (
            "loss_0_0",
            "single points, which are not gathered in one dataset",
        ),
        (directions::NAMES[1], "a second direction without a first"),
        (AXES[0], "coordinates without values"),
    ];
    let what = known.iter().find(|(name, _)| names.contains(name));
    let group = |name: &&&str| root.is_group(name).unwrap_or(false);
    match (what, names.iter().find(group)) {
        _ if names.is_empty() => "nothing".to_owned(),
        (Some((_, what)), _) => format!("{what}: {}", some_of(names.into_iter())),
        (None, Some(&name)) => {
            let inner = root.group(name).ok().flatten();
            let inner = inner.map(|group| some_of(group.names().into_iter()));
            format!(
                "the group {} with {}; copy its datasets to the top of a file",
                some_of(std::iter::once(name)),
                inner.unwrap_or_else(|| "nothing that can be read".to_owned())
            )
        }
        (None, None) => some_of(names.into_iter()),
    }
}

struct Reader<'a> {
    path: &'a Path,
    root: &'a Group<'a>,
}

impl<'a> Reader<'a> {
    fn wrong(&self, name: &str, reason: impl Into<String>) -> Error {
        Error::malformed(self.path, Place::column(name), reason)
    }

    /// What there is instead of a landscape.
    fn lacking(&self) -> String {
        format!(
            "there is no such dataset; the file holds {}",
            holds(self.root)
        )
    }

    fn dataset(&self, name: &str) -> Result<Option<Dataset<'a>>, Error> {
        self.root.dataset(name).map_err(at(self.path, name))
    }

    /// The grid, and which of its axes fall in the file.
    fn grid(&self, notes: &mut Notes) -> Result<(Grid, Vec<bool>), Error> {
        let (mut axes, mut falls): (Vec<Axis>, Vec<bool>) = (Vec::new(), Vec::new());
        for name in AXES {
            let Some(dataset) = self.dataset(name)? else {
                break;
            };
            if dataset.shape.len() != 1 {
                let reason = format!("the shape is {:?}, not that of a list", dataset.shape);
                return Err(self.wrong(name, reason));
            }
            let values = dataset.numbers().map_err(at(self.path, name))?;
            let axis = axis_of(&values, name, notes);
            let (axis, fall) = axis.map_err(|reason| self.wrong(name, reason))?;
            axes.push(axis);
            falls.push(fall);
        }
        match (axes.is_empty(), self.root.has(directions::NAMES[0])) {
            (true, true) => Err(Error::HoldsDirections {
                path: self.path.to_owned(),
            }),
            (true, false) => Err(self.wrong(AXES[0], self.lacking())),
            _ => {
                let grid = Grid::new(axes);
                let grid = grid.map_err(|error| self.wrong(AXES[0], error.to_string()))?;
                Ok((grid, falls))
            }
        }
    }

    fn columns(&self, grid: &Grid, notes: &mut Notes) -> Result<Columns, Error> {
        let named = MEASURES.into_iter().find(|(loss, _)| self.root.has(loss));
        let has_eigenvalues = || EIGENVALUES.iter().any(|(name, _)| self.root.has(name));
        if named.is_none() && !has_eigenvalues() {
            return Err(self.wrong(MEASURES[0].0, self.lacking()));
        }
        let (loss_name, percent_name) = named.unwrap_or(MEASURES[0]);
        let loss = self.over(grid, loss_name)?;
        let fixed = [loss_name, percent_name, ACCURACY, LOSS_SE, SOURCE];
        let terms = self.terms(grid, &fixed)?;
        let loss = loss.unwrap_or_else(|| {
            notes.say(format!(
                "the file has no losses, which are NaN here; its values are {}",
                some_of(terms.iter().map(|(name, _)| name.as_str()))
            ));
            lost(&terms, grid.len())
        });
        Ok(Columns {
            percent_name,
            loss,
            percent: self.over(grid, percent_name)?,
            accuracy: self.over(grid, ACCURACY)?,
            loss_se: self.over(grid, LOSS_SE)?,
            source: self.over(grid, SOURCE)?,
            terms,
        })
    }

    /// A dataset over the grid; `None` where there is none of that name.
    fn over(&self, grid: &Grid, name: &str) -> Result<Option<Vec<f64>>, Error> {
        let Some(dataset) = self.dataset(name)? else {
            return Ok(None);
        };
        match covers(&dataset, grid) {
            true => dataset.numbers().map(Some).map_err(at(self.path, name)),
            false => {
                let (shape, wanted) = (&dataset.shape, Table::new(grid).shape);
                let reason = format!("the shape is {shape:?}, the coordinates have {wanted:?}");
                Err(self.wrong(name, reason))
            }
        }
    }

    /// Every other dataset of numbers over the grid: our own extra terms, losses on other data,
    /// eigenvalues. What is something else is passed over.
    fn terms(&self, grid: &Grid, fixed: &[&str]) -> Result<Vec<(String, Vec<f64>)>, Error> {
        let known = |name: &&str| !fixed.contains(name) && !AXES.contains(name);
        let mut terms = Vec::new();
        for name in self.root.names().into_iter().filter(known) {
            let dataset = match self.root.dataset(name) {
                Ok(Some(dataset)) if name != WEIGHTS && covers(&dataset, grid) => dataset,
                Ok(_) => continue,
                Err(Flaw::Unsupported(_)) => continue,
                Err(_) if self.root.is_group(name).unwrap_or(false) => continue,
                Err(flaw) => return Err(at(self.path, name)(flaw)),
            };
            let mut values = dataset.numbers().map_err(at(self.path, name))?;
            let own = name.strip_prefix(TERM);
            if own.is_none() && (name.ends_with("_loss") || name.ends_with("_acc")) {
                let absent = |value: &&mut f64| **value == ABSENT;
                values
                    .iter_mut()
                    .filter(absent)
                    .for_each(|value| *value = f64::NAN);
            }
            terms.push((own.unwrap_or(name).to_owned(), values));
        }
        if !EIGENVALUES
            .iter()
            .any(|(name, _)| self.root.has(&format!("{TERM}{name}")))
        {
            clear_eigenvalues(&mut terms);
        }
        Ok(terms)
    }

    /// The weights of the terms; 0 where the file gives none.
    fn weights(&self, columns: &Columns) -> Result<Vec<f64>, Error> {
        let count = columns.terms.len();
        let Some(dataset) = self.dataset(WEIGHTS)? else {
            return Ok(vec![0.0; count]);
        };
        match dataset.shape == [count] {
            true => dataset.numbers().map_err(at(self.path, WEIGHTS)),
            false => {
                let reason = format!("{} weights for {count} terms", dataset.len());
                Err(self.wrong(WEIGHTS, reason))
            }
        }
    }
}

/// Whether a dataset has a value for each point of a grid.
fn covers(dataset: &Dataset, grid: &Grid) -> bool {
    let mut shape = grid.shape();
    let straight = dataset.shape == shape;
    shape.reverse();
    straight || dataset.shape == shape
}
