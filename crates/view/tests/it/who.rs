//! Who may ask.

use crate::support::{Server, complete, database};

#[test]
fn nobody_is_answered_without_the_token() {
    let (_folder, path, store) = database();
    complete(&store, "plane", 3);
    let server = Server::of([path]);
    let cookie = {
        let answer = server.get("/");
        assert_eq!(answer.status, 200);
        let set = answer.header("set-cookie").unwrap().to_owned();
        assert!(
            set.contains("httponly") && set.contains("samesite=strict"),
            "{set}"
        );
        set.split(';').next().unwrap().to_owned()
    };
    let wrong = "0".repeat(server.token.len());
    for path in [
        "/",
        "/run/0/plane",
        "/compare?run=0/plane",
        "/data?run=0/plane",
        "/diagnoses?run=0/plane",
        "/events",
        "/nothing",
    ] {
        let bare = |head: &[&str]| server.ask(&format!("GET {path} HTTP/1.0"), head);
        let refused = bare(&[]);
        assert_eq!(refused.status, 403, "{path}");
        assert!(refused.text.contains("needs its token"), "{}", refused.text);
        assert!(!refused.text.contains("plane") && refused.header("set-cookie").is_none());
        assert_eq!(bare(&[&format!("Cookie: {}x", cookie)]).status, 403);
        let joint = if path.contains('?') { '&' } else { '?' };
        let guessed = server.ask(&format!("GET {path}{joint}token={wrong} HTTP/1.0"), &[]);
        assert_eq!(guessed.status, 403, "{path}");
        if path != "/events" {
            let found = bare(&[&format!("Cookie: a=b; {cookie}")]);
            assert_eq!(
                found.status,
                if path == "/nothing" { 404 } else { 200 },
                "{path}"
            );
        }
    }
}

#[test]
fn another_name_of_the_server_is_refused() {
    let (_folder, path, _store) = database();
    let server = Server::of([path]);
    let line = format!("GET {} HTTP/1.0", server.with_token("/"));
    let asked = |host: &str| server.ask(&line, &[&format!("Host: {host}")]).status;
    let port = server.port;
    for host in ["127.0.0.1", "localhost"] {
        assert_eq!(asked(&format!("{host}:{port}")), 200, "{host}");
        assert_eq!(asked(host), 403, "{host}");
        assert_eq!(asked(&format!("{host}:{}", port ^ 1)), 403, "{host}");
    }
    for host in ["evil.example", "127.0.0.1.evil.example", "0.0.0.0", "[::1]"] {
        assert_eq!(asked(&format!("{host}:{port}")), 403, "{host}");
    }
    // No name at all.
    assert_eq!(server.ask(&line, &["Host:"]).status, 403);
}

#[test]
fn pages_of_others_are_refused_and_nothing_is_changed() {
    let (_folder, path, _store) = database();
    let server = Server::of([path]);
    let asked = |method: &str, origin: &str| {
        let line = format!("{method} {} HTTP/1.0", server.with_token("/"));
        server.ask(&line, &[&format!("Origin: {origin}")]).status
    };
    let own = format!("http://127.0.0.1:{}", server.port);
    assert_eq!(asked("GET", &own), 200);
    for origin in [
        "http://evil.example",
        "null",
        "https://127.0.0.1",
        "http://127.0.0.1:1",
    ] {
        assert_eq!(asked("GET", origin), 403, "{origin}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        assert_eq!(asked(method, &own), 405, "{method}");
    }
}

#[test]
fn every_answer_says_what_a_browser_may_do() {
    let (_folder, path, store) = database();
    complete(&store, "plane", 3);
    let server = Server::of([path]);
    for path in ["/", "/run/0/plane", "/nothing"] {
        let answer = server.get(path);
        let policy = answer.header("content-security-policy").unwrap();
        for part in [
            "default-src 'none'",
            "connect-src 'self'",
            "frame-ancestors 'none'",
            "form-action 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    // As the page says itself, and the page in a file may ask nobody.
    let page = server.get("/run/0/plane").text;
    assert!(page.contains("default-src 'none'; connect-src 'self'; script-src"));
}
