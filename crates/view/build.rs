//! Programs look for DuckDB's library where `landscape-storage` was linked with it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Ok(dir) = std::env::var("DEP_LANDSCAPE_STORAGE_LIBRARY") {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{dir}");
    }
}
