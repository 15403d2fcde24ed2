use crate::words::{VARIABLES, variable};
use clap::ArgMatches;
use clap::parser::ValueSource;
use std::collections::BTreeSet;

/// Which options of a command were typed, and did not just keep their defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    typed: BTreeSet<String>,
    /// Variables of the environment that take the place of options.
    variables: Vec<&'static str>,
}

impl Given {
    /// Those of a command's words.
    pub(super) fn of(matches: &ArgMatches) -> Self {
        let ids: BTreeSet<&str> = matches.ids().map(clap::Id::as_str).collect();
        let is_typed = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
        let typed = ids.iter().filter(|id| is_typed(id));
        let typed = typed.map(|&id| id.to_owned()).collect();
        let used = |(id, name): &&(&'static str, &'static str)| {
            let taken = matches.try_contains_id(id).is_ok() && !is_typed(id);
            taken && variable(name).is_some()
        };
        let variables = VARIABLES.iter().filter(used).map(|(_, name)| *name);
        Given {
            typed,
            variables: variables.collect(),
        }
    }

    /// Whether an option was typed, by its name in the definition of the command line.
    pub fn has(&self, id: &str) -> bool {
        self.typed.contains(id)
    }

    /// Variables of the environment that take the place of options of this command.
    pub fn variables(&self) -> &[&'static str] {
        &self.variables
    }
}
