//! Can it improve? The place on the surface, and what lies lower in view.

use super::difficulty::{accuracy, hardly, hardly_changes, learnt, precise};
use super::thresholds::{BARRIER, DISAGREEMENT, FLAT, GAP, OFF, SLOPE};
use super::views::View;
use super::{Answer, Facts, Figure, Position, little_explained, short};
use crate::names::named;
use serde::{Deserialize, Serialize};

/// Whether lower losses are in reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outlook {
    /// At the bottom of what is in view.
    Valley,
    /// On a slope: descent goes on.
    Slope,
    /// On flat ground above lower areas: steps are small, the way is open.
    Plateau,
    /// In a minimum above lower areas, which a barrier hides.
    Trapped,
    /// Not known, or the surface does not tell.
    Unknown,
}

named!(Outlook, "outlook", {
    Valley => "valley",
    Slope => "slope",
    Plateau => "plateau",
    Trapped => "trapped",
    Unknown => "unknown",
});

/// Verdicts in the order in which they hold where planes differ: one way down is enough, and a valley must
/// be one in all of them.
const ORDER: [Outlook; 5] = [
    Outlook::Slope,
    Outlook::Plateau,
    Outlook::Trapped,
    Outlook::Valley,
    Outlook::Unknown,
];

pub(super) fn answer(facts: &Facts) -> Answer<Outlook> {
    let views = facts.views();
    let mut told: Vec<(&View, Answer<Outlook>)> = { views.iter() }
        .filter_map(|view| Some((view, on(facts, view, &view.position?))))
        .collect();
    told.sort_by_key(|(_, answer)| ORDER.iter().position(|verdict| *verdict == answer.verdict));
    let mut told = told.into_iter();
    let Some((view, answer)) = told.next() else {
        let why = "the place on a surface is not known".to_owned();
        return Answer::new(Outlook::Unknown, "Not known", Vec::new(), vec![why]);
    };
    let others: Vec<String> = told
        .filter(|(_, other)| other.verdict != answer.verdict)
        .filter_map(|(view, other)| {
            let name = view.name?;
            Some(format!(
                "on the {} `{name}` alone: {}",
                view.noun(),
                other.verdict
            ))
        })
        .collect();
    answer.but(others).on(&[view])
}

/// The answer of one surface.
fn on(facts: &Facts, view: &View, position: &Position) -> Answer<Outlook> {
    let mut reservations = reservations(view, position);
    let off = off(facts, position);
    if off.is_some_and(|off| off >= OFF) {
        let sentence = "Not known: the network lies beside this surface";
        let figures = off.into_iter().map(|off| beside(facts, position, off));
        return Answer::new(Outlook::Unknown, sentence, figures.collect(), reservations);
    }
    let position = &with_true_loss(facts, position);
    let learnt = learnt(facts);
    let high = learnt.as_ref().is_some_and(|(_, grade)| *grade > 0);
    let flat = view.metrics.filter(|metrics| hardly_changes(metrics));
    let (verdict, sentence) = match flat {
        Some(metrics) => (Outlook::Unknown, hardly(view.noun(), metrics)),
        None => {
            let verdict = verdict(position);
            (
                verdict,
                placed(sentence(verdict, position, high), verdict, view),
            )
        }
    };
    reservations.extend(flat.map(|_| "the loss hardly changes in this view".to_owned()));
    let figures = figures(position).into_iter();
    let learnt = learnt.map(|(figure, _)| figure);
    let figures = figures.chain(learnt).chain(accuracy(facts));
    Answer::new(verdict, &sentence, figures.collect(), reservations)
}

/// Between points of the grid a loss of the surface is an estimate: there the true one counts.
fn with_true_loss(facts: &Facts, position: &Position) -> Position {
    let known = facts.true_loss.filter(|loss| loss.is_finite());
    match known {
        Some(loss) if position.between => Position {
            value: loss,
            gap: ((loss - position.lowest) / position.scale).max(0.0),
            ..*position
        },
        _ => *position,
    }
}

/// A sentence with the plane that it is of.
fn placed(sentence: &str, verdict: Outlook, view: &View) -> String {
    match view.name {
        Some(name) if verdict != Outlook::Unknown => {
            format!("{sentence}, on the {} `{name}`", view.noun())
        }
        _ => sentence.to_owned(),
    }
}

fn sentence(verdict: Outlook, position: &Position, high: bool) -> &'static str {
    match verdict {
        Outlook::Valley if high => {
            "Little to gain in view, though the loss is high: the bottom of a high valley"
        }
        Outlook::Valley => "Little to gain in view: the bottom of a valley",
        Outlook::Slope => "It can improve: the network is on a slope",
        Outlook::Plateau => "It can improve slowly: a plateau with an open path down",
        Outlook::Trapped => "It can improve only across a barrier: a lower area is in view",
        Outlook::Unknown if position.gap >= GAP && position.barrier.is_none() => {
            "Not known: a lower place is in view, but nothing is measured on the path there"
        }
        Outlook::Unknown if position.gap >= GAP => {
            "Not known: a barrier lies on the measured path to a lower place, and other paths are not measured"
        }
        Outlook::Unknown if position.unknown_near == 0 && position.at_edge => {
            "Not known: the network is at the edge of the view, beyond which the loss may be lower"
        }
        Outlook::Unknown => "Not known: the points around the network are not all measured",
    }
}

/// How far the surface is from the true loss at the network's place, over its scale.
fn off(facts: &Facts, position: &Position) -> Option<f64> {
    let off = (position.value - facts.true_loss?).abs() / position.scale;
    off.is_finite().then_some(off)
}

fn beside(facts: &Facts, position: &Position, off: f64) -> Figure {
    let says = format!(
        "of the scale between the loss at the projection, {}, and the true one, {}",
        short(position.value),
        short(facts.true_loss.unwrap_or(f64::NAN))
    );
    Figure::new("off the surface", off, &[OFF], says)
}

fn verdict(position: &Position) -> Outlook {
    let room = position.gap >= GAP;
    let barred = |height: Option<f64>| height.is_none_or(|height| height > BARRIER);
    match position.fall {
        Some(fall) if room && fall >= SLOPE => Outlook::Slope,
        _ if room && barred(position.barrier) => match barred(position.barrier_at_least) {
            true => Outlook::Trapped,
            false => Outlook::Unknown,
        },
        None => Outlook::Unknown,
        Some(_) if room => Outlook::Plateau,
        Some(_) if position.unknown_near > 0 || position.at_edge => Outlook::Unknown,
        Some(_) => Outlook::Valley,
    }
}

fn figures(position: &Position) -> Vec<Figure> {
    let apart = match position.value - position.lowest {
        apart if apart > 0.0 => apart,
        _ => position.scale,
    };
    let [here, lowest] = [position.value, position.lowest].map(|value| precise(value, apart));
    let says = match position.gap {
        0.0 if position.value > position.lowest => {
            format!("{lowest} at the nearest point is the lowest in view")
        }
        0.0 => format!("{here} is the lowest in view"),
        gap if gap >= GAP => format!("of the scale lies lower in view: {lowest} against {here}"),
        _ => format!("of the scale: hardly lower in view, {lowest} against {here}"),
    };
    let mut figures = vec![Figure::new("gap", position.gap, &[GAP], says)];
    figures.extend(barrier(position).filter(|_| position.gap >= GAP));
    if let Some(fall) = position.fall {
        let says = match fall {
            0.0 => "no point around is lower",
            _ => "of the scale falls within a tenth of the view",
        };
        figures.push(Figure::new("fall", fall, &[SLOPE], says));
    }
    figures.extend(position.curvature.and_then(bending));
    figures
}

fn barrier(position: &Position) -> Option<Figure> {
    let (height, says) = match (position.barrier, position.barrier_at_least) {
        (Some(height), _) if height > BARRIER => (
            height,
            "of the scale to climb on the lowest known path there",
        ),
        (Some(height), _) => (height, "of the scale to climb: downhill"),
        (None, least) => (least?, "of the scale to climb at least, on any path there"),
    };
    Some(Figure::new("barrier", height, &[BARRIER], says))
}

/// The lowest curvature over the largest magnitude.
fn bending([low, high]: [f64; 2]) -> Option<Figure> {
    let size = low.abs().max(high.abs());
    let share = low / size;
    let says = match share {
        share if share < -FLAT => {
            "of the highest: bends downwards in one direction, a saddle or a crest"
        }
        share if share <= FLAT => "of the highest: flat in one direction, next to the other",
        _ => "of the highest: rises on all sides",
    };
    (size > 0.0).then(|| Figure::new("lowest curvature", share, &[-FLAT, FLAT], says))
}

fn reservations(view: &View, position: &Position) -> Vec<String> {
    let mut reservations = vec![format!(
        "directions outside the {} are not seen",
        view.noun()
    )];
    if position.at_edge {
        reservations.push("the network is at the edge of the view".to_owned());
    }
    if position.unknown_near > 0 {
        let count = position.unknown_near;
        reservations.push(match count {
            1 => "1 point beside it is not measured".to_owned(),
            count => format!("{count} points beside it are not measured"),
        });
    }
    reservations.extend(little_explained(view.seen));
    reservations.extend(view.disagrees(DISAGREEMENT[0]));
    reservations
}
