use crate::support::Bench;

#[test]
fn training_is_stored_once() {
    let bench = Bench::new();
    let words = "train --model mlp:2-8-4-1 --data moons --epochs 30 --optimizer adam --lr 0.02 \
                 --name moons --save moons.safetensors";
    let first = bench.json(words);
    assert_eq!(first["run"], "moons");
    assert_eq!(first["checkpoints"], 31);
    assert!(first["loss"].as_f64() < first["first_loss"].as_f64());
    assert!(first["accuracy"].as_f64().unwrap() > 0.8);
    let said = bench.ok(&words.replace("--save moons.safetensors", ""));
    assert!(said.err.contains("trained already"), "{}", said.err);
    // The saved parameters are those of the last checkpoint.
    let stored = bench.json("surface --run moons --grid 3");
    let saved = bench.json(
        "surface --model mlp:2-8-4-1 --weights moons.safetensors --data moons --grid 3 --db other.db",
    );
    assert_eq!(stored["center_loss"], saved["center_loss"]);
    let loss = first["loss"].as_f64().unwrap();
    assert!((stored["center_loss"].as_f64().unwrap() - loss).abs() < 1e-6);
}

#[test]
fn the_same_name_for_other_settings_names_the_difference() {
    let bench = Bench::trained();
    let message = bench
        .fails("train --model mlp:2-8-4-1 --data moons --epochs 21 --optimizer adam --name moons");
    assert!(
        message.contains("training.epochs: stored 20, asked 21"),
        "{message}"
    );
    assert!(message.contains("--force"), "{message}");
    bench.ok("train --model mlp:2-8-4-1 --data moons --epochs 1 --name moons --force");
    assert_eq!(bench.json("show moons")["run"]["checkpoints"], 2);
}

#[test]
fn a_stored_file_is_not_overwritten() {
    let bench = Bench::new();
    bench.write("kept.safetensors", "precious");
    let message =
        bench.fails("train --model mlp:2-8-4-1 --data moons --epochs 1 --save kept.safetensors");
    assert!(message.contains("`kept.safetensors` exists"), "{message}");
    assert_eq!(bench.read("kept.safetensors"), "precious");
}

/// The same training in every form: the same losses, checkpoints of other sizes, planes that agree.
#[test]
fn checkpoints_are_kept_in_the_form_that_is_asked_for() {
    let bench = Bench::new();
    let train = |form: &str| {
        bench.json(&format!(
            "train --model mlp:784-10 --data mnist-1k --epochs 3 --every 1 --record {form} \
             --name mnist --db {form}.db"
        ))
    };
    let [raw, exact, half] = ["raw", "f32", "f16"].map(train);
    let bytes = |said: &serde_json::Value| said["checkpoint_bytes"].as_u64().unwrap();
    assert_eq!(bytes(&raw), 49 * 4 * 7850);
    assert!(10 * bytes(&exact) < 9 * bytes(&raw), "{exact}");
    assert!(2 * bytes(&half) < bytes(&raw), "{half}");
    let projected = |form: &str| {
        bench.json(&format!(
            "trajectory --run mnist --db {form}.db --grid 3 --name path"
        ))
    };
    let [raw, exact, half] = ["raw", "f32", "f16"].map(projected);
    assert_eq!(raw["points"], exact["points"]);
    for (a, b) in raw["points"]
        .as_array()
        .unwrap()
        .iter()
        .zip(half["points"].as_array().unwrap())
    {
        let x = |point: &serde_json::Value| point["x"].as_f64().unwrap();
        assert!((x(a) - x(b)).abs() < 1e-4, "{a} {b}");
    }
    let shown = bench.ok("show mnist --db f16.db");
    assert!(shown.out.contains("49 checkpoints of "), "{}", shown.out);
    let records = bench.json("show mnist --db f16.db")["records"].clone();
    assert!(records[1]["gradient_norm"].as_f64().unwrap() > 0.0);
    assert!(records[48]["seconds"].as_f64() >= records[1]["seconds"].as_f64());
    // In SQL, as they are.
    let tensors = bench.ok("sql --db raw.db 'SELECT count(*) FROM tensors WHERE step = 7'");
    assert!(tensors.out.contains('2'), "{}", tensors.out);
}

#[test]
fn records_are_dense_first_and_then_thinner() {
    let bench = Bench::new();
    let words = "train --model mlp:2-8-4-1 --data moons:n=50 --batch 10 --epochs 20 --every 40 \
                 --per-decade 3 --name moons";
    bench.ok(words);
    let shown = bench.json("show moons");
    let records = shown["records"].as_array().unwrap();
    let steps: Vec<u64> = records
        .iter()
        .map(|r| r["step"].as_u64().unwrap())
        .collect();
    assert_eq!(steps, [0, 1, 2, 5, 10, 22, 40, 46, 80, 100]);
    assert_eq!(shown["run"]["settings"]["training"]["per_decade"], 3);
}

/// Without shuffling, a batch is the next samples of the file: nothing that is drawn from the seed is left.
#[test]
fn samples_come_in_file_order_where_that_is_asked_for() {
    let bench = Bench::trained();
    bench.ok("train --model mlp:2-8-4-1 --data moons --epochs 0 --save start.safetensors");
    let last = |words: &str| {
        let words = format!(
            "train --model mlp:2-8-4-1 --data moons --weights start.safetensors --epochs 2 {words}"
        );
        bench.json(&words)["loss"].as_f64().unwrap()
    };
    let ordered = last("--no-shuffle");
    assert_ne!(ordered, last("--seed 1"));
    assert_ne!(last("--seed 1"), last("--seed 2"));
    let message = bench.fails(
        "train --model mlp:2-8-4-1 --data moons --weights start.safetensors --no-shuffle --seed 2",
    );
    assert!(message.contains("nothing is drawn at random"), "{message}");
}
