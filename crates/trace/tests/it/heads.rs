//! Layers of many outputs in front of a cross-entropy, computed some outputs at a time: as the graph with all of them, in
//! f64 and f32, and as PyTorch.

use crate::mlp::targets;
use crate::networks::{Gpt, Reference, Texts, check_with, classes, floats};
use burn::module::{Module, Param};
use burn::tensor::activation::{log_softmax, tanh};
use burn::tensor::{Device, Int, Tensor, TensorData};
use landscape_core::{Direction, Objective, Params, Plane, Rng, Sample, Source};
use landscape_trace::{Curvature, Loss, Matrix, Target, Trace, params_of};

const WIDTH: usize = 6;
const NEVER: usize = usize::MAX;
const MATRICES: [Matrix; 4] = [
    Matrix::Hessian,
    Matrix::GaussNewton,
    Matrix::EmpiricalFisher,
    Matrix::Residual,
];

/// Words, one layer, and a head, which may be the embedding, with or without a bias.
#[derive(Module, Debug)]
struct Words {
    embedding: Param<Tensor<2>>,
    inner: Param<Tensor<2>>,
    head: Option<Param<Tensor<2>>>,
    bias: Option<Param<Tensor<1>>>,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    samples: usize,
    tokens: usize,
    words: usize,
    tied: bool,
    bias: bool,
    ignored: bool,
    /// Of the head's weights.
    scale: f32,
}

/// More tokens than one block has, and more words than one chunk.
const CASE: Case = Case {
    samples: 5,
    tokens: 70,
    words: 701,
    tied: false,
    bias: true,
    ignored: true,
    scale: 1.0,
};

impl Case {
    fn module(self) -> Words {
        let scaled = |name: &str, shape: [usize; 2], scale: f32| {
            Param::from_tensor(floats(name, shape) * scale)
        };
        Words {
            embedding: scaled("embedding", [self.words, WIDTH], 1.0),
            inner: scaled("inner", [WIDTH, WIDTH], 0.7),
            head: (!self.tied).then(|| scaled("head", [WIDTH, self.words], self.scale)),
            bias: { self.bias }.then(|| Param::from_tensor(floats("bias", [self.words]))),
        }
    }

    /// Words, and those that follow; with `ignored` every third has none, and the second sample none at all.
    fn data(self) -> Texts {
        let shape = [self.samples, self.tokens];
        let next = classes("next", shape, self.words);
        let next: Vec<i64> = next.into_data().iter::<i64>().collect();
        let second = self.tokens..2 * self.tokens;
        let none = |i: usize| self.ignored && (i.is_multiple_of(3) || second.contains(&i));
        let next = next.into_iter().enumerate();
        let next: Vec<i64> = next.map(|(i, y)| if none(i) { -100 } else { y }).collect();
        let next = Tensor::from_data(TensorData::new(next, shape), &Device::flex());
        (classes("words", shape, self.words), next)
    }

    fn trace(self, from: usize) -> (Params, Trace) {
        let module = self.module();
        let trace = Trace::capture(&module, &self.data(), |m: &Words, data| self.loss(m, data));
        let params = params_of(&module).unwrap();
        (params, trace.unwrap().with_heads_from(from))
    }

    /// As the loss of language models in `landscape-models`.
    fn loss(self, module: &Words, (x, y): &Texts) -> Loss {
        let [n, t] = x.dims();
        let x = module.embedding.val().select(0, x.clone().reshape([n * t]));
        let x = tanh(x.matmul(module.inner.val())).reshape([n, t, WIDTH]);
        let w = match &module.head {
            Some(head) => head.val(),
            None => module.embedding.val().transpose(),
        };
        let mut z = x.matmul(w.unsqueeze::<3>());
        if let Some(bias) = &module.bias {
            z = z + bias.val().reshape([1, 1, self.words]);
        }
        let (z, y) = (z.reshape([n * t, self.words]), y.clone().reshape([n * t]));
        let hits = z.clone().argmax(1).squeeze_dim::<1>(1).equal(y.clone());
        let pick = |y: Tensor<1, Int>| {
            let picked = log_softmax(z, 1).gather(1, y.unsqueeze_dim::<2>(1));
            picked.squeeze_dim::<1>(1).neg()
        };
        if !self.ignored {
            return Loss::new(pick(y)).with_correct(hits);
        }
        let counted = y.clone().not_equal_elem(-100).float();
        let none = y.clone().equal_elem(-100);
        let total = counted.clone().sum();
        let each = pick(y.mask_fill(none, 0)) * counted;
        Loss::new(each.sum() / total.clone()).with_accuracy(hits.float().sum() / total)
    }
}

fn vector(dim: usize) -> Vec<f64> {
    let mut rng = Rng::new(3, 0);
    (0..dim).map(|_| rng.normal()).collect()
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[track_caller]
fn assert_equal(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    let differences = found.iter().zip(expected).map(|(a, b)| a - b);
    let error = norm(&differences.collect::<Vec<_>>()) / norm(expected).max(1e-300);
    assert!(error <= tolerance, "{what}: {error:e}");
}

/// Loss, gradient and products of both.
#[track_caller]
fn compare(found: &Curvature, expected: &Curvature, tolerance: f64, what: &str) {
    let (a, b) = (found.gradient().unwrap(), expected.gradient().unwrap());
    assert_equal(&[a.loss], &[b.loss], tolerance, what);
    assert_equal(&a.gradient, &b.gradient, tolerance, what);
    let v = [vector(found.dim())];
    for matrix in MATRICES {
        let [a, b] = [found, expected].map(|c| c.products(matrix, &v).unwrap());
        assert_equal(&a[0], &b[0], tolerance, &format!("{what}, {matrix}"));
    }
}

/// Of one sample, which has no axis of its own then; more tokens than one block has of that.
const ALONE: Case = Case {
    samples: 1,
    tokens: 1100,
    words: 101,
    ignored: false,
    ..CASE
};

fn cases() -> [Case; 4] {
    let tied = Case {
        tied: true,
        bias: false,
        ..CASE
    };
    let plain = Case {
        samples: 19,
        tokens: 3,
        words: 2503,
        bias: false,
        ignored: false,
        ..CASE
    };
    [
        CASE,
        tied,
        plain,
        Case {
            samples: 33,
            ..tied
        },
    ]
}

#[test]
fn derivatives_equal_those_of_all_outputs() {
    for case in cases().into_iter().chain([ALONE]) {
        let what = format!("{case:?}");
        let (params, whole) = case.trace(NEVER);
        let (_, chunked) = case.trace(1);
        let of = |trace: &Trace| trace.curvature(&params, &Target::default()).unwrap();
        let exact = of(&whole).in_f64();
        compare(&of(&chunked).in_f64(), &exact, 1e-12, &what);
        compare(&of(&chunked), &exact, 2e-5, &what);
    }
}

/// A part of the network: the head alone, all but the head, one layer.
#[test]
fn parts_equal_those_of_all_outputs() {
    for parts in [
        vec!["head", "bias"],
        vec!["inner"],
        vec!["head"],
        vec!["bias"],
    ] {
        let (params, whole) = CASE.trace(NEVER);
        let (_, chunked) = CASE.trace(1);
        let mut params = params.into_inner();
        for tensor in &mut params {
            tensor.fixed = !parts.contains(&tensor.name.as_str());
        }
        let params = Params::new(params).unwrap();
        let of = |trace: &Trace| trace.curvature(&params, &Target::default()).unwrap();
        let exact = of(&whole).in_f64();
        compare(&of(&chunked).in_f64(), &exact, 1e-12, parts[0]);
        compare(&of(&chunked), &exact, 2e-5, parts[0]);
    }
}

fn plane(params: &Params, moved: &dyn Fn(&str) -> bool) -> Plane {
    let mut rng = Rng::new(5, 0);
    let mut tensors = params.clone().into_inner();
    for tensor in &mut tensors {
        let still = !moved(&tensor.name);
        let data = tensor.data.iter_mut();
        data.for_each(|x| {
            *x = if still {
                0.0
            } else {
                0.3 * rng.normal() as f32
            }
        });
    }
    let direction = Direction::from_tensors(Params::new(tensors).unwrap(), params, Source::File);
    Plane::new(params.clone(), vec![direction.unwrap()]).unwrap()
}

#[track_caller]
fn assert_same(found: &[Sample], expected: &[Sample], tolerance: f64) {
    for (a, b) in found.iter().zip(expected) {
        assert_equal(&[a.loss], &[b.loss], tolerance, "loss");
        assert_equal(&[a.loss_se.unwrap()], &[b.loss_se.unwrap()], 1e-4, "error");
        assert_equal(
            &[a.accuracy.unwrap()],
            &[b.accuracy.unwrap()],
            1e-12,
            "accuracy",
        );
    }
}

/// On planes where all parameters move, the head's alone, or all but those.
#[test]
fn planes_equal_those_of_all_outputs() {
    let moves: [fn(&str) -> bool; 3] = [
        |_| true,
        |name| name == "head" || name == "bias",
        |name| name == "inner",
    ];
    let points: Vec<_> = (-2..3).map(|i| [0.5 * f64::from(i), 0.0, 0.0]).collect();
    for case in cases() {
        for moved in moves {
            let (params, whole) = case.trace(NEVER);
            let (_, chunked) = case.trace(1);
            if !params.iter().any(|p| moved(&p.name)) {
                continue;
            }
            let plane = plane(&params, &moved);
            let on = |trace: &Trace, target: Target| {
                let objective = trace.objective(&plane, &[target]).unwrap();
                objective.evaluate(&points).unwrap()
            };
            let expected = on(&whole, Target::default());
            assert_same(&on(&chunked, Target::default()), &expected, 2e-6);
        }
    }
}

#[test]
fn all_levels_and_threads_agree() {
    let (params, chunked) = CASE.trace(1);
    let plane = plane(&params, &|_| true);
    let points: Vec<_> = (0..3).map(|i| [f64::from(i), 0.0, 0.0]).collect();
    let run = |target: &Target| {
        let objective = chunked.objective(&plane, std::slice::from_ref(target));
        let samples = objective.unwrap().evaluate(&points).unwrap();
        let curvature = chunked.curvature(&params, target).unwrap();
        let products = curvature.hessian(&[vector(curvature.dim())]).unwrap();
        (samples, products)
    };
    let mut before: Option<(String, Vec<Sample>, Vec<Vec<f64>>)> = None;
    for target in targets() {
        let (samples, products) = run(&target);
        if let (Target::Host { level, .. }, Some((name, others, same))) = (&target, &before)
            && level.name() == name
        {
            assert_eq!((&samples, &products), (others, same), "{level}");
        }
        if let Some((_, others, same)) = &before {
            assert_same(&samples, others, 2e-6);
            assert_equal(&products[0], &same[0], 2e-5, &format!("{target:?}"));
        }
        let name = match &target {
            Target::Host { level, .. } => level.name(),
            Target::Device { .. } => "device",
        };
        before = Some((name.to_owned(), samples, products));
    }
}

/// No value has a row for each word.
#[test]
fn nothing_is_as_large_as_all_outputs() {
    for case in cases().into_iter().chain([ALONE]) {
        let all = case.samples * case.tokens * case.words;
        let largest = |from: usize| {
            let parts = case.trace(from).1.summary().parts;
            parts.iter().map(|part| part.numbers).max()
        };
        assert!(largest(NEVER).unwrap() >= all);
        assert!(
            largest(1).unwrap() < all / 4,
            "{case:?} {}",
            case.trace(1).1.summary()
        );
    }
}

/// Small layers stay as they were.
#[test]
fn many_outputs_are_in_chunks_unless_told_otherwise() {
    for (words, chunked) in [(2047, false), (2048, true)] {
        let case = Case { words, ..CASE };
        let module = case.module();
        let trace = Trace::capture(&module, &case.data(), |m: &Words, data| case.loss(m, data));
        let parts = trace.unwrap().summary().parts;
        let largest = parts.iter().map(|part| part.numbers).max();
        let all = case.samples * case.tokens * words;
        assert_eq!(largest.unwrap() < all, chunked, "{words}");
    }
}

/// Logits of 1e4 overflow nothing; the loss is then nearly the distance to the largest.
#[test]
fn huge_outputs_overflow_nothing() {
    let case = Case { scale: 1e4, ..CASE };
    let (params, whole) = case.trace(NEVER);
    let (_, chunked) = case.trace(1);
    let exact = whole
        .curvature(&params, &Target::default())
        .unwrap()
        .in_f64();
    let found = chunked.curvature(&params, &Target::default()).unwrap();
    let [found, exact] = [found, exact].map(|c| c.gradient().unwrap());
    assert!(exact.loss > 1e3, "{}", exact.loss);
    assert_equal(&[found.loss], &[exact.loss], 1e-6, "loss");
    assert_equal(&found.gradient, &exact.gradient, 1e-2, "gradient");
}

fn texts(n: usize) -> Texts {
    let shape = [n, 5];
    (classes("words", shape, 11), classes("next", shape, 11))
}

#[test]
fn language_models_equal_pytorch() {
    let reference = Reference::read(include_str!("../reference/networks.txt"));
    for (name, ignored) in [("gpt", None), ("gpt-ignoring", Some(vec![3]))] {
        check_with(&reference, true, name, Gpt::new(5), texts, |m, data| {
            let loss = |m: &Gpt, data: &Texts| m.loss(data, ignored.clone());
            Trace::capture(m, data, loss).unwrap().with_heads_from(1)
        });
    }
}
