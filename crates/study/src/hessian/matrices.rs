//! The matrices of second derivatives side by side.

use super::eigen::largest;
use super::estimates::trace_of;
use super::request::Per;
use super::work::Work;
use crate::StudyError;
use crate::directions::Derivatives;
use landscape_models::LossKind;
use landscape_storage::ALL_PARAMETERS;
use landscape_trace::Matrix;

/// The name under which numbers of a matrix are stored, in a run that is about another one.
pub fn stored_as(matrix: Matrix, asked: Matrix) -> String {
    match matrix == asked {
        true => ALL_PARAMETERS.to_owned(),
        false => format!("{ALL_PARAMETERS}@{matrix}"),
    }
}

/// The matrix of a name that is not that of the run's own one.
pub fn other_matrix(part: &str) -> Option<Matrix> {
    part.strip_prefix(ALL_PARAMETERS)?
        .strip_prefix('@')?
        .parse()
        .ok()
}

/// Trace and largest eigenvalue of every matrix but the one that is asked for, which has them already.
pub fn matrices(work: &mut Work, derivatives: &Derivatives) -> Result<(), StudyError> {
    if !work.wanted.has(Per::Matrix) {
        return Ok(());
    }
    let asked = work.wanted.asked.matrix;
    for &matrix in Matrix::ALL.iter().filter(|&&matrix| matrix != asked) {
        let part = stored_as(matrix, asked);
        trace_of(work, derivatives, &part, matrix)?;
        if !work.has_eigenvalues(&part) {
            let what = format!("largest eigenvalue of {matrix}");
            largest(work, (derivatives, matrix), &part, &what)?;
        }
    }
    Ok(())
}

/// The name of the true Fisher matrix, whose labels are drawn from the network's own predictions, among the matrices.
pub const TRUE_FISHER: &str = "true-fisher";

/// The matrix that is the true Fisher matrix of a loss, where the loss says it: the Gauss-Newton matrix, where outputs are the natural
/// parameters of the likelihood (Martens 2020).
pub fn equals_true_fisher(loss: LossKind) -> Option<Matrix> {
    match loss {
        LossKind::CrossEntropy | LossKind::BceWithLogits | LossKind::Mse => {
            Some(Matrix::GaussNewton)
        }
        LossKind::Bce | LossKind::Program => None,
    }
}

/// What the true Fisher matrix is, whose labels are drawn from the network's own predictions: for most losses one of those that are
/// computed.
pub fn true_fisher(loss: LossKind) -> &'static str {
    match loss {
        LossKind::CrossEntropy => {
            "the true Fisher matrix, of labels drawn from the network's own predictions, equals the Gauss-Newton matrix here; of tokens \
             it is the mean over all that count, each with a label of its own"
        }
        LossKind::BceWithLogits => {
            "the true Fisher matrix, of labels drawn from the network's own predictions, equals the Gauss-Newton matrix here; of several \
             outputs it is the mean over them, each with a label of its own"
        }
        LossKind::Mse => {
            "the true Fisher matrix of the Gaussian whose negative log likelihood this loss is equals the Gauss-Newton matrix; the \
             variance of that Gaussian is half the number of outputs"
        }
        LossKind::Bce => {
            "the true Fisher matrix differs from the Gauss-Newton matrix where the last layer gives probabilities itself; they are equal \
             where a sigmoid behind it does, and with bce-with-logits"
        }
        LossKind::Program => {
            "whether the true Fisher matrix equals the Gauss-Newton matrix depends on the loss in the program"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_matrices_are_read_as_they_are_written() {
        for &matrix in Matrix::ALL {
            let other = stored_as(matrix, Matrix::Hessian);
            let expected = Some(matrix).filter(|&matrix| matrix != Matrix::Hessian);
            assert_eq!(other_matrix(&other), expected, "{other}");
        }
        assert_eq!(other_matrix("all"), None);
        assert_eq!(other_matrix("fc1"), None);
    }
}
