//! The surfaces that an answer rests on.

use super::thresholds::FINE;
use super::{Facts, Position};
use crate::metrics::Metrics;

/// A surface around a network, of several that show it: other random directions, a plane of its path.
#[derive(Debug, Clone, Copy, Default)]
pub struct View<'a> {
    /// What it is called.
    pub name: Option<&'a str>,
    /// Its figures.
    pub metrics: Option<&'a Metrics>,
    /// Where the network is on it.
    pub position: Option<Position>,
    /// Share of the path's variance that its plane explains; nothing where it is not a plane of the path.
    pub seen: Option<f64>,
    /// How far its loss is from that of the path, see
    /// [`Fidelity::disagreement`](crate::Fidelity::disagreement); nothing where that is not known.
    pub disagreement: Option<f64>,
}

impl<'a> Facts<'a> {
    /// All surfaces of which something is known, the first one first.
    pub(super) fn views(&self) -> Vec<View<'a>> {
        let first = View {
            name: self.plane,
            metrics: self.metrics,
            position: self.position,
            seen: self.seen,
            disagreement: self.disagreement,
        };
        let all = std::iter::once(first).chain(self.further.iter().copied());
        let known: Vec<View<'a>> = all
            .filter(|view| view.metrics.is_some() || view.position.is_some())
            .collect();
        // A coarse one says nothing that a finer one does not say better.
        match known.iter().any(|view| view.has_points(FINE)) {
            true => { known.into_iter() }
                .filter(|view| view.has_points(FINE))
                .collect(),
            false => known,
        }
    }

    /// Where the network is, on the first surface that has a point there, else on the first one.
    fn place(&self) -> Option<Position> {
        let views = self.views();
        let places = || views.iter().filter_map(|view| view.position);
        places().find(|place| !place.between).or(places().next())
    }

    /// The loss of guessing, `ln C`.
    pub(super) fn guessing(&self) -> Option<f64> {
        let classes = self.classes.filter(|&classes| classes > 1)?;
        Some((classes as f64).ln())
    }

    /// The loss of the network: the true one, or that of the surface at its place.
    pub(super) fn loss(&self) -> Option<f64> {
        let loss = self.true_loss.or(self.place().map(|place| place.value))?;
        (loss.is_finite()).then_some(loss)
    }

    /// The accuracy of the network, likewise, and whether it is an estimate between points.
    pub(super) fn accuracy(&self) -> Option<(f64, bool)> {
        let on = self.place().and_then(|p| Some((p.accuracy?, p.between)));
        let known = self.true_accuracy.map(|accuracy| (accuracy, false)).or(on);
        known.filter(|(accuracy, _)| accuracy.is_finite())
    }
}

impl View<'_> {
    /// Whether its grid has as many points as one of so many an axis.
    pub(super) fn has_points(&self, an_axis: usize) -> bool {
        self.metrics.is_some_and(|metrics| {
            let least = an_axis.pow(metrics.basin_extent.len() as u32);
            metrics.points >= least
        })
    }

    /// Why its loss is not that of the path, from so large a disagreement on.
    pub(super) fn disagrees(&self, from: f64) -> Option<String> {
        let gap = self.disagreement.filter(|gap| *gap >= from)?;
        let noun = self.noun();
        Some(format!(
            "the loss at the projection on the {noun} differs from that of the path by {:.0}% of its range",
            100.0 * gap
        ))
    }

    /// What a surface of so many dimensions is called.
    pub(super) fn noun(&self) -> &'static str {
        match self.metrics.map(|metrics| metrics.basin_extent.len()) {
            Some(1) => "line",
            Some(3) => "volume",
            _ => "plane",
        }
    }
}

/// Surfaces in a sentence, by name.
pub(super) fn names_of(views: &[&View]) -> String {
    let noun = match views {
        [first, others @ ..] if others.iter().all(|view| view.noun() == first.noun()) => {
            first.noun()
        }
        _ => "surface",
    };
    let names: Vec<String> = { views.iter() }
        .filter_map(|view| Some(format!("`{}`", view.name?)))
        .collect();
    match names.split_last() {
        None => format!("this {noun}"),
        Some((only, [])) => format!("the {noun} {only}"),
        Some((last, others)) => format!("the {noun}s {} and {last}", others.join(", ")),
    }
}
