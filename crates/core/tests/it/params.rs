use crate::support::{network, tensor, vector};
use landscape_core::{FilterAxes, Parameter, Params, ParamsError, Role};

#[test]
fn a_tensor_fits_its_shape() {
    let error = Parameter::new("w", [2, 3], vec![0.0; 5], Role::Weight).unwrap_err();
    assert_eq!(error.to_string(), "tensor `w` of shape [2, 3] has 5 values");
    assert!(Parameter::new("w", [usize::MAX, 2], vec![], Role::Weight).is_err());
    assert!(Parameter::new("s", [], vec![1.0], Role::Weight).is_ok());
}

#[test]
fn names_are_unique() {
    let one = tensor("a", &[1], Role::Bias, |_| 0.0);
    let error = Params::new(vec![one.clone(), one]).unwrap_err();
    assert_eq!(error, ParamsError::Duplicate { name: "a".into() });
}

#[test]
fn buffers_are_not_parameters() {
    let params = network();
    assert_eq!(params.len(), 8);
    assert_eq!(params.numel(), 48 + 4 + 4 + 32 + 2 + 1);
    let flat = params.flatten();
    assert_eq!(flat.len(), params.numel());
    let square: f64 = flat.iter().map(|&v| f64::from(v).powi(2)).sum();
    assert!((params.norm() - square.sqrt()).abs() < 1e-12);
    assert_eq!(params.unflatten(&flat).unwrap(), params);
    assert!(matches!(
        params.unflatten(&flat[1..]),
        Err(ParamsError::FlatLength {
            expected: 91,
            given: 90
        })
    ));
}

#[test]
fn filters_are_slices_of_axis_0() {
    let matrix = tensor("w", &[2, 3], Role::Weight, |i| i as f32);
    let filters: Vec<_> = matrix.filters().collect();
    assert_eq!(filters, [&[0.0, 1.0, 2.0][..], &[3.0, 4.0, 5.0]]);
    let scalar = tensor("s", &[], Role::Weight, |_| 2.0);
    assert_eq!(scalar.filters().count(), 1);
    for shape in [[0, 3], [3, 0]] {
        assert_eq!(
            tensor("e", &shape, Role::Weight, |_| 0.0).filters().count(),
            0
        );
    }
}

/// `[in, out / groups, width]` of a transposed convolution of two groups: output channel 1 of group 0 has the elements of the group's
/// inputs 0 and 1.
#[test]
fn filters_are_where_the_axes_say() {
    let grouped = |groups| FilterAxes {
        groups,
        ..FilterAxes::axis(1)
    };
    let tensor = tensor("w", &[4, 2, 2], Role::Weight, |i| i as f32);
    let two = tensor.clone().with_filters(grouped(2)).unwrap();
    let filters: Vec<_> = two.filters().collect();
    assert_eq!((two.filter_count(), two.filter_len()), (4, 4));
    assert_eq!(filters[0], &[0.0, 1.0, 4.0, 5.0][..]);
    assert_eq!(filters[1], &[2.0, 3.0, 6.0, 7.0][..]);
    assert_eq!(filters[3], &[10.0, 11.0, 14.0, 15.0][..]);
    for wrong in [grouped(3), grouped(0), FilterAxes::axis(3)] {
        let refused = tensor.clone().with_filters(wrong);
        assert!(matches!(refused, Err(ParamsError::Filters { .. })));
    }
}

#[test]
fn a_layout_error_lists_everything() {
    let layout = network();
    let mut tensors = layout.clone().into_inner();
    tensors.remove(1);
    tensors[0] = tensor("conv1.weight", &[4, 12], Role::Weight, |_| 0.0);
    tensors.push(tensor("extra", &[1], Role::Weight, |_| 0.0));
    let other = Params::new(tensors).unwrap();
    assert_eq!(
        layout.same_layout(&other).unwrap_err().to_string(),
        "the tensors do not fit (missing: bn1.weight [4]; unexpected: extra [1]; \
         of another shape: conv1.weight [4, 12], expected [4, 3, 2, 2])"
    );
}

#[test]
fn order_matters_unless_conformed() {
    let layout = network();
    let mut tensors = layout.clone().into_inner();
    tensors.reverse();
    for tensor in &mut tensors {
        tensor.role = Role::Weight;
    }
    let reversed = Params::new(tensors).unwrap();
    let error = layout.same_layout(&reversed).unwrap_err();
    assert_eq!(
        error.to_string(),
        "tensor 0 is `temperature` where `conv1.weight` is expected"
    );
    assert_eq!(reversed.conform(&layout).unwrap(), layout);
    assert!(vector(&[1.0]).conform(&layout).is_err());
}

#[test]
fn differences_are_rounded_once() {
    let a = vector(&[16_777_216.0, 0.3]);
    let b = vector(&[-1.0, 0.1]);
    let difference = a.sub(&b).unwrap().flatten();
    assert_eq!(
        difference,
        [
            16_777_217.0f64 as f32,
            (f64::from(0.3f32) - f64::from(0.1f32)) as f32
        ]
    );
    assert!(a.sub(&network()).is_err());
}

#[test]
fn roles_by_pytorch_names() {
    for (name, dims, role) in [
        ("fc1.weight", 2, Role::Weight),
        ("fc1.bias", 1, Role::Bias),
        ("layer1.0.conv1.weight", 4, Role::Weight),
        ("layer1.0.bn1.weight", 1, Role::NormScale),
        ("layer1.0.bn1.bias", 1, Role::NormShift),
        ("encoder.norm.bias", 1, Role::NormShift),
        ("layer2.0.shortcut.1.weight", 1, Role::NormScale),
        ("layer2.0.shortcut.1.bias", 1, Role::Bias),
        ("bn1.running_mean", 1, Role::Buffer),
        ("bn1.running_var", 1, Role::Buffer),
        ("bn1.num_batches_tracked", 0, Role::Buffer),
        ("norm.gamma", 1, Role::NormScale),
        ("norm.beta", 1, Role::NormShift),
        ("embedding", 2, Role::Weight),
    ] {
        assert_eq!(Role::from_name(name, &vec![3; dims]), role, "{name}");
    }
}
