//! A surface in three dimensions.

mod camera;
mod choose;
mod frame;
mod mesh;
mod overlay;
mod render;
mod space;

use super::paths::{PathOnPlane, axis_label, warnings};
use super::plane::hole_entries;
use crate::display::Plane;
use crate::error::PlotError;
use crate::field;
use crate::figure::Figure;
use crate::layout::{Axis, Bar, PAD, Sheet};
use crate::options::Options;
use crate::svg::Rect;
use crate::viewpoint::Camera;
use camera::View;
use frame::Frame;
use landscape_core::{Surface, Trajectory};
pub use mesh::surface_mesh;
use space::Space;

/// Height of the figure's frame is at most this, in points.
const TALLEST: f64 = 400.0;
/// Height of the colour bar, in points.
const BAR: f64 = 120.0;

/// A surface seen from above and aside, in a parallel projection, with its contours on the floor.
/// Hidden parts are hidden pixel by pixel; light shows the slope; values beyond the scale are cut
/// off.
///
/// # Errors
/// When the surface has not two directions, an axis has one point only, or an option is not usable.
pub fn surface3d(surface: &Surface, options: &Options) -> Result<Figure, PlotError> {
    draw(surface, None, options)
}

/// A path of training on a surface in three dimensions, at the height that the surface has there;
/// parts behind the surface are dotted.
///
/// # Errors
/// As [`surface3d`], and when the path has no points.
pub fn trajectory3d(
    surface: &Surface,
    path: &Trajectory,
    options: &Options,
) -> Result<Figure, PlotError> {
    match path.points.is_empty() {
        true => Err(PlotError::Empty {
            figure: "trajectory",
            what: "checkpoint",
        }),
        false => draw(surface, Some(path), options),
    }
}

fn draw(
    surface: &Surface,
    path: Option<&Trajectory>,
    options: &Options,
) -> Result<Figure, PlotError> {
    options.check()?;
    field::expect_dims(surface, 2, "surface")?;
    field::expect_lines(surface, "surface")?;
    let data = Plane::of(surface, options)?;
    let name = options.value_name(surface);
    let mut sheet = Sheet::new(options);
    let space = Space::new(&data.field, &data.scale, options);
    let names = [0, 1].map(|i| {
        path.map_or_else(
            || options.axis(i),
            |p| axis_label(i, p.explained_variance.get(i).copied(), options),
        )
    });
    let [first, second] = names;
    let names = [first, second, name.clone()];
    let marked = choose::marked(&data.fine, options, path);
    let camera = { options.camera }.unwrap_or_else(|| choose::camera(&data.fine, &space, &marked));
    let (frame, area) = fit(&space, &data, names, &sheet, camera);
    frame.draw_walls(&mut sheet.canvas);
    overlay::floor(&mut sheet.canvas, &data, &space, &frame.view, options);
    let colors = options.style.colormap.table(1024);
    let paint = render::Paint {
        colors: &colors,
        ends: data.scale.ends(),
        steps: data.field.steps(&data.fine),
    };
    let picture = render::render(&data.fine, &space, &frame.view, &paint, render::DPI);
    sheet.canvas.group("surface");
    let raster = picture.raster();
    sheet.canvas.image(picture.area(), &raster, false)?;
    sheet.canvas.end();
    let scene = overlay::Scene {
        data: &data,
        space: &space,
        view: &frame.view,
        picture: &picture,
    };
    scene.marks(&mut sheet, path);
    scene.models(&mut sheet);
    frame.draw_axes(&mut sheet.canvas);
    if let Some(bar) = bar(&data, options, &frame.axes[2]) {
        let beside = Rect::new(area.x, area.y + (area.h - BAR) / 2.0, area.w, BAR);
        bar.draw(&mut sheet.canvas, beside, &options.style);
    }
    sheet.note_sources(surface);
    let (across, up) = space.extents();
    sheet.note_aspect(across, up, space.half[1] / space.half[0]);
    let path = path.map(|trajectory| PathOnPlane {
        name: "",
        trajectory,
    });
    sheet.notes.extend(warnings(path.as_slice()));
    note(&mut sheet, &data);
    let left = frame.left();
    Ok(sheet.finish(left, area.bottom(), &format!("Surface of the {name}")))
}

/// The colour bar, with the ticks of the height axis, which has the name of the values.
fn bar<'a>(data: &'a Plane, options: &Options, height: &'a Axis) -> Option<Bar<'a>> {
    data.has_values().then(|| Bar {
        scale: &data.scale,
        colormap: options.style.colormap,
        name: String::new(),
        levels: &[],
        ticks: &height.ticks,
        bands: false,
    })
}

/// What legend and caption say about holes, scale and cuts.
fn note(sheet: &mut Sheet<'_>, data: &Plane) {
    sheet.legend.extend(hole_entries(&data.field.cells));
    sheet.note_scale(&data.scale, &data.values);
    sheet.note_smoothing();
    if data.scale.above || data.scale.below {
        let words = "the surface is cut off at the ends of the scale";
        sheet.notes.push(words.to_owned());
    }
}

/// The largest box whose words all fit on the sheet, and the area it takes with its words.
fn fit<'a>(
    space: &'a Space,
    data: &Plane,
    names: [String; 3],
    sheet: &Sheet<'_>,
    camera: Camera,
) -> (Frame<'a>, Rect) {
    let style = sheet.style;
    let mut room = sheet.width() - 2.0 * PAD;
    let mut view = View::new(camera);
    view.zoom = 0.55 * room;
    let mut area = Rect::default();
    for _ in 0..6 {
        let frame = build(space, data, &names, view, sheet);
        let beside = bar(data, sheet.options, &frame.axes[2]);
        room = sheet.width() - 2.0 * PAD - beside.map_or(0.0, |b| b.width(&style, BAR));
        area = extent(&frame);
        let factor = (room - area.w) / view.zoom + (TALLEST - area.h).min(0.0) / view.zoom;
        view.zoom = (view.zoom * (1.0 + 0.7 * factor)).max(30.0);
    }
    view.centre.0 += PAD + (room - area.w) / 2.0 - area.x;
    view.centre.1 += sheet.top - area.y;
    let frame = build(space, data, &names, view, sheet);
    let area = extent(&frame);
    (
        frame,
        Rect::new(area.x, area.y, area.w.max(room + PAD - area.x), area.h),
    )
}

fn build<'a>(
    space: &'a Space,
    data: &Plane,
    names: &[String; 3],
    view: View,
    sheet: &Sheet<'_>,
) -> Frame<'a> {
    let small = sheet.style.small();
    let length = |k: usize| {
        let (mut a, mut b) = ([0.0; 3], [0.0; 3]);
        (a[k], b[k]) = (-space.half[k], space.half[k]);
        let (p, q) = (view.at(a), view.at(b));
        libm::hypot(q.0 - p.0, q.1 - p.1)
    };
    let axes = [
        space.axis(0, length(0), small),
        space.axis(1, length(1), small),
        space.height(&data.scale, view.zoom * view.up[2], small),
    ];
    Frame {
        space,
        view,
        style: sheet.style,
        axes,
        names: names.clone(),
    }
}

/// The rectangle about the box and its words.
fn extent(frame: &Frame<'_>) -> Rect {
    let corners = frame.space.corners().into_iter().map(|c| {
        let (x, y) = frame.view.at(c);
        Rect::new(x, y, 0.0, 0.0)
    });
    let words = frame.pieces().into_iter().map(|p| p.area);
    let (mut x0, mut y0, mut x1, mut y1) = (f64::MAX, f64::MAX, f64::MIN, f64::MIN);
    for r in corners.chain(words) {
        (x0, y0) = (x0.min(r.x), y0.min(r.y));
        (x1, y1) = (x1.max(r.right()), y1.max(r.bottom()));
    }
    Rect::new(x0, y0, x1 - x0, y1 - y0)
}
