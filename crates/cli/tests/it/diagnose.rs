//! Trainings whose course is known, in words.

use crate::support::Bench;
use serde_json::Value;

const MOONS: &str = "train --model mlp:2-8-4-1 --data moons";

/// The only diagnosis of a run.
fn told(bench: &Bench, words: &str) -> Value {
    let said = bench.json(&format!("diagnose {words}"));
    let all = said["diagnoses"].as_array().unwrap().clone();
    assert_eq!(all.len(), 1, "{said}");
    all[0].clone()
}

fn figure(answer: &Value, name: &str) -> Option<f64> {
    let figures = answer["figures"].as_array().unwrap();
    figures.iter().find(|f| f["name"] == name)?["value"].as_f64()
}

#[test]
fn a_smooth_training_on_its_plane() {
    let bench = Bench::new();
    bench.ok(&format!(
        "{MOONS} --epochs 100 --batch 32 --lr 0.1 --name sgd"
    ));
    let bare = told(&bench, "sgd");
    assert_eq!(bare["course"]["verdict"], "smooth", "{bare}");
    assert_eq!(bare["difficulty"]["verdict"], "unknown");
    assert_eq!(bare["outlook"]["verdict"], "unknown");
    bench.ok("trajectory --run sgd --grid 31 --name path");
    let whole = told(&bench, "sgd");
    assert_eq!(whole["evidence"]["landscape"], "path, 31x31 points");
    assert_eq!(whole["evidence"]["checkpoints"], 101);
    assert_ne!(whole["difficulty"]["verdict"], "unknown");
    assert_eq!(whole["outlook"]["verdict"], "valley", "{whole}");
    // The rate against the eigenvalue, as `landscape hessian` finds it.
    let lambda = whole["evidence"]["lambda_max"]["value"].as_f64().unwrap();
    let found = bench.json("hessian --run sgd --top 1 --name curvature");
    let exact = found["eigenvalues"][0]["value"].as_f64().unwrap();
    assert!((lambda - exact).abs() < 0.01 * exact, "{lambda} {exact}");
    let ratio = figure(&whole["course"], "learning rate ratio").unwrap();
    assert!((ratio - 0.1 * lambda / 2.0).abs() < 1e-9 * ratio);
    // What is stored is not computed again, and what is not is offered.
    bench.ok("train --model mlp:2-8-4-1 --data moons --epochs 20 --lr 0.1 --name 'its own'");
    let offered = bench.ok("diagnose 'its own'").err;
    let keep = "landscape hessian --run 'its own' --step 80 --top 1    # stores";
    assert!(offered.contains(keep), "{offered}");
    bench.ok("hessian --run 'its own' --step 80 --top 1 --name own-curvature");
    let again = bench.ok("diagnose 'its own'");
    assert!(
        again.out.contains("of run `own-curvature`"),
        "{}",
        again.out
    );
    assert!(!again.err.contains("Next:"), "{}", again.err);
    let stored = told(&bench, "sgd");
    assert_eq!(
        stored["evidence"]["lambda_max"]["from"],
        "of run `curvature`"
    );
    assert_eq!(stored["evidence"]["lambda_max"]["value"], exact);
    // The path says the same, and so do pages and `show`.
    let path = told(&bench, "path");
    assert_eq!(path["course"]["verdict"], "smooth");
    assert_eq!(path["outlook"], whole["outlook"]);
    let shown = bench.ok("show path").out;
    assert!(
        shown.contains("diagnosis of sgd\n  Is it hard to train?"),
        "{shown}"
    );
    let shown = bench.json("show path");
    assert_eq!(shown["diagnoses"][0]["outlook"], whole["outlook"]);
    bench.ok("plot path -o path.html");
    assert!(bench.read("path.html").contains("Training went smoothly"));
    let words = bench.ok("diagnose sgd").out;
    for part in [
        "What happened?  smooth (confidence: high)",
        "THRESHOLDS",
        "101 recorded steps",
    ] {
        assert!(words.contains(part), "{words}");
    }
}

#[test]
fn oscillating_stuck_and_diverged() {
    let bench = Bench::new();
    let full = format!("{MOONS} --epochs 100 --batch 200 --every 1 --lr");
    bench.ok(&format!("{full} 8 --name oscillating"));
    let course = told(&bench, "oscillating")["course"].clone();
    assert_eq!(course["verdict"], "oscillating", "{course}");
    assert!(
        figure(&course, "learning rate ratio").unwrap() > 0.8,
        "{course}"
    );
    bench.ok(&format!("{full} 1e-6 --name timid"));
    let course = told(&bench, "timid")["course"].clone();
    assert_eq!(course["verdict"], "stuck", "{course}");
    let words = course["words"].as_str().unwrap();
    assert!(words.contains("far below the stable one"), "{words}");
    bench.ok(&format!("{full} 1e6 --loss mse --name diverged"));
    let whole = told(&bench, "diverged");
    let course = &whole["course"];
    assert_eq!(course["verdict"], "diverged", "{course}");
    let words = course["words"].as_str().unwrap();
    assert!(words.contains("beyond the stable one"), "{words}");
    assert_eq!(whole["evidence"]["lambda_max"]["step"], 0);
    let course = told(&bench, "diverged --no-curvature")["course"].clone();
    assert_eq!(figure(&course, "learning rate ratio"), None);
}

/// Hidden units that no sample turns on: no gradient but that of the last bias.
#[test]
fn dead_units_are_stuck() {
    let bench = Bench::new();
    let spec = "mlp:2-8-4-1".parse().unwrap();
    let network = landscape_models::Network::init(&spec, 1, &burn::tensor::Device::flex());
    let mut params = network.params().into_inner();
    for tensor in params
        .iter_mut()
        .filter(|p| p.name == "fc1.bias" || p.name == "fc2.bias")
    {
        tensor.data.fill(-100.0);
    }
    let params = landscape_core::Params::new(params).unwrap();
    landscape_models::save_weights(bench.path("dead.safetensors"), &params).unwrap();
    bench.ok(&format!(
        "{MOONS} --weights dead.safetensors --epochs 30 --lr 0.1 --name dead"
    ));
    let course = told(&bench, "dead")["course"].clone();
    assert_eq!(course["verdict"], "stuck", "{course}");
}

#[test]
fn several_paths_and_planes_of_others() {
    let bench = Bench::new();
    bench.ok(&format!(
        "{MOONS} --epochs 60 --batch 32 --lr 0.1 --name sgd"
    ));
    bench.ok(&format!(
        "{MOONS} --epochs 60 --batch 32 --optimizer adam --lr 0.05 --name adam"
    ));
    bench.ok("trajectory --run sgd --run adam --center first --grid 21 --name both");
    let both = bench.json("diagnose both");
    let all = both["diagnoses"].as_array().unwrap();
    let labels: Vec<&Value> = all.iter().map(|d| &d["path"]).collect();
    assert_eq!(labels, ["adam", "sgd"]);
    // The joint plane is adam's: the end of sgd lies beside it.
    let sgd = &all[1];
    assert_eq!(sgd["outlook"]["verdict"], "unknown", "{sgd}");
    assert!(figure(&sgd["outlook"], "off the surface").unwrap() > 0.1);
    assert_eq!(
        all[0]["evidence"]["lambda_max"],
        Value::Null,
        "adam has no limit"
    );
    // With a plane of its own, that is taken.
    bench.ok("trajectory --run sgd --grid 21 --name own");
    let own = told(&bench, "sgd");
    assert_eq!(own["evidence"]["landscape"], "own, 21x21 points");
    // All paths are drawn, or the one that is chosen.
    bench.ok("plot both -o both.svg");
    let svg = bench.read("both.svg");
    assert!(svg.contains(">adam<") && svg.contains(">sgd<") && svg.contains("common start"));
    bench.ok("plot both --path sgd -o one.svg");
    assert!(!bench.read("one.svg").contains(">adam<"));
    insta::assert_snapshot!(
        "one-path",
        bench.fails("plot both --kind plane-losses -o l.svg")
    );
    insta::assert_snapshot!(
        "no-such-path",
        bench.fails("plot both --path moons -o l.svg")
    );
    bench.ok("plot both --kind plane-losses --path adam -o l.svg");
    bench.ok("surface --run sgd --grid 11 --name plane");
    let plane = told(&bench, "plane");
    assert_eq!(plane["evidence"]["training"], "sgd");
    assert_ne!(plane["outlook"]["verdict"], "unknown");
}

#[test]
fn what_cannot_be_diagnosed() {
    let bench = Bench::trained();
    bench.ok("hessian --run moons --top 1 --name curvature");
    insta::assert_snapshot!("diagnose-curvature", bench.fails("diagnose curvature"));
    insta::assert_snapshot!("diagnose-unknown", bench.fails("diagnose nobody"));
    insta::assert_snapshot!(
        "hessian-no-figure",
        bench.fails("hessian --run moons --top 2 --trace -o figure.svg --name more")
    );
    bench.ok("hessian --run moons --top 2 -o page.html --name more");
}

#[test]
fn minima_of_a_surface_and_the_barriers_between_them() {
    let bench = Bench::new();
    // Two wells on a line of nine by three points: f = 0, 3, 1.
    let mut csv = "i,j,alpha,beta,loss,loss_se,accuracy\n".to_owned();
    for (i, f) in [4.0, 0.0, 2.0, 3.0, 2.0, 1.0, 1.5, 2.5, 1.2]
        .iter()
        .enumerate()
    {
        for j in 0..3 {
            let side = if j == 1 { 0.0 } else { 10.0 };
            csv.push_str(&format!("{i},{j},{i},{j},{},,\n", f + side));
        }
    }
    bench.write("wells.csv", csv);
    bench.ok("import wells.csv --name wells");
    let topology = bench.json("metrics wells")["topology"].clone();
    let minima = topology["minima"].as_array().unwrap();
    let persistence: Vec<Option<f64>> = minima.iter().map(|m| m["persistence"].as_f64()).collect();
    assert_eq!(persistence, [None, Some(2.0), Some(1.3)]);
    assert_eq!(minima[1]["value"], 1.0);
    assert_eq!(minima[1]["level"], 3.0);
    assert_eq!(minima[1]["at"], serde_json::json!([5.0, 1.0]));
    assert_eq!(topology["smad"], 1.65);
    // To the first saddle: 3 of the lowest, 1.5 of the middle one, 1.3 of the last.
    let first = topology["smad_first_saddle"].as_f64().unwrap();
    assert!((first - (3.0 + 1.5 + 1.3) / 3.0).abs() < 1e-12, "{first}");
    let passages = topology["passages"].as_array().unwrap();
    assert_eq!(passages.len(), 3);
    assert_eq!(passages[0]["heights"], serde_json::json!([3.0, 2.0]));
    let words = bench.ok("metrics wells").out;
    assert!(words.contains("3 minima by persistence"), "{words}");
    assert!(words.contains("barriers between them"), "{words}");
    bench.ok("plot wells --basins -o basins.svg");
    assert!(bench.read("basins.svg").contains("border of basins"));
    bench.ok("plot wells --basins=0.5 -o fewer.svg");
    assert!(!bench.read("fewer.svg").contains("3 minima"));
    bench.ok("plot wells --kind persistence -o persistence.svg");
    assert!(bench.read("persistence.svg").contains("birth"));
    let message = bench.fails("plot wells --basins=2 -o wrong.svg");
    assert!(message.contains("basins"), "{message}");
}
