//! Writing SVG. One user unit is one point (1/72 inch), so that font sizes and line widths are
//! those of the printed figure.

mod path;

pub(crate) use path::Path;

use crate::error::PlotError;
use crate::raster::Raster;
use crate::style::{HATCH_GROUND, HATCH_LINE, INK, POINTS_PER_MM};
use crate::text::FAMILY;
use std::fmt::Write;

/// A rectangle: left, top, width, height.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Rect {
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
}

impl Rect {
    pub fn new(x: f64, y: f64, w: f64, h: f64) -> Self {
        Rect { x, y, w, h }
    }

    pub fn right(&self) -> f64 {
        self.x + self.w
    }

    pub fn bottom(&self) -> f64 {
        self.y + self.h
    }

    /// Smaller by `m` on every side.
    pub fn inset(&self, m: f64) -> Rect {
        Rect::new(self.x + m, self.y + m, self.w - 2.0 * m, self.h - 2.0 * m)
    }

    pub fn holds(&self, x: f64, y: f64) -> bool {
        x >= self.x && x <= self.right() && y >= self.y && y <= self.bottom()
    }
}

/// Which end of a text its position is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// One line of text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Text<'a> {
    pub words: &'a str,
    pub x: f64,
    /// Base line.
    pub y: f64,
    pub size: f64,
    pub anchor: Anchor,
    /// Degrees, clockwise, about the position.
    pub angle: f64,
    pub color: &'a str,
    /// Colour of a halo.
    pub halo: Option<&'a str>,
}

impl<'a> Text<'a> {
    pub fn new(words: &'a str, x: f64, y: f64, size: f64) -> Self {
        Text {
            words,
            x,
            y,
            size,
            anchor: Anchor::Start,
            angle: 0.0,
            color: INK,
            halo: None,
        }
    }

    pub fn anchor(self, anchor: Anchor) -> Self {
        Text { anchor, ..self }
    }

    pub fn angle(self, angle: f64) -> Self {
        Text { angle, ..self }
    }

    pub fn color(self, color: &'a str) -> Self {
        Text { color, ..self }
    }

    pub fn halo(self, color: &'a str) -> Self {
        Text {
            halo: Some(color),
            ..self
        }
    }
}

/// A line's look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stroke<'a> {
    pub color: &'a str,
    pub width: f64,
    pub opacity: f64,
    pub dash: &'a [f64],
}

impl<'a> Stroke<'a> {
    pub fn new(color: &'a str, width: f64) -> Self {
        Stroke {
            color,
            width,
            opacity: 1.0,
            dash: &[],
        }
    }

    pub fn dash(self, dash: &'a [f64]) -> Self {
        Stroke { dash, ..self }
    }

    pub fn opacity(self, opacity: f64) -> Self {
        Stroke { opacity, ..self }
    }
}

/// An SVG document in the making.
#[derive(Debug, Default)]
pub(crate) struct Canvas {
    body: String,
    defs: String,
    hatched: bool,
    cross_hatched: bool,
    clips: usize,
    gradients: usize,
}

/// A number with at most two decimals: 0.01 pt is 3.5 micrometres.
pub(crate) fn num(v: f64) -> String {
    let hundredths = libm::round(v * 100.0);
    if !hundredths.is_finite() || hundredths == 0.0 {
        return "0".to_owned();
    }
    let text = format!("{:.2}", hundredths / 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Text that is safe inside XML; characters that XML does not allow are left out.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if (c as u32) < 0x20 || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

fn dash_attribute(dash: &[f64]) -> String {
    match dash.is_empty() {
        true => String::new(),
        false => {
            let parts: Vec<String> = dash.iter().map(|d| num(*d)).collect();
            format!(" stroke-dasharray=\"{}\"", parts.join(" "))
        }
    }
}

fn opacity_attribute(name: &str, opacity: f64) -> String {
    match opacity >= 1.0 {
        true => String::new(),
        false => format!(" {name}=\"{}\"", num(opacity)),
    }
}

impl Canvas {
    fn push(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.body.write_fmt(element);
        self.body.push('\n');
    }

    /// Opens a named group; close it with [`Canvas::end`].
    pub fn group(&mut self, name: &str) {
        self.push(format_args!("<g id=\"{}\">", escape(name)));
    }

    /// Opens a group that shows only what lies inside a rectangle.
    pub fn clipped(&mut self, to: Rect) {
        self.clips += 1;
        let id = self.clips;
        let _ = writeln!(
            self.defs,
            "<clipPath id=\"clip{id}\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/></clipPath>",
            num(to.x),
            num(to.y),
            num(to.w),
            num(to.h)
        );
        self.push(format_args!("<g clip-path=\"url(#clip{id})\">"));
    }

    pub fn end(&mut self) {
        self.push(format_args!("</g>"));
    }

    pub fn line(&mut self, path: &Path, stroke: Stroke<'_>) {
        self.shape(path, None, 1.0, Some(stroke));
    }

    pub fn fill(&mut self, path: &Path, color: &str) {
        self.shape(path, Some(color), 1.0, None);
    }

    /// A path with paint inside and around.
    pub fn shape(
        &mut self,
        path: &Path,
        fill: Option<&str>,
        fill_opacity: f64,
        stroke: Option<Stroke<'_>>,
    ) {
        if path.is_empty() {
            return;
        }
        let line = stroke.map_or(String::new(), |s| {
            format!(
                " stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\" stroke-linecap=\"{}\"{}{}",
                s.color,
                num(s.width),
                if s.dash.is_empty() { "round" } else { "butt" },
                opacity_attribute("stroke-opacity", s.opacity),
                dash_attribute(s.dash)
            )
        });
        let opacity = opacity_attribute("fill-opacity", fill_opacity);
        let fill = fill.unwrap_or("none");
        let data = path.data();
        self.push(format_args!(
            "<path d=\"{data}\" fill=\"{fill}\"{opacity}{line}/>"
        ));
    }

    pub fn text(&mut self, text: &Text<'_>) {
        let anchor = match text.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let turn = match text.angle == 0.0 {
            true => String::new(),
            false => format!(
                " transform=\"rotate({} {} {})\"",
                num(text.angle),
                num(text.x),
                num(text.y)
            ),
        };
        let halo = text.halo.map_or(String::new(), |color| {
            format!(
                " stroke=\"{color}\" stroke-width=\"1.6\" stroke-linejoin=\"round\" paint-order=\"stroke\""
            )
        });
        self.push(format_args!(
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\" fill=\"{}\"{anchor}{turn}{halo}>{}</text>",
            num(text.x),
            num(text.y),
            num(text.size),
            text.color,
            escape(text.words)
        ));
    }

    /// A picture stretched over a rectangle; `sharp` ones are not interpolated between pixels.
    pub fn image(&mut self, at: Rect, raster: &Raster, sharp: bool) -> Result<(), PlotError> {
        self.picture(at, &raster.data_uri()?, sharp);
        Ok(())
    }

    /// The same of a picture's `data:` address.
    pub fn picture(&mut self, at: Rect, uri: &str, sharp: bool) {
        let how = match sharp {
            true => " image-rendering=\"optimizeSpeed\"",
            false => "",
        };
        self.push(format_args!(
            "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\"{how} xlink:href=\"{uri}\"/>",
            num(at.x),
            num(at.y),
            num(at.w),
            num(at.h)
        ));
    }

    /// The paint of cells that are not finite.
    pub fn hatch(&mut self) -> &'static str {
        if !self.hatched {
            self.hatched = true;
            let _ = writeln!(
                self.defs,
                "<pattern id=\"hatch\" patternUnits=\"userSpaceOnUse\" width=\"2.4\" height=\"2.4\" patternTransform=\"rotate(45)\"><rect width=\"2.4\" height=\"2.4\" fill=\"{HATCH_GROUND}\"/><rect width=\"0.6\" height=\"2.4\" fill=\"{HATCH_LINE}\"/></pattern>"
            );
        }
        "url(#hatch)"
    }

    /// The paint of cells that did not converge: light, with lines that lean the other way.
    pub fn cross_hatch(&mut self) -> &'static str {
        if !self.cross_hatched {
            self.cross_hatched = true;
            let _ = writeln!(
                self.defs,
                "<pattern id=\"cross-hatch\" patternUnits=\"userSpaceOnUse\" width=\"3.2\" height=\"3.2\" patternTransform=\"rotate(-45)\"><rect width=\"3.2\" height=\"3.2\" fill=\"#ececec\"/><rect width=\"0.45\" height=\"3.2\" fill=\"#999999\"/><rect width=\"3.2\" height=\"0.45\" fill=\"#999999\"/></pattern>"
            );
        }
        "url(#cross-hatch)"
    }

    /// A gradient from the bottom (first colour) to the top (last colour) of what it paints.
    pub fn gradient(&mut self, colors: &[[u8; 3]]) -> String {
        self.gradients += 1;
        let id = self.gradients;
        let last = (colors.len() - 1).max(1) as f64;
        let stops: String = colors
            .iter()
            .enumerate()
            .map(|(i, c)| {
                let at = num(100.0 * i as f64 / last);
                format!(
                    "<stop offset=\"{at}%\" stop-color=\"{}\"/>",
                    crate::style::hex(*c)
                )
            })
            .collect();
        let _ = writeln!(
            self.defs,
            "<linearGradient id=\"gradient{id}\" x1=\"0\" y1=\"1\" x2=\"0\" y2=\"0\">{stops}</linearGradient>"
        );
        format!("url(#gradient{id})")
    }

    /// The whole document: a page of `width` by `height` points that shows `view`.
    pub fn finish(self, (width, height): (f64, f64), view: Rect, head: &str) -> String {
        let mm = |points: f64| format!("{:.3}", points / POINTS_PER_MM);
        let [x, y, w, h] = [view.x, view.y, view.w, view.h].map(num);
        let defs = match self.defs.is_empty() {
            true => String::new(),
            false => format!("<defs>\n{}</defs>\n", self.defs),
        };
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"{}mm\" height=\"{}mm\" viewBox=\"{x} {y} {w} {h}\" font-family=\"{FAMILY}\" role=\"img\">\n{head}{defs}<rect x=\"{x}\" y=\"{y}\" width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{}</svg>\n",
            mm(width),
            mm(height),
            self.body
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_never_negative_zero() {
        assert_eq!(num(1.0), "1");
        assert_eq!(num(-0.001), "0");
        assert_eq!(num(2.345_9), "2.35");
        assert_eq!(num(100.0), "100");
        assert_eq!(num(f64::NAN), "0");
    }

    #[test]
    fn text_cannot_break_out() {
        assert_eq!(escape("a<b>&\"c\u{0}\n"), "a&lt;b&gt;&amp;&quot;c ");
    }
}
