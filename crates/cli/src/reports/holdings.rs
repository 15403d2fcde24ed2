//! What runs hold.

use crate::output::size;
use landscape_storage::RunSummary;

/// What a run holds, in words.
pub fn holdings(summary: &RunSummary) -> String {
    let mut parts = Vec::new();
    if !summary.shape.is_empty() {
        let shape: Vec<String> = summary.shape.iter().map(u64::to_string).collect();
        let shape = shape.join("x");
        parts.push(match summary.points == summary.total() {
            true if summary.interpolated > 0 => {
                let measured = summary.points - summary.interpolated;
                format!("{shape} points, {measured} of them measured")
            }
            true => format!("{shape} points"),
            false => format!("{} of {shape} points", summary.points),
        });
    }
    if summary.checkpoints > 0 {
        let (count, size) = (summary.checkpoints, size(summary.checkpoint_bytes));
        parts.push(format!("{count} checkpoints of {size}"));
    }
    if summary.trajectories > 0 {
        let plural = if summary.trajectories == 1 {
            "path"
        } else {
            "paths"
        };
        parts.push(format!("{} {plural}", summary.trajectories));
    }
    match summary.curvature {
        0 => {}
        1 => parts.push("curvature".to_owned()),
        n => parts.push(format!("curvature at {n} steps")),
    }
    match parts.is_empty() {
        true => "-".to_owned(),
        false => parts.join(", "),
    }
}
