//! Landscapes into files and out of them.

use crate::change::Change;
use crate::error::{Error, Place};
use crate::format::Format;
use crate::formats::vtk::{self, Height};
use crate::formats::{Notes, h5};
use crate::identity::hex;
use crate::run::{Run, RunKind, RunSpec, Status};
use crate::store::Store;
use landscape_core::files::Draft;
use landscape_core::{Direction, Measured, Params, PointSource, Surface, Trajectory, path_text};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};
use std::path::Path;

/// Writes a surface into a file: completely, or not at all.
///
/// # Errors
/// [`Error::OutputExists`] when there is a file already and it is not to be overwritten; when the
/// format does not hold such a surface; when the file cannot be written.
pub fn export_surface(
    surface: &Surface,
    format: Format,
    path: &Path,
    overwrite: bool,
) -> Result<(), Error> {
    whole(path, overwrite, |draft| {
        format.write_file(surface, draft, path)
    })
}

/// Writes a surface as [`export_surface`] does in the format [`Format::Vtk`], at a height of choice.
///
/// # Errors
/// As [`export_surface`]; [`Error::Ending`] when the file's name does not say what it holds.
pub fn export_mesh(
    surface: &Surface,
    height: Height,
    path: &Path,
    overwrite: bool,
) -> Result<(), Error> {
    whole(path, overwrite, |draft| {
        vtk::write(surface, height, draft, path)
    })
}

/// Writes a path projected on a plane of `dims` directions, in the format [`Format::H5`] or
/// [`Format::Vtk`]; `height` counts for the latter.
///
/// # Errors
/// As [`export_mesh`]; [`Error::NotHeld`] in any other format.
pub fn export_trajectory(
    trajectory: &Trajectory,
    dims: usize,
    format: Format,
    height: Height,
    path: &Path,
    overwrite: bool,
) -> Result<(), Error> {
    whole(path, overwrite, |draft| match format {
        Format::H5 => h5::write_trajectory(trajectory, dims, draft),
        Format::Vtk => vtk::write_trajectory(trajectory, dims, height, draft, path),
        _ => Err(Error::NotHeld {
            format,
            what: "trajectories",
            instead: "h5 or vtk",
        }),
    })
}

/// Writes one to three directions of one layout as HDF5, in the layout of
/// tomgoldstein/loss-landscape: with the shares of variance of a path along them where there are
/// any, and with buffers where a direction moves them.
///
/// # Errors
/// As [`export_surface`].
pub fn export_directions(
    directions: &[Direction],
    explained_variance: &[f64],
    path: &Path,
    overwrite: bool,
) -> Result<(), Error> {
    let tensors: Vec<&Params> = directions.iter().map(|d| &d.tensors).collect();
    whole(path, overwrite, |draft| {
        h5::write_directions(&tensors, explained_variance, draft)
    })
}

/// Reads directions from HDF5 in the layout of tomgoldstein/loss-landscape. Its tensors have
/// numbers only: they take the names and roles of `layout`, in order. A file without buffers gives
/// buffers of 0.
///
/// # Errors
/// [`Error::Malformed`] with the tensor whose shape differs, or what is damaged.
pub fn import_directions(path: &Path, layout: &Params) -> Result<Vec<Params>, Error> {
    h5::read_directions(path, layout)
}

/// Lets a file be written beside its place, and gives it its name once it is complete.
pub(crate) fn whole(
    path: &Path,
    overwrite: bool,
    write: impl FnOnce(&Path) -> Result<(), Error>,
) -> Result<(), Error> {
    if !overwrite && path.symlink_metadata().is_ok() {
        return Err(exists(path));
    }
    let draft = Draft::new(path).map_err(Error::io("write", path))?;
    write(draft.path()).map_err(|error| renamed(error, path))?;
    draft.place(overwrite).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(path),
        _ => Error::io("write", path)(error),
    })
}

fn exists(path: &Path) -> Error {
    Error::OutputExists {
        path: path.to_owned(),
    }
}

/// Errors speak of the file asked for, not of the draft.
fn renamed(error: Error, path: &Path) -> Error {
    match error {
        Error::Io { action, source, .. } => Error::io(action, path)(source),
        Error::Database { source, .. } => Error::Database {
            path: path.to_owned(),
            source,
        },
        other => other,
    }
}

/// Writes a surface in one of the text formats, for a pipe.
///
/// # Errors
/// When the other end does not take it, or the format is not text.
pub fn write_surface(surface: &Surface, format: Format, out: &mut dyn Write) -> io::Result<()> {
    let mut buffered = io::BufWriter::new(out);
    format.write_text(surface, &mut buffered)?;
    buffered.flush()
}

/// Reads a surface from a file.
///
/// Tables (csv, parquet) may lack points; grids are found from the indices and coordinates that
/// occur, and must be evenly spaced.
///
/// # Errors
/// [`Error::Malformed`] with the place in the file.
pub fn import_surface(path: &Path, format: Format) -> Result<Surface, Error> {
    read_surface(path, format).map(|(surface, _)| surface)
}

/// The same with notes, in sentences, about what was not taken as the file has it.
///
/// # Errors
/// As [`import_surface`].
pub fn read_surface(path: &Path, format: Format) -> Result<(Surface, Vec<String>), Error> {
    let mut notes = Notes::default();
    let surface = format.read_file(path, &mut notes)?;
    Ok((surface, notes.sentences()))
}

impl Store {
    /// Writes the landscape of a run into a file, see [`export_surface`].
    ///
    /// # Errors
    /// As [`Store::load_surface`] and [`export_surface`].
    pub fn export(
        &self,
        run: &Run,
        format: Format,
        path: &Path,
        overwrite: bool,
    ) -> Result<(), Error> {
        export_surface(&self.load_surface(run)?, format, path, overwrite)
    }

    /// Keeps the landscape in a file as a run of the kind [`RunKind::Import`]. Its identity is that
    /// of the file's bytes: the same file again is the run that is there.
    ///
    /// # Errors
    /// As [`import_surface`] and [`Store::begin`]; with `replace` a run of that name is replaced.
    pub fn import(
        &self,
        path: &Path,
        format: Format,
        name: Option<&str>,
        replace: bool,
    ) -> Result<Run, Error> {
        let before = digest(path)?;
        let surface = import_surface(path, format)?;
        if digest(path)? != before {
            return Err(Error::malformed(
                path,
                Place::default(),
                "it changed while it was read",
            ));
        }
        let settings = json!({
            "format": format.name(),
            "sha256": before,
            "grid": surface.grid(),
        });
        let mut spec = RunSpec::new(RunKind::Import, settings)
            .with_provenance(json!({ "file": path_text(path) }));
        spec.name = name.map(str::to_owned);
        spec.replace = replace;
        let run = self.begin(&spec)?;
        self.put_grid(&run, surface.grid(), surface.terms())?;
        let changes = vec![
            Change::Points(points(&surface, PointSource::Measured)),
            Change::Interpolated(points(&surface, PointSource::Interpolated)),
            Change::Status(Status::Complete),
        ];
        self.keep_now(&run, changes)?;
        self.find(&run.name)
    }
}

/// The SHA-256 of a file's bytes.
fn digest(path: &Path) -> Result<String, Error> {
    let failed = || Error::io("read", path);
    let (mut file, _) = landscape_files::open(path).map_err(failed())?;
    let mut sum = Sha256::new();
    let mut block = vec![0; 1 << 16];
    loop {
        match file.read(&mut block).map_err(failed())? {
            0 => return Ok(hex(&sum.finalize())),
            count => sum.update(&block[..count]),
        }
    }
}

/// The points of a surface that are known in this way.
pub(crate) fn points(surface: &Surface, source: PointSource) -> Vec<Measured> {
    let point = |index: usize| {
        let sample = surface.get(index)?.clone();
        Some(Measured { index, sample })
    };
    let points = (0..surface.grid().len()).filter(|&index| surface.source(index) == Some(source));
    points.filter_map(point).collect()
}
