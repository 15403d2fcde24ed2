//! The curvature of a page: figures and tables that need no script.

use super::escape;
use crate::curvature::{SHARPNESS_NOTE, SharpnessRow};
use crate::figure::Figure;
use crate::text::number::value;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What a page says about the curvature at one set of parameters.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PageCurvature {
    /// Whose curvature it is.
    pub name: String,
    /// What stands before the name in the heading, where it is anything but `Curvature`.
    pub heading: Option<String>,
    /// What the reader should know, as plain text.
    pub description: Option<String>,
    /// Figures with their headings: a spectrum, a map, the edge of stability.
    pub figures: Vec<(String, Figure)>,
    /// Single eigenvalues.
    pub eigenvalues: Vec<EigenvalueRow>,
    /// Estimates of traces.
    pub traces: Vec<TraceRow>,
    /// Measures of sharpness.
    pub sharpness: Vec<SharpnessRow>,
    /// Further facts: label and value.
    pub facts: Vec<(String, String)>,
    /// The command that makes the numbers.
    pub command: Option<String>,
}

/// An eigenvalue in a table.
#[derive(Debug, Clone, PartialEq)]
pub struct EigenvalueRow {
    /// What it belongs to: `all` parameters, or a layer. The column is left out where all rows say
    /// the same.
    pub part: String,
    /// Which it is, such as `top 1`.
    pub rank: String,
    /// The eigenvalue.
    pub value: f64,
    /// `||H y - value y||` for the unit vector found with it.
    pub residual: f64,
    /// Whether the residual met the tolerance.
    pub converged: bool,
}

/// An estimate of a trace in a table.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceRow {
    /// What it belongs to: `all` parameters, or a layer.
    pub part: String,
    /// The estimator.
    pub method: String,
    /// The estimate.
    pub mean: f64,
    /// Its standard error, where there is one.
    pub se: Option<f64>,
    /// Products of the operator with a vector.
    pub products: u64,
}

/// All sections, one for each; nothing where there are none.
pub(super) fn html(all: &[PageCurvature]) -> String {
    all.iter().map(section).collect()
}

fn section(curvature: &PageCurvature) -> String {
    let description = curvature.description.as_deref().map(paragraph);
    let figures = curvature
        .figures
        .iter()
        .map(|(heading, f)| picture(heading, f));
    let panels: String = figures
        .chain(eigenvalues(&curvature.eigenvalues))
        .chain(traces(&curvature.traces))
        .chain(sharpness(&curvature.sharpness))
        .chain(facts(curvature))
        .collect();
    let heading = curvature.heading.as_deref().unwrap_or("Curvature");
    format!(
        "<section class=\"curvature\"><h2>{}: {}</h2>{}<div class=\"lower\">{panels}</div></section>",
        escape(heading),
        escape(&curvature.name),
        description.unwrap_or_default()
    )
}

fn paragraph(words: &str) -> String {
    format!("<p class=\"remark\">{}</p>", escape(words))
}

fn panel(heading: &str, body: &str) -> String {
    let heading = escape(heading);
    format!("<section class=\"panel\"><h3>{heading}</h3>{body}</section>")
}

/// The figure as a picture of its own, so that its names do not meet those of others.
fn picture(heading: &str, figure: &Figure) -> String {
    let data = STANDARD.encode(figure.svg());
    let alt = escape(heading);
    let image =
        format!("<img class=\"figure\" alt=\"{alt}\" src=\"data:image/svg+xml;base64,{data}\">");
    panel(heading, &image)
}

/// A cell: its words, and whether it is a number or stands out.
struct Cell(String, &'static str);

impl Cell {
    fn words(words: &str) -> Self {
        Cell(words.to_owned(), "")
    }

    fn number(number: f64, significant: usize) -> Self {
        Cell(value(number, significant), "number")
    }
}

fn table(header: &[&str], rows: &[Vec<Cell>]) -> String {
    let head: String = header
        .iter()
        .map(|name| format!("<th>{}</th>", escape(name)))
        .collect();
    let cell = |Cell(words, class): &Cell| match class.is_empty() {
        true => format!("<td>{}</td>", escape(words)),
        false => format!("<td class=\"{class}\">{}</td>", escape(words)),
    };
    let row = |row: &Vec<Cell>| format!("<tr>{}</tr>", row.iter().map(cell).collect::<String>());
    let body: String = rows.iter().map(row).collect();
    format!(
        "<div class=\"scroll\"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
}

/// The same table without its first column where that says nothing.
fn parts(header: &[&str], mut rows: Vec<Vec<Cell>>) -> String {
    let same = rows.iter().all(|row| row[0].0 == rows[0][0].0);
    if !same {
        return table(header, &rows);
    }
    for row in &mut rows {
        row.remove(0);
    }
    table(&header[1..], &rows)
}

fn eigenvalues(values: &[EigenvalueRow]) -> Option<String> {
    let row = |v: &EigenvalueRow| {
        let (word, class) = match v.converged {
            true => ("yes", ""),
            false => ("no", "warn"),
        };
        vec![
            Cell::words(&v.part),
            Cell::words(&v.rank),
            Cell::number(v.value, 6),
            Cell::number(v.residual, 2),
            Cell(word.to_owned(), class),
        ]
    };
    let open = values.iter().filter(|v| !v.converged).count();
    let note = match open {
        0 => String::new(),
        n => paragraph(&format!(
            "{n} of {} did not converge: an eigenvalue lies within the residual of each, but which one is not known.",
            values.len()
        )),
    };
    let header = ["part", "rank", "eigenvalue", "residual", "converged"];
    let body = || parts(&header, values.iter().map(row).collect()) + &note;
    (!values.is_empty()).then(|| panel("Eigenvalues", &body()))
}

fn traces(traces: &[TraceRow]) -> Option<String> {
    let row = |t: &TraceRow| {
        let se =
            t.se.map_or("–".to_owned(), |se| format!("± {}", value(se, 2)));
        vec![
            Cell::words(&t.part),
            Cell::number(t.mean, 6),
            Cell(se, "number"),
            Cell::words(&t.method),
            Cell(t.products.to_string(), "number"),
        ]
    };
    let header = ["part", "trace", "standard error", "method", "products"];
    let body = || parts(&header, traces.iter().map(row).collect());
    (!traces.is_empty()).then(|| panel("Trace", &body()))
}

fn sharpness(rows: &[SharpnessRow]) -> Option<String> {
    let row = |s: &SharpnessRow| {
        let se =
            s.se.map_or("–".to_owned(), |se| format!("± {}", value(se, 2)));
        vec![
            Cell::words(&s.measure),
            Cell::number(s.value, 5),
            Cell(se, "number"),
            Cell::words(&s.settings),
        ]
    };
    let header = ["measure", "value", "standard error", "settings"];
    let body = || {
        let rows: Vec<Vec<Cell>> = rows.iter().map(row).collect();
        table(&header, &rows) + &paragraph(SHARPNESS_NOTE)
    };
    (!rows.is_empty()).then(|| panel("Sharpness", &body()))
}

fn facts(curvature: &PageCurvature) -> Option<String> {
    let pair = |(name, fact): &(String, String)| {
        format!("<dt>{}</dt><dd>{}</dd>", escape(name), escape(fact))
    };
    let facts: String = curvature.facts.iter().map(pair).collect();
    let facts = match facts.is_empty() {
        true => facts,
        false => format!("<dl class=\"pairs\">{facts}</dl>"),
    };
    let command = curvature.command.as_deref();
    let command = command.map(|command| format!("<pre>{}</pre>", escape(command)));
    let body = facts + &command.unwrap_or_default();
    (!body.is_empty()).then(|| panel("How it was computed", &body))
}
