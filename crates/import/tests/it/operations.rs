//! PyTorch's operations one by one: the mean loss and the gradient of small programs, as PyTorch computes them in f64.

use landscape_core::{Direction, Objective, Params, Plane, Source};
use landscape_import::{Array, Loss, Program};
use landscape_trace::Target;
use std::io::{Cursor, Read};
use std::path::Path;

/// Operations that are not known, and what their errors say.
const MISSING: &[(&str, &str)] = &[];

struct Truth {
    loss: f64,
    gradient: Vec<f64>,
}

#[test]
fn operations_have_the_losses_and_gradients_that_pytorch_computes() {
    let wanted = std::env::var("LANDSCAPE_OPERATION").ok();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/operations.zip");
    let bytes = std::fs::read(path).expect("references");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("an archive");
    let mut text = String::new();
    let mut truth = archive.by_name("truth.json").expect("truths");
    truth.read_to_string(&mut text).expect("UTF-8");
    drop(truth);
    let truth: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let rows = truth["x"].as_array().expect("rows");
    let x: Vec<f32> = rows.iter().flat_map(numbers).map(|x| x as f32).collect();
    let x = Array::new([rows.len(), 48], x).expect("fits");
    let folder = tempfile::tempdir().expect("a folder");
    let mut failed = Vec::new();
    let cases = truth["cases"].as_object().expect("cases");
    for (name, case) in cases
        .iter()
        .filter(|(name, _)| wanted.as_ref().is_none_or(|w| w == *name))
    {
        let path = folder.path().join(format!("{name}.pt2"));
        let mut bytes = Vec::new();
        let mut part = archive.by_name(&format!("{name}.pt2")).expect("a program");
        part.read_to_end(&mut bytes).expect("whole");
        drop(part);
        std::fs::write(&path, bytes).expect("written");
        let truth = Truth {
            loss: case["loss"].as_f64().expect("a loss"),
            gradient: numbers(&case["gradient"]).collect(),
        };
        let result = std::panic::catch_unwind(|| check(&path, &x, &truth));
        let error = match result {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error),
            Err(_) => Some("it panicked".into()),
        };
        let known = MISSING.iter().find(|(missing, _)| missing == name);
        match (error, known) {
            (None, None) => {}
            (Some(error), Some((_, words))) if error.contains(words) => {}
            (Some(error), _) => failed.push(format!("{name}: {error}")),
            (None, Some(_)) => failed.push(format!("{name} is known now")),
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {}:\n{}",
        failed.len(),
        cases.len(),
        failed.join("\n")
    );
}

fn numbers(value: &serde_json::Value) -> impl Iterator<Item = f64> + '_ {
    let all = value.as_array().expect("numbers");
    all.iter().map(|x| x.as_f64().expect("a number"))
}

fn check(path: &Path, x: &Array, truth: &Truth) -> Result<(), String> {
    let program = Program::open(path).map_err(|error| error.to_string())?;
    let params = program.parameters();
    let trace = program.trace(params, &[("", x.clone())], None, Loss::Program);
    let trace = trace.map_err(|error| error.to_string())?;
    let still = Direction::from_tensors(one(params), params, Source::Custom("one".into()));
    let plane = Plane::new(params.clone(), vec![still.expect("a direction")]).expect("a plane");
    let objective = trace
        .objective(&plane, &[])
        .map_err(|error| error.to_string())?;
    let found = objective.evaluate(&[[0.0; 3]]).expect("a loss")[0].loss;
    let error = (found - truth.loss).abs() / truth.loss.abs().max(1e-1);
    if error.is_nan() || error > 1e-5 {
        return Err(format!("loss {found}, not {}", truth.loss));
    }
    // In f64: rounding does not decide which of two sides of a kink a number is on.
    let curvature = trace
        .curvature(params, &Target::default())
        .map_err(|error| error.to_string())?;
    let gradient = curvature
        .in_f64()
        .gradient()
        .map_err(|error| error.to_string())?
        .gradient;
    let largest = truth
        .gradient
        .iter()
        .fold(1e-3f64, |most, x| most.max(x.abs()));
    for (i, (found, expected)) in gradient.iter().zip(&truth.gradient).enumerate() {
        let error = (found - expected).abs() / largest;
        if error.is_nan() || error > 1e-4 {
            return Err(format!("gradient {i}: {found}, not {expected}"));
        }
    }
    Ok(())
}

/// A direction in which something moves, so that the trace takes parameters for such.
fn one(params: &Params) -> Params {
    let mut all = params.zeros_like().into_inner();
    for parameter in &mut all {
        if parameter.role != landscape_core::Role::Buffer {
            parameter.data.fill(1.0);
        }
    }
    Params::new(all).expect("the same layout")
}
