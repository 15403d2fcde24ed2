//! Stores what training records, while it trains.

mod state;
mod steps;
mod tail;
mod when;

pub use state::StepState;
pub use when::When;

use crate::change::{Change, Coded, Packed, Step};
use crate::deltas::{CheckpointForm, Encoder};
use crate::error::Error;
use crate::run::{Run, Status};
use crate::store::{Store, StoredCheckpoint};
use crate::training::{TrainRecord, TrainingState};
use crate::writer::{BufferedWriter, Pace};
use landscape_core::Params;
use std::time::{Duration, Instant};
use steps::Steps;

/// States are stored no more often than this.
const INTERVAL: Duration = Duration::from_millis(500);
/// Taking and storing states takes at most this share of the time.
const STATE_SHARE: u32 = 20;

/// Records training from any loop, in one line a step.
///
/// Of the steps that are due ([`Recorder::when`]) it keeps what is known about them and the parameters,
/// compressed as they come ([`Recorder::form`]): in memory are the last checkpoint and compressed bytes
/// that wait. These are stored some at a time, because a transaction takes longer than a step of a small
/// network; a process that is killed loses them, and nothing that was stored before.
///
/// A trainer that can go on from a state gives one whenever [`Recorder::wants_state`] says so. It is stored in one transaction
/// with the steps before it, in the place of the state before, until the run is complete; [`Store::training_state`] and
/// [`Recorder::resume_from`] then go on from there.
///
/// Steps go up. One that does not goes back: it takes the place of all that is stored from it on, also
/// when that is what an earlier process stored.
///
/// While another process has the file open, training goes on, and what it records goes into a journal
/// beside the file, which is taken in when the file is free, by this process or the next one that opens
/// it; [`Recorder::finish`] waits for the file.
///
/// ```
/// use landscape_core::{Parameter, Params, Role};
/// use landscape_storage::{CheckpointForm, RunKind, RunSpec, Status, Store, TrainRecord, When};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("landscape.duckdb");
/// let store = Store::open(&path)?;
/// let run = store.begin(&RunSpec::new(RunKind::Train, serde_json::json!({"lr": 0.1})))?;
/// let mut recorder = store.recorder(&run).form(CheckpointForm::F16).when(When::every(10));
/// let mut weight = 2.0f32;
/// for step in 0..=100 {
///     let facts = TrainRecord { step, epoch: step as f64 / 50.0, lr: Some(0.1), ..Default::default() };
///     recorder.step(facts, || {
///         let tensor = Parameter::new("w", [1], vec![weight], Role::Weight).expect("one value");
///         Params::new(vec![tensor]).expect("one tensor")
///     })?;
///     weight -= 0.1 * 2.0 * weight; // the gradient of its square
/// }
/// recorder.finish(Status::Complete)?;
/// assert_eq!(store.checkpoint_steps(&run)?.len(), 11);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Recorder {
    writer: BufferedWriter<Steps>,
    form: CheckpointForm,
    when: When,
    start: Instant,
    /// Seconds of training before this process.
    earlier: f64,
    /// Epochs at the last step, recorded or not.
    epoch: Option<f64>,
    encoder: Encoder,
    /// The last recorded step.
    last: Option<u64>,
    states: States,
}

/// When states are stored.
#[derive(Debug)]
struct States {
    /// Whether the trainer has given one.
    given: bool,
    /// When the trainer was asked for the last one.
    asked: Instant,
    pace: Pace,
}

impl States {
    fn new(given: bool) -> Self {
        States {
            given,
            asked: Instant::now(),
            pace: Pace::new(INTERVAL, STATE_SHARE),
        }
    }

    fn are_due(&self) -> bool {
        !self.given || self.pace.is_due()
    }
}

impl Store {
    /// A recorder for a run of training: every step, in the form [`CheckpointForm::F32`], unless told
    /// otherwise.
    pub fn recorder(&self, run: &Run) -> Recorder {
        let form = CheckpointForm::default();
        Recorder {
            writer: BufferedWriter::new(self, run, Steps::default()),
            form,
            when: When::every(1),
            start: Instant::now(),
            earlier: 0.0,
            epoch: None,
            encoder: Encoder::new(form),
            last: None,
            states: States::new(false),
        }
    }
}

impl Recorder {
    /// Stores checkpoints in this form from now on.
    #[must_use]
    pub fn form(mut self, form: CheckpointForm) -> Self {
        self.form = form;
        self.encoder = Encoder::new(form);
        self
    }

    /// Records these steps.
    #[must_use]
    pub fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    /// The last checkpoint that is stored, where training that was stopped goes on; nothing where it
    /// begins. Times go on from there too.
    ///
    /// Steps that follow are recorded after it. Where training goes on from an earlier step, what is
    /// stored from that step on is replaced.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn resume(&mut self) -> Result<Option<StoredCheckpoint>, Error> {
        let last = self.writer.store().last_checkpoint(self.run())?;
        if let Some(last) = &last {
            self.earlier = last.record.seconds.unwrap_or(0.0);
            self.epoch = Some(last.record.epoch);
            self.start = Instant::now();
        }
        Ok(last)
    }

    /// Goes on from a state. Steps that follow are recorded after those before [`TrainingState::next_record`], as if training
    /// had never been stopped; what is stored from there on is replaced.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn resume_from(&mut self, state: &TrainingState) -> Result<(), Error> {
        self.earlier = state.seconds;
        self.start = Instant::now();
        self.last = state.next_record.checked_sub(1);
        self.writer.buffer.cut = Some(state.next_record);
        let store = self.writer.store();
        let encoder = store.encoder_at(self.run(), self.form, state.next_record)?;
        if let Some((encoder, layout)) = encoder {
            self.encoder = encoder;
            self.writer.buffer.layout = Some(layout);
        }
        self.states = States::new(true);
        Ok(())
    }

    /// Seconds of training so far, those of earlier processes included.
    pub fn seconds(&self) -> f64 {
        self.earlier + self.start.elapsed().as_secs_f64()
    }

    /// Whether it is time for [`Recorder::state`]: at the beginning, and whenever taking and storing a state costs no more
    /// than a twentieth of the time, but not more than twice a second.
    pub fn wants_state(&mut self) -> bool {
        let wanted = self.states.are_due();
        if wanted {
            self.states.asked = Instant::now();
        }
        wanted
    }

    /// Keeps what training can go on from, and stores it with all that waits. The first one, before there is much to lose,
    /// waits for the steps that follow.
    ///
    /// # Errors
    /// As [`Recorder::push`].
    pub fn state(&mut self, step: u64, next_record: u64, bytes: Vec<u8>) -> Result<(), Error> {
        let seconds = self.seconds();
        self.writer.buffer.state = Some(TrainingState {
            step,
            next_record,
            seconds,
            bytes,
        });
        let result = match std::mem::replace(&mut self.states.given, true) {
            true => self.writer.flush(),
            false => self.store_when_due(),
        };
        let pause = self.writer.buffer.pause();
        self.states.pace.done_and_pause(self.states.asked, pause);
        result
    }

    /// The run that is recorded.
    pub fn run(&self) -> &Run {
        self.writer.run()
    }

    /// Tells of a step, and records it if it is due: `state` is called only then. Says whether it was.
    ///
    /// Where `facts.seconds` is `None` it becomes the time since the recorder was made.
    ///
    /// # Errors
    /// As [`Recorder::push`].
    pub fn step<S: Into<StepState>>(
        &mut self,
        mut facts: TrainRecord,
        state: impl FnOnce() -> S,
    ) -> Result<bool, Error> {
        let before = self.epoch.replace(facts.epoch);
        if !self.when.is_due(facts.step, before, facts.epoch) {
            return Ok(false);
        }
        let params = state().into().into_record(&mut facts);
        facts.seconds = facts.seconds.or(Some(self.seconds()));
        self.push(facts, params.as_ref())?;
        Ok(true)
    }

    /// Records a step as it is given, due or not, with the parameters where it is to be a checkpoint.
    ///
    /// # Errors
    /// [`Error::OtherLayout`] when the parameters are of another network than those before; when what
    /// waits cannot be stored: it is kept for the next attempt.
    pub fn push(&mut self, record: TrainRecord, params: Option<&Params>) -> Result<(), Error> {
        self.check(params)?;
        let step = record.step;
        if self.last.is_none_or(|last| step <= last) {
            self.go_back(step);
        }
        self.last = Some(step);
        let checkpoint = params.map(|params| self.code(step, params));
        self.writer.buffer.push(Step { record, checkpoint });
        self.store_when_due()
    }

    fn check(&self, params: Option<&Params>) -> Result<(), Error> {
        match (params, &self.writer.buffer.layout) {
            (Some(params), Some(layout)) if !layout.fits(params) => Err(Error::OtherLayout {
                name: self.run().name.clone(),
            }),
            _ => Ok(()),
        }
    }

    fn code(&mut self, step: u64, params: &Params) -> Coded {
        self.writer.buffer.lay_out(params, self.form);
        match self.form {
            CheckpointForm::Raw => Coded::Raw(Packed(params.clone())),
            CheckpointForm::F32 | CheckpointForm::F16 => {
                Coded::Frame(self.encoder.encode(step, params))
            }
        }
    }

    /// Forgets what was recorded from a step on.
    fn go_back(&mut self, step: u64) {
        self.writer.buffer.go_back(step);
        self.encoder.restart();
    }

    /// Steps wait for a state that is due: both are stored at once.
    fn store_when_due(&mut self) -> Result<(), Error> {
        let follows = self.states.given && self.states.pace.is_due();
        match self.writer.buffer.is_large() || self.writer.is_due() && !follows {
            true => self.writer.flush(),
            false => Ok(()),
        }
    }

    /// Gives up a state that waits: the training is done, and nothing goes on from it.
    pub fn forget_state(&mut self) {
        self.writer.buffer.state = None;
    }

    /// Stores all that waits.
    ///
    /// # Errors
    /// When it cannot be stored; it is kept for the next attempt. [`Error::Journaled`] when another
    /// process keeps the file: it is safe beside it.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.writer.finish(Vec::new())
    }

    /// Stores all that waits, and how the run ended, in one transaction.
    ///
    /// # Errors
    /// As [`Recorder::flush`] and [`Store::finish`].
    pub fn finish(&mut self, status: Status) -> Result<(), Error> {
        if status == Status::Complete {
            self.forget_state();
        }
        self.writer.finish(vec![Change::Status(status)])
    }
}
