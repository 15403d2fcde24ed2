use super::contour::draw_plane;
use super::plane::hole_entries;
use crate::display::{Plane, extent};
use crate::error::PlotError;
use crate::field;
use crate::figure::Figure;
use crate::layout::{Axis, Bar, GAP, LEADING, PAD, Panel, Sheet, TICK, Words, draw_axes, ratio};
use crate::options::{Fill, Options};
use crate::scale::Transform;
use crate::svg::{Anchor, Rect, Text};
use crate::text;
use crate::text::number::value;
use landscape_core::Surface;

/// Between two slices, at least, in points.
const BETWEEN: f64 = 6.0;

/// A volume as slices across its third direction, evenly chosen, on one scale with one colour bar.
///
/// # Errors
/// When the surface has not three directions, its first or second axis has one point only, or an
/// option is not usable.
pub fn volume_slices(surface: &Surface, options: &Options) -> Result<Figure, PlotError> {
    options.check()?;
    field::expect_dims(surface, 3, "volume")?;
    if options.slices == 0 {
        return Err(PlotError::Option {
            option: "slices",
            given: "0".to_owned(),
            rule: "1 or more",
        });
    }
    let (values, cells) = field::read(surface, options.value)?;
    let scale = options.value_scale(&values);
    let chosen = chosen(surface.grid().axes()[2].count(), options.slices);
    let mut slices = Vec::new();
    for k in chosen {
        let slice = surface.slice(2, k).map_err(|e| PlotError::Raster {
            reason: e.to_string(),
        })?;
        field::expect_lines(&slice, "volume")?;
        let (own, _) = field::read(&slice, options.value)?;
        slices.push((k, Plane::on(&slice, options, scale.clone(), own)?));
    }
    let name = options.value_name(surface);
    let bar = slices[0].1.bar_of(&name, options, &cells);
    let mut sheet = Sheet::new(options);
    let grid = Multiples::of(&slices[0].1, slices.len(), &sheet, bar.as_ref());
    for (n, (k, plane)) in slices.iter().enumerate() {
        let at = surface.grid().axes()[2].value(*k);
        draw_slice(
            &mut sheet,
            &grid,
            n,
            plane,
            &format!("d₃ = {}", value(at, 3)),
        )?;
    }
    draw_labels(&mut sheet, &grid);
    if let Some(bar) = &bar {
        bar.draw(&mut sheet.canvas, grid.area, &options.style);
    }
    sheet.legend.extend(hole_entries(&cells));
    sheet
        .notes
        .push(format!("d₃ is the coordinate along {}", options.axis(2)));
    sheet.note_sources(surface);
    sheet.note_scale(&scale, &values);
    sheet.note_smoothing();
    Ok(sheet.finish(grid.area.x, grid.bottom, &format!("Slices of the {name}")))
}

/// At most `most` of `n` indices, evenly spread, the first and last among them; the middle alone.
fn chosen(n: usize, most: usize) -> Vec<usize> {
    let m = most.min(n);
    // An odd number of slices of an odd number of points holds the middle one.
    let m = match n % 2 == 1 && m.is_multiple_of(2) && m < n {
        true => m - 1,
        false => m,
    };
    match m {
        0 | 1 => vec![n / 2],
        _ => (0..m)
            .map(|k| (2 * k * (n - 1) + (m - 1)) / (2 * (m - 1)))
            .collect(),
    }
}

impl Plane {
    fn bar_of<'a>(
        &'a self,
        name: &str,
        options: &Options,
        cells: &[field::Cell],
    ) -> Option<Bar<'a>> {
        cells.contains(&field::Cell::Finite).then(|| Bar {
            scale: &self.scale,
            colormap: options.style.colormap,
            name: name.to_owned(),
            levels: &self.levels,
            ticks: &[],
            bands: options.fill == Fill::Bands,
        })
    }
}

/// Frames of equal size in rows and columns.
struct Multiples {
    panels: Vec<Panel>,
    columns: usize,
    /// The rectangle about all frames.
    area: Rect,
    /// Base line of the label of the vertical axes.
    label_x: f64,
    bottom: f64,
}

/// The measures of frames in rows and columns, in points.
struct Lattice {
    columns: usize,
    rows: usize,
    /// Left border of the first column.
    left: f64,
    /// Between two columns, and above each row.
    between: f64,
    head: f64,
    frame: Rect,
}

impl Lattice {
    fn of(
        x: (f64, f64),
        y: (f64, f64),
        n: usize,
        sheet: &Sheet<'_>,
        bar: Option<&Bar<'_>>,
    ) -> Self {
        let (style, small) = (&sheet.style, sheet.style.small());
        let most = if style.width_mm > 120.0 { 5 } else { 3 };
        let columns = n.div_ceil(n.div_ceil(most));
        let rows = n.div_ceil(columns);
        let head = LEADING * small + 2.0;
        let ratio = ratio(sheet.options.aspect, x, y);
        let mut frame = Rect::new(0.0, 0.0, 50.0, 50.0 * ratio);
        let (mut left, mut between) = (0.0, BETWEEN);
        for _ in 0..3 {
            let down = Axis::vertical(Transform::Linear, y.0, y.1, (frame.h, 0.0), small);
            let across = Axis::horizontal(Transform::Linear, x.0, x.1, (0.0, frame.w), small);
            left = PAD + LEADING * style.font_pt + GAP + down.label_width(small) + GAP + TICK;
            between = BETWEEN.max(across.label_width(small) + 0.5 * small);
            let high = rows as f64 * (frame.h + head) - head;
            let right = PAD + bar.map_or(between, |b| b.width(style, high));
            let gaps = (columns - 1) as f64 * between;
            frame.w = ((sheet.width() - left - right - gaps) / columns as f64).max(10.0);
            frame.h = frame.w * ratio;
        }
        Lattice {
            columns,
            rows,
            left,
            between,
            head,
            frame,
        }
    }

    /// The frame of the `k`-th slice.
    fn frame(&self, k: usize, top: f64) -> Rect {
        let (column, row) = ((k % self.columns) as f64, (k / self.columns) as f64);
        Rect::new(
            self.left + column * (self.frame.w + self.between),
            top + self.head + row * (self.frame.h + self.head),
            self.frame.w,
            self.frame.h,
        )
    }

    /// The rectangle about all frames.
    fn area(&self, top: f64) -> Rect {
        let first = self.frame(0, top);
        let last = self.frame(self.rows * self.columns - 1, top);
        Rect::new(
            first.x,
            first.y,
            last.right() - first.x,
            last.bottom() - first.y,
        )
    }
}

impl Multiples {
    fn of(plane: &Plane, n: usize, sheet: &Sheet<'_>, bar: Option<&Bar<'_>>) -> Self {
        let style = &sheet.style;
        let (x, y) = (extent(&plane.field.x, 0.0), extent(&plane.field.y, 0.0));
        let lattice = Lattice::of(x, y, n, sheet, bar);
        let (linear, small) = (Transform::Linear, style.small());
        let panel = |k: usize| {
            let f = lattice.frame(k, sheet.top);
            Panel {
                frame: f,
                x: Axis::horizontal(linear, x.0, x.1, (f.x, f.right()), small),
                y: Axis::vertical(linear, y.0, y.1, (f.bottom(), f.y), small),
                bottom: f.bottom(),
            }
        };
        let area = lattice.area(sheet.top);
        let below = TICK + GAP + small + GAP + LEADING * style.font_pt;
        Multiples {
            panels: (0..n).map(panel).collect(),
            columns: lattice.columns,
            area,
            label_x: PAD + text::ASCENT * style.font_pt,
            bottom: area.bottom() + below,
        }
    }
}

fn draw_slice(
    sheet: &mut Sheet<'_>,
    grid: &Multiples,
    n: usize,
    plane: &Plane,
    title: &str,
) -> Result<(), PlotError> {
    let panel = &grid.panels[n];
    let (style, options) = (sheet.style, sheet.options);
    let lines = draw_plane(&mut sheet.canvas, plane, panel, options, None)?;
    let side = |outer: bool| if outer { Words::Ticks } else { Words::Nothing };
    let lowest = n + grid.columns >= grid.panels.len();
    let words = [side(lowest), side(n.is_multiple_of(grid.columns))];
    let labels = [String::new(), String::new()];
    sheet.frames.push(panel.data(title, labels, lines));
    draw_axes(&mut sheet.canvas, panel, words, &style, true);
    let (x, y) = (panel.frame.x + panel.frame.w / 2.0, panel.frame.y - 2.0);
    let title = text::fit(title, style.small(), panel.frame.w + BETWEEN - 2.0);
    sheet
        .canvas
        .text(&Text::new(&title, x, y, style.small()).anchor(Anchor::Middle));
    Ok(())
}

/// The labels of all horizontal and all vertical axes, once each.
fn draw_labels(sheet: &mut Sheet<'_>, grid: &Multiples) {
    let size = sheet.style.font_pt;
    let (area, options) = (grid.area, sheet.options);
    let (x, y) = (area.x + area.w / 2.0, area.y + area.h / 2.0);
    let base = grid.bottom - LEADING * size + text::ASCENT * size;
    let below = text::fit(&options.axis(0), size, area.w + 20.0);
    sheet
        .canvas
        .text(&Text::new(&below, x, base, size).anchor(Anchor::Middle));
    let beside = text::fit(&options.axis(1), size, area.h + 10.0);
    let words = Text::new(&beside, grid.label_x, y, size)
        .anchor(Anchor::Middle)
        .angle(-90.0);
    sheet.canvas.text(&words);
}

#[cfg(test)]
mod tests {
    use super::chosen;

    #[test]
    fn slices_are_spread_evenly() {
        assert_eq!(chosen(5, 9), [0, 1, 2, 3, 4]);
        assert_eq!(chosen(21, 5), [0, 5, 10, 15, 20]);
        assert_eq!(chosen(21, 6), [0, 5, 10, 15, 20]);
        assert_eq!(chosen(21, 1), [10]);
        assert_eq!(chosen(1, 4), [0]);
    }
}
