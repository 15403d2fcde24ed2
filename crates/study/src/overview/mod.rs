//! One page about a stored run, for a person who asks: is it right, and what does it say?
//!
//! [`Overview::load`] gathers what is stored of the run's network, whichever run holds it: its own loss, planes along
//! random directions of several seeds, curvature, the plane along eigenvectors, the diagnosis; checks the numbers that are
//! known in two ways against each other; and says what is lacking and which command adds it. An [`OverviewRequest`] writes
//! the page, and computes first what is lacking where that is asked for.

mod checks;
mod html;
mod missing;
mod page;
mod planes;
mod siblings;
mod subject;
mod words;

pub use checks::OwnLoss;
pub use missing::{MissingPart, PartRequest};
pub use planes::{PlaneFigures, Spread, SuggestedRange};

use crate::StudyError;
use crate::check::Check;
use crate::details::RunDetails;
use crate::device::Evaluation;
use crate::diagnose::DiagnosisReport;
use crate::figures::RunContents;
use crate::files::{may_write, write_new};
use crate::hessian::CurvatureSummary;
use crate::report::Reporter;
use crate::trajectory::plane_warnings;
use checks::checks;
use landscape_storage::{RunKind, Status, Store};
use missing::Plan;
use planes::spreads;
use serde::{Deserialize, Serialize};
use siblings::Siblings;
use std::collections::BTreeMap;
use std::path::PathBuf;
use subject::{Subject, Whereabouts};

/// A page about a stored run.
///
/// ```
/// use landscape_storage::Store;
/// use landscape_study::overview::OverviewRequest;
/// use landscape_study::runs::{Landscape, LandscapeRequest, TrainRequest, Training};
///
/// let folder = tempfile::tempdir()?;
/// let store = Store::open(folder.path().join("landscape.duckdb"))?;
/// let mut training = TrainRequest::new("mlp:2-8-1".parse()?);
/// training.data.data = Some("moons:n=50".parse()?);
/// training.config.epochs = 5;
/// training.keep.name = Some("moons".to_owned());
/// Training::prepare(&training, &())?.run(&store, &())?;
/// let mut plane = LandscapeRequest::default();
/// plane.network.run = Some("moons".to_owned());
/// plane.grid.counts = Some(vec![5]);
/// plane.keep.name = Some("plane".to_owned());
/// Landscape::prepare(&plane, Some(&store), &())?.run(&store, &())?;
///
/// let request = OverviewRequest::new("plane", folder.path().join("plane.html"));
/// let found = request.run(&store, &())?;
/// assert!(found.checks.iter().all(|check| check.holds != Some(false)));
/// assert_eq!(found.planes.len(), 1);
/// assert!(request.output.exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OverviewRequest {
    /// The run, by name or number.
    pub run: String,
    /// The file: `.html` or `.htm`.
    pub output: PathBuf,
    /// Whether a file that exists is replaced.
    #[serde(default)]
    pub replace: bool,
    /// Whether what is lacking is computed and stored first: random planes up to three, curvature, and the plane along
    /// eigenvectors.
    #[serde(default)]
    pub compute: bool,
    /// Where it is computed.
    #[serde(default)]
    pub evaluation: Evaluation,
}

/// What a page about a run says. As JSON it is what `landscape report --json` prints.
#[derive(Debug, Serialize)]
pub struct Overview {
    /// The run.
    pub run: String,
    /// Its kind.
    pub kind: RunKind,
    /// Its state.
    pub status: Status,
    /// The network as it was named.
    pub model: Option<String>,
    /// The data as they were named.
    pub data: Option<String>,
    /// The loss function.
    pub loss_function: Option<String>,
    /// The loss of the network itself, known without any plane; nothing where none is stored.
    pub own: Option<OwnLoss>,
    /// What was checked.
    pub checks: Vec<Check>,
    /// Planes along random directions around the network.
    pub planes: Vec<PlaneFigures>,
    /// How far their figures differ.
    pub spread: Vec<Spread>,
    /// The run that holds the curvature at these parameters.
    pub curvature_run: Option<String>,
    /// That curvature.
    pub curvature: Option<CurvatureSummary>,
    /// The plane along eigenvectors of the Hessian.
    pub eigenplane: Option<PlaneFigures>,
    /// The range that suits planes around the network.
    pub range: Option<SuggestedRange>,
    /// What is said of its trainings, or of the landscape.
    pub diagnoses: Vec<DiagnosisReport>,
    /// What to beware of, in words.
    pub warnings: Vec<String>,
    /// What is lacking.
    pub missing: Vec<MissingPart>,
    /// The commands that made the runs on the page, by name; those of other programs may have none.
    pub commands: BTreeMap<String, String>,
    /// Everything else that is known of the run.
    #[serde(skip)]
    pub details: RunDetails,
}

/// What a page is made from.
struct Gathered {
    own: RunContents,
    siblings: Siblings,
    overview: Overview,
}

impl OverviewRequest {
    /// A page in a new file, of what is stored.
    pub fn new(run: impl Into<String>, output: impl Into<PathBuf>) -> Self {
        OverviewRequest {
            run: run.into(),
            output: output.into(),
            replace: false,
            compute: false,
            evaluation: Evaluation::default(),
        }
    }

    /// Checks, before work starts, that there can be such a file.
    ///
    /// # Errors
    /// [`StudyError::NoPage`] for other endings, and those of [`may_write`].
    pub fn check(&self) -> Result<(), StudyError> {
        let ending = self.output.extension().unwrap_or_default();
        let is = |word: &str| ending.eq_ignore_ascii_case(word);
        match is("html") || is("htm") {
            true => may_write(&self.output, self.replace),
            false => Err(StudyError::NoPage {
                path: self.output.clone(),
            }),
        }
    }

    /// Computes what is lacking, where that is asked for, and writes the page.
    ///
    /// # Errors
    /// An unknown run, [`StudyError::Interrupted`] when the reporter stopped it, and those of store, figures and file.
    /// That something lacking cannot be computed is no error: the page says why.
    pub fn run(&self, store: &Store, reporter: &dyn Reporter) -> Result<Overview, StudyError> {
        self.check()?;
        let mut tried: BTreeMap<String, String> = BTreeMap::new();
        let gathered = loop {
            let gathered = self.gather(store, &tried)?;
            let missing = gathered.overview.missing.iter();
            let mut todo = missing.filter(|part| self.compute && !tried.contains_key(&part.what));
            let Some((what, request)) = todo.find_map(|part| Some((&part.what, part.request()?)))
            else {
                break gathered;
            };
            reporter.note(format_args!("computing {what}"));
            let outcome = match request.run(store, reporter) {
                Ok(()) => {
                    "it was computed, but not of this network: its data have changed".to_owned()
                }
                Err(error @ StudyError::Interrupted { .. }) => return Err(error),
                Err(error) => error.in_full(),
            };
            // What is found next time is not missing any more, whatever is said of it here.
            tried.insert(what.clone(), outcome);
        };
        let page = page::html(&gathered, store.path())?;
        write_new(&self.output, page.as_bytes(), self.replace)?;
        Ok(gathered.overview)
    }

    fn gather(
        &self,
        store: &Store,
        tried: &BTreeMap<String, String>,
    ) -> Result<Gathered, StudyError> {
        let mut gathered = Gathered::load(&self.run, &self.evaluation, store)?;
        for part in &mut gathered.overview.missing {
            part.why = part.why.take().or_else(|| tried.get(&part.what).cloned());
        }
        Ok(gathered)
    }
}

impl Overview {
    /// What is stored of the network of a run, by name or number. Nothing is computed.
    ///
    /// # Errors
    /// An unknown run, and those of the store.
    pub fn load(run: &str, store: &Store) -> Result<Self, StudyError> {
        Ok(Gathered::load(run, &Evaluation::default(), store)?.overview)
    }

    /// How many checks hold, do not, and could not be made.
    pub fn tally(&self) -> [usize; 3] {
        let count = |wanted: Option<bool>| {
            let all = self.checks.iter();
            all.filter(|check| check.holds == wanted).count()
        };
        [Some(true), Some(false), None].map(count)
    }
}

impl Gathered {
    fn load(name: &str, evaluation: &Evaluation, store: &Store) -> Result<Self, StudyError> {
        let own = RunContents::load(store, name)?;
        let subject = Subject::of(&own.run, store)?;
        let siblings = match &subject {
            Ok(subject) => Siblings::of(&own.run, subject, store)?,
            Err(_) => Siblings::default(),
        };
        let details = RunDetails::load(store, name)?;
        let planes: Vec<PlaneFigures> = siblings.random.iter().map(PlaneFigures::of).collect();
        let range = SuggestedRange::of(&siblings, &planes);
        let loss = subject
            .as_ref()
            .ok()
            .and_then(|subject| OwnLoss::of(subject, &siblings));
        let known = subject.as_ref().ok();
        let place = known.map(|subject| subject.whereabouts(&own.run, store));
        let place = place.transpose()?;
        let moved = match &place {
            Some(Whereabouts::Moved(words)) => Some(words.as_str()),
            _ => None,
        };
        let missing = match &subject {
            Ok(subject) => {
                let plan = Plan {
                    own: &own.run,
                    subject,
                    siblings: &siblings,
                    range: range.as_ref(),
                    moved,
                    evaluation,
                    store,
                };
                plan.parts(&planes)
            }
            Err(why) => {
                let what = "the network's own loss, planes along random directions and curvature";
                vec![MissingPart::without(what, why.clone())]
            }
        };
        let curvature = siblings.curvature.as_ref();
        let point = curvature.and_then(|run| run.curvature.last());
        let data = own.provenance.data.as_ref();
        let overview = Overview {
            kind: own.run.kind,
            status: own.run.status,
            model: own.provenance.model_name(&own.settings),
            data: data.map(|data| data.spec.to_string()),
            loss_function: own.settings.problem().loss.clone(),
            checks: checks(&own, known.zip(place.as_ref()), &siblings, loss.as_ref()),
            own: loss,
            spread: spreads(&planes),
            planes,
            curvature_run: point.and(curvature).map(|run| run.run.name.clone()),
            curvature: point.map(CurvatureSummary::of),
            eigenplane: siblings.eigenplane.as_ref().map(PlaneFigures::of),
            range,
            diagnoses: details.diagnoses.clone(),
            warnings: warnings(&own),
            missing,
            commands: commands(&own, &siblings),
            run: own.run.name.clone(),
            details,
        };
        Ok(Gathered {
            own,
            siblings,
            overview,
        })
    }
}

/// What to beware of in what is shown.
fn warnings(own: &RunContents) -> Vec<String> {
    let mut all = match own.is_curve() {
        true => Vec::new(),
        false => plane_warnings(&own.paths),
    };
    all.extend(own.provenance.rounding.as_ref().map(ToString::to_string));
    let kind = own.usual_figure();
    all.extend(own.hidden_detail(kind).map(|hidden| hidden.words()));
    all
}

/// The commands by which the runs on the page were made.
fn commands(own: &RunContents, siblings: &Siblings) -> BTreeMap<String, String> {
    let others = siblings.random.iter();
    let others = others
        .chain(&siblings.curvature)
        .chain(&siblings.eigenplane);
    let all = std::iter::once(own).chain(others);
    let typed = all.filter_map(|run| {
        let command = run.provenance.command.clone()?;
        Some((run.run.name.clone(), command))
    });
    typed.collect()
}
