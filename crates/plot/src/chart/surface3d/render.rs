//! Hidden surfaces: triangles into a picture with a depth for every pixel.
//!
//! Between points the surface is the four triangles of each cell about its centre. Colour follows
//! the value at the pixel, not a corner's; light follows the slope. Cells with a corner that is not
//! finite are left open, and what lies beyond the scale is cut off, pixel by pixel.

use super::camera::{Vec3, View, dot, unit};
use super::space::Space;
use crate::field::Field;
use crate::isoline::coordinate;
use crate::raster::Raster;
use crate::style::Rgb;
use crate::svg::Rect;

/// Dots an inch of the picture, and samples a dot each way.
pub(super) const DPI: f64 = 600.0;
const SAMPLES: usize = 2;
/// About this many mesh lines run along an axis.
const MESH: usize = 25;
/// Width of mesh lines, in points, and how much they darken.
const MESH_WIDTH: f64 = 0.22;
const MESH_SHADE: f64 = 0.30;
/// Share of the light that does not depend on the slope.
const AMBIENT: f64 = 0.58;
/// The colour of the side seen from below: none of the scale's, so that it reads as no value.
const UNDERSIDE: Rgb = [176, 176, 176];
/// The widest picture, in dots; larger ones have fewer dots an inch, but never less than 300.
const WIDEST: f64 = 2200.0;

/// A corner of a triangle.
#[derive(Debug, Clone, Copy)]
struct Corner {
    /// Column, row (in samples), depth towards the eye.
    at: Vec3,
    /// Transformed value, indices along both axes, light: what is interpolated.
    carried: [f64; 4],
}

/// The picture of a surface, and the depth that hides what lies behind it.
pub(super) struct Picture {
    area: Rect,
    columns: usize,
    rows: usize,
    depth: Vec<f32>,
    color: Vec<[u8; 4]>,
    /// Samples that show the underside of the surface.
    underside: Vec<bool>,
}

/// How the surface is painted.
pub(super) struct Paint<'a> {
    pub colors: &'a [Rgb],
    /// Transformed ends of the scale.
    pub ends: (f64, f64),
    /// Steps of the field between two points that were sampled, along both axes: mesh lines run through these.
    pub steps: [usize; 2],
}

impl Picture {
    /// An empty picture over a rectangle of the page, with at most so many dots an inch.
    fn new(area: Rect, dpi: f64) -> Self {
        let dpi = dpi.min((72.0 * WIDEST / area.w).max(300.0));
        let samples = |points: f64| libm::ceil(points / 72.0 * dpi).max(1.0) as usize * SAMPLES;
        let (columns, rows) = (samples(area.w), samples(area.h));
        Picture {
            area,
            columns,
            rows,
            depth: vec![f32::NEG_INFINITY; columns * rows],
            color: vec![[0; 4]; columns * rows],
            underside: vec![false; columns * rows],
        }
    }

    /// The share of the surface in sight of which the underside is seen.
    pub fn underside(&self) -> f64 {
        let count = |seen: &dyn Fn(&usize) -> bool| (0..self.color.len()).filter(seen).count();
        let all = count(&|k| self.color[*k][3] > 0).max(1);
        count(&|k| self.underside[*k]) as f64 / all as f64
    }

    /// Samples a point of the page.
    fn scale(&self) -> (f64, f64) {
        (
            self.columns as f64 / self.area.w,
            self.rows as f64 / self.area.h,
        )
    }

    fn triangle(&mut self, corners: [Corner; 3], paint: &Paint<'_>, mesh: &Mesh) {
        let Some(flat) = Flat::new(corners) else {
            return;
        };
        let bounds = |k: usize, limit: usize| {
            let all = corners.map(|c| c.at[k]);
            let low = all.iter().copied().fold(f64::MAX, f64::min);
            let high = all.iter().copied().fold(f64::MIN, f64::max);
            let last = libm::floor(high - 0.5).min(limit as f64 - 1.0);
            (libm::ceil(low - 0.5).max(0.0) as usize, last)
        };
        let ((c0, c1), (r0, r1)) = (bounds(0, self.columns), bounds(1, self.rows));
        if c1 < 0.0 || r1 < 0.0 {
            return;
        }
        for row in r0..=r1 as usize {
            for column in c0..=c1 as usize {
                self.sample(&flat, column, row, paint, mesh);
            }
        }
    }

    fn sample(&mut self, flat: &Flat, column: usize, row: usize, paint: &Paint<'_>, mesh: &Mesh) {
        let Some((depth, carried)) = flat.at(column as f64 + 0.5, row as f64 + 0.5) else {
            return;
        };
        let k = row * self.columns + column;
        let (lo, hi) = paint.ends;
        let slack = 1e-9 * (hi - lo);
        if depth as f32 <= self.depth[k] || carried[0] > hi + slack || carried[0] < lo - slack {
            return;
        }
        self.depth[k] = depth as f32;
        let t = ((carried[0] - lo) / (hi - lo)).clamp(0.0, 1.0);
        let color = match flat.underside {
            true => UNDERSIDE,
            false => paint.colors[libm::round(t * (paint.colors.len() - 1) as f64) as usize],
        };
        self.underside[k] = flat.underside;
        let light = carried[3] * (1.0 - MESH_SHADE * mesh.cover(flat, carried));
        let shade = |c: u8| libm::round(f64::from(c) * light).clamp(0.0, 255.0) as u8;
        self.color[k] = [shade(color[0]), shade(color[1]), shade(color[2]), 255];
    }

    /// Whether a point of the page at a depth is hidden; `slack` is how far behind the surface still
    /// counts as on it.
    pub fn hides(&self, (x, y): (f64, f64), depth: f64, slack: f64) -> bool {
        let (sx, sy) = self.scale();
        let (c, r) = (
            libm::floor((x - self.area.x) * sx),
            libm::floor((y - self.area.y) * sy),
        );
        let inside = c >= 0.0 && r >= 0.0 && c < self.columns as f64 && r < self.rows as f64;
        inside && f64::from(self.depth[r as usize * self.columns + c as usize]) > depth + slack
    }

    /// Where the picture lies on the page.
    pub fn area(&self) -> Rect {
        self.area
    }

    /// The picture, samples averaged.
    pub fn raster(&self) -> Raster {
        let (w, h) = (self.columns / SAMPLES, self.rows / SAMPLES);
        let mut raster = Raster::new(w, h);
        for (k, pixel) in raster.data.chunks_exact_mut(4).enumerate() {
            pixel.copy_from_slice(&self.average(k % w * SAMPLES, k / w * SAMPLES));
        }
        raster
    }

    fn average(&self, column: usize, row: usize) -> [u8; 4] {
        let mut sums = [0u32; 4];
        for r in row..row + SAMPLES {
            for c in column..column + SAMPLES {
                let sample = self.color[r * self.columns + c];
                let covered = u32::from(sample[3] > 0);
                for k in 0..3 {
                    sums[k] += covered * u32::from(sample[k]);
                }
                sums[3] += covered;
            }
        }
        let n = sums[3].max(1);
        let all = (SAMPLES * SAMPLES) as u32;
        [
            (sums[0] / n) as u8,
            (sums[1] / n) as u8,
            (sums[2] / n) as u8,
            (sums[3] * 255 / all) as u8,
        ]
    }
}

/// A triangle on the page: everything on it is an affine function of column and row.
struct Flat {
    origin: Vec3,
    carried: [f64; 4],
    /// Change of depth and of what is carried with a column and with a row.
    depth: (f64, f64),
    slopes: [(f64, f64); 4],
    /// From offsets to weights of the second and third corner.
    weights: [(f64, f64); 2],
    /// Whether the surface is seen from below.
    underside: bool,
}

impl Flat {
    fn new([a, b, c]: [Corner; 3]) -> Option<Self> {
        let (bx, by) = (b.at[0] - a.at[0], b.at[1] - a.at[1]);
        let (cx, cy) = (c.at[0] - a.at[0], c.at[1] - a.at[1]);
        let area = bx * cy - by * cx;
        if area.abs() < 1e-9 || !area.is_finite() {
            return None;
        }
        let weights = [(cy / area, -cx / area), (-by / area, bx / area)];
        let slope = |b: f64, c: f64| {
            (
                b * weights[0].0 + c * weights[1].0,
                b * weights[0].1 + c * weights[1].1,
            )
        };
        Some(Flat {
            origin: a.at,
            carried: a.carried,
            depth: slope(b.at[2] - a.at[2], c.at[2] - a.at[2]),
            slopes: [0, 1, 2, 3]
                .map(|k| slope(b.carried[k] - a.carried[k], c.carried[k] - a.carried[k])),
            weights,
            underside: area > 0.0,
        })
    }

    /// Depth and carried values at a sample, when it is inside.
    fn at(&self, column: f64, row: f64) -> Option<(f64, [f64; 4])> {
        let (x, y) = (column - self.origin[0], row - self.origin[1]);
        let along = |s: (f64, f64)| s.0 * x + s.1 * y;
        let (p, q) = (along(self.weights[0]), along(self.weights[1]));
        const EDGE: f64 = -1e-9;
        if p < EDGE || q < EDGE || p + q > 1.0 - EDGE {
            return None;
        }
        let carried = [0, 1, 2, 3].map(|k| self.carried[k] + along(self.slopes[k]));
        Some((self.origin[2] + along(self.depth), carried))
    }
}

/// The lines drawn on the surface: every so many steps along both axes.
struct Mesh {
    every: [f64; 2],
    /// Half the width of a line, in samples.
    half: f64,
}

impl Mesh {
    fn new(field: &Field, steps: [usize; 2], samples_a_point: f64) -> Self {
        let every = |n: usize, k: usize| (((n - 1) / k).div_ceil(MESH).max(1) * k) as f64;
        Mesh {
            every: [every(field.nx(), steps[0]), every(field.ny(), steps[1])],
            half: MESH_WIDTH / 2.0 * samples_a_point,
        }
    }

    /// How much of a sample a mesh line covers.
    fn cover(&self, flat: &Flat, carried: [f64; 4]) -> f64 {
        let one = |k: usize| {
            let (value, every) = (carried[k + 1], self.every[k]);
            let slope = libm::hypot(flat.slopes[k + 1].0, flat.slopes[k + 1].1);
            let off = (value - every * libm::round(value / every)).abs() / slope.max(1e-300);
            (self.half + 0.5 - off).clamp(0.0, 1.0)
        };
        one(0).max(one(1))
    }
}

/// Draws the surface as seen, with at most so many dots an inch.
pub(super) fn render(
    field: &Field,
    space: &Space,
    view: &View,
    paint: &Paint<'_>,
    dpi: f64,
) -> Picture {
    let mut picture = Picture::new(bounds(space, view), dpi);
    let scene = Scene {
        field,
        space,
        view,
        light: light(view),
        area: picture.area,
        scale: picture.scale(),
    };
    let mesh = Mesh::new(field, paint.steps, picture.scale().0);
    for i in 0..field.nx() - 1 {
        for j in 0..field.ny() - 1 {
            let places = field.corners(i, j);
            if places.iter().all(|p| p.is_finite()) {
                for triangle in scene.cell(i, j, places) {
                    picture.triangle(triangle, paint, &mesh);
                }
            }
        }
    }
    picture
}

/// The rectangle of the page that the box takes.
fn bounds(space: &Space, view: &View) -> Rect {
    let corners: Vec<(f64, f64)> = space.corners().into_iter().map(|c| view.at(c)).collect();
    let low = corners
        .iter()
        .fold((f64::MAX, f64::MAX), |m, p| (m.0.min(p.0), m.1.min(p.1)));
    let high = corners
        .iter()
        .fold((f64::MIN, f64::MIN), |m, p| (m.0.max(p.0), m.1.max(p.1)));
    Rect::new(low.0, low.1, high.0 - low.0, high.1 - low.1)
}

/// Light from above, over the viewer's left shoulder.
fn light(view: &View) -> Vec3 {
    unit(
        [0, 1, 2]
            .map(|k| 0.55 * view.eye[k] - 0.55 * view.right[k] + if k == 2 { 0.9 } else { 0.0 }),
    )
}

struct Scene<'a> {
    field: &'a Field,
    space: &'a Space,
    view: &'a View,
    light: Vec3,
    area: Rect,
    scale: (f64, f64),
}

impl Scene<'_> {
    /// The triangles of a cell about its centre.
    fn cell(&self, i: usize, j: usize, places: [f64; 4]) -> [[Corner; 3]; 4] {
        let steps = [(0, 0), (1, 0), (1, 1), (0, 1)];
        let around = [0, 1, 2, 3].map(|k| {
            let (a, b) = (i + steps[k].0, j + steps[k].1);
            self.corner(a as f64, b as f64, places[k], self.brightness(a, b))
        });
        let middle = places.iter().sum::<f64>() / 4.0;
        let bright = around.iter().map(|c| c.carried[3]).sum::<f64>() / 4.0;
        let centre = self.corner(i as f64 + 0.5, j as f64 + 0.5, middle, bright);
        [0, 1, 2, 3].map(|k| [around[k], around[(k + 1) % 4], centre])
    }

    fn corner(&self, u: f64, v: f64, place: f64, bright: f64) -> Corner {
        let (x, y) = (coordinate(&self.field.x, u), coordinate(&self.field.y, v));
        let point = self.space.at(x, y, place);
        let page = self.view.at(point);
        Corner {
            at: [
                (page.0 - self.area.x) * self.scale.0,
                (page.1 - self.area.y) * self.scale.1,
                dot(point, self.view.eye),
            ],
            carried: [place, u, v, bright],
        }
    }

    /// Light at a point of the grid, from the slope to its finite neighbours.
    fn brightness(&self, i: usize, j: usize) -> f64 {
        let f = self.field;
        let tall = self.space.height_of_one();
        let (wx, wy) = (
            2.0 * self.space.half[0] / (f.nx() - 1) as f64,
            2.0 * self.space.half[1] / (f.ny() - 1) as f64,
        );
        let here = f.place(i, j);
        let rise = |before: Option<f64>, after: Option<f64>, width: f64| {
            let ok = |v: Option<f64>| v.filter(|v| v.is_finite());
            match (ok(before), ok(after)) {
                (Some(a), Some(b)) => (b - a) * tall / (2.0 * width),
                (Some(a), None) => (here - a) * tall / width,
                (None, Some(b)) => (b - here) * tall / width,
                (None, None) => 0.0,
            }
        };
        let along_x = |i: Option<usize>| i.filter(|i| *i < f.nx()).map(|i| f.place(i, j));
        let along_y = |j: Option<usize>| j.filter(|j| *j < f.ny()).map(|j| f.place(i, j));
        let dx = rise(along_x(i.checked_sub(1)), along_x(Some(i + 1)), wx);
        let dy = rise(along_y(j.checked_sub(1)), along_y(Some(j + 1)), wy);
        let normal = unit([-dx, -dy, 1.0]);
        AMBIENT + (1.0 - AMBIENT) * 1.12 * dot(normal, self.light).max(0.0)
    }
}
