//! Shards put together: what is merged is what one process would have stored.

use crate::support::{Bench, kills_wanted, start};
use serde_json::{Value, json};
use std::thread::sleep;
use std::time::{Duration, Instant};

const WORDS: &str = "surface --model mlp:2-8-4-1 --data moons --grid 9x7 --l2 0.1 --name plane";

/// A bench with the shards of [`WORDS`] as `0.duckdb` to `3.duckdb`, and the whole as `whole.duckdb`.
fn sharded() -> Bench {
    let bench = Bench::new();
    for k in 0..4 {
        bench.ok(&format!("{WORDS} --shard {k}/4 --db {k}.duckdb"));
    }
    bench.ok(&format!("{WORDS} --db whole.duckdb"));
    bench
}

fn csv(bench: &Bench, db: &str) -> String {
    bench.ok(&format!("export plane --db {db}")).out
}

/// Every number of a database, but for times.
fn numbers(bench: &Bench, db: &str) -> Vec<Value> {
    let tables = [
        "SELECT i, j, k, alpha, beta, gamma, loss, loss_se, accuracy, terms, interpolated FROM points ORDER BY ALL",
        "SELECT axis, name, min, max, count FROM axes ORDER BY ALL",
        "SELECT term, name, weight FROM terms ORDER BY ALL",
        "SELECT * EXCLUDE (run_id) FROM directions ORDER BY direction",
        "SELECT part, step, ordinal, name, role, shape, sha256(data) FROM tensors ORDER BY ALL",
        "SELECT name, kind, identity, settings, status FROM runs ORDER BY ALL",
        "SELECT sum(points) FROM contributions",
    ];
    let rows = |query: &&str| bench.json(&format!("sql '{query}' --db {db}"))["rows"].clone();
    tables.iter().map(rows).collect()
}

fn change(bench: &Bench, db: &str, sql: &str) {
    let database = duckdb::Connection::open(bench.path(db)).unwrap();
    database.execute_batch(sql).unwrap();
}

#[test]
fn shards_become_the_whole() {
    let bench = sharded();
    // Three of four: what is missing is told, and drawn as far as it is there.
    let said = bench.run("merge 2.duckdb 0.duckdb 3.duckdb --into all.duckdb");
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(
        said.out
            .contains("plane: 47 of 9x7 points, 47 of them added from 3 files, interrupted"),
        "{}",
        said.out
    );
    assert!(said.out.contains("missing: shards 1/4"), "{}", said.out);
    assert!(
        said.err.contains("plane lacks 16 points, of shards 1/4"),
        "{}",
        said.err
    );
    let listed = bench.ok("runs --db all.duckdb").out;
    assert!(listed.contains("shards 0,2-3/4 done"), "{listed}");
    bench.ok("plot plane --db all.duckdb -o plane.svg");
    // The fourth later on.
    let said = bench.json("merge 1.duckdb --into all.duckdb");
    assert_eq!(said["runs"][0]["added"], 16);
    assert_eq!(said["runs"][0]["status"], "complete");
    assert_eq!(
        numbers(&bench, "all.duckdb"),
        numbers(&bench, "whole.duckdb")
    );
    assert_eq!(csv(&bench, "all.duckdb"), csv(&bench, "whole.duckdb"));
    // Once more: nothing changes.
    let told = |bench: &Bench| {
        let rows = "SELECT * EXCLUDE (writer, owner) FROM runs";
        let of = "SELECT * FROM contributions ORDER BY ordinal";
        [rows, of]
            .map(|query| bench.json(&format!("sql '{query}' --db all.duckdb"))["rows"].clone())
    };
    let before = told(&bench);
    let again = bench.json("merge 0.duckdb 1.duckdb 2.duckdb 3.duckdb --into all.duckdb");
    assert_eq!(
        (&again["runs"][0]["added"], &again["runs"][0]["points"]),
        (&json!(0), &json!(63))
    );
    assert_eq!(told(&bench), before);
    // Who computed what: four sessions, whose points are all points.
    let rows = bench.json("sql 'SELECT count(*), sum(points), count(host), min(device) FROM contributions' --db all.duckdb");
    assert_eq!(rows["rows"][0][0], 4);
    assert_eq!(rows["rows"][0][1], 63);
    assert_eq!(again["runs"][0]["shares"][0]["points"], 63);
    assert_eq!(again["runs"][0]["shares"][0]["sessions"], 4);
}

#[test]
fn a_merged_run_is_continued_and_shards_of_several_divisions_go_together() {
    let bench = sharded();
    for k in [1, 4] {
        bench.ok(&format!("{WORDS} --shard {k}/5 --db five-{k}.duckdb"));
    }
    let said = bench.run("merge 0.duckdb five-1.duckdb five-4.duckdb 2.duckdb --into all.duckdb");
    assert_eq!(said.code, 1);
    assert!(
        said.out
            .contains("divided in 4 and 5 shards by turns, which changes no point"),
        "{}",
        said.out
    );
    assert!(said.err.contains("plane lacks"), "{}", said.err);
    let end = bench.json(&format!("{WORDS} --db all.duckdb"));
    assert_eq!(end["measured"], 63);
    assert!(end["computed"].as_u64().unwrap() < 32);
    assert_eq!(csv(&bench, "all.duckdb"), csv(&bench, "whole.duckdb"));
    let rows = bench.json("sql 'SELECT sum(points) FROM contributions' --db all.duckdb");
    assert_eq!(rows["rows"][0][0], 63);
    // A complete one takes nothing more.
    let said = bench.json("merge 0.duckdb 1.duckdb 2.duckdb 3.duckdb --into all.duckdb");
    assert_eq!(said["runs"][0]["added"], 0);
}

#[test]
fn points_that_disagree_are_refused() {
    let bench = sharded();
    bench.ok(&format!("{WORDS} --shard 1/4 --db other.duckdb"));
    // Another device rounds differently: no disagreement.
    change(
        &bench,
        "other.duckdb",
        "UPDATE points SET loss = loss * (1 + 1e-5)",
    );
    bench.run("merge 1.duckdb other.duckdb --into rounded.duckdb");
    assert_eq!(
        bench
            .run("merge 1.duckdb other.duckdb --into rounded.duckdb")
            .code,
        1
    );
    change(
        &bench,
        "other.duckdb",
        "UPDATE points SET loss = 1.25 * loss WHERE loss = (SELECT max(loss) FROM points)",
    );
    for sources in ["1.duckdb other.duckdb", "other.duckdb 1.duckdb"] {
        let said = bench.run(&format!("merge {sources} --into both.duckdb"));
        assert_eq!(said.code, 2, "{}{}", said.out, said.err);
        let last = sources.split_once(' ').unwrap().1;
        for words in [
            "run `plane`: at [",
            "the loss is",
            &format!("shard 1/4 in `{last}`"),
            "cpu",
            "1 point differ",
        ] {
            assert!(said.err.contains(words), "{words}: {}", said.err);
        }
        let run = bench.json("runs --db both.duckdb");
        assert_eq!(run["runs"][0]["points"], 0, "nothing of it is stored");
    }
    // Against what is merged already, and terms as well.
    bench.run("merge 1.duckdb --into both.duckdb");
    let before = csv(&bench, "both.duckdb");
    assert_eq!(bench.run("merge other.duckdb --into both.duckdb").code, 2);
    change(
        &bench,
        "3.duckdb",
        "UPDATE points SET terms = [2 * terms[1]]",
    );
    let said = bench.run("merge whole.duckdb 3.duckdb --into terms.duckdb");
    assert_eq!(said.code, 2);
    assert!(said.err.contains("the term l2 is"), "{}", said.err);
    change(&bench, "2.duckdb", "UPDATE points SET loss = 'nan'");
    let said = bench.run("merge whole.duckdb 2.duckdb --into nan.duckdb");
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("NaN"), "{}", said.err);
    assert_eq!(csv(&bench, "both.duckdb"), before);
}

#[test]
fn losses_that_are_not_finite_are_merged_as_they_are() {
    let bench = sharded();
    for db in [
        "0.duckdb",
        "1.duckdb",
        "2.duckdb",
        "3.duckdb",
        "whole.duckdb",
    ] {
        change(
            &bench,
            db,
            "UPDATE points SET loss = 'nan', loss_se = NULL WHERE i = 0",
        );
        change(&bench, db, "UPDATE points SET loss = 'inf' WHERE i = 1");
        change(&bench, db, "UPDATE points SET loss = '-inf' WHERE i = 2");
    }
    bench.ok("merge 0.duckdb 1.duckdb 2.duckdb 3.duckdb --into all.duckdb");
    bench.ok("merge whole.duckdb 0.duckdb 1.duckdb --into all.duckdb");
    assert_eq!(csv(&bench, "all.duckdb"), csv(&bench, "whole.duckdb"));
    assert!(
        csv(&bench, "all.duckdb").contains("NaN") && csv(&bench, "all.duckdb").contains("-inf")
    );
}

#[test]
fn shards_of_other_requests_are_refused() {
    let bench = sharded();
    for (name, words) in [
        ("seed", format!("{WORDS} --seed 7")),
        ("grid", WORDS.replace("9x7", "9x9")),
        ("term", WORDS.replace("--l2 0.1", "--l2 0.2")),
        ("range", format!("{WORDS} --range=-2:2")),
        ("kind", WORDS.replace("surface", "line").replace("9x7", "9")),
    ] {
        bench.ok(&format!("{words} --shard 1/4 --db {name}.duckdb"));
        let said = bench.fails(&format!("merge 0.duckdb {name}.duckdb --into all.duckdb"));
        assert!(
            said.contains(&format!(
                "run `plane` in `{name}.duckdb` is of another request than in `0.duckdb`"
            )),
            "{said}"
        );
        let differs = match name {
            "seed" => "directions.each[0].seed is 7, not 42",
            "grid" => "count is 9, not 7",
            "term" => "terms.l2 is 0.2, not 0.1",
            "range" => "is -2.0, not -1.0",
            _ => "it is a line, not a surface",
        };
        assert!(said.contains(differs), "{name}: {said}");
    }
    // The same against what is merged already.
    bench.run("merge 0.duckdb --into all.duckdb");
    let said = bench.fails("merge seed.duckdb --into all.duckdb");
    assert!(
        said.contains("directions.each[0].seed is 7, not 42"),
        "{said}"
    );
    // Shards without a name too, whose names are made up.
    let unnamed = WORDS.replace(" --name plane", "");
    bench.ok(&format!("{unnamed} --shard 0/2 --db a.duckdb"));
    bench.ok(&format!("{unnamed} --seed 8 --shard 1/2 --db b.duckdb"));
    bench.fails("merge a.duckdb b.duckdb --into ab.duckdb");
    bench.run("merge a.duckdb --into ab.duckdb");
    bench.fails("merge b.duckdb --into ab.duckdb");
    // Another algorithm is another request: its settings say so.
    change(
        &bench,
        "1.duckdb",
        "UPDATE runs SET settings = json_merge_patch(settings, '{\"algorithm\": 2}'), identity = 'x'",
    );
    let said = bench.fails("merge 0.duckdb 1.duckdb --into new.duckdb");
    assert!(said.contains("algorithm is 2, not"), "{said}");
}

#[test]
fn runs_that_one_database_has_are_copied_whole() {
    let bench = Bench::trained();
    bench.ok("surface --run moons --grid 5 --name plane --shard 0/2 --db 0.duckdb");
    bench.ok("surface --run moons --grid 5 --name plane --shard 1/2 --db 1.duckdb");
    bench.ok("hessian --run moons --top 2 --bottom 1 --trace --density --name curvature");
    bench.ok("trajectory --run moons --grid 5 --name path");
    let said = bench
        .ok("merge landscape.duckdb 0.duckdb 1.duckdb --into all.duckdb")
        .out;
    assert!(said.contains("moons: train of 1 file, complete"), "{said}");
    let tables = [
        "SELECT name, r.* EXCLUDE (run_id) FROM records r JOIN runs USING (run_id) ORDER BY ALL",
        "SELECT name, step, base, coding, sha256(data) FROM deltas JOIN runs USING (run_id) ORDER BY ALL",
        "SELECT r.name, e.* EXCLUDE (run_id) FROM eigenvalues e JOIN runs r USING (run_id) ORDER BY ALL",
        "SELECT r.name, e.side, e.rank, e.name, sha256(e.data) FROM eigenvectors e JOIN runs r USING (run_id) ORDER BY ALL",
        "SELECT name, t.* EXCLUDE (run_id) FROM traces t JOIN runs USING (run_id) ORDER BY ALL",
        "SELECT name, t.* EXCLUDE (run_id) FROM trajectory_points t JOIN runs USING (run_id) ORDER BY ALL",
        "SELECT name, i, j, loss FROM points JOIN runs USING (run_id) WHERE name = 'path' ORDER BY ALL",
        "SELECT name, kind, identity, status FROM runs WHERE name <> 'plane' ORDER BY ALL",
    ];
    for query in tables {
        let query = query.replace('\'', "''''");
        let query = query.replace("''''", "'");
        let rows = |db: &str| {
            let mut command = bench.command("sql");
            let output = command
                .args([query.as_str(), "--db", db, "--json"])
                .output()
                .unwrap();
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            String::from_utf8(output.stdout).unwrap()
        };
        assert_eq!(rows("all.duckdb"), rows("landscape.duckdb"), "{query}");
    }
    // They go on as any other: nothing is computed again.
    let again = bench.json("surface --run moons --grid 5 --name plane --db all.duckdb");
    assert_eq!(again["computed"], 0);
    let again = bench.json("train --model mlp:2-8-4-1 --data moons --epochs 20 --optimizer adam --name moons --db all.duckdb");
    assert_eq!(again["run"], "moons");
}

#[test]
fn a_name_that_was_made_up_becomes_another_where_it_is_taken() {
    let bench = Bench::new();
    bench.ok("line --model mlp:2-8-1 --data moons --grid 5");
    bench.ok("line --model mlp:2-8-1 --data moons --grid 7 --db other.duckdb");
    bench.ok("merge other.duckdb --into landscape.duckdb");
    let names: Vec<Value> = bench.json("runs")["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["name"].clone())
        .collect();
    assert_eq!(names, ["line-1", "line-2"]);
    bench.ok("merge other.duckdb --into landscape.duckdb");
    assert_eq!(bench.json("runs")["runs"].as_array().unwrap().len(), 2);
    // So do two that are merged at once.
    bench.ok("line --model mlp:2-8-1 --data moons --grid 9 --db third.duckdb");
    bench.ok("merge other.duckdb third.duckdb --into both.duckdb");
    let runs = bench.json("runs --db both.duckdb");
    assert_eq!(
        (&runs["runs"][0]["name"], &runs["runs"][1]["name"]),
        (&json!("line-1"), &json!("line-2"))
    );
}

#[test]
fn files_that_cannot_be_merged_are_told() {
    let bench = sharded();
    let whole = std::fs::read(bench.path("1.duckdb")).unwrap();
    bench.write("short.duckdb", &whole[..whole.len() / 2]);
    bench.write("head.duckdb", &whole[..4096]);
    bench.write("text.duckdb", "not a database");
    bench.write("empty.duckdb", "");
    bench.write("newer.duckdb", &whole);
    change(
        &bench,
        "newer.duckdb",
        "UPDATE meta SET value = '99' WHERE key = 'schema_version'",
    );
    change(&bench, "other.duckdb", "CREATE TABLE meta (a INTEGER)");
    bench.ok("runs --db 0.duckdb");
    for (files, message) in [
        ("newer.duckdb", "`newer.duckdb` has schema version 99"),
        ("other.duckdb", "`other.duckdb`"),
        ("none.duckdb", "there is no database `none.duckdb` to merge"),
        ("short.duckdb", "short.duckdb"),
        ("head.duckdb", "head.duckdb"),
        ("text.duckdb", "`text.duckdb` is not a DuckDB database"),
        ("empty.duckdb", "`empty.duckdb`"),
    ] {
        let said = bench.fails(&format!("merge 0.duckdb {files} --into all.duckdb"));
        assert!(said.contains(message), "{files}: {said}");
    }
    let said = bench.fails("merge 0.duckdb 1.duckdb --into 1.duckdb");
    assert!(
        said.contains("`1.duckdb` is what the others are merged into"),
        "{said}"
    );
    bench.fails("merge --into all.duckdb");
    bench.fails("merge 0.duckdb");
    // Twice the same file: read once.
    let said = bench.run("merge 0.duckdb ./0.duckdb --into all.duckdb");
    assert_eq!(said.code, 1);
    assert!(
        said.err
            .contains("warning: `./0.duckdb` is given twice, and read once"),
        "{}",
        said.err
    );
}

#[test]
fn a_file_that_is_open_elsewhere_is_told() {
    let bench = sharded();
    let open = duckdb::Connection::open(bench.path("1.duckdb")).unwrap();
    // Not `fails`: reading the file would give up the lock of this process.
    let said = bench.run("merge 0.duckdb 1.duckdb --into all.duckdb");
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(
        said.err.contains("`1.duckdb` is still in use by"),
        "{}",
        said.err
    );
    assert!(!bench.path("all.duckdb").exists());
    drop(open);
    bench.ok("merge 0.duckdb 1.duckdb 2.duckdb 3.duckdb --into all.duckdb");
}

#[test]
fn two_merges_at_once_lose_nothing() {
    let bench = sharded();
    for round in 0..3 {
        let into = format!("all-{round}.duckdb");
        let mut both = ["0.duckdb 1.duckdb", "2.duckdb 3.duckdb"]
            .map(|files| start(&bench, &format!("merge {files} --into {into}")));
        for child in &mut both {
            let code = child.wait().unwrap().code();
            assert!(matches!(code, Some(0..=2)), "{code:?}");
        }
        bench.ok(&format!(
            "merge 0.duckdb 1.duckdb 2.duckdb 3.duckdb --into {into}"
        ));
        assert_eq!(numbers(&bench, &into), numbers(&bench, "whole.duckdb"));
    }
}

/// Killed at any moment, and run again until it ends, it leaves what an undisturbed one does.
#[test]
fn a_merge_that_is_killed_goes_on() {
    let bench = Bench::new();
    const LARGE: &str = "surface --model mlp:2-8-1 --data moons:n=20 --grid 301 --name plane";
    let mut files = String::new();
    for k in 0..12 {
        bench.ok(&format!("{LARGE} --shard {k}/12 --db {k}.duckdb"));
        files += &format!(" {k}.duckdb");
    }
    bench.ok(&format!("merge{files} --into calm.duckdb"));
    let expected = numbers(&bench, "calm.duckdb");
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let (mut kills, mut round) = (0, 0);
    while kills < kills_wanted() {
        round += 1;
        let words = format!("merge{files} --into killed-{round}.duckdb");
        for _ in 0..6 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let mut child = start(&bench, &words);
            sleep(Duration::from_millis(random % 700));
            kills += usize::from(child.try_wait().unwrap().is_none());
            child.kill().unwrap();
            child.wait().unwrap();
        }
        bench.ok(&words);
        assert_eq!(numbers(&bench, &format!("killed-{round}.duckdb")), expected);
        assert!(round < 40, "it ends too soon to be killed");
    }
}

/// Workers that are killed at random and started again: merged, they are what one undisturbed process stores, bit for bit.
#[test]
fn workers_that_are_killed_end_the_same() {
    const LONG: &str = "surface --model mlp:2-8-4-1 --data moons:n=20000 --grid 121x81 --threads 1 --batch 5 --name plane";
    let bench = Bench::new();
    let began = Instant::now();
    bench.ok(&format!("{LONG} --db whole.duckdb"));
    let whole = began.elapsed();
    let expected = numbers(&bench, "whole.duckdb");
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let (mut kills, mut round) = (0, 0);
    while kills < 3 * kills_wanted() / 5 {
        round += 1;
        assert!(round < 20, "they end too soon to be killed");
        let files = [0, 1].map(|k| format!("{round}-{k}.duckdb"));
        let worker = |k: usize| start(&bench, &format!("{LONG} --shard {k}/2 --db {}", files[k]));
        let mut workers = [0, 1].map(worker);
        for turn in 0..20 {
            if workers
                .iter_mut()
                .all(|one| one.try_wait().unwrap().is_some())
            {
                break;
            }
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            // A worker takes about half of what the whole does, or all of it where there is one core.
            sleep(whole.mul_f64(0.02 + 0.3 * (random % 1000) as f64 / 1000.0));
            let k = turn % 2;
            if workers[k].try_wait().unwrap().is_none() {
                kills += 1;
                workers[k].kill().unwrap();
                workers[k].wait().unwrap();
                workers[k] = worker(k);
            }
        }
        workers
            .iter_mut()
            .for_each(|worker| assert!(worker.wait().unwrap().success()));
        let all = format!("all-{round}.duckdb");
        bench.ok(&format!("merge {} {} --into {all}", files[0], files[1]));
        assert_eq!(numbers(&bench, &all), expected);
    }
}
