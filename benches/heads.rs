//! Language models of few to very many words: the loss at a point, its gradient, and a product with the Hessian, with all logits of
//! a tile in memory and with the head in chunks, in turn.
//!
//! ```sh
//! cargo bench --bench heads -- [--threads N] [--rounds N] [--model SETTINGS] [--samples N] [--tokens N] \
//!     [--only loss|gradient|product] [--way whole|chunks] [WORDS...]
//! ```
//!
//! With `--way` and `--only` one thing runs alone, and the memory printed is its own.

#[path = "common/derivatives.rs"]
mod derivatives;

use burn::tensor::Device;
use derivatives::{peak_mib, tokens};
use landscape_core::{BiasMode, Direction, Distribution, Normalization, Objective, Plane};
use landscape_models::{LossKind, ModelSpec, Network, trace_network};
use landscape_trace::{Level, Target};
use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// All logits of a tile at once, or some of them; and from how many outputs on a head is in chunks.
const WAYS: [(&str, usize); 2] = [("whole", usize::MAX), ("chunks", 1)];
const TASKS: [&str; 3] = ["loss", "gradient", "product"];

struct Options {
    threads: usize,
    rounds: usize,
    model: String,
    samples: usize,
    tokens: usize,
    only: Option<String>,
    way: Option<String>,
    words: Vec<usize>,
}

impl Options {
    /// `None` where nothing is to be timed.
    fn given() -> Result<Option<Self>> {
        let mut options = Options {
            threads: 2,
            rounds: 3,
            model: "dim=128,depth=1,heads=4".into(),
            samples: 32,
            tokens: 64,
            only: None,
            way: None,
            words: vec![],
        };
        let mut bench = false;
        let mut given = std::env::args().skip(1);
        while let Some(word) = given.next() {
            let mut value = || given.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--bench" => bench = true,
                "--threads" => options.threads = value()?.parse()?,
                "--rounds" => options.rounds = value()?.parse::<usize>()?.max(1),
                "--model" => options.model = value()?,
                "--samples" => options.samples = value()?.parse()?,
                "--tokens" => options.tokens = value()?.parse()?,
                "--only" => options.only = Some(value()?),
                "--way" => options.way = Some(value()?),
                _ => options.words.push(word.parse()?),
            }
        }
        if options.words.is_empty() {
            options.words = vec![512, 1024, 2048, 4096, 8192, 50257];
        }
        Ok(bench.then_some(options))
    }
}

fn main() -> Result<()> {
    let Some(options) = Options::given()? else {
        println!("nothing is timed; run `cargo bench --bench heads`");
        return Ok(());
    };
    let Options {
        samples,
        tokens,
        model,
        threads,
        ..
    } = &options;
    println!("{samples} samples of {tokens} tokens, {model}, {threads} threads; seconds\n");
    println!("| words | task | whole | chunks | whole / chunks | difference |");
    println!("|---|---|---|---|---|---|");
    for &words in &options.words {
        measure(words, &options)?;
    }
    if let Some(mib) = peak_mib() {
        println!("\nat most {mib} MiB were held");
    }
    Ok(())
}

/// What is timed gives the numbers that it found.
type Task<'a> = Box<dyn Fn() -> Result<Vec<f64>> + 'a>;

fn measure(words: usize, options: &Options) -> Result<()> {
    let model = format!(
        "gpt:vocab={words},context={},{}",
        options.tokens, options.model
    );
    let network = Network::init(&model.parse::<ModelSpec>()?, 0, &Device::flex());
    let data = tokens(options.samples, options.tokens, words)?;
    let trace = trace_network(&network, &data, LossKind::CrossEntropy, &[])?;
    let params = network.params();
    let direction = Direction::random(&params, Distribution::Gaussian, 1, 0);
    let direction = direction.normalize(&params, Normalization::Filter, BiasMode::Zero)?;
    let plane = Plane::new(params.clone(), vec![direction])?;
    let target = Target::Host {
        threads: options.threads,
        level: Level::detect(),
    };
    for task in TASKS {
        if options.only.as_ref().is_some_and(|only| only != task) {
            continue;
        }
        let mut runs: Vec<Option<Task>> = Vec::new();
        for (way, from) in WAYS {
            if options.way.as_ref().is_some_and(|only| only != way) {
                runs.push(None);
                continue;
            }
            let trace = trace.clone().with_heads_from(from);
            runs.push(Some(match task {
                "loss" => {
                    let line = trace.objective(&plane, std::slice::from_ref(&target))?;
                    Box::new(move || Ok(vec![line.evaluate(&[[0.5, 0.0, 0.0]])?[0].loss]))
                }
                _ => {
                    let curvature = trace.curvature(&params, &target)?;
                    let ones = vec![vec![1.0; curvature.dim()]];
                    let gradient = task == "gradient";
                    Box::new(move || match gradient {
                        true => Ok(curvature.gradient()?.gradient),
                        false => Ok(curvature.hessian(&ones)?.swap_remove(0)),
                    })
                }
            }));
        }
        row(words, task, &runs, options.rounds)?;
    }
    Ok(())
}

/// Medians of both ways, in turn, after a round that is not counted.
fn row(words: usize, task: &str, runs: &[Option<Task>], rounds: usize) -> Result<()> {
    let mut seconds = vec![Vec::new(); runs.len()];
    let mut found = vec![Vec::new(); runs.len()];
    for round in 0..=rounds {
        for (at, run) in runs.iter().enumerate() {
            let Some(run) = run else { continue };
            let start = Instant::now();
            found[at] = black_box(run()?);
            if round > 0 {
                seconds[at].push(start.elapsed().as_secs_f64());
            }
        }
    }
    let median = |times: &Vec<f64>| {
        let mut sorted = times.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied()
    };
    let [whole, chunks] = [0, 1].map(|at| median(&seconds[at]));
    let shown = |time: Option<f64>| time.map_or("-".into(), |time| format!("{time:.3}"));
    let (ratio, difference) = match (whole, chunks) {
        (Some(whole), Some(chunks)) => (
            format!("{:.2}", whole / chunks),
            format!("{:.1e}", difference(&found[0], &found[1])),
        ),
        _ => ("-".into(), "-".into()),
    };
    let (whole, chunks) = (shown(whole), shown(chunks));
    println!("| {words} | {task} | {whole} | {chunks} | {ratio} | {difference} |");
    Ok(())
}

/// The length of the difference, relative to that of the second.
fn difference(a: &[f64], b: &[f64]) -> f64 {
    let square: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    (square / b.iter().map(|b| b * b).sum::<f64>()).sqrt()
}
