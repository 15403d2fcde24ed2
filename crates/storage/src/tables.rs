//! Tables of other programs, CSV and Parquet, whose columns become the inputs and targets of a network.

use crate::connection::{in_memory, literal};
use crate::error::{Error, Place};
use crate::formats::NOT_TEXT;
use crate::formats::parquet::{Plain, broken, holds_numbers, identifier};
use duckdb::Connection;
use duckdb::arrow::array::{Array, Float64Array, Int64Array, StringArray};
use landscape_files::Budget;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What a column of a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Whole numbers, or true and false.
    Whole,
    /// Floating-point numbers.
    Float,
    /// Words.
    Words,
    /// Dates, lists and whatever else is not a number.
    Other,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumn {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// The same in the words of DuckDB.
    pub declared: String,
}

/// A table in a file: `.csv` and `.tsv` with a header, or `.parquet`.
pub struct TableFile {
    path: PathBuf,
    conn: Connection,
    /// The file as a table of a query.
    source: String,
    /// Columns in their order.
    columns: Vec<TableColumn>,
    /// Columns that number the rows.
    unnamed: Vec<String>,
    budget: Budget,
    name: Plain,
    /// What stands between the fields of a line, and how many lines there are in front of the header, where the file is a text.
    text: Option<(char, usize)>,
}

/// The most columns.
const MAX_COLUMNS: usize = 10_000;
/// The most different words of a column of classes.
const MAX_CLASSES: usize = 10_000;

impl TableFile {
    /// Reads the header of a table, and what its columns hold.
    ///
    /// # Errors
    /// When the file is not there, or no table.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let (_, length) = landscape_files::open(path).map_err(Error::io("read", path))?;
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        let is_text = matches!(ending.to_lowercase().as_str(), "csv" | "tsv" | "txt");
        let budget = Budget::new(length);
        let name = Plain::of(path)?;
        let conn = in_memory()?;
        let limit = budget.allowed() >> 20;
        conn.execute_batch(&format!(
            "SET memory_limit = '{limit}MiB'; SET temp_directory = ''"
        ))?;
        let file = literal(&name.text);
        let text = is_text.then(|| Text::start(path)).transpose()?;
        let source = match &text {
            Some(text) => text.source(&file),
            None => format!("read_parquet({file}, hive_partitioning = false)"),
        };
        let mut table = TableFile {
            path: path.to_owned(),
            conn,
            source,
            columns: Vec::new(),
            unnamed: Vec::new(),
            budget,
            name,
            text: text.as_ref().map(|text| (text.delimiter, text.remarks)),
        };
        table.describe(text.is_some_and(|text| text.is_first_unnamed()))?;
        match table.rows()? {
            0 => Err(Error::malformed(
                path,
                Place::default(),
                "there are no rows in it",
            )),
            _ => Ok(table),
        }
    }

    /// The columns, without those that number the rows.
    pub fn columns(&self) -> &[TableColumn] {
        &self.columns
    }

    /// Columns that number the rows, as pandas writes them; one without a name is empty here.
    pub fn unnamed(&self) -> &[String] {
        &self.unnamed
    }

    /// Columns of numbers side by side, row-major; for each row its number from 1 is that in messages.
    ///
    /// # Errors
    /// When a value is missing, or not finite; when there is no memory for them.
    pub fn numbers(&self, names: &[&str]) -> Result<Vec<f32>, Error> {
        let rows = self.rows()?;
        let width = names.len() * size_of::<f32>();
        let fits = self.budget.spend_each(rows, width);
        fits.map_err(Error::too_large(&self.path))?;
        let cast = names
            .iter()
            .map(|name| format!("CAST({} AS DOUBLE)", identifier(name)));
        let mut values = Vec::with_capacity(rows * names.len());
        self.each(
            &cast.collect::<Vec<_>>().join(", "),
            |columns, row, number| {
                for (column, name) in columns.iter().zip(names) {
                    let numbers = column.as_any().downcast_ref::<Float64Array>();
                    let value = numbers.filter(|n| n.is_valid(row)).map(|n| n.value(row));
                    match value.map(|value| value as f32) {
                        Some(value) if value.is_finite() => values.push(value),
                        other => return Err(self.missing(number, name, other)),
                    }
                }
                Ok(())
            },
        )?;
        Ok(values)
    }

    /// A column of whole numbers.
    ///
    /// # Errors
    /// When a value is missing.
    pub fn integers(&self, name: &str) -> Result<Vec<i64>, Error> {
        let fits = self.budget.spend_each(self.rows()?, size_of::<i64>());
        fits.map_err(Error::too_large(&self.path))?;
        let mut values = Vec::new();
        self.each(
            &format!("CAST({} AS BIGINT)", identifier(name)),
            |columns, row, number| {
                let integers = columns[0].as_any().downcast_ref::<Int64Array>();
                let value = integers.filter(|n| n.is_valid(row)).map(|n| n.value(row));
                values.push(value.ok_or_else(|| self.missing(number, name, None))?);
                Ok(())
            },
        )?;
        Ok(values)
    }

    /// A column of words as numbers of classes, and the words in alphabetical order: class 0 first.
    ///
    /// # Errors
    /// When a word is missing, or there are more than 10,000.
    pub fn classes(&self, name: &str) -> Result<(Vec<i64>, Vec<String>), Error> {
        let fits = self.budget.spend_each(self.rows()?, size_of::<i64>());
        fits.map_err(Error::too_large(&self.path))?;
        let mut known: BTreeMap<String, i64> = BTreeMap::new();
        let mut values = Vec::new();
        self.each(
            &format!("CAST({} AS VARCHAR)", identifier(name)),
            |columns, row, number| {
                let words = columns[0].as_any().downcast_ref::<StringArray>();
                let word = words.filter(|w| w.is_valid(row)).map(|w| w.value(row));
                let word = word.ok_or_else(|| self.missing(number, name, None))?;
                let next = known.len() as i64;
                let class = match known.get(word) {
                    Some(&class) => class,
                    None => *known.entry(word.to_owned()).or_insert(next),
                };
                if known.len() > MAX_CLASSES {
                    let reason =
                        format!("more than {MAX_CLASSES} different words, too many to be classes");
                    return Err(Error::malformed(&self.path, Place::column(name), reason));
                }
                values.push(class);
                Ok(())
            },
        )?;
        let mut order = vec![0; known.len()];
        for (place, (_, met)) in known.iter().enumerate() {
            order[*met as usize] = place as i64;
        }
        values
            .iter_mut()
            .for_each(|class| *class = order[*class as usize]);
        Ok((values, known.into_keys().collect()))
    }

    /// Some words of a column, for a message.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn some_words(&self, name: &str) -> Result<Vec<String>, Error> {
        let column = identifier(name);
        let query = format!(
            "SELECT DISTINCT left(CAST({column} AS VARCHAR), 40) FROM {} WHERE {column} IS NOT NULL ORDER BY 1 LIMIT 3",
            self.source
        );
        let mut statement = self.conn.prepare(&query).map_err(|e| self.broken(e))?;
        let words = statement.query_map([], |row| row.get(0));
        let words = words.map_err(|e| self.broken(e))?;
        words.collect::<Result<_, _>>().map_err(|e| self.broken(e))
    }

    fn rows(&self) -> Result<usize, Error> {
        let query = format!("SELECT count(*)::BIGINT FROM {}", self.source);
        let rows = self.conn.query_row(&query, [], |row| row.get::<_, i64>(0));
        let rows = rows.map_err(|e| self.broken(e))?;
        Ok(usize::try_from(rows).unwrap_or_default())
    }

    /// Gives every row of some columns to a function, with its number from 1.
    fn each(
        &self,
        columns: &str,
        mut take: impl FnMut(&[duckdb::arrow::array::ArrayRef], usize, usize) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let query = format!("SELECT {columns} FROM {}", self.source);
        let mut statement = self.conn.prepare(&query).map_err(|e| self.broken(e))?;
        let batches = statement.query_arrow([]).map_err(|e| self.broken(e))?;
        let mut before = 0;
        for batch in batches {
            for row in 0..batch.num_rows() {
                take(batch.columns(), row, before + row + 1)?;
            }
            before += batch.num_rows();
        }
        Ok(())
    }

    fn describe(&mut self, first_is_empty: bool) -> Result<(), Error> {
        let query = format!("DESCRIBE SELECT * FROM {}", self.source);
        let mut columns = Vec::new();
        {
            let mut statement = self.conn.prepare(&query).map_err(|e| self.broken(e))?;
            let mut rows = statement.query([]).map_err(|e| self.broken(e))?;
            while let Some(row) = rows.next().map_err(|e| self.broken(e))? {
                let (name, declared): (String, String) = (row.get(0)?, row.get(1)?);
                columns.push(TableColumn {
                    kind: kind(&declared),
                    name,
                    declared,
                });
            }
        }
        if columns.len() > MAX_COLUMNS {
            let reason = format!(
                "it has {} columns; at most {MAX_COLUMNS} are supported",
                columns.len()
            );
            return Err(Error::malformed(&self.path, Place::default(), reason));
        }
        for (at, column) in columns.into_iter().enumerate() {
            let is_unnamed = (at == 0 && first_is_empty)
                || column.name.starts_with("Unnamed: ")
                || column.name.starts_with("__index_level_");
            match is_unnamed {
                true if at == 0 && first_is_empty => self.unnamed.push(String::new()),
                true => self.unnamed.push(column.name),
                false => self.columns.push(column),
            }
        }
        Ok(())
    }

    fn missing(&self, row: usize, column: &str, value: Option<f32>) -> Error {
        let what = match value {
            None => "there is no value".to_owned(),
            Some(value) => format!("{value} is not a finite number"),
        };
        let reason = format!("{what}; fill it in, or leave out the row or the column");
        let place = Place {
            row: Some(row),
            ..Place::column(column)
        };
        Error::malformed(&self.path, place, reason)
    }

    /// What is wrong with the file: of a text the line, where it can be told.
    fn broken(&self, error: duckdb::Error) -> Error {
        let line = self.text.and_then(|text| odd_line(&self.path, text));
        match line {
            Some((line, reason)) => Error::malformed(&self.path, Place::line(line), reason),
            None => broken(&self.path, &self.name, error),
        }
    }
}

/// The first line of a text that is not as its header is, which stands behind some others.
fn odd_line(path: &Path, (delimiter, remarks): (char, usize)) -> Option<(usize, String)> {
    let bytes = landscape_files::read(path).ok()?;
    let mut wanted = None;
    let lines = bytes.split(|&byte| byte == b'\n').enumerate();
    for (at, line) in lines.skip(remarks) {
        let Ok(text) = std::str::from_utf8(line) else {
            return Some((at + 1, NOT_TEXT.to_owned()));
        };
        let text = text.trim_end_matches('\r');
        if text.is_empty() {
            continue;
        }
        let mut inside = false;
        let fields = 1 + text
            .chars()
            .filter(|&letter| {
                inside ^= letter == '"';
                letter == delimiter && !inside
            })
            .count();
        match wanted {
            // A field that goes on in the next line.
            _ if inside => return None,
            Some(wanted) if wanted != fields => {
                let reason = format!("{fields} fields, but {wanted} in the header");
                return Some((at + 1, reason));
            }
            _ => wanted = Some(fields),
        }
    }
    None
}

/// The first lines of a text, and what stands between its fields.
struct Text {
    start: String,
    delimiter: char,
    /// Lines in front of the header.
    remarks: usize,
}

/// What may stand between fields, in the order in which it is looked for.
const DELIMITERS: [char; 4] = [',', ';', '\t', ' '];

/// How many lines in front of the header begin with `#`: all that do, but for one that is the header itself, with a row of as many
/// fields and a number behind it.
fn remarks(start: &str) -> usize {
    let is_header = |line: &str, next: &str| {
        let delimiter = { DELIMITERS.into_iter() }.find(|&c| next.contains(c));
        let Some(delimiter) = delimiter else {
            return false;
        };
        let fields = |line: &str| line.matches(delimiter).count();
        let mut row = next.split(delimiter);
        fields(line) == fields(next) && row.any(|field| field.trim().parse::<f64>().is_ok())
    };
    let pairs = start.lines().zip(start.lines().skip(1));
    pairs
        .take_while(|(line, next)| line.starts_with('#') && !is_header(line, next))
        .count()
}

impl Text {
    fn start(path: &Path) -> Result<Self, Error> {
        let failed = || Error::io("read", path);
        let (file, length) = landscape_files::open(path).map_err(failed())?;
        if length == 0 {
            return Err(Error::malformed(
                path,
                Place::default(),
                "the file is empty",
            ));
        }
        let mut start = Vec::new();
        let read = file.take(1 << 16).read_to_end(&mut start);
        read.map_err(failed())?;
        let start = String::from_utf8_lossy(&start);
        let start = start.trim_start_matches('\u{feff}').to_owned();
        let remarks = remarks(&start);
        let header = start.lines().nth(remarks).unwrap_or_default();
        let delimiter = DELIMITERS.into_iter().find(|&c| header.contains(c));
        Ok(Text {
            delimiter: delimiter.unwrap_or(','),
            start,
            remarks,
        })
    }

    /// Whether the first column has no name.
    fn is_first_unnamed(&self) -> bool {
        let header = self.start.lines().nth(self.remarks).unwrap_or_default();
        header.starts_with(self.delimiter) || header.starts_with("\"\"")
    }

    /// As a table of a query. Behind semicolons and tabulators a comma in a number is the decimal mark.
    fn source(&self, file: &str) -> String {
        let mut rows = self.start.lines().skip(self.remarks + 1);
        let decimal = match self.delimiter != ',' && rows.any(|row| row.contains(',')) {
            true => ", decimal_separator = ','",
            false => "",
        };
        let (delimiter, skipped) = (self.delimiter, self.remarks);
        format!(
            "read_csv({file}, header = true, skip = {skipped}, sample_size = -1, delim = '{delimiter}', buffer_size = 4194304, \
             nullstr = ['', 'NA', 'N/A', 'NULL', 'null', 'None', '<NA>']{decimal})"
        )
    }
}

fn kind(declared: &str) -> ColumnKind {
    match declared {
        "BOOLEAN" => ColumnKind::Whole,
        "VARCHAR" => ColumnKind::Words,
        kind if kind.starts_with("ENUM") => ColumnKind::Words,
        kind if !holds_numbers(kind) => ColumnKind::Other,
        kind if kind.contains("INT") => ColumnKind::Whole,
        _ => ColumnKind::Float,
    }
}
