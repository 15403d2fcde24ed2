//! A finished figure and its files.

use crate::error::PlotError;
use crate::raster;
use crate::style::POINTS_PER_MM;
use crate::svg::{Canvas, escape};
use crate::text;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// The resolution that [`Figure::save`] gives PNG files, in dots an inch.
pub const DEFAULT_DPI: f64 = 600.0;

/// The most pixels of a picture, 1 GiB of them.
const MOST_PIXELS: u64 = 1 << 28;

/// A finished figure: an SVG document whose text is text, and the names and values that say where
/// it came from. The same data and options give the same bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    svg: String,
    width: f64,
    height: f64,
    provenance: Vec<(String, String)>,
}

impl Figure {
    pub(crate) fn new(
        canvas: Canvas,
        width: f64,
        height: f64,
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
        Figure {
            svg: canvas.finish(width, height, &head),
            width,
            height,
            provenance: entries,
        }
    }

    /// The SVG document.
    pub fn svg(&self) -> &str {
        &self.svg
    }

    /// The SVG document as an own string.
    pub fn to_svg(&self) -> String {
        self.svg.clone()
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
        if !(36.0..=2400.0).contains(&dpi) {
            return Err(PlotError::Option {
                option: "resolution",
                given: format!("{dpi} dpi"),
                rule: "36 to 2400 dpi",
            });
        }
        let pixmap = self.render(dpi)?;
        let (w, h) = (pixmap.width() as usize, pixmap.height() as usize);
        // The ground is opaque white, so that premultiplied and straight colours agree.
        raster::encode(w, h, pixmap.data(), Some(dpi), &self.provenance)
    }

    fn render(&self, dpi: f64) -> Result<Pixmap, PlotError> {
        let failed = |reason: String| PlotError::Raster { reason };
        let options = usvg::Options {
            fontdb: fonts(),
            font_family: "DejaVu Sans".to_owned(),
            ..usvg::Options::default()
        };
        let tree = usvg::Tree::from_str(&self.svg, &options).map_err(|e| failed(e.to_string()))?;
        let pixels = |points: f64| libm::round(points / 72.0 * dpi) as u32;
        let (w, h) = (pixels(self.width), pixels(self.height));
        if u64::from(w) * u64::from(h) > MOST_PIXELS {
            return Err(PlotError::Option {
                option: "resolution",
                given: format!("{dpi} dpi, which makes {w} x {h} pixels,"),
                rule: "at most 268 million pixels; give a smaller width or resolution",
            });
        }
        let mut pixmap = Pixmap::new(w, h).ok_or_else(|| failed(format!("{w} x {h} pixels")))?;
        let transform = Transform::from_scale(
            w as f32 / tree.size().width(),
            h as f32 / tree.size().height(),
        );
        resvg::render(&tree, transform, &mut pixmap.as_mut());
        Ok(pixmap)
    }

    /// Writes the figure to a `.svg` or `.png` file ([`DEFAULT_DPI`]): first beside it, then in its
    /// place, so that no half-written file is left.
    ///
    /// # Errors
    /// When the name ends otherwise, or the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
        let path = path.as_ref();
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
        let bytes = match extension.to_ascii_lowercase().as_str() {
            "svg" => self.svg.clone().into_bytes(),
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
