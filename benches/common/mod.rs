//! Networks that the benchmarks measure, as Burn's users write them. Their PyTorch twins, of the same shapes, are in
//! `benches/peers/networks.py`.

use burn::module::Module;
use burn::nn::attention::generate_autoregressive_mask;
use burn::nn::conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::transformer::{
    TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput,
};
use burn::nn::{
    BatchNorm, BatchNormConfig, Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear,
    LinearConfig, PaddingConfig2d,
};
use burn::tensor::activation::{gelu, log_softmax, relu};
use burn::tensor::{Device, Int, Tensor, TensorData};
use landscape_core::{Params, Rng};
use landscape_models::{Dataset, LossKind, ModelSpec, Network, Targets, trace_network};
use landscape_trace::{Loss, Trace, params_of};
use std::error::Error;
use std::rc::Rc;

/// Names of the workloads; what follows `model:` is a model of the `landscape` command.
#[allow(dead_code)] // one benchmark names its own
pub const WORKLOADS: [&str; 15] = [
    "vit-64",
    "vit-64-cls",
    "vit-192",
    "gpt",
    "resnet18",
    "resnet18-3x3",
    "mobilenetv2",
    "convnext",
    "unet",
    "resnet20",
    "resnet56",
    "mlp",
    "mlp-wide",
    "contrastive",
    "contrastive-mlp",
];

/// A loss as a graph, and the parameters that it was recorded with.
pub type Recorded = (Trace, Rc<Params>);

/// A workload whose network is made: records its loss on so many samples of noise.
pub type Workload = Box<dyn Fn(usize) -> Result<Recorded, Box<dyn Error>>>;

/// The workload on `samples` samples of noise.
#[allow(dead_code)] // where several numbers of samples are wanted
pub fn record(name: &str, samples: usize) -> Result<Recorded, Box<dyn Error>> {
    workload(name)?(samples)
}

/// The workload of that name.
pub fn workload(name: &str) -> Result<Workload, Box<dyn Error>> {
    match name {
        "vit-64" => known("vit:patch=4,dim=64,depth=2,heads=4", &[3, 32, 32]),
        "vit-64-cls" => known("vit:patch=4,dim=64,depth=2,heads=4,pool=cls", &[3, 32, 32]),
        "vit-192" => known("vit:patch=4,dim=192,depth=6,heads=3", &[3, 32, 32]),
        "resnet20" | "resnet56" => known(name, &[3, 32, 32]),
        "resnet18-3x3" => known("resnet18", &[3, 32, 32]),
        "resnet18" => captured(ResNet18::new(), labelled, |m, (x, y)| {
            classified(m.forward(x.clone()), y)
        }),
        "mlp" => known("mlp:784-20-10", &[784]),
        "mlp-wide" => known("mlp:784-256-256-10", &[784]),
        "gpt" => captured(Gpt::new(), |n| (words(n, 7), words(n, 8)), Gpt::loss),
        "mobilenetv2" => captured(MobileNet::new(), labelled, |m, (x, y)| {
            classified(m.forward(x.clone()), y)
        }),
        "convnext" => captured(ConvNeXt::new(), labelled, |m, (x, y)| {
            classified(m.forward(x.clone()), y)
        }),
        "unet" => {
            let pairs = |n| (noise([n, 3, 32, 32], 3), noise([n, 1, 32, 32], 4));
            captured(UNet::new(), pairs, |m, (x, y)| {
                let squares = (m.forward(x.clone()) - y.clone()).powi_scalar(2);
                Loss::new(squares.flatten::<2>(1, 3).mean_dim(1).squeeze_dim(1))
            })
        }
        "contrastive" => {
            let view = |n, seed| noise([n, 3, 32, 32], seed);
            captured(
                Encoder::new(),
                move |n| (view(n, 3), view(n, 4)),
                |m, (x, y)| contrasted(m.forward(x.clone()), m.forward(y.clone())),
            )
        }
        "contrastive-mlp" => {
            let view = |n, seed| noise([n, 784], seed);
            captured(
                Perceptron::new(),
                move |n| (view(n, 3), view(n, 4)),
                |m, (x, y)| contrasted(m.forward(x.clone()), m.forward(y.clone())),
            )
        }
        other => Err(format!("no workload `{other}`; known: {}", WORKLOADS.join(", ")).into()),
    }
}

fn captured<M, I>(
    module: M,
    inputs: impl Fn(usize) -> I + 'static,
    loss: fn(&M, &I) -> Loss,
) -> Result<Workload, Box<dyn Error>>
where
    M: Module + Clone + 'static,
    I: landscape_trace::Inputs + Send + Sync + Clone + 'static,
{
    let params = Rc::new(params_of(&module)?);
    Ok(Box::new(move |samples| {
        let trace = Trace::capture(&module, &inputs(samples), loss)?;
        Ok((trace, params.clone()))
    }))
}

/// A model of the `landscape` command.
fn known(model: &str, shape: &'static [usize]) -> Result<Workload, Box<dyn Error>> {
    let network = Network::init(&model.parse::<ModelSpec>()?, 0, &Device::flex());
    let params = Rc::new(network.params());
    Ok(Box::new(move |samples| {
        let mut rng = Rng::new(0, 0);
        let features: usize = shape.iter().product();
        let x = (0..samples * features)
            .map(|_| rng.normal() as f32)
            .collect();
        let y = (0..samples).map(|_| rng.below(10) as i64).collect();
        let shape = [&[samples], shape].concat();
        let data = Dataset::new("noise", shape, x, Targets::Classes(y))?;
        let trace = trace_network(&network, &data, LossKind::CrossEntropy, &[])?;
        Ok((trace, params.clone()))
    }))
}

fn noise<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    let mut rng = Rng::new(seed, 1);
    let n = shape.iter().product();
    let data: Vec<f32> = (0..n).map(|_| rng.normal() as f32).collect();
    Tensor::from_data(TensorData::new(data, shape), &Device::flex())
}

fn whole<const D: usize>(shape: [usize; D], below: usize, seed: u64) -> Tensor<D, Int> {
    let mut rng = Rng::new(seed, 2);
    let n = shape.iter().product();
    let data: Vec<i64> = (0..n).map(|_| rng.below(below as u64) as i64).collect();
    Tensor::from_data(TensorData::new(data, shape), &Device::flex())
}

type Labelled = (Tensor<4>, Tensor<1, Int>);

fn labelled(samples: usize) -> Labelled {
    (noise([samples, 3, 32, 32], 1), whole([samples], 10, 2))
}

fn classified(logits: Tensor<2>, y: &Tensor<1, Int>) -> Loss {
    let picked = log_softmax(logits, 1).gather(1, y.clone().unsqueeze_dim(1));
    Loss::new(picked.neg().squeeze_dim(1))
}

/// The symmetric InfoNCE of two views of every sample (Oord et al., arXiv:1807.03748), at a temperature of 0.1: every row
/// of one view is told from those of all samples in the other.
fn contrasted(a: Tensor<2>, b: Tensor<2>) -> Loss {
    let unit = |x: Tensor<2>| x.clone() / x.powi_scalar(2).sum_dim(1).sqrt();
    let logits = unit(a).matmul(unit(b).transpose()) * 10.0;
    let same = Tensor::arange(0..logits.dims()[0] as i64, &logits.device());
    let loss = CrossEntropyLossConfig::new().init(&logits.device());
    let rows = loss.forward(logits.clone(), same.clone());
    Loss::new((rows + loss.forward(logits.transpose(), same)) / 2.0)
}

/// Three convolutions, and a layer on their means.
#[derive(Module, Debug)]
pub struct Encoder {
    layers: Vec<Normed>,
    head: Linear,
}

impl Encoder {
    fn new() -> Self {
        let layer = |from, to, stride| Normed::new([from, to], 3, stride, 1);
        Self {
            layers: vec![layer(3, 16, 1), layer(16, 32, 2), layer(32, 64, 2)],
            head: LinearConfig::new(64, 64).init(&Device::flex()),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = self
            .layers
            .iter()
            .fold(x, |x, layer| relu(layer.forward(x)));
        self.head
            .forward(x.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2))
    }
}

/// Three layers.
#[derive(Module, Debug)]
pub struct Perceptron {
    layers: Vec<Linear>,
    head: Linear,
}

impl Perceptron {
    fn new() -> Self {
        let layer = |from, to| LinearConfig::new(from, to).init(&Device::flex());
        Self {
            layers: vec![layer(784, 256), layer(256, 256)],
            head: layer(256, 64),
        }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let x = self
            .layers
            .iter()
            .fold(x, |x, layer| relu(layer.forward(x)));
        self.head.forward(x)
    }
}

const WORDS: usize = 1000;
const TOKENS: usize = 64;
const WIDTH: usize = 128;

type Texts = (Tensor<2, Int>, Tensor<2, Int>);

fn words(samples: usize, seed: u64) -> Tensor<2, Int> {
    whole([samples, TOKENS], WORDS, seed)
}

/// A language model of four blocks of Burn's own, whose head is the table of its words.
#[derive(Module, Debug)]
pub struct Gpt {
    word: Embedding,
    place: Embedding,
    body: TransformerEncoder,
    norm: LayerNorm,
}

impl Gpt {
    fn new() -> Self {
        let device = Device::flex();
        let body = TransformerEncoderConfig::new(WIDTH, 4 * WIDTH, 4, 4)
            .with_dropout(0.0)
            .with_norm_first(true);
        Self {
            word: EmbeddingConfig::new(WORDS, WIDTH).init(&device),
            place: EmbeddingConfig::new(TOKENS, WIDTH).init(&device),
            body: body.init(&device),
            norm: LayerNormConfig::new(WIDTH).init(&device),
        }
    }

    fn loss(&self, (x, y): &Texts) -> Loss {
        let [n, t] = x.dims();
        let device = x.device();
        let places = Tensor::arange(0..t as i64, &device)
            .reshape([1, t])
            .repeat_dim(0, n);
        let x = self.word.forward(x.clone()) + self.place.forward(places);
        let mask = generate_autoregressive_mask(n, t, &device);
        let x = self
            .body
            .forward(TransformerEncoderInput::new(x).mask_attn(mask));
        let x = self.norm.forward(x).reshape([n * t, WIDTH]);
        let logits = x.matmul(self.word.weight.val().transpose());
        let loss = CrossEntropyLossConfig::new().init(&device);
        Loss::new(loss.forward(logits, y.clone().reshape([n * t])))
    }
}

/// A convolution without bias and its normalisation.
#[derive(Module, Debug)]
struct Normed {
    conv: Conv2d,
    norm: BatchNorm,
}

impl Normed {
    fn new([from, to]: [usize; 2], kernel: usize, stride: usize, groups: usize) -> Self {
        let device = Device::flex();
        let side = kernel / 2;
        let conv = Conv2dConfig::new([from, to], [kernel, kernel])
            .with_stride([stride, stride])
            .with_padding(PaddingConfig2d::Explicit(side, side, side, side))
            .with_groups(groups)
            .with_bias(false);
        Self {
            conv: conv.init(&device),
            norm: BatchNormConfig::new(to).init(&device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.norm.forward(self.conv.forward(x))
    }
}

/// Two 3x3 convolutions beside a shortcut, with a projection where the shape changes.
#[derive(Module, Debug)]
struct Residual {
    first: Normed,
    second: Normed,
    down: Option<Normed>,
}

impl Residual {
    fn new([from, to]: [usize; 2], stride: usize) -> Self {
        Self {
            first: Normed::new([from, to], 3, stride, 1),
            second: Normed::new([to, to], 3, 1, 1),
            down: (from != to).then(|| Normed::new([from, to], 1, stride, 1)),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let h = self.second.forward(relu(self.first.forward(x.clone())));
        let x = match &self.down {
            Some(down) => down.forward(x),
            None => x,
        };
        relu(x + h)
    }
}

/// torchvision's ResNet-18 (He et al., arXiv:1512.03385), whose stem of stride 4 leaves 8x8 pixels of an image of 32x32, and the
/// last stage one.
#[derive(Module, Debug)]
pub struct ResNet18 {
    stem: Normed,
    pool: MaxPool2d,
    blocks: Vec<Residual>,
    head: Linear,
}

impl ResNet18 {
    fn new() -> Self {
        let pool = MaxPool2dConfig::new([3, 3])
            .with_strides([2, 2])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1));
        let mut blocks = Vec::new();
        let mut from = 64;
        for to in [64, 128, 256, 512] {
            let stride = if from == to { 1 } else { 2 };
            blocks.push(Residual::new([from, to], stride));
            blocks.push(Residual::new([to, to], 1));
            from = to;
        }
        Self {
            stem: Normed::new([3, 64], 7, 2, 1),
            pool: pool.init(),
            blocks,
            head: LinearConfig::new(512, 10).init(&Device::flex()),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = self.pool.forward(relu(self.stem.forward(x)));
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        self.head
            .forward(x.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2))
    }
}

/// 1x1, depthwise 3x3 and 1x1, with a shortcut where the shapes agree.
#[derive(Module, Debug)]
struct Inverted {
    expand: Option<Normed>,
    depthwise: Normed,
    project: Normed,
    shortcut: bool,
}

impl Inverted {
    fn new([from, to]: [usize; 2], stride: usize, expansion: usize) -> Self {
        let inner = from * expansion;
        Self {
            expand: (expansion > 1).then(|| Normed::new([from, inner], 1, 1, 1)),
            depthwise: Normed::new([inner, inner], 3, stride, inner),
            project: Normed::new([inner, to], 1, 1, 1),
            shortcut: stride == 1 && from == to,
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let mut h = x.clone();
        if let Some(expand) = &self.expand {
            h = expand.forward(h).clamp(0.0, 6.0);
        }
        let h = self.depthwise.forward(h).clamp(0.0, 6.0);
        let h = self.project.forward(h);
        if self.shortcut { x + h } else { h }
    }
}

/// MobileNetV2 (Sandler et al., arXiv:1801.04381), with the strides for images of 32x32.
#[derive(Module, Debug)]
pub struct MobileNet {
    stem: Normed,
    blocks: Vec<Inverted>,
    last: Normed,
    head: Linear,
}

impl MobileNet {
    fn new() -> Self {
        let mut blocks = Vec::new();
        let mut from = 32;
        for (expansion, to, count, stride) in [
            (1, 16, 1, 1),
            (6, 24, 2, 1),
            (6, 32, 3, 2),
            (6, 64, 4, 2),
            (6, 96, 3, 1),
            (6, 160, 3, 2),
            (6, 320, 1, 1),
        ] {
            for i in 0..count {
                blocks.push(Inverted::new(
                    [from, to],
                    if i == 0 { stride } else { 1 },
                    expansion,
                ));
                from = to;
            }
        }
        Self {
            stem: Normed::new([3, 32], 3, 1, 1),
            blocks,
            last: Normed::new([320, 1280], 1, 1, 1),
            head: LinearConfig::new(1280, 10).init(&Device::flex()),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = self.stem.forward(x).clamp(0.0, 6.0);
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        let x = self.last.forward(x).clamp(0.0, 6.0);
        self.head
            .forward(x.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2))
    }
}

/// Depthwise 7x7, normalisation over channels, two layers with GELU between them.
#[derive(Module, Debug)]
struct NeXtBlock {
    depthwise: Conv2d,
    norm: LayerNorm,
    wide: Linear,
    narrow: Linear,
}

impl NeXtBlock {
    fn new(channels: usize) -> Self {
        let device = Device::flex();
        Self {
            depthwise: Conv2dConfig::new([channels, channels], [7, 7])
                .with_padding(PaddingConfig2d::Explicit(3, 3, 3, 3))
                .with_groups(channels)
                .init(&device),
            norm: LayerNormConfig::new(channels).init(&device),
            wide: LinearConfig::new(channels, 4 * channels).init(&device),
            narrow: LinearConfig::new(4 * channels, channels).init(&device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let h = self.depthwise.forward(x.clone()).permute([0, 2, 3, 1]);
        let h = self
            .narrow
            .forward(gelu(self.wide.forward(self.norm.forward(h))));
        x + h.permute([0, 3, 1, 2])
    }
}

/// ConvNeXt blocks (Liu et al., arXiv:2201.03545): two of 96 channels on 16x16 pixels, two of 192 on 8x8.
#[derive(Module, Debug)]
pub struct ConvNeXt {
    stem: Conv2d,
    first: Vec<NeXtBlock>,
    down: Conv2d,
    second: Vec<NeXtBlock>,
    head: Linear,
}

impl ConvNeXt {
    fn new() -> Self {
        let device = Device::flex();
        let half = |from, to| Conv2dConfig::new([from, to], [2, 2]).with_stride([2, 2]);
        Self {
            stem: half(3, 96).init(&device),
            first: (0..2).map(|_| NeXtBlock::new(96)).collect(),
            down: half(96, 192).init(&device),
            second: (0..2).map(|_| NeXtBlock::new(192)).collect(),
            head: LinearConfig::new(192, 10).init(&device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = self.stem.forward(x);
        let x = self.first.iter().fold(x, |x, block| block.forward(x));
        let x = self.down.forward(x);
        let x = self.second.iter().fold(x, |x, block| block.forward(x));
        self.head
            .forward(x.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2))
    }
}

/// Two convolutions with normalisation and ReLU.
#[derive(Module, Debug)]
struct Double {
    first: Normed,
    second: Normed,
}

impl Double {
    fn new(from: usize, to: usize) -> Self {
        Self {
            first: Normed::new([from, to], 3, 1, 1),
            second: Normed::new([to, to], 3, 1, 1),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        relu(self.second.forward(relu(self.first.forward(x))))
    }
}

/// A U-Net (Ronneberger et al., arXiv:1505.04597) of three levels: 16, 32 and 64 channels.
#[derive(Module, Debug)]
pub struct UNet {
    down: Vec<Double>,
    pool: MaxPool2d,
    bottom: Double,
    up: Vec<ConvTranspose2d>,
    merge: Vec<Double>,
    head: Conv2d,
}

impl UNet {
    fn new() -> Self {
        let device = Device::flex();
        let up = |from, to| ConvTranspose2dConfig::new([from, to], [2, 2]).with_stride([2, 2]);
        Self {
            down: vec![Double::new(3, 16), Double::new(16, 32)],
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            bottom: Double::new(32, 64),
            up: vec![up(64, 32).init(&device), up(32, 16).init(&device)],
            merge: vec![Double::new(64, 32), Double::new(32, 16)],
            head: Conv2dConfig::new([16, 1], [1, 1]).init(&device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let first = self.down[0].forward(x);
        let second = self.down[1].forward(self.pool.forward(first.clone()));
        let x = self.bottom.forward(self.pool.forward(second.clone()));
        let x = Tensor::cat(vec![second, self.up[0].forward(x)], 1);
        let x = self.merge[0].forward(x);
        let x = Tensor::cat(vec![first, self.up[1].forward(x)], 1);
        self.head.forward(self.merge[1].forward(x))
    }
}
