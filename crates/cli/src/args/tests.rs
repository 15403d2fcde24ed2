//! What holds for the definition of the command line as a whole.

use super::{Cli, Command, check, definition};
use crate::words::Typed;
use clap::Arg;
use landscape_core::{Adaptive, BiasMode, Distribution, Normalization};
use landscape_models::{LossKind, Split};
use landscape_study::device::DeviceName;
use landscape_study::directions::{DirectionKind, GridRequest};
use landscape_study::hessian::CurvatureRequest;
use landscape_study::runs::LandscapeRequest;
use landscape_trace::BatchStatistics;
use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;

/// The table of all options.
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md");
/// What comes before the part of it that is made from the definition.
const MARK: &str =
    "<!-- From here on the text is made from the definition of the command line. -->\n";

/// All commands that do something, with their names as they are typed.
fn commands() -> Vec<(String, clap::Command)> {
    let mut all = Vec::new();
    for command in definition().get_subcommands() {
        let name = command.get_name().to_owned();
        let inner = command.get_subcommands().map(|inner| {
            let name = format!("{name} {}", inner.get_name());
            (name, inner.clone())
        });
        let before = all.len();
        all.extend(inner);
        if all.len() == before {
            all.push((name, command.clone()));
        }
    }
    all
}

/// The visible arguments of every command, and those of all commands.
fn arguments() -> Vec<(String, Arg)> {
    let shared = definition();
    let shared = { shared.get_arguments() }.map(|arg| ("all".to_owned(), arg.clone()));
    let mut all: Vec<(String, Arg)> = shared.collect();
    for (name, command) in commands() {
        all.extend({ command.get_arguments() }.map(|arg| (name.clone(), arg.clone())));
    }
    all.retain(|(_, arg)| !arg.is_hide_set());
    all
}

fn help(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help());
    help.map_or(String::new(), ToString::to_string)
}

fn values(arg: &Arg) -> Vec<String> {
    let takes = arg.get_action().takes_values();
    let values = arg.get_possible_values().into_iter().filter(|_| takes);
    let values = values.filter(|value| !value.is_hide_set());
    values.map(|value| value.get_name().to_owned()).collect()
}

fn words(values: impl IntoIterator<Item = impl Into<OsString>>) -> String {
    let words = values
        .into_iter()
        .map(|value| value.into().to_string_lossy().into_owned());
    words.collect::<Vec<_>>().join(", ")
}

/// An option as it is typed, with what its value is called.
fn typed(arg: &Arg) -> String {
    let short = arg.get_short().map(|c| format!("-{c}"));
    let long = arg.get_long().map(|name| format!("--{name}"));
    let names: Vec<String> = short.into_iter().chain(long).collect();
    let takes = arg.get_action().takes_values();
    let value = arg.get_value_names().unwrap_or_default().join(" ");
    match (names.is_empty(), takes) {
        (true, _) => format!("`{value}`"),
        (false, false) => format!("`{}`", names.join("`, `")),
        (false, true) => format!("`{} {value}`", names.join("`, `")),
    }
}

/// Rows of a table, each once, with the commands that have it.
fn table(rows: impl IntoIterator<Item = (String, Arg)>) -> String {
    let mut table: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (command, arg) in rows {
        let mut told = help(&arg).replace('\n', " ");
        let takes = arg.get_action().takes_values();
        let values = values(&arg);
        if !values.is_empty() {
            told += &format!(": `{}`", values.join("`, `"));
        }
        let default = words(arg.get_default_values());
        let default = if takes { default } else { String::new() };
        let variable = arg
            .get_env()
            .map(|name| name.to_string_lossy().into_owned());
        let variable = variable.map(|name| format!(" (or `{name}`)"));
        let default = match (default.is_empty(), variable) {
            (true, variable) => variable.unwrap_or_default(),
            (false, variable) => format!("`{default}`{}", variable.unwrap_or_default()),
        };
        let row = format!("{} | {}", told.replace('|', "\\|"), default);
        let key = (typed(&arg), row);
        table.entry(key).or_default().push(command);
    }
    let row = |((typed, row), commands): ((String, String), Vec<String>)| {
        let typed = typed.replace('|', "\\|");
        format!("| {typed} | {row} | {} |\n", commands.join(", "))
    };
    let rows: String = table.into_iter().map(row).collect();
    format!("| | meaning | default | commands |\n|---|---|---|---|\n{rows}")
}

#[test]
fn the_table_of_options_is_that_of_the_definition() {
    let (options, others): (Vec<_>, Vec<_>) = arguments()
        .into_iter()
        .partition(|(_, arg)| arg.get_long().is_some());
    let made = format!(
        "\n## Options\n\n{}\n## What stands without an option\n\n{}",
        table(options),
        table(others)
    );
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let (before, after) = document.split_once(MARK).unwrap();
    if std::env::var_os("LANDSCAPE_UPDATE_DOCS").is_some() {
        std::fs::write(DOCUMENT, format!("{before}{MARK}{made}")).unwrap();
        return;
    }
    assert!(
        after == made,
        "run this test with LANDSCAPE_UPDATE_DOCS=1, and look at the change"
    );
}

#[test]
fn every_argument_has_help() {
    for (command, arg) in arguments() {
        assert!(!help(&arg).is_empty(), "{command}: {}", arg.get_id());
    }
}

/// A word means the same in all commands: it takes the same kind of value, has one short form and the same variable.
#[test]
fn words_mean_the_same_everywhere() {
    // A figure and a run have kinds of their own; a landscape is drawn in bf16 too, curvature computed in f64; one
    // name of a device stands where one is taken; networks of files are not trained.
    const OWN_VALUES: &[&str] = &["kind", "precision", "format"];
    const OWN_TYPES: &[&str] = &[
        "kind",
        "model",
        "precision",
        "device",
        "grid",
        "to",
        "epochs",
        "weight-decay",
    ];
    let mut known: BTreeMap<String, (String, Arg)> = BTreeMap::new();
    for (command, arg) in arguments() {
        let Some(name) = arg.get_long() else { continue };
        let Some((first, before)) = known.get(name) else {
            known.insert(name.to_owned(), (command, arg));
            continue;
        };
        let what = format!("--{name} of {first} and {command}");
        assert_eq!(before.get_short(), arg.get_short(), "{what}");
        assert_eq!(before.get_env(), arg.get_env(), "{what}");
        assert_eq!(
            before.get_action().takes_values(),
            arg.get_action().takes_values(),
            "{what}"
        );
        if !OWN_VALUES.contains(&name) {
            assert_eq!(values(before), values(&arg), "{what}");
        }
        if !OWN_TYPES.contains(&name) {
            let of = |arg: &Arg| arg.get_value_parser().type_id();
            assert_eq!(of(before), of(&arg), "{what}");
            let names = |arg: &Arg| arg.get_value_names().map(<[_]>::to_vec);
            assert_eq!(names(before), names(&arg), "{what}");
        }
    }
}

/// What is a file or a folder may have a name that is not UTF-8.
#[test]
fn files_need_not_be_utf8() {
    for (command, arg) in arguments() {
        let names = arg.get_value_names().unwrap_or_default();
        let is_path = |name: &str| name.contains("FILE") || name.contains("DIR");
        let shown = names.iter().any(|name| is_path(name));
        if !shown || !arg.get_action().takes_values() {
            continue;
        }
        let id = arg.get_value_parser().type_id();
        // Directions are a kind or a file, networks a name or a file: they are read from the text of its path.
        let own = ["direction", "model"].iter().any(|own| arg.get_id() == own);
        assert!(
            id == TypeId::of::<PathBuf>() || own,
            "{command}: {}",
            arg.get_id()
        );
    }
}

/// Every word that help gives as a choice is one.
#[test]
fn choices_are_listed() {
    for (command, arg) in arguments() {
        let all: BTreeSet<String> = values(&arg).into_iter().collect();
        let defaults = arg.get_default_values().iter();
        if arg.get_action().takes_values() && !all.is_empty() {
            for default in defaults {
                assert!(
                    all.contains(&*default.to_string_lossy()),
                    "{command}: {}",
                    arg.get_id()
                );
            }
        }
    }
}

/// Every option is typed in a test, by its long name or its short one, alone or with a value behind `=`.
#[test]
fn every_option_is_typed_in_a_test() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    let mut typed = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let words = text.split(|c: char| c.is_whitespace() || "\"'`=,\\".contains(c));
            typed.extend(words.map(str::to_owned));
        }
    }
    let all = arguments();
    let options = all.iter().filter(|(_, arg)| !arg.is_positional());
    let missing: BTreeSet<String> = options
        .filter(|(_, arg)| {
            let long = arg.get_long().map(|long| format!("--{long}"));
            let short = arg.get_short().map(|short| format!("-{short}"));
            ![long, short]
                .into_iter()
                .flatten()
                .any(|name| typed.contains(&name))
        })
        .map(|(command, arg)| format!("{command}: {}", arg.get_id()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// What a request is said to be typed as asks for the same.
#[test]
fn commands_of_requests_ask_for_the_same() {
    let read = |typed: &Typed| {
        let words = std::iter::once("landscape".into()).chain(typed.words());
        let (cli, given) = Cli::read(&words.collect::<Vec<_>>()).expect("a command");
        check(&given).expect("options with an effect");
        cli.command
    };
    let mut plane = LandscapeRequest {
        grid: GridRequest {
            counts: Some(vec![51, 31]),
            ranges: Some(vec![(-1.0, 1.0), (-0.25, 1e-3)]),
        },
        statistics: BatchStatistics::Batch,
        adaptive: Some(Adaptive::new(0.01).expect("a share")),
        ..LandscapeRequest::default()
    };
    plane.network.run = Some("-x of 'moons'".to_owned());
    plane.network.step = Some(7);
    plane.plane.seed = 43;
    (plane.plane.norm, plane.plane.bias) = (Some(Normalization::Layer), BiasMode::Layer);
    plane.plane.distribution = Distribution::Uniform;
    plane.plane.orthogonal = true;
    plane.keep.name = Some("--plane".to_owned());
    let mut along = LandscapeRequest::default();
    along.network.model = Some("resnet20".parse().expect("a family"));
    along.network.weights = Some("weights of a.pt:model".into());
    along.data.data = Some("cifar10".parse().expect("data"));
    along.data.dir = Some("-data".into());
    (along.data.split, along.data.samples) = (Some(Split::Test), Some(256));
    along.data.loss = Some(LossKind::CrossEntropy);
    along.plane.direction = DirectionKind::Hessian(Vec::new());
    along.evaluation.threads = 3;
    for request in [plane, along] {
        let typed = Typed::landscape(&request);
        let Command::Surface(args) = read(&typed) else {
            panic!("{typed}");
        };
        let mut asked = args.request("", None);
        asked.keep.command = None;
        assert_eq!(asked, request, "{typed}");
    }
    let mut request = CurvatureRequest {
        top: Some(5),
        bottom: Some(1),
        trace: true,
        density: true,
        probes: 3,
        ..CurvatureRequest::default()
    };
    request.network.run = Some("moons".to_owned());
    request.evaluation.devices = vec![DeviceName::Flex];
    let typed = Typed::curvature(&request);
    let Command::Hessian(args) = read(&typed) else {
        panic!("{typed}");
    };
    let mut asked = args.request("", None);
    asked.keep.command = None;
    assert_eq!(asked, request, "{typed}");
}
