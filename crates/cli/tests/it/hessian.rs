//! Curvature as people and scripts ask for it.

use crate::support::{Bench, Said, Signal, halt_when, interrupt, start};
use serde_json::Value;

fn values(list: &Value) -> Vec<f64> {
    let all = list.as_array().unwrap().iter();
    all.map(|pair| pair["value"].as_f64().unwrap()).collect()
}

/// Columns of the Hessian from the second differences of the loss on lines along the axes would be rough; the
/// spectrum of the whole small matrix is asked for instead, and compared with what is known without it.
#[test]
fn the_whole_spectrum_of_a_small_network() {
    let bench = Bench::trained();
    let all = bench.json("hessian --run moons --top 65 --trace --f64 --tol 1e-8 --name all");
    let spectrum = values(&all["eigenvalues"]);
    assert_eq!((spectrum.len(), &all["parameters"]), (65, &65.into()));
    assert!(spectrum.is_sorted_by(|a, b| a >= b));
    // The trace is the sum of all eigenvalues; the sketch of XTrace spans the whole space.
    let sum: f64 = spectrum.iter().sum();
    let trace = all["trace"]["mean"].as_f64().unwrap();
    assert!((sum - trace).abs() < 1e-8 * trace.abs(), "{sum} {trace}");
    // Both ends and the other method find the same.
    let ends = bench.json("hessian --run moons --top 3 --bottom 2 --f64");
    let close = |a: f64, b: f64| (a - b).abs() < 1e-5 * spectrum[0];
    for (place, value) in values(&ends["eigenvalues"]).into_iter().enumerate() {
        assert!(close(value, spectrum[place]), "{value}");
    }
    for (place, value) in values(&ends["bottom"]).into_iter().enumerate() {
        assert!(close(value, spectrum[64 - place]), "{value}");
    }
    let power = bench.json("hessian --run moons --top 1 --method power --f64");
    assert!(close(values(&power["eigenvalues"])[0], spectrum[0]));
    assert!(all["eigenvalues"][0]["converged"].as_bool().unwrap());
}

#[test]
fn the_fields_that_scripts_read() {
    let bench = Bench::trained();
    let found = bench.json(
        "hessian --run moons --top 2 --bottom 1 --trace --density --per-layer --sharpness all --name c",
    );
    let pair = &found["eigenvalues"][0];
    assert!(pair["residual"].as_f64().unwrap() <= 1e-3 * pair["value"].as_f64().unwrap());
    assert_eq!(found["bottom"].as_array().unwrap().len(), 1);
    assert!(found["trace"]["se"].is_number() && found["trace"]["hvps"].is_number());
    let lists = ["grid", "density", "se", "lower", "upper"]
        .map(|name| found["density"][name].as_array().unwrap());
    // The three eigenvalues that were found are atoms of the density, which lies within its interval.
    assert_eq!(found["density"]["atoms"], 3);
    assert_eq!(found["density"]["confidence"], 0.95);
    let [_, middle, _, lower, upper] = lists.map(|list| list.iter().map(Value::as_f64));
    for ((low, at), high) in lower.zip(middle).zip(upper) {
        assert!(low <= at && at <= high && low >= Some(0.0));
    }
    assert!(
        lists
            .iter()
            .all(|list| list.len() == lists[0].len() && !list.is_empty())
    );
    assert_eq!(found["layers"].as_array().unwrap().len(), 3);
    assert_eq!(found["sharpness"].as_array().unwrap().len(), 13);
    assert!(found["hvps"].as_u64().unwrap() > 0 && found["seconds"].is_number());
    // The same again is not computed again, and says the same.
    let again = bench.json(
        "hessian --run moons --top 2 --bottom 1 --trace --density --per-layer --sharpness all --name c",
    );
    assert_eq!(again["computed"], 0);
    for field in [
        "eigenvalues",
        "bottom",
        "trace",
        "density",
        "layers",
        "sharpness",
        "hvps",
    ] {
        assert_eq!(again[field], found[field], "{field}");
    }
    let csv = bench.ok("export c --curvature sharpness").out;
    assert!(csv.starts_with("step,measure,value,se,settings\n"), "{csv}");
    let words = bench.ok("show c").out;
    assert!(words.contains("does not predict generalisation"), "{words}");
}

#[test]
fn default_is_five_eigenvalues_and_the_trace() {
    let bench = Bench::trained();
    let found = bench.json("hessian --run moons");
    assert_eq!(found["eigenvalues"].as_array().unwrap().len(), 5);
    assert!(found["trace"]["mean"].is_number() && found["density"].is_null());
}

#[test]
fn a_map_and_a_training_are_drawn() {
    let bench = Bench::trained();
    let map = bench.json("hessian --run moons --map --grid 5 --name map -o map.svg -o map.html");
    assert_eq!(map["map"]["points"], 25);
    assert_eq!(map["map"]["missing"], 0);
    let steps = bench.json("hessian --run moons --all-steps --name edge -o edge.svg");
    let found = steps["steps"].as_array().unwrap();
    assert!(found.len() > 2 && found[0]["step"] == 0);
    bench.ok("hessian --run moons --density --name density");
    bench.ok("plot density --kind spectrum -o spectrum.svg");
    bench.ok("plot map --kind hessian-map -o again.svg");
    for file in ["map.svg", "edge.svg", "spectrum.svg", "again.svg"] {
        assert!(bench.read(file).starts_with("<svg"), "{file}");
    }
    let message = bench.fails("plot moons --kind spectrum -o s.svg");
    assert!(message.contains("--density"), "{message}");
    // The ends at the centre are those of the point itself.
    let rows = bench.ok("export map").out;
    let center = rows.lines().find(|row| row.starts_with("2,2,")).unwrap();
    let largest: f64 = center.split(',').nth(4).unwrap().parse().unwrap();
    let ends = bench.json("hessian --run moons --top 1");
    let expected = values(&ends["eigenvalues"])[0];
    assert!(
        (largest - expected).abs() < 1e-3 * expected,
        "{largest} {expected}"
    );
}

/// Along unit eigenvectors the second difference of the loss is the eigenvalue.
#[test]
fn eigenvectors_and_gradients_are_directions() {
    let bench = Bench::trained();
    let ends = bench.json("hessian --run moons --top 1 --bottom 1 --tol 1e-4");
    let slope = ends["gradient_norm"].as_f64().unwrap();
    let lambda = values(&ends["eigenvalues"])[0];
    let line =
        bench.json("line --run moons --direction hessian --grid 3 --range=-0.01:0.01 --name line");
    assert!((line["norms"][0].as_f64().unwrap() - 1.0).abs() < 1e-5);
    let rows = bench.ok("export line").out;
    let losses: Vec<f64> = rows
        .lines()
        .skip(1)
        .map(|row| row.split(',').nth(2).unwrap().parse().unwrap())
        .collect();
    let second = (losses[0] - 2.0 * losses[1] + losses[2]) / 1e-4;
    assert!((second - lambda).abs() < 0.05 * lambda, "{second} {lambda}");
    let plane = bench.json("surface --run moons --direction hessian:top,bottom --grid 3");
    assert!(plane["cosines"][0][1].as_f64().unwrap().abs() < 1e-3);
    let down = bench.json("line --run moons --direction gradient --grid 3");
    let norm = down["norms"][0].as_f64().unwrap();
    assert!((norm - slope).abs() < 1e-4 * slope, "{norm} {slope}");
    let message = bench.fails("surface --run moons --direction hessian:top");
    assert!(
        message.contains("1 end of the spectrum is named for 2"),
        "{message}"
    );
}

#[test]
fn wrong_input() {
    let bench = Bench::trained();
    for (words, expected) in [
        ("--top 0", "top 0 asks for no eigenvalue"),
        ("--tol 0", "the tolerance 0 is not between 0 and 1"),
        ("--tol=-1", "the tolerance -1 is not between 0 and 1"),
        ("--method guess", "invalid value 'guess'"),
        ("--sharpness sam,guess", "invalid value 'guess'"),
        ("--top 66", "66 eigenvalues"),
        ("--device cpu,flex", "2 devices"),
        ("--density --probes 1", "at least 2 are needed"),
        ("--sharpness sam --rho 0", "the radius 0.0"),
        ("--top 1 -o x.jpg", "FILE.svg"),
    ] {
        let message = bench.fails(&format!("hessian --run moons {words}"));
        assert!(message.contains(expected), "{words}: {message}");
    }
    let message = bench.fails("hessian --model mlp:2-8-4-1 --data moons");
    assert!(message.contains("--weights is missing"), "{message}");
    // Few products are too few for a trace, where one is asked for.
    for words in ["--trace", "--top 1 --trace", ""] {
        let message = bench.fails(&format!("hessian --run moons {words} --max-products 2"));
        assert!(
            message.contains("2 products are too few"),
            "{words}: {message}"
        );
    }
    let found = bench.json("hessian --run moons --top 1 --tol 0.5 --max-products 3");
    assert!(found["hvps"].as_u64().unwrap() <= 3, "{found}");
}

/// Rows of a table.
fn rows(bench: &Bench, table: &str) -> u64 {
    let count = bench.json(&format!("sql 'SELECT count(*) FROM {table}'"));
    count["rows"][0][0].as_u64().unwrap()
}

/// Killed again and again, it ends with the numbers of an undisturbed run.
#[test]
fn a_killed_map_goes_on() {
    const WORDS: &str = "hessian --run moons --top 2 --map --grid 41 --name map";
    let calm = Bench::trained();
    let whole = calm.json(WORDS);
    let expected = calm.ok("export map").out;
    let bench = Bench::trained();
    let mut before = 0;
    for _ in 0..3 {
        let mut child = start(&bench, WORDS);
        halt_when(&mut child, &bench, |bench| {
            rows(bench, "curvature_points") > before
        });
        child.kill().unwrap();
        child.wait().unwrap();
        before = rows(&bench, "curvature_points");
    }
    assert!(before < 41 * 41);
    let end = bench.json(WORDS);
    assert_eq!(end["map"]["missing"], 0);
    // The products of all sessions, not of the last.
    assert_eq!(end["hvps"], whole["hvps"]);
    assert_eq!(bench.ok("export map").out, expected);
    assert_eq!(bench.json("runs")["runs"][1]["status"], "complete");
}

/// Ctrl-C in the middle of a search keeps its basis.
#[cfg(unix)]
#[test]
fn a_stopped_search_keeps_its_basis() {
    const TRAIN: &str = "train --model mlp:784-20-10 --data mnist-1k --epochs 2 --name m";
    // More exact than f32 can be had: the search takes all its products.
    const WORDS: &str = "hessian --run m --top 40 --tol 1e-12 --max-products 4000 --f64 --name c";
    let bench = Bench::new();
    bench.ok(TRAIN);
    let mut child = start(&bench, WORDS);
    halt_when(&mut child, &bench, |bench| {
        rows(bench, "lanczos_vectors") > 0
    });
    interrupt(&child, Signal::Interrupt);
    let said = Said::of(child.wait_with_output().unwrap());
    assert_eq!(said.code, 130, "{}", said.err);
    assert!(said.err.contains("is stored"), "{}", said.err);
    assert!(rows(&bench, "lanczos_vectors") > 0);
}

#[test]
fn five_eigenvalues_of_the_mnist_network_take_few_products() {
    let bench = Bench::new();
    bench
        .ok("train --model mlp:784-20-10 --data mnist-1k --epochs 5 --save w.safetensors --name m");
    let found = bench.json(
        "hessian --model mlp:784-20-10 --weights w.safetensors --data mnist-1k --top 5 --tol 1e-3",
    );
    // Alone 0.3 s.
    let products = found["hvps"].as_u64().unwrap();
    assert!(products <= 50, "{products}");
    let pairs = found["eigenvalues"].as_array().unwrap();
    assert!(pairs.iter().all(|pair| pair["converged"] == true));
}

#[test]
fn the_doctor_finds_this_machine_sound() {
    let bench = Bench::new();
    let found = bench.json("doctor");
    assert_eq!(found["ok"], true, "{found}");
    assert_eq!(found["checks"].as_array().unwrap().len(), 6);
    let runs = found["checks"][1]["found"].as_str().unwrap();
    assert!(runs.starts_with("1000 samples in tiles of"), "{runs}");
    assert!(bench.files().is_empty());
}

#[test]
fn stability_of_several_trainings_is_one_figure_above_their_losses() {
    let bench = Bench::new();
    for (rate, name) in [("0.1", "slow"), ("0.5", "fast")] {
        bench.ok(&format!(
            "train --model mlp:2-4-1 --data moons:n=40 --epochs 3 --batch-size full --lr {rate} --name {name}"
        ));
        bench.ok(&format!(
            "hessian --run {name} --all-steps --top 1 --name {name}-lambda"
        ));
    }
    bench.ok("plot slow-lambda fast-lambda --kind stability -o both.svg");
    let figure = bench.read("both.svg");
    for words in ["slow", "fast", "loss", "curves-2"] {
        assert!(figure.contains(words), "{words}");
    }
    // The losses are those of the training, under whatever name it has now.
    bench.ok("rename slow calm");
    bench.ok("plot slow-lambda fast-lambda -o both.svg --force");
    assert!(bench.read("both.svg").contains("calm"));
    assert!(!bench.path("both-slow-lambda.svg").exists());
}

/// A part of a network is a network of its own: the block of its parameters, whose numbers `--per-layer` gives too.
#[test]
fn a_part_of_a_network() {
    let bench = Bench::trained();
    let part = bench
        .json("hessian --run moons --params fc2 --top 36 --trace --f64 --tol 1e-8 --name part");
    assert_eq!(
        (&part["parameters"], &part["params"]),
        (&36.into(), &"fc2".into())
    );
    let spectrum = values(&part["eigenvalues"]);
    let sum: f64 = spectrum.iter().sum();
    let trace = part["trace"]["mean"].as_f64().unwrap();
    assert!((sum - trace).abs() < 1e-8 * trace.abs(), "{sum} {trace}");
    let layers = bench.json("hessian --run moons --per-layer --f64 --tol 1e-8");
    let layers = layers["layers"].as_array().unwrap();
    let layer = layers.iter().find(|layer| layer["layer"] == "fc2").unwrap();
    let top = layer["top"]["value"].as_f64().unwrap();
    assert!(
        (spectrum[0] - top).abs() < 1e-7 * top,
        "{} {top}",
        spectrum[0]
    );
    // All of them are none in particular: the same run as without.
    let whole = bench.json("hessian --run moons --top 1 --name whole");
    let all = bench.json("hessian --run moons --params fc* --top 1 --name whole");
    assert_eq!((&whole["run"], &all["computed"]), (&all["run"], &0.into()));
    // Every checkpoint has the whole network, of which a part is looked at.
    let steps = bench.json("hessian --run moons --params fc3 --all-steps --name steps");
    assert_eq!(steps["steps"][0]["parameters"], 5);
    let words = bench
        .ok("hessian --run moons --params fc2 --top 36 --trace --f64 --tol 1e-8")
        .out;
    assert!(words.contains("of 36 parameters (fc2)"), "{words}");
}

#[test]
fn a_plane_of_a_part() {
    let bench = Bench::trained();
    let plane = |more: &str| {
        bench.ok(&format!("surface --run moons --grid 3 -q {more}"));
    };
    plane("--bias raw --name whole --save-directions all.safetensors");
    plane("--bias raw --name part --params fc1,fc3.bias --save-directions some.safetensors");
    plane("--name again --params fc1,fc3.bias --direction all.safetensors");
    let rows = |name: &str| bench.ok(&format!("export {name} --format csv")).out;
    assert_eq!(rows("part"), rows("again"));
    assert_ne!(rows("part"), rows("whole"));
    assert_eq!(rows("part").lines().nth(5), rows("whole").lines().nth(5));
    // A map of curvature lies on the same plane, and its eigenvalues are those of the part.
    bench.ok("hessian --run moons --map --grid 3 --bias raw --params fc1,fc3.bias --name map");
    let shown = bench.json("show part");
    assert_eq!(shown["run"]["settings"]["params"], "fc1,fc3.bias");
}

#[test]
fn parts_that_a_network_does_not_have_are_told() {
    let bench = Bench::trained();
    let told = bench.fails("line --run moons --params fc9");
    assert!(
        told.contains("`fc9` matches no parameter; there are fc1.weight"),
        "{told}"
    );
    let told = bench.fails("hessian --run moons --params !fc*");
    assert!(told.contains("leaves no parameter"), "{told}");
    let told = bench.fails("hessian --run moons --params fc1,,fc2");
    assert!(told.contains("does not select parameters"), "{told}");
}

/// Layers, blocks, pairs and matrices are told, drawn and exported.
#[test]
fn a_network_in_parts_is_drawn() {
    let bench = Bench::trained();
    let found = bench.json("hessian --run moons --per block,pair,matrix --name parts -o parts.svg");
    assert_eq!(found["blocks"][0]["layer"], "fc1.*");
    assert_eq!(found["blocks"][0]["parameters"], 24);
    assert_eq!(found["pairs"].as_array().unwrap().len(), 6);
    // The true Fisher matrix among them.
    assert_eq!(found["matrices"].as_array().unwrap().len(), 5);
    assert!(found["layers"].is_null());
    let words = bench.ok("show parts").out;
    for told in ["fc1.*", "RELATIVE", "true-fisher = gauss-newton", "SHARE"] {
        assert!(words.contains(told), "{told}: {words}");
    }
    bench.ok("plot parts --kind pairs -o pairs.svg");
    bench.ok("plot parts -o page.html");
    for file in ["parts.svg", "pairs.svg"] {
        assert!(bench.read(file).contains("fc2.*"), "{file}");
    }
    let csv = bench.ok("export parts --curvature traces").out;
    assert!(csv.contains("fc1.* | fc2.*,frobenius,"), "{csv}");
    let told = bench.fails("plot parts --kind subspace -o s.svg");
    assert!(told.contains("--subspace"), "{told}");
}

#[test]
fn a_training_in_its_leading_eigenspace() {
    let bench = Bench::trained();
    let found =
        bench.json("hessian --run moons --all-steps --subspace 3 --name space -o space.svg");
    let last = found["steps"].as_array().unwrap().last().unwrap();
    assert_eq!(last["subspace"]["dimension"], 3);
    assert!(
        bench
            .read("space.svg")
            .contains("overlap with the step before")
    );
    let words = bench.ok("show space").out;
    assert!(words.contains("GRADIENT IN TOP 3"), "{words}");
    let told = bench.fails("hessian --run moons --subspace 3");
    assert!(told.contains("--all-steps"), "{told}");
    bench.ok("train --model mlp:2-8-4-1 --data moons --epochs 2 --updates bulk:3 --name bulk");
    let told = bench.fails("train --model mlp:2-8-4-1 --data moons --updates bulk");
    assert!(told.contains("bulk:10"), "{told}");
}
