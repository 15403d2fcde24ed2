//! The surface as a mesh.

use super::overlay::{finely, on_surface};
use super::space::Space;
use crate::chart::paths::{self, PathOnPlane};
use crate::display::Plane;
use crate::error::PlotError;
use crate::field;
use crate::isoline::coordinate;
use crate::mesh::SurfaceMesh;
use crate::options::Options;
use landscape_core::Surface;

/// How far lines lie above the surface.
const LIFT: f64 = 0.004;

/// The surface of [`crate::surface3d`] as a mesh in its colours, with paths on it: the same points in the same box. Cells with a
/// corner that is not finite or beyond the scale are left open.
///
/// # Errors
/// As [`crate::surface3d`]; where no cell is left, and where a path has no points.
///
/// ```
/// use landscape_core::{Grid, Sampler, Surface, from_fn};
/// use landscape_plot::{Options, surface_mesh};
///
/// let mut surface = Surface::new(Grid::square(11, 1.0, 2)?, vec![]);
/// Sampler::new().run(&from_fn(|[x, y]: [f64; 2]| x * x + y * y), &mut surface, &mut [])?;
/// let mesh = surface_mesh(&surface, &[], &Options::default())?;
/// assert!(mesh.vertices.iter().all(|[x, y, z]| x.abs() <= 0.5 && y.abs() <= 0.31 && z.abs() <= 0.5));
/// assert!(mesh.to_glb().starts_with(b"glTF"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn surface_mesh(
    surface: &Surface,
    on_it: &[PathOnPlane<'_>],
    options: &Options,
) -> Result<SurfaceMesh, PlotError> {
    options.check()?;
    field::expect_dims(surface, 2, "surface")?;
    field::expect_lines(surface, "surface")?;
    paths::check(on_it)?;
    let data = Plane::of(surface, options)?;
    let space = Space::new(&data.field, &data.scale, options);
    let mut mesh = triangles(&data, &space, options);
    if mesh.triangles.is_empty() {
        return Err(PlotError::Empty {
            figure: "surface",
            what: "cell with a finite value at each corner",
        });
    }
    mesh.lines = on_it
        .iter()
        .flat_map(|path| lines(path, &data, &space))
        .collect();
    mesh.provenance.clone_from(&options.provenance);
    Ok(mesh)
}

/// From the box to the axes of the mesh.
fn turned([x, y, z]: [f64; 3]) -> [f32; 3] {
    [x as f32, z as f32, -y as f32]
}

fn triangles(data: &Plane, space: &Space, options: &Options) -> SurfaceMesh {
    let field = &data.fine;
    let (lo, hi) = space.ends;
    let slack = 1e-9 * (hi - lo);
    let shown = |place: f64| place >= lo - slack && place <= hi + slack;
    let mut numbers = vec![None; field.places.len()];
    let mut mesh = SurfaceMesh {
        vertices: Vec::new(),
        colors: Vec::new(),
        triangles: Vec::new(),
        lines: Vec::new(),
        provenance: Vec::new(),
    };
    for i in 0..field.nx() - 1 {
        for j in 0..field.ny() - 1 {
            let corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)];
            if !corners.iter().all(|(i, j)| shown(field.place(*i, *j))) {
                continue;
            }
            let [a, b, c, d] = corners.map(|(i, j)| {
                *numbers[i * field.ny() + j].get_or_insert_with(|| {
                    let place = field.place(i, j);
                    let (x, y) = (
                        coordinate(&field.x, i as f64),
                        coordinate(&field.y, j as f64),
                    );
                    mesh.vertices.push(turned(space.at(x, y, place)));
                    mesh.colors
                        .push(options.style.colormap.color((place - lo) / (hi - lo)));
                    mesh.vertices.len() as u32 - 1
                })
            });
            mesh.triangles.extend([[a, b, c], [a, c, d]]);
        }
    }
    mesh
}

/// The pieces of a path that lie on the surface.
fn lines(path: &PathOnPlane<'_>, data: &Plane, space: &Space) -> Vec<(String, Vec<[f32; 3]>)> {
    let points = path
        .trajectory
        .points
        .iter()
        .map(|p| (p.coords[0], p.coords[1]));
    let places = finely(&points.collect::<Vec<_>>());
    let places = places
        .into_iter()
        .map(|(x, y)| on_surface(data, space, x, y));
    let places: Vec<Option<[f64; 3]>> = places.collect();
    let pieces = places
        .split(Option::is_none)
        .filter(|piece| piece.len() > 1);
    let lifted = |[x, y, z]: [f64; 3]| turned([x, y, z + LIFT]);
    let name = if path.name.is_empty() {
        "path"
    } else {
        path.name
    };
    pieces
        .map(|piece| {
            (
                name.to_owned(),
                piece.iter().flatten().copied().map(lifted).collect(),
            )
        })
        .collect()
}
