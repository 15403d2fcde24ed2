//! Data and functions that a program hands over, without files.

use landscape_core::{Parameter, Params, Role, from_fn};
use landscape_models::{Dataset, MoonsSpec, Regularizer};
use landscape_storage::Store;
use landscape_study::StudyError;
use landscape_study::record::{DataDigest, Provenance};
use landscape_study::runs::{
    FunctionLandscape, FunctionRequest, Keep, Landscape, LandscapeRequest, SampledLandscape,
};
use landscape_trace::BatchStatistics;
use serde_json::json;

fn moons() -> Dataset {
    let moons = MoonsSpec {
        n: 50,
        ..MoonsSpec::default()
    };
    moons.generate().expect("two moons")
}

fn plane(change: impl FnOnce(&mut LandscapeRequest), store: &Store) -> SampledLandscape {
    let mut request = LandscapeRequest::default();
    request.network.model = Some("mlp:2-4-1".parse().expect("a network"));
    request.data.data = Some("moons:n=50".parse().expect("data"));
    request.grid.counts = Some(vec![3]);
    change(&mut request);
    let landscape = Landscape::prepare(&request, None, &()).expect("prepared");
    landscape.run(store, &()).expect("sampled")
}

#[test]
fn data_in_memory_are_those_of_the_same_numbers() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path().join("a.duckdb")).expect("a store");
    let named = plane(|_| {}, &store);
    // They go before any that are named, and make the same run.
    let given = plane(
        |request| {
            request.data.data = Some("mnist-1k".parse().expect("data"));
            request.data.memory = Some(moons());
        },
        &store,
    );
    assert_eq!(given.sampled.computed, 0);
    assert_eq!(given.sampled.run.name, named.sampled.run.name);
    let fewer = plane(
        |request| {
            request.data.memory = Some(moons());
            request.data.samples = Some(20);
        },
        &store,
    );
    assert_eq!(fewer.sampled.computed, 9);
    let source = Provenance::of(&fewer.sampled.run)
        .data
        .expect("where they are from");
    assert_eq!(source.spec.to_string(), "memory");
    // They cannot be read again.
    let error = landscape_study::problem::load_data(&source).expect_err("nowhere to read");
    assert!(error.to_string().contains("handed them over"), "{error}");
}

fn bowl() -> FunctionRequest {
    let tensor = |name, shape: &[usize], data| Parameter::new(name, shape, data, Role::Weight);
    let tensors = [tensor("a", &[2, 2], vec![1.0, 2.0, -1.0, 0.5])];
    let params = Params::new(tensors.map(|one| one.expect("a tensor")).to_vec());
    let mut request = FunctionRequest::new("bowl", params.expect("one tensor"));
    request.grid.counts = Some(vec![5]);
    request
}

fn squares(store: &Store, request: &FunctionRequest) -> Result<usize, StudyError> {
    let landscape = FunctionLandscape::prepare(request, &())?;
    let plane = landscape.directions.plane.clone();
    let function = from_fn(move |[x, y]: [f64; 2]| {
        let params = plane.at([x, y, 0.0]);
        let values = params.iter().flat_map(|tensor| &tensor.data);
        values.map(|&value| f64::from(value).powi(2)).sum()
    });
    let sampled = landscape.run(&function, store, &())?;
    let center = sampled.surface.get(12).expect("the origin").loss;
    assert_eq!(center, 6.25);
    Ok(sampled.computed)
}

#[test]
fn a_function_is_told_by_its_name_its_parameters_and_its_data() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path().join("a.duckdb")).expect("a store");
    let computed = |change: &dyn Fn(&mut FunctionRequest)| {
        let mut request = bowl();
        change(&mut request);
        squares(&store, &request).expect("sampled")
    };
    assert_eq!((computed(&|_| {}), computed(&|_| {})), (25, 0));
    assert_eq!(computed(&|request| request.function = "other".into()), 25);
    let data = DataDigest::of(&moons());
    assert_eq!(computed(&|request| request.data = Some(data.clone())), 25);
    assert_eq!(computed(&|request| request.plane.seed = 1), 25);
    // As JSON it is the same request, parameters apart.
    let mut again: FunctionRequest =
        serde_json::from_str(&serde_json::to_string(&bowl()).expect("JSON")).expect("a request");
    again.params = bowl().params;
    assert_eq!(again, bowl());
}

#[test]
fn of_a_function_the_parameters_move_that_are_selected() {
    let mut request = bowl();
    let more = Parameter::new("b", [2, 2], vec![3.0; 4], Role::Weight).expect("a tensor");
    let both = request.params.iter().cloned().chain([more]).collect();
    request.params = Params::new(both).expect("two tensors");
    let corner = |request: &FunctionRequest| {
        let landscape = FunctionLandscape::prepare(request, &()).expect("prepared");
        let at = landscape.directions.plane.at([1.0, -1.0, 0.0]);
        let moved = |name| {
            at.get(name).expect("a tensor").data != request.params.get(name).expect("one").data
        };
        (
            [moved("a"), moved("b")],
            landscape.spec.settings["params"].clone(),
        )
    };
    assert_eq!(corner(&request), ([true, true], json!(null)));
    let mut of = |words: &str| {
        request.selection = Some(words.parse().expect("a selection"));
        corner(&request)
    };
    assert_eq!(of("b"), ([false, true], json!("b")));
    assert_eq!(of("!b"), ([true, false], json!("!b")));
    // All are no part.
    assert_eq!(of("a,b"), ([true, true], json!(null)));
    request.frozen = vec!["a".to_owned()];
    request.selection = Some("trainable".parse().expect("a selection"));
    assert_eq!(corner(&request).0, [false, true]);
    request.selection = Some("c".parse().expect("a selection"));
    let error = FunctionLandscape::prepare(&request, &()).expect_err("no such parameter");
    assert!(
        error.to_string().contains("`c` matches no parameter"),
        "{error}"
    );
}

#[test]
fn a_function_has_terms_of_its_parameters() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path().join("a.duckdb")).expect("a store");
    let mut request = bowl();
    request.terms = vec![Regularizer::L1(0.5), Regularizer::L2(2.0)];
    let landscape = FunctionLandscape::prepare(&request, &()).expect("prepared");
    let zero = from_fn(|_: [f64; 2]| 0.0);
    let sampled = landscape.run(&zero, &store, &()).expect("sampled");
    for index in 0..landscape.grid.len() {
        let point = landscape.grid.point(index);
        let params = landscape.directions.plane.at(point);
        let values = || params.iter().flat_map(|tensor| &tensor.data);
        let sum = |of: fn(f64) -> f64| values().map(|&x| of(f64::from(x))).sum::<f64>();
        let terms = &sampled.surface.get(index).expect("measured").terms;
        assert_eq!(terms, &[sum(f64::abs), sum(|x| x * x)]);
    }
    // Other weights and other statistics are another run; these again are the same one.
    let computed = |request: &FunctionRequest| {
        let landscape = FunctionLandscape::prepare(request, &()).expect("prepared");
        landscape.run(&zero, &store, &()).expect("sampled").computed
    };
    assert_eq!(computed(&request), 0);
    request.statistics = BatchStatistics::Batch;
    assert_eq!(computed(&request), 25);
    request.terms = vec![Regularizer::L2(f64::NAN)];
    assert!(FunctionLandscape::prepare(&request, &()).is_err());
}

#[test]
fn a_function_has_no_derivatives() {
    for words in ["hessian", "gradient", "pca"] {
        let mut request = bowl();
        request.plane.direction = words.parse().expect("a kind");
        let error = FunctionLandscape::prepare(&request, &()).expect_err("values alone");
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.help().is_some() && error.is_wrong_input());
    }
    let mut request = bowl();
    request.keep = Keep::default();
    request.dims = 0;
    assert!(FunctionLandscape::prepare(&request, &()).is_err());
}
