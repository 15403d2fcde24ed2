//! Numbers that are none, and sizes that are typing mistakes.

use crate::support::{Bench, PROGRAM, Said};

const CASES: &[(&str, &str)] = &[
    ("surface --run moons --threads 10000", "from 0 to 1024"),
    ("surface --run moons --threads=-1", "from 0 to 1024"),
    (
        "diagnose moons --threads 18446744073709551615",
        "from 0 to 1024",
    ),
    (
        "connect --run moons --run b --curve bezier --inner-points 1000000000",
        "from 0 to 1000",
    ),
    (
        "connect --run moons --run b --curve bezier --inner-points 0",
        "--inner-points 0 leaves nothing",
    ),
    (
        "connect --run moons --run b --curve bezier --epochs 0",
        "--epochs 0 leaves nothing",
    ),
    (
        "connect --run moons --run b --curve bezier --batch 0",
        "at least 1",
    ),
    (
        "connect --run moons --run b --curve bezier --lr=-1",
        "positive",
    ),
    (
        "connect --run moons --run b --points 1000000000",
        "from 0 to 1000000",
    ),
    ("connect --run moons --run b --points 1", "2 points or more"),
    ("surface --run moons --grid 100000", "larger than 100000000"),
    (
        "surface --run moons --grid 18446744073709551616",
        "number of points",
    ),
    ("surface --run moons --range=0:nan", "not finite"),
    ("surface --run moons --range=1:-1", "ascend"),
    ("surface --run moons --range=-1e308:1e308", "not finite"),
    ("surface --run moons --range=0:1e308", "32-bit floats"),
    ("surface --run moons --range=0:1e-320", "0:1e-320"),
    ("surface --run moons --range=0:1e-40", "32-bit floats"),
    ("surface --run moons --l2 nan", "not finite"),
    (
        "surface --run moons --adaptive nan",
        "fraction of the range",
    ),
    ("surface --run moons --adaptive 0", "fraction of the range"),
    ("surface --run moons --samples 0", "empty"),
    (
        "train --model mlp:2-4-1 --data moons --epochs 18446744073709551615",
        "to 1000000",
    ),
    (
        "train --model mlp:2-100000000-1 --data moons:n=10000",
        "of memory",
    ),
    (
        "surface --model mlp:2-100000000-1 --data moons:n=10000 --grid 3",
        "of memory",
    ),
    (
        "compare --widths 4,100000000 --model mlp:2-8-1 --data moons:n=10000",
        "of memory",
    ),
    (
        "compare --seeds 0..10000 --model mlp:2-4000000-1 --data moons",
        "of memory",
    ),
    (
        "train --model vit:dim=16384,depth=256,mlp=16384 --data moons",
        "of memory",
    ),
    (
        "line --model vit:dim=16384,depth=256,mlp=16384 --data moons",
        "of memory",
    ),
    (
        "compare --seeds 0..2 --model vit:dim=16384,depth=256,mlp=16384 --data moons",
        "of memory",
    ),
    (
        "plot plane --width 500 --dpi 2400 -o a.png",
        "268 million pixels",
    ),
    (
        "train --model mlp:2-4-1 --data moons --batch 0",
        "at least 1",
    ),
    ("train --model mlp:2-4-1 --data moons --lr nan", "positive"),
    ("train --model mlp:2-4-1 --data moons --lr=-0.1", "positive"),
    (
        "train --model mlp:2-4-1 --data moons --lr 1e-320",
        "positive",
    ),
    ("train --model mlp:2-4-1 --data moons --lr 1e308", "3.4e38"),
    (
        "train --model mlp:2-4-1 --data moons --weight-decay nan",
        "at least 0",
    ),
    (
        "train --model mlp:2-4-1 --data moons --optimizer momentum --momentum 1",
        "[0, 1)",
    ),
    (
        "train --model mlp:2-4-1 --data moons --per-decade 4294967295",
        "0..=1000",
    ),
    ("train --model mlp:2-4-1 --data moons:noise=nan", "noise"),
    ("train --model mlp:2-4-1 --data moons:noise=-1", "noise"),
    (
        "train --model mlp:2-4-1 --data moons:n=100000000",
        "to 10000000",
    ),
    ("train --model mlp:2-1000000000-1 --data moons", "weights"),
    ("hessian --run moons --top 0", "asks for no eigenvalue"),
    (
        "hessian --run moons --top 18446744073709551615",
        "from 0 to 100000",
    ),
    ("hessian --run moons --top 5 --tol 0", "between 0 and 1"),
    ("hessian --run moons --top 5 --tol nan", "between 0 and 1"),
    (
        "hessian --run moons --top 5 --tol=-1e308",
        "tolerance -1e308",
    ),
    ("hessian --run moons --top 5 --max-products 0", "too few"),
    (
        "hessian --run moons --density --probes 18446744073709551615",
        "from 0 to 10000",
    ),
    (
        "hessian --run moons --density --lanczos-steps 18446744073709551615",
        "from 0 to 10000",
    ),
    ("hessian --run moons --sharpness sam --rho nan", "positive"),
    ("hessian --run moons --sharpness sam --rho=-1e308", "-1e308"),
    ("trajectory --run moons --grid 3 --margin nan", "fraction"),
    ("trajectory --run moons --grid 3 --margin=-1", "fraction"),
    (
        "compare --seeds 0..100000 --model mlp:2-4-1 --data moons",
        "more than 10000 seeds",
    ),
    (
        "compare --widths 0,1 --model mlp:2-4-1 --data moons",
        "at least 1",
    ),
    (
        "compare --optimizers sgd=nan,adam=1 --model mlp:2-4-1 --data moons",
        "positive",
    ),
    ("plot plane --clip nan -o a.svg", "LOW < HIGH"),
    ("plot plane --clip 5:1 -o a.svg", "LOW < HIGH"),
    ("plot plane --clip : -o a.svg", "LOW < HIGH"),
    ("plot plane --clip inf -o a.svg", "LOW < HIGH"),
    ("plot plane --smooth nan -o a.svg", "0 to 100"),
    ("plot plane --smooth 1e308 -o a.svg", "smooth = 1e308"),
    ("plot plane --width 1e308 -o a.svg", "50 to 500"),
    ("plot plane --dpi nan -o a.png", "36 to 2400"),
    ("plot plane --basins=nan -o a.svg", "fraction of the range"),
];

#[test]
fn numbers_that_are_none_are_refused_at_once() {
    let bench = Bench::trained();
    bench.ok("train --model mlp:2-8-4-1 --data moons --epochs 2 --seed 7 --name b");
    bench.ok("surface --run moons --grid 5 --name plane");
    for (words, part) in CASES {
        // Refused, not tried: trying takes hours or all memory.
        let message = bench.fails(words);
        assert!(message.contains(part), "{words}: no `{part}` in {message}");
        assert!(message.len() < 800, "{words}: {message}");
        assert!(!message.contains("Some("), "{words}: {message}");
    }
}

#[test]
fn names_are_bounded() {
    let bench = Bench::trained();
    let name = "x".repeat(5000);
    let message = bench.fails(&format!("surface --run moons --grid 3 --name {name}"));
    assert!(message.contains("more than 200 characters"), "{message}");
    assert!(message.len() < 1000, "{} bytes", message.len());
    for words in [
        format!("metrics {name}"),
        format!("surface --run {name}"),
        format!("plot moons -o {name}"),
        format!("surface --model {name} --data moons"),
        format!("{name} --help"),
    ] {
        let message = bench.fails(&words);
        assert!(message.len() < 3000, "{} bytes: {message}", message.len());
    }
    let name = "é".repeat(200);
    bench.ok(&format!("surface --run moons --grid 3 --name {name}"));
}

/// Memory is planned before it is taken: the largest grid takes some 8 GB.
#[cfg(target_os = "linux")]
#[test]
fn memory_is_planned() {
    let bench = Bench::trained();
    let before = bench.files();
    let words = "surface --run moons --grid 10000 --batch 1";
    let script = format!("ulimit -v 6000000; exec '{PROGRAM}' {words}");
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &script]).current_dir(bench.path("."));
    let said = Said::of(shell.output().unwrap());
    assert_eq!(said.code, 2, "{}", said.err);
    let planned = "a grid of 100000000 points needs about";
    assert!(said.err.contains(planned), "{}", said.err);
    assert!(said.err.contains("give a smaller --grid"), "{}", said.err);
    assert_eq!(bench.files(), before);
}
