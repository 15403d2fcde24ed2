//! Fine-tunings of one network: adapters as parameters of their own and merged, and planes through three networks, against
//! PyTorch in f64 (`reference/fine-tuning.py`).

use landscape_core::Params;
use landscape_models::Regularizer;
use landscape_storage::Store;
use landscape_study::StudyError;
use landscape_study::connect::{ConnectRequest, Connection, Endpoint, EvaluationContext, Matching};
use landscape_study::directions::DirectionKind;
use landscape_study::problem::{AdapterUse, DataRequest, NetworkRequest, Problem};
use landscape_study::record::Provenance;
use landscape_study::runs::{Landscape, LandscapeRequest};
use landscape_trace::{Curvature, Target};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Of losses in f32.
const SINGLE: f64 = 4e-6;

fn reference(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/fine-tuning");
    folder.join(name)
}

fn truth() -> HashMap<String, Vec<f64>> {
    let text = std::fs::read_to_string(reference("truth.txt")).unwrap();
    let line = |line: &str| {
        let mut words = line.split(' ');
        let name = words.next().unwrap().to_owned();
        (name, words.map(|word| word.parse().unwrap()).collect())
    };
    text.lines().map(line).collect()
}

fn data() -> DataRequest {
    DataRequest {
        data: Some(reference("data.npz").to_str().unwrap().parse().unwrap()),
        ..DataRequest::default()
    }
}

/// `weights`, with an adapter on them where one is named.
fn network(weights: &str, adapter: Option<&str>, lora: AdapterUse) -> NetworkRequest {
    NetworkRequest {
        model: Some("mlp:4-6-6-3:tanh".parse().unwrap()),
        weights: Some(reference(weights)),
        adapter: adapter.map(reference),
        lora,
        ..NetworkRequest::default()
    }
}

/// The network of `a`: on its base, and in one file with it.
fn both_ways(lora: AdapterUse) -> [NetworkRequest; 2] {
    [
        network("base.safetensors", Some("a"), lora),
        network("whole.safetensors", None, lora),
    ]
}

fn plane(network: NetworkRequest, range: (f64, f64)) -> LandscapeRequest {
    let mut request = LandscapeRequest {
        network,
        data: data(),
        ..LandscapeRequest::default()
    };
    request.grid.counts = Some(vec![5]);
    request.grid.ranges = Some(vec![range]);
    request
}

#[track_caller]
fn close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0f64, |a, b| a.max(b.abs()));
    for (found, expected) in found.iter().zip(expected) {
        let off = (found - expected).abs() / largest;
        assert!(off <= tolerance, "{found} instead of {expected}: {off:e}");
    }
}

fn sampled(request: &LandscapeRequest) -> (Vec<f64>, Provenance) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("landscape.duckdb")).unwrap();
    let landscape = Landscape::prepare(request, None, &()).unwrap();
    let found = landscape.run(&store, &()).unwrap().sampled;
    (found.surface.losses(), Provenance::of(&found.run))
}

#[test]
fn planes_of_adapters_equal_pytorch() {
    let truth = truth();
    for network in both_ways(AdapterUse::Parameters) {
        let mut request = plane(network, (-1.0, 1.0));
        request.plane.direction = DirectionKind::File(reference("directions.safetensors"));
        let (losses, _) = sampled(&request);
        close(&losses, &truth["adapters"], SINGLE);
        close(&losses[12..13], &truth["loss"][1..2], SINGLE);
    }
}

#[test]
fn planes_of_merged_weights_equal_pytorch() {
    let truth = truth();
    for network in both_ways(AdapterUse::Merged) {
        let mut request = plane(network, (-1.0, 1.0));
        request.plane.direction = DirectionKind::File(reference("merged.safetensors"));
        close(&sampled(&request).0, &truth["merged"], SINGLE);
    }
}

/// Both adapters are on the network at the origin; a second direction that is turned has its network beside the axis.
#[test]
fn planes_of_three_networks_equal_pytorch() {
    let truth = truth();
    let base = network("base.safetensors", None, AdapterUse::Merged);
    let mut request = plane(base, (-0.5, 1.5));
    request.plane.to = vec![reference("a"), reference("b")];
    let (losses, provenance) = sampled(&request);
    close(&losses, &truth["models"], SINGLE);
    let at: Vec<&[f64]> = provenance.networks().iter().map(|n| &n.at[..]).collect();
    assert_eq!(at, [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]);
    request.plane.orthogonal = true;
    let (losses, provenance) = sampled(&request);
    close(&losses, &truth["turned"], SINGLE);
    close(&provenance.networks()[2].at, &truth["coordinates"], 1e-6);
    let names: Vec<&str> = { provenance.networks().iter() }
        .map(|network| network.name.as_str())
        .collect();
    assert_eq!(names, ["base", "a", "b"]);
}

/// With an adapter at the origin, another one is on the same base; where factors are parameters, the way leads through them.
#[test]
fn adapters_lead_to_adapters_on_the_same_base() {
    let truth = truth();
    let uses = [AdapterUse::Merged, AdapterUse::Parameters];
    for a in uses.into_iter().flat_map(both_ways) {
        let mut request = plane(a, (0.0, 1.0));
        request.dims = 1;
        request.plane.to = vec![reference("b")];
        let (losses, _) = sampled(&request);
        close(&[losses[0], losses[4]], &truth["loss"][1..], SINGLE);
    }
}

fn curvature(selection: Option<&str>) -> (Params, Curvature) {
    for_adapters(selection, AdapterUse::Parameters)
}

fn for_adapters(selection: Option<&str>, lora: AdapterUse) -> (Params, Curvature) {
    let request = NetworkRequest {
        params: selection.map(|globs| globs.parse().unwrap()),
        ..network("base.safetensors", Some("a"), lora)
    };
    let problem = Problem::load(&request, &data(), 0, None, &()).unwrap();
    let trace = problem.trace(&[]).unwrap();
    let curvature = trace.curvature(&problem.params, &Target::default());
    (problem.params, curvature.unwrap().in_f64())
}

/// `trainable` is what PEFT trains.
#[test]
fn derivatives_in_the_trainable_subspace_equal_pytorch() {
    let truth = truth();
    for part in ["*lora*", "trainable"] {
        let (params, curvature) = curvature(Some(part));
        let names: Vec<&str> = { curvature.blocks().iter() }
            .map(|block| block.name.as_str())
            .collect();
        assert_eq!(names[..2], ["fc1.lora_A.weight", "fc1.lora_B.weight"]);
        assert_eq!((names.len(), params.numel(), curvature.dim()), (6, 62, 62));
        let gradient = curvature.gradient().unwrap();
        close(&[gradient.loss], &truth["loss"][1..2], 1e-12);
        close(&gradient.gradient, &truth["gradient"], 1e-9);
        let products = curvature.hessian(&[truth["vector"].clone()]).unwrap();
        close(&products[0], &truth["product"], 1e-9);
    }
}

/// The network's own weights have the gradient that they have where the adapters are merged into them.
#[test]
fn weights_below_adapters_have_the_gradient_of_merged_ones() {
    let (params, apart) = curvature(None);
    let (_, merged) = for_adapters(None, AdapterUse::Merged);
    let merged = merged.gradient().unwrap().gradient;
    assert_eq!(params.numel(), merged.len() + 62);
    let apart = apart.gradient().unwrap().gradient;
    // Merged weights are rounded to f32.
    close(&apart[..merged.len()], &merged, 1e-6);
}

fn merged(adapter: &str) -> Problem {
    let request = network("base.safetensors", Some(adapter), AdapterUse::Merged);
    Problem::load(&request, &data(), 0, None, &()).unwrap()
}

#[test]
fn averages_equal_pytorch() {
    let truth = truth();
    let (a, b) = (merged("a"), merged("b"));
    let context = EvaluationContext::new(&a.model, a.data, a.loss.kind).unwrap();
    let networks = [("a".to_owned(), a.params), ("b".to_owned(), b.params)];
    let soup = context.soup(&networks).unwrap();
    let losses: Vec<f64> = { soup.ingredients.iter() }
        .map(|one| one.measured.loss)
        .collect();
    close(&losses, &truth["loss"][1..], SINGLE);
    close(&[soup.uniform.loss], &truth["soup"], SINGLE);
    // No worse than the best of its parts.
    let accuracies = soup.ingredients.iter().map(|one| one.measured.accuracy);
    let best = accuracies.flatten().fold(0.0, f64::max);
    assert!(soup.greedy.accuracy.unwrap() >= best);
    assert!(soup.ingredients.iter().any(|one| one.greedy));
    let line = context.line(&networks[0].1, &networks[1].1, 3).unwrap();
    close(&[soup.uniform.loss], &line.losses()[1..2], 1e-6);
    let [a, b] = networks.map(|(_, params)| params.flatten());
    let mean = a.iter().zip(&b).map(|(a, b)| (a + b) / 2.0);
    let off = mean.zip(soup.params.flatten());
    assert!(off.into_iter().all(|(a, b)| (a - b).abs() < 1e-6));
}

/// Line, widths and averages in one request; the average of all is written.
#[test]
fn connections_have_basins_and_averages() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("landscape.duckdb")).unwrap();
    let ends = ["base.safetensors", "a"].map(|name| Endpoint::File(reference(name)));
    let mut request = ConnectRequest::new(ends);
    request.model = Some("mlp:4-6-6-3:tanh".parse().unwrap());
    request.data = data();
    request.rises = vec!["20%".parse().unwrap(), "0.01".parse().unwrap()];
    request.others = vec![Endpoint::File(reference("b"))];
    let refused = |request: &ConnectRequest| request.check(&()).unwrap_err();
    assert!(matches!(
        refused(&request),
        StudyError::MoreNetworks {
            given: 3,
            soup: false
        }
    ));
    request.soup = true;
    request.save = Some(folder.path().join("soup.safetensors"));
    let connection = Connection::prepare(&request, None, &()).unwrap();
    let found = connection.run(&store, &()).unwrap();
    let soup = found.soup.as_ref().unwrap();
    let names: Vec<&str> = soup.ingredients.iter().map(|one| &one.name[..]).collect();
    assert_eq!(names.len(), 3);
    let saved = network("base.safetensors", None, AdapterUse::Merged);
    let saved = NetworkRequest {
        weights: request.save.clone(),
        ..saved
    };
    let saved = Problem::load(&saved, &data(), 0, None, &()).unwrap();
    assert_eq!(saved.params, soup.params);

    let widths = &found.line.widths;
    assert_eq!(widths.len(), 4);
    assert!(widths.iter().all(|width| width.width.is_none()));
    let reach = widths[1].above.unwrap();
    // The loss on the line itself, where the basin is said to end.
    let loss = connection.loss();
    let context = EvaluationContext::new(&saved.model, saved.data, loss.kind).unwrap();
    let base = network("base.safetensors", None, AdapterUse::Merged);
    let base = Problem::load(&base, &data(), 0, None, &()).unwrap().params;
    let fine = context.line(&base, &merged("a").params, 2001).unwrap();
    let first = fine
        .losses()
        .iter()
        .position(|loss| *loss > widths[1].level);
    let at = first.unwrap() as f64 / 2000.0;
    let off = (reach.length - at).abs();
    assert!(off <= reach.grid + 1.0 / 2000.0, "{off} {reach}");
    let words = found.to_string();
    assert!(words.contains("a rise of 0.01 is reached after"), "{words}");
    assert!(words.contains("average of all"), "{words}");

    request.align = Some(Matching::Weights);
    assert!(matches!(
        refused(&request),
        StudyError::MoreNetworks {
            given: 3,
            soup: true
        }
    ));
    (request.align, request.soup) = (None, false);
    request.others.clear();
    assert!(matches!(refused(&request), StudyError::NothingToSave));
}

#[test]
fn what_adapters_cannot_do_is_said() {
    let refused = |request: &LandscapeRequest| match Landscape::prepare(request, None, &()) {
        Err(error) => error,
        Ok(_) => panic!("it was prepared"),
    };
    let none = network("base.safetensors", None, AdapterUse::Parameters);
    let error = refused(&plane(none, (0.0, 1.0)));
    assert!(matches!(error, StudyError::NoAdapters { path: Some(_) }));
    let a = network("base.safetensors", Some("a"), AdapterUse::Parameters);
    let mut terms = plane(a.clone(), (0.0, 1.0));
    terms.terms = vec![Regularizer::L2(0.1)];
    assert!(matches!(refused(&terms), StudyError::AdaptedTerms));
    let mut other = plane(a, (0.0, 1.0));
    other.plane.to = vec![reference("base.safetensors")];
    let error = refused(&other);
    assert!(
        error.to_string().contains("adapters of rank 2, scale 1.5"),
        "{error}"
    );
    let mut random = plane(
        network("base.safetensors", Some("a"), AdapterUse::Merged),
        (0.0, 1.0),
    );
    random.network.weights = None;
    assert!(matches!(refused(&random), StudyError::AdaptersAlone { .. }));
    // No adapters where they are looked for, merged or not.
    for lora in [AdapterUse::Merged, AdapterUse::Parameters] {
        let no = network("base.safetensors", Some("base.safetensors"), lora);
        let error = refused(&plane(no, (0.0, 1.0)));
        assert!(matches!(error, StudyError::NoAdapters { path: Some(_) }));
    }
    // Without the weights that they are on.
    let alone = network("a", None, AdapterUse::Merged);
    let error = refused(&plane(alone, (0.0, 1.0)));
    assert!(
        error
            .in_full()
            .contains("without the weight that it changes"),
        "{}",
        error.in_full()
    );
}
