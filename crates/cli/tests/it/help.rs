use crate::support::Bench;

pub const COMMANDS: &[&str] = &[
    "demo",
    "train",
    "line",
    "surface",
    "volume",
    "trajectory",
    "connect",
    "hessian",
    "compare",
    "metrics",
    "diagnose",
    "plot",
    "view",
    "report",
    "export",
    "import",
    "submit",
    "status",
    "merge",
    "runs",
    "show",
    "sql",
    "rm",
    "rename",
    "compact",
    "migrate",
    "doctor",
    "data",
    "completions",
    "man",
];

#[test]
fn help_of_every_command_starts_with_examples() {
    let bench = Bench::new();
    for command in COMMANDS {
        let help = bench.ok(&format!("{command} --help")).out;
        assert!(
            help.starts_with("Examples:\n  landscape "),
            "{command}:\n{help}"
        );
        assert!(
            help.contains(&format!("landscape {command}")),
            "{command}:\n{help}"
        );
    }
    assert!(bench.ok("--help").out.starts_with("Examples:\n"));
    assert!(bench.files().is_empty(), "help writes no files");
}

#[test]
fn help_reads_well() {
    let bench = Bench::new();
    insta::assert_snapshot!("help", bench.ok("--help").out);
    insta::assert_snapshot!("help-surface", bench.ok("surface --help").out);
    insta::assert_snapshot!("help-trajectory", bench.ok("trajectory --help").out);
    insta::assert_snapshot!("help-hessian", bench.ok("hessian --help").out);
    insta::assert_snapshot!("help-connect", bench.ok("connect --help").out);
    insta::assert_snapshot!("help-plot", bench.ok("plot --help").out);
}

#[test]
fn completions_and_pages_name_every_command() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = bench.ok(&format!("completions {shell}")).out;
        assert!(script.contains("trajectory"), "{shell}");
    }
    assert!(bench.ok("man").out.contains(".TH landscape"));
    bench.ok("man --out pages -q");
    for command in COMMANDS {
        assert!(
            bench.path(&format!("pages/landscape-{command}.1")).exists(),
            "{command}"
        );
    }
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let bench = Bench::new();
    let mut child = bench
        .process("completions bash")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
