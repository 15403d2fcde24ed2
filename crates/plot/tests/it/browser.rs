//! The interactive page in a browser, where Chromium is installed.

use crate::support::{path, plane, sampled};
use landscape_core::Surface;
use landscape_plot::page::{self, PageData, PageRun};
use resvg::tiny_skia::Pixmap;
use std::collections::BTreeSet;
use std::process::Command;

/// A browser's answer to a page: its standard output, and what was said on the console.
fn run(html: &str, address: &str, arguments: &[&str]) -> Option<(String, String)> {
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
        .args(["--enable-logging=stderr", "--virtual-time-budget=4000"])
        .args(arguments)
        .arg(format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ))
        .arg(format!("file://{}{address}", file.display()))
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let said = text(output.stderr);
    assert!(output.status.success(), "{browser} does not run: {said}");
    let console = said.lines().filter(|line| line.contains("CONSOLE"));
    Some((text(output.stdout), console.collect::<Vec<_>>().join("\n")))
}

/// What stands in the page once its script has run, and what the script complained of.
fn opened(html: &str) -> Option<(String, String)> {
    let (dom, said) = run(html, "", &["--dump-dom"])?;
    let complaints: Vec<&str> = { said.lines() }
        .filter(|l| l.contains("Uncaught") || l.contains("rror"))
        .collect();
    Some((dom, complaints.join("\n")))
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

/// What follows a word on the console.
fn told<'a>(said: &'a str, word: &str) -> Vec<&'a str> {
    let start = format!("\"{word} ");
    let parts = said.split(start.as_str()).skip(1);
    parts.filter_map(|part| part.split(" END").next()).collect()
}

/// How many colours a part of a picture has.
fn colors(picture: &Pixmap, [x, y, w, h]: [u32; 4]) -> usize {
    let at = |x, y| picture.pixel(x, y).map(|p| [p.red(), p.green(), p.blue()]);
    let all = (y..y + h).flat_map(|y| (x..x + w).filter_map(move |x| at(x, y)));
    all.collect::<BTreeSet<_>>().len()
}

/// Alone, compared with holes, and narrow and clipped, under a name of tags, emoji and Hebrew.
#[test]
fn the_page_has_no_faults_of_layout() {
    let bowl = || plane(41, 41, |x, y| 0.3 + 8.0 * x * x + 20.0 * y * y);
    let mut first = PageRun::new("</script><b>\u{1f600} שלום", bowl());
    first.trajectory = Some(path(12));
    first.origin = Some("trained weights".to_owned());
    first.axis_labels = vec!["direction 1 (filter-normalised)".to_owned(); 2];
    let holes = PageRun::new("holes", crate::support::broken());
    let page = page::html(&PageData::new("in a browser", vec![first, holes])).unwrap();
    let inspected = page.replacen(
        "<head>",
        &format!("<head><script>{}</script>", include_str!("inspect.js")),
        1,
    );
    for (address, size) in [
        ("", [1400, 1600]),
        ("#compare=2", [1400, 2600]),
        ("#clip=3&fill=smooth", [500, 3000]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let shot = folder.path().join("page.png");
        let arguments = [
            format!("--screenshot={}", shot.display()),
            format!("--window-size={},{}", size[0], size[1]),
        ];
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let Some((_, said)) = run(&inspected, address, &arguments) else {
            return;
        };
        assert_eq!(told(&said, "FAULT"), [""; 0], "{address} {size:?}");
        let views = told(&said, "VIEW");
        assert!(views.len() >= 4, "{address}: {said}");
        let picture = Pixmap::decode_png(&std::fs::read(&shot).unwrap()).unwrap();
        for view in views {
            let mut parts = view.split(' ');
            let name = parts.next().unwrap();
            let area: Vec<u32> = parts.map(|n| n.parse().unwrap()).collect();
            let found = colors(&picture, area.try_into().unwrap());
            let least = if name.ends_with("box") { 60 } else { 10 };
            assert!(found >= least, "{address}: {name} has {found} colours");
        }
    }
}
