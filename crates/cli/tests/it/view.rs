//! Pages in the browser: the address, the end, and a run of another process.

use crate::support::{Bench, Said, Signal, halt_when, interrupt, start, stored};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::time::Duration;

/// The command while it serves, and the first line that it printed.
fn serving(bench: &Bench, words: &str) -> (Child, String) {
    let mut child = start(bench, &format!("view --no-open {words}"));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next().expect("an address").unwrap();
    (child, line)
}

/// A request whose answer is read from the stream.
fn asked(address: &str, path: &str) -> TcpStream {
    let rest = address.strip_prefix("http://").unwrap();
    let (host, token) = rest.split_once("/?").unwrap();
    let joint = if path.contains('?') { '&' } else { '?' };
    let mut stream = TcpStream::connect(host).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    write!(
        stream,
        "GET {path}{joint}{token} HTTP/1.0\r\nHost: {host}\r\n\r\n"
    )
    .unwrap();
    stream
}

fn answer(address: &str, path: &str) -> String {
    let mut text = String::new();
    asked(address, path).read_to_string(&mut text).unwrap();
    text
}

fn ended(child: Child) -> Said {
    Said::of(child.wait_with_output().unwrap())
}

#[test]
fn the_first_line_is_the_address_and_ctrl_c_ends_it() {
    let bench = Bench::trained();
    let (child, address) = serving(&bench, "");
    assert!(
        address.starts_with("http://127.0.0.1:") && address.contains("/?token="),
        "{address}"
    );
    assert!(answer(&address, "/").contains("\"name\":\"moons\""));
    assert!(answer(&address, "/run/0/moons").contains("Training: moons"));
    // A page that listens does not keep it from ending.
    let listening = asked(&address, "/events");
    interrupt(&child, Signal::Interrupt);
    let said = ended(child);
    assert_eq!(said.code, 130, "{}", said.err);
    assert!(
        said.err
            .starts_with("interrupted: the pages are no longer served\n"),
        "{}",
        said.err
    );
    drop(listening);
    let (child, _) = serving(&bench, "moons");
    interrupt(&child, Signal::Terminate);
    assert_eq!(ended(child).code, 143);
    assert_eq!(bench.files(), ["landscape.duckdb"]);
}

#[test]
fn what_cannot_be_served_is_the_usual_error() {
    let bench = Bench::trained();
    for (words, told) in [
        (
            "view --no-open plane",
            "`landscape.duckdb` has no run `plane`",
        ),
        (
            "view --no-open --db none.duckdb",
            "there is no database `none.duckdb`",
        ),
        ("view --no-open none.json", "cannot read `none.json`: "),
        (
            "view --no-open nowhere/none",
            "cannot read `nowhere/none`: ",
        ),
        ("view --port 70000", "70000 is not in 0..=65535"),
    ] {
        let message = bench.fails(words);
        assert!(message.contains(told), "{words}: {message}");
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let message = bench.fails(&format!("view --no-open --port {port}"));
    let told = format!("error: cannot listen on port {port} of this machine: ");
    assert!(message.starts_with(&told), "{message}");
    assert!(
        message.contains("remedy: give another port, or 0 for any that is free"),
        "{message}"
    );
}

/// A surface that another process computes, from its first points on.
#[cfg(unix)]
#[test]
fn a_run_of_another_process_is_followed() {
    let bench = Bench::new();
    let mut surface = start(
        &bench,
        "surface --model mlp:2-64-64-1 --data moons:n=2000 --grid 401 --threads 1 --batch 50 --name plane -q",
    );
    halt_when(&mut surface, &bench, |bench| stored(bench) > 0);
    let (child, address) = serving(&bench, "plane");
    assert!(answer(&address, "/run/0/plane").contains("\"name\":\"plane\""));
    let mut events = BufReader::new(asked(&address, "/events?run=0%2Fplane")).lines();
    let mut points = |least: u64| loop {
        let line = events.next().expect("the stream goes on").unwrap();
        let Some(told) = line.strip_prefix("data: ") else {
            continue;
        };
        let told: serde_json::Value = serde_json::from_str(told).unwrap();
        let points = told["rows"][0]["points"].as_u64().unwrap_or(0);
        if points > least {
            return points;
        }
    };
    crate::support::go_on(&surface);
    let first = points(0);
    let more = points(first);
    assert!(more > first);
    interrupt(&surface, Signal::Interrupt);
    let said = ended(surface);
    assert_eq!(said.code, 130, "{}", said.err);
    interrupt(&child, Signal::Interrupt);
    assert_eq!(ended(child).code, 130);
}
