//! Curvature at parameters, along a training, over a plane.

use crate::output::{Align, Table, short};
use landscape_plot::SHARPNESS_NOTE;
use landscape_study::hessian::{
    CurvatureSummary, DensitySummary, EigenvalueSummary, LayerSummary, MapSummary,
    SharpnessSummary, TraceSummary, settings_words,
};

/// A map in a line.
pub fn map_words(map: &MapSummary) -> String {
    let shape: Vec<String> = map.shape.iter().map(usize::to_string).collect();
    let span = match (map.min_ratio, map.max_ratio) {
        (Some(low), Some(high)) => format!("{} to {}", short(low), short(high)),
        _ => "unknown".to_owned(),
    };
    let some = |count: usize, what: &str| match count {
        0 => String::new(),
        n => format!(", {n} points {what}"),
    };
    format!(
        "map of {} points: |lambda_min / lambda_max| {span}{}{}\n",
        shape.join("x"),
        some(map.not_converged, "not converged"),
        some(map.missing, "missing")
    )
}

/// The numbers at one set of parameters, as tables.
pub fn curvature_words(point: &CurvatureSummary) -> String {
    let mut text = facts(point);
    for (values, name) in [(&point.eigenvalues, "LARGEST"), (&point.bottom, "SMALLEST")] {
        if !values.is_empty() {
            text.push_str(&format!("\n{}", eigenvalue_table(name, values)));
        }
    }
    let trace = point.trace.as_ref().map(trace_words);
    text.extend(trace.map(|words| format!("\ntrace    {words}\n")));
    let density = point.density.as_ref().map(density_words);
    text.extend(density.map(|words| format!("\ndensity  {words}\n")));
    let layers = point.layers.as_deref().map(layer_table);
    text.extend(layers.map(|table| format!("\n{table}")));
    let sharpness = point.sharpness.as_deref().map(sharpness_table);
    text.extend(sharpness.map(|table| format!("\n{table}{SHARPNESS_NOTE}\n")));
    text
}

fn facts(point: &CurvatureSummary) -> String {
    let facts = [
        ("loss", point.loss),
        ("gradient norm", point.gradient_norm),
        ("limit of stability", point.stability_limit),
    ];
    let known = facts.into_iter();
    let known = known.filter_map(|(name, value)| Some(format!("{name} {}", short(value?))));
    format!("{}\n", known.collect::<Vec<_>>().join("  "))
}

fn trace_words(trace: &TraceSummary) -> String {
    format!(
        "{} (standard error {}, {}, {} products)",
        short(trace.mean),
        or_dash(trace.se),
        trace.method,
        trace.hvps
    )
}

fn density_words(density: &DensitySummary) -> String {
    let atoms = match density.atoms.unwrap_or(0) {
        0 => String::new(),
        1 => ", beside the known eigenvalue".to_owned(),
        n => format!(", beside the {n} known eigenvalues"),
    };
    format!(
        "from {} to {}, {} random vectors of {} Lanczos steps, width {}{atoms}",
        or_dash(density.grid.first().copied()),
        or_dash(density.grid.last().copied()),
        density.probes,
        density.lanczos_steps,
        short(density.width),
    )
}

fn or_dash(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), short)
}

fn yes(converged: bool) -> String {
    if converged { "yes" } else { "no" }.to_owned()
}

/// Value, residual, and whether it converged.
fn eigenvalue_cells(found: Option<&EigenvalueSummary>) -> [String; 3] {
    match found {
        Some(found) => [
            short(found.value),
            short(found.residual),
            yes(found.converged),
        ],
        None => [(); 3].map(|()| "-".to_owned()),
    }
}

fn eigenvalue_table(name: &str, values: &[EigenvalueSummary]) -> String {
    let mut table = Table::new([
        (name, Align::Right),
        ("EIGENVALUE", Align::Right),
        ("RESIDUAL", Align::Right),
        ("CONVERGED", Align::Left),
    ]);
    for (place, value) in values.iter().enumerate() {
        let [value, residual, converged] = eigenvalue_cells(Some(value));
        table.row([(place + 1).to_string(), value, residual, converged]);
    }
    table.text()
}

fn layer_table(layers: &[LayerSummary]) -> String {
    let mut table = Table::new([
        ("LAYER", Align::Left),
        ("TRACE", Align::Right),
        ("STANDARD ERROR", Align::Right),
        ("LARGEST", Align::Right),
        ("RESIDUAL", Align::Right),
        ("CONVERGED", Align::Left),
    ]);
    for layer in layers {
        let [value, residual, converged] = eigenvalue_cells(layer.top.as_ref());
        table.row([
            layer.layer.clone(),
            short(layer.trace.mean),
            or_dash(layer.trace.se),
            value,
            residual,
            converged,
        ]);
    }
    table.text()
}

fn sharpness_table(rows: &[SharpnessSummary]) -> String {
    let mut table = Table::new([
        ("SHARPNESS", Align::Left),
        ("VALUE", Align::Right),
        ("STANDARD ERROR", Align::Right),
        ("WITH", Align::Left),
    ]);
    for row in rows {
        table.row([
            row.measure.clone(),
            short(row.value),
            or_dash(row.se),
            settings_words(&row.settings),
        ]);
    }
    table.text()
}

/// A line for each step of a training.
pub fn curvature_table(points: &[CurvatureSummary]) -> String {
    let mut table = Table::new([
        ("STEP", Align::Right),
        ("LOSS", Align::Right),
        ("LARGEST", Align::Right),
        ("RESIDUAL", Align::Right),
        ("CONVERGED", Align::Left),
        ("LIMIT", Align::Right),
        ("TRACE", Align::Right),
    ]);
    for point in points {
        let [value, residual, converged] = eigenvalue_cells(point.eigenvalues.first());
        table.row([
            point.step.map_or("-".to_owned(), |step| step.to_string()),
            or_dash(point.loss),
            value,
            residual,
            converged,
            or_dash(point.stability_limit),
            or_dash(point.trace.as_ref().map(|trace| trace.mean)),
        ]);
    }
    table.text()
}
