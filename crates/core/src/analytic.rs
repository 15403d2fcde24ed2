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

/// A smooth peak of width 0.2, the hardest smooth case for interpolation: Runge's function.
pub const RUNGE: Analytic = Analytic {
    name: "runge",
    formula: "1 / (1 + 25 (x^2 + y^2))",
    function: runge,
    half_range: 1.0,
    minima: &[],
};

/// A curved valley with walls that flatten out, as those of a cross-entropy do.
pub const VALLEY: Analytic = Analytic {
    name: "valley",
    formula: "log(1 + 100 (y - x^2)^2) + x^2",
    function: valley,
    half_range: 1.0,
    minima: &[[0.0, 0.0]],
};

/// A bowl with a wall of width 0.02 across it, narrower than a coarse grid's step.
pub const RIDGE: Analytic = Analytic {
    name: "ridge",
    formula: "x^2 + y^2 + 3 exp(-((x - 0.37) / 0.02)^2)",
    function: ridge,
    half_range: 1.0,
    minima: &[[0.0, 0.0]],
};

/// A bowl with a cliff of height 1 along a line askew to the grid.
pub const STEP: Analytic = Analytic {
    name: "step",
    formula: "x^2 + y^2, and 1 more where 0.3 x + y > 0.11",
    function: step,
    half_range: 1.0,
    minima: &[[0.0, 0.0]],
};

/// Independent uniform numbers in [0, 1), one for each point.
pub const NOISE: Analytic = Analytic {
    name: "noise",
    formula: "a hash of (x, y)",
    function: noise,
    half_range: 1.0,
    minima: &[],
};

/// The gentle ones: polynomials, and waves of one length.
pub const ALL: [Analytic; 5] = [BOWL, SADDLE, HIMMELBLAU, RASTRIGIN, ROSENBROCK];

/// Those that are hard to follow from few points.
pub const HARD: [Analytic; 5] = [RUNGE, VALLEY, RIDGE, STEP, NOISE];

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

/// `1 / (1 + 25 (x^2 + y^2))`.
pub fn runge(point: [f64; 2]) -> f64 {
    1.0 / (1.0 + 25.0 * bowl(point))
}

/// `log(1 + 100 (y - x^2)^2) + x^2`.
pub fn valley([x, y]: [f64; 2]) -> f64 {
    libm::log1p(100.0 * (y - x * x).powi(2)) + x * x
}

/// `x^2 + y^2 + 3 exp(-((x - 0.37) / 0.02)^2)`.
pub fn ridge([x, y]: [f64; 2]) -> f64 {
    bowl([x, y]) + 3.0 * libm::exp(-((x - 0.37) / 0.02).powi(2))
}

/// `x^2 + y^2`, and 1 more where `0.3 x + y > 0.11`.
pub fn step([x, y]: [f64; 2]) -> f64 {
    bowl([x, y]) + if 0.3 * x + y > 0.11 { 1.0 } else { 0.0 }
}

/// Uniform in [0, 1), the same for the same coordinates: the finaliser of SplitMix64 over the bits
/// of both.
pub fn noise(point: [f64; 2]) -> f64 {
    let mix = |hash: u64, x: f64| {
        let mut hash = (hash ^ x.to_bits()).wrapping_add(0x9e37_79b9_7f4a_7c15);
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^ (hash >> 31)
    };
    (point.into_iter().fold(0, mix) >> 11) as f64 / (1u64 << 53) as f64
}
