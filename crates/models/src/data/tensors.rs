//! Inputs and targets among the arrays of a file.

use super::file::{ChosenTargets, FileSpec};
use super::keys::{self, Wanted};
use super::{Dataset, Input, Split};
use crate::files::{self, Array, Arrays, Element, Numbers};
use crate::loss::IGNORED;
use crate::{ModelsError, Targets};
use landscape_core::{counted, name_words};
use std::path::Path;

/// What a file is asked for, and what is worth saying of it.
struct Reading<'a> {
    spec: &'a FileSpec,
    split: Split,
    arrays: Arrays,
    names: Vec<String>,
    notes: Vec<String>,
}

/// Arrays of a `.safetensors` or `.npz` file.
pub(super) fn load(spec: &FileSpec, split: Split) -> Result<Dataset, ModelsError> {
    let arrays = Arrays::open(&spec.path)?;
    let mut reading = Reading {
        names: arrays.names()?,
        arrays,
        spec,
        split,
        notes: Vec::new(),
    };
    let chosen = reading.inputs()?;
    let targets = reading.targets()?;
    let mut inputs = Vec::new();
    for (number, (name, array)) in chosen.iter().enumerate() {
        let (mut array, element) = reading.read(array, false)?;
        if number == 0 {
            reading.normalise(&mut array, element)?;
        }
        inputs.push((name.as_str(), array, element));
    }
    let (first, element) = (&inputs[0].1, inputs[0].2);
    let mut are_tokens = false;
    let targets = match targets {
        Some(Some(name)) => Some(reading.read(&name, true)?.0),
        Some(None) => None,
        None if element != Element::Float
            && matches!(first.shape[..], [_, tokens] if tokens > 1) =>
        {
            reading.notes.push(
                "there are no targets, and the inputs are whole numbers, [samples, tokens]: the target of each token is \
                 the next one, and the last of each sample has none"
                    .to_owned(),
            );
            are_tokens = true;
            Some(next_tokens(first))
        }
        None => return Err(reading.lacking(Wanted::Targets)),
    };
    let name = spec.path.display().to_string();
    let inputs = inputs
        .into_iter()
        .map(|(input, array, _)| (input, array))
        .collect();
    let data = dataset(name, inputs, targets)?.with_notes(reading.notes);
    Ok(match data.tokens().filter(|_| are_tokens) {
        Some(tokens) => data.with_vocabulary(tokens.vocab),
        None => data,
    })
}

/// `x` and `y` in two `.npy` files.
pub(super) fn load_pair(x: &Path, y: &Path) -> Result<Dataset, ModelsError> {
    let name = format!("{},{}", x.display(), y.display());
    let x = files::read_npy(x, false)?.0;
    dataset(name, vec![("x", x)], Some(files::read_npy(y, true)?.0))
}

impl Reading<'_> {
    /// Name and array of each input.
    fn inputs(&mut self) -> Result<Vec<(String, String)>, ModelsError> {
        if !self.spec.inputs.is_empty() {
            return Ok(self.spec.inputs.clone());
        }
        let array = self.usual(Wanted::Inputs)?;
        let array = array.ok_or_else(|| self.lacking(Wanted::Inputs))?;
        Ok(vec![(Wanted::Inputs.letter().to_owned(), array)])
    }

    /// The array of the targets; `Some(None)` where there shall be none, `None` where there is none.
    fn targets(&mut self) -> Result<Option<Option<String>>, ModelsError> {
        match &self.spec.targets {
            ChosenTargets::None => Ok(Some(None)),
            ChosenTargets::Array(array) => Ok(Some(Some(array.clone()))),
            ChosenTargets::Usual => Ok(self.usual(Wanted::Targets)?.map(Some)),
        }
    }

    /// The array with a usual name, which is told where it is not the one that is asked for first.
    fn usual(&mut self, wanted: Wanted) -> Result<Option<String>, ModelsError> {
        let mut found = keys::candidates(&self.names, wanted, self.split);
        // What is used as an input is not a target, and the other way round.
        found.retain(|name| match wanted {
            Wanted::Targets => !self.spec.inputs.iter().any(|(_, array)| array == name),
            Wanted::Inputs => self.spec.targets != ChosenTargets::Array(name.clone()),
        });
        match &found[..] {
            [] => Ok(None),
            [one] => {
                if one != wanted.letter() {
                    let (plural, name) = (wanted.plural(), name_words(one));
                    self.notes
                        .push(format!("the {plural} are the array `{name}`"));
                }
                Ok(Some(one.clone()))
            }
            several => {
                let reason = format!(
                    "its arrays {} may all be the {}; {}",
                    listed(several),
                    wanted.plural(),
                    self.remedy()
                );
                Err(ModelsError::unsupported(&self.spec.path, reason))
            }
        }
    }

    /// What there is instead.
    fn lacking(&self, wanted: Wanted) -> ModelsError {
        if self.split == Split::Test && !keys::has_part(&self.names, Split::Test) {
            return ModelsError::BadData {
                spec: self.spec.to_string(),
                reason: format!(
                    "it has no test split, such as arrays x_test and y_test; its arrays are {}; use the split `train`",
                    listed(&self.names)
                ),
            };
        }
        let reason = format!(
            "it has no tensor `{}`; its arrays are {}; store the inputs as x, the targets as y, or {}",
            wanted.letter(),
            listed(&self.names),
            self.remedy()
        );
        ModelsError::unsupported(&self.spec.path, reason)
    }

    fn remedy(&self) -> String {
        format!(
            "name them: {}:x=ARRAY,y=ARRAY (y=none for a loss that takes no targets)",
            landscape_core::path_words(&self.spec.path)
        )
    }

    fn read(&mut self, name: &str, targets: bool) -> Result<(Array, Element), ModelsError> {
        let found = self.arrays.read(name, targets)?;
        found.ok_or_else(|| {
            let reason = format!(
                "it has no array `{}`; its arrays are {}",
                name_words(name),
                listed(&self.names)
            );
            ModelsError::unsupported(&self.spec.path, reason)
        })
    }
}

impl Reading<'_> {
    fn normalise(&mut self, array: &mut Array, element: Element) -> Result<(), ModelsError> {
        let given = &self.spec.normalisation;
        let wrong = |reason: String| ModelsError::BadData {
            spec: self.spec.to_string(),
            reason,
        };
        if element == Element::Byte && given.leaves_open() {
            return Err(wrong(
                "its inputs are bytes; add scale=1/255 if mean and std refer to values from 0 to 1, or scale=1 if they \
                 refer to bytes"
                    .to_owned(),
            ));
        }
        let Numbers::Float(values) = &mut array.values else {
            return Ok(());
        };
        let sample = array.shape.get(1..).unwrap_or_default();
        given.apply_to(values, sample).map_err(wrong)?;
        if let Some(words) = given.words() {
            self.notes.push(format!("inputs become {words}"));
        }
        Ok(())
    }
}

/// The first names of a list.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let short = |name: &String| {
        let start: String = name.chars().take(60).collect();
        format!("`{}`", name_words(&start))
    };
    let shown: Vec<String> = names.iter().take(SHOWN).map(short).collect();
    match names.len() {
        0 => "none".to_owned(),
        n if n > SHOWN => format!("{} and {} more", shown.join(", "), n - SHOWN),
        _ => shown.join(", "),
    }
}

/// The next token of each, and the mark of none for the last of each sample.
fn next_tokens(inputs: &Array) -> Array {
    let width = inputs.shape[1];
    let mut values = match &inputs.values {
        Numbers::Float(values) => values.clone(),
        Numbers::Int(values) => values.iter().map(|&v| v as f32).collect(),
    };
    for sample in values.chunks_exact_mut(width) {
        sample.rotate_left(1);
        sample[width - 1] = IGNORED as f32;
    }
    Array {
        shape: inputs.shape.clone(),
        values: Numbers::Float(values),
    }
}

/// Inputs `[n, ...]` as they are; whole-number targets `[n]` or `[n, 1]` are classes, all others `[n, ...]` values.
fn dataset(
    name: String,
    inputs: Vec<(&str, Array)>,
    y: Option<Array>,
) -> Result<Dataset, ModelsError> {
    let shape_error = |reason| ModelsError::DataShape {
        name: name.clone(),
        reason,
    };
    if let Some((input, _)) = inputs.iter().find(|(_, array)| array.shape.is_empty()) {
        return Err(shape_error(format!(
            "{} is a scalar; its first axis must be the samples",
            name_words(input)
        )));
    }
    let samples = inputs[0].1.shape[0];
    let (targets, shape) = match y {
        None => (Targets::None(samples), Vec::new()),
        Some(y) => {
            if y.shape.is_empty() || y.shape[1..].contains(&0) {
                let reason = format!("y has shape {:?}; it must be [n] or [n, width]", y.shape);
                return Err(shape_error(reason));
            }
            if samples != y.shape[0] {
                let reason = format!(
                    "{} has {}, y has {}; each needs one target",
                    name_words(inputs[0].0),
                    counted(samples, "sample"),
                    y.shape[0]
                );
                return Err(shape_error(reason));
            }
            let shape = y.shape[1..].to_vec();
            (targets(y), shape)
        }
    };
    let inputs = inputs.into_iter().map(|(input, array)| {
        let Array { shape, values } = array;
        Input::new(input, shape, values.into_floats())
    });
    let inputs = inputs.collect();
    Dataset::with_inputs(name, inputs, targets)?.with_target_shape(shape)
}

fn targets(y: Array) -> Targets {
    let width = y.shape[1..].iter().product();
    match y.values {
        Numbers::Int(labels) if width == 1 => Targets::Classes(labels),
        values => Targets::Values {
            data: values.into_floats(),
            width,
        },
    }
}
