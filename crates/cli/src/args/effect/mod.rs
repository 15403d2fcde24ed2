//! Options that have no effect where they stand: each is an error that says what it belongs to.

mod rules;

use super::{Cli, Command, Given};
use crate::error::CliError;

/// Options, and whether they do anything beside the others that are given.
struct Rule {
    /// Their names in the definition of the command line.
    options: &'static [&'static str],
    acts: bool,
    /// Why they do nothing, after the option's name.
    why: String,
    /// What to add, where something can be added.
    add: Option<&'static str>,
}

/// Options that do something beside `company` only.
fn needs(options: &'static [&'static str], acts: bool, company: &'static str) -> Rule {
    Rule {
        options,
        acts,
        why: format!("it belongs to {company}"),
        add: Some(company),
    }
}

/// Options that do nothing, for a reason.
fn idle(options: &'static [&'static str], idle: bool, why: impl Into<String>) -> Rule {
    Rule {
        options,
        acts: !idle,
        why: why.into(),
        add: None,
    }
}

/// Finds the first option that was given and does nothing.
///
/// # Errors
/// [`CliError::Conflict`] with the option and what it belongs to.
pub fn check(cli: &Cli, given: &Given) -> Result<(), CliError> {
    for rule in of(&cli.command).iter().filter(|rule| !rule.acts) {
        if let Some(id) = rule.options.iter().find(|id| given.has(id)) {
            return Err(no_effect(id, &rule.why, rule.add));
        }
    }
    Ok(())
}

fn of(command: &Command) -> Vec<Rule> {
    match command {
        Command::Train(args) => rules::train(args),
        Command::Line(args) => rules::sample(args),
        Command::Surface(args) => rules::sample(args),
        Command::Volume(args) => rules::sample(args),
        Command::Trajectory(args) => rules::trajectory(args),
        Command::Connect(args) => rules::connect(args),
        Command::Hessian(args) => rules::hessian(args),
        Command::Compare(args) => rules::compare(args),
        Command::Diagnose(args) => rules::diagnose(args),
        Command::Plot(args) => rules::plot(args),
        Command::Export(args) => rules::export(args),
        Command::Demo(args) => vec![rules::threads(&args.eval)],
        Command::Doctor(args) => vec![rules::threads(&args.eval)],
        Command::Metrics(_)
        | Command::Import(_)
        | Command::Runs(_)
        | Command::Show(_)
        | Command::Sql(_)
        | Command::Rm(_)
        | Command::Rename(_)
        | Command::Compact(_)
        | Command::Migrate(_)
        | Command::Data(_)
        | Command::Completions(_)
        | Command::Man(_) => Vec::new(),
    }
}

/// An option, by its name in the definition of the command line, that does nothing where it stands: why, and
/// what to add, where something can be added.
pub fn no_effect(id: &str, why: &str, add: Option<&str>) -> CliError {
    let option = format!("--{}", id.replace('_', "-"));
    CliError::Conflict {
        remedy: match add {
            Some(company) => format!("add {company}, or leave {option} out"),
            None => format!("leave {option} out"),
        },
        what: format!("{option} has no effect here: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    /// Every option that a rule names is one of its command.
    #[test]
    fn rules_name_options_that_exist() {
        for line in [
            "train --model mlp:2-1",
            "line",
            "surface",
            "volume",
            "trajectory --run a",
            "connect",
            "hessian",
            "compare",
            "compare a b",
            "diagnose a",
            "plot a -o a.svg",
            "plot a -o a.html",
            "export a",
            "demo",
            "doctor",
        ] {
            let words = ["landscape"].into_iter().chain(line.split(' '));
            let cli = Cli::try_parse_from(words).unwrap();
            let name = line.split(' ').next().unwrap();
            let whole = Cli::command();
            let command = whole.find_subcommand(name).unwrap();
            for id in of(&cli.command).iter().flat_map(|rule| rule.options) {
                let found = command.get_arguments().find(|arg| arg.get_id() == *id);
                let long = found.and_then(clap::Arg::get_long);
                assert_eq!(long, Some(id.replace('_', "-").as_str()), "{name}");
            }
        }
    }
}
