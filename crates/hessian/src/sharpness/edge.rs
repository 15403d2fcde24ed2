use super::SharpnessError;

/// Largest eigenvalues of the Hessian at which gradient descent is still stable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EdgeOfStability {
    /// `2 / eta`: beyond it gradient descent on the local quadratic diverges.
    pub gradient_descent: f64,
    /// `2 (1 + beta) / eta`: the same for the heavy-ball method with momentum `beta`.
    pub heavy_ball: f64,
}

/// The lines to draw beside the largest eigenvalue during training (Cohen et al. 2021), for a learning
/// rate `eta` and the momentum `beta` of `v <- beta v + g; theta <- theta - eta v` (0 for none).
///
/// ```
/// let edge = landscape_hessian::sharpness::edge_of_stability(0.1, 0.5)?;
/// assert_eq!((edge.gradient_descent, edge.heavy_ball), (20.0, 30.0));
/// # Ok::<(), landscape_hessian::sharpness::SharpnessError>(())
/// ```
///
/// # Errors
/// When the learning rate is not positive and finite, or the momentum not in [0, 1).
pub fn edge_of_stability(eta: f64, beta: f64) -> Result<EdgeOfStability, SharpnessError> {
    if !(eta > 0.0 && eta.is_finite()) {
        return Err(SharpnessError::LearningRate { given: eta });
    }
    if !(0.0..1.0).contains(&beta) {
        return Err(SharpnessError::Momentum { given: beta });
    }
    Ok(EdgeOfStability {
        gradient_descent: 2.0 / eta,
        heavy_ball: 2.0 * (1.0 + beta) / eta,
    })
}
