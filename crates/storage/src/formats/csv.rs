//! Comma-separated values.

use super::cells::{Cell, Notes, Reading, infer};
use super::columns::{Columns, MAX_COLUMNS};
use super::{NOT_TEXT, columns};
use crate::error::{Error, Place};
use landscape_core::{PointSource, Sample, Surface};
use landscape_files::Budget;
use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

/// Writes the known points in grid order. Numbers are as short as they can be while every bit
/// is kept.
pub(super) fn write(surface: &Surface, out: &mut dyn Write) -> io::Result<()> {
    let mut table = ::csv::Writer::from_writer(out);
    table.write_record(columns(surface))?;
    let dims = surface.grid().dims();
    let number = |value: f64| format!("{value:?}");
    for flat in 0..surface.grid().len() {
        let (Some(sample), Some(source)) = (surface.get(flat), surface.source(flat)) else {
            continue;
        };
        for index in &surface.grid().unravel(flat)[..dims] {
            table.write_field(index.to_string())?;
        }
        for &coordinate in &surface.grid().point(flat)[..dims] {
            table.write_field(number(coordinate))?;
        }
        table.write_field(number(sample.loss))?;
        for measure in [sample.loss_se, sample.accuracy] {
            table.write_field(measure.map(number).unwrap_or_default())?;
        }
        for &term in &sample.terms {
            table.write_field(number(term))?;
        }
        if surface.interpolated() > 0 {
            table.write_field(source.to_string())?;
        }
        table.write_record(None::<&[u8]>)?;
    }
    table.flush()
}

pub(super) fn read(path: &Path, notes: &mut Notes) -> Result<Surface, Error> {
    let text = landscape_files::read(path).map_err(Error::io("read", path))?;
    let budget = Budget::new(text.len() as u64);
    budget
        .spend(text.len() as u64)
        .map_err(Error::too_large(path))?;
    let text = String::from_utf8(text).map_err(|error| {
        let upto = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..upto]
            .iter()
            .filter(|&&b| b == b'\n')
            .count();
        Error::malformed(path, Place::line(line), NOT_TEXT)
    })?;
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    let Some((mut number, mut header)) = lines.next() else {
        return Err(Error::malformed(
            path,
            Place::default(),
            "the file is empty",
        ));
    };
    // Remarks in front of the header.
    while is_remark(header)
        && let Some(next) = lines.next()
    {
        (number, header) = next;
    }
    // NumPy's savetxt makes a comment of the header.
    let header = header.trim_start_matches('#').trim_start_matches(' ');
    let between = Separator::of(header);
    if let Some(words) = between.words() {
        notes.say(words);
    }
    let header = Fields::split(header, between, MAX_COLUMNS, path, number)?;
    Columns::check_count(header.count, path, Place::line(number))?;
    let names = header.first.iter().map(|name| name.trim().to_owned());
    let names: Vec<String> = names.collect();
    let columns = Columns::find(&names, path, Place::line(number), notes)?;
    let mut table = Table {
        path,
        names: &names,
        columns,
        between,
    };
    let rows = || lines.clone().filter(|(_, line)| !line.trim().is_empty());
    let words = table.words(rows())?;
    table.columns.leave_out(&words, notes);
    let each = |take: &mut dyn FnMut(Cell) -> Result<(), Error>| {
        rows().try_for_each(|(number, line)| take(table.cell(number, line)?))
    };
    let reading = &mut Reading {
        path,
        budget: &budget,
        notes,
    };
    infer(&each, &table.columns, reading)
}

/// Whether a line in front of the header is a remark: it begins with `#`, and is not itself the header, of which NumPy makes a
/// comment.
fn is_remark(line: &str) -> bool {
    line.starts_with('#') && !line.to_ascii_lowercase().contains("loss")
}

/// What stands between the fields of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separator {
    Comma,
    /// A semicolon or a tabulator: a comma in a number is then the decimal mark.
    Other(char),
    /// Any number of spaces.
    Spaces,
}

impl Separator {
    /// The one of a header: the first of comma, semicolon, tabulator and space that is in it.
    fn of(header: &str) -> Self {
        match [',', ';', '\t', ' ']
            .into_iter()
            .find(|&c| header.trim_end().contains(c))
        {
            Some(',') | None => Separator::Comma,
            Some(' ') => Separator::Spaces,
            Some(other) => Separator::Other(other),
        }
    }

    /// What is told of it.
    fn words(self) -> Option<String> {
        match self {
            Separator::Comma => None,
            Separator::Spaces => Some("columns are separated by spaces".to_owned()),
            Separator::Other(other) => Some(format!(
                "columns are separated by `{}`, and a comma in a number is the decimal mark",
                other.escape_debug()
            )),
        }
    }

    fn letter(self) -> char {
        match self {
            Separator::Comma => ',',
            Separator::Other(other) => other,
            Separator::Spaces => ' ',
        }
    }

    /// A field as a number that Rust reads.
    fn number(self, field: &str) -> Cow<'_, str> {
        match self {
            Separator::Other(_) if field.contains(',') && !field.contains('.') => {
                field.replacen(',', ".", 1).into()
            }
            _ => field.into(),
        }
    }
}

/// The fields of a line; one may stand in quotes.
struct Fields<'a> {
    /// The first ones, no more than are wanted.
    first: Vec<Cow<'a, str>>,
    /// How many there are.
    count: usize,
}

impl<'a> Fields<'a> {
    /// Splits a line; `most` fields are kept.
    fn split(
        line: &'a str,
        between: Separator,
        most: usize,
        path: &Path,
        number: usize,
    ) -> Result<Self, Error> {
        if between == Separator::Spaces {
            let fields = line.split_whitespace();
            return Ok(Fields {
                first: fields.clone().take(most).map(Cow::Borrowed).collect(),
                count: fields.count(),
            });
        }
        let letter = between.letter();
        if line.contains('"') {
            return Fields::unquote(line, letter, most).ok_or_else(|| {
                Error::malformed(path, Place::line(number), "a quote is not closed")
            });
        }
        Ok(Fields {
            first: line.split(letter).take(most).map(Cow::Borrowed).collect(),
            count: line.split(letter).count(),
        })
    }

    /// The same where there are quotes; nothing when one is not closed.
    fn unquote(line: &str, between: char, most: usize) -> Option<Self> {
        if !line.matches('"').count().is_multiple_of(2) {
            return None;
        }
        let mut reader = ::csv::ReaderBuilder::new()
            .has_headers(false)
            .delimiter(u8::try_from(between).ok()?)
            .from_reader(line.as_bytes());
        let mut record = ::csv::StringRecord::new();
        reader.read_record(&mut record).ok()?;
        let first = record.iter().take(most);
        Some(Fields {
            first: first.map(|field| Cow::Owned(field.to_owned())).collect(),
            count: record.len(),
        })
    }
}

/// A field in a message: its beginning, without control characters.
fn shown(field: &str) -> String {
    let start: String = field.chars().take(60).collect();
    let more = if start.len() < field.len() { "..." } else { "" };
    format!("{}{more}", start.escape_debug())
}

/// What every line is read with.
struct Table<'a> {
    path: &'a Path,
    names: &'a [String],
    columns: Columns,
    between: Separator,
}

/// A line and its fields.
struct Line<'a> {
    table: &'a Table<'a>,
    number: usize,
    fields: Vec<Cow<'a, str>>,
}

impl Table<'_> {
    fn line<'a>(&'a self, number: usize, text: &'a str) -> Result<Line<'a>, Error> {
        let wanted = self.names.len();
        let fields = Fields::split(text, self.between, wanted, self.path, number)?;
        if fields.count != wanted {
            let given = fields.count;
            let reason = format!("{given} fields, but {wanted} in the header");
            return Err(Error::malformed(self.path, Place::line(number), reason));
        }
        Ok(Line {
            table: self,
            number,
            fields: fields.first,
        })
    }

    /// The columns of terms that hold words: something in each, and nowhere a number.
    fn words<'l>(&self, rows: impl Iterator<Item = (usize, &'l str)>) -> Result<Vec<usize>, Error> {
        let mut candidates: Vec<usize> = self.columns.terms.iter().map(|&(_, at)| at).collect();
        let mut with_words = Vec::new();
        for (number, text) in rows {
            // As a rule, the first line has numbers everywhere.
            if candidates.is_empty() {
                break;
            }
            let line = self.line(number, text)?;
            candidates.retain(|&at| line.is_empty(at) || line.parsed(at).is_none());
            let words = candidates.iter().filter(|&&at| !line.is_empty(at));
            let words = words.filter(|at| !with_words.contains(*at));
            let words: Vec<usize> = words.copied().collect();
            with_words.extend(words);
        }
        with_words.retain(|at| candidates.contains(at));
        Ok(with_words)
    }

    fn cell(&self, number: usize, text: &str) -> Result<Cell, Error> {
        let line = self.line(number, text)?;
        let columns = &self.columns;
        let mut cell = Cell {
            row: number,
            indices: [0; 3],
            coordinates: [0.0; 3],
            source: line.source(columns.source)?,
            sample: None,
        };
        for (axis, &index) in columns.indices.iter().enumerate() {
            cell.indices[axis] = line.index(index)?;
        }
        for (axis, &coordinate) in columns.coordinates.iter().enumerate() {
            cell.coordinates[axis] = line.number(coordinate)?;
        }
        // A point without a loss is not known.
        let Some(loss) = line.optional(Some(columns.loss))? else {
            return Ok(cell);
        };
        let mut sample = Sample {
            loss,
            loss_se: line.optional(columns.loss_se)?,
            accuracy: line.optional(columns.accuracy)?,
            terms: Vec::with_capacity(columns.terms.len()),
        };
        for &(_, column) in &columns.terms {
            let term = line.optional(Some(column))?;
            sample.terms.push(term.unwrap_or(f64::NAN));
        }
        cell.sample = Some(sample);
        Ok(cell)
    }
}

/// What other programs write where there is no value.
const ABSENT: [&str; 6] = ["NA", "N/A", "NULL", "null", "None", "<NA>"];

impl Line<'_> {
    fn is_empty(&self, column: usize) -> bool {
        let field = self.fields[column].trim();
        field.is_empty() || ABSENT.contains(&field)
    }

    fn parsed(&self, column: usize) -> Option<f64> {
        let number = self.table.between.number(self.fields[column].trim());
        number.parse().ok()
    }

    fn index(&self, column: usize) -> Result<usize, Error> {
        let field = self.fields[column].trim();
        // Tables of floats have 1.0 or 1e0.
        let whole = |number: &f64| number.fract() == 0.0 && (0.0..9e15).contains(number);
        let float = || self.parsed(column).filter(whole);
        let index = field
            .parse()
            .ok()
            .or_else(|| float().map(|number| number as usize));
        index.ok_or_else(|| {
            self.wrong(
                column,
                format!("`{}` is not an index (0, 1, 2, ...)", shown(field)),
            )
        })
    }

    fn number(&self, column: usize) -> Result<f64, Error> {
        let field = self.fields[column].trim();
        let wrong = || self.wrong(column, format!("`{}` is not a number", shown(field)));
        let number = self.parsed(column).ok_or_else(wrong)?;
        // `inf` is infinite, 1e400 is not.
        match number.is_infinite() && field.contains(|c: char| c.is_ascii_digit()) {
            true => Err(self.wrong(
                column,
                format!("{} is outside the range of f64", shown(field)),
            )),
            false => Ok(number),
        }
    }

    fn source(&self, column: Option<usize>) -> Result<PointSource, Error> {
        let Some(column) = column else {
            return Ok(PointSource::Measured);
        };
        let field = self.fields[column].trim();
        field
            .parse()
            .map_err(|error: landscape_core::UnknownName| self.wrong(column, error.to_string()))
    }

    fn optional(&self, column: Option<usize>) -> Result<Option<f64>, Error> {
        match column {
            Some(column) if !self.is_empty(column) => self.number(column).map(Some),
            _ => Ok(None),
        }
    }

    fn wrong(&self, column: usize, reason: String) -> Error {
        let place = Place::cell(self.number, &self.table.names[column]);
        Error::malformed(self.table.path, place, reason)
    }
}
