//! What to do about operations that are not supported.

/// Parts of names of operations, and the way out that is theirs.
const WAYS: &[(&[&str], &str)] = &[
    (
        &["fft", "stft", "dft", "complex", "polar"],
        "complex numbers are not supported: a Fourier transform of n numbers is two products with real matrices, which the network \
         can hold as buffers (torch.fft.fft(torch.eye(n)).real and .imag), and a rotation is x * cos + turned(x) * sin",
    ),
    (
        &[
            "higher_order.cond",
            "higher_order.while",
            "higher_order.scan",
        ],
        "what is computed depends on the data there: compute both branches and choose with torch.where, and write loops of a fixed \
         number of steps as Python's, which the export writes out",
    ),
    (
        &["embedding_bag"],
        "take the rows with torch.nn.functional.embedding, and their sum or mean over the axis of the bag",
    ),
    (
        &[
            "quantize",
            "fake_quant",
            "qlinear",
            "qgemm",
            "matmulinteger",
            "convinteger",
        ],
        "rounded numbers have no slopes: export the network as it was before it was quantised",
    ),
    (
        &[
            "nms",
            "nonmaxsuppression",
            "roi_",
            "roialign",
            "deform_conv",
        ],
        "export the part of the network before boxes are chosen, with a loss of what it gives",
    ),
    (
        &["ai.onnx.ml"],
        "trees, tables and kernels of `ai.onnx.ml` have no parameters with slopes: a network of layers is wanted",
    ),
    (
        &["householder", "matrix_exp", "parametrizations"],
        "make a plain tensor of the parametrised one before the export: \
         torch.nn.utils.parametrize.remove_parametrizations(layer, \"weight\")",
    ),
    (
        &["linalg", "inverse", "cholesky", "svd", "triangular_solve"],
        "decompositions of matrices are not supported: what does not depend on the parameters can be computed before and held as a \
         buffer, and an inverse written as a few steps of Newton's (x = x @ (2 * eye - a @ x))",
    ),
];

/// The way out of the first operation that has one of its own, else those of all.
pub(crate) fn of(operations: &[(String, String)]) -> String {
    let way = |(name, _): &(String, String)| {
        let name = name.to_lowercase();
        let fits = |(parts, _): &&(&[&str], &str)| parts.iter().any(|part| name.contains(part));
        WAYS.iter().find(fits).map(|(_, way)| (*way).to_owned())
    };
    operations.iter().find_map(way).unwrap_or_else(|| {
        let exported = operations.iter().any(|(name, _)| name.starts_with("torch."));
        let again = match exported {
            true => {
                "export a decomposed program (`torch.export.export(net, args).run_decompositions()`)"
            }
            false => "export a `.pt2` program where the network is PyTorch's",
        };
        format!(
            "write this part of the network with other operations, or {again}; in Python, `loss_landscape.surface` takes any \
             module and calls it as it is"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn operations_of_a_kind_have_a_way_of_their_own() {
        let way = |name: &str| {
            of(&[
                ("torch.ops.aten.foo.default".into(), String::new()),
                (name.into(), String::new()),
            ])
        };
        for (name, words) in [
            ("torch.ops.aten.fft_rfft.default", ".real and .imag"),
            ("DFT", ".real and .imag"),
            ("torch.ops.aten.view_as_complex.default", "a rotation is"),
            ("torch.ops.higher_order.cond", "torch.where"),
            ("torch.ops.aten._embedding_bag.default", "sum or mean"),
            ("QLinearConv", "before it was quantised"),
            (
                "torch.ops.torchvision.nms.default",
                "before boxes are chosen",
            ),
            ("ai.onnx.ml::TreeEnsembleRegressor", "a network of layers"),
            ("torch.ops.aten.linalg_inv_ex.default", "Newton"),
            (
                "torch.ops.aten.linalg_householder_product.default",
                "remove_parametrizations",
            ),
            ("torch.ops.aten.bar.default", "run_decompositions"),
        ] {
            let way = way(name);
            assert!(way.contains(words), "{name}: {way}");
        }
        let onnx = of(&[("com.example::Bar".into(), String::new())]);
        assert!(onnx.contains("export a `.pt2` program"), "{onnx}");
    }
}
