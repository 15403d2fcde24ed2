//! An overview in words.

use super::Overview;
use super::planes::Spread;
use crate::check::Check;
use crate::words::{Align, Table, indented, or_dash_by, percent};
use landscape_core::short;
use std::fmt;

impl fmt::Display for Overview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.run, self.about())?;
        if let Some(own) = &self.own {
            writeln!(f, "  {own}")?;
        }
        writeln!(f, "\n{}", self.verdict())?;
        let table = Table::new([
            ("CHECK", Align::Left),
            ("FOUND", Align::Left),
            ("APART", Align::Right),
            ("ALLOWED", Align::Right),
            ("HOLDS", Align::Left),
        ]);
        let rows = self.checks.iter().map(Check::cells);
        f.write_str(&indented(&table.with(rows).to_string(), 2))?;
        for warning in &self.warnings {
            writeln!(f, "  beware: {warning}")?;
        }
        if !self.planes.is_empty() {
            writeln!(f, "\n{}", self.planes_words())?;
            let table = Table::new([
                ("FIGURE", Align::Left),
                ("MEAN", Align::Right),
                ("DEVIATION", Align::Right),
            ]);
            let rows = self.spread.iter().map(Spread::cells);
            f.write_str(&indented(&table.with(rows).to_string(), 2))?;
        }
        if let Some(range) = &self.range {
            writeln!(f, "  range: {}", range.words())?;
        }
        for told in &self.diagnoses {
            write!(f, "\n{}\n{}", told.path, told.answers)?;
        }
        if !self.missing.is_empty() {
            writeln!(f, "\nleft out, because it is not stored")?;
        }
        self.missing.iter().try_for_each(|part| match &part.why {
            Some(why) => writeln!(f, "  {}: {why}", part.what),
            None => writeln!(f, "  {}", part.what),
        })
    }
}

impl fmt::Display for super::OwnLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loss {}", short(self.loss))?;
        if let Some(accuracy) = self.accuracy {
            write!(f, ", accuracy {}", percent(accuracy))?;
        }
        write!(f, ", {}", self.source)
    }
}

impl Overview {
    /// `surface of mlp:2-8-4-1 on moons, complete`
    pub(super) fn about(&self) -> String {
        let mut words = self.kind.to_string();
        if let Some(model) = &self.model {
            words += &format!(" of {model}");
        }
        if let Some(data) = &self.data {
            words += &format!(" on {data}");
        }
        format!("{words}, {}", self.status)
    }

    /// Whether the numbers are right, as far as that was checked.
    pub(super) fn verdict(&self) -> String {
        let [holds, fails, open] = self.tally();
        let made = holds + fails;
        let first = match (fails, made) {
            (_, 0) => "Nothing could be checked".to_owned(),
            (0, 1) => "The one check that could be made holds".to_owned(),
            (0, _) => format!("All {made} checks that could be made hold"),
            (1, _) => format!("1 of {made} checks does not hold"),
            _ => format!("{fails} of {made} checks do not hold"),
        };
        match open {
            0 => first + ".",
            1 => format!("{first}; 1 could not be made."),
            _ => format!("{first}; {open} could not be made."),
        }
    }

    /// How many planes there are, and of which seeds.
    pub(super) fn planes_words(&self) -> String {
        let seeds = self.planes.iter().filter_map(|plane| plane.seed);
        let seeds: Vec<String> = seeds.map(|seed| seed.to_string()).collect();
        match &seeds[..] {
            [one] => format!(
                "One plane along random directions is stored (seed {one}): how far others differ is not known."
            ),
            all => format!(
                "{} planes along random directions that differ in the seed alone ({}).",
                all.len(),
                all.join(", ")
            ),
        }
    }
}

impl Spread {
    /// Its name, the mean and the standard deviation, in words.
    pub(super) fn cells(&self) -> [String; 3] {
        let words = |value: f64| match self.is_share {
            true => percent(value),
            false => short(value),
        };
        [
            self.figure.replace('_', " "),
            words(self.mean),
            or_dash_by(self.deviation, words),
        ]
    }
}
