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
    use std::collections::{BTreeMap, BTreeSet};

    /// Lines that have all rules between them.
    const LINES: &[&str] = &[
        "train --model mlp:2-1",
        "line",
        "surface",
        "volume",
        "trajectory --run a",
        "connect",
        "hessian",
        "hessian --map --f64",
        "compare",
        "compare a b",
        "diagnose a",
        "plot a -o a.svg",
        "plot a -o a.html",
        "export a",
        "demo",
        "doctor",
    ];

    const DATA: &str = "data split samples loss";
    const STORE: &str = "db name force";

    /// Options of a command without a rule: what they ask for is done wherever they are taken, or the definition itself
    /// says beside what they stand (`requires`, `conflicts_with`), or the command looks at the run first.
    fn always(command: &str) -> BTreeSet<&'static str> {
        let lists: &[&str] = match command {
            "demo" => &["out force seed device"],
            "train" => &[
                DATA,
                STORE,
                "model weights epochs batch_size optimizer lr weight_decay schedule every per_decade no_shuffle",
                "device record save dry_run",
            ],
            "line" | "surface" | "volume" => &[
                DATA,
                STORE,
                "model weights run grid range to dir_type norm save_directions l1 l2 batch_norm device batch",
                "adaptive precision output log dry_run",
            ],
            "trajectory" => &[
                DATA,
                STORE,
                "run checkpoints model batch_norm window epoch_window center components ignore_biasbn project",
                "grid range device dry_run",
            ],
            "connect" => &[
                DATA,
                STORE,
                "run weights to model points batch_norm align save curve grid range device dry_run",
            ],
            "hessian" => &[
                DATA,
                STORE,
                "run weights model top bottom trace density per_layer map sharpness f64 device output dry_run",
            ],
            "compare" => &[
                STORE,
                "optimizers lrs seeds widths batch_sizes model data grid end_grid no_curvature output log",
            ],
            "metrics" => &["value db"],
            "diagnose" => &["no_curvature db"],
            "plot" => &["output log title force db"],
            "export" => &["format output directions trajectory curvature db"],
            "import" => &[STORE, "format"],
            "runs" => &["kind status pattern sort limit db"],
            "rm" => &["dry_run db"],
            "show" | "sql" | "rename" | "compact" | "migrate" => &["db"],
            "doctor" => &["device"],
            "man" => &["out"],
            _ => &[],
        };
        lists.iter().flat_map(|list| list.split(' ')).collect()
    }

    /// The options that rules name, by command.
    fn ruled() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
        let mut all: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for line in LINES {
            let words = ["landscape"].into_iter().chain(line.split(' '));
            let cli = Cli::try_parse_from(words).unwrap();
            let name = line.split(' ').next().unwrap_or_default();
            let rules = of(&cli.command);
            all.entry(name)
                .or_default()
                .extend(rules.iter().flat_map(|rule| rule.options));
        }
        all
    }

    /// Every option that a rule names is one of its command.
    #[test]
    fn rules_name_options_that_exist() {
        for (name, options) in ruled() {
            let whole = Cli::command();
            let command = whole.find_subcommand(name).unwrap();
            for id in options {
                let found = command.get_arguments().find(|arg| arg.get_id() == id);
                let long = found.and_then(clap::Arg::get_long);
                assert_eq!(long, Some(id.replace('_', "-").as_str()), "{name}");
            }
        }
    }

    /// Every option has a rule, or acts always.
    #[test]
    fn every_option_has_a_rule_or_acts_always() {
        let ruled = ruled();
        let mut without = BTreeSet::new();
        for command in Cli::command().get_subcommands() {
            let rules = ruled.get(command.get_name()).cloned().unwrap_or_default();
            let options = command
                .get_arguments()
                .filter(|arg| arg.get_long().is_some());
            let ids = options.map(|arg| arg.get_id().as_str().to_owned());
            let always = always(command.get_name());
            let left = ids.filter(|id| rules.contains(id.as_str()) == always.contains(id.as_str()));
            without.extend(left.map(|id| format!("{} --{id}", command.get_name())));
        }
        assert!(without.is_empty(), "{without:#?}");
    }
}
