//! From where a surface is seen best.

use super::camera::{View, dot};
use super::render::{Paint, Picture, render};
use super::space::Space;
use crate::field::{Cell, Field};
use crate::options::Options;
use crate::viewpoint::Camera;
use landscape_core::{Axis, Trajectory};

/// The views that are tried. Between 0 and 90 degrees both axes run to the right.
const AZIMUTHS: [f64; 5] = [35.0, 50.0, 20.0, 60.0, 70.0];
const ELEVATIONS: [f64; 4] = [30.0, 38.0, 46.0, 54.0];
/// What it costs to see nothing but the underside, to hide all that is marked, and a degree of either angle from
/// the first view.
const UNDERSIDE: f64 = 10.0;
const HIDDEN: f64 = 1.0;
const DEGREE: (f64, f64) = (0.0005, 0.006);
/// Points along an axis, and dots an inch, of the sketches.
const POINTS: usize = 49;
const DPI: f64 = 72.0;
/// Points on the page for a unit of the box.
const ZOOM: f64 = 120.0;
/// The most points of a path that are looked at.
const PATH: usize = 60;

/// What is to be seen: the lowest point, networks, a path.
pub(super) fn marked(
    field: &Field,
    options: &Options,
    path: Option<&Trajectory>,
) -> Vec<(f64, f64)> {
    let known = (0..field.places.len()).filter(|k| field.places[*k].is_finite());
    let lowest = known.min_by(|a, b| field.places[*a].total_cmp(&field.places[*b]));
    let at = |k: usize| (field.x.value(k / field.ny()), field.y.value(k % field.ny()));
    let origin = options.origin.iter().map(|_| (0.0, 0.0));
    let networks = options.networks.iter().map(|n| (n.at[0], n.at[1]));
    let points = path.map_or(&[][..], |p| &p.points);
    let steps = points.iter().step_by(points.len().div_ceil(PATH).max(1));
    let steps = steps.map(|p| (p.coords[0], p.coords[1]));
    let lowest = lowest.map(at).into_iter();
    lowest.chain(origin).chain(networks).chain(steps).collect()
}

/// The view of the lowest cost.
pub(super) fn camera(field: &Field, space: &Space, marked: &[(f64, f64)]) -> Camera {
    let sketch = thinned(field);
    let views = ELEVATIONS.iter().flat_map(|elevation| {
        AZIMUTHS.map(|azimuth| Camera {
            azimuth,
            elevation: *elevation,
        })
    });
    let costs = views.map(|camera| (cost(&sketch, space, camera, marked), camera));
    let best = costs.min_by(|a, b| a.0.total_cmp(&b.0));
    best.map_or_else(Camera::default, |(_, camera)| camera)
}

fn cost(field: &Field, space: &Space, camera: Camera, marked: &[(f64, f64)]) -> f64 {
    let mut view = View::new(camera);
    view.zoom = ZOOM;
    let paint = Paint {
        colors: &[[0; 3]],
        ends: space.ends,
        steps: [1, 1],
    };
    let picture = render(field, space, &view, &paint, DPI);
    let shown = |p: &&(f64, f64)| index(field, **p).is_some();
    let all = marked.iter().filter(shown).count().max(1) as f64;
    let hidden = marked
        .iter()
        .filter(|p| hides(&picture, field, space, &view, **p));
    let turned = (camera.azimuth - AZIMUTHS[0]).abs() * DEGREE.0;
    let raised = (camera.elevation - ELEVATIONS[0]) * DEGREE.1;
    UNDERSIDE * picture.underside() + HIDDEN * hidden.count() as f64 / all + turned + raised
}

/// Whether the surface hides its own point at coordinates.
fn hides(picture: &Picture, field: &Field, space: &Space, view: &View, p: (f64, f64)) -> bool {
    let place = index(field, p).and_then(|(u, v)| field.sample(u, v));
    place.is_some_and(|place| {
        let point = space.at(p.0, p.1, place);
        picture.hides(view.at(point), dot(point, view.eye), 0.03)
    })
}

/// Coordinates as fractional indices, where they are on the plane.
fn index(field: &Field, (x, y): (f64, f64)) -> Option<(f64, f64)> {
    let one = |v: f64, axis: &Axis| {
        let u = (v - axis.min()) / axis.step();
        (0.0..=(axis.count() - 1) as f64).contains(&u).then_some(u)
    };
    Some((one(x, &field.x)?, one(y, &field.y)?))
}

/// The field on a coarser grid.
fn thinned(field: &Field) -> Field {
    let of = |axis: &Axis| {
        let n = axis.count().min(POINTS);
        Axis::new(axis.min(), axis.max(), n).unwrap_or(*axis)
    };
    let (x, y) = (of(&field.x), of(&field.y));
    let place = |k: usize| {
        let (i, j) = (k / y.count(), k % y.count());
        let along =
            |i: usize, n: usize, all: usize| i as f64 * (all - 1) as f64 / (n - 1).max(1) as f64;
        let at = (
            along(i, x.count(), field.nx()),
            along(j, y.count(), field.ny()),
        );
        field.sample(at.0, at.1).unwrap_or(f64::NAN)
    };
    let n = x.count() * y.count();
    Field {
        x,
        y,
        places: (0..n).map(place).collect(),
        cells: vec![Cell::Finite; n],
    }
}
