//! What is shown: runs, files, folders.

use crate::support::{Server, begun, bowl, complete, database, embedded, written};
use landscape_storage::{Format, RunKind, RunSpec, Status, Store, TrainRecord};
use landscape_study::figures::RunContents;
use landscape_view::{View, ViewRequest};
use serde_json::json;
use std::time::{Duration, Instant};

fn request<S: Into<std::path::PathBuf>>(
    named: impl IntoIterator<Item = S>,
    usual: &std::path::Path,
) -> ViewRequest {
    ViewRequest {
        usual: usual.to_owned(),
        ..ViewRequest::new(named)
    }
}

/// What a list of a thousand runs and the page of a run may take.
const SHORT: Duration = Duration::from_millis(300);

/// The shortest time that something takes, of a few until one is short: other tests run at the same time.
fn shortest(mut made: impl FnMut()) -> Duration {
    let mut shortest = Duration::MAX;
    for _ in 0..8 {
        let begun = Instant::now();
        made();
        shortest = shortest.min(begun.elapsed());
        if shortest < SHORT {
            break;
        }
    }
    shortest
}

#[test]
fn runs_are_listed_and_shown() {
    let (_folder, path, store) = database();
    complete(&store, "before", 5);
    complete(&store, "after", 5);
    let (part, grid) = begun(&store, "part", 5);
    store.append_points(&part, &bowl(&grid, 0..7)).unwrap();
    store.finish(&part, Status::Interrupted).unwrap();
    let server = Server::of([&path]);
    let listing = server.listing();
    let rows = listing["sources"][0]["rows"].as_array().unwrap();
    let names: Vec<_> = rows
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["part", "after", "before"]);
    assert_eq!(rows[0]["state"], "interrupted");
    assert_eq!(
        (&rows[0]["points"], &rows[0]["total"]),
        (&json!(7), &json!(25))
    );
    assert_eq!(rows[1]["holds"], "5x5 points");

    let page = server.get("/run/0/before");
    assert_eq!(page.status, 200);
    let data = embedded(&page.text, "data");
    assert_eq!(data["runs"][0]["name"], "before");
    let both = server.get("/compare?run=0%2Fbefore&run=0/after").text;
    assert_eq!(embedded(&both, "data")["runs"].as_array().unwrap().len(), 2);
    let live = embedded(&both, "live");
    assert_eq!(live["plots"][1]["run"], "after");
    assert_eq!(live["plots"][1]["database"], path.display().to_string());
    // What a page asks for later is what it was made from.
    let fresh: serde_json::Value =
        serde_json::from_str(&server.get(live["data"].as_str().unwrap()).text).unwrap();
    let text = fresh["data"].as_str().unwrap();
    assert!(both.contains(text));
    // Of a run that is not complete, the points that are there.
    assert_eq!(server.get("/run/0/part").status, 200);
}

#[test]
fn a_run_that_is_named_is_shown_first() {
    let (_folder, path, store) = database();
    complete(&store, "plane", 3);
    complete(&store, "other", 3);
    let view = View::prepare(&request(["plane"], &path), &()).unwrap();
    let server = Server::serve(view);
    let answer = server.get("/");
    assert_eq!(answer.status, 303);
    let to = answer.header("location").unwrap();
    assert_eq!(to, format!("/run/0/plane?token={}", server.token));
    // The way back to the list has no token.
    let cookie = answer
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    let list = server.ask("GET / HTTP/1.0", &[&format!("Cookie: {cookie}")]);
    assert!(list.text.contains("\"other\""), "{}", list.head);
    // By its number as well, and several side by side.
    let number = store.find("plane").unwrap().id.to_string();
    let view = View::prepare(&request([number.as_str(), "other"], &path), &()).unwrap();
    let to = Server::serve(view)
        .get("/")
        .header("location")
        .unwrap()
        .to_owned();
    assert!(
        to.starts_with("/compare?run=0%2fplane&run=0%2fother&token="),
        "{to}"
    );
}

#[test]
fn what_is_not_there_is_the_usual_error() {
    let (folder, path, _store) = database();
    let refused = |named: &str, usual: &std::path::Path| {
        let error = View::prepare(&request([named], usual), &()).unwrap_err();
        error
            .to_string()
            .replace(&folder.path().display().to_string(), "DIR")
    };
    let words = refused("plane", &path);
    assert!(
        words.starts_with("`DIR/landscape.duckdb` has no run `plane`"),
        "{words}"
    );
    let none = folder.path().join("none.duckdb");
    assert_eq!(
        refused("plane", &none),
        "there is no database `DIR/none.duckdb`"
    );
    let file = folder.path().join("none.csv");
    let words = refused(file.to_str().unwrap(), &path);
    assert!(words.starts_with("cannot read `DIR/none.csv`: "), "{words}");
    let words = refused(none.to_str().unwrap(), &path);
    assert_eq!(words, "there is no database `DIR/none.duckdb`");
    let empty = folder.path().join("empty.d");
    std::fs::create_dir(&empty).unwrap();
    let words = refused(empty.to_str().unwrap(), &path);
    assert_eq!(
        words,
        "`DIR/empty.d` holds neither landscapes nor databases"
    );
    std::fs::write(folder.path().join("bad.json"), "{").unwrap();
    let bad = folder.path().join("bad.json");
    assert!(refused(bad.to_str().unwrap(), &path).contains("bad.json"));
}

#[test]
fn a_file_is_a_page_and_a_folder_a_list() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    written(&at("bowl.json"), Format::Json);
    let server = Server::of([at("bowl.json")]);
    let to = server.get("/").header("location").unwrap().to_owned();
    assert!(to.starts_with("/run/0/bowl.json?"), "{to}");
    let page = server.get("/run/0/bowl.json").text;
    assert_eq!(embedded(&page, "data")["runs"][0]["name"], "bowl.json");
    assert_eq!(embedded(&page, "live")["plots"][0]["database"], json!(null));

    for (name, format) in [
        ("a.csv", Format::Csv),
        ("b.npz", Format::Npz),
        ("c.h5", Format::H5),
        ("d.parquet", Format::Parquet),
    ] {
        written(&at(name), format);
    }
    std::fs::write(at("notes.txt"), "no landscape").unwrap();
    complete(&Store::open(at("runs.duckdb")).unwrap(), "plane", 3);
    let server = Server::of([folder.path()]);
    assert_eq!(server.get("/").status, 200);
    let sources = server.listing()["sources"].clone();
    assert_eq!(sources[0]["rows"][0]["name"], "plane");
    let rows = sources[1]["rows"].as_array().unwrap();
    let names: Vec<_> = rows
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["a.csv", "b.npz", "bowl.json", "c.h5", "d.parquet"]);
    for name in names {
        let page = server.get(&format!("/run/1/{name}"));
        assert_eq!(page.status, 200, "{name}");
        assert_eq!(embedded(&page.text, "data")["runs"][0]["name"], name);
    }
    // A run beside a landscape in a file, and no way out of the folder.
    let both = server.get("/compare?run=0/plane&run=1/a.csv").text;
    assert_eq!(embedded(&both, "data")["runs"].as_array().unwrap().len(), 2);
    std::fs::write(
        folder.path().join("../outside.csv"),
        "alpha,loss\n0,1\n1,2\n",
    )
    .ok();
    for name in [
        "..%2foutside.csv",
        "../outside.csv",
        "%2fetc%2fpasswd",
        "notes.txt",
    ] {
        assert_eq!(server.get(&format!("/run/1/{name}")).status, 404, "{name}");
    }
    std::fs::remove_file(folder.path().join("../outside.csv")).ok();
}

#[test]
fn a_training_has_a_page_of_its_losses() {
    let (_folder, path, store) = database();
    let mut spec = RunSpec::new(RunKind::Train, json!({"model": "mlp:2-2"}));
    spec.name = Some("net".to_owned());
    let run = store.begin(&spec).unwrap();
    let server = Server::of([&path]);
    let before = server.get("/run/0/net");
    assert!(before.text.contains("Not shown: net"));
    assert!(before.text.contains("run `net` (train) has no landscape"));
    let record = |step: u64| TrainRecord {
        step,
        epoch: step as f64,
        loss: Some(1.0 / (1.0 + step as f64)),
        ..TrainRecord::default()
    };
    let records: Vec<TrainRecord> = (0..5).map(record).collect();
    store.put_records(&run, &records).unwrap();
    let page = server.get("/run/0/net").text;
    assert!(page.contains("Training: net") && page.contains("data:image/svg+xml"));
    assert_eq!(
        server.listing()["sources"][0]["rows"][0]["holds"],
        "5 records"
    );
}

/// A plane a thousand times.
fn thousand(path: &std::path::Path, store: Store) {
    complete(&store, "run 0", 11);
    drop(store);
    Store::close(path);
    let conn = duckdb::Connection::open(path).unwrap();
    conn.execute_batch(
        "INSERT INTO runs SELECT run_id + n, 'run ' || n, kind, identity || n, settings, provenance, created, finished, status,
             owner, writer FROM runs, range(1, 1000) t(n);
         INSERT INTO names SELECT name, run_id FROM runs WHERE name != 'run 0';
         INSERT INTO axes SELECT a.* REPLACE (a.run_id + n AS run_id) FROM axes a, range(1, 1000) t(n);
         INSERT INTO points SELECT p.* REPLACE (p.run_id + n AS run_id) FROM points p, range(1, 1000) t(n);",
    )
    .unwrap();
}

#[test]
fn a_thousand_runs_are_listed_at_once() {
    let (_folder, path, store) = database();
    thousand(&path, store);
    let listed = |server: &Server| {
        let rows = server.listing()["sources"][0]["rows"].clone();
        let rows = rows.as_array().unwrap();
        assert!(rows.len() == 1000 && rows.iter().all(|row| row["points"] == 121));
    };
    let mut server = Server::of([&path]);
    let took = shortest(|| {
        server = Server::of([&path]);
        listed(&server);
    });
    assert!(took < SHORT, "{took:?}");
    // Nothing has changed: nothing is read again.
    let again = (0..3).map(|_| shortest(|| listed(&server))).min().unwrap();
    assert!(again < took, "{again:?}, {took:?}");
}

/// A plane, also beside one of 130,321 points.
#[test]
fn a_stored_plane_is_shown_at_once() {
    let (_folder, path, store) = database();
    complete(&store, "plane", 51);
    complete(&store, "large", 361);
    let server = Server::of([&path]);
    let took = shortest(|| assert_eq!(server.get("/run/0/plane").status, 200));
    assert!(took < SHORT, "{took:?}");
}

/// What is said of trainings takes longer than all else that a page has: it comes by itself, for each run that has a tab.
#[test]
fn diagnoses_come_after_the_page() {
    let (_folder, path, store) = database();
    complete(&store, "one", 5);
    complete(&store, "two", 5);
    let mut spec = RunSpec::new(RunKind::Train, json!({"model": "mlp:2-2"}));
    spec.name = Some("net".to_owned());
    store.begin(&spec).unwrap();
    let server = Server::of([&path]);
    let page = server.get("/compare?run=0/one&run=0/net&run=0/two").text;
    let runs = embedded(&page, "data")["runs"].clone();
    assert_eq!(
        (runs[0]["name"].as_str(), runs[1]["name"].as_str()),
        (Some("one"), Some("two"))
    );
    assert!(
        runs.as_array()
            .unwrap()
            .iter()
            .all(|run| run["diagnoses"] == json!([]))
    );
    let address = embedded(&page, "live")["diagnoses"].clone();
    assert_eq!(address, "/diagnoses?run=0%2Fone&run=0%2Ftwo");
    let told = server.get(address.as_str().unwrap());
    assert_eq!(told.header("content-type"), Some("application/json"));
    let told: serde_json::Value = serde_json::from_str(&told.text).unwrap();
    let mut wanted = RunContents::load(&store, "one").unwrap();
    wanted.diagnose(&store).unwrap();
    assert_eq!(wanted.diagnoses.len(), 1);
    assert_eq!(told[0], serde_json::to_value(&wanted.diagnoses).unwrap());
    assert_eq!(told.as_array().unwrap().len(), 2);
    // Pages without a landscape have nothing to ask for.
    assert_eq!(
        embedded(&server.get("/run/0/net").text, "live")["diagnoses"],
        ""
    );
    for (wrong, status) in [("?run=0/none", 404), ("?run=7/one", 404), ("", 404)] {
        assert_eq!(
            server.get(&format!("/diagnoses{wrong}")).status,
            status,
            "{wrong}"
        );
    }
}

/// What a page shows is had as a file, drawn as `landscape plot` draws it.
#[test]
fn figures_of_what_is_shown_are_files() {
    let (_folder, path, store) = database();
    complete(&store, "one", 5);
    complete(&store, "two", 5);
    let server = Server::of([&path]);
    let ask = |more: &str| server.get(&format!("/figure?run=0/one{more}"));
    let svg = ask("&kind=contour&look=%7B%22log%22%3Atrue%7D");
    assert_eq!(
        (svg.status, svg.header("content-type")),
        (200, Some("image/svg+xml"))
    );
    assert!(svg.text.starts_with("<svg"));
    let line =
        "&look=%7B%22along%22%3A%7B%22from%22%3A%5B-1%2C-1%5D%2C%22to%22%3A%5B1%2C1%5D%7D%7D";
    assert!(ask(line).text.contains("distance from A"));
    let both = "&run=0/two&kind=contour&look=%7B%22difference%22%3Atrue%7D";
    assert!(ask(both).text.contains("difference of loss"));
    for (format, start) in [("png", "\u{fffd}PNG"), ("pdf", "%PDF")] {
        let file = ask(&format!("&format={format}"));
        assert!(
            file.status == 200 && file.text.starts_with(start),
            "{format}"
        );
    }
    for (wrong, status, words) in [
        ("&format=exe", 400, "`exe` is none of svg, png and pdf"),
        ("&kind=pie", 400, "pie"),
        ("&look=%7B%22nonsense%22%3A1%7D", 400, "nonsense"),
        ("&kind=spectrum", 422, "has no spectral density"),
        ("&run=0/two", 422, "2 figures, not one"),
    ] {
        let answer = ask(wrong);
        assert!(
            answer.status == status && answer.text.contains(words),
            "{wrong}: {}",
            answer.text
        );
    }
    assert_eq!(server.get("/figure?run=0/none").status, 404);
    assert_eq!(server.get("/figure").status, 404);
}
