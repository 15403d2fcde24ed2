//! Which network a file's tensors are of.

use crate::{ModelSpec, Network};
use landscape_core::Params;
use std::collections::HashMap;

/// Shapes by name.
type Shapes<'t> = HashMap<&'t str, &'t [usize]>;

/// The networks that have a name, the small ones of a family first. Perceptrons are told by their
/// shapes; transformers have no names of their own.
const NAMES: &[&str] = &[
    "resnet20",
    "resnet32",
    "resnet44",
    "resnet56",
    "resnet110",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "wrn56-2",
    "wrn56-4",
    "wrn56-8",
    "wrn110-2",
    "wrn110-4",
    "vgg9",
    "vgg16",
    "vgg19",
    "densenet121",
    "densenet169",
];

impl ModelSpec {
    /// The network whose tensors have these names and shapes, if there is one with a name.
    ///
    /// For messages: layouts are built one after the other, which takes up to seconds for large
    /// networks.
    pub fn of_tensors(params: &Params) -> Option<ModelSpec> {
        let shapes = params.iter().map(|t| (t.name.as_str(), &t.shape[..]));
        ModelSpec::of_shapes(&shapes.collect())
    }

    /// The same from names and shapes alone.
    pub(crate) fn of_shapes(shapes: &Shapes) -> Option<ModelSpec> {
        if shapes.contains_key("fc1.weight") {
            return perceptron(shapes).filter(|spec| fits(spec, shapes));
        }
        let marks = marks(shapes)?;
        let named = NAMES
            .iter()
            .filter(|name| marks.allow(name) && has_blocks(name, shapes));
        let plain = !shapes.keys().any(|name| name.contains(".shortcut."));
        let twins = named.map(|name| {
            match plain && (name.starts_with("resnet") || name.starts_with("wrn")) {
                true => format!("{name}-noshort"),
                false => (*name).to_owned(),
            }
        });
        let mut known = twins.filter_map(|name| name.parse().ok());
        known.find(|spec| fits(spec, shapes))
    }
}

fn fits(spec: &ModelSpec, shapes: &Shapes) -> bool {
    let layout = Network::layout(spec);
    let has = |name: &str, shape: &[usize]| shapes.get(name) == Some(&shape);
    layout.len() == shapes.len() && layout.iter().all(|t| has(&t.name, &t.shape))
}

/// `mlp:2-8-4-1` from the shapes of `fc1`, `fc2`, ...
fn perceptron(shapes: &Shapes) -> Option<ModelSpec> {
    let shape = |layer: usize| shapes.get(format!("fc{layer}.weight").as_str()).copied();
    let &[_, inputs] = shape(1)? else { return None };
    let outputs = (1..).map_while(shape).map(|shape| shape[0]);
    let widths: Vec<String> = std::iter::once(inputs)
        .chain(outputs)
        .map(|width| width.to_string())
        .collect();
    format!("mlp:{}", widths.join("-")).parse().ok()
}

/// Whether a residual network has as many blocks in its stages as its name says.
fn has_blocks(name: &str, shapes: &Shapes) -> bool {
    let (stage, blocks) = match name {
        "resnet18" => (3, 2),
        "resnet34" | "resnet50" => (3, 6),
        "resnet101" => (3, 23),
        "resnet152" => (3, 36),
        _ => {
            let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
            let depth = digits
                .split('-')
                .next()
                .and_then(|d| d.parse::<usize>().ok());
            match depth {
                Some(depth) if name.starts_with("resnet") || name.starts_with("wrn") => {
                    (1, (depth - 2) / 6)
                }
                _ => return true,
            }
        }
    };
    let has =
        |block: usize| shapes.contains_key(format!("layer{stage}.{block}.conv1.weight").as_str());
    has(blocks - 1) && !has(blocks)
}

/// What is seen at a glance, so that few layouts have to be built.
struct Marks {
    family: &'static [&'static str],
    four_stages: bool,
}

impl Marks {
    fn allow(&self, name: &str) -> bool {
        let has_four = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"];
        let stages = !name.starts_with("resnet") || has_four.contains(&name) == self.four_stages;
        stages && self.family.iter().any(|prefix| name.starts_with(prefix))
    }
}

fn marks(shapes: &Shapes) -> Option<Marks> {
    let has = |name: &str| shapes.contains_key(name);
    let family: &[&str] = match () {
        () if has("features.0.weight") => &["vgg"],
        () if has("dense1.0.conv1.weight") => &["densenet"],
        // Other libraries' networks of that name end in `fc`, and begin otherwise.
        () if has("layer4.0.conv1.weight") && has("linear.weight") => &["resnet"],
        () if has("layer1.0.conv1.weight") && has("linear.weight") => &["resnet", "wrn"],
        () => return None,
    };
    Some(Marks {
        family,
        four_stages: has("layer4.0.conv1.weight"),
    })
}
