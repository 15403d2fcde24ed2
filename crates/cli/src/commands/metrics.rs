//! Figures of a stored landscape.

mod topology;

use topology::Topology;

use crate::args::{MetricsArgs, ValueName};
use crate::error::CliError;
use crate::inputs::read_store;
use crate::output::{Console, number, numbers, short};
use landscape_core::{Barrier, Grid, Metrics, Surface, Value, barrier, metrics_of};
use landscape_storage::Run;
use landscape_study::directions::ends_at_models;
use landscape_study::record::Provenance;
use serde_json::json;

/// Prints the figures of a run's landscape.
pub fn metrics(args: &MetricsArgs, console: &Console) -> Result<(), CliError> {
    let store = read_store(&args.db.db, console)?;
    let run = store.find(&args.name)?;
    let surface = store.load_surface(&run)?;
    let value = find_value(&args.value, &surface, &run.name)?;
    let figures = metrics_of(&surface, value).map_err(|source| CliError::Metrics {
        run: run.name.clone(),
        source,
    })?;
    let barrier = barrier_of(&run, &surface, value);
    let topology = Topology::of(&surface, value);
    console.result(
        || {
            json!({
                "run": run.name,
                "value": args.value.to_string(),
                "metrics": figures,
                "barrier": barrier.map(barrier_json),
                "topology": topology.json(),
            })
        },
        || {
            let mut rows = rows(&figures, surface.grid());
            rows.extend(topology.rows());
            rows.extend(barrier.map(|b| ("barrier".to_owned(), barrier_words(&b))));
            let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
            let line = |(name, value): &(String, String)| format!("{name:<width$}  {value}\n");
            let mut text: String = rows.iter().map(line).collect();
            text.push_str(&topology.words());
            text
        },
    )
}

/// The barrier of a line between two models; `None` of any other landscape.
pub fn barrier_of(run: &Run, surface: &Surface, value: Value) -> Option<Barrier> {
    match ends_at_models(Provenance::of(run).places()) {
        true => barrier(surface, value),
        false => None,
    }
}

/// A barrier as JSON.
pub fn barrier_json(barrier: Barrier) -> serde_json::Value {
    json!({
        "height": number(barrier.height),
        "at": number(barrier.at),
        "ends": numbers(&barrier.ends),
    })
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

/// The value that is meant, which the surface must have.
pub fn find_value(name: &ValueName, surface: &Surface, run: &str) -> Result<Value, CliError> {
    name.find(surface).ok_or_else(|| {
        let terms: Vec<&str> = surface.terms().iter().map(|t| t.name.as_str()).collect();
        let more = match terms.is_empty() {
            true => String::new(),
            false => format!(", {}", terms.join(", ")),
        };
        CliError::Conflict {
            what: format!("run `{run}` has no value `{name}`"),
            remedy: format!("give one of: loss, accuracy, loss-se, total{more}"),
        }
    })
}

/// The figures in words, for tables and pages.
pub fn rows(figures: &Metrics, grid: &Grid) -> Vec<(String, String)> {
    let option = |value: Option<f64>| value.map_or("-".to_owned(), short);
    let percent =
        |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{:.1}%", 100.0 * v));
    let dims = grid.dims();
    let point = |at: &[f64]| -> String {
        let words: Vec<String> = at.iter().map(|v| short(*v)).collect();
        format!("({})", words.join(", "))
    };
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
