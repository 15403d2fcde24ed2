//! Where a few huge values leave one colour to all others.

use super::{FigureKind, Look, RunContents};
use landscape_core::{metrics_of, short};

/// Share of the range below which what most values take of it is hardly seen.
const SEEN: f64 = 0.05;

/// A picture that shows a few huge values and hardly anything else.
#[derive(Debug, Clone, PartialEq)]
pub struct HiddenDetail {
    /// The run.
    pub run: String,
    /// The largest value.
    pub largest: f64,
    /// Up to where most values are: limits of the scale there show them.
    pub top: f64,
    /// Whether a logarithmic scale shows them too.
    pub log: bool,
}

impl HiddenDetail {
    /// In words.
    pub fn words(&self) -> String {
        let (run, top) = (&self.run, short(self.top));
        format!(
            "{run}: a few values reach {} and set the scale, on which most, up to {top} or so, look alike",
            short(self.largest)
        )
    }
}

impl RunContents {
    /// Whether a picture of a kind, on a linear scale, hides most of the values.
    pub fn hidden_detail(&self, kind: FigureKind) -> Option<HiddenDetail> {
        hidden_detail(self, kind, &Look::default())
    }
}

/// Whether a picture of a run hides most of its values.
pub(super) fn hidden_detail(
    run: &RunContents,
    kind: FigureKind,
    look: &Look,
) -> Option<HiddenDetail> {
    if look.log || look.clip.low.is_some() || look.clip.high.is_some() || !kind.is_scaled() {
        return None;
    }
    let surface = run.surface.as_ref()?;
    let value = look.value.of(surface, &run.run.name).ok()?;
    let figures = metrics_of(surface, value).ok()?;
    (figures.robust_range < SEEN * figures.range).then(|| HiddenDetail {
        run: run.run.name.clone(),
        largest: figures.max_loss,
        top: figures.min_loss + figures.robust_range,
        log: figures.min_loss > 0.0,
    })
}
