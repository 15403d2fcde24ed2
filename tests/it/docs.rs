//! Documents: their links and pictures, and that no example is left out.

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).expect("a folder of the repository");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == extension));
    paths.sort();
    paths
}

/// What stands in the round brackets of `[...](...)`, outside of code.
fn links(markdown: &str) -> Vec<String> {
    let prose = markdown.split("```").step_by(2);
    let targets = prose.flat_map(|text| text.split("](").skip(1));
    targets
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .collect()
}

#[test]
fn links_between_documents_lead_to_files() {
    for document in [
        files(".", "md"),
        files("docs", "md"),
        files("docs/proofs", "md"),
    ]
    .concat()
    {
        let text = std::fs::read_to_string(&document).expect("UTF-8");
        for link in links(&text) {
            let path = link.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
                continue;
            }
            let target = document.with_file_name(path);
            assert!(
                target.exists(),
                "{}: {link} leads nowhere",
                document.display()
            );
        }
    }
}

#[test]
fn every_example_is_described() {
    let text = std::fs::read_to_string(root().join("docs/examples.md")).expect("docs/examples.md");
    for example in files("examples", "rs") {
        let name = example
            .file_stem()
            .and_then(|stem| stem.to_str())
            .expect("UTF-8");
        assert!(
            text.contains(&format!("--example {name}")),
            "docs/examples.md lacks {name}"
        );
    }
}
