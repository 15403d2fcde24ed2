//! Signals: what was done is kept, and the exit code says which one it was.
#![cfg(unix)]

use crate::support::{Bench, PROGRAM, Said, Signal, halt_when, interrupt, start, stored};
use std::process::{Command, Stdio};

/// Minutes of work, in small batches.
const WORDS: &str = "surface --model mlp:2-64-64-1 --data moons:n=2000 --grid 1001 --threads 1 \
                     --batch 50 --name plane -q";

#[test]
fn the_exit_code_names_the_signal_and_the_points_are_kept() {
    for (name, code) in [
        (Signal::Interrupt, 130),
        (Signal::Terminate, 143),
        (Signal::HangUp, 129),
    ] {
        let bench = Bench::new();
        let mut child = start(&bench, WORDS);
        halt_when(&mut child, &bench, |bench| stored(bench) > 0);
        interrupt(&child, name);
        let said = Said::of(child.wait_with_output().unwrap());
        assert_eq!(said.code, code, "{name:?}: {}", said.err);
        assert!(
            said.err.starts_with("interrupted:"),
            "{name:?}: {}",
            said.err
        );
        let run = &bench.json("runs")["runs"][0];
        assert_eq!(run["status"], "interrupted", "{name:?}");
        assert!(run["points"].as_u64().unwrap() > 0, "{name:?}");
    }
}

/// Also where no point of a landscape is computed.
#[test]
fn losses_along_a_path_can_be_stopped() {
    let bench = Bench::new();
    bench.ok("train --model mlp:2-64-64-1 --data moons:n=2000 --epochs 40 --batch 100 --every 1 --name many");
    let words = "trajectory --run many --samples 1900 --name path";
    let status = |bench: &Bench| bench.json("runs")["runs"][1]["status"].clone();
    let mut child = start(&bench, words);
    halt_when(&mut child, &bench, |bench| status(bench).is_string());
    interrupt(&child, Signal::Interrupt);
    let said = Said::of(child.wait_with_output().unwrap());
    assert_eq!(said.code, 130, "{}", said.err);
    assert!(
        said.err
            .contains("interrupted: the plane of run `path` is stored"),
        "{}",
        said.err
    );
    assert_eq!(status(&bench), "interrupted");
    assert_eq!(bench.files(), ["landscape.duckdb"]);
    bench.ok(words);
    assert_eq!(status(&bench), "complete");
}

/// Under nohup the end of the terminal ends nothing.
#[cfg(target_os = "linux")]
#[test]
fn an_ignored_hangup_stays_ignored() {
    let bench = Bench::new();
    let script = format!("trap '' HUP; exec '{PROGRAM}' {WORDS}");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).current_dir(bench.path("."));
    shell.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = shell.spawn().unwrap();
    halt_when(&mut child, &bench, |bench| stored(bench) > 0);
    let before = stored(&bench);
    interrupt(&child, Signal::HangUp);
    halt_when(&mut child, &bench, |bench| stored(bench) > before);
    interrupt(&child, Signal::Terminate);
    assert_eq!(child.wait().unwrap().code(), Some(143));
}

/// A limit on the size of files is an error with its message.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_grows_too_large_is_an_error() {
    let bench = Bench::trained();
    bench.ok("surface --run moons --grid 5 --name plane");
    for words in ["plot plane -o plane.svg", "export plane -o plane.h5"] {
        let script = format!("ulimit -f 1; exec '{PROGRAM}' {words}");
        let mut shell = Command::new("sh");
        let output = shell
            .args(["-c", &script])
            .current_dir(bench.path("."))
            .output();
        let said = Said::of(output.unwrap());
        assert_eq!(said.code, 2, "{words}: {}", said.err);
        assert!(said.err.contains("File too large"), "{words}: {}", said.err);
    }
    assert!(!bench.path("plane.svg").exists() && !bench.path("plane.h5").exists());
}
