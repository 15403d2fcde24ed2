//! All matrices of second derivatives, of a whole network and of parts of it, by the same tests: truth from gradients in f64 alone,
//! executors, symmetry, bits, data in parts, other points; and the true Fisher matrix by its definition.
//!
//! With `g_iy` the gradient of the loss of sample `i` if its label were `y`, and `p_iy = exp(-loss_iy)`, the true Fisher matrix is the
//! mean over `i` of `sum_y p_iy g_iy g_iy^T`. With logits `z`, `g_iy = J^T (p - e_y)`, so that it is `J^T (diag p - p p^T) J`, which
//! is the Gauss-Newton matrix.

use crate::conv::{Attention, Inputs, Net, cross_entropy, filled, inputs};
use crate::curvature::{STEP, assert_near, difference, dot, moved, norm, normal};
use crate::mlp::{Mlp, targets};
use burn::module::Module;
use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Int, Tensor, TensorData};
use landscape_core::{Params, Selection};
use landscape_trace::{Curvature, Level, Loss, Matrix, Target, Trace, TraceError, params_of};

/// Classes of every network here.
const CLASSES: usize = 5;

type Closure<M> = fn(&M, &Inputs) -> Loss;

/// A network at its parameters, on data.
struct Bench<M> {
    module: M,
    data: Inputs,
    loss: Closure<M>,
    params: Params,
    trace: Trace,
}

/// Derivatives in f64.
fn double(trace: &Trace, params: &Params) -> Curvature {
    let curvature = trace.curvature(params, &Target::default());
    curvature.unwrap().in_f64()
}

/// A gradient of one sample with its probability.
struct Slope {
    probability: f64,
    gradient: Vec<f64>,
}

impl<M: Module> Bench<M> {
    fn new(module: M, data: Inputs, loss: Closure<M>) -> Self {
        let params = params_of(&module).unwrap();
        let trace = Trace::capture(&module, &data, loss).unwrap();
        Bench {
            module,
            data,
            loss,
            params,
            trace,
        }
    }

    fn samples(&self) -> usize {
        self.data.0.dims()[0]
    }

    fn trace_of(&self, data: &Inputs) -> Trace {
        Trace::capture(&self.module, data, self.loss).unwrap()
    }

    fn double(&self, params: &Params) -> Curvature {
        double(&self.trace, params)
    }

    /// The samples of a range.
    fn part_of_data(&self, from: usize, to: usize) -> Inputs {
        let (x, y) = &self.data;
        (x.clone().slice(from..to), y.clone().slice(from..to))
    }

    /// Gradients of sample `i` with every label, each with its probability.
    fn slopes(&self, i: usize) -> Vec<Slope> {
        let (x, _) = self.part_of_data(i, i + 1);
        let one = |label: usize| {
            let data = TensorData::new(vec![label as i64], [1]);
            let y = Tensor::<1, Int>::from_data(data, &Device::flex());
            let curvature = double(&self.trace_of(&(x.clone(), y)), &self.params);
            let found = curvature.gradient().unwrap();
            Slope {
                probability: (-found.loss).exp(),
                gradient: found.gradient,
            }
        };
        let slopes: Vec<Slope> = (0..CLASSES).map(one).collect();
        let sum: f64 = slopes.iter().map(|slope| slope.probability).sum();
        assert!((sum - 1.0).abs() < 1e-12, "{sum}");
        slopes
    }

    /// The whole matrices times a vector, from gradients alone.
    fn truth(&self) -> Truth {
        let labels = self.data.1.to_data().iter::<i64>().collect();
        let slopes: Vec<Vec<Slope>> = (0..self.samples()).map(|i| self.slopes(i)).collect();
        Truth {
            curvature: self.double(&self.params),
            labels,
            slopes,
        }
    }
}

struct Truth {
    curvature: Curvature,
    labels: Vec<i64>,
    /// Of every sample with every label.
    slopes: Vec<Vec<Slope>>,
}

impl Truth {
    fn product(&self, matrix: Matrix, v: &[f64]) -> Vec<f64> {
        match matrix {
            Matrix::Hessian => {
                let point = self.curvature.point();
                let of = |t: f64| self.curvature.gradient_at(&moved(point, t, v));
                difference(|t| of(t).unwrap().gradient, STEP)
            }
            Matrix::GaussNewton => self.fisher(v),
            Matrix::EmpiricalFisher => self.outer(v, |i, y| f64::from(self.labels[i] == y as i64)),
            Matrix::Residual => moved(&self.product(Matrix::Hessian, v), -1.0, &self.fisher(v)),
        }
    }

    /// The true Fisher matrix, by enumeration of all labels.
    fn fisher(&self, v: &[f64]) -> Vec<f64> {
        self.outer(v, |i, y| self.slopes[i][y].probability)
    }

    /// The mean over the samples of the weighted outer products of gradients.
    fn outer(&self, v: &[f64], weight: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let n = self.slopes.len() as f64;
        let mut sum = vec![0.0; v.len()];
        for (i, slopes) in self.slopes.iter().enumerate() {
            for (y, Slope { gradient, .. }) in slopes.iter().enumerate() {
                sum = moved(&sum, weight(i, y) * dot(gradient, v) / n, gradient);
            }
        }
        sum
    }
}

/// Some of the parameters, or all of them.
struct Part {
    params: Params,
    /// Places among those of the whole.
    places: Vec<usize>,
}

impl Part {
    fn of(params: &Params, whole: &Curvature, words: Option<&str>) -> Self {
        let selection = words.map(|words| words.parse::<Selection>().unwrap());
        let params = match selection {
            Some(selection) => selection.of(params.clone(), &[]).unwrap(),
            None => params.clone(),
        };
        let free = |name: &str| params.get(name).unwrap().is_free();
        let blocks = whole.blocks().iter().filter(|block| free(&block.name));
        let places = blocks.flat_map(|block| block.range.clone()).collect();
        Part { params, places }
    }

    fn cut(&self, whole: &[f64]) -> Vec<f64> {
        self.places.iter().map(|&place| whole[place]).collect()
    }

    fn embedded(&self, dim: usize, part: &[f64]) -> Vec<f64> {
        let mut whole = vec![0.0; dim];
        let pairs = self.places.iter().zip(part);
        pairs.for_each(|(&place, x)| whole[place] = *x);
        whole
    }
}

/// Products with the vectors.
fn products(curvature: &Curvature, matrix: Matrix, vectors: &[Vec<f64>]) -> Vec<Vec<f64>> {
    curvature.products(matrix, vectors).unwrap()
}

/// Fails unless `found` equals `expected` up to `tolerance` times the norm of `beside`, the product with the Hessian: where a network
/// is linear in a part, what Gauss-Newton leaves of it is 0.
#[track_caller]
fn near(found: &[f64], expected: &[f64], beside: &[f64], tolerance: f64, what: &str) {
    let error = norm(&moved(found, -1.0, expected)) / norm(expected).max(norm(beside));
    assert!(
        error < tolerance,
        "{what}: {error:e}, allowed {tolerance:e}"
    );
}

/// Every matrix of the network and of the parts that are named.
#[track_caller]
fn check<M: Module>(bench: &Bench<M>, parts: &[&str]) {
    let truth = bench.truth();
    let all = [None].into_iter();
    for words in all.chain(parts.iter().map(|&words| Some(words))) {
        let part = Part::of(&bench.params, &truth.curvature, words);
        let ways = Ways::of(bench, &part.params);
        gradient_of(&part, &truth.curvature, &ways.double);
        let vectors: Vec<Vec<f64>> = (0..3).map(|k| normal(ways.double.dim(), k)).collect();
        let beside = products(&ways.double, Matrix::Hessian, &vectors);
        for &matrix in Matrix::ALL {
            let seen = Seen {
                matrix,
                found: products(&ways.double, matrix, &vectors),
                beside: beside.clone(),
                what: format!("{matrix} of {}", words.unwrap_or("all")),
                vectors: vectors.clone(),
            };
            seen.equals(&truth, &part);
            seen.has_the_shape();
            seen.is_had_every_way(&ways);
        }
    }
}

/// The loss is that of the whole, the gradient what of it belongs to the part.
#[track_caller]
fn gradient_of(part: &Part, whole: &Curvature, own: &Curvature) {
    let (whole, own) = (whole.gradient().unwrap(), own.gradient().unwrap());
    assert_near(&[own.loss], &[whole.loss], 1e-12);
    assert_near(&own.gradient, &part.cut(&whole.gradient), 1e-12);
}

/// The same derivatives in other ways.
struct Ways {
    double: Curvature,
    /// In single precision, by every executor.
    single: Vec<(Target, Curvature)>,
    /// Of the first samples and of the rest, with the share of each.
    shares: [(f64, Curvature); 2],
    /// At another point from the beginning, and moved there.
    there: Curvature,
    moved: Curvature,
}

impl Ways {
    fn of<M: Module>(bench: &Bench<M>, params: &Params) -> Self {
        let (n, cut) = (bench.samples(), 2);
        let share = |from: usize, to: usize| {
            let trace = bench.trace_of(&bench.part_of_data(from, to));
            ((to - from) as f64 / n as f64, double(&trace, params))
        };
        let mut tensors = params.clone().into_inner();
        let free = tensors.iter_mut().filter(|tensor| tensor.is_free());
        free.for_each(|tensor| tensor.data.iter_mut().for_each(|x| *x *= 1.25));
        let there = bench.double(&Params::new(tensors).unwrap());
        let mut moved = bench.double(params);
        moved.move_to(there.point()).unwrap();
        let single = |target: Target| {
            let curvature = bench.trace.curvature(params, &target).unwrap();
            (target, curvature)
        };
        Ways {
            double: bench.double(params),
            single: targets().into_iter().map(single).collect(),
            shares: [share(0, cut), share(cut, n)],
            there,
            moved,
        }
    }
}

/// Products with a matrix, in f64.
struct Seen {
    matrix: Matrix,
    vectors: Vec<Vec<f64>>,
    found: Vec<Vec<f64>>,
    /// Those with the Hessian.
    beside: Vec<Vec<f64>>,
    what: String,
}

impl Seen {
    #[track_caller]
    fn near(&self, k: usize, other: &[f64], tolerance: f64, how: &str) {
        let what = format!("{}, {how}", self.what);
        near(other, &self.found[k], &self.beside[k], tolerance, &what);
    }

    /// What of the whole belongs to the part, as gradients have it and as products with the whole do.
    #[track_caller]
    fn equals(&self, truth: &Truth, part: &Part) {
        let tolerance = match self.matrix {
            Matrix::Hessian | Matrix::Residual => 1e-6,
            Matrix::GaussNewton | Matrix::EmpiricalFisher => 1e-9,
        };
        let dim = truth.curvature.dim();
        let embedded = self.vectors.iter().map(|v| part.embedded(dim, v));
        let embedded: Vec<Vec<f64>> = embedded.collect();
        let whole = products(&truth.curvature, self.matrix, &embedded);
        for k in 0..embedded.len() {
            let expected = part.cut(&truth.product(self.matrix, &embedded[k]));
            self.near(k, &expected, tolerance, "by gradients");
            self.near(k, &part.cut(&whole[k]), 1e-9, "the whole");
        }
    }

    /// Symmetric; sums of squares are not negative.
    #[track_caller]
    fn has_the_shape(&self) {
        let (v, found, what) = (&self.vectors, &self.found, &self.what);
        let asymmetry = dot(&v[0], &found[1]) - dot(&v[1], &found[0]);
        let size = norm(&found[0]).max(norm(&self.beside[0])) * norm(&v[1]);
        assert!(asymmetry.abs() <= 1e-11 * size, "{what}: {asymmetry:e}");
        if matches!(self.matrix, Matrix::GaussNewton | Matrix::EmpiricalFisher) {
            let forms = v.iter().zip(found).map(|(v, product)| dot(v, product));
            forms.for_each(|form| assert!(form >= 0.0, "{what}: {form}"));
        }
    }

    #[track_caller]
    fn is_had_every_way(&self, ways: &Ways) {
        self.in_single_precision(&ways.single);
        let of = |(share, curvature): &(f64, Curvature)| -> Vec<Vec<f64>> {
            let found = products(curvature, self.matrix, &self.vectors);
            let scaled = |product: Vec<f64>| product.iter().map(|x| share * x).collect();
            found.into_iter().map(scaled).collect()
        };
        let [first, rest] = [of(&ways.shares[0]), of(&ways.shares[1])];
        for (k, (first, rest)) in first.iter().zip(&rest).enumerate() {
            self.near(k, &moved(first, 1.0, rest), 1e-11, "data in parts");
        }
        // Moving to a point is beginning there.
        let at = |curvature| products(curvature, self.matrix, &self.vectors[..1]);
        assert_eq!(at(&ways.moved), at(&ways.there), "{}: elsewhere", self.what);
    }

    /// All executors equal f64; on the CPU neither the number of threads nor that of vectors changes a bit.
    #[track_caller]
    fn in_single_precision(&self, ways: &[(Target, Curvature)]) {
        let mut known: Vec<(Level, Vec<Vec<f64>>)> = Vec::new();
        for (target, curvature) in ways {
            let found = products(curvature, self.matrix, &self.vectors);
            for (k, product) in found.iter().enumerate() {
                self.near(k, product, 1e-4, &format!("{target:?}"));
            }
            let Target::Host { level, .. } = *target else {
                continue;
            };
            match known.iter().find(|(other, _)| *other == level) {
                Some((_, other)) => assert_eq!(&found, other, "{}, {target:?}", self.what),
                None => {
                    let alone = products(curvature, self.matrix, &self.vectors[1..2]);
                    assert_eq!(found[1..2], alone, "{}: alone, {level:?}", self.what);
                    known.push((level, found));
                }
            }
        }
    }
}

#[test]
fn matrices_of_a_perceptron() {
    let bench = Bench::new(
        Mlp::new(&[6, 9, 7, CLASSES], 3),
        inputs(9, 6, 5),
        |m: &Mlp, (x, y)| cross_entropy(m.forward(x.clone()), y),
    );
    check(&bench, &["fc1", "fc2.weight", "!fc2", "*.bias", "fc3"]);
}

#[test]
fn matrices_of_convolutions() {
    let net = filled(Net::new(), 1);
    let bench = Bench::new(net, inputs(5, 3 * 9 * 8, 5), |m: &Net, (x, y)| {
        cross_entropy(m.forward(x.clone()), y)
    });
    check(&bench, &["conv2,bn3", "conv1.weight", "linear"]);
}

#[test]
fn matrices_of_attention() {
    let (x, y) = inputs(5, 6, 5);
    let net = filled(Attention::new(), 2);
    let bench = Bench::new(net, (x * 4.0, y), |m: &Attention, (x, y)| {
        cross_entropy(m.forward(x.clone()), y)
    });
    check(&bench, &["query,key", "table", "!head"]);
}

/// What the loss does not use has products 0, and wrong vectors are told, whatever the matrix.
#[test]
fn unused_parameters_and_wrong_vectors() {
    let bench = Bench::new(
        Mlp::new(&[6, 9, 7, CLASSES], 3),
        inputs(20, 6, 5),
        |m: &Mlp, (x, y)| {
            let [w, _] = m.weights();
            cross_entropy(x.clone().matmul(w).narrow(1, 0, CLASSES), y)
        },
    );
    for target in targets() {
        let curvature = bench.trace.curvature(&bench.params, &target).unwrap();
        let blocks = curvature.blocks();
        let used = blocks.iter().find(|block| block.name == "fc1.weight");
        let used = used.unwrap().range.clone();
        for &matrix in Matrix::ALL {
            let product = products(&curvature, matrix, &[normal(curvature.dim(), 1)]).remove(0);
            // Linear in what it uses.
            assert!(matrix == Matrix::Residual || norm(&product[used.clone()]) > 0.0);
            let elsewhere = (0..product.len()).filter(|i| !used.contains(i));
            assert!(elsewhere.map(|i| product[i]).all(|x| x == 0.0), "{matrix}");
            let short = curvature.products(matrix, &[vec![1.0; 3]]).unwrap_err();
            assert!(matches!(short, TraceError::Length { found: 3, .. }));
        }
    }
}

/// Binary cross-entropy of probabilities: where a sigmoid behind the last parameter makes them, the Gauss-Newton matrix is taken at what
/// enters it, and is the true Fisher matrix.
#[test]
fn the_fisher_matrix_of_probabilities_behind_a_sigmoid() {
    let loss: Closure<Mlp> = |m, (x, y)| {
        let p = sigmoid(m.forward(x.clone())).squeeze_dim::<1>(1);
        let y = y.clone().float();
        let gain = y.clone() * p.clone().log() + (y * -1.0 + 1.0) * (p * -1.0 + 1.0).log();
        Loss::new(gain.neg())
    };
    let bench = Bench::new(Mlp::new(&[6, 4, 1], 3), inputs(7, 6, 2), loss);
    let curvature = bench.double(&bench.params);
    let v = normal(curvature.dim(), 1);
    let mut fisher = vec![0.0; v.len()];
    for i in 0..7 {
        let (x, _) = bench.part_of_data(i, i + 1);
        for label in [0i64, 1] {
            let y = Tensor::<1, Int>::from_data(TensorData::new(vec![label], [1]), &Device::flex());
            let one = double(&bench.trace_of(&(x.clone(), y)), &bench.params);
            let found = one.gradient().unwrap();
            let weight = (-found.loss).exp() * dot(&found.gradient, &v) / 7.0;
            fisher = moved(&fisher, weight, &found.gradient);
        }
    }
    let newton = products(&curvature, Matrix::GaussNewton, &[v]).remove(0);
    assert_near(&newton, &fisher, 1e-9);
}
