use crate::support::Bench;

#[test]
fn every_format_comes_back_the_same() {
    let bench = Bench::trained();
    bench.ok("surface --run moons --grid 6x4 --name plane");
    let csv = bench.ok("export plane").out;
    for format in ["csv", "json", "parquet", "npz", "h5"] {
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
fn unknown_formats_and_binary_pipes_are_refused() {
    let bench = Bench::trained();
    bench.ok("surface --run moons --grid 3 --name plane");
    for format in ["vtk", "h5"] {
        let message = bench.fails(&format!("export plane --format {format}"));
        assert!(message.contains(&format!("-o plane.{format}")), "{message}");
    }
    let message = bench.fails("import plane.vtp");
    assert!(message.contains("written for other programs"), "{message}");
    let message = bench.fails("export plane -o plane.vti");
    assert!(message.contains(".vtp or .vtk"), "{message}");
    let message = bench.fails("export plane --format npz");
    assert!(message.contains("-o plane.npz"), "{message}");
    let message = bench.fails("export plane --format xls");
    assert!(
        message.contains("'xls'") && message.contains("parquet"),
        "{message}"
    );
    let message = bench.fails("import missing.csv");
    assert!(message.contains("missing.csv"), "{message}");
}

#[test]
fn directions_travel_as_hdf5() {
    let bench = Bench::trained();
    bench.ok("surface --run moons --grid 5x3 --name plane");
    let written = bench.json("export plane --directions -o d.h5");
    assert_eq!(written["directions"], 2);
    assert_eq!(written["format"], "h5");
    bench.ok("surface --run moons --grid 5x3 --direction d.h5 --name again");
    let csv = |name: &str| bench.ok(&format!("export {name}")).out;
    assert_eq!(csv("again"), csv("plane"));
    bench.ok("line --run moons --grid 5 --direction d.h5 --name line");
    let message = bench.fails("volume --run moons --grid 3 --direction d.h5");
    assert!(
        message.contains("2 directions, but 3 are needed"),
        "{message}"
    );
    let message = bench.fails("surface --model mlp:2-5-1 --data moons --direction d.h5");
    assert!(message.contains("`xdirection/0`"), "{message}");
    assert!(message.contains("`fc1.weight` has [5, 2]"), "{message}");
    bench.write(
        "broken.h5",
        &std::fs::read(bench.path("d.h5")).unwrap()[..900],
    );
    let message = bench.fails("surface --run moons --direction broken.h5");
    assert!(message.contains("cut short"), "{message}");
    let message = bench.fails("export plane --directions -o d.csv");
    assert!(message.contains("use h5"), "{message}");
    let message = bench.fails("export moons --directions -o other.h5");
    assert!(message.contains("no directions"), "{message}");
}

#[test]
fn meshes_and_paths_are_written() {
    let bench = Bench::trained();
    bench.ok("trajectory --run moons --grid 5 --name path");
    bench.ok("volume --run moons --grid 3 --name cube");
    bench.ok("export path --height log -o plane.vtp");
    bench.ok("export path -o plane.vtk");
    bench.ok("export cube -o cube.vti");
    bench.ok("export cube -o cube.vtk");
    for name in ["p.vtp", "p.vtk", "p.h5"] {
        let written = bench.json(&format!("export path --trajectory -o {name}"));
        assert!(written["points"].as_u64().unwrap() > 1);
        bench.ok(&format!(
            "export path --trajectory --path moons -o {name} --force"
        ));
    }
    assert!(bench.read("plane.vtp").contains("Name=\"log10_loss\""));
    let message = bench.fails("export path --trajectory --path sun -o q.h5");
    assert!(
        message.contains("no path `sun`") && message.contains("moons"),
        "{message}"
    );
    let message = bench.fails("export cube --trajectory -o q.h5");
    assert!(message.contains("has no trajectory"), "{message}");
    let message = bench.fails("export cube -o cube.h5");
    assert!(
        message.contains("3 directions") && message.contains("npz"),
        "{message}"
    );
    let message = bench.fails("export path --height steep -o q.vtp");
    assert!(message.contains("loss, log, flat"), "{message}");
    let message = bench.fails("export path --trajectory -o q.npz");
    assert!(message.contains("use h5 or vtk"), "{message}");
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
fn sql_only_reads_one_statement() {
    let bench = Bench::trained();
    for query in [
        "COPY (SELECT 1) TO $$landscape.duckdb$$",
        "COMMIT; DELETE FROM runs; SELECT 1",
        "SELECT 1; SELECT 2",
        "PRAGMA database_size",
        "SELECT * FROM read_text($$/etc/hostname$$)",
    ] {
        bench.fails(&format!("sql '{query}'"));
        assert_eq!(
            bench.json("sql 'FROM runs'")["rows"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
    }
}

#[test]
fn cells_of_sql_may_hold_anything() {
    let bench = Bench::trained();
    let wide = "x".repeat(70_000);
    let query = "sql 'SELECT repeat($$x$$, 70000) AS a, chr(27) || $$[31m$$ AS b'";
    let out = bench.ok(query).out;
    assert!(out.contains(&wide) && out.contains(r"\u{1b}[31m"));
    assert_eq!(bench.json(query)["rows"][0][0], wide);
    assert_eq!(bench.json(query)["rows"][0][1], "\u{1b}[31m");
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
    bench.ok("plot before after --difference -o difference.svg");
    bench.ok("plot before after --along=-1,-1:1,1 -o profile.svg");
    assert!(bench.read("profile.svg").contains("distance from A"));
    bench.ok("plot after --kind surface --camera=-35,40 -o seen.svg");
    let message = bench.fails("plot after --kind surface --camera 35,90 -o s.svg");
    assert!(message.contains("elevation from 5 to 85"), "{message}");
    bench.ok("plot after -o after.png --dpi 72");
    bench.ok("plot after before line moons -o page.html");
    let page = bench.read("page.html");
    assert!(page.starts_with("<!doctype html>"));
    let message = bench.fails("plot after --kind spectrum -o s.svg");
    assert!(message.contains("has no spectral density"), "{message}");
    let message = bench.fails("plot after -o after.jpg");
    assert!(message.contains("FILE.svg"), "{message}");
    let message = bench.fails("plot after -o page.html");
    assert!(message.contains("exists"), "{message}");
    let message = bench.fails("plot line --kind contour -o x.svg");
    assert!(message.contains("direction"), "{message}");
}

/// Eigenvalues without losses, of which some are not computed yet: measured, drawn and suggested as what they are.
#[test]
fn eigenvalues_from_a_file_are_a_map() {
    let bench = Bench::new();
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../storage/tests/reference/h5/eigen.h5"
    );
    std::fs::copy(file, bench.path("eigen.h5")).unwrap();
    let said = bench.ok("import eigen.h5 --name e");
    assert!(said.err.contains("the file has no losses"), "{}", said.err);
    let all = format!("{}{}", said.out, said.err);
    assert!(all.contains("landscape metrics e --value max_eig"), "{all}");
    let metrics = bench.json("metrics e --value max_eig");
    assert_eq!(metrics["metrics"]["missing"], 3, "{metrics}");
    bench.ok("plot e -o e.svg");
    let figure = bench.read("e.svg");
    assert!(
        figure.contains("λ") || figure.contains("lambda"),
        "{figure}"
    );
}
