//! Names and layouts of Burn's own modules, and of structs that only share their names.

use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, Embedding, EmbeddingConfig, GroupNorm, GroupNormConfig, LayerNorm,
    LayerNormConfig, LinearConfig, RmsNorm, RmsNormConfig,
};
use burn::tensor::{Device, Tensor};
use landscape_core::{Params, Role};
use landscape_trace::{Loss, Trace, TraceError, params_of, with_params};

/// A layer of one's own, `x W^T + b`: PyTorch's layout already.
#[derive(Module, Debug)]
struct Linear {
    weight: Param<Tensor<2>>,
    bias: Option<Param<Tensor<1>>>,
}

impl Linear {
    fn new(outputs: usize, inputs: usize, bias: bool) -> Self {
        let device = Device::flex();
        let numbers = Tensor::<1>::from_data(
            burn::tensor::TensorData::from(
                &(0..outputs * inputs).map(|i| i as f32).collect::<Vec<_>>()[..],
            ),
            &device,
        );
        Self {
            weight: Param::from_tensor(numbers.reshape([outputs, inputs])),
            bias: bias.then(|| Param::from_tensor(Tensor::ones([outputs], &device))),
        }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let y = x.matmul(self.weight.val().transpose());
        match &self.bias {
            Some(bias) => y + bias.val().unsqueeze(),
            None => y,
        }
    }
}

fn described(params: &Params) -> Vec<(String, Vec<usize>, Role)> {
    let one = |p: &landscape_core::Parameter| (p.name.clone(), p.shape.clone(), p.role);
    params.iter().map(one).collect()
}

#[test]
fn a_linear_of_ones_own_keeps_its_layout() {
    let module = Linear::new(3, 5, true);
    let params = params_of(&module).unwrap();
    let expected = [
        ("weight".to_owned(), vec![3, 5], Role::Weight),
        ("bias".to_owned(), vec![3], Role::Bias),
    ];
    assert_eq!(described(&params), expected);
    let counted: Vec<f32> = (0..15).map(|i| i as f32).collect();
    assert_eq!(params.get("weight").unwrap().data, counted);
    let again = with_params(module, &params).unwrap();
    assert_eq!(params_of(&again).unwrap(), params);
    assert!(loss_of(&again, 5, |module, x| module.forward(x)).is_ok());
}

fn loss_of<M: Module>(
    module: &M,
    inputs: usize,
    forward: impl Fn(&M, Tensor<2>) -> Tensor<2>,
) -> Result<Trace, TraceError> {
    let x = Tensor::<2>::ones([4, inputs], &Device::flex());
    Trace::capture(module, &x, |module: &M, x: &Tensor<2>| {
        Loss::new(forward(module, x.clone()).sum_dim(1).squeeze_dim::<1>(1))
    })
}

#[test]
fn where_shapes_leave_it_open_the_use_decides() {
    for module in [Linear::new(4, 4, true), Linear::new(3, 5, false)] {
        let inputs = module.weight.dims()[1];
        let error = loss_of(&module, inputs, |module, x| module.forward(x)).unwrap_err();
        assert!(
            matches!(&error, TraceError::Transposed { name } if name == "weight"),
            "{error}"
        );
        // As Burn's, with a regulariser beside.
        let module = Linear::new(3, 5, false);
        let trace = loss_of(&module, 3, |module, x| {
            let w = module.weight.val();
            x.matmul(w.clone()) + w.clone().matmul(w.transpose()).sum_dim(1).sum_dim(0)
        });
        assert!(trace.is_ok());
        let shape = params_of(&module)
            .unwrap()
            .get("weight")
            .unwrap()
            .shape
            .clone();
        assert_eq!(shape, [5, 3]);
    }
}

#[derive(Module, Debug)]
struct MyNorm {
    gamma: Param<Tensor<1>>,
    beta: Param<Tensor<1>>,
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

/// As Burn's by name, and with a vector more.
mod other {
    use super::*;

    #[derive(Module, Debug)]
    pub struct LayerNorm {
        pub gamma: Param<Tensor<1>>,
        pub weight: Param<Tensor<1>>,
    }
}

#[test]
fn norms_of_ones_own_keep_their_names() {
    let device = Device::flex();
    let vector = || Param::from_tensor(Tensor::<1>::ones([3], &device));
    let module = MyNorm {
        gamma: vector(),
        beta: vector(),
        weight: Param::from_tensor(Tensor::ones([2, 3], &device)),
        bias: vector(),
    };
    let expected = [
        ("gamma".to_owned(), vec![3], Role::NormScale),
        ("beta".to_owned(), vec![3], Role::NormShift),
        ("weight".to_owned(), vec![2, 3], Role::Weight),
        ("bias".to_owned(), vec![3], Role::Bias),
    ];
    let params = params_of(&module).unwrap();
    assert_eq!(described(&params), expected);
    assert_eq!(
        params_of(&with_params(module, &params).unwrap()).unwrap(),
        params
    );
    let module = other::LayerNorm {
        gamma: vector(),
        weight: vector(),
    };
    let params = params_of(&module).unwrap();
    let names: Vec<&str> = params.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["gamma", "weight"]);
}

#[derive(Module, Debug)]
struct Burns {
    linear: burn::nn::Linear,
    plain: Vec<burn::nn::Linear>,
    conv: Conv2d,
    embedding: Embedding,
    batch: BatchNorm,
    layer: LayerNorm,
    group: GroupNorm,
    rms: Option<RmsNorm>,
}

#[test]
fn burns_modules_have_pytorchs_names_and_layouts() {
    let device = Device::flex();
    let module = Burns {
        linear: LinearConfig::new(5, 3).init(&device),
        plain: vec![LinearConfig::new(4, 4).with_bias(false).init(&device)],
        conv: Conv2dConfig::new([2, 3], [1, 1]).init(&device),
        embedding: EmbeddingConfig::new(7, 3).init(&device),
        batch: BatchNormConfig::new(3).init(&device),
        layer: LayerNormConfig::new(3).init(&device),
        group: GroupNormConfig::new(1, 3).init(&device),
        rms: Some(RmsNormConfig::new(3).init(&device)),
    };
    let names = |name: &str, shape: &[usize], role| (name.to_owned(), shape.to_vec(), role);
    let expected = [
        names("linear.weight", &[3, 5], Role::Weight),
        names("linear.bias", &[3], Role::Bias),
        names("plain.0.weight", &[4, 4], Role::Weight),
        names("conv.weight", &[3, 2, 1, 1], Role::Weight),
        names("conv.bias", &[3], Role::Bias),
        names("embedding.weight", &[7, 3], Role::Weight),
        names("batch.weight", &[3], Role::NormScale),
        names("batch.bias", &[3], Role::NormShift),
        names("batch.running_mean", &[3], Role::Buffer),
        names("batch.running_var", &[3], Role::Buffer),
        names("layer.weight", &[3], Role::NormScale),
        names("layer.bias", &[3], Role::NormShift),
        names("group.weight", &[3], Role::NormScale),
        names("group.bias", &[3], Role::NormShift),
        names("rms.weight", &[3], Role::NormScale),
    ];
    let params = params_of(&module).unwrap();
    assert_eq!(described(&params), expected);
    // A transposed weight, element by element.
    let weight = module.plain[0].weight.val().transpose().into_data();
    assert_eq!(
        params.get("plain.0.weight").unwrap().data,
        weight.try_to_vec::<f32>().unwrap()
    );
}
