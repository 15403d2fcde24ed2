//! Display lists in the page: what the figures draw of a quantity over its whole range.

use super::PageRun;
use crate::display::{List, Plane, extent, is_whole, model_obstacles};
use crate::layout::{Axis, Bar, Panel, ratio};
use crate::options::{Aspect, Options};
use crate::scale::levels::{Level, of_scale};
use crate::scale::ticks::Tick;
use crate::scale::{Clip, Scale, Transform, ValueScale};
use crate::style::Style;
use crate::svg::Rect;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landscape_core::Value;
use serde::Serialize;

/// The width of the frame that lists are laid out for; the viewer draws them larger or smaller.
const WIDTH: f64 = 400.0;
/// Size of type in that frame.
const FONT: f64 = 11.0;
/// Points of lines that lie this close to the line without them are left out.
const OFF: f64 = 0.12;
/// Parts of the frame's width and height that coordinates of lines are whole numbers of.
const PARTS: f64 = 4096.0;
/// Lines that take more bytes than this, as those of noise do, are left to the viewer.
const MOST: usize = 18_000;

/// What is drawn of a quantity.
#[derive(Serialize)]
pub(super) struct Drawn {
    transform: TransformPayload,
    lo: f64,
    hi: f64,
    levels: Vec<LevelPayload>,
    /// Of the colour bar.
    ticks: Vec<TickPayload>,
    /// Contour lines, see [`pack`]; absent for lines, volumes, and where there are too many.
    lines: Option<String>,
    /// Of each label its level, its middle in parts of the frame, and its angle in degrees, clockwise.
    words: Vec<[i32; 4]>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum TransformPayload {
    Linear,
    Scaled { unit: f64 },
    Log,
    SymLog { threshold: f64 },
}

impl From<Transform> for TransformPayload {
    fn from(transform: Transform) -> Self {
        match transform {
            Transform::Linear => TransformPayload::Linear,
            Transform::Scaled { unit } => TransformPayload::Scaled { unit },
            Transform::Log => TransformPayload::Log,
            // Values never have the smooth one, which is for axes of curves.
            Transform::SymLog { threshold } | Transform::Arsinh { threshold } => {
                TransformPayload::SymLog { threshold }
            }
        }
    }
}

#[derive(Serialize)]
pub(super) struct LevelPayload {
    value: f64,
    text: String,
    labelled: bool,
}

impl From<Level> for LevelPayload {
    fn from(level: Level) -> Self {
        LevelPayload {
            value: level.value,
            text: level.text,
            labelled: level.labelled,
        }
    }
}

/// A minor tick has no text.
#[derive(Serialize)]
pub(super) struct TickPayload {
    value: f64,
    text: Option<String>,
}

impl From<Tick> for TickPayload {
    fn from(tick: Tick) -> Self {
        TickPayload {
            value: tick.value,
            text: tick.label,
        }
    }
}

/// Height over width of the frame of a run.
pub(super) fn shape(run: &PageRun) -> f64 {
    match run.surface.grid().axes() {
        [x, y, ..] => ratio(aspect(run), extent(x, 0.0), extent(y, 0.0)),
        _ => ratio(Aspect::Free, (0.0, 1.0), (0.0, 1.0)),
    }
}

fn aspect(run: &PageRun) -> Aspect {
    match run.equal_aspect {
        true => Aspect::Equal,
        false => Aspect::Free,
    }
}

fn style() -> Style {
    Style {
        font_pt: FONT,
        ..Style::default()
    }
}

/// The axis of a direction along the frame.
fn axis(run: &PageRun, direction: usize) -> Axis {
    let points = &run.surface.grid().axes()[direction];
    let ((lo, hi), small) = (extent(points, 0.0), style().small());
    let linear = Transform::Linear;
    let along = match direction {
        1 => Axis::vertical(linear, lo, hi, (WIDTH * shape(run), 0.0), small),
        _ => Axis::horizontal(linear, lo, hi, (0.0, WIDTH), small),
    };
    along.whole(is_whole(points))
}

/// The ticks of a direction.
pub(super) fn ticks(run: &PageRun, direction: usize) -> Vec<TickPayload> {
    let ticks = axis(run, direction).ticks.into_iter();
    ticks.map(TickPayload::from).collect()
}

impl Drawn {
    pub fn of(run: &PageRun, value: Value, values: &[f64], scale: Scale) -> Self {
        let options = Options {
            value,
            scale,
            style: style(),
            aspect: aspect(run),
            origin: run.origin.clone(),
            networks: run.networks.clone(),
            ..Options::default()
        };
        let list = (run.surface.grid().dims() == 2)
            .then(|| lines(run, &options))
            .flatten();
        let scale = ValueScale::of(values, scale, Clip::default(), None);
        let known = of_scale(&scale);
        let ticks = Bar::ticks_of(&scale, &known, &options.style, WIDTH * shape(run)).into_iter();
        let (lines, words) = list.unzip();
        Drawn {
            ticks: ticks.map(TickPayload::from).collect(),
            transform: scale.transform.into(),
            lo: scale.lo,
            hi: scale.hi,
            levels: known.into_iter().map(LevelPayload::from).collect(),
            lines,
            words: words.unwrap_or_default(),
        }
    }
}

/// The contour lines of a plane and their labels, where the lines are few enough.
fn lines(run: &PageRun, options: &Options) -> Option<(String, Vec<[i32; 4]>)> {
    let data = Plane::of(&run.surface, options).ok()?;
    let frame = Rect::new(0.0, 0.0, WIDTH, WIDTH * shape(run));
    let panel = Panel {
        frame,
        x: axis(run, 0),
        y: axis(run, 1),
        bottom: frame.bottom(),
    };
    let list = List::lines(&data, &panel, OFF);
    let packed = pack(&list, frame);
    if packed.len() > MOST {
        return None;
    }
    let obstacles = model_obstacles(options, &panel);
    let list = list.labelled(&data, &panel, options.style.tiny(), &obstacles);
    let words = list.words.iter().map(|word| {
        let (x, y) = parts((word.area.x, word.area.y), frame);
        [word.level as i32, x, y, libm::round(word.angle) as i32]
    });
    Some((STANDARD.encode(&packed), words.collect()))
}

/// A point in parts of a frame.
fn parts((x, y): (f64, f64), frame: Rect) -> (i32, i32) {
    let part = |at: f64, size: f64| libm::round(at / size * PARTS) as i32;
    (part(x - frame.x, frame.w), part(y - frame.y, frame.h))
}

/// Lines as bytes: of each its level, twice the number of its points and one more where it is closed, and the steps
/// from point to point, the first from the frame's upper left corner. Numbers are in groups of seven bits,
/// the lowest first, and steps have their sign in the lowest bit.
fn pack(list: &List, frame: Rect) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in &list.lines {
        let mut points: Vec<(i32, i32)> = { line.curve.points().iter() }
            .map(|point| parts(*point, frame))
            .collect();
        points.dedup();
        let closed = usize::from(line.curve.closed());
        points.truncate(points.len() - closed);
        if points.len() < 2 {
            continue;
        }
        put(&mut bytes, line.level as u32);
        put(&mut bytes, (2 * points.len() + closed) as u32);
        let mut last = (0, 0);
        for (x, y) in points {
            for step in [x - last.0, y - last.1] {
                put(&mut bytes, ((step << 1) ^ (step >> 31)) as u32);
            }
            last = (x, y);
        }
    }
    bytes
}

fn put(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 128 {
        bytes.push((number & 127) as u8 | 128);
        number >>= 7;
    }
    bytes.push(number as u8);
}
