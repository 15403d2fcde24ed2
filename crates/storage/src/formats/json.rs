//! One JSON object.

use super::COORDINATES;
use super::cells::{Notes, check_sample, check_values, empty};
use crate::error::{Error, Place};
use landscape_core::{Axis, Grid, PointSource, Sample, Surface, Term, Value, counted};
use landscape_files::Budget;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use std::io::{self, Write};
use std::path::Path;

/// The version of the object, its field `schema`.
const SCHEMA: u64 = 1;

/// The whole file. Lists run over the grid, the last axis fastest.
#[derive(Serialize, Deserialize)]
#[serde(expecting = "an object with `schema`, `axes` and `loss`")]
struct Document {
    schema: u64,
    axes: Vec<DocumentAxis>,
    /// `null` where a point is not known.
    loss: Vec<Option<Number>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loss_se: Option<Vec<Option<Number>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<Vec<Option<Number>>>,
    /// `measured`, `interpolated`, or `null`; absent where all known points are measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Vec<Option<PointSource>>>,
    #[serde(default)]
    terms: Vec<DocumentTerm>,
}

#[derive(Serialize, Deserialize)]
#[serde(expecting = "an object with `min`, `max` and `count`")]
struct DocumentAxis {
    #[serde(default)]
    name: String,
    min: f64,
    max: f64,
    count: usize,
    #[serde(default)]
    values: Vec<f64>,
}

#[derive(Serialize, Deserialize)]
#[serde(expecting = "an object with `name`, `weight` and `values`")]
struct DocumentTerm {
    name: String,
    weight: f64,
    values: Vec<Option<Number>>,
}

/// A number, where JSON has one; else `NaN`, `inf` or `-inf` as a string.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "this is not a number, null, \"NaN\", \"inf\" or \"-inf\", which lists hold"
)]
enum Number {
    Finite(f64),
    Other(Word),
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum Word {
    #[serde(rename = "NaN")]
    NaN,
    #[serde(rename = "inf")]
    Infinite,
    #[serde(rename = "-inf")]
    MinusInfinite,
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        match value {
            v if v.is_finite() => Number::Finite(v),
            v if v.is_nan() => Number::Other(Word::NaN),
            v if v > 0.0 => Number::Other(Word::Infinite),
            _ => Number::Other(Word::MinusInfinite),
        }
    }
}

impl From<Number> for f64 {
    fn from(number: Number) -> f64 {
        match number {
            Number::Finite(value) => value,
            Number::Other(Word::NaN) => f64::NAN,
            Number::Other(Word::Infinite) => f64::INFINITY,
            Number::Other(Word::MinusInfinite) => f64::NEG_INFINITY,
        }
    }
}

pub(super) fn write(surface: &Surface, out: &mut dyn Write) -> io::Result<()> {
    let list = |value: Value| -> Vec<Option<Number>> {
        let numbers = (0..surface.grid().len()).map(|flat| surface.value(flat, value));
        numbers.map(|number| number.map(Number::from)).collect()
    };
    let known = |value: Value| Some(list(value)).filter(|l| l.iter().any(Option::is_some));
    let term = |(at, term): (usize, &Term)| DocumentTerm {
        name: term.name.clone(),
        weight: term.weight,
        values: list(Value::Term(at)),
    };
    let axis = |(at, axis): (usize, &Axis)| DocumentAxis {
        name: COORDINATES[at].to_owned(),
        min: axis.min(),
        max: axis.max(),
        count: axis.count(),
        values: axis.values(),
    };
    let document = Document {
        schema: SCHEMA,
        axes: surface.grid().axes().iter().enumerate().map(axis).collect(),
        loss: list(Value::Loss),
        loss_se: known(Value::LossSe),
        accuracy: known(Value::Accuracy),
        source: sources(surface),
        terms: surface.terms().iter().enumerate().map(term).collect(),
    };
    serde_json::to_writer(&mut *out, &document)?;
    out.write_all(b"\n")?;
    out.flush()
}

fn sources(surface: &Surface) -> Option<Vec<Option<PointSource>>> {
    let list = (0..surface.grid().len()).map(|flat| surface.source(flat));
    (surface.interpolated() > 0).then(|| list.collect())
}

/// Bytes of memory for each element of a list, while it grows.
const ELEMENT: usize = 2 * size_of::<Option<Number>>();

pub(super) fn read(path: &Path, notes: &mut Notes) -> Result<Surface, Error> {
    let text = landscape_files::read(path).map_err(Error::io("read", path))?;
    let budget = Budget::new(text.len() as u64);
    let elements = text.iter().filter(|&&byte| byte == b',').count();
    let spent = budget.spend(text.len() as u64);
    spent
        .and_then(|()| budget.spend_each(elements, ELEMENT))
        .map_err(Error::too_large(path))?;
    check_root(&text, path)?;
    let document: Document =
        serde_json::from_slice(&text).map_err(|error| syntax(&error, &text, path))?;
    let wrong = |name: &str, reason: String| Error::malformed(path, Place::column(name), reason);
    if document.schema != SCHEMA {
        let reason = format!("{} where {SCHEMA} is known", document.schema);
        return Err(wrong("schema", reason));
    }
    let grid = grid(&document, notes).map_err(|reason| wrong("axes", reason))?;
    let len = grid.len();
    let lists = [
        ("loss", Some(&document.loss)),
        ("loss_se", document.loss_se.as_ref()),
        ("accuracy", document.accuracy.as_ref()),
    ];
    let terms = document
        .terms
        .iter()
        .map(|t| (t.name.as_str(), Some(&t.values)));
    for (name, list) in lists.into_iter().chain(terms) {
        if let Some(list) = list.filter(|list| list.len() != len) {
            let reason = format!(
                "{} for a grid of {}",
                counted(list.len(), "value"),
                counted(len, "point")
            );
            return Err(wrong(name, reason));
        }
    }
    if let Some(list) = document.source.as_ref().filter(|list| list.len() != len) {
        let reason = format!(
            "{} for a grid of {}",
            counted(list.len(), "value"),
            counted(len, "point")
        );
        return Err(wrong("source", reason));
    }
    let terms = document.terms.iter().map(|term| Term {
        name: term.name.clone(),
        weight: term.weight,
    });
    let mut surface = empty(grid, terms.collect(), path, &budget)?;
    drop(text);
    fill(&document, &mut surface).map_err(|(name, reason)| wrong(&name, reason))?;
    Ok(surface)
}

/// The file is one object, whatever is wrong within it.
fn check_root(text: &[u8], path: &Path) -> Result<(), Error> {
    let text = text.trim_ascii_start();
    let found = match text.first() {
        None => "nothing",
        Some(b'{') => return Ok(()),
        Some(b'[') => "a list",
        Some(b'"') => "a text",
        Some(_) => "something else",
    };
    let reason = format!(
        "an object, `{{...}}`, is expected, and this is {found} (docs/export.md has the form)"
    );
    Err(Error::malformed(path, Place::default(), reason))
}

/// serde's message ends with the place, which the error has by itself.
fn syntax(error: &serde_json::Error, text: &[u8], path: &Path) -> Error {
    let place = Place {
        line: Some(error.line()),
        character: Some(error.column()),
        column: None,
    };
    let message = error.to_string();
    let reason = message.split(" at line ").next().unwrap_or(&message);
    let line = text
        .split(|&byte| byte == b'\n')
        .nth(error.line().saturating_sub(1));
    let rest = line.and_then(|line| line.get(error.column().saturating_sub(1)..));
    let bare = |word: &&&str| rest.is_some_and(|rest| rest.starts_with(word.as_bytes()));
    // As Python's json writes them.
    let reason = match (
        ["NaN", "Infinity", "-Infinity"].iter().find(bare),
        error.classify(),
    ) {
        (Some(word), _) => {
            format!("{word} is no JSON; write \"NaN\", \"inf\" or \"-inf\", in quotes")
        }
        (None, Category::Data) => {
            format!("{} (docs/export.md has the form)", plainly(reason))
        }
        (None, Category::Eof) => "the file ends too early".to_owned(),
        _ => reason.to_owned(),
    };
    Error::malformed(path, place, reason)
}

/// serde's names of what a value is, in those of JSON.
fn plainly(reason: &str) -> String {
    const NAMES: [(&str, &str); 11] = [
        ("sequence", "a list"),
        ("map", "an object"),
        ("string ", "the text "),
        ("floating point ", "the number "),
        ("integer ", "the number "),
        ("boolean ", ""),
        ("a sequence", "a list"),
        ("a map", "an object"),
        ("f64", "a number"),
        ("u64", "a whole number of 0 or more"),
        ("usize", "a whole number of 0 or more"),
    ];
    let name = |word: &str| {
        let known = NAMES.iter().find(|(name, _)| match name.ends_with(' ') {
            true => word.starts_with(name),
            false => word == *name,
        });
        known.map_or(word.to_owned(), |(name, new)| word.replacen(name, new, 1))
    };
    let found = ["invalid type: ", "invalid value: "];
    let found = found.iter().find_map(|start| reason.strip_prefix(start));
    match found.and_then(|rest| rest.split_once(", expected ")) {
        Some((found, expected)) => {
            format!("{} where {} is expected", name(found), name(expected))
        }
        None => reason.to_owned(),
    }
}

fn grid(document: &Document, notes: &mut Notes) -> Result<Grid, String> {
    let axis = |axis: &DocumentAxis| {
        let even = Axis::new(axis.min, axis.max, axis.count).map_err(|error| error.to_string())?;
        if !axis.values.is_empty() && axis.values.len() != axis.count {
            return Err(format!(
                "{} on an axis of {}",
                counted(axis.values.len(), "value"),
                axis.count
            ));
        }
        check_values(&axis.values, &even, &axis.name, notes)?;
        Ok(even)
    };
    let axes = document.axes.iter().map(axis).collect::<Result<_, _>>()?;
    Grid::new(axes).map_err(|error| error.to_string())
}

fn fill(document: &Document, surface: &mut Surface) -> Result<(), (String, String)> {
    let at = |list: &Option<Vec<Option<Number>>>, flat: usize| {
        list.as_ref().and_then(|list| list[flat]).map(f64::from)
    };
    for (flat, loss) in document.loss.iter().enumerate() {
        let Some(loss) = *loss else { continue };
        let value = |term: &DocumentTerm| {
            let missing = || {
                (
                    term.name.clone(),
                    format!("no value for point {flat}, which has a loss"),
                )
            };
            term.values[flat].map(f64::from).ok_or_else(missing)
        };
        let sample = Sample {
            loss: loss.into(),
            loss_se: at(&document.loss_se, flat),
            accuracy: at(&document.accuracy, flat),
            terms: document.terms.iter().map(value).collect::<Result<_, _>>()?,
        };
        check_sample(&sample)
            .map_err(|(name, reason)| (name.to_owned(), format!("point {flat}: {reason}")))?;
        let source = document.source.as_ref().and_then(|list| list[flat]);
        let set = match source.unwrap_or(PointSource::Measured) {
            PointSource::Measured => surface.set(flat, sample),
            PointSource::Interpolated => surface.set_interpolated(flat, sample),
        };
        set.map_err(|error| ("loss".to_owned(), error.to_string()))?;
    }
    Ok(())
}
