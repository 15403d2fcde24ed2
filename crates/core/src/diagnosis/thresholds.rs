//! The limits between verdicts. Each is a convention: a surface is one plane of very many.

/// [`relative_roughness`](crate::Metrics::relative_roughness) from which a surface is uneven, and rough.
pub const ROUGHNESS: [f64; 2] = [0.01, 0.04];

/// [`convexity`](crate::Metrics::convexity) below which a surface is mostly, and partly, not convex.
pub const CONVEXITY: [f64; 2] = [0.25, 0.6];

/// [`trap_depth`](crate::Metrics::trap_depth) from which other minima hold a path up, and trap it.
pub const TRAPS: [f64; 2] = [0.05, 0.3];

/// Loss over that of guessing, `ln C` of `C` classes, from which a network has learnt little, and
/// nothing to speak of.
pub const GUESSING: [f64; 2] = [0.5, 0.95];

/// Range of a surface over its largest value below which the loss hardly changes in view.
pub const CHANGE: f64 = 0.01;

/// Points an axis below which a surface does not tell how hard it is.
pub const COARSE: usize = 5;

/// Points an axis below which a surface does not count beside one that has them.
pub const FINE: usize = 7;

/// [`Fidelity::disagreement`](crate::Fidelity::disagreement) from which the loss at the projection does not stand for the path's, and from
/// which it does not tell how hard the training was.
pub const DISAGREEMENT: [f64; 2] = [0.25, 1.0];

/// Figures that are uneven from which they make a surface hard together.
pub const UNEVEN: usize = 3;

/// Share of the points whose loss is NaN or infinite from which the region is dangerous.
pub const NON_FINITE: f64 = 0.01;

/// Gap to the lowest loss in view, as a share of the scale (see [`Position::scale`](super::Position::scale)),
/// from which there is room.
pub const GAP: f64 = 0.02;

/// Height of the barrier on the lowest way there, as a share of the scale, up to which it is open.
pub const BARRIER: f64 = 0.005;

/// Fall of the loss within a tenth of the view, as a share of the scale, from which there is a slope
/// where there is room.
pub const SLOPE: f64 = 0.008;

/// Smallest over largest magnitude of the curvatures, up to which the smallest is flat.
pub const FLAT: f64 = 0.02;

/// Share of the total change of the loss that is upwards from which it oscillates.
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
/// the scale of the surface, from which the network is not on it.
pub const OFF: f64 = 0.1;
