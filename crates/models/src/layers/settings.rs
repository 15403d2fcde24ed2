//! What can be set of image networks that have a name: `:classes=100,image=3x64x64,stem=imagenet`.

use crate::names::settings;
use landscape_core::named;
use std::fmt;

/// Height and width of CIFAR-10's images.
const SIDE: usize = 32;
/// The same of ImageNet's as networks take them.
const LARGE_SIDE: usize = 224;
/// Classes of CIFAR-10.
pub(crate) const CLASSES: usize = 10;

/// How a network begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Stem {
    /// A 3x3 convolution, for small images.
    #[default]
    Cifar,
    /// A 7x7 convolution with stride 2 and a maximum of 3x3 with stride 2, as torchvision's networks have it.
    ImageNet,
}

named!(Stem, "stem", {
    Cifar => "cifar",
    ImageNet => "imagenet",
});

/// Classes, images and stem of a network: those of CIFAR-10 unless given.
///
/// Text and settings are inverse to each other; what is usual is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ImageSettings {
    /// Values in one output.
    pub classes: usize,
    /// Channels, height and width of an input image; 224x224 where absent behind a stem for ImageNet.
    pub image: [usize; 3],
    /// How it begins.
    pub stem: Stem,
}

/// Sizes beyond these are refused as a typing mistake.
const MAX_CLASSES: usize = 1 << 15;
const MAX_SIDE: usize = 1 << 12;
const MAX_CHANNELS: usize = 1 << 10;

impl Default for ImageSettings {
    fn default() -> Self {
        ImageSettings {
            classes: CLASSES,
            image: usual(Stem::Cifar),
            stem: Stem::Cifar,
        }
    }
}

/// Images where none are given.
fn usual(stem: Stem) -> [usize; 3] {
    match stem {
        Stem::Cifar => [3, SIDE, SIDE],
        Stem::ImageNet => [3, LARGE_SIDE, LARGE_SIDE],
    }
}

impl ImageSettings {
    /// Those of another stem, with its usual images.
    pub(crate) fn of_stem(stem: Stem) -> Self {
        ImageSettings {
            image: usual(stem),
            stem,
            ..ImageSettings::default()
        }
    }

    /// What follows the colon behind a name; the error is the reason.
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, String> {
        let given = settings(text.unwrap_or_default())?;
        let mut parsed = ImageSettings::default();
        let mut image = None;
        for (key, value) in given {
            match key {
                "classes" => parsed.classes = number(key, value)?,
                "image" => image = Some(sizes(value)?),
                "stem" => parsed.stem = value.parse().map_err(|e| format!("{e}"))?,
                _ => {
                    return Err(format!(
                        "`{key}` is not a setting; known: classes, image, stem"
                    ));
                }
            }
        }
        parsed.image = image.unwrap_or_else(|| usual(parsed.stem));
        match parsed.broken_rule() {
            None => Ok(parsed),
            Some(reason) => Err(reason),
        }
    }

    fn broken_rule(&self) -> Option<String> {
        let [channels, height, width] = self.image;
        let sizes = [
            ("classes", self.classes, MAX_CLASSES),
            ("image", channels, MAX_CHANNELS),
            ("image", height, MAX_SIDE),
            ("image", width, MAX_SIDE),
        ];
        let wrong = sizes
            .iter()
            .find(|(_, size, most)| !(1..=*most).contains(size));
        wrong.map(|(key, size, most)| format!("{key} is {size}; it must be from 1 to {most}"))
    }

    /// The same with so many classes, where their number is the usual one and may follow from a file.
    pub(crate) fn with_classes(self, classes: usize) -> Option<Self> {
        let new = ImageSettings { classes, ..self };
        let may = self.classes == CLASSES && new.broken_rule().is_none();
        may.then_some(new)
    }

    /// The same with other images, where their usual size is one of many: behind the stem for ImageNet.
    pub(crate) fn with_image(self, image: [usize; 3]) -> Option<Self> {
        let new = ImageSettings { image, ..self };
        let many = self.stem == Stem::ImageNet && self.image == usual(self.stem);
        (many && new.broken_rule().is_none()).then_some(new)
    }

    /// Values that a network holds of one sample behind its first convolution, of so many channels, where images are
    /// not the usual ones.
    pub(crate) fn sample_values(&self, channels: usize) -> Option<u64> {
        let [inputs, height, width] = self.image.map(|n| n as u64);
        let shrunk = match self.stem {
            Stem::Cifar => 1,
            Stem::ImageNet => 4,
        };
        let pixels = height * width;
        let unusual = self.image != usual(Stem::Cifar);
        unusual.then(|| pixels * inputs + pixels / shrunk * channels as u64)
    }
}

impl fmt::Display for ImageSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        if self.classes != CLASSES {
            words.push(format!("classes={}", self.classes));
        }
        if self.image != usual(self.stem) {
            let [channels, height, width] = self.image;
            words.push(format!("image={channels}x{height}x{width}"));
        }
        if self.stem != Stem::Cifar {
            words.push(format!("stem={}", self.stem));
        }
        match words.is_empty() {
            true => Ok(()),
            false => write!(f, ":{}", words.join(",")),
        }
    }
}

/// A whole number.
pub(crate) fn number(key: &str, value: &str) -> Result<usize, String> {
    let parsed = value.parse();
    parsed.map_err(|_| format!("{key}=`{value}` is not a whole number"))
}

/// `3x32x32`
pub(crate) fn sizes(value: &str) -> Result<[usize; 3], String> {
    let sizes: Option<Vec<usize>> = value.split('x').map(|size| size.parse().ok()).collect();
    let sizes = sizes.and_then(|sizes| <[usize; 3]>::try_from(sizes).ok());
    sizes.ok_or_else(|| format!("image=`{value}` is not of the form CxHxW, for example 3x32x32"))
}
