//! Planes side by side on one scale.

use super::contour::{colors, draw_plane};
use super::paths::{self, Look, PathOnPlane, Paths};
use super::plane::{draw_models, hole_entries};
use crate::display::{Plane, extent, is_whole, model_obstacles};
use crate::error::PlotError;
use crate::field;
use crate::figure::Figure;
use crate::layout::{
    Axis, Bar, Entry, GAP, LEADING, PAD, Panel, Sheet, Swatch, TICK, Words, draw_axes, label_lines,
    ratio,
};
use crate::options::{Fill, Options};
use crate::scale::{Transform, ValueScale};
use crate::style::Style;
use crate::svg::{Anchor, Rect, Text};
use crate::text;
use landscape_core::Surface;

/// Between two panels, in points, besides labels.
const BETWEEN: f64 = 9.0;
/// Between a panel and the title of the next row's, in points.
const ROW: f64 = 5.0;
/// The tallest frame, over its column's width.
const TALLEST: f64 = 1.1;
/// The most panels.
const MOST: usize = 6;

/// One of several planes side by side.
#[derive(Debug, Clone, Copy)]
pub struct PanelOf<'a> {
    /// A line above it.
    pub title: &'a str,
    /// Its values, over axes of its own.
    pub surface: &'a Surface,
    /// Paths of training on it; paths of one name look alike in all panels.
    pub paths: &'a [PathOnPlane<'a>],
}

/// Two to six planes as contours side by side, with axes of their own, on one scale of colours with
/// one colour bar. Contours, clipping, holes and paths are drawn as by [`super::contour`] and
/// [`super::trajectories`]; a single path is drawn as by [`super::trajectory`]. Meant for a page
/// ([`crate::Size::Double`]): three panels a row there, two in a column.
///
/// # Errors
/// When there are fewer than two panels or more than six, as [`super::contour`] for each of them, or
/// a path has no points.
///
/// ```
/// use landscape_core::{Grid, Sampler, Surface, from_fn};
/// use landscape_plot::{Options, PanelOf, Scale, Size, Style, side_by_side};
///
/// let bowl = |c: f64| -> Result<Surface, Box<dyn std::error::Error>> {
///     let objective = from_fn(move |[x, y]: [f64; 2]| 0.1 + x * x + c * y * y);
///     let mut surface = Surface::new(Grid::square(21, 1.0, 2)?, vec![]);
///     Sampler::new().run(&objective, &mut surface, &mut [])?;
///     Ok(surface)
/// };
/// let (wide, narrow) = (bowl(1.0)?, bowl(20.0)?);
/// let panels = [
///     PanelOf { title: "width 32", surface: &wide, paths: &[] },
///     PanelOf { title: "width 2", surface: &narrow, paths: &[] },
/// ];
/// let options = Options { scale: Scale::Log, style: Style::of(Size::Double), ..Options::default() };
/// assert!(side_by_side(&panels, &options)?.svg().contains("width 32"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn side_by_side(panels: &[PanelOf<'_>], options: &Options) -> Result<Figure, PlotError> {
    check(panels, options)?;
    let values = all_values(panels, options)?;
    let scale = options.value_scale(&values);
    let planes = planes(panels, options, &scale)?;
    let name = options.value_name(panels[0].surface);
    let bar = planes.iter().find(|p| p.has_values()).map(|plane| Bar {
        scale: &scale,
        colormap: options.style.colormap,
        name: name.clone(),
        levels: &plane.levels,
        ticks: &[],
        bands: options.fill == Fill::Bands,
    });
    let mut sheet = Sheet::new(options);
    for plane in &planes {
        let (across, up) = (extent(&plane.field.x, 0.0), extent(&plane.field.y, 0.0));
        sheet.note_aspect(across, up, ratio(options.aspect, across, up));
    }
    let labels: Vec<[String; 2]> = panels
        .iter()
        .map(|p| paths::labels(p.paths, options))
        .collect();
    let layout = Layout::of(&planes, &labels, &sheet, bar.as_ref());
    let looks = looks(panels);
    for (k, panel) in panels.iter().enumerate() {
        draw_panel(&mut sheet, &layout, k, &planes[k], panel.title, &looks[k])?;
        let warnings = paths::warnings(panel.paths).into_iter();
        let words = warnings.map(|words| format!("in “{}”, {words}", panel.title));
        sheet.notes.extend(words);
    }
    if let (Some(frame), Some(plane)) = (sheet.frames.last_mut(), planes.last()) {
        frame.colors = colors(plane, options, &name);
    }
    if let Some(bar) = &bar {
        bar.draw(&mut sheet.canvas, layout.area(), &options.style);
    }
    let cells: Vec<field::Cell> = planes
        .iter()
        .flat_map(|p| p.field.cells.iter().copied())
        .collect();
    sheet.legend.extend(hole_entries(&cells));
    sheet.note_scale(&scale, &values);
    sheet.note_smoothing();
    sheet.notes.dedup();
    let left = layout.area().x;
    Ok(sheet.finish(
        left,
        layout.bottom,
        &format!("Contours of the {name}, side by side"),
    ))
}

fn check(panels: &[PanelOf<'_>], options: &Options) -> Result<(), PlotError> {
    options.check()?;
    if !(2..=MOST).contains(&panels.len()) {
        return Err(PlotError::Option {
            option: "panels",
            given: panels.len().to_string(),
            rule: "2 to 6",
        });
    }
    for panel in panels {
        field::expect_dims(panel.surface, 2, "contour")?;
        field::expect_lines(panel.surface, "contour")?;
        paths::check(panel.paths)?;
    }
    Ok(())
}

fn all_values(panels: &[PanelOf<'_>], options: &Options) -> Result<Vec<f64>, PlotError> {
    let mut values = Vec::new();
    for panel in panels {
        values.extend(field::read(panel.surface, options.value)?.0);
    }
    Ok(values)
}

fn planes(
    panels: &[PanelOf<'_>],
    options: &Options,
    scale: &ValueScale,
) -> Result<Vec<Plane>, PlotError> {
    let plane = |panel: &PanelOf<'_>| {
        let (values, _) = field::read(panel.surface, options.value)?;
        Plane::on(panel.surface, options, scale.clone(), values)
    };
    panels.iter().map(plane).collect()
}

/// The looks of all paths: one a name, unless every panel has one path at most.
fn looks<'a>(panels: &[PanelOf<'a>]) -> Vec<Vec<(Look, PathOnPlane<'a>)>> {
    let mut names: Vec<&str> = Vec::new();
    for path in panels.iter().flat_map(|p| p.paths) {
        if !names.contains(&path.name) {
            names.push(path.name);
        }
    }
    let alone = panels.iter().all(|p| p.paths.len() < 2);
    let look = |path: &PathOnPlane<'a>| {
        let nth = names.iter().position(|n| *n == path.name).unwrap_or(0);
        let look = if alone { Look::ALONE } else { Look::nth(nth) };
        (look, *path)
    };
    panels
        .iter()
        .map(|p| p.paths.iter().map(look).collect())
        .collect()
}

/// Frames in rows and columns.
struct Layout<'a> {
    panels: Vec<Panel>,
    /// Labels of each panel's axes; none where a neighbour has the same.
    words: Vec<[Words<'a>; 2]>,
    bottom: f64,
}

impl<'a> Layout<'a> {
    fn of(
        planes: &[Plane],
        labels: &'a [[String; 2]],
        sheet: &Sheet<'_>,
        bar: Option<&Bar<'_>>,
    ) -> Self {
        let columns = columns(planes.len(), sheet.style.width_mm);
        let same = labels.iter().all(|l| *l == labels[0]);
        let last = planes.len();
        let words = |k: usize| {
            let [across, up] = &labels[k];
            [
                if !same || k + columns >= last {
                    Words::All(across)
                } else {
                    Words::Ticks
                },
                if !same || k.is_multiple_of(columns) {
                    Words::All(up)
                } else {
                    Words::Ticks
                },
            ]
        };
        let words: Vec<[Words<'a>; 2]> = (0..last).map(words).collect();
        let mut layout = Layout {
            panels: Vec::new(),
            words,
            bottom: 0.0,
        };
        // Labels depend on frames, which depend on the room that labels take: it only grows, so that
        // a width is found at which both agree.
        let (mut width, mut rooms) = (0.2 * sheet.width(), vec![0.0; columns]);
        for _ in 0..12 {
            layout.place(planes, &rooms, sheet, width);
            let needed = layout.rooms(columns, &sheet.style);
            let high = layout.area().h;
            let used = layout.right() + bar.map_or(8.0, |b| b.width(&sheet.style, high)) + PAD;
            let spare = sheet.width() - used;
            if spare.abs() < 0.01 && rooms.iter().zip(&needed).all(|(r, n)| r >= n) {
                break;
            }
            let grown: f64 = needed
                .iter()
                .zip(&rooms)
                .map(|(n, r)| f64::max(n - r, 0.0))
                .sum();
            rooms
                .iter_mut()
                .zip(needed)
                .for_each(|(room, n)| *room = room.max(n));
            width = (width + (spare - grown) / columns as f64).max(20.0);
        }
        layout
    }

    /// Frames of one width from the upper left on; what stands left of the frames of a column has the
    /// room of its place in `rooms`.
    fn place(&mut self, planes: &[Plane], rooms: &[f64], sheet: &Sheet<'_>, width: f64) {
        let (style, options) = (&sheet.style, sheet.options);
        let small = style.small();
        self.panels.clear();
        let mut top = sheet.top;
        for chunk in planes.chunks(rooms.len()) {
            let mut x = PAD;
            let head = LEADING * style.font_pt + 1.0;
            let mut bottom = top;
            for (plane, room) in chunk.iter().zip(rooms) {
                x += room;
                let panel = panel(plane, (x, top + head, width), options.aspect, small);
                x += width + BETWEEN;
                let words = self.words[self.panels.len()][0];
                let label = label_room(words, style, panel.frame.w);
                bottom = f64::max(bottom, panel.frame.bottom() + TICK + GAP + small + label);
                self.panels.push(panel);
            }
            self.bottom = bottom;
            top = bottom + ROW;
        }
    }

    /// The room that stands left of the frames of each column: the widest labels of ticks and axes.
    fn rooms(&self, columns: usize, style: &Style) -> Vec<f64> {
        let all = self.panels.iter().zip(&self.words);
        let mut rooms = vec![(0.0, 0.0); columns];
        for (k, (panel, words)) in all.enumerate() {
            let (ticks, label) = &mut rooms[k % columns];
            *ticks = f64::max(*ticks, panel.y.label_width(style.small()));
            *label = f64::max(*label, label_room(words[1], style, panel.frame.h));
        }
        let whole = |(ticks, label)| ticks + label + GAP + TICK;
        rooms.into_iter().map(whole).collect()
    }

    /// The rectangle about all frames.
    fn area(&self) -> Rect {
        let frames = || self.panels.iter().map(|p| p.frame);
        let left = frames().map(|f| f.x).fold(f64::INFINITY, f64::min);
        let top = frames().map(|f| f.y).fold(f64::INFINITY, f64::min);
        let bottom = frames().map(|f| f.bottom()).fold(0.0, f64::max);
        Rect::new(left, top, self.right() - left, bottom - top)
    }

    fn right(&self) -> f64 {
        self.panels
            .iter()
            .map(|p| p.frame.right())
            .fold(0.0, f64::max)
    }
}

/// Room of the label of an axis of a length, beside its ticks.
fn label_room(words: Words<'_>, style: &Style, length: f64) -> f64 {
    match words {
        Words::All(label) => {
            GAP + label_lines(label, style, length).len() as f64 * LEADING * style.font_pt
        }
        _ => 0.0,
    }
}

/// Columns of `n` panels: rows as even as possible, three a row at most on a page, two in a column.
fn columns(n: usize, width_mm: f64) -> usize {
    let most = if width_mm > 120.0 { 3 } else { 2 };
    n.div_ceil(n.div_ceil(most))
}

/// A frame at most `width` wide, centred in its column.
fn panel(
    plane: &Plane,
    (x, y, width): (f64, f64, f64),
    aspect: crate::options::Aspect,
    small: f64,
) -> Panel {
    let (across, up) = (extent(&plane.field.x, 0.0), extent(&plane.field.y, 0.0));
    let ratio = ratio(aspect, across, up);
    let w = width.min(TALLEST * width / ratio);
    let frame = Rect::new(x + (width - w) / 2.0, y, w, w * ratio);
    let linear = Transform::Linear;
    Panel {
        frame,
        x: Axis::horizontal(linear, across.0, across.1, (frame.x, frame.right()), small)
            .whole(is_whole(&plane.field.x)),
        y: Axis::vertical(linear, up.0, up.1, (frame.bottom(), frame.y), small)
            .whole(is_whole(&plane.field.y)),
        bottom: frame.bottom(),
    }
}

fn draw_panel(
    sheet: &mut Sheet<'_>,
    layout: &Layout<'_>,
    k: usize,
    plane: &Plane,
    title: &str,
    looks: &[(Look, PathOnPlane<'_>)],
) -> Result<(), PlotError> {
    let (style, options) = (sheet.style, sheet.options);
    let panel = &layout.panels[k];
    let paths = Paths::on(looks, panel, options);
    let mut obstacles = paths.obstacles();
    let zero = (panel.x.at(0.0), panel.y.at(0.0));
    obstacles.extend(model_obstacles(options, panel));
    let lines = draw_plane(&mut sheet.canvas, plane, panel, options, Some(&obstacles))?;
    let label = |axis: usize| match layout.words[k][axis] {
        Words::All(words) => words.to_owned(),
        _ => String::new(),
    };
    sheet
        .frames
        .push(panel.data(title, [0, 1].map(label), lines));
    sheet.add_lines(paths.lines(options.training));
    paths.draw(&mut sheet.canvas, panel);
    draw_axes(&mut sheet.canvas, panel, layout.words[k], &style, true);
    paths.draw_ends(&mut sheet.canvas, panel);
    let mut legend = std::mem::take(&mut sheet.legend);
    draw_models(sheet, panel, !paths.marks(zero));
    let marks = std::mem::take(&mut sheet.legend);
    let training = options.training;
    for entries in [paths.entries(training), paths.end_entries(training), marks] {
        add(&mut legend, entries);
    }
    // Lines first, then marks.
    legend.sort_by_key(|e| !matches!(e.swatch, Swatch::Path(..) | Swatch::Cased));
    sheet.legend = legend;
    let note = paths.ends_note(training);
    sheet
        .notes
        .extend(note.filter(|words| !sheet.notes.contains(words)));
    if let Some(words) = paths.outside(panel) {
        sheet.notes.push(format!("in “{title}”, {words}"));
    }
    draw_title(sheet, panel, title);
    Ok(())
}

/// Entries that the legend does not have yet.
fn add(legend: &mut Vec<Entry>, entries: Vec<Entry>) {
    for entry in entries {
        if !legend.contains(&entry) {
            legend.push(entry);
        }
    }
}

fn draw_title(sheet: &mut Sheet<'_>, panel: &Panel, title: &str) {
    let size = sheet.style.font_pt;
    let f = panel.frame;
    let title = text::fit(title, size, f.w + BETWEEN);
    let words = Text::new(&title, f.x + f.w / 2.0, f.y - 2.5, size).anchor(Anchor::Middle);
    sheet.canvas.text(&words);
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn rows_are_even() {
        assert_eq!([2, 3, 4, 5, 6].map(|n| columns(n, 183.0)), [2, 3, 2, 3, 3]);
        assert_eq!([2, 3, 6].map(|n| columns(n, 89.0)), [2, 2, 2]);
    }
}
