//! Products with the Hessian against forward passes and gradients: ResNet-20 on 256 images, 784-20-10 on
//! 10,000 digits; the five largest eigenvalues of 784-20-10 on 1,000 digits; products with each block of a language model of
//! six beside those with the whole; and, where it is named, a language model of four blocks on 1,024 x 64 tokens of 1,000 words, with the search for its largest eigenvalue (to 1e-2).
//!
//! ```sh
//! cargo bench --bench hessian -- [--threads N] [--rounds N] [--inputs DIR] [--only WHAT] [--json] [WORKLOAD...]
//! ```
//!
//! Tasks take turns, round by round, so that ratios compare like with like on a machine whose speed
//! changes. Beside PyTorch: `benches/peers/compare-hessian.sh`, whose inputs `--inputs` reads. With `--only`
//! one task runs alone (`forward`, `gradient`, `product x1`, ...), and the memory printed is its own.

#[path = "common/derivatives.rs"]
mod derivatives;

use burn::tensor::Device;
use derivatives::{peak_mib, tokens};
use landscape_core::{
    BiasMode, Direction, Distribution, Normalization, Objective, Params, Plane, Rng, Selection,
};
use landscape_hessian::{Lanczos, LanczosParams};
use landscape_models::{
    Dataset, LossKind, ModelSpec, Network, Split, Targets, TrainConfig, load, load_network_params,
    trace_network, train,
};
use landscape_trace::{Curvature, Level, PlaneObjective, Target, Trace};
use serde_json::json;
use std::cell::LazyCell;
use std::error::Error;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const RESNET: &str = "resnet20";
const MNIST: &str = "mnist-10000";
const EIGENVALUES: &str = "mnist-1000";
const GPT: &str = "gpt";
const BLOCKS: &str = "gpt-6";
/// Blocks of that network, and the samples of 64 tokens.
const DEPTH: usize = 6;
const SEQUENCES: usize = 64;
/// What a product's time is divided by. On a line that is prepared, the first layer of a perceptron is
/// known but for three numbers, so that a forward pass costs next to nothing; preparing anew takes two products of
/// that layer with the data, where a plain forward pass takes one.
const UNITS: [&str; 4] = [
    "forward",
    "forward, prepared anew",
    "gradient",
    "product x1",
];
/// Vectors in one product.
const VECTORS: [usize; 2] = [1, 4];

fn main() -> Result<()> {
    let options = Options::given()?;
    if !options.bench {
        println!("nothing is timed; run `cargo bench --bench hessian`");
        return Ok(());
    }
    for name in &options.workloads {
        let workload = Workload::new(name, &options)?;
        let tasks = workload.tasks(&options);
        let seconds = timed(&tasks, options.rounds)?;
        match options.json {
            true => workload.lines(&tasks, &seconds, &options)?,
            false => workload.table(&tasks, &seconds),
        }
    }
    Ok(())
}

struct Options {
    bench: bool,
    json: bool,
    threads: usize,
    rounds: usize,
    inputs: Option<PathBuf>,
    only: Option<String>,
    workloads: Vec<String>,
}

impl Options {
    fn given() -> Result<Self> {
        let mut options = Options {
            bench: false,
            json: false,
            threads: 2,
            rounds: 7,
            inputs: None,
            only: None,
            workloads: vec![],
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--bench" => options.bench = true,
                "--json" => options.json = true,
                "--threads" => options.threads = value()?.parse()?,
                "--rounds" => options.rounds = value()?.parse::<usize>()?.max(1),
                "--inputs" => options.inputs = Some(value()?.into()),
                "--only" => options.only = Some(value()?),
                _ => options.workloads.push(word),
            }
        }
        if options.workloads.is_empty() {
            options.workloads = [RESNET, MNIST, EIGENVALUES, BLOCKS]
                .map(String::from)
                .to_vec();
        }
        Ok(options)
    }
}

struct Workload {
    name: String,
    samples: usize,
    trace: Trace,
    plane: Plane,
    target: Target,
    curvature: Curvature,
    /// Derivatives of parts of the network, by their names.
    parts: Vec<(String, Curvature)>,
}

/// What is timed; gives the number of products that it took, where that is not known before.
struct Task<'a> {
    name: String,
    run: Box<dyn Fn() -> Result<usize> + 'a>,
}

impl Workload {
    fn new(name: &str, options: &Options) -> Result<Self> {
        let (network, data) = match &options.inputs {
            Some(folder) => from_files(name, folder)?,
            None => own(name)?,
        };
        let (trace, params) = (
            trace_network(&network, &data, LossKind::CrossEntropy, &[])?,
            network.params(),
        );
        let target = Target::Host {
            threads: options.threads,
            level: Level::detect(),
        };
        let direction = Direction::random(&params, Distribution::Gaussian, 1, 0);
        let direction = direction.normalize(&params, Normalization::Filter, BiasMode::Zero)?;
        let plane = Plane::new(params.clone(), vec![direction])?;
        Ok(Workload {
            name: name.to_owned(),
            samples: data.len(),
            curvature: trace.curvature(&params, &target)?,
            parts: parts(name, &trace, &params, &target)?,
            trace,
            plane,
            target,
        })
    }

    fn tasks(&self, options: &Options) -> Vec<Task<'_>> {
        // Not where it is not asked for, so that it does not count as memory of other tasks.
        let line = LazyCell::new(|| self.line());
        let mut tasks = vec![
            task("forward", move || {
                let line = line.as_ref().map_err(ToString::to_string)?;
                forward(line)
            }),
            task("forward, prepared anew", || forward(&self.line()?)),
            task("gradient", || {
                black_box(self.curvature.gradient()?);
                Ok(0)
            }),
        ];
        for count in VECTORS {
            let vectors: Vec<Vec<f64>> = (0..count).map(|k| self.vector(k)).collect();
            tasks.push(task(&format!("product x{count}"), move || {
                black_box(self.curvature.hessian(&vectors)?);
                Ok(count)
            }));
        }
        for (name, part) in &self.parts {
            let ones = vec![vec![1.0; part.dim()]];
            tasks.push(task(&format!("product of {name}"), move || {
                black_box(part.hessian(&ones)?);
                Ok(1)
            }));
        }
        match self.name.as_str() {
            EIGENVALUES => {
                let search = || self.eigenvalues(5, 1e-3);
                tasks.push(task("five largest eigenvalues", search));
            }
            GPT => tasks.push(task("largest eigenvalue", || self.eigenvalues(1, 1e-2))),
            _ => {}
        }
        let wanted = |task: &Task| options.only.as_ref().is_none_or(|only| *only == task.name);
        tasks.retain(wanted);
        tasks
    }

    /// A line through the weights, with what its points share.
    fn line(&self) -> Result<PlaneObjective> {
        let target = std::slice::from_ref(&self.target);
        Ok(self.trace.objective(&self.plane, target)?)
    }

    /// The largest eigenvalues, to a relative residual.
    fn eigenvalues(&self, top: usize, tolerance: f64) -> Result<usize> {
        let params = LanczosParams {
            top,
            tolerance,
            floor: 1e-6,
            ..LanczosParams::default()
        };
        let found = Lanczos::new(params)?.solve(&self.curvature)?;
        match found.is_converged() {
            true => Ok(found.products),
            false => Err(format!("not converged: {:?}", found.stop).into()),
        }
    }

    /// Entries -1 and 1 by a formula that `benches/peers/hessian.py` repeats.
    fn vector(&self, number: usize) -> Vec<f64> {
        let n = self.curvature.dim();
        let sign = |i: usize| {
            let mixed = (i as u32 + 1).wrapping_mul(2_654_435_761);
            let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(2_246_822_519);
            if mixed >> 31 == 1 { -1.0 } else { 1.0 }
        };
        (number * n..(number + 1) * n).map(sign).collect()
    }

    /// A table, with the time of each product as a multiple of what [`UNITS`] names.
    fn table(&self, tasks: &[Task], seconds: &[(Vec<f64>, usize)]) {
        println!(
            "\n{}: {} samples, {} parameters, {:?}\n",
            self.name,
            self.samples,
            self.curvature.dim(),
            self.target
        );
        println!(
            "| task | seconds (shortest) | products | / {} |",
            UNITS.join(" | / ")
        );
        println!("|---|---|---|{}", "---|".repeat(UNITS.len()));
        let median = |at: usize| summary(&seconds[at].0).1;
        let units = UNITS.map(|unit| {
            let at = tasks.iter().position(|task| task.name == unit);
            at.map(median)
        });
        for (at, (task, (times, products))) in tasks.iter().zip(seconds).enumerate() {
            let each = median(at) / (*products).max(1) as f64;
            let ratio = |unit: Option<f64>| unit.map(|unit| format!("{:.2}", each / unit));
            let ratios = units.map(|unit| ratio(unit).unwrap_or("-".into()));
            let ratios = ratios.join(" | ");
            let shortest = summary(times).0;
            let (name, middle) = (&task.name, median(at));
            println!("| {name} | {middle:.4} ({shortest:.4}) | {products} | {ratios} |");
        }
        if let Some(mib) = peak_mib() {
            println!("\nat most {mib} MiB were held");
        }
    }

    /// A line of JSON for each task, and what its results can be compared by.
    fn lines(
        &self,
        tasks: &[Task],
        seconds: &[(Vec<f64>, usize)],
        options: &Options,
    ) -> Result<()> {
        let vector = self.vector(0);
        let product = self.curvature.hessian(std::slice::from_ref(&vector))?;
        let form = dot(&vector, &product[0]);
        for (task, (times, products)) in tasks.iter().zip(seconds) {
            let (shortest, middle) = summary(times);
            let line = json!({
                "workload": self.name, "method": "ours", "task": task.name, "products": products,
                "seconds": { "min": shortest, "median": middle }, "repeats": times.len(),
                "threads": options.threads, "samples": self.samples, "peak_mib": peak_mib(),
                "form": form, "norm": dot(&product[0], &product[0]).sqrt(),
            });
            println!("{line}");
        }
        Ok(())
    }
}

/// The loss at one point.
fn forward(line: &PlaneObjective) -> Result<usize> {
    black_box(line.evaluate(&[[0.5, 0.0, 0.0]])?);
    Ok(0)
}

fn task<'a>(name: &str, run: impl Fn() -> Result<usize> + 'a) -> Task<'a> {
    Task {
        name: name.to_owned(),
        run: Box::new(run),
    }
}

/// Seconds of each task in every round, after one that is not counted, and its products.
fn timed(tasks: &[Task], rounds: usize) -> Result<Vec<(Vec<f64>, usize)>> {
    let mut seconds = vec![(vec![], 0); tasks.len()];
    for round in 0..=rounds {
        for (task, (times, products)) in tasks.iter().zip(&mut seconds) {
            let start = Instant::now();
            *products = (task.run)()?;
            if round > 0 {
                times.push(start.elapsed().as_secs_f64());
            }
        }
    }
    Ok(seconds)
}

/// The shortest and the median.
fn summary(times: &[f64]) -> (f64, f64) {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    (sorted[0], sorted[sorted.len() / 2])
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn spec(name: &str) -> Result<ModelSpec> {
    let model = match name {
        RESNET => "resnet20",
        MNIST | EIGENVALUES => "mlp:784-20-10",
        GPT => "gpt:vocab=1000,context=64,dim=128,depth=4,heads=4",
        BLOCKS => "gpt:vocab=96,context=64,dim=64,depth=6,heads=4",
        _ => {
            let known = [RESNET, MNIST, EIGENVALUES, BLOCKS, GPT].join(", ");
            return Err(format!("`{name}` is none of {known}").into());
        }
    };
    Ok(model.parse()?)
}

/// The derivatives of each block of the language model, with all others fixed.
fn parts(
    name: &str,
    trace: &Trace,
    params: &Params,
    target: &Target,
) -> Result<Vec<(String, Curvature)>> {
    let blocks = if name == BLOCKS { DEPTH } else { 0 };
    let part = |block: usize| -> Result<(String, Curvature)> {
        let name = format!("transformer.h.{block}");
        let selection: Selection = name.parse()?;
        let part = selection.of(params.clone(), &[])?;
        Ok((name, trace.curvature(&part, target)?))
    };
    (0..blocks).map(part).collect()
}

/// NAME.weights.safetensors and NAME.data.safetensors.
fn from_files(name: &str, folder: &Path) -> Result<(Network, Dataset)> {
    let file = |what: &str| folder.join(format!("{name}.{what}.safetensors"));
    let params = load_network_params(file("weights"), &spec(name)?)?;
    let source = file("data").display().to_string();
    let data = load(&source.parse()?, None, Split::Train, None)?;
    let network = Network::from_params(&spec(name)?, &params, &Device::flex())?;
    Ok((network, data))
}

/// Initial weights on images of noise or embedded digits; for eigenvalues, trained ones.
fn own(name: &str) -> Result<(Network, Dataset)> {
    let network = Network::init(&spec(name)?, 0, &Device::flex());
    match name {
        RESNET => return Ok((network, noise(256)?)),
        GPT => return Ok((network, tokens(1024, 64, 1000)?)),
        BLOCKS => {
            let text = load(&"chars".parse()?, None, Split::Train, Some(SEQUENCES))?;
            return Ok((network, text));
        }
        _ => {}
    }
    let digits = load(&"mnist-1k".parse()?, None, Split::Train, None)?;
    if name == MNIST {
        return Ok((network, repeated(&digits, 10)?));
    }
    let (loss, config) = (LossKind::CrossEntropy, TrainConfig::default());
    let on = &mut |_| ControlFlow::Continue(());
    let trained = train(network, &digits, loss, &config, on)?;
    Ok((trained.network, digits))
}

/// Images of noise in CIFAR-10's shape.
fn noise(images: usize) -> Result<Dataset> {
    let mut rng = Rng::new(0, 0);
    let x = (0..images * 3 * 32 * 32).map(|_| rng.normal() as f32);
    let x = x.collect();
    let y = (0..images).map(|_| rng.below(10) as i64).collect();
    let shape = vec![images, 3, 32, 32];
    Ok(Dataset::new("noise", shape, x, Targets::Classes(y))?)
}

fn repeated(data: &Dataset, times: usize) -> Result<Dataset> {
    let Targets::Classes(labels) = data.y() else {
        return Err("digits have classes".into());
    };
    let shape = vec![times * data.len(), data.features()];
    let y = Targets::Classes(labels.repeat(times));
    Ok(Dataset::new(data.name(), shape, data.x().repeat(times), y)?)
}
