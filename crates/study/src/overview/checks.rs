//! Is it right: numbers that were found in two ways, and what is known of how good they are.

use super::siblings::Siblings;
use super::subject::{Subject, Whereabouts};
use crate::check::Check;
use crate::figures::RunContents;
use crate::record::{LandscapeSettings, Settings};
use crate::words::percent;
use landscape_core::json::float_option;
use landscape_core::{
    Direction, Normalization, Sample, Source, Surface, TrajectoryPoint, Value, counted, short,
};
use landscape_storage::{ALL_PARAMETERS, Curvature, RunKind, Side, Status};
use serde::Serialize;

/// How far two losses of the same parameters may be apart, as a share: sums in f32, in bf16, and of parameters that were
/// stored in 16 bits.
const F32: f64 = 1e-4;
const BF16: f64 = 5e-2;
const STORED_F16: f64 = 1e-2;
/// Losses below this are compared as if they were this large: f32 does not resolve them.
const SMALL: f64 = 1e-6;
/// How far a second difference over a grid may be from an eigenvalue, as a share, where those of one and of two steps agree;
/// otherwise as far as these are apart, up to where they say nothing.
const SECOND_DIFFERENCE: f64 = 0.02;
const TOO_COARSE: f64 = 0.5;
/// Samples that may be classified otherwise by rounding.
const FLIPPED: f64 = 2.0;

/// Two values of a loss, the second of which is the one that is known from elsewhere.
fn losses(name: &str, found: String, (a, b): (f64, f64), allowed: f64) -> Check {
    let difference = match a == b {
        true => 0.0,
        false => (a - b).abs() / b.abs().max(SMALL),
    };
    Check::compare(name, found, difference, allowed)
}

/// The loss of the network itself, known without any plane.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OwnLoss {
    /// The loss.
    #[serde(with = "landscape_core::json::float")]
    pub loss: f64,
    /// The accuracy, in [0, 1].
    #[serde(with = "float_option")]
    pub accuracy: Option<f64>,
    /// Where it is from, in words.
    pub source: String,
}

impl OwnLoss {
    /// What the training recorded of these parameters, or what curvature was computed with.
    pub(super) fn of(subject: &Subject, siblings: &Siblings) -> Option<Self> {
        let recorded = subject.record.as_ref().and_then(|(run, record)| {
            let source = format!(
                "recorded by the training `{}` at step {}",
                run.name, record.step
            );
            Some(OwnLoss {
                loss: record.loss?,
                accuracy: record.accuracy,
                source,
            })
        });
        let curvature = || {
            let run = siblings.curvature.as_ref()?;
            let point = run.curvature.last()?;
            Some(OwnLoss {
                loss: point.loss?,
                accuracy: None,
                source: format!("measured by the curvature `{}`", run.run.name),
            })
        };
        recorded.or_else(curvature)
    }
}

/// Everything that is checked of a run.
pub(super) fn checks(
    own: &RunContents,
    subject: Option<(&Subject, &Whereabouts)>,
    siblings: &Siblings,
    loss: Option<&OwnLoss>,
) -> Vec<Check> {
    let mut all = vec![complete(own)];
    all.extend(own.surface.as_ref().map(points));
    if let Some((subject, whereabouts)) = subject {
        all.push(place(whereabouts));
        all.extend(origin(own, subject, siblings, loss));
    }
    all.extend(own.paths.iter().filter_map(|named| {
        let name = format!(
            "end of the path `{}`: its loss and that of the plane",
            named.label
        );
        end_of_path(name, named.trajectory.points.as_slice())
    }));
    if let Some(curvature) = &siblings.curvature {
        all.extend(convergence(curvature));
        let plane = siblings.eigenplane.as_ref();
        all.extend(
            plane
                .map(|plane| along_eigenvectors(plane, curvature))
                .into_iter()
                .flatten(),
        );
    }
    all
}

fn complete(own: &RunContents) -> Check {
    let status = own.run.status;
    Check::fact(
        "everything is computed",
        status.name(),
        Some(status == Status::Complete),
    )
}

/// Whether all points of a landscape are known and finite.
fn points(surface: &Surface) -> Check {
    let (all, missing) = (surface.grid().len(), surface.missing());
    let (lost, guessed) = (surface.non_finite(), surface.interpolated());
    let mut found = vec![counted(all - missing, "point") + " known"];
    for (count, what) in [
        (guessed, "interpolated"),
        (missing, "missing"),
        (lost, "NaN or infinite"),
    ] {
        if count > 0 {
            found.push(format!("{count} {what}"));
        }
    }
    let holds = missing == 0 && lost == 0;
    Check::fact(
        "every point has a finite loss",
        found.join(", "),
        Some(holds),
    )
}

/// Whether the network is where it was.
fn place(whereabouts: &Whereabouts) -> Check {
    let (found, holds) = match whereabouts {
        Whereabouts::There(words) => (words, Some(true)),
        Whereabouts::Moved(words) => (words, Some(false)),
        Whereabouts::Unknown(words) => (words, None),
    };
    Check::fact("the network is still where it was read", found, holds)
}

/// The loss and the accuracy at the origin of a plane, against those of the network itself.
fn origin(
    own: &RunContents,
    subject: &Subject,
    siblings: &Siblings,
    loss: Option<&OwnLoss>,
) -> Vec<Check> {
    const LOSS: &str = "loss at the origin is the network's own";
    let is_landscape = matches!(
        own.run.kind,
        RunKind::Line | RunKind::Surface | RunKind::Volume
    );
    let others = siblings.random.iter().chain(&siblings.eigenplane);
    let mut planes = std::iter::once(own).filter(|_| is_landscape).chain(others);
    let Some(plane) = planes.find(|run| run.surface.is_some()) else {
        return vec![Check::fact(
            LOSS,
            "no plane around the network is stored",
            None,
        )];
    };
    let Some(loss) = loss else {
        let found = "no loss of the network itself is stored";
        return vec![Check::fact(LOSS, found, None)];
    };
    let name = &plane.run.name;
    let Some(at) = plane.surface.as_ref().and_then(measured_origin) else {
        let found = format!("0 is not a measured point of `{name}`");
        return vec![Check::fact(LOSS, found, None)];
    };
    if let Some(why) = other_statistics(&plane.settings) {
        return vec![Check::fact(LOSS, why, None)];
    }
    let allowed = tolerance(&plane.settings, subject);
    let words = |a: String, b: String| format!("{a} in `{name}`, {b} {}", loss.source);
    let both = words(short(at.loss), short(loss.loss));
    let mut all = vec![losses(LOSS, both, (at.loss, loss.loss), allowed)];
    if let Some((a, b)) = at.accuracy.zip(loss.accuracy) {
        let samples = subject.problem.data.as_ref().map_or(0, |data| data.samples);
        let name = "accuracy at the origin is the network's own".to_owned();
        // Sums of rounding, so that two samples of any number may differ.
        let allowed = FLIPPED / samples.max(1) as f64 + f64::EPSILON;
        let both = words(percent(a), percent(b));
        all.push(Check::compare(name, both, (a - b).abs(), allowed));
    }
    all
}

/// The sample at 0, where that is a point of the grid and measured.
fn measured_origin(surface: &Surface) -> Option<&Sample> {
    let center = surface.grid().center()?;
    surface.get(center).filter(|_| surface.is_measured(center))
}

/// Why losses need not agree.
fn other_statistics(settings: &Settings) -> Option<String> {
    let Settings::Landscape(LandscapeSettings { statistics, .. }) = settings else {
        return None;
    };
    let mode = statistics.batch_norm.as_deref()?;
    (mode != "frozen").then(|| {
        format!("statistics of BatchNorm are taken anew at each point (`{mode}`), so that losses need not agree")
    })
}

fn tolerance(settings: &Settings, subject: &Subject) -> f64 {
    let rounded = |settings: &Settings| match settings {
        Settings::Training(training) => training.checkpoints.is_some(),
        _ => false,
    };
    let trained = subject.record.as_ref();
    match settings.problem().precision.as_deref() {
        Some("bf16") => BF16,
        _ if trained.is_some_and(|(run, _)| rounded(&Settings::of(run))) => STORED_F16,
        _ => F32,
    }
}

/// The last checkpoint of a path lies on its plane where the plane goes through it, and has its loss there.
fn end_of_path(name: String, points: &[TrajectoryPoint]) -> Option<Check> {
    let last = points.last()?;
    let reach = |point: &TrajectoryPoint| point.coords.iter().map(|c| c * c).sum::<f64>().sqrt();
    let longest = points.iter().map(reach).fold(0.0, f64::max);
    let (own, plane) = last.loss.zip(last.plane_loss)?;
    // Elsewhere it lies beside the plane, and has another loss.
    let on_plane = last.residual <= 1e-4 * longest;
    let both = format!(
        "{} on the plane, {} of the checkpoint",
        short(plane),
        short(own)
    );
    // The record may be of parameters before they were rounded.
    on_plane.then(|| losses(&name, both, (plane, own), STORED_F16))
}

/// Whether eigenvalues have converged.
fn convergence(curvature: &RunContents) -> Option<Check> {
    let all = { curvature.curvature.iter() }.flat_map(|point| &point.eigenvalues);
    let (mut count, mut open, mut worst) = (0, 0, 0.0_f64);
    for found in all {
        count += 1;
        open += usize::from(!found.converged);
        worst = worst.max(found.residual / found.value.abs().max(f64::MIN_POSITIVE));
    }
    let name = &curvature.run.name;
    let found = match open {
        0 => format!(
            "{count} of `{name}`, residuals up to {} of them",
            percent(worst)
        ),
        _ => format!("{open} of {count} of `{name}` have not"),
    };
    (count > 0).then(|| Check::fact("eigenvalues have converged", found, Some(open == 0)))
}

/// The curvature of the plane along eigenvectors at its origin, against their eigenvalues.
fn along_eigenvectors(plane: &RunContents, curvature: &RunContents) -> Vec<Check> {
    let (Some(point), Some(surface)) = (curvature.curvature.last(), &plane.surface) else {
        return Vec::new();
    };
    let check = |(axis, direction): (usize, &Direction)| {
        let (place, value) = eigenvalue(direction, point)?;
        let (second, apart) = second_difference(surface, axis)?;
        let name = format!(
            "curvature along eigenvector {} is its eigenvalue",
            place + 1
        );
        let found = format!(
            "{} by differences in `{}`, {} in `{}`",
            short(second),
            plane.run.name,
            short(value),
            curvature.run.name
        );
        let allowed = SECOND_DIFFERENCE.max(apart / value.abs());
        if allowed > TOO_COARSE {
            let found = format!(
                "the steps of `{}` are too long for differences",
                plane.run.name
            );
            return Some(Check::fact(&name, found, None));
        }
        Some(losses(&name, found, (second, value), allowed))
    };
    plane
        .directions
        .iter()
        .enumerate()
        .filter_map(check)
        .collect()
}

/// The eigenvalue of a direction that is a unit eigenvector, and its place from the largest.
fn eigenvalue(direction: &Direction, point: &Curvature) -> Option<(usize, f64)> {
    let Source::Hessian { index } = direction.source else {
        return None;
    };
    if direction.normalization != Normalization::None {
        return None;
    }
    let top = point.eigenvalues_of(ALL_PARAMETERS, Side::Top);
    let bottom = point.eigenvalues_of(ALL_PARAMETERS, Side::Bottom);
    let last = (point.parameters as usize).checked_sub(1 + index);
    let found = top.get(index).or_else(|| bottom.get(last?))?;
    Some((index, found.value)).filter(|_| found.converged && found.value != 0.0)
}

/// The second difference along an axis at the origin, extrapolated to a step of 0, and how far those of one and of two steps
/// are apart.
fn second_difference(surface: &Surface, axis: usize) -> Option<(f64, f64)> {
    let grid = surface.grid();
    let center = grid.center()?;
    let step = grid.axes()[axis].step();
    let at = |steps: isize| {
        let mut indices = grid.unravel(center);
        indices[axis] = indices[axis].checked_add_signed(steps)?;
        let flat = grid
            .index(indices)
            .filter(|&flat| surface.is_measured(flat))?;
        surface
            .value(flat, Value::Loss)
            .filter(|loss| loss.is_finite())
    };
    let second = |steps: isize| {
        let length = step * steps as f64;
        Some((at(-steps)? - 2.0 * at(0)? + at(steps)?) / (length * length))
    };
    let (near, far) = (second(1)?, second(2)?);
    Some(((4.0 * near - far) / 3.0, (near - far).abs()))
}
