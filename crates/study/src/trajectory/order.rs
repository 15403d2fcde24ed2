//! The order of checkpoint files, and the steps that their names tell.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

/// Words before the number of a step; the finer measure first.
const WORDS: [&[&str]; 2] = [
    &[
        "step",
        "steps",
        "iter",
        "iters",
        "iteration",
        "iterations",
        "it",
    ],
    &["epoch", "epochs", "ep"],
];

/// Words that are told from the ends of others by standing alone.
const SHORT: &[&str] = &["it", "ep"];

/// Checkpoint files in the order of training.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ordered {
    pub files: Vec<PathBuf>,
    /// Their steps, rising, where the names tell them.
    pub steps: Option<Vec<u64>>,
}

/// Puts checkpoint files in order.
///
/// A whole number behind `step` or `iter`, else behind `epoch`, is the step, wherever it stands in the names of the
/// files or, where those do not tell them apart, of their folders. Without such words the last whole number is, where it
/// rises with the [`natural`] order of the names. That order holds where no number tells the step.
pub(super) fn in_order(mut files: Vec<PathBuf>) -> Ordered {
    files.sort_by(|a, b| natural(a, b));
    let names: Vec<Vec<String>> = files.iter().map(|file| names(file)).collect();
    let depth = names.iter().map(Vec::len).min().unwrap_or(0);
    let each = |place: usize, number: &dyn Fn(&str) -> Option<u64>| -> Option<Vec<u64>> {
        names.iter().map(|names| number(&names[place])).collect()
    };
    for words in WORDS {
        let behind = |name: &str| behind(name, words);
        for steps in (0..depth).filter_map(|place| each(place, &behind)) {
            let mut all: Vec<(u64, PathBuf)> = steps.into_iter().zip(files.clone()).collect();
            all.sort();
            if all.windows(2).all(|pair| pair[0].0 < pair[1].0) {
                let (steps, files) = all.into_iter().unzip();
                return Ordered {
                    files,
                    steps: Some(steps),
                };
            }
        }
    }
    let steps = (0..depth)
        .filter_map(|place| each(place, &last))
        .find(|steps| steps.windows(2).all(|pair| pair[0] < pair[1]));
    Ordered { files, steps }
}

/// The name of a file without its ending, and those of the folders around it, the innermost first.
fn names(file: &Path) -> Vec<String> {
    let folders = file.ancestors().skip(1).filter_map(Path::file_name);
    let names = file.file_stem().into_iter().chain(folders);
    names
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

/// The whole number behind one of the words.
fn behind(name: &str, words: &[&str]) -> Option<u64> {
    let parts = parts(name);
    parts.windows(2).find_map(|pair| match pair {
        [Part::Letters(letters), number] if ends_with_word(letters, words) => number.whole(),
        _ => None,
    })
}

/// Whether a word stands at the end of what is before a number, beside `=`, `_` and the like.
fn ends_with_word(letters: &str, words: &[&str]) -> bool {
    let letters = letters.trim_end_matches(|c: char| !c.is_alphabetic());
    let start = letters.rfind(|c: char| !c.is_alphabetic());
    let word = start.map_or(letters, |at| {
        letters[at..].trim_start_matches(|c: char| !c.is_alphabetic())
    });
    let word = word.to_ascii_lowercase();
    words.iter().any(|known| match SHORT.contains(known) {
        true => word == *known,
        false => word.ends_with(known),
    })
}

/// The last whole number of a name.
fn last(name: &str) -> Option<u64> {
    parts(name).iter().rev().find_map(Part::whole)
}

/// The order of names in which numbers are compared as numbers: `model_2` before `model_10`, `model_0.25` before
/// `model_0.5`.
fn natural(a: &Path, b: &Path) -> Ordering {
    let (shown_a, shown_b) = (a.to_string_lossy(), b.to_string_lossy());
    parts(&shown_a).cmp(&parts(&shown_b)).then_with(|| a.cmp(b))
}

/// A part of a name: other letters, or a number.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    /// Its digits without leading zeros, after how many there are, and those behind the point: so they compare as
    /// the number does.
    Number(usize, &'a str, Option<&'a str>),
    Letters(&'a str),
}

impl Part<'_> {
    fn whole(&self) -> Option<u64> {
        match self {
            Part::Number(_, "", None) => Some(0),
            Part::Number(_, digits, None) => digits.parse().ok(),
            _ => None,
        }
    }
}

fn parts(name: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let is_number = first.is_ascii_digit();
        let (part, after) = split(rest, |c| c.is_ascii_digit() == is_number);
        rest = after;
        if !is_number {
            parts.push(Part::Letters(part));
            continue;
        }
        let digits = part.trim_start_matches('0');
        let is_version = matches!(parts[..], [.., Part::Number(..), Part::Letters(".")]);
        let fraction = fraction(rest).filter(|_| !is_version);
        rest = fraction.map_or(rest, |fraction| &rest[1 + fraction.len()..]);
        let fraction = fraction.map(|digits| digits.trim_end_matches('0'));
        parts.push(Part::Number(digits.len(), digits, fraction));
    }
    parts
}

/// The digits behind a point, unless another number follows, as in versions.
fn fraction(rest: &str) -> Option<&str> {
    let (digits, after) = split(rest.strip_prefix('.')?, |c| c.is_ascii_digit());
    let mut next = after.chars();
    let version = next.next() == Some('.') && next.next().is_some_and(|c| c.is_ascii_digit());
    (!digits.is_empty() && !version).then_some(digits)
}

/// A text up to where something no longer holds of its letters, and what follows.
fn split(text: &str, holds: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !holds(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names in order, and their steps.
    fn ordered(names: &[&str]) -> (Vec<String>, Option<Vec<u64>>) {
        let found = in_order(names.iter().map(PathBuf::from).collect());
        let files = found.files.iter().map(|file| file.display().to_string());
        (files.collect(), found.steps)
    }

    #[track_caller]
    fn check(names: &[&str], steps: Option<&[u64]>) {
        let expected: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut shuffled = names.to_vec();
        shuffled.sort_unstable();
        shuffled.reverse();
        let (files, found) = ordered(&shuffled);
        assert_eq!((files, found.as_deref()), (expected, steps));
    }

    #[test]
    fn numbers_in_names_are_compared_as_numbers() {
        check(&["m", "m_1", "m_02", "m_2", "m_10", "n_1"], None);
        check(&["e0.25.pt", "e0.5.pt", "e1.pt", "e1.5.pt", "e10.pt"], None);
        check(&["v1.2.3.pt", "v1.2.10.pt", "v1.10.1.pt"], None);
    }

    #[test]
    fn steps_are_the_last_numbers_of_rising_names() {
        check(&["r20_5.pt", "r20_10.pt"], Some(&[5, 10]));
        check(&["epoch_000.pt", "epoch_100.pt"], Some(&[0, 100]));
        check(&["a.pt", "b.pt"], None);
        check(&["a1.pt", "b1.pt"], None);
        check(
            &["m1_0.61.pt", "m2_0.72.pt", "m10_0.81.pt"],
            Some(&[1, 2, 10]),
        );
    }

    #[test]
    fn words_tell_which_number_is_the_step() {
        check(
            &[
                "epoch=1-val_acc=0.61.ckpt",
                "epoch=2-val_acc=0.72.ckpt",
                "epoch=10-val_acc=0.81.ckpt",
            ],
            Some(&[1, 2, 10]),
        );
        check(&["acc72_epoch_2.pt", "acc61_epoch_10.pt"], Some(&[2, 10]));
        check(
            &[
                "epoch=1-step=100.ckpt",
                "epoch=2-step=200.ckpt",
                "epoch=10-step=1000.ckpt",
            ],
            Some(&[100, 200, 1000]),
        );
        check(&["Epoch2 loss3.pt", "Epoch10 loss1.pt"], Some(&[2, 10]));
        // `unit` is not `it`.
        check(&["unit8_2.pt", "unit9_1.pt"], None);
    }

    #[test]
    fn folders_tell_steps_where_files_do_not() {
        check(
            &[
                "run/checkpoint-500/model.pt",
                "run/checkpoint-1000/model.pt",
            ],
            Some(&[500, 1000]),
        );
        check(
            &["global_step2/rank_00.pt", "global_step10/rank_00.pt"],
            Some(&[2, 10]),
        );
        check(&["epoch_1/step_5.pt", "epoch_2/step_5.pt"], Some(&[1, 2]));
        check(&["3/a_1.pt", "3/a_2.pt"], Some(&[1, 2]));
    }
}
