//! Runs an example as a user would, and reads what it leaves.

use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// An example that has run into a folder of its own.
pub struct Example {
    folder: TempDir,
    summary: String,
}

impl Example {
    /// Runs the built example and takes what it prints; it must succeed and print no error.
    pub fn run(name: &str) -> Self {
        Example::of(name, None)
    }

    /// The same with one argument more, for example for a job of another size.
    pub fn with(name: &str, argument: &str) -> Self {
        Example::of(name, Some(Path::new(argument)))
    }

    fn of(name: &str, more: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut example = Example {
            folder,
            summary: String::new(),
        };
        example.again_with(name, more);
        example
    }

    /// Runs it once more, into the same folder.
    pub fn again(&mut self, name: &str) {
        self.again_with(name, None);
    }

    /// Runs it once more, into the same folder, with what it left there before.
    pub fn again_from_there(&mut self, name: &str) {
        let there = self.folder.path().to_owned();
        self.again_with(name, Some(there.as_path()));
    }

    fn again_with(&mut self, name: &str, more: Option<&Path>) {
        let program = program(name);
        let arguments = std::iter::once(self.folder.path()).chain(more);
        let output = Command::new(&program).args(arguments).output();
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{name} ended with {}: {errors}",
            output.status
        );
        assert_eq!(errors, "", "{name} printed errors");
        self.summary = String::from_utf8(output.stdout).expect("UTF-8");
    }

    /// What the built example says to arguments that it must refuse.
    pub fn refusal(name: &str, arguments: &[&Path]) -> String {
        let output = Command::new(program(name)).args(arguments).output();
        let output = output.expect("the example starts");
        assert_eq!(output.status.code(), Some(2), "{name} {arguments:?}");
        String::from_utf8(output.stderr).expect("UTF-8")
    }

    /// What it printed.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// The number that follows the first occurrence of some words in the summary.
    pub fn number(&self, words: &str) -> f64 {
        let missing = || panic!("no number after `{words}` in\n{}", self.summary);
        let (_, rest) = self.summary.split_once(words).unwrap_or_else(missing);
        let rest = rest.trim_start_matches([' ', '[', '(']);
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)));
        let number = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
        number
            .parse()
            .unwrap_or_else(|_| panic!("`{number}` after `{words}` is not a number"))
    }

    /// Checks that each figure is there, as an SVG document and as a PNG image.
    pub fn has_figures(&self, names: &[&str]) {
        for name in names {
            let svg = self.read(&format!("{name}.svg"));
            assert!(
                svg.starts_with(b"<svg") || svg.starts_with(b"<?xml"),
                "{name}.svg"
            );
            assert!(
                self.read(&format!("{name}.png"))
                    .starts_with(b"\x89PNG\r\n\x1a\n"),
                "{name}.png"
            );
        }
    }

    /// Checks that the page is there and loads nothing.
    pub fn has_page(&self) {
        let page = String::from_utf8(self.read("index.html")).expect("UTF-8");
        assert!(page.starts_with("<!doctype html>"));
        assert!(!page.contains("src=\"http") && !page.contains("href=\"http"));
    }

    /// The path of a file that it left.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, file: &str) -> Vec<u8> {
        let path = self.file(file);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

/// Where `cargo test` puts examples: beside the folder of this test's own program.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let profile = test
        .parent()
        .and_then(Path::parent)
        .expect("target/PROFILE/deps/it");
    let program = profile
        .join("examples")
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        program.is_file(),
        "{name} is not built: cargo build --release --examples"
    );
    program
}
