//! Runs and their names: listed, removed, renamed; space given back.

use crate::support::Bench;
use serde_json::json;

const LINE: &str = "line --model mlp:2-4-1 --data moons:n=20 --grid 5";

fn names(bench: &Bench, options: &str) -> Vec<String> {
    let runs = bench.json(&format!("runs {options}"));
    let names = runs["runs"].as_array().unwrap().iter();
    names
        .map(|run| run["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn runs_are_listed_removed_and_renamed() {
    let bench = Bench::new();
    bench.ok(&format!("{LINE} --seed 1 --name one -q"));
    bench.ok(&format!("{LINE} --seed 2 --name two -q"));
    bench.ok("surface --model mlp:2-4-1 --data moons:n=20 --grid 3 --name plane -q");
    assert_eq!(names(&bench, ""), ["one", "two", "plane"]);
    assert_eq!(names(&bench, "--kind line"), ["one", "two"]);
    assert_eq!(
        names(&bench, "--kind line --kind surface --sort newest --limit 2"),
        ["plane", "two"]
    );
    assert_eq!(names(&bench, "--sort name --match *o*"), ["one", "two"]);
    assert_eq!(names(&bench, "--sort size --limit 1"), ["plane"]);
    assert_eq!(names(&bench, "--status running"), [""; 0]);
    assert_eq!(bench.ok("runs --status interrupted").out, "no such runs\n");
    let wrong = bench.fails("runs --kind plane");
    assert!(
        wrong.contains("surface") && wrong.contains("curve"),
        "{wrong}"
    );
    // The same settings under another name are one more name.
    bench.ok(&format!("{LINE} --seed 1 --name again -q"));
    let listed = bench.json("runs");
    assert_eq!(listed["runs"][0]["names"], json!(["one", "again"]));
    assert!(bench.ok("runs").out.contains("one, again"));
    let asked = bench.json("rm one plane --dry-run");
    assert_eq!(asked["removed"][0]["run_removed"], false);
    assert_eq!(asked["removed"][1]["run_removed"], true);
    assert_eq!(names(&bench, "").len(), 3, "nothing is removed");
    assert_eq!(bench.json("rm one plane")["removed"], asked["removed"]);
    assert_eq!(names(&bench, ""), ["again", "two"]);
    let missing = bench.fails("rm two nothing");
    assert!(missing.contains("`nothing`"), "{missing}");
    assert_eq!(names(&bench, "").len(), 2, "all or none");
    let renamed = bench.json("rename again valley");
    assert_eq!(
        (&renamed["from"], &renamed["to"]),
        (&json!("again"), &json!("valley"))
    );
    let taken = bench.fails("rename valley two");
    assert!(taken.contains("has a run `two` already"), "{taken}");
    bench.fails("rename valley 7");
    assert_eq!(names(&bench, ""), ["valley", "two"]);
    let done = bench.json("compact");
    assert!(done["after"].as_u64() <= done["before"].as_u64(), "{done}");
    assert_eq!(names(&bench, ""), ["valley", "two"]);
    assert_eq!(bench.files(), ["landscape.duckdb"]);
    for command in ["rm valley", "rename valley x", "compact"] {
        let none = bench.fails(&format!("{command} --db none.duckdb"));
        assert!(none.contains("there is no database"), "{none}");
    }
}
