//! Products that are counted and checked before an algorithm sees them.

use crate::operator::{Operator, OperatorError};

/// Why an algorithm did not get a product it can use.
#[derive(Debug, thiserror::Error)]
pub enum ProductError {
    /// The operator failed.
    #[error("computing {vectors} products failed")]
    Operator {
        /// Vectors in the block.
        vectors: usize,
        /// What went wrong.
        #[source]
        source: OperatorError,
    },
    /// The operator gave another number of products than there were vectors.
    #[error("the operator gave {given} products for {expected} vectors")]
    Count {
        /// Vectors it was given.
        expected: usize,
        /// Products it gave.
        given: usize,
    },
    /// A product has another length than the vector.
    #[error("the operator gave a product of {given} entries for a vector of {expected}")]
    Length {
        /// The operator's dimension.
        expected: usize,
        /// Entries of the product.
        given: usize,
    },
    /// A product holds NaN or an infinity.
    #[error(
        "entry {index} of a product is {value}: the loss overflows or is not differentiable here; \
         check the parameters, or lower their magnitude"
    )]
    NotFinite {
        /// The first such entry.
        index: usize,
        /// What it is.
        value: f64,
    },
    /// A product has entries whose squares overflow.
    #[error(
        "entry {index} of a product is {value}, too large to be squared; multiply the loss by a small factor"
    )]
    TooLarge {
        /// The first such entry.
        index: usize,
        /// What it is.
        value: f64,
    },
}

/// Magnitudes up to which a sum of squares over any number of entries is finite.
const LARGEST: f64 = 1e140;

/// Multiplies a block, adds to the count, and checks what came back.
pub(crate) fn multiply(
    operator: &dyn Operator,
    block: &[Vec<f64>],
    count: &mut usize,
) -> Result<Vec<Vec<f64>>, ProductError> {
    if block.is_empty() {
        return Ok(vec![]);
    }
    let vectors = block.len();
    let products = operator
        .apply(block)
        .map_err(|source| ProductError::Operator { vectors, source })?;
    if products.len() != vectors {
        let given = products.len();
        let expected = vectors;
        return Err(ProductError::Count { expected, given });
    }
    for product in &products {
        check(product, operator.dim())?;
    }
    *count += vectors;
    Ok(products)
}

/// Multiplies one vector.
pub(crate) fn multiply_one(
    operator: &dyn Operator,
    vector: &Vec<f64>,
    count: &mut usize,
) -> Result<Vec<f64>, ProductError> {
    let mut products = multiply(operator, std::slice::from_ref(vector), count)?;
    Ok(products.swap_remove(0))
}

fn check(product: &[f64], expected: usize) -> Result<(), ProductError> {
    if product.len() != expected {
        let given = product.len();
        return Err(ProductError::Length { expected, given });
    }
    let usable = |v: &f64| v.abs() <= LARGEST;
    let Some(index) = product.iter().position(|v| !usable(v)) else {
        return Ok(());
    };
    let value = product[index];
    Err(match value.is_finite() {
        true => ProductError::TooLarge { index, value },
        false => ProductError::NotFinite { index, value },
    })
}
