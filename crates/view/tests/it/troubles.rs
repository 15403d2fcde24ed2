//! Databases that vanish, are locked, newer or empty; clients that go away; ports that are taken.

use crate::support::{Server, complete, database, embedded};
use landscape_storage::Store;
use landscape_study::StudyError;
use landscape_view::{View, ViewRequest};
use serde_json::json;
use std::io::Read;
use std::net::TcpListener;

#[test]
fn a_database_that_vanishes_and_comes_back_is_told() {
    let (folder, path, store) = database();
    complete(&store, "plane", 3);
    drop(store);
    let server = Server::of([&path]);
    assert_eq!(server.listing()["sources"][0]["trouble"], json!(null));
    let away = folder.path().join("away");
    Store::close(&path);
    std::fs::rename(&path, &away).unwrap();
    let words = |server: &Server| {
        let listing = server.listing();
        listing["sources"][0]["trouble"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(
        words(&server).ends_with("landscape.duckdb` is no longer there"),
        "{}",
        words(&server)
    );
    let page = server.get("/run/0/plane");
    assert_eq!(page.status, 404);
    assert!(page.text.contains("is no longer there"));
    assert_eq!(server.get("/data?run=0/plane").status, 404);
    std::fs::rename(&away, &path).unwrap();
    assert_eq!(words(&server), "");
    assert_eq!(server.get("/run/0/plane").status, 200);
}

#[test]
fn what_is_not_a_database_of_this_version_is_told() {
    let (_folder, path, store) = database();
    complete(&store, "plane", 3);
    drop(store);
    let server = Server::of([&path]);
    let newer = |version: u64| {
        Store::close(&path);
        let conn = duckdb::Connection::open(&path).unwrap();
        let set = format!("UPDATE meta SET value = '{version}' WHERE key = 'schema_version'");
        conn.execute_batch(&set).unwrap();
    };
    newer(999);
    let told = server.listing()["sources"][0]["trouble"].clone();
    assert!(
        told.as_str().unwrap().contains("schema version 999"),
        "{told}"
    );
    let page = server.get("/run/0/plane");
    assert!(page.text.contains("schema version 999") && page.status == 200);
    newer(landscape_storage::SCHEMA_VERSION);
    assert_eq!(server.get("/run/0/plane").status, 200);
    Store::close(&path);
    std::fs::write(&path, "no database").unwrap();
    let told = server.listing()["sources"][0]["trouble"].clone();
    assert!(
        told.as_str().unwrap().contains("is not a DuckDB database"),
        "{told}"
    );
}

#[test]
fn an_empty_database_is_an_empty_list() {
    let (_folder, path, store) = database();
    let server = Server::of([&path]);
    let source = server.listing()["sources"][0].clone();
    assert_eq!(
        (&source["rows"], &source["trouble"]),
        (&json!([]), &json!(null))
    );
    let page = server.get("/run/0/plane");
    assert_eq!(page.status, 404);
    assert!(page.text.contains("has no run `plane`"));
    complete(&store, "plane", 3);
    assert_eq!(server.get("/run/0/plane").status, 200);
    for path in [
        "/run/7/plane",
        "/run/x/plane",
        "/compare",
        "/compare?run=plane",
        "/data",
        "/runs",
    ] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
}

#[test]
fn a_client_that_goes_away_does_no_harm() {
    let (_folder, path, store) = database();
    complete(&store, "plane", 31);
    let server = Server::of([&path]);
    let host = format!("Host: 127.0.0.1:{}", server.port);
    for _ in 0..5 {
        for path in [
            "/events",
            "/events?run=0/plane",
            "/run/0/plane",
            "/data?run=0/plane",
        ] {
            let line = format!("GET {} HTTP/1.1", server.with_token(path));
            let mut stream = server.send(&line, &[&host]);
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
        }
    }
    // Half a request, and what is none.
    drop(server.send("GET / HT", &[]));
    drop(server.send("\u{1f600}\0", &[]));
    complete(&store, "another", 3);
    assert_eq!(server.get("/run/0/another").status, 200);
    assert_eq!(
        server.listing()["sources"][0]["rows"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn a_port_that_is_taken_is_an_error() {
    let (_folder, path, _store) = database();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut request = ViewRequest::new([&path]);
    request.port = port;
    let error = View::prepare(&request, &()).unwrap_err();
    assert!(matches!(error, StudyError::Port { port: told, .. } if told == port));
    let words = error.to_string();
    assert!(
        words.starts_with(&format!("cannot listen on port {port} of this machine: ")),
        "{words}"
    );
    assert_eq!(
        error.help().unwrap(),
        "give another port, or 0 for any that is free"
    );
    drop(taken);
    let view = View::prepare(&request, &()).unwrap();
    let mut server = Server::serve(view);
    assert_eq!(server.port, port);
    assert_eq!(server.stop().unwrap(), "the pages are no longer served");
}

/// A database that another process keeps.
#[test]
#[cfg(unix)]
fn a_locked_database_is_told_and_shown_when_it_is_free() {
    let (_folder, path, store) = database();
    complete(&store, "plane", 3);
    drop(store);
    let server = Server::of([&path]);
    server.listing();
    let mut holder = crate::hostile::holder(&path);
    let page = server.get("/run/0/plane");
    assert_eq!(page.status, 503);
    assert!(
        page.text.contains("is in use by"),
        "{}",
        embedded(&page.text, "live")
    );
    // Whatever is told once it is free is newer than this page.
    assert_eq!(embedded(&page.text, "live")["version"], 0);
    assert_eq!(server.get("/data?run=0/plane").status, 503);
    // The list keeps what it knows.
    assert_eq!(server.listing()["sources"][0]["rows"][0]["name"], "plane");
    holder.let_go();
    assert_eq!(server.get("/run/0/plane").status, 200);
}
