//! The data element of the page: JSON with its arrays packed in base64.

use super::drawn::{self, Drawn, TickPayload};
use super::{PageData, PageRun};
use crate::scale::finite_range;
use crate::style::{LINES, is_dark};
use crate::text::number::value;
use crate::{Colormap, LossCurve, PlacedNetwork, Scale};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landscape_core::{
    Diagnosis, Fidelity, PointSource, Projection, Surface, Trajectory, Value, merge_tree, metrics,
};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;

/// The data as JSON that is safe inside a script element.
pub(super) fn json(data: &PageData) -> Result<String, serde_json::Error> {
    Ok(inert(&serde_json::to_string(&Payload::of(data))?))
}

/// JSON that is safe inside a script element: `<` is written as an escape, so neither `</script` nor `<!--` can occur.
///
/// ```
/// assert_eq!(landscape_plot::page::inert("\"</script>\""), "\"\\u003c/script>\"");
/// ```
pub fn inert(json: &str) -> String {
    json.replace('<', "\\u003c")
}

/// Little-endian numbers in base64, as f32 where that keeps every bit and as f64 elsewhere.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Packed {
    F32(String),
    F64(String),
}

fn pack(values: impl IntoIterator<Item = f64>) -> Packed {
    let values: Vec<f64> = values.into_iter().collect();
    let exact = |v: &f64| v.is_nan() || f64::from(*v as f32) == *v;
    if values.iter().all(exact) {
        let bytes: Vec<u8> = { values.iter() }
            .flat_map(|&v| (v as f32).to_le_bytes())
            .collect();
        return Packed::F32(STANDARD.encode(bytes));
    }
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    Packed::F64(STANDARD.encode(bytes))
}

/// Entries of a table of colours.
const COLORS: usize = 512;

/// The name of a colour map, and its table: of each entry red, green, blue, and 1 where ink on it is white.
fn table(map: Colormap) -> (&'static str, String) {
    let colors = map.table(COLORS).into_iter();
    let entries = colors.flat_map(|color| [color[0], color[1], color[2], u8::from(is_dark(color))]);
    (map.name(), STANDARD.encode(entries.collect::<Vec<u8>>()))
}

#[derive(Serialize)]
struct Payload<'a> {
    schema: u32,
    title: &'a str,
    log: bool,
    command: &'a str,
    provenance: &'a [(String, String)],
    /// Colours of values from low to high, those of the figures; see [`table`].
    colormaps: BTreeMap<&'static str, String>,
    /// Colours of several paths, in the order of use.
    lines: &'static [&'static str],
    runs: Vec<RunPayload<'a>>,
}

impl<'a> Payload<'a> {
    fn of(data: &'a PageData) -> Self {
        Payload {
            schema: 2,
            title: &data.title,
            log: data.log,
            command: data.command.as_deref().unwrap_or_default(),
            provenance: &data.provenance,
            colormaps: Colormap::ALL.iter().map(|map| table(*map)).collect(),
            lines: &LINES,
            runs: data.runs.par_iter().map(RunPayload::of).collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunPayload<'a> {
    name: &'a str,
    heading: &'a str,
    description: &'a str,
    origin: &'a str,
    #[serde(rename = "places")]
    networks: Vec<NetworkPayload<'a>>,
    command: &'a str,
    axes: Vec<AxisPayload<'a>>,
    /// Whether both axes have one measure.
    equal_aspect: bool,
    /// Height over width of the frame.
    ratio: f64,
    quantities: Vec<Quantity>,
    /// Key and weight of each extra term.
    weights: Vec<(String, f64)>,
    missing: Option<Packed>,
    interpolated: Option<Packed>,
    tolerance: Option<f64>,
    paths: Vec<PathPayload<'a>>,
    minima: Vec<MinimumPayload>,
    diagnoses: &'a [(String, Diagnosis)],
    curves: Vec<CurvePayload<'a>>,
    metrics: &'a [(String, String)],
    provenance: &'a [(String, String)],
}

impl<'a> RunPayload<'a> {
    fn of(run: &'a PageRun) -> Self {
        let surface = &run.surface;
        let axes = { run.axis_labels.iter() }.enumerate();
        let weights = { surface.terms().iter() }.map(|term| (term_key(&term.name), term.weight));
        RunPayload {
            name: &run.name,
            heading: run.heading.as_deref().unwrap_or_default(),
            description: run.description.as_deref().unwrap_or_default(),
            origin: run.origin.as_deref().unwrap_or_default(),
            networks: run.networks.iter().map(NetworkPayload::of).collect(),
            command: run.command.as_deref().unwrap_or_default(),
            axes: axes
                .map(|(direction, label)| AxisPayload::of(run, direction, label))
                .collect(),
            equal_aspect: run.equal_aspect,
            ratio: drawn::shape(run),
            quantities: quantities(run),
            weights: weights.collect(),
            missing: missing(surface),
            interpolated: interpolated(surface),
            tolerance: run.tolerance,
            paths: paths(run),
            minima: minima(surface),
            diagnoses: &run.diagnoses,
            curves: run.curves.iter().map(CurvePayload::of).collect(),
            metrics: &run.metrics,
            provenance: &run.provenance,
        }
    }
}

#[derive(Serialize)]
struct NetworkPayload<'a> {
    name: &'a str,
    at: [f64; 3],
}

impl<'a> NetworkPayload<'a> {
    fn of(network: &'a PlacedNetwork) -> Self {
        NetworkPayload {
            name: &network.name,
            at: network.at,
        }
    }
}

#[derive(Serialize)]
struct AxisPayload<'a> {
    label: &'a str,
    coords: Packed,
    ticks: Vec<TickPayload>,
}

impl<'a> AxisPayload<'a> {
    fn of(run: &PageRun, direction: usize, label: &'a str) -> Self {
        AxisPayload {
            label,
            coords: pack(run.surface.grid().axes()[direction].values()),
            ticks: drawn::ticks(run, direction),
        }
    }
}

#[derive(Serialize)]
struct Quantity {
    key: String,
    label: String,
    /// Absent for the total, which the viewer adds up.
    data: Option<Packed>,
    linear: Drawn,
    /// Absent for accuracies, and where no value is positive.
    log: Option<Drawn>,
}

fn term_key(name: &str) -> String {
    format!("term:{name}")
}

/// The loss, and whatever else at least one sample carries.
fn quantities(run: &PageRun) -> Vec<Quantity> {
    let surface = &run.surface;
    let loss = if surface.terms().is_empty() {
        "loss"
    } else {
        "data loss"
    };
    let mut wanted = vec![
        ("loss".to_string(), loss.to_string(), Value::Loss),
        (
            "accuracy".to_string(),
            "accuracy".to_string(),
            Value::Accuracy,
        ),
        (
            "loss_se".to_string(),
            "standard error of the loss".to_string(),
            Value::LossSe,
        ),
    ];
    for (index, term) in surface.terms().iter().enumerate() {
        let label = format!("{}, not weighted", term.name);
        wanted.push((term_key(&term.name), label, Value::Term(index)));
    }
    if !surface.terms().is_empty() {
        let terms = surface.terms().iter();
        let words = terms.map(|term| format!("{} {}", value(term.weight, 4), term.name));
        let sum = words.collect::<Vec<_>>().join(" + ");
        let label = format!("total loss (data + {sum})");
        wanted.push(("total".to_string(), label, Value::Total));
    }
    let pick = |(key, label, value): (String, String, Value)| {
        let values = surface.values(value);
        let optional = matches!(value, Value::Accuracy | Value::LossSe);
        let known = !optional || values.iter().any(|v| !v.is_nan());
        let positive = finite_range(&values).is_some_and(|(_, high)| high > 0.0);
        let log = positive && value != Value::Accuracy;
        known.then(|| {
            let (linear, log) = rayon::join(
                || Drawn::of(run, value, &values, Scale::Linear),
                || log.then(|| Drawn::of(run, value, &values, Scale::Log)),
            );
            Quantity {
                key,
                label,
                linear,
                log,
                data: (value != Value::Total).then(|| pack(values)),
            }
        })
    };
    wanted.into_par_iter().filter_map(pick).collect()
}

/// Indices of the points not computed; a NaN that was computed is not among them.
fn missing(surface: &Surface) -> Option<Packed> {
    if surface.is_complete() {
        return None;
    }
    let absent = (0..surface.grid().len()).filter(|&index| surface.get(index).is_none());
    Some(pack(absent.map(|index| index as f64)))
}

/// Indices of the points interpolated.
fn interpolated(surface: &Surface) -> Option<Packed> {
    let is = |index: &usize| surface.source(*index) == Some(PointSource::Interpolated);
    let points = (0..surface.grid().len()).filter(is);
    (surface.interpolated() > 0).then(|| pack(points.map(|index| index as f64)))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PathPayload<'a> {
    name: &'a str,
    warnings: Vec<String>,
    projection: &'static str,
    explained: Vec<f64>,
    step: Vec<u64>,
    x: Packed,
    y: Packed,
    z: Packed,
    residual: Packed,
    loss: Packed,
    plane_loss: Packed,
}

/// The paths that have points.
fn paths(run: &PageRun) -> Vec<PathPayload<'_>> {
    let only = run.trajectory.iter().map(|path| ("", path));
    let named = run.paths.iter().map(|(name, path)| (name.as_str(), path));
    let known = only
        .chain(named)
        .filter(|(_, path)| !path.points.is_empty());
    known
        .map(|(name, path)| PathPayload::of(name, path))
        .collect()
}

/// Minima whose persistence is at least this share of the robust range are listed.
const PERSISTENCE: f64 = 0.01;
/// The most minima that are listed.
const MINIMA: usize = 12;

#[derive(Serialize)]
struct MinimumPayload {
    at: [f64; 2],
    value: f64,
    /// The persistence; absent where the minimum never joins a deeper one.
    barrier: Option<f64>,
}

/// The minima of a plane that stand out, from the lowest.
fn minima(surface: &Surface) -> Vec<MinimumPayload> {
    let (Ok(figures), 2) = (metrics(surface), surface.grid().dims()) else {
        return Vec::new();
    };
    let least = PERSISTENCE * figures.robust_range;
    let stands_out = |barrier: Option<f64>| barrier.is_none_or(|b| b >= least);
    let all = merge_tree(surface, Value::Loss).decided().into_iter();
    let mut minima: Vec<MinimumPayload> = all
        .map(|pair| MinimumPayload {
            at: [0, 1].map(|k| surface.grid().point(pair.minimum)[k]),
            value: pair.birth,
            barrier: pair.death.map(|death| death - pair.birth),
        })
        .filter(|minimum| stands_out(minimum.barrier))
        .collect();
    minima.truncate(MINIMA);
    minima.sort_by(|a, b| a.value.total_cmp(&b.value));
    minima
}

impl<'a> PathPayload<'a> {
    fn of(name: &'a str, path: &Trajectory) -> Self {
        let points = || path.points.iter();
        let axis = |k: usize| pack(points().map(|p| p.coords[k]));
        PathPayload {
            name,
            warnings: Fidelity::of(path).warnings(),
            projection: match path.projection {
                Projection::Cos => "cosine projection",
                Projection::LeastSquares => "least squares",
            },
            explained: path.explained_variance.clone(),
            step: points().map(|p| p.step).collect(),
            x: axis(0),
            y: axis(1),
            z: axis(2),
            residual: pack(points().map(|p| p.residual)),
            loss: pack(points().map(|p| p.loss.unwrap_or(f64::NAN))),
            plane_loss: pack(points().map(|p| p.plane_loss.unwrap_or(f64::NAN))),
        }
    }
}

#[derive(Serialize)]
struct CurvePayload<'a> {
    label: &'a str,
    steps: Packed,
    losses: Packed,
    /// Empty where they are not known.
    accuracies: Packed,
}

impl<'a> CurvePayload<'a> {
    fn of(curve: &'a LossCurve) -> Self {
        CurvePayload {
            label: &curve.name,
            steps: pack(curve.steps.iter().copied()),
            losses: pack(curve.losses.iter().copied()),
            accuracies: pack(curve.accuracies.iter().copied()),
        }
    }
}
