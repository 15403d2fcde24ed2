//! Exports of one sample whose data do not fit.

use crate::reference::Reference;
use landscape_import::{Array, Loss};

#[test]
fn data_that_do_not_fit_an_export_of_one_sample_are_told() {
    let reference = Reference::open("one/distillation");
    let program = reference.program("static.pt2");
    let params = program.parameters();
    let shapes: Vec<usize> = program.inputs().iter().map(|i| i.shape.len()).collect();
    assert_eq!(shapes, [2, 2, 1]);
    let array = |shape: &[usize]| {
        let count = shape.iter().product();
        Array::new(shape, vec![0.0; count]).unwrap()
    };
    for wrong in [&[2, 4][..], &[9, 4], &[], &[7]] {
        let width = |i: usize| match &program.inputs()[i].shape[1] {
            landscape_import::Size::Fixed(n) => *n,
            landscape_import::Size::Free(_) => 0,
        };
        let inputs = [
            ("", array(&[7, width(0)])),
            ("", array(wrong)),
            ("", array(&[7])),
        ];
        let error = program
            .trace(params, &inputs, None, Loss::Program)
            .unwrap_err();
        assert!(
            error.to_string().contains("has the shape"),
            "{wrong:?}: {error}"
        );
    }
}
