//! Persistence of the minima of a surface: a diagram and a barcode.

use crate::error::PlotError;
use crate::figure::Figure;
use crate::layout::mark::{self, Mark};
use crate::layout::{Axis, Entry, GAP, LEADING, PAD, Panel, Sheet, Swatch, TICK, Words, draw_axes};
use crate::options::Options;
use crate::scale::{Transform, ValueScale};
use crate::style::{AXIS, GREY, LINES, Style};
use crate::svg::{Anchor, Canvas, Path, Rect, Stroke, Text};
use crate::text;
use landscape_core::Persistence;

/// Room about the values, as a share of the scale.
const MARGIN: f64 = 0.06;
/// Above the scale, the room of the minima that never join a deeper one, in points.
const NEVER: f64 = 11.0;
/// The largest side of a diagram, in points: 75 mm.
const LARGEST: f64 = 213.0;
/// The most bars.
const BARS: usize = 40;
/// Height of a bar and the room of it, in points.
const BAR: [f64; 2] = [1.6, 3.6];

/// The persistence diagram of the sub-level sets: each minimum at its value (birth) and at the
/// level where it joins a deeper one (death); those that never do stand at the top. The height
/// above the diagonal is the barrier out of the minimum: what is near the diagonal is noise. From
/// [`landscape_core::MergeTree::decided`].
///
/// # Errors
/// When there is no minimum, or an option is not usable.
///
/// ```
/// use landscape_core::{Grid, Sampler, Surface, Value, analytic, from_fn, merge_tree};
/// use landscape_plot::{Options, persistence};
///
/// let mut surface = Surface::new(Grid::square(61, 2.5, 2)?, vec![]);
/// Sampler::new().run(&from_fn(analytic::rastrigin), &mut surface, &mut [])?;
/// let pairs = merge_tree(&surface, Value::Loss).decided();
/// let figure = persistence(&pairs, &Options::default())?;
/// assert!(figure.svg().contains("birth") && figure.svg().contains("never"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn persistence(pairs: &[Persistence], options: &Options) -> Result<Figure, PlotError> {
    check(pairs, options)?;
    let mut sheet = Sheet::new(options);
    let scale = scale(pairs, options);
    let panel = diagram_panel(&scale, &sheet);
    let (canvas, style) = (&mut sheet.canvas, options.style);
    draw_diagonal(canvas, &panel);
    draw_points(canvas, pairs, &panel);
    let words = [
        format!("birth: {} of the minimum", name(options)),
        format!("death: {} of the pass", name(options)),
    ];
    let words = [Words::All(&words[0]), Words::All(&words[1])];
    draw_axes(canvas, &panel, words, &style, true);
    let base = panel.frame.y + NEVER / 2.0 + text::CAP_HEIGHT / 2.0 * style.small();
    let never = Text::new("never", panel.frame.x - TICK - GAP, base, style.small());
    if pairs.iter().any(|p| p.death.is_none()) {
        canvas.text(&never.anchor(Anchor::End));
    }
    sheet.legend = entries(pairs);
    sheet.notes.extend(scale.notes.iter().cloned());
    sheet
        .notes
        .push(format!("the diagram shows {}", counted(pairs)));
    let bottom = panel.bottom;
    Ok(sheet.finish(panel.frame.x, bottom, "Persistence diagram"))
}

/// The barcode of the same: a bar from birth to death for each minimum, the lowest first; bars of
/// minima that never join a deeper one end in an arrow. The most persistent 40 are drawn.
///
/// # Errors
/// As [`persistence`].
pub fn barcode(pairs: &[Persistence], options: &Options) -> Result<Figure, PlotError> {
    check(pairs, options)?;
    let mut sheet = Sheet::new(options);
    let scale = scale(pairs, options);
    let shown = shown(pairs);
    let style = options.style;
    let (lo, hi) = ends(&scale);
    let high = shown.len() as f64 * BAR[1] + 4.0;
    let frame = Rect::new(
        PAD + 4.0,
        sheet.top + 2.0,
        sheet.width() - 2.0 * PAD - 12.0,
        high,
    );
    let across = (frame.x, frame.right() - NEVER);
    let panel = Panel {
        frame,
        x: Axis::horizontal(scale.transform, lo, hi, across, style.small()),
        y: Axis::with_ticks(
            Transform::Linear,
            0.0,
            1.0,
            (frame.bottom(), frame.y),
            vec![],
        ),
        bottom: frame.bottom() + TICK + GAP + style.small() + GAP + LEADING * style.font_pt,
    };
    draw_bars(&mut sheet.canvas, &shown, &panel);
    let label = name(options);
    let words = [Words::All(label.as_str()), Words::Nothing];
    draw_axes(&mut sheet.canvas, &panel, words, &style, false);
    sheet
        .notes
        .push("each bar is a minimum, from its value to that of its pass".to_owned());
    sheet.notes.extend(scale.notes.iter().cloned());
    if shown.len() < pairs.len() {
        sheet.notes.push(format!(
            "these are the {} most persistent of {}",
            shown.len(),
            counted(pairs)
        ));
    }
    Ok(sheet.finish(frame.x, panel.bottom, "Persistence barcode"))
}

fn check(pairs: &[Persistence], options: &Options) -> Result<(), PlotError> {
    options.check()?;
    match pairs.is_empty() {
        false => Ok(()),
        true => Err(PlotError::Empty {
            figure: "persistence",
            what: "minimum",
        }),
    }
}

fn name(options: &Options) -> String {
    options
        .value_label
        .clone()
        .unwrap_or_else(|| "loss".to_owned())
}

/// The scale of births and deaths.
fn scale(pairs: &[Persistence], options: &Options) -> ValueScale {
    let values: Vec<f64> = pairs
        .iter()
        .flat_map(|p| [Some(p.birth), p.death])
        .flatten()
        .collect();
    ValueScale::of(&values, options.scale, options.clip, options.range)
}

/// The ends of the scale with room about the values.
fn ends(scale: &ValueScale) -> (f64, f64) {
    let (a, b) = scale.ends();
    let room = MARGIN * (b - a);
    (
        scale.transform.inverse(a - room),
        scale.transform.inverse(b + room),
    )
}

/// A square frame whose axes are the same, and room above for what never dies.
fn diagram_panel(scale: &ValueScale, sheet: &Sheet<'_>) -> Panel {
    let style: &Style = &sheet.style;
    let small = style.small();
    let (lo, hi) = ends(scale);
    let below = GAP + LEADING * style.font_pt;
    let mut left = PAD + below + GAP + TICK + text::width("never", small);
    let mut panel = None;
    for _ in 0..2 {
        let side = (sheet.width() - left - PAD - 8.0).min(LARGEST);
        let frame = Rect::new(left, sheet.top + 2.0, side, side + NEVER);
        let up = (frame.bottom(), frame.y + NEVER);
        let made = Panel {
            frame,
            x: Axis::horizontal(scale.transform, lo, hi, (frame.x, frame.right()), small),
            y: Axis::vertical(scale.transform, lo, hi, up, small),
            bottom: frame.bottom() + TICK + GAP + small + below,
        };
        let labels = made.y.label_width(small).max(text::width("never", small));
        left = PAD + below + labels + GAP + TICK;
        panel = Some(made);
    }
    panel.unwrap_or_else(|| unreachable!("two rounds"))
}

fn draw_diagonal(canvas: &mut Canvas, panel: &Panel) {
    let (lo, hi) = (panel.x.lo(), panel.x.hi());
    let line = Path::segment(
        panel.x.at(lo),
        panel.y.at(lo),
        panel.x.at(hi),
        panel.y.at(hi),
    );
    canvas.line(&line, Stroke::new(GREY, AXIS));
    let f = panel.frame;
    let top = f.y + NEVER;
    let line = Path::segment(f.x, top, f.right(), top);
    canvas.line(&line, Stroke::new(GREY, AXIS).dash(&[1.5, 1.5]));
}

fn draw_points(canvas: &mut Canvas, pairs: &[Persistence], panel: &Panel) {
    canvas.group("minima");
    canvas.clipped(panel.frame.inset(-2.0));
    for pair in pairs {
        let x = panel.x.at(pair.birth);
        match pair.death {
            Some(death) => mark::draw(canvas, Mark::Disc, x, panel.y.at(death), 1.8, LINES[0]),
            None => {
                let y = panel.frame.y + NEVER / 2.0;
                mark::draw(canvas, Mark::Triangle, x, y, 2.4, LINES[1]);
            }
        }
    }
    canvas.end();
    canvas.end();
}

fn entries(pairs: &[Persistence]) -> Vec<Entry> {
    let mut entries = Vec::new();
    if pairs.iter().any(|p| p.death.is_some()) {
        entries.push(Entry::new(
            Swatch::Point(Mark::Disc, LINES[0]),
            "joins a deeper minimum",
        ));
    }
    if pairs.iter().any(|p| p.death.is_none()) {
        entries.push(Entry::new(
            Swatch::Point(Mark::Triangle, LINES[1]),
            "never does",
        ));
    }
    entries
}

fn counted(pairs: &[Persistence]) -> String {
    match pairs.len() {
        1 => "one minimum".to_owned(),
        n => format!("{n} minima"),
    }
}

/// The most persistent minima, by birth.
fn shown(pairs: &[Persistence]) -> Vec<Persistence> {
    let height = |p: &Persistence| p.death.map_or(f64::INFINITY, |d| d - p.birth);
    let mut shown = pairs.to_vec();
    shown.sort_by(|a, b| height(b).total_cmp(&height(a)));
    shown.truncate(BARS);
    shown.sort_by(|a, b| a.birth.total_cmp(&b.birth));
    shown
}

fn draw_bars(canvas: &mut Canvas, shown: &[Persistence], panel: &Panel) {
    canvas.group("bars");
    canvas.clipped(panel.frame.inset(-1.0));
    for (k, pair) in shown.iter().enumerate() {
        let y = panel.frame.bottom() - 2.0 - (k as f64 + 0.5) * BAR[1];
        let (x, right) = (panel.x.at(pair.birth), panel.frame.right());
        let bar = |to: f64| Path::new().rect(Rect::new(x, y - BAR[0] / 2.0, to - x, BAR[0]));
        match pair.death {
            Some(death) => canvas.fill(&bar(panel.x.at(death)), LINES[0]),
            None => {
                canvas.fill(&bar(right - 4.0), LINES[1]);
                let tip = [(right - 5.0, y - 2.4), (right, y), (right - 5.0, y + 2.4)];
                canvas.fill(&Path::new().polyline(&tip, true), LINES[1]);
            }
        }
    }
    canvas.end();
    canvas.end();
}
