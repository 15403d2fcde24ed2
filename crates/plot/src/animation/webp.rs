//! Animated WebP: frames without loss in the container of
//! <https://developers.google.com/speed/webp/docs/riff_container>.

use super::Animation;
use crate::error::PlotError;
use crate::raster::failed;
use image_webp::{ColorType, WebPEncoder};

/// That a file is animated.
const ANIMATED: u8 = 0b10;
/// That a frame takes the place of what is below it.
const REPLACES: u8 = 0b10;

pub(super) fn encode(
    animation: &Animation,
    (width, height): (usize, usize),
    dpi: f64,
) -> Result<Vec<u8>, PlotError> {
    let mut body = b"WEBP".to_vec();
    let head = [
        &[ANIMATED, 0, 0, 0][..],
        &small(width - 1),
        &small(height - 1),
    ]
    .concat();
    chunk(&mut body, b"VP8X", &head);
    // A white ground, and no end.
    chunk(&mut body, b"ANIM", &[255, 255, 255, 255, 0, 0]);
    animation.changes((width, height), dpi, |change| {
        let [left, top, width, height] = change.area;
        let mut file = Vec::new();
        WebPEncoder::new(&mut file)
            .encode(&change.pixels, width as u32, height as u32, ColorType::Rgb8)
            .map_err(failed)?;
        let numbers = [
            left / 2,
            top / 2,
            width - 1,
            height - 1,
            change.shown.as_millis() as usize,
        ];
        let mut frame: Vec<u8> = numbers.into_iter().flat_map(small).collect();
        frame.push(REPLACES);
        // What follows the name of a still picture's container is its chunk.
        frame.extend(&file[12..]);
        chunk(&mut body, b"ANMF", &frame);
        Ok(())
    })?;
    let mut out = Vec::new();
    chunk(&mut out, b"RIFF", &body);
    Ok(out)
}

/// A number of three bytes.
fn small(number: usize) -> [u8; 3] {
    let [a, b, c, _] = (number as u32).to_le_bytes();
    [a, b, c]
}

/// A chunk: its name, its length, what it holds, and a byte where that is odd.
fn chunk(out: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    out.extend(name);
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
    if !data.len().is_multiple_of(2) {
        out.push(0);
    }
}
