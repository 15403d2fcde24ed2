//! How figures look, and what they are told of their runs.

use super::RunContents;
use crate::StudyError;
use crate::metrics::ValueName;
use crate::record::{self, Origin};
use landscape_core::{Surface, Value};
use landscape_plot::{
    Along, Camera, Clip, Colormap, Figure, Options, PlacedNetwork, Scale, Size, Style,
};
use landscape_storage::RunKind;
use serde::{Deserialize, Serialize};

/// How a figure looks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Look {
    /// Whether values have a logarithmic scale.
    pub log: bool,
    /// Ends beyond which values are not told apart.
    pub clip: Clip,
    /// Standard deviation, in cells, of a Gaussian that smooths the picture, not the data; 0 for none.
    pub smooth: f64,
    /// Whether the measured points of adaptive runs are marked.
    pub measured: bool,
    /// Draws the basins of minima whose persistence is at least this share of the range, in [0, 1].
    pub basins: Option<f64>,
    /// Levels of contours, in the unit of the values; chosen from their range where absent.
    pub levels: Option<Vec<f64>>,
    /// Whether the figures of several runs have one scale.
    pub shared_scale: bool,
    /// Whether several planes stand side by side in one figure, on one scale, with letters.
    pub panels: bool,
    /// Whether what runs differ from the first by is drawn, not the runs themselves; in colours about 0.
    pub difference: bool,
    /// Where surfaces are seen from; from where they are seen well where absent.
    pub camera: Option<Camera>,
    /// Draws the values of planes along this line, as curves of one figure.
    pub along: Option<Along>,
    /// Which number of each point is drawn.
    pub value: ValueName,
    /// The path that is drawn, by the name of its training, where a run has several; contours show all.
    pub path: Option<String>,
    /// A line above the figure.
    pub title: Option<String>,
    /// What it is made for: width, page and size of type. Where absent, 89 mm and type of 7 pt, or of [`Size::Double`] where
    /// planes stand side by side.
    pub size: Option<Size>,
    /// Width in mm; that of the size where absent.
    pub width: Option<f64>,
    /// Colours of values.
    pub colormap: Colormap,
    /// Dots per inch of PNG files and animations; 600 and 200 where absent.
    pub dpi: Option<f64>,
}

impl Default for Look {
    /// The loss on a linear scale, one column wide.
    fn default() -> Self {
        Look {
            log: false,
            clip: Clip::default(),
            smooth: 0.0,
            measured: false,
            basins: None,
            levels: None,
            shared_scale: false,
            panels: false,
            difference: false,
            camera: None,
            along: None,
            value: ValueName::Loss,
            path: None,
            title: None,
            size: None,
            width: None,
            colormap: Colormap::Viridis,
            dpi: None,
        }
    }
}

impl Look {
    /// The scale of values.
    pub(super) fn scale(&self) -> Scale {
        match self.log {
            true => Scale::Log,
            false => Scale::Linear,
        }
    }

    /// Width, page, type and colours.
    fn style(&self) -> Style {
        let size = self.size.or(self.panels.then_some(Size::Double));
        let style = size.map_or_else(Style::default, Style::of);
        Style {
            width_mm: self.width.unwrap_or(style.width_mm),
            colormap: match self.difference {
                true => Colormap::Diverging,
                false => self.colormap,
            },
            ..style
        }
    }

    /// Draws a figure, or a frame of an animation, for the page of the size: see [`Figure::fitted`].
    pub(super) fn fitted(
        &self,
        draw: impl Fn(&Look) -> Result<Figure, StudyError>,
    ) -> Result<Figure, StudyError> {
        Figure::fitted(self.style(), |style| {
            draw(&Look {
                width: Some(style.width_mm),
                ..self.clone()
            })
        })
    }

    /// The options of a run's figure.
    pub(super) fn options(
        &self,
        run: &RunContents,
        surface: Option<&Surface>,
    ) -> Result<Options, StudyError> {
        let value = match surface {
            Some(surface) => self.value.of(surface, &run.run.name)?,
            None => Value::Loss,
        };
        let options = Options {
            style: self.style(),
            value,
            value_label: self
                .difference
                .then(|| format!("difference of {}", self.value)),
            camera: self.camera,
            scale: self.scale(),
            clip: self.clip,
            smooth: self.smooth,
            measured: self.measured,
            basins: self.basins,
            levels: self.levels.clone(),
            tolerance: run.settings.adaptive(),
            title: self.title.clone(),
            origin: run.origin(),
            networks: run.networks(),
            // Curves between networks are stored as paths too.
            training: !run.is_curve(),
            caption: run.part_words(),
            provenance: run.facts(),
            ..Options::default()
        };
        Ok(run.with_axes(options))
    }
}

/// The axis of curves over steps is not a direction.
pub(super) fn over_steps(options: Options) -> Options {
    Options {
        axes: [None, None, None],
        ..options
    }
}

impl RunContents {
    /// Axes that are called by their directions, or by the models that these lead to.
    pub(super) fn with_axes(&self, options: Options) -> Options {
        if self.directions.is_empty() {
            return options;
        }
        let mut options = options.directions(&self.directions);
        if self.is_curve() {
            let names = ["from network to network", "towards the control point"];
            for (label, name) in options.axes.iter_mut().zip(names) {
                *label = Some(name.to_owned());
            }
            return options;
        }
        for network in self.networks() {
            let axes = options.axes.iter_mut().enumerate();
            let unit = |axis: usize| [0, 1, 2].map(|k| f64::from(u8::from(k == axis)));
            for (_, label) in axes.filter(|(axis, _)| network.at == unit(*axis)) {
                *label = Some(format!("towards {}", network.name));
            }
        }
        options
    }

    /// The models that the plane goes through, apart from the one at 0.
    pub(super) fn networks(&self) -> Vec<PlacedNetwork> {
        let placed = |network: &record::PlacedNetwork| {
            let mut at = [0.0; 3];
            at.iter_mut()
                .zip(&network.at)
                .for_each(|(to, from)| *to = *from);
            let name = network.name.clone();
            PlacedNetwork { name, at }
        };
        self.provenance
            .networks()
            .iter()
            .skip(1)
            .map(placed)
            .collect()
    }

    /// What the point 0 of the plane is.
    pub(super) fn origin(&self) -> Option<String> {
        let first = self.provenance.networks().first();
        match (self.run.kind, first, &self.provenance.weights) {
            // The end of the path is marked by itself.
            (RunKind::Trajectory | RunKind::Train | RunKind::Curve | RunKind::Import, _, _) => None,
            (_, Some(first), _) => Some(first.name.clone()),
            (_, _, Some(Origin::Seed { .. } | Origin::Run { step: 0, .. })) => {
                Some("initial point".to_owned())
            }
            _ => Some("trained point".to_owned()),
        }
    }

    /// Which parameters move, where not all do.
    fn part_words(&self) -> Option<String> {
        let params = self.settings.problem().params.as_ref()?;
        Some(format!(
            "Of the parameters, {params} move; the rest stay as they are."
        ))
    }

    /// Where the numbers come from, for the metadata of files.
    pub(super) fn facts(&self) -> Vec<(String, String)> {
        let (problem, stored) = (self.settings.problem(), &self.provenance);
        let model = stored.model_name(&self.settings);
        let data = stored.data.as_ref().map(|data| data.spec.to_string());
        let known = [
            ("Run", Some(self.run.name.clone())),
            ("Identity", Some(self.run.identity.clone())),
            ("Model", model),
            ("Parameters", problem.params.clone()),
            ("Loss", problem.loss.clone()),
            ("Data", data),
            ("Command", stored.command.clone()),
            ("Version", stored.version.clone()),
        ];
        { known.into_iter() }
            .filter_map(|(label, word)| Some((label.to_owned(), word?)))
            .collect()
    }
}
