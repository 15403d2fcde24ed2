//! Pictures inside figures: an RGBA buffer, and PNG files of it.

use crate::error::PlotError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rayon::prelude::*;

/// Straight (not premultiplied) RGBA, row by row from the top.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Raster {
    pub width: usize,
    pub height: usize,
    pub data: Vec<u8>,
}

impl Raster {
    /// A transparent picture.
    pub fn new(width: usize, height: usize) -> Self {
        Raster {
            width,
            height,
            data: vec![0; width * height * 4],
        }
    }

    /// A picture from a colour for every pixel (column, row from the top).
    pub fn from_fn(
        width: usize,
        height: usize,
        color: impl Fn(usize, usize) -> Option<[u8; 3]> + Sync,
    ) -> Self {
        let mut raster = Raster::new(width, height);
        let rows = raster.data.par_chunks_exact_mut(4 * width.max(1));
        rows.enumerate().for_each(|(row, pixels)| {
            for (column, pixel) in pixels.chunks_exact_mut(4).enumerate() {
                if let Some([r, g, b]) = color(column, row) {
                    pixel.copy_from_slice(&[r, g, b, 255]);
                }
            }
        });
        raster
    }

    /// The picture as a `data:` address.
    pub fn data_uri(&self) -> Result<String, PlotError> {
        match self.indexed() {
            Some(few) => few.data_uri(),
            None => Ok(data_uri(&encode(
                self.width,
                self.height,
                &self.data,
                None,
                &[],
            )?)),
        }
    }

    /// The same where it has at most 256 colours.
    fn indexed(&self) -> Option<Indexed> {
        let mut colors: Vec<[u8; 4]> = Vec::new();
        let mut places = Vec::with_capacity(self.width * self.height);
        let (mut before, mut last) = (None, 0);
        for pixel in self.data.chunks_exact(4) {
            let pixel = [pixel[0], pixel[1], pixel[2], pixel[3]];
            if before != Some(pixel) {
                before = Some(pixel);
                last = match colors.iter().position(|color| *color == pixel) {
                    Some(known) => known as u8,
                    None if colors.len() == 256 => return None,
                    None => {
                        colors.push(pixel);
                        (colors.len() - 1) as u8
                    }
                };
            }
            places.push(last);
        }
        Some(Indexed {
            width: self.width,
            height: self.height,
            colors,
            places,
        })
    }
}

/// A picture of few colours: of each pixel, row by row from the top, the place of its own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Indexed {
    pub width: usize,
    pub height: usize,
    /// At most 256, straight RGBA.
    pub colors: Vec<[u8; 4]>,
    pub places: Vec<u8>,
}

impl Indexed {
    /// A picture from a place for every pixel: column, row from the top, and the place of the pixel to its left.
    pub fn from_fn(
        (width, height): (usize, usize),
        colors: Vec<[u8; 4]>,
        place: impl Fn(usize, usize, u8) -> u8 + Sync,
    ) -> Self {
        let mut places = vec![0; width * height];
        let rows = places.par_chunks_exact_mut(width.max(1));
        rows.enumerate().for_each(|(row, pixels)| {
            let mut left = 0;
            for (column, pixel) in pixels.iter_mut().enumerate() {
                left = place(column, row, left);
                *pixel = left;
            }
        });
        Indexed {
            width,
            height,
            colors,
            places,
        }
    }

    /// The picture as a `data:` address.
    pub fn data_uri(&self) -> Result<String, PlotError> {
        Ok(data_uri(&encode_indexed(self)?))
    }
}

fn data_uri(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(png))
}

pub(crate) fn failed(error: impl std::fmt::Display) -> PlotError {
    PlotError::Raster {
        reason: error.to_string(),
    }
}

/// A PNG file of pixels that are places in a list of at most 256 colours.
fn encode_indexed(picture: &Indexed) -> Result<Vec<u8>, PlotError> {
    let Indexed {
        width,
        height,
        colors,
        places,
    } = picture;
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, *width as u32, *height as u32);
    let halved = colors.len() <= 16;
    encoder.set_depth(match halved {
        true => png::BitDepth::Four,
        false => png::BitDepth::Eight,
    });
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_palette(
        { colors.iter() }
            .flat_map(|c| [c[0], c[1], c[2]])
            .collect::<Vec<u8>>(),
    );
    encoder.set_trns({ colors.iter() }.map(|c| c[3]).collect::<Vec<u8>>());
    encoder.set_compression(png::Compression::Balanced);
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header().map_err(failed)?;
    match halved {
        true => writer.write_image_data(&pairs(places, *width)),
        false => writer.write_image_data(places),
    }
    .map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(out)
}

/// Places below 16, two a byte; each row begins with a byte of its own.
fn pairs(places: &[u8], width: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(places.len() / 2 + places.len() / width.max(1));
    for row in places.chunks(width.max(1)) {
        let pairs = row.chunks(2);
        bytes.extend(pairs.map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)));
    }
    bytes
}

/// A PNG file of straight RGBA pixels, with its resolution and text chunks.
pub(crate) fn encode(
    width: usize,
    height: usize,
    rgba: &[u8],
    dpi: Option<f64>,
    text: &[(String, String)],
) -> Result<Vec<u8>, PlotError> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width as u32, height as u32);
    let opaque = rgba.chunks_exact(4).all(|p| p[3] == 255);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_color(match opaque {
        true => png::ColorType::Rgb,
        false => png::ColorType::Rgba,
    });
    describe(&mut encoder, dpi, text)?;
    let mut writer = encoder.write_header().map_err(failed)?;
    match opaque {
        true => writer.write_image_data(&without_alpha(rgba)),
        false => writer.write_image_data(rgba),
    }
    .map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(out)
}

/// Sets the compression, the resolution and the text chunks of a PNG file.
pub(crate) fn describe(
    encoder: &mut png::Encoder<'_, &mut Vec<u8>>,
    dpi: Option<f64>,
    text: &[(String, String)],
) -> Result<(), PlotError> {
    encoder.set_compression(png::Compression::Balanced);
    if let Some(dpi) = dpi {
        let per_metre = libm::round(dpi / 0.0254) as u32;
        encoder.set_pixel_dims(Some(png::PixelDimensions {
            xppu: per_metre,
            yppu: per_metre,
            unit: png::Unit::Meter,
        }));
    }
    for (keyword, words) in text {
        add_text(encoder, keyword, words)?;
    }
    Ok(())
}

/// A tEXt chunk, or iTXt where the words need more than Latin-1.
fn add_text(
    encoder: &mut png::Encoder<'_, &mut Vec<u8>>,
    keyword: &str,
    words: &str,
) -> Result<(), PlotError> {
    let keyword: String = keyword
        .chars()
        .filter(|c| matches!(c, ' '..='~'))
        .take(79)
        .collect();
    if keyword.trim().is_empty() {
        return Ok(());
    }
    let latin = words.chars().all(|c| c != '\0' && (c as u32) < 256);
    match latin {
        true => encoder.add_text_chunk(keyword, words.to_owned()),
        false => encoder.add_itxt_chunk(keyword, words.replace('\0', "")),
    }
    .map_err(failed)
}

fn without_alpha(rgba: &[u8]) -> Vec<u8> {
    rgba.chunks_exact(4)
        .flat_map(|p| [p[0], p[1], p[2]])
        .collect()
}
