//! Samples a second of many kinds of networks, and products with the Hessian of transformers.
//!
//! ```sh
//! cargo bench --bench networks -- [--threads N] [--rounds N] [--samples N] [--points N] [--hessian] [--json] [WORKLOAD...]
//! ```
//!
//! A round evaluates `--points` points of a plane that is prepared. Beside PyTorch: `benches/peers/compare-networks.sh`.

mod common;

use common::{WORKLOADS, record};
use landscape_core::{BiasMode, Direction, Distribution, Normalization, Objective, Plane, Point};
use landscape_trace::{Level, Target};
use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

struct Options {
    bench: bool,
    json: bool,
    hessian: bool,
    threads: usize,
    rounds: usize,
    samples: usize,
    points: usize,
    workloads: Vec<String>,
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options {
        bench: false,
        json: false,
        hessian: false,
        threads: 2,
        rounds: 5,
        samples: 128,
        points: 8,
        workloads: vec![],
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || -> Result<usize, Box<dyn Error>> {
            let value = words.next().ok_or(format!("{word} needs a value"))?;
            Ok(value.parse::<usize>()?.max(1))
        };
        match word.as_str() {
            "--bench" => options.bench = true,
            "--json" => options.json = true,
            "--hessian" => options.hessian = true,
            "--threads" => options.threads = number()?,
            "--rounds" => options.rounds = number()?,
            "--samples" => options.samples = number()?,
            "--points" => options.points = number()?,
            _ => options.workloads.push(word),
        }
    }
    if options.workloads.is_empty() {
        let wanted = |name: &&str| !options.hessian || ["vit-64", "gpt"].contains(name);
        options.workloads = WORKLOADS
            .iter()
            .filter(|w| wanted(w))
            .map(|w| w.to_string())
            .collect();
    }
    Ok(options)
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = options()?;
    if !options.bench {
        println!("nothing is timed; run `cargo bench --bench networks`");
        return Ok(());
    }
    for name in &options.workloads {
        let target = Target::Host {
            threads: options.threads,
            level: Level::detect(),
        };
        let (trace, params) = record(name, options.samples)?;
        let seconds = match options.hessian {
            true => {
                let curvature = trace.curvature(&params, &target)?;
                let sign = |i: usize| if i.is_multiple_of(3) { 1.0 } else { -1.0 };
                let vector: Vec<f64> = (0..curvature.dim()).map(sign).collect();
                timed(options.rounds, || {
                    black_box(curvature.hessian(std::slice::from_ref(&vector))?);
                    Ok(())
                })?
            }
            false => {
                let direction = |stream| {
                    let direction = Direction::random(&params, Distribution::Gaussian, 1, stream);
                    direction.normalize(&params, Normalization::Filter, BiasMode::Zero)
                };
                let plane = Plane::new((*params).clone(), vec![direction(0)?, direction(1)?])?;
                let place = |i: usize| 0.01 * (i + 1) as f64;
                let points: Vec<Point> = (0..options.points)
                    .map(|i| [place(i), -place(i), 0.0])
                    .collect();
                let objective = trace.objective(&plane, std::slice::from_ref(&target))?;
                timed(options.rounds, || {
                    black_box(objective.evaluate(&points)?);
                    Ok(())
                })?
            }
        };
        report(&options, name, seconds);
    }
    Ok(())
}

/// Seconds of each round, after one that is not counted, and seconds of processor time a round.
fn timed(
    rounds: usize,
    work: impl Fn() -> Result<(), Box<dyn Error>>,
) -> Result<(Vec<f64>, f64), Box<dyn Error>> {
    work()?;
    let (mut seconds, used) = (vec![], processor_seconds());
    for _ in 0..rounds {
        let start = Instant::now();
        work()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    let processor = (processor_seconds() - used) / rounds as f64;
    seconds.sort_by(f64::total_cmp);
    Ok((seconds, processor))
}

/// What the threads of this process have used so far, those that have ended too, in steps of 10 ms; NaN where Linux does
/// not tell it.
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name, in brackets; the times are the 14th and 15th field of the whole.
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: Vec<f64> = ticks.filter_map(|t| t.parse().ok()).collect();
    match ticks[..] {
        [user, system] => (user + system) / 100.0,
        _ => f64::NAN,
    }
}

fn report(options: &Options, name: &str, (clock, processor): (Vec<f64>, f64)) {
    let passes = if options.hessian { 1 } else { options.points };
    let rate = |s: f64| (options.samples * passes) as f64 / s;
    let (best, middle) = (rate(clock[0]), rate(clock[clock.len() / 2]));
    let processor = rate(processor);
    let task = if options.hessian {
        "product"
    } else {
        "forward"
    };
    // Rounds shorter than a step of the clock have no time that could be told.
    let [json, text] = match processor.is_finite() {
        true => [processor.to_string(), format!("{processor:.0}")],
        false => ["null".to_owned(), "unknown".to_owned()],
    };
    match options.json {
        true => println!(
            "{{\"workload\": \"{name}\", \"method\": \"ours\", \"task\": \"{task}\", \"threads\": {}, \
             \"samples\": {}, \"best\": {best}, \"median\": {middle}, \"processor\": {json}}}",
            options.threads, options.samples
        ),
        false => println!(
            "{name}: {task}, {middle:.0} samples/s (best {best:.0}), {text} a second of processor time"
        ),
    }
}
