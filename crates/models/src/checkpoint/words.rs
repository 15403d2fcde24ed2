//! Other libraries' words for the same layers.

use regex::Regex;
use std::sync::LazyLock;

/// Modules around others that give no name of their own to anything.
const TRANSPARENT: &[&str] = &[
    "module",
    "_module",
    "_orig_mod",
    "_fsdp_wrapped_module",
    "_forward_module",
    "_checkpoint_wrapped_module",
];

/// The name without words of wrappers, wherever they stand.
pub(super) fn without_wrappers(name: &str) -> String {
    let parts = name.split('.').filter(|part| !TRANSPARENT.contains(part));
    parts.collect::<Vec<_>>().join(".")
}

/// Expressions and what stands for their matches, in this order: torchvision's and timm's residual networks, the last
/// layer of all of them, torchvision's DenseNets, the vision transformers of torchvision and Hugging Face, in the
/// words of this crate (timm's for the latter), and GPT-2 without a head.
const RULES: &[(&str, &str)] = &[
    (r"\.downsample\.", ".shortcut."),
    (
        r"(^|\.)(?:heads\.head|head\.fc|fc|classifier|head|last_linear)\.(weight|bias)$",
        "${1}linear.$2",
    ),
    (r"(^|\.)features\.conv0\.", "${1}conv1."),
    (r"(^|\.)features\.norm0\.", "${1}bn1."),
    (r"(^|\.)features\.norm5\.", "${1}bn."),
    (
        r"(^|\.)features\.transition(\d+)\.(norm|conv)\.",
        "${1}trans$2.$3.",
    ),
    (r"(^|\.)trans(\d+)\.norm\.", "${1}trans$2.bn."),
    (
        r"(^|\.)features\.denseblock(\d+)\.denselayer(\d+)\.norm\.?(\d)\.",
        "${1}dense$2.$3.bn$4.",
    ),
    (
        r"(^|\.)features\.denseblock(\d+)\.denselayer(\d+)\.conv\.?(\d)\.",
        "${1}dense$2.$3.conv$4.",
    ),
    (r"(^|\.)class_token$", "${1}cls_token"),
    (r"(^|\.)conv_proj\.", "${1}patch_embed.proj."),
    (r"(^|\.)encoder\.pos_embedding$", "${1}pos_embed"),
    (r"(^|\.)encoder\.ln\.", "${1}norm."),
    (
        r"(^|\.)encoder\.layers\.encoder_layer_(\d+)\.",
        "${1}blocks.$2.",
    ),
    (r"(blocks\.\d+)\.ln_(\d)\.", "$1.norm$2."),
    (r"(blocks\.\d+)\.self_attention\.in_proj_", "$1.attn.qkv."),
    (
        r"(blocks\.\d+)\.self_attention\.out_proj\.",
        "$1.attn.proj.",
    ),
    (r"(blocks\.\d+)\.mlp\.(?:0|linear_1)\.", "$1.mlp.fc1."),
    (r"(blocks\.\d+)\.mlp\.(?:3|linear_2)\.", "$1.mlp.fc2."),
    (r"(^|\.)vit\.", "$1"),
    (r"(^|\.)embeddings\.cls_token$", "${1}cls_token"),
    (r"(^|\.)embeddings\.position_embeddings$", "${1}pos_embed"),
    (
        r"(^|\.)embeddings\.patch_embeddings\.projection\.",
        "${1}patch_embed.proj.",
    ),
    (r"(^|\.)layernorm\.", "${1}norm."),
    (r"(^|\.)encoder\.layer\.(\d+)\.", "${1}blocks.$2."),
    (r"(blocks\.\d+)\.layernorm_before\.", "$1.norm1."),
    (r"(blocks\.\d+)\.layernorm_after\.", "$1.norm2."),
    (
        r"(blocks\.\d+)\.attention\.attention\.qkv\.",
        "$1.attn.qkv.",
    ),
    (
        r"(blocks\.\d+)\.attention\.output\.dense\.",
        "$1.attn.proj.",
    ),
    (r"(blocks\.\d+)\.intermediate\.dense\.", "$1.mlp.fc1."),
    (r"(blocks\.\d+)\.output\.dense\.", "$1.mlp.fc2."),
    (r"(^|\.)transformer\.(wte|wpe|h\.\d+|ln_f)\.", "${1}$2."),
];

/// A layer of a dense block that counts from 1.
const DENSE_LAYER: &str = r"denselayer(\d+)\.";

struct Rules {
    all: Vec<(Regex, &'static str)>,
    dense_layer: Regex,
}

static COMPILED: LazyLock<Rules> = LazyLock::new(|| {
    let regex = |text| Regex::new(text).expect("a fixed expression is right");
    Rules {
        all: RULES.iter().map(|(from, to)| (regex(from), *to)).collect(),
        dense_layer: regex(DENSE_LAYER),
    }
});

/// The longest name that is read in other words.
const LONGEST: usize = 512;

/// The name in this crate's words, without wrappers. Names of any network may be compared so: equal layers have equal
/// names.
pub(super) fn translated(name: &str) -> String {
    let mut name = without_wrappers(name);
    if name.len() > LONGEST {
        return name;
    }
    let rules = &*COMPILED;
    if let Some(found) = rules.dense_layer.captures(&name) {
        // As a place in a list, from 0.
        let place = found[1].parse::<usize>().unwrap_or(0).saturating_sub(1);
        let whole = found.get(0).expect("a match has a whole").range();
        name.replace_range(whole, &format!("denselayer{place}."));
    }
    for (from, to) in &rules.all {
        if let std::borrow::Cow::Owned(changed) = from.replace(&name, *to) {
            name = changed;
        }
    }
    name
}

/// What differs between two names of a tensor: a word where that is all, else the names of the layers, or the whole.
pub(super) fn difference(theirs: &str, own: &str) -> Option<(String, String)> {
    let layer = |name: &'_ str| {
        name.rsplit_once('.')
            .map_or("", |(layer, _)| layer)
            .to_owned()
    };
    let (a, b) = (layer(theirs), layer(own));
    let (words, others): (Vec<&str>, Vec<&str>) = (a.split('.').collect(), b.split('.').collect());
    let mut differing = words.iter().zip(&others).filter(|(a, b)| a != b);
    let pair = |(a, b): (&str, &str)| Some((a.to_owned(), b.to_owned()));
    match (differing.next(), differing.next()) {
        _ if theirs == own => None,
        _ if a == b => pair((theirs, own)),
        _ if a.is_empty() || b.is_empty() => pair((theirs, own)),
        (Some((a, b)), None) if words.len() == others.len() => pair((a, b)),
        _ => Some((a, b)),
    }
}

/// The name with `N` for every number.
pub(super) fn pattern(name: &str) -> (String, Vec<u64>) {
    let mut pattern = String::with_capacity(name.len());
    let mut numbers = Vec::new();
    let mut rest = name;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        pattern.push_str(&rest[..start]);
        pattern.push('N');
        let digits = &rest[start..];
        let end = { digits.find(|c: char| !c.is_ascii_digit()) }.unwrap_or(digits.len());
        numbers.push(digits[..end].parse().unwrap_or(u64::MAX));
        rest = &digits[end..];
    }
    pattern.push_str(rest);
    (pattern, numbers)
}
