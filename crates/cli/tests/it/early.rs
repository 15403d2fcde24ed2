//! What can be checked before the work is checked before it: nothing is computed, nothing stored.

use crate::support::Bench;

const CASES: &[(&str, &str)] = &[
    // Tensors under a name that says another format.
    (
        "train --model mlp:2-4-1 --data moons --epochs 1 --save f.pt",
        "give f.safetensors",
    ),
    (
        "surface --run moons --grid 3 --save-directions f.h5",
        "give f.safetensors",
    ),
    (
        "hessian --run moons --map --grid 3 --save-directions f.npz",
        "give f.safetensors",
    ),
    (
        "connect --run moons --run b --align weights --save f.pth",
        "give f.safetensors",
    ),
    (
        "surface --run moons --grid 1x5 -o f.svg",
        "2 points or more",
    ),
    ("line --run moons --grid 1 -o f.png", "2 points or more"),
    (
        "volume --run moons --grid 1x3x3 -o f.svg",
        "2 points or more",
    ),
    (
        "hessian --run moons --map --grid 1x3 -o f.svg",
        "2 points or more",
    ),
    (
        "surface --run moons --grid 1x5 -o f.html",
        "2 points or more",
    ),
    ("line --run moons --grid 1 -o f.html", "2 points or more"),
    ("compare moons b --grid 1 -o f.svg", "2 points or more"),
    ("compare moons b --grid 1 -o f.html", "2 points or more"),
    (
        "compare moons b --end-grid 3x1 -o f.svg",
        "2 points or more",
    ),
    (
        "surface --run moons --grid 3 -o f.jpg",
        "not an .svg, .pdf, .png, .tex or .html",
    ),
    (
        "surface --run moons --grid 3 -o f.svg -o f.svg",
        "written twice",
    ),
    (
        "hessian --run moons --map --grid 2 -o f.svg -o f.svg",
        "written twice",
    ),
    ("hessian --run moons --top 1 -o f.svg", "makes a figure"),
    (
        "hessian --run moons --all-steps --trace -o f.svg",
        "makes a figure",
    ),
    (
        "hessian --run moons --map --grid 2 --save-directions moons.txt",
        "moons.txt` exists",
    ),
    (
        "train --model mlp:2-4-1 --data moons --save moons.txt --name c",
        "moons.txt` exists",
    ),
    (
        "train --model mlp:2-4-1 --data moons --save no/w.safetensors --name c",
        "no/w.safetensors",
    ),
    ("surface --run moons --grid 3 -o no/f.svg", "no/f.svg"),
    (
        "surface --run moons --grid 3 --save-directions no/d.safetensors",
        "no/d.safetensors",
    ),
    (
        "connect --run moons --run b --align weights --save no/w.safetensors",
        "no/w.safetensors",
    ),
    ("hessian --run moons --density -o no/f.svg", "no/f.svg"),
    ("compare moons b -o no/f.svg", "no/f.svg"),
    ("export plane -o no/f.csv", "no/f.csv"),
    ("plot plane -o no/f.svg", "no/f.svg"),
    (
        "train --model mlp:2-4-1 --data moons --db no/a.duckdb",
        "no/a.duckdb",
    ),
    (
        "compare --seeds 0..2 --model mlp:2-4-1 --data moons --db no/a.duckdb",
        "no/a.duckdb",
    ),
    ("import plane.csv --db no/a.duckdb", "no/a.duckdb"),
    ("import moons.txt", "unknown format `txt`"),
];

/// The same in a folder that takes no files, whoever asks.
const UNWRITABLE: &[&str] = &[
    "train --model mlp:2-4-1 --data moons --save /proc/w.safetensors",
    "train --model mlp:2-4-1 --data moons --db /proc/a.duckdb",
    "surface --run moons --grid 3 -o /proc/f.svg",
    "surface --run moons --grid 3 --save-directions /proc/d.safetensors",
    "surface --model mlp:2-4-1 --data moons --grid 3 --db /proc/a.duckdb",
    "connect --run moons --run b --align weights --save /proc/w.safetensors",
    "hessian --run moons --density -o /proc/f.svg",
    "compare moons b --name both -o /proc/f.svg",
    "export plane -o /proc/f.csv",
    "plot plane -o /proc/f.svg",
    "import plane.csv --db /proc/a.duckdb",
];

#[test]
fn what_cannot_be_written_is_found_before_the_work() {
    let bench = Bench::trained();
    bench.ok("train --model mlp:2-8-4-1 --data moons --epochs 2 --seed 7 --name b");
    bench.ok("surface --run moons --grid 5 --name plane");
    bench.ok("export plane -o plane.csv");
    bench.write("moons.txt", "precious");
    for (words, part) in CASES {
        let message = bench.fails(words);
        assert!(message.contains(part), "{words}: no `{part}` in {message}");
    }
    if cfg!(target_os = "linux") {
        for words in UNWRITABLE {
            let message = bench.fails(words);
            assert!(
                message.contains("cannot write `/proc/"),
                "{words}: {message}"
            );
        }
    }
}
