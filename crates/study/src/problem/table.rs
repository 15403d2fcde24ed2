//! Tables as data: one column is the target, the others are inputs.

use crate::StudyError;
use landscape_core::counted;
use landscape_models::{Dataset, ModelsError, TableSpec, Targets};
use landscape_storage::{ColumnKind, TableColumn, TableFile};

/// Reads a table.
///
/// Whole numbers, and words, are classes where the loss takes classes; words are numbered in alphabetical order, which is
/// noted. Columns that hold no numbers are refused with what to do about them.
///
/// # Errors
/// Those of the file; [`ModelsError::BadData`] for columns that are not there or hold no numbers.
pub(super) fn load(spec: &TableSpec) -> Result<Dataset, StudyError> {
    let table = TableFile::open(&spec.path)?;
    let mut notes = Vec::new();
    for column in table.unnamed() {
        notes.push(match column.as_str() {
            "" => "a column without a name numbers the rows, and is left out".to_owned(),
            name => format!(
                "column `{}` numbers the rows, and is left out",
                name.escape_debug()
            ),
        });
    }
    let target = target(spec, &table)?;
    let features = features(spec, &table, target)?;
    let names: Vec<&str> = features.iter().map(|column| column.name.as_str()).collect();
    let mut x = table.numbers(&names)?;
    let rows = x.len() / names.len().max(1);
    let applied = spec.normalisation.apply_to(&mut x, &[names.len()]);
    applied.map_err(|reason| bad(spec, reason))?;
    if let Some(words) = spec.normalisation.words() {
        notes.push(format!("inputs become {words}"));
    }
    let y = match target.kind {
        ColumnKind::Whole => Targets::Classes(table.integers(&target.name)?),
        ColumnKind::Words => {
            let (labels, classes) = table.classes(&target.name)?;
            let shown = listed(classes.iter().map(String::as_str));
            let count = match classes.len() {
                1 => "one class".to_owned(),
                several => format!("{several} classes"),
            };
            notes.push(format!(
                "the words of column `{}` are {count}, in alphabetical order from 0: {shown}",
                target.name
            ));
            Targets::Classes(labels)
        }
        ColumnKind::Float | ColumnKind::Other => Targets::Values {
            data: table.numbers(&[&target.name])?,
            width: 1,
        },
    };
    notes.push(format!(
        "{}, in the order of the columns: {}",
        counted(names.len(), "input"),
        listed(names.iter().copied())
    ));
    let data = Dataset::new(
        spec.path.display().to_string(),
        vec![rows, names.len()],
        x,
        y,
    )?;
    Ok(data.with_notes(notes))
}

fn bad(spec: &TableSpec, reason: String) -> StudyError {
    StudyError::Models(ModelsError::BadData {
        spec: spec.to_string(),
        reason,
    })
}

/// The column of the targets.
fn target<'t>(spec: &TableSpec, table: &'t TableFile) -> Result<&'t TableColumn, StudyError> {
    let there = || listed(table.columns().iter().map(|column| column.name.as_str()));
    let Some(name) = &spec.target else {
        let reason = format!(
            "which column holds the targets? its columns are {}; name one, as in {}:target=COLUMN",
            there(),
            landscape_core::path_words(&spec.path)
        );
        return Err(bad(spec, reason));
    };
    let found = find(table, name);
    let found = found.ok_or_else(|| {
        bad(
            spec,
            format!("it has no column `{name}`; its columns are {}", there()),
        )
    })?;
    match found.kind {
        ColumnKind::Other => Err(bad(
            spec,
            format!(
                "column `{name}` holds {}, which cannot be targets",
                found.declared
            ),
        )),
        _ => Ok(found),
    }
}

fn find<'t>(table: &'t TableFile, name: &str) -> Option<&'t TableColumn> {
    table.columns().iter().find(|column| column.name == name)
}

/// The columns of the inputs, all of which hold numbers.
fn features<'t>(
    spec: &TableSpec,
    table: &'t TableFile,
    target: &TableColumn,
) -> Result<Vec<&'t TableColumn>, StudyError> {
    if let Some(name) = spec.drop.iter().find(|name| find(table, name).is_none()) {
        return Err(bad(
            spec,
            format!("it has no column `{name}` that could be left out"),
        ));
    }
    let left = table.columns().iter();
    let features: Vec<&TableColumn> = left
        .filter(|column| column.name != target.name && !spec.drop.contains(&column.name))
        .collect();
    if features.is_empty() {
        let reason = "no column besides the targets is left for the inputs".to_owned();
        return Err(bad(spec, reason));
    }
    let is_number =
        |column: &&&TableColumn| matches!(column.kind, ColumnKind::Whole | ColumnKind::Float);
    let words: Vec<&TableColumn> = features.iter().filter(|c| !is_number(c)).copied().collect();
    match words.first() {
        None => Ok(features),
        Some(column) => Err(bad(spec, no_numbers(table, column, &words)?)),
    }
}

/// What to do about columns of words.
fn no_numbers(
    table: &TableFile,
    column: &TableColumn,
    all: &[&TableColumn],
) -> Result<String, StudyError> {
    let names: Vec<&str> = all.iter().map(|column| column.name.as_str()).collect();
    let several = match all.len() {
        1 => String::new(),
        _ => format!(", like {}", listed(names[1..].iter().copied())),
    };
    let mut encode = format!("pandas.get_dummies(frame, columns=[\"{}\"])", column.name);
    let what = match column.kind {
        ColumnKind::Words => {
            let words = table.some_words(&column.name)?;
            if words.iter().all(|word| is_grouped(word)) {
                encode = "pandas.read_csv(FILE, thousands=\",\")".to_owned();
            }
            format!("words ({}, ...)", listed(words.iter().map(String::as_str)))
        }
        _ if column.declared.ends_with(']') => {
            encode = format!(
                "frame.join(pandas.DataFrame(frame.pop(\"{}\").tolist()))",
                column.name
            );
            format!("lists ({})", column.declared)
        }
        _ => column.declared.clone(),
    };
    Ok(format!(
        "column `{}` holds {what}, which cannot be inputs{several}; encode them as numbers, in pandas \
         {encode}, or leave them out with drop={}",
        column.name,
        names.join(",")
    ))
}

/// Whether a word is a number but for commas between its thousands.
fn is_grouped(word: &str) -> bool {
    word.contains(',') && word.replace(',', "").parse::<f64>().is_ok()
}

/// The first of some names.
fn listed<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    const SHOWN: usize = 12;
    let rest = names.len().saturating_sub(SHOWN);
    let short = |name: &str| {
        let start: String = name.chars().take(40).collect();
        format!("`{}`", start.escape_debug())
    };
    let shown: Vec<String> = names.take(SHOWN).map(short).collect();
    match rest {
        0 => shown.join(", "),
        rest => format!("{} and {rest} more", shown.join(", ")),
    }
}
