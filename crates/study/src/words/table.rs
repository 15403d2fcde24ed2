use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};

/// How the cells of a column are placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// As words.
    Left,
    /// As numbers.
    Right,
}

/// Columns of words.
#[derive(Debug)]
pub struct Columns {
    names: Vec<(String, Align)>,
    /// Characters of the longest cell that is shown in full; all where there is nothing.
    longest: Option<usize>,
}

/// Other cells are not padded to the width of cells wider than this.
const PADDED: usize = 200;

impl Columns {
    /// Columns of these names.
    pub fn new<'a>(columns: impl IntoIterator<Item = (&'a str, Align)>) -> Self {
        let own = |(name, align): (&str, Align)| (name.to_owned(), align);
        Columns {
            names: columns.into_iter().map(own).collect(),
            longest: None,
        }
    }

    /// Cuts cells longer than this many characters short, with an ellipsis.
    pub fn cut_to(mut self, characters: Option<usize>) -> Self {
        self.longest = characters;
        self
    }

    /// Writes a line of names and a line for each of so many rows; control characters are escaped. The cells of a row
    /// and a column are asked for twice, and none of them is kept.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write<'a>(
        &self,
        rows: usize,
        cell: impl Fn(usize, usize) -> Cow<'a, str>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let width = |column: usize, name: &str| {
            let wide = |text: &str| self.shown(text).take(PADDED).count();
            let cells = (0..rows).map(|row| wide(&cell(row, column)));
            cells.fold(wide(name), usize::max)
        };
        let names = || self.names.iter().enumerate();
        let widths: Vec<usize> = names().map(|(at, (name, _))| width(at, name)).collect();
        let name = |column: usize| Cow::from(self.names[column].0.as_str());
        self.line(name, &widths, out)?;
        (0..rows).try_for_each(|row| self.line(|column| cell(row, column), &widths, out))
    }

    fn line<'a>(
        &self,
        cell: impl Fn(usize) -> Cow<'a, str>,
        widths: &[usize],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut line = Line { out, blanks: 0 };
        for (column, (width, (_, align))) in widths.iter().zip(&self.names).enumerate() {
            let cell = cell(column);
            let shown = self.shown(&cell);
            let pad = width.saturating_sub(shown.clone().take(PADDED).count());
            let (before, after) = match align {
                Align::Left => (0, pad),
                Align::Right => (pad, 0),
            };
            line.blanks += before + if column > 0 { 2 } else { 0 };
            shown.into_iter().try_for_each(|c| line.add(c))?;
            line.blanks += after;
        }
        writeln!(line.out)
    }

    /// The characters of a cell as they are printed.
    fn shown<'a>(&self, cell: &'a str) -> impl Iterator<Item = char> + Clone + use<'a> {
        let all = cell.chars().flat_map(escape);
        let kept = match self.longest {
            Some(longest) if all.clone().nth(longest).is_some() => Some(longest.saturating_sub(1)),
            _ => None,
        };
        let ellipsis = kept.map(|_| '…');
        all.take(kept.unwrap_or(usize::MAX)).chain(ellipsis)
    }
}

/// A line without blanks at its end.
struct Line<'a> {
    out: &'a mut dyn Write,
    /// Blanks that come before the next character.
    blanks: usize,
}

impl Line<'_> {
    fn add(&mut self, c: char) -> io::Result<()> {
        if c == ' ' {
            self.blanks += 1;
            return Ok(());
        }
        write!(self.out, "{:blanks$}", "", blanks = self.blanks)?;
        self.blanks = 0;
        self.out.write_all(c.encode_utf8(&mut [0; 4]).as_bytes())
    }
}

/// Rows of words in columns. As text, a line a row; control characters are escaped.
///
/// ```
/// use landscape_study::words::{Align, Table};
///
/// let mut table = Table::new([("RUN", Align::Left), ("LOSS", Align::Right)]);
/// table.row(["moons".to_owned(), "0.2".to_owned()]);
/// assert_eq!(table.to_string(), "RUN    LOSS\nmoons   0.2\n");
/// ```
#[derive(Debug)]
pub struct Table {
    columns: Columns,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    pub fn new<'a>(columns: impl IntoIterator<Item = (&'a str, Align)>) -> Self {
        Table {
            columns: Columns::new(columns),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The same with a row for each of these.
    #[must_use]
    pub fn with<C: IntoIterator<Item = String>>(
        mut self,
        rows: impl IntoIterator<Item = C>,
    ) -> Self {
        rows.into_iter().for_each(|cells| self.row(cells));
        self
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cell = |row: usize, column: usize| {
            let cell = self.rows[row].get(column);
            Cow::from(cell.map_or("", String::as_str))
        };
        let mut text = Vec::new();
        // Writing to memory does not fail.
        let _ = self.columns.write(self.rows.len(), cell, &mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

/// A character; its escape where it moves the cursor, or hides or reorders others.
fn escape(c: char) -> impl Iterator<Item = char> + Clone {
    let (short, code, same) = match c {
        '\n' | '\r' | '\t' => (Some(c.escape_default()), None, None),
        _ if c.is_control() || is_invisible(c) => (None, Some(c.escape_unicode()), None),
        _ => (None, None, Some(c)),
    };
    let escapes = short.into_iter().flatten();
    escapes.chain(code.into_iter().flatten()).chain(same)
}

/// Blanks of no width, separators of lines and paragraphs, and marks of direction.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(cells: &[&str], longest: Option<usize>) -> String {
        let columns = Columns::new([("a", Align::Left), ("b", Align::Right)]).cut_to(longest);
        let cell =
            |row: usize, column: usize| Cow::from(if column == 0 { cells[row] } else { "1" });
        let mut text = Vec::new();
        columns.write(cells.len(), cell, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        assert_eq!(table(&["x", "äöü"], None), "a    b\nx    1\näöü  1\n");
        let mut rows = Table::new([("a", Align::Left), ("b c", Align::Left)]);
        rows.row(["x y ".to_owned(), "1 ".to_owned()]);
        rows.row(["x".to_owned()]);
        assert_eq!(rows.to_string(), "a     b c\nx y   1\nx\n");
    }

    #[test]
    fn cells_of_any_width_are_shown() {
        let wide = "x".repeat(70_000);
        let text = table(&[&wide, "y"], None);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], format!("{wide}  1"));
        assert_eq!(lines[2].len(), PADDED + 3);
        let text = table(&[&wide, "y"], Some(10));
        assert_eq!(text, "a           b\nxxxxxxxxx…  1\ny           1\n");
        let text = table(&["ééééé", "éééééé"], Some(5));
        assert_eq!(text, "a      b\nééééé  1\néééé…  1\n");
    }

    #[test]
    fn control_characters_are_escaped() {
        let text = table(&["a\u{1b}[31mb\nc\td\u{9b}\u{202e}"], None);
        let expected = r"a\u{1b}[31mb\nc\td\u{9b}\u{202e}  1";
        assert!(text.contains(expected), "{text}");
        assert_eq!(text.lines().count(), 2);
    }
}
