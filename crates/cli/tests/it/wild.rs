//! Checkpoints of others and families with settings, from the command line.

use crate::support::Bench;
use landscape_core::{Parameter, Params, Role};
use landscape_models::{ModelSpec, Network, load_network_params, save_weights};

fn initial(model: &str, seed: u64) -> Params {
    let spec: ModelSpec = model.parse().unwrap();
    Network::init(&spec, seed, &burn::tensor::Device::flex()).params()
}

/// A name for a tensor of another name.
type Renaming<'a> = &'a dyn Fn(&str) -> String;

/// The same tensors with other names, one after the other in one file.
fn save(bench: &Bench, file: &str, parts: &[(Renaming, &Params)]) {
    let renamed = parts.iter().flat_map(|(name, params)| {
        params.iter().map(move |tensor| Parameter {
            name: name(&tensor.name),
            ..tensor.clone()
        })
    });
    save_weights(bench.path(file), &Params::new(renamed.collect()).unwrap()).unwrap();
}

#[track_caller]
fn origin(bench: &Bench, words: &str) -> f64 {
    let found = bench.json(&format!("{words} --grid 3 --force --name r"));
    found["center_loss"].as_f64().unwrap()
}

const LINE: &str = "line --model mlp:2-8-4-1 --data moons:n=50";

#[test]
fn one_of_several_networks_and_other_names() {
    let bench = Bench::new();
    let (one, two) = (initial("mlp:2-8-4-1", 1), initial("mlp:2-8-4-1", 2));
    save(&bench, "one.safetensors", &[(&str::to_owned, &one)]);
    save(&bench, "two.safetensors", &[(&str::to_owned, &two)]);
    let student = |name: &str| format!("student.{name}");
    let teacher = |name: &str| format!("teacher.{name}");
    save(
        &bench,
        "both.safetensors",
        &[(&student, &one), (&teacher, &two)],
    );
    let message = bench.fails(&format!("{LINE} --weights both.safetensors"));
    assert!(
        message.contains("student, teacher; name the one"),
        "{message}"
    );
    for (key, file) in [("student", "one"), ("teacher", "two")] {
        assert_eq!(
            origin(&bench, &format!("{LINE} --weights both.safetensors:{key}")),
            origin(&bench, &format!("{LINE} --weights {file}.safetensors"))
        );
    }
    let message = bench.fails(&format!("{LINE} --weights both.safetensors:pupil"));
    assert!(message.contains("under `pupil`"), "{message}");
    // One of them is the origin, the other at 1.
    let ends = "--weights both.safetensors:student --to both.safetensors:teacher";
    bench.ok(&format!(
        "{LINE} {ends} --grid 3 --range 0:1 --name between"
    ));
    bench.ok("export between --format csv -o between.csv");
    let table = bench.read("between.csv");
    let loss = |line: usize| -> f64 {
        let line = table.lines().nth(line).unwrap();
        line.split(',').nth(2).unwrap().parse().unwrap()
    };
    let two = origin(&bench, &format!("{LINE} --weights two.safetensors"));
    assert!((loss(3) - two).abs() < 1e-6);

    let odd = |name: &str| name.replace("fc", "lin_").replace(".weight", ".w");
    save(&bench, "odd.safetensors", &[(&odd, &one)]);
    let rename = "--rename lin_=fc --rename '\\.w$=.weight'";
    assert_eq!(
        origin(
            &bench,
            &format!("{LINE} --weights odd.safetensors {rename}")
        ),
        origin(&bench, &format!("{LINE} --weights one.safetensors"))
    );
    let words = format!(
        "{LINE} --weights odd.safetensors {rename} --rename none=x --grid 3 -v --force --name r"
    );
    let said = bench.ok(&words).err;
    assert!(
        said.contains("6 tensors renamed: `lin_1.bias` to `fc1.bias`"),
        "{said}"
    );
    assert!(
        said.contains("`none=x` matches none of the names"),
        "{said}"
    );
    let message = bench.fails(&format!("{LINE} --rename a=b"));
    assert!(message.contains("--rename has no effect here"), "{message}");
    let message = bench.fails(&format!("{LINE} --weights odd.safetensors --rename '(=b'"));
    assert!(message.contains("unclosed group"), "{message}");
}

/// A ResNet-20 with 100 classes; one without its statistics.
#[test]
fn classes_follow_from_the_file_and_statistics_may_be_absent() {
    let bench = Bench::new();
    bench.write("net.pt", include_bytes!("../data/statistics/before.pt"));
    bench.write("four.npz", include_bytes!("../data/statistics/four.npz"));
    let hundred = initial("resnet20:classes=100", 1);
    save(&bench, "hundred.safetensors", &[(&str::to_owned, &hundred)]);
    let line = "line --model resnet20 --data four.npz --grid 3 --force --name r";
    let said = bench.ok(&format!("{line} --weights hundred.safetensors"));
    let note = "its network has 100 outputs, so it is taken to be resnet20:classes=100";
    assert!(said.err.contains(note), "{}", said.err);
    let message = bench
        .fails("line --model resnet20:classes=7 --data four.npz --weights hundred.safetensors");
    assert!(message.contains("expected [7, 64]"), "{message}");

    let network = load_network_params(bench.path("net.pt"), &"resnet20".parse().unwrap()).unwrap();
    let alone = network.iter().filter(|t| t.role != Role::Buffer).cloned();
    let alone = Params::new(alone.collect()).unwrap();
    save_weights(bench.path("alone.safetensors"), &alone).unwrap();
    let message = bench.fails("line --model resnet20 --data four.npz --weights alone.safetensors");
    assert!(
        message.contains("none of its 42 running statistics"),
        "{message}"
    );
    assert!(message.contains("--batch-norm reestimate"), "{message}");
    let anew = "line --model resnet20 --data four.npz --batch-norm reestimate";
    let found = ["alone.safetensors", "net.pt"]
        .map(|file| origin(&bench, &format!("{anew} --weights {file}")));
    assert!((found[0] - found[1]).abs() < 2e-6, "{found:?}");
    // Towards such a file the statistics stay: here nothing moves at all.
    let message = bench
        .fails("line --model resnet20 --data four.npz --weights net.pt --to alone.safetensors");
    assert!(message.contains("alone.safetensors"), "{message}");
}

#[test]
fn networks_are_trained_as_those_of_li() {
    let bench = Bench::new();
    bench.write("four.npz", include_bytes!("../data/statistics/four.npz"));
    let train = "train --model resnet20 --data four.npz --epochs 2 --batch-size 2 --name";
    let digest = |words: &str, name: &str| {
        bench.ok(&format!("{train} {name} {words} --save {name}.safetensors"));
        std::fs::read(bench.path(&format!("{name}.safetensors"))).unwrap()
    };
    let all = [
        digest("", "plain"),
        digest("--init li", "li"),
        digest("--augment crop,flip", "changed"),
    ];
    assert!(all[0] != all[1] && all[0] != all[2] && all[1] != all[2]);
    assert_eq!(digest("--init li", "li-again"), all[1]);
    let message = bench.fails("train --model mlp:2-3-1 --data moons --augment flip");
    assert!(message.contains("only a network of images"), "{message}");
    let message = bench.fails("train --model resnet20 --data four.npz --augment turn");
    assert!(message.contains("none, crop, flip"), "{message}");
    // Images of another size, of which the network takes any.
    let point = "line --data four.npz --grid 3 --name";
    bench.ok(&format!(
        "{point} large --model resnet18:stem=imagenet,image=3x32x32"
    ));
    let said = bench.ok(&format!("{point} fitted --model resnet18:stem=imagenet"));
    let note =
        "the images are 32x32, so the network is taken to be resnet18:image=3x32x32,stem=imagenet";
    assert!(said.err.contains(note), "{}", said.err);
    let message = bench.fails("line --data four.npz --model vgg16:stem=imagenet");
    assert!(message.contains(".pt2 file"), "{message}");
}
