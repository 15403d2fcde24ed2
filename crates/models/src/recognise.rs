//! Which network a file's tensors are of.

use crate::{ModelSpec, Network};
use landscape_core::Params;

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
        if params.get("fc1.weight").is_some() {
            return perceptron(params).filter(|spec| fits(spec, params));
        }
        let marks = marks(params)?;
        let named = NAMES.iter().filter(|name| marks.allow(name));
        let twins = named.flat_map(|name| [(*name).to_owned(), format!("{name}-noshort")]);
        let mut known = twins.filter_map(|name| name.parse().ok());
        known.find(|spec| fits(spec, params))
    }
}

fn fits(spec: &ModelSpec, params: &Params) -> bool {
    params.clone().conform(&Network::layout(spec)).is_ok()
}

/// `mlp:2-8-4-1` from the shapes of `fc1`, `fc2`, ...
fn perceptron(params: &Params) -> Option<ModelSpec> {
    let shape = |layer: usize| Some(&params.get(&format!("fc{layer}.weight"))?.shape[..]);
    let &[_, inputs] = shape(1)? else { return None };
    let outputs = (1..).map_while(shape).map(|shape| shape[0]);
    let widths: Vec<String> = std::iter::once(inputs)
        .chain(outputs)
        .map(|width| width.to_string())
        .collect();
    format!("mlp:{}", widths.join("-")).parse().ok()
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

fn marks(params: &Params) -> Option<Marks> {
    let has = |name: &str| params.get(name).is_some();
    let family: &[&str] = match () {
        () if has("features.0.weight") => &["vgg"],
        () if has("dense1.0.conv1.weight") => &["densenet"],
        () if has("layer4.0.conv1.weight") => &["resnet"],
        () if has("layer1.0.conv1.weight") => &["resnet", "wrn"],
        () => return None,
    };
    Some(Marks {
        family,
        four_stages: has("layer4.0.conv1.weight"),
    })
}
