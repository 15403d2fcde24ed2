//! Programs from files under training: what families do, by the same words.

use crate::support::Bench;
use std::path::Path;

/// Small networks that PyTorch exported; see crates/study/tests/reference.
fn exported() -> Bench {
    let bench = Bench::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../study/tests/reference");
    for name in [
        "conv.pt2",
        "conv.npz",
        "conv.safetensors",
        "conv-adam.safetensors",
        "mlp.pt2",
        "mlp.npz",
        "dropout.pt2",
    ] {
        bench.write(name, std::fs::read(folder.join(name)).unwrap());
    }
    bench
}

#[test]
fn a_trained_program_has_landscapes_of_its_run() {
    let bench = exported();
    let words = "train --model conv.pt2 --data conv.npz --epochs 4 --batch 8 --optimizer adam --lr 0.01 --name net";
    let trained = bench.json(&format!("{words} --save end.safetensors"));
    assert_eq!(trained["steps"], 12);
    let again = bench.ok(words);
    assert!(again.err.contains("trained already"), "{}", again.err);
    let last = trained["loss"].as_f64().unwrap();
    let plane = bench.json("surface --run net --grid 3 --name plane");
    assert!((plane["center_loss"].as_f64().unwrap() - last).abs() < 1e-6);
    let plane = bench.json(
        "surface --model conv.pt2 --weights end.safetensors --data conv.npz --grid 3 --name file",
    );
    assert!((plane["center_loss"].as_f64().unwrap() - last).abs() < 1e-6);
    bench.ok("trajectory --run net --grid 5 --name path");
    bench.ok("hessian --run net --top 1 --name curved");
    let said = bench
        .ok("train --model conv.pt2 --data conv.npz --dry-run")
        .out;
    assert!(said.contains("steps of training"), "{said}");
}

#[test]
fn variants_of_a_program_are_compared() {
    let bench = exported();
    let words = "--model mlp.pt2 --data mlp.npz --epochs 3 --grid 5 --end-grid 3";
    let found = bench.json(&format!(
        "compare --optimizers sgd=0.1,adam=0.01 {words} --name two"
    ));
    assert_eq!(found["trainings"].as_array().unwrap().len(), 2);
    let said = bench.ok(&format!(
        "compare --seeds 1,2 {words} --no-curvature --name seeds"
    ));
    assert!(
        said.err.contains("start from the same parameters"),
        "{}",
        said.err
    );
    let said = bench.fails(&format!("compare --widths 2,4 {words}"));
    assert!(
        said.contains("`mlp.pt2` is a program from a file"),
        "{said}"
    );
}

#[test]
fn weights_of_a_program_are_connected_by_a_curve() {
    let bench = exported();
    let found = bench.json(
        "connect --model conv.pt2 --weights conv.safetensors --to conv-adam.safetensors --data conv.npz --curve bezier --epochs 2 --batch 8 --points 5",
    );
    let points = found["curve"]["control_points"].as_str().unwrap();
    let plane = bench.json(&format!(
        "surface --run {points} --step 1 --grid 3 --name bend"
    ));
    assert!(plane["center_loss"].as_f64().unwrap().is_finite());
}

#[test]
fn what_programs_do_not_have_is_told() {
    let bench = exported();
    let words = "train --model conv.pt2 --data conv.npz --epochs 1";
    let said = bench.fails(&format!("{words} --init li"));
    assert!(
        said.contains("starts from the parameters in its file"),
        "{said}"
    );
    let said = bench.fails(&format!("{words} --batch 7"));
    assert!(said.contains("`last`"), "{said}");
    let said = bench.fails("train --model mlp.pt2 --data mlp.npz --augment flip");
    assert!(said.contains("only a network of images"), "{said}");
    let said = bench.fails("train --model dropout.pt2 --data conv.npz");
    assert!(said.contains("dropout.pt2"), "{said}");
}
