//! The values of planes along a straight line.

use super::curves::{Curves, Series};
use crate::display::Plane;
use crate::error::PlotError;
use crate::field::{self, Field};
use crate::figure::Figure;
use crate::layout::mark;
use crate::options::Options;
use crate::style::{DASHES, LINES};
use crate::text::number::value;
use crate::viewpoint::Along;
use landscape_core::Surface;

/// Points of a curve.
const POINTS: usize = 241;
/// A rounded end of an axis is still one of its points, in steps of the finer grid.
const ROUNDING: f64 = 1e-6;

/// A plane with its name.
#[derive(Debug, Clone, Copy)]
pub struct NamedPlane<'a> {
    /// Its name, for the legend.
    pub name: &'a str,
    /// Its values.
    pub surface: &'a Surface,
}

/// The values of one or several planes along a straight line over them, against the distance from its start in
/// coordinates of the plane. Between the points of a grid they are interpolated as contours are: in the drawn scale, by
/// a cubic that passes the points without overshoot. There are none in holes and outside of a plane.
///
/// # Errors
/// When there is no plane, one has not two directions or an axis of one point, the line touches none of them, or an
/// option is not usable.
///
/// ```
/// use landscape_core::{Grid, Sampler, Surface, from_fn};
/// use landscape_plot::{NamedPlane, Options, along};
///
/// let mut surface = Surface::new(Grid::square(21, 1.0, 2)?, vec![]);
/// Sampler::new().run(&from_fn(|[x, y]: [f64; 2]| x * x + y * y), &mut surface, &mut [])?;
/// let planes = [NamedPlane { name: "bowl", surface: &surface }];
/// let figure = along(&planes, &"-1,-1:1,1".parse()?, &Options::default())?;
/// assert!(figure.svg().contains("distance from A"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn along(
    planes: &[NamedPlane<'_>],
    line: &Along,
    options: &Options,
) -> Result<Figure, PlotError> {
    options.check()?;
    let Some(first) = planes.first() else {
        return Err(PlotError::Empty {
            figure: "line",
            what: "plane",
        });
    };
    let profiles = profiles(planes, line, options)?;
    if profiles.iter().flatten().all(|value| value.is_nan()) {
        return Err(PlotError::Option {
            option: "along",
            given: line.to_string(),
            rule: "a line over the plane that was sampled",
        });
    }
    let mut figure = Curves::new(options, "distance from A".to_owned());
    figure.extent = Some((0.0, line.length()));
    figure.legend = planes.len() > 1;
    let name = options.value_name(first.surface);
    let series = planes.iter().zip(profiles).enumerate();
    let series = series.map(|(k, (plane, y))| series_of(k, plane.name, y, line));
    let (scale, clip, range) = (options.scale, options.clip, options.range);
    figure.panel(name.clone(), scale, clip, range, series.collect());
    figure.note(words(line));
    if let [only] = planes {
        figure.note_sources(only.surface);
    }
    figure.note_smoothing();
    figure.draw(&format!("The {name} along a line over the plane"))
}

/// Which line it is.
fn words(line: &Along) -> String {
    let [from, to] =
        [line.from, line.to].map(|[x, y]| format!("({}, {})", value(x, 4), value(y, 4)));
    format!(
        "along the straight line from A = {from} to {to}, between the points of the grid interpolated"
    )
}

/// The values of each plane at equal distances on the line; NaN where there are none.
fn profiles(
    planes: &[NamedPlane<'_>],
    line: &Along,
    options: &Options,
) -> Result<Vec<Vec<f64>>, PlotError> {
    let mut all = Vec::new();
    for plane in planes {
        field::expect_dims(plane.surface, 2, "line over a plane")?;
        field::expect_lines(plane.surface, "line over a plane")?;
        all.push(field::read(plane.surface, options.value)?.0);
    }
    let scale = options.value_scale(&all.concat());
    let of = |(plane, values): (&NamedPlane<'_>, Vec<f64>)| {
        let drawn = Plane::on(plane.surface, options, scale.clone(), values)?;
        let value = |k: usize| {
            let place = sample(&drawn.fine, line.at(share(k)));
            place.map_or(f64::NAN, |place| scale.transform.inverse(place))
        };
        Ok((0..POINTS).map(value).collect())
    };
    planes.iter().zip(all).map(of).collect()
}

fn share(k: usize) -> f64 {
    k as f64 / (POINTS - 1) as f64
}

/// The place at coordinates, where they are on the plane.
fn sample(field: &Field, [x, y]: [f64; 2]) -> Option<f64> {
    let index = |v: f64, axis: &landscape_core::Axis| {
        let u = (v - axis.min()) / axis.step();
        let last = (axis.count() - 1) as f64;
        (-ROUNDING..=last + ROUNDING).contains(&u).then_some(u)
    };
    field.sample(index(x, &field.x)?, index(y, &field.y)?)
}

fn series_of(k: usize, name: &str, y: Vec<f64>, line: &Along) -> Series {
    Series {
        name: name.to_owned(),
        x: (0..POINTS).map(|k| share(k) * line.length()).collect(),
        y,
        color: LINES[k % LINES.len()],
        dash: DASHES[(k / mark::CURVES.len()) % DASHES.len()],
        ..Series::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scale::Scale;
    use landscape_core::{Grid, Sample};

    /// x² + 2 y² + 1/2 over [-1, 1]², with a hole in its middle where asked.
    fn bowl(side: usize, hole: bool) -> Surface {
        let grid = Grid::square(side, 1.0, 2).expect("a grid");
        let mut surface = Surface::new(grid.clone(), vec![]);
        for flat in (0..grid.len()).filter(|flat| !hole || *flat != grid.len() / 2) {
            let [x, y, _] = grid.point(flat);
            let loss = 0.5 + x * x + 2.0 * y * y;
            let sample = Sample {
                loss,
                loss_se: None,
                accuracy: None,
                terms: vec![],
            };
            surface.set(flat, sample).expect("a point");
        }
        surface
    }

    fn values(surface: &Surface, line: &str, scale: Scale) -> Vec<f64> {
        let planes = [NamedPlane { name: "a", surface }];
        let options = Options {
            scale,
            ..Options::default()
        };
        let line = line.parse().expect("a line");
        profiles(&planes, &line, &options)
            .expect("values")
            .remove(0)
    }

    #[test]
    fn values_are_those_of_the_grid_where_the_line_passes_its_points() {
        let surface = bowl(41, false);
        for scale in [Scale::Linear, Scale::Log] {
            for (k, found) in values(&surface, "-1,-1:1,1", scale).iter().enumerate() {
                let t = 2.0 * share(k) - 1.0;
                let truth = 0.5 + 3.0 * t * t;
                let near = if k % 6 == 0 { 1e-9 } else { 5e-3 };
                assert!((found / truth - 1.0).abs() < near, "{k}: {found}, {truth}");
            }
        }
    }

    #[test]
    fn there_are_no_values_in_holes_and_outside() {
        let found = values(&bowl(5, true), "-2,0:1,0", Scale::Linear);
        assert!(found[79].is_nan() && found[81].is_finite());
        assert!(found[160].is_nan() && found[240].is_finite());
    }

    #[test]
    fn a_line_beside_the_plane_is_refused() {
        let surface = bowl(5, false);
        let planes = [NamedPlane {
            name: "a",
            surface: &surface,
        }];
        let line = "2,2:3,3".parse().expect("a line");
        let error = along(&planes, &line, &Options::default()).expect_err("nothing to draw");
        let words = "along = 2,2:3,3 is not usable: a line over the plane that was sampled";
        assert_eq!(error.to_string(), words);
        assert!(along(&[], &line, &Options::default()).is_err());
    }
}
