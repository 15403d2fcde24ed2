//! Numbers and facts that are checked, on this machine or of a run.

use crate::words::or_dash_by;
use landscape_core::json::float_option;
use serde::Serialize;

/// A number that was checked, or a fact that speaks for the numbers or against them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// What it is.
    #[serde(rename = "check")]
    pub name: String,
    /// What was found.
    pub found: String,
    /// How far two numbers are apart: of losses, eigenvalues and derivatives as a share, of accuracies as it is.
    #[serde(with = "float_option")]
    pub difference: Option<f64>,
    /// How far they may be.
    #[serde(with = "float_option")]
    pub allowed: Option<f64>,
    /// Whether it holds; `None` where it could not be checked.
    pub holds: Option<bool>,
}

impl Check {
    pub(crate) fn fact(
        name: impl Into<String>,
        found: impl Into<String>,
        holds: Option<bool>,
    ) -> Self {
        Check {
            name: name.into(),
            found: found.into(),
            difference: None,
            allowed: None,
            holds,
        }
    }

    pub(crate) fn compare(
        name: impl Into<String>,
        found: impl Into<String>,
        difference: f64,
        allowed: f64,
    ) -> Self {
        Check {
            difference: Some(difference),
            allowed: Some(allowed),
            // NaN does not hold.
            ..Check::fact(name, found, Some(difference <= allowed))
        }
    }

    /// Its name, what was found, how far two numbers are apart and may be, and whether it holds, in words.
    pub(crate) fn cells(&self) -> [String; 5] {
        let small = |value| {
            or_dash_by(value, |value| match value {
                0.0 => "0".to_owned(),
                value => format!("{value:.1e}"),
            })
        };
        let holds = match self.holds {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "not checked",
        };
        let [apart, allowed] = [self.difference, self.allowed].map(small);
        [
            self.name.clone(),
            self.found.clone(),
            apart,
            allowed,
            holds.to_owned(),
        ]
    }
}
