//! Single operators, against the outputs that ONNX's own tests have for them.

use super::array::{self, Array};
use super::external::External;
use super::run::constant;
use super::{message, read};
use crate::lower::{Kind, Lowering, Tensor};
use landscape_core::{Parameter, Rng, Role};
use landscape_files::Budget;
use landscape_trace::{Binary, Reduction, Target, Unary};
use std::collections::BTreeMap;
use std::io::Read;
use std::panic::AssertUnwindSafe;
use std::path::Path;

/// The files of each test.
type Cases = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

fn cases(path: &Path) -> Cases {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut cases = Cases::new();
    for i in 0..archive.len() {
        let mut file = archive.by_index(i).unwrap();
        let (case, name) = file
            .name()
            .split_once('/')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        let mut bytes = vec![];
        file.read_to_end(&mut bytes).unwrap();
        cases.entry(case).or_default().insert(name, bytes);
    }
    cases
}

fn arrays(case: &BTreeMap<String, Vec<u8>>, kind: &str) -> Result<Vec<Array>, String> {
    let mut all = vec![];
    while let Some(bytes) = case.get(&format!("{kind}_{}.pb", all.len())) {
        let budget = Budget::new(bytes.len() as u64);
        let tensor = message::tensor(bytes, &budget).map_err(|error| error.to_string())?;
        let array = array::read(&tensor, &External::beside(None), &budget);
        all.push(array.map_err(|error| error.to_string())?);
    }
    Ok(all)
}

/// Runs a test: nothing, or what is wrong. `hidden`: inputs of floating-point numbers are not known before they are computed with.
fn run(case: &BTreeMap<String, Vec<u8>>, hidden: bool) -> Result<(), String> {
    let bytes = &case["model.onnx"];
    let budget = Budget::new(bytes.len() as u64);
    let source = read(bytes, None, &budget).map_err(|error| format!("not read: {error}"))?;
    let (inputs, outputs) = (arrays(case, "input")?, arrays(case, "output")?);
    if source.params.iter().count() > 0 && inputs.is_empty() {
        return Err("has no inputs".into());
    }
    for number in 0..outputs.len() {
        let mut l = Lowering::new(1, None, Budget::new(1 << 24));
        let mut given = vec![];
        for array in &inputs {
            let x = constant(&mut l, array).map_err(|error| error.to_string())?;
            given.push(match hidden && x.kind == Kind::Float {
                true => Tensor { known: None, ..x },
                false => x,
            });
        }
        let mut params = vec![];
        for parameter in source.params.iter() {
            let value = l
                .builder
                .parameter(parameter.clone())
                .map_err(|error| error.to_string())?;
            params.push(Tensor::new(value, Kind::Float));
        }
        let made = source
            .graph
            .lower(&mut l, &params, &given)
            .map_err(|error| error.to_string())?;
        check(l, &made[number], &outputs[number])
            .map_err(|error| format!("output {number}: {error}"))?;
    }
    Ok(())
}

/// A sum of the finite elements with random weights, times a parameter: as it should be.
fn check(mut l: Lowering, made: &Tensor, wanted: &Array) -> Result<(), String> {
    let shape = l.shape(made);
    if shape != wanted.shape {
        return Err(format!("shape {shape:?}, not {:?}", wanted.shape));
    }
    let wanted: Vec<f64> = match &wanted.numbers {
        array::Numbers::Ints(all) => all.iter().map(|&x| x as f64).collect(),
        array::Numbers::Singles(all) => all.iter().map(|&x| f64::from(x)).collect(),
        array::Numbers::Doubles(all) => all.to_vec(),
    };
    if wanted.is_empty() {
        return Ok(());
    }
    let mut rng = Rng::new(3, 1);
    let weights: Vec<f32> = wanted.iter().map(|_| rng.normal() as f32).collect();
    let finite: Vec<f32> = wanted
        .iter()
        .map(|x| f32::from(u8::from(x.is_finite())))
        .collect();
    let terms = { wanted.iter().zip(&weights) }
        .filter(|(x, _)| x.is_finite())
        .map(|(&x, &w)| x * f64::from(w));
    let (sum, size) = terms.fold((0.0, 0.0), |(sum, size), x| (sum + x, size + x.abs()));
    let count = wanted.len();
    let error = |error: landscape_trace::TraceError| error.to_string();
    let b = &mut l.builder;
    let flat = b.reshape(made.value, &[count]).map_err(error)?;
    let (mask, weights) = (
        b.constant(&[count], finite).map_err(error)?,
        b.constant(&[count], weights).map_err(error)?,
    );
    let zero = b.constant(&[1], vec![0.0]).map_err(error)?;
    let some = b.choose(mask, flat, zero).map_err(error)?;
    let weighted = b.binary(Binary::Mul, some, weights).map_err(error)?;
    let total = b.reduce(Reduction::Sum, weighted, None).map_err(error)?;
    let one = Parameter::new("one", [1], vec![1.0], Role::Weight).unwrap();
    let one = b.parameter(one).map_err(error)?;
    let loss = b.binary(Binary::Mul, total, one).map_err(error)?;
    let loss = b.unary(Unary::Identity, loss);
    let params = b.params().map_err(error)?;
    let trace = l.builder.loss(loss, None, vec![]).map_err(error)?;
    let curvature = trace
        .curvature(&params, &Target::default())
        .map_err(error)?;
    let found = curvature.gradient().map_err(error)?.loss;
    match (found - sum).abs() <= 2e-5 * size + 1e-6 {
        true => Ok(()),
        false => Err(format!(
            "{found}, not {sum}, of {count} elements of size {size}"
        )),
    }
}

fn quiet(case: &BTreeMap<String, Vec<u8>>, hidden: bool) -> Result<(), String> {
    std::panic::catch_unwind(AssertUnwindSafe(|| run(case, hidden))).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        Err(format!("PANIC {}", words.unwrap_or_default()))
    })
}

#[test]
fn operators_compute_what_onnx_says() {
    let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/operators/nodes.zip");
    let mut failed = vec![];
    let cases = cases(&archive);
    assert!(cases.len() > 400, "{}", cases.len());
    for (name, case) in &cases {
        // What is known before the data need not be hidden: sizes, limits.
        let (hidden, known) = (quiet(case, true), quiet(case, false));
        failed.extend(known.err().map(|error| format!("{name}: {error}")));
        let wrong = hidden
            .err()
            .filter(|error| error.starts_with("PANIC") || error.starts_with("output"));
        failed.extend(wrong.map(|error| format!("{name}, hidden: {error}")));
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// All of ONNX's tests, from an archive that `tests/operators/nodes.py` writes: for those who work on operators.
#[test]
#[ignore = "needs an archive, named by LANDSCAPE_ONNX_NODES"]
fn all_operators() {
    let path = std::env::var_os("LANDSCAPE_ONNX_NODES").expect("an archive");
    let cases = cases(path.as_ref());
    let mut passed = 0;
    for (name, case) in &cases {
        let (hidden, known) = (quiet(case, true), quiet(case, false));
        match (hidden, known) {
            (Ok(()), Ok(())) => {
                println!("ok     {name}");
                passed += 1;
            }
            (Ok(()), Err(error)) => println!("hidden {name}: {error}"),
            (Err(error), Ok(())) => {
                println!("known  {name}: {error}");
                passed += 1;
            }
            (Err(error), Err(_)) => println!("FAILED {name}: {error}"),
        }
    }
    println!("{passed} of {}", cases.len());
}
