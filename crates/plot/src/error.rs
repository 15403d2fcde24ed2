//! What can be wrong with a request for a figure.

use std::path::PathBuf;

/// Why a figure was not drawn.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// The surface has another number of directions than the figure shows.
    #[error("a {figure} figure shows {expected} direction(s), but the surface has {found}")]
    Dimensions {
        /// The kind of figure.
        figure: &'static str,
        /// How many directions it shows.
        expected: usize,
        /// How many the surface has.
        found: usize,
    },
    /// An axis has too few points to draw lines between them.
    #[error("a {figure} figure needs 2 points or more on axis {axis}, not {found}")]
    TooFewPoints {
        /// The kind of figure.
        figure: &'static str,
        /// Which axis, from 1.
        axis: usize,
        /// How many points it has.
        found: usize,
    },
    /// No ends to clip at.
    #[error("`{0}` is not a limit: give HIGH or LOW:HIGH, finite numbers with LOW < HIGH")]
    Limits(String),
    /// No place to look from.
    #[error(
        "`{0}` is not a view: give AZIMUTH,ELEVATION in degrees, with an elevation from 5 to 85"
    )]
    Angles(String),
    /// No line over a plane.
    #[error("`{0}` is not a line over a plane: give X,Y:X,Y, two points that differ")]
    Line(String),
    /// There is nothing to draw.
    #[error("a {figure} figure needs at least one {what}")]
    Empty {
        /// The kind of figure.
        figure: &'static str,
        /// What is absent.
        what: &'static str,
    },
    /// A path has no points.
    #[error("path `{name}` has no checkpoint")]
    EmptyPath {
        /// The path's name.
        name: String,
    },
    /// A curve has not one value a step.
    #[error("curve `{name}` has {steps} steps but {values} values")]
    CurveLength {
        /// The curve's name.
        name: String,
        /// Number of steps.
        steps: usize,
        /// Number of values.
        values: usize,
    },
    /// A list has not one value a place.
    #[error("`{name}` has {places} places but {values} values")]
    ValueCount {
        /// What the list belongs to.
        name: String,
        /// Number of places.
        places: usize,
        /// Number of values.
        values: usize,
    },
    /// The surface has no such extra term.
    #[error("the surface has no term {index}; it has {found} extra term(s)")]
    NoTerm {
        /// The term asked for, from 0.
        index: usize,
        /// How many there are.
        found: usize,
    },
    /// An option is outside of what can be drawn.
    #[error("{option} = {given} is not usable: {rule}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// What was given.
        given: String,
        /// What is accepted.
        rule: &'static str,
    },
    /// A figure has no lines that are data.
    #[error(
        "a figure of this kind has no lines for LaTeX: those of curves, contours and paths have"
    )]
    NoLines,
    /// A file name says none of SVG, PDF, TeX and PNG.
    #[error("`{}` is not an .svg, .pdf, .tex or .png file", path.display())]
    Extension {
        /// The path given.
        path: PathBuf,
    },
    /// The figure could not be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// Where to.
        path: PathBuf,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// The drawing could not be turned into a page.
    #[error("cannot turn the figure into a PDF file: {reason}")]
    Pdf {
        /// The reason.
        reason: String,
    },
    /// The drawing could not be turned into pixels.
    #[error("cannot turn the figure into pixels: {reason}")]
    Raster {
        /// The reason.
        reason: String,
    },
}
