//! Planes and lines between models, statistics of BatchNorm, precision.

use crate::support::{Bench, images};
use landscape_core::{Params, Rng, Role};
use landscape_models::{Network, save_weights};
use serde_json::Value;

/// Three two-moons networks: the run `moons`, and the files `b` and `c`.
fn three() -> Bench {
    let bench = Bench::trained();
    for (seed, name) in [(7, "b"), (8, "c")] {
        bench.ok(&format!(
            "train --model mlp:2-8-4-1 --data moons --epochs 20 --optimizer adam --seed {seed} \
             --name {name} --save {name}.safetensors"
        ));
    }
    bench
}

/// Three ResNets with running statistics of their own, and 8 images.
fn resnets() -> Bench {
    let bench = Bench::new();
    for (seed, name, variance) in [(1, "a", 4.0), (2, "b", 1.0), (3, "c", 2.0)] {
        let network = Network::init(
            &"resnet20".parse().unwrap(),
            seed,
            &burn::tensor::Device::flex(),
        );
        let mut rng = Rng::new(seed, 9);
        let mut params = network.params().into_inner();
        for tensor in params.iter_mut().filter(|p| p.role == Role::Buffer) {
            let (low, high) = match tensor.name.ends_with("running_var") {
                true => (0.5 * variance, variance),
                false => (-0.1, 0.1),
            };
            let data = tensor.data.iter_mut();
            data.for_each(|value| *value = rng.uniform(low, high) as f32);
        }
        let file = bench.path(&format!("{name}.safetensors"));
        save_weights(&file, &Params::new(params).unwrap()).unwrap();
    }
    bench.write("images.safetensors", images(8));
    bench
}

const RESNET: &str = "--model resnet20 --weights a.safetensors --data images.safetensors";

/// The column `column` of a stored run.
fn column(bench: &Bench, run: &str, column: usize) -> Vec<f64> {
    let csv = bench.ok(&format!("export {run}")).out;
    let field = |line: &str| line.split(',').nth(column).unwrap().parse().unwrap();
    csv.lines().skip(1).map(field).collect()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-5 * b.abs()
}

#[test]
fn statistics_of_batch_norm() {
    let bench = resnets();
    let mut centers = Vec::new();
    for mode in ["frozen", "batch", "reestimate"] {
        let words = format!("line {RESNET} --grid 3 --range=-0.2:0.2 --batch-norm {mode}");
        let estimate = bench.json(&format!("{words} --dry-run"));
        assert!(estimate["memory_mib"].as_f64().unwrap() > 0.0);
        let line = bench.json(&format!("{words} --name {mode}"));
        assert_eq!(line["computed"], 3, "{mode} is a run of its own");
        centers.push(line["center_loss"].as_f64().unwrap());
        let shown = bench.json(&format!("show {mode}"));
        let settings = &shown["run"]["settings"];
        assert_eq!(settings["batch_norm"], mode);
        // Numbers of another estimate are not part of the run.
        assert_eq!(settings["estimate"] == "update_bn", mode == "reestimate");
        let words = bench.ok(&format!("show {mode}")).out;
        assert!(words.contains(&format!("batch_norm: {mode}")), "{words}");
    }
    let [frozen, batch, reestimated] = centers[..] else {
        panic!("three modes");
    };
    assert!((frozen - batch).abs() > 1e-3 * batch, "{centers:?}");
    // n / (n - 1) of the variance, with n from 512 to 8192.
    let difference = (batch - reestimated).abs() / batch;
    assert!(difference > 1e-7 && difference < 1e-2, "{centers:?}");
    bench.ok(&format!(
        "line {RESNET} --grid 3 --range=-0.2:0.2 --batch-norm batch --device flex --name flex --force"
    ));
    for (a, b) in column(&bench, "batch", 2)
        .iter()
        .zip(column(&bench, "flex", 2))
    {
        assert!((a - b).abs() <= 1e-4 * b, "{a} {b}");
    }
}

/// Three checkpoints span their plane: what lies off it is their running statistics alone.
#[test]
fn statistics_of_batch_norm_on_a_path() {
    let bench = resnets();
    let words = "trajectory --checkpoints '[abc].safetensors' --model resnet20 \
                 --data images.safetensors --batch-norm";
    for (mode, agree) in [
        ("frozen", [false, false, true]),
        ("batch", [true; 3]),
        ("reestimate", [true; 3]),
    ] {
        let path = bench.json(&format!("{words} {mode} --name {mode}"));
        let points = path["points"].as_array().unwrap();
        for ((point, agree), name) in points.iter().zip(agree).zip(["a", "b", "c"]) {
            let loss = |field: &str| point[field].as_f64().unwrap();
            let on_plane = close(loss("plane_loss"), loss("loss"));
            assert_eq!(on_plane, agree, "{mode}: {point}");
            let own = bench.json(&format!(
                "line --model resnet20 --weights {name}.safetensors --data images.safetensors \
                 --grid 1 --range 0:0 --batch-norm {mode}"
            ));
            let own = own["center_loss"].as_f64().unwrap();
            assert!(close(loss("loss"), own), "{mode}: {point} {own}");
        }
        let shown = bench.json(&format!("show {mode}"));
        assert_eq!(shown["run"]["settings"]["batch_norm"], mode);
    }
}

#[test]
fn three_models_are_marked_where_they_lie() {
    let bench = three();
    let plane = bench
        .json("surface --run moons --to b.safetensors --to c.safetensors --grid 5 --name plane");
    let models = plane["models"].as_array().unwrap();
    let seen: Vec<(&str, &Value)> = models
        .iter()
        .map(|model| (model["name"].as_str().unwrap(), &model["at"]))
        .collect();
    let [origin, b, c] = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]].map(|at| serde_json::json!(at));
    assert!(seen[0].0.starts_with("moons, step "), "{seen:?}");
    assert_eq!(seen[0].1, &origin);
    assert_eq!(seen[1..], [("b", &b), ("c", &c)]);
    assert_eq!(models[1]["file"], "b.safetensors");
    let stored = bench.json("show plane");
    assert_eq!(stored["run"]["provenance"]["models"], plane["models"]);
    // -0.5, 0, 0.5, 1, 1.5 on both axes.
    let losses = column(&bench, "plane", 4);
    for (flat, name) in [(6, "moons"), (16, "b"), (8, "c")] {
        let records = bench.json(&format!("show {name}"))["records"].clone();
        let last = records.as_array().unwrap().last().unwrap()["loss"].as_f64();
        assert!(close(losses[flat], last.unwrap()), "{name}: {losses:?}");
    }
    for kind in ["contour", "heatmap", "surface"] {
        bench.ok(&format!("plot plane --kind {kind} -o {kind}.svg"));
        let svg = bench.read(&format!("{kind}.svg"));
        // On a surface, one may be behind it, and is named as such.
        for name in [">b", ">c", "moons, step", "towards b", "towards c"] {
            assert!(svg.contains(name), "{kind} has no {name}");
        }
    }
    bench.ok("plot plane --title Three -o titled.svg");
    assert!(bench.read("titled.svg").contains(">Three<"));
    bench.ok("plot plane -o plane.html");
    let page = bench.read("plane.html");
    assert!(page.contains(r#""places":[{"name":"b","at":[1.0,0.0,0.0]},{"name":"c""#));
}

#[test]
fn models_keep_their_places_when_directions_are_made_orthogonal() {
    let bench = three();
    let to = "surface --run moons --to b.safetensors --to c.safetensors --grid 3 --range=-1:1";
    let plane = bench.json(&format!(
        "{to} --orthogonal --save-directions d.safetensors"
    ));
    assert!(plane["cosines"][0][1].as_f64().unwrap().abs() < 1e-6);
    let at: Vec<f64> = plane["models"][2]["at"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect();
    assert!(at[0] != 0.0 && at[1] != 1.0, "{plane}");
    // The loss there is that of the model.
    let [x, y] = [at[0], at[1]];
    bench.ok(&format!(
        "surface --run moons --direction d.safetensors --grid 1 --range={x}:{x},{y}:{y} --name there"
    ));
    let records = bench.json("show c")["records"].clone();
    let last = records.as_array().unwrap().last().unwrap()["loss"].clone();
    assert!(close(column(&bench, "there", 4)[0], last.as_f64().unwrap()));
    let scaled = bench.json(&format!("{to} --norm filter"));
    assert_eq!(scaled["models"], Value::Null, "they lie beside the plane");
    let random = bench.json("surface --run moons --grid 3");
    assert_eq!(random["models"], Value::Null);
}

#[test]
fn the_barrier_of_a_line() {
    let bench = three();
    let said = bench.ok("line --run moons --to b.safetensors --name between");
    assert!(said.out.contains("\nbarrier "), "{}", said.out);
    let (a, losses) = (column(&bench, "between", 1), column(&bench, "between", 2));
    assert_eq!((a[0], a[40], a.len()), (-0.5, 1.5, 41));
    let (from, to) = (losses[10], losses[30]);
    assert_eq!((a[10], a[30]), (0.0, 1.0));
    let expected = (10..=30).map(|k| losses[k] - (1.0 - a[k]) * from - a[k] * to);
    let expected = expected.fold(0.0, f64::max);
    let figures = bench.json("metrics between");
    assert!((figures["barrier"]["height"].as_f64().unwrap() - expected).abs() < 1e-12);
    assert_eq!(figures["barrier"]["ends"], serde_json::json!([from, to]));
    let again = bench.json("line --run moons --to b.safetensors");
    assert_eq!(again["barrier"], figures["barrier"]);
    assert!(bench.ok("metrics between").out.contains("\nbarrier"));
    bench.ok("plot between -o between.svg");
    let svg = bench.read("between.svg");
    assert!(svg.contains(">b<") && svg.contains("moons, step") && svg.contains("accuracy"));
    bench.ok("line --run moons --grid 5 --name random");
    assert_eq!(bench.json("metrics random")["barrier"], Value::Null);
    let beside = bench.json("line --run moons --to b.safetensors --range 0:0.5 --grid 3");
    assert_eq!(beside["barrier"], Value::Null, "1 is not on it");
}

#[test]
fn weights_alone_or_statistics_too() {
    let bench = resnets();
    let own = "line --model resnet20 --weights b.safetensors --data images.safetensors --grid 1 \
               --range 0:0 --name b";
    bench.ok(own);
    let b = column(&bench, "b", 2)[0];
    let to = format!("line {RESNET} --to b.safetensors");
    let said = bench.ok(&format!("{to} --grid 3 --name states"));
    assert!(!said.err.contains("negative"), "{}", said.err);
    assert_eq!(column(&bench, "states", 1), [0.0, 0.5, 1.0]);
    let end = column(&bench, "states", 2)[2];
    assert!(close(end, b), "{end} {b}");
    bench.ok(&format!("{to} --grid 5 --dir-type weights --name weights"));
    assert_eq!(column(&bench, "weights", 1), [-0.5, 0.0, 0.5, 1.0, 1.5]);
    let end = column(&bench, "weights", 2)[3];
    assert!(!close(end, b), "{end} is with the statistics of a");
    let said = bench.ok(&format!("{to} --grid 4 --range 0:3 --name beyond"));
    assert!(
        said.err.contains("running variances become negative"),
        "{}",
        said.err
    );
    let losses = column(&bench, "beyond", 2);
    assert!(losses[1].is_finite() && losses[3].is_nan(), "{losses:?}");
    let message = bench.fails(&format!("line {RESNET} --dir-type weights"));
    assert!(message.contains("--to"), "{message}");
}

#[test]
fn products_in_bf16() {
    let bench = resnets();
    let words = format!("surface {RESNET} --grid 3 --range=-0.1:0.1");
    let message = bench.fails(&format!("{words} --precision bf16"));
    assert!(
        message.contains("`cpu` does not compute in bf16") && message.contains("--device flex"),
        "{message}"
    );
    let exact = bench.json(&format!("{words} --name exact"));
    assert_eq!(exact["rounding"], Value::Null);
    let said = bench.ok(&format!(
        "{words} --precision bf16 --device flex --name rounded"
    ));
    assert!(
        said.out.contains("bf16 differs from f32 by at most"),
        "{}",
        said.out
    );
    let shown = bench.json("show rounded");
    assert_eq!(shown["run"]["settings"]["precision"], "bf16");
    let rounding = &shown["run"]["provenance"]["rounding"];
    assert_eq!(rounding["points"], 5);
    let (exact, rounded) = (column(&bench, "exact", 4), column(&bench, "rounded", 4));
    let most = |points: &[usize]| {
        let difference = |&k: &usize| (exact[k] - rounded[k]).abs();
        points.iter().map(difference).fold(0.0, f64::max)
    };
    let measured = rounding["loss"].as_f64().unwrap();
    assert!(measured > 0.0 && measured < 0.05 * exact[4], "{rounding}");
    let own = most(&[0, 2, 4, 6, 8]);
    assert!((own - measured).abs() < 1e-4 * exact[4], "{own} {measured}");
}

#[test]
fn contours_have_the_levels_that_are_given() {
    let bench = Bench::trained();
    bench.ok("surface --run moons --grid 5 --name plane");
    bench.ok("plot plane --kind contour --levels 0.3 -o level.svg");
    assert!(bench.read("level.svg").contains(">0.3<"));
}
