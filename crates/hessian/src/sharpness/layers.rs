use super::{Point, SharpnessError, Tensor};
use crate::operator::Operator;
use crate::products::{multiply, multiply_one};
use crate::progress::Observer;
use crate::trace::{Ended, Estimate, Trace};
use crate::vectors::{dot, rademacher};

/// Samples before a target may end an estimate.
const LEAST_SAMPLES: usize = 8;

/// The Fisher-Rao norm of the parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FisherRao {
    /// `sqrt(theta^T F theta)`.
    pub norm: f64,
    /// `theta^T F theta`.
    pub squared: f64,
    /// Products spent.
    pub products: usize,
}

impl Point<'_> {
    /// The Fisher-Rao norm `sqrt(theta^T F theta)` (Liang et al. 2019) from one product with the Fisher
    /// matrix, exactly. Rescaling layers of a ReLU network without changing the function does not change it.
    ///
    /// # Errors
    /// When the operator does not fit, the product cannot be had, or the form is negative beyond rounding.
    pub fn fisher_rao(&self, fisher: &dyn Operator) -> Result<FisherRao, SharpnessError> {
        self.fits(fisher)?;
        let mut products = 0;
        let theta = self.theta().to_vec();
        let product = multiply_one(fisher, &theta, &mut products)?;
        let form = dot(&theta, &product);
        let rounding = 1e-6 * crate::vectors::norm(&theta) * crate::vectors::norm(&product);
        if form < -rounding {
            return Err(SharpnessError::Negative { form });
        }
        // NaN stays.
        let squared = form.clamp(0.0, f64::INFINITY);
        Ok(FisherRao {
            norm: squared.sqrt(),
            squared,
            products,
        })
    }

    /// Relative flatness of a layer (Petzka et al. 2021): with the rows `w_s` of its weight, of shape
    /// `[outputs, ...]`, and `H_st` the block of the Hessian that couples rows `s` and `t`,
    ///
    /// ```text
    /// kappa = sum_st <w_s, w_t> tr H_st
    /// ```
    ///
    /// It is the mean of `d^T H d` over matrices `d = (W g) z^T` with Rademacher `g` and `z`, one
    /// product each: an estimate with a standard error. Rescaling layers of a ReLU network without changing
    /// the function does not change it. The paper defines it for fully connected layers; for a convolution, whose
    /// rows are all that one output channel is made of, it is an extension. `trace` says how many products, in what blocks, to what
    /// target; its method plays no part.
    ///
    /// # Errors
    /// When the operator does not fit, the tensor is unknown or no matrix, or a product cannot be had.
    pub fn relative_flatness(
        &self,
        hessian: &dyn Operator,
        tensor: &str,
        trace: &Trace,
        observer: Observer,
    ) -> Result<Estimate, SharpnessError> {
        self.fits(hessian)?;
        let layer = Layer::new(self, tensor)?;
        let params = trace.params();
        let mut samples: Vec<f64> = vec![];
        let mut products = 0;
        loop {
            let first = samples.len();
            let count = params.block.min(params.max_products - first);
            let numbers = first as u64..(first + count) as u64;
            let block: Vec<Vec<f64>> = numbers
                .map(|number| layer.direction(self, params.seed, number))
                .collect();
            let multiplied = multiply(hessian, &block, &mut products)?;
            samples.extend(block.iter().zip(&multiplied).map(|(d, hd)| dot(d, hd)));
            let estimate = Estimate::of(0.0, samples.clone(), products);
            let enough = samples.len() >= LEAST_SAMPLES;
            if let Some(ended) = trace.ended(&estimate, enough, 1, observer) {
                let ended: Ended = ended;
                return Ok(Estimate { ended, ..estimate });
            }
        }
    }

    fn fits(&self, operator: &dyn Operator) -> Result<(), SharpnessError> {
        let (dim, given) = (operator.dim(), self.dim());
        match dim == given {
            true => Ok(()),
            false => Err(SharpnessError::Dimension { dim, given }),
        }
    }
}

/// A weight as a matrix: one row for each output.
struct Layer<'a> {
    tensor: &'a Tensor,
    columns: usize,
}

impl<'a> Layer<'a> {
    fn new(point: &'a Point, name: &str) -> Result<Self, SharpnessError> {
        let tensors = point.function().tensors();
        if tensors.is_empty() {
            return Err(SharpnessError::NoTensors);
        }
        let Some(tensor) = tensors.iter().find(|tensor| tensor.name == name) else {
            return Err(SharpnessError::UnknownTensor {
                name: name.to_string(),
                known: tensors.iter().map(|tensor| tensor.name.clone()).collect(),
            });
        };
        if tensor.shape.len() < 2 || tensor.range.is_empty() {
            let (name, shape) = (tensor.name.clone(), tensor.shape.clone());
            return Err(SharpnessError::NotAMatrix { name, shape });
        }
        let columns = tensor.shape[1..].iter().product();
        Ok(Layer { tensor, columns })
    }

    /// `(W g) z^T` at the layer's entries, 0 elsewhere.
    fn direction(&self, point: &Point, seed: u64, number: u64) -> Vec<f64> {
        let g = rademacher(self.columns, seed, 2 * number);
        let z = rademacher(self.columns, seed, 2 * number + 1);
        let mut direction = vec![0.0; point.dim()];
        let weight = point.theta()[self.tensor.range.clone()].chunks(self.columns);
        let rows = direction[self.tensor.range.clone()].chunks_mut(self.columns);
        for (row, w) in rows.zip(weight) {
            let along = dot(w, &g);
            row.iter_mut().zip(&z).for_each(|(d, z)| *d = along * z);
        }
        direction
    }
}
