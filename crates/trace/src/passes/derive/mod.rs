//! Derivatives of a graph, as graphs.
//!
//! Every operation states two rules in its own file: its *tangent*, the derivative of its output along
//! given tangents of its inputs (forward mode), and its *adjoint*, the derivatives of the loss with respect to
//! its inputs from that with respect to its output (reverse mode). Both are written in
//! operations of the graph, whose rules are again known. A gradient is the adjoint of the loss; a
//! Hessian-vector product is the tangent of the gradient along the vector (Pearlmutter 1994,
//! "Fast exact multiplication by the Hessian"); a Gauss-Newton product is the tangent up to the network's output,
//! the Hessian of the loss there, and the adjoint back (Schraudolph 2002, "Fast curvature matrix-vector
//! products for second-order gradient descent"). Executors run what comes out like any other graph.

mod chains;
mod heads;
mod lower;
mod matrices;
mod modes;

pub use matrices::Matrix;
pub(crate) use matrices::{Standing, Wanted, derive};
