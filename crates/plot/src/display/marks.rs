//! The marks of models: which of them stand in a frame, and the room that they take.

use crate::isoline::label::TurnedBox;
use crate::layout::{Panel, mark};
use crate::options::{Options, PlacedNetwork};
use crate::svg::Rect;

/// Whether the point 0 is marked, and what it is called.
pub(crate) fn origin<'a>(options: &'a Options, panel: &Panel) -> Option<&'a str> {
    let name = options.origin.as_deref()?;
    (panel.x.holds(0.0) && panel.y.holds(0.0)).then_some(name)
}

/// The models apart from the one at 0 that are inside a frame, with their marks.
pub(crate) fn models<'a>(
    options: &'a Options,
    panel: &Panel,
) -> Vec<(mark::Mark, &'a PlacedNetwork)> {
    let inside = |(_, network): &(mark::Mark, &PlacedNetwork)| {
        panel.x.holds(network.at[0]) && panel.y.holds(network.at[1])
    };
    marked(options).into_iter().filter(inside).collect()
}

/// The models apart from the one at 0 with their marks; those of one name have one mark.
pub(crate) fn marked(options: &Options) -> Vec<(mark::Mark, &PlacedNetwork)> {
    let mut names: Vec<&str> = Vec::new();
    for network in &options.networks {
        if !names.contains(&network.name.as_str()) {
            names.push(&network.name);
        }
    }
    let nth = |name: &str| names.iter().position(|n| *n == name).unwrap_or(0);
    let mark = |network: &PlacedNetwork| mark::NETWORKS[nth(&network.name) % mark::NETWORKS.len()];
    let networks = options.networks.iter();
    networks.map(|network| (mark(network), network)).collect()
}

/// The room of the marks of models in a frame.
pub(crate) fn model_obstacles(options: &Options, panel: &Panel) -> Vec<TurnedBox> {
    let at = |x, y| obstacle(panel.x.at(x), panel.y.at(y));
    let zero = origin(options, panel).map(|_| at(0.0, 0.0));
    let others = models(options, panel).into_iter();
    let others = others.map(|(_, place)| at(place.at[0], place.at[1]));
    zero.into_iter().chain(others).collect()
}

/// The room of a mark.
pub(crate) fn obstacle(x: f64, y: f64) -> TurnedBox {
    let r = mark::RADIUS + 1.0;
    TurnedBox::upright(Rect::new(x - r, y - r, 2.0 * r, 2.0 * r))
}
