use crate::words::{VARIABLES, variable};
use clap::ArgMatches;
use clap::parser::ValueSource;

/// What was typed for a command, by the names of options in the definition of the command line.
#[derive(Debug, Clone, Default)]
pub struct Given {
    pub(super) command: String,
    matches: ArgMatches,
}

impl Given {
    /// Those of a command's words.
    pub(super) fn of(command: &str, matches: &ArgMatches) -> Self {
        Given {
            command: command.to_owned(),
            matches: matches.clone(),
        }
    }

    /// Whether an option was typed, and does not just keep its default.
    pub fn has(&self, id: &str) -> bool {
        let known = self.matches.try_contains_id(id).is_ok();
        known && self.matches.value_source(id) == Some(ValueSource::CommandLine)
    }

    /// The values of an option, also those that it has without being typed.
    pub(super) fn values<T: Clone + Send + Sync + 'static>(&self, id: &str) -> Vec<T> {
        let values = self.matches.try_get_many(id).ok().flatten();
        values.map_or(Vec::new(), |values| values.cloned().collect())
    }

    /// Variables of the environment that take the place of options of this command.
    pub fn variables(&self) -> Vec<&'static str> {
        let taken = |id: &str| self.matches.try_contains_id(id).is_ok() && !self.has(id);
        let used = VARIABLES
            .iter()
            .filter(|(id, name)| taken(id) && variable(name).is_some());
        used.map(|(_, name)| *name).collect()
    }
}
