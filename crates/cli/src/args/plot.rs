use super::{DbArgs, Given, Limits};
use clap::{Args, ValueEnum};
use landscape_study::metrics::ValueName;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  landscape plot plane -o plane.svg
  landscape plot plane --kind surface --log -o plane.png
  landscape plot path --kind trajectory --log -o path.svg
  landscape plot plane --basins -o basins.svg
  landscape plot plane --kind persistence -o persistence.svg
  landscape plot sgd adam --kind losses -o losses.svg
  landscape plot before after --shared-scale -o planes.svg    (planes-before.svg, planes-after.svg)
  landscape plot curvature --kind spectrum -o spectrum.svg
  landscape plot plane path curvature -o page.html";

/// Width of a column, in mm.
const COLUMN_MM: f64 = 89.0;
/// Dots an inch that journals ask for.
const DPI: f64 = 600.0;

/// Draw stored runs as SVG, PNG or an interactive page
#[derive(Debug, Args)]
#[command(before_help = EXAMPLES)]
pub struct PlotArgs {
    /// Runs by name or number
    #[arg(required = true, value_name = "RUN")]
    pub names: Vec<String>,
    /// Which options were typed.
    #[arg(skip)]
    pub given: Given,
    /// What is drawn; chosen from the run where absent
    #[arg(long, value_enum)]
    pub kind: Option<Kind>,
    /// Which path, by the name of its run, where a run has several; all are drawn over contours
    #[arg(long, value_name = "NAME")]
    pub path: Option<String>,
    /// FILE.svg, FILE.png or FILE.html
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    #[command(flatten)]
    pub look: LookArgs,
    /// Overwrite the file
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub db: DbArgs,
}

/// How it is drawn.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Look")]
pub struct LookArgs {
    /// Logarithmic scale of the values
    #[arg(long)]
    pub log: bool,
    /// Values beyond are not told apart: HIGH, or LOW:HIGH
    #[arg(long, value_name = "[LOW:]HIGH", allow_hyphen_values = true)]
    pub clip: Option<Limits>,
    /// Smooth the picture, not the data, with a Gaussian of SIGMA cells; the figure says so
    #[arg(long, value_name = "SIGMA", default_value_t = 0.0)]
    pub smooth: f64,
    /// Mark the measured points of adaptive runs with small dots
    #[arg(long)]
    pub measured: bool,
    /// Borders of basins over contours, minima and the passes between them; of minima whose
    /// persistence is at least a share of the range, 0.02 where absent
    #[arg(
        long,
        value_name = "SHARE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "0.02"
    )]
    pub basins: Option<f64>,
    /// One scale for the figures of all runs
    #[arg(long)]
    pub shared_scale: bool,
    /// loss, accuracy, loss-se, total, or the name of an extra term
    #[arg(long, value_name = "NAME", default_value = "loss")]
    pub value: ValueName,
    /// A line above the figure
    #[arg(long)]
    pub title: Option<String>,
    /// Width in mm: 89 is a column, 183 a page
    #[arg(long, value_name = "MM", default_value_t = COLUMN_MM)]
    pub width: f64,
    /// Colours
    #[arg(long, value_enum, default_value = "viridis")]
    pub colormap: Colors,
    /// Dots an inch of PNG files
    #[arg(long, value_name = "N", default_value_t = DPI)]
    pub dpi: f64,
}

impl Default for LookArgs {
    fn default() -> Self {
        LookArgs {
            log: false,
            clip: None,
            smooth: 0.0,
            measured: false,
            basins: None,
            shared_scale: false,
            value: ValueName::Loss,
            title: None,
            width: COLUMN_MM,
            colormap: Colors::Viridis,
            dpi: DPI,
        }
    }
}

/// Colours of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colors {
    /// Dark blue over green to yellow.
    Viridis,
    /// Looks the same with and without red-green blindness.
    Cividis,
}

/// Kinds of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Loss and accuracy along a line.
    Line,
    /// Contour lines with levels.
    Contour,
    /// Coloured cells.
    Heatmap,
    /// The plane in three dimensions, with the path where there is one.
    Surface,
    /// The path over the contours of its plane.
    Trajectory,
    /// Persistence of the minima: how much each stands out.
    Persistence,
    /// Losses of training.
    Losses,
    /// True loss, loss of the plane, and distance from it along a path.
    PlaneLosses,
    /// A volume as slices.
    Slices,
    /// Density and single eigenvalues of a Hessian.
    Spectrum,
    /// abs(lambda_min / lambda_max) over a plane.
    HessianMap,
    /// The largest eigenvalue while training, and its limit.
    Stability,
    /// Measures of sharpness as a table.
    Sharpness,
}
