//! Adaptive sampling in rounds: shards of a round, merged, and the next one.

use crate::support::Bench;
use serde_json::{Value, json};

const WORDS: &str =
    "surface --model mlp:2-8-4-1 --data moons --grid 21 --adaptive 0.02 --name plane";

/// Every number of the points, and how the run ended.
fn numbers(bench: &Bench, db: &str) -> [Value; 2] {
    [
        "SELECT i, j, alpha, beta, loss, loss_se, accuracy, interpolated FROM points ORDER BY ALL",
        "SELECT name, kind, identity, settings, status FROM runs",
    ]
    .map(|query| bench.json(&format!("sql '{query}' --db {db}"))["rows"].clone())
}

#[test]
fn rounds_of_shards_end_as_the_whole_does() {
    let bench = Bench::new();
    let whole = bench.json(&format!("{WORDS} --db whole.duckdb"));
    let measured = whole["measured"].as_u64().unwrap();
    assert!(measured < 441, "something is interpolated: {measured}");
    let shard = |k: usize| bench.ok(&format!("{WORDS} --shard {k}/2"));
    let files = "landscape-shard-0-of-2.duckdb landscape-shard-1-of-2.duckdb";
    let merge = |files: &str| bench.run(&format!("merge {files} --into landscape.duckdb"));
    // Half of the first round: what it lacks, and which shard has it, is told.
    let said = shard(0);
    assert!(
        said.err
            .contains("a round of 81 points is measured in shards"),
        "{}",
        said.err
    );
    let said = merge("landscape-shard-0-of-2.duckdb");
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(
        said.err.contains("plane lacks 40 points, of shards 1/2"),
        "{}",
        said.err
    );
    assert!(
        said.out.contains("its round of 81 points lacks 40"),
        "{}",
        said.out
    );
    // The same shard again has nothing to do, though the other one is not there yet.
    assert_eq!(bench.json(&format!("{WORDS} --shard 0/2"))["computed"], 0);
    let mut rounds = 0;
    loop {
        rounds += 1;
        assert!(rounds < 30, "it comes to an end");
        (0..2).for_each(|k| drop(shard(k)));
        let said = merge(files);
        match said.code {
            0 => break,
            _ => assert!(
                said.err.contains("plane goes on with a round of"),
                "{}",
                said.err
            ),
        }
    }
    assert!(rounds > 1);
    assert_eq!(
        numbers(&bench, "landscape.duckdb"),
        numbers(&bench, "whole.duckdb")
    );
    let points = "SELECT sum(points), count(*) FROM contributions";
    let points = bench.json(&format!("sql '{points}' --db landscape.duckdb"));
    assert_eq!(points["rows"][0], json!([measured, 2]));
    // Nothing is left to do, for a shard, a merge and the whole.
    let said = shard(1);
    assert!(
        said.err.contains("nothing more is to be measured"),
        "{}",
        said.err
    );
    assert_eq!(merge(files).code, 0);
    assert_eq!(bench.json(WORDS)["computed"], 0);
}

#[test]
fn a_run_in_rounds_is_ended_by_one_process() {
    let bench = Bench::new();
    bench.ok(&format!("{WORDS} --db whole.duckdb"));
    bench.ok(&format!("{WORDS} --shard 0/1"));
    assert_eq!(
        bench
            .run("merge landscape-shard-0-of-1.duckdb --into landscape.duckdb")
            .code,
        1
    );
    let known = bench.json("runs")["runs"][0]["points"].as_u64().unwrap();
    assert_eq!(bench.json(WORDS)["stored_before"], known);
    assert_eq!(
        numbers(&bench, "landscape.duckdb"),
        numbers(&bench, "whole.duckdb")
    );
}
