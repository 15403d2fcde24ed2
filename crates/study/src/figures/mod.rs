//! Figures and pages of stored runs: which ones a run has, and what each is drawn from.
//!
//! [`RunContents`] loads what can be drawn of a run and draws a figure of a kind. A [`FigureRequest`] asks for files:
//! pictures of runs, or one page of all of them; [`FigureFiles`] those in which an operation draws what it found.

mod animation;
mod contents;
mod curvature;
mod difference;
mod draw;
mod files;
mod heeded;
mod kind;
mod look;
mod page;
mod panels;
mod parts;
mod spread;

pub use contents::{RunContents, diagnoses_of};
pub use curvature::page_curvature;
pub use draw::losses_of;
pub use files::FigureFiles;
pub use heeded::LookField;
pub use kind::{AvailableFigure, FigureKind, FigureSource};
pub use look::Look;
pub use page::{page_of, page_run};
pub use panels::panels_of;
pub use spread::HiddenDetail;

use crate::StudyError;
use crate::files::{as_file, beside, may_write, write_new};
use draw::along_of;
use landscape_plot::page::html;
use landscape_plot::{AnimationFormat, DEFAULT_DPI, Figure};
use landscape_storage::Store;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A file to be drawn of stored runs: a picture of each (`planes-NAME.svg` where there are several; one of all planes side
/// by side, of the losses of all trainings, or of their stability), or one page of all.
///
/// ```
/// use landscape_storage::Store;
/// use landscape_study::figures::{FigureKind, FigureRequest, Figures, RunContents};
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
/// let figures = RunContents::load(&store, "plane")?.figures();
/// assert_eq!(figures[0].kind, FigureKind::Contour);
/// for ending in ["svg", "html"] {
///     let file = folder.path().join(format!("plane.{ending}"));
///     let request = FigureRequest::new(["plane"], file);
///     let drawn = Figures::prepare(&request, &store)?.run()?;
///     assert!(drawn.files[0].exists());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FigureRequest {
    /// The runs, by name or number.
    pub runs: Vec<String>,
    /// What is drawn; what is usual for a run where absent.
    #[serde(default)]
    pub kind: Option<FigureKind>,
    /// The file: `.svg`, `.pdf`, `.png`, `.tex` for the lines as data, `.gif`, `.webp` or `.apng` for a path that grows, or
    /// `.html` for a page.
    pub output: PathBuf,
    /// How it looks.
    #[serde(default)]
    pub look: Look,
    /// Whether files that exist are replaced.
    #[serde(default)]
    pub replace: bool,
}

impl FigureRequest {
    /// What is usual of runs, in a new file.
    pub fn new<S: Into<String>>(
        runs: impl IntoIterator<Item = S>,
        output: impl Into<PathBuf>,
    ) -> Self {
        FigureRequest {
            runs: runs.into_iter().map(Into::into).collect(),
            kind: None,
            output: output.into(),
            look: Look::default(),
            replace: false,
        }
    }

    /// Checks, before work starts, that there can be such a file.
    ///
    /// # Errors
    /// [`StudyError::NoPicture`] for other endings, and those of [`may_write`].
    pub fn check(&self) -> Result<Target, StudyError> {
        let target = Target::of(&self.output)?;
        may_write(&self.output, self.replace)?;
        Ok(target)
    }
}

/// What a file shows, by its ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A picture: `.svg`, `.pdf` or `.png`; `.tex` has its lines.
    Picture,
    /// A moving picture: `.gif`, `.webp` or `.apng`.
    Animation(AnimationFormat),
    /// An interactive page: `.html` or `.htm`.
    Page,
}

impl Target {
    /// What is written to a file.
    ///
    /// # Errors
    /// [`StudyError::NoPicture`] for other endings.
    pub fn of(path: &Path) -> Result<Self, StudyError> {
        match ending(path).as_str() {
            "svg" | "pdf" | "png" | "tex" => Ok(Target::Picture),
            "gif" => Ok(Target::Animation(AnimationFormat::Gif)),
            "webp" => Ok(Target::Animation(AnimationFormat::WebP)),
            "apng" => Ok(Target::Animation(AnimationFormat::Apng)),
            "html" | "htm" => Ok(Target::Page),
            _ => Err(StudyError::NoPicture {
                path: path.to_owned(),
            }),
        }
    }
}

fn ending(path: &Path) -> String {
    let ending = path.extension().unwrap_or_default();
    ending.to_string_lossy().to_lowercase()
}

/// Runs that are loaded and ready to be drawn.
#[derive(Debug)]
pub struct Figures {
    /// The runs, in the order in which they were named.
    pub runs: Vec<RunContents>,
    /// What is drawn of each.
    pub kinds: Vec<FigureKind>,
    /// What is written.
    pub target: Target,
    request: FigureRequest,
}

/// What was drawn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Drawn {
    /// The files that were written.
    pub files: Vec<PathBuf>,
    /// Where a picture shows a few huge values and hardly anything else.
    pub hidden: Vec<HiddenDetail>,
}

impl Figures {
    /// Loads everything that is drawn.
    ///
    /// # Errors
    /// For other endings of the file, and those of the store.
    pub fn prepare(request: &FigureRequest, store: &Store) -> Result<Self, StudyError> {
        let target = Target::of(&request.output)?;
        let load = |name: &String| {
            let mut run = RunContents::load(store, name)?;
            if target == Target::Page {
                run.diagnose(store)?;
            }
            Ok(run)
        };
        let runs = { request.runs.iter() }
            .map(load)
            .collect::<Result<Vec<_>, StudyError>>()?;
        Figures::of(runs, request)
    }

    /// The same of runs that are loaded, or that no store has; what the request says of their names is not looked at.
    ///
    /// # Errors
    /// For other endings of the file, and where runs cannot be subtracted.
    pub fn of(runs: Vec<RunContents>, request: &FigureRequest) -> Result<Self, StudyError> {
        let target = Target::of(&request.output)?;
        // Whoever reads a page subtracts there.
        let runs = match request.look.difference && target != Target::Page {
            true => difference::from_first(runs)?,
            false => runs,
        };
        let kind = |run: &RunContents| match (request.kind, target) {
            (Some(kind), _) => kind,
            (None, Target::Animation(_)) => FigureKind::Trajectory,
            (None, _) if request.look.along.is_some() => FigureKind::Line,
            (None, _) => run.usual_figure(),
        };
        Ok(Figures {
            kinds: runs.iter().map(kind).collect(),
            runs,
            target,
            request: request.clone(),
        })
    }

    /// Draws and writes them. No file is written where one cannot be drawn.
    ///
    /// # Errors
    /// Where a run has not what is drawn, and those of figures and files.
    pub fn run(&self) -> Result<Drawn, StudyError> {
        match self.target {
            Target::Page => Ok(Drawn {
                files: vec![self.page()?],
                hidden: Vec::new(),
            }),
            Target::Picture => Ok(Drawn {
                files: self.pictures()?,
                hidden: self.hidden(),
            }),
            Target::Animation(format) => Ok(Drawn {
                files: self.animations(format)?,
                hidden: self.hidden(),
            }),
        }
    }

    fn page(&self) -> Result<PathBuf, StudyError> {
        let FigureRequest { look, output, .. } = &self.request;
        let mut data = page_of(&self.runs, look.title.as_deref())?;
        data.log = look.log;
        write_new(output, html(&data)?.as_bytes(), self.request.replace)?;
        Ok(output.clone())
    }

    /// One figure a run, or one for all planes side by side or along a line, for the losses, the stability or the sharpness of
    /// all.
    fn pictures(&self) -> Result<Vec<PathBuf>, StudyError> {
        let FigureRequest {
            look,
            output,
            replace,
            ..
        } = &self.request;
        let (files, figures) = match self.together()? {
            Some(figure) => (vec![output.clone()], vec![figure]),
            None => (self.names(), self.each()?),
        };
        for file in &files {
            may_write(file, *replace)?;
        }
        for (file, figure) in files.iter().zip(&figures) {
            save(figure, file, look.dpi.unwrap_or(DEFAULT_DPI), *replace)?;
        }
        Ok(files)
    }

    /// The only figure, as a file of the ending that was asked for.
    ///
    /// # Errors
    /// Where a run has not what is drawn or each run has a figure of its own, and those of the figure.
    pub fn bytes(&self) -> Result<Vec<u8>, StudyError> {
        let FigureRequest { look, output, .. } = &self.request;
        let figure = match self.together()? {
            Some(figure) => figure,
            None => {
                let mut each = self.each()?;
                match each.len() {
                    1 => each.remove(0),
                    count => return Err(StudyError::SeveralFigures { count }),
                }
            }
        };
        bytes(&figure, output, look.dpi.unwrap_or(DEFAULT_DPI))
    }

    /// The figure of all runs, where they have one together.
    fn together(&self) -> Result<Option<Figure>, StudyError> {
        let look = &self.request.look;
        let all = |of: FigureKind| self.kinds.iter().all(|&kind| kind == of);
        let together = match (self.runs.len(), &look.along) {
            (_, Some(along)) if all(FigureKind::Line) => {
                Some(look.fitted(|look| along_of(&self.runs, along, look))?)
            }
            _ if look.panels => Some(panels::side_by_side_of(&self.runs, &self.kinds, look)?),
            _ if all(FigureKind::Losses) => Some(losses_of(&self.runs, look)?),
            (2.., _) if all(FigureKind::Stability) => {
                Some(curvature::stability_of(&self.runs, look)?)
            }
            (2.., _) if all(FigureKind::Sharpness) => {
                Some(curvature::sharpness_of(&self.runs, look)?)
            }
            _ => None,
        };
        Ok(together)
    }

    fn each(&self) -> Result<Vec<Figure>, StudyError> {
        let (look, shared) = (&self.request.look, self.shared()?);
        { self.runs.iter().zip(&self.kinds) }
            .map(|(run, &kind)| look.fitted(|look| run.draw_with(kind, look, &shared, None)))
            .collect()
    }

    /// What is drawn of all runs, where these share one scale. A term may have another place in each.
    fn shared(&self) -> Result<Vec<f64>, StudyError> {
        let look = &self.request.look;
        let mut all = Vec::new();
        for run in self.runs.iter().filter(|_| look.shared_scale) {
            if let Some(surface) = &run.surface {
                all.extend(surface.values(look.value.of(surface, &run.run.name)?));
            }
        }
        Ok(all)
    }

    /// `planes.svg` for one run; `planes-NAME.svg` for each of several.
    fn names(&self) -> Vec<PathBuf> {
        let output = &self.request.output;
        if self.runs.len() == 1 {
            return vec![output.clone()];
        }
        let name = |run: &RunContents| beside(output, &format!("-{}", as_file(&run.run.name)));
        self.runs.iter().map(name).collect()
    }

    fn hidden(&self) -> Vec<HiddenDetail> {
        { self.runs.iter().zip(&self.kinds) }
            .filter_map(|(run, &kind)| spread::hidden_detail(run, kind, &self.request.look))
            .collect()
    }
}

/// Writes a figure as the name of its file says; PNG files with `dpi` dots an inch.
///
/// # Errors
/// Those of the figure and the file.
pub fn save(figure: &Figure, path: &Path, dpi: f64, replace: bool) -> Result<(), StudyError> {
    write_new(path, &bytes(figure, path, dpi)?, replace)
}

/// What is written to a file of that name.
fn bytes(figure: &Figure, path: &Path, dpi: f64) -> Result<Vec<u8>, StudyError> {
    Ok(match ending(path).as_str() {
        "png" => figure.to_png(dpi)?,
        "pdf" => figure.to_pdf()?,
        "tex" => figure.to_tex()?.into_bytes(),
        _ => figure.to_svg().into_bytes(),
    })
}
