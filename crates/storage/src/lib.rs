#![doc = include_str!("../README.md")]

mod change;
mod connection;
mod curvature;
mod curvature_export;
mod curvature_recorder;
mod deltas;
mod disagreement;
mod error;
mod export;
mod format;
mod formats;
mod identity;
mod journal;
mod lanczos_recorder;
mod observer;
mod owner;
mod query_memory;
mod recorder;
mod run;
mod schema;
mod sql;
mod store;
mod tables;
mod training;
mod writer;

pub use connection::{duckdb_version, warm_up};
pub use curvature::{
    ALL_PARAMETERS, Curvature, CurvatureMap, CurvaturePoint, CurvatureTable, Eigenvalue,
    LanczosState, Sharpness, Side, SpectralDensity, TraceEstimate,
};
pub use curvature_export::write_curvature;
pub use curvature_recorder::CurvatureRecorder;
pub use deltas::CheckpointForm;
#[doc(hidden)]
pub use deltas::{decode_checkpoint, encode_checkpoint};
pub use disagreement::Disagreement;
pub use error::{Error, Holder, Place};
pub use export::{
    export_directions, export_mesh, export_surface, export_trajectory, import_directions,
    import_surface, read_surface, write_surface,
};
pub use format::Format;
pub use formats::vtk::Height;
pub use identity::{Difference, canonical, differences, identity};
pub use lanczos_recorder::LanczosRecorder;
pub use observer::StoreObserver;
pub use owner::Owner;
pub use query_memory::query_memory;
pub use recorder::{Recorder, StepState, When};
pub use run::{Run, RunFigures, RunKind, RunSpec, RunSummary, Status, check_name, timestamp};
pub use schema::SCHEMA_VERSION;
pub use sql::SqlTable;
pub use store::{
    Checkpoints, Compacted, Contribution, JournalNote, MergeFile, MergeSource, MissingPoints,
    NamedTrajectory, RunFilter, RunOrder, Store, StoredCheckpoint, StoredDirections, StoredRows,
    host,
};
pub use tables::{ColumnKind, TableColumn, TableFile};
pub use training::{TrainRecord, TrainingState};
