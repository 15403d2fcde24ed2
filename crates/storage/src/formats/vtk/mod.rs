//! Meshes for [ParaView](https://www.paraview.org) and everything else that reads VTK's files.
//!
//! A plane becomes quadrilaterals at the height of the loss, a line and a path of training become
//! polylines, a volume becomes an image of three dimensions. The ending of the file's name decides
//! between XML (`.vtp`, `.vti`) and VTK's legacy format (`.vtk`), which holds all of them.

mod landscape;
mod legacy;
mod path;
mod xml;

use super::Format;
use crate::error::Error;
use landscape_core::{Surface, Trajectory};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::str::FromStr;

/// What the height of a plane or a line shows in a VTK file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Height {
    /// The loss.
    #[default]
    Loss,
    /// `log10` of the loss.
    Log,
    /// Nothing: everything lies at 0.
    Flat,
}

landscape_core::choices!(Height);

impl Height {
    /// Every choice.
    pub const ALL: &'static [Height] = &[Height::Loss, Height::Log, Height::Flat];

    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Height::Loss => "loss",
            Height::Log => "log",
            Height::Flat => "flat",
        }
    }

    fn of(self, loss: f64) -> f64 {
        match self {
            Height::Loss => loss,
            Height::Log => log10(loss),
            Height::Flat => 0.0,
        }
    }
}

impl FromStr for Height {
    type Err = Error;

    fn from_str(given: &str) -> Result<Self, Error> {
        let named = |height: &Height| height.name() == given;
        let found = Height::ALL.iter().copied().find(named);
        found.ok_or_else(|| Error::UnknownHeight {
            given: given.to_owned(),
        })
    }
}

/// `log10` of a positive number; NaN of any other.
fn log10(value: f64) -> f64 {
    match value > 0.0 {
        true => value.log10(),
        false => f64::NAN,
    }
}

/// Which of VTK's formats a file is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Xml,
    Legacy,
}

/// What a file holds.
#[derive(Debug)]
enum Shape {
    /// Points and what joins them.
    Mesh {
        points: Vec<[f64; 3]>,
        lines: Vec<Vec<usize>>,
        quads: Vec<[usize; 4]>,
    },
    /// An even grid, the first axis fastest.
    Image {
        counts: [usize; 3],
        origin: [f64; 3],
        spacing: [f64; 3],
    },
}

impl Shape {
    /// The ending of an XML file with it.
    fn ending(&self) -> &'static str {
        match self {
            Shape::Mesh { .. } => "vtp",
            Shape::Image { .. } => "vti",
        }
    }
}

/// Numbers at the points.
#[derive(Debug)]
struct Column {
    name: String,
    values: Values,
}

#[derive(Debug)]
enum Values {
    F64(Vec<f64>),
    I64(Vec<i64>),
    U8(Vec<u8>),
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Values::F64(values) => values.len(),
            Values::I64(values) => values.len(),
            Values::U8(values) => values.len(),
        }
    }
}

impl Column {
    fn f64(name: impl Into<String>, values: Vec<f64>) -> Self {
        Column {
            name: name.into(),
            values: Values::F64(values),
        }
    }
}

/// A shape and the numbers at its points; the first column colours them.
#[derive(Debug)]
struct Data {
    shape: Shape,
    columns: Vec<Column>,
}

/// Writes a landscape to `draft`, in the format that the ending of `target` asks for.
pub(crate) fn write(
    surface: &Surface,
    height: Height,
    draft: &Path,
    target: &Path,
) -> Result<(), Error> {
    save(&landscape::data(surface, height), draft, target)
}

/// Writes a path on a plane of `dims` directions, as [`write`] does.
pub(crate) fn write_trajectory(
    trajectory: &Trajectory,
    dims: usize,
    height: Height,
    draft: &Path,
    target: &Path,
) -> Result<(), Error> {
    save(&path::data(trajectory, dims, height), draft, target)
}

fn save(data: &Data, draft: &Path, target: &Path) -> Result<(), Error> {
    let style = style(data, target)?;
    let write = || -> io::Result<()> {
        let mut out = BufWriter::new(fs::File::create(draft)?);
        match style {
            Style::Xml => xml::write(data, &mut out)?,
            Style::Legacy => legacy::write(data, &mut out)?,
        }
        out.flush()?;
        out.get_ref().sync_all()
    };
    write().map_err(Error::io("write", target))
}

/// ParaView chooses its reader by the ending.
fn style(data: &Data, target: &Path) -> Result<Style, Error> {
    let ending = target.extension().unwrap_or_default().to_string_lossy();
    let ending = ending.to_lowercase();
    match ending.as_str() {
        "vtk" => Ok(Style::Legacy),
        ending if ending == data.shape.ending() => Ok(Style::Xml),
        _ => Err(Error::Ending {
            path: target.to_owned(),
            format: Format::Vtk,
            endings: [data.shape.ending(), "vtk"],
        }),
    }
}
