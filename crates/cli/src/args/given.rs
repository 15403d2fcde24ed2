use clap::ArgMatches;
use clap::parser::ValueSource;
use std::collections::BTreeSet;

/// Which options of a command were typed, and did not just keep their defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given(BTreeSet<String>);

impl Given {
    /// Those of a command's words.
    pub(super) fn of(matches: &ArgMatches) -> Self {
        let typed = |id: &&str| matches.value_source(id) == Some(ValueSource::CommandLine);
        let ids = matches.ids().map(clap::Id::as_str);
        Given(ids.filter(typed).map(str::to_owned).collect())
    }

    /// Whether an option was typed, by its name in the definition of the command line.
    pub fn has(&self, id: &str) -> bool {
        self.0.contains(id)
    }
}
