//! The pages in a browser, where Chromium is installed.

use crate::chromium::Browser;
use crate::support::{Server, begun, bowl, complete, database};
use landscape_storage::Status;

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
    let address = |path: &str| {
        format!(
            "http://127.0.0.1:{}{}",
            server.port,
            server.with_token(path)
        )
    };
    browser.window(1200, 1500, false);
    browser.go(&address("/"));
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
    let address = format!("http://127.0.0.1:{}{}", server.port, server.with_token("/"));
    browser.window(1100, 700, true);
    browser.go(&address);
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
    let address = |path: &str| {
        let path = server.with_token(path);
        format!("http://127.0.0.1:{}{path}", server.port)
    };
    browser.window(1200, 1700, false);
    browser.go(&address("/"));
    let order = "document.querySelector('[data-order=loss]').getAttribute('aria-sort')";
    browser.until("document.querySelectorAll('#rows .figure').length", 9);
    browser.value("document.querySelector('[data-order=loss] button').click()");
    browser.until(order, "ascending");
    assert_eq!(browser.value("location.hash"), "#sort=loss");
    browser.shoot("list-figures");

    browser.go(&address("/compare?run=0/one&run=0/two&run=0/three"));
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
