//! Runs that grow while they are watched.

use crate::support::{Server, begun, bowl, complete, database, written};
use landscape_storage::{Format, Status};
use serde_json::json;

#[test]
fn a_run_grows_in_the_events_and_in_the_data() {
    let (_folder, path, store) = database();
    let (run, grid) = begun(&store, "plane", 5);
    let server = Server::of([&path]);
    let mut events = server.events("/events?run=0%2Fplane");
    let mut version = 0;
    for end in [3, 25] {
        store.append_points(&run, &bowl(&grid, 0..end)).unwrap();
        let told = events.until(|told| told["rows"][0]["points"] == json!(end));
        assert!(told["version"].as_u64().unwrap() > version);
        assert_eq!(told["rows"][0]["running"], true);
        version = told["version"].as_u64().unwrap();
        let fresh: serde_json::Value =
            serde_json::from_str(&server.get("/data?run=0%2Fplane").text).unwrap();
        assert!(fresh["version"].as_u64().unwrap() >= version);
        let data: serde_json::Value =
            serde_json::from_str(fresh["data"].as_str().unwrap()).unwrap();
        // Once all points are there none is missing.
        assert_eq!(data["runs"][0]["missing"].is_null(), end == 25);
    }
    store.finish(&run, Status::Complete).unwrap();
    let told = events.until(|told| told["rows"][0]["state"] == "complete");
    assert_eq!(told["rows"][0]["running"], false);
    store.remove("plane").unwrap();
    let told = events.until(|told| told["rows"].as_array().unwrap().is_empty());
    assert_eq!(told["trouble"], json!(["`plane` is no longer there"]));
}

#[test]
fn the_list_is_told_what_changes() {
    let (folder, path, store) = database();
    complete(&store, "first", 3);
    let server = Server::of([folder.path()]);
    let clock = server.listing()["clock"].as_u64().unwrap();
    let mut events = server.events(&format!("/events?since={clock}"));
    // Without a clock the whole list comes first.
    let (name, whole) = server.events("/events").next();
    assert_eq!((name.as_str(), &whole["clock"]), ("listing", &json!(clock)));
    complete(&store, "second", 3);
    let change = events.until(|change| change["rows"][0]["state"] == "complete");
    assert_eq!(change["rows"][0]["name"], "second");
    assert_eq!(change["rows"].as_array().unwrap().len(), 1);
    store.rename("first", "renamed").unwrap();
    let change = events.until(|change| !change["gone"].as_array().unwrap().is_empty());
    assert_eq!(change["gone"], json!(["first"]));
    drop(path);
}

#[test]
fn a_file_that_is_written_again_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.csv");
    written(&file, Format::Csv);
    let server = Server::of([&file]);
    let mut events = server.events("/events?run=0/a.csv");
    let (_, first) = events.next();
    std::fs::write(&file, "alpha,loss\n0,1\n0.5,0.25\n1,0\n").unwrap();
    let seen = first["version"].as_u64().unwrap();
    let told = events.until(|told| told["version"].as_u64().unwrap() > seen);
    assert_eq!(told["trouble"], json!([]));
    std::fs::remove_file(&file).unwrap();
    let told = events.until(|told| !told["trouble"].as_array().unwrap().is_empty());
    let words = told["trouble"][0].as_str().unwrap();
    assert!(words.ends_with("a.csv` is no longer there"), "{words}");
}
