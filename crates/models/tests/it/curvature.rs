//! Gradients and products with second derivatives against PyTorch's double backward in f64; what is kept of
//! the reference's vectors is explained in `tests/reference/curvature.py`.

use crate::formula::{Reference, unit};
use crate::support::close;
use burn::tensor::Device;
use landscape_core::{Params, Selection};
use landscape_models::{Dataset, LossKind, ModelSpec, Network, Targets, trace_network};
use landscape_trace::{Curvature, Level, Matrix, Target};

const MLP: &str = "mlp:784-20-10";

/// Signed sums kept of each tensor.
const SUMS: usize = 4;

/// A network of the reference at its point, with the reference's two vectors.
pub struct Case {
    reference: Reference,
    curvature: Curvature,
    vectors: [Vec<f64>; 2],
}

impl Case {
    /// On the CPU's own kernels, of its best instruction set.
    fn of(model: &str) -> Self {
        Self::on(model, Level::detect())
    }

    fn on(model: &str, level: Level) -> Self {
        Self::of_images(Reference::curvature(model), level)
    }

    fn of_images(reference: Reference, level: Level) -> Self {
        let spec: ModelSpec = reference.model.parse().unwrap();
        let image = spec.image().unwrap_or([1, 28, 28]);
        let shape = [vec![reference.samples()], image.to_vec()].concat();
        let labels = Targets::Classes(reference.labels());
        let data = Dataset::new("formula", shape, reference.inputs(image), labels).unwrap();
        Self::with(reference, &data, level)
    }

    /// A network of the reference on its data, differentiated with respect to the reference's part.
    pub fn with(reference: Reference, data: &Dataset, level: Level) -> Self {
        let spec: ModelSpec = reference.model.parse().unwrap();
        let layout = Network::layout(&spec);
        let params = reference.params(&layout);
        let network = Network::from_params(&spec, &params, &Device::flex()).unwrap();
        let trace = trace_network(&network, data, LossKind::CrossEntropy, &[]).unwrap();
        let target = Target::Host { threads: 0, level };
        let free = match reference.part {
            Some(part) => part.parse::<Selection>().unwrap().of(params, &[]).unwrap(),
            None => params,
        };
        let curvature = trace.curvature(&free, &target).unwrap();
        let vectors = [1, 2].map(|d| flat(&curvature, &reference.direction(d, &layout)));
        Case {
            reference,
            curvature,
            vectors,
        }
    }

    pub fn in_f64(self) -> Self {
        let curvature = self.curvature.in_f64();
        Case { curvature, ..self }
    }

    /// What the reference keeps of a vector: its length, and the signed sums of each tensor.
    fn kept(&self, vector: &[f64]) -> Vec<f64> {
        let mut kept = vec![norm(vector)];
        for block in self.curvature.blocks() {
            let part = &vector[block.range.clone()];
            let signs = unit(&format!("s.{}", block.name), part.len());
            let signed = part.iter().zip(signs);
            let signed: Vec<f64> = signed.map(|(x, s)| if s < 0.0 { -x } else { *x }).collect();
            let sum = |start: usize| signed[start..].iter().step_by(SUMS).sum::<f64>();
            kept.extend((0..SUMS.min(part.len())).map(sum));
        }
        kept
    }

    /// Checks a vector's length, and its sums to `tolerance` times their own length.
    #[track_caller]
    fn near(&self, what: &str, vector: &[f64], tolerance: f64) {
        let (found, expected) = (self.kept(vector), self.reference.get(what));
        assert_eq!(found.len(), expected.len(), "{what}");
        close(found[0], expected[0], tolerance, 0.0);
        let error = distance(&found[1..], &expected[1..]) / norm(&expected[1..]);
        assert!(
            error <= tolerance,
            "{what}: relative error {error:e}, allowed {tolerance:e}"
        );
    }

    /// The loss, the gradient and products with all matrices.
    #[track_caller]
    pub fn equals_pytorch(&self, tolerance: f64) {
        let gradient = self.curvature.gradient().unwrap();
        close(gradient.loss, self.reference.get("loss")[0], tolerance, 0.0);
        self.near("gradient", &gradient.gradient, tolerance);
        let products = self.curvature.hessian(&self.vectors).unwrap();
        self.near("hessian", &products[0], tolerance);
        self.near("hessian2", &products[1], tolerance);
        self.forms(&products, tolerance);
        let one = &self.vectors[..1];
        let newton = self.curvature.products(Matrix::GaussNewton, one).unwrap();
        self.near("gauss-newton", &newton[0], tolerance);
        let fisher = self.curvature.products(Matrix::EmpiricalFisher, one);
        self.near("fisher", &fisher.unwrap()[0], tolerance);
        if self.reference.part.is_some() {
            self.residual(tolerance);
        }
    }

    /// What the Gauss-Newton matrix leaves of the Hessian, to `tolerance` times the product with that: it may be 0.
    #[track_caller]
    fn residual(&self, tolerance: f64) {
        let found = self
            .curvature
            .products(Matrix::Residual, &self.vectors[..1]);
        let (found, expected) = (
            self.kept(&found.unwrap()[0]),
            self.reference.get("residual"),
        );
        let error = distance(&found, expected) / norm(self.reference.get("hessian"));
        assert!(
            error <= tolerance,
            "residual: {error:e}, allowed {tolerance:e}"
        );
    }

    /// `d1^T H d1`, `d1^T H d2 = d2^T H d1` and `d2^T H d2`.
    #[track_caller]
    fn forms(&self, products: &[Vec<f64>], tolerance: f64) {
        let [d1, d2] = &self.vectors;
        let expected = self.reference.get("forms");
        let found = [
            (dot(d1, &products[0]), expected[0]),
            (dot(d1, &products[1]), expected[1]),
            (dot(d2, &products[0]), expected[1]),
            (dot(d2, &products[1]), expected[2]),
        ];
        let size = norm(d1) * norm(&products[0]);
        for (found, expected) in found {
            close(found, expected, 0.0, tolerance * size);
        }
    }
}

/// The trainable tensors one after another.
fn flat(curvature: &Curvature, tensors: &Params) -> Vec<f64> {
    let of = |name: &str| tensors.get(name).unwrap().data.iter();
    let blocks = curvature.blocks().iter();
    blocks
        .flat_map(|block| of(&block.name).map(|&x| f64::from(x)))
        .collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(x: &[f64]) -> f64 {
    dot(x, x).sqrt()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (a - b).powi(2));
    squares.sum::<f64>().sqrt()
}

/// f32 on every instruction set, and f64.
#[track_caller]
fn check(model: &str) {
    for level in Level::available() {
        Case::on(model, level).equals_pytorch(1e-4);
    }
    Case::of(model).in_f64().equals_pytorch(1e-9);
}

#[test]
fn a_perceptron_equals_pytorch() {
    check(MLP);
}

#[test]
fn a_residual_network_equals_pytorch() {
    check("resnet20");
}

#[test]
fn a_vgg_network_equals_pytorch() {
    check("vgg9");
}

/// Products with parts of a network: layers, tensors, all but a tensor.
#[test]
fn parts_of_networks_equal_pytorch() {
    for model in [MLP, "resnet20"] {
        for level in Level::available() {
            for part in Reference::parts(model) {
                Case::of_images(part, level).equals_pytorch(1e-4);
            }
        }
        for part in Reference::parts(model) {
            let case = Case::of_images(part, Level::detect());
            case.in_f64().equals_pytorch(1e-9);
        }
    }
}

/// What double backward and forward mode could have wrong together: differences of gradients, whose step is
/// too short to cross a kink.
#[test]
fn products_are_differences_of_gradients() {
    for (model, step) in [(MLP, 1e-6), ("resnet20", 1e-8)] {
        let case = Case::of(model).in_f64();
        let (point, d) = (case.curvature.point(), &case.vectors[0]);
        let gradient = |t: f64| {
            let moved: Vec<f64> = point.iter().zip(d).map(|(x, d)| x + t * d).collect();
            case.curvature.gradient_at(&moved).unwrap().gradient
        };
        let (after, before) = (gradient(step), gradient(-step));
        let slope = after.iter().zip(&before);
        let slope: Vec<f64> = slope.map(|(a, b)| (a - b) / (2.0 * step)).collect();
        case.near("hessian", &slope, 1e-6);
    }
}

/// `u^T H v = v^T H u`, for vectors that are not the reference's.
#[test]
fn the_matrices_are_symmetric() {
    let case = Case::of(MLP).in_f64();
    let n = case.curvature.dim();
    let vectors = [unit("u", n), unit("v", n)];
    for matrix in [
        Matrix::Hessian,
        Matrix::GaussNewton,
        Matrix::EmpiricalFisher,
        Matrix::Residual,
    ] {
        let products = case.curvature.products(matrix, &vectors).unwrap();
        let (a, b) = (
            dot(&vectors[0], &products[1]),
            dot(&vectors[1], &products[0]),
        );
        close(a, b, 0.0, 1e-13 * norm(&vectors[0]) * norm(&products[1]));
    }
}
