//! Names that would be taken for something else, and a process that keeps a database.

use crate::support::{Server, complete, database, embedded};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const NAMES: [&str; 9] = [
    "</script><script>alert(1)</script>",
    "<b onmouseover=\"alert(1)\">bold</b>",
    "\"quotes\" & 'apostrophes'",
    "\u{1f600} שלום مرحبا",
    "<!--",
    "a/b?c=d&run=0#e%2F",
    "percent % and + plus",
    "<!--DATA--><!--TITLE-->",
    "..",
];

#[test]
fn names_are_shown_as_they_are() {
    let (_folder, path, store) = database();
    NAMES.iter().for_each(|name| complete(&store, name, 3));
    let server = Server::of([&path]);
    let sound = |page: &str| !page.contains("<script>alert") && !page.contains("<b onmouseover");
    let page = server.get("/").text;
    assert!(sound(&page));
    let rows = embedded(&page, "data")["sources"][0]["rows"].clone();
    let encoded =
        |name: &str| -> String { name.bytes().map(|byte| format!("%{byte:02X}")).collect() };
    for name in NAMES {
        let mut listed = rows.as_array().unwrap().iter();
        assert!(listed.any(|row| row["name"] == name), "{name}");
        let page = server.get(&format!("/run/0/{}", encoded(name)));
        assert!(page.status == 200 && sound(&page.text), "{name}");
        assert_eq!(embedded(&page.text, "data")["runs"][0]["name"], name);
        let live = embedded(&page.text, "live");
        let fresh = server.get(live["data"].as_str().unwrap());
        assert_eq!(fresh.status, 200, "{name}");
    }
    let all: Vec<String> = NAMES
        .iter()
        .map(|name| format!("run=0%2F{}", encoded(name)))
        .collect();
    let page = server.get(&format!("/compare?{}", all.join("&")));
    assert!(page.status == 200 && sound(&page.text));
    let shown = embedded(&page.text, "data")["runs"].clone();
    for (run, name) in shown.as_array().unwrap().iter().zip(NAMES) {
        assert_eq!(run["name"], name);
    }
    let missing = server.get(&format!("/run/0/{}x", encoded(NAMES[1])));
    assert!(missing.status == 404 && sound(&missing.text));
}

/// A process that keeps a database open: this program again.
pub struct Holder {
    child: Child,
    stdin: Option<ChildStdin>,
    _stdout: BufReader<ChildStdout>,
}

/// The database that the process keeps.
const KEPT: &str = "LANDSCAPE_VIEW_TEST_KEEPS";

pub fn holder(path: &Path) -> Holder {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "hostile::keeps_a_database", "--nocapture"])
        .env(KEPT, path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut lines = stdout.by_ref().lines().map(Result::unwrap);
    assert!(
        lines.any(|line| line.contains("kept")),
        "the process did not open it"
    );
    Holder {
        stdin: child.stdin.take(),
        _stdout: stdout,
        child,
    }
}

impl Holder {
    pub fn let_go(&mut self) {
        drop(self.stdin.take());
        self.child.wait().unwrap();
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// The other process of [`holder`]; nothing when it is run as a test.
#[test]
fn keeps_a_database() {
    let Some(path) = std::env::var_os(KEPT) else {
        return;
    };
    let _conn = duckdb::Connection::open(path).unwrap();
    println!("kept");
    std::io::stdout().flush().unwrap();
    std::io::stdin().lines().for_each(drop);
}
