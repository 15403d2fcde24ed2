//! What `hessian` finds of every matrix, of the whole network and of parts of it: against the dense matrix in f64, interrupted and continued,
//! with several threads.

use crate::parts::{Bench, block, dense};
use landscape_core::Selection;
use landscape_hessian::Dense;
use landscape_study::StudyError;
use landscape_study::compare::{Compared, ComparisonRequest, TrainingComparison};
use landscape_study::hessian::{
    CurvatureRequest, CurvatureStudy, CurvatureSummary, EigenvalueSummary, FoundSummary, Per,
};
use landscape_study::record::Settings;
use landscape_study::report::Reporter;
use landscape_trace::Matrix;
use std::sync::atomic::{AtomicUsize, Ordering};

/// All of the network, a layer, all but one.
const PARTS: [Option<&str>; 3] = [None, Some("fc2"), Some("!fc1")];

fn every() -> impl Iterator<Item = (Matrix, Option<&'static str>)> {
    let of = |&matrix: &Matrix| PARTS.map(|part| (matrix, part));
    Matrix::ALL.iter().flat_map(of)
}

fn request(bench: &Bench, matrix: Matrix, part: Option<&str>) -> CurvatureRequest {
    let mut request = CurvatureRequest {
        matrix,
        top: Some(3),
        bottom: Some(2),
        trace: true,
        density: true,
        probes: 6,
        lanczos_steps: 20,
        ..bench.request(&[Per::Layer, Per::Pair])
    };
    request.network.params = part.map(|part| part.parse().unwrap());
    request
}

fn named(what: &str, matrix: Matrix, part: Option<&str>) -> String {
    let part = part.unwrap_or("all").replace('!', "not-");
    format!("{what}-{matrix}-{part}")
}

/// The dense matrix of a request, and the names of its tensors with their ranges.
fn truth(
    bench: &Bench,
    matrix: Matrix,
    part: Option<&str>,
) -> (Dense, Vec<std::ops::Range<usize>>) {
    let whole = bench.last();
    let selection = part.map(|part| part.parse::<Selection>().unwrap());
    let params = match selection {
        Some(selection) => selection.of(whole, &[]).unwrap(),
        None => whole,
    };
    let curvature = bench.derivatives(&params);
    let layers = curvature.blocks().chunks(2);
    let ranges = layers.map(|pair| pair[0].range.start..pair[1].range.end);
    (dense(&curvature, matrix), ranges.collect())
}

#[track_caller]
fn ends(found: &[EigenvalueSummary], expected: impl Iterator<Item = f64>, scale: f64, what: &str) {
    for (found, expected) in found.iter().zip(expected) {
        let error = (found.value - expected).abs();
        assert!(error < 1e-6 * scale, "{what}: {} {expected}", found.value);
        // An eigenvalue lies within the residual.
        assert!(error <= found.residual + 1e-9 * scale, "{what}: {error}");
    }
}

#[test]
fn every_matrix_of_every_part_is_that_of_the_dense_one() {
    let bench = Bench::trained();
    for (matrix, part) in every() {
        let what = format!("{matrix} of {}", part.unwrap_or("all"));
        let (whole, ranges) = truth(&bench, matrix, part);
        let found = bench.found(&request(&bench, matrix, part)).last;
        let eigenvalues = whole.eigenvalues();
        let scale = eigenvalues.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        assert_eq!(
            (found.eigenvalues.len(), found.bottom.len()),
            (3, 2),
            "{what}"
        );
        ends(
            &found.eigenvalues,
            eigenvalues.iter().copied(),
            scale,
            &what,
        );
        ends(
            &found.bottom,
            eigenvalues.iter().rev().copied(),
            scale,
            &what,
        );
        traces(&found, &whole, &ranges, scale, &what);
        density(&found, &eigenvalues, &what);
    }
}

/// Traces of the whole and of its layers, and norms between these, within their errors.
#[track_caller]
fn traces(
    found: &CurvatureSummary,
    whole: &Dense,
    ranges: &[std::ops::Range<usize>],
    scale: f64,
    what: &str,
) {
    let rounding = 1e-9 * scale;
    let near = |found: f64, se: Option<f64>, expected: f64| {
        let error = (found - expected).abs();
        assert!(
            error <= 4.5 * se.unwrap() + rounding,
            "{what}: {found} {expected}"
        );
    };
    let trace = found.trace.as_ref().unwrap();
    near(trace.mean, trace.se, whole.trace());
    let layers = found.layers.as_ref().unwrap();
    assert_eq!(layers.len(), ranges.len(), "{what}");
    for (layer, range) in layers.iter().zip(ranges) {
        let own = Dense::new(range.len(), block(whole, range, range)).unwrap();
        near(layer.trace.mean, layer.trace.se, own.trace());
        let (top, expected) = (layer.top.unwrap().value, own.eigenvalues()[0]);
        assert!(
            (top - expected).abs() < 1e-6 * scale,
            "{what}: {top} {expected}"
        );
    }
    for pair in found.pairs.as_ref().unwrap() {
        let place = |name: &String| layers.iter().position(|l| l.layer == *name).unwrap();
        let (i, j) = (place(&pair.pair[0]), place(&pair.pair[1]));
        let square = block(whole, &ranges[i], &ranges[j]);
        let norm = square.iter().map(|x| x * x).sum::<f64>().sqrt();
        near(pair.norm, pair.se, norm);
    }
}

/// The band holds the broadened density of all eigenvalues at nearly all places.
#[track_caller]
fn density(found: &CurvatureSummary, eigenvalues: &[f64], what: &str) {
    let found = found.density.as_ref().unwrap();
    let gaussian = |x: f64| (-0.5 * (x / found.width).powi(2)).exp();
    let peak = found.width * (2.0 * std::f64::consts::PI).sqrt() * eigenvalues.len() as f64;
    let holds = |place: &usize| {
        let near = eigenvalues
            .iter()
            .map(|value| gaussian(found.grid[*place] - value));
        let truth = near.sum::<f64>() / peak;
        // What a Gaussian cut to 20 steps has far away is nothing to see.
        let slack = 1e-3 / peak;
        found.lower[*place] - slack <= truth && truth <= found.upper[*place] + slack
    };
    let held = (0..found.grid.len()).filter(holds).count();
    assert!(
        held * 10 >= found.grid.len() * 8,
        "{what}: {held} of {}",
        found.grid.len()
    );
}

/// Wants to stop at a certain question.
struct Impatient {
    asked: AtomicUsize,
    patience: usize,
}

impl Reporter for Impatient {
    fn cancelled(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed) >= self.patience
    }
}

/// Without what sessions differ in.
fn timeless(found: FoundSummary) -> FoundSummary {
    let mut found = found;
    (found.run, found.computed, found.last.seconds) = (String::new(), 0, 0.0);
    found
}

#[test]
fn interrupted_and_continued_every_matrix_is_the_same() {
    // In one store, what is known would be taken over.
    let (whole, torn) = (Bench::trained(), Bench::trained());
    for (matrix, part) in every() {
        let mut request = request(&whole, matrix, part);
        request.keep.name = Some(named("run", matrix, part));
        let calm = timeless(whole.found(&request));
        let (mut stops, mut patience) = (0, 3);
        let found = loop {
            let impatient = Impatient {
                asked: AtomicUsize::new(0),
                patience,
            };
            let mut study = CurvatureStudy::prepare(&request, Some(&torn.store), &()).unwrap();
            match study.run(&torn.store, &impatient) {
                Ok(found) => break found.summary(&study.wanted),
                Err(StudyError::Interrupted { .. }) => {
                    (stops, patience) = (stops + 1, 2 * patience)
                }
                Err(error) => panic!("{error}"),
            }
        };
        assert!(stops >= 2, "{stops}");
        assert!(timeless(found) == calm, "{matrix} of {part:?}");
    }
}

/// The number of threads changes no bit.
#[test]
fn threads_change_nothing_in_any_matrix() {
    // In one store, what is known would be taken over.
    let benches = [(1, Bench::trained()), (3, Bench::trained())];
    for (matrix, part) in every() {
        let [one, three] = benches.each_ref().map(|(threads, bench)| {
            let mut request = request(bench, matrix, part);
            (request.double, request.tolerance) = (false, 1e-4);
            request.evaluation.threads = *threads;
            request.keep.name = Some(named("run", matrix, part));
            timeless(bench.found(&request))
        });
        assert!(one == three, "{matrix} of {part:?}");
    }
}

/// Trainings side by side by a part of the network: planes move it alone, curvature is of it.
#[test]
fn trainings_are_compared_by_a_part() {
    let bench = Bench::trained();
    bench.train("other", 5);
    let stored = |name: &str| bench.store.find(name).unwrap();
    let compared = ["moons", "other"].map(|name| Compared::stored(stored(name)));
    let request = ComparisonRequest {
        counts: vec![5],
        end_counts: vec![5],
        params: Some("fc2".parse().unwrap()),
        ..ComparisonRequest::new("two")
    };
    let comparison = TrainingComparison::prepare(&request, &compared, &bench.store).unwrap();
    comparison.run(&bench.store, &()).unwrap();
    for name in ["two", "moons-end", "moons-curvature", "other-end"] {
        let settings = Settings::of(&stored(name));
        assert_eq!(settings.problem().params.as_deref(), Some("fc2"), "{name}");
    }
    let curvature = bench.store.curvature(&stored("moons-curvature")).unwrap();
    assert_eq!(curvature[0].parameters, 24);
    let top = curvature[0].eigenvalues[0].value;
    let (dense, _) = truth(&bench, Matrix::Hessian, Some("fc2"));
    assert!((top / dense.eigenvalues()[0] - 1.0).abs() < 1e-3, "{top}");
}
