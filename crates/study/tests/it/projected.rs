//! Trainings whose updates are projected on the leading eigenspace, or across it.

use landscape_core::Params;
use landscape_hessian::{Lanczos, LanczosParams, Subspace, try_from_fn};
use landscape_models::{LossKind, Split, TrainConfig, load};
use landscape_storage::Store;
use landscape_study::problem::Model;
use landscape_study::runs::{TrainRequest, TrainedRun, Training};
use landscape_trace::Target;

const MODEL: &str = "mlp:2-8-5-1";
const DATA: &str = "moons:n=60";

fn request(project: Option<&str>, epochs: usize) -> TrainRequest {
    let mut request = TrainRequest::new(MODEL.parse().unwrap());
    request.data.data = Some(DATA.parse().unwrap());
    request.config = TrainConfig {
        epochs,
        batch: TrainConfig::FULL_BATCH,
        lr: 0.5,
        every: 1,
        ..TrainConfig::default()
    };
    request.projected = project.map(|words| words.parse().unwrap());
    request
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("landscape.duckdb")).unwrap();
    (folder, store)
}

fn trained(store: &Store, project: Option<&str>, epochs: usize) -> (TrainedRun, Vec<Params>) {
    let training = Training::prepare(&request(project, epochs), &()).unwrap();
    let run = training.run(store, &()).unwrap();
    let steps = store.checkpoint_steps(&run.run).unwrap().into_iter();
    let params = steps.map(|step| store.checkpoint(&run.run, step).unwrap().unwrap().params);
    let params = params.collect();
    (run, params)
}

fn way(from: &Params, to: &Params) -> Vec<f64> {
    let moved = to.sub(from).unwrap();
    moved.flatten().into_iter().map(f64::from).collect()
}

/// One step of gradient descent is the sum of its dominant and its bulk part, which are the projections of the gradient by an
/// eigenspace that is found in f64.
#[test]
fn a_step_is_the_projected_gradient() {
    let (_folder, store) = store();
    let path = |project| trained(&store, project, 1).1;
    let (plain, dominant, bulk) = (path(None), path(Some("dominant:2")), path(Some("bulk:2")));
    let start = &plain[0];
    assert_eq!((start, start), (&dominant[0], &bulk[0]));
    let model = Model::open(&MODEL.parse().unwrap(), &()).unwrap();
    let data = load(&DATA.parse().unwrap(), None, Split::Train, None).unwrap();
    let trace = model
        .trace(start, &data, LossKind::BceWithLogits, &[])
        .unwrap();
    let curvature = trace.curvature(start, &Target::default()).unwrap().in_f64();
    let params = LanczosParams {
        top: 2,
        tolerance: 1e-9,
        ..LanczosParams::default()
    };
    let hessian = try_from_fn(curvature.dim(), |block: &[Vec<f64>]| {
        let products = curvature.hessian(block);
        products.map_err(landscape_hessian::OperatorError::new)
    });
    let top = Lanczos::new(params).unwrap().solve(&hessian).unwrap().top;
    let vectors: Vec<Vec<f64>> = top.into_iter().map(|pair| pair.vector).collect();
    let space = Subspace::of(&vectors);
    let gradient = curvature.gradient().unwrap().gradient;
    let step: Vec<f64> = gradient.iter().map(|g| -0.5 * g).collect();
    let size = step.iter().map(|x| x * x).sum::<f64>().sqrt();
    let close = |got: &[f64], want: &[f64], tolerance: f64| {
        let gap = got.iter().zip(want).map(|(a, b)| (a - b).powi(2));
        let gap = gap.sum::<f64>().sqrt();
        assert!(gap < tolerance * size, "{gap} of {size}");
    };
    close(&way(start, &plain[1]), &step, 1e-5);
    // Eigenvectors in training have residuals of 1%.
    close(&way(start, &dominant[1]), &space.project(&step), 2e-2);
    close(&way(start, &bulk[1]), &space.reject(&step), 2e-2);
    let both = way(start, &dominant[1])
        .into_iter()
        .zip(way(start, &bulk[1]));
    let sum: Vec<f64> = both.map(|(a, b)| a + b).collect();
    close(&sum, &step, 1e-5);
}

#[test]
fn projected_trainings_are_runs_of_their_own() {
    let (_folder, store) = store();
    let (plain, _) = trained(&store, None, 3);
    let (bulk, path) = trained(&store, Some("bulk:2"), 3);
    assert_ne!(plain.run.identity, bulk.run.identity);
    assert_eq!(bulk.run.settings["projected"], "bulk:2");
    let (again, _) = trained(&store, Some("bulk:2"), 3);
    assert_eq!(again.run.identity, bulk.run.identity);
    assert_eq!(path.len(), 4);
    let loss = |run: &TrainedRun| run.records.last().unwrap().loss.unwrap();
    assert!(loss(&bulk) < bulk.records[0].loss.unwrap());
    assert_ne!(loss(&bulk), loss(&plain));
}

#[test]
fn spaces_that_there_are_not_are_told() {
    let fails = |words: &str| {
        let read = words.parse::<landscape_study::runs::ProjectedUpdates>();
        read.unwrap_err().to_string()
    };
    for words in ["bulk", "bulk:0", "all:3", "dominant:x", ""] {
        assert!(
            fails(words).contains("give dominant:K or bulk:K"),
            "{words}"
        );
    }
    let refused = Training::prepare(&request(Some("bulk:1000"), 1), &());
    let told = refused.err().expect("refused").to_string();
    assert!(told.contains("1000"), "{told}");
}
