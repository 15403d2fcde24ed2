//! Memory of derivatives of large networks, counted by the allocator: a binary of its own.

// The allocator that counts is `unsafe` by its trait.
#![allow(unsafe_code)]

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use landscape_core::Rng;
use landscape_trace::{Level, Loss, Target, Trace, params_of};
use std::alloc::{GlobalAlloc, Layout, System};
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
        let before = NOW.load(Ordering::Relaxed);
        PEAK.store(before, Ordering::Relaxed);
        let product = curvature.hessian(std::slice::from_ref(&vector)).unwrap();
        let again = curvature.hessian(&[vector]).unwrap();
        assert_eq!(product, again);
        let peak = PEAK.load(Ordering::Relaxed) - before;
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
