//! Paths that grow over their planes.

use super::{FigureKind, Figures, Look, RunContents};
use crate::StudyError;
use crate::files::{may_write, write_new};
use landscape_core::Trajectory;
use landscape_plot::{ANIMATION_DPI, Animation, AnimationFormat, Figure};
use rayon::prelude::*;
use std::cell::Cell;
use std::path::PathBuf;

/// The most frames of an animation.
const FRAMES: usize = 72;

impl Figures {
    /// One animation a run, each in the file that a picture of the run would have.
    pub(super) fn animations(&self, format: AnimationFormat) -> Result<Vec<PathBuf>, StudyError> {
        let super::FigureRequest { look, replace, .. } = &self.request;
        let files = self.names();
        for file in &files {
            may_write(file, *replace)?;
        }
        let shared = self.shared()?;
        let drawn = { self.runs.iter().zip(&self.kinds) }.map(|(run, &kind)| {
            let frames = frames(run, kind, look, &shared)?;
            let dpi = look.dpi.unwrap_or(ANIMATION_DPI);
            Ok(Animation::new(frames)?.encode(format, dpi)?)
        });
        let drawn: Vec<Vec<u8>> = drawn.collect::<Result<_, StudyError>>()?;
        for (file, bytes) in files.iter().zip(&drawn) {
            write_new(file, bytes, *replace)?;
        }
        Ok(files)
    }
}

/// The figure at steps of its paths, the first and the last among them.
fn frames(
    run: &RunContents,
    kind: FigureKind,
    look: &Look,
    shared: &[f64],
) -> Result<Vec<Figure>, StudyError> {
    if !matches!(kind, FigureKind::Trajectory | FigureKind::Surface) {
        return Err(StudyError::NoMotion { kind: kind.name() });
    }
    let path = look.path.as_deref();
    let paths: Vec<&Trajectory> = match kind {
        FigureKind::Surface => vec![run.path(path)?],
        _ => { run.paths_named(path)?.into_iter() }
            .map(|named| &named.trajectory)
            .collect(),
    };
    let points = paths.iter().flat_map(|path| &path.points);
    let mut steps: Vec<u64> = points.map(|point| point.step).collect();
    steps.sort_unstable();
    steps.dedup();
    // All frames have the width in which the last one suits its page.
    let width = Cell::new(None);
    look.fitted(|look| {
        width.set(look.width);
        run.draw_with(kind, look, shared, None)
    })?;
    let look = Look {
        width: width.get(),
        ..look.clone()
    };
    let frame = |step: u64| run.draw_with(kind, &look, shared, Some(step));
    chosen(&steps).into_par_iter().map(frame).collect()
}

/// So many of the steps as there can be frames, evenly, the first and the last among them.
fn chosen(steps: &[u64]) -> Vec<u64> {
    let last = steps.len().saturating_sub(1);
    let parts = last.clamp(1, FRAMES - 1);
    let mut places: Vec<usize> = (0..=parts).map(|k| k * last / parts).collect();
    places.dedup();
    places
        .into_iter()
        .filter_map(|k| steps.get(k).copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_spread_over_the_steps() {
        assert_eq!(chosen(&[5]), [5]);
        assert_eq!(chosen(&[0, 3, 9]), [0, 3, 9]);
        let many: Vec<u64> = (0..1000).map(|k| 10 * k).collect();
        let some = chosen(&many);
        assert_eq!((some.len(), some[0], some[71]), (FRAMES, 0, 9990));
        assert!(
            some.windows(2)
                .all(|w| (130..=150).contains(&(w[1] - w[0])))
        );
    }
}
