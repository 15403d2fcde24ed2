//! The pages in a browser, where Chromium is installed.

use crate::chromium::Browser;
use crate::support::{Server, begun, bowl, complete, database};
use landscape_core::{Projection, Trajectory, TrajectoryPoint};
use landscape_storage::Status;
use landscape_study::overview::OverviewRequest;

/// Points that the page says are there.
const KNOWN: &str = "landscapeViewer.data.runs[0].missing === null ? 121 : \
                     121 - landscapeViewer.data.runs[0].missing.reduce((n, x) => n + x, 0)";
/// Whether the page is as wide as its window.
const FITS: &str = "document.documentElement.scrollWidth <= innerWidth + 1";

/// From the list to the page of a run, and there from its first points to its last.
#[test]
fn a_run_is_watched_from_start_to_end() {
    let Some(mut browser) = Browser::open() else {
        return;
    };
    let (_folder, path, store) = database();
    let (run, grid) = begun(&store, "plane", 11);
    let server = Server::of([&path]);
    browser.window(1200, 1500, false);
    browser.go(&server.url("/"));
    browser.until(
        "document.querySelector('#rows .state').textContent",
        "running",
    );
    browser.until("location.search", "");
    store.append_points(&run, &bowl(&grid, 0..20)).unwrap();
    browser.until("document.querySelector('#rows progress').value > 0.1", true);
    browser.shoot("list-live");
    browser.value("document.querySelector('#rows a').click()");

    browser.until(KNOWN, 20);
    browser.value("location.hash = 'map=magma&camera=0.5,0.7,2.2,0,0.19,0&at=0,0'");
    browser.until("landscapeViewer.state().map", "magma");
    browser.value("window.unchanged = true");
    store.append_points(&run, &bowl(&grid, 20..70)).unwrap();
    browser.until(KNOWN, 70);
    browser.until(
        "document.querySelector('#live-state').textContent",
        "running: 70 of 121 points",
    );
    browser.shoot("run-live");
    store.append_points(&run, &bowl(&grid, 70..121)).unwrap();
    store.finish(&run, Status::Complete).unwrap();
    browser.until(KNOWN, 121);
    browser.until(
        "document.querySelector('#live-state').textContent",
        "complete",
    );
    // It was not loaded anew, and the choices are those of before.
    assert_eq!(browser.value("window.unchanged"), true);
    assert_eq!(
        browser.value("landscapeViewer.state().camera.distance"),
        2.2
    );
    assert_eq!(browser.value("landscapeViewer.state().pinned"), true);
    assert_eq!(
        browser.value("landscapeViewer.panes()[0].picture.levels.length > 3"),
        true
    );
    let db = path.display();
    let commands = format!(
        "landscape plot plane --kind contour --log --colormap magma --db {db} -o plane.svg\n\
         landscape plot plane --kind surface --camera=29,50 --log --colormap magma --db {db} -o plane-surface.svg"
    );
    browser.until(
        "document.querySelector('#figure-command').textContent",
        commands,
    );
    browser.shoot("run-complete");
    browser.press("Backspace");
    browser.until(
        "document.querySelector('#rows .state').textContent",
        "complete",
    );
    assert_eq!(browser.complaints, [""; 0]);
}

#[test]
fn the_list_is_searched_chosen_and_opened_by_keys() {
    let Some(mut browser) = Browser::open() else {
        return;
    };
    let (_folder, path, store) = database();
    let hostile = "<img src=x onerror=alert(1)> \u{1f600} שלום";
    for name in ["before", "after", "elsewhere", hostile] {
        complete(&store, name, 5);
    }
    let server = Server::of([&path]);
    browser.window(1100, 700, true);
    browser.go(&server.url("/"));
    let names = "[...document.querySelectorAll('#rows a')].map((a) => a.textContent).join('|')";
    browser.until(names, format!("{hostile}|elsewhere|after|before"));
    assert_eq!(
        browser.value("document.querySelector('#rows img') === null"),
        true
    );
    browser.shoot("list-dark");
    browser.press("/");
    "for".chars().for_each(|key| {
        drop(browser.ask(
            "Input.insertText",
            serde_json::json!({"text": key.to_string()}),
        ))
    });
    // As a part of its name.
    browser.until(names, "before");
    browser.press("Escape");
    browser.until(names, format!("{hostile}|elsewhere|after|before"));
    assert_eq!(browser.value("document.activeElement.id"), "search");
    for key in ["ArrowDown", "ArrowDown", "ArrowDown", " ", "ArrowDown", " "] {
        browser.press(key);
    }
    browser.until("document.querySelector('#view').textContent", "View 2 runs");
    browser.window(500, 900, false);
    assert_eq!(browser.value(FITS), true);
    browser.shoot("list-narrow");
    browser.press("v");
    browser.until(
        "landscapeViewer.data.runs.map((run) => run.name).join()",
        "after,before",
    );
    assert_eq!(browser.value(FITS), true);
    browser.value("location.hash = 'compare=2'");
    browser.until("document.querySelector('#figure-command').textContent.includes('after before --kind contour --log --panels')", true);
    assert_eq!(browser.complaints, [""; 0]);
}

/// Three planes side by side: a line over them, what they differ by, the figures of the list, and pictures of all that.
#[test]
fn planes_are_compared_cut_subtracted_and_exported() {
    let Some(mut browser) = Browser::open() else {
        return;
    };
    let (_folder, path, store) = database();
    for name in ["one", "two", "three"] {
        complete(&store, name, 11);
    }
    let server = Server::of([&path]);
    browser.window(1200, 1700, false);
    browser.go(&server.url("/"));
    let order = "document.querySelector('[data-order=loss]').getAttribute('aria-sort')";
    browser.until("document.querySelectorAll('#rows .figure').length", 9);
    browser.value("document.querySelector('[data-order=loss] button').click()");
    browser.until(order, "ascending");
    assert_eq!(browser.value("location.hash"), "#sort=loss");
    browser.shoot("list-figures");

    browser.go(&server.url("/compare?run=0/one&run=0/two&run=0/three"));
    browser.until("landscapeViewer.data.runs.length", 3);
    browser.value("document.querySelector('#compare summary').click()");
    for _ in 0..2 {
        let unticked = "#compare-runs label:not([hidden]) input:not(:checked)";
        browser.value(&format!("document.querySelector('{unticked}').click()"));
        browser.until("landscapeViewer.panes().length > 1", true);
    }
    browser.until("landscapeViewer.panes().length", 3);
    browser.until("location.hash", "#compare=2,3");
    assert_eq!(browser.value(FITS), true);
    browser.value("document.querySelector('#compare').open = false");

    // From the first plane's lower left to its upper right.
    let area = browser
        .value("JSON.stringify(document.querySelector('#plane-box').getBoundingClientRect())");
    let area: serde_json::Value = serde_json::from_str(area.as_str().unwrap()).unwrap();
    let at = |x: f64, y: f64| {
        let side = |name: &str| area[name].as_f64().unwrap();
        (
            side("left") + x * side("width"),
            side("top") + y * side("height"),
        )
    };
    browser.drag(at(0.1, 0.6), at(0.2, 0.4));
    browser.until("landscapeViewer.state().along !== null", true);
    browser.until("document.querySelector('#along').hidden", false);
    browser.press("x");
    browser.until("landscapeViewer.state().along", serde_json::Value::Null);
    browser.press("x");
    browser.until("landscapeViewer.state().along.join()", "-1,-1,1,1");
    browser.value(
        "(() => { const end = document.querySelector('#along-2'); end.value = '0.5'; end.dispatchEvent(new Event('change')); })()",
    );
    browser.until("location.hash", "#compare=2,3&along=-1,-1,0.5,1");
    browser.until(
        "document.querySelector('#figure-command').textContent.includes('one two three --along=-1,-1:0.5,1 --log')",
        true,
    );
    browser.shoot("compare-along");

    browser.value("document.querySelector('#diff').click()");
    browser.until(
        "landscapeViewer.panes().map((pane) => pane.title).join()",
        "two − one,three − one",
    );
    browser.until(
        "document.querySelector('#figure-command').textContent.includes('one two three --kind contour --difference --panels')",
        true,
    );
    browser.shoot("compare-difference");

    // What is exported goes into a link, which is caught here.
    browser.value(
        "window.saved = []; URL.createObjectURL = (blob) => { blob.text().then((text) => saved.push([blob.type, text])); return '#'; }; \
         HTMLAnchorElement.prototype.click = () => {}",
    );
    browser.value("document.querySelector('#svg').click()");
    browser.until("saved.length", 1);
    assert_eq!(browser.value("saved[0][0]"), "image/svg+xml");
    let sound = "(() => { const svg = new DOMParser().parseFromString(saved.at(-1)[1], 'image/svg+xml'); \
                 return svg.querySelector('parsererror') === null && svg.querySelectorAll('text').length > 10; })()";
    assert_eq!(browser.value(sound), true);
    browser.value("document.querySelector('#slices .export button').click()");
    browser.until("saved.length", 2);
    assert_eq!(browser.value(sound), true);
    browser.value("document.querySelector('#png').click()");
    browser.until("saved.length", 3);
    assert_eq!(browser.value("saved[2][0]"), "image/png");
    assert_eq!(browser.complaints, [""; 0]);
}

/// What is said of a training comes after the page, and a tooltip over the surface leaves its path in sight.
#[test]
fn a_path_is_diagnosed_later_and_never_covered() {
    let Some(mut browser) = Browser::open() else {
        return;
    };
    let (_folder, path, store) = database();
    complete(&store, "plane", 21);
    let point = |step: u64| TrajectoryPoint {
        step,
        coords: [0.9 - 0.09 * step as f64, 0.6 - 0.06 * step as f64, 0.0],
        residual: 0.1,
        loss: Some(1.0 / (1.0 + step as f64)),
        plane_loss: None,
    };
    let path_of = Trajectory {
        points: (0..10).map(point).collect(),
        explained_variance: vec![0.8, 0.1],
        projection: Projection::LeastSquares,
    };
    let run = store.find("plane").unwrap();
    store.put_trajectory(&run, "net", &path_of).unwrap();
    let server = Server::of([&path]);
    browser.window(1200, 1500, false);
    browser.go(&server.url("/run/0/plane"));
    browser.until("document.querySelector('#diagnosis').hidden", false);
    browser.until(
        "document.querySelectorAll('#answers .verdict').length > 1",
        true,
    );
    // The places on the contours, then those on the surface, which is opened last.
    browser.until("landscapeViewer.pathPlaces().length", 20);
    let places = browser.value("JSON.stringify(landscapeViewer.pathPlaces())");
    let places: Vec<(f64, f64)> = serde_json::from_str(places.as_str().unwrap()).unwrap();
    assert_eq!(places.len(), 20);
    let covered = "(() => { const box = document.querySelector('#tooltip'), r = box.getBoundingClientRect(); \
                   return box.hidden ? -1 : landscapeViewer.pathPlaces().filter(([x, y]) => \
                   x >= r.left && x <= r.right && y >= r.top && y <= r.bottom).length; })()";
    for at in [places[9], places[14], places[19]] {
        browser.point(at);
        browser.until("document.querySelector('#tooltip').hidden", false);
        assert_eq!(browser.value(covered), 0, "{at:?}");
    }
    browser.shoot("run-path");

    // Its checkpoints, by the slider, a key, and one after the other.
    let now = "landscapeViewer.panes()[0].now";
    browser.value("(() => { const slider = document.querySelector('#step'); slider.value = 3; slider.dispatchEvent(new Event('input')); })()");
    browser.until(now, 3);
    let said = "document.querySelector('#step-name').textContent";
    browser.until(said, "checkpoint 4 of 10, step 3");
    browser.until("location.hash.includes('checkpoint=4')", true);
    browser.press(" ");
    browser.until(&format!("{now} !== 3"), true);
    browser.press(" ");

    // A click holds a point, and the slices go through it.
    let here = "document.querySelector('#here').textContent";
    let middle = browser.value(here);
    let (x, y) = places[0];
    let free = (x - 100.0, y + 40.0);
    browser.drag(free, free);
    browser.until("landscapeViewer.state().pinned", true);
    browser.until(&format!("{here} !== {middle}"), true);
    assert_eq!(browser.complaints, [""; 0]);
}

/// The report of a run, at its width and on a narrow screen.
#[test]
fn a_report_is_read() {
    let Some(mut browser) = Browser::open() else {
        return;
    };
    let (folder, _path, store) = database();
    complete(&store, "plane", 21);
    let page = folder.path().join("report.html");
    let request = OverviewRequest::new("plane", &page);
    let found = request.run(&store, &()).unwrap();
    assert!(!found.checks.is_empty());
    for (width, height) in [(1000, 1400), (400, 1400)] {
        browser.window(width, height, false);
        browser.go(&format!("file://{}", page.display()));
        browser.until("document.querySelector('h1') !== null", true);
        assert_eq!(browser.value(FITS), true, "{width}");
    }
    let holds = "[...document.querySelectorAll('td')].filter((cell) => cell.textContent === 'yes').length > 0";
    assert_eq!(browser.value(holds), true);
    browser.shoot("report");
    assert_eq!(browser.complaints, [""; 0]);
}
