//! Files in which the results of an operation are drawn.

use super::{Drawn, FigureRequest, Figures, Look, RunContents, Target, contents, panels, save};
use crate::StudyError;
use crate::compare::{ComparedTraining, Comparison, JointPlane};
use crate::files::{beside, may_write};
use landscape_core::Surface;
use landscape_plot::{
    DEFAULT_DPI, Figure, LossCurve, Options, PanelOf, PathOnPlane, losses, side_by_side,
    trajectories,
};
use landscape_storage::Store;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// Planes that fit side by side.
const PANELS: RangeInclusive<usize> = 2..=6;
/// Paths, and curves, that can be told apart.
const CURVES: usize = 25;

/// Files in which the results of an operation are drawn, each a picture or a page by its ending.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FigureFiles {
    /// The files.
    pub output: Vec<PathBuf>,
    /// Whether losses have a logarithmic scale.
    pub log: bool,
    /// Whether files that exist are replaced.
    pub replace: bool,
}

impl FigureFiles {
    /// Checks, before work starts, that there can be such files.
    ///
    /// # Errors
    /// [`StudyError::NoPicture`] for other endings, [`StudyError::NotStored`] for animations, and those of [`may_write`].
    pub fn check(&self) -> Result<(), StudyError> {
        self.output.iter().try_for_each(|path| {
            if let Target::Animation(_) = Target::of(path)? {
                return Err(StudyError::NotStored { path: path.clone() });
            }
            may_write(path, self.replace)
        })
    }

    /// Whether some are pictures, which show one thing each.
    pub fn picture(&self) -> Option<&Path> {
        let is_picture = |path: &&PathBuf| Target::of(path).is_ok_and(|of| of == Target::Picture);
        self.output.iter().find(is_picture).map(PathBuf::as_path)
    }

    /// Checks, before work starts, that so many trainings can be drawn, and all files of them written.
    ///
    /// # Errors
    /// For the first that cannot.
    pub fn check_trainings(&self, trainings: usize) -> Result<(), StudyError> {
        for output in &self.output {
            if Target::of(output)? == Target::Page {
                continue;
            }
            if trainings > CURVES {
                return Err(StudyError::TooManyCurves {
                    trainings,
                    most: CURVES,
                });
            }
            for part in ["-ends", "-losses"] {
                may_write(&beside(output, part), self.replace)?;
            }
        }
        Ok(())
    }

    /// Files in which losses are drawn.
    pub fn new(output: &[PathBuf], log: bool, replace: bool) -> Self {
        FigureFiles {
            output: output.to_vec(),
            log,
            replace,
        }
    }

    /// Draws what is usual of a run.
    ///
    /// # Errors
    /// Those of the store, of figures and of files.
    pub fn draw(&self, run: &str, store: &Store) -> Result<Drawn, StudyError> {
        let mut all = Drawn::default();
        for output in &self.output {
            let drawn = self.request(vec![run.to_owned()], output);
            let drawn = Figures::prepare(&drawn, store)?.run()?;
            all.files.extend(drawn.files);
            all.hidden.extend(drawn.hidden);
        }
        Ok(all)
    }

    /// Draws trainings: the joint plane with all paths (`all.svg`), the planes around their ends (`all-ends.svg`), and
    /// their losses (`all-losses.svg`), or one page of the runs of all of these. Gives the files that are written.
    ///
    /// # Errors
    /// Those of the store, of figures and of files.
    pub fn draw_trainings(
        &self,
        found: &Comparison,
        store: &Store,
    ) -> Result<Vec<PathBuf>, StudyError> {
        let mut files = Vec::new();
        for output in &self.output {
            match Target::of(output)? {
                Target::Page => files.extend(self.page(runs_of(found), output, store)?),
                _ => files.extend(self.pictures(found, output, store)?),
            }
        }
        Ok(files)
    }

    /// Draws stored landscapes with their names: planes beside each other on one scale, or a page. Gives the files that
    /// are written.
    ///
    /// # Errors
    /// [`StudyError::NotAPlane`] for pictures of lines and volumes, and those of the store, of figures and of files.
    pub fn draw_landscapes(
        &self,
        landscapes: &[(&str, &Surface)],
        store: &Store,
    ) -> Result<Vec<PathBuf>, StudyError> {
        let mut files = Vec::new();
        for output in &self.output {
            match Target::of(output)? {
                Target::Page => {
                    let names = landscapes.iter().map(|(name, _)| (*name).to_owned());
                    files.extend(self.page(names.collect(), output, store)?);
                }
                _ => {
                    may_write(output, self.replace)?;
                    planes_alone(landscapes)?;
                    let stored = |&(name, surface)| (name, surface, name);
                    let planes: Vec<_> = landscapes.iter().map(stored).collect();
                    let figure = self.on_one_scale(&planes, store)?;
                    self.save(&figure, output)?;
                    files.push(output.clone());
                }
            }
        }
        Ok(files)
    }

    fn page(
        &self,
        runs: Vec<String>,
        output: &Path,
        store: &Store,
    ) -> Result<Vec<PathBuf>, StudyError> {
        Ok(Figures::prepare(&self.request(runs, output), store)?
            .run()?
            .files)
    }

    fn request(&self, runs: Vec<String>, output: &Path) -> FigureRequest {
        FigureRequest {
            look: self.look(),
            replace: self.replace,
            ..FigureRequest::new(runs, output)
        }
    }

    fn pictures(
        &self,
        found: &Comparison,
        output: &Path,
        store: &Store,
    ) -> Result<Vec<PathBuf>, StudyError> {
        let mut figures: Vec<(&str, Figure)> = Vec::new();
        if let Some(plane) = &found.plane {
            figures.push(("", self.paths(plane, &found.trainings, store)?));
        }
        let ends: Vec<_> = found.trainings.iter().filter_map(end_of).collect();
        if PANELS.contains(&ends.len()) {
            let part = if figures.is_empty() { "" } else { "-ends" };
            figures.push((part, self.on_one_scale(&ends, store)?));
        }
        figures.push(("-losses", self.losses(&found.trainings, store)?));
        let write = |(part, figure): (&str, Figure)| {
            let file = beside(output, part);
            self.save(&figure, &file)?;
            Ok(file)
        };
        figures.into_iter().map(write).collect()
    }

    /// All paths over the joint plane.
    fn paths(
        &self,
        plane: &JointPlane,
        trainings: &[ComparedTraining],
        store: &Store,
    ) -> Result<Figure, StudyError> {
        let stored = RunContents::load(store, &plane.run.name)?;
        let options = self.look().options(&stored, Some(&plane.surface))?;
        let named: Vec<PathOnPlane> = { trainings.iter().zip(&plane.paths) }
            .map(|(one, trajectory)| PathOnPlane {
                name: &one.row.label,
                trajectory,
            })
            .collect();
        Ok(trajectories(&plane.surface, &named, &options)?)
    }

    /// Surfaces side by side, each with a title and its run, on one scale of colours and with letters.
    fn on_one_scale(
        &self,
        surfaces: &[(&str, &Surface, &str)],
        store: &Store,
    ) -> Result<Figure, StudyError> {
        let named = surfaces.iter().zip('a'..='z');
        let titles = named.map(|((title, ..), letter)| format!("({letter}) {title}"));
        let titles: Vec<String> = titles.collect();
        let panels: Vec<PanelOf> = { surfaces.iter().zip(&titles) }
            .map(|(&(_, surface, _), title)| PanelOf {
                title,
                surface,
                paths: &[],
            })
            .collect();
        let runs = { surfaces.iter() }.map(|(.., run)| RunContents::load(store, run));
        let runs: Vec<RunContents> = runs.collect::<Result<_, _>>()?;
        let look = Look {
            panels: true,
            ..self.look()
        };
        Ok(side_by_side(&panels, &panels::options(&runs, &look)?)?)
    }

    fn losses(&self, trainings: &[ComparedTraining], store: &Store) -> Result<Figure, StudyError> {
        let curve = |one: &ComparedTraining| {
            let records = store.records(&one.run)?;
            contents::loss_curve(&one.row.label, &one.run, &records)
        };
        let curves = trainings.iter().map(curve);
        let curves: Vec<LossCurve> = curves.collect::<Result<_, StudyError>>()?;
        let options = Options {
            scale: self.look().scale(),
            ..Options::default()
        };
        Ok(losses(&curves, &options)?)
    }

    fn look(&self) -> Look {
        Look {
            log: self.log,
            ..Look::default()
        }
    }

    fn save(&self, figure: &Figure, path: &Path) -> Result<(), StudyError> {
        save(figure, path, DEFAULT_DPI, self.replace)
    }
}

/// What a training is called, the plane around its end, and the run of that.
fn end_of(one: &ComparedTraining) -> Option<(&str, &Surface, &str)> {
    let ComparedTraining { row, end, .. } = one;
    Some((&row.label, row.surface.as_ref()?, end.as_deref()?))
}

/// The joint plane, the planes around the ends, and the trainings.
fn runs_of(found: &Comparison) -> Vec<String> {
    let plane = found.plane.iter().map(|plane| plane.run.name.clone());
    let ends = found.trainings.iter().filter_map(|one| one.end.clone());
    let trained = found.trainings.iter().map(|one| one.run.name.clone());
    plane.chain(ends).chain(trained).collect()
}

fn planes_alone(landscapes: &[(&str, &Surface)]) -> Result<(), StudyError> {
    let mut all = landscapes.iter();
    match all.find(|(_, surface)| surface.grid().dims() != 2) {
        Some((run, surface)) => Err(StudyError::NotAPlane {
            run: (*run).to_owned(),
            dims: surface.grid().dims(),
        }),
        None => Ok(()),
    }
}
