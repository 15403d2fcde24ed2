//! Residual networks with several times the channels (Zagoruyko and Komodakis, arXiv:1605.07146),
//! in the form of tomgoldstein/loss-landscape: blocks in the order of [`resnet`](crate::resnet),
//! stem widened too.

use crate::layers::{Architecture, Family, ImageSettings};
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

    /// The network of that name, if it is one of this family.
    fn of_name(name: &str) -> Option<Self> {
        let rest = name.strip_prefix("wrn")?;
        let (rest, shortcuts) = match rest.strip_suffix("-noshort") {
            Some(rest) => (rest, false),
            None => (rest, true),
        };
        let (depth, factor) = rest.split_once('-')?;
        let spec = Self::new(depth.parse().ok()?, factor.parse().ok()?, shortcuts)?;
        // Numbers have several spellings, networks one name.
        (spec.to_string() == name).then_some(spec)
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

impl Architecture for WideResNetSpec {
    type Module = ResidualNet;

    fn named(name: &str, settings: Option<&str>) -> Option<Result<Self, String>> {
        let spec = Self::of_name(name)?;
        Some(ImageSettings::parse(settings).map(|settings| spec.with(settings)))
    }

    fn like(shapes: &HashMap<&str, &[usize]>) -> Option<Self> {
        let found = Structure::of(shapes)?;
        let spec = Self::new(found.thin_depth()?, found.stem / 16, found.shortcuts)?;
        Some(spec.with(found.settings))
    }

    fn with_outputs(&self, outputs: usize) -> Option<Self> {
        Some(self.with(self.settings.with_classes(outputs)?))
    }

    fn with_image(&self, image: [usize; 3]) -> Option<Self> {
        Some(self.with(self.settings.with_image(image)?))
    }

    fn image(&self) -> [usize; 3] {
        self.settings.image
    }

    fn outputs(&self) -> usize {
        self.settings.classes
    }

    fn sample_values(&self) -> Option<u64> {
        self.settings.sample_values(16 * self.factor)
    }

    fn module(&self, device: &Device) -> ResidualNet {
        ResidualNet::new(&self.shape(), device)
    }
}
