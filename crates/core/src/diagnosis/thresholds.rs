//! The limits between verdicts. Each is a convention: a surface is one plane of very many.

/// [`roughness`](crate::Metrics::roughness) from which a surface is uneven, and rough.
pub const ROUGHNESS: [f64; 2] = [0.005, 0.02];

/// [`convexity`](crate::Metrics::convexity) below which a surface is partly, and mostly, not convex.
pub const CONVEXITY: [f64; 2] = [0.5, 0.9];

/// Mean depth of the minima besides the lowest one ([`smad`](crate::Metrics::smad) over the range)
/// from which they hold a path up, and trap it.
pub const TRAPS: [f64; 2] = [0.01, 0.05];

/// Share of the points whose loss is NaN or infinite from which the region is dangerous.
pub const NON_FINITE: f64 = 0.01;

/// Gap to the lowest loss in view, as a share of the range, from which there is room.
pub const GAP: f64 = 0.02;

/// Height of the barrier on the lowest way there, as a share of the range, up to which it is open.
pub const BARRIER: f64 = 0.005;

/// Change of the loss along a tenth of the view, as a share of the range, from which there is a slope.
pub const SLOPE: f64 = 0.02;

/// The same of the curvature's part, up to which a place without slope is flat.
pub const FLAT: f64 = 0.002;

/// Share of the way of the losses that goes up from which they oscillate.
pub const UPS: f64 = 0.25;

/// Mean rise of the losses that rise, as a share of their whole range, below which it is noise.
pub const SWING: f64 = 0.02;

/// Mean cosine between steps on the plane below which the path zigzags.
pub const ZIGZAG: f64 = -0.2;

/// Turns about itself, all to one side, from which a path spirals.
pub const TURNS: f64 = 1.0;

/// Share of the turning that goes to one side from which it is one-sided.
pub const ONE_SIDED: f64 = 0.8;

/// Fall of the loss, as a share of the first one, below which nothing was learnt.
pub const LEARNT: f64 = 0.05;

/// Fall over the last quarter, as a share of the whole, up to which the loss has settled.
pub const SETTLED: f64 = 0.01;

/// Learning rate over the largest stable one from which a path is at the edge of stability, and
/// beyond it.
pub const STABILITY: [f64; 2] = [0.8, 1.2];

/// The same below which steps are very small.
pub const TIMID: f64 = 0.01;

/// Recorded steps that a course needs to be sure of.
pub const STEPS: usize = 10;

/// Share of the path's variance that a plane must explain to be sure of what it shows.
pub const EXPLAINED: f64 = 0.7;

/// Difference between the loss of the surface at the network's place and the true loss, as a share of
/// the range of the surface, from which the network is not on it.
pub const OFF: f64 = 0.1;
