//! Minima of a surface, how much they stand out, and the barriers between them.

use crate::output::{Align, Table, short};
use landscape_study::metrics::{Minimum, Topology, coordinates};

/// Minima that are printed.
const ROWS: usize = 8;

/// The rows of a list of figures.
pub fn rows(topology: &Topology) -> Vec<(String, String)> {
    let known = |value: Option<f64>| value.map_or("-".to_owned(), short);
    let row = |name: &str, value| (name.to_owned(), known(value));
    vec![
        row("SMAD", topology.smad),
        row("SMAD, first saddles", topology.smad_first_saddle),
    ]
}

/// The minima that stand out most and the barriers between them; nothing of a surface with one.
pub fn words(topology: &Topology) -> String {
    let mut text = undecided(topology.undecided.len());
    let all = topology.minima.len();
    if all < 2 {
        return text;
    }
    text.push_str(&format!("\n{all} minima by persistence\n"));
    text.push_str(&indented(&minima(&topology.minima).text()));
    if all > ROWS {
        text.push_str(&format!("  ({ROWS} of {all} shown; --json has all)\n"));
    }
    if !topology.passages.is_empty() {
        text.push_str("\nbarriers between them, on the lowest path\n");
        text.push_str(&indented(&barriers(topology).text()));
    }
    text
}

/// What is said of minima that points not measured may undo.
fn undecided(count: usize) -> String {
    match count {
        0 => String::new(),
        count => format!(
            "\nnot known whether minima: {count} of the lowest points around, beside or behind points that are not measured\n"
        ),
    }
}

/// The place of a minimum in the list, from 1.
fn place(minima: &[Minimum], of: usize) -> String {
    let place = minima.iter().position(|minimum| minimum.point == of);
    place.map_or("-".to_owned(), |place| (place + 1).to_string())
}

fn minima(minima: &[Minimum]) -> Table {
    let mut table = Table::new([
        ("#", Align::Right),
        ("AT", Align::Left),
        ("VALUE", Align::Right),
        ("PERSISTENCE", Align::Right),
        ("JOINS", Align::Right),
        ("AT SADDLE", Align::Left),
    ]);
    for (row, minimum) in minima.iter().take(ROWS).enumerate() {
        let joins = minimum.joins.map(|into| place(minima, into));
        table.row([
            (row + 1).to_string(),
            coordinates(&minimum.at),
            short(minimum.value),
            match (minimum.persistence, row) {
                (Some(persistence), _) => short(persistence),
                (None, 0) => "lowest".to_owned(),
                (None, _) => "cut off".to_owned(),
            },
            joins.unwrap_or_else(|| "-".to_owned()),
            minimum
                .saddle_at
                .as_deref()
                .map_or("-".to_owned(), coordinates),
        ]);
    }
    table
}

fn barriers(topology: &Topology) -> Table {
    let mut table = Table::new([
        ("FROM", Align::Right),
        ("TO", Align::Right),
        ("HEIGHT", Align::Right),
        ("BACK", Align::Right),
        ("OVER", Align::Left),
    ]);
    for passage in &topology.passages {
        table.row([
            place(&topology.minima, passage.from),
            place(&topology.minima, passage.to),
            short(passage.heights[0]),
            short(passage.heights[1]),
            coordinates(&passage.saddle_at),
        ]);
    }
    table
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
