//! What is done to inputs before a network sees them.

use super::settings::{Setting, numbers};
use std::fmt;

/// `(x * numerator / denominator - mean) / std`, in f32 in this order; each part may be absent.
///
/// A mean, or a deviation, is one number, or one for each channel: for each place of the first axis of a sample, which
/// are the channels of an image and the columns of a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Normalisation {
    /// A factor, as a fraction.
    pub scale: Option<Scale>,
    /// What is subtracted; nothing where empty.
    pub mean: Vec<f64>,
    /// What is divided by; nothing where empty.
    pub std: Vec<f64>,
}

/// A factor, as the fraction that was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Above the line.
    pub numerator: f64,
    /// Below it.
    pub denominator: f64,
}

impl Scale {
    /// Bytes to [0, 1].
    pub const BYTES: Scale = Scale {
        numerator: 1.0,
        denominator: 255.0,
    };

    fn parse(text: &str) -> Result<Self, String> {
        let (above, below) = text.split_once('/').unwrap_or((text, "1"));
        let number = |text: &str| text.trim().parse().ok().filter(|v: &f64| v.is_finite());
        match (number(above), number(below)) {
            (Some(numerator), Some(denominator)) if numerator != 0.0 && denominator != 0.0 => {
                Ok(Scale {
                    numerator,
                    denominator,
                })
            }
            _ => Err(format!(
                "`scale={text}`: scale must be a number other than 0, as in scale=1/255"
            )),
        }
    }
}

impl Normalisation {
    /// Takes a setting that belongs here; whether it did.
    pub(super) fn take(&mut self, setting: &Setting<'_>) -> Result<bool, String> {
        match setting.key {
            "scale" => self.scale = Some(Scale::parse(setting.one()?)?),
            "mean" => self.mean = numbers(setting)?,
            "std" => {
                self.std = numbers(setting)?;
                if self.std.iter().any(|&std| std <= 0.0) {
                    return Err("std must be greater than 0".to_owned());
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Whether it changes nothing.
    pub fn is_none(&self) -> bool {
        *self == Normalisation::default()
    }

    /// Whether a mean or a deviation is given for bytes, and it is not said on which scale.
    pub(super) fn leaves_open(&self) -> bool {
        self.scale.is_none() && !self.is_none()
    }

    /// Normalises samples of such a shape, row-major.
    ///
    /// # Errors
    /// Where there are more or fewer means or deviations than channels; in words.
    pub fn apply_to(&self, values: &mut [f32], sample: &[usize]) -> Result<(), String> {
        let channels = sample.first().copied().unwrap_or(1);
        for (name, list) in [("mean", &self.mean), ("std", &self.std)] {
            if list.len() > 1 && list.len() != channels {
                return Err(format!(
                    "{name} has {} numbers, and a sample has {channels} along its first axis; give one, or {channels}",
                    list.len()
                ));
            }
        }
        if self.is_none() {
            return Ok(());
        }
        let width = sample.iter().skip(1).product::<usize>().max(1);
        for (number, channel) in values.chunks_mut(width).enumerate() {
            let steps = self.steps(number % channels.max(1));
            channel.iter_mut().for_each(|value| *value = steps(*value));
        }
        Ok(())
    }

    /// What becomes of a value of a channel.
    fn steps(&self, channel: usize) -> impl Fn(f32) -> f32 + use<> {
        let of = |list: &[f64], absent: f64| match list {
            [] => absent as f32,
            [one] => *one as f32,
            list => list[channel] as f32,
        };
        let (mean, std) = (of(&self.mean, 0.0), of(&self.std, 1.0));
        let scale = self
            .scale
            .map(|s| (s.numerator as f32, s.denominator as f32));
        move |value| {
            let scaled = match scale {
                None => value,
                Some((1.0, below)) => value / below,
                Some((above, below)) => value * above / below,
            };
            (scaled - mean) / std
        }
    }

    /// The formula, in words.
    pub fn words(&self) -> Option<String> {
        let list = |numbers: &[f64]| match numbers {
            [one] => one.to_string(),
            several => format!("({})", joined(several, ", ")),
        };
        let mut words = match self.scale {
            None => "x".to_owned(),
            Some(scale) if scale.numerator == 1.0 => format!("x / {}", scale.denominator),
            Some(scale) if scale.denominator == 1.0 => format!("x * {}", scale.numerator),
            Some(scale) => format!("x * {} / {}", scale.numerator, scale.denominator),
        };
        if !self.mean.is_empty() {
            words = format!("{words} - {}", list(&self.mean));
        }
        if !self.std.is_empty() {
            words = match words.contains(' ') {
                true => format!("({words}) / {}", list(&self.std)),
                false => format!("{words} / {}", list(&self.std)),
            };
        }
        (!self.is_none()).then_some(words)
    }

    /// The settings, as they are parsed.
    pub(super) fn settings(&self) -> Vec<String> {
        let scale = self.scale.map(|scale| format!("scale={scale}"));
        let list = |name: &str, numbers: &[f64]| {
            (!numbers.is_empty()).then(|| format!("{name}={}", joined(numbers, ",")))
        };
        let both = [list("mean", &self.mean), list("std", &self.std)];
        scale
            .into_iter()
            .chain(both.into_iter().flatten())
            .collect()
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1.0 => write!(f, "{}", self.numerator),
            below => write!(f, "{}/{below}", self.numerator),
        }
    }
}

pub(super) fn joined(numbers: &[f64], between: &str) -> String {
    let words: Vec<String> = numbers.iter().map(f64::to_string).collect();
    words.join(between)
}

/// A mean and a deviation for each of up to three channels of images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Channels {
    /// Means of `byte / 255`.
    pub mean: [f64; 3],
    /// Deviations of it, above 0.
    pub std: [f64; 3],
}

impl Channels {
    /// From `mean=` and `std=` beside nothing else.
    pub(super) fn parse(settings: &[Setting<'_>], channels: usize) -> Result<Self, String> {
        let mut all = Normalisation::default();
        for setting in settings {
            if setting.key == "scale" || !all.take(setting)? {
                return Err(format!("unknown setting `{}`", setting.key));
            }
        }
        let three = |name: &str, given: &[f64], absent: f64| match given {
            [] => Ok([absent; 3]),
            [one] => Ok([*one; 3]),
            [a, b, c] if channels == 3 => Ok([*a, *b, *c]),
            list => Err(format!(
                "{name} has {} numbers; give one{}",
                list.len(),
                if channels == 3 { ", or three" } else { "" }
            )),
        };
        Ok(Channels {
            mean: three("mean", &all.mean, 0.0)?,
            std: three("std", &all.std, 1.0)?,
        })
    }

    /// The input that a byte of a channel becomes.
    pub(super) fn value(&self, byte: u8, channel: usize) -> f32 {
        let (mean, std) = (self.mean[channel] as f32, self.std[channel] as f32);
        (f32::from(byte) / 255.0 - mean) / std
    }

    fn normalisation(&self) -> Normalisation {
        let short = |all: &[f64; 3]| match all {
            [a, b, c] if a == b && b == c => vec![*a],
            all => all.to_vec(),
        };
        Normalisation {
            scale: Some(Scale::BYTES),
            mean: short(&self.mean),
            std: short(&self.std),
        }
    }

    /// The formula, in words.
    pub(super) fn words(&self) -> String {
        self.normalisation().words().unwrap_or_default()
    }
}

impl fmt::Display for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = self.normalisation().settings();
        f.write_str(&settings[1..].join(","))
    }
}
