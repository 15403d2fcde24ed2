//! Shards of a landscape, each in a file of its own.

use crate::support::Bench;
use serde_json::{Value, json};

const WORDS: &str = "surface --model mlp:2-8-4-1 --data moons --grid 7x5 --name plane";

fn first(value: &Value) -> &Value {
    &value["runs"][0]
}

#[test]
fn a_shard_is_a_part_of_the_points_in_a_file_of_its_own() {
    let bench = Bench::new();
    let whole = bench.json(&format!("{WORDS} --db whole.duckdb"));
    assert_eq!(whole["shard"], Value::Null);
    let mut points = 0;
    for k in 0..4 {
        let said = bench.json(&format!("{WORDS} --shard {k}/4"));
        let units = said["shard"]["units"].as_u64().unwrap();
        assert_eq!(
            said["shard"],
            json!({"shard": format!("{k}/4"), "units": units, "stored_before": 0})
        );
        assert_eq!(said["computed"], units);
        points += units;
        let db = format!("--db landscape-shard-{k}-of-4.duckdb");
        let runs = bench.json(&format!("runs {db}"));
        let run = first(&runs);
        assert_eq!(
            (&run["status"], &run["finished"]),
            (&json!("interrupted"), &Value::Null)
        );
        assert_eq!(
            run["shard"],
            json!({"shards": format!("{k}/4"), "units": units, "done": units})
        );
        let listed = bench.ok(&format!("runs {db}")).out;
        assert!(listed.contains(&format!("shard {k}/4 done")), "{listed}");
        let shown = bench.ok(&format!("show plane {db}")).out;
        assert!(
            shown.contains(&format!("status    shard {k}/4 done")),
            "{shown}"
        );
        // The same again computes nothing.
        let again = bench.json(&format!("{WORDS} --shard {k}/4"));
        assert_eq!(
            (&again["computed"], &again["shard"]["stored_before"]),
            (&json!(0), &json!(units))
        );
        let identity =
            |db: &str| bench.json(&format!("show plane {db}"))["run"]["identity"].clone();
        assert_eq!(identity(&db), identity("--db whole.duckdb"));
    }
    assert_eq!(points, 35);
    let shards: Vec<String> = (0..4)
        .map(|k| format!("landscape-shard-{k}-of-4.duckdb"))
        .collect();
    assert_eq!(
        bench.files(),
        [&shards[..], &["whole.duckdb".to_owned()]].concat()
    );
}

#[test]
fn a_shard_that_is_continued_without_the_option_becomes_the_whole() {
    let bench = Bench::new();
    bench.ok(&format!("{WORDS} --shard 1/4 --db own.duckdb"));
    let said = bench.ok(&format!("{WORDS} --db own.duckdb"));
    assert!(
        said.err.contains("what is stored are shards 1/4"),
        "{}",
        said.err
    );
    let run = bench.json("runs --db own.duckdb");
    assert_eq!(
        (&first(&run)["status"], &first(&run)["shard"]),
        (&json!("complete"), &Value::Null)
    );
    bench.ok(&format!("{WORDS} --db whole.duckdb"));
    let csv = |db: &str| bench.ok(&format!("export plane --db {db}")).out;
    assert_eq!(csv("own.duckdb"), csv("whole.duckdb"));
    // Two shards in one file are told as two.
    for k in [0, 2] {
        bench.ok(&format!("{WORDS} --shard {k}/4 --db two.duckdb"));
    }
    let listed = bench.ok("runs --db two.duckdb").out;
    assert!(listed.contains("shards 0,2/4 done"), "{listed}");
}

#[test]
fn launchers_name_the_shard_and_its_file() {
    let bench = Bench::new();
    let words =
        "line --model mlp:2-8-4-1 --data moons --grid 9 --shard auto --db line-{K}-of-{N}.duckdb";
    let mut command = bench.command(words);
    command
        .env("OMPI_COMM_WORLD_RANK", "1")
        .env("OMPI_COMM_WORLD_SIZE", "2");
    let output = command.output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{err}");
    assert!(
        err.contains("shard 1/2, by OMPI_COMM_WORLD_RANK=1, OMPI_COMM_WORLD_SIZE=2"),
        "{err}"
    );
    assert_eq!(bench.files(), ["line-1-of-2.duckdb"]);
}

#[test]
fn runs_are_found_in_the_usual_database() {
    let bench = Bench::trained();
    bench.ok("volume --run moons --grid 3 --shard 0/2 --db shard-0.duckdb");
    let runs = bench.json("runs --db shard-0.duckdb");
    assert_eq!(
        (
            runs["runs"].as_array().unwrap().len(),
            &first(&runs)["points"]
        ),
        (1, &json!(14))
    );
}

#[test]
fn what_does_not_go_with_a_shard_is_refused() {
    let bench = Bench::new();
    for (more, message) in [
        ("--shard 4/4", "there is no shard 4 of 4"),
        ("--shard 1", "is not a shard"),
        ("--shard auto", "no launcher says which shard"),
        (
            "--shard 0/4 -o plane.svg",
            "--output has no effect here: a figure shows the whole",
        ),
        (
            "--shard 0/4 --save-directions d.safetensors",
            "--save-directions has no effect here: every shard would write the same file",
        ),
        (
            "--shard 0/4 --force",
            "--force has no effect here: a shard does not complete a run",
        ),
    ] {
        let said = bench.fails(&format!("{WORDS} {more}"));
        assert!(said.contains(message), "{more}: {said}");
    }
    // More shards than points: nothing to do, said.
    let said = bench.ok(&format!("{WORDS} --shard 40/50 --db none.duckdb"));
    assert!(
        said.err
            .contains("shard 40/50 has no points, the grid has only 35"),
        "{}",
        said.err
    );
    let estimate = bench.json(&format!("{WORDS} --shard 0/4 --dry-run"));
    assert_eq!(estimate["parts"][0]["count"], 9);
}

#[test]
fn maps_of_curvature_are_divided_too() {
    let bench = Bench::trained();
    let words = "hessian --run moons --map --grid 4x3 --name map";
    bench.ok(&format!("{words} --db whole.duckdb --shard 0/1"));
    let mut points = 0;
    for k in 0..3 {
        let said = bench.json(&format!("{words} --shard {k}/3"));
        assert_eq!(said["shard"]["units"], 4);
        points += bench.json(&format!("{words} --shard {k}/3"))["shard"]["stored_before"]
            .as_u64()
            .unwrap();
        let listed = bench
            .ok(&format!("runs --db landscape-shard-{k}-of-3.duckdb"))
            .out;
        assert!(listed.contains(&format!("shard {k}/3 done")), "{listed}");
    }
    assert_eq!(points, 12);
    let said = bench
        .run("merge landscape-shard-0-of-3.duckdb landscape-shard-2-of-3.duckdb --into all.duckdb");
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("map lacks 4 points, of shards 1/3"),
        "{}",
        said.err
    );
    bench.ok("merge landscape-shard-1-of-3.duckdb --into all.duckdb");
    let csv = |db: &str| bench.ok(&format!("export map --db {db}")).out;
    assert_eq!(csv("all.duckdb"), csv("whole.duckdb"));
    let complete = bench.json("runs --db all.duckdb");
    assert_eq!(first(&complete)["status"], "complete");
    let said = bench.fails(&format!("{words} --top 2 --shard 0/3 --db x.duckdb"));
    assert!(said.contains("shards are points of a map"), "{said}");
    let said = bench.fails("hessian --run moons --shard 0/3");
    assert!(
        said.contains("--shard has no effect here: it belongs to --map"),
        "{said}"
    );
}

#[test]
fn checkpoints_of_a_path_are_divided_too() {
    let bench = Bench::trained();
    // On other samples than those of the training, so that losses are measured.
    let words = "trajectory --run moons --grid 4x3 --name path --samples 150";
    bench.ok(&format!("{words} --db landscape.duckdb"));
    for k in 0..3 {
        let db = format!("landscape-shard-{k}-of-3.duckdb");
        bench.ok(&format!("{words} --shard {k}/3"));
        let query = "SELECT count(*) FILTER (loss IS NOT NULL), count(*) FROM trajectory_points";
        let rows = bench.json(&format!("sql '{query}' --db {db}"));
        assert_eq!(rows["rows"][0], json!([7, 21]), "{k}");
        // The same again computes nothing, and changes nothing.
        bench.ok(&format!("{words} --shard {k}/3"));
    }
    let said = bench
        .run("merge landscape-shard-0-of-3.duckdb landscape-shard-2-of-3.duckdb --into all.duckdb");
    assert_eq!(said.code, 1, "{}", said.err);
    bench.ok("merge landscape-shard-1-of-3.duckdb --into all.duckdb");
    let of =
        |db: &str, query: &str| bench.json(&format!("sql \'{query}\' --db {db}"))["rows"].clone();
    for query in [
        "SELECT t.label, t.ordinal, t.step, t.x, t.y, t.loss, t.plane_loss FROM trajectory_points t ORDER BY ALL",
        "SELECT p.i, p.j, p.loss FROM points p ORDER BY ALL",
        "SELECT kind, status FROM runs ORDER BY ALL DESC LIMIT 1",
    ] {
        assert_eq!(
            of("all.duckdb", query),
            of("landscape.duckdb", query),
            "{query}"
        );
    }
}

#[test]
fn trainings_of_a_comparison_are_divided_too() {
    let bench = Bench::new();
    let words = "compare --seeds 0..4 --model mlp:2-4-1 --data moons:n=60 --epochs 3 --grid 5 --end-grid 5 --no-curvature \
                 --name seeds";
    let whole = bench.json(&format!("{words} --db whole.duckdb"));
    for k in 0..3 {
        let said = bench.json(&format!("{words} --shard {k}/3"));
        let runs: Vec<String> = (k..4)
            .step_by(3)
            .map(|seed| format!("seeds-seed-{seed}"))
            .collect();
        assert_eq!(
            (&said["runs"], &said["trainings"]),
            (&json!(runs), &json!(4))
        );
    }
    let files =
        "landscape-shard-0-of-3.duckdb landscape-shard-1-of-3.duckdb landscape-shard-2-of-3.duckdb";
    bench.ok(&format!("merge {files} --into all.duckdb"));
    let said = bench.run(&format!("{words} --db all.duckdb"));
    assert!(
        said.err.contains("4 of 4 networks are trained already"),
        "{}",
        said.err
    );
    let ends = |said: &Value| {
        let all = said["trainings"].as_array().unwrap().iter();
        all.map(|one| {
            (
                one["run"].clone(),
                one["loss"].clone(),
                one["accuracy"].clone(),
            )
        })
        .collect::<Vec<_>>()
    };
    let merged = bench.json(&format!("{words} --db all.duckdb"));
    assert_eq!(ends(&merged), ends(&whole));
    let said = bench.fails("compare a b --shard 0/2");
    assert!(said.contains("--shard has no effect here"), "{said}");
}

#[test]
fn several_devices_share_the_points_of_a_shard() {
    let bench = Bench::new();
    for k in 0..2 {
        bench.ok(&format!(
            "{WORDS} --shard {k}/2 --device flex,cpu --db {k}.duckdb"
        ));
        let run = &bench.json(&format!("show plane --db {k}.duckdb"))["run"];
        let devices = run["provenance"]["devices"].as_array().unwrap();
        let points = devices.iter().map(|one| one["points"].as_u64().unwrap());
        assert_eq!(points.sum::<u64>(), 18 - k, "{run}");
        assert!(devices.iter().all(|one| one["failed"].is_null()), "{run}");
    }
    bench.ok("merge 0.duckdb 1.duckdb --into all.duckdb");
    // One device rounds as another does, nearly.
    bench.ok(&format!("{WORDS} --db whole.duckdb"));
    let said = bench.json("merge whole.duckdb --into all.duckdb");
    assert_eq!(
        (&said["runs"][0]["added"], &said["runs"][0]["points"]),
        (&json!(0), &json!(35))
    );
}
