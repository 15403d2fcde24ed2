//! Tells which pictures look different from those that they are to replace.
//!
//! ```sh
//! cargo run --release -p landscape-plot --example drift -- OLD.png NEW.png [OLD.png NEW.png ...]
//! ```
//!
//! Prints the old picture, and what differs, of each pair that does, and ends with 1 where one did. Lines may be a pixel beside where they were, as
//! another processor's rounding has them: means over squares of eight pixels are compared. A word that changed is
//! some dozen of such squares.

use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::process::ExitCode;

/// Pixels of a square's side.
const SIDE: usize = 8;
/// How far the mean of a component may be, of 255.
const APART: f64 = 32.0;
/// The share of all squares that may be farther.
const SHARE: f64 = 0.001;

/// A picture of three or four components a pixel.
struct Picture {
    width: usize,
    height: usize,
    components: usize,
    bytes: Vec<u8>,
}

impl Picture {
    fn read(path: &str) -> Result<Self, Box<dyn Error>> {
        let mut decoder = png::Decoder::new(BufReader::new(File::open(path)?));
        decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
        let mut reader = decoder.read_info()?;
        let size = reader
            .output_buffer_size()
            .ok_or("the picture is too large")?;
        let mut bytes = vec![0; size];
        let info = reader.next_frame(&mut bytes)?;
        Ok(Picture {
            width: info.width as usize,
            height: info.height as usize,
            components: info.color_type.samples(),
            bytes,
        })
    }

    /// The mean colour of the square at a place, in squares.
    fn mean(&self, across: usize, down: usize) -> [f64; 3] {
        let columns = across * SIDE..self.width.min((across + 1) * SIDE);
        let rows = down * SIDE..self.height.min((down + 1) * SIDE);
        let pixels = (columns.len() * rows.len()) as f64;
        let mut sums = [0.0; 3];
        for row in rows {
            for column in columns.clone() {
                let first = (row * self.width + column) * self.components;
                for (k, sum) in sums.iter_mut().enumerate() {
                    let k = k.min(self.components - 1);
                    *sum += f64::from(self.bytes[first + k]);
                }
            }
        }
        sums.map(|sum| sum / pixels)
    }

    /// What differs from another picture, in words; nothing where they look alike.
    fn difference(&self, other: &Picture) -> Option<String> {
        let sizes = [self, other].map(|picture| (picture.width, picture.height));
        if sizes[0] != sizes[1] {
            let [(a, b), (c, d)] = sizes;
            return Some(format!("{a} x {b} pixels became {c} x {d}"));
        }
        let (across, down) = (self.width.div_ceil(SIDE), self.height.div_ceil(SIDE));
        let squares = (0..across * down).filter(|k| {
            let (a, b) = (
                self.mean(k % across, k / across),
                other.mean(k % across, k / across),
            );
            a.iter().zip(&b).any(|(a, b)| (a - b).abs() > APART)
        });
        let share = squares.count() as f64 / (across * down) as f64;
        (share > SHARE).then(|| format!("{:.2}% of it looks different", 100.0 * share))
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() || files.len() % 2 == 1 {
        return Err("give pairs of pictures: OLD.png NEW.png".into());
    }
    let mut drifted = false;
    for pair in files.chunks(2) {
        let pictures = [Picture::read(&pair[0])?, Picture::read(&pair[1])?];
        if let Some(words) = pictures[0].difference(&pictures[1]) {
            println!("{}: {words}", pair[0]);
            drifted = true;
        }
    }
    Ok(ExitCode::from(u8::from(drifted)))
}
