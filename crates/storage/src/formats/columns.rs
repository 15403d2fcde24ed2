//! Which column of a table of points is what.

use super::cells::Notes;
use super::{COORDINATES, INDICES, MEASURES, SOURCE};
use crate::error::{Error, Place};
use landscape_core::Term;
use std::collections::HashSet;
use std::path::Path;

/// The most columns of a table.
pub(super) const MAX_COLUMNS: usize = 1_000;

/// Names of the coordinates in tables of others.
const OTHER_COORDINATES: [&str; 3] = ["x", "y", "z"];

/// Which column of a table is what.
#[derive(Debug)]
pub(super) struct Columns {
    /// One an axis, or none.
    pub indices: Vec<usize>,
    /// One an axis.
    pub coordinates: Vec<usize>,
    pub loss: usize,
    pub loss_se: Option<usize>,
    pub accuracy: Option<usize>,
    /// Whether a point is measured or interpolated.
    pub source: Option<usize>,
    /// Name and column of each extra term.
    pub terms: Vec<(String, usize)>,
}

impl Columns {
    /// Finds the columns by their names; whatever has another name is an extra term. Without indices the coordinates say
    /// where a point is.
    pub(super) fn find(
        names: &[String],
        path: &Path,
        place: Place,
        notes: &mut Notes,
    ) -> Result<Columns, Error> {
        Columns::check_count(names.len(), path, place.clone())?;
        let wrong = |reason: String| Error::malformed(path, place.clone(), reason);
        let mut seen = HashSet::new();
        let mut named = names.iter().filter(|name| !name.is_empty());
        if let Some(twice) = named.find(|name| !seen.insert(name.as_str())) {
            return Err(wrong(format!("two columns are named `{twice}`")));
        }
        let all = Names(names);
        let needed = |name: &str| {
            let found = all.place(name);
            found.ok_or_else(|| {
                let there = some_of(names.iter().map(String::as_str));
                wrong(format!("there is no column `{name}` among {there}"))
            })
        };
        let coordinate_names = all.coordinates();
        let (indexed, placed) = (all.count(INDICES), all.count(coordinate_names));
        let dims = indexed.max(placed);
        if dims == 0 {
            return Err(wrong(format!(
                "there is no column `alpha` among {}; a line has the columns alpha and loss, a plane alpha, beta and loss, \
                 and there may be more",
                some_of(names.iter().map(String::as_str))
            )));
        }
        if all.loss().is_none() {
            needed("loss")?;
        }
        if indexed != 0 && indexed != dims {
            let (missing, other) = (INDICES[indexed], coordinate_names[indexed]);
            return Err(wrong(format!(
                "there is no column `{missing}`, for column `{other}`"
            )));
        }
        let used = (&INDICES[..indexed], &coordinate_names[..dims]);
        let coordinates = used.1.iter().map(|name| needed(name));
        let coordinates: Vec<usize> = coordinates.collect::<Result<_, _>>()?;
        let mut axes = INDICES.iter().chain(&coordinate_names);
        if let Some(stray) = axes.find(|name| !is_fixed(name, used) && all.place(name).is_some()) {
            return Err(wrong(format!(
                "column `{stray}` needs the columns before it ({dims} axes found)"
            )));
        }
        let (loss, called) = all
            .loss()
            .map_or_else(|| needed("loss").map(|at| (at, "loss")), Ok)?;
        if called != "loss" {
            notes.say(format!("`{called}` is read as the loss"));
        }
        say_grid(indexed, used.1, notes);
        let terms = names.iter().enumerate();
        let terms = terms.filter(|(at, name)| {
            *at != loss && !numbers_rows(name) && !is_fixed(&name.to_ascii_lowercase(), used)
        });
        Ok(Columns {
            indices: { used.0.iter() }
                .filter_map(|name| all.place(name))
                .collect(),
            coordinates,
            loss,
            loss_se: all.place("loss_se"),
            accuracy: all.place("accuracy"),
            source: all.place(SOURCE),
            terms: terms.map(|(at, name)| (name.clone(), at)).collect(),
        })
    }

    /// Leaves out terms whose columns hold no numbers, and says so.
    pub(super) fn leave_out(&mut self, words: &[usize], notes: &mut Notes) {
        let out = |(_, at): &(String, usize)| words.contains(at);
        let named = self.terms.iter().filter(|term| out(term));
        let named: Vec<&str> = named.map(|(name, _)| name.as_str()).collect();
        if named.is_empty() {
            return;
        }
        let (columns, hold, are) = match named.len() {
            1 => ("column", "holds", "is"),
            _ => ("columns", "hold", "are"),
        };
        notes.say(format!(
            "{columns} {} {hold} no numbers, and {are} left out",
            some_of(named.into_iter())
        ));
        self.terms.retain(|term| !out(term));
    }

    /// Checks that there are no more columns than are read.
    pub(super) fn check_count(count: usize, path: &Path, place: Place) -> Result<(), Error> {
        match count {
            0..=MAX_COLUMNS => Ok(()),
            _ => {
                let reason = format!("it has {count} columns; at most {MAX_COLUMNS} are supported");
                Err(Error::malformed(path, place, reason))
            }
        }
    }

    /// The extra terms. A table of points does not say how they are weighted: their weight is 0,
    /// so that the total loss stays the loss.
    pub(super) fn terms(&self) -> Vec<Term> {
        let term = |(name, _): &(String, usize)| Term {
            name: name.clone(),
            weight: 0.0,
        };
        self.terms.iter().map(term).collect()
    }
}

/// The names of the columns of a table.
struct Names<'a>(&'a [String]);

impl Names<'_> {
    /// The column of that name, or of the same in another case.
    fn place(&self, name: &str) -> Option<usize> {
        let exact = self.0.iter().position(|n| n == name);
        exact.or_else(|| self.0.iter().position(|n| n.eq_ignore_ascii_case(name)))
    }

    /// The column of the loss, and what it is called.
    fn loss(&self) -> Option<(usize, &'static str)> {
        let names = ["loss", "train_loss", "test_loss"];
        { names.into_iter() }.find_map(|name| Some((self.place(name)?, name)))
    }

    /// How many of the first of these there are.
    fn count(&self, names: [&str; 3]) -> usize {
        let there = names.iter().take_while(|name| self.place(name).is_some());
        there.count()
    }

    /// What the coordinates are called.
    fn coordinates(&self) -> [&'static str; 3] {
        match self
            .place(COORDINATES[0])
            .or(self.place(OTHER_COORDINATES[0]))
        {
            Some(_) if self.place(COORDINATES[0]).is_none() => OTHER_COORDINATES,
            _ => COORDINATES,
        }
    }
}

/// Whether a name is not an extra term, beside the indices and coordinates that are used.
fn is_fixed(name: &str, used: (&[&str], &[&str])) -> bool {
    MEASURES.contains(&name) || name == SOURCE || used.0.contains(&name) || used.1.contains(&name)
}

fn say_grid(indexed: usize, coordinates: &[&str], notes: &mut Notes) {
    if indexed == 0 {
        notes.say(
            "there are no indices i, j, k: the grid is derived from the coordinates".to_owned(),
        );
    }
    if coordinates[0] != COORDINATES[0] {
        notes.say(format!(
            "{} are read as {}",
            coordinates.join(", "),
            COORDINATES[..coordinates.len()].join(", ")
        ));
    }
}

/// Whether a column numbers the rows, as pandas writes it.
fn numbers_rows(name: &str) -> bool {
    name.is_empty() || name.starts_with("Unnamed: ") || name.starts_with("__index_level_")
}

/// The first few of the names in a file.
pub(super) fn some_of<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    const SHOWN: usize = 6;
    let rest = names.len().saturating_sub(SHOWN);
    let short = |name: &str| name.chars().take(40).collect::<String>();
    let shown = names
        .take(SHOWN)
        .map(|name| format!("`{}`", short(name).escape_debug()));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match rest {
        0 => shown,
        rest => format!("{shown} and {rest} more"),
    }
}
