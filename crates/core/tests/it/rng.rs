use crate::support::assert_close;
use landscape_core::Rng;

/// From tests/reference/rng.py: numbers 0, 1, 2 and 99.
const BITS: [(u64, u64, [u64; 4]); 4] = [
    (
        0,
        0,
        [
            0xe8beaa53449e322d,
            0x341d9207851d2a21,
            0xf079689fc5413547,
            0xbd46263ee25c4d38,
        ],
    ),
    (
        0,
        1,
        [
            0xa21bb173134bf950,
            0x3e84709689bfe579,
            0xab95b31fea4e7879,
            0xcc7d8819f2e7f775,
        ],
    ),
    (
        42,
        0,
        [
            0x2e65b0febea8b533,
            0x618b8cc91069abc5,
            0xcd7f6c41b502e0e2,
            0xce39c78f4830106f,
        ],
    ),
    (
        u64::MAX,
        7,
        [
            0x5ea95ac04aeb0cb0,
            0x3f795194d96adcbd,
            0x88378fe801a5599c,
            0x5cc964d1b846d491,
        ],
    ),
];

/// From tests/reference/rng.py, whose logarithm and cosine may differ in the last place.
const NORMALS: [(u64, u64, [f64; 4]); 2] = [
    (
        0,
        0,
        [
            0.6298580595096226,
            2.097754757650981,
            -2.3073775493908295,
            0.5304377513097861,
        ],
    ),
    (
        42,
        0,
        [
            -0.4638050397270949,
            0.4298970306561715,
            0.8347810211579553,
            -1.596702722035591,
        ],
    ),
];

#[test]
fn bits_are_those_of_an_independent_chacha8() {
    for (seed, stream, [first, second, third, hundredth]) in BITS {
        let mut rng = Rng::new(seed, stream);
        let drawn: Vec<u64> = (0..100).map(|_| rng.next_u64()).collect();
        assert_eq!(
            [drawn[0], drawn[1], drawn[2], drawn[99]],
            [first, second, third, hundredth]
        );
    }
}

#[test]
fn normals_are_the_golden_ones() {
    for (seed, stream, want) in NORMALS {
        let mut rng = Rng::new(seed, stream);
        for w in want {
            assert_close(rng.normal(), w, 4e-16);
        }
    }
}

/// Bit patterns that must be the same on every platform.
#[test]
fn normals_have_golden_bits() {
    let mut rng = Rng::new(42, 3);
    let mut hash = 0u64;
    for _ in 0..10_000 {
        hash = hash.rotate_left(5) ^ rng.normal().to_bits();
    }
    assert_eq!(hash, GOLDEN_HASH);
}

const GOLDEN_HASH: u64 = 8288654377702642092;

#[test]
fn moments_are_right() {
    let mut rng = Rng::new(7, 0);
    let n = 200_000;
    let normals: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
    let moment = |k: i32| normals.iter().map(|x| x.powi(k)).sum::<f64>() / f64::from(n);
    assert_close(moment(1), 0.0, 0.01);
    assert_close(moment(2), 1.0, 0.02);
    assert_close(moment(3), 0.0, 0.04);
    assert_close(moment(4), 3.0, 0.04);
    let uniform: Vec<f64> = (0..n).map(|_| rng.uniform(-1.0, 1.0)).collect();
    assert!(uniform.iter().all(|u| (-1.0..1.0).contains(u)));
    assert_close(uniform.iter().sum::<f64>() / f64::from(n), 0.0, 0.01);
    let signs: f64 = (0..n).map(|_| rng.rademacher()).sum();
    assert_close(signs / f64::from(n), 0.0, 0.01);
}

#[test]
fn below_is_uniform_and_shuffle_permutes() {
    let mut rng = Rng::new(1, 1);
    let mut counts = [0u32; 6];
    for _ in 0..60_000 {
        counts[rng.below(6) as usize] += 1;
    }
    assert!(
        counts.iter().all(|c| (9_500..10_500).contains(c)),
        "{counts:?}"
    );
    assert_eq!((rng.below(0), rng.below(1)), (0, 0));
    let mut items: Vec<usize> = (0..100).collect();
    rng.shuffle(&mut items);
    assert_ne!(items, (0..100).collect::<Vec<_>>());
    items.sort_unstable();
    assert_eq!(items, (0..100).collect::<Vec<_>>());
}

#[test]
fn threads_draw_the_same() {
    let draw = || {
        (0..1000)
            .map({
                let mut rng = Rng::new(3, 2);
                move |_| rng.normal().to_bits()
            })
            .collect::<Vec<_>>()
    };
    let here = draw();
    std::thread::scope(|scope| {
        for handle in (0..4).map(|_| scope.spawn(draw)).collect::<Vec<_>>() {
            assert_eq!(handle.join().unwrap(), here);
        }
    });
}
