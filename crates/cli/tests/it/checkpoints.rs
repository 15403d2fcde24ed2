//! Checkpoints as people's programs write them, and targets in all their forms. Expected losses are PyTorch's, in f64.

use crate::support::Bench;
use std::path::Path;

fn data(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/checkpoints");
    folder.join(name).display().to_string()
}

/// The loss at the origin of a line through a network, and what was said on the way.
fn origin(model: &str, weights: &str, given: &str) -> (f64, String) {
    let bench = Bench::new();
    let (weights, given) = (data(weights), data(given));
    let said = bench.ok(&format!(
        "line -v --model {model} --weights {weights} --data {given} --grid 3 --name r"
    ));
    let loss = bench.json("metrics r")["metrics"]["center_loss"]
        .as_f64()
        .unwrap();
    (loss, said.err)
}

#[track_caller]
fn assert_loss(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() < 2e-5 * expected.abs(),
        "{found} and {expected}"
    );
}

fn refused(model: &str, weights: &str) -> String {
    Bench::new().fails(&format!(
        "line --model {model} --weights {} --data moons --grid 3",
        data(weights)
    ))
}

#[test]
fn what_weights_do_not_need_refuses_no_file() {
    for (file, words) in [
        ("multistep.pt", ""),
        ("defaultdict.pt", ""),
        ("deque.pt", "collections.deque"),
        ("swa.pt", "left out"),
        ("swa.safetensors", "left out"),
        ("counted.pt", "`total_ops`, `total_params`"),
        ("nocrc.pt", ""),
        ("opacus.safetensors", ""),
        ("backbone.safetensors", "under `backbone` are used"),
        ("compiled-layer.safetensors", ""),
    ] {
        let (loss, said) = origin("mlp:2-3-1", file, "data.npz");
        assert_loss(loss, 0.835879);
        assert!(said.contains(words), "{file}: {said}");
    }
    for (file, loss) in [
        ("criterion.ckpt", 0.7026),
        ("attributedict.ckpt", 0.7026),
        ("own-class.pt", 0.6951),
        ("torch-version.pt", 0.6951),
    ] {
        let bench = Bench::new();
        bench.ok(&format!(
            "line --model mlp:2-8-4-1 --weights {} --data moons --grid 3 --name r",
            data(file)
        ));
        let found = bench.json("metrics r")["metrics"]["center_loss"]
            .as_f64()
            .unwrap();
        assert!((found - loss).abs() < 1e-4, "{file}: {found}");
    }
}

#[test]
fn one_of_several_networks_is_taken_where_it_is_clear_and_said() {
    let (loss, _) = origin("mlp:2-3-1", "ema-only.pt", "data.npz");
    assert_loss(loss, 0.727748);
    let (loss, said) = origin("mlp:2-3-1", "model-and-ema.pt", "data.npz");
    assert_loss(loss, 0.835879);
    assert!(
        said.contains("under `model` are used") && said.contains("`ema`"),
        "{said}"
    );
    let said = refused("mlp:2-3-1", "student-teacher.pt");
    assert!(said.contains("student, teacher"), "{said}");
}

#[test]
fn what_is_no_checkpoint_is_named() {
    for (file, what) in [
        ("script.pt", "torch.jit.load(FILE).state_dict()"),
        ("whole.pt", "weights_only=False).state_dict()"),
        ("list.pt", "4 tensors without names"),
    ] {
        let said = refused("mlp:2-3-1", file);
        assert!(said.contains(what), "{file}: {said}");
    }
    let bench = Bench::new();
    for (text, what) in [
        ("", "empty"),
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "git lfs pull",
        ),
        (
            "\n<!DOCTYPE html><html><body>Sign in</body></html>",
            "a web page",
        ),
        ("{\"error\": \"not found\"}", "JSON text"),
    ] {
        for name in ["w.pt", "w.safetensors"] {
            bench.write(name, text);
            let said = bench.fails(&format!(
                "line --model mlp:2-3-1 --weights {name} --data moons --grid 3"
            ));
            assert!(
                said.contains(what) && !said.contains("corrupt"),
                "{name}: {said}"
            );
        }
    }
}

#[test]
fn networks_that_look_alike_are_both_named() {
    let (net, x) = ("option-a/net.pt", "option-a/x.npz");
    let (loss, said) = origin("resnet20-a", net, x);
    assert_loss(loss, 2.783974);
    assert!(said.contains("resnet20-noshort"), "{said}");
    let (loss, said) = origin("resnet20-noshort", net, x);
    assert_loss(loss, 2.297850);
    assert!(said.contains("resnet20-a"), "{said}");
    let said = refused("resnet20", net);
    assert!(said.contains("resnet20-noshort or resnet20-a"), "{said}");
    assert!(said.contains("and 4 more") && said.len() < 1200, "{said}");
}

#[test]
fn images_as_bytes_are_told() {
    let net = "images/net.safetensors";
    let (loss, said) = origin("mlp:16-5-3", net, "images/bytes.npz");
    assert_loss(loss, 195.840733);
    assert!(
        said.contains("most networks are trained on values divided by 255"),
        "{said}"
    );
    let (_, said) = origin("mlp:2-3-1", "swa.pt", "data.npz");
    assert!(!said.contains("divided by 255"), "{said}");
}

#[test]
fn numbers_in_the_names_of_checkpoints_are_numbers() {
    let bench = Bench::new();
    let files = data("order/model_*.safetensors");
    let words = format!(
        "trajectory --checkpoints {files} --model mlp:2-3-1 --data {}",
        data("order/data.npz")
    );
    let points = bench.json(&words)["points"].clone();
    let of = |key: &str| -> Vec<f64> {
        let points = points.as_array().unwrap();
        points.iter().map(|p| p[key].as_f64().unwrap()).collect()
    };
    assert_eq!(of("step"), (1..=11).map(f64::from).collect::<Vec<_>>());
    let expected = [
        0.9003, 0.9831, 1.0937, 1.2451, 1.4437, 1.7155, 2.0654, 2.5104, 3.0672, 3.7502, 4.5706,
    ];
    for (found, expected) in of("loss").into_iter().zip(expected) {
        assert!((found - expected).abs() < 1e-4, "{found} and {expected}");
    }
    assert_eq!((of("x")[10], of("y")[10]), (0.0, 0.0));
}

/// Words and folders tell steps too, and what stands beside them does not.
#[test]
fn steps_are_told_by_words_and_folders() {
    let bench = Bench::new();
    let take = |from: u64, to: &str| {
        let path = bench.path(to);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::copy(data(&format!("order/model_{from}.safetensors")), path).unwrap();
    };
    for (step, accuracy) in [(1, 41), (2, 62), (10, 73)] {
        take(
            step,
            &format!("val_acc=0.{accuracy}-epoch={step}.safetensors"),
        );
        take(step, &format!("checkpoint-{step}00/model.safetensors"));
    }
    for (pattern, factor) in [
        ("*.safetensors", 1.0),
        ("checkpoint-*/model.safetensors", 100.0),
    ] {
        let points = bench.json(&format!(
            "trajectory --checkpoints '{pattern}' --model mlp:2-3-1 --data {}",
            data("order/data.npz")
        ))["points"]
            .clone();
        let of = |place: usize, key: &str| points[place][key].as_f64().unwrap();
        for (place, (step, loss)) in [(1.0, 0.9003), (2.0, 0.9831), (10.0, 3.7502)]
            .into_iter()
            .enumerate()
        {
            assert_eq!(of(place, "step"), factor * step, "{pattern}");
            assert!((of(place, "loss") - loss).abs() < 1e-4, "{pattern}");
        }
    }
}

#[test]
fn files_that_span_no_plane_have_their_own_words() {
    let bench = Bench::new();
    let model = |name: &str| std::fs::read(data(&format!("order/{name}.safetensors"))).unwrap();
    for (file, name) in [
        ("one_1", "model_1"),
        ("two_1", "model_1"),
        ("two_2", "model_9"),
    ] {
        bench.write(&format!("{file}.safetensors"), model(name));
    }
    for file in ["same_1", "same_2", "same_3"] {
        bench.write(&format!("{file}.safetensors"), model("model_1"));
    }
    let words = |pattern: &str| {
        let given = data("order/data.npz");
        let words =
            format!("trajectory --checkpoints '{pattern}' --model mlp:2-3-1 --data {given}");
        let message = bench.fails(&words);
        assert!(!message.contains("--every"), "{message}");
        message
    };
    let message = words("one_*.safetensors");
    assert!(
        message.contains("one checkpoint does not make a path"),
        "{message}"
    );
    let message = words("two_*.safetensors");
    assert!(
        message.contains("the 2 checkpoints lie on one line"),
        "{message}"
    );
    let line = format!(
        "line --model mlp:2-3-1 --weights two_1.safetensors --to two_2.safetensors --data {}",
        data("order/data.npz")
    );
    assert!(
        message.contains(&format!("`landscape {line}`")),
        "{message}"
    );
    bench.ok(&line);
    let message = words("same_*.safetensors");
    assert!(message.contains("hold the same parameters"), "{message}");
}

#[test]
fn targets_suggest_their_loss_by_one_rule() {
    for (model, weights, file, loss, words) in [
        (
            "mlp:3-5-4",
            "four.safetensors",
            "one-hot",
            1.677985,
            "loss: cross-entropy, for one-hot rows",
        ),
        (
            "mlp:4-8-10",
            "ten.pt",
            "one-hot-int",
            2.333770,
            "loss: cross-entropy, for one-hot rows",
        ),
        (
            "mlp:3-5-4",
            "four.safetensors",
            "classes-as-floats",
            1.677985,
            "loss: cross-entropy, for labels",
        ),
        (
            "mlp:3-5-4",
            "four.safetensors",
            "ignored",
            1.802728,
            "6 of 30 samples have the label -100",
        ),
        (
            "mlp:3-5-1",
            "one.safetensors",
            "counts",
            43.821021,
            "loss: mse, for values",
        ),
    ] {
        let (found, said) = origin(
            model,
            &format!("targets/{weights}"),
            &format!("targets/{file}.npz"),
        );
        assert_loss(found, loss);
        assert!(said.contains(words), "{file}: {said}");
    }
    let said = Bench::new().fails(&format!(
        "line --model mlp:3-5-4 --weights {} --data {} --grid 3",
        data("targets/four.safetensors"),
        data("targets/one-based.npz")
    ));
    assert!(
        said.contains("run from 1 to 4") && said.contains("subtract 1"),
        "{said}"
    );
}
