//! Tables whose columns are features and a target. What reads them is not part of this crate.

use super::Normalisation;
use super::settings::{settings, with_settings};
use std::fmt;
use std::path::PathBuf;

/// A table: `FILE.csv`, `FILE.tsv` or `FILE.parquet`, with `:target=COLUMN,drop=COLUMN,COLUMN,mean=...,std=...`.
///
/// One column is the target, all others are features in the order of the table, but for those that are dropped.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableSpec {
    /// The file.
    pub path: PathBuf,
    /// The column of the targets.
    pub target: Option<String>,
    /// Columns that are left out.
    pub drop: Vec<String>,
    /// What is done to the features.
    pub normalisation: Normalisation,
}

impl TableSpec {
    /// A file and the settings behind its name.
    pub(super) fn parse(path: PathBuf, text: &str) -> Result<Self, String> {
        let mut spec = TableSpec {
            path,
            ..TableSpec::default()
        };
        for setting in settings(text)? {
            match setting.key {
                "target" => spec.target = Some(setting.one()?.to_owned()),
                "drop" => spec.drop = setting.values.iter().map(|&v| v.to_owned()).collect(),
                _ if spec.normalisation.take(&setting)? => {}
                other => {
                    return Err(format!(
                        "unknown setting `{other}`; target, drop, scale, mean, std"
                    ));
                }
            }
        }
        Ok(spec)
    }

    fn settings(&self) -> Vec<String> {
        let target = self.target.iter().map(|column| format!("target={column}"));
        let mut all: Vec<String> = target.collect();
        if !self.drop.is_empty() {
            all.push(format!("drop={}", self.drop.join(",")));
        }
        all.extend(self.normalisation.settings());
        all
    }
}

impl fmt::Display for TableSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&with_settings(&self.path, &self.settings()))
    }
}
