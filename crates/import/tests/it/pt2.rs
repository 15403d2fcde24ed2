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
