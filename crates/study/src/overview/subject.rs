//! The network that a run is about, and what is stored of it elsewhere.

use crate::StudyError;
use crate::diagnose::end_of_training;
use crate::hessian::training_of;
use crate::problem::Model;
use crate::record::{Origin, ProblemSettings, Provenance, Settings};
use landscape_models::{Init, LoadOptions};
use landscape_storage::{Error, Run, RunKind, Store, TrainRecord};

/// One network with its parameters, data and loss.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    /// Digest of the parameters.
    pub digest: String,
    /// The data and the loss.
    pub problem: ProblemSettings,
    /// Where network, parameters and data are from.
    pub provenance: Provenance,
    /// The record of the training that has these parameters, on these data.
    pub record: Option<(Run, TrainRecord)>,
}

/// Whether the parameters are still found where they came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whereabouts {
    /// The same parameters are there.
    There(String),
    /// They are not.
    Moved(String),
    /// It could not be found out.
    Unknown(String),
}

impl Subject {
    /// The network at the origin of a landscape, at the end of a training or a path, or that curvature is of; why there
    /// is none, in words.
    ///
    /// # Errors
    /// Those of the store.
    pub fn of(run: &Run, store: &Store) -> Result<Result<Self, String>, StudyError> {
        let settings = Settings::of(run);
        match run.kind {
            RunKind::Train => Subject::trained(run, store),
            RunKind::Trajectory if !settings.is_curve() => Subject::followed(run, store),
            RunKind::Hessian => match training_of(run, store)? {
                Some(training) => Subject::trained(&training, store),
                None => Subject::sampled(run, settings, store),
            },
            RunKind::Line | RunKind::Surface | RunKind::Volume => {
                Subject::sampled(run, settings, store)
            }
            _ => Ok(Err("it is not about one network that is stored".to_owned())),
        }
    }

    /// The end of a training.
    fn trained(run: &Run, store: &Store) -> Result<Result<Self, String>, StudyError> {
        let Some(last) = store.last_checkpoint(run)? else {
            return Ok(Err(format!("`{}` has no checkpoint yet", run.name)));
        };
        let origin = Origin::Run {
            run: run.name.clone(),
            step: last.record.step,
        };
        Ok(Ok(Subject {
            digest: last.params.digest(),
            problem: Settings::of(run).problem().clone(),
            provenance: Provenance {
                weights: Some(origin),
                ..Provenance::of(run)
            },
            record: Some((run.clone(), last.record)),
        }))
    }

    /// The end of the only path of a run, where that is the end of a stored training.
    fn followed(run: &Run, store: &Store) -> Result<Result<Self, String>, StudyError> {
        let paths = store.load_trajectories(run)?;
        let [path] = &paths[..] else {
            return Ok(Err(format!("it has {} paths", paths.len())));
        };
        match end_of_training(store, run, path)? {
            Some(trained) => Subject::trained(&trained, store),
            None => Ok(Err(format!(
                "the training `{}` is not stored, or goes on beyond the path",
                path.label
            ))),
        }
    }

    /// What settings say.
    fn sampled(
        run: &Run,
        settings: Settings,
        store: &Store,
    ) -> Result<Result<Self, String>, StudyError> {
        let problem = settings.problem().clone();
        let Some(digest) = problem.weights.clone() else {
            return Ok(Err(
                "its settings do not say of which parameters it is".to_owned()
            ));
        };
        let mut subject = Subject {
            digest,
            problem,
            provenance: Provenance::of(run),
            record: None,
        };
        subject.record = subject.recorded(store)?;
        Ok(Ok(subject))
    }

    /// The record of the training that the parameters are from, if it has the same data, loss and parameters.
    fn recorded(&self, store: &Store) -> Result<Option<(Run, TrainRecord)>, StudyError> {
        let Some(Origin::Run { run: name, step }) = &self.provenance.weights else {
            return Ok(None);
        };
        let Some(run) = known(store.find(name))? else {
            return Ok(None);
        };
        let same = Settings::of(&run).problem().same_loss(&self.problem);
        let Some(found) = store.checkpoint(&run, *step)?.filter(|_| same) else {
            return Ok(None);
        };
        let record = found.record;
        Ok((found.params.digest() == self.digest).then_some((run, record)))
    }

    /// Whether a landscape or curvature is of the same parameters, data and loss.
    pub fn is_of(&self, run: &Run) -> bool {
        let settings = Settings::of(run);
        let problem = settings.problem();
        let same_point = problem.weights.as_ref() == Some(&self.digest);
        same_point && problem.same_function(&self.problem)
    }

    /// Looks where the parameters came from.
    ///
    /// # Errors
    /// Those of the store.
    pub fn whereabouts(&self, run: &Run, store: &Store) -> Result<Whereabouts, StudyError> {
        match &self.provenance.weights {
            Some(Origin::Run { run, step }) => self.in_training(run, *step, store),
            Some(Origin::File { .. }) => Ok(self.in_file(run)),
            Some(Origin::Seed { seed }) => Ok(self.drawn(run, *seed)),
            None => Ok(Whereabouts::Unknown("it is not said where".to_owned())),
        }
    }

    fn in_training(&self, name: &str, step: u64, store: &Store) -> Result<Whereabouts, StudyError> {
        let place = format!("step {step} of the training `{name}`");
        let Some(run) = known(store.find(name))? else {
            return Ok(Whereabouts::Moved(format!(
                "the training `{name}` is not in the database any longer"
            )));
        };
        Ok(match store.checkpoint(&run, step)? {
            Some(found) => self.compared(place, &found.params.digest()),
            None => Whereabouts::Moved(format!("there is no {place} any longer")),
        })
    }

    fn in_file(&self, run: &Run) -> Whereabouts {
        let Some(path) = self.provenance.weights.as_ref().and_then(Origin::found) else {
            return Whereabouts::Unknown("it is not said where".to_owned());
        };
        let words = landscape_core::path_words(&path);
        let place = format!("the file `{words}`");
        let file = self.provenance.model.as_ref().map(|given| given.found());
        let read = || -> Result<_, StudyError> {
            let model = Model::of_run(run, &())?;
            if file.as_ref() == Some(&path) {
                return Ok(model.initial(Init::default(), 0).0);
            }
            model.load(&path, &LoadOptions::default(), &())
        };
        match read() {
            Ok(params) => self.compared(place, &params.digest()),
            Err(error) => Whereabouts::Moved(error.in_full()),
        }
    }

    fn drawn(&self, run: &Run, seed: u64) -> Whereabouts {
        let place = format!("initial parameters of the seed {seed}");
        match Model::of_run(run, &()) {
            Ok(model) => {
                let drawn = model.initial(Init::default(), seed).0.digest();
                match drawn == self.digest {
                    true => Whereabouts::There(place),
                    false => Whereabouts::Unknown(format!("{place}, drawn in another way")),
                }
            }
            Err(error) => Whereabouts::Unknown(error.in_full()),
        }
    }

    fn compared(&self, place: String, digest: &str) -> Whereabouts {
        match digest == self.digest {
            true => Whereabouts::There(place),
            false => Whereabouts::Moved(format!("{place} holds other parameters now")),
        }
    }
}

/// A run, if the store knows it.
fn known(found: Result<Run, Error>) -> Result<Option<Run>, StudyError> {
    match found {
        Ok(run) => Ok(Some(run).filter(|run| run.kind == RunKind::Train)),
        Err(Error::UnknownRun { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
