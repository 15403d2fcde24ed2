use super::basins::Terrain;
use super::plane::{draw_dots, draw_holes, draw_models, hole_entries, spec};
use crate::display::{List, Placement, Plane, model_obstacles};
use crate::error::PlotError;
use crate::field::{self, Cell};
use crate::figure::Figure;
use crate::isoline::label::{Placed, TurnedBox};
use crate::layout::{Bar, Panel, Sheet, Words, bands, draw_axes, plane};
use crate::lines::{Colors, Frame, Line};
use crate::options::{Fill, Options};
use crate::raster::{Indexed, Raster};
use crate::scale::levels::Level;
use crate::style::{INK, hex, is_dark};
use crate::svg::{Anchor, Canvas, Path, Stroke, Text};
use crate::text;
use landscape_core::Surface;

/// Dots an inch of the painting between the lines; the lines lie over the borders of its colours.
const DPI: f64 = 450.0;
/// Points of a line that lie this close to the line without them, in points, are left out.
const OFF: f64 = 0.03;
/// Bands between more levels than this are as good as smooth.
const MANY: usize = 254;
/// Width of contour lines, in points.
const WIDTH: f64 = 0.5;

/// A plane as contour lines with their levels written on them, over bands of colour.
///
/// # Errors
/// When the surface has not two directions, an axis has one point only, or an option is not usable.
pub fn contour(surface: &Surface, options: &Options) -> Result<Figure, PlotError> {
    let labels = [options.axis(0), options.axis(1)];
    let mut scene = Scene::new(surface, options, labels, "contour")?;
    let obstacles = scene.obstacles();
    scene.draw(&obstacles)?;
    draw_models(&mut scene.sheet, &scene.panel, true);
    let title = format!("Contours of the {}", scene.name);
    Ok(scene.finish(&title))
}

/// A contour figure in the making, so that more can be drawn over it.
pub(super) struct Scene<'a> {
    pub sheet: Sheet<'a>,
    pub panel: Panel,
    pub name: String,
    labels: [String; 2],
    data: Plane,
    terrain: Option<Terrain>,
}

impl<'a> Scene<'a> {
    pub fn new(
        surface: &Surface,
        options: &'a Options,
        labels: [String; 2],
        figure: &'static str,
    ) -> Result<Self, PlotError> {
        options.check()?;
        field::expect_dims(surface, 2, figure)?;
        field::expect_lines(surface, figure)?;
        let data = Plane::of(surface, options)?;
        let name = options.value_name(surface);
        let mut sheet = Sheet::new(options);
        sheet.note_sources(surface);
        let bar = bar(&data, options, &name);
        let panel = {
            let words = [labels[0].as_str(), labels[1].as_str()];
            let spec = spec(&data.field, 0.0, words, options, bar.as_ref());
            sheet.note_aspect(spec.x, spec.y, spec.ratio);
            plane(&spec, &sheet.style, sheet.width(), sheet.top)
        };
        let terrain = options
            .basins
            .map(|share| Terrain::of(surface, options.value, share));
        Ok(Scene {
            sheet,
            panel,
            name,
            labels,
            data,
            terrain,
        })
    }

    /// What labels keep clear of for the sake of the marks of models and basins.
    pub fn obstacles(&self) -> Vec<TurnedBox> {
        let mut boxes = model_obstacles(self.sheet.options, &self.panel);
        let at = Placement::new(&self.panel, &self.data.field);
        if let Some(terrain) = &self.terrain {
            boxes.extend(terrain.obstacles(at, &self.sheet.style));
        }
        boxes
    }

    /// Draws values, lines, labels, axes and colour bar.
    pub fn draw(&mut self, obstacles: &[TurnedBox]) -> Result<(), PlotError> {
        let options = self.sheet.options;
        let canvas = &mut self.sheet.canvas;
        let lines = draw_plane(canvas, &self.data, &self.panel, options, Some(obstacles))?;
        let frame = self.panel.data("", self.labels.clone(), lines);
        self.sheet.frames.push(Frame {
            colors: colors(&self.data, options, &self.name),
            ..frame
        });
        let at = Placement::new(&self.panel, &self.data.field);
        if let Some(terrain) = &self.terrain {
            terrain.draw(&mut self.sheet, &self.panel, at);
        }
        let canvas = &mut self.sheet.canvas;
        let words = [Words::All(&self.labels[0]), Words::All(&self.labels[1])];
        draw_axes(canvas, &self.panel, words, &options.style, true);
        if let Some(bar) = bar(&self.data, options, &self.name) {
            bar.draw(canvas, self.panel.frame, &options.style);
        }
        Ok(())
    }

    /// Adds legend and caption.
    pub fn finish(mut self, title: &str) -> Figure {
        if let Some(terrain) = &self.terrain {
            self.sheet.legend.extend(terrain.entries());
            self.sheet.notes.extend(terrain.notes());
        }
        self.sheet
            .legend
            .extend(hole_entries(&self.data.field.cells));
        self.sheet.note_scale(&self.data.scale, &self.data.values);
        self.sheet.note_smoothing();
        self.sheet
            .finish(self.panel.frame.x, self.panel.bottom, title)
    }
}

fn bar<'b>(data: &'b Plane, options: &Options, name: &str) -> Option<Bar<'b>> {
    data.has_values().then(|| Bar {
        scale: &data.scale,
        colormap: options.style.colormap,
        name: name.to_owned(),
        levels: &data.levels,
        ticks: &[],
        bands: options.fill == Fill::Bands,
    })
}

/// What the colours of contours stand for, as data.
pub(super) fn colors(data: &Plane, options: &Options, name: &str) -> Option<Colors> {
    let of = || Colors::of(&data.scale, &data.levels, options.style.colormap, name);
    data.has_values().then(of)
}

/// Draws the inside of a frame: painting, holes, lines and, with obstacles, labels. Gives the lines as data, one for each
/// level.
pub(super) fn draw_plane(
    canvas: &mut Canvas,
    data: &Plane,
    panel: &Panel,
    options: &Options,
    obstacles: Option<&[TurnedBox]>,
) -> Result<Vec<Line>, PlotError> {
    let at = Placement::new(panel, &data.field);
    if options.fill != Fill::None {
        paint(canvas, data, panel, options)?;
    }
    canvas.clipped(panel.frame);
    draw_holes(canvas, &data.field, at);
    canvas.end();
    canvas.clipped(panel.frame);
    draw_dots(canvas, data, at);
    canvas.end();
    let size = options.style.tiny();
    let mut list = List::lines(data, panel, OFF);
    if let Some(obstacles) = obstacles {
        list = list.labelled(data, panel, size, obstacles);
    }
    draw_lines(canvas, data, &list, options);
    draw_labels(canvas, data, &list.words, size);
    Ok(levels(data, &list, panel, options))
}

/// The lines of each level as data.
fn levels(data: &Plane, list: &List, panel: &Panel, options: &Options) -> Vec<Line> {
    let points = |k: usize| {
        let of_level = list.lines.iter().filter(move |line| line.level == k);
        of_level.flat_map(|line| {
            let at = |p: &(f64, f64)| (panel.x.value(p.0), panel.y.value(p.1));
            line.curve
                .points()
                .iter()
                .map(at)
                .chain([(f64::NAN, f64::NAN)])
        })
    };
    let line = |(k, level): (usize, &Level)| {
        let color = options
            .style
            .colormap
            .color(data.scale.fraction(level.value));
        Line {
            color: hex(color),
            width: WIDTH,
            points: points(k).collect(),
            ..Line::default()
        }
    };
    let all = data.levels.iter().enumerate().map(line);
    all.filter(|line| !line.points.is_empty()).collect()
}

/// The colours between the lines, as an embedded picture.
fn paint(
    canvas: &mut Canvas,
    data: &Plane,
    panel: &Panel,
    options: &Options,
) -> Result<(), PlotError> {
    let pixels = |points: f64| libm::ceil(points / 72.0 * DPI).max(1.0) as usize;
    let (w, h) = (pixels(panel.frame.w), pixels(panel.frame.h));
    let uri = match options.fill == Fill::Smooth || data.levels.len() > MANY {
        true => smooth(data, options, (w, h)).data_uri()?,
        false => banded(data, options, (w, h)).data_uri()?,
    };
    canvas.group("values");
    canvas.picture(panel.frame, &uri, false);
    canvas.end();
    Ok(())
}

/// From a place to its share of the scale.
fn share(data: &Plane) -> impl Fn(f64) -> f64 {
    let (lo, hi) = data.scale.ends();
    move |place| ((place - lo) / (hi - lo)).clamp(0.0, 1.0)
}

/// Each value in its own colour.
fn smooth(data: &Plane, options: &Options, (w, h): (usize, usize)) -> Raster {
    let colors = options.style.colormap.table(1024);
    let (place, share) = (data.fine.pixels(w, h), share(data));
    let color = |place| colors[libm::round(share(place) * 1023.0) as usize];
    Raster::from_fn(w, h, |column, row| place(column, row).map(color))
}

/// One colour between two levels; where nothing is known, none.
fn banded(data: &Plane, options: &Options, (w, h): (usize, usize)) -> Indexed {
    let bands = bands(&data.scale, &data.levels, options.style.colormap);
    let (place, share) = (data.fine.pixels(w, h), share(data));
    let last = bands.len() - 1;
    let mut colors: Vec<[u8; 4]> = { bands.iter() }
        .map(|(_, [r, g, b])| [*r, *g, *b, 255])
        .collect();
    if data.fine.count(Cell::Finite) < data.fine.cells.len() {
        colors.push([0; 4]);
    }
    let band = |share: f64| bands.partition_point(|band| band.0 <= share).min(last);
    // Most pixels are in the band of their neighbour.
    let within = |share: f64, band: usize| {
        let above = band == 0 || bands[band - 1].0 <= share;
        above && (band == last || share < bands[band].0)
    };
    Indexed::from_fn((w, h), colors, |column, row, left| {
        match place(column, row).map(&share) {
            Some(share) if usize::from(left) <= last && within(share, left.into()) => left,
            Some(share) => band(share) as u8,
            None => (last + 1) as u8,
        }
    })
}

fn draw_lines(canvas: &mut Canvas, data: &Plane, list: &List, options: &Options) {
    canvas.group("contours");
    for (k, level) in data.levels.iter().enumerate() {
        let mut path = Path::new();
        for (curve, line) in list.lines.iter().enumerate().filter(|(_, l)| l.level == k) {
            let gaps: Vec<(f64, f64)> = { list.words.iter() }
                .filter(|p| p.curve == curve)
                .map(|p| p.gap)
                .collect();
            for (points, closed) in line.curve.without(&gaps) {
                path = path.polyline(&points, closed);
            }
        }
        let color = data.scale.fraction(level.value);
        canvas.line(&path, look(color, options).as_stroke());
    }
    canvas.end();
}

/// An owned stroke.
struct Look {
    color: String,
    width: f64,
    opacity: f64,
}

impl Look {
    fn as_stroke(&self) -> Stroke<'_> {
        Stroke::new(&self.color, self.width).opacity(self.opacity)
    }
}

/// The look of a line at a share of the scale: its own colour on white, else dark on bright colours
/// and bright on dark ones.
fn look(t: f64, options: &Options) -> Look {
    let color = options.style.colormap.color(t);
    match options.fill {
        Fill::None => Look {
            color: hex(color),
            width: 0.9,
            opacity: 1.0,
        },
        _ if is_dark(color) => Look {
            color: "#ffffff".to_owned(),
            width: WIDTH,
            opacity: 0.75,
        },
        _ => Look {
            color: INK.to_owned(),
            width: WIDTH,
            opacity: 0.85,
        },
    }
}

fn draw_labels(canvas: &mut Canvas, data: &Plane, placed: &[Placed], size: f64) {
    if placed.is_empty() {
        return;
    }
    canvas.group("contour-labels");
    for label in placed {
        let (c, s) = label.area.axis;
        let drop = text::CAP_HEIGHT / 2.0 * size;
        let (x, y) = (label.area.x - s * drop, label.area.y + c * drop);
        canvas.text(
            &Text::new(&data.levels[label.level].text, x, y, size)
                .anchor(Anchor::Middle)
                .angle(label.angle)
                .halo("#ffffff"),
        );
    }
    canvas.end();
}
