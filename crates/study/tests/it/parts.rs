//! The matrix in parts, and what of a training lies in its leading eigenspace, against dense matrices in f64.

use landscape_core::Params;
use landscape_hessian::{Dense, Lanczos, LanczosParams, Subspace};
use landscape_models::{Dataset, LossKind, OptimizerKind, Split, Targets, load};
use landscape_storage::{Run, Store};
use landscape_study::StudyError;
use landscape_study::figures::{FigureKind, RunContents};
use landscape_study::hessian::{CurvatureRequest, CurvatureStudy, FoundSummary, Per};
use landscape_study::problem::Model;
use landscape_study::runs::{TrainRequest, Training};
use landscape_trace::{Curvature, Matrix, Target};
use std::ops::Range;

const MODEL: &str = "mlp:2-5-4-1:tanh";

pub struct Bench {
    _folder: tempfile::TempDir,
    pub store: Store,
    run: Run,
}

impl Bench {
    /// A trained network of 44 parameters.
    pub fn trained() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("landscape.duckdb")).unwrap();
        let run = train(&store, "moons", 42);
        Bench {
            _folder: folder,
            store,
            run,
        }
    }

    /// A second training, from another seed.
    pub fn train(&self, name: &str, seed: u64) -> Run {
        train(&self.store, name, seed)
    }

    pub fn request(&self, per: &[Per]) -> CurvatureRequest {
        let mut request = CurvatureRequest {
            per: per.to_vec(),
            double: true,
            tolerance: 1e-8,
            ..CurvatureRequest::default()
        };
        request.network.run = Some("moons".to_owned());
        request
    }

    pub fn found(&self, request: &CurvatureRequest) -> FoundSummary {
        let mut study = CurvatureStudy::prepare(request, Some(&self.store), &()).unwrap();
        let found = study.run(&self.store, &()).unwrap();
        found.summary(&study.wanted)
    }

    /// The true Fisher matrix at the end of the training, by enumeration of both labels of every sample.
    fn true_fisher(&self) -> Dense {
        let (params, data) = (self.last(), data());
        let (n, dim) = (data.len(), params.numel());
        let mut entries = vec![0.0; dim * dim];
        for (sample, label) in (0..n).flat_map(|sample| [(sample, 0), (sample, 1)]) {
            let x = data.x()[2 * sample..2 * sample + 2].to_vec();
            let one = Dataset::new("drawn", vec![1, 2], x, Targets::Classes(vec![label]));
            let found = self
                .derivatives_on(&params, &one.unwrap())
                .gradient()
                .unwrap();
            let (probability, g) = ((-found.loss).exp(), found.gradient);
            let pairs = entries.iter_mut().enumerate();
            pairs.for_each(|(at, entry)| {
                *entry += probability / n as f64 * g[at / dim] * g[at % dim]
            });
        }
        Dense::new(dim, entries).unwrap()
    }

    /// The derivatives at parameters, in f64.
    pub fn derivatives(&self, params: &Params) -> Curvature {
        self.derivatives_on(params, &data())
    }

    fn derivatives_on(&self, params: &Params, data: &Dataset) -> Curvature {
        let model = Model::open(&MODEL.parse().unwrap(), &()).unwrap();
        let trace = model
            .trace(params, data, LossKind::BceWithLogits, &[])
            .unwrap();
        trace
            .curvature(params, &Target::default())
            .unwrap()
            .in_f64()
    }

    pub fn last(&self) -> Params {
        self.store
            .last_checkpoint(&self.run)
            .unwrap()
            .unwrap()
            .params
    }
}

fn train(store: &Store, name: &str, seed: u64) -> Run {
    let mut request = TrainRequest::new(MODEL.parse().unwrap());
    request.data.data = Some("moons:n=40".parse().unwrap());
    (request.config.epochs, request.config.seed) = (6, seed);
    request.config.optimizer = OptimizerKind::Adam;
    request.config.lr = 0.02;
    request.keep.name = Some(name.to_owned());
    let training = Training::prepare(&request, &()).unwrap();
    training.run(store, &()).unwrap().run
}

fn data() -> Dataset {
    load(&"moons:n=40".parse().unwrap(), None, Split::Train, None).unwrap()
}

/// All entries of a matrix.
pub fn dense(curvature: &Curvature, matrix: Matrix) -> Dense {
    let dim = curvature.dim();
    let unit = |k: usize| (0..dim).map(|i| f64::from(u8::from(i == k))).collect();
    let columns: Vec<Vec<f64>> = (0..dim).map(unit).collect();
    let columns = curvature.products(matrix, &columns).unwrap();
    Dense::from_fn(dim, |i, j| columns[j][i])
}

pub fn block(whole: &Dense, rows: &Range<usize>, columns: &Range<usize>) -> Vec<f64> {
    let dim = landscape_hessian::Operator::dim(whole);
    let row = |i: usize| whole.rows()[i * dim..][columns.clone()].to_vec();
    rows.clone().flat_map(row).collect()
}

/// The entries of each layer: weight and bias.
fn layers(curvature: &Curvature) -> Vec<Range<usize>> {
    let blocks = curvature.blocks().chunks(2);
    blocks
        .map(|pair| pair[0].range.start..pair[1].range.end)
        .collect()
}

#[test]
fn layers_blocks_and_what_is_between_them_are_those_of_the_dense_matrix() {
    let bench = Bench::trained();
    let mut request = bench.request(&[Per::Layer, Per::Block, Per::Pair]);
    request.max_products = Some(600);
    let found = bench.found(&request).last;
    let curvature = bench.derivatives(&bench.last());
    let whole = dense(&curvature, Matrix::Hessian);
    let ranges = layers(&curvature);
    let (layers, blocks) = (found.layers.unwrap(), found.blocks.unwrap());
    assert_eq!((layers.len(), blocks.len()), (3, 3));
    assert_eq!(
        (layers[1].layer.as_str(), blocks[1].layer.as_str()),
        ("fc2", "fc2.*")
    );
    let share: f64 = layers.iter().map(|layer| layer.share).sum();
    assert!((share - 1.0).abs() < 1e-12);
    for (range, part) in ranges.iter().zip(&layers).chain(ranges.iter().zip(&blocks)) {
        assert_eq!(part.parameters, Some(range.len() as u64));
        let own = Dense::new(range.len(), block(&whole, range, range)).unwrap();
        let error = (part.trace.mean - own.trace()).abs();
        assert!(
            error < 4.5 * part.trace.se.unwrap(),
            "{}: {error}",
            part.layer
        );
        let (top, expected) = (part.top.unwrap().value, own.eigenvalues()[0]);
        assert!((top - expected).abs() < 1e-7 * expected, "{top} {expected}");
    }
    let pairs = found.pairs.unwrap();
    assert_eq!(pairs.len(), 6);
    for pair in &pairs {
        let place = |name: &String| blocks.iter().position(|b| b.layer == *name).unwrap();
        let (i, j) = (place(&pair.pair[0]), place(&pair.pair[1]));
        let norm = |i: usize, j: usize| {
            let entries = block(&whole, &ranges[i], &ranges[j]);
            entries.iter().map(|x| x * x).sum::<f64>().sqrt()
        };
        let error = (pair.norm - norm(i, j)).abs();
        assert!(error < 4.5 * pair.se.unwrap(), "{:?}: {error}", pair.pair);
        let relative = norm(i, j) / (norm(i, i) * norm(j, j)).sqrt();
        assert!((pair.relative.unwrap() - relative).abs() < 0.1 * relative);
    }
    // The same again is not computed again.
    assert_eq!(bench.found(&request).computed, 0);
}

#[test]
fn matrices_stand_side_by_side() {
    let bench = Bench::trained();
    let found = bench.found(&bench.request(&[Per::Matrix]));
    let curvature = bench.derivatives(&bench.last());
    assert!(
        found
            .true_fisher
            .unwrap()
            .contains("equals the Gauss-Newton matrix")
    );
    let matrices = found.last.matrices.unwrap();
    let (fisher, matrices): (Vec<_>, Vec<_>) =
        matrices.into_iter().partition(|row| row.same_as.is_some());
    // The true Fisher matrix, told to be another one.
    assert_eq!((fisher.len(), matrices.len()), (1, Matrix::ALL.len()));
    assert_eq!(
        (fisher[0].matrix.as_str(), fisher[0].same_as),
        ("true-fisher", Some("gauss-newton"))
    );
    assert_eq!(
        (&fisher[0].trace, fisher[0].top),
        (&matrices[1].trace, matrices[1].top)
    );
    let exact = bench.true_fisher().trace();
    assert!((fisher[0].trace.mean - exact).abs() < 1e-6 * exact);
    for (found, &matrix) in matrices.iter().zip(Matrix::ALL) {
        assert_eq!(found.matrix, matrix.name());
        let whole = dense(&curvature, matrix);
        let scale = dense(&curvature, Matrix::Hessian).eigenvalues()[0];
        // 100 products span the whole space, in which XTrace is exact.
        let error = (found.trace.mean - whole.trace()).abs();
        assert!(error < 1e-7 * scale, "{matrix}: {error}");
        let (top, expected) = (found.top.unwrap().value, whole.eigenvalues()[0]);
        assert!(
            (top - expected).abs() < 1e-6 * scale,
            "{matrix}: {top} {expected}"
        );
    }
    let run = RunContents::load(&bench.store, &found.run).unwrap();
    assert!(run.has_figure(FigureKind::Parts) && !run.has_figure(FigureKind::Pairs));
}

#[test]
fn shares_in_the_leading_eigenspace_are_those_of_dense_eigenvectors() {
    let bench = Bench::trained();
    let mut request = bench.request(&[]);
    request.all_steps = true;
    request.subspace = Some(3);
    let found = bench.found(&request);
    let steps = found.steps.unwrap();
    let checkpoint = |place: usize| {
        let step = steps[place].step.unwrap();
        bench
            .store
            .checkpoint(&bench.run, step)
            .unwrap()
            .unwrap()
            .params
    };
    let space = |place: usize| {
        let curvature = bench.derivatives(&checkpoint(place));
        let params = LanczosParams {
            top: 3,
            tolerance: 1e-10,
            ..LanczosParams::default()
        };
        let whole = dense(&curvature, Matrix::Hessian);
        let top = Lanczos::new(params).unwrap().solve(&whole).unwrap().top;
        let vectors = top.into_iter().map(|pair| pair.vector);
        (Subspace::of(&vectors.collect::<Vec<_>>()), curvature)
    };
    let way = |from: usize, to: usize| -> Vec<f64> {
        let moved = checkpoint(to).sub(&checkpoint(from)).unwrap();
        moved.flatten().into_iter().map(f64::from).collect()
    };
    let close = |got: f64, want: f64| assert!((got - want).abs() < 1e-4, "{got} {want}");
    let place = 4;
    let (own, curvature) = space(place);
    let shares = steps[place].subspace.unwrap();
    assert_eq!(shares.dimension, 3);
    close(
        shares.gradient,
        own.share(&curvature.gradient().unwrap().gradient),
    );
    close(shares.update.unwrap(), own.share(&way(place, place + 1)));
    close(shares.path.unwrap(), own.share(&way(0, place)));
    close(shares.overlap.unwrap(), own.overlap(&space(place - 1).0));
    // Nothing comes before the first checkpoint, nor after the last.
    let (first, last) = (
        steps[0].subspace.unwrap(),
        steps.last().unwrap().subspace.unwrap(),
    );
    assert!(first.path.is_none() && first.overlap.is_none() && first.update.is_some());
    assert!(last.update.is_none() && last.path.is_some());
    let run = RunContents::load(&bench.store, &found.run).unwrap();
    assert_eq!(run.usual_figure(), FigureKind::Subspace);
    assert!(!run.has_figure(FigureKind::Sharpness));
}

#[test]
fn what_a_network_in_parts_cannot_have_is_told() {
    let bench = Bench::trained();
    let refused = |request: &CurvatureRequest| {
        let prepared = CurvatureStudy::prepare(request, Some(&bench.store), &());
        prepared.err().expect("refused")
    };
    let mut few = bench.request(&[Per::Pair]);
    few.max_products = Some(5);
    assert!(refused(&few).to_string().contains("at least 6 are needed"));
    let mut one = bench.request(&[]);
    one.subspace = Some(3);
    assert!(matches!(refused(&one), StudyError::SubspaceOfOne));
}
