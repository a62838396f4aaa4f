//! Links every program as a static executable without a C library, by the script beside this file.

use std::path::Path;

fn main() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("linker.ld");
    println!("cargo::rerun-if-changed={}", script.display());
    for argument in ["-nostartfiles", "-nostdlib", "-static", "-no-pie"] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    for option in ["--build-id=none", "-z,max-page-size=4096"] {
        println!("cargo::rustc-link-arg-bins=-Wl,{option}");
    }
    println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", script.display());
}
