//! One self-contained interactive HTML page: 3D surfaces and contour plots of one or several runs.
//!
//! The page holds its viewer, its style and every number in full precision; it loads nothing from
//! the network, and its content security policy forbids that it could. Equal data give equal bytes.
//!
//! ```
//! use landscape_core::{Grid, Sample, Surface};
//! use landscape_plot::page::{self, PageData, PageRun};
//!
//! let mut surface = Surface::new(Grid::square(21, 1.0, 2)?, vec![]);
//! for index in 0..surface.grid().len() {
//!     let [x, y, _] = surface.grid().point(index);
//!     let loss = x * x + 3.0 * y * y;
//!     surface.set(index, Sample { loss, loss_se: None, accuracy: None, terms: vec![] })?;
//! }
//! let html = page::html(&PageData::new("A bowl", vec![PageRun::new("bowl", surface)]))?;
//! assert!(html.starts_with("<!doctype html>"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod curvature;
mod drawn;
mod error;
#[cfg(test)]
mod golden;
mod live;
mod payload;

pub use curvature::{EigenvalueRow, PageCurvature, TraceRow};
pub use error::PageError;
pub use live::{Live, PlotCommand, fresh, served};
pub use payload::inert;

use crate::{LossCurve, PlacedNetwork};
use landscape_core::{Diagnosis, Surface, Trajectory};

/// The viewer with its style and script, and marks where title, data and curvature go. Built from `page/` by
/// `page/build.sh`.
const VIEWER: &str = include_str!("../../assets/page/viewer.html");
const TITLE_MARK: &str = "<!--TITLE-->";
const DATA_MARK: &str = "<!--DATA-->";
const CURVATURE_MARK: &str = "<!--CURVATURE-->";
/// Where the content security policy says what a page that is served may ask its server for.
const CONNECT_MARK: &str = "<!--CONNECT-->";
/// Where the script stands that follows runs, in a page that is served.
const LIVE_MARK: &str = "<!--LIVE-->";

/// What a page shows.
#[derive(Debug, Clone, PartialEq)]
pub struct PageData {
    /// Title of the page, as plain text.
    pub title: String,
    /// Begin with a logarithmic scale, where values allow it. Otherwise the values decide.
    pub log: bool,
    /// The runs, in the order of their tabs. Those on equal grids can be subtracted in the viewer.
    pub runs: Vec<PageRun>,
    /// Curvature, a section each below the runs. A page may have nothing else.
    pub curvature: Vec<PageCurvature>,
    /// Facts about the page as a whole, listed after those of each run.
    pub provenance: Vec<(String, String)>,
    /// The command that makes the page; shown for runs that have none of their own.
    pub command: Option<String>,
}

/// One run: a line, plane or volume with what is known about it.
#[derive(Debug, Clone, PartialEq)]
pub struct PageRun {
    /// Short name, for the tab.
    pub name: String,
    /// A line above the picture; the name where there is none.
    pub heading: Option<String>,
    /// What the reader should know, as plain text.
    pub description: Option<String>,
    /// The losses. Points not computed yet stay blank; NaN and infinity are hatched and counted.
    pub surface: Surface,
    /// To which share of the range the interpolated points of the surface are known to be good.
    pub tolerance: Option<f64>,
    /// One label an axis. What stands before the first `,`, `:` or `(` names the coordinate in the
    /// tooltip.
    pub axis_labels: Vec<String>,
    /// Draw both axes of a plane at one scale, as is right when both directions share a
    /// normalisation.
    pub equal_aspect: bool,
    /// What the plane's origin is, written beside its mark; `None` leaves it unmarked, as where the axes
    /// are settings and not directions.
    pub origin: Option<String>,
    /// Further networks that the plane goes through, marked and named.
    pub networks: Vec<PlacedNetwork>,
    /// The training path in the coordinates of the surface's grid.
    pub trajectory: Option<Trajectory>,
    /// Several training paths by name, after `trajectory` where both are given. One slider moves them
    /// all.
    pub paths: Vec<(String, Trajectory)>,
    /// Trainings in words, by name; the name may be empty where there is one.
    pub diagnoses: Vec<(String, Diagnosis)>,
    /// Losses and accuracies while training.
    pub curves: Vec<LossCurve>,
    /// Figures of the surface: label and value.
    pub metrics: Vec<(String, String)>,
    /// Facts on where the numbers come from: label and value.
    pub provenance: Vec<(String, String)>,
    /// The command that makes this run's data.
    pub command: Option<String>,
}

impl PageData {
    /// A page with a title and runs, without provenance or command.
    pub fn new(title: impl Into<String>, runs: Vec<PageRun>) -> Self {
        PageData {
            title: title.into(),
            log: false,
            runs,
            curvature: Vec::new(),
            provenance: Vec::new(),
            command: None,
        }
    }

    /// The same with curvature.
    #[must_use]
    pub fn with_curvature(mut self, curvature: Vec<PageCurvature>) -> Self {
        self.curvature = curvature;
        self
    }
}

impl PageRun {
    /// A run with a name and its losses; the axes are called α, β and γ.
    pub fn new(name: impl Into<String>, surface: Surface) -> Self {
        let labels = ["α", "β", "γ"].into_iter().take(surface.grid().dims());
        PageRun {
            name: name.into(),
            heading: None,
            description: None,
            axis_labels: labels.map(String::from).collect(),
            surface,
            tolerance: None,
            equal_aspect: true,
            origin: None,
            networks: Vec::new(),
            trajectory: None,
            paths: Vec::new(),
            diagnoses: Vec::new(),
            curves: Vec::new(),
            metrics: Vec::new(),
            provenance: Vec::new(),
            command: None,
        }
    }

    fn check(&self) -> Result<(), PageError> {
        let dims = self.surface.grid().dims();
        if self.axis_labels.len() != dims {
            return Err(PageError::Labels {
                run: self.name.clone(),
                expected: dims,
                found: self.axis_labels.len(),
            });
        }
        // The third axis may have a single point: a volume of one slice.
        let drawn = self.surface.grid().axes().iter().take(2).enumerate();
        if let Some((axis, thin)) = { drawn }.find(|(_, axis)| axis.count() < 2) {
            return Err(PageError::TooFewPoints {
                run: self.name.clone(),
                axis: axis + 1,
                found: thin.count(),
            });
        }
        for curve in &self.curves {
            let steps = curve.steps.len();
            let values = [curve.losses.len(), curve.accuracies.len()];
            if values[0] != steps || ![0, steps].contains(&values[1]) {
                return Err(PageError::CurveLength {
                    run: self.name.clone(),
                    curve: curve.name.clone(),
                    steps,
                    losses: values[0],
                    accuracies: values[1],
                });
            }
        }
        Ok(())
    }
}

/// The page as one HTML document.
///
/// # Errors
/// When there is neither a run nor curvature, or a run has the wrong number of axis labels, a single point along an axis
/// that is drawn, or a loss curve without one loss a step.
pub fn html(data: &PageData) -> Result<String, PageError> {
    check(data)?;
    Ok(filled(data, &payload::json(data)?, "", ""))
}

fn check(data: &PageData) -> Result<(), PageError> {
    if data.runs.is_empty() && data.curvature.is_empty() {
        return Err(PageError::NoRuns);
    }
    data.runs.iter().try_for_each(PageRun::check)
}

/// The viewer with its marks replaced.
fn filled(data: &PageData, json: &str, connect: &str, live: &str) -> String {
    let title = escape(&data.title);
    let curvature = curvature::html(&data.curvature);
    let length = json.len() + curvature.len() + 2 * title.len() + live.len();
    let mut page = String::with_capacity(VIEWER.len() + length);
    let mut rest = VIEWER;
    while let Some((before, mark, after)) = next_mark(rest) {
        page.push_str(before);
        page.push_str(match mark {
            TITLE_MARK => &title,
            CURVATURE_MARK => &curvature,
            CONNECT_MARK => connect,
            LIVE_MARK => live,
            _ => json,
        });
        rest = after;
    }
    page.push_str(rest);
    page
}

/// What stands before the next mark, the mark, and what stands after it.
fn next_mark(text: &str) -> Option<(&str, &str, &str)> {
    let at = |mark| text.find(mark).map(|start| (start, mark));
    let marks = [
        TITLE_MARK,
        DATA_MARK,
        CURVATURE_MARK,
        CONNECT_MARK,
        LIVE_MARK,
    ];
    let (start, mark) = marks.into_iter().filter_map(at).min()?;
    Some((&text[..start], mark, &text[start + mark.len()..]))
}

/// Text as HTML that reads as that text.
///
/// ```
/// assert_eq!(landscape_plot::page::escape("<b> & \"c\""), "&lt;b&gt; &amp; &quot;c&quot;");
/// ```
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
