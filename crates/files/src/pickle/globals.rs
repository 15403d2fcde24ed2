//! The Python classes and functions that are understood. Each is a row here and a rule in
//! [`rebuild`](super::rebuild); none is ever imported. A name that has no row stands for an object that nothing is
//! known of: what does not depend on it is read, and only a tensor that does is refused.

use crate::Stored;

/// A class or function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Global {
    /// `collections.OrderedDict`, and the class of plain dictionaries.
    OrderedDict,
    /// `collections.defaultdict` and `collections.Counter`: dictionaries, whatever they are made of.
    Dict,
    /// `torch._utils._rebuild_tensor` and `_v2`: storage, offset, shape, strides, ...
    Tensor,
    /// `torch._utils._rebuild_tensor_v3`: the same of untyped bytes, with the type at the end.
    TypedTensor,
    /// `_rebuild_parameter` and the class itself: the first argument, a tensor.
    Parameter,
    /// `torch._tensor._rebuild_from_type_v2`: function, type, the function's arguments, state.
    FromType,
    /// `torch.Size` of a sequence.
    Size,
    /// A class of storages; `None` for untyped bytes.
    Storage(Option<Stored>),
    /// `torch.float32`, ...
    Type(Stored),
    /// What checkpoints carry beside their weights. Nothing is made of it.
    Inert,
    /// What is not understood, by its place in the arena's list of classes. Nothing is made of it either.
    Unknown(usize),
}

/// What a name stands for; `None` for one that is not understood.
pub(super) fn lookup(module: &[u8], name: &[u8]) -> Option<Global> {
    find(text(module)?, text(name)?)
}

/// A name for messages: whatever it is, it is short and can be printed.
pub(super) fn shown(module: &[u8], name: &[u8]) -> String {
    let shown = |text: &[u8]| -> String {
        let text = String::from_utf8_lossy(text);
        text.chars().take(80).flat_map(char::escape_debug).collect()
    };
    format!("{}.{}", shown(module), shown(name))
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn find(module: &str, name: &str) -> Option<Global> {
    Some(match (module, name) {
        ("collections", "OrderedDict") | ("builtins" | "__builtin__", "dict") => {
            Global::OrderedDict
        }
        ("collections", "defaultdict" | "Counter") => Global::Dict,
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Global::Tensor,
        ("torch._utils", "_rebuild_tensor_v3") => Global::TypedTensor,
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state")
        | ("torch.nn.parameter", "Parameter" | "Buffer")
        | ("torch.autograd.variable", "Variable")
        | ("torch", "Tensor") => Global::Parameter,
        ("torch._tensor", "_rebuild_from_type_v2") => Global::FromType,
        ("torch", "Size") => Global::Size,
        ("torch.storage", "UntypedStorage") => Global::Storage(None),
        ("torch" | "torch.cuda", class) if class.ends_with("Storage") => {
            Global::Storage(Some(storage(class)?))
        }
        ("torch", word) => match element(word) {
            Some(kind) => Global::Type(kind),
            None if word == "device" => Global::Inert,
            None => return None,
        },
        _ if is_inert(module, name) => Global::Inert,
        _ => return None,
    })
}

/// The elements of a class of storages.
fn storage(class: &str) -> Option<Stored> {
    Some(match class.strip_suffix("Storage")? {
        "Double" => Stored::F64,
        "Float" => Stored::F32,
        "Half" => Stored::F16,
        "BFloat16" => Stored::Bf16,
        "Long" => Stored::I64,
        "Int" => Stored::I32,
        "Short" => Stored::I16,
        "Char" => Stored::I8,
        "Byte" => Stored::U8,
        "Bool" => Stored::Bool,
        _ => return None,
    })
}

/// The elements of a `torch.dtype`.
fn element(word: &str) -> Option<Stored> {
    Some(match word {
        "float64" => Stored::F64,
        "float32" => Stored::F32,
        "float16" => Stored::F16,
        "bfloat16" => Stored::Bf16,
        "int64" => Stored::I64,
        "int32" => Stored::I32,
        "int16" => Stored::I16,
        "int8" => Stored::I8,
        "uint64" => Stored::U64,
        "uint32" => Stored::U32,
        "uint16" => Stored::U16,
        "uint8" => Stored::U8,
        "bool" => Stored::Bool,
        _ => return None,
    })
}

/// Data that training scripts keep beside the weights: accuracies, options, paths.
fn is_inert(module: &str, name: &str) -> bool {
    match module {
        "numpy.core.multiarray" | "numpy._core.multiarray" => {
            matches!(name, "scalar" | "_reconstruct")
        }
        "numpy" => matches!(name, "dtype" | "ndarray"),
        "_codecs" => name == "encode",
        "argparse" => name == "Namespace",
        "pathlib" | "pathlib._local" => matches!(name, "PosixPath" | "WindowsPath"),
        "builtins" | "__builtin__" => matches!(name, "set" | "frozenset" | "complex"),
        _ => false,
    }
}
