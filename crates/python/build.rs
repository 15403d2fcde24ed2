//! The module looks for DuckDB's library beside itself, where the wheel carries it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    match std::env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("macos") => {
            println!("cargo::rustc-link-arg-cdylib=-Wl,-rpath,@loader_path");
            println!("cargo::rustc-link-arg-cdylib=-undefined");
            println!("cargo::rustc-link-arg-cdylib=dynamic_lookup");
        }
        Ok("linux") => println!("cargo::rustc-link-arg-cdylib=-Wl,-rpath,$ORIGIN"),
        _ => {}
    }
}
