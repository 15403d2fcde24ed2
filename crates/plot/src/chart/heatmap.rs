use super::plane::{draw_dots, draw_holes, draw_models, hole_entries, spec};
use crate::display::{Placement, Plane};
use crate::error::PlotError;
use crate::field;
use crate::figure::Figure;
use crate::layout::{Bar, Panel, Sheet, Words, draw_axes, plane};
use crate::options::Options;
use crate::raster::Raster;
use crate::style::Colormap;
use crate::svg::Canvas;
use landscape_core::Surface;

/// Dots an inch of the pictures inside figures.
const DPI: f64 = 600.0;

/// A plane as coloured cells, each centred on its point. The figure interpolates nothing: a cell has
/// the colour of its number.
///
/// # Errors
/// When the surface has not two directions, or an option is not usable.
pub fn heatmap(surface: &Surface, options: &Options) -> Result<Figure, PlotError> {
    options.check()?;
    field::expect_dims(surface, 2, "heatmap")?;
    let data = Plane::of(surface, options)?;
    let name = options.value_name(surface);
    let mut sheet = Sheet::new(options);
    let panel = cells(&mut sheet, &data, &name, options)?;
    sheet.note_sources(surface);
    sheet.note_scale(&data.scale, &data.values);
    sheet.note_smoothing();
    let title = format!("Heatmap of the {name}");
    Ok(sheet.finish(panel.frame.x, panel.bottom, &title))
}

/// Draws a plane as cells, with axes, colour bar, the marks of models, and the legend of holes.
pub(super) fn cells(
    sheet: &mut Sheet<'_>,
    data: &Plane,
    name: &str,
    options: &Options,
) -> Result<Panel, PlotError> {
    let colormap = options.style.colormap;
    let labels = [options.axis(0), options.axis(1)];
    let bar = data.has_values().then(|| Bar {
        scale: &data.scale,
        colormap,
        name: name.to_owned(),
        levels: &[],
        ticks: &[],
        bands: false,
    });
    let words = [&labels[0], &labels[1]].map(String::as_str);
    let spec = spec(&data.field, 0.5, words, options, bar.as_ref());
    sheet.note_aspect(spec.x, spec.y, spec.ratio);
    let panel = plane(&spec, &sheet.style, sheet.width(), sheet.top);
    draw_cells(&mut sheet.canvas, data, &panel, colormap)?;
    let at = Placement::new(&panel, &data.field);
    draw_holes(&mut sheet.canvas, &data.field, at);
    draw_dots(&mut sheet.canvas, data, at);
    let words = words.map(Words::All);
    draw_axes(&mut sheet.canvas, &panel, words, &options.style, true);
    if let Some(bar) = &bar {
        bar.draw(&mut sheet.canvas, panel.frame, &options.style);
    }
    draw_models(sheet, &panel, true);
    sheet.legend.extend(hole_entries(&data.field.cells));
    Ok(panel)
}

/// Cells as an embedded picture with a whole number of pixels a cell, so that there are no seams
/// and no blurred borders.
fn draw_cells(
    canvas: &mut Canvas,
    data: &Plane,
    panel: &Panel,
    colormap: Colormap,
) -> Result<(), PlotError> {
    let (field, scale) = (&data.field, &data.scale);
    let (lo, hi) = scale.ends();
    let colors = colormap.table(1024);
    let pixels = |length: f64, n: usize| {
        libm::ceil(length / 72.0 * DPI / n as f64).clamp(1.0, 64.0) as usize
    };
    let (kx, ky) = (
        pixels(panel.frame.w, field.nx()),
        pixels(panel.frame.h, field.ny()),
    );
    let raster = Raster::from_fn(field.nx() * kx, field.ny() * ky, |column, row| {
        let place = field.place(column / kx, field.ny() - 1 - row / ky);
        let t = ((place - lo) / (hi - lo)).clamp(0.0, 1.0);
        place
            .is_finite()
            .then(|| colors[libm::round(t * 1023.0) as usize])
    });
    canvas.group("values");
    canvas.image(panel.frame, &raster, true)?;
    canvas.end();
    Ok(())
}
