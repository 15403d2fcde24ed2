//! Adaptive sampling: the tolerance holds, few points suffice where the function allows, and what
//! is asked for depends on the function alone.

use crate::support::sampled;
use landscape_core::analytic::{self, Analytic};
use landscape_core::{
    Adapted, Adaptive, AdaptiveError, AdaptiveReport, Axis, Cancel, Grid, Measured, Objective,
    ObjectiveError, ObserverError, Outcome, Point, PointSource, Progress, Rng, Sample, Sampler,
    SamplerError, Surface, SurfaceError, Term, Value, from_fn, metrics,
};
use proptest::prelude::*;
use std::collections::HashSet;
use std::sync::Mutex;

fn adapt(objective: &dyn Objective, surface: &mut Surface, tolerance: f64) -> AdaptiveReport {
    let adaptive = Adaptive::new(tolerance).unwrap();
    match adaptive.run(&Sampler::new(), objective, surface, &mut []) {
        Ok(Adapted::Complete(report)) => report,
        other => panic!("{other:?}"),
    }
}

fn plane(
    function: impl Fn([f64; 2]) -> f64 + Sync,
    grid: Grid,
    tolerance: f64,
) -> (Surface, AdaptiveReport) {
    let mut surface = Surface::new(grid, vec![]);
    let report = adapt(&from_fn(function), &mut surface, tolerance);
    (surface, report)
}

fn of(analytic: &Analytic, count: usize, tolerance: f64) -> (Surface, AdaptiveReport) {
    let grid = Grid::square(count, analytic.half_range, 2).unwrap();
    plane(analytic.function, grid, tolerance)
}

/// Errors of the interpolated points, as shares of the range; measured points must be exact.
fn errors(surface: &Surface, report: &AdaptiveReport, truth: impl Fn(Point) -> f64) -> Vec<f64> {
    let mut errors = Vec::new();
    for flat in 0..surface.grid().len() {
        let want = truth(surface.grid().point(flat));
        let got = surface.get(flat).expect("every point is known").loss;
        match surface.source(flat).unwrap() {
            PointSource::Measured => assert!(got == want || got.is_nan() && want.is_nan()),
            PointSource::Interpolated => errors.push((got - want).abs() / report.range),
        }
    }
    assert_eq!(surface.measured(), report.measured);
    assert_eq!(errors.len(), report.points - report.measured);
    errors.sort_by(f64::total_cmp);
    errors
}

fn largest(surface: &Surface, report: &AdaptiveReport, analytic: &Analytic) -> f64 {
    let errors = errors(surface, report, |[x, y, _]| (analytic.function)([x, y]));
    errors.last().copied().unwrap_or(0.0)
}

fn share(report: &AdaptiveReport) -> f64 {
    report.measured as f64 / report.points as f64
}

#[test]
fn every_interpolated_value_is_within_the_tolerance() {
    for analytic in analytic::ALL.iter().chain(&analytic::HARD) {
        for (count, tolerance) in [(51, 0.05), (51, 0.01), (64, 0.01), (101, 0.01), (51, 0.002)] {
            let (surface, report) = of(analytic, count, tolerance);
            let errors = errors(&surface, &report, |[x, y, _]| (analytic.function)([x, y]));
            let beyond = errors.iter().filter(|&&error| error > tolerance).count();
            // 5% is what is promised; hills of a few grid steps leave single points a little beyond.
            let most = errors.len() / 50;
            let (name, error) = (analytic.name, errors.last().copied().unwrap_or(0.0));
            assert!(
                beyond <= most,
                "{name} {count} {tolerance}: {error}, {beyond}"
            );
            assert!(
                error <= 1.5 * tolerance,
                "{name} {count} {tolerance}: {error}"
            );
            assert!(report.max_error.unwrap_or(0.0) <= tolerance);
            assert!(report.p95_error <= report.max_error);
        }
    }
}

#[test]
fn smooth_functions_need_few_points_and_noise_all() {
    for analytic in [
        analytic::BOWL,
        analytic::SADDLE,
        analytic::HIMMELBLAU,
        analytic::ROSENBROCK,
        analytic::RUNGE,
    ] {
        let (_, report) = of(&analytic, 51, 0.01);
        assert!(share(&report) < 0.25, "{}: {report:?}", analytic.name);
    }
    let (surface, report) = of(&analytic::NOISE, 51, 0.01);
    assert_eq!((report.measured, surface.interpolated()), (2601, 0));
    assert_eq!((report.checks, report.max_error), (0, None));
}

/// What was not looked at is not certain: no error of 0 is reported where it rests on a sample.
#[test]
fn a_needle_that_is_missed_is_no_error_of_zero() {
    // 2.5 cells wide, between the points of the coarse levels.
    let needle = |[x, y]: [f64; 2]| {
        let (dx, dy) = ((x - 0.317) / 0.05, (y + 0.443) / 0.05);
        1.0 + (-(dx * dx + dy * dy)).exp()
    };
    for function in [needle as fn([f64; 2]) -> f64, |_| 2.0, |_| 0.0] {
        let (_, report) = plane(function, Grid::square(51, 1.0, 2).unwrap(), 0.01);
        if report.checks == 0 {
            continue;
        }
        let (max, p95) = (report.max_error.unwrap(), report.p95_error.unwrap());
        assert!(
            max > 0.0 && p95 > 0.0 && p95 <= max && max <= 0.01,
            "{report:?}"
        );
        // The rule of three: 3 / n is above 1 - 0.05^(1/n) = -ln(0.05) / n + ...
        let (missed, n) = (report.missed_share.unwrap(), report.checks as f64);
        let exact = 1.0 - 0.05f64.powf(1.0 / n);
        assert!(
            (missed - exact).abs() < 1e-12 && missed < 3.0 / n,
            "{report:?}"
        );
    }
}

#[test]
fn a_polynomial_of_degree_three_is_interpolated_to_rounding() {
    let cubic = |[x, y]: [f64; 2]| x * x * x - 2.0 * x * y * y + y - 3.0;
    let (surface, report) = plane(cubic, Grid::square(51, 1.0, 2).unwrap(), 0.01);
    let errors = errors(&surface, &report, |[x, y, _]| cubic([x, y]));
    assert!(errors.last().unwrap() < &1e-13);
    assert!(share(&report) < 0.08, "{report:?}");
}

#[test]
fn finer_grids_cost_hardly_more() {
    let share = |count| share(&of(&analytic::RUNGE, count, 0.01).1);
    assert!(share(201) < share(101) && share(101) < 0.5 * share(51));
}

#[test]
fn what_falls_between_the_coarse_points_is_found_by_the_draws() {
    // A wall at x = 0.37, where the coarse levels have no column.
    let (surface, report) = of(&analytic::RIDGE, 101, 0.01);
    assert!(report.draws > 1, "the first draw has misses: {report:?}");
    assert!(largest(&surface, &report, &analytic::RIDGE) <= 0.01);
    assert!(share(&report) < 0.5);
}

/// Losses of a plane measured elsewhere, on [-1, 1]^2.
struct Table(Vec<Vec<f64>>);

impl Table {
    fn parse(text: &str) -> Self {
        let row = |line: &str| line.split(' ').map(|word| word.parse().unwrap()).collect();
        Table(text.lines().map(row).collect())
    }

    fn value(&self, [x, y]: [f64; 2]) -> f64 {
        let step = (self.0.len() - 1) as f64 / 2.0;
        self.0[((x + 1.0) * step).round() as usize][((y + 1.0) * step).round() as usize]
    }
}

#[test]
fn planes_of_residual_networks_need_less_than_a_quarter_of_the_points() {
    let planes = [
        include_str!("../reference/resnet20_plane.txt"),
        include_str!("../reference/resnet20_noshort_plane.txt"),
    ];
    for text in planes {
        let table = Table::parse(text);
        let grid = Grid::square(51, 1.0, 2).unwrap();
        let (surface, report) = plane(|at| table.value(at), grid, 0.01);
        let errors = errors(&surface, &report, |[x, y, _]| table.value([x, y]));
        assert!(errors.last().unwrap() <= &0.01);
        assert!(share(&report) < 0.25, "{report:?}");
    }
}

/// The tolerance is a promise about shares of the points: of each wave at most `missed_share` of the interpolated points
/// are beyond it, with a confidence of 95%. Waves and grids are drawn, the same ones every time.
#[test]
fn waves_of_any_length_on_any_grid() {
    let mut rng = Rng::new(0x0077_6176_6573, 0);
    let (mut broken, mut worst) = (0, 0.0f64);
    const WAVES: usize = 400;
    for _ in 0..WAVES {
        let axis = |rng: &mut Rng| Axis::new(-0.7, 1.1, 1 + rng.below(69) as usize).unwrap();
        let grid = Grid::new(vec![axis(&mut rng), axis(&mut rng)]).unwrap();
        let (fx, fy) = (rng.uniform(0.0, 6.0), rng.uniform(0.0, 6.0));
        let tolerance = rng.uniform(0.005, 0.1);
        let wave = |[x, y]: [f64; 2]| (fx * x + 0.3).sin() * (fy * y).cos() + 0.2 * x;
        let (surface, report) = plane(wave, grid, tolerance);
        let errors = errors(&surface, &report, |[x, y, _]| wave([x, y]));
        let beyond = errors.iter().filter(|&&error| error > tolerance).count();
        let allowed = report.missed_share.unwrap_or(0.0) * errors.len() as f64;
        broken += usize::from(beyond as f64 > allowed);
        worst = worst.max(errors.last().copied().unwrap_or(0.0) / tolerance);
        let replayed = Adaptive::new(tolerance).unwrap().report(&surface);
        assert_eq!(replayed, Some(report));
    }
    assert!(broken * 20 <= WAVES, "{broken} of {WAVES}");
    // Those that were missed are missed by little.
    assert!(worst <= 2.5, "{worst} tolerances");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn an_interrupted_run_ends_with_the_same_contents(
        (batch, stops) in (1usize..90, prop::collection::vec(1usize..6, 0..6)),
        which in 0usize..5,
    ) {
        let analytic = analytic::HARD[which];
        let (want, want_report) = of(&analytic, 33, 0.02);
        let mut got = Surface::new(want.grid().clone(), vec![]);
        let objective = Once::new(analytic.function);
        let adaptive = Adaptive::new(0.02).unwrap();
        for stop in stops {
            let (sampler, mut left) = (Sampler { batch, cancel: Cancel::new() }, stop);
            let cancel = sampler.cancel.clone();
            let mut observer = |_: &[Measured], _: Progress| {
                left -= 1;
                if left == 0 {
                    cancel.cancel();
                }
                Ok(())
            };
            adaptive.run(&sampler, &objective, &mut got, &mut [&mut observer]).unwrap();
        }
        prop_assert_eq!(adapt(&objective, &mut got, 0.02), want_report);
        prop_assert_eq!(got, want);
        prop_assert_eq!(objective.seen.lock().unwrap().len(), want_report.measured);
    }
}

/// Refuses to evaluate a point twice.
struct Once<F> {
    function: F,
    seen: Mutex<HashSet<[u64; 3]>>,
}

impl<F> Once<F> {
    fn new(function: F) -> Self {
        Once {
            function,
            seen: Mutex::default(),
        }
    }
}

impl<F: Fn([f64; 2]) -> f64 + Sync> Objective for Once<F> {
    fn dims(&self) -> usize {
        2
    }

    fn evaluate(&self, points: &[Point]) -> Result<Vec<Sample>, ObjectiveError> {
        let mut seen = self.seen.lock().unwrap();
        let samples = points
            .iter()
            .map(|point| match seen.insert(point.map(f64::to_bits)) {
                true => Ok(Sample::of((self.function)([point[0], point[1]]))),
                false => Err(ObjectiveError::new(format!("{point:?} again"))),
            });
        samples.collect()
    }
}

#[test]
fn a_cancelled_run_interpolates_nothing() {
    let mut surface = Surface::new(Grid::square(51, 1.0, 2).unwrap(), vec![]);
    let sampler = Sampler {
        batch: 20,
        cancel: Cancel::new(),
    };
    let adaptive = Adaptive::new(0.01).unwrap();
    let mut observer = |_: &[Measured], _: Progress| {
        sampler.cancel.cancel();
        Ok(())
    };
    let objective = from_fn(analytic::bowl);
    let adapted = adaptive.run(&sampler, &objective, &mut surface, &mut [&mut observer]);
    assert_eq!(adapted.unwrap(), Adapted::Cancelled);
    assert_eq!((surface.measured(), surface.interpolated()), (20, 0));
    assert_eq!(adaptive.report(&surface), None);
}

#[test]
fn observers_see_each_measured_point_once() {
    let mut surface = Surface::new(Grid::square(51, 1.0, 2).unwrap(), vec![]);
    let mut seen = HashSet::new();
    let mut observer = |batch: &[Measured], progress: Progress| {
        for point in batch {
            assert!(seen.insert(point.index));
        }
        assert_eq!((progress.done, progress.total), (seen.len(), 2601));
        Ok::<(), ObserverError>(())
    };
    let adaptive = Adaptive::new(0.01).unwrap();
    let objective = from_fn(analytic::himmelblau);
    adaptive
        .run(
            &Sampler::new(),
            &objective,
            &mut surface,
            &mut [&mut observer],
        )
        .unwrap();
    let measured = (0..2601).filter(|&flat| surface.is_measured(flat));
    assert_eq!(measured.collect::<HashSet<_>>(), seen);
}

#[test]
fn errors_leave_what_was_measured() {
    let mut surface = Surface::new(Grid::square(51, 1.0, 2).unwrap(), vec![]);
    let objective = Once::new(|[x, y]: [f64; 2]| x + y);
    // Beside the origin, which comes last.
    objective
        .evaluate(&[surface.grid().point(26 * 51 + 25)])
        .unwrap();
    let adaptive = Adaptive::new(0.01).unwrap();
    let error = adaptive
        .run(&Sampler::new(), &objective, &mut surface, &mut [])
        .unwrap_err();
    assert!(matches!(error, SamplerError::Objective { .. }));
    assert!(surface.measured() > 0 && surface.interpolated() == 0);

    let mut line = Surface::new(Grid::square(5, 1.0, 1).unwrap(), vec![]);
    let error = adaptive
        .run(&Sampler::new(), &objective, &mut line, &mut [])
        .unwrap_err();
    assert!(matches!(error, SamplerError::Dimensions { .. }));
}

#[test]
fn lines_and_volumes() {
    let hill = |x: f64| (-(x - 0.2).powi(2) / 0.1).exp();
    let mut line = Surface::new(Grid::square(201, 1.0, 1).unwrap(), vec![]);
    let report = adapt(&from_fn(|[x]| hill(x)), &mut line, 0.01);
    let found = errors(&line, &report, |[x, _, _]| hill(x));
    assert!(found.last().unwrap() <= &0.01);
    assert!(share(&report) < 0.4, "{report:?}");

    let three = |[x, y, z]: [f64; 3]| hill(0.5 * x) + (0.5 * y - z).powi(2);
    let mut volume = Surface::new(Grid::square(25, 1.0, 3).unwrap(), vec![]);
    let report = adapt(&from_fn(three), &mut volume, 0.01);
    let found = errors(&volume, &report, three);
    assert!(found.last().unwrap() <= &0.01);
    assert!(share(&report) < 0.25, "{report:?}");
}

#[test]
fn losses_that_are_not_finite_are_surrounded_by_measurements() {
    let overflow = |[x, y]: [f64; 2]| match x + y {
        s if s > 1.3 => f64::NAN,
        s if s > 1.2 => f64::INFINITY,
        s => (2.0 * s).exp(),
    };
    let (surface, report) = plane(overflow, Grid::square(51, 1.0, 2).unwrap(), 0.01);
    let found = errors(&surface, &report, |[x, y, _]| overflow([x, y]));
    assert!(found.last().unwrap() <= &0.01);
    assert_eq!(
        surface.non_finite(),
        sampled(surface.grid().clone(), overflow).non_finite(),
        "all of them were found, none was made up"
    );
    assert!(share(&report) < 0.5, "{report:?}");
    let (_, report) = plane(|_| f64::NAN, Grid::square(21, 1.0, 2).unwrap(), 0.01);
    assert_eq!((report.measured, report.range), (441, 0.0));
}

#[test]
fn constant_functions_and_rounding_are_resolved() {
    for function in [
        |_: [f64; 2]| 2.5,
        |[x, y]: [f64; 2]| 2.5 + 1e-8 * analytic::noise([x, y]),
        |[x, y]: [f64; 2]| f64::from((1e3 + x + y) as f32),
    ] {
        let (_, report) = plane(function, Grid::square(51, 1.0, 2).unwrap(), 0.01);
        assert!(share(&report) < 0.1, "{report:?}");
    }
}

#[test]
fn interpolation_stays_within_the_measured_range() {
    let (surface, _) = of(&analytic::STEP, 101, 0.05);
    let losses = |source| {
        let points = (0..surface.grid().len()).filter(|&f| surface.source(f) == Some(source));
        let losses: Vec<f64> = points.map(|f| surface.get(f).unwrap().loss).collect();
        let extreme = |pick: fn(f64, f64) -> f64| losses.iter().copied().reduce(pick).unwrap();
        (extreme(f64::min), extreme(f64::max))
    };
    let (low, high) = losses(PointSource::Measured);
    let (lowest, highest) = losses(PointSource::Interpolated);
    assert!(low <= lowest && highest <= high);
}

/// Loss, standard error, accuracy and a term.
struct Full(Vec<Term>);

impl Objective for Full {
    fn dims(&self) -> usize {
        2
    }

    fn terms(&self) -> &[Term] {
        &self.0
    }

    fn evaluate(&self, points: &[Point]) -> Result<Vec<Sample>, ObjectiveError> {
        let sample = |&[x, y, _]: &Point| Sample {
            loss: x * x + y,
            loss_se: Some(0.1),
            accuracy: Some(0.5 - 0.25 * x),
            terms: vec![3.0 + x * y],
        };
        Ok(points.iter().map(sample).collect())
    }
}

#[test]
fn interpolated_samples_have_accuracy_and_terms_and_no_standard_error() {
    let terms = vec![Term {
        name: "l2".into(),
        weight: 2.0,
    }];
    let mut surface = Surface::new(Grid::square(51, 1.0, 2).unwrap(), terms.clone());
    adapt(&Full(terms), &mut surface, 0.01);
    assert!(surface.interpolated() > 0);
    for flat in 0..surface.grid().len() {
        let [x, y, _] = surface.grid().point(flat);
        let se = surface.value(flat, Value::LossSe);
        assert_eq!(se.is_some(), surface.is_measured(flat));
        let accuracy = surface.value(flat, Value::Accuracy).unwrap();
        assert!((accuracy - 0.5 + 0.25 * x).abs() < 1e-12);
        let term = surface.value(flat, Value::Term(0)).unwrap();
        assert!((term - 3.0 - x * y).abs() < 1e-12);
    }
}

#[test]
fn figures_of_differences_come_from_measured_points() {
    let (surface, report) = of(&analytic::BOWL, 51, 0.01);
    let adaptive = metrics(&surface).unwrap();
    let full = metrics(&sampled(surface.grid().clone(), analytic::bowl)).unwrap();
    assert_eq!(adaptive.interpolated, 2601 - report.measured);
    assert_eq!(full.interpolated, 0);
    assert!(adaptive.hessians < full.hessians);
    assert_eq!(
        adaptive.minima, full.minima,
        "the lowest point is surrounded"
    );
    assert_eq!(
        (adaptive.argmin, adaptive.min_loss, adaptive.max_loss),
        (full.argmin, full.min_loss, full.max_loss)
    );
    let sharpness = adaptive.sharpness.unwrap() - full.sharpness.unwrap();
    assert!(sharpness.abs() < 1e-9, "the origin is surrounded");
    assert!((adaptive.mean_loss - full.mean_loss).abs() < 1e-9);
    assert_eq!(adaptive.basin_extent, full.basin_extent);
}

#[test]
fn a_sampler_measures_what_is_interpolated() {
    let (mut surface, _) = of(&analytic::BOWL, 51, 0.01);
    let adaptive = Adaptive::new(0.01).unwrap();
    assert!(adaptive.report(&surface).is_some());
    let outcome = Sampler::new().run(&from_fn(analytic::bowl), &mut surface, &mut []);
    assert_eq!(outcome.unwrap(), Outcome::Complete);
    assert_eq!(surface, sampled(surface.grid().clone(), analytic::bowl));
}

#[test]
fn sources_survive_json_and_slices() {
    let (surface, _) = of(&analytic::BOWL, 21, 0.01);
    let text = serde_json::to_string(&surface).unwrap();
    let read: Surface = serde_json::from_str(&text).unwrap();
    assert!((0..441).all(|flat| read.source(flat) == surface.source(flat)));
    let full = sampled(surface.grid().clone(), analytic::bowl);
    let plain = serde_json::to_string(&full).unwrap();
    assert!(!plain.contains("interpolated"));

    let row = surface.slice(0, 3).unwrap();
    for j in 0..21 {
        assert_eq!(row.source(j), surface.source(3 * 21 + j));
    }
    let broken = text.replace("\"interpolated\":[", "\"interpolated\":[441,");
    assert!(serde_json::from_str::<Surface>(&broken).is_err());
}

#[test]
fn interpolated_values_never_replace_measured_ones() {
    let mut surface = Surface::new(Grid::square(3, 1.0, 1).unwrap(), vec![]);
    surface.set_interpolated(0, Sample::of(1.0)).unwrap();
    surface.set_interpolated(0, Sample::of(2.0)).unwrap();
    assert_eq!(
        (
            surface.measured(),
            surface.interpolated(),
            surface.missing()
        ),
        (0, 1, 2)
    );
    surface.set(0, Sample::of(3.0)).unwrap();
    let error = surface.set_interpolated(0, Sample::of(4.0)).unwrap_err();
    assert_eq!(error, SurfaceError::Measured { index: 0 });
    assert_eq!(surface.get(0), Some(&Sample::of(3.0)));
    surface.set_interpolated(1, Sample::of(5.0)).unwrap();
    surface.forget_interpolated();
    assert_eq!((surface.measured(), surface.missing()), (1, 2));
}

#[test]
fn tolerances_are_shares() {
    for given in [0.0, -0.1, 1.0, f64::NAN, f64::INFINITY] {
        let AdaptiveError::Tolerance { given: told } = Adaptive::new(given).unwrap_err();
        assert_eq!(told.to_bits(), given.to_bits());
    }
    assert_eq!(Adaptive::new(0.02).unwrap().tolerance(), 0.02);
}
