//! What is said of surfaces that say little, and that a network has one verdict.

use crate::support::Bench;
use serde_json::Value;

/// A bench with one of the surfaces of the tests' data, under the name `s`.
fn with_surface(file: &str) -> Bench {
    let bench = Bench::new();
    let from = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/surfaces/");
    std::fs::copy(format!("{from}{file}"), bench.path(file)).unwrap();
    bench.ok(&format!("import {file} --name s"));
    bench
}

fn told(bench: &Bench, run: &str) -> Value {
    let said = bench.json(&format!("diagnose {run} --no-curvature"));
    let all = said["diagnoses"].as_array().unwrap();
    assert_eq!(all.len(), 1, "{said}");
    all[0].clone()
}

#[test]
fn a_plateau_tells_nothing() {
    let bench = with_surface("plateau.h5");
    let words = bench.ok("diagnose s --no-curvature").out;
    assert!(!words.contains("confidence: high"), "{words}");
    let told = told(&bench, "s");
    for answer in ["difficulty", "outlook"] {
        assert_eq!(told[answer]["verdict"], "unknown", "{told}");
        let words = told[answer]["words"].as_str().unwrap();
        assert!(
            words.contains("the loss hardly changes in view (2.3014 to 2.3032)"),
            "{words}"
        );
    }
}

#[test]
fn huge_corners_do_not_flatten_a_bowl() {
    let bench = with_surface("huge.h5");
    let figures = bench.json("metrics s")["metrics"].clone();
    let close = |value: &Value, want: f64| (value.as_f64().unwrap() - want).abs() < 1e-6 * want;
    assert!(close(&figures["center_eigenvalues"][0], 30.0), "{figures}");
    assert!(close(&figures["center_eigenvalues"][1], 18.0), "{figures}");
    assert!(figures["basin_share"].as_f64().unwrap() < 0.5, "{figures}");
    let told = told(&bench, "s")["outlook"].clone();
    assert_eq!(told["verdict"], "valley", "{told}");
    let words = told["words"].as_str().unwrap();
    assert!(
        words.contains("rises on all sides") && !words.contains("flat"),
        "{words}"
    );
}

#[test]
fn isolated_points_are_not_compared() {
    let bench = with_surface("some-points.csv");
    let topology = bench.json("metrics s")["topology"].clone();
    assert_eq!(
        topology["minima"].as_array().unwrap().len(),
        1,
        "{topology}"
    );
    assert_eq!(topology["undecided"].as_array().unwrap().len(), 18);
    let words = bench.ok("metrics s").out;
    assert!(!words.contains("minima by persistence"), "{words}");
    let told = told(&bench, "s");
    assert_eq!(told["difficulty"]["verdict"], "unknown", "{told}");
    assert_eq!(told["outlook"]["verdict"], "unknown", "{told}");
    let words = told["outlook"]["words"].as_str().unwrap();
    assert!(words.contains("nothing is measured on the path"), "{words}");
}

#[test]
fn one_network_has_one_verdict() {
    let bench = Bench::new();
    bench.ok("train --model mlp:2-8-1 --data moons --epochs 40 --batch 32 --lr 0.1 --name net");
    bench.ok("trajectory --run net --grid 15 --name path");
    bench.ok("surface --run net --grid 15 --name plane");
    bench.ok("surface --run net --grid 15 --seed 7 --name other");
    let net = told(&bench, "net");
    for run in ["path", "plane", "other"] {
        assert_eq!(told(&bench, run), net, "{run}");
        let shown = bench.json(&format!("show {run}"))["diagnoses"][0].clone();
        assert_eq!(shown, net, "{run}");
    }
    // The planes that it rests on are named, in words and on the page.
    let on = &net["difficulty"]["surfaces"];
    assert_eq!(*on, serde_json::json!(["path", "plane", "other"]));
    let words = net["difficulty"]["words"].as_str().unwrap();
    assert!(
        words.contains("on the planes `path`, `plane` and `other`"),
        "{words}"
    );
    assert!(words.contains("mean of 3 surfaces +- "), "{words}");
    assert!(words.contains("of the loss of guessing"), "{words}");
    bench.ok("plot plane -o plane.html");
    let page = bench.read("plane.html");
    let sentence = words.split(':').next().unwrap();
    assert!(page.contains(sentence), "{sentence}");
    // The share that the plane explains is that of `trajectory`.
    let shown = bench.json("show path");
    let shares = shown["trajectories"][0]["explained_variance"]
        .as_array()
        .unwrap();
    let sum: f64 = shares.iter().map(|share| share.as_f64().unwrap()).sum();
    let explained = net["evidence"]["explained"].as_f64().unwrap();
    assert!((explained - sum).abs() < 1e-12, "{explained} {sum}");
    // An eigenvalue that is stored counts wherever the verdict is told.
    bench.ok("hessian --run net --top 1 --name curvature");
    let net = told(&bench, "net");
    assert!(!net["evidence"]["lambda_max"].is_null());
    assert_eq!(bench.json("show plane")["diagnoses"][0], net);
}
