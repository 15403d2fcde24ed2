//! Figures for journals, slides and other programs.

use crate::support::Bench;

/// A training, two planes around its end, a line, and its path on a plane.
fn planes() -> Bench {
    let bench = Bench::trained();
    bench.ok("surface --run moons --grid 5 --name a_b");
    bench.ok("surface --run moons --grid 5 --seed 9 --name c");
    bench.ok("line --run moons --grid 5 --name line");
    bench.ok("trajectory --run moons --grid 5 --name path");
    bench
}

#[test]
fn figures_have_the_size_of_their_page() {
    let bench = planes();
    bench.ok("plot a_b --size slide --colormap magma -o slide.svg");
    assert!(
        bench
            .read("slide.svg")
            .contains("width=\"160.000mm\" height=\"90.000mm\"")
    );
    bench.ok("plot a_b c --panels --size double --width 174 --style grey -o both.svg");
    let both = bench.read("both.svg");
    assert!(both.contains("width=\"174.000mm\"") && both.contains("font-size=\"8\""));
    assert!(both.contains(">(a) a_b<") && both.contains(">(b) c<"));
    bench.ok("plot a_b path --panels --title Two -o two.pdf");
    assert!(
        std::fs::read(bench.path("two.pdf"))
            .unwrap()
            .starts_with(b"%PDF")
    );
    bench.ok("plot line -o line.tex");
    let tex = bench.read("line.tex");
    assert!(tex.contains("% Run: line") && tex.contains("\\begin{axis}"));
    let message = bench.fails("plot a_b --kind surface -o a.tex");
    assert!(
        message.contains("no lines for LaTeX") && message.contains(".pdf"),
        "{message}"
    );
    let message = bench.fails("plot a_b line --kind contour --panels -o a.svg");
    assert!(message.contains("direction"), "{message}");
}

#[test]
fn paths_move_and_leave_for_other_programs() {
    let bench = planes();
    for (ending, start) in [
        ("gif", &b"GIF89a"[..]),
        ("webp", b"RIFF"),
        ("apng", b"\x89PNG"),
    ] {
        bench.ok(&format!("plot path --dpi 40 -o path.{ending}"));
        let file = std::fs::read(bench.path(&format!("path.{ending}"))).unwrap();
        assert!(file.starts_with(start), "{ending}");
    }
    bench.ok("plot path --kind surface --dpi 36 -o surface.gif");
    let message = bench.fails("plot line --kind line -o line.gif");
    assert!(message.contains("--kind trajectory"), "{message}");
    let message = bench.fails("plot a_b -o plane.gif");
    assert!(message.contains("has no path"), "{message}");
    let message = bench.fails("surface --run moons --grid 3 -o new.gif");
    assert!(message.contains("landscape plot"), "{message}");
    let scene = bench.json("export path --format gltf --height log -o path.glb");
    assert!(scene["vertices"].as_u64().unwrap() >= 25);
    assert!(
        std::fs::read(bench.path("path.glb"))
            .unwrap()
            .starts_with(b"glTF")
    );
    bench.ok("export path -o path.gltf");
    assert!(bench.read("path.gltf").contains("\"name\":\"moons\""));
    bench.ok("export a_b --height flat -o plane.obj");
    assert!(bench.read("plane.obj").contains("\no surface\n"));
    let message = bench.fails("export line -o line.obj");
    assert!(message.contains("2 direction(s)"), "{message}");
    let message = bench.fails("export a_b --format gltf");
    assert!(message.contains("-o a_b.gltf"), "{message}");
    let message = bench.fails("import path.gltf --format gltf");
    assert!(message.contains("gltf"), "{message}");
}
