//! A server in this process, a client of a few lines, and stores to show.

use landscape_core::{Grid, Measured, Sample, Surface};
use landscape_storage::{Format, Run, RunKind, RunSpec, Status, Store, export_surface};
use landscape_study::Reporter;
use landscape_view::{View, ViewRequest};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;

/// How long an answer may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

struct Until(Arc<AtomicBool>);

impl Reporter for Until {
    fn cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A server that is told to stop when it is dropped.
pub struct Server {
    pub port: u16,
    pub token: String,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<String>>,
}

impl Server {
    /// One that looks at its sources as fast as it can.
    pub fn of<S: Into<PathBuf>>(named: impl IntoIterator<Item = S>) -> Self {
        let mut request = ViewRequest::new(named);
        request.pause = Some(Duration::from_millis(10));
        Server::serve(View::prepare(&request, &()).unwrap())
    }

    pub fn serve(view: View) -> Self {
        let address = view.address();
        let rest = address.strip_prefix("http://127.0.0.1:").unwrap();
        let (port, token) = rest.split_once("/?token=").unwrap();
        let (port, token) = (port.parse().unwrap(), token.to_owned());
        let stop = Arc::new(AtomicBool::new(false));
        let until = Until(Arc::clone(&stop));
        let serve = move || view.serve(&until).unwrap_err().to_string();
        Server {
            port,
            token,
            stop,
            thread: Some(std::thread::spawn(serve)),
        }
    }

    /// What the server said when it was told to stop.
    pub fn stop(&mut self) -> Option<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(|thread| thread.join().unwrap())
    }

    /// An address with the token.
    pub fn with_token(&self, path: &str) -> String {
        let joint = if path.contains('?') { '&' } else { '?' };
        format!("{path}{joint}token={}", self.token)
    }

    /// The same as a browser is given it.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{}", self.port, self.with_token(path))
    }

    /// A page, asked for as a browser does that has the token.
    pub fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {} HTTP/1.0", self.with_token(path)), &[])
    }

    /// A request with these lines in its head, besides the name of the server.
    pub fn ask(&self, line: &str, head: &[&str]) -> Answer {
        let host = format!("Host: 127.0.0.1:{}", self.port);
        let own = [host.as_str()];
        let named = head.iter().any(|line| line.starts_with("Host:"));
        let own = if named { &[][..] } else { &own[..] };
        let mut stream = self.send(line, &[own, head].concat());
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        Answer::of(&bytes)
    }

    /// Sends a request and leaves the answer to be read.
    pub fn send(&self, line: &str, head: &[&str]) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // At once: the server may hang up on what is no request before the rest of it comes.
        let request = format!("{line}\r\n{}\r\n\r\n", head.join("\r\n"));
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    /// A stream of events.
    pub fn events(&self, path: &str) -> Events {
        let line = format!("GET {} HTTP/1.0", self.with_token(path));
        let stream = self.send(&line, &[&format!("Host: localhost:{}", self.port)]);
        Events(BufReader::new(stream))
    }

    /// The list as it is embedded in the first page.
    pub fn listing(&self) -> Value {
        let page = self.get("/").text;
        embedded(&page, "data")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// An answer of the server.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub text: String,
}

impl Answer {
    fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Answer {
            status: status.unwrap_or(0),
            head: head.to_lowercase(),
            text: body.to_owned(),
        }
    }

    /// The value of a line of the head.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// Server-sent events, one after the other.
pub struct Events(BufReader<TcpStream>);

impl Events {
    /// The next event: its name and its data.
    pub fn next(&mut self) -> (String, Value) {
        let mut name = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "the stream ended");
            if let Some(word) = line.strip_prefix("event: ") {
                name = word.trim().to_owned();
            }
            if let Some(data) = line.strip_prefix("data: ") {
                return (name, serde_json::from_str(data).unwrap());
            }
        }
    }

    /// The first event, from the next one on, that is wanted.
    pub fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let (_, data) = self.next();
            if wanted(&data) {
                return data;
            }
        }
    }
}

/// The JSON in a script element of a page.
pub fn embedded(page: &str, id: &str) -> Value {
    let start = format!(r#"<script id="{id}" type="application/json">"#);
    let rest = &page[page.find(&start).expect("the element") + start.len()..];
    serde_json::from_str(&rest[..rest.find("</script").unwrap()]).unwrap()
}

/// A folder with a database that holds nothing.
pub fn database() -> (TempDir, PathBuf, Store) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("landscape.duckdb");
    let store = Store::open(&path).unwrap();
    (folder, path, store)
}

/// A plane of so many points a side that is begun.
pub fn begun(store: &Store, name: &str, side: usize) -> (Run, Grid) {
    let grid = Grid::square(side, 1.0, 2).unwrap();
    let mut spec = RunSpec::new(RunKind::Surface, json!({"plane": name, "grid": grid}));
    spec.name = Some(name.to_owned());
    let (run, _) = store.begin_surface(&spec, &grid, &[], None).unwrap();
    (run, grid)
}

/// Points of a bowl.
pub fn bowl(grid: &Grid, indices: std::ops::Range<usize>) -> Vec<Measured> {
    let point = |index| {
        let [x, y, _] = grid.point(index);
        let sample = Sample {
            loss: 0.1 + x * x + 2.0 * y * y,
            loss_se: None,
            accuracy: None,
            terms: vec![],
        };
        Measured { index, sample }
    };
    indices.map(point).collect()
}

/// A plane of a bowl that is complete.
pub fn complete(store: &Store, name: &str, side: usize) {
    let (run, grid) = begun(store, name, side);
    let points = bowl(&grid, 0..grid.len());
    store.append_points(&run, &points).unwrap();
    store.finish(&run, Status::Complete).unwrap();
}

/// A bowl in a file.
pub fn written(file: &Path, format: Format) {
    let grid = Grid::square(5, 1.0, 2).unwrap();
    let mut surface = Surface::new(grid.clone(), vec![]);
    for point in bowl(&grid, 0..grid.len()) {
        surface.set(point.index, point.sample).unwrap();
    }
    export_surface(&surface, format, file, false).unwrap();
}
