//! PyTorch's exported programs.

use crate::reference::{Reference, names};

#[test]
fn programs_have_the_losses_and_derivatives_that_pytorch_computes() {
    let wanted = std::env::var("LANDSCAPE_REFERENCE").ok();
    let mut failed = Vec::new();
    for name in names() {
        if wanted.as_ref().is_some_and(|wanted| *wanted != name) {
            continue;
        }
        let checked = std::panic::catch_unwind(|| {
            let reference = Reference::open(&name);
            for format in reference.formats.iter().filter(|f| f.ends_with(".pt2")) {
                let program = reference.program(format);
                let trace = reference.trace(&program);
                reference.check_losses(&program, &trace, format);
                // Decomposed, a ReLU6 is a clamp, whose derivative at 0 is another.
                if (name.as_str(), format.as_str()) != ("mobilenet_v2", "decomposed.pt2") {
                    reference.check_derivatives(&program, &trace, format);
                }
            }
        });
        if checked.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

/// What training leaves as it is stays a parameter, and can be told from others.
#[test]
fn parameters_without_gradients_are_named() {
    let readme = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readme");
    let program = landscape_import::Program::open(readme.join("frozen.pt2")).unwrap();
    assert_eq!(program.frozen(), ["net.0.weight", "net.0.bias"]);
    assert!(
        program
            .notes()
            .iter()
            .any(|note| note.contains("2 of 4 parameters"))
    );
    let selection: landscape_core::Selection = "trainable".parse().unwrap();
    let params = program.parameters().clone();
    assert_eq!(params.numel(), 51);
    assert_eq!(selection.of(params, program.frozen()).unwrap().numel(), 27);
    let whole = landscape_import::Program::open(readme.join("net.pt2")).unwrap();
    assert!(whole.frozen().is_empty() && whole.notes().is_empty());
}
