//! ONNX models of both exporters of PyTorch.

use crate::reference::{Reference, names};

#[test]
fn models_have_the_losses_and_derivatives_that_pytorch_computes() {
    let wanted = std::env::var("LANDSCAPE_REFERENCE").ok();
    let mut failed = Vec::new();
    for name in names() {
        if wanted.as_ref().is_some_and(|wanted| *wanted != name) {
            continue;
        }
        let reference = Reference::open(&name);
        for format in reference.formats.iter().filter(|f| f.ends_with(".onnx")) {
            let checked = std::panic::catch_unwind(|| {
                let program = reference.program(format);
                let trace = reference.trace(&program);
                match reference.names_kept(format) {
                    true => {
                        reference.check_losses(&program, &trace, format);
                        reference.check_derivatives(&program, &trace, format);
                    }
                    false => reference.check_loss(&program, &trace, format),
                }
            });
            if checked.is_err() {
                failed.push(format!("{name} {format}"));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}
