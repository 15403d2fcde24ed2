//! Figures of landscapes in words.

use super::{number, numbers, short};
use landscape_core::{Barrier, Grid, Metrics};
use serde_json::json;

/// A barrier as JSON.
pub fn barrier_json(barrier: Barrier) -> serde_json::Value {
    json!({
        "height": number(barrier.height),
        "at": number(barrier.at),
        "ends": numbers(&barrier.ends),
    })
}

/// A place in words: `(0.5, -1)`.
pub fn point(at: &[f64]) -> String {
    let words: Vec<String> = at.iter().map(|v| short(*v)).collect();
    format!("({})", words.join(", "))
}

/// A barrier in words.
pub fn barrier_words(barrier: &Barrier) -> String {
    let [from, to] = barrier.ends.map(short);
    match barrier.height > 0.0 {
        true => format!(
            "{} at {} above the chord from {from} to {to}",
            short(barrier.height),
            short(barrier.at)
        ),
        false => format!("0: nothing lies above the chord from {from} to {to}"),
    }
}

/// The figures in words, for tables and pages.
pub fn metric_rows(figures: &Metrics, grid: &Grid) -> Vec<(String, String)> {
    let option = |value: Option<f64>| value.map_or("-".to_owned(), short);
    let percent =
        |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{:.1}%", 100.0 * v));
    let dims = grid.dims();
    let minima: Vec<String> = figures
        .minima
        .iter()
        .take(8)
        .map(|&m| point(&grid.point(m)[..dims]))
        .collect();
    let list = |values: &Option<Vec<f64>>| {
        values
            .as_ref()
            .map_or("-".to_owned(), |values| point(values))
    };
    let open = if figures.basin_open {
        ", reaches the edge"
    } else {
        ""
    };
    [
        (
            "points",
            format!(
                "{} ({} missing, {} not finite{})",
                figures.points,
                figures.missing,
                figures.non_finite,
                match figures.interpolated {
                    0 => String::new(),
                    count => format!(", {count} interpolated"),
                }
            ),
        ),
        ("at the origin", option(figures.center_loss)),
        (
            "smallest",
            format!(
                "{} at {}",
                short(figures.min_loss),
                point(&figures.argmin[..dims])
            ),
        ),
        ("largest", short(figures.max_loss)),
        ("mean", short(figures.mean_loss)),
        ("robust range", short(figures.robust_range)),
        (
            "convexity",
            format!(
                "{} of {} interior points",
                percent(figures.convexity),
                figures.hessians
            ),
        ),
        ("smoothness", option(figures.smoothness)),
        ("roughness", option(figures.roughness)),
        ("relative roughness", option(figures.relative_roughness)),
        ("trap depth", short(figures.trap_depth)),
        (
            "basin width",
            format!("{}{open}", short(figures.basin_width)),
        ),
        ("basin share", percent(Some(figures.basin_share))),
        ("sharpness", option(figures.sharpness)),
        (
            "eigenvalues at the origin",
            list(&figures.center_eigenvalues),
        ),
        (
            "minima",
            match minima.is_empty() {
                true => "0".to_owned(),
                false => format!("{}: {}", figures.minima.len(), minima.join(" ")),
            },
        ),
        ("saddles", figures.saddles.len().to_string()),
        ("maxima", figures.maxima.len().to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}
