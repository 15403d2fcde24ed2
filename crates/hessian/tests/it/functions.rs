//! Losses with known curvature.

use landscape_core::Rng;
use landscape_hessian::sharpness::{LossError, LossFunction, Tensor};
use landscape_hessian::{Dense, Operator};

/// `(w - center)^T A (w - center) / 2`.
pub struct Quadratic {
    pub matrix: Dense,
    pub center: Vec<f64>,
}

impl Quadratic {
    fn slope(&self, theta: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let offset: Vec<f64> = theta.iter().zip(&self.center).map(|(t, c)| t - c).collect();
        let slope = self
            .matrix
            .apply(std::slice::from_ref(&offset))
            .unwrap()
            .remove(0);
        (offset, slope)
    }
}

impl LossFunction for Quadratic {
    fn dim(&self) -> usize {
        self.center.len()
    }

    fn loss(&self, theta: &[f64]) -> Result<f64, LossError> {
        Ok(self.gradient(theta)?.0)
    }

    fn gradient(&self, theta: &[f64]) -> Result<(f64, Vec<f64>), LossError> {
        let (offset, slope) = self.slope(theta);
        let loss = 0.5 * offset.iter().zip(&slope).map(|(o, s)| o * s).sum::<f64>();
        Ok((loss, slope))
    }
}

/// A positive definite matrix without special coordinates.
pub fn positive(n: usize, seed: u64) -> Dense {
    let mut rng = Rng::new(seed, 3);
    let z: Vec<f64> = (0..n * n).map(|_| rng.normal()).collect();
    Dense::from_fn(n, |i, j| {
        let product: f64 = (0..n).map(|k| z[i * n + k] * z[j * n + k]).sum();
        product / n as f64 + if i == j { 0.1 } else { 0.0 }
    })
}

/// Squared error of the bias-free network `W2 relu(W1 x)`; the parameters are `W1` and then `W2`.
pub struct TwoLayers {
    pub inputs: usize,
    pub hidden: usize,
    pub outputs: usize,
    x: Vec<Vec<f64>>,
    y: Vec<Vec<f64>>,
    tensors: Vec<Tensor>,
}

impl TwoLayers {
    pub fn new(inputs: usize, hidden: usize, outputs: usize, samples: usize) -> Self {
        let mut rng = Rng::new(1, 1);
        let mut draw = |n: usize| (0..n).map(|_| rng.normal()).collect::<Vec<f64>>();
        let first = hidden * inputs;
        let tensor = |name: &str, range: std::ops::Range<usize>, shape: [usize; 2]| Tensor {
            name: name.into(),
            range,
            shape: shape.to_vec(),
            weight: true,
        };
        TwoLayers {
            inputs,
            hidden,
            outputs,
            x: (0..samples).map(|_| draw(inputs)).collect(),
            y: (0..samples).map(|_| draw(outputs)).collect(),
            tensors: vec![
                tensor("fc1.weight", 0..first, [hidden, inputs]),
                tensor(
                    "fc2.weight",
                    first..first + outputs * hidden,
                    [outputs, hidden],
                ),
            ],
        }
    }

    pub fn random_point(&self, seed: u64) -> Vec<f64> {
        let mut rng = Rng::new(seed, 2);
        (0..self.dim()).map(|_| 0.7 * rng.normal()).collect()
    }

    /// Multiplies the first layer and divides the second.
    pub fn rescaled(&self, theta: &[f64], a: f64) -> Vec<f64> {
        let first = self.tensors[0].range.end;
        let scaled = theta.iter().enumerate();
        scaled
            .map(|(i, t)| if i < first { t * a } else { t / a })
            .collect()
    }

    fn first(&self, theta: &[f64], x: &[f64]) -> Vec<f64> {
        let rows = theta[..self.hidden * self.inputs].chunks(self.inputs);
        rows.map(|row| row.iter().zip(x).map(|(w, x)| w * x).sum())
            .collect()
    }

    fn output(&self, theta: &[f64], x: &[f64]) -> Vec<f64> {
        let hidden = self.first(theta, x);
        let rows = theta[self.hidden * self.inputs..].chunks(self.hidden);
        let row = |row: &[f64]| row.iter().zip(&hidden).map(|(w, h)| w * h.max(0.0)).sum();
        rows.map(row).collect()
    }

    /// The derivatives of every output of a sample.
    fn jacobian(&self, theta: &[f64], x: &[f64]) -> Vec<Vec<f64>> {
        let hidden = self.first(theta, x);
        let split = self.hidden * self.inputs;
        let row = |o: usize| {
            let mut row = vec![0.0; self.dim()];
            for (h, value) in hidden.iter().enumerate().filter(|(_, value)| **value > 0.0) {
                row[split + o * self.hidden + h] = *value;
                for (i, x) in x.iter().enumerate() {
                    row[h * self.inputs + i] = theta[split + o * self.hidden + h] * x;
                }
            }
            row
        };
        (0..self.outputs).map(row).collect()
    }

    /// The Fisher matrix of outputs with unit Gaussian noise: `J^T J / N`.
    pub fn fisher(&self, theta: &[f64]) -> Dense {
        let rows: Vec<Vec<f64>> = self
            .x
            .iter()
            .flat_map(|x| self.jacobian(theta, x))
            .collect();
        let n = self.x.len() as f64;
        Dense::from_fn(self.dim(), |i, j| {
            rows.iter().map(|r| r[i] * r[j]).sum::<f64>() / n
        })
    }

    /// The Hessian: the Fisher matrix and what residuals add where the layers meet.
    pub fn hessian(&self, theta: &[f64]) -> Dense {
        let split = self.hidden * self.inputs;
        let mut rows = self.fisher(theta).rows().to_vec();
        for (x, y) in self.x.iter().zip(&self.y) {
            let (hidden, output) = (self.first(theta, x), self.output(theta, x));
            for (h, _) in hidden.iter().enumerate().filter(|(_, value)| **value > 0.0) {
                for o in 0..self.outputs {
                    for (i, xi) in x.iter().enumerate() {
                        let term = (output[o] - y[o]) * xi / self.x.len() as f64;
                        let (a, b) = (split + o * self.hidden + h, h * self.inputs + i);
                        rows[a * self.dim() + b] += term;
                        rows[b * self.dim() + a] += term;
                    }
                }
            }
        }
        Dense::new(self.dim(), rows).unwrap()
    }

    fn mean(&self, theta: &[f64], samples: std::ops::Range<usize>) -> (f64, Vec<f64>) {
        let n = samples.len() as f64;
        let (mut loss, mut gradient) = (0.0, vec![0.0; self.dim()]);
        for s in samples {
            let output = self.output(theta, &self.x[s]);
            for (o, row) in self.jacobian(theta, &self.x[s]).iter().enumerate() {
                let residual = output[o] - self.y[s][o];
                loss += 0.5 * residual * residual / n;
                gradient
                    .iter_mut()
                    .zip(row)
                    .for_each(|(g, d)| *g += residual * d / n);
            }
        }
        (loss, gradient)
    }

    fn batch(&self, batch: usize) -> std::ops::Range<usize> {
        let start = batch * 16;
        start..(start + 16).min(self.x.len())
    }
}

impl LossFunction for TwoLayers {
    fn dim(&self) -> usize {
        self.hidden * (self.inputs + self.outputs)
    }

    fn loss(&self, theta: &[f64]) -> Result<f64, LossError> {
        Ok(self.mean(theta, 0..self.x.len()).0)
    }

    fn gradient(&self, theta: &[f64]) -> Result<(f64, Vec<f64>), LossError> {
        Ok(self.mean(theta, 0..self.x.len()))
    }

    fn batches(&self) -> usize {
        self.x.len().div_ceil(16)
    }

    fn batch_size(&self, batch: usize) -> usize {
        self.batch(batch).len()
    }

    fn batch_loss(&self, batch: usize, theta: &[f64]) -> Result<f64, LossError> {
        Ok(self.mean(theta, self.batch(batch)).0)
    }

    fn batch_gradient(&self, batch: usize, theta: &[f64]) -> Result<(f64, Vec<f64>), LossError> {
        Ok(self.mean(theta, self.batch(batch)))
    }

    fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }
}

/// `w^2`, NaN beyond 1.
pub struct Cliff;

impl LossFunction for Cliff {
    fn dim(&self) -> usize {
        1
    }

    fn loss(&self, theta: &[f64]) -> Result<f64, LossError> {
        let w = theta[0];
        Ok(if w.abs() > 1.0 { f64::NAN } else { w * w })
    }

    fn gradient(&self, theta: &[f64]) -> Result<(f64, Vec<f64>), LossError> {
        Ok((self.loss(theta)?, vec![2.0 * theta[0]]))
    }
}
