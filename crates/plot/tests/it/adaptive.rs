//! Figures of surfaces of which a part is interpolated.

use crate::support::group;
use landscape_core::{Adaptive, Grid, Objective, ObjectiveError, Point, Sample, Sampler, Surface};
use landscape_plot::page::{PageData, PageRun, html};
use landscape_plot::{Figure, Options, contour, heatmap, line, surface3d, volume_slices};

/// A bowl of any dimension, with standard errors.
struct Bowl(usize);

impl Objective for Bowl {
    fn dims(&self) -> usize {
        self.0
    }

    fn evaluate(&self, points: &[Point]) -> Result<Vec<Sample>, ObjectiveError> {
        let sample = |point: &Point| Sample {
            loss_se: Some(0.05),
            ..Sample::of(point.iter().map(|x| x * x).sum())
        };
        Ok(points.iter().map(sample).collect())
    }
}

fn adapted(dims: usize, count: usize) -> Surface {
    let mut surface = Surface::new(Grid::square(count, 1.0, dims).unwrap(), vec![]);
    let adaptive = Adaptive::new(0.01).unwrap();
    adaptive
        .run(&Sampler::new(), &Bowl(dims), &mut surface, &mut [])
        .unwrap();
    assert!(surface.interpolated() > 0);
    surface
}

fn options(measured: bool) -> Options {
    Options {
        measured,
        tolerance: Some(0.01),
        ..Options::default()
    }
}

/// The caption in one line.
fn caption(figure: &Figure) -> String {
    let lines = group(figure, "caption").split("<text").skip(1);
    let words = lines.filter_map(|line| line.split('>').nth(1)?.split('<').next());
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_caption_counts_the_measured_points() {
    type Draw = fn(&Surface, &Options) -> Result<Figure, landscape_plot::PlotError>;
    let kinds: [(usize, usize, Draw); 5] = [
        (1, 51, line),
        (2, 51, contour),
        (2, 51, heatmap),
        (2, 51, surface3d),
        (3, 13, volume_slices),
    ];
    for (dims, count, draw) in kinds {
        let surface = adapted(dims, count);
        let said = caption(&draw(&surface, &options(false)).unwrap());
        let all = [51, 2601, 2197][dims - 1];
        let all = if all > 999 {
            format!("{},{:03}", all / 1000, all % 1000)
        } else {
            all.to_string()
        };
        let want = format!(
            "{} of {all} points are measured, the rest interpolated to 1% of the range",
            surface.measured()
        );
        assert!(said.contains(&want), "{said}");
        let mut full = Surface::new(surface.grid().clone(), vec![]);
        Sampler::new().run(&Bowl(dims), &mut full, &mut []).unwrap();
        assert!(
            !draw(&full, &options(true))
                .unwrap()
                .svg()
                .contains("measured")
        );
    }
}

#[test]
fn dots_mark_the_measured_points() {
    let surface = adapted(2, 51);
    for draw in [contour, heatmap] {
        let plain = draw(&surface, &options(false)).unwrap();
        assert!(!plain.svg().contains("id=\"measured\""));
        let marked = draw(&surface, &options(true)).unwrap();
        let dots = group(&marked, "measured").matches('M').count();
        assert_eq!(dots, surface.measured());
        assert!(caption(&marked).contains("points are measured (dots), the rest"));
    }
    let surface = adapted(1, 51);
    let discs = |measured| {
        let figure = line(&surface, &options(measured)).unwrap();
        group(&figure, "curves-1").matches("<path").count()
    };
    assert_eq!(discs(true) - discs(false), surface.measured());
}

#[test]
fn the_page_knows_which_points_are_interpolated() {
    let mut run = PageRun::new("bowl", adapted(2, 21));
    run.tolerance = Some(0.01);
    let page = html(&PageData::new("bowl", vec![run])).unwrap();
    assert!(page.contains("\"tolerance\":0.01"));
    assert!(page.contains("\"interpolated\":{\"f32\":"));
}
