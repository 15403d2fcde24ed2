//! What the standard files are, and where they are published.

/// How an archive holds its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// One file, gzip.
    Gzip,
    /// A tar archive, gzip.
    TarGzip,
}

/// A file as it was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Its name, without folders.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256 in lower-case hexadecimal digits.
    pub sha256: String,
}

/// A file on a server, and what is wanted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Its name on the server.
    pub name: String,
    /// How it is packed.
    pub packing: Packing,
    /// The files that are taken out of it; others in it are left there.
    pub files: Vec<Expected>,
}

impl Archive {
    /// The most bytes that it can sensibly have, packed or not: packing makes files smaller.
    pub(super) fn limit(&self) -> u64 {
        let files = self.files.iter();
        files.fold(1 << 20, |sum: u64, file| sum.saturating_add(2 * file.bytes))
    }
}

/// A data set's archives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandardSet {
    /// The folder of its files.
    pub folder: String,
    /// The folder of its archives on a server.
    pub url: String,
    /// The archives.
    pub archives: Vec<Archive>,
}

impl StandardSet {
    /// MNIST: four IDX files, into the folder `mnist`. The sums are those of the files whose MD5
    /// sums are 6bbc9ace..., a25bea73..., 2646ac64... and 27ae3e4e....
    pub fn mnist() -> Self {
        let archive = |name: &str, bytes, sha256| Archive {
            name: format!("{name}.gz"),
            packing: Packing::Gzip,
            files: vec![expected(name, bytes, sha256)],
        };
        StandardSet {
            folder: "mnist".into(),
            url: "https://ossci-datasets.s3.amazonaws.com/mnist".into(),
            archives: vec![
                archive(
                    "train-images-idx3-ubyte",
                    47_040_016,
                    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                ),
                archive(
                    "train-labels-idx1-ubyte",
                    60_008,
                    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                ),
                archive(
                    "t10k-images-idx3-ubyte",
                    7_840_016,
                    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                ),
                archive(
                    "t10k-labels-idx1-ubyte",
                    10_008,
                    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                ),
            ],
        }
    }

    /// CIFAR-10's binary version: six files, into the folder `cifar-10-batches-bin`. The sums are
    /// those of the files whose MD5 sums are 5dd7e06a..., 5ea93a67..., 942cd6a4..., ae636b3b...,
    /// 53f37980... and 803d5f7f....
    pub fn cifar10() -> Self {
        const SUMS: [(&str, &str); 6] = [
            (
                "data_batch_1.bin",
                "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
            ),
            (
                "data_batch_2.bin",
                "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
            ),
            (
                "data_batch_3.bin",
                "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
            ),
            (
                "data_batch_4.bin",
                "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
            ),
            (
                "data_batch_5.bin",
                "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
            ),
            (
                "test_batch.bin",
                "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
            ),
        ];
        StandardSet {
            folder: "cifar-10-batches-bin".into(),
            url: "https://www.cs.toronto.edu/~kriz".into(),
            archives: vec![Archive {
                name: "cifar-10-binary.tar.gz".into(),
                packing: Packing::TarGzip,
                files: SUMS
                    .iter()
                    .map(|(name, sha256)| expected(name, 30_730_000, sha256))
                    .collect(),
            }],
        }
    }
}

impl StandardSet {
    /// CIFAR-100's binary version: two files, into the folder `cifar-100-binary`. The sums are those of the archive whose
    /// MD5 sum is 03b5dce0....
    pub fn cifar100() -> Self {
        const FILES: [(&str, u64, &str); 2] = [
            (
                "train.bin",
                153_700_000,
                "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29",
            ),
            (
                "test.bin",
                30_740_000,
                "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a",
            ),
        ];
        StandardSet {
            folder: "cifar-100-binary".into(),
            url: "https://www.cs.toronto.edu/~kriz".into(),
            archives: vec![Archive {
                name: "cifar-100-binary.tar.gz".into(),
                packing: Packing::TarGzip,
                files: FILES
                    .iter()
                    .map(|&(name, bytes, sha256)| expected(name, bytes, sha256))
                    .collect(),
            }],
        }
    }
}

fn expected(name: &str, bytes: u64, sha256: &str) -> Expected {
    Expected {
        name: name.to_owned(),
        bytes,
        sha256: sha256.to_owned(),
    }
}
