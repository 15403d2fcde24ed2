use crate::support::Bench;

#[test]
fn a_path_has_its_honest_losses() {
    let bench = Bench::trained();
    let path = bench.json("trajectory --run moons");
    let shares: Vec<f64> = { path["explained_variance"].as_array().unwrap().iter() }
        .map(|share| share.as_f64().unwrap())
        .collect();
    assert_eq!(shares.len(), 2);
    assert!(shares[0] >= shares[1] && shares.iter().sum::<f64>() <= 1.0 + 1e-9);
    let points = path["points"].as_array().unwrap();
    assert_eq!(points.len(), 21);
    let last = points.last().unwrap();
    for axis in ["x", "y", "residual"] {
        assert!(
            last[axis].as_f64().unwrap().abs() < 1e-6,
            "the centre is the last checkpoint"
        );
    }
    let (loss, plane) = (
        last["loss"].as_f64().unwrap(),
        last["plane_loss"].as_f64().unwrap(),
    );
    assert!((loss - plane).abs() < 1e-6 * loss, "{loss} {plane}");
    let records = bench.json("show moons")["records"].clone();
    for (point, record) in points.iter().zip(records.as_array().unwrap()) {
        assert_eq!(point["step"], record["step"]);
        assert_eq!(point["loss"], record["loss"]);
    }
}

#[test]
fn a_sampled_path_is_drawn_over_its_plane() {
    let bench = Bench::trained();
    let with = bench.json("trajectory --run moons --grid 15 --name path");
    assert_eq!(
        with["points"],
        bench.json("trajectory --run moons --name bare")["points"]
    );
    assert_eq!(
        bench.json("trajectory --run moons --grid 15 --name path"),
        with
    );
    bench.ok("plot path --log -o path.svg");
    bench.ok("plot path --kind surface -o path3d.svg");
    bench.ok("plot path --kind plane-losses -o honest.svg");
    bench.ok("plot path -o path.html");
    assert!(bench.read("path.svg").contains("PCA component 1"));
    let message = bench.fails("plot bare --kind trajectory -o bare.svg");
    assert!(message.contains("no landscape around it"), "{message}");
    assert!(message.contains("--grid 51"), "{message}");
    // Every checkpoint lies on the sampled part of the plane.
    let rows =
        bench.json("sql 'SELECT min(alpha), max(alpha), min(beta), max(beta) FROM landscape'");
    let end = |place: usize| rows["rows"][0][place].as_f64().unwrap();
    for point in with["points"].as_array().unwrap() {
        let (x, y) = (point["x"].as_f64().unwrap(), point["y"].as_f64().unwrap());
        assert!(
            end(0) < x && x < end(1) && end(2) < y && y < end(3),
            "{point}"
        );
    }
}

#[test]
fn several_runs_share_one_plane() {
    let bench = Bench::trained();
    bench.ok("train --model mlp:2-8-4-1 --data moons --epochs 5 --name sgd");
    let both = bench.json("trajectory --run moons --run sgd --grid 5 --project cos");
    let points = both["points"].as_array().unwrap();
    assert_eq!(points.len(), 21 + 6);
    // Both start from the same initial parameters.
    let first = |run: &str| {
        points
            .iter()
            .find(|point| point["run"] == run)
            .unwrap()
            .clone()
    };
    for axis in ["x", "y", "residual", "loss"] {
        assert_eq!(first("moons")[axis], first("sgd")[axis], "{axis}");
    }
}

#[test]
fn checkpoint_files_are_a_path_too() {
    let bench = Bench::new();
    for epochs in 0..5 {
        bench.ok(&format!(
            "train --model mlp:2-8-4-1 --data moons --epochs {epochs} --optimizer adam \
             --save epoch_{epochs}.safetensors --name t{epochs}"
        ));
    }
    let words = "trajectory --checkpoints 'epoch_*.safetensors' --model mlp:2-8-4-1 --data moons";
    let path = bench.json(words);
    let points = path["points"].as_array().unwrap();
    assert_eq!(points.len(), 5);
    let records = bench.json("show t4")["records"].clone();
    for (point, record) in points.iter().zip(records.as_array().unwrap()) {
        let (a, b) = (
            point["loss"].as_f64().unwrap(),
            record["loss"].as_f64().unwrap(),
        );
        assert!((a - b).abs() < 1e-6 * b);
    }
    let message =
        bench.fails("trajectory --checkpoints 'none_*.pt' --model mlp:2-8-4-1 --data moons");
    assert!(message.contains("no file matches `none_*.pt`"), "{message}");
}

#[test]
fn a_path_too_short_says_so() {
    let bench = Bench::new();
    bench.ok("train --model mlp:2-8-4-1 --data moons --epochs 1 --name short");
    let message = bench.fails("trajectory --run short");
    assert!(message.contains("--every"), "{message}");
}
