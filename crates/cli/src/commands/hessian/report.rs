//! Curvature as JSON and in words.

use crate::error::CliError;
use crate::output::{
    Align, Console, Table, duration, loss_json, number, numbers, paths_json, short,
};
use landscape_core::path_words;
use landscape_plot::SHARPNESS_NOTE;
use landscape_storage::{
    ALL_PARAMETERS, Curvature, CurvatureMap, Eigenvalue, Run, Sharpness, Side, TraceEstimate,
};
use landscape_study::hessian::{FoundCurvature, Wanted, matrix_name};
use landscape_study::record::Settings;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// What was asked for, found.
pub struct Report {
    pub found: FoundCurvature,
    pub wanted: Wanted,
}

impl Report {
    /// Prints it.
    pub fn print(&self, files: &[PathBuf], console: &Console) -> Result<(), CliError> {
        let stored = self.found.points.iter().map(|p| p.products).sum::<u64>();
        console.note(format_args!(
            "{}: {} products computed, {} in all, in {}",
            self.found.run.name,
            self.found.computed,
            stored,
            duration(self.found.seconds)
        ));
        console.result(
            || {
                let mut json = self.json();
                loss_json(self.found.loss, &mut json);
                json["files"] = paths_json(files);
                json
            },
            || {
                let mut text = self.words();
                text.extend(files.iter().map(|file| format!("{}\n", path_words(file))));
                text
            },
        )
    }

    /// Whether there is a figure of it.
    pub fn is_drawable(&self) -> bool {
        self.wanted.is_drawable()
    }

    fn json(&self) -> Value {
        let last = self.found.points.last().cloned().unwrap_or_default();
        let mut fields = Map::new();
        fields.insert("run".to_owned(), json!(self.found.run.name));
        fields.insert("matrix".to_owned(), json!(matrix_name(self.wanted.matrix)));
        fields.extend(fields_of(&last));
        let all: u64 = self.found.points.iter().map(|p| p.products).sum();
        fields.insert("hvps".to_owned(), json!(all));
        fields.insert("computed".to_owned(), json!(self.found.computed));
        fields.insert(
            "map".to_owned(),
            self.found.map.as_ref().map_or(Value::Null, map_json),
        );
        if self.wanted.all_steps {
            let steps = self
                .found
                .points
                .iter()
                .map(|p| Value::Object(fields_of(p)));
            fields.insert("steps".to_owned(), steps.collect());
        }
        fields.insert("seconds".to_owned(), number(self.found.seconds));
        Value::Object(fields)
    }

    fn words(&self) -> String {
        let mut text = format!(
            "{}: {}\n",
            self.found.run.name,
            heading(&self.found.run, &self.found.points)
        );
        match (self.wanted.all_steps, self.found.points.last()) {
            (true, _) => text.push_str(&step_words(&self.found.points)),
            (false, Some(point)) => text.push_str(&words_of(point)),
            (false, None) => {}
        }
        if let Some(map) = &self.found.map {
            text.push_str(&map_words(map));
        }
        text
    }
}

/// The matrix and its size.
pub fn heading(run: &Run, points: &[Curvature]) -> String {
    let settings = Settings::of(run);
    let matrix = settings.matrix();
    let parameters = points.last().map_or(0, |point| point.parameters);
    format!("{} of {parameters} parameters", matrix.unwrap_or("hessian"))
}

/// The numbers at one set of parameters.
pub fn fields_of(point: &Curvature) -> Map<String, Value> {
    let end = |side: Side| -> Value {
        let values = point.eigenvalues_of(ALL_PARAMETERS, side);
        values.into_iter().map(eigenvalue).collect()
    };
    let trace = point.traces.iter().find(|t| t.part == ALL_PARAMETERS);
    let density = point.densities.iter().find(|d| d.part == ALL_PARAMETERS);
    let density = density.map(|d| {
        json!({
            "grid": numbers(&d.grid),
            "density": numbers(&d.density),
            "se": numbers(&d.se),
            "lower": numbers(&d.lower),
            "upper": numbers(&d.upper),
            "confidence": number(d.confidence),
            "atoms": d.atoms,
            "lanczos_steps": d.lanczos_steps,
            "probes": d.probes,
            "width": number(d.width),
        })
    });
    let layers = layers(point);
    let fields = json!({
        "step": point.step,
        "parameters": point.parameters,
        "loss": number(point.loss),
        "gradient_norm": number(point.gradient_norm),
        "stability_limit": number(point.stability_limit),
        "eigenvalues": end(Side::Top),
        "bottom": end(Side::Bottom),
        "trace": trace.map(trace_json),
        "density": density,
        "layers": match layers.is_empty() {
            true => Value::Null,
            false => layers.iter().map(Layer::json).collect(),
        },
        "sharpness": match point.sharpness.is_empty() {
            true => Value::Null,
            false => point.sharpness.iter().map(sharpness).collect(),
        },
        "hvps": point.products,
        "seconds": number(point.seconds),
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn eigenvalue(found: &Eigenvalue) -> Value {
    json!({
        "value": number(found.value),
        "residual": number(found.residual),
        "converged": found.converged,
    })
}

fn trace_json(found: &TraceEstimate) -> Value {
    json!({
        "mean": number(found.mean),
        "se": number(found.se),
        "hvps": found.products,
        "method": found.method,
        "probes": found.probes,
    })
}

fn sharpness(found: &Sharpness) -> Value {
    json!({
        "measure": found.measure,
        "value": number(found.value),
        "se": number(found.se),
        "settings": found.settings,
    })
}

/// What is known of a layer's block.
struct Layer<'a> {
    name: &'a str,
    trace: &'a TraceEstimate,
    top: Option<&'a Eigenvalue>,
}

impl Layer<'_> {
    fn json(&self) -> Value {
        json!({
            "layer": self.name,
            "trace": trace_json(self.trace),
            "top": self.top.map(eigenvalue),
        })
    }
}

fn layers(point: &Curvature) -> Vec<Layer<'_>> {
    let parts = point.traces.iter().filter(|t| t.part != ALL_PARAMETERS);
    parts
        .map(|trace| Layer {
            name: &trace.part,
            trace,
            top: point
                .eigenvalues_of(&trace.part, Side::Top)
                .first()
                .copied(),
        })
        .collect()
}

/// Where a map stands.
pub fn map_json(map: &CurvatureMap) -> Value {
    let ratios = ratios(map);
    json!({
        "shape": map.grid.shape(),
        "points": map.grid.len(),
        "missing": map.missing(),
        "not_converged": map.not_converged(),
        "min_ratio": number(ratios.first().copied()),
        "median_ratio": number(ratios.get(ratios.len() / 2).copied()),
        "max_ratio": number(ratios.last().copied()),
    })
}

/// Those of converged points, ascending.
fn ratios(map: &CurvatureMap) -> Vec<f64> {
    let converged = map.points.iter().flatten().filter(|p| p.converged);
    let mut ratios: Vec<f64> = converged
        .map(|p| p.ratio())
        .filter(|r| r.is_finite())
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios
}

/// A map in a line.
pub fn map_words(map: &CurvatureMap) -> String {
    let shape: Vec<String> = map.grid.shape().iter().map(usize::to_string).collect();
    let ratios = ratios(map);
    let span = match (ratios.first(), ratios.last()) {
        (Some(low), Some(high)) => format!("{} to {}", short(*low), short(*high)),
        _ => "unknown".to_owned(),
    };
    let mut text = format!(
        "map of {} points: |lambda_min / lambda_max| {span}",
        shape.join("x")
    );
    match map.not_converged() {
        0 => {}
        n => text.push_str(&format!(", {n} points not converged")),
    }
    match map.missing() {
        0 => {}
        n => text.push_str(&format!(", {n} points missing")),
    }
    text.push('\n');
    text
}

/// The numbers at one set of parameters, as tables.
pub fn words_of(point: &Curvature) -> String {
    let mut text = facts(point);
    for (side, name) in [(Side::Top, "LARGEST"), (Side::Bottom, "SMALLEST")] {
        let values = point.eigenvalues_of(ALL_PARAMETERS, side);
        if !values.is_empty() {
            text.push_str(&format!("\n{}", eigenvalue_table(name, &values)));
        }
    }
    let all = point.traces.iter().filter(|t| t.part == ALL_PARAMETERS);
    for trace in all {
        text.push_str(&format!("\ntrace    {}\n", trace_words(trace)));
    }
    for density in point.densities.iter().filter(|d| d.part == ALL_PARAMETERS) {
        let (low, high) = (density.grid.first(), density.grid.last());
        let span = |end: Option<&f64>| end.map_or("-".to_owned(), |end| short(*end));
        text.push_str(&format!(
            "\ndensity  from {} to {}, {} random vectors of {} Lanczos steps, width {}{}\n",
            span(low),
            span(high),
            density.probes,
            density.lanczos_steps,
            short(density.width),
            atoms_words(density.atoms.unwrap_or(0))
        ));
    }
    let layers = layers(point);
    if !layers.is_empty() {
        text.push_str(&format!("\n{}", layer_table(&layers)));
    }
    if !point.sharpness.is_empty() {
        text.push_str(&format!(
            "\n{}{SHARPNESS_NOTE}\n",
            sharpness_table(&point.sharpness)
        ));
    }
    text
}

fn atoms_words(atoms: u64) -> String {
    match atoms {
        0 => String::new(),
        1 => ", beside the known eigenvalue".to_owned(),
        n => format!(", beside the {n} known eigenvalues"),
    }
}

fn facts(point: &Curvature) -> String {
    let fact = |name: &str, value: Option<f64>| {
        value.map_or(String::new(), |value| format!("{name} {}  ", short(value)))
    };
    let text = format!(
        "{}{}{}",
        fact("loss", point.loss),
        fact("gradient norm", point.gradient_norm),
        fact("limit of stability", point.stability_limit)
    );
    format!("{}\n", text.trim_end())
}

fn trace_words(trace: &TraceEstimate) -> String {
    let se = trace.se.map_or("-".to_owned(), short);
    format!(
        "{} (standard error {se}, {}, {} products)",
        short(trace.mean),
        trace.method,
        trace.products
    )
}

fn yes(converged: bool) -> String {
    if converged { "yes" } else { "no" }.to_owned()
}

fn eigenvalue_table(name: &str, values: &[&Eigenvalue]) -> String {
    let mut table = Table::new([
        (name, Align::Right),
        ("EIGENVALUE", Align::Right),
        ("RESIDUAL", Align::Right),
        ("CONVERGED", Align::Left),
    ]);
    for value in values {
        table.row([
            (value.rank + 1).to_string(),
            short(value.value),
            short(value.residual),
            yes(value.converged),
        ]);
    }
    table.text()
}

fn layer_table(layers: &[Layer]) -> String {
    let mut table = Table::new([
        ("LAYER", Align::Left),
        ("TRACE", Align::Right),
        ("STANDARD ERROR", Align::Right),
        ("LARGEST", Align::Right),
        ("RESIDUAL", Align::Right),
        ("CONVERGED", Align::Left),
    ]);
    for layer in layers {
        let top = |of: fn(&Eigenvalue) -> String| layer.top.map_or("-".to_owned(), of);
        table.row([
            layer.name.to_owned(),
            short(layer.trace.mean),
            layer.trace.se.map_or("-".to_owned(), short),
            top(|value| short(value.value)),
            top(|value| short(value.residual)),
            top(|value| yes(value.converged)),
        ]);
    }
    table.text()
}

fn sharpness_table(rows: &[Sharpness]) -> String {
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
            row.se.map_or("-".to_owned(), short),
            settings_words(&row.settings),
        ]);
    }
    table.text()
}

/// `rho 0.05, samples 100`.
pub fn settings_words(settings: &Value) -> String {
    let value = |value: &Value| match (value.as_f64(), value) {
        (Some(number), Value::Number(n)) if n.is_f64() => short(number),
        (_, Value::String(word)) => word.clone(),
        (_, Value::Bool(flag)) => yes(*flag),
        _ => value.to_string(),
    };
    let fields = settings.as_object().into_iter().flatten();
    let words: Vec<String> = fields
        .map(|(name, v)| format!("{name} {}", value(v)))
        .collect();
    words.join(", ")
}

/// A line for each step of a training.
pub fn step_words(points: &[Curvature]) -> String {
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
        let tops = point.eigenvalues_of(ALL_PARAMETERS, Side::Top);
        let top = |of: fn(&Eigenvalue) -> String| tops.first().map_or("-".to_owned(), |v| of(v));
        let option = |value: Option<f64>| value.map_or("-".to_owned(), short);
        let trace = point.traces.iter().find(|t| t.part == ALL_PARAMETERS);
        table.row([
            point.step.map_or("-".to_owned(), |step| step.to_string()),
            option(point.loss),
            top(|value| short(value.value)),
            top(|value| short(value.residual)),
            top(|value| yes(value.converged)),
            option(point.stability_limit),
            option(trace.map(|trace| trace.mean)),
        ]);
    }
    table.text()
}
