//! Names that would be taken for something else, and a process that keeps a database.

use crate::support::{Server, complete, database, embedded};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

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
    for name in NAMES {
        complete(&store, name, 3);
    }
    let server = Server::of([&path]);
    let page = server.get("/").text;
    assert!(!page.contains("<script>alert") && !page.contains("<b onmouseover"));
    let rows = embedded(&page, "data")["sources"][0]["rows"].clone();
    let listed: Vec<_> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    for name in NAMES {
        assert!(listed.contains(&name), "{name}");
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for path in [
            format!("/run/0/{encoded}"),
            format!("/compare?run=0%2F{encoded}"),
        ] {
            let page = server.get(&path);
            assert_eq!(page.status, 200, "{name}");
            assert!(
                !page.text.contains("<script>alert") && !page.text.contains("<b onmouseover"),
                "{name}"
            );
            assert_eq!(embedded(&page.text, "data")["runs"][0]["name"], name);
            let live = embedded(&page.text, "live");
            let fresh = server.get(live["data"].as_str().unwrap());
            assert_eq!(fresh.status, 200, "{name}");
        }
        let missing = server.get(&format!("/run/0/{encoded}x"));
        assert_eq!(missing.status, 404, "{name}");
        assert!(
            !missing.text.contains("<script>alert") && !missing.text.contains("<b onmouseover")
        );
    }
}

/// A process that keeps a database open: this program again.
pub struct Holder {
    child: Child,
    stdin: Option<ChildStdin>,
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
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines = lines.map(Result::unwrap);
    assert!(
        lines.any(|line| line.contains("kept")),
        "the process did not open it"
    );
    Holder {
        stdin: child.stdin.take(),
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
