/// How the cells of a column are placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// Rows of words in columns.
#[derive(Debug)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
    /// Characters of the longest cell that is shown in full; all where there is nothing.
    longest: Option<usize>,
}

/// Other cells are not padded to the width of cells wider than this.
const PADDED: usize = 200;

impl Table {
    /// A table with these columns.
    pub fn new<'a>(columns: impl IntoIterator<Item = (&'a str, Align)>) -> Self {
        let own = |(name, align): (&str, Align)| (name.to_owned(), align);
        Table {
            columns: columns.into_iter().map(own).collect(),
            rows: Vec::new(),
            longest: None,
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Cuts cells longer than this many characters short, with an ellipsis.
    pub fn cut_to(mut self, characters: Option<usize>) -> Self {
        self.longest = characters;
        self
    }

    /// The table as text, a line a row; control characters are escaped.
    pub fn text(&self) -> String {
        let names = self.columns.iter().map(|(name, _)| self.shown(name));
        let mut rows: Vec<Vec<String>> = vec![names.collect()];
        let cells = |row: &Vec<String>| row.iter().map(|cell| self.shown(cell)).collect();
        rows.extend(self.rows.iter().map(cells));
        let width = |column| {
            let cells = rows.iter().filter_map(|row: &Vec<String>| row.get(column));
            let widest = cells.map(|cell: &String| cell.chars().count()).max();
            widest.unwrap_or(0).min(PADDED)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        rows.iter().map(|row| self.line(row, &widths)).collect()
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let cells = row.iter().zip(widths).zip(&self.columns);
        let padded = cells.map(|((cell, width), (_, align))| {
            let blanks = " ".repeat(width.saturating_sub(cell.chars().count()));
            match align {
                Align::Left => [cell.as_str(), &blanks].concat(),
                Align::Right => [&blanks, cell.as_str()].concat(),
            }
        });
        let line = padded.collect::<Vec<_>>().join("  ");
        format!("{}\n", line.trim_end())
    }

    /// A cell as it is printed.
    fn shown(&self, cell: &str) -> String {
        let mut text = escaped(cell);
        if let Some(longest) = self.longest
            && text.char_indices().nth(longest).is_some()
        {
            let kept = text.char_indices().nth(longest.saturating_sub(1));
            text.truncate(kept.map_or(0, |(end, _)| end));
            text.push('…');
        }
        text
    }
}

/// A text without characters that move the cursor, hide or reorder others: these are escaped.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.extend(c.escape_default()),
            _ if c.is_control() || is_invisible(c) => out.extend(c.escape_unicode()),
            _ => out.push(c),
        }
    }
    out
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

    fn table(cells: &[&str]) -> Table {
        let mut table = Table::new([("a", Align::Left), ("b", Align::Right)]);
        for cell in cells {
            table.row([(*cell).to_owned(), "1".to_owned()]);
        }
        table
    }

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        let text = table(&["x", "äöü"]).text();
        assert_eq!(text, "a    b\nx    1\näöü  1\n");
    }

    #[test]
    fn cells_of_any_width_are_shown() {
        let wide = "x".repeat(70_000);
        let text = table(&[&wide, "y"]).text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], format!("{wide}  1"));
        assert_eq!(lines[2].len(), PADDED + 3);
        let text = table(&[&wide, "y"]).cut_to(Some(10)).text();
        assert_eq!(text, "a           b\nxxxxxxxxx…  1\ny           1\n");
        let text = table(&["ééééé", "éééééé"]).cut_to(Some(5)).text();
        assert_eq!(text, "a      b\nééééé  1\néééé…  1\n");
    }

    #[test]
    fn control_characters_are_escaped() {
        let text = table(&["a\u{1b}[31mb\nc\td\u{9b}\u{202e}"]).text();
        let expected = r"a\u{1b}[31mb\nc\td\u{9b}\u{202e}  1";
        assert!(text.contains(expected), "{text}");
        assert_eq!(text.lines().count(), 2);
    }
}
