use burn::tensor::Device;
use landscape_core::*;
use landscape_models::*;
use std::time::Instant;
fn main() {
    for (model, data, n) in [("mlp:2-8-4-1", "moons", 200), ("mlp:784-20-10", "mnist-1k", 192), ("mlp:784-20-10", "mnist-1k", 10000)] {
        let spec: ModelSpec = model.parse().unwrap();
        let dspec: DataSpec = data.parse().unwrap();
        let mut data = load(&dspec, None, Split::Train, Some(n.min(1000))).unwrap();
        if n > 1000 {
            let x: Vec<f32> = (0..n / 1000).flat_map(|_| data.x().to_vec()).collect();
            let Targets::Classes(y) = data.y() else { panic!() };
            let y: Vec<i64> = (0..n / 1000).flat_map(|_| y.clone()).collect();
            data = Dataset::new("big", x, vec![n, 784], Targets::Classes(y)).unwrap();
        }
        let loss = if model == "mlp:2-8-4-1" { LossKind::BceWithLogits } else { LossKind::CrossEntropy };
        let network = Network::init(&spec, 3, &Device::flex());
        let params = network.params();
        let d = |s| Direction::random(&params, Distribution::Gaussian, 1, s).normalize(&params, Normalization::Filter, BiasMode::Zero).unwrap();
        let plane = Plane::new(params.clone(), vec![d(0), d(1)]).unwrap();
        let grid = Grid::square(51, 1.0, 2).unwrap();
        let t = Instant::now();
        let trace = trace_network(&network, &data, loss, &[]).unwrap();
        let t_trace = t.elapsed();
        for threads in [1usize, 2] {
            let target = landscape_trace::Target::Host { threads, level: landscape_trace::Level::detect() };
            let mut best = f64::INFINITY; let mut best_o = f64::INFINITY;
            for _ in 0..15 {
                let t = Instant::now();
                let objective = trace.objective(&plane, std::slice::from_ref(&target)).unwrap();
                let to = t.elapsed().as_secs_f64();
                let t = Instant::now();
                let points: Vec<Point> = (0..grid.len()).map(|i| grid.point(i)).collect();
                let s = objective.evaluate(&points).unwrap();
                let te = t.elapsed().as_secs_f64();
                std::hint::black_box(s);
                best = best.min(te); best_o = best_o.min(to);
            }
            println!("{model} n={n} threads={threads} trace {:.1} ms, objective {:.2} ms, evaluate {:.2} ms", t_trace.as_secs_f64()*1e3, best_o*1e3, best*1e3);
        }
    }
}
