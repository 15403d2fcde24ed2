use crate::support::Bench;

/// Rows of a CSV file without its header.
fn rows(csv: &str) -> Vec<Vec<String>> {
    let row = |line: &str| line.split(',').map(str::to_owned).collect();
    csv.lines().skip(1).map(row).collect()
}

#[test]
fn csv_has_the_fixed_header_and_grid_order() {
    let bench = Bench::trained();
    bench.ok("line --run moons --grid 5 --name line");
    bench.ok("surface --run moons --grid 4x3 --range=-1:1,-0.5:2 --name plane");
    bench.ok("volume --run moons --grid 2x3x2 --name cube");
    let csv = bench.ok("export line --format csv").out;
    assert!(
        csv.starts_with("i,alpha,loss,loss_se,accuracy\n0,-1"),
        "{csv}"
    );
    let csv = bench.ok("export plane").out;
    assert!(
        csv.starts_with("i,j,alpha,beta,loss,loss_se,accuracy\n"),
        "{csv}"
    );
    let rows = rows(&csv);
    assert_eq!(rows.len(), 12);
    for (flat, row) in rows.iter().enumerate() {
        assert_eq!(row[0], (flat / 3).to_string());
        assert_eq!(row[1], (flat % 3).to_string());
    }
    assert_eq!(rows[0][3].parse::<f64>().unwrap(), -0.5);
    assert_eq!(rows[2][3].parse::<f64>().unwrap(), 2.0);
    let csv = bench.ok("export cube").out;
    assert!(
        csv.starts_with("i,j,k,alpha,beta,gamma,loss,loss_se,accuracy\n0,0,0,"),
        "{csv}"
    );
}

#[test]
fn the_same_seed_gives_the_same_bits_for_any_threads_and_batch() {
    let bench = Bench::trained();
    let mut files = Vec::new();
    let options = [
        "--threads 1",
        "--threads 2",
        "--threads 3 --batch 7",
        "--batch 1000",
    ];
    for options in options {
        // --force computes everything again.
        bench.ok(&format!(
            "surface --run moons --grid 21x17 {options} --name plane --force"
        ));
        files.push(bench.ok("export plane").out);
    }
    assert!(files.windows(2).all(|pair| pair[0] == pair[1]));
    bench.ok("surface --run moons --grid 21x17 --seed 43 --name other");
    assert_ne!(bench.ok("export other").out, files[0]);
}

#[test]
fn the_same_request_computes_nothing_again() {
    let bench = Bench::trained();
    let first = bench.json("surface --run moons --grid 11 --name plane");
    assert_eq!(
        (&first["computed"], &first["stored_before"]),
        (&121.into(), &0.into())
    );
    for words in [
        "surface --run moons --grid 11",
        "surface --run moons --grid 11 --name plane --threads 1 --batch 5",
        "surface --run moons --grid 11 --name twin",
    ] {
        let again = bench.json(words);
        assert_eq!(
            (&again["computed"], &again["stored_before"]),
            (&0.into(), &121.into())
        );
        assert_eq!(again["center_loss"], first["center_loss"]);
    }
    let said = bench.ok("surface --run moons --grid 11");
    assert!(
        said.err.contains("121 of 121 points are stored already"),
        "{}",
        said.err
    );
    let fresh = bench.json("surface --run moons --grid 11 --name plane --force");
    assert_eq!(fresh["computed"], 121);
}

#[test]
fn devices_agree() {
    let bench = Bench::trained();
    bench.ok("surface --run moons --grid 7 --name host --device cpu");
    // A new name for the same request starts from what is stored; --force computes it again.
    bench.ok("surface --run moons --grid 7 --name device --device flex --force");
    bench.ok("surface --run moons --grid 7 --name both --device cpu,flex --force");
    let host = rows(&bench.ok("export host").out);
    for other in ["device", "both"] {
        for (a, b) in host
            .iter()
            .zip(rows(&bench.ok(&format!("export {other}")).out))
        {
            let (a, b): (f64, f64) = (a[4].parse().unwrap(), b[4].parse().unwrap());
            assert!((a - b).abs() <= 1e-5 * a.abs(), "{a} {b}");
        }
    }
}

#[test]
fn the_centre_is_the_loss_of_training() {
    let bench = Bench::trained();
    let records = bench.json("show moons")["records"].clone();
    let records = records.as_array().unwrap();
    for place in [0, 7, 20] {
        let step = &records[place]["step"];
        let plane = bench.json(&format!("surface --run moons --step {step} --grid 3"));
        let (a, b) = (
            plane["center_loss"].as_f64().unwrap(),
            records[place]["loss"].as_f64().unwrap(),
        );
        assert!((a - b).abs() < 1e-6 * b, "step {step}: {a} {b}");
    }
}

#[test]
fn directions_are_saved_and_used_as_they_are() {
    let bench = Bench::trained();
    let first = bench.json("surface --run moons --grid 5 --save-directions d.safetensors");
    let again = bench.json("surface --run moons --grid 5 --direction d.safetensors");
    assert_eq!(first["norms"], again["norms"]);
    assert_eq!(
        bench
            .ok(&format!("export {}", first["run"].as_str().unwrap()))
            .out,
        bench
            .ok(&format!("export {}", again["run"].as_str().unwrap()))
            .out
    );
    let unit = bench.json("surface --run moons --grid 5 --direction d.safetensors --norm model");
    assert_ne!(first["norms"], unit["norms"]);
}

#[test]
fn a_line_towards_other_weights_ends_there() {
    let bench = Bench::trained();
    bench.ok(
        "train --model mlp:2-8-4-1 --data moons --epochs 3 --seed 7 --name b --save b.safetensors",
    );
    bench.ok("line --run moons --to b.safetensors --range 0:1 --grid 5 --name between");
    let rows = rows(&bench.ok("export between").out);
    let end: f64 = rows[4][2].parse().unwrap();
    let loss = bench.json("show b")["records"][3]["loss"].as_f64().unwrap();
    assert!((end - loss).abs() < 1e-6 * loss, "{end} {loss}");
}

#[test]
fn orthogonal_directions_are() {
    let bench = Bench::trained();
    let plane = bench.json("surface --run moons --grid 3 --orthogonal --norm layer");
    assert!(
        plane["cosines"][0][1].as_f64().unwrap().abs() < 1e-6,
        "{plane}"
    );
    let plane = bench.json("surface --run moons --grid 3 --direction pca");
    assert!(
        plane["cosines"][0][1].as_f64().unwrap().abs() < 1e-6,
        "{plane}"
    );
    assert!((plane["norms"][0].as_f64().unwrap() - 1.0).abs() < 1e-6);
}

#[test]
fn extra_terms_are_stored_apart() {
    let bench = Bench::trained();
    bench.ok("line --run moons --grid 3 --l2 0.5 --l1 0.25 --name terms");
    bench.ok("line --run moons --grid 3 --name plain");
    let with = bench.ok("export terms").out;
    assert!(
        with.starts_with("i,alpha,loss,loss_se,accuracy,l1,l2\n"),
        "{with}"
    );
    let plain = rows(&bench.ok("export plain").out);
    for (with, plain) in rows(&with).iter().zip(&plain) {
        assert_eq!(with[2], plain[2], "the data loss stays as it is");
        assert!(with[6].parse::<f64>().unwrap() > 0.0);
    }
    let total = bench.json("metrics terms --value total")["metrics"]["min_loss"].as_f64();
    assert!(total > bench.json("metrics terms")["metrics"]["min_loss"].as_f64());
}

#[test]
fn a_dry_run_stores_nothing() {
    let bench = Bench::trained();
    let before = bench.files();
    let estimate = bench.json("surface --run moons --grid 1001 --dry-run");
    assert_eq!(estimate["points"], 1_002_001);
    assert!(estimate["seconds"].as_f64().unwrap() > 0.0);
    assert!(estimate["memory_mib"].as_f64().unwrap() > 0.0);
    assert!(estimate["tile"].as_u64().unwrap() >= 16);
    assert!(estimate["operations"].as_f64().unwrap() > 0.0);
    assert_eq!(estimate["warnings"], serde_json::json!([]));
    let said = bench.ok("surface --run moons --grid 3 --dry-run -v");
    assert!(said.out.contains("samples in tiles of"), "{}", said.out);
    assert!(said.err.contains("a tile "), "{}", said.err);
    assert_eq!(bench.files(), before);
    assert_eq!(bench.json("runs")["runs"].as_array().unwrap().len(), 1);
}

#[test]
fn every_command_says_how_its_loss_runs() {
    let bench = Bench::trained();
    let other = "--optimizer sgd --lr 0.1 --epochs 10 --seed 5 --name other";
    bench.ok(&format!("train --model mlp:2-8-4-1 --data moons {other}"));
    for command in [
        "diagnose other",
        "surface --run moons --grid 3",
        "line --run moons --grid 3",
        "trajectory --run moons",
        "hessian --run moons --top 1",
        "connect --run moons --run other",
    ] {
        let said = bench.ok(&format!("{command} -v"));
        let err = &said.err;
        assert!(err.contains(" samples in tiles of "), "{command}: {err}");
        let table = err.lines().filter(|line| line.starts_with("a tile "));
        assert!(table.count() > 0, "{command}: {err}");
    }
}

#[test]
fn what_a_device_computes_together_is_said() {
    let bench = Bench::trained();
    let command = "surface --run moons --grid 3 --device flex --dry-run";
    let groups = bench.json(command)["groups"].clone();
    let [group] = &groups.as_array().unwrap()[..] else {
        panic!("{groups}");
    };
    assert_eq!(
        (&group["device"], &group["most"]),
        (&"flex".into(), &(4 << 20).into())
    );
    assert!(
        group["memory"].as_u64() <= group["most"].as_u64(),
        "{group}"
    );
    let line = format!(
        "flex: {} samples at {} points",
        group["samples"], group["points"]
    );
    let said = bench.ok(&format!("{command} -v"));
    assert!(
        said.out.contains(&line) && said.err.contains(&line),
        "{}{}",
        said.out,
        said.err
    );
    let said = bench.ok("hessian --run moons --top 1 --device flex -v");
    assert!(
        said.err.contains("flex: ") && said.err.contains(" together in "),
        "{}",
        said.err
    );
}

#[test]
fn initial_parameters_stand_in_for_weights() {
    let bench = Bench::new();
    let said = bench.ok("surface --model mlp:2-8-4-1 --data moons --grid 3 --seed 5");
    assert!(
        said.err.contains("initial parameters from seed 5"),
        "{}",
        said.err
    );
    bench.ok("train --model mlp:2-8-4-1 --data moons --epochs 0 --seed 5 --name start");
    let (a, b) = (
        bench.json("surface --run start --grid 3 --seed 5"),
        bench.json("surface --model mlp:2-8-4-1 --data moons --grid 3 --seed 5"),
    );
    assert_eq!(a["center_loss"], b["center_loss"]);
    assert_eq!(b["stored_before"], 9);
}

#[test]
fn losses_that_overflow_are_kept_and_counted() {
    let bench = Bench::trained();
    let plane = bench.json("line --run moons --grid 5 --range=-1e38:1e38 --name far");
    assert!(plane["not_finite"].as_u64().unwrap() > 0, "{plane}");
    let csv = bench.ok("export far").out;
    // Infinities of both signs meet in a sum.
    assert!(csv.contains("\n4,1e38,NaN,NaN,"), "{csv}");
    bench.ok("plot far -o far.svg");
}

#[test]
fn scripts_are_told_which_loss_is_measured_and_why() {
    let bench = Bench::trained();
    bench.ok("train --model mlp:2-8-4-1 --data moons --epochs 2 --seed 7 --name b");
    let chosen = ["bce-with-logits", "one output and targets 0 and 1"];
    for (words, [function, reason]) in [
        ("train --model mlp:2-3-1 --data moons --epochs 1", chosen),
        ("line --model mlp:2-3-1 --data moons --grid 3", chosen),
        (
            "surface --run moons --grid 3",
            [chosen[0], "the training run"],
        ),
        ("surface --run moons --grid 3 --loss mse", ["mse", "--loss"]),
        ("trajectory --run moons", [chosen[0], "the training run"]),
        (
            "hessian --run moons --top 1",
            [chosen[0], "the training run"],
        ),
        (
            "connect --run moons --run b --points 3",
            [chosen[0], "the training run"],
        ),
    ] {
        let said = bench.json(words);
        assert_eq!(said["loss_function"], function, "{words}");
        assert_eq!(said["loss_reason"], reason, "{words}");
    }
}
