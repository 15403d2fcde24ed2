//! Size, type and colours of a figure.

use crate::error::PlotError;
use landscape_core::named;
use serde::{Deserialize, Serialize};

/// Points (1/72 inch) in a millimetre.
pub(crate) const POINTS_PER_MM: f64 = 72.0 / 25.4;

/// A colour, red, green and blue.
pub type Rgb = [u8; 3];

/// What a figure is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Size {
    /// One column of a journal.
    Single,
    /// Both columns of a journal.
    Double,
    /// A slide.
    Slide,
}

named!(Size, "size", {
    Single => "single": "One column: 89 mm wide, type of 8 pt",
    Double => "double": "Two columns: 183 mm wide, type of 8 pt",
    Slide => "slide": "A slide of 16:9: 160 mm by 90 mm, type of 10 pt, as in Beamer",
});

/// Size, type and colours of a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Style {
    /// Width of the figure: 89 mm is a column, 183 mm a page.
    pub width_mm: f64,
    /// Width and height of the page that the figure stands on, centred; `None` where it is its own page. See
    /// [`crate::Figure::fitted`].
    pub page_mm: Option<(f64, f64)>,
    /// Colours of values.
    pub colormap: Colormap,
    /// Size of labels in points at final size, 5 to 24; ticks, contour labels and captions are up
    /// to 1 pt smaller, but not below 5.
    pub font_pt: f64,
}

impl Default for Style {
    fn default() -> Self {
        Style {
            width_mm: 89.0,
            page_mm: None,
            colormap: Colormap::Viridis,
            font_pt: 7.0,
        }
    }
}

impl Style {
    /// Width, page and type of a size.
    pub fn of(size: Size) -> Self {
        let (width_mm, page_mm, font_pt) = match size {
            Size::Single => (89.0, None, 8.0),
            Size::Double => (183.0, None, 8.0),
            Size::Slide => (160.0, Some((160.0, 90.0)), 10.0),
        };
        Style {
            width_mm,
            page_mm,
            font_pt,
            ..Style::default()
        }
    }

    pub(crate) fn width(&self) -> f64 {
        self.width_mm * POINTS_PER_MM
    }

    /// Size of ticks and legends.
    pub(crate) fn small(&self) -> f64 {
        (self.font_pt - 0.5).max(5.0)
    }

    /// Size of contour labels and captions.
    pub(crate) fn tiny(&self) -> f64 {
        (self.font_pt - 1.0).max(5.0)
    }

    pub(crate) fn check(&self) -> Result<(), PlotError> {
        if !(50.0..=500.0).contains(&self.width_mm) {
            return Err(PlotError::Option {
                option: "width",
                given: format!("{} mm", self.width_mm),
                rule: "50 to 500 mm",
            });
        }
        if !(5.0..=24.0).contains(&self.font_pt) {
            return Err(PlotError::Option {
                option: "font size",
                given: format!("{} pt", self.font_pt),
                rule: "5 to 24 pt",
            });
        }
        Ok(())
    }
}

/// Colours of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Colormap {
    /// Dark blue over green to yellow; even steps to the eye, and in grey.
    #[default]
    Viridis,
    /// Blue over grey to yellow; looks the same with and without red-green blindness.
    Cividis,
    /// Black over purple and orange to pale yellow; even steps to the eye, and in grey.
    Magma,
    /// Dark to light grey, for print without colour.
    Grey,
    /// Blue over white to red, for differences and signed values; its range is made symmetric
    /// about 0.
    Diverging,
}

named!(Colormap, "colour map", {
    Viridis => "viridis": "Dark blue over green to yellow",
    Cividis => "cividis": "Looks the same with and without red-green blindness",
    Magma => "magma": "Black over purple and orange to pale yellow",
    Grey => "grey": "Dark to light grey, for print without colour",
    Diverging => "diverging": "Blue over white to red, for differences and signed values",
});

impl Colormap {
    /// The colour at a place from 0 (low) to 1 (high); places beyond get the end's colour.
    pub fn color(self, t: f64) -> Rgb {
        let gradient = match self {
            Colormap::Viridis => colorous::VIRIDIS,
            Colormap::Cividis => colorous::CIVIDIS,
            Colormap::Magma => colorous::MAGMA,
            Colormap::Grey => colorous::GREYS,
            Colormap::Diverging => colorous::RED_BLUE,
        };
        let t = match self {
            Colormap::Diverging => 1.0 - t,
            // From where marks in ink are seen to where lines in white are.
            Colormap::Grey => 0.85 - 0.75 * t,
            _ => t,
        };
        let color = gradient.eval_continuous(t.clamp(0.0, 1.0));
        [color.r, color.g, color.b]
    }

    /// `n` colours from low to high.
    pub(crate) fn table(self, n: usize) -> Vec<Rgb> {
        let last = (n - 1).max(1) as f64;
        (0..n).map(|i| self.color(i as f64 / last)).collect()
    }
}

/// `#rrggbb`.
pub(crate) fn hex([r, g, b]: Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Relative luminance from 0 (black) to 1 (white), after WCAG 2.
pub(crate) fn luminance(color: Rgb) -> f64 {
    let [r, g, b] = color.map(light);
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// The light of a component in sRGB, from 0 to 1.
pub(crate) fn light(component: u8) -> f64 {
    let c = f64::from(component) / 255.0;
    match c <= 0.04045 {
        true => c / 12.92,
        false => libm::pow((c + 0.055) / 1.055, 2.4),
    }
}

/// Whether white ink is easier to read on a colour than dark ink.
pub(crate) fn is_dark(color: Rgb) -> bool {
    luminance(color) < 0.18
}

/// Colours of lines, in the order of use: those of Okabe and Ito that hold on white, and three that differ from
/// them in hue or brightness. Each of ten lines has its own.
pub(crate) const LINES: [&str; 10] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#56b4e9", "#e69f00", "#882255",
    "#999933", "#7b4fa3",
];
/// Dashes, in points, in the order of use; the first is a full line.
pub(crate) const DASHES: [&[f64]; 5] = [
    &[],
    &[4.0, 1.5],
    &[1.2, 1.2],
    &[5.0, 1.5, 1.2, 1.5],
    &[7.0, 2.0],
];

/// Dashes of the borders of basins, in points.
pub(crate) const BORDER: [f64; 2] = [2.4, 1.4];

/// Ink of axes and text.
pub(crate) const INK: &str = "#1a1a1a";
/// Ink of notes.
pub(crate) const GREY: &str = "#555555";
/// Ground of the hatching of cells that are not finite.
pub(crate) const HATCH_GROUND: &str = "#dddddd";
/// Lines of the hatching.
pub(crate) const HATCH_LINE: &str = "#777777";
/// Cells that were not computed.
pub(crate) const MISSING: &str = "#f7f7f7";
/// Width of axes, in points.
pub(crate) const AXIS: f64 = 0.5;
/// Width of curves, in points.
pub(crate) const CURVE: f64 = 1.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colormaps_run_from_dark_to_bright() {
        let maps = [Colormap::Viridis, Colormap::Cividis, Colormap::Magma];
        for map in maps.into_iter().chain([Colormap::Grey]) {
            let table = map.table(64);
            let bright: Vec<f64> = table.iter().map(|c| luminance(*c)).collect();
            assert!(bright.windows(2).all(|w| w[0] <= w[1] + 0.01), "{map:?}");
        }
        assert_eq!(Colormap::Viridis.color(0.0), [68, 1, 84]);
        let middle = Colormap::Diverging.color(0.5);
        assert!(middle.iter().all(|c| *c > 230));
        assert!(Colormap::Diverging.color(1.0)[0] > Colormap::Diverging.color(1.0)[2]);
    }
}
