//! What a closure does wrong is an error, and what a loss is not stays visible.

use crate::mlp::{Mlp, classification, data, plane, targets};
use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};
use landscape_core::Objective;
use landscape_trace::{Loss, Trace, TraceError, params_of};

fn captured(
    loss: impl Fn(&Mlp, &(Tensor<2>, Tensor<1, Int>)) -> Loss,
) -> Result<Trace, TraceError> {
    let module = Mlp::new(&[6, 5, 4], 3);
    let data = data(20, 6, 4, 8);
    Trace::capture(&module, &(data.x(), data.classes()), loss)
}

#[test]
fn a_panic_in_the_closure_is_an_error_with_its_words() {
    let error = captured(|_, _| panic!("nothing to see in {} places", 3)).unwrap_err();
    assert!(matches!(&error, TraceError::Panicked(said) if said == "nothing to see in 3 places"));
    // Burn reads the labels to build one-hot rows, which a recording does not have.
    let error = captured(|module, (x, y)| {
        let y = y.clone().one_hot::<2>(4).float();
        Loss::new(
            (module.forward(x.clone()) - y)
                .powi_scalar(2)
                .mean_dim(1)
                .squeeze_dim::<1>(1),
        )
    });
    assert!(
        matches!(&error, Err(TraceError::Panicked(said)) if said.contains("data")),
        "{error:?}"
    );
    // The device is free again.
    assert!(captured(classification).is_ok());
}

#[test]
fn a_loss_on_another_device_is_an_error() {
    let elsewhere = || Tensor::<1>::ones([1], &Device::flex());
    let error = captured(|_, _| Loss::new(elsewhere())).unwrap_err();
    assert!(
        matches!(&error, TraceError::Elsewhere(what) if what == "the loss"),
        "{error}"
    );
    let error = captured(|module, inputs| {
        classification(module, inputs).with_term("far", 1.0, elsewhere())
    })
    .unwrap_err();
    assert!(
        matches!(&error, TraceError::Elsewhere(what) if what == "the term `far`"),
        "{error}"
    );
    let error = captured(|module, inputs| {
        classification(module, inputs).with_correct(elsewhere().greater_elem(0.0))
    })
    .unwrap_err();
    assert!(matches!(&error, TraceError::Elsewhere(_)), "{error}");
}

#[test]
fn whole_numbers_that_are_rounded_are_an_error() {
    let module = Mlp::new(&[6, 5, 4], 3);
    let data = data(3, 6, 4, 8);
    let capture = |labels: [i64; 3]| {
        let labels = Tensor::<1, Int>::from_data(TensorData::from(labels), &Device::flex());
        Trace::capture(&module, &(data.x(), labels), classification)
    };
    assert!(capture([0, 1 << 24, -100]).is_ok());
    for value in [(1 << 24) + 1, -(1 << 24) - 3, i64::from(i32::MAX)] {
        let error = capture([0, value, 1]).unwrap_err();
        assert!(matches!(error, TraceError::Integer { value: found } if found == value));
        assert!(error.to_string().contains(&value.to_string()));
    }
}

#[test]
fn whole_numbers_of_operations_that_are_rounded_are_an_error() {
    let number = (1 << 24) + 1;
    let compare = |number: i64| {
        captured(|module, (x, y)| {
            let hits = y.clone().equal_elem(number).float();
            Loss::new(module.forward(x.clone()).mean_dim(1).squeeze_dim::<1>(1) * hits)
        })
    };
    assert!(compare(3).is_ok());
    let error = compare(number).unwrap_err();
    assert!(
        matches!(error, TraceError::Integer { value } if value == number),
        "{error}"
    );
    // A float is rounded, as everywhere in f32.
    let scaled = captured(|module, (x, _)| {
        let out = module.forward(x.clone()).mean_dim(1).squeeze_dim::<1>(1);
        Loss::new(out * 16_777_217.0)
    });
    assert!(scaled.is_ok());
}

/// Also where arithmetic makes them of labels that are small; what f32 holds is taken.
#[test]
fn whole_numbers_that_arithmetic_makes_too_large_are_an_error() {
    let scaled = |factor: i64| {
        captured(|module, (x, y)| {
            let place = (y.clone() + 0) * factor + 0;
            let out = module.forward(x.clone()).mean_dim(1).squeeze_dim::<1>(1);
            Loss::new(out * place.float())
        })
    };
    // The largest label is 3.
    let largest = data(20, 6, 4, 8).labels.into_iter().max();
    assert_eq!(largest, Some(3));
    assert!(scaled(5_592_408).is_ok());
    let error = scaled(5_592_407).unwrap_err();
    assert!(
        matches!(error, TraceError::Integer { value: 16_777_221 }),
        "{error}"
    );
    // Where parameters enter, the number is not known; it is an index of a class.
    let chosen = captured(|module, (x, y)| {
        let out = module.forward(x.clone());
        let hits = out.clone().argmax(1).squeeze_dim::<1>(1).equal(y.clone());
        Loss::new(out.mean_dim(1).squeeze_dim::<1>(1)).with_correct(hits)
    });
    assert!(chosen.is_ok());
}

/// One number, to which samples are compared.
#[derive(Module, Debug)]
struct One {
    w: Param<Tensor<2>>,
}

#[test]
fn losses_that_are_not_finite_have_a_standard_error_that_is_none() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for (n, at) in [(10, 0), (10, 7), (600, 0), (600, 599), (600, 300)] {
            let mut x = vec![1.0f32; n];
            x[at] = bad;
            let x = Tensor::<1>::from_data(TensorData::from(&x[..]), &Device::flex());
            let x = x.unsqueeze_dim::<2>(1);
            let module = One {
                w: Param::from_tensor(Tensor::ones([1, 1], &Device::flex())),
            };
            let trace = Trace::capture(&module, &x, |module: &One, x: &Tensor<2>| {
                let loss = (x.clone() * module.w.val()).squeeze_dim::<1>(1);
                let correct = x.clone().greater_elem(-5.0).squeeze_dim::<1>(1);
                Loss::new(loss).with_correct(correct)
            })
            .unwrap();
            let plane = plane_of(&module);
            for target in targets() {
                let objective = trace.objective(&plane, &[target]).unwrap();
                let found = objective.evaluate(&[[0.0; 3], [0.5, 0.0, 0.0]]).unwrap();
                for sample in found {
                    assert!(!sample.loss.is_finite());
                    assert!(sample.loss_se.is_none_or(f64::is_nan), "{sample:?}");
                    let right = if bad > 0.0 { n } else { n - 1 } as f64;
                    assert!((sample.accuracy.unwrap() - right / n as f64).abs() < 1e-6);
                }
            }
        }
    }
}

fn plane_of(module: &One) -> landscape_core::Plane {
    let params = params_of(module).unwrap();
    plane(&params, 1)
}
