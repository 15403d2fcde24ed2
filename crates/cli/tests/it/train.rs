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
