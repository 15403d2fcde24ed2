use super::heatmap::cells;
use crate::curvature::{CurvatureMap, CurvaturePoint};
use crate::display::Plane;
use crate::error::PlotError;
use crate::field::{self, Cell};
use crate::figure::Figure;
use crate::layout::Sheet;
use crate::options::Options;
use crate::scale::Clip;
use crate::scale::ValueScale;
use landscape_core::{Sample, Surface, Value};

/// How far beyond the quartiles a value may lie, in distances between these.
const FAR_OUT: f64 = 3.0;

/// The name of the value on the colour bar.
const NAME: &str = "|λmin / λmax|";

/// `|lambda_min / lambda_max|` of the Hessian at every point of a plane: near 0 the loss is nearly
/// convex there. After Li et al., *Visualizing the Loss Landscape of Neural Nets*, NeurIPS 2018. Points
/// that did not converge have no colour; they are hatched and counted.
///
/// The scale holds the values, but for those further from the quartiles than three times the distance
/// between these, which are counted beside the bar; [`Options::clip`] and [`Options::range`] say otherwise.
///
/// # Errors
/// When the grid has not two axes or the map not one entry a point, or an option is not usable.
pub fn hessian_map(map: &CurvatureMap, options: &Options) -> Result<Figure, PlotError> {
    let mut options = options.clone();
    options.value = Value::Loss;
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
    sheet.note_smoothing();
    let title = format!("Map of {name}");
    Ok(sheet.finish(panel.frame.x, panel.bottom, &title))
}

/// The ratio of a point that converged.
fn ratio(point: &CurvaturePoint) -> f64 {
    (point.lambda_min / point.lambda_max).abs()
}

/// Where the scale is cut because values are far out (Tukey 1977): further from the quartiles than
/// three times their distance. The ends are values themselves. Where the quartiles are equal nothing is cut:
/// they say nothing about the spread of the rest.
fn fences(values: &[f64]) -> Clip {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let quartile = |k: usize| sorted.get(k * sorted.len().saturating_sub(1) / 4).copied();
    let (Some(low), Some(high)) = (quartile(1), quartile(3)) else {
        return Clip::default();
    };
    let reach = FAR_OUT * (high - low);
    if reach.is_nan() || reach <= 0.0 {
        return Clip::default();
    }
    let (from, to) = (low - reach, high + reach);
    let within = || sorted.iter().copied().filter(|v| (from..=to).contains(v));
    let (least, most) = (sorted[0], sorted[sorted.len() - 1]);
    Clip {
        low: within().next().filter(|v| *v > least),
        high: within().next_back().filter(|v| *v < most),
    }
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
    let fences = fences(&values);
    let clip = Clip {
        low: options.clip.low.or(fences.low),
        high: options.clip.high.or(fences.high),
    };
    let scale = ValueScale::of(&values, options.scale, clip, options.range);
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
            .push(format!("{open} of {all} points are not converged"));
    }
}
