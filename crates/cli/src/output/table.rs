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
}

impl Table {
    /// A table with these columns.
    pub fn new<'a>(columns: impl IntoIterator<Item = (&'a str, Align)>) -> Self {
        let own = |(name, align): (&str, Align)| (name.to_owned(), align);
        Table {
            columns: columns.into_iter().map(own).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as text, a line a row.
    pub fn text(&self) -> String {
        let widths: Vec<usize> = (0..self.columns.len()).map(|c| self.width(c)).collect();
        let names: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
        let rows = std::iter::once(&names).chain(&self.rows);
        rows.map(|row| self.line(row, &widths)).collect()
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
        widest.max(self.columns[column].0.chars().count())
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let cell = |((cell, &width), (_, align)): ((&String, &usize), &(String, Align))| match align
        {
            Align::Left => format!("{cell:<width$}"),
            Align::Right => format!("{cell:>width$}"),
        };
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .zip(&self.columns)
            .map(cell)
            .collect();
        format!("{}\n", cells.join("  ").trim_end())
    }
}
