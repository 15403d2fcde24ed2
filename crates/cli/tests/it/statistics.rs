//! BatchNorm statistics: in files, along lines, measured anew. Expected losses are PyTorch's, in f64.

use crate::support::Bench;
use landscape_core::{Params, Role};
use landscape_models::{ModelSpec, load_network_params, save_weights};
use serde_json::Value;

/// Four and eight images; a ResNet-20, the same with its statistics measured anew, another one.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.write("before.pt", include_bytes!("../data/statistics/before.pt"));
    bench.write("after.pt", include_bytes!("../data/statistics/after.pt"));
    bench.write("other.pt", include_bytes!("../data/statistics/other.pt"));
    bench.write("four.npz", include_bytes!("../data/statistics/four.npz"));
    bench.write("eight.pt", include_bytes!("../data/statistics/eight.pt"));
    bench.write("eight.npz", include_bytes!("../data/statistics/eight.npz"));
    bench.write("one.npz", include_bytes!("../data/statistics/one.npz"));
    bench
}

const NETWORK: &str = "--model resnet20 --weights before.pt --data four.npz";

fn params(bench: &Bench, file: &str) -> Params {
    let spec: ModelSpec = "resnet20".parse().unwrap();
    load_network_params(bench.path(file), &spec).unwrap()
}

/// The losses of a run, in grid order.
fn losses(bench: &Bench, run: &str) -> Vec<f64> {
    bench.ok(&format!("export {run} --format csv -o {run}.csv"));
    let table = bench.read(&format!("{run}.csv"));
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column = header.iter().position(|name| *name == "loss").unwrap();
    lines
        .map(|line| line.split(',').nth(column).unwrap().parse().unwrap())
        .collect()
}

#[track_caller]
fn assert_losses(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 2e-5, "{found} and {expected}");
    }
}

#[test]
fn a_line_runs_along_statistics_alone() {
    let bench = bench();
    bench.ok(&format!(
        "line {NETWORK} --to after.pt --grid 5 --range 0:1 --name along"
    ));
    let expected = [2.573079, 2.446431, 2.432532, 2.434389, 2.438942];
    assert_losses(&losses(&bench, "along"), &expected);
    let found = bench.json(&format!(
        "connect {NETWORK} --to after.pt --points 5 --batch-norm frozen"
    ));
    let ends = &found["line"]["barrier"]["ends"];
    let ends = [ends[0].as_f64().unwrap(), ends[1].as_f64().unwrap()];
    assert_losses(&ends, &[expected[0], expected[4]]);
    // One network, where statistics are measured anew.
    for command in [
        "line --batch-norm reestimate --grid 5",
        "line --batch-norm batch --grid 5",
        "connect",
    ] {
        let said = bench.fails(&format!("{command} {NETWORK} --to after.pt"));
        assert!(said.contains("both ends are the same network"), "{said}");
    }
    let said = bench.fails(&format!("line {NETWORK} --to after.pt --dir-type weights"));
    assert!(said.contains("--dir-type states"), "{said}");
}

#[test]
fn a_line_to_the_network_itself_is_told() {
    let bench = bench();
    let said = bench.fails(&format!("line {NETWORK} --to before.pt --grid 5"));
    assert!(
        said.contains(
            "`before.pt` has the same parameters as the network that the line starts from"
        ),
        "{said}"
    );
    let said = bench.fails(&format!("connect {NETWORK} --to before.pt"));
    assert!(
        said.contains("both networks have the same parameters"),
        "{said}"
    );
}

/// `torch.optim.swa_utils.update_bn` with the eight samples as one batch, then evaluation.
#[test]
fn reestimated_statistics_are_those_of_update_bn() {
    let bench = bench();
    for (statistics, expected) in [
        ("reestimate", 2.390688),
        ("frozen", 2.310925),
        ("batch", 2.391156),
    ] {
        let found = bench.json(&format!(
            "line --model resnet20 --weights eight.pt --data eight.npz --grid 3 --batch-norm {statistics}"
        ));
        assert_losses(&[found["center_loss"].as_f64().unwrap()], &[expected]);
    }
}

#[test]
fn connect_says_which_statistics_it_measured_with() {
    let bench = bench();
    let command = format!("connect {NETWORK} --to other.pt --points 5");
    let found = bench.json(&command);
    assert_eq!(found["batch_norm"], "reestimate");
    let losses = &found["network_losses"];
    let losses = [losses[0].as_f64().unwrap(), losses[1].as_f64().unwrap()];
    assert_losses(&losses, &[2.573079, 2.497623]);
    let said = bench.ok(&command);
    assert!(
        said.out
            .contains("estimated anew at every point (`reestimate`)"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("2.573") && said.out.contains("2.498"),
        "{}",
        said.out
    );
    let frozen = bench.json(&format!("{command} --batch-norm frozen"));
    assert_eq!(
        (&frozen["batch_norm"], &frozen["network_losses"]),
        (&"frozen".into(), &Value::Null)
    );
}

#[test]
fn one_value_a_channel_is_an_error_in_lines_and_in_training() {
    let bench = bench();
    for statistics in ["batch", "reestimate"] {
        let said = bench.fails(&format!(
            "line --model vgg9 --data one.npz --batch-norm {statistics} --grid 3"
        ));
        assert!(said.contains("one value per channel"), "{said}");
    }
    bench.ok("line --model vgg9 --data one.npz --grid 3");
    let said = bench.fails("train --model vgg9 --data one.npz --epochs 1");
    assert!(said.contains("one value per channel"), "{said}");
}

#[test]
fn a_negative_variance_is_refused_with_its_name() {
    let bench = bench();
    let mut tensors = params(&bench, "before.pt").into_inner();
    let name = "layer2.0.bn1.running_var";
    let tensor = tensors.iter_mut().find(|t| t.name == name).unwrap();
    tensor.data[3] = -0.1;
    save_weights(
        bench.path("net.safetensors"),
        &Params::new(tensors).unwrap(),
    )
    .unwrap();
    let said =
        bench.fails("line --model resnet20 --weights net.safetensors --data four.npz --grid 3");
    assert!(said.contains(&format!("`{name}` at [3] is -0.1")), "{said}");
    let said = bench.fails(&format!("line {NETWORK} --to net.safetensors --grid 3"));
    assert!(said.contains(name), "{said}");
}

#[test]
fn where_no_loss_is_finite_the_reason_is_said() {
    let bench = bench();
    let mut tensors = params(&bench, "before.pt").into_inner();
    tensors[0].data[0] = 1e20;
    let last = tensors
        .iter_mut()
        .find(|t| t.name == "linear.weight")
        .unwrap();
    last.data.iter_mut().for_each(|x| *x = 1e21);
    save_weights(
        bench.path("huge.safetensors"),
        &Params::new(tensors).unwrap(),
    )
    .unwrap();
    let said =
        bench.ok("line --model resnet20 --weights huge.safetensors --data four.npz --grid 3");
    assert!(
        said.out.contains("no loss is finite: values overflow"),
        "{}",
        said.out
    );
    assert!(said.out.contains("largest number"), "{}", said.out);
    assert!(said.out.contains("in `linear.weight`"), "{}", said.out);
}

/// Directions without running statistics are those that leave them in place.
#[test]
fn directions_need_no_statistics() {
    let bench = bench();
    let network = params(&bench, "before.pt");
    let mut given = Vec::new();
    for (tensor, number) in network.weights().zip(0u32..) {
        let mut direction = tensor.clone();
        direction.name = format!("d1.{}", tensor.name);
        let wave = |i: usize| ((i as f32) + number as f32).sin() * 0.02;
        direction.data = (0..tensor.data.len()).map(wave).collect();
        given.push(direction);
    }
    let save = |name: &str, tensors: Vec<_>| {
        save_weights(bench.path(name), &Params::new(tensors).unwrap()).unwrap();
    };
    save("without.safetensors", given.clone());
    save("short.safetensors", given[1..].to_vec());
    let buffers = network.iter().filter(|t| t.role == Role::Buffer);
    let still = buffers.map(|buffer| {
        let mut still = buffer.clone();
        still.name = format!("d1.{}", buffer.name);
        still.data.fill(0.0);
        still
    });
    let with: Vec<_> = given.iter().cloned().chain(still).collect();
    save("with.safetensors", with);
    let run = |name: &str| {
        bench.ok(&format!(
            "line {NETWORK} --direction {name}.safetensors --grid 3 --name {name}"
        ));
        losses(&bench, name)
    };
    let found = run("without");
    assert_eq!(found, run("with"));
    assert_losses(&found[1..2], &[2.573079]);
    let said = bench.fails(&format!(
        "line {NETWORK} --direction short.safetensors --grid 3"
    ));
    assert!(
        said.contains("missing: conv1.weight") && !said.contains("running"),
        "{said}"
    );
}
