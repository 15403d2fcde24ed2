//! Curvature in words.

use super::parted::{layer_table, matrix_table, pair_table, subspace_table};
use super::{
    CurvatureSummary, DensitySummary, EigenvalueSummary, FoundSummary, MapSummary, TraceSummary,
};
use crate::record::Settings;
use crate::words::{Align, Table, duration, or_dash, shape_words};
use landscape_core::short;
use landscape_plot::SHARPNESS_NOTE;
use landscape_storage::{Curvature, Run, Sharpness};
use serde_json::Value;
use std::fmt;

/// The matrix and its size.
pub fn heading(run: &Run, points: &[Curvature]) -> String {
    let settings = Settings::of(run);
    let matrix = settings.matrix();
    let parameters = points.last().map_or(0, |point| point.parameters);
    size_words(
        matrix.unwrap_or("hessian"),
        parameters,
        settings.problem().params.as_deref(),
    )
}

/// `hessian of 24 parameters (fc1)`.
fn size_words(matrix: &str, parameters: u64, part: Option<&str>) -> String {
    let part = part.map_or_else(String::new, |part| format!(" ({part})"));
    format!("{matrix} of {parameters} parameters{part}")
}

/// `rho 0.05, samples 100`.
pub fn settings_words(settings: &Value) -> String {
    let value = |value: &Value| match (value.as_f64(), value) {
        (Some(number), Value::Number(n)) if n.is_f64() => short(number),
        (_, Value::String(word)) => word.clone(),
        (_, Value::Bool(flag)) => if *flag { "yes" } else { "no" }.to_owned(),
        _ => value.to_string(),
    };
    let fields = settings.as_object().into_iter().flatten();
    let words: Vec<String> = fields
        .map(|(name, v)| format!("{name} {}", value(v)))
        .collect();
    words.join(", ")
}

impl FoundSummary {
    /// How many products were computed, and in which time, in a sentence without its full stop.
    pub fn cost(&self) -> String {
        let (run, computed, all) = (&self.run, self.computed, self.last.hvps);
        let seconds = duration(self.last.seconds);
        format!("{run}: {computed} products computed, {all} in all, in {seconds}")
    }
}

impl fmt::Display for FoundSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (run, last) = (&self.run, &self.last);
        let size = size_words(self.matrix, last.parameters, self.params.as_deref());
        writeln!(f, "{run}: {size}")?;
        match &self.steps {
            Some(steps) => write!(f, "{}", steps_words(steps))?,
            // A map has no numbers of its own.
            None if last.parameters == 0 => {}
            None => last.fmt(f)?,
        }
        if let Some(fisher) = self.true_fisher {
            writeln!(f, "\n{fisher}")?;
        }
        self.map.as_ref().map_or(Ok(()), |map| map.fmt(f))
    }
}

/// The numbers at one set of parameters, as tables.
impl fmt::Display for CurvatureSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let facts = [
            ("loss", self.loss),
            ("gradient norm", self.gradient_norm),
            ("limit of stability", self.stability_limit),
        ];
        let known = facts.into_iter();
        let known = known.filter_map(|(name, value)| Some(format!("{name} {}", short(value?))));
        writeln!(f, "{}", known.collect::<Vec<_>>().join("  "))?;
        for (values, name) in [(&self.eigenvalues, "LARGEST"), (&self.bottom, "SMALLEST")] {
            if !values.is_empty() {
                write!(f, "\n{}", eigenvalue_table(name, values))?;
            }
        }
        if let Some(trace) = &self.trace {
            write!(f, "\ntrace    {trace}\n")?;
        }
        if let Some(density) = &self.density {
            write!(f, "\ndensity  {density}\n")?;
        }
        for (parts, name) in [(&self.layers, "LAYER"), (&self.blocks, "BLOCK")] {
            if let Some(parts) = parts {
                write!(f, "\n{}", layer_table(name, parts))?;
            }
        }
        if let Some(pairs) = &self.pairs {
            write!(f, "\n{}", pair_table(pairs))?;
        }
        if let Some(matrices) = &self.matrices {
            write!(f, "\n{}", matrix_table(matrices))?;
        }
        match &self.sharpness {
            Some(rows) => write!(f, "\n{}{SHARPNESS_NOTE}\n", sharpness_table(rows)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for TraceSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mean, error) = (short(self.mean), or_dash(self.se));
        let (method, products) = (&self.method, self.hvps);
        write!(
            f,
            "{mean} (standard error {error}, {method}, {products} products)"
        )
    }
}

impl fmt::Display for DensitySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |end: Option<&f64>| or_dash(end.copied());
        let (from, to) = (end(self.grid.first()), end(self.grid.last()));
        let (probes, steps, width) = (self.probes, self.lanczos_steps, short(self.width));
        write!(
            f,
            "from {from} to {to}, {probes} random vectors of {steps} Lanczos steps, width {width}"
        )?;
        match self.atoms.unwrap_or(0) {
            0 => Ok(()),
            1 => f.write_str(", beside the known eigenvalue"),
            n => write!(f, ", beside the {n} known eigenvalues"),
        }
    }
}

impl fmt::Display for EigenvalueSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unsure = match self.converged {
            true => "",
            false => " (not converged)",
        };
        write!(f, "{}{unsure}", short(self.value))
    }
}

/// A map in a line.
impl fmt::Display for MapSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = shape_words(&self.shape);
        write!(f, "map of {shape} points: |lambda_min / lambda_max| ")?;
        match (self.min_ratio, self.max_ratio) {
            (Some(low), Some(high)) => write!(f, "{} to {}", short(low), short(high))?,
            _ => f.write_str("unknown")?,
        }
        for (count, what) in [
            (self.not_converged, "not converged"),
            (self.missing, "missing"),
        ] {
            if count > 0 {
                write!(f, ", {count} points {what}")?;
            }
        }
        writeln!(f)
    }
}

/// The columns of an eigenvalue, of which the first has a name.
pub(super) const fn eigenvalue_columns(name: &str) -> [(&str, Align); 3] {
    [
        (name, Align::Right),
        ("RESIDUAL", Align::Right),
        ("CONVERGED", Align::Left),
    ]
}

pub(super) fn eigenvalue_cells(found: Option<&EigenvalueSummary>) -> [String; 3] {
    let converged = found.map(|found| if found.converged { "yes" } else { "no" });
    [
        or_dash(found.map(|found| found.value)),
        or_dash(found.map(|found| found.residual)),
        converged.unwrap_or("-").to_owned(),
    ]
}

fn eigenvalue_table(name: &str, values: &[EigenvalueSummary]) -> Table {
    let number = [(name, Align::Right)].into_iter();
    let mut table = Table::new(number.chain(eigenvalue_columns("EIGENVALUE")));
    for (place, value) in values.iter().enumerate() {
        let number = [(place + 1).to_string()].into_iter();
        table.row(number.chain(eigenvalue_cells(Some(value))));
    }
    table
}

fn sharpness_table(rows: &[Sharpness]) -> Table {
    let cells = |row: &Sharpness| {
        let (measure, value) = (row.measure.clone(), short(row.value));
        [
            measure,
            value,
            or_dash(row.se),
            settings_words(&row.settings),
        ]
    };
    Table::new([
        ("SHARPNESS", Align::Left),
        ("VALUE", Align::Right),
        ("STANDARD ERROR", Align::Right),
        ("WITH", Align::Left),
    ])
    .with(rows.iter().map(cells))
}

/// A row for each step of a training, and one for what of it lies in the leading eigenspace where that was computed.
pub(crate) fn steps_words(points: &[CurvatureSummary]) -> String {
    let shares = subspace_table(points);
    let shares = shares.map_or_else(String::new, |table| format!("\n{table}"));
    format!("{}{shares}", steps_table(points))
}

/// A row for each step of a training.
fn steps_table(points: &[CurvatureSummary]) -> Table {
    let first = [("STEP", Align::Right), ("LOSS", Align::Right)].into_iter();
    let last = [("LIMIT", Align::Right), ("TRACE", Align::Right)];
    let mut table = Table::new(first.chain(eigenvalue_columns("LARGEST")).chain(last));
    for point in points {
        let step = point.step.map_or("-".to_owned(), |step| step.to_string());
        let first = [step, or_dash(point.loss)].into_iter();
        let trace = point.trace.as_ref().map(|trace| trace.mean);
        let last = [or_dash(point.stability_limit), or_dash(trace)];
        let largest = eigenvalue_cells(point.eigenvalues.first());
        table.row(first.chain(largest).chain(last));
    }
    table
}
