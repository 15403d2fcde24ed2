//! Data of one's own, as they are named on the command line.

use crate::support::Bench;

const TABLE: &str =
    ",size,rooms,city,price\n0,1.5,3,b,10.5\n1,-2.0,4,a,11\n2,0.25,5,b,12.25\n3,1,2,c,9\n";

#[test]
fn a_column_of_a_table_is_the_target() {
    let bench = Bench::new();
    bench.write("t.csv", TABLE);
    let message = bench.fails("line --model mlp:2-1 --data t.csv --target price");
    assert!(
        message.contains("column `city` holds words (`a`, `b`, `c`, ...)")
            && message.contains("pandas.get_dummies(frame, columns=[\"city\"])")
            && message.contains("drop=city"),
        "{message}"
    );
    let said =
        bench.ok("train --model mlp:2-1 --data t.csv:drop=city --target price --epochs 1 --name t");
    for words in [
        "a column without a name numbers the rows",
        "2 inputs, in the order of the columns: `size`, `rooms`",
    ] {
        assert!(said.err.contains(words), "{}", said.err);
    }
    // A run finds its data again, in the same words.
    bench.ok("line --run t --grid 3 --name of-run");
    let said = bench.ok("line --model mlp:3-3 --data t.csv --target city --grid 3");
    assert!(
        said.err
            .contains("are 3 classes, in alphabetical order from 0: `a`, `b`, `c`"),
        "{}",
        said.err
    );
    bench.write("gap.csv", "a,y\n1,2\n,3\n");
    let message = bench.fails("line --model mlp:1-1 --data gap.csv --target y");
    assert!(
        message.contains("row 2, `a`: there is no value"),
        "{message}"
    );
    let message = bench.fails("line --model mlp:1-1 --data gap.csv");
    assert!(
        message.contains("which column holds the targets? its columns are `a`, `y`"),
        "{message}"
    );
    let message = bench.fails("line --model mlp:2-1 --data moons --target y");
    assert!(message.contains("are not a table"), "{message}");
}

/// The same numbers, normalised in the file or by a setting, are the same data.
#[test]
fn normalisation_is_a_setting_of_the_data() {
    let bench = Bench::new();
    bench.write("raw.csv", "a,b,y\n1,20,0\n3,40,1\n5,60,0\n");
    bench.write("own.csv", "a,b,y\n-1,-1,0\n0,0,1\n1,1,0\n");
    let run = |data: &str| {
        let words = format!("line --model mlp:2-2 --data {data} --target y --grid 3");
        bench.json(&words)["center_loss"].as_f64().unwrap()
    };
    assert_eq!(run("raw.csv:mean=3,40,std=2,20"), run("own.csv"));
    assert_ne!(run("raw.csv"), run("own.csv"));
    let stored = bench.ok("sql --json 'SELECT provenance FROM runs ORDER BY name LIMIT 1'");
    let stored = stored.out;
    assert!(stored.contains("(x - (3, 40)) / (2, 20)"), "{stored}");
}
