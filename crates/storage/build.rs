//! Tells where a DuckDB that is not compiled in stands, so that programs find it when they run.

use std::env;

fn main() {
    println!("cargo::rerun-if-env-changed=DUCKDB_LIB_DIR");
    let bundled = env::var_os("CARGO_FEATURE_BUNDLED").is_some();
    let windows = env::var_os("CARGO_CFG_WINDOWS").is_some();
    if let (false, false, Ok(dir)) = (bundled, windows, env::var("DUCKDB_LIB_DIR")) {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{dir}");
        println!("cargo::metadata=library={dir}");
    }
}
