//! Numbers that have to agree, computed in several ways on this machine.

use crate::args::DoctorArgs;
use crate::error::CliError;
use crate::output::{Align, Console, Table, number, short};
use landscape_core::{BiasMode, Direction, Distribution, Normalization, Objective, Plane, Point};
use landscape_models::evaluate;
use landscape_study::directions::Derivatives;
use landscape_study::problem::{DataRequest, NetworkRequest, Problem};
use landscape_trace::{Level, PlaneObjective, Target, Trace};
use serde_json::{Value, json};

/// A smooth network: second differences do not cross kinks.
const MODEL: &str = "mlp:784-20-10:tanh";
const SEED: u64 = 42;

/// How far losses of f32 may be apart, as a share.
const ROUNDING: f64 = 1e-4;
/// How far second differences and products may be apart, as a share.
const DIFFERENCES: f64 = 1e-3;
/// The step of second differences along a filter-normalised direction.
const STEP: f64 = 0.1;

/// Something that was checked.
struct Check {
    name: String,
    found: String,
    /// How far two numbers are apart, and how far they may be.
    apart: Option<(f64, f64)>,
}

impl Check {
    fn compare(name: impl Into<String>, a: f64, b: f64, allowed: f64) -> Self {
        let apart = (a - b).abs() / b.abs().max(f64::MIN_POSITIVE);
        Check {
            name: name.into(),
            found: format!("{} and {}", short(a), short(b)),
            apart: Some((apart, allowed)),
        }
    }

    fn holds(&self) -> bool {
        // NaN does not hold.
        self.apart.is_none_or(|(apart, allowed)| apart <= allowed)
    }

    fn json(&self) -> Value {
        json!({
            "check": self.name,
            "found": self.found,
            "difference": number(self.apart.map(|(apart, _)| apart)),
            "allowed": number(self.apart.map(|(_, allowed)| allowed)),
            "ok": self.holds(),
        })
    }

    fn cells(&self) -> [String; 5] {
        let share = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.1e}"));
        [
            self.name.clone(),
            self.found.clone(),
            share(self.apart.map(|(apart, _)| apart)),
            share(self.apart.map(|(_, allowed)| allowed)),
            if self.holds() { "yes" } else { "NO" }.to_owned(),
        ]
    }
}

/// Checks, and says what does not hold.
pub fn doctor(args: &DoctorArgs, console: &Console) -> Result<(), CliError> {
    let targets = args.eval.request().targets()?;
    let problem = problem(console)?;
    let plane = plane(&problem)?;
    let trace = problem.trace(&[])?;
    let said = |name: &str, found: String| Check {
        name: name.to_owned(),
        found,
        apart: None,
    };
    let summary = trace.summary();
    let mut checks = vec![
        said("kernels", Level::detect().to_string()),
        said("runs", summary.headline()),
    ];
    checks.extend({ summary.warnings().into_iter() }.map(|warning| said("warning", warning)));
    let first = trace.objective(&plane, &targets[..1])?;
    checks.push(center(&problem, &first)?);
    checks.extend(devices(args, &trace, &plane, &first, &targets)?);
    for axis in 0..2 {
        checks.push(curvature(&problem, &plane, &first, &targets[0], axis)?);
    }
    report(&checks, console)
}

fn report(checks: &[Check], console: &Console) -> Result<(), CliError> {
    let failed: Vec<String> = { checks.iter() }
        .filter(|check| !check.holds())
        .map(|check| check.name.clone())
        .collect();
    console.result(
        || {
            let all: Vec<Value> = checks.iter().map(Check::json).collect();
            json!({"ok": failed.is_empty(), "checks": all})
        },
        || {
            let mut table = Table::new([
                ("CHECK", Align::Left),
                ("FOUND", Align::Left),
                ("APART", Align::Right),
                ("ALLOWED", Align::Right),
                ("OK", Align::Left),
            ]);
            checks.iter().for_each(|check| table.row(check.cells()));
            table.text()
        },
    )?;
    match failed.is_empty() {
        true => Ok(()),
        false => Err(CliError::Unsound {
            what: failed.join(", "),
        }),
    }
}

/// The network with its initial parameters, and the embedded data.
fn problem(console: &Console) -> Result<Problem, CliError> {
    let network = NetworkRequest {
        model: Some(MODEL.parse()?),
        ..NetworkRequest::default()
    };
    let data = DataRequest {
        data: Some("mnist-1k:pixels=standard".parse()?),
        ..DataRequest::default()
    };
    Ok(Problem::load(&network, &data, SEED, None, console)?)
}

fn plane(problem: &Problem) -> Result<Plane, CliError> {
    let draw = |stream: u64| {
        Direction::random(&problem.params, Distribution::Gaussian, SEED, stream).normalize(
            &problem.params,
            Normalization::Filter,
            BiasMode::Zero,
        )
    };
    let directions = vec![draw(0)?, draw(1)?];
    Ok(Plane::new(problem.params.clone(), directions)?)
}

/// The centre of the plane is the plain loss of the network.
fn center(problem: &Problem, objective: &PlaneObjective) -> Result<Check, CliError> {
    let plain = evaluate(&problem.network()?, &problem.data, problem.loss.kind)?;
    let center = objective.evaluate(&[[0.0; 3]])?[0].loss;
    Ok(Check::compare(
        "centre equals the plain loss",
        center,
        plain.loss,
        ROUNDING,
    ))
}

/// Points of a coarse grid.
fn points() -> Vec<Point> {
    let ends = [-1.0, 0.0, 1.0];
    let row = |a: f64| ends.map(|b| [a, b, 0.0]);
    ends.into_iter().flat_map(row).collect()
}

/// The other devices, and flex always, give the losses of the first.
fn devices(
    args: &DoctorArgs,
    trace: &Trace,
    plane: &Plane,
    first: &PlaneObjective,
    targets: &[Target],
) -> Result<Vec<Check>, CliError> {
    let flex = Target::Device {
        device: burn::tensor::Device::flex(),
        batch: 0,
    };
    let names = args.eval.device.iter().map(ToString::to_string);
    let mut others: Vec<(String, Target)> = names.zip(targets.iter().cloned()).skip(1).collect();
    if args
        .eval
        .device
        .iter()
        .all(|name| name.to_string() != "flex")
    {
        others.push(("flex".to_owned(), flex));
    }
    let points = points();
    let expected = first.evaluate(&points)?;
    let mut checks = Vec::new();
    for (name, target) in others {
        let found = trace.objective(plane, &[target])?.evaluate(&points)?;
        let apart = |i: &usize| (found[*i].loss - expected[*i].loss).abs() / expected[*i].loss;
        let worst = (0..points.len()).max_by(|a, b| apart(a).total_cmp(&apart(b)));
        let worst = worst.unwrap_or(0);
        let (a, b) = (found[worst].loss, expected[worst].loss);
        let words = format!("{name} equals {}", args.eval.device[0]);
        checks.push(Check::compare(words, a, b, ROUNDING));
    }
    Ok(checks)
}

/// The second difference of the loss along a direction, extrapolated to step 0, is `d^T H d`.
fn curvature(
    problem: &Problem,
    plane: &Plane,
    objective: &PlaneObjective,
    target: &Target,
    axis: usize,
) -> Result<Check, CliError> {
    let second = |step: f64| -> Result<f64, CliError> {
        let at = |x: f64| {
            let mut point = [0.0; 3];
            point[axis] = x;
            point
        };
        let losses = objective.evaluate(&[at(-step), at(0.0), at(step)])?;
        Ok((losses[0].loss - 2.0 * losses[1].loss + losses[2].loss) / (step * step))
    };
    let difference = (4.0 * second(0.5 * STEP)? - second(STEP)?) / 3.0;
    let derivatives = Derivatives::new(problem, target, false)?;
    let direction = plane.directions()[axis].tensors.flatten();
    let direction: Vec<f64> = direction.into_iter().map(f64::from).collect();
    let product = derivatives
        .curvature()
        .hessian(std::slice::from_ref(&direction))?;
    let form: f64 = direction.iter().zip(&product[0]).map(|(d, h)| d * h).sum();
    Ok(Check::compare(
        format!(
            "second differences along direction {} equal d^T H d",
            axis + 1
        ),
        difference,
        form,
        DIFFERENCES,
    ))
}
