//! Landscapes as meshes and images.

use super::{Column, Data, Height, Shape, Values, log10};
use landscape_core::{Surface, Value};

/// The mesh of a line or a plane, the image of a volume.
pub(super) fn data(surface: &Surface, height: Height) -> Data {
    let order = order(surface);
    let shape = match surface.grid().dims() {
        3 => image(surface),
        _ => mesh(surface, height, &order),
    };
    Data {
        shape,
        columns: columns(surface, &order),
    }
}

/// The points of the grid by their numbers there, the first axis fastest.
fn order(surface: &Surface) -> Vec<usize> {
    let [nx, ny, nz] = surface.grid().shape3();
    let at = |i: usize, j: usize, k: usize| (i * ny + j) * nz + k;
    let mut order = Vec::with_capacity(nx * ny * nz);
    for k in 0..nz {
        for j in 0..ny {
            order.extend((0..nx).map(|i| at(i, j, k)));
        }
    }
    order
}

/// Loss first, then what else is known, each NaN where it is not.
fn columns(surface: &Surface, order: &[usize]) -> Vec<Column> {
    let of = |value: Value| -> Vec<f64> {
        let number = |&flat: &usize| surface.value(flat, value).unwrap_or(f64::NAN);
        order.iter().map(number).collect()
    };
    let loss = of(Value::Loss);
    let log = loss.iter().copied().map(log10).collect();
    let mut columns = vec![Column::f64("loss", loss), Column::f64("log10_loss", log)];
    for (name, value) in [("accuracy", Value::Accuracy), ("loss_se", Value::LossSe)] {
        let known = |&flat: &usize| surface.value(flat, value).is_some();
        if order.iter().any(known) {
            columns.push(Column::f64(name, of(value)));
        }
    }
    for (at, term) in surface.terms().iter().enumerate() {
        columns.push(Column::f64(
            super::super::term_column(term),
            of(Value::Term(at)),
        ));
    }
    if !order.iter().all(|&flat| surface.is_measured(flat)) {
        let measured = order
            .iter()
            .map(|&flat| u8::from(surface.is_measured(flat)));
        columns.push(Column {
            name: "measured".to_owned(),
            values: Values::U8(measured.collect()),
        });
    }
    columns
}

/// Points at their heights, joined where every corner has one.
fn mesh(surface: &Surface, height: Height, order: &[usize]) -> Shape {
    let heights: Vec<Option<f64>> = order
        .iter()
        .map(|&flat| {
            let z = height.of(surface.value(flat, Value::Loss)?);
            z.is_finite().then_some(z)
        })
        .collect();
    // A point without a height is part of nothing; it stands where it does not widen the picture.
    let low = heights.iter().flatten().copied().reduce(f64::min);
    let points = order.iter().zip(&heights).map(|(&flat, z)| {
        let [x, y, _] = surface.grid().point(flat);
        [x, y, z.or(low).unwrap_or(0.0)]
    });
    let known: Vec<bool> = heights.iter().map(Option::is_some).collect();
    let [nx, ny, _] = surface.grid().shape3();
    let plane = surface.grid().dims() == 2;
    Shape::Mesh {
        points: points.collect(),
        lines: if plane { Vec::new() } else { runs(&known) },
        quads: if plane {
            quads(nx, ny, &known)
        } else {
            Vec::new()
        },
    }
}

/// The cells of a plane, each counterclockwise seen from above.
fn quads(nx: usize, ny: usize, known: &[bool]) -> Vec<[usize; 4]> {
    let mut quads = Vec::new();
    for j in 0..ny.saturating_sub(1) {
        for i in 0..nx.saturating_sub(1) {
            let corner = j * nx + i;
            let quad = [corner, corner + 1, corner + nx + 1, corner + nx];
            if quad.iter().all(|&point| known[point]) {
                quads.push(quad);
            }
        }
    }
    quads
}

/// Neighbours in a row, two of them at least.
pub(super) fn runs(known: &[bool]) -> Vec<Vec<usize>> {
    let mut runs: Vec<Vec<usize>> = vec![Vec::new()];
    for (at, &known) in known.iter().enumerate() {
        match (known, runs.last_mut()) {
            (true, Some(run)) => run.push(at),
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| run.len() > 1);
    runs
}

fn image(surface: &Surface) -> Shape {
    let axes = surface.grid().axes();
    let of = |at: usize| axes.get(at);
    let spacing = |at: usize| of(at).map(|axis| axis.step()).filter(|&step| step > 0.0);
    Shape::Image {
        counts: surface.grid().shape3(),
        origin: std::array::from_fn(|at| of(at).map_or(0.0, |axis| axis.value(0))),
        spacing: std::array::from_fn(|at| spacing(at).unwrap_or(1.0)),
    }
}
