//! Properties over arbitrary input.

use crate::support::file;
use burn::tensor::Device;
use landscape_core::Params;
use landscape_models::{
    Activation, DataSpec, Dataset, MlpSpec, ModelSpec, MoonsSpec, Network, Schedule, Split,
    Targets, load, load_weights, read_idx, save_weights,
};
use proptest::prelude::*;
use std::fs;

fn widths() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1usize..9, 2..5)
}

fn activation() -> impl Strategy<Value = Activation> {
    prop::sample::select(Activation::ALL)
}

/// One byte of a sound file replaced, or its end cut off.
fn damaged(name: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let sound = fs::read(file(name)).unwrap();
    (0..sound.len(), any::<u8>(), any::<bool>()).prop_map(move |(at, byte, cut)| {
        let mut bytes = sound.clone();
        bytes[at] = byte;
        if cut {
            bytes.truncate(at);
        }
        bytes
    })
}

proptest! {
    #[test]
    fn specs_survive_their_text(widths in widths(), activation in activation()) {
        let spec = ModelSpec::Mlp(MlpSpec::new(widths, activation).unwrap());
        prop_assert_eq!(&spec.to_string().parse::<ModelSpec>().unwrap(), &spec);
    }

    #[test]
    fn parameters_survive_module_and_file(widths in widths(), seed in any::<u64>()) {
        let spec = ModelSpec::Mlp(MlpSpec::new(widths, Activation::Relu).unwrap());
        let network = Network::init(&spec, seed, &Device::flex());
        let params = network.params();
        let mut back: Vec<_> = params.clone().into_inner();
        back.reverse();
        let again = network.with_params(&Params::new(back).unwrap()).unwrap();
        prop_assert_eq!(&again.params(), &params);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("w.safetensors");
        save_weights(&path, &params).unwrap();
        let read = load_weights(&path).unwrap().conform(&params).unwrap();
        prop_assert_eq!(read, params);
    }

    #[test]
    fn moons_survive_their_text(n in 2usize..500, noise in 0.0..2.0f64, seed in any::<u64>()) {
        let spec = DataSpec::Moons(MoonsSpec { n, noise, seed, ..MoonsSpec::default() });
        prop_assert_eq!(&spec.to_string().parse::<DataSpec>().unwrap(), &spec);
        let data = load(&spec, None, Split::Train, None).unwrap();
        prop_assert_eq!(data.shape(), &[n, 2]);
        let Targets::Classes(labels) = data.y() else { panic!("classes") };
        prop_assert_eq!(labels.iter().sum::<i64>() as usize, n - n / 2);
    }

    #[test]
    fn words_never_panic(text in "[a-z0-9:,.=-]{0,24}") {
        let _ = text.parse::<ModelSpec>();
        let _ = text.parse::<DataSpec>();
        let _ = text.parse::<Schedule>();
    }

    #[test]
    fn rates_stay_within_the_one_that_was_set(
        steps in 1u64..200,
        per_epoch in 1u64..20,
        share in 0.01..0.99f64,
    ) {
        for name in ["constant", "step:3,0.5", "cosine"] {
            let schedule: Schedule = name.parse().unwrap();
            for step in 0..steps {
                prop_assert!((0.0..=1.0).contains(&schedule.factor(step, steps, per_epoch)));
            }
        }
        for schedule in [Schedule::WarmupCosine { warmup: share }, Schedule::OneCycle { rise: share }] {
            for step in 0..steps {
                let factor = schedule.factor(step, steps, per_epoch);
                prop_assert!((0.0..=1.0 + 1e-12).contains(&factor), "{schedule} {step}: {factor}");
            }
        }
    }

    #[test]
    fn the_front_of_the_front_is_the_front(n in 1usize..30, a in 1usize..30, b in 1usize..30) {
        let x: Vec<f32> = (0..3 * n).map(|v| v as f32).collect();
        let labels = (0..n as i64).collect();
        let data = Dataset::new("d", vec![n, 3], x, Targets::Classes(labels)).unwrap();
        let (large, small) = (a.max(b), a.min(b));
        match data.clone().take(large) {
            Ok(part) => prop_assert_eq!(part.take(small).unwrap(), data.take(small).unwrap()),
            Err(_) => prop_assert!(large > n),
        }
    }

    #[test]
    fn damaged_files_never_panic(
        safe in damaged("values.safetensors"),
        weights in damaged("mlp-mixed.safetensors"),
        npz in damaged("fortran.npz"),
        npy in damaged("x.npy"),
        idx in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        for path in [at("d.safetensors", &safe), at("d.npz", &npz)] {
            let _ = load(&DataSpec::File(path.into()), None, Split::Train, None);
        }
        let pair = DataSpec::Pair(at("x.npy", &npy), file("y.npy"));
        let _ = load(&pair, None, Split::Train, None);
        let _ = load_weights(at("w.safetensors", &weights));
        let _ = read_idx(at("d-idx", &idx));
    }
}
