//! # Lesson 7: curvature, and how far to trust it
//!
//! The second derivatives of a loss are a matrix, the Hessian, with a row and a column for every
//! parameter. Large networks never see it; what one has are products with vectors, and methods
//! that make do with them. A network of 610 parameters is small enough for the whole matrix, so
//! that each method can be held against the truth.
//!
//! You learn
//!
//! - how to get exact products with the Hessian of any recorded loss;
//! - the largest and smallest eigenvalues by Lanczos' method, each with its residual: how far an
//!   eigenvalue may be from it;
//! - the trace and the density of all eigenvalues from products with random vectors, with their
//!   standard errors;
//! - what the spectrum of a trained classifier looks like: most eigenvalues near zero, some below
//!   it, and a few far out.
//!
//! ```sh
//! cargo run --release --example 07-curvature [FOLDER]
//! ```

mod common;

use burn::tensor::Device;
use common::Output;
use loss_landscape::hessian::{
    Dense, Density, DensityParams, Estimate, Lanczos, LanczosParams, Method, Operator, Pair,
    SpectralDensity, Trace, TraceParams, unobserved,
};
use loss_landscape::models::{
    Dataset, LossKind, Network, OptimizerKind, Split, Targets, TrainConfig, load, trace_network,
    train,
};
use loss_landscape::plot::{self, Options, spectrum};
use loss_landscape::trace::{Curvature, Target};
use std::error::Error;
use std::ops::ControlFlow;

const MODEL: &str = "mlp:49-10-10";
const SEED: u64 = 7;
/// Eigenvalues asked for at the top and at the bottom.
const TOP: usize = 10;
const BOTTOM: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let out = Output::of("07-curvature")?;

    // 1. A small network: digits of 7x7 pixels, ten hidden units, ten classes.
    let data = small_digits()?;
    let network = Network::init(&MODEL.parse()?, SEED, &Device::flex());
    let config = TrainConfig {
        optimizer: OptimizerKind::Adam,
        epochs: 40,
        seed: SEED,
        ..TrainConfig::default()
    };
    let trained = train(network, &data, LossKind::CrossEntropy, &config, &mut |_| {
        ControlFlow::Continue(())
    })?;
    let (loss, accuracy) = (trained.last.loss, trained.last.accuracy);
    println!(
        "trained loss: {loss:.4}, accuracy: {:.3}",
        accuracy.unwrap_or(f64::NAN)
    );

    // 2. Derivatives at the trained point, over all data. Products on the processor's own kernels are
    //    f32; the same object in f64 serves as the truth.
    let trace = trace_network(&trained.network, &data, LossKind::CrossEntropy, &[])?;
    let params = trained.network.params();
    let curvature = trace.curvature(&params, &Target::default())?;
    let double = trace.curvature(&params, &Target::default())?.in_f64();
    let gradient = curvature.gradient()?.gradient;
    println!(
        "parameters: {}, gradient norm: {:.4}",
        curvature.dim(),
        norm(&gradient)
    );

    // 3. The whole matrix: its products with the unit vectors are its columns. A library of dense
    //    linear algebra has all its eigenvalues.
    let matrix = assemble(&double)?;
    let exact = matrix.eigenvalues();
    let negative = exact.iter().filter(|value| **value < 0.0).count();
    println!(
        "exact: trace {:.3}, negative eigenvalues {negative}",
        matrix.trace()
    );

    // 4. Both ends of the spectrum from a few dozen products. `floor` says how exact products are.
    let lanczos = Lanczos::new(LanczosParams {
        top: TOP,
        bottom: BOTTOM,
        floor: 1e-6,
        ..LanczosParams::default()
    })?;
    let ends = lanczos.solve(&curvature)?;
    println!("Lanczos: {} products, {:?}", ends.products, ends.stop);
    table(&ends.top, &exact, TOP);
    let ascending: Vec<f64> = exact.iter().rev().copied().collect();
    table(&ends.bottom, &ascending, BOTTOM);

    // 5. The trace, by three methods of the same price. The truth should lie in 95 of 100 intervals.
    for (name, method) in [
        ("Hutchinson", Method::Hutchinson),
        ("Hutch++", Method::HutchPlusPlus),
        ("XTrace", Method::XTrace),
    ] {
        let params = TraceParams {
            method,
            max_products: 60,
            ..TraceParams::default()
        };
        report(name, &Trace::new(params)?.solve(&curvature)?);
    }

    // 6. The density of all eigenvalues: 150 steps of Lanczos from each of 24 random vectors. What a vector
    //    says of a single eigenvalue is chance, so outliers are counted from pairs, not from a density.
    let density = density(&curvature)?;
    report("quadrature", &density.trace());
    println!(
        "density: {} products, the 95% band holds {:.0}% of the exact curve",
        density.products,
        100.0 * covered(&density, &exact)
    );

    // 7. One picture of all: density with its band, pairs, and the truth.
    let figure = plot::Spectrum {
        name: "digits".into(),
        parameters: Some(curvature.dim()),
        density: Some(drawn(&density)),
        eigenvalues: ends.top.iter().chain(&ends.bottom).map(mark).collect(),
        exact,
        ..plot::Spectrum::default()
    };
    out.figure("spectrum", spectrum(&figure, &Options::default())?)
}

/// The 1,000 digits that travel with the library, each 4x4 pixels made one: their mean.
fn small_digits() -> Result<Dataset, Box<dyn Error>> {
    let digits = load(&"mnist-1k".parse()?, None, Split::Train, None)?;
    let mut x = vec![0.0; digits.len() * 49];
    for (index, pixel) in digits.x().iter().enumerate() {
        let (image, row, column) = (index / 784, index / 28 % 28, index % 28);
        x[49 * image + 7 * (row / 4) + column / 4] += pixel / 16.0;
    }
    let Targets::Classes(labels) = digits.y().clone() else {
        return Err("digits have classes".into());
    };
    let shape = vec![digits.len(), 49];
    Ok(Dataset::new(
        "digits of 7x7",
        shape,
        x,
        Targets::Classes(labels),
    )?)
}

/// The matrix whose columns are the products with the unit vectors, several at a time.
fn assemble(curvature: &Curvature) -> Result<Dense, Box<dyn Error>> {
    let n = curvature.dim();
    let unit = |i: usize| {
        let mut vector = vec![0.0; n];
        vector[i] = 1.0;
        vector
    };
    let mut columns = Vec::new();
    for start in (0..n).step_by(32) {
        let block: Vec<Vec<f64>> = (start..n.min(start + 32)).map(unit).collect();
        columns.extend(curvature.hessian(&block)?);
    }
    Ok(Dense::new(n, columns.concat())?) // which is symmetric to rounding, or an error
}

/// What Lanczos found beside what is true. Some eigenvalue lies within the residual of each.
fn table(found: &[Pair], exact: &[f64], count: usize) {
    println!("| | exact | Lanczos | apart | residual | |");
    println!("|---|---|---|---|---|---|");
    for (i, (pair, exact)) in found.iter().zip(exact).take(count).enumerate() {
        let apart = (pair.value - exact).abs();
        let converged = if pair.converged { "converged" } else { "not" };
        let (value, residual) = (pair.value, pair.residual);
        println!(
            "| {} | {exact:.6} | {value:.6} | {apart:.1e} | {residual:.1e} | {converged} |",
            i + 1
        );
    }
}

fn report(name: &str, trace: &Estimate) {
    let (mean, products) = (trace.mean, trace.products);
    let half = trace.half_width(0.95);
    println!("trace by {name}: {mean:.3} +- {half:.3} (95%), {products} products");
}

fn density(hessian: &dyn Operator) -> Result<SpectralDensity, Box<dyn Error>> {
    let params = DensityParams {
        steps: 150,
        probes: 24,
        // The bulk is a hundredth of the range wide: a Gaussian as wide as usual would hide its shape.
        width: 0.002,
        points: 4096,
        ..DensityParams::default()
    };
    Ok(Density::new(params)?.run(hessian, &[], &mut unobserved)?)
}

/// The share of the grid at which the exact spectrum, under the same Gaussian, lies within the band, where
/// it amounts to anything.
fn covered(density: &SpectralDensity, exact: &[f64]) -> f64 {
    let width = density.width;
    let scale = exact.len() as f64 * width * std::f64::consts::TAU.sqrt();
    let smooth = |t: f64| {
        let bell = |value: &f64| (-0.5 * ((t - value) / width).powi(2)).exp();
        exact.iter().map(bell).sum::<f64>() / scale
    };
    let (mut inside, mut all) = (0.0, 0.0);
    let band = density.band(0.95);
    for (&t, (low, high)) in density.grid.iter().zip(band) {
        let truth = smooth(t);
        if truth > 0.01 / scale {
            all += 1.0;
            inside += f64::from(u8::from((low..=high).contains(&truth)));
        }
    }
    inside / all
}

fn drawn(density: &SpectralDensity) -> plot::Density {
    let (lower, upper) = density.band(0.95).into_iter().unzip();
    plot::Density {
        grid: density.grid.clone(),
        density: density.density.clone(),
        lower,
        upper,
        confidence: 0.95,
        lanczos_steps: density.steps,
        probes: density.probes(),
        width: density.width,
    }
}

fn mark(pair: &Pair) -> plot::Eigenvalue {
    plot::Eigenvalue {
        value: pair.value,
        residual: pair.residual,
        converged: pair.converged,
    }
}

fn norm(vector: &[f64]) -> f64 {
    vector.iter().map(|x| x * x).sum::<f64>().sqrt()
}
