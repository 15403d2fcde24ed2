use crate::support::Bench;

#[test]
fn every_format_comes_back_the_same() {
    let bench = Bench::trained();
    bench.ok("surface --run moons --grid 6x4 --name plane");
    let csv = bench.ok("export plane").out;
    for format in ["csv", "json", "parquet", "npz"] {
        bench.ok(&format!("export plane -o plane.{format}"));
        let imported = bench.json(&format!("import plane.{format} --name back-{format}"));
        assert_eq!(imported["points"], 24);
        assert_eq!(
            bench.ok(&format!("export back-{format}")).out,
            csv,
            "{format}"
        );
        let message = bench.fails(&format!("export plane -o plane.{format}"));
        assert!(
            message.contains("exists") && message.contains("--force"),
            "{message}"
        );
        bench.ok(&format!("export plane -o plane.{format} --force"));
    }
}

#[test]
fn later_formats_and_binary_pipes_are_refused() {
    let bench = Bench::trained();
    bench.ok("surface --run moons --grid 3 --name plane");
    let message = bench.fails("export plane --format vtk");
    assert!(message.contains("vtk is not in this version"), "{message}");
    let message = bench.fails("export plane --format npz");
    assert!(message.contains("-o plane.npz"), "{message}");
    let message = bench.fails("export plane --format xls");
    assert!(message.contains("unknown format `xls`"), "{message}");
    let message = bench.fails("import missing.csv");
    assert!(message.contains("missing.csv"), "{message}");
}

#[test]
fn results_are_readable_and_json_is_pure() {
    let bench = Bench::trained();
    bench.ok("surface --run moons --grid 9 --name plane");
    for words in [
        "runs",
        "show plane",
        "metrics plane",
        "sql 'SELECT count(*) AS n FROM points'",
    ] {
        bench.json(words);
        let plain = bench.ok(words);
        assert!(
            !plain.out.is_empty() && plain.err.is_empty(),
            "{words}: {}",
            plain.err
        );
    }
    assert_eq!(
        bench.json("sql 'SELECT count(*) AS n FROM points'")["rows"][0][0],
        81
    );
    let metrics = bench.json("metrics plane");
    assert_eq!(metrics["metrics"]["points"], 81);
    assert_eq!(metrics["value"], "loss");
    let runs = bench.json("runs");
    let names: Vec<&str> = { runs["runs"].as_array().unwrap().iter() }
        .map(|run| run["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["moons", "plane"]);
    assert!(bench.ok("runs").out.contains("9x9 points"));
    assert!(bench.fails("sql 'DROP TABLE points'").contains("error:"));
    assert!(bench.fails("sql 'SELEC 1'").contains("SELEC"));
}

#[test]
fn figures_of_several_runs() {
    let bench = Bench::trained();
    bench.ok("surface --run moons --grid 9 --name after");
    bench.ok("surface --run moons --step 0 --grid 9 --name before");
    bench.ok("line --run moons --grid 9 --name line");
    bench.ok("volume --run moons --grid 5 --name cube");
    bench.ok("plot before after --shared-scale -o planes.svg");
    assert!(bench.path("planes-before.svg").exists() && bench.path("planes-after.svg").exists());
    for (kind, run) in [
        ("contour", "after"),
        ("heatmap", "after"),
        ("surface", "after"),
        ("line", "line"),
        ("losses", "moons"),
        ("slices", "cube"),
    ] {
        bench.ok(&format!(
            "plot {run} --kind {kind} --log --smooth 1 -o {kind}.svg"
        ));
        assert!(
            bench.read(&format!("{kind}.svg")).starts_with("<svg"),
            "{kind}"
        );
    }
    bench.ok("plot after -o after.png --dpi 72");
    bench.ok("plot after before line moons -o page.html");
    let page = bench.read("page.html");
    assert!(page.starts_with("<!doctype html>"));
    let message = bench.fails("plot after --kind spectrum -o s.svg");
    assert!(message.contains("not in this version"), "{message}");
    let message = bench.fails("plot after -o after.pdf");
    assert!(message.contains("FILE.svg"), "{message}");
    let message = bench.fails("plot after -o page.html");
    assert!(message.contains("exists"), "{message}");
    let message = bench.fails("plot line --kind contour -o x.svg");
    assert!(message.contains("direction"), "{message}");
}
