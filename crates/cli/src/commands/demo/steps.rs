//! The commands of the demonstration.

use crate::args::DemoArgs;
use crate::output::Typed;
use landscape_study::demo::DemoStep;
use std::path::Path;

/// What a person would type to compute each step.
pub const WORDS: &[&str] = &[
    "train --model mlp:2-8-4-1 --data moons --epochs 100 --batch-size 32 --optimizer adam --lr 0.05 \
     --name moons",
    "line --run moons --grid 201 --range=-2:2 --name moons-line",
    "surface --run moons --grid 51 --name moons-trained",
    "trajectory --run moons --grid 51 --name moons-path",
    "train --model mlp:784-20-10 --data mnist-1k:pixels=standard --epochs 30 --batch-size 64 --optimizer sgd \
     --lr 0.01 --name mnist",
    "line --run mnist --grid 201 --range=-2:2 --name mnist-line",
    "surface --run mnist --step 0 --grid 51 --name mnist-initial",
    "surface --run mnist --grid 51 --name mnist-trained",
    "trajectory --run mnist --grid 51 --name mnist-path",
    "hessian --run mnist --top 5 --bottom 1 --trace --density --lanczos-steps 40 --probes 4 \
     --name mnist-curvature",
];

/// The whole command of a step, with what is the same for all.
pub fn typed(step: &DemoStep, words: &str, args: &DemoArgs, db: &Path) -> Typed {
    let mut words = words.split_whitespace();
    let typed = Typed::new(words.next().unwrap_or_default());
    let mut typed = words.fold(typed, Typed::flag);
    if !matches!(step, DemoStep::Trajectory(_)) {
        typed = typed.option("--seed", args.seed.to_string());
    }
    if !matches!(step, DemoStep::Train(_)) {
        let mut devices: Vec<String> = args.eval.device.iter().map(ToString::to_string).collect();
        if matches!(step, DemoStep::Curvature(_)) {
            devices.truncate(1);
        }
        typed = typed
            .option("--device", devices.join(","))
            .option("--threads", args.eval.threads.to_string());
    }
    typed.option("--db", db)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use landscape_study::demo::steps;
    use std::ffi::OsString;

    fn read(words: Vec<OsString>) -> Command {
        let words: Vec<OsString> = std::iter::once("landscape".into()).chain(words).collect();
        Cli::read(&words).expect("a command").0.command
    }

    /// What is shown is what is computed.
    #[test]
    fn the_words_ask_for_the_same_as_the_steps() {
        let demo = [
            "demo",
            "--seed",
            "7",
            "--device",
            "cpu,flex",
            "--threads",
            "3",
        ];
        let Command::Demo(args) = read(demo.map(OsString::from).to_vec()) else {
            panic!("another command");
        };
        let all = steps(&args.request()).expect("known names");
        assert_eq!(all.len(), WORDS.len());
        for (step, words) in all.into_iter().zip(WORDS) {
            let typed = typed(&step, words, &args, Path::new("x.duckdb"));
            let command = typed.to_string();
            let asked = match read(typed.words()) {
                Command::Train(args) => DemoStep::Train(args.request(&command)),
                Command::Line(args) => DemoStep::Landscape(args.request(&command, None)),
                Command::Surface(args) => DemoStep::Landscape(args.request(&command, None)),
                Command::Trajectory(args) => DemoStep::Trajectory(args.request(&command, None)),
                Command::Hessian(args) => DemoStep::Curvature(args.request(&command, None)),
                other => panic!("{other:?}"),
            };
            assert_eq!(asked, step.by(command));
        }
    }
}
