//! The tests of `landscape-storage`.

mod adaptive;
mod child;
mod compact;
mod concurrency;
mod crash;
mod curvature;
mod errors;
mod formats;
mod h5;
mod hostile;
mod identity;
mod journal;
#[cfg(target_os = "linux")]
mod locks;
mod malformed;
mod merge;
mod recorder;
mod recording_size;
mod records;
mod runs;
mod schema;
mod sql;
mod states;
mod subject;
mod support;
mod surfaces;
mod tables;
mod tampered;
mod training;
mod versions;
mod vtk;
