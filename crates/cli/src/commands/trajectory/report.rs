//! What is printed of paths.

use crate::error::CliError;
use crate::output::{Align, Console, Table, loss_json, short};
use landscape_core::TrajectoryPoint;
use landscape_storage::NamedTrajectory;
use landscape_study::trajectory::{MeasuredPaths, plane_warnings};
use serde_json::json;
use std::path::PathBuf;

/// Rows of a table that are printed of one path.
const ROWS: usize = 12;

/// Prints the paths.
pub fn print(measured: &MeasuredPaths, console: &Console) -> Result<(), CliError> {
    let json = || {
        let mut all = json!(measured.summary());
        loss_json(measured.loss, &mut all);
        all
    };
    console.result(json, || words(measured))
}

/// Says where the plane misleads.
pub fn warn(paths: &[NamedTrajectory], console: &Console) {
    for warning in plane_warnings(paths) {
        console.note(format_args!("warning: {warning}"));
    }
}

fn words(measured: &MeasuredPaths) -> String {
    let shares = measured.explained();
    let percent: Vec<String> = shares
        .iter()
        .map(|s| format!("{:.1}%", 100.0 * s))
        .collect();
    let mut text = format!(
        "{}: variance explained {} = {:.1}%\n",
        measured.run.name,
        percent.join(" + "),
        100.0 * shares.iter().sum::<f64>()
    );
    for named in &measured.paths {
        text.push_str(&format!("\n{}\n", named.label));
        text.push_str(&table(
            &named.trajectory.points,
            shares.len(),
            &measured.files,
        ));
    }
    text
}

/// Evenly chosen checkpoints, the first and the last among them.
fn table(points: &[TrajectoryPoint], dims: usize, files: &[PathBuf]) -> String {
    let axes = ["X", "Y", "Z"].into_iter().take(dims);
    let rest = ["OFF PLANE", "LOSS", "LOSS AT THE PROJECTION"];
    let names = std::iter::once("STEP").chain(axes).chain(rest);
    let columns = names.map(|name| (name, Align::Right));
    let file = (!files.is_empty()).then_some(("FILE", Align::Left));
    let mut table = Table::new(columns.chain(file));
    let shown = points.len().min(ROWS);
    for row in 0..shown {
        let place = match shown {
            1 => 0,
            _ => row * (points.len() - 1) / (shown - 1),
        };
        let point = &points[place];
        let option = |value: Option<f64>| value.map_or("-".to_owned(), short);
        let mut cells = vec![point.step.to_string()];
        cells.extend(point.coords.iter().take(dims).map(|c| short(*c)));
        cells.push(short(point.residual));
        cells.extend([point.loss, point.plane_loss].map(option));
        cells.extend(files.get(place).map(|file| file.display().to_string()));
        table.row(cells);
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
