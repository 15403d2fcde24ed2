//! Trainings and landscapes side by side.

use crate::support::Bench;
use serde_json::Value;

const MOONS: &str = "--model mlp:2-6-1 --data moons:n=60 --epochs 8 --batch 16 --lr 0.1";
const SMALL: &str = "--grid 9 --end-grid 7";

fn float(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

#[test]
fn optimizers_are_ordinary_runs_on_one_plane() {
    let bench = Bench::new();
    let words = format!(
        "compare --optimizers sgd,momentum=0.02,adam=0.01 {MOONS} {SMALL} --name o --log -o o.svg"
    );
    let said = bench.json(&words);
    assert_eq!(
        (&said["factor"], &said["run"]),
        (&"optimiser".into(), &"o".into())
    );
    let rows = list(&said["trainings"]);
    let labels: Vec<&str> = rows.iter().map(|r| r["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["sgd", "momentum", "adam"]);
    for row in rows {
        assert_eq!(row["first_loss"], rows[0]["first_loss"], "one start");
        assert_eq!(
            (&row["parameters"], &row["steps"]),
            (&25.into(), &32.into())
        );
        assert_eq!(row["lambda_max"]["converged"], true);
        assert!(float(&row["sharpness"]) > 0.0);
        assert!(float(&row["convexity"]) <= 1.0 && float(&row["basin_width"]) > 0.0);
        assert!(float(&row["loss_se"]) > 0.0);
        let name = row["run"].as_str().unwrap();
        let told = bench.json(&format!("diagnose {name} --no-curvature"));
        assert_eq!(row["diagnosis"], told["diagnoses"][0]);
        // The figures are those of the runs that are named.
        let end = row["end"].as_str().unwrap();
        let metrics = &bench.json(&format!("metrics {end}"))["metrics"];
        assert_eq!(row["convexity"], metrics["convexity"]);
        let run = row["curvature"].as_str().unwrap();
        let shown = bench.ok(&format!(
            "export {run} --curvature eigenvalues --format json -q"
        ));
        let value = row["lambda_max"]["value"].to_string();
        assert!(shown.out.contains(&value), "{value}\n{}", shown.out);
    }
    for file in ["o.svg", "o-ends.svg", "o-losses.svg"] {
        let text = bench.read(file);
        assert!(
            ["sgd", "momentum", "adam"]
                .iter()
                .all(|name| text.contains(name)),
            "{file}"
        );
    }
    assert!(bench.read("o.svg").contains("common start"));
    // The same training by itself is the same run.
    let alone = format!(
        "train {} --optimizer adam --name o-adam",
        MOONS.replace("0.1", "0.01")
    );
    let said = bench.ok(&alone);
    assert!(said.err.contains("trained already"), "{}", said.err);
}

#[test]
fn what_was_compared_is_not_computed_again() {
    let bench = Bench::new();
    let words = format!("compare --seeds 0..3 {MOONS} {SMALL} --name s");
    let first = bench.json(&words);
    let count = "sql 'SELECT count(*) FROM runs'";
    let runs = bench.json(count)["rows"][0][0].clone();
    assert_eq!(runs, 1 + 3 * 3);
    let said = bench.ok(&words);
    assert!(
        said.err.contains("3 of 3 networks are trained already"),
        "{}",
        said.err
    );
    assert!(float(&first["trainings"][0]["seconds"]) > 0.0);
    assert_eq!(bench.json(&words), first);
    assert_eq!(bench.json(count)["rows"][0][0], runs);
    let again = bench.json(&format!("{words} --force"));
    assert!(
        float(&again["trainings"][0]["seconds"]) > 0.0,
        "--force trains anew"
    );
    assert_eq!(again["trainings"][2]["loss"], first["trainings"][2]["loss"]);
}

#[test]
fn a_study_that_was_cut_short_goes_on() {
    let bench = Bench::new();
    // What a kill after the first training leaves.
    bench.ok(&format!("train {MOONS} --seed 1 --name s-seed-1"));
    let said = bench.ok(&format!("compare --seeds 1..3 {MOONS} {SMALL} --name s"));
    assert!(
        said.err.contains("1 of 2 networks are trained already"),
        "{}",
        said.err
    );
    // And numbers do not depend on the threads.
    let other = Bench::new();
    let rows = |said: Value| {
        let mut rows = said["trainings"].clone();
        for row in rows.as_array_mut().unwrap() {
            row["seconds"] = Value::Null;
        }
        rows
    };
    let one = other.json(&format!(
        "compare --seeds 1..3 {MOONS} {SMALL} --name s --threads 1"
    ));
    let two = bench.json(&format!(
        "compare --seeds 1..3 {MOONS} {SMALL} --name s --threads 2"
    ));
    assert_eq!(rows(one), rows(two));
}

#[test]
fn statistics_are_those_of_the_final_losses() {
    let bench = Bench::new();
    let said = bench.json(&format!(
        "compare --seeds 0..=4 {MOONS} {SMALL} --no-curvature"
    ));
    let losses: Vec<f64> = list(&said["trainings"])
        .iter()
        .map(|r| float(&r["loss"]))
        .collect();
    let mean = losses.iter().sum::<f64>() / 5.0;
    let variance = losses.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / 4.0;
    let s = &said["statistics"];
    let near = |name: &str, value: f64| assert!((float(&s[name]) - value).abs() < 1e-12, "{name}");
    near("mean", mean);
    near("std", variance.sqrt());
    near("standard_error", (variance / 5.0).sqrt());
    assert_eq!((&s["count"], &s["diverged"]), (&5.into(), &0.into()));
    assert_eq!(said["run"], "seeds", "a name is made up");
    assert!(said["trainings"][0]["lambda_max"].is_null());
}

#[test]
fn widths_have_planes_of_their_own() {
    let bench = Bench::new();
    let words = format!("compare --widths 2,5 {MOONS} {SMALL} --name w -o w.svg -o w.html");
    let said = bench.json(&words);
    assert!(said["run"].is_null() && said["explained_variance"].is_null());
    let models: Vec<&str> = { list(&said["trainings"]).iter() }
        .map(|row| row["model"].as_str().unwrap())
        .collect();
    assert_eq!(models, ["mlp:2-2-1", "mlp:2-5-1"]);
    assert_eq!(
        said["files"],
        serde_json::json!(["w.svg", "w-losses.svg", "w.html"])
    );
    assert!(bench.read("w.svg").contains("width 5"));
    assert!(bench.read("w.html").contains("w-width-5-end"));
}

#[test]
fn learning_rates_are_compared_on_full_batches() {
    let bench = Bench::new();
    let data = "--model mlp:2-4-1 --data moons:n=40 --epochs 3";
    let fast = "--grid 5 --end-grid 5 --no-curvature";
    let words = format!("compare --lrs 0.1,0.5 --batch full {data} {fast} --name r");
    let said = bench.json(&words);
    assert_eq!(said["factor"], "learning rate");
    let rows = list(&said["trainings"]);
    let named = rows
        .iter()
        .map(|row| (&row["label"], &row["run"], &row["steps"]));
    let wanted = [("lr 0.1", "r-lr-0.1"), ("lr 0.5", "r-lr-0.5")];
    for ((label, run, steps), (name, stored)) in named.zip(wanted) {
        assert_eq!(
            (label, run, steps),
            (&name.into(), &stored.into(), &3.into())
        );
    }
    assert_eq!(rows[0]["first_loss"], rows[1]["first_loss"], "one start");
    assert!(rows[0]["loss"] != rows[1]["loss"]);
    // A full batch is one of all samples, and the same training by itself the same run.
    for batch in ["40", "full"] {
        let again = bench.ok(&format!(
            "train {data} --lr 0.5 --batch {batch} --name r-lr-0.5"
        ));
        assert!(again.err.contains("trained already"), "{}", again.err);
    }
    let sizes = format!("compare --batch-sizes 8,full {data} {fast} --lr 0.5 --name b");
    let sizes = bench.json(&sizes);
    assert_eq!(sizes["trainings"][1]["label"], "batch size 40");
    assert_eq!(sizes["trainings"][1]["loss"], rows[1]["loss"]);
    let optimizers =
        format!("compare --optimizers sgd=0.1,sgd=0.5,adam {data} {fast} --batch full --name o");
    let several = bench.json(&optimizers);
    let labels = list(&several["trainings"]).iter().map(|row| &row["label"]);
    assert_eq!(labels.collect::<Vec<_>>(), ["sgd 0.1", "sgd 0.5", "adam"]);
    assert_eq!(several["trainings"][1]["loss"], rows[1]["loss"]);
    for (wrong, expected) in [
        (
            "compare --lrs 0.1,0.5 --lr 0.2",
            "--lrs names that of each training",
        ),
        ("compare --lrs 0.1,0.1", "`lr 0.1` is given twice"),
        ("compare --lrs 0.1", "at least two"),
        ("compare --lrs 0.1,-1", "positive"),
        (
            "compare --optimizers sgd=0.1,sgd=0.1",
            "`sgd 0.1` is given twice",
        ),
        ("compare --lrs 0.1,0.5 --seeds 0..2", "--seeds"),
        ("train --batch all", "full"),
    ] {
        let said = bench.fails(&format!("{wrong} {data}"));
        assert!(said.contains(expected), "{wrong}: {said}");
    }
}

#[test]
fn the_parts_of_a_comparison_are_listed_together() {
    let bench = Bench::new();
    let fast = "--grid 5 --end-grid 5 --no-curvature";
    let words = format!("compare --seeds 0..2 {MOONS} {fast} --name s");
    bench.ok(&words);
    bench.ok(&format!("train {MOONS} --name other"));
    bench.ok(&format!("{} --force", words.replace("0..2", "1..3")));
    let names = |line: &str| line.split_whitespace().nth(1).unwrap().to_owned();
    let text = bench.ok("runs").out;
    let listed: Vec<String> = text.lines().skip(1).map(names).collect();
    let parts = ["s-seed-0", "s-seed-1", "s-seed-2"];
    let place = |name: &str| listed.iter().position(|listed| listed == name).unwrap();
    assert!(parts.iter().all(|part| place(part) > place("s")), "{text}");
    assert!(
        place("other") < place("s") || place("other") > place("s-seed-2-end"),
        "{text}"
    );
    assert!(text.contains("  s-seed-1 "), "{text}");
    let runs = bench.json("runs");
    for run in list(&runs["runs"]) {
        let part = run["name"].as_str().unwrap().starts_with("s-");
        let wanted = if part { Value::from("s") } else { Value::Null };
        assert_eq!(run["comparison"], wanted, "{run}");
    }
    // Without the run of the plane they stand below the name of the comparison.
    let only = bench.ok("runs --kind train").out;
    assert!(
        only.contains("comparison") && only.contains("3 runs"),
        "{only}"
    );
}

#[test]
fn a_training_that_diverges_is_a_row() {
    let bench = Bench::new();
    let words =
        format!("compare --optimizers sgd,momentum=1e9 {MOONS} {SMALL} --loss mse --name d");
    let said = bench.json(&words);
    let rows = list(&said["trainings"]);
    assert_eq!(rows[1]["fate"], "diverged");
    // Records are those of every fourth step: the first epoch ends where nothing is left.
    assert_eq!(
        (&rows[0]["diverged_at"], &rows[1]["diverged_at"]),
        (&Value::Null, &4.into())
    );
    let words = bench.ok(&words).out;
    assert!(words.contains("momentum (diverged at step 4)"), "{words}");
    assert!(rows[1]["lambda_max"].is_null() && rows[1]["end"].is_null());
    // The joint plane is that of the path that stays.
    assert!(rows[0]["end"].is_string());
    assert_eq!(said["run"], "d");
}

#[test]
fn stored_trainings_are_compared() {
    let bench = Bench::trained();
    bench.ok("train --model mlp:2-8-4-1 --data moons --epochs 5 --lr 0.1 --name sgd");
    let said = bench.json(&format!(
        "compare moons sgd {SMALL} --name both -o both.png"
    ));
    assert_eq!(said["run"], "both");
    let labels: Vec<&Value> = list(&said["trainings"])
        .iter()
        .map(|r| &r["label"])
        .collect();
    assert_eq!(labels, ["moons", "sgd"]);
    assert!(list(&said["explained_variance"]).len() == 2);
    assert_eq!(
        said["files"],
        serde_json::json!(["both.png", "both-ends.png", "both-losses.png"])
    );
    bench.ok("train --model mlp:2-8-4-1 --data moons:noise=0.3 --epochs 2 --name noisy");
    bench.ok("surface --run sgd --grid 5 --name plane");
    let other = bench.fails("compare moons noisy");
    assert!(
        other.contains("`moons` and `noisy` were trained on other data"),
        "{other}"
    );
    let kinds = bench.fails("compare moons plane");
    assert!(
        kinds.contains("`moons` is a train and `plane` is a surface"),
        "{kinds}"
    );
    let tolerance = bench.fails("compare moons sgd --tolerance 0.1");
    assert!(
        tolerance.contains("--tolerance compares landscapes"),
        "{tolerance}"
    );
}

/// Points that are not measured, or interpolated, are told beside the figures of the others.
#[test]
fn landscapes_in_part_are_told() {
    let bench = Bench::trained();
    bench.ok("surface --run moons --grid 9 --name whole");
    bench.ok("surface --run moons --grid 51 --adaptive 0.02 --name adaptive");
    let table = bench.ok("export whole").out;
    let rows: Vec<&str> = table.lines().take(1 + 70).collect();
    std::fs::write(bench.path("part.csv"), rows.join("\n")).unwrap();
    bench.ok("import part.csv --name part");
    let row = |said: &str, name: &str| -> Vec<String> {
        let line = said.lines().find(|line| line.starts_with(name));
        let line = line.unwrap_or_default().trim_start_matches(name);
        line.split_whitespace().map(str::to_owned).collect()
    };
    let said = bench.ok("compare whole part").out;
    assert_eq!(row(&said, "not measured"), ["0", "2"], "{said}");
    assert!(row(&said, "interpolated").is_empty(), "{said}");
    let said = bench.ok("compare whole adaptive").out;
    assert!(row(&said, "not measured").is_empty(), "{said}");
    let [whole, adaptive] = row(&said, "interpolated").try_into().unwrap();
    assert!(whole == "0" && adaptive != "0", "{said}");
}

#[test]
fn landscapes_are_compared_point_by_point() {
    let bench = Bench::trained();
    bench.ok("surface --run moons --grid 7 --name a");
    bench.ok("surface --run moons --grid 7 --device flex --name b --force");
    bench.ok("surface --run moons --grid 7 --seed 7 --name c");
    bench.ok("surface --run moons --grid 5 --name d");
    bench.ok("surface --run moons --grid 7 --samples 150 --name part");
    let said = bench.json("compare a part -o both.svg");
    let metrics = bench.json("metrics a")["metrics"].clone();
    assert_eq!(said["landscapes"][0]["metrics"], metrics);
    let gap = &said["differences"][0];
    let rows = |name: &str| {
        let query =
            format!("sql 'SELECT loss FROM landscape WHERE run = $${name}$$ ORDER BY i, j'");
        let rows = bench.json(&query)["rows"].clone();
        list(&rows)
            .iter()
            .map(|row| float(&row[0]))
            .collect::<Vec<_>>()
    };
    let gaps: Vec<f64> = rows("a")
        .iter()
        .zip(rows("part"))
        .map(|(a, part)| (a - part).abs())
        .collect();
    let max = gaps.iter().copied().fold(0.0, f64::max);
    assert!((float(&gap["max"]) - max).abs() < 1e-12);
    assert!((float(&gap["mean"]) - gaps.iter().sum::<f64>() / 49.0).abs() < 1e-12);
    assert!((float(&gap["share"]) - max / float(&metrics["range"])).abs() < 1e-12);
    assert!(bench.read("both.svg").contains(">part<"));
    // Another grid has no differences, and nothing to hold a tolerance against.
    assert!(list(&bench.json("compare a d")["differences"]).is_empty());
    let grids = bench.fails("compare a d --tolerance 0.1");
    assert!(grids.contains("different grids"), "{grids}");
    let agree = bench.json("compare a b --tolerance 1e-4");
    assert_eq!(agree["within_tolerance"], true);
    let said = bench.run("compare a c --tolerance 1e-4");
    assert_eq!(said.code, 1, "the condition does not hold");
    assert!(said.err.contains("`a` and `c` differ by"), "{}", said.err);
    assert!(said.err.contains("their directions differ"), "{}", said.err);
}

#[test]
fn planes_that_have_nothing_to_do_with_each_other_have_no_largest_difference() {
    let bench = Bench::trained();
    bench.ok("train --model mlp:2-8-4-1 --data moons --epochs 2 --seed 9 --name second");
    bench.ok("surface --run moons --grid 7 --name a");
    bench.ok("surface --run moons --grid 7 --samples 50 --name half");
    bench.ok("surface --run moons --grid 7 --seed 7 --name directions");
    bench.ok("surface --run second --grid 7 --name origin");
    bench.ok("export a -o a.npz --format npz");
    bench.ok("import a.npz --name imported");
    for (other, same, why) in [
        ("half", Some(true), ""),
        ("directions", Some(false), "their directions differ"),
        ("origin", Some(false), "their origins differ"),
        ("imported", None, "is not known"),
    ] {
        let said = bench.json(&format!("compare a {other}"));
        let gap = &said["differences"][0];
        assert_eq!(gap["same_plane"].as_bool(), same, "{other} {gap}");
        for figure in ["max", "mean", "rms", "share"] {
            assert_eq!(gap[figure].is_null(), same == Some(false), "{other} {gap}");
        }
        assert!(
            gap["why"].as_str().unwrap_or_default().contains(why),
            "{gap}"
        );
        let words = bench.ok(&format!("compare a {other}")).out;
        let compared = words.contains("largest difference");
        assert_eq!(compared, same != Some(false), "{words}");
        assert!(words.contains(why), "{words}");
        for part in [
            "hard to train",
            "loss at the origin",
            " +- ",
            "accuracy there",
        ] {
            assert!(words.contains(part), "{part}: {words}");
        }
    }
    let origin = &bench.json("compare a half")["landscapes"][0];
    let at = "SELECT loss, loss_se, accuracy FROM landscape WHERE run = $$a$$ AND i = 3 AND j = 3";
    let row = bench.json(&format!("sql '{at}'"))["rows"][0].clone();
    assert_eq!(
        row,
        serde_json::json!([origin["loss"], origin["loss_se"], origin["accuracy"]])
    );
    let told = bench.json("diagnose a --no-curvature")["diagnoses"][0]["difficulty"].clone();
    assert_eq!(origin["difficulty"][0]["verdict"], told["verdict"]);
}

#[test]
fn wrong_input_says_what_and_the_remedy() {
    let bench = Bench::new();
    let says = |words: &str, parts: &[&str]| {
        let message = bench.fails(words);
        for part in parts {
            assert!(message.contains(part), "{words}: {message}");
        }
    };
    let with = |words: &str| format!("compare {words} {MOONS}");
    says(
        &with("--optimizers sgd,adagrad"),
        &["unknown optimizer `adagrad`", "adamw"],
    );
    says(
        &with("--optimizers sgd,adam=fast"),
        &["`fast` is not a learning rate", "adam=0.001"],
    );
    says(
        &with("--optimizers sgd,adam=-1"),
        &["lr is -1", "it must be positive"],
    );
    says(
        &with("--optimizers sgd,sgd=0.1"),
        &["`sgd 0.1` is given twice"],
    );
    says(
        &with("--optimizers sgd"),
        &["at least two", "--optimizers sgd,adam"],
    );
    says(
        &with("--seeds 5..5"),
        &["the range `5..5` is empty", "0..10"],
    );
    says(&with("--seeds five"), &["`five` names no seeds"]);
    says(&with("--seeds 0..99999999"), &["more than 10000 seeds"]);
    says(
        &with("--seeds 0..30 -o all.svg"),
        &["cannot tell 30 trainings apart"],
    );
    says(&with("--widths 0,8"), &["cannot have the width 0"]);
    says(&with("--batch-sizes 0,8"), &["batch is 0"]);
    says(
        &with("--seeds 0..2 -o all.jpg"),
        &["not an .svg, .pdf, .png, .tex or .html file"],
    );
    says(&with("--seeds 0..2 --widths 2,3"), &["cannot be used with"]);
    says(&with("--seeds 0..2 --grid 0"), &["at least 1"]);
    says(
        "compare --widths 2,8 --model resnet20 --data moons",
        &["resnet20 cannot be made wider"],
    );
    says("compare --seeds 0..2 --data moons", &["--model is missing"]);
    says(
        "compare --seeds 0..2 --model mlp:2-4-1",
        &["--data is missing"],
    );
    says("compare", &["what to compare is missing", "--optimizers"]);
    says("compare moons", &["cannot be compared with itself"]);
    says("compare moons sgd", &["landscape.duckdb"]);
    says(
        "compare moons sgd --model mlp:2-4-1",
        &["cannot be used with"],
    );
    let bench = Bench::trained();
    assert!(
        bench
            .fails("compare moons moons")
            .contains("`moons` is named twice")
    );
    assert!(bench.fails("compare moons none").contains("none"));
    // A name that belongs to something else is left alone.
    bench.ok(&format!("train {MOONS} --name s-seed-1"));
    let taken = bench.run(&format!("compare --seeds 0..2 {MOONS} --name s"));
    assert_eq!(taken.code, 2);
    assert!(taken.err.contains("s-seed-1"), "{}", taken.err);
    assert_eq!(
        list(&bench.json("runs")["runs"]).len(),
        2,
        "no run was begun"
    );
}

/// What comes when a training diverges does not set the scale of the others.
#[test]
fn the_joint_plane_ends_where_a_training_diverges() {
    let bench = Bench::new();
    let said = bench.ok(
        "compare --lrs 0.05,1e6 --loss mse --model mlp:2-6-4-1 --data moons:n=40 --epochs 4 --every 1 --grid 5 --end-grid 3 \
         --no-curvature --name rates",
    );
    let told = "diverged: the joint plane has its path before step 1";
    assert!(said.err.contains(told), "{}", said.err);
}
