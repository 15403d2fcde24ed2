//! Language models in every command, on the text that travels with the program.

use crate::support::Bench;
use serde_json::Value;

const TRAIN: &str = "train --model gpt:dim=8,depth=1,heads=2 --data chars:context=16 --samples 64 --optimizer adam \
                     --lr 0.02 --epochs 6 --batch-size 16 --name text";

fn trained() -> (Bench, Value) {
    let bench = Bench::new();
    let said = bench.json(TRAIN);
    (bench, said)
}

#[test]
fn a_text_is_learned_and_its_landscape_sampled() {
    let (bench, said) = trained();
    let number = |said: &Value, name: &str| said[name].as_f64().unwrap();
    assert!(number(&said, "first_loss") > 4.4, "{said}");
    assert!(number(&said, "loss") < 3.6, "{said}");
    assert_eq!(number(&said, "perplexity"), number(&said, "loss").exp());
    let plane = bench.json("surface --run text --grid 3 --name plane");
    let center = number(&plane, "center_loss");
    assert!((center - number(&said, "loss")).abs() < 1e-5);
    assert_eq!(number(&plane, "center_perplexity"), center.exp());
    assert_eq!(bench.json("line --run text --grid 3")["points"], 3);
    let words = bench.ok("show text").out;
    assert!(
        words.contains("gpt:vocab=96,context=16,dim=8,depth=1,heads=2"),
        "{words}"
    );
    assert!(words.contains(", perplexity "), "{words}");
    assert_eq!(
        bench.json("trajectory --run text --grid 3")["paths"][0]["checkpoints"],
        7
    );
    let top = bench.json("hessian --run text --top 1 --tol 0.05");
    assert!(top.to_string().contains("converged"), "{top}");
}

#[test]
fn what_is_saved_is_loaded() {
    let bench = Bench::new();
    let said = bench.json(&format!("{TRAIN} --save text.safetensors"));
    let model = "gpt:vocab=96,context=16,dim=8,depth=1,heads=2";
    let loaded = bench.json(&format!(
        "surface --model {model} --weights text.safetensors --data chars:context=16 --samples 64 --grid 3 --db other.db"
    ));
    let [a, b] = [&said["loss"], &loaded["center_loss"]].map(|loss| loss.as_f64().unwrap());
    assert!((a - b).abs() < 1e-5, "{a} and {b}");
    let message = bench.fails(&format!(
        "surface --model {model},tied --weights text.safetensors --data chars:context=16 --grid 3"
    ));
    assert!(message.contains("leave `tied` out"), "{message}");
}

#[test]
fn a_language_model_is_described() {
    let bench = Bench::new();
    let said = bench.json("model gpt:dim=8,depth=1,heads=2");
    assert_eq!(said["inputs"][0]["element"], "int");
    assert_eq!(
        said["outputs"][0]["shape"],
        serde_json::json!([null, 64, 96])
    );
    assert_eq!(said["runs"]["has_error"], true);
    let words = bench
        .ok("model gpt:dim=8,depth=1,heads=2 --data chars:context=8 --samples 20")
        .out;
    assert!(words.contains("20 samples in tiles of"), "{words}");
    assert!(words.contains("x: int [n, 8]"), "{words}");
    assert!(words.contains("lm_head.weight"), "{words}");
}

/// Token ids in a file: the network follows from them, and what does not fit is said.
#[test]
fn tokens_in_files_say_how_many_there_are() {
    let bench = Bench::new();
    let ids: Vec<i64> = (0..40).map(|i| i * 7 % 13).collect();
    bench.write("ids.npy", npy(&ids, "(5, 8)"));
    bench.write("next.npy", npy(&ids, "(5, 8)"));
    let said = bench.ok(
        "surface --model gpt:dim=4,depth=1,heads=1 --data ids.npy,next.npy --grid 3 --name ids",
    );
    assert!(
        said.err.contains(
            "ids of 13 tokens, 8 a sample, so the network is taken to be gpt:vocab=13,context=8,"
        ),
        "{}",
        said.err
    );
    let message =
        bench.fails("surface --model gpt:vocab=12,dim=4 --data ids.npy,next.npy --grid 3");
    assert!(
        message.contains("is 12, outside the vocabulary of 12 tokens"),
        "{message}"
    );
    assert!(message.contains("give vocab=13"), "{message}");
    let message =
        bench.fails("surface --model gpt:context=4,dim=4 --data ids.npy,next.npy --grid 3");
    assert!(message.contains("give context=8"), "{message}");
    let message = bench.fails("train --model mlp:16-4-96 --data chars:context=16");
    assert!(
        message.contains("use a language model, such as gpt:"),
        "{message}"
    );
    let message = bench.fails("train --model gpt:dim=4 --data mnist-1k");
    assert!(message.contains("token ids are whole numbers"), "{message}");
}

/// An array of whole numbers as NumPy writes it.
fn npy(values: &[i64], shape: &str) -> Vec<u8> {
    let mut header = format!("{{'descr': '<i8', 'fortran_order': False, 'shape': {shape}, }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    file
}
