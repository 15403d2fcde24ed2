use super::heatmap::cells;
use super::plane::Plane;
use crate::curvature::{CurvatureMap, CurvaturePoint};
use crate::error::PlotError;
use crate::field::{self, Cell};
use crate::figure::Figure;
use crate::layout::Sheet;
use crate::options::Options;
use crate::scale::ValueScale;
use landscape_core::{Sample, Surface, Value};

/// The name of the value on the colour bar.
const NAME: &str = "|λmin / λmax|";

/// `|lambda_min / lambda_max|` of the Hessian at every point of a plane, on a scale from 0 to 1
/// unless [`Options::range`] says otherwise: near 0 the loss is nearly convex there. After Li et al.,
/// *Visualizing the Loss Landscape of Neural Nets*, NeurIPS 2018. Points that did not converge have
/// no colour; they are hatched and counted.
///
/// # Errors
/// When the grid has not two axes or the map not one entry a point, or an option is not usable.
pub fn hessian_map(map: &CurvatureMap, options: &Options) -> Result<Figure, PlotError> {
    let mut options = options.clone();
    options.value = Value::Loss;
    options.range = options.range.or(Some((0.0, 1.0)));
    options.check()?;
    let name = options
        .value_label
        .clone()
        .unwrap_or_else(|| NAME.to_owned());
    let data = data(map, &options)?;
    let mut sheet = Sheet::new(&options);
    let panel = cells(&mut sheet, &data, &name, &options)?;
    note(&mut sheet, map);
    sheet.note_scale(&data.scale, &data.values);
    let title = format!("Map of {name}");
    Ok(sheet.finish(panel.frame.x, panel.bottom, &title))
}

/// The ratio of a point that converged.
fn ratio(point: &CurvaturePoint) -> f64 {
    (point.lambda_min / point.lambda_max).abs()
}

/// The ratios as the values of a plane.
fn data(map: &CurvatureMap, options: &Options) -> Result<Plane, PlotError> {
    let mut surface = Surface::new(map.grid.clone(), vec![]);
    field::expect_dims(&surface, 2, "hessian-map")?;
    let (places, values) = (map.grid.len(), map.points.len());
    if places != values {
        return Err(PlotError::ValueCount {
            name: "map of curvature".to_owned(),
            places,
            values,
        });
    }
    for (index, point) in map.points.iter().enumerate() {
        if let Some(point) = point.as_ref().filter(|point| point.converged) {
            // The index is on the grid, and there are no extra terms: this cannot fail.
            let _ = surface.set(index, Sample::of(ratio(point)));
        }
    }
    let (values, _) = field::read(&surface, Value::Loss)?;
    let scale = ValueScale::of(&values, options.scale, options.clip, options.range);
    let mut data = Plane::on(&surface, options, scale, values)?;
    for (cell, point) in data.field.cells.iter_mut().zip(&map.points) {
        if point.is_some_and(|point| !point.converged) {
            *cell = Cell::Unsettled;
        }
    }
    Ok(data)
}

fn note(sheet: &mut Sheet<'_>, map: &CurvatureMap) {
    let computed = map.points.iter().flatten();
    let (all, open) = computed.fold((0, 0), |(all, open), point| {
        (all + 1, open + usize::from(!point.converged))
    });
    if open > 0 {
        sheet
            .notes
            .push(format!("{open} of {all} points not converged"));
    }
}
