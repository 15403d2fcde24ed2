//! The file formats for landscapes, by name.

use std::fmt;

/// A file format for landscapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Text, one line a known point: `i,j,alpha,beta,loss,loss_se,accuracy`, a column for each
    /// extra term, and `source` where some points are interpolated.
    Csv,
    /// One object with the axes and a list for each quantity.
    Json,
    /// The columns of the text form, in Apache Parquet.
    Parquet,
    /// NumPy arrays: the axes, and an array over the grid for each quantity.
    Npz,
    /// HDF5 in the layout of tomgoldstein/loss-landscape, for lines and planes.
    H5,
    /// A mesh or an image for ParaView. Written only.
    Vtk,
    /// A plane as the mesh of its figure, in its colours. Written only, by those who draw.
    Obj,
    /// The same as a scene.
    Gltf,
}

impl Format {
    /// Every format.
    pub const ALL: &'static [Format] = &[
        Format::Csv,
        Format::Json,
        Format::Parquet,
        Format::Npz,
        Format::H5,
        Format::Vtk,
        Format::Obj,
        Format::Gltf,
    ];

    /// The name on the command line, and the usual ending of file names.
    pub fn name(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Json => "json",
            Format::Parquet => "parquet",
            Format::Npz => "npz",
            Format::H5 => "h5",
            Format::Vtk => "vtk",
            Format::Obj => "obj",
            Format::Gltf => "gltf",
        }
    }

    /// Whether the format is text, which can go to a pipe.
    pub fn is_text(self) -> bool {
        matches!(self, Format::Csv | Format::Json)
    }

    /// Whether it has what is drawn, not the numbers: written by those who draw, not by this crate.
    pub fn is_drawn(self) -> bool {
        matches!(self, Format::Obj | Format::Gltf)
    }

    /// Whether landscapes of so many directions are read from it.
    pub fn reads(self, dims: usize) -> bool {
        match self {
            Format::Vtk | Format::Obj | Format::Gltf => false,
            Format::H5 => dims <= 2,
            _ => true,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
