//! What the names and shapes of a residual network's tensors tell.

use crate::layers::{ImageSettings, Stem};
use std::collections::HashMap;

/// Blocks, widths and settings.
pub(crate) struct Structure {
    /// Channels behind the first convolution.
    pub stem: usize,
    /// Blocks of each stage.
    pub blocks: Vec<usize>,
    pub bottleneck: bool,
    pub shortcuts: bool,
    pub settings: ImageSettings,
}

impl Structure {
    /// Of the tensors of a network of blocks `layer1.0.conv1`, ...
    pub(crate) fn of(shapes: &HashMap<&str, &[usize]>) -> Option<Self> {
        let shape = |name: &str| shapes.get(name).copied();
        let (&[stem, channels, side, _], &[classes, _]) =
            (shape("conv1.weight")?, shape("linear.weight")?)
        else {
            return None;
        };
        let mut settings = ImageSettings::of_stem(match side {
            3 => Stem::Cifar,
            7 => Stem::ImageNet,
            _ => return None,
        });
        settings.classes = classes;
        settings.image[0] = channels;
        let blocks = |stage: usize| {
            let has = |block: &usize| {
                shapes.contains_key(format!("layer{stage}.{block}.conv1.weight").as_str())
            };
            (0..).take_while(has).count()
        };
        Some(Structure {
            stem,
            blocks: (1..).map(blocks).take_while(|count| *count > 0).collect(),
            bottleneck: shapes.contains_key("layer1.0.conv3.weight"),
            shortcuts: shapes.keys().any(|name| name.contains(".shortcut.")),
            settings,
        })
    }

    /// Layers with weights, where there are three stages of as many basic blocks.
    pub(crate) fn thin_depth(&self) -> Option<usize> {
        match self.blocks[..] {
            [a, b, c] if a == b && b == c && !self.bottleneck => Some(6 * a + 2),
            _ => None,
        }
    }
}
