//! Memory of derivatives of large networks and of losses over many words, counted by the allocator: a binary of its own.

// The allocator that counts is `unsafe` by its trait.
#![allow(unsafe_code)]

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::{log_softmax, relu, tanh};
use burn::tensor::{Device, Int, Tensor, TensorData};
use landscape_core::{Direction, Distribution, Objective, Plane, Rng};
use landscape_trace::{Level, Loss, Target, Trace, params_of};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test at a time: the allocator counts for all.
static ALONE: Mutex<()> = Mutex::new(());

/// The most bytes that `f` holds beyond what there was.
fn peak_of<T>(f: impl FnOnce() -> T) -> (usize, T) {
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let found = f();
    (PEAK.load(Ordering::Relaxed) - before, found)
}

#[derive(Module, Debug)]
struct Mlp {
    fc1: Linear,
    fc2: Linear,
    fc3: Linear,
}

const WIDTH: usize = 1400;

/// 4.5 million parameters: sums of a product take 72 MB, above what groups may have.
fn trace() -> (Mlp, Trace) {
    let device = Device::flex();
    let module = Mlp {
        fc1: LinearConfig::new(400, WIDTH).init(&device),
        fc2: LinearConfig::new(WIDTH, WIDTH).init(&device),
        fc3: LinearConfig::new(WIDTH, WIDTH).init(&device),
    };
    let mut rng = Rng::new(1, 1);
    let n = 600;
    let x: Vec<f32> = (0..n * 400).map(|_| rng.normal() as f32).collect();
    let x = Tensor::<2>::from_data(TensorData::new(x, [n, 400]), &device);
    let trace = Trace::capture(&module, &x, |m: &Mlp, x: &Tensor<2>| {
        let h = relu(m.fc2.forward(relu(m.fc1.forward(x.clone()))));
        let out = m.fc3.forward(h);
        Loss::new(out.powi_scalar(2).mean_dim(1).squeeze_dim::<1>(1))
    });
    (module, trace.unwrap())
}

#[test]
fn a_product_takes_a_small_multiple_of_the_parameters() {
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    let (module, trace) = trace();
    let params = params_of(&module).unwrap();
    let mut products = Vec::new();
    for threads in [1, 3] {
        let level = Level::detect();
        let curvature = trace
            .curvature(&params, &Target::Host { threads, level })
            .unwrap();
        let dim = curvature.dim();
        let vector: Vec<f64> = (0..dim).map(|i| (i % 7) as f64 - 3.0).collect();
        let (peak, product) = peak_of(|| {
            let product = curvature.hessian(std::slice::from_ref(&vector)).unwrap();
            let again = curvature.hessian(&[vector]).unwrap();
            assert_eq!(product, again);
            product
        });
        // 68 bytes a parameter, and for every thread the largest layer and the values of a tile.
        let layer = WIDTH * WIDTH * 4;
        let bound = 80 * dim + threads * (layer + (24 << 20)) + (16 << 20);
        assert!(peak < bound, "{peak} bytes, {} a parameter", peak / dim);
        products.push(product);
    }
    assert_eq!(
        products[0], products[1],
        "the same bits for any number of threads"
    );
}

#[derive(Module, Debug)]
struct Words {
    inner: Linear,
    head: Linear,
}

/// A tile of 16 samples has 164 MB of logits for 64 tokens.
const WORDS: usize = 40_000;
const DIM: usize = 8;

fn words(samples: usize, tokens: usize) -> (Words, Trace) {
    let device = Device::flex();
    let module = Words {
        inner: LinearConfig::new(DIM, DIM).init(&device),
        head: LinearConfig::new(DIM, WORDS).init(&device),
    };
    let mut rng = Rng::new(1, 1);
    let x = (0..samples * tokens * DIM).map(|_| rng.normal() as f32);
    let x = TensorData::new(x.collect::<Vec<f32>>(), [samples, tokens, DIM]);
    let y = (0..samples * tokens).map(|_| rng.below(WORDS as u64) as i64);
    let y = TensorData::new(y.collect::<Vec<i64>>(), [samples, tokens]);
    let data = (
        Tensor::<3>::from_data(x, &device),
        Tensor::<2, Int>::from_data(y, &device),
    );
    let trace = Trace::capture(
        &module,
        &data,
        |m: &Words, (x, y): &(Tensor<3>, Tensor<2, Int>)| {
            let z = m.head.forward(tanh(m.inner.forward(x.clone())));
            let hits = z.clone().argmax(2).squeeze_dim::<2>(2).equal(y.clone());
            let picked = log_softmax(z, 2).gather(2, y.clone().unsqueeze_dim::<3>(2));
            let each = picked.squeeze_dim::<2>(2).neg().mean_dim(1);
            Loss::new(each.squeeze_dim::<1>(1)).with_correct(hits.all_dim(1).squeeze_dim::<1>(1))
        },
    );
    (module, trace.unwrap())
}

/// The loss of a point of a line, and a product, in bytes beyond the parameters.
fn peaks(samples: usize, tokens: usize) -> [usize; 2] {
    let (module, trace) = words(samples, tokens);
    let params = params_of(&module).unwrap();
    let target = Target::Host {
        threads: 2,
        level: Level::detect(),
    };
    let direction = Direction::random(&params, Distribution::Gaussian, 1, 0);
    let plane = Plane::new(params.clone(), vec![direction]).unwrap();
    let line = trace
        .objective(&plane, std::slice::from_ref(&target))
        .unwrap();
    let loss = peak_of(|| line.evaluate(&[[0.1, 0.0, 0.0]]).unwrap()).0;
    let curvature = trace.curvature(&params, &target).unwrap();
    let vector = vec![1.0; curvature.dim()];
    let product = peak_of(|| curvature.hessian(&[vector]).unwrap()).0;
    [loss, product]
}

/// Twice the samples, or four times the tokens, add what is as wide as the network, not what is as wide as the vocabulary.
#[test]
fn a_loss_over_many_words_takes_no_table_of_them() {
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    let [few, twice, long] = [(16, 16), (32, 16), (16, 64)].map(|(n, t)| peaks(n, t));
    // Of each thread: chunks, and the parameters as they are at a point, with sums.
    let parameters = (DIM + 1) * (WORDS + DIM);
    let [chunks, table] = [8 << 20, 16 * 16 * WORDS * size_of::<f32>()];
    let bounds = [2 * chunks + 24 * parameters, 2 * chunks + 160 * parameters];
    for (what, peaks) in [("few", few), ("twice", twice), ("long", long)] {
        for (peak, bound) in peaks.into_iter().zip(bounds) {
            assert!(peak < bound, "{what}: {peak} bytes, more than {bound}");
        }
    }
    for more in [twice, long] {
        for (more, few) in more.into_iter().zip(few) {
            assert!(more < few + table / 4, "{more} bytes and {few}");
        }
    }
}
