//! Landscapes in files that other programs read.

mod cells;
mod columns;
mod csv;
pub(crate) mod h5;
mod json;
mod npz;
pub(crate) mod parquet;
mod spans;
pub(crate) mod vtk;

pub(crate) use cells::Notes;

use crate::error::Error;
use crate::format::Format;
use crate::schema::COORDINATES;
use landscape_core::{Surface, Term};
use std::io::{self, Write};
use std::path::Path;
use std::str::FromStr;

impl Format {
    /// The format that the ending of a file name stands for.
    ///
    /// # Errors
    /// [`Error::UnknownFormat`] for any other ending.
    pub fn of_path(path: &Path) -> Result<Format, Error> {
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        match ending.is_empty() {
            false => ending.to_lowercase().parse(),
            true => Err(Error::UnknownFormat {
                given: path.display().to_string(),
            }),
        }
    }

    /// Writes a surface as a file, in place, that will get the name `target`.
    pub(crate) fn write_file(
        self,
        surface: &Surface,
        path: &Path,
        target: &Path,
    ) -> Result<(), Error> {
        let file = || std::fs::File::create(path).map_err(Error::io("write", path));
        match self {
            Format::Csv | Format::Json => {
                let mut out = io::BufWriter::new(file()?);
                self.write_text(surface, &mut out)
                    .and_then(|()| out.into_inner().map_err(|error| error.into_error()))
                    .and_then(|file| file.sync_all())
                    .map_err(Error::io("write", path))
            }
            Format::Parquet => parquet::write(surface, path),
            Format::Npz => npz::write(surface, file()?, path),
            Format::H5 => h5::write(surface, path),
            Format::Vtk => vtk::write(surface, vtk::Height::default(), path, target),
            Format::Obj | Format::Gltf => Err(Error::NotHeld {
                format: self,
                what: "numbers",
                instead: "vtk",
            }),
        }
    }

    /// Writes a surface in one of the text formats.
    pub(crate) fn write_text(self, surface: &Surface, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Format::Csv => csv::write(surface, out),
            Format::Json => json::write(surface, out),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{self} cannot be written as text"),
            )),
        }
    }

    /// Reads a surface from a file.
    pub(crate) fn read_file(self, path: &Path, notes: &mut Notes) -> Result<Surface, Error> {
        match self {
            Format::Csv => csv::read(path, notes),
            Format::Json => json::read(path, notes),
            Format::Parquet => parquet::read(path, notes),
            Format::Npz => npz::read(path, notes),
            Format::H5 => h5::read(path, notes),
            Format::Vtk | Format::Obj | Format::Gltf => Err(Error::NotRead { format: self }),
        }
    }
}

impl FromStr for Format {
    type Err = Error;

    /// The format of that name, or of another usual ending of its files.
    fn from_str(given: &str) -> Result<Self, Error> {
        let name = match given {
            "hdf5" => "h5",
            "vtp" | "vti" => "vtk",
            "glb" => "gltf",
            name => name,
        };
        Format::ALL
            .iter()
            .copied()
            .find(|format| format.name() == name)
            .ok_or_else(|| Error::UnknownFormat {
                given: given.to_owned(),
            })
    }
}

/// What is said of bytes that are no text.
pub(crate) const NOT_TEXT: &str = "this is not text (UTF-8); save it in that encoding";

/// Names of the indices, in the order of the axes.
const INDICES: [&str; 3] = ["i", "j", "k"];
/// What every sample has, or may have.
const MEASURES: [&str; 3] = ["loss", "loss_se", "accuracy"];
/// The column that says whether a point is measured or interpolated; absent when all are measured.
const SOURCE: &str = "source";

/// The column of an extra term: its name, unless a fixed column has that name.
fn term_column(term: &Term) -> String {
    let fixed = [INDICES, COORDINATES, MEASURES].concat();
    match fixed.contains(&term.name.as_str()) || term.name == SOURCE {
        true => format!("term_{}", term.name),
        false => term.name.clone(),
    }
}

/// The columns of a table of points.
fn columns(surface: &Surface) -> Vec<String> {
    let dims = surface.grid().dims();
    let fixed = INDICES[..dims].iter().chain(&COORDINATES[..dims]);
    let fixed = fixed.chain(&MEASURES).map(|name| (*name).to_owned());
    let source = (surface.interpolated() > 0).then(|| SOURCE.to_owned());
    fixed
        .chain(surface.terms().iter().map(term_column))
        .chain(source)
        .collect()
}
