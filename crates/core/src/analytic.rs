//! Analytic landscapes of two variables with known minima, for examples and tests: any function is
//! a landscape.
//!
//! ```
//! use landscape_core::{analytic, from_fn, Grid, Sampler, Surface};
//!
//! let valley = analytic::ROSENBROCK;
//! let mut surface = Surface::new(Grid::square(51, valley.half_range, 2)?, vec![]);
//! Sampler::new().run(&from_fn(valley.function), &mut surface, &mut [])?;
//! assert!(surface.is_complete());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::f64::consts::TAU;

/// A function of two variables and what is known about it.
#[derive(Debug, Clone, Copy)]
pub struct Analytic {
    /// Its name in lower case.
    pub name: &'static str,
    /// Its formula in words.
    pub formula: &'static str,
    /// The function.
    pub function: fn([f64; 2]) -> f64,
    /// A symmetric range that shows what is typical of it.
    pub half_range: f64,
    /// Its global minima, to f64 rounding; none where it has no lower bound.
    pub minima: &'static [[f64; 2]],
}

/// A convex bowl: `x^2 + y^2`, minimum 0 at the origin.
pub const BOWL: Analytic = Analytic {
    name: "bowl",
    formula: "x^2 + y^2",
    function: bowl,
    half_range: 1.0,
    minima: &[[0.0, 0.0]],
};

/// A saddle: `x^2 - y^2`, curvatures 2 and -2, no minimum.
pub const SADDLE: Analytic = Analytic {
    name: "saddle",
    formula: "x^2 - y^2",
    function: saddle,
    half_range: 1.0,
    minima: &[],
};

/// Four equal minima of value 0, four saddles and a maximum: Himmelblau's function.
pub const HIMMELBLAU: Analytic = Analytic {
    name: "himmelblau",
    formula: "(x^2 + y - 11)^2 + (x + y^2 - 7)^2",
    function: himmelblau,
    half_range: 5.0,
    minima: &[
        [3.0, 2.0],
        [-2.805118086952745, 3.131312518250573],
        [-3.779310253377747, -3.28318599128617],
        [3.584428340330492, -1.848126526964404],
    ],
};

/// Many local minima, one near each pair of integers; the deepest, 0, at the origin: Rastrigin's
/// function.
pub const RASTRIGIN: Analytic = Analytic {
    name: "rastrigin",
    formula: "20 + x^2 - 10 cos(2 pi x) + y^2 - 10 cos(2 pi y)",
    function: rastrigin,
    half_range: 2.5,
    minima: &[[0.0, 0.0]],
};

/// A narrow curved valley: Rosenbrock's function, minimum 0 at (1, 1).
pub const ROSENBROCK: Analytic = Analytic {
    name: "rosenbrock",
    formula: "(1 - x)^2 + 100 (y - x^2)^2",
    function: rosenbrock,
    half_range: 2.0,
    minima: &[[1.0, 1.0]],
};

/// All of them.
pub const ALL: [Analytic; 5] = [BOWL, SADDLE, HIMMELBLAU, RASTRIGIN, ROSENBROCK];

/// `x^2 + y^2`.
pub fn bowl([x, y]: [f64; 2]) -> f64 {
    x * x + y * y
}

/// `x^2 - y^2`.
pub fn saddle([x, y]: [f64; 2]) -> f64 {
    x * x - y * y
}

/// `(x^2 + y - 11)^2 + (x + y^2 - 7)^2`.
pub fn himmelblau([x, y]: [f64; 2]) -> f64 {
    (x * x + y - 11.0).powi(2) + (x + y * y - 7.0).powi(2)
}

/// `20 + x^2 - 10 cos(2 pi x) + y^2 - 10 cos(2 pi y)`.
pub fn rastrigin(point: [f64; 2]) -> f64 {
    let term = |x: f64| x * x - 10.0 * libm::cos(TAU * x) + 10.0;
    point.into_iter().map(term).sum()
}

/// `(1 - x)^2 + 100 (y - x^2)^2`.
pub fn rosenbrock([x, y]: [f64; 2]) -> f64 {
    (1.0 - x).powi(2) + 100.0 * (y - x * x).powi(2)
}
