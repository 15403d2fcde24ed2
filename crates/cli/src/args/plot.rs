use super::values::choice;
use super::{DbArgs, Given};
use clap::Args;
use landscape_plot::{Along, Camera, Clip, Colormap, Size};
use landscape_study::figures::{FigureKind, FigureRequest, Look};
use landscape_study::metrics::ValueName;
use std::path::PathBuf;

/// Those of values of one sign.
const COLORMAPS: &[Colormap] = &[
    Colormap::Viridis,
    Colormap::Cividis,
    Colormap::Magma,
    Colormap::Grey,
];

/// Draw stored runs: pictures, animations, data for LaTeX, or an interactive page
#[derive(Debug, Args)]
#[command(before_help = examples![
    "plot plane -o plane.svg",
    "plot plane --kind surface --log -o plane.png",
    "plot path --kind trajectory --log -o path.svg",
    "plot plane --basins -o basins.svg",
    "plot plane --kind persistence -o persistence.svg",
    "plot sgd adam --kind losses -o losses.svg",
    "plot before after --shared-scale -o planes.svg    (planes-before.svg, planes-after.svg)",
    "plot before after --panels --size double -o planes.pdf",
    "plot before after --difference -o change.svg",
    "plot plane --along=-1,-1:1,1 -o profile.svg",
    "plot path --kind trajectory --log -o path.gif",
    "plot plane --size single -o plane.tex            (\\input it: pgfplots draws the lines)",
    "plot curvature --kind spectrum -o spectrum.svg",
    "plot plane path curvature -o page.html",
])]
pub struct PlotArgs {
    /// Runs by name or number
    #[arg(required = true, value_name = "RUN")]
    pub names: Vec<String>,
    /// Which options were typed.
    #[arg(skip)]
    pub given: Given,
    /// What is drawn; chosen from the run by default
    #[arg(long, value_name = "KIND", value_parser = choice(FigureKind::ALL))]
    pub kind: Option<FigureKind>,
    /// Which path, by the name of its run, where a run has several; all are drawn over contours
    #[arg(long, value_name = "NAME")]
    pub path: Option<String>,
    /// FILE.svg, FILE.pdf, FILE.png, FILE.tex (lines as data for pgfplots) or FILE.html; for a path that
    /// grows FILE.gif, FILE.webp or FILE.apng
    #[arg(long, short)]
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
    /// Cut values off at these limits: HIGH, or LOW:HIGH
    #[arg(long, value_name = "[LOW:]HIGH", allow_hyphen_values = true)]
    pub clip: Option<Clip>,
    /// Smooth the picture, not the data, with a Gaussian of SIGMA cells; the figure says so
    #[arg(long, value_name = "SIGMA", default_value_t = 0.0)]
    pub smooth: f64,
    /// Mark the measured points of adaptive runs with small dots
    #[arg(long)]
    pub measured: bool,
    /// Borders of basins over contours, minima and the passes between them; of minima whose
    /// persistence is at least this fraction of the range, 0.02 by default
    #[arg(
        long,
        value_name = "FRACTION",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "0.02"
    )]
    pub basins: Option<f64>,
    /// Levels of contours, as 0.1,0.5,2; by default chosen from the range of the values
    #[arg(
        long,
        value_name = "VALUE,...",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    pub levels: Option<Vec<f64>>,
    /// One scale for the figures of all runs
    #[arg(long)]
    pub shared_scale: bool,
    /// Two to six planes side by side in one figure, on one scale, with letters
    #[arg(long)]
    pub panels: bool,
    /// Draw what runs differ from the first by, on the same grid, in colours about 0
    #[arg(long, conflicts_with = "colormap")]
    pub difference: bool,
    /// Where a surface is seen from, in degrees; by default from where it is seen well
    #[arg(long, value_name = "AZIMUTH,ELEVATION", allow_hyphen_values = true)]
    pub camera: Option<Camera>,
    /// Values of planes along a straight line over them, from a point to another
    #[arg(long, value_name = "X,Y:X,Y", allow_hyphen_values = true)]
    pub along: Option<Along>,
    /// loss, accuracy, loss-se, total, or the name of an extra term
    #[arg(long, value_name = "NAME", default_value = "loss")]
    pub value: ValueName,
    /// A line above the figure
    #[arg(long)]
    pub title: Option<String>,
    /// What it is made for; by default 89 mm wide with type of 7 pt, side by side as double
    #[arg(long, value_name = "SIZE", value_parser = choice(Size::ALL))]
    pub size: Option<Size>,
    /// Width in mm; by default that of the size
    #[arg(long, value_name = "MM")]
    pub width: Option<f64>,
    /// Colours; all are safe for colour blindness
    #[arg(long, alias = "style", default_value = "viridis", value_parser = choice(COLORMAPS))]
    pub colormap: Colormap,
    /// Dots per inch; 600 for PNG files and 200 for animations by default
    #[arg(long, value_name = "N")]
    pub dpi: Option<f64>,
}

impl PlotArgs {
    /// What the library is asked for.
    pub fn request(&self) -> FigureRequest {
        FigureRequest {
            runs: self.names.clone(),
            kind: self.kind,
            output: self.output.clone(),
            look: self.look.request(self.path.clone()),
            replace: self.force,
        }
    }
}

impl LookArgs {
    fn request(&self, path: Option<String>) -> Look {
        Look {
            log: self.log,
            clip: self.clip.unwrap_or_default(),
            smooth: self.smooth,
            measured: self.measured,
            basins: self.basins,
            levels: self.levels.clone(),
            shared_scale: self.shared_scale,
            panels: self.panels,
            difference: self.difference,
            camera: self.camera,
            along: self.along,
            value: self.value.clone(),
            path,
            title: self.title.clone(),
            size: self.size,
            width: self.width,
            colormap: self.colormap,
            dpi: self.dpi,
        }
    }
}
