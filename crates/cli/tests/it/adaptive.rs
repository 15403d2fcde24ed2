//! `--adaptive`: fewer points, each of which says what it is.

use crate::support::{Bench, halt_when, start, stored};

/// A plane of the trained network that is smooth enough to save points.
const PLANE: &str = "surface --run moons --grid 51 --range=-0.5:0.5 --adaptive 0.01 --name plane";

#[test]
fn fewer_points_are_measured_and_every_point_says_which_it_is() {
    let bench = Bench::trained();
    let done = bench.json(PLANE);
    let measured = done["measured"].as_u64().unwrap();
    assert!((81..1300).contains(&measured), "{done}");
    assert_eq!(done["interpolated"], 2601 - measured);
    assert_eq!(done["computed"], measured);
    assert_eq!(done["adaptive"]["tolerance"], 0.01);
    assert!(done["adaptive"]["max_error"].as_f64().unwrap() <= 0.01);

    let csv = bench.ok("export plane").out;
    let mut lines = csv.lines();
    assert_eq!(
        lines.next(),
        Some("i,j,alpha,beta,loss,loss_se,accuracy,source")
    );
    let (own, rest): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.ends_with(",measured"));
    assert_eq!(own.len() as u64, measured);
    assert!(rest.iter().all(|line| line.ends_with(",interpolated")));

    let full = bench.json("surface --run moons --grid 51 --range=-0.5:0.5 --name full");
    assert_eq!(
        full["computed"], 2601,
        "another run, whose points are all measured"
    );
    assert_eq!(full["adaptive"], serde_json::Value::Null);
    let all = bench.ok("export full").out;
    assert!(all.starts_with("i,j,alpha,beta,loss,loss_se,accuracy\n"));
    let range = done["adaptive"]["range"].as_f64().unwrap();
    let loss = |line: &str| -> f64 { line.split(',').nth(4).unwrap().parse().unwrap() };
    for (a, b) in csv.lines().zip(all.lines()).skip(1) {
        match a.ends_with(",measured") {
            true => assert_eq!(a.strip_suffix(",measured"), Some(b)),
            false => assert!((loss(a) - loss(b)).abs() <= 0.015 * range, "{a} {b}"),
        }
    }
}

#[test]
fn the_same_request_computes_nothing_again_and_says_the_same() {
    let bench = Bench::trained();
    let first = bench.json(PLANE);
    let again = bench.json(PLANE);
    assert_eq!(again["computed"], 0);
    assert_eq!(again["stored_before"], first["measured"]);
    assert_eq!(again["adaptive"], first["adaptive"]);
    let shown = bench.json("show plane");
    assert_eq!(shown["adaptive"], first["adaptive"]);
    assert_eq!(shown["run"]["interpolated"], first["interpolated"]);
    let words = bench.ok("show plane").out;
    assert!(words.contains("of them measured"), "{words}");
    assert!(words.contains("points drawn to check it"), "{words}");
    assert_eq!(
        bench.json("runs")["runs"][1]["interpolated"],
        first["interpolated"]
    );
    let figures = bench.json("metrics plane");
    assert_eq!(figures["metrics"]["interpolated"], first["interpolated"]);

    let other = bench.run(&PLANE.replace("0.01", "0.02"));
    assert_eq!(other.code, 2, "the tolerance belongs to the identity");
    assert!(other.err.contains("adaptive"), "{}", other.err);
    let copy = bench.json(&PLANE.replace("--name plane", "--name copy"));
    assert_eq!(
        (&copy["computed"], &copy["adaptive"]),
        (&0.into(), &first["adaptive"])
    );
    assert_eq!(bench.ok("export copy").out, bench.ok("export plane").out);
}

#[test]
fn killed_again_and_again_it_ends_the_same() {
    let words = "surface --model mlp:2-8-4-1 --data moons:n=160000 --grid 129 --range=-3:3 \
                 --threads 1 --batch 20 --adaptive 0.0001 --name plane";
    let calm = Bench::new();
    let want = calm.json(words);
    let bench = Bench::new();
    let mut before = 0;
    for _ in 0..4 {
        let mut child = start(&bench, words);
        halt_when(&mut child, &bench, |bench| stored(bench) > before);
        child.kill().unwrap();
        child.wait().unwrap();
        before = stored(&bench);
    }
    assert!(before < want["measured"].as_u64().unwrap(), "{before}");
    let end = bench.json(words);
    assert_eq!(end["measured"], want["measured"]);
    assert_eq!(end["adaptive"], want["adaptive"]);
    assert_eq!(bench.ok("export plane").out, calm.ok("export plane").out);
    let rows = bench.json("sql 'SELECT count(*), count(DISTINCT (i, j)) FROM points'");
    assert_eq!(rows["rows"][0], serde_json::json!([129 * 129, 129 * 129]));
}

#[test]
fn figures_say_how_many_points_were_measured() {
    let bench = Bench::trained();
    let done = bench.json(PLANE);
    bench.ok("plot plane -o plane.svg --measured");
    let picture = bench.read("plane.svg").replace('\n', " ");
    let measured = done["measured"].as_u64().unwrap();
    assert!(picture.contains("of 2,601 points are measured (dots)"));
    let shown = match measured / 1000 {
        0 => measured.to_string(),
        thousands => format!("{thousands},{:03}", measured % 1000),
    };
    assert!(picture.contains(&format!("{shown} of 2,601")), "{measured}");
    assert!(picture.contains("id=\"measured\""));
    bench.ok("plot plane -o plane.html");
    assert!(bench.read("plane.html").contains("\"tolerance\":0.01"));
}

#[test]
fn a_dry_run_gives_an_upper_bound() {
    let bench = Bench::trained();
    let said = bench.ok(&format!("{PLANE} --dry-run")).out;
    assert!(said.contains("at most 2601"), "{said}");
}

#[test]
fn tolerances_that_are_no_shares_are_refused() {
    let bench = Bench::new();
    for given in ["0", "1", "-0.1", "NaN", "tight"] {
        let said = bench.run(&format!(
            "line --model mlp:2-2-1 --data moons --adaptive {given}"
        ));
        assert_eq!(said.code, 2);
        assert!(
            said.err.contains("is not a fraction of the range"),
            "{}",
            said.err
        );
        assert_eq!(bench.files(), Vec::<String>::new());
    }
}
