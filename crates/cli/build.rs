//! The program looks for DuckDB's library beside itself, where the Python package carries it, and then where `landscape-storage` was
//! linked with it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo::rustc-link-arg-bins=-Wl,-rpath,$ORIGIN");
    }
    if let Ok(dir) = std::env::var("DEP_LANDSCAPE_STORAGE_LIBRARY") {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{dir}");
    }
}
