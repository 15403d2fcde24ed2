use landscape_core::{
    Grid, Measured, Outcome, Progress, Sampler, Shard, ShardError, Shards, Surface, from_fn,
};
use proptest::prelude::*;

fn shard(words: &str) -> Shard {
    words.parse().unwrap()
}

proptest! {
    /// Shards of a list are its parts: together all of it, and no unit twice.
    #[test]
    fn shards_divide_a_list(units in 0usize..300, of in 1usize..40) {
        let list: Vec<usize> = (0..units).collect();
        let parts: Vec<Vec<usize>> = (0..of).map(|k| Shard::new(k, of).unwrap().part(&list)).collect();
        for (number, part) in parts.iter().enumerate() {
            let shard = Shard::new(number, of).unwrap();
            prop_assert_eq!(part.len(), shard.count(units));
            prop_assert!(part.iter().all(|&place| shard.has(place) && place % of == number));
        }
        let mut all = parts.concat();
        all.sort_unstable();
        prop_assert_eq!(all, list);
    }

    #[test]
    fn a_set_of_shards_is_read_as_it_is_written(
        some in proptest::collection::vec((0usize..40, 1usize..40), 0..30),
        units in 0usize..200,
    ) {
        let some: Vec<Shard> = some.into_iter().filter_map(|(k, n)| Shard::new(k, n).ok()).collect();
        let all: Shards = some.iter().copied().collect();
        if !all.is_empty() {
            prop_assert_eq!(&all.to_string().parse::<Shards>().unwrap(), &all);
        }
        let count = (0..units).filter(|&place| some.iter().any(|shard| shard.has(place))).count();
        prop_assert_eq!(all.count(units), count);
    }
}

#[test]
fn a_set_of_shards_in_words() {
    let words = |some: &[&str]| some.iter().map(|word| shard(word)).collect::<Shards>();
    let all = words(&["0/16", "7/16", "1/16", "2/16", "1/2", "3/16"]);
    assert_eq!(all.to_string(), "1/2; 0-3,7/16");
    assert_eq!(all.divisions(), [2, 16]);
}

#[test]
fn what_is_no_shard() {
    for words in [
        "",
        "/",
        "1",
        "1/",
        "/2",
        "a/2",
        "-1/2",
        "+1/2",
        "1/2/3",
        "1.0/2",
        " 1/2",
        "0x1/2",
        "99999999999999999999/99999999999999999999",
        "1 / 2",
    ] {
        let given = words.to_owned();
        assert_eq!(
            words.parse::<Shard>(),
            Err(ShardError::Words { given }),
            "{words}"
        );
    }
    for (number, of) in [(0, 0), (1, 1), (4, 4), (5, 4)] {
        let wrong = Err(ShardError::Number { number, of });
        assert_eq!(format!("{number}/{of}").parse::<Shard>(), wrong);
    }
    assert!("0-999999999/1000000000".parse::<Shards>().is_err());
    assert!("0/1000001".parse::<Shard>().is_err());
    assert_eq!(
        Shard::new(4, 4).unwrap_err().to_string(),
        "there is no shard 4 of 4: they are counted from 0/4 to 3/4"
    );
}

/// Each shard of a surface is a coarse map of it, and the samples are those of the undivided surface.
#[test]
fn shards_of_a_surface_are_coarse_maps() {
    let wave = from_fn(|[x, y]: [f64; 2]| (3.0 * x).sin() + y * y);
    let grid = Grid::square(21, 1.0, 2).unwrap();
    let mut whole = Surface::new(grid.clone(), vec![]);
    Sampler::new().run(&wave, &mut whole, &mut []).unwrap();
    let mut merged = Surface::new(grid.clone(), vec![]);
    for number in 0..4 {
        let shard = Shard::new(number, 4).unwrap();
        let points = shard.part(&grid.coarse_to_fine());
        let mut part = Surface::new(grid.clone(), vec![]);
        let mut last = (0, 0);
        let mut observer = |_: &[Measured], progress: Progress| {
            last = (progress.done, progress.total);
            Ok(())
        };
        let ended = Sampler::new().run_on(&points, &wave, &mut part, &mut [&mut observer]);
        assert_eq!(ended.unwrap(), Outcome::Complete);
        assert_eq!(last, (points.len(), points.len()));
        assert_eq!(part.measured(), shard.count(grid.len()));
        let quarter = |index: usize| {
            grid.unravel(index)[..2]
                .iter()
                .map(|i| i / 11)
                .collect::<Vec<_>>()
        };
        let mut met: Vec<_> = points.iter().take(40).map(|&i| quarter(i)).collect();
        met.sort();
        met.dedup();
        assert_eq!(
            met.len(),
            4,
            "the first points of shard {shard} lie in every quarter"
        );
        for index in points {
            merged.set(index, part.get(index).unwrap().clone()).unwrap();
        }
    }
    assert_eq!(merged, whole);
    let outside = Sampler::new().run_on(&[441], &wave, &mut merged, &mut []);
    assert!(outside.is_err());
}
