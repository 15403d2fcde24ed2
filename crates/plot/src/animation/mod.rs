//! Figures that follow one another: GIF, WebP and animated PNG.
//!
//! Frames after the first hold only the rectangle that changed, which is little where a path grows over a plane.

mod apng;
mod gif;
mod webp;

use crate::error::PlotError;
use crate::figure::Figure;
use rayon::prelude::*;
use std::time::Duration;

/// The resolution that animations usually have, in dots an inch.
pub const ANIMATION_DPI: f64 = 200.0;

/// How long a frame is shown, and the last one.
const FRAME: Duration = Duration::from_millis(80);
const LAST: Duration = Duration::from_secs(2);
/// The longest side of a picture in the three formats, in pixels.
const LONGEST: usize = 16_383;

/// A format of moving pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnimationFormat {
    /// GIF: 256 colours, shown everywhere.
    Gif,
    /// WebP without loss.
    WebP,
    /// Animated PNG, without loss.
    Apng,
}

/// Figures shown one after the other, over and over: 12 a second, the last one for two seconds. Figures of different
/// heights share their upper border.
///
/// ```
/// use landscape_core::{Grid, Sampler, Surface, from_fn};
/// use landscape_plot::{Animation, AnimationFormat, Options, contour};
///
/// let mut surface = Surface::new(Grid::square(11, 1.0, 2)?, vec![]);
/// Sampler::new().run(&from_fn(|[x, y]: [f64; 2]| x * x + y * y), &mut surface, &mut [])?;
/// let at = |level| contour(&surface, &Options { levels: Some(vec![level]), ..Options::default() });
/// let frames = [0.5, 1.0].map(at).into_iter().collect::<Result<Vec<_>, _>>()?;
/// let file = Animation::new(frames)?.encode(AnimationFormat::Gif, 72.0)?;
/// assert!(file.starts_with(b"GIF89a"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Animation {
    frames: Vec<Figure>,
}

/// The part of a frame that differs from the one before.
struct Change {
    /// Left, top, width and height in pixels; left and top are even.
    area: [usize; 4],
    /// Red, green and blue.
    pixels: Vec<u8>,
    shown: Duration,
}

impl Animation {
    /// An animation of one figure or more.
    ///
    /// # Errors
    /// Where there is none.
    pub fn new(frames: Vec<Figure>) -> Result<Self, PlotError> {
        match frames.is_empty() {
            true => Err(PlotError::Empty {
                figure: "moving",
                what: "frame",
            }),
            false => Ok(Animation { frames }),
        }
    }

    /// The file in a format, at a resolution in dots an inch. The same frames give the same bytes.
    ///
    /// # Errors
    /// As [`Figure::to_png`], and where a side would have more than 16,383 pixels.
    pub fn encode(&self, format: AnimationFormat, dpi: f64) -> Result<Vec<u8>, PlotError> {
        let size = self.size(dpi)?;
        match format {
            AnimationFormat::Gif => gif::encode(self, size, dpi),
            AnimationFormat::WebP => webp::encode(self, size, dpi),
            AnimationFormat::Apng => apng::encode(self, size, dpi),
        }
    }

    fn size(&self, dpi: f64) -> Result<(usize, usize), PlotError> {
        let sizes = self.frames.iter().map(|frame| frame.size_px(dpi));
        let largest = |a: (usize, usize), b: (usize, usize)| (a.0.max(b.0), a.1.max(b.1));
        let (width, height) = sizes
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .fold((1, 1), largest);
        match width.max(height) <= LONGEST {
            true => Ok((width, height)),
            false => Err(PlotError::Option {
                option: "resolution",
                given: format!("{dpi} dpi, which makes {width} x {height} pixels,"),
                rule: "at most 16383 pixels a side; give a smaller width or resolution",
            }),
        }
    }

    /// Gives each frame's change to an encoder. Frames are drawn by all threads, a few at a time.
    fn changes(
        &self,
        (width, height): (usize, usize),
        dpi: f64,
        mut take: impl FnMut(Change) -> Result<(), PlotError>,
    ) -> Result<(), PlotError> {
        let mut before: Option<Vec<u8>> = None;
        let last = self.frames.len() - 1;
        let together = rayon::current_num_threads();
        for (first, some) in self.frames.chunks(together).enumerate() {
            let drawn = some
                .par_iter()
                .map(|frame| on_white(frame, (width, height), dpi));
            let drawn: Vec<Vec<u8>> = drawn.collect::<Result<_, PlotError>>()?;
            for (k, pixels) in drawn.into_iter().enumerate() {
                let area = match &before {
                    Some(before) => changed(before, &pixels, width),
                    None => [0, 0, width, height],
                };
                take(Change {
                    area,
                    pixels: cut(&pixels, width, area),
                    shown: if first * together + k == last {
                        LAST
                    } else {
                        FRAME
                    },
                })?;
                before = Some(pixels);
            }
        }
        Ok(())
    }
}

/// The pixels of a frame in the upper left corner of a white picture, without transparency.
fn on_white(
    frame: &Figure,
    (width, height): (usize, usize),
    dpi: f64,
) -> Result<Vec<u8>, PlotError> {
    let (w, rgba) = frame.to_rgba(dpi)?;
    let mut out = vec![255; 3 * width * height];
    for (to, from) in out
        .chunks_exact_mut(3 * width)
        .zip(rgba.chunks_exact(4 * w))
    {
        for (to, from) in to.chunks_exact_mut(3).zip(from.chunks_exact(4)) {
            to.copy_from_slice(&from[..3]);
        }
    }
    Ok(out)
}

/// The smallest rectangle, its left and top even, outside of which two pictures agree.
fn changed(before: &[u8], after: &[u8], width: usize) -> [usize; 4] {
    let (mut left, mut top, mut right, mut bottom) = (usize::MAX, usize::MAX, 0, 0);
    let rows = before
        .chunks_exact(3 * width)
        .zip(after.chunks_exact(3 * width));
    for (row, (a, b)) in rows.enumerate().filter(|(_, (a, b))| a != b) {
        let mut differ = (0..width).filter(|k| a[3 * k..3 * k + 3] != b[3 * k..3 * k + 3]);
        let first = differ.next().unwrap_or(0);
        let last = differ.next_back().unwrap_or(first);
        (left, right) = (left.min(first), right.max(last + 1));
        (top, bottom) = (top.min(row), row + 1);
    }
    if bottom == 0 {
        return [0, 0, 1, 1];
    }
    let (left, top) = (left / 2 * 2, top / 2 * 2);
    [left, top, right - left, bottom - top]
}

fn cut(pixels: &[u8], width: usize, [left, top, w, h]: [usize; 4]) -> Vec<u8> {
    let rows = pixels.chunks_exact(3 * width).skip(top).take(h);
    rows.flat_map(|row| &row[3 * left..3 * (left + w)])
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_kept() {
        let before = vec![0; 3 * 8 * 6];
        assert_eq!(changed(&before, &before, 8), [0, 0, 1, 1]);
        let mut after = before.clone();
        for (x, y) in [(3, 1), (5, 4)] {
            after[3 * (8 * y + x) + 1] = 9;
        }
        let area = changed(&before, &after, 8);
        assert_eq!(area, [2, 0, 4, 5]);
        let part = cut(&after, 8, area);
        assert_eq!(part.len(), 3 * 4 * 5);
        assert_eq!(part[3 * (4 * 4 + 3) + 1], 9);
    }
}
