//! Drawing figures of a plane of 51x51 points as SVG, and the interactive page of planes of 101x101 and 501x501 points.

#![allow(missing_docs)] // criterion generates public functions

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use landscape_core::{Grid, Sample, Surface};
use landscape_plot::page::{PageData, PageRun, html};
use landscape_plot::{Figure, Options, PlotError, Scale, contour, heatmap, surface3d};
use std::hint::black_box;

/// A valley with a saddle and ripples, from 0.05 to some 30: lines of every shape.
fn plane(side: usize) -> Surface {
    let grid = Grid::square(side, 1.0, 2).expect("a grid");
    let mut surface = Surface::new(grid.clone(), vec![]);
    for index in 0..grid.len() {
        let [x, y, _] = grid.point(index);
        let valley = 6.0 * (y - x * x).powi(2) + (1.0 - x).powi(2);
        let loss = 0.05 + valley + 0.1 * (9.0 * x).sin() * (7.0 * y).cos();
        let sample = Sample {
            loss_se: Some(0.01),
            accuracy: Some(0.5),
            ..Sample::of(loss.abs())
        };
        surface.set(index, sample).expect("a point of the grid");
    }
    surface
}

type Draw = fn(&Surface, &Options) -> Result<Figure, PlotError>;

fn figures(criterion: &mut Criterion) {
    let surface = plane(51);
    let mut group = criterion.benchmark_group("figures");
    for (name, draw, scale) in [
        ("contour", contour as Draw, Scale::Linear),
        ("contour, log", contour, Scale::Log),
        ("heatmap", heatmap, Scale::Linear),
        ("surface", surface3d, Scale::Linear),
    ] {
        let options = Options {
            scale,
            ..Options::default()
        };
        group.bench_function(name, |bencher| {
            let svg = || draw(&surface, &options).map(|figure| figure.to_svg());
            bencher.iter(|| black_box(svg().expect("a figure")));
        });
    }
    group.finish();
}

fn pages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pages");
    group.sample_size(10);
    for side in [51, 101, 501] {
        let data = PageData::new("bench", vec![PageRun::new("plane", plane(side))]);
        group.bench_with_input(BenchmarkId::from_parameter(side), &data, |bencher, data| {
            bencher.iter(|| black_box(html(data).expect("a page")));
        });
    }
    group.finish();
}

criterion_group!(benches, figures, pages);
criterion_main!(benches);
