//! Which arrays of a file are the inputs, and which the targets, by the names that people give them.

use super::Split;

const INPUTS: &[&str] = &[
    "x",
    "inputs",
    "input",
    "images",
    "image",
    "imgs",
    "img",
    "data",
    "features",
    "tokens",
    "input_ids",
    "ids",
    "arr_0",
];
const TARGETS: &[&str] = &[
    "y", "labels", "label", "targets", "target", "classes", "class", "arr_1",
];
const TRAIN: &[&str] = &["train", "training", "tr"];
const TEST: &[&str] = &["test", "testing", "te"];

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Inputs,
    Targets,
}

impl Wanted {
    fn words(self) -> &'static [&'static str] {
        match self {
            Wanted::Inputs => INPUTS,
            Wanted::Targets => TARGETS,
        }
    }

    /// `x` or `y`.
    pub fn letter(self) -> &'static str {
        self.words()[0]
    }

    /// In words.
    pub fn plural(self) -> &'static str {
        match self {
            Wanted::Inputs => "inputs",
            Wanted::Targets => "targets",
        }
    }
}

/// The arrays that may be what is wanted, of a part of the data: one, where it is clear.
///
/// Names count in any case. `x` and `y` are taken before all others; a name with the part in it (`x_train`,
/// `test_images`) where no name is without a part, and for tests always.
pub(super) fn candidates(names: &[String], wanted: Wanted, split: Split) -> Vec<String> {
    let plain = |name: &str| (!name.is_empty()).then(|| name.to_lowercase());
    let of_part = |name: &str| without_part(&name.to_lowercase(), split);
    let found = match split {
        Split::Train => named(names, wanted, plain),
        Split::Test => Vec::new(),
    };
    match found.is_empty() {
        true => named(names, wanted, of_part),
        false => found,
    }
}

/// Whether there are arrays of that part.
pub(super) fn has_part(names: &[String], split: Split) -> bool {
    let of_part = |name: &str| without_part(&name.to_lowercase(), split);
    !named(names, Wanted::Inputs, of_part).is_empty()
}

fn named(names: &[String], wanted: Wanted, form: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let matching =
        |name: &&String| form(name).is_some_and(|form| wanted.words().contains(&form.as_str()));
    let found: Vec<String> = names.iter().filter(matching).cloned().collect();
    // The exact letter is what this program asks for.
    let letter = |name: &&String| form(name).as_deref() == Some(wanted.letter());
    match found.iter().find(letter) {
        Some(exact) => vec![exact.clone()],
        None => found,
    }
}

/// `x` of `x_train`, `train_x`, `xtrain` and `x-train`.
fn without_part(name: &str, split: Split) -> Option<String> {
    let parts = match split {
        Split::Train => TRAIN,
        Split::Test => TEST,
    };
    let joint = |c: char| matches!(c, '_' | '-' | '.' | '/');
    let cut = |part: &&str| {
        let rest = name
            .strip_suffix(*part)
            .or_else(|| name.strip_prefix(*part))?;
        let rest = rest.trim_matches(joint);
        (!rest.is_empty()).then(|| rest.to_owned())
    };
    parts.iter().find_map(cut)
}
