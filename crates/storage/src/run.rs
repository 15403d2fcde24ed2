//! What a run is: one computation with a name, its settings and its state.

use crate::error::Error;
use crate::identity::identity;
use landscape_core::Plane;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a run computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    /// Training, with its records and checkpoints.
    Train,
    /// A landscape along one direction.
    Line,
    /// A landscape on a plane.
    Surface,
    /// A landscape in three directions.
    Volume,
    /// Checkpoints projected on a plane.
    Trajectory,
    /// Curvature.
    Hessian,
    /// A curve between networks: its control points are checkpoints, by step from 0.
    Curve,
    /// A landscape read from a file.
    Import,
}

landscape_core::choices!(RunKind, Status);

impl RunKind {
    /// Every kind.
    pub const ALL: &'static [RunKind] = &[
        RunKind::Train,
        RunKind::Line,
        RunKind::Surface,
        RunKind::Volume,
        RunKind::Trajectory,
        RunKind::Hessian,
        RunKind::Curve,
        RunKind::Import,
    ];

    /// Whether a request for this kind finds a run that is stored as another: curves were stored as
    /// trainings once.
    pub(crate) fn finds(self, stored: RunKind) -> bool {
        self == stored || (self, stored) == (RunKind::Curve, RunKind::Train)
    }

    /// The word in the database and in names made up for runs without one.
    pub fn name(self) -> &'static str {
        match self {
            RunKind::Train => "train",
            RunKind::Line => "line",
            RunKind::Surface => "surface",
            RunKind::Volume => "volume",
            RunKind::Trajectory => "trajectory",
            RunKind::Hessian => "hessian",
            RunKind::Curve => "curve",
            RunKind::Import => "import",
        }
    }
}

impl fmt::Display for RunKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for RunKind {
    type Err = Error;

    fn from_str(given: &str) -> Result<Self, Error> {
        RunKind::ALL
            .iter()
            .copied()
            .find(|kind| kind.name() == given)
            .ok_or_else(|| Error::damaged(format!("a run of the unknown kind `{given}`")))
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// A process works on it.
    Running,
    /// It ended before everything was done; the same request continues it.
    Interrupted,
    /// Everything is stored.
    Complete,
}

impl Status {
    /// Every state.
    pub const ALL: &'static [Status] = &[Status::Running, Status::Interrupted, Status::Complete];

    /// The word in the database.
    pub fn name(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Interrupted => "interrupted",
            Status::Complete => "complete",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Status {
    type Err = Error;

    fn from_str(given: &str) -> Result<Self, Error> {
        { Status::ALL.iter().copied() }
            .find(|status| status.name() == given)
            .ok_or_else(|| Error::damaged(format!("a run with the unknown status `{given}`")))
    }
}

/// A request for a run.
#[derive(Debug, Clone)]
pub struct RunSpec {
    /// The name it is kept under; one like `surface-1` is made up where there is none.
    pub name: Option<String>,
    /// What is computed.
    pub kind: RunKind,
    /// Everything that determines the numbers: model, parameters, data, directions, grid, loss,
    /// precision. Together with `kind` this decides which stored run is the same.
    pub settings: Value,
    /// What does not change the numbers: version, command line, device, threads.
    pub provenance: Value,
    /// Whether the run takes the place of the stored one of that name, once it is complete; see
    /// [`crate::Store::replace`].
    pub replace: bool,
    /// Whether the settings hold digests of parameters and directions, so that
    /// [`crate::Store::begin_surface`] need not add that of the plane.
    pub determined: bool,
}

/// The setting with the digest of a run's plane.
pub(crate) const PLANE: &str = "plane_sha256";

/// What the names of runs end in that are to replace others.
pub(crate) const REPLACEMENT: &str = " (replacement)";

impl RunSpec {
    /// A request without a name.
    pub fn new(kind: RunKind, settings: Value) -> Self {
        RunSpec {
            name: None,
            kind,
            settings,
            provenance: Value::Object(Default::default()),
            replace: false,
            determined: false,
        }
    }

    /// The same with settings that hold digests of parameters and directions: nothing is added to them.
    #[must_use]
    pub fn determined(mut self) -> Self {
        self.determined = true;
        self
    }

    /// The same in the place of the stored run of that name, once it is complete.
    #[must_use]
    pub fn replacing(mut self) -> Self {
        self.replace = true;
        self
    }

    /// The same with a name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same with a provenance.
    #[must_use]
    pub fn with_provenance(mut self, provenance: Value) -> Self {
        self.provenance = provenance;
        self
    }

    /// The same with the digest of a plane among the settings, as `plane_sha256`. Settings that are not
    /// object become `settings` of one.
    pub(crate) fn of(&self, plane: &Plane) -> RunSpec {
        let mut spec = self.clone();
        let mut settings = match spec.settings {
            Value::Object(settings) => settings,
            other => Map::from_iter([("settings".to_owned(), other)]),
        };
        settings.insert(PLANE.to_owned(), Value::from(plane.digest()));
        spec.settings = Value::Object(settings);
        spec
    }

    /// The identity of the settings, see [`identity`].
    pub fn identity(&self) -> String {
        identity(&self.settings)
    }

    /// Checks the name.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.name.as_deref().map_or(Ok(()), check_name)
    }
}

/// The most characters of a name.
const NAME: usize = 200;

/// Whether a run can have that name.
///
/// # Errors
/// [`Error::BadName`] with the reason why it cannot.
pub fn check_name(name: &str) -> Result<(), Error> {
    let reason = if name.trim().is_empty() {
        "it is empty"
    } else if name.chars().any(char::is_control) {
        "it has control characters"
    } else if name.ends_with(REPLACEMENT) {
        "names with this ending belong to runs that will replace others"
    } else if name.chars().count() > NAME {
        "it has more than 200 characters"
    } else if name.parse::<i64>().is_ok() {
        "it is a number, and numbers already identify runs"
    } else {
        return Ok(());
    };
    Err(Error::BadName {
        name: name.to_owned(),
        reason,
    })
}

/// A stored run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// Its number in the database.
    pub id: i64,
    /// The name it was found by, or is listed under: a run may have several, all unique in the database.
    pub name: String,
    /// What it computes.
    pub kind: RunKind,
    /// Identity of its settings, see [`identity`].
    pub identity: String,
    /// What determines its numbers.
    pub settings: Value,
    /// Where it came from.
    pub provenance: Value,
    /// When it was begun.
    #[serde(serialize_with = "serialize_time")]
    pub created: SystemTime,
    /// When it was completed.
    #[serde(serialize_with = "serialize_time_option")]
    pub finished: Option<SystemTime>,
    /// How far it is. A run whose process has died counts as interrupted.
    pub status: Status,
}

impl Run {
    /// How far the loss of a point may be from what is stored, as a share of it: devices and processors round
    /// differently, and bfloat16 has three digits.
    pub(crate) fn tolerance(&self) -> f64 {
        match self.settings.get("precision").and_then(Value::as_str) {
            Some("bf16") => 5e-2,
            _ => 1e-3,
        }
    }
}

/// A stored run and how much it holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunSummary {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// All its names, the one it is listed under first.
    pub names: Vec<String>,
    /// Points on each axis of its grid; empty without a grid.
    pub shape: Vec<u64>,
    /// Points of its grid that are stored, be it with a loss or with curvature.
    pub points: u64,
    /// Those of them that are interpolated, not measured.
    pub interpolated: u64,
    /// Records of training.
    pub records: u64,
    /// Checkpoints with parameters.
    pub checkpoints: u64,
    /// Bytes that they take.
    pub checkpoint_bytes: u64,
    /// Projected trajectories.
    pub trajectories: u64,
    /// Sets of parameters whose curvature was computed.
    pub curvature: u64,
    /// Its figures.
    #[serde(skip)]
    pub figures: RunFigures,
}

/// Figures of a run, where they are known and finite.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RunFigures {
    /// Of a training the last loss that was recorded, of a landscape the lowest.
    pub loss: Option<f64>,
    /// The accuracy there, in [0, 1].
    pub accuracy: Option<f64>,
    /// The largest eigenvalue of the operator whose curvature was computed, of several steps at the last.
    pub eigenvalue: Option<f64>,
}

impl RunSummary {
    /// Points of the grid; 0 without a grid.
    pub fn total(&self) -> u64 {
        match self.shape.is_empty() {
            true => 0,
            false => self
                .shape
                .iter()
                .fold(1, |all, count| all.saturating_mul(*count)),
        }
    }
}

/// A moment as `2026-03-01T12:00:00Z`.
pub fn timestamp(time: SystemTime) -> String {
    let seconds = micros(time).div_euclid(1_000_000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// A moment as DuckDB reads a TIMESTAMPTZ, to the microsecond.
pub(crate) fn moment(time: SystemTime) -> String {
    let second = timestamp(time).replace('Z', "");
    format!("{second}.{:06}+00", micros(time).rem_euclid(1_000_000))
}

/// Year, month and day of a day counted from 1970-01-01, after Hinnant, *chrono-Compatible
/// Low-Level Date Algorithms*.
pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// Microseconds since 1970-01-01.
pub(crate) fn micros(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |m| -m),
    }
}

pub(crate) fn from_micros(micros: i64) -> SystemTime {
    let distance = Duration::from_micros(micros.unsigned_abs());
    match micros >= 0 {
        true => UNIX_EPOCH + distance,
        false => UNIX_EPOCH - distance,
    }
}

fn serialize_time<S: serde::Serializer>(time: &SystemTime, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&timestamp(*time))
}

fn serialize_time_option<S: serde::Serializer>(
    time: &Option<SystemTime>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serialize_time(time, to),
        None => to.serialize_none(),
    }
}
