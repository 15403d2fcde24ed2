//! One page about a run.

use crate::support::Bench;
use serde_json::Value;

fn whys(found: &Value) -> Vec<&Value> {
    let missing = found["missing"].as_array().unwrap().iter();
    missing.map(|part| &part["why"]).collect()
}

#[test]
fn a_page_of_what_is_stored_and_of_what_is_computed() {
    let bench = Bench::trained();
    bench.ok("surface --run moons --grid 9 --name plane");
    let said = bench.ok("report plane -o plane.html");
    assert!(
        said.out
            .starts_with("plane: surface of mlp:2-8-4-1 on moons"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("All 5 checks that could be made hold"),
        "{}",
        said.out
    );
    assert!(said.out.ends_with("\nplane.html\n"), "{}", said.out);
    let next = "landscape report plane -o plane.html --compute --force    # computes";
    assert!(said.err.contains(next), "{}", said.err);

    // What is said to be missing is added by the commands that are named.
    let found = bench.json("report plane -o plane.html --force");
    let commands = found["missing"].as_array().unwrap().iter();
    let commands: Vec<&str> = commands
        .map(|part| part["command"].as_str().unwrap())
        .collect();
    assert_eq!(commands.len(), 4);
    bench.ok(commands[0].strip_prefix("landscape ").unwrap());
    let found = bench.json("report plane -o plane.html --force");
    assert_eq!(found["planes"].as_array().unwrap().len(), 2);
    let left = found["missing"].as_array().unwrap().iter();
    let left: Vec<&str> = left.map(|part| part["command"].as_str().unwrap()).collect();
    assert_eq!(left, commands[1..]);

    let found = bench.json("report plane -o plane.html --force --compute");
    assert!(whys(&found).is_empty(), "{found}");
    assert_eq!(found["planes"].as_array().unwrap().len(), 3);
    assert_eq!(found["files"], serde_json::json!(["plane.html"]));
    assert_eq!(
        found["own"]["loss"],
        bench.json("show moons")["records"][20]["loss"]
    );
    assert!(bench.read("plane.html").starts_with("<!doctype html>"));
}

#[test]
fn what_is_wrong_is_said_before_the_work() {
    let bench = Bench::trained();
    for (words, expected) in [
        ("report moons -o moons.svg", "give -o FILE.html"),
        ("report nosuch -o a.html --compute", "nosuch"),
        (
            "report moons -o a.html --db other.duckdb --compute",
            "other.duckdb",
        ),
        (
            "report moons -o a.html --device flex",
            "it belongs to --compute",
        ),
        (
            "report moons -o a.html --threads 2",
            "it belongs to --compute",
        ),
        ("report moons", "--output"),
    ] {
        let message = bench.fails(words);
        assert!(message.contains(expected), "{words}: {message}");
    }
}
