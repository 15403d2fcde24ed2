//! What observers of a running algorithm are told, and how they end it.

use std::ops::ControlFlow;

/// What an algorithm is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It looks for eigenpairs.
    Iterating,
    /// It looks for eigenvalues beyond the converged ones.
    Confirming,
    /// It averages over random vectors.
    Sampling,
    /// It follows the gradient to a worst case.
    Ascending,
}

/// How far an algorithm is; given to its observer after every block of products or evaluations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// What it is doing.
    pub stage: Stage,
    /// Products (or evaluations of the loss) so far, those of earlier runs included.
    pub products: usize,
    /// The most it may spend.
    pub limit: usize,
    /// The relative error as it stands: of the worst eigenpair wanted, or of the mean. Infinite
    /// while nothing is known.
    pub error: f64,
    /// The relative error it works towards; 0 when it has no target and spends its limit.
    pub target: f64,
}

/// Watches an algorithm, and ends it with [`ControlFlow::Break`]. What was computed is kept.
pub type Observer<'a> = &'a mut dyn FnMut(&Progress) -> ControlFlow<()>;

/// An observer that lets everything run.
pub fn unobserved(_: &Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
