//! The surfaces that an answer rests on.

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
    /// Share of the path's variance that its plane explains; nothing where it is no plane of the path.
    pub seen: Option<f64>,
}

impl<'a> Facts<'a> {
    /// All surfaces of which something is known, the first one first.
    pub(super) fn views(&self) -> Vec<View<'a>> {
        let first = View {
            name: self.plane,
            metrics: self.metrics,
            position: self.position,
            seen: self.seen,
        };
        let all = std::iter::once(first).chain(self.further.iter().copied());
        all.filter(|view| view.metrics.is_some() || view.position.is_some())
            .collect()
    }

    /// The loss of guessing, `ln C`.
    pub(super) fn guessing(&self) -> Option<f64> {
        let classes = self.classes.filter(|&classes| classes > 1)?;
        Some((classes as f64).ln())
    }

    /// The loss of the network: the true one, or that of the surface at its place.
    pub(super) fn loss(&self) -> Option<f64> {
        let on = self.views().into_iter().find_map(|view| view.position);
        let loss = self.true_loss.or(on.map(|position| position.value))?;
        (loss.is_finite()).then_some(loss)
    }

    /// The accuracy of the network, likewise.
    pub(super) fn accuracy(&self) -> Option<f64> {
        let on = self.views().into_iter().find_map(|view| view.position);
        let known = self
            .true_accuracy
            .or(on.and_then(|position| position.accuracy));
        known.filter(|accuracy| accuracy.is_finite())
    }
}

impl View<'_> {
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
