use crate::support::Bench;

#[test]
fn the_whole_job_on_real_data() {
    let bench = Bench::new();
    let report = bench.json("demo --out out");
    let runs = report["runs"].as_array().unwrap();
    let find = |name: &str| runs.iter().find(|run| run["run"] == name).unwrap();
    assert!(
        find("moons")["accuracy"].as_f64().unwrap() > 0.95,
        "{}",
        find("moons")
    );
    assert!(
        find("mnist")["accuracy"].as_f64().unwrap() > 0.85,
        "{}",
        find("mnist")
    );
    // The orders of magnitude of this job elsewhere: about [2.28, 3.91] and [0.26, 6.62].
    let initial = find("mnist-initial");
    let trained = find("mnist-trained");
    let span = |run: &serde_json::Value| {
        (
            run["min_loss"].as_f64().unwrap(),
            run["max_loss"].as_f64().unwrap(),
        )
    };
    assert!(
        (1.8..2.5).contains(&span(initial).0) && span(initial).1 < 10.0,
        "{initial}"
    );
    assert!(
        (0.1..0.6).contains(&span(trained).0) && span(trained).1 > 2.0,
        "{trained}"
    );
    for file in [
        "index.html",
        "landscape.duckdb",
        "mnist-path.svg",
        "mnist-path.png",
        "moons-line.svg",
    ] {
        assert!(bench.path("out").join(file).exists(), "{file}");
    }
    // Its steps are ordinary commands: the same one finds everything computed.
    let words = "surface --run mnist --grid 51 --name mnist-trained --db out/landscape.duckdb";
    let again = bench.json(words);
    assert_eq!(
        (&again["computed"], &again["stored_before"]),
        (&0.into(), &2601.into())
    );
    // The folder is known again, with what else was put into its database.
    bench.ok("line --run mnist --grid 3 --name other --db out/landscape.duckdb");
    let again = bench.json("demo --out out")["runs"].clone();
    assert_eq!(again.as_array().unwrap().len(), runs.len() + 1);
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("photos")).unwrap();
    std::fs::write(bench.path("photos/cat.png"), "cat").unwrap();
    let message = bench.fails("demo --out photos");
    assert!(
        message.contains("holds files that do not belong to the demonstration"),
        "{message}"
    );
    // A database of one's own has the same name, and may hold a run of the same name.
    let bench = Bench::trained();
    bench.write("moons-line.svg", "mine");
    let before = bench.json("show moons");
    let message = bench.fails("demo --out .");
    assert!(
        message.contains("holds files that do not belong to the demonstration"),
        "{message}"
    );
    assert_eq!(bench.read("moons-line.svg"), "mine");
    assert_eq!(bench.json("show moons"), before);
}
