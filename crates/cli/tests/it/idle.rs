//! Options without effect where they stand: an error that names what they belong to.

use crate::support::Bench;

/// A command, and what its message says.
const CASES: &[(&str, &[&str])] = &[
    // What a map of curvature is made of.
    ("hessian --run moons --grid 5", &["--grid", "--map"]),
    ("hessian --run moons --range=-1:1", &["--range", "--map"]),
    (
        "hessian --run moons --direction gradient",
        &["--direction", "--map"],
    ),
    ("hessian --run moons --norm layer", &["--norm", "--map"]),
    ("hessian --run moons --bias raw", &["--bias", "--map"]),
    (
        "hessian --run moons --orthogonal",
        &["--orthogonal", "--map"],
    ),
    (
        "hessian --run moons --distribution uniform",
        &["--distribution", "--map"],
    ),
    (
        "hessian --run moons --save-directions d.safetensors",
        &["--save-directions", "--map"],
    ),
    ("hessian --run moons --to d.safetensors", &["--to", "--map"]),
    // How something is computed that is not.
    (
        "hessian --run moons --top 1 --probes 4",
        &["--probes", "--density"],
    ),
    (
        "hessian --run moons --trace --lanczos-steps 4",
        &["--lanczos-steps", "--density"],
    ),
    (
        "hessian --run moons --top 1 --trace-method hutchinson",
        &["--trace-method", "--trace"],
    ),
    (
        "hessian --run moons --top 1 --rho 0.1",
        &["--rho", "--sharpness"],
    ),
    (
        "hessian --run moons --sharpness pac-bayes --rho 0.1",
        &["--rho", "--sharpness"],
    ),
    (
        "hessian --run moons --density --method power",
        &["--method", "--top"],
    ),
    (
        "hessian --run moons --density --tol 1e-4",
        &["--tol", "--top"],
    ),
    (
        "hessian --run moons --density --max-products 50",
        &["--max-products", "--top"],
    ),
    (
        "hessian --run moons --sharpness sam --matrix fisher",
        &["--matrix", "--top"],
    ),
    (
        "hessian --run moons --f64 --precision f32",
        &["--precision", "--f64"],
    ),
    // Curves between networks.
    (
        "connect --run moons --run b --epochs 3",
        &["--epochs", "--curve"],
    ),
    (
        "connect --run moons --run b --inner-points 2",
        &["--inner-points", "--curve"],
    ),
    (
        "connect --run moons --run b --batch-size 9",
        &["--batch-size", "--curve"],
    ),
    (
        "connect --run moons --run b --optimizer sgd",
        &["--optimizer", "--curve"],
    ),
    ("connect --run moons --run b --lr 0.1", &["--lr", "--curve"]),
    (
        "connect --run moons --run b --schedule constant",
        &["--schedule", "--curve"],
    ),
    (
        "connect --run moons --run b --weight-decay 0.1",
        &["--weight-decay", "--curve"],
    ),
    (
        "connect --run moons --run b --seed 3",
        &["--seed", "--curve or --align weights"],
    ),
    (
        "connect --run moons --run b --align activations --seed 3",
        &["--seed", "--align weights"],
    ),
    (
        "connect --run moons --run b --curve bezier --momentum 0.5",
        &["--momentum", "nesterov"],
    ),
    // Trainings.
    (
        "train --model mlp:2-4-1 --data moons --momentum 0.5",
        &["--momentum", "nesterov"],
    ),
    (
        "train --model mlp:2-4-1 --data moons --optimizer adam --momentum 0.5",
        &["--momentum"],
    ),
    (
        "train --model mlp:2-4-1 --data moons --data-dir nowhere",
        &["--data-dir", "cifar10"],
    ),
    (
        "train --model mlp:784-9-10 --data mnist-1k --data-dir nowhere",
        &["--data-dir", "mnist"],
    ),
    // Checkpoints of a run, where parameters come from elsewhere.
    (
        "line --model mlp:2-8-4-1 --data moons --weights w.safetensors --step 3",
        &["--step", "--run"],
    ),
    (
        "surface --model mlp:2-8-4-1 --data moons --step 3",
        &["--step", "--run"],
    ),
    (
        "hessian --model mlp:2-8-4-1 --data moons --weights w.safetensors --step 3",
        &["--step", "--run"],
    ),
    (
        "hessian --model mlp:2-8-4-1 --data moons --weights w.safetensors --all-steps",
        &["--all-steps", "--run"],
    ),
    // Comparisons.
    (
        "compare moons b --weights w.safetensors",
        &["--weights", "stored already"],
    ),
    (
        "compare --seeds 0..2 --model mlp:2-4-1 --data moons --tolerance 0.1",
        &["--tolerance", "stored runs"],
    ),
    (
        "compare moons b --epochs 3",
        &["--epochs", "stored already"],
    ),
    ("compare moons b --lr 0.1", &["--lr", "stored already"]),
    (
        "compare moons b --optimizer adam",
        &["--optimizer", "stored already"],
    ),
    ("compare moons b --seed 3", &["--seed", "stored already"]),
    (
        "compare moons b --samples 3",
        &["--samples", "stored already"],
    ),
    (
        "compare --seeds 0..2 --seed 3 --model mlp:2-4-1 --data moons",
        &["--seed", "--seeds"],
    ),
    (
        "compare --optimizers sgd,adam --optimizer adam --model mlp:2-4-1 --data moons",
        &["--optimizer", "--optimizers"],
    ),
    (
        "compare --optimizers sgd=0.1,adam=0.1 --lr 3 --model mlp:2-4-1 --data moons",
        &["--lr", "--optimizers"],
    ),
    (
        "compare --optimizers sgd,adam --momentum 0.5 --model mlp:2-4-1 --data moons",
        &["--momentum", "nesterov"],
    ),
    (
        "compare --batch-sizes 8,16 --batch-size 4 --model mlp:2-4-1 --data moons",
        &["--batch-size", "--batch-sizes"],
    ),
    ("compare plane plane5 --grid 9", &["--grid", "landscapes"]),
    (
        "compare plane plane5 --end-grid 9",
        &["--end-grid", "landscapes"],
    ),
    (
        "compare plane plane5 --no-curvature",
        &["--no-curvature", "landscapes"],
    ),
    (
        "compare plane plane5 --threads 1",
        &["--threads", "landscapes"],
    ),
    (
        "compare plane plane5 --name both",
        &["--name", "landscapes"],
    ),
    // Directions.
    (
        "surface --run moons --direction pca --distribution uniform",
        &["--distribution", "--direction random"],
    ),
    (
        "surface --run moons --direction pca --seed 3",
        &["--seed", "--direction random"],
    ),
    (
        "surface --run moons --direction pca --bias raw",
        &["--bias", "--norm"],
    ),
    (
        "line --run moons --direction gradient --distribution uniform",
        &["--distribution"],
    ),
    (
        "line --run moons --orthogonal",
        &["--orthogonal", "one direction"],
    ),
    (
        "line --run moons --to w.safetensors --direction pca",
        &["--direction", "--to"],
    ),
    (
        "line --run moons --to w.safetensors --seed 3",
        &["--seed", "--direction random"],
    ),
    (
        "surface --run moons --data-dir nowhere",
        &["--data-dir", "moons"],
    ),
    (
        "surface --run moons --device flex --threads 2",
        &["--threads", "--device cpu"],
    ),
    (
        "trajectory --run moons --margin 0.5",
        &["--margin", "--grid"],
    ),
    (
        "trajectory --run moons --data-dir nowhere",
        &["--data-dir", "moons"],
    ),
    (
        "trajectory --run moons --device flex --threads 2",
        &["--threads", "--device cpu"],
    ),
    (
        "diagnose moons --no-curvature --threads 1",
        &["--threads", "--no-curvature"],
    ),
    (
        "doctor --device flex --threads 2",
        &["--threads", "--device cpu"],
    ),
    // Figures.
    ("plot plane --path nosuch -o a.svg", &["--path", "path"]),
    (
        "plot moons --clip 3 --kind losses --path nosuch -o a.svg",
        &["--path", "path"],
    ),
    (
        "plot plane --measured -o a.svg",
        &["--measured", "--adaptive"],
    ),
    (
        "plot plane --kind heatmap --basins -o a.svg",
        &["--basins", "contour"],
    ),
    (
        "plot moons --value accuracy -o a.svg",
        &["--value", "landscape"],
    ),
    (
        "plot moons --colormap cividis -o a.svg",
        &["--colormap", "curves"],
    ),
    (
        "plot plane --shared-scale -o a.svg",
        &["--shared-scale", "several runs"],
    ),
    (
        "plot plane --camera 20,40 -o a.svg",
        &["--camera", "surface"],
    ),
    (
        "plot plane --kind contour --along=-1,0:1,0 -o a.svg",
        &["--along", "curves"],
    ),
    ("plot plane --dpi 72 -o a.svg", &["--dpi", ".png"]),
    (
        "plot plane --panels -o a.svg",
        &["--panels", "several runs"],
    ),
    (
        "plot plane plane5 --kind heatmap --panels -o a.svg",
        &["--panels", "contour"],
    ),
    (
        "plot plane plane5 --panels --shared-scale -o a.svg",
        &["--shared-scale", "one scale"],
    ),
    (
        "plot plane plane5 --panels -o a.gif",
        &["--panels", "animation"],
    ),
    ("plot plane --size slide -o a.html", &["--size", "page"]),
    ("plot plane --kind heatmap -o a.html", &["--kind", "page"]),
    ("plot plane --clip 3 -o a.html", &["--clip", "page"]),
    ("plot plane --width 99 -o a.html", &["--width", "page"]),
    (
        "plot plane --value accuracy -o a.html",
        &["--value", "page"],
    ),
    // What belongs to others.
    (
        "surface --weights w.safetensors --model mlp:2-8-4-1 --data moons --step 3",
        &["--step", "--run"],
    ),
    (
        "hessian --weights w.safetensors --model mlp:2-8-4-1 --data moons --step 3",
        &["--step", "--run"],
    ),
    (
        "hessian --run moons --sharpness sam,fisher-rao --seed 3",
        &["--seed", "at random"],
    ),
    ("compare plane plane5 --force", &["--force", "-o FILE"]),
    // Files.
    ("export plane --height log", &["--height", "vtk"]),
    ("export plane --height log -o a.csv", &["--height", "vtk"]),
    (
        "export plane --height flat --directions -o a.h5",
        &["--height", "vtk"],
    ),
    (
        "export plane --directions --path x -o a.h5",
        &["--path", "--trajectory"],
    ),
    (
        "export plane --curvature map --path x",
        &["--path", "--trajectory"],
    ),
    ("export plane --force", &["--force", "-o FILE"]),
];

#[test]
fn options_without_effect_are_refused() {
    let bench = Bench::trained();
    let words =
        "train --model mlp:2-8-4-1 --data moons --epochs 2 --seed 7 --name b --save w.safetensors";
    bench.ok(words);
    bench.ok("surface --run moons --grid 5 --name plane");
    bench.ok("surface --run moons --grid 5 --seed 9 --name plane5");
    for (words, parts) in CASES {
        let message = bench.fails(words);
        let named = format!("{} has no effect here: ", parts[0]);
        assert!(message.contains(&named), "{words}: {message}");
        assert!(message.contains("remedy:"), "{words}: {message}");
        for part in parts.iter() {
            assert!(message.contains(part), "{words}: no `{part}` in {message}");
        }
    }
}

/// The same options where they act.
#[test]
fn options_with_effect_are_taken() {
    let bench = Bench::trained();
    bench.ok("train --model mlp:2-8-4-1 --data moons --epochs 2 --seed 7 --optimizer momentum --momentum 0.5 --name b");
    bench.ok("surface --run moons --grid 33 --adaptive 0.1 --name plane");
    bench.ok("plot plane --measured --smooth 1 --basins --clip 3 --log -o a.svg");
    bench.ok("plot plane --dpi 72 --colormap cividis --value accuracy -o a.png");
    bench.ok("surface --run moons --grid 3 --direction gradient --distribution uniform --seed 4");
    bench.ok("surface --run moons --grid 3 --direction pca --norm filter --bias layer");
    bench.ok("surface --run moons --grid 3 --device cpu,flex --threads 1");
    bench.ok("hessian --run moons --density --probes 2 --lanczos-steps 4 --matrix fisher");
    bench.ok("hessian --run moons --map --grid 2 --norm layer --tol 1e-2 --orthogonal");
    bench.ok("hessian --run moons --trace-method hutchinson --max-products 40");
    bench.ok("hessian --run moons --sharpness sam,pac-bayes --rho 0.1");
    bench.ok("hessian --run moons --step 20 --sharpness keskar --seed 3");
    for words in [
        "surface --run moons --grid 3",
        "trajectory --run moons",
        "connect --run moons --run b --points 5",
    ] {
        let said = bench.ok(&format!("{words} --batch-norm batch"));
        let note = "no BatchNorm layers: the mode batch changes nothing";
        assert!(said.err.contains(note), "{words}: {}", said.err);
    }
    bench.ok("connect --run moons --run b --align weights --seed 3 --points 5");
    bench.ok("trajectory --run moons --grid 3 --margin 0.5 --name path");
    bench.ok("plot moons --smooth 2 -o smooth.svg");
    bench.ok("plot moons -o plain.svg");
    let says = |file: &str| bench.read(file).contains("smoothed");
    assert!(says("smooth.svg") && !says("plain.svg"));
    let message = bench.fails("plot path --kind plane-losses --smooth 2 -o b.svg");
    assert!(message.contains("--smooth has no effect here"), "{message}");
    bench.ok("plot path --path moons --kind trajectory -o path.svg");
    bench.ok("export plane --height log -o a.vtp");
}
