//! Planes and products with the Hessian on every executor of this build: the CPU's own kernels, Burn's flex, and with the
//! features `wgpu` and `tch` the default adapter and LibTorch.
//!
//! ```sh
//! cargo bench --bench backends [--features wgpu] [--features tch] -- [--samples N] [WORKLOAD...]
//! ```
//!
//! Prints seconds of four points of a plane that is prepared, and of one product, the shorter of two, and how far losses and
//! products are from those of the CPU's own kernels.

mod common;

use burn::tensor::Device;
use common::record;
use landscape_core::{
    BiasMode, Direction, Distribution, Normalization, Objective, Params, Plane, Point,
};
use landscape_trace::{Target, Trace};
use std::error::Error;
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const POINTS: usize = 4;

fn main() -> Result<()> {
    let (mut bench, mut samples, mut workloads) = (false, 64, Vec::new());
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--bench" => bench = true,
            "--samples" => samples = words.next().ok_or("--samples needs a value")?.parse()?,
            _ => workloads.push(word),
        }
    }
    if !bench {
        println!("nothing is timed; run `cargo bench --bench backends`");
        return Ok(());
    }
    if workloads.is_empty() {
        workloads = ["mlp", "resnet20", "vit-64", "gpt"]
            .map(String::from)
            .to_vec();
    }
    println!(
        "| workload | samples | executor | {POINTS} points | difference | product | difference |"
    );
    println!("|---|---|---|---|---|---|---|");
    for name in &workloads {
        let (trace, params) = record(name, samples)?;
        let mut own: Option<[Vec<f64>; 2]> = None;
        for (executor, target) in targets()? {
            let (seconds, losses) = plane(&trace, &params, &target)?;
            let (product_seconds, product) = product(&trace, &params, &target)?;
            let found = [losses, product];
            let own = own.get_or_insert_with(|| found.clone());
            let differences = [0, 1].map(|k| difference(&found[k], &own[k]));
            println!(
                "| {name} | {samples} | {executor} | {seconds:.3} s | {:.1e} | {product_seconds:.3} s | {:.1e} |",
                differences[0], differences[1]
            );
        }
    }
    Ok(())
}

/// Every executor, the CPU's own kernels first.
fn targets() -> Result<Vec<(&'static str, Target)>> {
    let on = |device: Device| Target::Device { device, batch: 0 };
    Ok(vec![
        ("own kernels", Target::default()),
        ("flex", on(Device::flex())),
        #[cfg(feature = "wgpu")]
        ("wgpu", on(landscape_trace::wgpu_device(None)?)),
        #[cfg(feature = "tch")]
        #[allow(deprecated)] // by Burn
        ("LibTorch", on(Device::libtorch())),
    ])
}

fn plane(trace: &Trace, params: &Params, target: &Target) -> Result<(f64, Vec<f64>)> {
    let direction = |stream| {
        let direction = Direction::random(params, Distribution::Gaussian, 1, stream);
        direction.normalize(params, Normalization::Filter, BiasMode::Zero)
    };
    let plane = Plane::new(params.clone(), vec![direction(0)?, direction(1)?])?;
    let objective = trace.objective(&plane, std::slice::from_ref(target))?;
    let place = |i: usize| 0.01 * (i + 1) as f64;
    let points: Vec<Point> = (0..POINTS).map(|i| [place(i), -place(i), 0.0]).collect();
    timed(|| {
        let samples = objective.evaluate(&points)?;
        Ok(samples.iter().map(|sample| sample.loss).collect())
    })
}

fn product(trace: &Trace, params: &Params, target: &Target) -> Result<(f64, Vec<f64>)> {
    let curvature = trace.curvature(params, target)?;
    let sign = |i: usize| if i.is_multiple_of(3) { 1.0 } else { -1.0 };
    let vectors = [(0..curvature.dim()).map(sign).collect()];
    timed(|| Ok(curvature.hessian(&vectors)?.swap_remove(0)))
}

/// The shorter time of two, after one that is not counted, and the result.
fn timed(work: impl Fn() -> Result<Vec<f64>>) -> Result<(f64, Vec<f64>)> {
    let mut result = work()?;
    let mut best = f64::INFINITY;
    for _ in 0..2 {
        let start = Instant::now();
        result = work()?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok((best, result))
}

/// The length of the difference, relative to that of `b`.
fn difference(a: &[f64], b: &[f64]) -> f64 {
    let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>().sqrt();
    let apart = norm(&mut a.iter().zip(b).map(|(a, b)| a - b));
    apart / norm(&mut b.iter().copied())
}
