//! Residual networks with several times the channels (Zagoruyko and Komodakis, arXiv:1605.07146),
//! in the form of tomgoldstein/loss-landscape: blocks in the order of [`resnet`](crate::resnet),
//! stem widened too.

use crate::layers::{Family, ImageSettings, SettingsFamily};
use crate::resnet::{ResidualNet, Shape, Shortcut, Stage, Structure};
use burn::tensor::Device;
use std::collections::HashMap;
use std::fmt;

/// A wide residual network.
pub type WideResNet = Family<WideResNetSpec>;

/// A wide residual network by its depth and factor: `wrn56-2`, `wrn56-8-noshort`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WideResNetSpec {
    depth: usize,
    factor: usize,
    shortcuts: bool,
    settings: ImageSettings,
}

/// Depths and factors that there are.
const KNOWN: [(usize, usize); 5] = [(56, 2), (56, 4), (56, 8), (110, 2), (110, 4)];

impl WideResNetSpec {
    /// The network of that depth with `factor` times 16, 32 and 64 channels, if there is one.
    pub fn new(depth: usize, factor: usize, shortcuts: bool) -> Option<Self> {
        KNOWN.contains(&(depth, factor)).then_some(WideResNetSpec {
            depth,
            factor,
            shortcuts,
            settings: ImageSettings::default(),
        })
    }

    /// The same with other classes, images or stem.
    #[must_use]
    pub fn with(self, settings: ImageSettings) -> Self {
        WideResNetSpec { settings, ..self }
    }

    /// Classes, images and stem.
    pub fn settings(&self) -> ImageSettings {
        self.settings
    }

    /// Layers.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// How many times the channels of a residual network it has.
    pub fn factor(&self) -> usize {
        self.factor
    }

    /// Whether blocks have shortcuts around them.
    pub fn shortcuts(&self) -> bool {
        self.shortcuts
    }

    fn shape(&self) -> Shape {
        let channels = 16 * self.factor;
        let stage = |place| Stage {
            channels: channels << place,
            blocks: (self.depth - 2) / 6,
        };
        Shape {
            stem: channels,
            stages: (0..3).map(stage).collect(),
            bottleneck: false,
            shortcut: match self.shortcuts {
                true => Shortcut::Projection,
                false => Shortcut::None,
            },
            settings: self.settings,
        }
    }
}

impl fmt::Display for WideResNetSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = if self.shortcuts { "" } else { "-noshort" };
        let settings = self.settings;
        write!(f, "wrn{}-{}{suffix}{settings}", self.depth, self.factor)
    }
}

impl SettingsFamily for WideResNetSpec {
    type Module = ResidualNet;

    fn of_name(name: &str) -> Option<Self> {
        let rest = name.strip_prefix("wrn")?;
        let (rest, shortcuts) = match rest.strip_suffix("-noshort") {
            Some(rest) => (rest, false),
            None => (rest, true),
        };
        let (depth, factor) = rest.split_once('-')?;
        Self::new(depth.parse().ok()?, factor.parse().ok()?, shortcuts)
    }

    fn of_shapes(shapes: &HashMap<&str, &[usize]>) -> Option<Self> {
        let found = Structure::of(shapes)?;
        let spec = Self::new(found.thin_depth()?, found.stem / 16, found.shortcuts)?;
        Some(spec.with(found.settings))
    }

    fn image_settings(&self) -> ImageSettings {
        self.settings
    }

    fn with_settings(self, settings: ImageSettings) -> Result<Self, String> {
        Ok(self.with(settings))
    }

    fn widest(&self) -> usize {
        self.shape().stem
    }

    fn build(&self, device: &Device) -> ResidualNet {
        ResidualNet::new(&self.shape(), device)
    }
}
