//! What is measured and pictured by hand: `cargo test --release -p landscape-view --test it -- --ignored --nocapture NAME`.

use crate::chromium::Browser;
use crate::support::{Server, bowl, database};
use landscape_core::{Grid, Surface};
use landscape_plot::page::{PageData, PageRun, html};
use landscape_study::demo::{DemoRequest, steps};
use landscape_study::overview::OverviewRequest;
use serde_json::json;

/// How long pages in files take from the press on a link until they are drawn and answer: docs/benchmarks.md.
#[test]
#[ignore = "a measurement"]
fn seconds_until_a_page_answers() {
    let Some(mut browser) = Browser::open() else {
        return;
    };
    let ready = "(() => { let viewer; Object.defineProperty(window, 'landscapeViewer', { get: () => viewer, set(value) { \
                 viewer = value; requestAnimationFrame(() => setTimeout(() => { window.drawn = performance.now(); })); } }); })()";
    browser.ask(
        "Page.addScriptToEvaluateOnNewDocument",
        json!({"source": ready}),
    );
    browser.window(1400, 1600, false);
    let folder = tempfile::tempdir().unwrap();
    for side in [51, 101, 501] {
        let grid = Grid::square(side, 1.0, 2).unwrap();
        let mut surface = Surface::new(grid.clone(), vec![]);
        for point in bowl(&grid, 0..grid.len()) {
            surface.set(point.index, point.sample).unwrap();
        }
        let data = PageData::new("measured", vec![PageRun::new("bowl", surface)]);
        let file = folder.path().join(format!("{side}.html"));
        std::fs::write(&file, html(&data).unwrap()).unwrap();
        let size = file.metadata().unwrap().len();
        let mut taken: Vec<[f64; 2]> = (0..5)
            .map(|_| {
                browser.go("about:blank");
                browser.go(&format!("file://{}", file.display()));
                browser.until("window.drawn > 0", true);
                let read = "performance.getEntriesByType('navigation')[0].responseEnd";
                [read, "window.drawn"].map(|value| browser.value(value).as_f64().unwrap())
            })
            .collect();
        taken.sort_by(|a, b| a[1].total_cmp(&b[1]));
        let [read, drawn] = taken[2];
        println!("{side}x{side}: {size} bytes, read after {read:.0} ms, drawn after {drawn:.0} ms");
    }
}

/// The pictures of docs/view.md, of the runs of `landscape demo`: with `LANDSCAPE_VIEW_SHOTS=docs/figures`.
#[test]
#[ignore = "makes pictures"]
fn pictures_of_the_pages() {
    let Some(mut browser) = Browser::open() else {
        return;
    };
    let (folder, path, store) = database();
    for step in steps(&DemoRequest::default()).unwrap() {
        step.run(&store, &()).unwrap();
    }
    let page = folder.path().join("report.html");
    let report = OverviewRequest::new("mnist-trained", &page);
    report.run(&store, &()).unwrap();
    // Commands on the pages name the database as it was given.
    std::env::set_current_dir(folder.path()).unwrap();
    let server = Server::of([path.file_name().unwrap()]);
    browser.ask("Emulation.setScrollbarsHidden", json!({"hidden": true}));
    let told = "document.querySelectorAll('#answers .verdict').length > 1";
    let mut shown = |name: &str, address: &str, (width, height): (u32, u32), ready: &str| {
        browser.window(width, height, false);
        browser.go("about:blank");
        browser.go(address);
        browser.until(ready, true);
        // What is drawn in the next frames, and figures that the bars and axes are fitted to.
        browser.value("new Promise((done) => setTimeout(done, 500))");
        browser.shoot(name);
    };
    let three = "/compare?run=0/mnist-trained&run=0/mnist-initial&run=0/moons-trained";
    let along = server.url(three) + "#compare=2,3&along=-0.8,-0.5,0.6,0.9";
    shown("view-compare", &along, (1200, 1180), told);
    let two = server.url("/compare?run=0/mnist-trained&run=0/mnist-initial");
    let apart = two + "#compare=2&diff=1";
    shown("view-difference", &apart, (1200, 900), told);
    let path = server.url("/run/0/mnist-path") + "#checkpoint=12&at=-1,-0.2";
    shown("view-path", &path, (1200, 1500), told);
    let file = format!("file://{}", page.display());
    shown(
        "view-report",
        &file,
        (1000, 1400),
        "document.images.length >= 0",
    );
}
