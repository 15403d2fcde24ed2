//! How far a picture of a path can be trusted.

use super::Trajectory;
use crate::grid::Point;
use serde::{Deserialize, Serialize};

/// How well a plane stands for a path. A picture misleads where the plane explains little, or where
/// its loss is not the path's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fidelity {
    /// Share of the variance that the plane explains, in [0, 1]; absent for planes that are not of
    /// the path's components.
    pub explained: Option<f64>,
    /// Largest `|plane loss - true loss|` over the range of the true losses; absent where fewer
    /// than two losses are known.
    pub disagreement: Option<f64>,
    /// The step of that checkpoint.
    pub worst_step: Option<u64>,
    /// Largest distance to the plane over the longest distance from the origin within it.
    pub off_plane: Option<f64>,
}

/// Paths whose losses differ from the plane's that are named one by one.
const NAMED: usize = 2;

impl Fidelity {
    /// Share of the variance below which a plane explains little.
    pub const EXPLAINED: f64 = crate::diagnosis::thresholds::EXPLAINED;
    /// Disagreement from which the loss at the projection does not stand for the true one.
    pub const DISAGREEMENT: f64 = crate::diagnosis::thresholds::DISAGREEMENT[0];

    /// What has to be said beside a picture of the plane, in words; nothing where it can be trusted.
    ///
    /// ```
    /// use landscape_core::Fidelity;
    ///
    /// let poor = Fidelity { explained: Some(0.31), disagreement: None, worst_step: None, off_plane: None };
    /// assert_eq!(poor.warnings(), ["the plane explains only 31.0% of the path's variance"]);
    /// ```
    pub fn warnings(&self) -> Vec<String> {
        let percent = |share: f64| format!("{:.1}%", 100.0 * share);
        let little = self.explained.filter(|share| *share < Self::EXPLAINED);
        let little = little.map(|share| {
            format!(
                "the plane explains only {} of the path's variance",
                percent(share)
            )
        });
        let apart = self.disagreement.filter(|gap| *gap >= Self::DISAGREEMENT);
        let apart = apart.map(|gap| {
            let step = self
                .worst_step
                .map_or(String::new(), |s| format!(" at step {s}"));
            let gap = percent(gap);
            format!(
                "the loss at the projection differs from the true one by {gap} of its range{step}"
            )
        });
        little.into_iter().chain(apart).collect()
    }

    /// What has to be said beside a picture of several paths, by their names; what is said of a joint plane is said
    /// once.
    pub fn warnings_of<'a>(
        paths: impl IntoIterator<Item = (&'a str, &'a Trajectory)>,
    ) -> Vec<String> {
        let paths: Vec<_> = { paths.into_iter() }
            .map(|(name, path)| (name, Fidelity::of(path)))
            .collect();
        let together = differing(&paths);
        let mut said: Vec<String> = Vec::new();
        for (name, fidelity) in &paths {
            let alone = Fidelity {
                disagreement: fidelity.disagreement.filter(|_| together.is_none()),
                ..*fidelity
            };
            for warning in alone.warnings() {
                let words = match warning.starts_with("the loss at the projection") {
                    true if paths.len() > 1 => format!("on the path of {name}, {warning}"),
                    false if paths.len() > 1 => warning.replace("the path's", "the paths'"),
                    _ => warning,
                };
                if !said.contains(&words) {
                    said.push(words);
                }
            }
        }
        said.extend(together);
        said
    }

    /// How well a plane stands for a path.
    pub fn of(trajectory: &Trajectory) -> Self {
        let explained = (!trajectory.explained_variance.is_empty())
            .then(|| trajectory.explained_variance.iter().sum());
        let (disagreement, worst_step) = disagreement(trajectory).unzip();
        let norm = |c: &Point| c.iter().map(|v| v * v).sum::<f64>().sqrt();
        let points = &trajectory.points;
        let longest = points.iter().map(|p| norm(&p.coords)).fold(0.0, f64::max);
        let farthest = points.iter().map(|p| p.residual).fold(0.0, f64::max);
        Fidelity {
            explained,
            disagreement,
            worst_step,
            off_plane: (longest > 0.0).then_some(farthest / longest),
        }
    }
}

fn disagreement(trajectory: &Trajectory) -> Option<(f64, u64)> {
    let points = trajectory.points.iter();
    let pairs: Vec<_> = points
        .filter_map(|p| Some((p.loss?, p.plane_loss?, p.step)))
        .filter(|(loss, plane, _)| loss.is_finite() && plane.is_finite())
        .collect();
    let low = pairs.iter().map(|p| p.0).fold(f64::INFINITY, f64::min);
    let high = pairs.iter().map(|p| p.0).fold(f64::NEG_INFINITY, f64::max);
    if high <= low {
        return None;
    }
    let gap = |&(loss, plane, step): &(f64, f64, u64)| ((loss - plane).abs() / (high - low), step);
    pairs.iter().map(gap).max_by(|a, b| a.0.total_cmp(&b.0))
}

/// One sentence on the paths whose losses differ from the plane's, where they are many.
fn differing(paths: &[(&str, Fidelity)]) -> Option<String> {
    let gap = |fidelity: &Fidelity| {
        let gap = fidelity.disagreement;
        gap.filter(|gap| *gap >= Fidelity::DISAGREEMENT)
    };
    let differ = { paths.iter() }.filter_map(|(label, fidelity)| Some((*label, gap(fidelity)?)));
    let differ: Vec<(&str, f64)> = differ.collect();
    let (label, most) = *differ.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    (differ.len() > NAMED).then(|| {
        format!(
            "on {} of {} paths the loss at the projection differs from the true one, by up to {:.1}% of its range \
             ({label})",
            differ.len(),
            paths.len(),
            100.0 * most
        )
    })
}
