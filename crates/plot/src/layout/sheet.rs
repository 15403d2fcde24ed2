use super::{LEADING, PAD, legend};
use crate::figure::Figure;
use crate::layout::Entry;
use crate::lines::{Frame, Line};
use crate::options::{Aspect, Options};
use crate::scale::ValueScale;
use crate::style::{GREY, Style};
use crate::svg::{Canvas, Text};
use crate::text;
use crate::text::number::{count, value};
use landscape_core::Surface;

/// A figure in the making: what is above and below its frames.
pub(crate) struct Sheet<'a> {
    pub canvas: Canvas,
    pub options: &'a Options,
    pub style: Style,
    /// Where the frames' part begins.
    pub top: f64,
    pub legend: Vec<Entry>,
    pub notes: Vec<String>,
    /// The frames with their lines, as data.
    pub frames: Vec<Frame>,
}

impl<'a> Sheet<'a> {
    /// A sheet with the title, if there is one.
    pub fn new(options: &'a Options) -> Self {
        let style = options.style;
        let mut canvas = Canvas::default();
        let mut top = PAD;
        if let Some(title) = options.title.as_deref().filter(|t| !t.trim().is_empty()) {
            let size = style.font_pt;
            canvas.group("title");
            for line in text::wrap(title, size, style.width() - 2.0 * PAD) {
                canvas.text(&Text::new(&line, PAD, top + text::ASCENT * size, size));
                top += LEADING * size;
            }
            canvas.end();
            top += 2.0;
        }
        Sheet {
            canvas,
            options,
            style,
            top,
            legend: Vec::new(),
            notes: Vec::new(),
            frames: Vec::new(),
        }
    }

    /// Adds lines to the data of the last frame.
    pub fn add_lines(&mut self, lines: impl IntoIterator<Item = Line>) {
        if let Some(frame) = self.frames.last_mut() {
            frame.lines.extend(lines);
        }
    }

    /// Width of the figure in points.
    pub fn width(&self) -> f64 {
        self.style.width()
    }

    /// What the caption says about scale and clipping. `beyond` counts values outside.
    pub fn note_scale(&mut self, scale: &ValueScale, values: &[f64]) {
        let name = |v: f64| value(v, 3);
        self.notes.extend(scale.notes.iter().cloned());
        let count = |beyond: &dyn Fn(f64) -> bool| {
            values
                .iter()
                .filter(|v| v.is_finite() && beyond(**v))
                .count()
        };
        let above = count(&|v| scale.is_above(v));
        let below = count(&|v| scale.is_below(v));
        if above > 0 {
            self.notes
                .push(format!("{} above {}", points(above), name(scale.hi)));
        }
        if below > 0 {
            self.notes
                .push(format!("{} below {}", points(below), name(scale.lo)));
        }
    }

    /// What the caption of a figure that smooths says about it.
    pub fn note_smoothing(&mut self) {
        if self.options.smooth > 0.0 {
            self.notes.push(format!(
                "the picture is smoothed (Gaussian, σ = {} cells), the data are not",
                value(self.options.smooth, 3)
            ));
        }
    }

    /// What the caption says about points that are interpolated.
    pub fn note_sources(&mut self, surface: &Surface) {
        if surface.interpolated() == 0 {
            return;
        }
        let (measured, all) = (surface.measured(), surface.grid().len());
        let dots = if self.options.measured { " (dots)" } else { "" };
        let to = match self.options.tolerance {
            Some(share) => format!(" to {}% of the range", value(100.0 * share, 3)),
            None => String::new(),
        };
        let rest = match surface.missing() {
            0 => "the rest".to_owned(),
            _ => count(surface.interpolated()),
        };
        self.notes.push(format!(
            "{} of {} points are measured{dots}, {rest} interpolated{to}",
            count(measured),
            count(all)
        ));
    }

    /// Says how much longer a unit of one axis is drawn than one of the other, where both have one measure but a frame of
    /// such a shape, `ratio` times as high as wide, would not be pleasant.
    pub fn note_aspect(&mut self, x: (f64, f64), y: (f64, f64), ratio: f64) {
        let factor = ratio * (x.1 - x.0) / (y.1 - y.0);
        if self.options.aspect != Aspect::Equal || (factor - 1.0).abs() < 1e-6 {
            return;
        }
        let (longer, shorter, times) = match factor > 1.0 {
            true => ("second", "first", factor),
            false => ("first", "second", 1.0 / factor),
        };
        let times = value(times, 2);
        self.notes.push(format!(
            "a unit of the {longer} axis is drawn {times} times as long as one of the {shorter}"
        ));
    }

    /// Draws legend and caption below `bottom`, and closes the figure.
    pub fn finish(mut self, left: f64, bottom: f64, title: &str) -> Figure {
        let width = self.width();
        let mut y = bottom;
        if !self.legend.is_empty() {
            let (at, room) = ((left, y + 2.0), width - left - PAD);
            y = legend::draw(&mut self.canvas, &self.legend, &self.style, at, room);
        }
        y = self.caption(y);
        let title = self.options.title.as_deref().unwrap_or(title);
        let size = (width, y + PAD);
        if let (Some(frame), Some(title)) = (self.frames.first_mut(), &self.options.title)
            && frame.title.is_empty()
        {
            frame.title.clone_from(title);
        }
        let provenance = &self.options.provenance;
        Figure::new(self.canvas, size, self.style, title, provenance).with_frames(self.frames)
    }

    fn caption(&mut self, bottom: f64) -> f64 {
        let given = self.options.caption.iter().map(|words| closed(words));
        let notes = self.notes.iter().map(|words| sentence(words));
        let words = given.chain(notes).collect::<Vec<_>>().join(" ");
        if words.is_empty() {
            return bottom;
        }
        let size = self.style.tiny();
        let mut y = bottom + 2.0;
        self.canvas.group("caption");
        for line in text::wrap(&words, size, self.width() - 2.0 * PAD) {
            y += LEADING * size;
            self.canvas
                .text(&Text::new(&line, PAD, y - text::DESCENT * size, size).color(GREY));
        }
        self.canvas.end();
        y
    }
}

/// Words as a sentence: with a capital, unless a symbol comes first, and a full stop.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().filter(char::is_ascii_lowercase);
    let second = letters
        .next()
        .is_none_or(|c| c.is_ascii_lowercase() || c == ' ');
    match first.filter(|_| second) {
        Some(first) => closed(&format!("{}{}", first.to_ascii_uppercase(), &words[1..])),
        None => closed(words),
    }
}

/// Words with a full stop, where no other sign ends them.
fn closed(words: &str) -> String {
    let words = words.trim();
    match words.ends_with(['.', '!', '?', ':', '…']) || words.is_empty() {
        true => words.to_owned(),
        false => format!("{words}."),
    }
}

fn points(n: usize) -> String {
    match n {
        1 => "1 point lies".to_owned(),
        n => format!("{n} points lie"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_sentences() {
        assert_eq!(sentence("a band"), "A band.");
        assert_eq!(sentence("2 points lie above 1"), "2 points lie above 1.");
        assert_eq!(sentence("d₃ is a coordinate."), "d₃ is a coordinate.");
        assert_eq!(closed("mnist-1k"), "mnist-1k.");
    }
}
