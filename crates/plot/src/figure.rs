//! A finished figure and its files.

use crate::error::PlotError;
use crate::lines::Frame;
use crate::pdf;
use crate::raster;
use crate::style::{POINTS_PER_MM, Style};
use crate::svg::{Canvas, Rect, escape};
use crate::tex;
use crate::text;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// The resolution that [`Figure::save`] gives PNG files, in dots an inch.
pub const DEFAULT_DPI: f64 = 600.0;

/// How much narrower at least a figure is tried that is taller than its page, and down to which width, in mm.
const NARROWER: f64 = 0.97;
const NARROWEST: f64 = 60.0;

/// The most pixels of a picture, 1 GiB of them.
const MOST_PIXELS: usize = 1 << 28;

/// A finished figure: an SVG document whose text is text, and the names and values that say where
/// it came from. The same data and options give the same bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    svg: String,
    /// Those of its page, in points.
    width: f64,
    height: f64,
    /// How much larger it is than its page, on which it is drawn smaller where this is above 1.
    zoom: f64,
    /// Its lines as data, and what they are set in.
    frames: Vec<Frame>,
    style: Style,
    provenance: Vec<(String, String)>,
}

impl Figure {
    /// A figure of a width and a height in points, on the page of its style.
    pub(crate) fn new(
        canvas: Canvas,
        (width, height): (f64, f64),
        style: Style,
        title: &str,
        provenance: &[(String, String)],
    ) -> Self {
        let mut entries = vec![
            (
                "Software".to_owned(),
                concat!("landscape-plot ", env!("CARGO_PKG_VERSION")).to_owned(),
            ),
            ("Title".to_owned(), title.to_owned()),
        ];
        entries.extend(provenance.iter().cloned());
        let head = head(title, &entries);
        let page = { style.page_mm }.map(|(w, h)| (w * POINTS_PER_MM, h * POINTS_PER_MM));
        let page = page.unwrap_or((width, height));
        // What is too large for its page is drawn smaller.
        let zoom = (width / page.0).max(height / page.1).max(1.0);
        let (w, h) = (zoom * page.0, zoom * page.1);
        let view = Rect::new((width - w) / 2.0, (height - h) / 2.0, w, h);
        Figure {
            svg: canvas.finish(page, view, &head),
            width: page.0,
            height: page.1,
            zoom,
            frames: Vec::new(),
            style,
            provenance: entries,
        }
    }

    pub(crate) fn with_frames(self, frames: Vec<Frame>) -> Self {
        Figure { frames, ..self }
    }

    /// The lines of the figure for LaTeX's pgfplots, to be `\\input`: curves, contours and paths as data in the units
    /// of the axes, with their names, levels and colours. What is painted between lines is left out.
    ///
    /// # Errors
    /// [`PlotError::NoLines`] for figures without axes and lines: surfaces in three dimensions, heatmaps, tables.
    pub fn to_tex(&self) -> Result<String, PlotError> {
        match self.frames.is_empty() {
            true => Err(PlotError::NoLines),
            false => Ok(tex::picture(
                &self.frames,
                self.height,
                &self.style,
                &self.provenance,
            )),
        }
    }

    /// Draws a figure for the page of a style: as wide as it can be without being taller than the page. One that is
    /// its own page is drawn once.
    ///
    /// # Errors
    /// Those of `draw`.
    ///
    /// ```
    /// use landscape_core::{Grid, Sampler, Surface, from_fn};
    /// use landscape_plot::{Figure, Options, Size, Style, contour};
    ///
    /// let bowl = from_fn(|[x, y]: [f64; 2]| x * x + 2.0 * y * y);
    /// let mut surface = Surface::new(Grid::square(21, 1.0, 2)?, vec![]);
    /// Sampler::new().run(&bowl, &mut surface, &mut [])?;
    /// let draw = |style| contour(&surface, &Options { style, ..Options::default() });
    /// let slide = Figure::fitted(Style::of(Size::Slide), draw)?;
    /// assert_eq!(slide.size_mm(), (160.0, 90.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fitted<E>(style: Style, draw: impl Fn(Style) -> Result<Figure, E>) -> Result<Figure, E> {
        let mut width_mm = style.width_mm;
        let mut figure = draw(style)?;
        while figure.zoom > 1.0 && width_mm > NARROWEST {
            // Frames shrink with the width, words do not: this ends at what fits, from above.
            width_mm *= NARROWER.min(1.0 / figure.zoom);
            figure = draw(Style { width_mm, ..style })?;
        }
        Ok(figure)
    }

    /// The SVG document.
    pub fn svg(&self) -> &str {
        &self.svg
    }

    /// The SVG document as an own string.
    pub fn to_svg(&self) -> String {
        self.svg.clone()
    }

    /// The drawing as a part of an HTML document: `prefix` stands before every name that it defines, so that those of
    /// several drawings do not meet. The provenance stays behind; the title stays, for those who listen.
    ///
    /// ```
    /// use landscape_core::{Grid, Sampler, Surface, from_fn};
    /// use landscape_plot::{Options, contour};
    ///
    /// let bowl = from_fn(|[x, y]: [f64; 2]| x * x + 2.0 * y * y);
    /// let mut surface = Surface::new(Grid::square(21, 1.0, 2)?, vec![]);
    /// Sampler::new().run(&bowl, &mut surface, &mut [])?;
    /// let figure = contour(&surface, &Options::default())?;
    /// assert!(figure.svg().contains("url(#clip1)"));
    /// assert!(figure.to_inline_svg("a-").contains("url(#a-clip1)"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_inline_svg(&self, prefix: &str) -> String {
        // Words cannot hold these: quotation marks are escaped in them.
        let svg = self.svg.replace(" id=\"", &format!(" id=\"{prefix}"));
        let svg = svg.replace("=\"url(#", &format!("=\"url(#{prefix}"));
        match (svg.find("<metadata>"), svg.find("</metadata>\n")) {
            (Some(from), Some(to)) => svg[..from].to_owned() + &svg[to + "</metadata>\n".len()..],
            _ => svg,
        }
    }

    /// Width and height in millimetres.
    pub fn size_mm(&self) -> (f64, f64) {
        (self.width / POINTS_PER_MM, self.height / POINTS_PER_MM)
    }

    /// Names and values in the file's metadata.
    pub fn provenance(&self) -> &[(String, String)] {
        &self.provenance
    }

    /// A PNG file at a resolution, drawn with the font that travels with this crate: no font of the
    /// system is looked for. The resolution and the provenance stand in the file.
    ///
    /// # Errors
    /// When `dpi` is not within 36 to 2400, or the picture would have more than 2^28 pixels.
    pub fn to_png(&self, dpi: f64) -> Result<Vec<u8>, PlotError> {
        let pixmap = self.pixels(dpi)?;
        let (w, h) = (pixmap.width() as usize, pixmap.height() as usize);
        // The ground is opaque white, so that premultiplied and straight colours agree.
        raster::encode(w, h, pixmap.data(), Some(dpi), &self.provenance)
    }

    /// A PDF file of one page, with its text as text in the font that travels with this crate, embedded, and its
    /// provenance as keywords. The same figure gives the same bytes.
    ///
    /// # Errors
    /// When the drawing cannot be turned into a page.
    pub fn to_pdf(&self) -> Result<Vec<u8>, PlotError> {
        let title = { self.provenance.iter() }.find(|(name, _)| name == "Title");
        let title = title.map_or("", |(_, title)| title);
        pdf::page(
            &self.svg,
            (self.width, self.height),
            title,
            &self.provenance,
        )
    }

    fn tree(&self) -> Result<usvg::Tree, PlotError> {
        let options = usvg::Options {
            fontdb: fonts(),
            font_family: "DejaVu Sans".to_owned(),
            ..usvg::Options::default()
        };
        usvg::Tree::from_str(&self.svg, &options).map_err(|error| PlotError::Raster {
            reason: error.to_string(),
        })
    }

    /// Width and height in pixels at a resolution.
    pub(crate) fn size_px(&self, dpi: f64) -> Result<(usize, usize), PlotError> {
        if !(36.0..=2400.0).contains(&dpi) {
            return Err(PlotError::Option {
                option: "resolution",
                given: format!("{dpi} dpi"),
                rule: "36 to 2400 dpi",
            });
        }
        let pixels = |points: f64| libm::round(points / 72.0 * dpi) as usize;
        let (w, h) = (pixels(self.width), pixels(self.height));
        if w * h > MOST_PIXELS {
            return Err(PlotError::Option {
                option: "resolution",
                given: format!("{dpi} dpi, which makes {w} x {h} pixels,"),
                rule: "at most 268 million pixels; give a smaller width or resolution",
            });
        }
        Ok((w, h))
    }

    /// Its width in pixels, and its pixels, row by row from the top, opaque.
    pub(crate) fn to_rgba(&self, dpi: f64) -> Result<(usize, Vec<u8>), PlotError> {
        let pixmap = self.pixels(dpi)?;
        Ok((pixmap.width() as usize, pixmap.take()))
    }

    fn pixels(&self, dpi: f64) -> Result<Pixmap, PlotError> {
        let (w, h) = self.size_px(dpi)?;
        let tree = self.tree()?;
        let pixmap = Pixmap::new(w as u32, h as u32);
        let mut pixmap = pixmap.ok_or_else(|| PlotError::Raster {
            reason: format!("{w} x {h} pixels"),
        })?;
        let transform = Transform::from_scale(
            w as f32 / tree.size().width(),
            h as f32 / tree.size().height(),
        );
        resvg::render(&tree, transform, &mut pixmap.as_mut());
        Ok(pixmap)
    }

    /// Writes the figure to a `.svg`, `.pdf`, `.tex` or `.png` file ([`DEFAULT_DPI`]): first beside it, then in its
    /// place, so that no half-written file is left.
    ///
    /// # Errors
    /// When the name ends otherwise, or the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
        let path = path.as_ref();
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
        let bytes = match extension.to_ascii_lowercase().as_str() {
            "svg" => self.svg.clone().into_bytes(),
            "pdf" => self.to_pdf()?,
            "tex" => self.to_tex()?.into_bytes(),
            "png" => self.to_png(DEFAULT_DPI)?,
            _ => {
                return Err(PlotError::Extension {
                    path: path.to_owned(),
                });
            }
        };
        write(path, &bytes)
    }
}

/// Writes a file by way of a neighbour that is then renamed.
fn write(path: &Path, bytes: &[u8]) -> Result<(), PlotError> {
    landscape_core::files::write_whole(path, bytes, true).map_err(|source| PlotError::Write {
        path: path.to_owned(),
        source,
    })
}

fn fonts() -> Arc<usvg::fontdb::Database> {
    static FONTS: OnceLock<Arc<usvg::fontdb::Database>> = OnceLock::new();
    let load = || {
        let mut database = usvg::fontdb::Database::new();
        database.load_font_data(text::FONT.to_vec());
        database.set_sans_serif_family("DejaVu Sans");
        Arc::new(database)
    };
    FONTS.get_or_init(load).clone()
}

/// Title and metadata of the document.
fn head(title: &str, entries: &[(String, String)]) -> String {
    let items: String = entries
        .iter()
        .map(|(name, value)| {
            format!(
                "<ll:entry ll:name=\"{}\">{}</ll:entry>\n",
                escape(name),
                escape(value)
            )
        })
        .collect();
    format!(
        "<title>{title}</title>\n<metadata>\n<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\n<rdf:Description rdf:about=\"\"><dc:title>{title}</dc:title><dc:format>image/svg+xml</dc:format></rdf:Description>\n</rdf:RDF>\n<ll:provenance xmlns:ll=\"https://github.com/loss-landscape/loss-landscape\">\n{items}</ll:provenance>\n</metadata>\n",
        title = escape(title)
    )
}
