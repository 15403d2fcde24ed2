//! What a run holds, in files for other programs.

use crate::StudyError;
use crate::figures::{Look, RunContents};
use crate::files::{may_write, write_new};
use landscape_core::{Direction, Surface, Trajectory};
use landscape_plot::SurfaceMesh;
use landscape_storage::{
    CurvatureTable, Error, Format, Height, NamedTrajectory, Run, RunKind, SqlTable, Store,
    export_directions, export_mesh, export_surface, export_trajectory, write_curvature,
    write_surface,
};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What of a run is exported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Its landscape; of a run with curvature its map, or else its eigenvalues. As a scene it is drawn, with its paths.
    #[default]
    Usual,
    /// Its directions, as HDF5.
    Directions,
    /// A path, the only one where none is named, as HDF5 or VTK.
    Trajectory {
        /// Its name.
        label: Option<String>,
    },
    /// A table of its curvature, as CSV, JSON or Parquet.
    Curvature(CurvatureTable),
}

/// A part of a run for another program.
///
/// ```
/// use landscape_storage::Store;
/// use landscape_study::export::{Export, ExportRequest};
/// use landscape_study::runs::{Landscape, LandscapeRequest};
///
/// let folder = tempfile::tempdir()?;
/// let store = Store::open(folder.path().join("landscape.duckdb"))?;
/// let mut plane = LandscapeRequest::default();
/// plane.network.model = Some("mlp:2-8-1".parse()?);
/// plane.data.data = Some("moons:n=50".parse()?);
/// plane.grid.counts = Some(vec![5]);
/// plane.keep.name = Some("plane".to_owned());
/// Landscape::prepare(&plane, None, &())?.run(&store, &())?;
///
/// let mut request = ExportRequest::new("plane");
/// request.output = Some(folder.path().join("plane.npz"));
/// let written = Export::prepare(&request, &store)?.save()?;
/// assert_eq!(serde_json::to_value(written)?["points"], 25);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportRequest {
    /// The run, by name or number.
    pub run: String,
    /// What of it.
    pub part: Part,
    /// In which format; that of the ending of the file where absent, or else CSV, which holds no directions and paths:
    /// HDF5 for those.
    #[serde(default, with = "landscape_core::as_words::option")]
    pub format: Option<Format>,
    /// The file; CSV and JSON can also be written elsewhere ([`Export::write`]).
    #[serde(default, with = "landscape_core::as_words::path::option")]
    pub output: Option<PathBuf>,
    /// What the height of a mesh shows.
    pub height: Height,
    /// Whether a file that exists is replaced.
    #[serde(default)]
    pub replace: bool,
}

impl ExportRequest {
    /// What is usual of a run, as text.
    pub fn new(run: impl Into<String>) -> Self {
        ExportRequest {
            run: run.into(),
            part: Part::Usual,
            format: None,
            output: None,
            height: Height::default(),
            replace: false,
        }
    }

    /// Checks what can be checked before a database is opened; gives the format.
    ///
    /// # Errors
    /// For formats that do not hold the part, and files that cannot be written.
    pub fn check(&self) -> Result<Format, StudyError> {
        let format = match (self.format, &self.output, &self.part) {
            (Some(format), ..) => format,
            (None, Some(path), _) if path.extension().is_some() => Format::of_path(path)?,
            (None, _, Part::Directions | Part::Trajectory { .. }) => Format::H5,
            (None, ..) => Format::Csv,
        };
        self.check_held(format)?;
        match &self.output {
            Some(path) => may_write(path, self.replace)?,
            None if format.is_text() => {}
            None => {
                return Err(StudyError::NotText {
                    run: self.run.clone(),
                    format,
                });
            }
        }
        Ok(format)
    }

    fn check_held(&self, format: Format) -> Result<(), StudyError> {
        let (what, instead) = match &self.part {
            Part::Directions if format != Format::H5 => ("directions", "h5"),
            Part::Trajectory { .. } if ![Format::H5, Format::Vtk].contains(&format) => {
                ("trajectories", "h5 or vtk")
            }
            _ => return Ok(()),
        };
        Err(StudyError::Store(Error::NotHeld {
            format,
            what,
            instead,
        }))
    }
}

/// A part of a run, loaded.
#[derive(Debug)]
pub struct Export<'a> {
    store: &'a Store,
    run: Run,
    format: Format,
    contents: Contents,
    request: ExportRequest,
}

#[derive(Debug)]
enum Contents {
    Landscape(Surface),
    Scene(SurfaceMesh),
    Directions {
        directions: Vec<Direction>,
        explained: Vec<f64>,
    },
    Path {
        path: Trajectory,
        dims: usize,
    },
    Curvature {
        table: CurvatureTable,
        rows: SqlTable,
    },
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// The run.
    pub run: String,
    /// The format.
    pub format: &'static str,
    /// How much was written.
    #[serde(flatten)]
    pub amount: Amount,
}

/// How much was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Amount {
    /// Points of a landscape, or of a path.
    Points(usize),
    /// Directions.
    Directions(usize),
    /// Rows of a table.
    Rows(usize),
    /// Vertices of a surface.
    Vertices(usize),
}

impl<'a> Export<'a> {
    /// Loads what is exported.
    ///
    /// # Errors
    /// As [`ExportRequest::check`], and where the run does not hold it.
    pub fn prepare(request: &ExportRequest, store: &'a Store) -> Result<Self, StudyError> {
        let format = request.check()?;
        let run = store.find(&request.run)?;
        let contents = match &request.part {
            Part::Directions => directions(store, &run)?,
            Part::Trajectory { label } => path(store, &run, label.as_deref())?,
            Part::Curvature(table) => curvature(store, &run, *table)?,
            Part::Usual if run.kind == RunKind::Hessian && !format.is_drawn() => {
                let is_map = !store.summary(&run.name)?.shape.is_empty();
                let table = match is_map {
                    true => CurvatureTable::Map,
                    false => CurvatureTable::Eigenvalues,
                };
                curvature(store, &run, table)?
            }
            Part::Usual if format.is_drawn() => {
                Contents::Scene(scene(store, &run, request.height)?)
            }
            Part::Usual => Contents::Landscape(store.load_surface(&run)?),
        };
        Ok(Export {
            store,
            run,
            format,
            contents,
            request: request.clone(),
        })
    }

    /// How many points are not known yet, and how many there are to be; of a landscape that is not complete.
    pub fn missing(&self) -> Option<(usize, usize)> {
        match &self.contents {
            Contents::Landscape(surface) if !surface.is_complete() => {
                Some((surface.missing(), surface.grid().len()))
            }
            _ => None,
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// Those of the format and the file.
    pub fn save(&self) -> Result<Exported, StudyError> {
        let path = self.request.output.as_deref().unwrap_or(Path::new(""));
        let &ExportRequest {
            height, replace, ..
        } = &self.request;
        let amount = match &self.contents {
            Contents::Landscape(surface) => {
                match self.format {
                    Format::Vtk => export_mesh(surface, height, path, replace)?,
                    format => export_surface(surface, format, path, replace)?,
                }
                Amount::Points(surface.grid().len() - surface.missing())
            }
            Contents::Scene(mesh) => {
                let ending = path.extension().unwrap_or_default();
                let bytes = match self.format {
                    Format::Obj => mesh.to_obj().into_bytes(),
                    _ if ending.eq_ignore_ascii_case("glb") => mesh.to_glb(),
                    _ => mesh.to_gltf().into_bytes(),
                };
                write_new(path, &bytes, replace)?;
                Amount::Vertices(mesh.vertices.len())
            }
            Contents::Directions {
                directions,
                explained,
            } => {
                export_directions(directions, explained, path, replace)?;
                Amount::Directions(directions.len())
            }
            Contents::Path { path: of, dims } => {
                export_trajectory(of, *dims, self.format, height, path, replace)?;
                Amount::Points(of.points.len())
            }
            Contents::Curvature { table, .. } => {
                let (store, run) = (self.store, &self.run);
                Amount::Rows(store.export_curvature(run, *table, self.format, path, replace)?)
            }
        };
        Ok(Exported {
            run: self.run.name.clone(),
            format: self.format.name(),
            amount,
        })
    }

    /// Writes it as text, where it has such a form: a landscape or a table as CSV or JSON.
    ///
    /// # Errors
    /// Those of `out`, and for what is not text.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        match &self.contents {
            Contents::Landscape(surface) => write_surface(surface, self.format, out),
            Contents::Curvature { rows, .. } => write_curvature(rows, self.format, out),
            Contents::Directions { .. } | Contents::Path { .. } | Contents::Scene(_) => {
                Err(io::Error::other(format!("{} is not text", self.format)))
            }
        }
    }
}

/// The surface of the run as it is drawn, with its paths.
fn scene(store: &Store, run: &Run, height: Height) -> Result<SurfaceMesh, StudyError> {
    let look = Look {
        log: height == Height::Log,
        ..Look::default()
    };
    let mut mesh = RunContents::load(store, &run.name)?.mesh(&look)?;
    if height == Height::Flat {
        mesh.flatten();
    }
    Ok(mesh)
}

fn directions(store: &Store, run: &Run) -> Result<Contents, StudyError> {
    let path = store.load_trajectories(run)?.into_iter().next();
    let explained = path.map(|path| path.trajectory.explained_variance);
    Ok(Contents::Directions {
        directions: store.directions(run)?.directions,
        explained: explained.unwrap_or_default(),
    })
}

fn curvature(store: &Store, run: &Run, table: CurvatureTable) -> Result<Contents, StudyError> {
    let rows = store.curvature_table(run, table)?;
    Ok(Contents::Curvature { table, rows })
}

fn path(store: &Store, run: &Run, label: Option<&str>) -> Result<Contents, StudyError> {
    let named = chosen(store.load_trajectories(run)?, run, label)?;
    let dims = match store.directions_without_tensors(run) {
        Ok(stored) => stored.directions.len(),
        // Paths on planes that came without their directions.
        Err(Error::Lacks { .. }) => 2,
        Err(error) => return Err(error.into()),
    };
    Ok(Contents::Path {
        path: named.trajectory,
        dims,
    })
}

/// The only path, or the one that was named.
fn chosen(
    mut paths: Vec<NamedTrajectory>,
    run: &Run,
    label: Option<&str>,
) -> Result<NamedTrajectory, StudyError> {
    let known: Vec<String> = paths.iter().map(|path| path.label.clone()).collect();
    let found = match label {
        Some(label) => known.iter().position(|path| path == label),
        None => (known.len() == 1).then_some(0),
    };
    let name = run.name.clone();
    match (found, label) {
        (Some(at), _) => Ok(paths.swap_remove(at)),
        _ if known.is_empty() => Err(StudyError::NoTrajectory { run: name }),
        (None, Some(path)) => Err(StudyError::UnknownPath {
            run: name,
            path: path.to_owned(),
            known,
        }),
        (None, None) => Err(StudyError::SeveralPaths {
            run: name,
            paths: known,
        }),
    }
}
