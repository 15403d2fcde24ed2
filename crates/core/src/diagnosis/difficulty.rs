//! Is it hard to train? Roughness, non-convexity, traps, what is not finite, and what was learnt.

use super::thresholds::{
    CHANGE, COARSE, CONVEXITY, DISAGREEMENT, GUESSING, NON_FINITE, ROUGHNESS, TRAPS, UNEVEN,
};
use super::views::{View, names_of};
use super::{Answer, Facts, Figure, little_explained, short};
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
    /// Rough, full of traps, or not finite; or uneven in several respects.
    Hard,
    /// No surface is known, or it does not tell.
    Unknown,
}

named!(Difficulty, "difficulty", {
    Easy => "easy",
    Moderate => "moderate",
    Hard => "hard",
    Unknown => "unknown",
});

/// A figure of a surface, and what its grades from 0 to 2 say.
struct Measure {
    name: &'static str,
    limits: [f64; 2],
    /// Whether large values are bad.
    rising: bool,
    /// The worst grade that it gives.
    worst: usize,
    says: [&'static str; 3],
    of: fn(&Metrics) -> Option<f64>,
}

const MEASURES: [Measure; 4] = [
    Measure {
        name: "relative roughness",
        limits: ROUGHNESS,
        rising: true,
        worst: 2,
        says: ["smooth", "uneven", "rough"],
        of: |metrics| metrics.relative_roughness,
    },
    // Surfaces of networks are seldom convex; smooth ones are not hard for that alone.
    Measure {
        name: "convexity",
        limits: CONVEXITY,
        rising: false,
        worst: 1,
        says: ["mostly convex", "partly not convex", "mostly not convex"],
        of: |metrics| metrics.convexity,
    },
    Measure {
        name: "trap depth",
        limits: TRAPS,
        rising: true,
        worst: 2,
        says: [
            "no other minimum holds a path up",
            "other minima hold a path up",
            "another minimum traps a path",
        ],
        of: |metrics| (metrics.hessians > 0).then_some(metrics.trap_depth),
    },
    Measure {
        name: "non-finite share",
        limits: [f64::MIN_POSITIVE, NON_FINITE],
        rising: true,
        worst: 2,
        says: [
            "all finite",
            "of the points overflow",
            "of the points overflow",
        ],
        of: |metrics| {
            let share = metrics.non_finite as f64 / metrics.points.max(1) as f64;
            (share > 0.0).then_some(share)
        },
    },
];

/// A figure and how bad it is: 0, 1 or 2.
type Graded = (Figure, usize);

pub(super) fn answer(facts: &Facts) -> Answer<Difficulty> {
    let views = facts.views();
    let known: Vec<&View> = views.iter().filter(|view| view.metrics.is_some()).collect();
    let Some(first) = known.first() else {
        let why = match facts.plane {
            Some(name) => format!("no value of the surface `{name}` is finite"),
            None => "no surface was sampled".to_owned(),
        };
        return Answer::new(Difficulty::Unknown, "Not known", Vec::new(), vec![why]);
    };
    let telling: Vec<&View> = { known.iter().copied() }
        .filter(|view| silence(view).is_none())
        .collect();
    match telling.is_empty() {
        true => shaped(facts, &known, silence(first)),
        false => shaped(facts, &telling, None),
    }
}

/// Why a surface does not tell: a sentence, and the reservation that it is.
type Silence = (String, String);

fn silence(view: &View) -> Option<Silence> {
    let (metrics, noun) = (view.metrics?, view.noun());
    let on = names_of(&[view]);
    if hardly_changes(metrics) {
        let why = "the loss hardly changes in this view".to_owned();
        return Some((hardly(noun, metrics), why));
    }
    if !view.has_points(COARSE) {
        let why = format!("{} points are too few", metrics.points);
        return Some((format!("Can't tell from {on}, which is too coarse"), why));
    }
    let why = view.disagrees(DISAGREEMENT[1])?;
    Some((
        format!("Can't tell from {on}, whose loss is not that of the path"),
        why,
    ))
}

/// The answer from the shape of surfaces; or that they do not tell, and why.
fn shaped(facts: &Facts, views: &[&View], cannot: Option<Silence>) -> Answer<Difficulty> {
    let surfaces: Vec<&Metrics> = views.iter().filter_map(|view| view.metrics).collect();
    let (shape, learnt) = (graded(&surfaces), learnt(facts));
    let level = learnt.as_ref().map_or(0, |(_, grade)| *grade);
    let mut reservations = reservations(&surfaces, &shape);
    reservations.extend(views.iter().find_map(|view| little_explained(view.seen)));
    let (verdict, sentence) = match cannot {
        Some((sentence, why)) => {
            reservations.push(why);
            (Difficulty::Unknown, sentence)
        }
        None => {
            let apart = |view: &&View| view.disagrees(DISAGREEMENT[0]);
            reservations.extend(views.iter().find_map(apart));
            reservations.extend(disagreement(views, level, verdict(&shape, level)));
            told(&shape, level, &names_of(views))
        }
    };
    let figures = shape.into_iter().chain(learnt).map(|(figure, _)| figure);
    let figures = figures.chain(accuracy(facts)).chain(saddles(&surfaces));
    Answer::new(verdict, &sentence, figures.collect(), reservations).on(views)
}

/// The verdict of the shape and of what was learnt.
fn verdict(shape: &[Graded], learnt: usize) -> Difficulty {
    let grades = || shape.iter().map(|(_, grade)| *grade);
    let uneven = grades().filter(|grade| *grade > 0).count() + usize::from(learnt > 0);
    match (grades().max(), uneven) {
        (None, _) => Difficulty::Unknown,
        (Some(2..), _) | (_, UNEVEN..) => Difficulty::Hard,
        (_, 0) => Difficulty::Easy,
        _ => Difficulty::Moderate,
    }
}

/// The verdict and its sentence.
fn told(shape: &[Graded], learnt: usize, on: &str) -> (Difficulty, String) {
    let worst = shape.iter().map(|(_, grade)| *grade).max().unwrap_or(0);
    let verdict = verdict(shape, learnt);
    let sentence = match verdict {
        Difficulty::Unknown => format!("Can't tell from {on}"),
        Difficulty::Hard if worst < 2 => {
            format!("Hard to train, by several uneven figures on {on}")
        }
        Difficulty::Hard => format!("Hard to train, as seen on {on}"),
        Difficulty::Moderate if worst == 0 => {
            format!(
                "Little was learnt, though the surface is even on {on}: trained too little, or hard to train elsewhere"
            )
        }
        Difficulty::Moderate => format!("Moderately hard to train, as seen on {on}"),
        Difficulty::Easy => format!("Easy to train as far as can be seen on {on}"),
    };
    (verdict, sentence)
}

/// The figures of the shape, of several surfaces their means with standard errors.
fn graded(surfaces: &[&Metrics]) -> Vec<Graded> {
    let measured = |measure: &Measure| {
        let values: Vec<f64> = surfaces.iter().filter_map(|m| (measure.of)(m)).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let grade = measure.grade(mean);
        let mut says = measure.says[grade].to_owned();
        if let Some(error) = standard_error(&values, mean) {
            says = format!(
                "{says}; mean of {} surfaces +- {}",
                values.len(),
                short(error)
            );
        }
        let limits = match measure.limits {
            [least, limit] if least <= f64::MIN_POSITIVE => vec![limit],
            limits => limits.to_vec(),
        };
        let figure = Figure::new(measure.name, mean, &limits, says);
        (!values.is_empty()).then_some((figure, grade.min(measure.worst)))
    };
    MEASURES.iter().filter_map(measured).collect()
}

impl Measure {
    /// How many of the limits a value reaches.
    fn grade(&self, value: f64) -> usize {
        let beyond = |limit: &&f64| match self.rising {
            true => value >= **limit,
            false => value < **limit,
        };
        self.limits.iter().filter(beyond).count()
    }
}

fn standard_error(values: &[f64], mean: f64) -> Option<f64> {
    let count = values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (count - 1.0) / count).sqrt())
}

/// Whether the range of a surface is next to nothing of its values.
pub(super) fn hardly_changes(metrics: &Metrics) -> bool {
    let size = metrics.min_loss.abs().max(metrics.max_loss.abs());
    metrics.range < CHANGE * size || metrics.range == 0.0
}

/// What is said of a surface whose loss hardly changes.
pub(super) fn hardly(noun: &str, metrics: &Metrics) -> String {
    let (low, high) = (metrics.min_loss, metrics.max_loss);
    format!(
        "Can't tell from this {noun}, on which the loss hardly changes in view ({} to {})",
        precise(low, high - low),
        precise(high, high - low)
    )
}

/// A number with three digits, or as many as tell changes of that size by two.
pub(super) fn precise(value: f64, change: f64) -> String {
    let plain = short(value);
    if !(change > 0.0 && change.is_finite() && (1e-9..1e9).contains(&value.abs())) {
        return plain;
    }
    let digits = (1 - change.log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{value:.digits$}");
    match text.len() > plain.len() {
        true => text,
        false => plain,
    }
}

/// The loss against that of guessing.
pub(super) fn learnt(facts: &Facts) -> Option<Graded> {
    let guessing = facts.guessing()?;
    let loss = facts.loss()?;
    let share = loss / guessing;
    let grade = GUESSING.iter().filter(|limit| share >= **limit).count();
    let classes = facts.classes.unwrap_or_default();
    let says = [
        "of the loss of guessing",
        "of the loss of guessing: little was learnt",
        "of the loss of guessing: nothing was learnt",
    ][grade];
    let says = format!(
        "{says}; {} against ln {classes} = {}",
        short(loss),
        short(guessing)
    );
    Some((Figure::new("loss / ln C", share, &GUESSING, says), grade))
}

/// The accuracy, for information.
pub(super) fn accuracy(facts: &Facts) -> Option<Figure> {
    let (accuracy, estimated) = facts.accuracy()?;
    let mut says = "classified correctly".to_owned();
    if estimated {
        says.push_str(", interpolated between points");
    }
    if let Some(classes) = facts.classes {
        says.push_str("; guessing gives ");
        says.push_str(&short(1.0 / classes as f64));
    }
    Some(Figure::new("accuracy", accuracy, &[], says))
}

/// The number of saddles, for information.
fn saddles(surfaces: &[&Metrics]) -> Option<Figure> {
    let count: usize = surfaces.iter().map(|metrics| metrics.saddles.len()).sum();
    let says = "places that slow descent";
    (count > 0).then(|| Figure::new("saddles", count as f64, &[], says))
}

fn reservations(surfaces: &[&Metrics], graded: &[Graded]) -> Vec<String> {
    let mut reservations = Vec::new();
    let missing: usize = surfaces.iter().map(|metrics| metrics.missing).sum();
    let points: usize = surfaces.iter().map(|metrics| metrics.points).sum();
    if missing > 0 {
        reservations.push(format!("{missing} of {points} points are missing"));
    }
    let count: usize = surfaces.iter().map(|metrics| metrics.hessians).sum();
    if count < 100 {
        reservations.push(format!("the surface is coarse: {count} interior points"));
    }
    let grades = || graded.iter().map(|(_, grade)| *grade);
    if grades().max() == Some(2) && grades().min() == Some(0) {
        reservations.push("the figures contradict each other".to_owned());
    }
    reservations
}

/// A plane that says something else alone.
fn disagreement(views: &[&View], learnt: usize, all: Difficulty) -> Option<String> {
    let alone = views.iter().filter_map(|view| {
        let told = verdict(&graded(&[view.metrics?]), learnt);
        Some((view.name?, told))
    });
    let (name, told) = { alone }.find(|(_, told)| *told != all)?;
    Some(format!(
        "the surfaces differ: on `{name}` alone it is {told}"
    ))
}
