//! Derivatives of a problem's loss: as an operator, as a loss function, and as directions.

use super::kind::SpectrumEnd;
use crate::StudyError;
use crate::problem::Problem;
use crate::report::{Reporter, say_how_it_runs, say_where};
use landscape_core::{Direction, Params, Sample, Source};
use landscape_hessian::{Lanczos, LanczosParams, Operator, OperatorError, Pair};
use landscape_trace::{Block, Curvature, Matrix, Target, Trace};
use std::ops::Range;

/// Residuals below this share of the largest eigenvalue are rounding, in f32 and in f64.
const FLOOR: (f64, f64) = (1e-6, 1e-13);

/// The most memory that vectors of an algorithm may take, in bytes.
const MEMORY: usize = 2 << 30;

/// The derivatives of a mean loss at a point that can be moved.
pub struct Derivatives {
    trace: Trace,
    target: Target,
    double: bool,
    params: Params,
    curvature: Curvature,
}

impl Derivatives {
    /// At the parameters of a problem; normalisation layers keep their running statistics.
    pub fn new(problem: &Problem, target: &Target, double: bool) -> Result<Self, StudyError> {
        let trace = problem.trace(&[])?;
        let params = problem.params.clone();
        let curvature = build(&trace, &params, target, double)?;
        Ok(Derivatives {
            trace,
            target: target.clone(),
            double,
            params,
            curvature,
        })
    }

    /// The same, said in words how it runs: see [`say_how_it_runs`].
    ///
    /// # Errors
    /// Those of [`Curvature::group`].
    pub fn said(self, reporter: &dyn Reporter) -> Result<Self, StudyError> {
        say_how_it_runs(&self.trace, reporter);
        let group = match reporter.hears_details() {
            true => self.curvature.group(Matrix::Hessian)?,
            false => None,
        };
        if let Some(group) = group {
            say_where(&group.device.clone(), &[group], reporter);
        }
        Ok(self)
    }

    /// The derivatives at the point.
    pub fn curvature(&self) -> &Curvature {
        &self.curvature
    }

    /// Number of parameters.
    pub fn dim(&self) -> usize {
        self.curvature.dim()
    }

    /// The matrix as an operator.
    pub fn operator(&self, matrix: Matrix) -> Products<'_> {
        Products {
            curvature: &self.curvature,
            matrix,
        }
    }

    /// The derivatives of a part of the free parameters, those in `range` of the vectors, as if all others were fixed: products with
    /// the diagonal block of the part, for less than products with the whole take.
    ///
    /// # Errors
    /// [`StudyError::Trace`] where no whole tensor is in the range.
    pub fn part(&self, range: &Range<usize>) -> Result<Derivatives, StudyError> {
        let within =
            |block: &&Block| range.start <= block.range.start && block.range.end <= range.end;
        let inside = self.curvature.blocks().iter().filter(within);
        let names: Vec<&str> = inside.map(|block| block.name.as_str()).collect();
        let mut tensors = self.params.clone().into_inner();
        for tensor in tensors.iter_mut().filter(|tensor| tensor.is_free()) {
            tensor.fixed = !names.contains(&tensor.name.as_str());
        }
        let params = Params::new(tensors)?;
        Ok(Derivatives {
            curvature: build(&self.trace, &params, &self.target, self.double)?,
            trace: self.trace.clone(),
            target: self.target.clone(),
            double: self.double,
            params,
        })
    }

    /// Residuals below this share of the largest eigenvalue are rounding.
    pub fn floor(&self) -> f64 {
        floor(self.double)
    }

    /// Moves to other parameters of the network, running statistics and what is fixed included.
    pub fn move_to(&mut self, params: &Params) -> Result<(), StudyError> {
        let others = |params: &Params| -> Vec<Vec<f32>> {
            let others = params.iter().filter(|p| !p.is_free());
            others.map(|p| p.data.clone()).collect()
        };
        let params = params.clone().conform(&self.params)?;
        match others(&params) == others(&self.params) {
            true => {
                let point: Vec<f64> = params.flatten().into_iter().map(f64::from).collect();
                self.curvature.move_to(&point)?;
            }
            false => self.curvature = build(&self.trace, &params, &self.target, self.double)?,
        }
        self.params = params;
        Ok(())
    }

    /// Parameters of the network with these entries, and the running statistics of the point.
    pub fn params_at(&self, theta: &[f64]) -> Result<Params, StudyError> {
        let theta: Vec<f32> = theta.iter().map(|&value| value as f32).collect();
        Ok(self.params.unflatten(&theta)?)
    }

    /// The loss at other parameters of the network.
    pub fn sample_at(&self, params: &Params) -> Result<Sample, StudyError> {
        let target = std::slice::from_ref(&self.target);
        Ok(self.trace.sample_at(params, target)?)
    }

    /// A vector as tensors with the names of the parameters; buffers and what is fixed are zero.
    pub fn tensors(&self, vector: &[f64]) -> Result<Params, StudyError> {
        let vector: Vec<f32> = vector.iter().map(|&value| value as f32).collect();
        Ok(self.params.zeros_like().unflatten(&vector)?)
    }
}

fn build(
    trace: &Trace,
    params: &Params,
    target: &Target,
    double: bool,
) -> Result<Curvature, StudyError> {
    let curvature = trace.curvature(params, target)?;
    Ok(match double {
        true => curvature.in_f64(),
        false => curvature,
    })
}

/// Residuals below this share of the largest eigenvalue are rounding.
pub fn floor(double: bool) -> f64 {
    if double { FLOOR.1 } else { FLOOR.0 }
}

/// Vectors of the basis for this many pairs that fit the memory allowed; `None` where the usual do.
pub fn basis(wanted: usize, dim: usize) -> Option<usize> {
    let usual = LanczosParams {
        top: wanted,
        ..LanczosParams::default()
    };
    let fits = LanczosParams::basis_in(MEMORY, dim).max(2 * wanted + 8);
    (fits < usual.basis_limit()).then_some(fits)
}

/// A matrix of second derivatives as an operator.
pub struct Products<'a> {
    curvature: &'a Curvature,
    matrix: Matrix,
}

impl Operator for Products<'_> {
    fn dim(&self) -> usize {
        self.curvature.dim()
    }

    fn apply(&self, block: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, OperatorError> {
        let products = self.curvature.products(self.matrix, block);
        products.map_err(OperatorError::new)
    }
}

/// Unit eigenvectors of the Hessian as directions: for each end that is named, the next one from there.
pub fn eigen_directions(
    problem: &Problem,
    ends: &[SpectrumEnd],
    target: &Target,
    seed: u64,
) -> Result<Vec<Direction>, StudyError> {
    let derivatives = Derivatives::new(problem, target, false)?;
    let count = |end: SpectrumEnd| ends.iter().filter(|&&e| e == end).count();
    let params = LanczosParams {
        top: count(SpectrumEnd::Top),
        bottom: count(SpectrumEnd::Bottom),
        tolerance: 1e-3,
        floor: derivatives.floor(),
        basis: basis(ends.len(), derivatives.dim()),
        seed,
        ..LanczosParams::default()
    };
    let spectrum = Lanczos::new(params)?.solve(&derivatives.operator(Matrix::Hessian))?;
    let mut places = [0, 0];
    let mut directions = Vec::with_capacity(ends.len());
    for &end in ends {
        let (pairs, place) = match end {
            SpectrumEnd::Top => (&spectrum.top, &mut places[0]),
            SpectrumEnd::Bottom => (&spectrum.bottom, &mut places[1]),
        };
        let pair = pairs.get(*place).ok_or(StudyError::FewEigenvectors)?;
        directions.push(direction(&derivatives, pair, end, *place, problem)?);
        *place += 1;
    }
    Ok(directions)
}

fn direction(
    derivatives: &Derivatives,
    pair: &Pair,
    end: SpectrumEnd,
    place: usize,
    problem: &Problem,
) -> Result<Direction, StudyError> {
    let dim = derivatives.dim();
    let index = match end {
        SpectrumEnd::Top => place,
        SpectrumEnd::Bottom => dim - 1 - place,
    };
    let source = match pair.converged {
        true => Source::Hessian { index },
        // Whoever looks at the plane has to know.
        false => Source::Custom(format!(
            "{}, not converged (residual {:.0e})",
            Source::Hessian { index },
            pair.relative()
        )),
    };
    let tensors = derivatives.tensors(&pair.vector)?;
    Ok(Direction::from_tensors(tensors, &problem.params, source)?)
}

/// The negative gradient as it is: where plain gradient descent goes, at coordinate 1 with a learning rate of
/// 1.
pub fn gradient_direction(problem: &Problem, target: &Target) -> Result<Direction, StudyError> {
    let derivatives = Derivatives::new(problem, target, false)?;
    let gradient = derivatives.curvature().gradient()?.gradient;
    let down: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let tensors = derivatives.tensors(&down)?;
    Ok(Direction::from_tensors(
        tensors,
        &problem.params,
        Source::Gradient,
    )?)
}
