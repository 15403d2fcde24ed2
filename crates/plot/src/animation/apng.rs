//! Animated PNG.

use super::Animation;
use crate::error::PlotError;
use crate::raster::{describe, failed};

pub(super) fn encode(
    animation: &Animation,
    size: (usize, usize),
    dpi: f64,
) -> Result<Vec<u8>, PlotError> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, size.0 as u32, size.1 as u32);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_color(png::ColorType::Rgb);
    let frames = &animation.frames;
    encoder
        .set_animated(frames.len() as u32, 0)
        .map_err(failed)?;
    describe(&mut encoder, Some(dpi), frames[0].provenance())?;
    let mut writer = encoder.write_header().map_err(failed)?;
    animation.changes(size, dpi, |change| {
        let [left, top, width, height] = change.area.map(|v| v as u32);
        // Each is held against the other.
        writer.set_frame_position(0, 0).map_err(failed)?;
        writer.set_frame_dimension(width, height).map_err(failed)?;
        writer.set_frame_position(left, top).map_err(failed)?;
        let shown = change.shown.as_millis() as u16;
        writer.set_frame_delay(shown, 1000).map_err(failed)?;
        writer.write_image_data(&change.pixels).map_err(failed)
    })?;
    writer.finish().map_err(failed)?;
    Ok(out)
}
