//! Where the lessons leave their files; nothing here is about landscapes.

#[allow(dead_code, reason = "some lessons have other data")]
pub mod digits;

use loss_landscape::plot::Figure;
use loss_landscape::plot::page::{self, PageData};
use std::error::Error;
use std::path::{Path, PathBuf};

/// A folder for figures and pages.
pub struct Output {
    folder: PathBuf,
}

impl Output {
    /// The folder that the first argument names, or `examples/out/NAME`.
    pub fn of(name: &str) -> Result<Self, Box<dyn Error>> {
        let given = std::env::args().nth(1).map(PathBuf::from);
        let folder = given.unwrap_or_else(|| PathBuf::from("examples/out").join(name));
        std::fs::create_dir_all(&folder)?;
        println!("files: {}", folder.display());
        Ok(Output { folder })
    }

    /// The folder.
    #[allow(dead_code, reason = "most lessons name their files")]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of a file in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a figure as SVG, for print, and as PNG with 300 dots an inch.
    #[allow(dead_code, reason = "some lessons draw stored runs")]
    pub fn figure(&self, name: &str, figure: Figure) -> Result<(), Box<dyn Error>> {
        std::fs::write(self.file(&format!("{name}.svg")), figure.svg())?;
        std::fs::write(self.file(&format!("{name}.png")), figure.to_png(300.0)?)?;
        Ok(())
    }

    /// Writes an interactive page, which needs no network.
    #[allow(dead_code, reason = "not every lesson has a page")]
    pub fn page(&self, data: &PageData) -> Result<(), Box<dyn Error>> {
        std::fs::write(self.file("index.html"), page::html(data)?)?;
        Ok(())
    }
}
