//! The networks of `tests/reference`: losses, gradients and Hessian products as PyTorch computes them in f64.

use landscape_core::{Direction, Objective, Params, Plane, Role, Source};
use landscape_files::{Npy, Npz};
use landscape_import::{Array, Loss, Program};
use landscape_trace::{Target, Trace};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

/// A network of the references.
pub struct Reference {
    name: String,
    folder: tempfile::TempDir,
    loss: Loss,
    parameters: Vec<String>,
    pub formats: Vec<String>,
    inputs: Vec<(String, Array)>,
    targets: Option<Array>,
    scales: Vec<f64>,
    losses: Vec<f64>,
    standard_errors: Vec<f64>,
    gradient_dots: Vec<f64>,
    hessian_dots: Vec<f64>,
}

/// Numbers in [-1, 1) of 16 bits, from a seed and the number of a tensor, as `uniform` of `export.py`.
fn uniform(seed: u64, tensor: u64, count: usize) -> impl Iterator<Item = f64> {
    (0..count as u64).map(move |i| {
        const MASK: u64 = 0xFFFF_FFFF;
        let mut h = i
            .wrapping_mul(2_654_435_761)
            .wrapping_add(tensor * 40503 + seed * 97)
            & MASK;
        for (shift, factor) in [(16, 0x85EB_CA6B), (13, 0xC2B2_AE35u64)] {
            h = (h ^ (h >> shift)).wrapping_mul(factor) & MASK;
        }
        h = (h ^ (h >> 16)) & 0xFFFF;
        h as f64 / 32768.0 - 1.0
    })
}

/// Two names of one tensor, of which a format may have either.
fn tied(name: &str, other: &str) -> bool {
    (name, other) == ("tokens.weight", "head.weight")
}

/// Other references are in the folder that `LANDSCAPE_REFERENCES` names.
fn folder() -> PathBuf {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
    std::env::var_os("LANDSCAPE_REFERENCES").map_or_else(own, PathBuf::from)
}

/// The files of an archive, in a folder.
pub fn unpacked(archive: &Path) -> tempfile::TempDir {
    let bytes = std::fs::read(archive).expect("an archive");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("an archive");
    let folder = tempfile::tempdir().expect("a folder");
    for i in 0..archive.len() {
        let mut part = archive.by_index(i).expect("a part");
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).expect("whole");
        std::fs::write(folder.path().join(part.name()), bytes).expect("written");
    }
    folder
}

/// All names of networks; those that were exported for one sample are in `one`.
pub fn names() -> Vec<String> {
    let zips = |folder: PathBuf, prefix: &str| -> Vec<String> {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        let paths = entries.map(|entry| entry.expect("readable").path());
        let zips = paths.filter(|path| path.extension().is_some_and(|e| e == "zip"));
        let name = |path: PathBuf| {
            let stem = path.file_stem().expect("a name").to_string_lossy();
            format!("{prefix}{stem}")
        };
        zips.map(name).collect()
    };
    let mut names = zips(folder(), "");
    names.retain(|name| name != "operations");
    names.extend(zips(folder().join("one"), "one/"));
    assert!(!names.is_empty(), "no references");
    names.sort();
    names
}

impl Reference {
    pub fn open(name: &str) -> Self {
        let folder = unpacked(&folder().join(format!("{name}.zip")));
        let about = std::fs::read_to_string(folder.path().join("about.json")).expect("about.json");
        let about: serde_json::Value = serde_json::from_str(&about).expect("JSON");
        let loss = match about["loss"].as_str().expect("a loss") {
            "cross-entropy" => Loss::CrossEntropy,
            "mse" => Loss::Mse,
            "program" => Loss::Program,
            other => panic!("loss {other}"),
        };
        let texts = |value: &serde_json::Value| -> Vec<String> {
            let all = value.as_array().expect("a list");
            all.iter()
                .map(|v| v.as_str().expect("a text").to_owned())
                .collect()
        };
        let formats = about["formats"]
            .as_object()
            .expect("formats")
            .keys()
            .cloned()
            .collect();
        let mut truth = Npz::open(&folder.path().join("truth.npz")).expect("truths");
        let mut inputs = Vec::new();
        while let Some(array) = array(&mut truth, &format!("input_{}", inputs.len())) {
            inputs.push((String::new(), array));
        }
        let targets = array(&mut truth, "targets");
        let mut numbers = |name: &str| values(&mut truth, name);
        Self {
            name: name.to_owned(),
            loss,
            parameters: texts(&about["parameters"]),
            formats,
            inputs,
            targets,
            scales: numbers("scales"),
            losses: numbers("losses"),
            standard_errors: numbers("standard_errors"),
            gradient_dots: numbers("gradient_dots"),
            hessian_dots: numbers("hessian_dots"),
            folder,
        }
    }

    pub fn program(&self, format: &str) -> Program {
        let path = self.folder.path().join(format);
        Program::open(&path).unwrap_or_else(|error| panic!("{} {format}: {error}", self.name))
    }

    /// Whether an ONNX model has the tensors of the state dict, and not others that an exporter made of them.
    pub fn names_kept(&self, format: &str) -> bool {
        let about = std::fs::read_to_string(self.folder.path().join("about.json"));
        let about: serde_json::Value =
            serde_json::from_str(&about.expect("about.json")).expect("JSON");
        about["formats"][format]["names_kept"] == true
    }

    /// The loss at the weights alone, for tensors that are not those of the state dict.
    pub fn check_loss(&self, program: &Program, trace: &Trace, what: &str) {
        let curvature = trace
            .curvature(program.parameters(), &Target::default())
            .expect("derivatives");
        let found = curvature.gradient().expect("a gradient").loss;
        let expected = self.losses[0];
        let error = (found - expected).abs() / expected.abs().max(1e-3);
        assert!(
            error < 1e-5,
            "{} {what}: loss {found}, not {expected}: {error:.1e}",
            self.name
        );
    }

    pub fn trace(&self, program: &Program) -> Trace {
        let inputs: Vec<(&str, Array)> = self
            .inputs
            .iter()
            .map(|(n, a)| (n.as_str(), a.clone()))
            .collect();
        let made = program.trace(
            program.parameters(),
            &inputs,
            self.targets.as_ref(),
            self.loss,
        );
        made.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// A direction in the layout of the program's parameters.
    fn vector(&self, params: &Params, seed: u64) -> Params {
        let mut vector = params.zeros_like().into_inner();
        for parameter in vector.iter_mut().filter(|p| p.role != Role::Buffer) {
            let place = self
                .parameters
                .iter()
                .position(|name| *name == parameter.name || tied(name, &parameter.name));
            let place =
                place.unwrap_or_else(|| panic!("{}: no parameter {}", self.name, parameter.name));
            let numbers = uniform(seed, place as u64, parameter.data.len());
            parameter.data = numbers.map(|x| (x * self.scales[place]) as f32).collect();
        }
        Params::new(vector).expect("the same layout")
    }

    /// Losses at three points and their standard errors.
    pub fn check_losses(&self, program: &Program, trace: &Trace, what: &str) {
        let params = program.parameters();
        let directions = [1, 2].map(|seed| {
            let source = Source::Custom("reference".into());
            Direction::from_tensors(self.vector(params, seed), params, source).expect("a direction")
        });
        let plane = Plane::new(params.clone(), directions.to_vec()).expect("a plane");
        let objective = trace.objective(&plane, &[]).expect("an objective");
        let points = [[0.0; 3], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        let found = objective.evaluate(&points).expect("losses");
        for (i, found) in found.iter().enumerate() {
            let expected = self.losses[i];
            let error = (found.loss - expected).abs() / expected.abs().max(1e-3);
            assert!(
                error < 1e-5,
                "{} {what}: loss {i} is {}, not {expected}: {error:.1e}",
                self.name,
                found.loss
            );
            let expected = self.standard_errors[i];
            match found.loss_se {
                Some(se) => {
                    let error = (se - expected).abs() / expected.abs().max(1e-3);
                    assert!(
                        error < 1e-3,
                        "{} {what}: standard error {i} is {se}, not {expected}",
                        self.name
                    );
                }
                None => assert!(
                    expected.is_nan() || trace.mixes_samples().is_some(),
                    "{} {what}: no standard error",
                    self.name
                ),
            }
        }
    }

    /// Dot products of the gradient and of a Hessian product, parameter by parameter.
    pub fn check_derivatives(&self, program: &Program, trace: &Trace, what: &str) {
        let params = program.parameters();
        let curvature = trace
            .curvature(params, &Target::default())
            .expect("derivatives");
        let flat = |seed: u64| -> Vec<f64> {
            self.vector(params, seed)
                .flatten()
                .iter()
                .map(|&x| f64::from(x))
                .collect()
        };
        let (along, against) = (flat(3), flat(4));
        let gradient = curvature.gradient().expect("a gradient").gradient;
        let product = curvature.hessian(&[along]).expect("a product").remove(0);
        for (found, expected, name) in [
            (&gradient, &self.gradient_dots, "gradient"),
            (&product, &self.hessian_dots, "Hessian product"),
        ] {
            let largest = expected.iter().fold(0.0f64, |most, x| most.max(x.abs()));
            for block in curvature.blocks() {
                let own = block.range.clone();
                let dot: f64 = found[own.clone()]
                    .iter()
                    .zip(&against[own])
                    .map(|(a, b)| a * b)
                    .sum();
                let place = self
                    .parameters
                    .iter()
                    .position(|n| *n == block.name || tied(n, &block.name))
                    .expect("known");
                let error = (dot - expected[place]).abs() / largest;
                assert!(
                    error < 1e-4,
                    "{} {what}: {name} of {}: {dot}, not {}: {error:.1e} of {largest}",
                    self.name,
                    block.name,
                    expected[place]
                );
            }
        }
    }
}

pub fn array(truth: &mut Npz<impl Read + std::io::Seek>, name: &str) -> Option<Array> {
    let npy = truth.array(name).expect("readable")?;
    let shape = npy.shape().to_vec();
    Some(Array::new(shape, npy.values::<f32>().expect("numbers")).expect("fits"))
}

fn values(truth: &mut Npz<impl Read + std::io::Seek>, name: &str) -> Vec<f64> {
    let npy: Npy<'_, _> = truth.array(name).expect("readable").expect("there");
    npy.values().expect("numbers")
}
