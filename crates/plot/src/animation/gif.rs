//! GIF, with one table of colours for all frames.

use super::{Animation, on_white};
use crate::error::PlotError;
use color_quant::NeuQuant;
use gif::{Encoder, Frame, Repeat};
use std::collections::HashMap;

/// One pixel of so many teaches the table of colours.
const SAMPLED: i32 = 10;

pub(super) fn encode(
    animation: &Animation,
    size: (usize, usize),
    dpi: f64,
) -> Result<Vec<u8>, PlotError> {
    // The last frame has the whole path, and all other colours too.
    let mut colors = Colors::of(&on_white(
        &animation.frames[animation.frames.len() - 1],
        size,
        dpi,
    )?);
    let mut out = Vec::new();
    let table = colors.table.color_map_rgb();
    let mut encoder =
        Encoder::new(&mut out, size.0 as u16, size.1 as u16, &table).map_err(failed)?;
    encoder.set_repeat(Repeat::Infinite).map_err(failed)?;
    animation.changes(size, dpi, |change| {
        let [left, top, width, height] = change.area.map(|v| v as u16);
        let pixels = change
            .pixels
            .chunks_exact(3)
            .map(|pixel| colors.index(pixel));
        let frame = Frame {
            delay: (change.shown.as_millis() / 10) as u16,
            left,
            top,
            width,
            height,
            buffer: pixels.collect::<Vec<u8>>().into(),
            ..Frame::default()
        };
        encoder.write_frame(&frame).map_err(failed)
    })?;
    drop(encoder);
    Ok(out)
}

/// A table of 256 colours, and those that were looked up in it.
struct Colors {
    table: NeuQuant,
    known: HashMap<[u8; 3], u8>,
}

impl Colors {
    fn of(pixels: &[u8]) -> Self {
        let rgba: Vec<u8> = pixels
            .chunks_exact(3)
            .flat_map(|p| [p[0], p[1], p[2], 255])
            .collect();
        Colors {
            table: NeuQuant::new(SAMPLED, 256, &rgba),
            known: HashMap::new(),
        }
    }

    fn index(&mut self, pixel: &[u8]) -> u8 {
        let color = [pixel[0], pixel[1], pixel[2]];
        let table = &self.table;
        *{ self.known.entry(color) }
            .or_insert_with(|| table.index_of(&[color[0], color[1], color[2], 255]) as u8)
    }
}

fn failed(error: gif::EncodingError) -> PlotError {
    PlotError::Raster {
        reason: error.to_string(),
    }
}
