//! The commands of the demonstration.

use crate::args::DemoArgs;
use crate::output::Typed;
use std::path::Path;

/// A command without what is the same for all.
pub struct Step {
    words: &'static str,
    /// Whether it knows `--device` and `--threads`.
    evaluates: bool,
}

const fn train(words: &'static str) -> Step {
    Step {
        words,
        evaluates: false,
    }
}

const fn sample(words: &'static str) -> Step {
    Step {
        words,
        evaluates: true,
    }
}

/// What is computed, in order.
pub const WORK: &[Step] = &[
    train(
        "train --model mlp:2-8-4-1 --data moons --epochs 100 --batch 32 --optimizer adam --lr 0.05 \
         --name moons",
    ),
    sample("line --run moons --grid 201 --range=-2:2 --name moons-line"),
    sample("surface --run moons --grid 51 --name moons-trained"),
    sample("trajectory --run moons --grid 51 --name moons-path"),
    train(
        "train --model mlp:784-20-10 --data mnist-1k:pixels=standard --epochs 30 --batch 64 --optimizer sgd \
         --lr 0.01 --name mnist",
    ),
    sample("line --run mnist --grid 201 --range=-2:2 --name mnist-line"),
    sample("surface --run mnist --step 0 --grid 51 --name mnist-initial"),
    sample("surface --run mnist --grid 51 --name mnist-trained"),
    sample("trajectory --run mnist --grid 51 --name mnist-path"),
    sample(
        "hessian --run mnist --top 5 --bottom 1 --trace --density --lanczos-steps 40 --probes 4 \
         --name mnist-curvature",
    ),
];

impl Step {
    /// What a person would type.
    pub fn shown(&self) -> &'static str {
        self.words
    }

    /// The run that it stores.
    pub fn name(&self) -> Option<&'static str> {
        let mut words = self.words.split_whitespace();
        words.find(|word| *word == "--name")?;
        words.next()
    }

    /// All words of the command.
    pub fn words(&self, args: &DemoArgs, db: &Path) -> Typed {
        let mut typed = split(self.words);
        if !self.words.starts_with("trajectory") {
            typed = typed.option("--seed", args.seed.to_string());
        }
        if self.evaluates {
            let mut devices: Vec<String> =
                args.eval.device.iter().map(ToString::to_string).collect();
            if self.words.starts_with("hessian") {
                devices.truncate(1);
            }
            typed = typed
                .option("--device", devices.join(","))
                .option("--threads", args.eval.threads.to_string());
        }
        typed.option("--db", db)
    }
}

fn split(words: &str) -> Typed {
    let mut words = words.split_whitespace();
    let typed = Typed::new(words.next().unwrap_or_default());
    words.fold(typed, Typed::flag)
}

/// A figure: its file, and the words that draw it.
pub struct Drawing {
    file: &'static str,
    words: &'static str,
}

const fn drawing(file: &'static str, words: &'static str) -> Drawing {
    Drawing { file, words }
}

/// What is drawn, the slow ones first.
pub const FIGURES: &[Drawing] = &[
    drawing("mnist-trained-3d", "mnist-trained --kind surface"),
    drawing("mnist-path-3d", "mnist-path --kind surface --log"),
    drawing("moons-trained-3d", "moons-trained --kind surface"),
    drawing("moons-path-3d", "moons-path --kind surface --log"),
    drawing("moons-losses", "moons --kind losses"),
    drawing("moons-line", "moons-line --kind line"),
    drawing("moons-trained", "moons-trained --kind contour"),
    drawing("moons-path", "moons-path --kind trajectory --log"),
    drawing("moons-path-losses", "moons-path --kind plane-losses"),
    drawing("mnist-spectrum", "mnist-curvature --kind spectrum"),
    drawing("mnist-losses", "mnist --kind losses"),
    drawing("mnist-line", "mnist-line --kind line"),
    drawing("mnist-initial", "mnist-initial --kind contour"),
    drawing("mnist-trained", "mnist-trained --kind contour"),
    drawing("mnist-path", "mnist-path --kind trajectory --log"),
    drawing("mnist-path-losses", "mnist-path --kind plane-losses"),
];

impl Drawing {
    /// The commands for both kinds of files.
    pub fn words(&self, args: &DemoArgs, db: &Path) -> Vec<Typed> {
        let one = |ending: &str| {
            let file = args.out.join(format!("{}.{ending}", self.file));
            let typed = split(&format!("plot {} --force", self.words));
            let typed = match ending {
                "png" => typed.option("--dpi", "300"),
                _ => typed,
            };
            typed.option("-o", &file).option("--db", db)
        };
        vec![one("svg"), one("png")]
    }
}

/// The runs whose curvature is on the page.
pub const CURVATURE: &[&str] = &["mnist-curvature"];

/// The tabs of the page: run, heading, and the training it belongs to.
pub const PAGE: &[(&str, &str, &str)] = &[
    (
        "mnist-trained",
        "MNIST 784-20-10, trained: random filter-normalised plane",
        "mnist",
    ),
    (
        "mnist-path",
        "MNIST 784-20-10: the path of training on its principal plane",
        "mnist",
    ),
    (
        "mnist-initial",
        "MNIST 784-20-10, initial: random filter-normalised plane",
        "mnist",
    ),
    (
        "mnist-line",
        "MNIST 784-20-10, trained: random filter-normalised line",
        "mnist",
    ),
    (
        "moons-trained",
        "Two moons 2-8-4-1, trained: random filter-normalised plane",
        "moons",
    ),
    (
        "moons-path",
        "Two moons 2-8-4-1: the path of training on its principal plane",
        "moons",
    ),
    (
        "moons-line",
        "Two moons 2-8-4-1, trained: random filter-normalised line",
        "moons",
    ),
];
