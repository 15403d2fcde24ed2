//! Shards handed to an engine that runs them: HyperQueue, Slurm, MPI or Kubernetes.
//!
//! A request is prepared here, a few of its points are measured, and it is divided so that a shard takes about a minute, and its
//! preparation no more than a twentieth of that. What the engine is to run is written into a folder, with the plan and a script
//! `submit.sh`, which is then run where the engine is there. Asked again, the same folder goes on with the same division, and hands over
//! the shards that are neither done nor running.

mod engine;
mod follow;
mod measure;
mod result;

pub use engine::Engine;
pub use measure::{MeasuredWork, Work};
pub use result::Submitted;

use crate::StudyError;
use crate::error::SubmitError;
use crate::files::write_new;
use crate::report::Reporter;
use crate::status::{ShardPhase, ShardPlan, ShardStatus};
use crate::words::quoted;
use engine::Job;
use landscape_core::{MOST_SHARDS, Shards, path_words};
use landscape_storage::Store;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf, absolute};
use std::process::{Command, Stdio};

/// The script that submits what a folder holds.
const SCRIPT: &str = "submit.sh";

/// Shards of a request, for an engine.
///
/// ```
/// use landscape_study::runs::LandscapeRequest;
/// use landscape_study::submit::{Engine, Submission, SubmitRequest, Work};
///
/// let folder = tempfile::tempdir()?;
/// let words = "surface --model mlp:2-8-1 --data moons:n=50 --grid 5";
/// let mut work = LandscapeRequest::default();
/// work.network.model = Some("mlp:2-8-1".parse()?);
/// work.data.data = Some("moons:n=50".parse()?);
/// work.grid.counts = Some(vec![5]);
/// let command = words.split(' ').map(Into::into).collect();
/// let mut request = SubmitRequest::new(Engine::Slurm, command, Work::Landscape(Box::new(work)));
/// request.folder = folder.path().to_owned();
/// request.shards = Some(4);
/// let written = Submission::prepare(&request, None, &())?.write()?;
/// assert_eq!(written.left.to_string(), "0-3/4");
/// let script = std::fs::read_to_string(folder.path().join("shards.sbatch"))?;
/// assert!(script.contains("#SBATCH --array=0-3\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SubmitRequest {
    /// Who runs them.
    pub engine: Engine,
    /// How many; from what is measured, where it is not said.
    pub shards: Option<usize>,
    /// The program that the command is given to, as the engine finds it.
    pub program: PathBuf,
    /// The command without the name of the program, and without a shard and its database.
    pub command: Vec<OsString>,
    /// What the command asks for: that is measured.
    pub work: Work,
    /// The databases of the shards, with the place `{K}`; in the folder, where they are not named.
    pub database: Option<PathBuf>,
    /// The database that they are merged into.
    pub into: PathBuf,
    /// The folder of what the engine runs.
    pub folder: PathBuf,
    /// Variables that the command is to have.
    pub environment: Vec<(OsString, OsString)>,
    /// The image of the containers, on Kubernetes.
    pub image: Option<String>,
    /// The claim of the volume that holds the files, on Kubernetes.
    pub claim: String,
}

/// Shards that are ready to be submitted.
#[derive(Debug)]
pub struct Submission {
    /// How the request is divided.
    pub plan: ShardPlan,
    /// The shards that are neither done nor running.
    pub left: Shards,
    /// How far all of them are.
    pub status: ShardStatus,
    engine: Engine,
    folder: PathBuf,
    files: Vec<(&'static str, String)>,
}

impl SubmitRequest {
    /// Shards of a command of `landscape`, as many as are measured, in the folder `landscape-shards`, merged into
    /// `landscape.duckdb`.
    pub fn new(engine: Engine, command: Vec<OsString>, work: Work) -> Self {
        SubmitRequest {
            engine,
            shards: None,
            program: "landscape".into(),
            command,
            work,
            database: None,
            into: "landscape.duckdb".into(),
            folder: "landscape-shards".into(),
            environment: Vec::new(),
            image: None,
            claim: "landscape".to_owned(),
        }
    }

    /// What can be checked before anything is read.
    fn check(&self) -> Result<(), SubmitError> {
        if let Some(database) = &self.database
            && !path_words(database).contains("{K}")
        {
            let database = database.clone();
            return Err(SubmitError::OneDatabase { database });
        }
        if self.work.is_adaptive() {
            return Err(SubmitError::Adaptive);
        }
        if self.engine == Engine::Kubernetes && self.image.is_none() {
            return Err(SubmitError::NoImage);
        }
        Ok(())
    }

    /// The databases of the shards, as they are named.
    fn database(&self) -> PathBuf {
        let usual = || self.folder.join("shard-{K}-of-{N}.duckdb");
        self.database.clone().unwrap_or_else(usual)
    }

    /// The plan that the folder has already.
    fn planned(&self, command: &[String]) -> Result<Option<ShardPlan>, StudyError> {
        let Some(plan) = ShardPlan::find(&self.folder)? else {
            return Ok(None);
        };
        let folder = self.folder.clone();
        let is_same = plan.command == command && whole(&self.database())? == plan.database;
        if !is_same {
            let planned = command_line("landscape", &plan.command);
            return Err(SubmitError::OtherCommand { folder, planned }.into());
        }
        match self.shards {
            Some(asked) if asked != plan.shards => {
                let shards = plan.look()?.into_iter();
                Err(SubmitError::Redivided {
                    folder,
                    planned: plan.shards,
                    begun: shards
                        .filter(|one| one.phase != ShardPhase::Waiting)
                        .count(),
                    asked,
                }
                .into())
            }
            _ => Ok(Some(plan)),
        }
    }

    /// Whether the command takes a number of threads: where it runs on cores, which trainings do unless they name a device.
    fn has_threads(&self, command: &[String]) -> bool {
        let is_training = matches!(self.work, Work::Trainings(_));
        self.work.is_on_cores() && !(is_training && engine::names_device(command))
    }

    /// A plan by what is measured now.
    fn plan(
        &self,
        command: Vec<String>,
        store: Option<&Store>,
        reporter: &dyn Reporter,
    ) -> Result<ShardPlan, StudyError> {
        let (work, cpus) = self.work.clone().on_its_cores();
        let measured = work.measure(store, reporter)?;
        if measured.units == 0 {
            return Err(SubmitError::NoUnits.into());
        }
        let most = self.engine.most_shards(cpus).min(MOST_SHARDS);
        let shards = self.shards.unwrap_or_else(|| measured.shards(most));
        landscape_core::Shard::new(0, shards).map_err(crate::shard::ShardError::from)?;
        let plan = ShardPlan {
            command,
            shards,
            units: measured.units,
            seconds: measured.preparation + measured.seconds / shards as f64,
            preparation: measured.preparation,
            cpus,
            gpus: work.gpus(),
            database: whole(&self.database())?,
            into: whole(&self.into)?,
        };
        reporter.note(result::PlanWords {
            plan: &plan,
            unit: work.unit(),
            seconds: measured.seconds,
            is_given: self.shards.is_some(),
            engine: self.engine,
        });
        Ok(plan)
    }
}

impl Submission {
    /// Checks and measures what is asked for, or takes the plan that its folder has, and looks which shards are left. Trainings are
    /// looked up in `store`. Nothing is written.
    ///
    /// # Errors
    /// What [`SubmitError`] says of plans and words, and those of preparing the request.
    pub fn prepare(
        request: &SubmitRequest,
        store: Option<&Store>,
        reporter: &dyn Reporter,
    ) -> Result<Self, StudyError> {
        request.check()?;
        let command = texts(&request.command)?;
        let plan = match request.planned(&command)? {
            Some(plan) => plan,
            None => request.plan(command, store, reporter)?,
        };
        let status = ShardStatus::sum(plan.look()?);
        let mut left = status.in_phase(ShardPhase::Waiting);
        left.extend(&status.in_phase(ShardPhase::Failed));
        let folder = whole(&request.folder)?;
        let here = std::env::current_dir().map_err(|source| unread(Path::new("."), source))?;
        // A container has the files elsewhere than this machine.
        let (database, into) = match request.engine {
            Engine::Kubernetes => (request.database(), request.into.clone()),
            _ => (plan.database.clone(), plan.into.clone()),
        };
        let job = Job {
            program: text(request.program.as_os_str())?,
            name: plan.command.first().cloned().unwrap_or_default(),
            left: &left,
            plan: &plan,
            has_threads: request.has_threads(&plan.command),
            database: text(database.as_os_str())?,
            into: text(into.as_os_str())?,
            here: text(here.as_os_str())?,
            folder: text(folder.as_os_str())?,
            environment: { request.environment.iter() }
                .map(|(name, value)| Ok((text(name)?, text(value)?)))
                .collect::<Result<_, SubmitError>>()?,
            image: request.image.clone().unwrap_or_default(),
            claim: request.claim.clone(),
        };
        let files = request.engine.files(&job);
        Ok(Submission {
            engine: request.engine,
            folder: request.folder.clone(),
            files,
            left,
            status,
            plan,
        })
    }

    /// What submits the shards once they are written.
    pub fn command(&self) -> String {
        format!("sh {}", quoted(self.folder.join(SCRIPT).as_os_str()))
    }

    /// Writes the plan and what the engine runs into the folder; nothing where no shard is left.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&self) -> Result<Submitted, StudyError> {
        let mut files = Vec::new();
        if !self.left.is_empty() {
            let logs = self.folder.join(engine::LOGS);
            fs::create_dir_all(&logs).map_err(|source| unwritten(&logs, source))?;
            self.plan.save(&self.folder)?;
            for (name, text) in &self.files {
                let path = self.folder.join(name);
                write_new(&path, text.as_bytes(), true)?;
                files.push(path);
            }
        }
        Ok(Submitted {
            engine: self.engine,
            shards: self.plan.shards,
            done: self.status.done,
            running: self.status.running,
            left: self.left.clone(),
            seconds: self.plan.seconds,
            files,
            command: self.command(),
            is_submitted: false,
            said: String::new(),
        })
    }

    /// The same, and has the engine take the shards. MPI runs them at once, and is waited for.
    ///
    /// # Errors
    /// [`SubmitError::NoEngine`] where it is not on this machine, [`SubmitError::Failed`] where it takes nothing: what was written stays.
    pub fn run(&self) -> Result<Submitted, StudyError> {
        let mut submitted = self.write()?;
        if self.left.is_empty() {
            return Ok(submitted);
        }
        let program = self.engine.program();
        if !is_on_path(program) {
            let run = self.command();
            return Err(SubmitError::NoEngine { program, run }.into());
        }
        let script = self.folder.join(SCRIPT);
        let output = Command::new("sh")
            .arg(&script)
            .stdin(Stdio::null())
            .output();
        let output = output.map_err(|source| unread(&script, source))?;
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if !output.status.success() {
            let all = [said(&output.stderr), said(&output.stdout)];
            let all: Vec<String> = all.into_iter().filter(|said| !said.is_empty()).collect();
            return Err(SubmitError::Failed {
                program,
                said: match all.is_empty() {
                    true => output.status.to_string(),
                    false => all.join("; "),
                },
                run: self.command(),
            }
            .into());
        }
        submitted.is_submitted = true;
        submitted.said = said(&output.stdout);
        Ok(submitted)
    }
}

/// Words that job files can hold.
fn texts(words: &[OsString]) -> Result<Vec<String>, SubmitError> {
    words.iter().map(|word| text(word)).collect()
}

fn text(word: &OsStr) -> Result<String, SubmitError> {
    match word.to_str() {
        Some(text) if !text.contains(char::is_control) => Ok(text.to_owned()),
        _ => Err(SubmitError::NoText {
            word: word.to_owned(),
        }),
    }
}

/// A command as a shell has to read it.
fn command_line<'a>(program: &'a str, words: impl IntoIterator<Item = &'a String>) -> String {
    let words = words.into_iter().map(|word| quoted(OsStr::new(word)));
    let all: Vec<String> = std::iter::once(quoted(OsStr::new(program)))
        .chain(words)
        .collect();
    all.join(" ")
}

/// Whether a program is in one of the folders where programs are looked for.
fn is_on_path(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}

/// A path from the root on.
fn whole(path: &Path) -> Result<PathBuf, StudyError> {
    absolute(path).map_err(|source| unread(path, source))
}

fn unread(path: &Path, source: io::Error) -> StudyError {
    StudyError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    }
}

fn unwritten(path: &Path, source: io::Error) -> StudyError {
    StudyError::Io {
        action: "write",
        path: path.to_owned(),
        source,
    }
}
