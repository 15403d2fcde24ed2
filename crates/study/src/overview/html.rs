//! Pieces of HTML. Words come in as plain text and are escaped here; markup is made nowhere else.

use landscape_plot::Figure;
use landscape_plot::page::escape;

/// A paragraph.
pub(super) fn paragraph(words: &str) -> String {
    format!("<p>{}</p>\n", escape(words))
}

/// A paragraph that stands back.
pub(super) fn remark(words: &str) -> String {
    format!("<p class=\"remark\">{}</p>\n", escape(words))
}

/// A part of the page with a heading.
pub(super) fn section(id: &str, heading: &str, body: &str) -> String {
    format!(
        "<section id=\"{id}\">\n<h2>{}</h2>\n{body}</section>\n",
        escape(heading)
    )
}

/// A part of a part.
pub(super) fn part(heading: &str, body: &str) -> String {
    format!("<h3>{}</h3>\n{body}", escape(heading))
}

/// A list; nothing of no items.
pub(super) fn list(class: &str, items: &[String]) -> String {
    let item = |item: &String| format!("<li>{}</li>\n", escape(item));
    match items.is_empty() {
        true => String::new(),
        false => {
            let items: String = items.iter().map(item).collect();
            format!("<ul class=\"{class}\">\n{items}</ul>\n")
        }
    }
}

/// Names and values.
pub(super) fn pairs(class: &str, pairs: &[(String, String)]) -> String {
    let pair = |(name, value): &(String, String)| {
        format!(
            "<div><dt>{}</dt><dd>{}</dd></div>\n",
            escape(name),
            escape(value)
        )
    };
    let pairs: String = pairs.iter().map(pair).collect();
    format!("<dl class=\"{class}\">\n{pairs}</dl>\n")
}

/// Commands, a line each; nothing of none.
pub(super) fn commands(commands: &[String]) -> String {
    match commands.is_empty() {
        true => String::new(),
        false => format!("<pre>{}</pre>\n", escape(&commands.join("\n"))),
    }
}

/// A cell of a table, and whether it is a number or stands out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    words: String,
    class: &'static str,
}

impl Cell {
    pub fn words(words: impl Into<String>) -> Self {
        Cell {
            words: words.into(),
            class: "",
        }
    }

    pub fn number(words: impl Into<String>) -> Self {
        Cell {
            words: words.into(),
            class: "number",
        }
    }

    /// Something good, bad, or not known.
    pub fn mark(words: impl Into<String>, good: Option<bool>) -> Self {
        Cell {
            words: words.into(),
            class: match good {
                Some(true) => "good",
                Some(false) => "bad",
                None => "open",
            },
        }
    }

    fn html(&self) -> String {
        let words = escape(&self.words);
        match self.class {
            "" => format!("<td>{words}</td>"),
            class => format!("<td class=\"{class}\">{words}</td>"),
        }
    }
}

/// A table that scrolls where the page is too narrow for it.
pub(super) fn table(header: &[&str], rows: &[Vec<Cell>]) -> String {
    let head = |name: &&str| format!("<th>{}</th>", escape(name));
    let head: String = header.iter().map(head).collect();
    let row = |row: &Vec<Cell>| {
        let cells: String = row.iter().map(Cell::html).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let rows: String = rows.iter().map(row).collect();
    format!(
        "<div class=\"scroll\"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n"
    )
}

/// Numbers the figures of a page, so that what one defines does not meet what another does.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    count: usize,
}

impl Pictures {
    /// A figure, as wide as it is on paper or as the page allows, with a line below it.
    pub fn figure(&mut self, figure: &Figure, caption: &str) -> String {
        self.count += 1;
        let svg = figure.to_inline_svg(&format!("f{}-", self.count));
        let caption = escape(caption);
        // Two columns of a journal take the whole width.
        let class = match figure.size_mm().0 > 100.0 {
            true => " class=\"wide\"",
            false => "",
        };
        format!("<figure{class}>\n{svg}<figcaption>{caption}</figcaption>\n</figure>\n")
    }
}
