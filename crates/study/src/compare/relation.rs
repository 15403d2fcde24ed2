//! Whether two landscapes show the same plane, so that their points can be compared one by one.

use landscape_storage::Run;

/// How the planes of two runs belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The same origin and directions.
    Same,
    /// Different ones, and which differ.
    Unrelated(&'static str),
    /// One of them does not say what its plane is.
    Unknown,
}

/// Settings that an origin is made of.
const ORIGIN: [&str; 3] = ["weights", "checkpoints", "center"];

/// Settings that directions are made of, beside the origin.
const DIRECTIONS: [&str; 5] = ["directions", "to", "components", "project", "curve"];

/// How the planes of two runs belong together, from what determines them.
pub fn relation(first: &Run, other: &Run) -> Relation {
    let differs = |name: &str| first.settings.get(name) != other.settings.get(name);
    let told = |run: &Run| ORIGIN.iter().any(|name| run.settings.get(*name).is_some());
    if !told(first) || !told(other) {
        Relation::Unknown
    } else if ORIGIN.iter().any(|name| differs(name)) {
        Relation::Unrelated("their origins differ, and so do their directions")
    } else if DIRECTIONS.iter().any(|name| differs(name)) {
        Relation::Unrelated("their directions differ")
    } else {
        Relation::Same
    }
}

impl Relation {
    /// Whether both show the same plane; `None` where that is not known.
    pub fn same(self) -> Option<bool> {
        match self {
            Relation::Same => Some(true),
            Relation::Unrelated(_) => Some(false),
            Relation::Unknown => None,
        }
    }

    /// Why points may not be compared one by one.
    pub fn why(self) -> Option<&'static str> {
        match self {
            Relation::Same => None,
            Relation::Unrelated(why) => Some(why),
            Relation::Unknown => Some("whether both show the same plane is not known"),
        }
    }
}
