//! Paths between networks: lines, alignment, curves.

use crate::support::Bench;
use burn::tensor::Device;
use landscape_core::{Params, Rng};
use landscape_models::{
    Dataset, LossKind, Network, load, load_network_params, save_weights, trace_network,
};
use serde_json::Value;

const MODEL: &str = "mlp:2-8-8-1";
const CURVE: &str =
    "connect --run a --run b --name ab --curve bezier --epochs 40 --lr 0.02 --grid 9 --points 21";

/// Two trainings on two moons, `a` and `b`, and their parameters as files.
fn pair() -> Bench {
    let bench = Bench::new();
    for (seed, name) in [(1, "a"), (2, "b")] {
        bench.ok(&format!(
            "train --model {MODEL} --data moons --epochs 40 --optimizer adam --lr 0.02 --seed {seed} \
             --name {name} --save {name}.safetensors"
        ));
    }
    bench
}

fn params(bench: &Bench, file: &str) -> Params {
    load_network_params(bench.path(file), &MODEL.parse().unwrap()).unwrap()
}

fn height(way: &Value) -> f64 {
    way["barrier"]["height"].as_f64().unwrap()
}

#[test]
fn a_line_is_that_of_the_command_line() {
    let bench = pair();
    let found = bench.json("connect --run a --run b --points 21 --name ab");
    assert_eq!(found["line"]["run"], "ab-line");
    assert!(height(&found["line"]) > 0.05, "{found}");
    assert_eq!(
        (&found["aligned"], &found["curve"]),
        (&Value::Null, &Value::Null)
    );
    // The same request, in other words, is the same run.
    let line = bench.json(
        "line --run a --to b.safetensors --grid 21 --range 0:1 --batch-norm reestimate --name ab-line",
    );
    assert_eq!(
        (&line["computed"], &line["stored_before"]),
        (&0.into(), &21.into())
    );
    assert_eq!(line["barrier"], found["line"]["barrier"]);
    let metrics = bench.json("metrics ab-line");
    assert_eq!(metrics["barrier"], found["line"]["barrier"]);
    // From files it is measured again, and comes to the same.
    let files = bench.json(&format!(
        "connect --weights a.safetensors --to b.safetensors --model {MODEL} --data moons --points 21"
    ));
    assert_eq!(files["line"]["barrier"], found["line"]["barrier"]);
    bench.ok("plot ab-line -o line.svg");
    assert!(bench.read("line.svg").contains("<svg"));
}

#[test]
fn a_permuted_twin_is_aligned() {
    let bench = pair();
    let network = params(&bench, "a.safetensors");
    let data: Dataset = load(&"moons".parse().unwrap(), None, Default::default(), None).unwrap();
    let module = Network::from_params(&MODEL.parse().unwrap(), &network, &Device::flex()).unwrap();
    let trace = trace_network(&module, &data, LossKind::BceWithLogits, &[]).unwrap();
    let spec = trace.permutations();
    let mut hidden = spec.identity();
    let mut rng = Rng::new(3, 0);
    hidden.iter_mut().for_each(|p| rng.shuffle(p));
    let twin = spec.apply(&network, &hidden).unwrap();
    save_weights(bench.path("twin.safetensors"), &twin).unwrap();
    for by in ["weights", "activations"] {
        let found = bench.json(&format!(
            "connect --run a --to twin.safetensors --points 11 --align {by} --save {by}.safetensors"
        ));
        assert!(height(&found["line"]) > 0.05, "{found}");
        assert_eq!(height(&found["aligned"]), 0.0);
        assert_eq!(found["aligned"]["run"], Value::Null);
        assert_eq!(found["aligned"]["groups"], 2);
        assert_eq!(found["aligned"]["units"], 16);
        assert_eq!(params(&bench, &format!("{by}.safetensors")), network);
    }
    // Two trainings are not twins; alignment brings them nearer all the same.
    let found = bench.json("connect --run a --run b --points 11 --align weights --name ab");
    let length = |way: &Value| way["length"].as_f64().unwrap();
    assert!(length(&found["aligned"]) < length(&found["line"]));
    assert_eq!(found["aligned"]["run"], "ab-aligned");
    assert!(
        bench
            .fails("connect --run a --run b --align weights --save weights.safetensors")
            .contains("exists")
    );
}

#[test]
fn a_curve_is_trained_once_and_shown() {
    let bench = pair();
    let found = bench.json(CURVE);
    let curve = &found["curve"];
    assert!(height(curve) < 0.5 * height(&found["line"]), "{found}");
    assert_eq!(
        (&curve["run"], &curve["control_points"]),
        (&"ab-plane".into(), &"ab-curve".into())
    );
    let again = bench.run(&format!("{CURVE} --json"));
    assert!(
        again.err.contains("ab-curve: trained already"),
        "{}",
        again.err
    );
    let json: Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!((&json["line"], &json["curve"]), (&found["line"], curve));
    // The bend is a network like any other, and the ends are those of the trainings.
    bench.ok("line --run ab-curve --step 1 --grid 5");
    let same = bench.fails("connect --run b --run ab-curve");
    assert!(same.contains("the same parameters"), "{same}");
    bench.ok("plot ab-plane -o plane.svg");
    bench.ok("show ab-plane");
    let csv = bench.ok("export ab-plane --format csv").out;
    assert_eq!(csv.lines().count(), 82);
    let words = bench
        .ok(&format!("{} --align weights", CURVE.replace("ab", "cd")))
        .out;
    assert!(words.contains("control points of the curve"), "{words}");
}

#[test]
fn wrong_input_says_what_to_do() {
    let bench = pair();
    bench.ok("train --model mlp:2-4-1 --data moons --epochs 1 --name small");
    let mut broken = params(&bench, "b.safetensors").into_inner();
    broken[0].data[0] = f32::NAN;
    save_weights(
        bench.path("broken.safetensors"),
        &Params::new(broken).unwrap(),
    )
    .unwrap();
    let cases = [
        ("connect", "--run is missing"),
        ("connect --run a", "one network is given"),
        (
            "connect --run a --run b --run small",
            "3 networks are given",
        ),
        ("connect --run a --run small", "does not fit"),
        ("connect --run a --run a", "the same parameters"),
        ("connect --run a --run nothing", "nothing"),
        ("connect --run a --to broken.safetensors", "fc1.weight"),
        ("connect --run a --run b --points 1", "2 points or more"),
        (
            "connect --run a --run b --curve bezier --inner-points 0",
            "--inner-points 0",
        ),
        ("connect --run a --run b --curve bezier --lr=-1", "lr"),
        ("connect --run a --run b --grid 9", "--curve"),
        ("connect --run a --run b --save x.safetensors", "--align"),
    ];
    for (words, expected) in cases {
        let said = bench.fails(words);
        assert!(said.contains(expected), "{words}: {said}");
    }
}

/// A line on which some layers go to the other network while the rest stay.
#[test]
fn a_line_of_a_part() {
    let bench = pair();
    let found = bench.json("connect --run a --run b --points 5 --params fc1 --name ab");
    let line = bench.json(
        "line --run a --to b.safetensors --params fc1 --grid 5 --range 0:1 --batch-norm reestimate --name ab-line",
    );
    assert_eq!(line["computed"], 0);
    // Its end is no network with a name, but the connection's.
    assert!(line["barrier"].is_null());
    let metrics = bench.json("metrics ab-line");
    assert_eq!(metrics["barrier"], found["line"]["barrier"]);
    let mut mixed = params(&bench, "a.safetensors").into_inner();
    let other = params(&bench, "b.safetensors").into_inner();
    for (own, other) in mixed.iter_mut().zip(other) {
        if own.name.starts_with("fc1.") {
            *own = other;
        }
    }
    save_weights(
        bench.path("mixed.safetensors"),
        &Params::new(mixed).unwrap(),
    )
    .unwrap();
    let end = bench.json(&format!(
        "connect --run a --to mixed.safetensors --model {MODEL} --points 5 --name mixed"
    ));
    assert_eq!(end["line"]["barrier"], found["line"]["barrier"]);
    for more in ["--align weights", "--curve bezier"] {
        let told = bench.fails(&format!("connect --run a --run b --params fc1 {more}"));
        assert!(told.contains("whole networks"), "{told}");
    }
}

/// Averages of three networks, and basins at stated rises of the loss.
#[test]
fn averages_and_basins_are_found() {
    let bench = pair();
    let all = "connect --run a --run b --to a.safetensors --points 21 --name ab";
    let found = bench.json(&format!("{all} --soup --save soup.safetensors"));
    let soup = &found["soup"];
    assert_eq!(soup["ingredients"].as_array().unwrap().len(), 3);
    let saved = bench.json(&format!(
        "line --weights soup.safetensors --model {MODEL} --data moons --grid 3 --name soup"
    ));
    let off = saved["center_loss"].as_f64().unwrap() - soup["uniform"]["loss"].as_f64().unwrap();
    assert!(off.abs() < 1e-6, "{off}");
    let rises = |found: &Value| -> Vec<(f64, String)> {
        let widths = found["widths"].as_array().unwrap().iter();
        let one = |width: &Value| {
            let rise = width["rise"].as_str().unwrap();
            (width["at"].as_f64().unwrap(), rise.to_owned())
        };
        widths.map(one).collect()
    };
    let expected = [(0.0, "10%"), (0.0, "0.1"), (1.0, "10%"), (1.0, "0.1")];
    let expected = expected.map(|(at, rise)| (at, rise.to_owned()));
    assert_eq!(rises(&found["line"]), expected);
    let metrics = bench.json("metrics ab-line --rise 5%");
    assert_eq!(rises(&metrics), [(0.0, "5%".into()), (1.0, "5%".into())]);
    assert!(metrics["widths"][0]["above"]["length"].as_f64().unwrap() > 0.0);
    assert!(bench.fails(all).contains("ask for the average of all"));
    assert!(bench.fails("metrics ab-line --rise 0").contains("10%"));
}
