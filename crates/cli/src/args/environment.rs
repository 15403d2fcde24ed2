//! Options whose usual values the environment sets.

use crate::words::{VARIABLES, variable};

/// The definition of the command line, in which empty variables are as good as none.
pub fn without_empty(command: clap::Command) -> clap::Command {
    let empty = VARIABLES
        .iter()
        .filter(|(_, name)| std::env::var_os(name).is_some() && variable(name).is_none());
    empty.fold(command, |command, (id, _)| {
        command.mut_subcommands(|command| {
            command.mut_args(|arg| match arg.get_id() == *id {
                true => arg.env(None::<&'static str>),
                false => arg,
            })
        })
    })
}
