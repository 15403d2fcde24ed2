//! The interactive page in a browser, where Chromium is installed.

use crate::support::{plane, sampled};
use landscape_core::Surface;
use landscape_plot::page::{self, PageData, PageRun};
use std::process::Command;

/// What stands in the page once its script has run, and what the script complained of.
fn opened(html: &str) -> Option<(String, String)> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = { names.iter() }.find(|n| Command::new(n).arg("--version").output().is_ok());
    let Some(browser) = found else {
        eprintln!(
            "skipped: the page is not opened in a browser, because Chromium is not installed"
        );
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("index.html");
    std::fs::write(&file, html).unwrap();
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-unsafe-swiftshader",
        ])
        .args([
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .args([
            "--enable-logging=stderr",
            "--virtual-time-budget=4000",
            "--dump-dom",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ))
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let said = text(output.stderr);
    assert!(output.status.success(), "{browser} does not run: {said}");
    let complaints: Vec<&str> = { said.lines() }
        .filter(|l| l.contains("CONSOLE") && (l.contains("Uncaught") || l.contains("rror")))
        .collect();
    Some((text(output.stdout), complaints.join("\n")))
}

fn html(surfaces: Vec<Surface>) -> String {
    let run = |(k, surface)| PageRun::new(format!("run {k}"), surface);
    let runs = surfaces.into_iter().enumerate().map(run).collect();
    page::html(&PageData::new("in a browser", runs)).unwrap()
}

#[test]
fn the_page_draws_itself() {
    let bowl = plane(21, 21, |x, y| 0.1 + x * x + 2.0 * y * y);
    let Some((dom, complaints)) = opened(&html(vec![bowl])) else {
        return;
    };
    assert_eq!(complaints, "");
    assert!(dom.contains("<canvas"), "{dom}");
}

#[test]
fn the_page_draws_surfaces_at_the_ends_of_f64() {
    let of = |values: &'static [f64]| {
        let mut k = 0;
        sampled(&[(-1.0, 1.0, 5), (-1.0, 1.0, 4)], move |_| {
            k += 1;
            Some(values[(k * k + k / 3) % values.len()])
        })
    };
    for values in [
        &[-f64::MAX, f64::MAX][..],
        &[0.0, 5e-324],
        &[1e16, 10000000000000002.0],
        &[f64::NAN, f64::INFINITY, 1e308, -1e308],
        &[f64::NAN],
    ] {
        let Some((dom, complaints)) = opened(&html(vec![of(values)])) else {
            return;
        };
        assert_eq!(complaints, "", "{values:?}");
        assert!(dom.contains("<canvas"), "{values:?}");
    }
}
