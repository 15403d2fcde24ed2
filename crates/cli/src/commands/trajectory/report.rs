//! What is printed of paths.

use crate::error::CliError;
use crate::output::{Align, Console, Table, number, numbers, short};
use landscape_core::TrajectoryPoint;
use landscape_storage::{NamedTrajectory, Run};
use serde_json::{Value, json};

/// Rows of a table that are printed of one path.
const ROWS: usize = 12;

/// Prints the paths.
pub fn print(run: &Run, paths: &[NamedTrajectory], console: &Console) -> Result<(), CliError> {
    console.result(|| as_json(run, paths), || words(run, paths))
}

fn explained(paths: &[NamedTrajectory]) -> &[f64] {
    paths
        .first()
        .map_or(&[], |named| &named.trajectory.explained_variance)
}

fn as_json(run: &Run, paths: &[NamedTrajectory]) -> Value {
    let of = |named: &NamedTrajectory| -> Vec<Value> {
        let point = |point: &TrajectoryPoint| {
            json!({
                "run": named.label,
                "step": point.step,
                "x": number(point.coords[0]),
                "y": number(point.coords[1]),
                "residual": number(point.residual),
                "loss": number(point.loss),
                "plane_loss": number(point.plane_loss),
            })
        };
        named.trajectory.points.iter().map(point).collect()
    };
    json!({
        "run": run.name,
        "explained_variance": numbers(explained(paths)),
        "points": paths.iter().flat_map(of).collect::<Vec<_>>(),
    })
}

fn words(run: &Run, paths: &[NamedTrajectory]) -> String {
    let shares = explained(paths);
    let percent: Vec<String> = shares
        .iter()
        .map(|s| format!("{:.1}%", 100.0 * s))
        .collect();
    let mut text = format!(
        "{}: variance explained {} = {:.1}%\n",
        run.name,
        percent.join(" + "),
        100.0 * shares.iter().sum::<f64>()
    );
    for named in paths {
        text.push_str(&format!("\n{}\n", named.label));
        text.push_str(&table(&named.trajectory.points));
    }
    text
}

/// Evenly chosen checkpoints, the first and the last among them.
fn table(points: &[TrajectoryPoint]) -> String {
    let names = ["STEP", "X", "Y", "OFF PLANE", "LOSS", "LOSS OF THE PLANE"];
    let mut table = Table::new(names.map(|name| (name, Align::Right)));
    let shown = points.len().min(ROWS);
    for row in 0..shown {
        let place = match shown {
            1 => 0,
            _ => row * (points.len() - 1) / (shown - 1),
        };
        let point = &points[place];
        let option = |value: Option<f64>| value.map_or("-".to_owned(), short);
        table.row([
            point.step.to_string(),
            short(point.coords[0]),
            short(point.coords[1]),
            short(point.residual),
            option(point.loss),
            option(point.plane_loss),
        ]);
    }
    let mut text = table.text();
    if shown < points.len() {
        text.push_str(&format!(
            "({shown} of {} checkpoints shown; --json has all)\n",
            points.len()
        ));
    }
    text
}
