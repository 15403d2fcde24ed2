//! Is it hard to train? Roughness, non-convexity, saddles, traps.

use super::thresholds::{CONVEXITY, NON_FINITE, ROUGHNESS, TRAPS};
use super::{Answer, Facts, Figure, little_explained};
use crate::metrics::Metrics;
use crate::names::named;
use serde::{Deserialize, Serialize};

/// How hard a surface is for an optimiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Difficulty {
    /// Smooth and nearly convex.
    Easy,
    /// Something of it is uneven.
    Moderate,
    /// Rough, mostly not convex, full of traps, or not finite.
    Hard,
    /// No surface is known.
    Unknown,
}

named!(Difficulty, "difficulty", {
    Easy => "easy",
    Moderate => "moderate",
    Hard => "hard",
    Unknown => "unknown",
});

/// A figure and how bad it is: 0, 1 or 2.
type Graded = (Figure, usize);

pub(super) fn answer(facts: &Facts) -> Answer<Difficulty> {
    let Some(metrics) = facts.metrics else {
        let why = "no surface was sampled".to_owned();
        return Answer::new(Difficulty::Unknown, "Not known", Vec::new(), vec![why]);
    };
    let graded = graded(metrics);
    let worst = graded.iter().map(|(_, grade)| *grade).max().unwrap_or(0);
    let mut reservations = reservations(metrics, &graded);
    reservations.extend(little_explained(facts.seen));
    let figures: Vec<Figure> = graded.into_iter().map(|(figure, _)| figure).collect();
    if figures.is_empty() {
        return Answer::new(Difficulty::Unknown, "Not known", figures, reservations);
    }
    let (verdict, sentence) = match worst {
        0 => (Difficulty::Easy, "Easy to train as far as this plane shows"),
        1 => (Difficulty::Moderate, "Moderately hard to train"),
        _ => (Difficulty::Hard, "Hard to train"),
    };
    Answer::new(verdict, sentence, figures, reservations)
}

fn graded(metrics: &Metrics) -> Vec<Graded> {
    let mut graded = Vec::new();
    if let Some(value) = metrics.roughness {
        let grade = above(value, ROUGHNESS);
        let says = ["smooth", "uneven", "rough"][grade];
        graded.push((Figure::new("roughness", value, &ROUGHNESS, says), grade));
    }
    if let Some(value) = metrics.convexity {
        let grade = 2 - above(value, CONVEXITY);
        let says = ["nearly convex", "partly not convex", "mostly not convex"][grade];
        // Surfaces of networks are seldom convex; smooth ones are not hard for that alone.
        let figure = Figure::new("convexity", value, &CONVEXITY, says);
        graded.push((figure, grade.min(1)));
    }
    if let Some(smad) = metrics.smad.filter(|_| metrics.range > 0.0) {
        let value = smad / metrics.range;
        let grade = above(value, TRAPS);
        let says = [
            "shallow further minima",
            "further minima",
            "deep further minima",
        ][grade];
        graded.push((Figure::new("smad / range", value, &TRAPS, says), grade));
    }
    let saddles = metrics.saddles.len();
    if saddles > 0 {
        let figure = Figure::new(
            "saddles",
            saddles as f64,
            &[1.0],
            "places that slow descent",
        );
        graded.push((figure, 1));
    }
    let share = metrics.non_finite as f64 / metrics.points.max(1) as f64;
    if share > 0.0 {
        let grade = if share >= NON_FINITE { 2 } else { 1 };
        let says = "of the points overflow";
        graded.push((
            Figure::new("non-finite share", share, &[NON_FINITE], says),
            grade,
        ));
    }
    graded
}

/// How many of two rising limits a value reaches.
fn above(value: f64, limits: [f64; 2]) -> usize {
    limits.iter().filter(|&&limit| value >= limit).count()
}

fn reservations(metrics: &Metrics, graded: &[Graded]) -> Vec<String> {
    let mut reservations = Vec::new();
    let known = metrics.points - metrics.missing;
    if known < metrics.points {
        reservations.push(format!(
            "{} of {} points are missing",
            metrics.missing, metrics.points
        ));
    }
    if metrics.hessians < 100 {
        let count = metrics.hessians;
        reservations.push(format!("the surface is coarse: {count} interior points"));
    }
    let grades = || graded.iter().map(|(_, grade)| *grade);
    if grades().max() == Some(2) && grades().min() == Some(0) {
        reservations.push("the figures contradict each other".to_owned());
    }
    reservations
}
