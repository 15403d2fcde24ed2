//! What is stored of a run at once: written to the tables, or kept in the journal until that works.

use crate::curvature::{Curvature, CurvaturePoint, Side};
use crate::deltas::{Frame, Layout};
use crate::run::Status;
use crate::training::{TrainRecord, TrainingState};
use landscape_core::{DeviceShare, Measured, Parameter, Params, Role, Trajectory};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// One change of a run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Change {
    /// Measured points.
    Points(Vec<Measured>),
    /// Which devices computed the points beside it.
    Devices(Vec<DeviceShare>),
    /// Interpolated points, in the place of those interpolated before.
    Interpolated(Vec<Measured>),
    /// Steps of a training, as a recorder collects them.
    Batch(Batch),
    /// Steps of a training, each in the place of what is stored of it.
    Steps(Vec<Step>),
    /// Curvature at one set of parameters.
    Curvature(Box<Curvature>),
    /// What curvature cost, without its lists.
    Counts(Box<Curvature>),
    /// Points of a map of curvature.
    Map(Vec<CurvaturePoint>),
    /// The eigenvectors of one end.
    Eigenvectors(Side, Vec<Packed>),
    /// A path under its label.
    Trajectory(String, Box<Trajectory>),
    /// How the run ended.
    Status(Status),
}

/// What belongs together: all of it is stored, or nothing.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Changes {
    /// The run's number and the identity of its settings.
    pub(crate) run: i64,
    pub(crate) identity: String,
    /// The token of the writer that has claimed the run, see `store/fence.rs`.
    #[serde(default)]
    pub(crate) writer: Option<String>,
    /// The provenance of the session, where the run may not have it yet.
    pub(crate) session: Option<Value>,
    pub(crate) all: Vec<Change>,
}

/// What a recorder stores at once.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Batch {
    /// By ascending steps.
    pub(crate) steps: Vec<Step>,
    /// Of the frames among them.
    pub(crate) layout: Option<Layout>,
    /// What is stored from this step on is removed first.
    pub(crate) cut: Option<u64>,
    /// What is stored from this step on moves into one place with the new steps.
    pub(crate) gather: Option<u64>,
    /// What training goes on from, once these steps are stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<TrainingState>,
}

/// A recorded step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) record: TrainRecord,
    pub(crate) checkpoint: Option<Coded>,
}

/// Parameters as they are stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Coded {
    Raw(Packed),
    Frame(Frame),
}

/// Bytes of a record and of a row.
const ROW: usize = 128;

impl Step {
    /// What it takes in memory, about.
    pub(crate) fn bytes(&self) -> usize {
        let bytes = match &self.checkpoint {
            None => 0,
            Some(Coded::Raw(Packed(params))) => {
                4 * params.iter().map(Parameter::numel).sum::<usize>()
            }
            Some(Coded::Frame(frame)) => frame.data.len(),
        };
        ROW + bytes
    }
}

/// Parameters that are written with their bits.
#[derive(Debug, Clone)]
pub(crate) struct Packed(pub(crate) Params);

#[derive(Serialize, Deserialize)]
struct Tensor {
    name: String,
    role: Role,
    shape: Vec<usize>,
    #[serde(with = "serde_bytes")]
    data: Vec<u8>,
}

impl Serialize for Packed {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let tensor = |tensor: &Parameter| Tensor {
            name: tensor.name.clone(),
            role: tensor.role,
            shape: tensor.shape.clone(),
            data: tensor.data.iter().flat_map(|v| v.to_le_bytes()).collect(),
        };
        to.collect_seq(self.0.iter().map(tensor))
    }
}

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let tensors = Vec::<Tensor>::deserialize(from)?;
        let parameter = |tensor: Tensor| {
            let (values, _) = tensor.data.as_chunks::<4>();
            let data = values.iter().copied().map(f32::from_le_bytes).collect();
            Parameter::new(tensor.name, tensor.shape, data, tensor.role)
        };
        let tensors = tensors.into_iter().map(parameter).collect::<Result<_, _>>();
        let params = tensors.and_then(Params::new).map_err(D::Error::custom)?;
        Ok(Packed(params))
    }
}
