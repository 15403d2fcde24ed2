//! One JSON object.

use super::cells::{Notes, axis_of, check_sample, check_values, empty, turned};
use super::{COORDINATES, NOT_TEXT};
use crate::error::{Error, Place};
use landscape_core::{Axis, Grid, PointSource, Sample, Surface, Term, Value, counted};
use landscape_files::Budget;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::error::Category;
use std::fmt;
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
    loss: List,
    #[serde(skip_serializing_if = "Option::is_none")]
    loss_se: Option<List>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<List>,
    /// `measured`, `interpolated`, or `null`; absent where all known points are measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Vec<Option<PointSource>>>,
    #[serde(default)]
    terms: Vec<DocumentTerm>,
}

#[derive(Serialize, Deserialize)]
#[serde(expecting = "an object with `min`, `max` and `count`, or `values`")]
struct DocumentAxis {
    #[serde(default)]
    name: String,
    min: Option<f64>,
    max: Option<f64>,
    count: Option<usize>,
    #[serde(default)]
    values: Vec<f64>,
}

#[derive(Serialize, Deserialize)]
#[serde(expecting = "an object with `name`, `weight` and `values`")]
struct DocumentTerm {
    name: String,
    weight: f64,
    values: List,
}

/// Numbers over the grid, in one list or in lists within lists.
#[derive(Default)]
struct List {
    values: Vec<Option<f64>>,
    /// Lengths of the lists, the outermost first.
    shape: Vec<usize>,
}

impl List {
    /// Checks that there is a value for each point of a grid.
    fn check(&self, grid: &Grid) -> Result<(), String> {
        let (len, points) = (self.values.len(), grid.len());
        if len != points {
            return Err(format!(
                "{} for a grid of {}",
                counted(len, "value"),
                counted(points, "point")
            ));
        }
        match self.shape.len() > 1 && self.shape != grid.shape() {
            true => Err(format!(
                "lists of the shape {:?} for a grid of {:?}",
                self.shape,
                grid.shape()
            )),
            false => Ok(()),
        }
    }
}

impl Serialize for List {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.values.iter().map(|value| value.map(Number)))
    }
}

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Item::deserialize(from)? {
            Item::List(list) => Ok(list),
            Item::Value(_) => Err(D::Error::custom("a list of numbers is expected")),
        }
    }
}

/// An element of a list.
enum Item {
    Value(Option<f64>),
    List(List),
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, null, \"NaN\", \"inf\" or \"-inf\", or a list of them")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Item, E> {
        Ok(Item::Value(None))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Item, E> {
        Ok(Item::Value(Some(value)))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Item, E> {
        Ok(Item::Value(Some(value as f64)))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Item, E> {
        Ok(Item::Value(Some(value as f64)))
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Item, E> {
        match word {
            "NaN" => Ok(Item::Value(Some(f64::NAN))),
            "inf" => Ok(Item::Value(Some(f64::INFINITY))),
            "-inf" => Ok(Item::Value(Some(f64::NEG_INFINITY))),
            other => {
                let start: String = other.chars().take(60).collect();
                Err(E::custom(format_args!(
                    "`{}` is not a number, null, \"NaN\", \"inf\" or \"-inf\", which lists hold",
                    start.escape_debug()
                )))
            }
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Item, A::Error> {
        let mut all = List::default();
        let (mut count, mut inner): (usize, Option<Vec<usize>>) = (0, None);
        while let Some(item) = items.next_element::<Item>()? {
            count += 1;
            let shape = match item {
                Item::Value(value) => {
                    all.values.push(value);
                    Vec::new()
                }
                Item::List(list) => {
                    all.values.extend(list.values);
                    list.shape
                }
            };
            if *inner.get_or_insert_with(|| shape.clone()) != shape {
                return Err(A::Error::custom("the lists in a list differ in length"));
            }
        }
        all.shape = [vec![count], inner.unwrap_or_default()].concat();
        Ok(Item::List(all))
    }
}

/// A number, where JSON has one; else `NaN`, `inf` or `-inf` as a string.
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            v if v.is_finite() => to.serialize_f64(v),
            v if v.is_nan() => to.serialize_str("NaN"),
            v if v > 0.0 => to.serialize_str("inf"),
            _ => to.serialize_str("-inf"),
        }
    }
}

pub(super) fn write(surface: &Surface, out: &mut dyn Write) -> io::Result<()> {
    let list = |value: Value| {
        let numbers = (0..surface.grid().len()).map(|flat| surface.value(flat, value));
        List {
            values: numbers.collect(),
            shape: Vec::new(),
        }
    };
    let known = |value: Value| Some(list(value)).filter(|l| l.values.iter().any(Option::is_some));
    let term = |(at, term): (usize, &Term)| DocumentTerm {
        name: term.name.clone(),
        weight: term.weight,
        values: list(Value::Term(at)),
    };
    let axis = |(at, axis): (usize, &Axis)| DocumentAxis {
        name: COORDINATES[at].to_owned(),
        min: Some(axis.min()),
        max: Some(axis.max()),
        count: Some(axis.count()),
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

/// The mark that some programs write in front of UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();

fn without_mark(mut text: Vec<u8>) -> Vec<u8> {
    if text.starts_with(MARK) {
        text.drain(..MARK.len());
    }
    text
}

/// Bytes of memory for each element of a list, while it grows.
const ELEMENT: usize = 2 * size_of::<Option<f64>>();

pub(super) fn read(path: &Path, notes: &mut Notes) -> Result<Surface, Error> {
    let text = without_mark(landscape_files::read(path).map_err(Error::io("read", path))?);
    let budget = Budget::new(text.len() as u64);
    let elements = text.iter().filter(|&&byte| byte == b',').count();
    let spent = budget.spend(text.len() as u64);
    spent
        .and_then(|()| budget.spend_each(elements, ELEMENT))
        .map_err(Error::too_large(path))?;
    check_root(&text, path)?;
    if has_words(&text) {
        let longer = budget.spend(text.len() as u64 * 3 / 2);
        longer.map_err(Error::too_large(path))?;
    }
    let text = quoted(text, |_, _, _| {});
    let document: Document = serde_json::from_slice(&text).map_err(|error| syntax(&error, path))?;
    let wrong = |name: &str, reason: String| Error::malformed(path, Place::column(name), reason);
    if document.schema != SCHEMA {
        let reason = format!("{} where {SCHEMA} is known", document.schema);
        return Err(wrong("schema", reason));
    }
    let (grid, falls) = grid(&document, notes).map_err(|reason| wrong("axes", reason))?;
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
        if let Some(list) = list {
            list.check(&grid).map_err(|reason| wrong(name, reason))?;
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
    fill(&document, &falls, &mut surface).map_err(|(name, reason)| wrong(&name, reason))?;
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
        Some(_) if std::str::from_utf8(text).is_err() => {
            return Err(Error::malformed(path, Place::default(), NOT_TEXT));
        }
        Some(_) => "something else",
    };
    let reason = format!(
        "an object, `{{...}}`, is expected, but this is {found} (docs/export.md describes the form)"
    );
    Err(Error::malformed(path, Place::default(), reason))
}

/// The text with NaN, Infinity and -Infinity, as Python writes them, in the words of this format. A function is told the
/// line in which each stood, the character behind it, from 1, and how much longer the line became.
fn quoted(text: Vec<u8>, mut moved: impl FnMut(usize, usize, isize)) -> Vec<u8> {
    const WORDS: [(&[u8], &[u8]); 3] = [
        (b"-Infinity", b"\"-inf\""),
        (b"Infinity", b"\"inf\""),
        (b"NaN", b"\"NaN\""),
    ];
    if !has_words(&text) {
        return text;
    }
    let mut new = Vec::with_capacity(text.len() + text.len() / 2 + 8);
    let (mut at, mut line, mut start, mut inside) = (0, 1, 0, false);
    while at < text.len() {
        let word = WORDS
            .iter()
            .find(|(word, _)| !inside && text[at..].starts_with(word));
        if let Some((word, instead)) = word {
            new.extend_from_slice(instead);
            let longer = instead.len() as isize - word.len() as isize;
            moved(line, new.len() - start, longer);
            at += word.len();
            continue;
        }
        let byte = text[at];
        new.push(byte);
        at += 1;
        match byte {
            b'"' => inside = !inside,
            b'\\' if inside => {
                new.extend(text.get(at));
                at += 1;
            }
            b'\n' => (line, start) = (line + 1, new.len()),
            _ => {}
        }
    }
    new
}

/// Whether there may be words of Python's.
fn has_words(text: &[u8]) -> bool {
    text.windows(3)
        .any(|three| three == b"NaN" || three == b"Inf")
}

/// serde's message ends with the place, which the error has by itself.
fn syntax(error: &serde_json::Error, path: &Path) -> Error {
    // How much longer the line has become before the place, with the file as it is.
    let mut longer = 0;
    if let Ok(text) = landscape_files::read(path) {
        quoted(without_mark(text), |line, end, more| {
            if line == error.line() && end <= error.column() {
                longer += more;
            }
        });
    }
    let character = error.column().saturating_add_signed(-longer);
    let place = Place {
        line: Some(error.line()),
        character: u32::try_from(character).ok(),
        ..Place::default()
    };
    let message = error.to_string();
    let reason = message.split(" at line ").next().unwrap_or(&message);
    let reason = match error.classify() {
        Category::Data => {
            format!("{} (docs/export.md describes the form)", plainly(reason))
        }
        Category::Eof => "the file ends too early".to_owned(),
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

/// The grid, and which of its axes fall in the file.
fn grid(document: &Document, notes: &mut Notes) -> Result<(Grid, Vec<bool>), String> {
    let found = document.axes.iter().enumerate();
    let found = found.map(|(at, axis)| axis.read(COORDINATES.get(at).unwrap_or(&""), notes));
    let found: Vec<(Axis, bool)> = found.collect::<Result<_, _>>()?;
    let (axes, falls) = found.into_iter().unzip();
    let grid = Grid::new(axes).map_err(|error| error.to_string())?;
    Ok((grid, falls))
}

impl DocumentAxis {
    /// The axis, and whether it falls.
    fn read(&self, usual: &str, notes: &mut Notes) -> Result<(Axis, bool), String> {
        let name = match self.name.as_str() {
            "" => usual,
            name => name,
        };
        let (min, max, count) = match (self.min, self.max, self.count) {
            (Some(min), Some(max), Some(count)) => (min, max, count),
            _ if !self.values.is_empty() => return axis_of(&self.values, name, notes),
            _ => return Err("an axis has `min`, `max` and `count`, or `values`".to_owned()),
        };
        if !self.values.is_empty() && self.values.len() != count {
            return Err(format!(
                "{} on an axis of {count}",
                counted(self.values.len(), "value"),
            ));
        }
        let even = Axis::new(min, max, count).map_err(|error| error.to_string())?;
        check_values(&self.values, &even, name, notes)?;
        Ok((even, false))
    }
}

fn fill(
    document: &Document,
    falls: &[bool],
    surface: &mut Surface,
) -> Result<(), (String, String)> {
    let at = |list: &Option<List>, flat: usize| list.as_ref().and_then(|list| list.values[flat]);
    for (flat, loss) in document.loss.values.iter().enumerate() {
        let Some(loss) = *loss else { continue };
        let value = |term: &DocumentTerm| {
            let missing = || {
                (
                    term.name.clone(),
                    format!("no value for point {flat}, which has a loss"),
                )
            };
            term.values.values[flat].ok_or_else(missing)
        };
        let sample = Sample {
            loss,
            loss_se: at(&document.loss_se, flat),
            accuracy: at(&document.accuracy, flat),
            terms: document.terms.iter().map(value).collect::<Result<_, _>>()?,
        };
        check_sample(&sample)
            .map_err(|(name, reason)| (name.to_owned(), format!("point {flat}: {reason}")))?;
        let source = document.source.as_ref().and_then(|list| list[flat]);
        let place = turned(surface.grid(), falls, flat);
        let set = match source.unwrap_or(PointSource::Measured) {
            PointSource::Measured => surface.set(place, sample),
            PointSource::Interpolated => surface.set_interpolated(place, sample),
        };
        set.map_err(|error| ("loss".to_owned(), error.to_string()))?;
    }
    Ok(())
}
