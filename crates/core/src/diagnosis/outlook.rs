//! Can it improve? The place on the surface, and what lies lower in view.

use super::thresholds::{BARRIER, FLAT, GAP, OFF, SLOPE};
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
    /// Not known.
    Unknown,
}

named!(Outlook, "outlook", {
    Valley => "valley",
    Slope => "slope",
    Plateau => "plateau",
    Trapped => "trapped",
    Unknown => "unknown",
});

pub(super) fn answer(facts: &Facts) -> Answer<Outlook> {
    let Some(position) = facts.position else {
        let why = "the place on a surface is not known".to_owned();
        return Answer::new(Outlook::Unknown, "Not known", Vec::new(), vec![why]);
    };
    let off = off(facts, &position);
    if off.is_some_and(|off| off >= OFF) {
        let sentence = "Not known: the network lies beside this surface";
        let figures = off.into_iter().map(|off| beside(facts, &position, off));
        let reservations = reservations(facts, &position);
        return Answer::new(Outlook::Unknown, sentence, figures.collect(), reservations);
    }
    let verdict = verdict(&position);
    let sentence = match verdict {
        Outlook::Valley => "Little to gain in view: the bottom of a valley",
        Outlook::Slope => "It can improve: the network is on a slope",
        Outlook::Plateau => "It can improve slowly: a plateau with an open way down",
        Outlook::Trapped => "It can improve only across a barrier: a lower area is in view",
        Outlook::Unknown => "Not known",
    };
    let reservations = reservations(facts, &position);
    Answer::new(verdict, sentence, figures(&position), reservations)
}

/// How far the surface is from the true loss at the network's place, over its range.
fn off(facts: &Facts, position: &Position) -> Option<f64> {
    let range = facts.metrics?.range;
    let off = (position.value - facts.true_loss?).abs() / range;
    (range > 0.0 && off.is_finite()).then_some(off)
}

fn beside(facts: &Facts, position: &Position, off: f64) -> Figure {
    let says = format!(
        "of the range between the loss of the plane, {}, and the true one, {}",
        short(position.value),
        short(facts.true_loss.unwrap_or(f64::NAN))
    );
    Figure::new("off the surface", off, &[OFF], says)
}

fn verdict(position: &Position) -> Outlook {
    let steep = position.slope.is_some_and(|slope| slope >= SLOPE);
    let room = position.gap >= GAP;
    let barred = position.barrier.is_none_or(|height| height > BARRIER);
    match (room, barred, steep) {
        (true, true, false) => Outlook::Trapped,
        (true, _, true) | (false, _, true) => Outlook::Slope,
        (true, false, false) => Outlook::Plateau,
        (false, _, false) if position.slope.is_none() && !position.at_edge => Outlook::Unknown,
        (false, _, false) => Outlook::Valley,
    }
}

fn figures(position: &Position) -> Vec<Figure> {
    let says = match position.gap >= GAP {
        true => "of the range lies lower in view",
        false => "of the range: nothing lower in view",
    };
    let mut figures = vec![Figure::new("gap", position.gap, &[GAP], says)];
    if let Some(height) = position.barrier.filter(|_| position.gap >= GAP) {
        let says = match height > BARRIER {
            true => "of the range to climb on the lowest way there",
            false => "of the range to climb: downhill",
        };
        figures.push(Figure::new("barrier", height, &[BARRIER], says));
    }
    if let Some(slope) = position.slope {
        let says = "of the range along a tenth of the view";
        figures.push(Figure::new("slope", slope, &[SLOPE], says));
    }
    if let Some([low, _]) = position.curvature {
        let says = match low {
            low if low < -FLAT => "bends downwards in one direction: a saddle or a crest",
            low if low <= FLAT => "flat in one direction",
            _ => "rises on all sides",
        };
        figures.push(Figure::new("lowest curvature", low, &[-FLAT, FLAT], says));
    }
    figures
}

fn reservations(facts: &Facts, position: &Position) -> Vec<String> {
    let mut reservations = vec!["other directions than the plane's are not seen".to_owned()];
    if position.at_edge {
        reservations.push("the network is at the edge of the view".to_owned());
    }
    reservations.extend(little_explained(facts.seen));
    reservations
}
