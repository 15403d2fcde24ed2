//! Files of named arrays, and what is taken of them.

use super::Normalisation;
use super::settings::{settings, with_settings};
use crate::ModelsError;
use crate::files::Arrays;
use std::fmt;
use std::path::{Path, PathBuf};

/// Arrays of a `.safetensors` or `.npz` file: `FILE`, or `FILE:x=images,y=labels,mean=0.5,std=0.5`.
///
/// Settings are the targets, `y=ARRAY` (or `y=none`, for a loss that takes none); the normalisation of the first input,
/// `scale`, `mean` and `std`; every other `NAME=ARRAY` is an input of that name, in the order in which they are given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FileSpec {
    /// The file.
    pub path: PathBuf,
    /// Name and array of each input; found by the usual names where empty.
    pub inputs: Vec<(String, String)>,
    /// The array of the targets.
    pub targets: ChosenTargets,
    /// What is done to the first input.
    pub normalisation: Normalisation,
}

/// Which array holds the targets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ChosenTargets {
    /// The one with a usual name.
    #[default]
    Usual,
    /// One by its name.
    Array(String),
    /// There are none.
    None,
}

/// The word for no targets.
const NO_TARGETS: &str = "none";

impl From<PathBuf> for FileSpec {
    fn from(path: PathBuf) -> Self {
        FileSpec {
            path,
            ..FileSpec::default()
        }
    }
}

impl From<&Path> for FileSpec {
    fn from(path: &Path) -> Self {
        path.to_owned().into()
    }
}

impl FileSpec {
    /// A file and the settings behind its name.
    pub(super) fn parse(path: PathBuf, text: &str) -> Result<Self, String> {
        let mut spec = FileSpec::from(path);
        for setting in settings(text)? {
            if spec.normalisation.take(&setting)? {
                continue;
            }
            let array = setting.one()?;
            match setting.key {
                "" => return Err(format!("`={array}`: an input has a name")),
                "y" if array == NO_TARGETS => spec.targets = ChosenTargets::None,
                "y" => spec.targets = ChosenTargets::Array(array.to_owned()),
                input => spec.inputs.push((input.to_owned(), array.to_owned())),
            }
        }
        Ok(spec)
    }

    /// Takes the arrays that have the names of a network's inputs, in their order, where no arrays are named yet: all of them,
    /// or all but the last, which may be the targets; `ends_in_targets` says that it is. Says whether there were such.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn take_named(
        &mut self,
        inputs: &[&str],
        ends_in_targets: bool,
    ) -> Result<bool, ModelsError> {
        if !self.inputs.is_empty() {
            return Ok(false);
        }
        let names = Arrays::open(&self.path)?.names()?;
        let is_there = |input: &&str| names.iter().any(|name| name == input);
        let Some((last, first)) = inputs.split_last() else {
            return Ok(false);
        };
        if !first.iter().all(&is_there) {
            return Ok(false);
        }
        let own = |input: &&str| ((*input).to_owned(), (*input).to_owned());
        self.inputs = first.iter().map(own).collect();
        match (is_there(last), ends_in_targets) {
            (true, true) if self.targets == ChosenTargets::Usual => {
                self.targets = ChosenTargets::Array((*last).to_owned());
            }
            (true, false) => self.inputs.push(own(last)),
            _ => {}
        }
        Ok(!self.inputs.is_empty())
    }

    fn settings(&self) -> Vec<String> {
        let inputs = self.inputs.iter();
        let mut all: Vec<String> = inputs
            .map(|(input, array)| format!("{input}={array}"))
            .collect();
        match &self.targets {
            ChosenTargets::Usual => {}
            ChosenTargets::Array(array) => all.push(format!("y={array}")),
            ChosenTargets::None => all.push(format!("y={NO_TARGETS}")),
        }
        all.extend(self.normalisation.settings());
        all
    }
}

impl fmt::Display for FileSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&with_settings(&self.path, &self.settings()))
    }
}
