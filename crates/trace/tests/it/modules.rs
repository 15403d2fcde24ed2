//! Modules of `burn::nn` in a network: all executors against the module itself, and derivatives against differences.

use crate::curvature::check_trace;
use crate::mlp::{plane, targets};
use crate::reference::assert_close;
use burn::module::Module;
use burn::nn::activation::*;
use burn::nn::attention::{CrossAttention, CrossAttentionConfig, MhaInput, MultiHeadAttention};
use burn::nn::attention::{MultiHeadAttentionConfig, generate_autoregressive_mask};
use burn::nn::conv::*;
use burn::nn::interpolate::*;
use burn::nn::pool::*;
use burn::nn::transformer::*;
use burn::nn::*;
use burn::tensor::module::{attention, max_pool1d_with_indices, max_pool2d_with_indices};
use burn::tensor::ops::{AttentionModuleOptions, MaxPoolOptions};
use burn::tensor::{Device, Int, Tensor, TensorData};
use landscape_core::{Objective, Params, Rng, Sample};
use landscape_trace::{DirectObjective, Loss, Trace, params_of, with_params};

/// One of each; a test takes those it is about.
#[derive(Module, Debug)]
struct Layers {
    first: Linear,
    conv1d: Conv1d,
    conv1d_dilated: Conv1d,
    conv3d: Conv3d,
    conv3d_groups: Conv3d,
    up1d: ConvTranspose1d,
    up2d: ConvTranspose2d,
    up2d_same: ConvTranspose2d,
    up2d_groups: ConvTranspose2d,
    up3d: ConvTranspose3d,
    group_norm: GroupNorm,
    instance_norm: InstanceNorm,
    rms_norm: RmsNorm,
    layer_norm: LayerNorm,
    prelu: PRelu,
    prelu_shared: PRelu,
    swiglu: SwiGlu,
    rnn: Rnn,
    lstm: Lstm,
    bilstm: BiLstm,
    gru: Gru,
    bigru: BiGru,
    mha: MultiHeadAttention,
    cross: CrossAttention,
    encoder: TransformerEncoder,
    position: PositionalEncoding,
    rotary: RotaryEncoding,
}

fn layers() -> Layers {
    let d = &Device::flex();
    let volume = PaddingConfig3d::Explicit(1, 1, 1);
    let layers = Layers {
        first: LinearConfig::new(6, 96).init(d),
        conv1d: Conv1dConfig::new(4, 5, 3)
            .with_stride(2)
            .with_padding(PaddingConfig1d::Explicit(1, 1))
            .init(d),
        conv1d_dilated: Conv1dConfig::new(4, 6, 3)
            .with_dilation(2)
            .with_groups(2)
            .init(d),
        conv3d: Conv3dConfig::new([2, 3], [2, 3, 3])
            .with_stride([2, 1, 2])
            .with_padding(volume.clone())
            .init(d),
        conv3d_groups: Conv3dConfig::new([4, 6], [2, 2, 1])
            .with_groups(2)
            .with_bias(false)
            .init(d),
        up1d: ConvTranspose1dConfig::new([4, 3], 4)
            .with_stride(2)
            .with_padding(1)
            .init(d),
        up2d: ConvTranspose2dConfig::new([6, 2], [3, 3])
            .with_stride([2, 2])
            .with_padding([1, 1])
            .with_padding_out([1, 1])
            .init(d),
        up2d_same: ConvTranspose2dConfig::new([6, 4], [3, 3])
            .with_padding([1, 1])
            .init(d),
        up2d_groups: ConvTranspose2dConfig::new([6, 4], [2, 3])
            .with_stride([2, 1])
            .with_groups(2)
            .init(d),
        up3d: ConvTranspose3dConfig::new([4, 6], [2, 3, 2])
            .with_stride([2, 1, 2])
            .with_padding([0, 1, 1])
            .with_padding_out([1, 0, 0])
            .with_groups(2)
            .init(d),
        group_norm: GroupNormConfig::new(2, 6).init(d),
        instance_norm: InstanceNormConfig::new(6).init(d),
        rms_norm: RmsNormConfig::new(8).init(d),
        layer_norm: LayerNormConfig::new(8).init(d),
        prelu: PReluConfig::new().with_num_parameters(6).init(d),
        prelu_shared: PReluConfig::new().init(d),
        swiglu: SwiGluConfig::new(8, 6).with_bias(true).init(d),
        rnn: RnnConfig::new(4, 5, true).init(d),
        lstm: LstmConfig::new(4, 5, true).init(d),
        bilstm: BiLstmConfig::new(4, 3, true).init(d),
        gru: GruConfig::new(4, 5, true).init(d),
        bigru: BiGruConfig::new(4, 3, true).init(d),
        mha: MultiHeadAttentionConfig::new(8, 2).init(d),
        cross: CrossAttentionConfig::new(8, 4, 4, 2, 3).init(d),
        encoder: TransformerEncoderConfig::new(8, 12, 2, 2).init(d),
        position: PositionalEncodingConfig::new(8).init(d),
        rotary: RotaryEncodingConfig::new(16, 8).init(d),
    };
    let mut rng = Rng::new(5, 1);
    let mut params = params_of(&layers).unwrap().into_inner();
    for p in &mut params {
        p.data
            .iter_mut()
            .for_each(|x| *x = 0.5 * rng.normal() as f32);
    }
    with_params(layers, &Params::new(params).unwrap()).unwrap()
}

const SAMPLES: usize = 19;

fn data() -> Tensor<2> {
    let mut rng = Rng::new(6, 2);
    let x: Vec<f32> = (0..SAMPLES * 6).map(|_| rng.normal() as f32).collect();
    Tensor::from_data(TensorData::new(x, [SAMPLES, 6]), &Device::flex())
}

type Forward = fn(&Layers, Tensor<2>) -> Tensor<2>;

/// The loss of what `forward` makes of the first layer's 96 outputs, by the trace and by the module; with derivatives.
#[track_caller]
fn check(forward: Forward) {
    check_losses(forward, true);
}

/// `each`: whether the samples are told apart, so that there is a standard error.
#[track_caller]
fn check_losses(forward: Forward, each: bool) {
    let (module, x) = (layers(), data());
    let loss = move |m: &Layers, x: &Tensor<2>| {
        let out = forward(m, m.first.forward(x.clone()));
        Loss::new((out * 0.7 + 0.1).powi_scalar(2).mean_dim(1).squeeze_dim(1))
    };
    let params = params_of(&module).unwrap();
    let plane = plane(&params, 2);
    let trace = Trace::capture(&module, &x, loss).unwrap();
    for name in trace.operations() {
        assert!(
            landscape_trace::SUPPORTED_OPERATIONS.contains(&name),
            "{name} is not listed"
        );
    }
    let truth = DirectObjective::new(&module, &plane, vec![], |m: &Layers| {
        let losses: Tensor<1> = loss(m, &x).parts().0;
        Sample {
            loss: f64::from(losses.mean().into_scalar::<f32>()),
            loss_se: None,
            accuracy: None,
            terms: vec![],
        }
    });
    let points = [[0.0; 3], [0.3, -0.2, 0.0], [-0.4, 0.1, 0.0]];
    let expected = truth.unwrap().evaluate(&points).unwrap();
    for target in targets() {
        let objective = trace
            .objective(&plane, std::slice::from_ref(&target))
            .unwrap();
        let found = objective.evaluate(&points).unwrap();
        for (e, f) in expected.iter().zip(&found) {
            assert_close(f.loss, e.loss, 3e-5);
        }
        assert!(
            found[0].loss_se.is_some() || !each,
            "not sample by sample: {target:?}"
        );
    }
    check_trace(&trace, &params);
}

/// The first of the numbers of each sample, with another shape.
fn part<const D: usize>(x: Tensor<2>, shape: [usize; D]) -> Tensor<D> {
    let n = x.dims()[0];
    let width = shape[1..].iter().product();
    let mut whole = shape;
    whole[0] = n;
    x.narrow(1, 0, width).reshape(whole)
}

fn flat<const D: usize>(x: Tensor<D>) -> Tensor<2> {
    x.flatten(1, D - 1)
}

macro_rules! modules {
    ($($name:ident: |$m:pat_param, $x:ident| $forward:expr;)*) => {
        $(#[test]
        fn $name() {
            check(|$m, $x| $forward);
        })*
    };
}

modules! {
    conv1d: |m, x| flat(m.conv1d.forward(part(x, [0, 4, 9])));
    conv1d_dilated_in_groups: |m, x| flat(m.conv1d_dilated.forward(part(x, [0, 4, 9])));
    conv3d: |m, x| flat(m.conv3d.forward(part(x, [0, 2, 3, 4, 4])));
    conv3d_in_groups: |m, x| flat(m.conv3d_groups.forward(part(x, [0, 4, 3, 3, 2])));
    conv_transpose1d: |m, x| flat(m.up1d.forward(part(x, [0, 4, 5])));
    conv_transpose2d: |m, x| flat(m.up2d.forward(part(x, [0, 6, 3, 4])));
    conv_transpose2d_of_stride_1: |m, x| flat(m.up2d_same.forward(part(x, [0, 6, 4, 4])));
    conv_transpose2d_in_groups: |m, x| flat(m.up2d_groups.forward(part(x, [0, 6, 3, 3])));
    conv_transpose3d: |m, x| flat(m.up3d.forward(part(x, [0, 4, 2, 3, 3])));
    group_norm: |m, x| flat(m.group_norm.forward(part(x, [0, 6, 3, 4])));
    instance_norm: |m, x| flat(m.instance_norm.forward(part(x, [0, 6, 3, 4])));
    rms_norm: |m, x| flat(m.rms_norm.forward(part(x, [0, 3, 8])));
    layer_norm: |m, x| flat(m.layer_norm.forward(part(x, [0, 3, 8])));
    prelu: |m, x| flat(m.prelu.forward(part(x, [0, 6, 4])));
    prelu_with_one_slope: |m, x| flat(m.prelu_shared.forward(part(x, [0, 6, 4])));
    swiglu: |m, x| m.swiglu.forward(part(x, [0, 8]));
    glu: |_, x| GLU::new(1).forward(part(x, [0, 8]));
    hard_swish: |_, x| HardSwish::new().forward(x);
    hard_sigmoid: |_, x| HardSigmoidConfig::new().init().forward(x);
    hard_tanh: |_, x| HardtanhConfig::new().init().forward(x);
    relu6: |_, x| Relu6::new().forward(x);
    elu: |_, x| EluConfig::new().init().forward(x);
    celu: |_, x| CeluConfig::new().init().forward(x);
    selu: |_, x| Selu::new().forward(x);
    softsign: |_, x| Softsign::new().forward(x);
    shrinking: |_, x| {
        let soft = SoftShrinkConfig::new().init().forward(x.clone());
        let hard = HardShrinkConfig::new().init().forward(x.clone());
        soft + hard + Tanhshrink::new().forward(x)
    };
    gelu_by_tanh: |_, x| Gelu::new_approximate().forward(x);
    max_pool1d: |_, x| flat(MaxPool1dConfig::new(3).with_stride(2).init().forward(part(x, [0, 4, 9])));
    avg_pool1d: |_, x| flat(AvgPool1dConfig::new(3).with_stride(2).init().forward(part(x, [0, 4, 9])));
    adaptive_avg_pool1d: |_, x| flat(AdaptiveAvgPool1dConfig::new(4).init().forward(part(x, [0, 4, 9])));
    adaptive_avg_pool3d: |_, x| {
        flat(AdaptiveAvgPool3dConfig::new([2, 3, 2]).init().forward(part(x, [0, 2, 3, 4, 4])))
    };
    pixel_shuffle: |_, x| {
        flat(PixelShuffleConfig::new(2).init().forward(part(x, [0, 8, 3, 2])) * 0.5)
    };
    unfold: |_, x| {
        let unfold = Unfold4dConfig::new([2, 3]).with_stride([1, 2]).with_padding([1, 0]);
        flat(unfold.init().forward(part(x, [0, 2, 4, 5])))
    };
    interpolation_to_the_nearest: |_, x| {
        flat(Interpolate2dConfig::new().with_output_size(Some([7, 4])).init().forward(part(x, [0, 2, 4, 5])))
    };
    interpolation_bilinear: |_, x| {
        let config = Interpolate2dConfig::new().with_mode(InterpolateMode::Linear);
        let x = part(x, [0, 2, 4, 5]);
        let corners = config.clone().with_output_size(Some([7, 9])).init().forward(x.clone());
        let config = config.with_align_corners(false).with_output_size(Some([3, 9]));
        Tensor::cat(vec![flat(corners), flat(config.init().forward(x))], 1)
    };
    interpolation_cubic: |_, x| {
        let config = Interpolate2dConfig::new().with_mode(InterpolateMode::Cubic);
        flat(config.with_output_size(Some([7, 9])).init().forward(part(x, [0, 2, 4, 5])))
    };
    interpolation_of_lanczos: |_, x| {
        let config = Interpolate2dConfig::new().with_mode(InterpolateMode::Lanczos);
        let x = part(x, [0, 2, 4, 5]);
        let corners = config.clone().with_output_size(Some([7, 9])).init().forward(x.clone());
        let config = config.with_align_corners(false).with_output_size(Some([3, 9]));
        Tensor::cat(vec![flat(corners), flat(config.init().forward(x))], 1)
    };
    interpolation_in_one_dimension: |_, x| {
        let x = part(x, [0, 3, 8]);
        let modes = [InterpolateMode::Nearest, InterpolateMode::Linear, InterpolateMode::Cubic];
        let all = modes.map(|mode| {
            let config = Interpolate1dConfig::new().with_mode(mode).with_output_size(Some(5));
            flat(config.init().forward(x.clone()))
        });
        Tensor::cat(all.to_vec(), 1)
    };
    dropout_and_noise_are_off: |_, x| {
        let x = DropoutConfig::new(0.5).init().forward(x);
        GaussianNoiseConfig::new(0.5).init().forward(x)
    };
    max_pool_with_its_places: |_, x| {
        let options = MaxPoolOptions {
            kernel_size: [3, 2], stride: [2, 1], padding: [(1, 1), (1, 1)], dilation: [1, 2], ceil_mode: false,
        };
        let (value, place) = max_pool2d_with_indices(part(x.clone(), [0, 2, 4, 5]), options);
        let options = MaxPoolOptions {
            kernel_size: [3], stride: [2], padding: [(1, 1)], dilation: [1], ceil_mode: true,
        };
        let (row, at) = max_pool1d_with_indices(part(x, [0, 3, 9]), options);
        Tensor::cat(vec![flat(value * place.float()), flat(row * at.float())], 1)
    };
    recurrent: |m, x| flat(m.rnn.forward(part(x, [0, 11, 4]), None).0);
    lstm: |m, x| flat(m.lstm.forward(part(x, [0, 11, 4]), None).0);
    lstm_state: |m, x| m.lstm.forward(part(x, [0, 5, 4]), None).1.hidden;
    lstm_both_ways: |m, x| flat(m.bilstm.forward(part(x, [0, 4, 4]), None).0);
    gru: |m, x| flat(m.gru.forward(part(x, [0, 11, 4]), None));
    gru_both_ways: |m, x| flat(m.bigru.forward(part(x, [0, 4, 4]), None).0);
    multi_head_attention: |m, x| {
        let x = part(x, [0, 5, 8]);
        flat(m.mha.forward(MhaInput::self_attn(x)).context)
    };
    cross_attention: |m, x| {
        let query = part(x.clone(), [0, 3, 8]);
        flat(m.cross.forward(query, part(x, [0, 5, 4]), None))
    };
    masked_cross_attention: |m, x| {
        let query = part(x.clone(), [0, 3, 8]);
        let after = Tensor::<1, Int>::arange(0..5, &x.device()).greater_elem(2);
        let mask = after.unsqueeze::<2>().expand([x.dims()[0], 5]);
        flat(m.cross.forward(query, part(x, [0, 5, 4]), Some(mask)))
    };
    transformer_encoder: |m, x| {
        flat(m.encoder.forward(TransformerEncoderInput::new(part(x, [0, 4, 8]))))
    };
    positions: |m, x| flat(m.position.forward(part(x, [0, 5, 8])));
    attention_as_one_operation: |_, x| {
        let q = part(x.clone(), [0, 2, 3, 4]);
        let k = part(x.clone() * 0.5, [0, 2, 5, 4]);
        let v = part(x.sin(), [0, 2, 5, 3]);
        let causal = AttentionModuleOptions { is_causal: true, softcap: Some(2.0), ..Default::default() };
        let first = attention(q.clone(), k.clone(), v.clone(), None, None, causal);
        let mask = q.clone().matmul(k.clone().swap_dims(2, 3)).greater_elem(1.5);
        let bias = Tensor::<4>::ones([1, 1, 3, 5], &q.device()) * 0.3;
        let second = attention(q, k, v, Some(mask), Some(bias), Default::default());
        flat(first + second)
    };
}

/// Against the pixels whose centres are nearest: flex, on which the module would run, does not have it.
#[test]
fn interpolation_to_the_exact_nearest() {
    fn loss(m: &Layers, x: &Tensor<2>, exact: bool) -> Loss {
        let x = part(m.first.forward(x.clone()), [0, 2, 5, 5]);
        let config = Interpolate2dConfig::new().with_mode(InterpolateMode::NearestExact);
        let chosen = match exact {
            true => config.with_output_size(Some([7, 3])).init().forward(x),
            false => {
                let rows = Tensor::<1, Int>::from_ints([0, 1, 1, 2, 3, 3, 4], &x.device());
                let columns = Tensor::<1, Int>::from_ints([0, 2, 4], &x.device());
                x.select(2, rows).select(3, columns)
            }
        };
        Loss::new(flat(chosen).powi_scalar(3).mean_dim(1).squeeze_dim(1))
    }
    let (module, x) = (layers(), data());
    let params = params_of(&module).unwrap();
    let plane = plane(&params, 1);
    let found = Trace::capture(&module, &x, |m, x| loss(m, x, true)).unwrap();
    let expected = Trace::capture(&module, &x, |m, x| loss(m, x, false)).unwrap();
    for target in targets() {
        let [a, b] = [&found, &expected].map(|trace| {
            let objective = trace
                .objective(&plane, std::slice::from_ref(&target))
                .unwrap();
            objective.evaluate(&[[0.3, 0.0, 0.0]]).unwrap()[0].loss
        });
        assert_close(a, b, 1e-6);
    }
    check_trace(&found, &params);
}

/// Where Burn folds the samples into another axis, losses are right too, whether or not they are told apart.
#[test]
fn folded_samples() {
    let rotary: Forward = |m, x| flat(m.rotary.forward(part(x, [0, 2, 5, 8])));
    let masked: Forward = |m, x| {
        let x = part(x, [0, 5, 8]);
        let mask = generate_autoregressive_mask(x.dims()[0], 5, &x.device());
        flat(
            m.mha
                .forward(MhaInput::self_attn(x).mask_attn(mask))
                .context,
        )
    };
    check_losses(rotary, false);
    check_losses(masked, false);
}

/// Operations on shapes and indices that networks use between layers.
mod operations {
    use super::*;
    use burn::tensor::IndexingUpdateOp;
    use burn::tensor::activation::softmin;
    use burn::tensor::ops::{GridSampleOptions, GridSamplePaddingMode, InterpolateMode, PadMode};
    use burn::tensor::s;

    modules! {
        padding: |_, x| {
            let x = part(x, [0, 2, 4, 5]);
            let modes = [PadMode::Constant(0.0), PadMode::Constant(0.7), PadMode::Reflect, PadMode::Edge];
            let padded = modes.map(|mode| flat(x.clone().pad((1, 2, 2, 1), mode)));
            Tensor::cat(padded.to_vec(), 1)
        };
        flips_and_repetition: |_, x| {
            let x = part(x, [0, 2, 4, 5]);
            let turned = x.clone().flip([1, 3]) * 2.0 + x.clone();
            flat(turned.repeat_dim(2, 3)) + flat(x.slice(s![.., .., 0..1, ..]).repeat_dim(2, 12))
        };
        windows: |_, x| flat(part(x, [0, 3, 9]).unfold::<4, _>(2, 4, 2));
        sums_of_what_came_before: |_, x| {
            let x = part(x, [0, 3, 9]);
            flat(x.clone().cumsum(2) + x.cumsum(1) * 0.5)
        };
        choices: |_, x| {
            let rows = Tensor::<1, Int>::from_ints([2, 0, 2, 1], &x.device());
            flat(part(x, [0, 3, 9]).select(1, rows))
        };
        choices_by_computed_indices: |m, x| {
            let table = m.first.weight.val();
            let rows = Tensor::<1, Int>::arange(0..4, &x.device()) * 5 / 3;
            part(x, [0, 96]) * table.select(0, rows).sum_dim(0)
        };
        assignment: |_, x| {
            let x = part(x, [0, 3, 9]);
            let value = x.clone().slice(s![.., 1..2, 0..4]).exp();
            flat(x.slice_assign(s![.., 2..3, 1..8;2], value))
        };
        many_parts: |_, x| {
            let parts = (0..19).map(|i| x.clone().narrow(1, i, 2) * (0.1 * i as f32 + 0.3));
            Tensor::cat(parts.collect(), 1)
        };
        products: |_, x| {
            let x = part(x, [0, 3, 7]) * 0.5 + 1.0;
            flat(x.prod_dim(2))
        };
        rounding: |_, x| {
            let steps = x.clone().floor() + x.clone().ceil() * 0.5 + (x.clone() * 3.0).round() * 0.1;
            steps * 0.1 + x.clone().remainder_scalar(0.75) + x
        };
        two_numbers: |_, x| {
            let (a, b) = (x.clone().narrow(1, 0, 20), x.narrow(1, 30, 20));
            a.clone().atan2(b.clone()) + a.clone().hypot(b.clone()) + a.remainder(b.abs() + 0.5)
        };
        functions: |_, x| {
            let small = x.clone().tanh() * 0.9;
            let a = small.clone().asin() + small.clone().acos().powi_scalar(2) + small.clone().atanh();
            let b = small.clone().tan() + small.clone().sinh() * small.clone().cosh() + x.clone().atan();
            a + b + x.clone().asinh() + (x.abs() + 1.5).acosh()
        };
        orders: |_, x| {
            let x = part(x, [0, 3, 7]);
            let (values, places) = x.clone().topk_with_indices(3, 2);
            let sorted = x.clone().sort(2).narrow(2, 1, 3);
            flat(values * places.float() + sorted * x.argsort(2).narrow(2, 0, 3).float())
        };
        scans: |_, x| {
            let x = part(x, [0, 3, 7]);
            let products = (x.clone() * 0.3 + 1.0).cumprod(2);
            flat(products + x.clone().cummax(2) + x.cummin(1) * 0.5)
        };
        sums_at_indices: |_, x| {
            let x = part(x, [0, 3, 7]);
            let rows = Tensor::<1, Int>::from_ints([2, 0, 2], &x.device());
            let added = x.clone().select_assign(1, rows, x.clone().exp(), IndexingUpdateOp::Add);
            let places = x.clone().argsort(2).narrow(2, 0, 4);
            let value = x.clone().narrow(2, 1, 4) * 2.0;
            flat(added + x.scatter(2, places, value, IndexingUpdateOp::Add))
        };
        puts_at_indices: |_, x| {
            let x = part(x, [0, 3, 7]);
            // The last of several at the same place counts.
            let rows = Tensor::<1, Int>::from_ints([2, 0, 2], &x.device());
            let known = x.clone().select_assign(1, rows, x.clone().exp(), IndexingUpdateOp::Assign);
            let places = x.clone().argsort(2).narrow(2, 0, 4);
            let value = x.clone().narrow(2, 1, 4) * 2.0;
            let apart = x.clone().scatter(2, places.clone(), value.clone(), IndexingUpdateOp::Assign);
            flat(known + apart + x.scatter(2, places % 3, value, IndexingUpdateOp::Assign))
        };
        products_and_extrema_at_indices: |_, x| {
            let x = part(x, [0, 3, 7]);
            // Several come to one place, and none to others.
            let places = x.clone().argsort(2).narrow(2, 0, 4) % 5;
            let value = x.clone().narrow(2, 1, 4).cos() + 1.5;
            let [times, most, least] = [IndexingUpdateOp::Mul, IndexingUpdateOp::Max, IndexingUpdateOp::Min]
                .map(|update| x.clone().scatter(2, places.clone(), value.clone(), update));
            flat(times + most * 2.0 + least * 0.5)
        };
        products_and_extrema_of_rows: |m, x| {
            let table = m.first.weight.val().reshape([6, 4, 24]);
            let places = Tensor::<2, Int>::from_ints([[0, 1], [5, 3], [0, 1], [2, 2]], &x.device());
            let rows = part(x.clone(), [0, 96]).mean_dim(0).reshape([4, 24]).exp();
            let [times, most, least]: [Tensor<3>; 3] = [IndexingUpdateOp::Mul, IndexingUpdateOp::Max, IndexingUpdateOp::Min]
                .map(|update| table.clone().scatter_nd(places.clone(), rows.clone(), update));
            let all = (times + most * 2.0 + least * 0.5).powi_scalar(2);
            part(x, [0, 24]) * all.sum_dim(0).sum_dim(1).squeeze_dim::<2>(0)
        };
        the_same_places_for_every_sample: |_, x| {
            let (n, x) = (x.dims()[0], part(x, [0, 3, 7]));
            let places = Tensor::<1, Int>::from_ints([4, 1, 6, 1, 0, 2, 2, 5, 3], &x.device());
            let places = places.reshape([1, 3, 3]).repeat_dim(0, n);
            let grid = Tensor::<1>::from_floats([-0.7, 0.2, 0.4, -0.1, 0.9, 1.2], &x.device());
            let grid = grid.reshape([1, 1, 3, 2]).repeat_dim(0, n);
            let image = x.clone().reshape([n, 1, 3, 7]);
            let seen = image.grid_sample_2d(grid, GridSampleOptions::default());
            let put = x.clone().scatter(2, places.clone(), x.clone().narrow(2, 0, 3).sin(), IndexingUpdateOp::Assign);
            let added = x.clone().scatter(2, places.clone(), x.clone().narrow(2, 2, 3), IndexingUpdateOp::Add);
            Tensor::cat(vec![flat(seen), flat(x.gather(2, places)), flat(put + added)], 1)
        };
        rows_put_at_places_of_several_axes: |m, x| {
            let table = m.first.weight.val().reshape([6, 4, 24]);
            let places = Tensor::<2, Int>::from_ints([[0, 1], [5, 3], [0, 1], [2, 2]], &x.device());
            let rows = part(x.clone(), [0, 96]).mean_dim(0).reshape([4, 24]).exp();
            let put: Tensor<3> = table.scatter_nd(places, rows, IndexingUpdateOp::Assign);
            part(x, [0, 24]) * put.powi_scalar(2).sum_dim(0).sum_dim(1).squeeze_dim::<2>(0)
        };
        images_at_the_places_of_a_grid: |_, x| {
            let image = part(x.clone(), [0, 2, 4, 5]);
            let grid = part(x.cos(), [0, 3, 4, 2]) * 1.6 - 0.3;
            use GridSamplePaddingMode::{Border, Reflection, Zeros};
            let sampled = [(Zeros, true), (Zeros, false), (Border, true), (Border, false), (Reflection, true), (Reflection, false)]
                .map(|(padding, corners)| {
                    let options = GridSampleOptions::new(InterpolateMode::Bilinear)
                        .with_padding_mode(padding)
                        .with_align_corners(corners);
                    flat(image.clone().grid_sample_2d(grid.clone(), options))
                });
            Tensor::cat(sampled.to_vec(), 1)
        };
        the_nearest_pixels_to_the_places_of_a_grid: |_, x| {
            let image = part(x.clone(), [0, 2, 4, 5]);
            let grid = part(x.cos(), [0, 3, 4, 2]) * 1.6 - 0.3;
            use GridSamplePaddingMode::{Border, Reflection, Zeros};
            let sampled = [(Zeros, false), (Border, true), (Reflection, false)].map(|(padding, corners)| {
                let options = GridSampleOptions::new(InterpolateMode::Nearest)
                    .with_padding_mode(padding)
                    .with_align_corners(corners);
                flat(image.clone().grid_sample_2d(grid.clone(), options))
            });
            Tensor::cat(sampled.to_vec(), 1)
        };
        rows_at_places_of_several_axes: |m, x| {
            let table = m.first.weight.val().reshape([6, 4, 24]);
            let places = Tensor::<2, Int>::from_ints([[0, 1], [5, 3], [0, 1], [2, 2]], &x.device());
            let rows: Tensor<2> = table.clone().gather_nd(places.clone());
            let more: Tensor<3> = table.scatter_nd(places, rows.clone().exp(), IndexingUpdateOp::Add);
            part(x, [0, 24]) * (rows.sum_dim(0) + more.sum_dim(0).sum_dim(1).squeeze_dim::<2>(0))
        };
        cross_products: |_, x| {
            let (a, b) = (part(x.clone(), [0, 4, 3]), part(x.cos(), [0, 4, 3]));
            flat(a.cross(b, 2))
        };
        whole_numbers: |_, x| {
            let places = part(x.clone(), [0, 3, 7]).argsort(2);
            let parts = places.clone() / (places.clone() % 3 + 2);
            flat(parts.float() + part(x, [0, 3, 7]))
        };
        bits_of_whole_numbers: |_, x| {
            let a = part(x.clone(), [0, 3, 7]).argsort(2) * 5 - 11;
            let b = part(x.clone().cos(), [0, 3, 7]).argsort(2) * 3 - 7;
            let both = a.clone().bitwise_and(b.clone()) + a.clone().bitwise_or(b.clone()) * 2;
            let one = a.clone().bitwise_and_scalar(6) + b.clone().bitwise_or_scalar(-8);
            let odd = a.bitwise_xor(b.clone()) * 4 - b.bitwise_xor_scalar(9);
            flat((both + one + odd).float() * 0.01 + part(x, [0, 3, 7]))
        };
        bits_that_move: |_, x| {
            let a = part(x.clone(), [0, 3, 7]).argsort(2) * 5 - 11;
            let by = part(x.clone().cos(), [0, 3, 7]).argsort(2);
            let one = a.clone().bitwise_left_shift_scalar(3) - a.clone().bitwise_right_shift_scalar(1);
            let each = a.clone().bitwise_left_shift(by.clone()) + a.clone().bitwise_right_shift(by) * 3;
            flat((one + each - a.bitwise_not()).float() * 0.01 + part(x, [0, 3, 7]))
        };
        sums_over_axes_and_tests: |_, x| {
            let x = part(x, [0, 3, 7]);
            let any = x.clone().floor().any_dim(2).float() + x.clone().floor().all_dim(2).float();
            let odd = x.clone().is_nan().float() + x.clone().is_inf().float();
            flat(x.clone().sum_dims(&[1, 2]) + any + odd.sum_dim(2) + softmin(x, 2).narrow(2, 0, 1))
        };
        extremes_with_their_places: |_, x| {
            let (value, place) = part(x.clone(), [0, 12]).max_dim_with_indices(1);
            value * place.float() + x.max_abs_dim(1)
        };
    }

    /// As in PyTorch: what comes after a number that is none is none.
    #[test]
    fn cumulative_extremes_keep_nan() {
        for keep in [false, true] {
            let loss = move |m: &Layers, x: &Tensor<2>| {
                let y = m.first.forward(x.clone()).narrow(1, 0, 3);
                let gap = y
                    .clone()
                    .mask_fill(y.clone().ones_like().cumsum(1).equal_elem(2.0), f32::NAN);
                let scans = gap.clone().cummax(1) + gap.cummin(1);
                let column = if keep { 0 } else { 2 };
                Loss::new(scans.narrow(1, column, 1).squeeze_dim(1))
            };
            let module = layers();
            let plane = plane(&params_of(&module).unwrap(), 1);
            let trace = Trace::capture(&module, &data(), loss).unwrap();
            for target in targets() {
                let objective = trace.objective(&plane, &[target]).unwrap();
                let found = objective.evaluate(&[[0.1, 0.0, 0.0]]).unwrap();
                assert_eq!(found[0].loss.is_nan(), !keep);
            }
        }
    }
}
