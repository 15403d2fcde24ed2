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
    let command = format!(
        "landscape plot plane --kind contour --log --colormap magma --db {} -o plane.svg",
        path.display()
    );
    browser.until(
        "document.querySelector('#figure-command').textContent",
        command,
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
