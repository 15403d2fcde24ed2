//! Every family against PyTorch in f64: names, shapes, order, logits, losses, and a plane.

use crate::formula::{PLANE, Reference, fnv1a};
use crate::support::{close, says};
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use landscape_core::{Params, Role};
use landscape_models::{LossKind, ModelSpec, Network, TargetTensor, evaluation_bytes};

fn spec(text: &str) -> ModelSpec {
    text.parse().unwrap()
}

/// The reference's inputs through the network: logits and the loss of each sample.
fn outputs(reference: &Reference, network: &Network) -> (Vec<f64>, Vec<f64>) {
    let device = network.device();
    let (samples, spec) = (reference.samples(), network.spec());
    let x = reference.inputs(spec.image().unwrap());
    let x = Tensor::from_data(TensorData::new(x, [samples, spec.inputs()]), &device);
    let y = TensorData::new(reference.labels(), [samples]);
    let y = TargetTensor::Classes(Tensor::from_data(y, &device));
    let logits = network.forward(x);
    let losses = LossKind::CrossEntropy.per_sample(logits.clone(), &y);
    (numbers(logits), numbers(losses))
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().convert::<f64>().try_to_vec().unwrap()
}

/// Layout, logits and losses of a network.
#[track_caller]
fn equals_pytorch(model: &str) {
    let reference = Reference::of(model);
    let layout = Network::layout(&spec(model));
    same_layout(&reference, &layout);
    let params = reference.params(&layout);
    let network = Network::from_params(&spec(model), &params, &Device::flex()).unwrap();
    assert_eq!(network.params(), params);
    let (logits, losses) = outputs(&reference, &network);
    let largest = reference
        .get("logits")
        .iter()
        .fold(0.0, |m, v| v.abs().max(m));
    assert_eq!(logits.len(), reference.get("logits").len());
    for (found, &expected) in logits.iter().zip(reference.get("logits")) {
        close(*found, expected, 0.0, 1e-4 * largest);
    }
    assert_eq!(losses.len(), reference.samples());
    for (found, &expected) in losses.iter().zip(reference.get("losses")) {
        close(*found, expected, 1e-4, 0.0);
    }
}

#[track_caller]
fn same_layout(reference: &Reference, layout: &Params) {
    let lines: Vec<String> = layout
        .iter()
        .map(|tensor| {
            let shape: Vec<String> = tensor.shape.iter().map(usize::to_string).collect();
            format!("{} {}\n", tensor.name, shape.join(","))
        })
        .collect();
    let hash = fnv1a(&lines.concat()) % (1 << 48);
    let found = [lines.len() as f64, layout.numel() as f64, hash as f64];
    assert_eq!(found, reference.get("layout"), "{}", lines.concat());
}

/// The mean loss at every point of the reference's plane.
#[track_caller]
fn plane_equals_pytorch(model: &str) {
    let reference = Reference::of(model);
    let layout = Network::layout(&spec(model));
    let origin = reference.params(&layout);
    let [d1, d2] = [1, 2].map(|number| reference.direction(number, &layout));
    let network = Network::from_params(&spec(model), &origin, &Device::flex()).unwrap();
    let points = PLANE
        .0
        .iter()
        .flat_map(|&a| PLANE.1.iter().map(move |&b| (a, b)));
    for ((a, b), &expected) in points.zip(reference.get("plane")) {
        let moved = at(&origin, [(a, &d1), (b, &d2)]);
        let (_, losses) = outputs(&reference, &network.with_params(&moved).unwrap());
        let mean = losses.iter().sum::<f64>() / losses.len() as f64;
        close(mean, expected, 1e-4, 0.0);
    }
}

fn at(origin: &Params, steps: [(f64, &Params); 2]) -> Params {
    let mut tensors = origin.clone().into_inner();
    for tensor in &mut tensors {
        for (place, value) in tensor.data.iter_mut().enumerate() {
            let moves =
                steps.map(|(by, d)| by * f64::from(d.get(&tensor.name).unwrap().data[place]));
            *value = (f64::from(*value) + moves[0] + moves[1]) as f32;
        }
    }
    Params::new(tensors).unwrap()
}

macro_rules! families {
    ($($test:ident: $model:literal),+ $(,)?) => {
        $(#[test]
        fn $test() {
            equals_pytorch($model);
        })+
    };
}

families! {
    resnet20: "resnet20",
    resnet20_noshort: "resnet20-noshort",
    resnet56: "resnet56",
    resnet18: "resnet18",
    resnet50: "resnet50",
    resnet50_noshort: "resnet50-noshort",
    wrn56_2: "wrn56-2",
    vgg9: "vgg9",
    vgg16: "vgg16",
    vgg19: "vgg19",
    densenet121: "densenet121",
    vit_mean: "vit:patch=8,dim=48,depth=2,heads=4",
    vit_cls: "vit:patch=7,dim=32,depth=2,heads=2,mlp=64,image=1x28x28,pool=cls",
    vit_of_torchvision: "vit:patch=7,dim=32,depth=2,heads=2,mlp=64,image=3x28x28,pool=cls",
    resnet18_of_torchvision: "resnet18:classes=7,image=3x64x64,stem=imagenet",
    resnet50_of_torchvision: "resnet50:classes=1000,image=3x64x64,stem=imagenet",
    densenet121_of_torchvision: "densenet121:classes=12,image=3x64x64,stem=imagenet",
    resnet20_of_other_data: "resnet20:classes=100,image=1x28x28",
    vgg9_of_other_data: "vgg9:classes=5,image=3x48x40",
}

#[test]
fn settings_are_read_and_written() {
    for name in [
        "resnet20:classes=100",
        "resnet110-noshort:image=1x28x28",
        "wrn56-2:classes=7,image=3x64x64",
        "resnet18:stem=imagenet",
        "resnet18:classes=1000,image=3x64x64,stem=imagenet",
        "densenet121:classes=2,stem=imagenet",
        "vgg16:classes=100,image=3x64x64",
    ] {
        assert_eq!(spec(name).to_string(), name);
    }
    // What is usual is not written, and runs are found by what is.
    for (given, name) in [
        ("resnet20:classes=10,image=3x32x32,stem=cifar", "resnet20"),
        ("resnet20:", "resnet20"),
        (
            "resnet18:stem=imagenet,image=3x224x224",
            "resnet18:stem=imagenet",
        ),
        ("vgg9:image=3x32x32", "vgg9"),
    ] {
        assert_eq!(spec(given).to_string(), name);
    }
    let large = spec("resnet18:stem=imagenet,classes=1000");
    assert_eq!(
        (large.image(), large.outputs()),
        (Some([3, 224, 224]), 1000)
    );
    let error = |text: &str| text.parse::<ModelSpec>().unwrap_err();
    says(
        error("resnet20:classes=0"),
        &["classes is 0; it must be from 1 to 32768"],
    );
    says(
        error("resnet20:classes"),
        &["not a setting of the form key=value"],
    );
    says(
        error("resnet20:width=4"),
        &[
            "`width` is not a setting; known: classes, image, stem",
            "for example `resnet20:classes=100`",
        ],
    );
    says(error("wrn56-2:image=32x32"), &["not of the form CxHxW"]);
    says(error("resnet18:stem=large"), &["stem", "cifar, imagenet"]);
    says(error("vgg16:stem=imagenet"), &["two of 4096", ".pt2 file"]);
    says(error("densenet121:image=3x4x4"), &["at least 8x8"]);
    says(error("resnet21:classes=3"), &["resnet21"]);
}

#[test]
fn numbers_of_classes_may_follow_from_a_file() {
    let with = |name: &str| spec(name).with_outputs(100).map(|spec| spec.to_string());
    assert_eq!(
        with("resnet20-a").as_deref(),
        Some("resnet20-a:classes=100")
    );
    assert_eq!(
        with("densenet169").as_deref(),
        Some("densenet169:classes=100")
    );
    // Where a number is given it is that.
    assert_eq!(with("resnet20:classes=7"), None);
    assert_eq!(with("mlp:2-3-10"), None);
}

#[test]
fn planes_of_small_networks() {
    plane_equals_pytorch("resnet20");
    plane_equals_pytorch("resnet20-noshort");
    plane_equals_pytorch("vit:patch=8,dim=48,depth=2,heads=4");
}

#[test]
fn names_of_families_are_read_and_written() {
    let names = [20, 32, 44, 56, 110, 18, 34, 50, 101, 152].map(|depth| format!("resnet{depth}"));
    let wide = ["wrn56-2", "wrn56-4", "wrn56-8", "wrn110-2"].map(str::to_owned);
    for name in names.into_iter().chain(wide) {
        for name in [name.clone(), format!("{name}-noshort")] {
            assert_eq!(spec(&name).to_string(), name);
            assert_eq!((spec(&name).inputs(), spec(&name).outputs()), (3072, 10));
        }
    }
    for name in ["vgg9", "vgg16", "vgg19", "densenet121", "densenet169"] {
        assert_eq!(spec(name).to_string(), name);
        assert_eq!(spec(name).image(), Some([3, 32, 32]));
    }
}

#[test]
fn vision_transformers_are_read_and_written() {
    for name in [
        "vit:patch=4,dim=64,depth=2,heads=4",
        "vit:patch=7,dim=32,depth=1,heads=2,mlp=64,image=1x28x28,classes=3,pool=cls",
    ] {
        assert_eq!(spec(name).to_string(), name);
    }
    let short = spec("vit:image=1x28x28,heads=8");
    assert_eq!(
        short.to_string(),
        "vit:patch=4,dim=64,depth=2,heads=8,image=1x28x28"
    );
    assert_eq!((short.inputs(), short.outputs()), (784, 10));
    assert_eq!(spec("vit"), spec("vit:patch=4,dim=64,depth=2,heads=4"));
    // 2 blocks of 4 x 64 x 64 and 2 x 64 x 256, 48 values a patch, 10 classes.
    assert_eq!(spec("vit").matrix_weights(), Some(2 * 49_152 + 64 * 58));
    // 64 tokens: 64 values in, 256 out; 256 tokens to each other in 4 heads.
    assert_eq!(spec("vit").sample_values(), Some(64 * 320));
    assert_eq!(spec("vit:patch=2").sample_values(), Some(4 * 256 * 256));
    assert_eq!(evaluation_bytes(&spec("vit"), 100), 4 * 100 * 64 * 320);
    assert_eq!(evaluation_bytes(&spec("vit"), 10_000), 4 * 256 * 64 * 320);
    assert_eq!(evaluation_bytes(&spec("mlp:2-8-4-1"), 100), 4 * 100 * 12);
    assert_eq!(evaluation_bytes(&spec("resnet20"), 100), 0);
    let endless = spec("vit:patch=1,image=3x16384x16384").sample_values();
    assert_eq!(endless, Some(1 << 58));
    let huge = spec("vit:dim=16384,depth=256,mlp=16384").matrix_weights();
    assert_eq!(huge, Some(256 * 6 * (1 << 28) + 16_384 * 58));
    let error = |text: &str| text.parse::<ModelSpec>().unwrap_err();
    says(
        error("vit:patch=5"),
        &["patches of 5 do not tile 32x32", "vit:patch=4"],
    );
    says(
        error("vit:heads=3"),
        &["dim 64 is not a multiple of heads 3"],
    );
    says(error("vit:dim=0"), &["dim is 0"]);
    says(
        error("vit:width=4"),
        &["`width` is not a setting", "patch, dim"],
    );
    says(
        error("vit:dim"),
        &["`dim` is not a setting of the form key=value"],
    );
    says(error("vit:dim=8,dim=16"), &["`dim` is given twice"]);
    says(error("vit:image=28"), &["image=`28`", "CxHxW"]);
    says(error("vit:depth=9999"), &["depth is 9999"]);
    says(error("vit:pool=max"), &["max", "mean", "cls"]);
}

#[test]
fn running_statistics_are_buffers_and_biases_have_their_roles() {
    let layout = Network::layout(&spec("resnet20"));
    let role = |name: &str| layout.get(name).unwrap().role;
    assert_eq!(role("layer2.0.shortcut.0.weight"), Role::Weight);
    assert_eq!(role("layer2.0.shortcut.1.weight"), Role::NormScale);
    assert_eq!(role("layer2.0.shortcut.1.bias"), Role::NormShift);
    assert_eq!(role("layer2.0.shortcut.1.running_mean"), Role::Buffer);
    assert_eq!(role("bn1.running_var"), Role::Buffer);
    assert_eq!(role("linear.bias"), Role::Bias);
    assert!(layout.get("layer1.0.shortcut.0.weight").is_none());
    let plain = Network::layout(&spec("resnet20-noshort"));
    assert!(plain.iter().all(|tensor| !tensor.name.contains("shortcut")));
}

#[test]
fn other_parameters_make_another_network() {
    let network = Network::init(&spec("resnet20"), 7, &Device::flex());
    let before = network.params();
    let other = Reference::of("resnet20").params(&before);
    assert_eq!(network.with_params(&other).unwrap().params(), other);
    assert_eq!(network.params(), before);
    let error = Network::from_params(
        &spec("resnet20"),
        &Network::layout(&spec("resnet20-noshort")),
        &Device::flex(),
    );
    says(
        error.unwrap_err(),
        &[
            "resnet20",
            "missing: layer2.0.shortcut.0.weight [32, 16, 1, 1]",
        ],
    );
}

#[test]
fn initial_values_are_those_of_the_layers() {
    let params = Network::init(&spec("resnet20"), 7, &Device::flex()).params();
    let again = Network::init(&spec("resnet20"), 7, &Device::flex()).params();
    assert_eq!(params, again);
    let of = |name: &str| &params.get(name).unwrap().data;
    assert!(of("layer1.0.bn1.weight").iter().all(|&v| v == 1.0));
    assert!(of("layer1.0.bn1.bias").iter().all(|&v| v == 0.0));
    assert!(of("bn1.running_mean").iter().all(|&v| v == 0.0));
    assert!(
        of("layer3.0.shortcut.1.running_var")
            .iter()
            .all(|&v| v == 1.0)
    );
    for (name, fan_in) in [
        ("conv1.weight", 27.0f64),
        ("layer3.0.conv1.weight", 288.0),
        ("layer3.0.shortcut.0.weight", 32.0),
        ("linear.weight", 64.0),
        ("linear.bias", 64.0),
    ] {
        let bound = 1.0 / fan_in.sqrt();
        let largest = of(name).iter().fold(0.0f32, |m, v| v.abs().max(m));
        assert!(f64::from(largest) <= bound * (1.0 + 1e-6), "{name}");
        assert!(f64::from(largest) > 0.7 * bound, "{name}");
    }
}

#[test]
fn a_training_step_updates_the_running_statistics_and_evaluation_uses_them() {
    let device = Device::flex();
    let network = Network::init(&spec("resnet20"), 1, &device);
    let before = network.params();
    let training = network.train();
    let reference = Reference::of("resnet20");
    let x = TensorData::new(reference.inputs([3, 32, 32]), [3, 3072]);
    let frozen = numbers(
        training
            .valid()
            .forward(Tensor::from_data(x.clone(), &device)),
    );
    let batch = Tensor::from_data(x.clone(), &device.clone().autodiff());
    let normalised = numbers(training.forward(batch));
    assert_ne!(frozen, normalised);
    let after = training.params();
    assert_ne!(
        before.get("bn1.running_mean"),
        after.get("bn1.running_mean")
    );
    assert_eq!(before.get("conv1.weight"), after.get("conv1.weight"));
    let moved = numbers(training.valid().forward(Tensor::from_data(x, &device)));
    assert_ne!(frozen, moved);
}
