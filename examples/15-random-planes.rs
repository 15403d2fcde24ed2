//! # Lesson 15: random planes hide saddles
//!
//! The curvature along a random direction is, on average, the mean of all eigenvalues, `tr H / n`: few large ones and many
//! that are about 0 make it small and positive, and no random plane shows the directions in which the loss falls away on
//! both sides. The plane of the Hessian's own ends does (Böttcher and Wheeler 2022, arXiv:2208.13219).
//!
//! You learn
//!
//! - what a random plane can show of a point in 15,910 dimensions, and what it cannot;
//! - that the mean over random directions and an estimate of the trace are two ways to one number, each with its error;
//! - how to see a saddle: the plane along the largest and the smallest eigenvalue.
//!
//! ```sh
//! cargo run --release --example 15-random-planes [FOLDER]
//! ```

mod common;

use common::Output;
use loss_landscape::core::{Metrics, Rng, metrics};
use loss_landscape::hessian::stats::mean_and_error;
use loss_landscape::storage::{ALL_PARAMETERS, Side, Store};
use loss_landscape::study::figures::{FigureRequest, Figures};
use loss_landscape::study::hessian::{CurvatureRequest, CurvatureStudy};
use loss_landscape::study::problem::{DataRequest, NetworkRequest, Problem};
use loss_landscape::study::runs::{Landscape, LandscapeRequest, TrainRequest, Training};
use loss_landscape::trace::{Matrix, Target};
use std::error::Error;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Random directions along which the curvature is taken.
const DIRECTIONS: usize = 400;

fn main() -> Result<()> {
    let out = Output::of("15-random-planes")?;
    let store = Store::open(out.file("landscape.duckdb"))?;

    // 1. A network in the midst of its training: two epochs of MNIST.
    let mut training = TrainRequest::new("mlp:784-20-10".parse()?);
    training.data.data = Some("mnist-1k:pixels=standard".parse()?);
    (training.config.epochs, training.config.lr) = (2, 0.02);
    training.keep.name = Some("net".to_owned());
    Training::prepare(&training, &())?.run(&store, &())?;
    let network = NetworkRequest {
        run: Some("net".to_owned()),
        ..NetworkRequest::default()
    };

    // 2. Both ends of the spectrum, and the trace.
    let request = CurvatureRequest {
        network: network.clone(),
        top: Some(1),
        bottom: Some(1),
        trace: true,
        ..CurvatureRequest::default()
    };
    let found = CurvatureStudy::prepare(&request, Some(&store), &())?.run(&store, &())?;
    let point = &found.points[0];
    let end = |side| point.eigenvalues_of(ALL_PARAMETERS, side)[0].value;
    let n = point.parameters as f64;
    println!(
        "eigenvalues from {:.3} to {:.2}",
        end(Side::Bottom),
        end(Side::Top)
    );
    let trace = &point.traces[0];
    let error = trace.se.unwrap_or(f64::NAN);
    println!("tr H / n: {:.6} +- {:.6}", trace.mean / n, error / n);

    // 3. Curvature along random directions of length 1: v^T H v.
    let along = curvatures(&store, &network)?;
    let (mean, error) = mean_and_error(&along);
    let negative = along.iter().filter(|&&curvature| curvature < 0.0).count();
    println!("mean curvature of {DIRECTIONS} random directions: {mean:.6} +- {error:.6}");
    println!("of these directions, {negative} have negative curvature");

    // 4. A random plane, and that of the Hessian's ends.
    let random = plane(&store, &network, "random", "random", [(-1.0, 1.0); 2])?;
    let (ends, ranges) = ("hessian:top,bottom", [(-0.3, 0.3), (-0.8, 0.8)]);
    let saddle = plane(&store, &network, "eigenvectors", ends, ranges)?;
    for (name, found) in [("random plane", random), ("plane of eigenvectors", saddle)] {
        let curvatures = found.center_eigenvalues.unwrap_or_default();
        println!(
            "{name}: curvatures at the centre {curvatures:.3?}, convex at {:.2} of its points",
            found.convexity.unwrap_or(f64::NAN)
        );
    }
    let mut figure = FigureRequest::new(["random", "eigenvectors"], out.file("planes.svg"));
    (figure.look.panels, figure.replace) = (true, true);
    for ending in ["svg", "png"] {
        figure.output.set_extension(ending);
        figure.look.dpi = (ending == "png").then_some(300.0);
        Figures::prepare(&figure, &store)?.run()?;
    }
    Ok(())
}

/// The curvature of the loss along random directions of length 1.
fn curvatures(store: &Store, network: &NetworkRequest) -> Result<Vec<f64>> {
    let problem = Problem::load(network, &DataRequest::default(), 0, Some(store), &())?;
    let curvature = problem
        .trace(&[])?
        .curvature(&problem.params, &Target::default())?;
    let mut rng = Rng::new(15, 0);
    let vectors: Vec<Vec<f64>> = (0..DIRECTIONS)
        .map(|_| {
            let vector: Vec<f64> = (0..curvature.dim()).map(|_| rng.normal()).collect();
            let norm = dot(&vector, &vector).sqrt();
            vector.iter().map(|x| x / norm).collect()
        })
        .collect();
    let products = curvature.products(Matrix::Hessian, &vectors)?;
    Ok(vectors
        .iter()
        .zip(&products)
        .map(|(v, hv)| dot(v, hv))
        .collect())
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A plane through the network, kept under a name, and its figures.
fn plane(
    store: &Store,
    network: &NetworkRequest,
    name: &str,
    direction: &str,
    ranges: [(f64, f64); 2],
) -> Result<Metrics> {
    let mut request = LandscapeRequest {
        network: network.clone(),
        ..LandscapeRequest::default()
    };
    request.plane.direction = direction.parse()?;
    request.grid.counts = Some(vec![41]);
    request.grid.ranges = Some(ranges.to_vec());
    request.keep.name = Some(name.to_owned());
    let found = Landscape::prepare(&request, Some(store), &())?.run(store, &())?;
    Ok(metrics(&found.sampled.surface)?)
}
