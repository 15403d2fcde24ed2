//! Numbers that have to agree, computed in several ways on this machine.

use crate::StudyError;
use crate::check::Check;
use crate::device::{DeviceName, Evaluation};
use crate::directions::Derivatives;
use crate::problem::{DataRequest, NetworkRequest, Problem};
use crate::report::Reporter;
use crate::words::{Align, Table};
use landscape_core::json::float_option;
use landscape_core::{
    BiasMode, Direction, Distribution, Normalization, Objective, Plane, Point, short,
};
use landscape_models::evaluate;
use landscape_trace::{Level, PlaneObjective, Target, Trace};
use serde::{Serialize, Serializer};
use std::fmt;

/// A smooth network: second differences do not cross kinks.
const MODEL: &str = "mlp:784-20-10:tanh";
const SEED: u64 = 42;

/// How far losses of f32 may be apart, as a share.
const ROUNDING: f64 = 1e-4;
/// How far second differences and products may be apart, as a share.
const DIFFERENCES: f64 = 1e-3;
/// The step of second differences along a filter-normalised direction.
const STEP: f64 = 0.1;

/// What was checked on this machine. As JSON it is what `landscape doctor --json` prints.
///
/// ```
/// use landscape_study::device::Evaluation;
/// use landscape_study::doctor::Checkup;
///
/// let found = Checkup::of(&Evaluation::default(), &())?;
/// assert!(found.ok, "{found}");
/// # Ok::<(), landscape_study::StudyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checkup {
    /// Whether all checks hold.
    pub ok: bool,
    /// The checks, in their order.
    #[serde(serialize_with = "with_ok")]
    pub checks: Vec<Check>,
}

/// The checks with `ok` in the place of what holds: of a machine nothing is left open.
fn with_ok<S: Serializer>(checks: &[Check], to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Row<'a> {
        check: &'a str,
        found: &'a str,
        #[serde(with = "float_option")]
        difference: Option<f64>,
        #[serde(with = "float_option")]
        allowed: Option<f64>,
        ok: bool,
    }
    to.collect_seq(checks.iter().map(|check| Row {
        check: &check.name,
        found: &check.found,
        difference: check.difference,
        allowed: check.allowed,
        ok: is_ok(check),
    }))
}

fn is_ok(check: &Check) -> bool {
    check.holds == Some(true)
}

fn said(name: &str, found: impl ToString) -> Check {
    Check::fact(name, found.to_string(), Some(true))
}

/// Two numbers that have to agree, their difference as a share of the second.
fn compare(name: impl Into<String>, a: f64, b: f64, allowed: f64) -> Check {
    let apart = (a - b).abs() / b.abs().max(f64::MIN_POSITIVE);
    let found = format!("{} and {}", short(a), short(b));
    Check::compare(name, found, apart, allowed)
}

impl Checkup {
    /// Evaluates a small network on embedded data in several ways that have to agree: on each of the devices and on flex,
    /// and by second differences and exact derivatives on the first.
    ///
    /// # Errors
    /// A device that is not there; that numbers differ is none.
    pub fn of(evaluation: &Evaluation, reporter: &dyn Reporter) -> Result<Self, StudyError> {
        let targets = evaluation.targets()?;
        let problem = problem(reporter)?;
        let plane = plane(&problem)?;
        let trace = problem.trace(&[])?;
        let summary = trace.summary();
        let mut checks = vec![
            said("kernels", Level::detect()),
            said("runs", summary.headline()),
        ];
        let warnings = summary.warnings().into_iter();
        checks.extend(warnings.map(|warning| said("warning", warning)));
        let first = trace.objective(&plane, &targets[..1])?;
        checks.push(center(&problem, &first)?);
        let names = &evaluation.devices;
        checks.extend(devices(names, &trace, &plane, &first, &targets)?);
        for axis in 0..2 {
            checks.push(curvature(&problem, &plane, &first, &targets[0], axis)?);
        }
        Ok(Checkup {
            ok: checks.iter().all(is_ok),
            checks,
        })
    }

    /// The names of the checks that do not hold.
    pub fn failed(&self) -> Vec<&str> {
        let failed = self.checks.iter().filter(|check| !is_ok(check));
        failed.map(|check| check.name.as_str()).collect()
    }
}

impl fmt::Display for Checkup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Table::new([
            ("CHECK", Align::Left),
            ("FOUND", Align::Left),
            ("APART", Align::Right),
            ("ALLOWED", Align::Right),
            ("OK", Align::Left),
        ])
        .with(self.checks.iter().map(Check::cells))
        .fmt(f)
    }
}

/// The network with its initial parameters, and the embedded data.
fn problem(reporter: &dyn Reporter) -> Result<Problem, StudyError> {
    let network = NetworkRequest {
        model: Some(MODEL.parse()?),
        ..NetworkRequest::default()
    };
    let data = DataRequest {
        data: Some("mnist-1k:pixels=standard".parse()?),
        ..DataRequest::default()
    };
    Problem::load(&network, &data, SEED, None, reporter)
}

fn plane(problem: &Problem) -> Result<Plane, StudyError> {
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
fn center(problem: &Problem, objective: &PlaneObjective) -> Result<Check, StudyError> {
    let plain = evaluate(&problem.network()?, &problem.data, problem.loss.kind)?;
    let center = objective.evaluate(&[[0.0; 3]])?[0].loss;
    Ok(compare(
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
    names: &[DeviceName],
    trace: &Trace,
    plane: &Plane,
    first: &PlaneObjective,
    targets: &[Target],
) -> Result<Vec<Check>, StudyError> {
    let flex = Target::Device {
        device: burn::tensor::Device::flex(),
        batch: 0,
    };
    let others = names.iter().copied().zip(targets.iter().cloned()).skip(1);
    let mut others: Vec<(DeviceName, Target)> = others.collect();
    if !names.contains(&DeviceName::Flex) {
        others.push((DeviceName::Flex, flex));
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
        let words = format!("{name} equals {}", names[0]);
        checks.push(compare(words, a, b, ROUNDING));
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
) -> Result<Check, StudyError> {
    let second = |step: f64| -> Result<f64, StudyError> {
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
    Ok(compare(
        format!(
            "second differences along direction {} equal d^T H d",
            axis + 1
        ),
        difference,
        form,
        DIFFERENCES,
    ))
}
