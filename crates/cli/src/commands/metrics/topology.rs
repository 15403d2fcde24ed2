//! Minima of a surface, how much they stand out, and the barriers between them.

use crate::output::{Align, Table, number, numbers, short};
use landscape_core::{Grid, MergeTree, Passage, Persistence, Surface, Value, merge_tree};
use serde_json::{Value as Json, json};

/// Minima between which barriers are told.
const BARRIERS: usize = 5;

/// Minima that are printed.
const ROWS: usize = 8;

/// The topology of the sub-level sets of a surface.
pub struct Topology<'a> {
    grid: &'a Grid,
    tree: MergeTree,
    /// The minima that are decided; those that join no deeper one first, then by descending persistence.
    minima: Vec<Persistence>,
}

impl<'a> Topology<'a> {
    /// Of one value of a surface.
    pub fn of(surface: &'a Surface, value: Value) -> Self {
        let tree = merge_tree(surface, value);
        Topology {
            grid: surface.grid(),
            minima: tree.decided(),
            tree,
        }
    }

    /// Places of the minima that stand out most, and the ways between them.
    fn passages(&self) -> Vec<(usize, usize, Passage)> {
        let count = self.minima.len().min(BARRIERS);
        let pairs = (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b)));
        let passage = |(a, b): (usize, usize)| {
            let passage = self
                .tree
                .passage(self.minima[a].minimum, self.minima[b].minimum)?;
            Some((a, b, passage))
        };
        pairs.filter_map(passage).collect()
    }

    fn at(&self, flat: usize) -> Vec<f64> {
        self.grid.point(flat)[..self.grid.dims()].to_vec()
    }

    /// Everything, as JSON.
    pub fn json(&self) -> Json {
        let minimum = |pair: &Persistence| {
            let merge = self.tree.merges.iter().find(|m| m.minimum == pair.minimum);
            json!({
                "point": pair.minimum,
                "at": numbers(&self.at(pair.minimum)),
                "value": number(pair.birth),
                "persistence": number(merge.map(|m| m.persistence)),
                "joins": merge.map(|m| m.into),
                "saddle": merge.map(|m| m.saddle),
                "saddle_at": merge.map(|m| numbers(&self.at(m.saddle))),
                "level": number(merge.map(|m| m.level)),
            })
        };
        let passage = |(a, b, passage): &(usize, usize, Passage)| {
            json!({
                "from": self.minima[*a].minimum,
                "to": self.minima[*b].minimum,
                "saddle": passage.saddle,
                "saddle_at": numbers(&self.at(passage.saddle)),
                "level": number(passage.level),
                "heights": numbers(&passage.heights),
            })
        };
        json!({
            "smad": number(self.tree.smad()),
            "smad_first_saddle": number(self.tree.smad_first_saddle()),
            "minima": self.minima.iter().map(minimum).collect::<Vec<_>>(),
            "undecided": self.tree.undecided,
            "passages": self.passages().iter().map(passage).collect::<Vec<_>>(),
        })
    }

    /// The minima that stand out most and the barriers between them; nothing of a surface with one.
    pub fn words(&self) -> String {
        let mut text = self.undecided();
        if self.minima.len() < 2 {
            return text;
        }
        text.push_str(&format!("\n{} minima by persistence\n", self.minima.len()));
        text.push_str(&indented(&self.table().text()));
        if self.minima.len() > ROWS {
            let all = self.minima.len();
            text.push_str(&format!("  ({ROWS} of {all} shown; --json has all)\n"));
        }
        let passages = self.passages();
        if !passages.is_empty() {
            text.push_str("\nbarriers between them, on the lowest way\n");
            text.push_str(&indented(&self.barriers(&passages).text()));
        }
        text
    }

    /// What is said of minima that points not measured may undo.
    fn undecided(&self) -> String {
        match self.tree.undecided.len() {
            0 => String::new(),
            count => format!(
                "\nnot known whether minima: {count} of the lowest points around, beside or behind points that are not measured\n"
            ),
        }
    }

    fn table(&self) -> Table {
        let mut table = Table::new([
            ("#", Align::Right),
            ("AT", Align::Left),
            ("VALUE", Align::Right),
            ("PERSISTENCE", Align::Right),
            ("JOINS", Align::Right),
            ("AT SADDLE", Align::Left),
        ]);
        for (place, pair) in self.minima.iter().take(ROWS).enumerate() {
            let merge = self.tree.merges.iter().find(|m| m.minimum == pair.minimum);
            let joins = merge.and_then(|m| self.minima.iter().position(|o| o.minimum == m.into));
            table.row([
                (place + 1).to_string(),
                point(&self.at(pair.minimum)),
                short(pair.birth),
                match (merge, place) {
                    (Some(merge), _) => short(merge.persistence),
                    (None, 0) => "lowest".to_owned(),
                    (None, _) => "cut off".to_owned(),
                },
                joins.map_or("-".to_owned(), |place| (place + 1).to_string()),
                merge.map_or("-".to_owned(), |m| point(&self.at(m.saddle))),
            ]);
        }
        table
    }

    fn barriers(&self, passages: &[(usize, usize, Passage)]) -> Table {
        let mut table = Table::new([
            ("FROM", Align::Right),
            ("TO", Align::Right),
            ("HEIGHT", Align::Right),
            ("BACK", Align::Right),
            ("OVER", Align::Left),
        ]);
        for (a, b, passage) in passages {
            table.row([
                (a + 1).to_string(),
                (b + 1).to_string(),
                short(passage.heights[0]),
                short(passage.heights[1]),
                point(&self.at(passage.saddle)),
            ]);
        }
        table
    }

    /// The rows of a list of figures.
    pub fn rows(&self) -> Vec<(String, String)> {
        let option = |value: Option<f64>| value.map_or("-".to_owned(), short);
        vec![
            ("SMAD".to_owned(), option(self.tree.smad())),
            (
                "SMAD, first saddles".to_owned(),
                option(self.tree.smad_first_saddle()),
            ),
        ]
    }
}

fn point(at: &[f64]) -> String {
    let words: Vec<String> = at.iter().map(|v| short(*v)).collect();
    format!("({})", words.join(", "))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
