//! What is printed of paths.

use crate::error::CliError;
use crate::output::{Align, Console, Table, loss_json, number, numbers, short};
use landscape_core::{Fidelity, TrajectoryPoint, path_text};
use landscape_storage::{NamedTrajectory, Run};
use landscape_study::trajectory::MeasuredPaths;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Paths whose losses differ from the plane's that are named one by one.
const NAMED: usize = 2;

/// Rows of a table that are printed of one path.
const ROWS: usize = 12;

/// Prints the paths.
pub fn print(measured: &MeasuredPaths, console: &Console) -> Result<(), CliError> {
    let MeasuredPaths {
        run,
        paths,
        files,
        loss,
    } = measured;
    let json = || {
        let mut all = as_json(run, paths, files);
        loss_json(*loss, &mut all);
        all
    };
    console.result(json, || words(run, paths, files))
}

fn explained(paths: &[NamedTrajectory]) -> &[f64] {
    paths
        .first()
        .map_or(&[], |named| &named.trajectory.explained_variance)
}

/// Says where the plane misleads.
pub fn warn(paths: &[NamedTrajectory], console: &Console) {
    for warning in warnings(paths) {
        console.note(format_args!("warning: {warning}"));
    }
}

/// Where the plane of paths misleads; what is said of a joint plane is said once.
pub fn warnings<'a>(paths: impl IntoIterator<Item = &'a NamedTrajectory>) -> Vec<String> {
    let paths: Vec<_> = { paths.into_iter() }
        .map(|named| (named.label.as_str(), Fidelity::of(&named.trajectory)))
        .collect();
    let together = differing(&paths);
    let mut said: Vec<String> = Vec::new();
    for (label, fidelity) in &paths {
        let alone = Fidelity {
            disagreement: fidelity.disagreement.filter(|_| together.is_none()),
            ..*fidelity
        };
        for warning in alone.warnings() {
            let words = match paths.len() > 1 && warning.starts_with("the plane's loss") {
                true => format!("{label}: {warning}"),
                false => warning,
            };
            if !said.contains(&words) {
                said.push(words);
            }
        }
    }
    said.extend(together);
    said
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
            "on {} of {} paths the plane's loss differs from the true one, by up to {:.1}% of its range \
             ({label})",
            differ.len(),
            paths.len(),
            100.0 * most
        )
    })
}

fn as_json(run: &Run, paths: &[NamedTrajectory], files: &[PathBuf]) -> Value {
    let volume = explained(paths).len() == 3;
    let of = |named: &NamedTrajectory| -> Vec<Value> {
        let point = |(place, point): (usize, &TrajectoryPoint)| {
            let mut all = json!({
                "run": named.label,
                "step": point.step,
                "x": number(point.coords[0]),
                "y": number(point.coords[1]),
                "residual": number(point.residual),
                "loss": number(point.loss),
                "plane_loss": number(point.plane_loss),
            });
            if volume {
                all["z"] = number(point.coords[2]);
            }
            if let Some(file) = files.get(place) {
                all["file"] = json!(path_text(file));
            }
            all
        };
        named
            .trajectory
            .points
            .iter()
            .enumerate()
            .map(point)
            .collect()
    };
    json!({
        "run": run.name,
        "explained_variance": numbers(explained(paths)),
        "paths": paths.iter().map(path_json).collect::<Vec<_>>(),
        "points": paths.iter().flat_map(of).collect::<Vec<_>>(),
    })
}

fn path_json(named: &NamedTrajectory) -> Value {
    let fidelity = Fidelity::of(&named.trajectory);
    json!({
        "run": named.label,
        "checkpoints": named.trajectory.points.len(),
        "fidelity": fidelity_json(&fidelity),
        "warnings": fidelity.warnings(),
    })
}

/// How well a plane stands for a path, as JSON.
pub fn fidelity_json(fidelity: &Fidelity) -> Value {
    json!({
        "explained": number(fidelity.explained),
        "disagreement": number(fidelity.disagreement),
        "worst_step": fidelity.worst_step,
        "off_plane": number(fidelity.off_plane),
    })
}

fn words(run: &Run, paths: &[NamedTrajectory], files: &[PathBuf]) -> String {
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
        text.push_str(&table(&named.trajectory.points, shares.len(), files));
    }
    text
}

/// Evenly chosen checkpoints, the first and the last among them.
fn table(points: &[TrajectoryPoint], dims: usize, files: &[PathBuf]) -> String {
    let axes = ["X", "Y", "Z"].into_iter().take(dims);
    let rest = ["OFF PLANE", "LOSS", "LOSS OF THE PLANE"];
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
