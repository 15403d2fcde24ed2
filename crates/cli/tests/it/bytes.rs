//! Paths and arguments that are not UTF-8.
#![cfg(unix)]

use crate::help::COMMANDS;
use crate::support::{Bench, Said};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Words at spaces; `%` is a byte that is not UTF-8.
fn words(text: &str) -> Vec<OsString> {
    let word = |word: &str| {
        let bytes = word.bytes().map(|b| if b == b'%' { 0xff } else { b });
        OsString::from_vec(bytes.collect())
    };
    text.split_whitespace().map(word).collect()
}

fn run(bench: &Bench, text: &str) -> Said {
    Said::of(bench.command("").args(words(text)).output().unwrap())
}

#[track_caller]
fn ok(bench: &Bench, text: &str) -> Said {
    let said = run(bench, text);
    assert_eq!(said.code, 0, "landscape {text}\n{}{}", said.out, said.err);
    said
}

#[test]
fn a_stray_argument_is_an_error_of_every_command() {
    let bench = Bench::new();
    for command in COMMANDS {
        for text in [format!("{command} a%b"), format!("{command} --% x")] {
            let said = run(&bench, &text);
            assert_eq!(said.code, 2, "{text}\n{}{}", said.out, said.err);
            assert!(said.err.starts_with("error:"), "{text}\n{}", said.err);
            assert!(!said.err.contains("panicked"), "{text}\n{}", said.err);
        }
    }
    let said = run(&bench, "metrics a%b");
    assert!(said.err.contains(r"$'a\xffb'"), "{}", said.err);
    assert!(bench.files().is_empty());
}

#[test]
fn paths_that_are_not_utf8_work_everywhere() {
    let bench = Bench::new();
    let folder = bench.path("").join(OsStr::from_bytes(b"d\xff"));
    std::fs::create_dir(&folder).unwrap();
    let x: Vec<u8> = (0..12)
        .flat_map(|i| (i as f32 * 0.1).to_le_bytes())
        .collect();
    let y: Vec<u8> = (0..6i64).flat_map(|i| (i % 2).to_le_bytes()).collect();
    let header = r#"{"x":{"dtype":"F32","shape":[6,2],"data_offsets":[0,48]},"y":{"dtype":"I64","shape":[6],"data_offsets":[48,96]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.bytes());
    bytes.extend(x.into_iter().chain(y));
    std::fs::write(folder.join("x.safetensors"), bytes).unwrap();

    let train = "train --model mlp:2-4-1 --data d%/x.safetensors --epochs 6 --db d%/a.duckdb";
    let said = ok(&bench, &format!("{train} --name a --save d%/w.safetensors"));
    assert!(said.err.contains(r"--db $'d\xff/a.duckdb'"), "{}", said.err);
    ok(
        &bench,
        &format!("{train} --name b --seed 3 --weights d%/w.safetensors --save d%/v.safetensors"),
    );
    // The data are found again from what the run says of them.
    let db = "--db d%/a.duckdb";
    ok(
        &bench,
        &format!(
            "surface --run a --grid 3 --name plane -o d%/plane.svg --save-directions d%/d.safetensors {db}"
        ),
    );
    let said = ok(
        &bench,
        &format!("line --run a --to d%/v.safetensors --grid 5 --json -q -o d%/line.png {db}"),
    );
    let line: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(line["files"][0], r"$'d\xff/line.png'");
    assert_eq!(line["models"][1]["file"], r"$'d\xff/v.safetensors'");
    for text in [
        "surface --run a --grid 3 --direction d%/d.safetensors",
        "trajectory --run a --grid 3 --name path",
        "hessian --run a --density --probes 2 --lanczos-steps 4 -o d%/density.svg",
        "connect --run a --to d%/v.safetensors --points 5 --align weights --save d%/aligned.safetensors",
        "compare a b --grid 3 --end-grid 3 --no-curvature --name c -o d%/c.svg -o d%/c.html",
        "plot plane -o d%/page.html",
        "plot plane path -o d%/both.svg --kind contour",
        "export plane -o d%/plane.csv",
        "import d%/plane.csv --name theirs",
        "metrics plane",
        "diagnose a",
        "runs",
        "show a",
    ] {
        ok(&bench, &format!("{text} {db}"));
    }
    let said = Said::of(
        bench
            .command("sql")
            .arg("SELECT 1")
            .args(words(db))
            .output()
            .unwrap(),
    );
    assert_eq!(said.code, 0, "{}", said.err);
    ok(&bench, "man --out d%/man");
    for file in [
        "plane.svg",
        "line.png",
        "page.html",
        "both-path.svg",
        "c-ends.svg",
        "plane.csv",
    ] {
        assert!(folder.join(file).exists(), "{file}");
    }
    // Patterns find no such names, and say so.
    std::fs::copy(
        folder.join("w.safetensors"),
        folder.join("../e1.safetensors"),
    )
    .unwrap();
    let odd = bench.path("").join(OsStr::from_bytes(b"e\xff.safetensors"));
    std::fs::copy(folder.join("v.safetensors"), odd).unwrap();
    let said = run(
        &bench,
        "trajectory --checkpoints e*.safetensors --model mlp:2-4-1 --data moons",
    );
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains(r"$'./e\xff.safetensors' matches"),
        "{}",
        said.err
    );
    assert_eq!(run(&bench, "demo --out d%").code, 2);
    assert_eq!(
        run(&bench, "train --model mlp:2-4-1 --data mnist --data-dir d%").code,
        2
    );
}
