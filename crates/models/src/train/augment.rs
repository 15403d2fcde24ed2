//! Images that are changed at random while a network is trained.

use super::TrainConfig;
use crate::{Dataset, ModelsError, streams};
use landscape_core::Rng;
use std::fmt;
use std::str::FromStr;

/// How images of a batch are changed: `none`, `crop`, `flip`, `crop,flip`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Augment {
    /// A part of the size of the image is taken at random from the image with four pixels of black around it. Black is
    /// the smallest value of each channel in the data.
    pub crop: bool,
    /// Every second image is mirrored, at random.
    pub flip: bool,
}

/// Pixels around an image.
const MARGIN: usize = 4;

impl Augment {
    /// Whether images stay as they are.
    pub fn is_none(self) -> bool {
        self == Augment::default()
    }
}

/// The words name no change of images.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown augmentation `{0}`; known: none, crop, flip, or both as crop,flip")]
pub struct UnknownAugment(String);

impl FromStr for Augment {
    type Err = UnknownAugment;

    fn from_str(given: &str) -> Result<Self, UnknownAugment> {
        let mut augment = Augment::default();
        for word in given.split(',').filter(|_| given != "none") {
            match word.trim() {
                "crop" => augment.crop = true,
                "flip" => augment.flip = true,
                _ => return Err(UnknownAugment(given.to_owned())),
            }
        }
        Ok(augment)
    }
}

impl fmt::Display for Augment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.crop, self.flip) {
            (true, true) => "crop,flip",
            (true, false) => "crop",
            (false, true) => "flip",
            (false, false) => "none",
        })
    }
}

/// The images of a data set, to be changed.
pub(super) struct Images {
    augment: Augment,
    seed: u64,
    values: Vec<f32>,
    /// Channels, height and width.
    shape: [usize; 3],
    /// Of each channel.
    black: Vec<f32>,
}

/// The images of a data set, of `shape` channels, height and width, where some are to be changed.
///
/// # Errors
/// [`ModelsError::BadTraining`] for a network that takes no images.
pub(super) fn images_of(
    data: &Dataset,
    shape: Option<[usize; 3]>,
    config: &TrainConfig,
) -> Result<Option<Images>, ModelsError> {
    let augment = config.augment;
    if augment.is_none() {
        return Ok(None);
    }
    let shape = shape.ok_or(ModelsError::BadTraining {
        field: "augment",
        value: augment.to_string(),
        rule: "only a network of images has images to change",
    })?;
    Ok(Some(Images::new(data, shape, augment, config.seed)))
}

impl Images {
    fn new(data: &Dataset, shape: [usize; 3], augment: Augment, seed: u64) -> Self {
        let values = data.x().to_vec();
        let pixels = shape[1] * shape[2];
        let mut black = vec![f32::INFINITY; shape[0]];
        for (place, channel) in values.chunks(pixels.max(1)).enumerate() {
            let least = &mut black[place % shape[0]];
            *least = channel.iter().copied().fold(*least, f32::min);
        }
        Images {
            augment,
            seed,
            values,
            shape,
            black,
        }
    }

    /// The images at these places as those of a step, one after the other. They depend on the seed, the step and the
    /// order alone.
    pub(super) fn batch(&self, places: &[i64], step: u64) -> Vec<f32> {
        let mut rng = Rng::new(self.seed, streams::AUGMENT + step);
        let size = self.shape.iter().product::<usize>();
        let mut out = Vec::with_capacity(places.len() * size);
        for &place in places {
            let mut shift = || match self.augment.crop {
                true => rng.below(2 * MARGIN as u64 + 1) as usize,
                false => MARGIN,
            };
            let (down, right) = (shift(), shift());
            let mirrored = self.augment.flip && rng.below(2) == 1;
            let image = &self.values[place as usize * size..][..size];
            self.changed(image, [down, right], mirrored, &mut out);
        }
        out
    }

    fn changed(
        &self,
        image: &[f32],
        [down, right]: [usize; 2],
        mirrored: bool,
        out: &mut Vec<f32>,
    ) {
        let [channels, height, width] = self.shape;
        for channel in 0..channels {
            let pixels = &image[channel * height * width..][..height * width];
            for y in 0..height {
                let row = (y + down).checked_sub(MARGIN).filter(|y| *y < height);
                for x in 0..width {
                    let x = if mirrored { width - 1 - x } else { x };
                    let column = (x + right).checked_sub(MARGIN).filter(|x| *x < width);
                    out.push(match (row, column) {
                        (Some(y), Some(x)) => pixels[y * width + x],
                        _ => self.black[channel],
                    });
                }
            }
        }
    }
}
