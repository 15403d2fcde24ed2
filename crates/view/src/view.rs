//! What is to be shown: databases, files and folders, and the runs that are shown first.

use crate::document::Key;
use crate::guard::Guard;
use crate::server::{App, run};
use crate::source::{Source, is_locked, name_of};
use crate::watch::Watch;
use landscape_storage::{Error, Format, Store};
use landscape_study::StudyError;
use landscape_study::report::{Reporter, say_journal};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How often the sources are looked at, at most.
const PAUSE: Duration = Duration::from_secs(1);

/// What is to be served.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ViewRequest {
    /// Databases, files with landscapes and folders of either; what is none of these is a run of the databases, by name
    /// or number. Runs and files that are named are shown first.
    pub named: Vec<PathBuf>,
    /// Databases that are listed in any case.
    pub databases: Vec<PathBuf>,
    /// The database that is listed where none is named and one is needed.
    pub usual: PathBuf,
    /// The port on 127.0.0.1; any that is free where it is 0.
    pub port: u16,
    /// How often the databases and files are looked at, at most, while a page listens: once a second where absent.
    pub pause: Option<Duration>,
}

impl ViewRequest {
    /// These, on any free port.
    pub fn new<S: Into<PathBuf>>(named: impl IntoIterator<Item = S>) -> Self {
        ViewRequest {
            named: named.into_iter().map(Into::into).collect(),
            ..ViewRequest::default()
        }
    }
}

/// A server that listens, and does not answer yet.
#[derive(Debug)]
pub struct View {
    app: Arc<App>,
    listener: TcpListener,
    port: u16,
}

impl View {
    /// Finds what is to be shown, and takes the port.
    ///
    /// # Errors
    /// A database, file, folder or run that is not there or cannot be read; a port that is taken.
    pub fn prepare(request: &ViewRequest, reporter: &dyn Reporter) -> Result<Self, StudyError> {
        let (sources, first) = Found::of(request)?.checked(reporter)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, request.port))
            .map_err(|source| refused(request.port, source))?;
        let address = listener.local_addr();
        let port = address
            .map_err(|source| refused(request.port, source))?
            .port();
        let guard = Guard::new(port).map_err(|error| StudyError::Io {
            action: "draw",
            path: "random numbers".into(),
            source: error.into(),
        })?;
        Ok(View {
            app: Arc::new(App {
                watch: Watch::new(sources),
                guard,
                pause: request.pause.unwrap_or(PAUSE),
                first,
            }),
            listener,
            port,
        })
    }

    /// The address, with the token that opens it.
    pub fn address(&self) -> String {
        format!(
            "http://127.0.0.1:{}/?token={}",
            self.port,
            self.app.guard.token()
        )
    }

    /// Opens the address in the user's browser; says so where there is none.
    pub fn open(&self, reporter: &dyn Reporter) {
        if let Err(error) = open::that_detached(self.address()) {
            reporter.note(format_args!(
                "no browser could be opened ({error}): open the address yourself"
            ));
        }
    }

    /// Answers requests until the reporter says to stop.
    ///
    /// # Errors
    /// [`StudyError::Interrupted`] where it was told to stop, and what the system says.
    pub fn serve(self, reporter: &dyn Reporter) -> Result<(), StudyError> {
        let port = self.port;
        run(self.app, self.listener, &|| reporter.cancelled())
            .map_err(|source| StudyError::Port { port, source })?;
        Err(StudyError::Interrupted {
            saved: "the pages are no longer served".to_owned(),
            again: "the same command serves them again, at a new address",
        })
    }
}

fn refused(port: u16, source: io::Error) -> StudyError {
    StudyError::Port { port, source }
}

/// What the words of a request are.
#[derive(Debug, Default)]
struct Found {
    sources: Vec<Source>,
    /// The databases in which runs are looked for.
    databases: Vec<PathBuf>,
    /// What is shown first, in the order in which it was named.
    first: Vec<First>,
    /// Whether anything was named of which only the list can show all.
    listed: bool,
}

#[derive(Debug)]
enum First {
    Run(String),
    File(PathBuf),
}

impl Found {
    fn of(request: &ViewRequest) -> Result<Self, StudyError> {
        let mut found = Found::default();
        request
            .databases
            .iter()
            .for_each(|path| found.add(Source::Database(path.clone())));
        for word in &request.named {
            found.name(word)?;
        }
        let runs = found
            .first
            .iter()
            .any(|first| matches!(first, First::Run(_)));
        if found.sources.is_empty() || (runs && found.databases.is_empty()) {
            found.add(Source::Database(request.usual.clone()));
        }
        Ok(found)
    }

    fn add(&mut self, source: Source) {
        if let Source::Database(path) = &source {
            self.databases.push(path.clone());
        }
        if !self.sources.contains(&source) {
            self.sources.push(source);
        }
    }

    fn name(&mut self, path: &Path) -> Result<(), StudyError> {
        let sources = match path.exists() {
            true => Source::of(path),
            false if is_file_name(path) => return Err(missing(path)),
            false => Vec::new(),
        };
        match (&sources[..], path.to_str()) {
            // An empty folder may have the name of a run.
            ([], Some(name)) if !path.is_dir() || !name.contains(['/', '\\', '.']) => {
                self.first.push(First::Run(name.to_owned()));
            }
            ([], _) if path.is_dir() => {
                return Err(StudyError::NothingToView {
                    path: path.to_owned(),
                });
            }
            ([], _) => return Err(missing(path)),
            ([Source::File(file)], _) => self.first.push(First::File(file.clone())),
            _ => self.listed = true,
        }
        sources.into_iter().for_each(|source| self.add(source));
        Ok(())
    }

    /// The sources, once each of them was read, and what is shown first.
    fn checked(self, reporter: &dyn Reporter) -> Result<(Vec<Source>, Vec<Key>), StudyError> {
        let mut stores = Vec::new();
        for source in &self.sources {
            match source {
                Source::Database(path) => stores.push((source, opened(path, reporter)?)),
                Source::File(path) => drop(source.load(&name_of(path))?),
                Source::Folder(_) => {}
            }
        }
        let place = |source: &Source| self.sources.iter().position(|own| own == source);
        let mut first = Vec::new();
        for named in &self.first {
            let key = match named {
                First::File(path) => {
                    let name = name_of(path);
                    place(&Source::File(path.clone())).map(|place| (place, name))
                }
                First::Run(name) => {
                    let (source, name) = run_of(name, &stores)?;
                    place(source).map(|place| (place, name))
                }
            };
            first.extend(key);
        }
        if self.listed {
            first.clear();
        }
        Ok((self.sources, first))
    }
}

/// A database of which the tables can be read; nothing where another process has it for now.
fn opened(path: &Path, reporter: &dyn Reporter) -> Result<Option<Store>, StudyError> {
    match Store::open_read(path).map_err(StudyError::from) {
        Ok(store) => {
            say_journal(&store, reporter);
            Ok(Some(store))
        }
        Err(error) if is_locked(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The first database that has a run, and the name that the run is listed under.
fn run_of<'a>(
    name: &str,
    stores: &[(&'a Source, Option<Store>)],
) -> Result<(&'a Source, String), StudyError> {
    let mut unknown = None;
    for (source, store) in stores {
        let Some(store) = store else {
            return Ok((source, name.to_owned()));
        };
        match store.find(name) {
            Ok(run) => return Ok((source, run.name)),
            Err(error @ Error::UnknownRun { .. }) => drop(unknown.get_or_insert(error)),
            Err(error) => return Err(error.into()),
        }
    }
    let nowhere = || Error::UnknownRun {
        path: PathBuf::new(),
        name: name.to_owned(),
        known: Vec::new(),
    };
    Err(unknown.unwrap_or_else(nowhere).into())
}

/// Whether a word that names nothing on the disk was meant to.
fn is_file_name(path: &Path) -> bool {
    let folder = path
        .parent()
        .is_some_and(|folder| !folder.as_os_str().is_empty());
    let database = path.extension().is_some_and(|ending| ending == "duckdb");
    folder || database || Format::of_path(path).is_ok()
}

fn missing(path: &Path) -> StudyError {
    match path.extension().is_some_and(|ending| ending == "duckdb") {
        true => Error::NotFound {
            path: path.to_owned(),
        }
        .into(),
        false => StudyError::Io {
            action: "read",
            path: path.to_owned(),
            source: io::ErrorKind::NotFound.into(),
        },
    }
}
