//! # Lesson 1: any function is a landscape
//!
//! Before there is a network: a landscape is a function of one to three numbers, sampled on a grid.
//! Four textbook functions show what the figures and the numbers of later lessons look like when
//! the answer is known: a bowl, four equal minima, a saddle, and a narrow curved valley.
//!
//! You learn the four steps that every lesson has:
//!
//! 1. an *objective*: something that can be evaluated at points;
//! 2. a *grid*: which points;
//! 3. a *sampler*, which fills a *surface*;
//! 4. *metrics* and *figures* of that surface.
//!
//! ```sh
//! cargo run --release --example 01-analytic [FOLDER]
//! ```

mod common;

use common::Output;
use loss_landscape::core::{Grid, Objective, Sampler, Surface, from_fn, metrics};
use loss_landscape::plot::page::{PageData, PageRun};
use loss_landscape::plot::{Options, PlacedNetwork, Scale, contour, heatmap, surface3d};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let out = Output::of("01-analytic")?;

    // An objective can be any closure from coordinates to a number. Two coordinates make a plane.
    let bowl = from_fn(|[x, y]: [f64; 2]| x * x + y * y);

    // Himmelblau's function: four minima of the same value, four saddles and a hill between them.
    let many_minima =
        from_fn(|[x, y]: [f64; 2]| (x * x + y - 11.0).powi(2) + (x + y * y - 7.0).powi(2));

    // Up along one axis, down along the other: what training has to get past.
    let saddle = from_fn(|[x, y]: [f64; 2]| x * x - y * y);

    // Rosenbrock's function: a flat floor between steep walls. Its one minimum lies at (1, 1), but
    // the floor winds between the points of a grid, and each place where it comes close to one
    // counts as a minimum too. Minima of a surface are those of its points.
    let valley = from_fn(|[x, y]: [f64; 2]| (1.0 - x).powi(2) + 100.0 * (y - x * x).powi(2));

    // Values around zero want a linear scale. Those that span decades and reach zero want a
    // logarithmic one that is linear below a threshold.
    let decades = |threshold| Scale::SymLog { threshold };
    // Where the minima of the formulas are.
    let himmelblau = [
        [3.0, 2.0],
        [-2.805118, 3.131313],
        [-3.779310, -3.283186],
        [3.584428, -1.848127],
    ];
    type Lesson<'a> = (&'a str, &'a dyn Objective, f64, Scale, &'a [[f64; 2]]);
    let lessons: [Lesson<'_>; 4] = [
        ("bowl", &bowl, 1.0, Scale::Linear, &[[0.0, 0.0]]),
        ("himmelblau", &many_minima, 5.0, decades(10.0), &himmelblau),
        ("saddle", &saddle, 1.0, Scale::Linear, &[]),
        ("valley", &valley, 2.0, decades(1.0), &[[1.0, 1.0]]),
    ];
    let mut runs = Vec::new();
    for (name, objective, half_range, scale, minima) in lessons {
        let surface = sample(objective, half_range)?;
        describe(name, &surface)?;
        draw(&out, name, &surface, scale, minima)?;
        runs.push(PageRun::new(name, surface));
    }

    // All four on one page: turn them, read values, switch to logarithms. It works offline.
    out.page(&PageData::new("Four analytic landscapes", runs))?;
    Ok(())
}

/// Steps 2 and 3: a square grid around the origin, and its surface.
fn sample(objective: &dyn Objective, half_range: f64) -> Result<Surface, Box<dyn Error>> {
    // 101 x 101 points. An odd number of points has one exactly at the origin.
    let grid = Grid::square(101, half_range, objective.dims())?;
    let mut surface = Surface::new(grid, vec![]);
    // The last argument takes observers: progress bars, databases. None is needed here.
    Sampler::new().run(objective, &mut surface, &mut [])?;
    Ok(surface)
}

/// Step 4 in numbers.
fn describe(name: &str, surface: &Surface) -> Result<(), Box<dyn Error>> {
    let m = metrics(surface)?;
    let [x, y, _] = m.argmin;
    println!(
        "{name}: minima {}, saddles {}, maxima {}, lowest {:.4} at ({x:.2}, {y:.2}), highest {:.1}",
        m.minima.len(),
        m.saddles.len(),
        m.maxima.len(),
        m.min_loss,
        m.max_loss,
    );
    // Convexity: at which share of the points the surface curves upwards in every direction.
    // Smoothness: 1 where the curvatures cancel, as they do in a plane and in this saddle.
    println!(
        "  convex at {:.0}% of the points, smoothness {:.3}, curvature at the origin {:.1?}",
        100.0 * m.convexity.unwrap_or(f64::NAN),
        m.smoothness.unwrap_or(f64::NAN),
        m.center_eigenvalues.unwrap_or_default(),
    );
    Ok(())
}

/// Step 4 in pictures: the same surface seen in three ways.
fn draw(
    out: &Output,
    name: &str,
    surface: &Surface,
    scale: Scale,
    minima: &[[f64; 2]],
) -> Result<(), Box<dyn Error>> {
    // Points of one name have one mark, and one entry in the legend.
    let minimum = |[x, y]: &[f64; 2]| PlacedNetwork {
        name: "minimum".into(),
        at: [*x, *y, 0.0],
    };
    let options = Options {
        networks: minima.iter().map(minimum).collect(),
        scale,
        axes: [Some("x".into()), Some("y".into()), None],
        value_label: Some("f(x, y)".into()),
        origin: None, // there is no trained point to mark
        ..Options::default()
    };
    out.figure(&format!("{name}-contour"), contour(surface, &options)?)?;
    out.figure(&format!("{name}-heatmap"), heatmap(surface, &options)?)?;
    out.figure(&format!("{name}-surface"), surface3d(surface, &options)?)
}
