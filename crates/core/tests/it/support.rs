//! What several tests share.

use landscape_core::{Grid, Parameter, Params, Role, Sample, Sampler, Surface, from_fn};

/// Fails unless `got` equals `want` to `tolerance`, relative to 1 or to `want`.
#[track_caller]
pub fn assert_close(got: f64, want: f64, tolerance: f64) {
    let scale = want.abs().max(1.0);
    assert!(
        (got - want).abs() <= tolerance * scale,
        "got {got}, want {want}"
    );
}

#[track_caller]
pub fn assert_all_close(got: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len());
    for (g, w) in got.iter().zip(want) {
        assert_close(*g, *w, tolerance);
    }
}

pub fn tensor(name: &str, shape: &[usize], role: Role, value: impl Fn(usize) -> f32) -> Parameter {
    let data = (0..shape.iter().product()).map(value).collect();
    Parameter::new(name, shape, data, role).unwrap()
}

/// A convolution, a normalisation layer with statistics, a linear layer and a scalar.
pub fn network() -> Params {
    let wave = |i: usize| ((i * 7 + 3) % 11) as f32 / 5.0 - 1.0;
    Params::new(vec![
        tensor("conv1.weight", &[4, 3, 2, 2], Role::Weight, wave),
        tensor("bn1.weight", &[4], Role::NormScale, |i| 1.0 + wave(i) / 4.0),
        tensor("bn1.bias", &[4], Role::NormShift, |i| wave(i + 2)),
        tensor("bn1.running_mean", &[4], Role::Buffer, |i| 10.0 + i as f32),
        tensor("bn1.running_var", &[4], Role::Buffer, |i| 20.0 + i as f32),
        tensor("fc.weight", &[2, 16], Role::Weight, |i| wave(i + 5)),
        tensor("fc.bias", &[2], Role::Bias, |i| wave(i + 1)),
        tensor("temperature", &[], Role::Weight, |_| 3.0),
    ])
    .unwrap()
}

/// Parameters of one matrix, `[1, n]`.
pub fn vector(values: &[f32]) -> Params {
    let tensor = Parameter::new("v", [1, values.len()], values.to_vec(), Role::Weight).unwrap();
    Params::new(vec![tensor]).unwrap()
}

/// A function of two variables on a grid.
pub fn sampled(grid: Grid, function: impl Fn([f64; 2]) -> f64 + Sync) -> Surface {
    let mut surface = Surface::new(grid, Vec::new());
    Sampler::new()
        .run(&from_fn(function), &mut surface, &mut [])
        .unwrap();
    surface
}

/// A surface of [-1, 1]^2 from lines `i,j,loss,accuracy` under a line of names.
pub fn of_csv(text: &str) -> Surface {
    let rows = text.lines().skip(1).map(|line| {
        let mut cells = line.split(',');
        let mut cell = || cells.next().unwrap().parse::<f64>().unwrap();
        (cell() as usize, cell() as usize, cell(), cell())
    });
    let rows: Vec<_> = rows.collect();
    let count = rows.iter().map(|row| row.0).max().unwrap() + 1;
    let mut surface = Surface::new(Grid::square(count, 1.0, 2).unwrap(), Vec::new());
    for (i, j, loss, accuracy) in rows {
        let sample = Sample {
            accuracy: Some(accuracy),
            ..Sample::of(loss)
        };
        surface.set(i * count + j, sample).unwrap();
    }
    surface
}
