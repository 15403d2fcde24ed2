//! Why a file of `torch.save` is not read.

/// Why a PyTorch checkpoint is not read. Nothing in such a file is ever run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PickleError {
    /// All that could be weights is made by a class or function that is not understood.
    #[error("it {}", object(name))]
    Global {
        /// Module and name.
        name: String,
    },
    /// A whole module, not its weights.
    #[error(
        "it is a whole module of the class `{class}`, and its code is not run; save its weights where its source is available: \
         torch.save(torch.load(FILE, weights_only=False).state_dict(), OTHER)"
    )]
    Module {
        /// Module and name of the class.
        class: String,
    },
    /// Tensors without names.
    #[error(
        "it is a list of {tensors} tensors without names, but a network's tensors are found by name; \
         save them with their names: torch.save(model.state_dict(), FILE)"
    )]
    List {
        /// How many tensors there are.
        tensors: usize,
    },
    /// A file of another kind, which has a remedy of its own.
    #[error("it is {found}; {remedy}")]
    Other {
        /// What the file is.
        found: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// Text, as it stands in the place of a file that could not be had.
    #[error(
        "it is text, which begins with `{start}`; check where it comes from, and get the file itself"
    )]
    Text {
        /// Its first words.
        start: String,
    },
    /// A pickle opcode that weights do not need, or that does not exist.
    #[error(
        "it has the pickle opcode {code:#04x} at byte {at}, which does not belong in a file of weights"
    )]
    Opcode {
        /// The opcode.
        code: u8,
        /// Its place in the pickle.
        at: usize,
    },
    /// The file ends too early.
    #[error("it ends inside {what}; get the file again")]
    Truncated {
        /// What should go on.
        what: &'static str,
    },
    /// The parts of the file contradict each other.
    #[error("it is corrupt: {reason}; get the file again")]
    Malformed {
        /// What is wrong.
        reason: String,
    },
    /// Reading it would take more than a file of this kind can need.
    #[error("it needs more than {limit} {what}, more than any file of weights needs")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The most that is allowed.
        limit: usize,
    },
    /// It unpacks to more than its length lets expect.
    #[error("{0}")]
    TooLarge(#[from] crate::TooLarge),
    /// The file is sound, but of a kind that is not read.
    #[error("{found}; save it with torch.save(model.state_dict(), FILE)")]
    Kind {
        /// What the file is.
        found: &'static str,
    },
    /// There is no dictionary of tensors in it.
    #[error("it holds no dictionary of tensors; save one: torch.save(model.state_dict(), FILE)")]
    NoTensors,
    /// Several dictionaries of tensors could be the one that is meant.
    #[error(
        "it holds several dictionaries of tensors: {}; name the one that is wanted after the file, as in FILE:{}, or \
         save it by itself: torch.save({expression}, OTHER)",
        names.join(", "),
        names.first().map_or("KEY", String::as_str)
    )]
    Ambiguous {
        /// Their keys.
        names: Vec<String>,
        /// The first of them, in Python.
        expression: String,
    },
}

/// Kinds of tensors that are not read, by parts of the names of what makes them: what they are, and what to write in Python
/// for a tensor `v` that is read.
const TENSORS: &[(&[&str], &str, &str)] = &[
    (
        &["float8"],
        "tensors of 8-bit floating-point numbers",
        "v.float()",
    ),
    (
        &["Complex", "complex"],
        "tensors of complex numbers",
        "torch.view_as_real(v)",
    ),
    (
        &[
            "qtensor",
            "QInt8Storage",
            "QUInt8Storage",
            "QInt32Storage",
            "qint8",
            "quint8",
        ],
        "quantised tensors",
        "v.dequantize()",
    ),
    (&["_sparse_tensor"], "sparse tensors", "v.to_dense()"),
];

/// What a file asks for that is not read, and the remedy.
fn object(name: &str) -> String {
    let is = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if let Some((_, what, value)) = TENSORS.iter().find(|(parts, ..)| is(parts)) {
        return format!(
            "holds {what} (`{name}`), which are not read (nothing was run); save them as usual ones: \
             torch.save({{k: {value} for k, v in torch.load(FILE).items()}}, OTHER)"
        );
    }
    if is(&["meta_tensor"]) {
        return "holds tensors of the device `meta`, which have shapes and no values (nothing was run); save the network once its weights are loaded".into();
    }
    if is(&["torch.distributed"]) {
        return format!(
            "holds tensors that are divided among processes (`{name}`; nothing was run); save whole ones: \
             torch.distributed.checkpoint.state_dict.get_model_state_dict(model, options=StateDictOptions(full_state_dict=True))"
        );
    }
    if is(&["_load_from_bytes"]) {
        return "holds tensors that `pickle.dump` wrote (nothing was run); save them with PyTorch: torch.save(pickle.load(open(FILE, \"rb\")), OTHER)".into();
    }
    format!(
        "asks for the Python object `{name}`, which does not belong in a file of weights; nothing was run; \
         save the weights alone: torch.save(model.state_dict(), FILE)"
    )
}
