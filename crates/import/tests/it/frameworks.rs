//! What Keras and JAX export (`tests/frameworks`): losses as onnxruntime computes them, and what the tensors are for.

use landscape_core::Role;
use landscape_import::{Array, Loss, Program};
use landscape_trace::Target;
use std::path::Path;

fn check(name: &str, expected: f64, filters: &[(&str, usize)]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frameworks");
    let net = Program::open(folder.join(name))
        .unwrap()
        .with_loss(Loss::CrossEntropy);
    let number = |i: usize| (7 * i % 31) as f32 / 15.0 - 1.0;
    let x = Array::new([8, 8, 8, 3], (0..8 * 192).map(number).collect()).unwrap();
    let y = Array::new([8], (0..8).map(|i| i as f32).collect()).unwrap();
    let trace = net.trace(&[("", x)], &y).unwrap();
    let params = net.parameters();
    let curvature = trace.curvature(params, &Target::default()).unwrap();
    let loss = curvature.gradient().unwrap().loss;
    assert!((loss - expected).abs() < 1e-6 * expected, "{name}: {loss}");
    // What is no vector has as many filters as outputs.
    let tensors = params.weights().filter(|t| !t.is_one_dimensional());
    let found: Vec<_> = tensors
        .map(|t| (t.name.as_str(), t.filter_count()))
        .collect();
    assert_eq!(found, filters, "{name}");
    let vectors = params.weights().filter(|t| t.is_one_dimensional());
    for vector in vectors {
        assert_ne!(vector.role, Role::Weight, "{name}: {}", vector.name);
    }
    let notes = net.program().notes().join("\n");
    assert_eq!(
        notes.contains("torch.onnx"),
        name == "keras.onnx",
        "{notes}"
    );
}

#[test]
fn networks_of_keras_and_jax_are_what_they_were() {
    let keras = [
        ("onnx::Conv_111", 8),
        ("onnx::ConvTranspose_148", 6),
        ("onnx::MatMul_152", 10),
    ];
    check("keras.onnx", 2.3182174035358516, &keras);
    let jax = [("const_6", 10), ("kernel_oih_0", 8)];
    check("jax.onnx", 2.3423069140626214, &jax);
}
