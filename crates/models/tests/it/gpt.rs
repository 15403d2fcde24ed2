//! Language models: against PyTorch in f64 (`tests/reference/gpt.py`), their checkpoints, their data, and what does not fit.

use crate::curvature::Case;
use crate::formula::{Reference, fnv1a};
use crate::support::{close, file, says};
use burn::tensor::{Device, Tensor, TensorData};
use landscape_core::{Params, Role, Sample};
use landscape_models::{
    Dataset, LossKind, ModelSpec, ModelsError, Network, OptimizerKind, Record, Split, Targets,
    Tokens, TrainConfig, evaluate, load, load_network, load_network_params, trace_network, train,
};
use landscape_trace::{Level, Target};
use std::ops::ControlFlow;

const MODEL: &str = "gpt:vocab=11,context=6,dim=8,depth=2,heads=2";
const TIED: &str = "gpt:vocab=11,context=6,dim=8,depth=2,heads=2,tied";
const VOCAB: usize = 11;
const IGNORED: f32 = -100.0;

fn spec(text: &str) -> ModelSpec {
    text.parse().unwrap()
}

/// Token ids and what follows each.
fn texts(reference: &Reference, y: Vec<f32>) -> Dataset {
    let width = reference.get("tokens")[0] as usize;
    let shape = vec![reference.samples(), width];
    let targets = Targets::Values { data: y, width };
    Dataset::new("texts", shape, reference.ids("x", VOCAB), targets).unwrap()
}

fn network(reference: &Reference, params: &Params) -> Network {
    Network::from_params(&spec(reference.model), params, &Device::flex()).unwrap()
}

/// The loss as a trace has it, at the network's own parameters.
fn traced(network: &Network, data: &Dataset) -> Sample {
    let trace = trace_network(network, data, LossKind::CrossEntropy, &[]).unwrap();
    let sample = trace.sample_at(&network.params(), &[Target::default()]);
    sample.unwrap()
}

fn moved(origin: &Params, by: f64, direction: &Params) -> Params {
    let mut tensors = origin.clone().into_inner();
    for tensor in &mut tensors {
        let step = &direction.get(&tensor.name).unwrap().data;
        for (x, d) in tensor.data.iter_mut().zip(step) {
            *x = (f64::from(*x) + by * f64::from(*d)) as f32;
        }
    }
    Params::new(tensors).unwrap()
}

#[test]
fn losses_equal_pytorch() {
    for model in [MODEL, TIED] {
        let reference = Reference::gpt(model);
        let layout = Network::layout(&spec(model));
        let lines = layout.iter().map(|t| {
            let shape: Vec<String> = t.shape.iter().map(usize::to_string).collect();
            format!("{} {}\n", t.name, shape.join(","))
        });
        let lines: Vec<String> = lines.collect();
        let hash = fnv1a(&lines.concat()) % (1 << 48);
        let found = [lines.len() as f64, layout.numel() as f64, hash as f64];
        assert_eq!(found, reference.get("layout"), "{}", lines.concat());

        let params = reference.params(&layout);
        let data = texts(&reference, reference.ids("y", VOCAB));
        let [d1, d2] = [1, 2].map(|number| reference.direction(number, &layout));
        let points = [
            params.clone(),
            moved(&params, 1.0, &d1),
            moved(&params, -0.5, &d2),
        ];
        for (point, &expected) in points.iter().zip(reference.get("points")) {
            let network = network(&reference, point);
            close(traced(&network, &data).loss, expected, 1e-5, 0.0);
            let evaluated = evaluate(&network, &data, LossKind::CrossEntropy).unwrap();
            close(evaluated.loss, expected, 1e-5, 0.0);
        }
        let accuracy = reference.get("accuracy")[0];
        let found = traced(&network(&reference, &params), &data);
        close(found.accuracy.unwrap(), accuracy, 1e-6, 0.0);
    }
}

#[test]
fn logits_equal_pytorch() {
    for model in [MODEL, TIED] {
        let reference = Reference::gpt(model);
        let params = reference.params(&Network::layout(&spec(model)));
        let tokens = reference.get("tokens")[0] as usize;
        let x = reference.ids("x", VOCAB)[..tokens].to_vec();
        let x = Tensor::from_data(TensorData::new(x, [1, tokens]), &Device::flex());
        let logits = network(&reference, &params).forward(x).into_data();
        let logits: Vec<f64> = logits.convert::<f64>().try_to_vec().unwrap();
        let expected = reference.get("logits");
        assert_eq!(logits.len(), expected.len());
        for (found, &expected) in logits.iter().zip(expected) {
            close(*found, expected, 1e-5, 1e-5);
        }
    }
}

/// The loss is the mean over the tokens that count, as PyTorch's `ignore_index` has it, and its error that of a ratio.
#[test]
fn tokens_without_a_target_do_not_count() {
    let reference = Reference::gpt(MODEL);
    let params = reference.params(&Network::layout(&spec(MODEL)));
    let mut y = reference.ids("y", VOCAB);
    y.iter_mut().skip(1).step_by(4).for_each(|y| *y = IGNORED);
    let (network, data) = (network(&reference, &params), texts(&reference, y));
    let expected = reference.get("ignoring");
    let evaluated = evaluate(&network, &data, LossKind::CrossEntropy).unwrap();
    for found in [traced(&network, &data), evaluated] {
        close(found.loss, expected[0], 1e-5, 0.0);
        close(found.loss_se.unwrap(), expected[1], 1e-4, 0.0);
        close(found.accuracy.unwrap(), expected[2], 1e-6, 0.0);
    }
}

#[test]
fn derivatives_equal_pytorch() {
    for model in [MODEL, TIED] {
        let case = |level| {
            let reference = Reference::gpt(model);
            let data = texts(&reference, reference.ids("y", VOCAB));
            Case::with(reference, &data, level)
        };
        for level in Level::available() {
            case(level).equals_pytorch(1e-4);
        }
        case(Level::detect()).in_f64().equals_pytorch(1e-9);
    }
}

/// Blocks, attention within one, embeddings, a head of its own and one that is the embedding.
#[test]
fn derivatives_of_parts_equal_pytorch() {
    for model in [MODEL, TIED] {
        let cases = |level| {
            let case = move |reference: Reference| {
                let data = texts(&reference, reference.ids("y", VOCAB));
                Case::with(reference, &data, level)
            };
            Reference::parts(model).into_iter().map(case)
        };
        for level in Level::available() {
            cases(level).for_each(|case| case.equals_pytorch(1e-4));
        }
        cases(Level::detect()).for_each(|case| case.in_f64().equals_pytorch(1e-9));
    }
}

#[test]
fn checkpoints_of_others_are_those_of_the_network() {
    let layout = Network::layout(&spec(TIED));
    let expected = Reference::gpt(TIED).params(&layout);
    for (name, said) in [
        ("nano.pt", None),
        ("hugging-face.safetensors", Some("Conv1D")),
        ("bare.safetensors", Some("Conv1D")),
    ] {
        let loaded = load_network(file(&format!("gpt/{name}")), &spec(TIED)).unwrap();
        assert_eq!(loaded.params, expected, "{name}");
        let notes = loaded.notes.iter().filter(|note| note.matters);
        let words: Vec<&str> = notes.map(|note| note.words.as_str()).collect();
        assert_eq!(said.is_some(), !words.is_empty(), "{name}: {words:?}");
        assert!(
            words.concat().contains(said.unwrap_or_default()),
            "{words:?}"
        );
    }
    let untied = load_network_params(file("gpt/untied.safetensors"), &spec(MODEL)).unwrap();
    let layout = Network::layout(&spec(MODEL));
    assert_eq!(untied, Reference::gpt(MODEL).params(&layout));
    // The head that nanoGPT stores beside the embedding is a parameter of its own here.
    assert!(load_network(file("gpt/nano.pt"), &spec(MODEL)).is_ok());
}

#[test]
fn a_head_that_is_another_is_refused() {
    let error = load_network(file("gpt/untied.safetensors"), &spec(TIED)).unwrap_err();
    says(
        error,
        &["differs from transformer.wte.weight", "leave `tied` out"],
    );
    let error = load_network(file("gpt/hugging-face.safetensors"), &spec(MODEL)).unwrap_err();
    says(error, &["no lm_head.weight", "add `,tied`"]);
}

#[test]
fn names_are_parsed_and_printed() {
    for text in [
        MODEL,
        TIED,
        "gpt:dim=64,depth=2,heads=2",
        "gpt:context=8,dim=4,depth=1,heads=1",
    ] {
        assert_eq!(spec(text).to_string(), text);
    }
    assert_eq!(spec("gpt").to_string(), "gpt:dim=64,depth=2,heads=2");
    let gpt2 = spec("gpt:vocab=50257,context=1024,dim=768,depth=12,heads=12,tied");
    assert_eq!(gpt2.matrix_weights(), Some(124_318_464));
    let named = |text: &str| text.parse::<ModelSpec>().unwrap_err();
    says(
        named("gpt:dim=6,heads=4"),
        &["dim 6 is not a multiple of heads 4; give dim=8, or another number of heads"],
    );
    says(named("gpt:vocab=1"), &["vocab is 1; it must be from 2 to"]);
    says(named("gpt:tied,tied"), &["`tied` is given twice"]);
    says(
        named("gpt:layers=2"),
        &["`layers` is not a setting", "vocab, context"],
    );
}

#[test]
fn initial_values_are_those_of_nanogpt() {
    let network = Network::init(&spec("gpt:dim=64,depth=2,heads=2"), 7, &Device::flex());
    let deviation = |name: &str| {
        let params = network.params();
        let data = &params.get(name).unwrap().data;
        let squares: f64 = data.iter().map(|&x| f64::from(x).powi(2)).sum();
        (squares / data.len() as f64).sqrt()
    };
    close(deviation("transformer.wte.weight"), 0.02, 0.05, 0.0);
    close(
        deviation("transformer.h.1.mlp.c_fc.weight"),
        0.02,
        0.05,
        0.0,
    );
    close(
        deviation("transformer.h.0.attn.c_proj.weight"),
        0.01,
        0.05,
        0.0,
    );
    for tensor in network.params().iter() {
        match tensor.role {
            Role::NormScale => assert!(tensor.data.iter().all(|&x| x == 1.0)),
            Role::Weight => assert!(tensor.data.iter().any(|&x| x != 0.0)),
            _ => assert!(tensor.data.iter().all(|&x| x == 0.0), "{}", tensor.name),
        }
    }
    // A guess among all tokens.
    let data = load(&"chars".parse().unwrap(), None, Split::Train, Some(4)).unwrap();
    let found = evaluate(&network, &data, LossKind::CrossEntropy).unwrap();
    close(found.loss, 96f64.ln(), 0.05, 0.0);
}

#[test]
fn the_text_is_cut_into_windows() {
    let part = |name: &str, split| load(&name.parse().unwrap(), None, split, None).unwrap();
    let train = part("chars", Split::Train);
    assert_eq!(train.shape(), [3770, 64]);
    assert_eq!(train.target_shape(), [64]);
    let id = |c: char| f32::from(c as u8 - b' ' + 1);
    let ids: Vec<f32> = "CHAPTER 1".chars().map(id).collect();
    assert_eq!(train.x()[..9], ids);
    let next = train.y().numbers();
    assert_eq!(next[..next.len() - 1], train.x()[1..]);
    let tokens = Tokens {
        vocab: 96,
        context: 64,
    };
    assert_eq!(train.tokens(), Some(tokens));
    let test = part("chars", Split::Test);
    assert_eq!(
        (test.shape(), test.name()),
        (&[419, 64][..], "chars (test)")
    );
    assert_eq!(part("chars:context=1", Split::Test).shape(), [26_822, 1]);
    for (name, reason) in [
        ("chars:context=0", "from 1 to 4096"),
        ("chars:text=x", "unknown setting `text`"),
    ] {
        says(
            name.parse::<landscape_models::DataSpec>().unwrap_err(),
            &[reason],
        );
    }
    let few = load(&"chars".parse().unwrap(), None, Split::Test, Some(500)).unwrap_err();
    says(
        few,
        &["data chars (test) has 419 samples, but 500 asked for"],
    );
}

fn ids(x: Vec<f32>, width: usize) -> Dataset {
    let targets = Targets::Values {
        data: x.clone(),
        width,
    };
    Dataset::new("ids", vec![x.len() / width, width], x, targets).unwrap()
}

fn refused(model: &str, data: &Dataset) -> ModelsError {
    let network = Network::init(&spec(model), 1, &Device::flex());
    let traced = trace_network(&network, data, LossKind::CrossEntropy, &[]);
    let evaluated = evaluate(&network, data, LossKind::CrossEntropy).unwrap_err();
    let error = traced.unwrap_err();
    assert_eq!(error.to_string(), evaluated.to_string());
    error
}

#[test]
fn what_does_not_fit_is_told_with_the_remedy() {
    const SMALL: &str = "gpt:vocab=5,context=3,dim=4,depth=1,heads=1";
    let data = ids(vec![0.0, 1.0, 4.0, 2.0, 7.0, 3.0], 3);
    says(
        refused(SMALL, &data),
        &[
            "token 1 of sample 1 is 7, outside the vocabulary of 5 tokens, 0 to 4",
            "give vocab=8 (without `vocab` it follows from the data)",
        ],
    );
    says(
        refused(SMALL, &ids(vec![0.0; 8], 4)),
        &["its samples have 4 tokens, and the context of the network is 3; give context=4"],
    );
    says(
        refused(SMALL, &ids(vec![0.0, 0.5, 1.0], 3)),
        &[
            "token 1 of sample 0 is 0.5",
            "whole numbers from 0",
            "mlp:3-16-10",
        ],
    );
    let digits = load(&"mnist-1k".parse().unwrap(), None, Split::Train, Some(2)).unwrap();
    says(
        refused("gpt:vocab=2,context=784,dim=4,depth=1,heads=1", &digits),
        &["token ids", "mlp:784"],
    );
    let images = Dataset::new(
        "images",
        vec![2, 1, 4, 4],
        vec![0.0; 32],
        Targets::Classes(vec![0, 1]),
    );
    says(
        refused(SMALL, &images.unwrap()),
        &["shape [1, 4, 4]", "resnet20 for images"],
    );
    let text = load(
        &"chars:context=8".parse().unwrap(),
        None,
        Split::Train,
        Some(4),
    )
    .unwrap();
    for model in ["mlp:8-4-96", "resnet20"] {
        says(
            refused(model, &text),
            &[model, "ids of tokens", "use a language model, such as gpt:"],
        );
    }
}

#[test]
fn targets_that_do_not_fit_are_told_with_the_remedy() {
    const SMALL: &str = "gpt:vocab=5,context=3,dim=4,depth=1,heads=1";
    let with = |y: Vec<f32>, width| {
        let targets = Targets::Values { data: y, width };
        Dataset::new("ids", vec![2, 3], vec![0.0; 6], targets).unwrap()
    };
    says(
        refused(SMALL, &with(vec![0.0, 1.0, 2.0, 3.0, 5.0, -100.0], 3)),
        &["target 1 of sample 1 is 5, outside the vocabulary of 5"],
    );
    says(
        refused(SMALL, &with(vec![0.0; 4], 2)),
        &["3 tokens and 2 targets each", "-100 for none"],
    );
    says(
        refused(SMALL, &with(vec![0.5; 6], 3)),
        &["its targets are not token ids"],
    );
    let none = Dataset::new("ids", vec![2, 3], vec![0.0; 6], Targets::None(2)).unwrap();
    says(refused(SMALL, &none), &["leave `y=none` out"]);
    let network = Network::init(&spec(SMALL), 1, &Device::flex());
    let error = trace_network(&network, &with(vec![0.0; 6], 3), LossKind::Mse, &[]).unwrap_err();
    says(error, &["does not suit the loss mse", "use cross-entropy"]);
}

#[test]
fn sizes_that_are_not_named_follow_from_the_data() {
    let tokens = Tokens {
        vocab: 7,
        context: 5,
    };
    let filled = spec("gpt:dim=8,depth=1,heads=2")
        .with_tokens(tokens)
        .unwrap();
    assert_eq!(
        filled.to_string(),
        "gpt:vocab=7,context=5,dim=8,depth=1,heads=2"
    );
    assert_eq!(filled.tokens(), Some(tokens));
    assert_eq!(filled.with_tokens(Tokens::default()), None);
    assert_eq!(spec("mlp:2-1").with_tokens(tokens), None);
    // Targets count too, and words that these samples lack are in the vocabulary where it is known.
    let data = ids(vec![0.0, 3.0, 2.0, 1.0], 2);
    assert_eq!(
        data.tokens(),
        Some(Tokens {
            vocab: 4,
            context: 2
        })
    );
    let known = data.with_vocabulary(9).tokens();
    assert_eq!(
        known,
        Some(Tokens {
            vocab: 9,
            context: 2
        })
    );
}

#[test]
fn characters_are_learned() {
    let data = load(
        &"chars:context=16".parse().unwrap(),
        None,
        Split::Train,
        Some(128),
    )
    .unwrap();
    let network = Network::init(
        &spec("gpt:vocab=96,context=16,dim=16,depth=1,heads=2"),
        1,
        &Device::flex(),
    );
    let config = TrainConfig {
        epochs: 12,
        batch: 32,
        optimizer: OptimizerKind::Adam,
        lr: 0.01,
        ..TrainConfig::default()
    };
    let mut go_on = |_: Record| ControlFlow::Continue(());
    let report = train(network, &data, LossKind::CrossEntropy, &config, &mut go_on).unwrap();
    // Letters by their frequency alone have 3.1 nats.
    assert!(report.first.loss > 4.4, "{:?}", report.first);
    assert!(report.last.loss < 2.9, "{:?}", report.last);
    assert!(report.last.accuracy > report.first.accuracy);
    let traced = traced(&report.network, &data);
    close(traced.loss, report.last.loss, 1e-5, 0.0);
    close(
        traced.loss_se.unwrap(),
        report.last.loss_se.unwrap(),
        1e-4,
        0.0,
    );
    close(
        traced.accuracy.unwrap(),
        report.last.accuracy.unwrap(),
        1e-3,
        0.0,
    );
}

#[test]
fn losses_run_in_tiles_of_samples() {
    let spec = spec("gpt:vocab=96,context=16,dim=16,depth=1,heads=2,tied");
    let data = load(
        &"chars:context=16".parse().unwrap(),
        None,
        Split::Train,
        Some(96),
    )
    .unwrap();
    let network = Network::init(&spec, 1, &Device::flex());
    let trace = trace_network(&network, &data, LossKind::CrossEntropy, &[]).unwrap();
    let summary = trace.summary();
    assert_eq!((summary.passes, summary.has_error), (1, true));
    assert!(summary.tile < 96, "{}", summary.tile);
    assert_eq!(trace.mixes_samples(), None);
}
