//! All trainings of a study, one network a thread.

use super::{Study, Variant};
use crate::StudyError;
use crate::problem::Model;
use crate::recording::train_record;
use landscape_core::{Cancel, Checkpoint, Outcome, Params, Sample};
use landscape_models::{
    EpochLoss, Record, Step, TrainObserver, TrainState, Trainee, resume_with, train_with,
};
use landscape_storage::TrainRecord;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Who is told of the trainings of a study, from several threads, and knows where they go on. `Break` ends all of them after
/// the step that they are at, with their last states still recorded.
pub trait StudyObserver: Sync {
    /// The training of the variant at this place is about to begin: from its start, or from the state that is given.
    ///
    /// # Errors
    /// What keeps it from going on; it ends the study.
    fn begin(&self, _variant: usize) -> Result<Option<TrainState>, StudyError> {
        Ok(None)
    }

    /// The training of the variant at this place has recorded a state.
    fn record(&self, _variant: usize, _record: &Record) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// It has done a step.
    fn step(&self, _variant: usize, _step: Step) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// Whether its state is wanted, see [`TrainObserver::wants_state`]. Where the study is ended it is wanted of all.
    fn wants_state(&self, _variant: usize, _step: Step) -> bool {
        false
    }

    /// The state that was wanted.
    fn state(&self, _variant: usize, _state: TrainState) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// It has ended.
    fn trained(&self, _variant: usize, _trained: &Trained) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// An observer that does nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl StudyObserver for Unobserved {}

/// An observer that keeps the whole path of each training in memory, for [`joint_plane`](super::joint_plane).
#[derive(Debug, Default)]
pub struct Paths(Mutex<BTreeMap<usize, Vec<Checkpoint>>>);

impl Paths {
    /// The paths, in the order of the variants.
    pub fn into_inner(self) -> Vec<Vec<Checkpoint>> {
        let paths = self.0.into_inner();
        paths
            .unwrap_or_else(PoisonError::into_inner)
            .into_values()
            .collect()
    }
}

impl StudyObserver for Paths {
    fn record(&self, variant: usize, record: &Record) -> ControlFlow<()> {
        let mut paths = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        paths.entry(variant).or_default().push(Checkpoint {
            step: record.step,
            params: record.params.clone(),
        });
        ControlFlow::Continue(())
    }
}

/// What came of one training.
#[derive(Debug, Clone)]
pub struct Trained {
    /// What the variant is called.
    pub label: String,
    /// The network.
    pub model: Model,
    /// The parameters at the end.
    pub end: Params,
    /// Steps done.
    pub steps: u64,
    /// The initial state over all the data.
    pub first: Sample,
    /// The last state over all the data.
    pub last: Sample,
    /// What was recorded, the last state included; from the initial one on, or after the state that training went on from.
    pub records: Vec<TrainRecord>,
    /// Mean losses of the complete epochs, as training loops print them.
    pub epochs: Vec<EpochLoss>,
    /// Wall time of the training, where it is known.
    pub seconds: Option<f64>,
    /// Whether all steps were done.
    pub outcome: Outcome,
}

impl Study {
    /// Trains all variants, each on a thread of its own, as many at a time as there are threads (0
    /// means one a core). What comes out does not depend on the number of threads. The results are
    /// in the order of the variants; those that had not begun when the observer ended the study
    /// hold the initial state alone.
    ///
    /// # Errors
    /// [`StudyError::Threads`], and the first failure of a training.
    pub fn train(
        &self,
        threads: usize,
        observer: &dyn StudyObserver,
    ) -> Result<Vec<Trained>, StudyError> {
        let threads = match threads {
            0 => rayon::current_num_threads(),
            given => given,
        };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads.min(self.variants.len()))
            .build();
        let cancel = Cancel::new();
        let one = |(place, variant): (usize, &Variant)| {
            let trained = self.train_one(place, variant, observer, &cancel)?;
            if observer.trained(place, &trained).is_break() {
                cancel.cancel();
            }
            Ok(trained)
        };
        let all = || {
            let variants = self.variants.par_iter().enumerate();
            variants.with_max_len(1).map(one).collect()
        };
        pool.map_err(StudyError::Threads)?.install(all)
    }

    fn train_one(
        &self,
        place: usize,
        variant: &Variant,
        observer: &dyn StudyObserver,
        cancel: &Cancel,
    ) -> Result<Trained, StudyError> {
        let start = Instant::now();
        let mut observed = Observed {
            place,
            observer,
            cancel,
            records: Vec::new(),
        };
        let config = &variant.config;
        let report = observer.begin(place).and_then(|state| {
            let trainee = self.trainee(variant, &())?;
            Ok(match &state {
                None => train_with(trainee, config, &mut observed)?,
                Some(state) => resume_with(trainee, config, state, &mut observed)?,
            })
        });
        if report.is_err() {
            cancel.cancel();
        }
        let report = report?;
        Ok(Trained {
            label: variant.label.clone(),
            model: variant.model.clone(),
            end: report.network.params(),
            steps: report.steps,
            first: report.first,
            last: report.last,
            records: observed.records,
            epochs: report.epochs,
            seconds: Some(start.elapsed().as_secs_f64()),
            outcome: report.outcome,
        })
    }
}

/// Passes on what one training records, and ends it when all are to end.
struct Observed<'a> {
    place: usize,
    observer: &'a dyn StudyObserver,
    cancel: &'a Cancel,
    records: Vec<TrainRecord>,
}

impl Observed<'_> {
    /// One that ends ends all.
    fn flow(&self, flow: ControlFlow<()>) -> ControlFlow<()> {
        if flow.is_break() {
            self.cancel.cancel();
        }
        match self.cancel.is_cancelled() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

impl TrainObserver for Observed<'_> {
    fn record(&mut self, record: Record) -> ControlFlow<()> {
        let flow = self.observer.record(self.place, &record);
        self.records.push(train_record(&record, None));
        self.flow(flow)
    }

    fn step(&mut self, step: Step) -> ControlFlow<()> {
        let flow = self.observer.step(self.place, step);
        self.flow(flow)
    }

    fn wants_state(&mut self, step: Step) -> bool {
        self.cancel.is_cancelled() || self.observer.wants_state(self.place, step)
    }

    fn state(&mut self, state: TrainState) -> ControlFlow<()> {
        let flow = self.observer.state(self.place, state);
        self.flow(flow)
    }
}
