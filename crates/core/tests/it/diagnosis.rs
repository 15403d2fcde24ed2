//! Diagnoses of trainings whose answer is known.

use crate::support::{assert_close, sampled};
use landscape_core::diagnosis::{Answer, Confidence, Course, Difficulty, Outlook, thresholds};
use landscape_core::{
    Diagnosis, Facts, Grid, Metrics, Point, Position, Rng, Surface, Value, analytic, diagnose,
    metrics,
};

fn surface(function: impl Fn([f64; 2]) -> f64 + Sync) -> Surface {
    sampled(Grid::square(51, 1.0, 2).unwrap(), function)
}

fn difficulty(figures: &Metrics) -> Answer<Difficulty> {
    let facts = Facts {
        metrics: Some(figures),
        ..Facts::default()
    };
    diagnose(&facts).difficulty
}

fn outlook(surface: &Surface, at: [f64; 2]) -> Answer<Outlook> {
    let facts = Facts {
        position: Position::of(surface, Value::Loss, [at[0], at[1], 0.0]),
        ..Facts::default()
    };
    diagnose(&facts).outlook
}

#[test]
fn smooth_convex_surfaces_are_easy_and_rough_ones_hard() {
    let bowl = difficulty(&metrics(&surface(|[x, y]| x * x + 3.0 * y * y)).unwrap());
    assert_eq!(
        (bowl.verdict, bowl.confidence),
        (Difficulty::Easy, Confidence::High)
    );
    let rastrigin = analytic::RASTRIGIN;
    let grid = Grid::square(101, rastrigin.half_range, 2).unwrap();
    let hard = difficulty(&metrics(&sampled(grid, rastrigin.function)).unwrap());
    assert_eq!(hard.verdict, Difficulty::Hard);
    assert!(hard.words.contains("convexity 0."), "{}", hard.words);
    let mut rng = Rng::new(1, 0);
    let noise: Vec<f64> = (0..51 * 51).map(|_| 0.1 * rng.normal()).collect();
    let place = |v: f64| ((v + 1.0) * 25.0).round() as usize;
    let noisy = surface(|[x, y]| x * x + y * y + noise[place(x) * 51 + place(y)]);
    let noisy = difficulty(&metrics(&noisy).unwrap());
    assert_eq!(noisy.verdict, Difficulty::Hard);
    let double = surface(|[x, y]| (x * x - 0.5).powi(2) + y * y);
    let double = difficulty(&metrics(&double).unwrap());
    assert!(matches!(
        double.verdict,
        Difficulty::Moderate | Difficulty::Hard
    ));
    assert!(
        double
            .figures
            .iter()
            .any(|f| f.name == "saddles" && f.value == 1.0)
    );
    let holes = surface(|[x, _]| if x > 0.9 { f64::INFINITY } else { x * x });
    assert_eq!(
        difficulty(&metrics(&holes).unwrap()).verdict,
        Difficulty::Hard
    );
    assert_eq!(
        diagnose(&Facts::default()).difficulty.verdict,
        Difficulty::Unknown
    );
}

#[test]
fn places_on_a_surface_are_told_apart() {
    let bowl = surface(|[x, y]| x * x + y * y);
    assert_eq!(outlook(&bowl, [0.0, 0.0]).verdict, Outlook::Valley);
    assert_eq!(outlook(&bowl, [0.6, 0.3]).verdict, Outlook::Slope);
    // Two wells, the left one deeper.
    let wells = surface(|[x, y]| (x * x - 0.36).powi(2) * 4.0 + y * y + 0.3 * x);
    let right = outlook(&wells, [0.57, 0.0]);
    assert_eq!(right.verdict, Outlook::Trapped, "{}", right.words);
    assert!(right.words.contains("to climb"));
    assert_eq!(outlook(&wells, [-0.64, 0.0]).verdict, Outlook::Valley);
    // Flat ground, then a cliff.
    let cliff = surface(|[x, y]| 1.0 / (1.0 + (12.0 * x).exp()) + 1e-4 * y * y);
    let flat = outlook(&cliff, [-0.8, 0.0]);
    assert_eq!(flat.verdict, Outlook::Plateau, "{}", flat.words);
    assert_eq!(outlook(&cliff, [0.0, 0.0]).verdict, Outlook::Slope);
    assert!(flat.confidence < Confidence::High, "one plane is not all");
    let unknown = diagnose(&Facts::default()).outlook;
    assert_eq!(
        (unknown.verdict, unknown.confidence),
        (Outlook::Unknown, Confidence::Low)
    );
}

#[test]
fn a_position_in_closed_form() {
    let at = [0.4, 0.2, 0.0];
    let place = Position::of(&surface(|[x, y]| x * x + 3.0 * y * y), Value::Loss, at).unwrap();
    // Range 4; a tenth of the view is 0.2.
    assert_close(place.value, 0.28, 1e-9);
    assert_close(place.gap, 0.07, 1e-9);
    assert_eq!((place.lowest_at, place.barrier), ([0.0; 3], Some(0.0)));
    assert_close(place.slope.unwrap(), f64::hypot(0.8, 1.2) * 0.2 / 4.0, 1e-9);
    let [low, high] = place.curvature.unwrap();
    assert_close(low, 2.0 * 0.04 / 2.0 / 4.0, 1e-9);
    assert_close(high, 6.0 * 0.04 / 2.0 / 4.0, 1e-9);
    assert!(!place.at_edge);
    let bowl = surface(|[x, y]| x * x + y * y);
    let edge = Position::of(&bowl, Value::Loss, [1.0, 0.0, 0.0]).unwrap();
    assert!(edge.at_edge && edge.slope.is_none());
    assert_eq!(Position::of(&bowl, Value::Loss, [1.1, 0.0, 0.0]), None);
    assert_eq!(Position::of(&bowl, Value::Accuracy, at), None);
}

/// Gradient descent with momentum on `(l1 x^2 + l2 y^2) / 2`.
fn descend(rate: f64, momentum: f64, lambda: [f64; 2], steps: usize) -> (Vec<Point>, Vec<f64>) {
    let (mut at, mut speed) = ([1.0, 1.0], [0.0; 2]);
    let (mut path, mut losses) = (Vec::new(), Vec::new());
    for _ in 0..steps {
        path.push([at[0], at[1], 0.0]);
        losses.push((lambda[0] * at[0] * at[0] + lambda[1] * at[1] * at[1]) / 2.0);
        for axis in 0..2 {
            speed[axis] = momentum * speed[axis] - rate * lambda[axis] * at[axis];
            at[axis] += speed[axis];
        }
    }
    (path, losses)
}

fn course(path: &[Point], losses: &[f64], rate: f64, momentum: f64) -> Answer<Course> {
    let facts = Facts {
        coordinates: path,
        losses,
        explained: Some(0.95),
        learning_rate: Some(rate),
        momentum,
        lambda_max: Some(10.0),
        ..Facts::default()
    };
    diagnose(&facts).course
}

#[test]
fn learning_rates_below_at_and_beyond_the_stable_one() {
    // 2 / lambda_max = 0.2.
    for (rate, want, words) in [
        (0.02, Course::Smooth, "below it"),
        (0.197, Course::Oscillating, "at the edge"),
        (0.26, Course::Diverged, "beyond it"),
    ] {
        let (path, losses) = descend(rate, 0.0, [10.0, 0.2], 40);
        let told = course(&path, &losses, rate, 0.0);
        assert_eq!(told.verdict, want, "{}", told.words);
        assert!(told.words.contains(words), "{}", told.words);
        let ratio = told
            .figures
            .iter()
            .find(|f| f.name == "learning rate ratio");
        assert_close(ratio.unwrap().value, rate / 0.2, 1e-12);
    }
    // Momentum nearly doubles the stable rate.
    let (path, losses) = descend(0.1, 0.9, [10.0, 0.2], 40);
    let told = course(&path, &losses, 0.1, 0.9);
    let ratio = told
        .figures
        .iter()
        .find(|f| f.name == "learning rate ratio");
    assert_close(ratio.unwrap().value, 0.1 * 10.0 / 3.8, 1e-12);
}

#[test]
fn spirals_standstills_and_overflows() {
    let turn = |t: i32| {
        let (angle, radius) = (0.5 * f64::from(t), 0.95f64.powi(t));
        [radius * angle.cos(), radius * angle.sin(), 0.0]
    };
    let path: Vec<Point> = (0..40).map(turn).collect();
    let losses: Vec<f64> = path.iter().map(|p| p[0] * p[0] + p[1] * p[1]).collect();
    let told = course(&path, &losses, 0.1, 0.0);
    assert_eq!(told.verdict, Course::Spiralling, "{}", told.words);
    let flat: Vec<f64> = (0..30).map(|t| 2.3 - 1e-3 * f64::from(t)).collect();
    assert_eq!(course(&[], &flat, 0.1, 0.0).verdict, Course::Stuck);
    let overflow = [1.0, 2.0, f64::INFINITY, f64::NAN];
    assert_eq!(course(&[], &overflow, 0.1, 0.0).verdict, Course::Diverged);
    assert_eq!(course(&[], &[], 0.1, 0.0).verdict, Course::Unknown);
    let settled: Vec<f64> = (0..40).map(|t| 0.2 + 0.7f64.powi(t)).collect();
    let told = course(&[], &settled, 0.01, 0.0);
    assert!(told.words.contains("has settled"), "{}", told.words);
    assert_eq!(told.confidence, Confidence::High);
    let few = course(&[], &settled[..5], 0.01, 0.0);
    assert!(few.words.contains("still improving") && few.confidence == Confidence::Medium);
}

#[test]
fn answers_survive_json() {
    let figures = metrics(&surface(|[x, y]| x * x + y * y)).unwrap();
    let facts = Facts {
        metrics: Some(&figures),
        losses: &[3.0, 2.0, 1.0],
        ..Facts::default()
    };
    let told = diagnose(&facts);
    let text = serde_json::to_string(&told).unwrap();
    let again: Diagnosis = serde_json::from_str(&text).unwrap();
    assert_eq!(again.course, told.course);
    assert_eq!(again.difficulty.words, told.difficulty.words);
    let limits = &told.difficulty.figures[0].thresholds;
    assert_eq!(limits, &thresholds::ROUGHNESS);
}

#[test]
fn noise_at_the_end_is_no_oscillation() {
    let mut rng = Rng::new(5, 0);
    let noisy: Vec<f64> = (0..100)
        .map(|t| 0.25 + 0.45 * 0.95f64.powi(t) + 0.004 * rng.normal().abs())
        .collect();
    let told = course(&[], &noisy, 0.1, 0.0);
    assert_eq!(told.verdict, Course::Smooth, "{}", told.words);
    let swinging: Vec<f64> = (0..100)
        .map(|t| 0.5 + if t % 2 == 0 { 0.2 } else { -0.2 })
        .collect();
    let told = course(&[], &swinging, 0.1, 0.0);
    assert_eq!(told.verdict, Course::Oscillating, "{}", told.words);
    let wasted: Vec<f64> = (0..40)
        .map(|t| match t {
            0 | 20.. => 0.7,
            t => 0.4 + 0.1 * f64::from(t % 2),
        })
        .collect();
    let told = course(&[], &wasted, 0.1, 0.0);
    assert!(
        told.sentence.contains("ended where it began"),
        "{}",
        told.words
    );
    let flat: Vec<f64> = (0..30).map(|t| 2.3 - 1e-6 * f64::from(t)).collect();
    let told = course(&[], &flat, 1e-6, 0.0);
    assert!(told.sentence.contains("far below"), "{}", told.words);
    assert!(told.figures.iter().all(|f| f.name != "late fall"));
}

#[test]
fn nesterov_has_a_limit_of_its_own() {
    let losses: Vec<f64> = (0..20).map(|t| 0.9f64.powi(t)).collect();
    let facts = Facts {
        losses: &losses,
        learning_rate: Some(0.1),
        momentum: 0.9,
        nesterov: true,
        lambda_max: Some(10.0),
        ..Facts::default()
    };
    let told = diagnose(&facts).course;
    let ratio = told
        .figures
        .iter()
        .find(|f| f.name == "learning rate ratio");
    // Cohen et al. 2021: 2 (1 + b) / (1 + 2 b) / lambda.
    assert_close(ratio.unwrap().value, 0.1 / (3.8 / 2.8 / 10.0), 1e-12);
}

#[test]
fn a_network_beside_the_surface_has_no_outlook_on_it() {
    let bowl = surface(|[x, y]| x * x + y * y);
    let figures = metrics(&bowl).unwrap();
    let told = |loss: f64| {
        let facts = Facts {
            metrics: Some(&figures),
            position: Position::of(&bowl, Value::Loss, [0.5, 0.0, 0.0]),
            true_loss: Some(loss),
            ..Facts::default()
        };
        diagnose(&facts).outlook
    };
    assert_eq!(told(0.3).verdict, Outlook::Slope);
    let beside = told(0.01);
    assert_eq!(beside.verdict, Outlook::Unknown);
    assert!(beside.words.contains("true one, 0.01"), "{}", beside.words);
    assert!(beside.confidence < Confidence::High);
}
