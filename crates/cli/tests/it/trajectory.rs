use crate::support::Bench;

#[test]
fn a_path_has_its_honest_losses() {
    let bench = Bench::trained();
    let path = bench.json("trajectory --run moons");
    let shares: Vec<f64> = { path["explained_variance"].as_array().unwrap().iter() }
        .map(|share| share.as_f64().unwrap())
        .collect();
    assert_eq!(shares.len(), 2);
    assert!(shares[0] >= shares[1] && shares.iter().sum::<f64>() <= 1.0 + 1e-9);
    let points = path["points"].as_array().unwrap();
    assert_eq!(points.len(), 21);
    let last = points.last().unwrap();
    for axis in ["x", "y", "residual"] {
        assert!(
            last[axis].as_f64().unwrap().abs() < 1e-6,
            "the centre is the last checkpoint"
        );
    }
    let (loss, plane) = (
        last["loss"].as_f64().unwrap(),
        last["plane_loss"].as_f64().unwrap(),
    );
    assert!((loss - plane).abs() < 1e-6 * loss, "{loss} {plane}");
    let records = bench.json("show moons")["records"].clone();
    for (point, record) in points.iter().zip(records.as_array().unwrap()) {
        assert_eq!(point["step"], record["step"]);
        assert_eq!(point["loss"], record["loss"]);
    }
}

#[test]
fn a_sampled_path_is_drawn_over_its_plane() {
    let bench = Bench::trained();
    let with = bench.json("trajectory --run moons --grid 15 --name path");
    assert_eq!(
        with["points"],
        bench.json("trajectory --run moons --name bare")["points"]
    );
    assert_eq!(
        bench.json("trajectory --run moons --grid 15 --name path"),
        with
    );
    bench.ok("plot path --log -o path.svg");
    bench.ok("plot path --kind surface -o path3d.svg");
    bench.ok("plot path --kind plane-losses -o honest.svg");
    bench.ok("plot path -o path.html");
    assert!(bench.read("path.svg").contains("PCA component 1"));
    let message = bench.fails("plot bare --kind trajectory -o bare.svg");
    assert!(message.contains("no landscape around it"), "{message}");
    assert!(message.contains("--grid 51"), "{message}");
    // Every checkpoint lies on the sampled part of the plane.
    let rows =
        bench.json("sql 'SELECT min(alpha), max(alpha), min(beta), max(beta) FROM landscape'");
    let end = |place: usize| rows["rows"][0][place].as_f64().unwrap();
    for point in with["points"].as_array().unwrap() {
        let (x, y) = (point["x"].as_f64().unwrap(), point["y"].as_f64().unwrap());
        assert!(
            end(0) < x && x < end(1) && end(2) < y && y < end(3),
            "{point}"
        );
    }
}

/// Where numbers were computed belongs to them: a run that goes on elsewhere says so by it.
#[test]
fn every_run_says_where_it_was_computed() {
    let bench = Bench::trained();
    bench.ok("train --model mlp:2-8-4-1 --data moons --epochs 2 --seed 7 --name b");
    bench.ok("trajectory --run moons --grid 5 --device flex --name path");
    bench.ok("line --run moons --grid 3 --name line");
    bench.ok("hessian --run moons --top 1 --name curvature");
    bench.ok("connect --run moons --run b --points 3 --curve bezier --epochs 1 --grid 3 --name c");
    let words = "--model mlp:2-4-1 --data moons --epochs 2 --grid 3 --end-grid 3 --name s";
    bench.ok(&format!("compare --seeds 0..2 {words}"));
    let runs = bench.json("runs")["runs"].clone();
    let runs = runs.as_array().unwrap();
    assert!(runs.len() > 10, "{runs:?}");
    for run in runs {
        let name = run["name"].as_str().unwrap();
        let device = bench.json(&format!("show {name}"))["run"]["provenance"]["device"].clone();
        let want = if name == "path" { "flex" } else { "cpu" };
        let said = device.as_str().unwrap_or_default();
        assert!(said.contains(want), "{name}: {device}");
    }
}

#[test]
fn several_runs_share_one_plane() {
    let bench = Bench::trained();
    bench.ok("train --model mlp:2-8-4-1 --data moons --epochs 5 --name sgd");
    let both = bench.json("trajectory --run moons --run sgd --grid 5 --project cos");
    let points = both["points"].as_array().unwrap();
    assert_eq!(points.len(), 21 + 6);
    // Both start from the same initial parameters.
    let first = |run: &str| {
        points
            .iter()
            .find(|point| point["run"] == run)
            .unwrap()
            .clone()
    };
    for axis in ["x", "y", "residual", "loss"] {
        assert_eq!(first("moons")[axis], first("sgd")[axis], "{axis}");
    }
}

#[test]
fn checkpoint_files_are_a_path_too() {
    let bench = Bench::new();
    for epochs in 0..5 {
        bench.ok(&format!(
            "train --model mlp:2-8-4-1 --data moons --epochs {epochs} --optimizer adam \
             --save epoch_{epochs}.safetensors --name t{epochs}"
        ));
    }
    let words = "trajectory --checkpoints 'epoch_*.safetensors' --model mlp:2-8-4-1 --data moons";
    let path = bench.json(words);
    let points = path["points"].as_array().unwrap();
    assert_eq!(points.len(), 5);
    let records = bench.json("show t4")["records"].clone();
    for (point, record) in points.iter().zip(records.as_array().unwrap()) {
        let (a, b) = (
            point["loss"].as_f64().unwrap(),
            record["loss"].as_f64().unwrap(),
        );
        assert!((a - b).abs() < 1e-6 * b);
    }
    let table = bench.ok(words).out;
    for (epoch, point) in points.iter().enumerate() {
        let file = format!("epoch_{epoch}.safetensors");
        assert_eq!(point["file"], file.as_str());
        assert!(table.contains(&format!("  {file}\n")), "{table}");
    }
    let message =
        bench.fails("trajectory --checkpoints 'none_*.pt' --model mlp:2-8-4-1 --data moons");
    assert!(message.contains("no file matches `none_*.pt`"), "{message}");
}

#[test]
fn a_path_too_short_says_so() {
    let bench = Bench::new();
    bench.ok("train --model mlp:2-8-4-1 --data moons --epochs 1 --name short");
    let message = bench.fails("trajectory --run short");
    assert!(message.contains("--every"), "{message}");
}

/// The points of a path, one list of a field each.
fn fields<const N: usize>(path: &serde_json::Value, names: [&str; N]) -> [Vec<f64>; N] {
    let points = path["points"].as_array().unwrap();
    names.map(|name| points.iter().map(|p| p[name].as_f64().unwrap()).collect())
}

#[test]
fn a_window_is_the_plane_of_its_checkpoints() {
    let bench = Bench::trained();
    let all = bench.json("trajectory --run moons");
    let steps: Vec<u64> = { all["points"].as_array().unwrap().iter() }
        .map(|point| point["step"].as_u64().unwrap())
        .collect();
    let (from, to) = (steps[5], steps[15]);
    let some = bench.json(&format!("trajectory --run moons --window {from}:{to}"));
    let [found] = fields(&some, ["step"]);
    let expected: Vec<f64> = steps[5..=15].iter().map(|&step| step as f64).collect();
    assert_eq!(found, expected);
    let epochs = bench.json("trajectory --run moons --epoch-window 5:15 --name epochs");
    assert_eq!(epochs["points"], some["points"]);
    let open = bench.json(&format!("trajectory --run moons --window {from}:"));
    assert_eq!(open["points"].as_array().unwrap().len(), steps.len() - 5);
    // A part of the path is nearer to a plane than the whole.
    let explained = |path: &serde_json::Value| -> f64 {
        let shares = path["explained_variance"].as_array().unwrap().iter();
        shares.map(|share| share.as_f64().unwrap()).sum()
    };
    assert!(explained(&some) != explained(&all));
    insta::assert_snapshot!(
        "window-steps",
        bench.fails("trajectory --run moons --window 5000:6000")
    );
    insta::assert_snapshot!(
        "window-epochs",
        bench.fails("trajectory --run moons --epoch-window 50:60")
    );
    insta::assert_snapshot!(
        "window-words",
        bench.fails("trajectory --run moons --window 9:5")
    );
    let message = bench.fails("trajectory --run moons --window 0:5 --epoch-window 0:5");
    assert!(message.contains("cannot be used with"), "{message}");
}

#[test]
fn the_origin_is_the_last_or_the_first_checkpoint_or_the_mean() {
    let bench = Bench::trained();
    let centers = ["last", "first", "mean"]
        .map(|center| bench.json(&format!("trajectory --run moons --center {center}")));
    for axis in ["x", "y"] {
        let all = centers
            .each_ref()
            .map(|path| fields(path, [axis])[0].clone());
        let [last, first, mean] = &all;
        assert!(last[20].abs() < 1e-6 && first[0].abs() < 1e-6);
        let sum: f64 = mean.iter().sum();
        assert!(sum.abs() < 1e-4, "{axis} {sum}");
        for path in [first, mean] {
            let shift = path[0] - last[0];
            let same = path
                .iter()
                .zip(last)
                .all(|(a, b)| (a - b - shift).abs() < 1e-4);
            assert!(same, "{axis} {path:?} {last:?}");
        }
    }
    let more = "--epochs 5 --model mlp:2-8-4-1 --data moons";
    bench.ok(&format!("train {more} --name sgd"));
    bench.ok("trajectory --run moons --run sgd --center first");
    bench.ok(&format!("train {more} --seed 7 --name other"));
    insta::assert_snapshot!(
        "starts-differ",
        bench.fails("trajectory --run moons --run other --center first")
    );
    bench.ok("trajectory --run moons --run other --center mean");
    insta::assert_snapshot!(
        "run-twice",
        bench.fails("trajectory --run moons --run moons")
    );
    insta::assert_snapshot!("run-unknown", bench.fails("trajectory --run nobody"));
    bench.ok("surface --run moons --grid 3 --name plane");
    insta::assert_snapshot!("run-kind", bench.fails("trajectory --run plane"));
}

#[test]
fn three_components_span_a_volume() {
    let bench = Bench::trained();
    let flat = bench.json("trajectory --run moons");
    let words = "trajectory --run moons --components 3";
    let path = bench.json(&format!("{words} --grid 5x4x3 --margin 0.5 --name volume"));
    let [x, y, z] = fields(&path, ["x", "y", "z"]);
    let [fx, fy] = fields(&flat, ["x", "y"]);
    for (a, b) in x.iter().zip(&fx).chain(y.iter().zip(&fy)) {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
    assert_eq!(path["explained_variance"].as_array().unwrap().len(), 3);
    let shown = bench.json("show volume");
    assert_eq!(shown["run"]["shape"], serde_json::json!([5, 4, 3]));
    let rows = bench.json("sql 'SELECT min(gamma), max(gamma) FROM landscape'");
    let end = |place: usize| rows["rows"][0][place].as_f64().unwrap();
    let low = z.iter().copied().fold(0.0, f64::min);
    let high = z.iter().copied().fold(0.0, f64::max);
    assert!(end(0) <= low - 0.49 * (high - low) && end(1) >= high + 0.49 * (high - low));
    bench.ok("plot volume -o volume.svg");
    assert!(
        bench
            .ok(&format!("{words} --name bare"))
            .out
            .contains(" Z ")
    );
    insta::assert_snapshot!(
        "grid-components",
        bench.fails("trajectory --run moons --grid 5x5x5")
    );
    insta::assert_snapshot!("grid-volume", bench.fails(&format!("{words} --grid 5x5")));
    insta::assert_snapshot!("margin", bench.fails("trajectory --run moons --margin=-1"));
}

#[test]
fn what_a_plane_leaves_out_is_said() {
    let bench = Bench::trained();
    let path = bench.json("trajectory --run moons");
    let [path] = &path["paths"].as_array().unwrap()[..] else {
        panic!("one path");
    };
    assert_eq!(path["run"], "moons");
    assert_eq!(path["checkpoints"], 21);
    let fidelity = |name: &str| path["fidelity"][name].as_f64().unwrap();
    assert!(fidelity("explained") > 0.5 && fidelity("explained") <= 1.0);
    assert!(fidelity("disagreement") >= 0.0 && fidelity("off_plane") >= 0.0);
    assert!(path["fidelity"]["worst_step"].is_u64());
    // Without the tensors of one dimension they lie off the plane.
    let weights = bench.json("trajectory --run moons --ignore-biasbn");
    let without = weights["paths"][0]["fidelity"]["off_plane"]
        .as_f64()
        .unwrap();
    assert!(without > fidelity("off_plane"), "{without}");
    // Steps of noise are explained by no plane.
    bench.ok(
        "train --model mlp:2-8-4-1 --data moons --epochs 30 --lr 1e-6 --batch 20 --every 1 --name noise",
    );
    let said = bench.ok("trajectory --run noise");
    let warned = bench.json("trajectory --run noise")["paths"][0]["warnings"].clone();
    for warning in warned.as_array().unwrap() {
        assert!(said.err.contains(warning.as_str().unwrap()), "{}", said.err);
    }
}

/// Of a part of the network the path lies in its parameters alone: with all others fixed nothing is left of the rest.
#[test]
fn a_path_of_a_part() {
    let bench = Bench::trained();
    let path = bench.json("trajectory --run moons --params fc3 --name part");
    let whole = bench.json("trajectory --run moons --name whole");
    // 5 parameters: two components hold nearly all of them.
    let share = |path: &serde_json::Value| -> f64 {
        let all = path["explained_variance"].as_array().unwrap().iter();
        all.map(|share| share.as_f64().unwrap()).sum()
    };
    assert!(share(&path) > 0.9 && share(&path) != share(&whole));
    // True losses are those of whole checkpoints; on the plane the rest is that of the centre.
    assert_eq!(path["points"][0]["loss"], whole["points"][0]["loss"]);
    let last = path["points"].as_array().unwrap().last().unwrap();
    let gap = last["loss"].as_f64().unwrap() - last["plane_loss"].as_f64().unwrap();
    assert!(gap.abs() < 1e-6);
    let directions = bench.json("show part");
    assert_eq!(directions["run"]["settings"]["params"], "fc3");
    let told = bench.fails("trajectory --run moons --params fc9");
    assert!(told.contains("matches no parameter"), "{told}");
}
