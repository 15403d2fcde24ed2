//! PNG and JPEG images.

use crate::ModelsError;
use landscape_files::Budget;
use std::io::Cursor;
use std::path::Path;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Bytes, channel by channel, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    pub channels: usize,
    pub rows: usize,
    pub columns: usize,
    pub pixels: Vec<u8>,
}

impl Image {
    pub(super) fn shape(&self) -> [usize; 3] {
        [self.channels, self.rows, self.columns]
    }

    /// From pixels of one to four values, side by side; what is behind three, or one, is how much is seen of them.
    fn interleaved(bytes: &[u8], [rows, columns]: [usize; 2], width: usize) -> Image {
        let of = |channel: usize| {
            let place = if width < 3 { 0 } else { channel };
            bytes.chunks_exact(width).map(move |pixel| pixel[place])
        };
        Image {
            channels: 3,
            rows,
            columns,
            pixels: (0..3).flat_map(of).collect(),
        }
    }

    /// Luminance after ITU-R 601-2, as Pillow's `convert("L")`.
    pub(super) fn grey(self) -> Image {
        let size = self.rows * self.columns;
        let channel = |number: usize| &self.pixels[number * size..(number + 1) * size];
        let (red, green, blue) = (channel(0), channel(1), channel(2));
        let luminance = |at: usize| {
            let [r, g, b] = [red[at], green[at], blue[at]].map(u32::from);
            ((r * 19_595 + g * 38_470 + b * 7_471 + 0x8000) >> 16) as u8
        };
        Image {
            channels: 1,
            pixels: (0..size).map(luminance).collect(),
            ..self
        }
    }

    /// The middle, as torchvision's `CenterCrop`; the image has so many rows and columns.
    pub(super) fn centre(self, rows: usize, columns: usize) -> Image {
        let offset = |has: usize, wanted: usize| {
            // Python rounds halves to even numbers.
            ((has.saturating_sub(wanted)) as f64 / 2.0).round_ties_even() as usize
        };
        let (top, left) = (offset(self.rows, rows), offset(self.columns, columns));
        let mut pixels = Vec::with_capacity(self.channels * rows * columns);
        for channel in self.pixels.chunks_exact(self.rows * self.columns) {
            let kept = channel.chunks_exact(self.columns).skip(top).take(rows);
            kept.for_each(|row| pixels.extend_from_slice(&row[left..left + columns]));
        }
        Image {
            rows,
            columns,
            pixels,
            ..self
        }
    }
}

/// Reads an image, as red, green and blue.
pub(super) fn read(path: &Path) -> Result<Image, ModelsError> {
    let bytes = landscape_files::read(path).map_err(|source| ModelsError::read(path, source))?;
    let budget = Budget::new(bytes.len() as u64);
    let file = ImageFile { path, budget };
    match &bytes[..] {
        [0x89, b'P', b'N', b'G', ..] => file.png(bytes),
        [0xff, 0xd8, ..] => file.jpeg(bytes),
        _ => Err(ModelsError::unsupported(
            path,
            "it does not begin like a PNG or JPEG image; write it as one of them, or move it elsewhere",
        )),
    }
}

struct ImageFile<'a> {
    path: &'a Path,
    budget: Budget,
}

impl ImageFile<'_> {
    /// Bytes of pixels, before they are made: as decoded, by channels, and while they are resized.
    fn plan(&self, rows: usize, columns: usize, width: usize) -> Result<(), ModelsError> {
        let pixels = (rows as u64).saturating_mul(columns as u64);
        let bytes = pixels.saturating_mul(width as u64 + 3);
        let spent = self.budget.spend(bytes);
        spent.map_err(|source| ModelsError::TooLarge {
            path: self.path.to_owned(),
            source,
        })
    }

    fn corrupt(&self, error: impl std::fmt::Display) -> ModelsError {
        let said = error.to_string();
        let start: String = said.trim_end_matches('.').chars().take(200).collect();
        ModelsError::corrupt(self.path, format!("not a valid image ({start})"))
    }

    fn png(&self, bytes: Vec<u8>) -> Result<Image, ModelsError> {
        let limits = png::Limits {
            bytes: usize::try_from(self.budget.allowed()).unwrap_or(usize::MAX),
        };
        let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
        decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
        let mut reader = decoder.read_info().map_err(|e| self.corrupt(e))?;
        let (columns, rows) = reader.info().size();
        let (rows, columns) = (rows as usize, columns as usize);
        let width = reader.output_color_type().0.samples();
        self.plan(rows, columns, width)?;
        let size = reader.output_buffer_size();
        let size = size.ok_or_else(|| self.corrupt("it is too large"))?;
        let mut pixels = vec![0; size];
        reader
            .next_frame(&mut pixels)
            .map_err(|e| self.corrupt(e))?;
        Ok(Image::interleaved(&pixels, [rows, columns], width))
    }

    fn jpeg(&self, bytes: Vec<u8>) -> Result<Image, ModelsError> {
        let options = DecoderOptions::default()
            .set_max_width(super::MAX_SIDE)
            .set_max_height(super::MAX_SIDE)
            .set_strict_mode(false);
        let mut decoder = JpegDecoder::new_with_options(Cursor::new(bytes), options);
        decoder.decode_headers().map_err(|e| self.corrupt(e))?;
        let grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
        let (out, width) = match grey {
            true => (ColorSpace::Luma, 1),
            false => (ColorSpace::RGB, 3),
        };
        decoder.set_options(options.jpeg_set_out_colorspace(out));
        let info = decoder
            .info()
            .ok_or_else(|| self.corrupt("it has no size"))?;
        let (rows, columns) = (usize::from(info.height), usize::from(info.width));
        self.plan(rows, columns, width + 3)?;
        let pixels = decoder.decode().map_err(|e| self.corrupt(e))?;
        match pixels.len() == rows * columns * width {
            true => Ok(Image::interleaved(&pixels, [rows, columns], width)),
            false => Err(self.corrupt("its number of pixels is not the one it states")),
        }
    }
}
