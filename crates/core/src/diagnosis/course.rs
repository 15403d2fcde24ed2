//! What happened? Smooth, oscillating, stuck, spiralling, diverged; the learning rate against the
//! largest stable one.

use super::thresholds::{
    LEARNT, ONE_SIDED, SETTLED, STABILITY, STEPS, SWING, TIMID, TURNS, UPS, ZIGZAG,
};
use super::{Answer, Facts, Figure, little_explained, short};
use crate::counted::counted_are;
use crate::grid::Point;
use crate::names::named;
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// How a training went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Course {
    /// Downwards without much ado.
    Smooth,
    /// Up and down, or to and fro.
    Oscillating,
    /// Hardly any progress.
    Stuck,
    /// Around, always to one side.
    Spiralling,
    /// Downwards, at a learning rate at which a quadratic of this curvature is not stable.
    Edge,
    /// The loss grew, or overflowed.
    Diverged,
    /// Not known.
    Unknown,
}

named!(Course, "course", {
    Smooth => "smooth",
    Oscillating => "oscillating",
    Stuck => "stuck",
    Spiralling => "spiralling",
    Edge => "edge",
    Diverged => "diverged",
    Unknown => "unknown",
});

pub(super) fn answer(facts: &Facts) -> Answer<Course> {
    let losses = Losses::of(facts.losses);
    let turning = Turning::of(facts.coordinates);
    let ratio = stability(facts);
    let at_edge = ratio.is_some_and(|ratio| ratio >= STABILITY[0]);
    let verdict = match verdict(losses.as_ref(), turning.as_ref()) {
        Course::Smooth if at_edge => Course::Edge,
        verdict => verdict,
    };
    let settled = { losses.as_ref() }.is_some_and(|l| l.late.is_none_or(|late| late <= SETTLED));
    let beyond = ratio.is_some_and(|ratio| ratio >= STABILITY[1]);
    let timid = ratio.is_some_and(|ratio| ratio <= TIMID);
    let back = losses.as_ref().is_some_and(Losses::is_back);
    let sentence = match (verdict, settled, beyond) {
        (Course::Smooth, true, _) => "Training went smoothly and has settled",
        (Course::Smooth, false, _) => "Training went smoothly and was still improving",
        (Course::Edge, _, true) => {
            "The loss fell, though the learning rate is beyond the stable one: steps do not follow the slope"
        }
        (Course::Edge, _, false) => {
            "The loss fell at the edge of stability: the learning rate is about the largest stable one"
        }
        (Course::Oscillating, _, true) => {
            "Training oscillated; the learning rate is beyond the stable one"
        }
        (Course::Oscillating, _, false) if back => "Training oscillated and ended where it began",
        (Course::Oscillating, _, false) => "Training oscillated",
        (Course::Stuck, _, _) if timid => {
            "Training was stuck: the loss hardly fell; the learning rate is far below the stable one"
        }
        (Course::Stuck, _, _) => "Training was stuck: the loss hardly fell",
        (Course::Spiralling, _, _) => "Training went round in a spiral",
        (Course::Diverged, _, true) => {
            "Training diverged; the learning rate is beyond the stable one"
        }
        (Course::Diverged, _, false) => "Training diverged",
        (Course::Unknown, _, _) => "Not known",
    };
    let figures = figures(facts, losses.as_ref(), turning.as_ref(), ratio);
    let reservations = reservations(facts, losses.as_ref(), turning.as_ref(), verdict);
    Answer::new(verdict, sentence, figures, reservations)
}

fn verdict(losses: Option<&Losses>, turning: Option<&Turning>) -> Course {
    let spiral = turning.is_some_and(Turning::is_spiral);
    let zigzag = turning.is_some_and(|t| t.cosine < ZIGZAG);
    match losses {
        None if turning.is_none() => Course::Unknown,
        Some(l) if l.diverged() => Course::Diverged,
        _ if spiral => Course::Spiralling,
        Some(l) if l.swings() => match l.fall < LEARNT && !zigzag {
            true => Course::Stuck,
            false => Course::Oscillating,
        },
        _ if zigzag => Course::Oscillating,
        Some(l) if l.fall < LEARNT => Course::Stuck,
        Some(_) => Course::Smooth,
        None => Course::Unknown,
    }
}

/// Learning rate over the largest stable one, `2 (1 + momentum) / lambda_max`, with Nesterov's momentum
/// that over `1 + 2 momentum` (Cohen et al. 2021).
fn stability(facts: &Facts) -> Option<f64> {
    let (rate, lambda) = (facts.learning_rate?, facts.lambda_max?);
    let less = match facts.nesterov {
        true => 1.0 + 2.0 * facts.momentum,
        false => 1.0,
    };
    let ratio = rate * lambda * less / (2.0 * (1.0 + facts.momentum));
    (lambda > 0.0 && ratio.is_finite()).then_some(ratio)
}

/// What the losses tell.
struct Losses {
    first: f64,
    last: f64,
    lowest: f64,
    /// Fall from the first to the lowest, as a share of the first one's magnitude.
    fall: f64,
    /// Share of the whole way that goes up, in [0, 1].
    ups: f64,
    /// Mean of the rises, as a share of the range of the losses, in [0, 1].
    swing: f64,
    /// Fall of the mean from the third to the last quarter, as a share of the whole fall; `None`
    /// where nothing fell.
    late: Option<f64>,
    overflowed: usize,
}

impl Losses {
    fn of(losses: &[f64]) -> Option<Self> {
        let finite: Vec<f64> = losses.iter().copied().filter(|l| l.is_finite()).collect();
        let (&first, &last) = (finite.first()?, finite.last()?);
        if losses.len() < 3 {
            return None;
        }
        let lowest = finite.iter().copied().fold(f64::INFINITY, f64::min);
        let steps = || finite.windows(2).map(|w| w[1] - w[0]);
        let way: f64 = steps().map(f64::abs).sum();
        let up: f64 = steps().map(|step| step.max(0.0)).sum();
        let rises = steps().filter(|step| *step > 0.0).count();
        let highest = finite.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let quarter = (finite.len() / 4).max(1);
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len().max(1) as f64;
        let (before, end) = finite.split_at(finite.len() - quarter);
        let third = mean(&before[before.len().saturating_sub(quarter)..]);
        let whole = first - lowest;
        let fall = whole / first.abs().max(f64::MIN_POSITIVE);
        Some(Losses {
            first,
            last,
            lowest,
            fall,
            ups: if way > 0.0 { up / way } else { 0.0 },
            swing: match rises > 0 && highest > lowest {
                true => up / rises as f64 / (highest - lowest),
                false => 0.0,
            },
            late: (fall >= LEARNT).then_some((third - mean(end)) / whole),
            overflowed: losses.len() - finite.len(),
        })
    }

    /// Up and down, by more than noise.
    fn swings(&self) -> bool {
        self.ups >= UPS && self.swing >= SWING
    }

    /// Whether what was gained is lost again.
    fn is_back(&self) -> bool {
        self.fall >= LEARNT && self.first - self.last < LEARNT * self.first.abs()
    }

    fn diverged(&self) -> bool {
        self.overflowed > 0 || self.last > self.first + LEARNT * self.first.abs()
    }
}

/// How a path turns on its plane.
struct Turning {
    /// Mean cosine between steps that follow each other.
    cosine: f64,
    /// Full turns, left minus right, on the first two axes.
    turns: f64,
    /// Share of all turning that goes to the side of `turns`.
    one_sided: f64,
}

impl Turning {
    fn of(path: &[Point]) -> Option<Self> {
        let difference = |w: &[Point]| std::array::from_fn(|axis| w[1][axis] - w[0][axis]);
        let moves = path.windows(2).map(difference);
        let moves: Vec<Point> = moves
            .filter(|m| norm(m) > 0.0 && norm(m).is_finite())
            .collect();
        if moves.len() < 3 {
            return None;
        }
        let pairs = || moves.windows(2).map(|w| (w[0], w[1]));
        let count = (moves.len() - 1) as f64;
        let cosine = |(a, b): (Point, Point)| {
            a.iter().zip(&b).map(|(x, y)| x * y).sum::<f64>() / (norm(&a) * norm(&b))
        };
        let angle = |(a, b): (Point, Point)| {
            f64::atan2(a[0] * b[1] - a[1] * b[0], a[0] * b[0] + a[1] * b[1])
        };
        let (signed, all) = pairs().map(angle).fold((0.0, 0.0), |(signed, all), angle| {
            (signed + angle, all + angle.abs())
        });
        Some(Turning {
            cosine: pairs().map(cosine).sum::<f64>() / count,
            turns: signed / TAU,
            one_sided: if all > 0.0 { signed.abs() / all } else { 0.0 },
        })
    }

    /// Around at least once, to one side, by turns that are none of half a circle.
    fn is_spiral(&self) -> bool {
        self.turns.abs() >= TURNS && self.one_sided >= ONE_SIDED && self.cosine > ZIGZAG
    }
}

fn norm(step: &Point) -> f64 {
    step.iter().map(|v| v * v).sum::<f64>().sqrt()
}

fn figures(
    facts: &Facts,
    losses: Option<&Losses>,
    turning: Option<&Turning>,
    ratio: Option<f64>,
) -> Vec<Figure> {
    let mut figures = Vec::new();
    if let Some(l) = losses {
        let [first, lowest, last] = [l.first, l.lowest, l.last].map(short);
        let says = match lowest == last {
            true => format!("of the first loss; from {first} to {last}"),
            false => format!("of the first loss; from {first} to {lowest}, at the end {last}"),
        };
        figures.push(Figure::new("fall", l.fall, &[LEARNT], says));
        figures.push(Figure::new(
            "ups",
            l.ups,
            &[UPS],
            "of the total change of the loss is upwards",
        ));
        if l.ups >= UPS {
            let says = match l.swing >= SWING {
                true => "of the range of the losses is a mean rise",
                false => "of the range of the losses is a mean rise: noise",
            };
            figures.push(Figure::new("swing", l.swing, &[SWING], says));
        }
        if let Some(late) = l.late {
            let says = "of the whole fall was in the last quarter";
            figures.push(Figure::new("late fall", late, &[SETTLED], says));
        }
        if l.overflowed > 0 {
            let says = "losses overflowed";
            figures.push(Figure::new(
                "non-finite losses",
                l.overflowed as f64,
                &[0.0],
                says,
            ));
        }
    }
    if let Some(t) = turning {
        let says = "between steps on the plane: 1 straight on, -1 back and forth";
        figures.push(Figure::new("mean cosine", t.cosine, &[ZIGZAG], says));
        // To and fro is half a turn each time, to either side.
        if t.cosine >= ZIGZAG {
            let says = format!("around, {:.0}% to one side", 100.0 * t.one_sided);
            figures.push(Figure::new("turns", t.turns.abs(), &[TURNS], says));
        }
    }
    if let (Some(ratio), Some(rate)) = (ratio, facts.learning_rate) {
        let says = match ratio {
            r if r >= STABILITY[1] => "times the largest stable learning rate: beyond it",
            r if r >= STABILITY[0] => "of the largest stable learning rate: at the edge",
            _ => "of the largest stable learning rate: below it",
        };
        let says = format!("{says}; {} against {}", short(rate), short(rate / ratio));
        figures.push(Figure::new("learning rate ratio", ratio, &STABILITY, says));
    }
    figures
}

fn reservations(
    facts: &Facts,
    losses: Option<&Losses>,
    turning: Option<&Turning>,
    verdict: Course,
) -> Vec<String> {
    let mut reservations = Vec::new();
    let steps = facts.losses.len().max(facts.coordinates.len());
    if steps < STEPS {
        reservations.push(format!(
            "{} recorded; {STEPS} are enough",
            counted_are(steps, "step")
        ));
    }
    if losses.is_none() {
        reservations.push("the losses of the steps are not known".to_owned());
    }
    reservations.extend(little_explained(facts.explained));
    if verdict == Course::Smooth && facts.learning_rate.is_some() && facts.lambda_max.is_none() {
        let why = "the curvature, with which the learning rate is compared, is not known";
        reservations.push(why.to_owned());
    }
    let straight = turning.is_some_and(|t| t.cosine > 0.0);
    if verdict == Course::Oscillating && straight {
        reservations.push("the losses oscillate, but the path on the plane does not".to_owned());
    }
    reservations
}
